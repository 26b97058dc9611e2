import MDCore
import MDNumerics

extension SmallCell {
  /// How far a relaxation went.
  struct Relaxation {
    var state: State
    var steps: Int
    /// eV/Å, of those components that may move.
    var largestForce: Double
    var isConverged: Bool
  }

  /// Moves atoms to a minimum of the energy in the fixed cell: L-BFGS (Nocedal and Wright, Numerical Optimization, 2nd ed.,
  /// algorithm 7.4) over the last 12 steps, each cut to 0.15 Å an atom and halved until the energy does not rise. Collective.
  ///
  /// - Parameters:
  ///   - tolerance: of the largest force component, eV/Å.
  ///   - mobile: 1 for the components of an atom that may move and 0 for the others; all if nil.
  func relax(to tolerance: Double, mobile: [Vector3]? = nil, maximumSteps: Int = 2000) throws -> Relaxation {
    func free(_ forces: [Vector3]) -> [Vector3] { mobile.map { zip(forces, $0).map { $0 * $1 } } ?? forces }
    func largest(_ v: [Vector3]) -> Double { v.reduce(0) { max($0, abs($1.x), abs($1.y), abs($1.z)) } }
    var state = try state()
    var force = free(state.forces)
    var history: [(step: [Vector3], change: [Vector3], product: Double)] = []
    var steps = 0
    while largest(force) > tolerance, steps < maximumSteps {
      steps += 1
      var direction = Self.direction(force, history)
      if Self.dot(direction, force) <= 0 {
        history = []
        direction = Self.direction(force, history)
      }
      let far = direction.map(\.length).max() ?? 0
      var scale = min(1, 0.15 / far)
      let (start, before, old) = (positions, state, force)
      // Energies are known to some 1e-13 of themselves: less is no rise.
      let slack = 1e-12 * max(1, abs(before.energy))
      while true {
        try move(to: zip(start, direction).map { $0 + scale * $1 })
        state = try self.state()
        if state.energy <= before.energy + slack { break }
        scale *= 0.5
        if scale * far < 1e-9 {
          try move(to: start)
          return Relaxation(state: try self.state(), steps: steps, largestForce: largest(old), isConverged: false)
        }
      }
      force = free(state.forces)
      let step = direction.map { scale * $0 }
      let change = zip(old, force).map { $0 - $1 }
      let product = Self.dot(step, change)
      if product > 1e-14 * Self.dot(step, step) {
        history.append((step, change, product))
        if history.count > 12 { history.removeFirst() }
      } else {
        history = []
      }
    }
    let rest = largest(force)
    return Relaxation(state: state, steps: steps, largestForce: rest, isConverged: rest <= tolerance)
  }

  /// The two loops: H·f with H the inverse Hessian that the history knows; f/30 (eV/Å²) without one.
  private static func direction(
    _ force: [Vector3], _ history: [(step: [Vector3], change: [Vector3], product: Double)]
  ) -> [Vector3] {
    guard let last = history.last else { return force.map { (1.0 / 30) * $0 } }
    var q = force
    var factors: [Double] = []
    for pair in history.reversed() {
      let a = dot(pair.step, q) / pair.product
      factors.append(a)
      for i in q.indices { q[i] -= a * pair.change[i] }
    }
    let scale = last.product / dot(last.change, last.change)
    for i in q.indices { q[i] = scale * q[i] }
    for (pair, a) in zip(history, factors.reversed()) {
      let b = dot(pair.change, q) / pair.product
      for i in q.indices { q[i] += (a - b) * pair.step[i] }
    }
    return q
  }

  private static func dot(_ a: [Vector3], _ b: [Vector3]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += MDNumerics.dot(a[i], b[i]) }
    return sum
  }
}

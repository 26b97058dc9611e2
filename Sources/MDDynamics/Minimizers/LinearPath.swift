import MDCore
import MDNumerics

/// The equations of a crack's equilibria (`CrackPath`) where its atoms are now, to first order: how forces on the free atoms and on the
/// centre of the ring's field change with their places and with K.
///
/// Vectors are three numbers for each of this rank's atoms and, last, the centre's, which every rank has.
final class LinearPath {
  struct Solution {
    /// Of the free atoms, Å (per MPa√m).
    var moves: [Vector3]
    /// Of the centre.
    var advance: Double
    /// |b − H x|/|b| that was reached, and products with H.
    var residual: Double
    var products: Int
  }

  private let context: DynamicsContext
  private let ring: CrackRing
  private let recompute: () throws -> Void
  private let probe: Double
  private let positions: [Vector3]
  private let forces: [Vector3]
  private let isFree: [Bool]
  /// ∂u/∂α of the ring, of all of it and of the inner half, and ∂²u/∂α² of the latter.
  private let carried: [Vector3]
  private let slopes: [Vector3]
  private let bends: [Vector3]
  private let force: Double

  init(_ context: DynamicsContext, _ ring: CrackRing, recompute: (() throws -> Void)?, probe: Double) {
    guard let recompute else { preconditionFailure("the engine says how to compute forces") }
    (self.context, self.ring, self.recompute, self.probe) = (context, ring, recompute, probe)
    let atoms = context.atoms, n = atoms.localCount
    positions = (0..<n).map { atoms.position[$0] }
    forces = (0..<n).map { atoms.force[$0] }
    isFree = (0..<n).map { atoms.groups[$0] & context.motion.immobile == 0 }
    let (frame, tip) = (ring.frame, ring.state.tip)
    let field = frame.field(ring.state.intensity)
    let step = 1e-3
    let (before, after) = (Self.slopes(atoms, frame, field, tip: tip - step), Self.slopes(atoms, frame, field, tip: tip + step))
    carried = Self.slopes(atoms, frame, field, tip: tip, withMargin: true)
    slopes = Self.slopes(atoms, frame, field, tip: tip)
    bends = zip(before, after).map { (0.5 / step) * ($1 - $0) }
    force = zip(forces, slopes).reduce(0) { $0 + dot($1.0, $1.1) }
  }

  /// ∂u/∂α of the ring's atoms, 0 of others and, without it, of the ring's margin.
  static func slopes(_ atoms: AtomStore, _ frame: CrackFrame, _ field: CrackField, tip: Double, withMargin: Bool = false) -> [Vector3] {
    let sites = CrackRing.sites(atoms)
    return (0..<atoms.localCount).map { i in
      guard atoms.groups[i] & frame.ring != 0 else { return .zero }
      let site = Vector3(sites[3 * i], sites[3 * i + 1], sites[3 * i + 2])
      guard withMargin || !frame.isMargin(site) else { return .zero }
      return -1 * field.gradient(site.x - tip, site.y - frame.tip.y).x
    }
  }

  /// This rank's forces with its atoms displaced. Collective.
  private func probed(_ displaced: (Int) -> Vector3) throws -> UnsafeMutablePointer<Vector3> {
    let atoms = context.atoms
    for i in positions.indices { atoms.position[i] = positions[i] + displaced(i) }
    try recompute()
    return atoms.force.pointer
  }

  /// H v, from forces at a distance of `probe` along v.
  private func product(_ v: [Double]) throws -> [Double] {
    let n = positions.count, advance = v[3 * n]
    func move(_ i: Int) -> Vector3 { Vector3(v[3 * i], v[3 * i + 1], v[3 * i + 2]) }
    let now = try probed { probe * (isFree[$0] ? move($0) : advance * carried[$0]) }
    var result = [Double](repeating: 0, count: 3 * n + 1)
    var sum = 0.0
    for i in 0..<n {
      if isFree[i] {
        let change = (1 / probe) * (forces[i] - now[i])
        (result[3 * i], result[3 * i + 1], result[3 * i + 2]) = (change.x, change.y, change.z)
      }
      sum += dot(now[i], slopes[i] + (probe * advance) * bends[i])
    }
    result[3 * n] = context.communicator.sum((force - sum) / probe)
    return result
  }

  private func solve(_ b: [Double], _ precision: Double, _ products: Int) throws -> (moves: [Vector3], advance: Double, residual: Double, products: Int) {
    let n = positions.count, communicator = context.communicator
    let solver = MinimalResidual(tolerance: precision, limit: products) { a, b in
      var sum = 0.0
      for i in 0..<(3 * n) { sum += a[i] * b[i] }
      return communicator.sum(sum) + a[3 * n] * b[3 * n]
    }
    let found = try solver.solve(b) { try self.product($0) }
    let x = found.solution
    return ((0..<n).map { Vector3(x[3 * $0], x[3 * $0 + 1], x[3 * $0 + 2]) }, x[3 * n], found.residual, found.products)
  }

  /// H a = f: what would bring all to equilibrium at this K. Collective.
  func correction(_ precision: Double, _ products: Int) throws -> Solution {
    var b = [Double](repeating: 0, count: 3 * positions.count + 1)
    for i in positions.indices where isFree[i] { (b[3 * i], b[3 * i + 1], b[3 * i + 2]) = (forces[i].x, forces[i].y, forces[i].z) }
    b[3 * positions.count] = context.communicator.sum(force)
    let a = try solve(b, precision, products)
    return Solution(moves: a.moves, advance: a.advance, residual: a.residual, products: a.products)
  }

  /// H z = ∂f/∂K: how the equilibrium moves with K, per MPa√m. Collective.
  ///
  /// Free atoms are carried along with the field first, which leaves forces near the tip only.
  func response(_ precision: Double, _ products: Int) throws -> Solution {
    let (frame, tip) = (ring.frame, ring.state.tip)
    let unit = frame.field(1)
    let sites = CrackRing.sites(context.atoms)
    let carry = positions.indices.map { i in
      isFree[i] || context.atoms.groups[i] & frame.ring != 0
        ? unit.displacement(sites[3 * i] - tip, sites[3 * i + 1] - frame.tip.y) : .zero
    }
    let step = 1e-5 * ring.state.intensity
    let now = try probed { step * carry[$0] }
    var b = [Double](repeating: 0, count: 3 * positions.count + 1)
    var sum = 0.0
    for i in positions.indices {
      if isFree[i] {
        let change = (1 / step) * (now[i] - forces[i])
        (b[3 * i], b[3 * i + 1], b[3 * i + 2]) = (change.x, change.y, change.z)
      }
      // v is proportional to K.
      sum += (1 + step / ring.state.intensity) * dot(now[i], slopes[i])
    }
    b[3 * positions.count] = context.communicator.sum((sum - force) / step)
    let z = try solve(b, precision, products)
    return Solution(
      moves: positions.indices.map { isFree[$0] ? carry[$0] + z.moves[$0] : .zero }, advance: z.advance, residual: z.residual,
      products: z.products)
  }

  /// Moves the free atoms by `moves`, and the ring to where its field has it with the centre farther by `advance` (Å) and K by
  /// `intensity` (MPa√m). Ghosts are left to the caller.
  func move(by moves: [Vector3], advance: Double, intensity: Double, _ box: Box) {
    for i in positions.indices { context.atoms.position[i] = positions[i] + (isFree[i] ? moves[i] : .zero) }
    ring.hold(ring.state.intensity + intensity, tip: ring.state.tip + advance, context, box: box)
  }
}

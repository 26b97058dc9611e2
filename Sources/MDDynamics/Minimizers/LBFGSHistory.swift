import MDCore
import MDNumerics

/// The vectors of L-BFGS, over the mobile atoms of all ranks and the cell: m pairs (s, y), the gradient g at the start of
/// the line, the direction p; and the inner products that the direction's coefficients follow from.
///
/// Three numbers an atom and vector, in columns that migrate with the atoms: 48 (m + 1) bytes an atom.
final class LBFGSHistory {
  private let memory: Int
  private let cellWidth: Int
  private var pairs: [(change: Column<Double>, gradient: Column<Double>)] = []
  private var gradient: Column<Double>?
  private var direction: Column<Double>?

  /// Slots of the pairs that are known, oldest first.
  private var order: [Int] = []
  /// s_i · y_j and y_i · y_j by slot.
  private var changeGradient: [[Double]]
  private var gradientGradient: [[Double]]
  // The cell's part of each vector; the same on every rank.
  private var cellChange: [[Double]]
  private var cellGradients: [[Double]]
  private var cellGradient: [Double] = []
  private(set) var cellDirection: [Double] = []

  init(memory: Int, cellWidth: Int) {
    self.memory = memory
    self.cellWidth = cellWidth
    let square = [[Double]](repeating: Array(repeating: 0, count: memory), count: memory)
    (changeGradient, gradientGradient) = (square, square)
    let none = [[Double]](repeating: Array(repeating: 0, count: cellWidth), count: memory)
    (cellChange, cellGradients) = (none, none)
  }

  var isEmpty: Bool { order.isEmpty }
  func forget() { order = [] }

  private static func names(_ memory: Int) -> [String] {
    ["lbfgs gradient", "lbfgs direction"] + (0..<memory).flatMap { ["lbfgs s\($0)", "lbfgs y\($0)"] }
  }

  func attach(to atoms: AtomStore) {
    let columns = Self.names(memory).map { atoms.addColumn($0, width: 3, roles: .migrates) }
    (gradient, direction) = (columns[0], columns[1])
    pairs = (0..<memory).map { (columns[2 + 2 * $0], columns[3 + 2 * $0]) }
    forget()
  }

  func detach(from atoms: AtomStore) {
    for name in Self.names(memory) { atoms.removeColumn(name) }
    (gradient, direction, pairs) = (nil, nil, [])
  }

  /// Chooses the direction p at the present forces; `stiffness` (eV/Å²) is used where nothing is known. Collective.
  /// - Returns: g·p, eV, below 0, and the largest displacement of an atom by p, Å.
  func aim(
    _ context: DynamicsContext, cell: CellCoordinates?, stiffness: Double
  ) -> (slope: Double, longest: Double) {
    guard let gradient = gradient?.pointer, let direction = direction?.pointer else {
      preconditionFailure("the history is attached when a relaxation begins")
    }
    let view = context.atoms.view
    let numbers = 3 * view.localCount
    takeGradient(view, immobile: context.motion.immobile, into: gradient)
    cellGradient = (cell?.state.force ?? []).map { -$0 }

    // Inner products with g: those of s, then those of y, then its own.
    var products: [Double] = []
    for slot in order { products.append(Self.product(pairs[slot].change.pointer, gradient, numbers)) }
    for slot in order { products.append(Self.product(pairs[slot].gradient.pointer, gradient, numbers)) }
    products.append(Self.product(gradient, gradient, numbers))
    context.communicator.sum(&products)
    let k = order.count
    for (i, slot) in order.enumerated() {
      products[i] += Self.product(cellChange[slot], cellGradient)
      products[k + i] += Self.product(cellGradients[slot], cellGradient)
    }
    products[2 * k] += Self.product(cellGradient, cellGradient)

    var (ofChange, ofGradient, ofG) = coefficients(
      changeWithG: Array(products[0..<k]), gradientWithG: Array(products[k..<(2 * k)]), stiffness: stiffness)
    var slope = ofG * products[2 * k]
    for i in 0..<k { slope += ofChange[i] * products[i] + ofGradient[i] * products[k + i] }
    if !(slope < 0) || !slope.isFinite {
      forget()
      (ofChange, ofGradient, ofG) = ([], [], -1 / stiffness)
      slope = ofG * products[2 * k]
    }

    for n in 0..<numbers { direction[n] = ofG * gradient[n] }
    cellDirection = cellGradient.map { ofG * $0 }
    for (i, slot) in order.enumerated() {
      let (s, y) = (pairs[slot].change.pointer, pairs[slot].gradient.pointer)
      let (a, b) = (ofChange[i], ofGradient[i])
      for n in 0..<numbers { direction[n] += a * s[n] + b * y[n] }
      for c in 0..<cellWidth { cellDirection[c] += a * cellChange[slot][c] + b * cellGradients[slot][c] }
    }
    var longest = 0.0
    for i in 0..<view.localCount {
      let p = Vector3(direction[3 * i], direction[3 * i + 1], direction[3 * i + 2])
      longest = max(longest, p.squaredLength)
    }
    return (slope, context.communicator.maximum(longest).squareRoot())
  }

  /// The two loops of L-BFGS on coefficients: p = Σ a_i s_i + Σ b_i y_i + c g.
  private func coefficients(
    changeWithG: [Double], gradientWithG: [Double], stiffness: Double
  ) -> (ofChange: [Double], ofGradient: [Double], ofG: Double) {
    let k = order.count
    var (a, b) = ([Double](repeating: 0, count: k), [Double](repeating: 0, count: k))
    var alpha = a
    // q = g − Σ α y, newest first.
    for i in stride(from: k - 1, through: 0, by: -1) {
      var sq = changeWithG[i]
      for j in 0..<k { sq += b[j] * changeGradient[order[i]][order[j]] }
      alpha[i] = sq / changeGradient[order[i]][order[i]]
      b[i] -= alpha[i]
    }
    var scale = 1 / stiffness
    if let newest = order.last { scale = changeGradient[newest][newest] / gradientGradient[newest][newest] }
    b = b.map { scale * $0 }
    // r = γ q + Σ (α − β) s, oldest first.
    for i in 0..<k {
      var yr = scale * gradientWithG[i]
      for j in 0..<k {
        yr += b[j] * gradientGradient[order[i]][order[j]] + a[j] * changeGradient[order[j]][order[i]]
      }
      a[i] += alpha[i] - yr / changeGradient[order[i]][order[i]]
    }
    return (a.map { -$0 }, b.map { -$0 }, -scale)
  }

  /// r ← r + t p of the atoms.
  func drift(_ context: DynamicsContext, by t: Double) {
    guard let direction = direction?.pointer else { return }
    let positions = context.atoms.position.pointer
    for i in 0..<context.atoms.localCount {
      positions[i] += t * Vector3(direction[3 * i], direction[3 * i + 1], direction[3 * i + 2])
    }
  }

  /// Keeps the pair of a step t p that ends at the present forces, if the objective is convex along it. Collective.
  /// - Returns: its stiffness y·y/s·y, eV/Å²; nil if it is not kept.
  func learn(_ context: DynamicsContext, cell: CellCoordinates?, done t: Double) -> Double? {
    guard let old = gradient?.pointer, let direction = direction?.pointer else { return nil }
    let slot = order.count < memory ? (0..<memory).first { !order.contains($0) }! : order[0]
    let kept = order.filter { $0 != slot }
    let view = context.atoms.view
    let numbers = 3 * view.localCount
    let (s, y) = (pairs[slot].change.pointer, pairs[slot].gradient.pointer)
    takeGradient(view, immobile: context.motion.immobile, into: y)
    for n in 0..<numbers {
      s[n] = t * direction[n]
      y[n] -= old[n]
    }
    cellChange[slot] = cellDirection.map { t * $0 }
    cellGradients[slot] = zip(cell?.state.force ?? [], cellGradient).map { -$0 - $1 }

    var products = [Self.product(s, y, numbers), Self.product(y, y, numbers), Self.product(s, s, numbers)]
    for other in kept {
      let (so, yo) = (pairs[other].change.pointer, pairs[other].gradient.pointer)
      products += [Self.product(s, yo, numbers), Self.product(so, y, numbers), Self.product(y, yo, numbers)]
    }
    context.communicator.sum(&products)
    products[0] += Self.product(cellChange[slot], cellGradients[slot])
    products[1] += Self.product(cellGradients[slot], cellGradients[slot])
    products[2] += Self.product(cellChange[slot], cellChange[slot])
    order = kept
    guard products[0] > 1e-6 * (products[1] * products[2]).squareRoot(), products[1] > 0 else { return nil }
    changeGradient[slot][slot] = products[0]
    gradientGradient[slot][slot] = products[1]
    for (i, other) in kept.enumerated() {
      changeGradient[slot][other] = products[3 + 3 * i] + Self.product(cellChange[slot], cellGradients[other])
      changeGradient[other][slot] = products[4 + 3 * i] + Self.product(cellChange[other], cellGradients[slot])
      let both = products[5 + 3 * i] + Self.product(cellGradients[slot], cellGradients[other])
      gradientGradient[slot][other] = both
      gradientGradient[other][slot] = both
    }
    order.append(slot)
    return products[1] / products[0]
  }

  /// g = −f, and 0 for atoms that do not move.
  private func takeGradient(_ view: AtomView, immobile: UInt32, into g: UnsafeMutablePointer<Double>) {
    for i in 0..<view.localCount {
      let f = view.groups[i] & immobile == 0 ? view.forces[i] : .zero
      g[3 * i] = -f.x
      g[3 * i + 1] = -f.y
      g[3 * i + 2] = -f.z
    }
  }

  private static func product(
    _ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, _ count: Int
  ) -> Double {
    var sum = 0.0
    for n in 0..<count { sum += a[n] * b[n] }
    return sum
  }

  private static func product(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

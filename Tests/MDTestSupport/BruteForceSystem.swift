import MDCore
import MDNumerics

/// One rank's worth of atoms with every image within reach as ghosts and O(N²) neighbour lists: the plain
/// statement of what decomposition and cell grids must reproduce, and the bench on which potentials are tested.
public final class BruteForceSystem: GhostCommunicator {
  public let atoms: AtomStore
  public let box: Box
  public private(set) var full: NeighborView!
  public private(set) var half: NeighborView!
  private var owner: [Int32] = []
  private var keep: [AnyObject] = []

  /// `reach` is the length up to which pairs are listed, Å (a cutoff, plus a skin if one is to be tried).
  public init(_ structure: Structure, reach: Double) {
    box = structure.box
    atoms = AtomStore(capacity: structure.count)
    atoms.setLocalCount(structure.count)
    var wrapped: [Vector3] = []
    for i in 0..<structure.count {
      var r = structure.positions[i]
      var image = SIMD3<Int32>.zero
      box.wrap(&r, image: &image)
      wrapped.append(r)
      atoms.position[i] = r
      atoms.image[i] = image
      atoms.id[i] = structure.ids?[i] ?? Int64(i + 1)
      atoms.species[i] = structure.types[i]
      atoms.velocity[i] = structure.velocities?[i] ?? .zero
      atoms.force[i] = .zero
      atoms.shift[i] = .zero
      atoms.groups[i] = 1
    }
    if let charges = structure.charges {
      let column = atoms.needCharge()
      for i in 0..<structure.count { column[i] = charges[i] }
    }
    addGhosts(wrapped, reach: reach)
    full = list(.full, reach: reach)
    half = list(.half, reach: reach)
  }

  private func addGhosts(_ wrapped: [Vector3], reach: Double) {
    var n = SIMD3<Int>.zero
    for k in 0..<3 where box.periodic[k] { n[k] = Int((reach / box.heights[k]).rounded(.up)) }
    let w = Vector3(repeating: reach) / box.heights
    for a in -n.x...n.x {
      for b in -n.y...n.y {
        for c in -n.z...n.z where !(a == 0 && b == 0 && c == 0) {
          let shift = SIMD3<Int32>(Int32(a), Int32(b), Int32(c))
          let move = Double(a) * box.cell.x + Double(b) * box.cell.y + Double(c) * box.cell.z
          for i in wrapped.indices {
            let s = box.fractional(wrapped[i] + move)
            var near = true
            for k in 0..<3 where box.periodic[k] && (s[k] < -w[k] || s[k] > 1 + w[k]) { near = false }
            guard near else { continue }
            let g = atoms.appendGhosts(1)
            owner.append(Int32(i))
            atoms.position[g] = wrapped[i] + move
            atoms.id[g] = atoms.id[i]
            atoms.species[g] = atoms.species[i]
            atoms.groups[g] = atoms.groups[i]
            atoms.shift[g] = shift
            if let charge = atoms.charge { charge[g] = charge[i] }
          }
        }
      }
    }
  }

  private func list(_ kind: NeighborListKind, reach: Double) -> NeighborView {
    let n = atoms.localCount
    let positions = atoms.position.pointer
    let count = atoms.count
    var rows: [[Int32]] = Array(repeating: [], count: n)
    for i in 0..<n {
      for j in 0..<count where j != i {
        guard (positions[j] - positions[i]).squaredLength < reach * reach else { continue }
        if kind == .full || keepsHalf(i, j) { rows[i].append(Int32(j)) }
      }
    }
    let starts = AlignedBuffer<Int>(rows.reduce(into: [0]) { $0.append($0.last! + $1.count) })
    let indices = AlignedBuffer<Int32>(rows.flatMap { $0 } + [0])
    let order = AlignedBuffer<Int32>(
      (0..<n).sorted { (rows[$0].count, $0) < (rows[$1].count, $1) }.map { Int32($0) } + [0])
    keep += [starts, indices, order]
    return NeighborView(
      kind: kind, rowCount: n, starts: starts.pointer, indices: indices.pointer, laneOrder: order.pointer,
      reach: reach)
  }

  private func keepsHalf(_ i: Int, _ j: Int) -> Bool {
    if j < atoms.localCount { return i < j }
    let a = atoms.id[i]
    let b = atoms.id[j]
    if a != b { return ((a + b) % 2 == 0) == (a < b) }
    let s = atoms.shift[j]
    return s.x != 0 ? s.x > 0 : s.y != 0 ? s.y > 0 : s.z > 0
  }

  /// The local atom that this one is, or is an image of.
  public func local(_ i: Int32) -> Int { Int(i) < atoms.localCount ? Int(i) : Int(owner[Int(i) - atoms.localCount]) }

  /// Names of the columns of each call, forth and back.
  public private(set) var exchanges: [[String]] = []

  public func forward(_ columns: [ColumnStorage]) {
    exchanges.append(columns.map(\.name))
    for column in columns { forward(column) }
  }

  public func reverse(_ columns: [ColumnStorage]) {
    exchanges.append(columns.map(\.name))
    for column in columns { reverse(column) }
  }

  private func forward(_ column: ColumnStorage) {
    for (k, i) in owner.enumerated() {
      column.copyRow(Int(i), to: atoms.localCount + k)
      if column.roles.contains(.coordinate) {
        let s = atoms.shift[atoms.localCount + k]
        atoms.position[atoms.localCount + k] +=
          Double(s.x) * box.cell.x + Double(s.y) * box.cell.y + Double(s.z) * box.cell.z
      }
    }
  }

  private func reverse(_ column: ColumnStorage) {
    for (k, i) in owner.enumerated() {
      let source = (column.base + column.stride * (atoms.localCount + k)).assumingMemoryBound(to: Double.self)
      let target = (column.base + column.stride * Int(i)).assumingMemoryBound(to: Double.self)
      for c in 0..<(column.payload / 8) { target[c] += source[c] }
    }
  }

  public struct Result {
    public var energy: Double
    public var virial: Matrix3
    /// In the structure's order.
    public var forces: [Vector3]
    public var atomEnergies: [Double]
    /// Nine numbers an atom.
    public var atomVirials: [Double]
  }

  /// Energy, virial, forces and per-atom results of the sum of the potentials.
  public func evaluate(_ potentials: [any Potential], want: Want = .all) throws -> Result {
    for potential in potentials { try potential.attach(to: atoms) }
    let energies = atoms.needEnergy()
    let virials = atoms.needVirial()
    atoms.clearResults()
    let stream = want.contains(.pairForces) ? atoms.needPairForces() : nil
    stream?.begin(atoms.view, box)
    defer { stream?.finish() }
    var tally = Tally.zero
    for potential in potentials {
      let context = ForceContext(
        atoms: atoms.view, box: box, step: 0, want: want, ghosts: self, full: full, half: half)
      tally += try potential.compute(context)
    }
    reverse([atoms.force.storage, energies.storage, virials.storage])
    let n = atoms.localCount
    return Result(
      energy: tally.energy, virial: tally.virial, forces: (0..<n).map { atoms.force[$0] },
      atomEnergies: (0..<n).map { energies[$0] }, atomVirials: (0..<(9 * n)).map { virials[$0] })
  }
}

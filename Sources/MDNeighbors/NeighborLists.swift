import MDCore
import MDNumerics

/// Full and half neighbour lists of the local atoms of a rank, from a grid of cells.
///
/// Local atoms and ghosts are sorted into Cartesian cells; ghosts carry images, so cell shape and periodicity
/// do not matter here. For each local atom the rows of cells that a sphere of radius `reach` meets are scanned,
/// four distances at a time. Rows of the list follow the scan, so they depend on the order of atoms alone.
package final class NeighborLists {
  /// Pairs up to this distance (cutoff and skin) are listed, Å.
  package let reach: Double
  /// How far ghosts reach beyond the brick, Å; at least `reach`.
  package let halo: Double
  package let kinds: Set<NeighborListKind>

  package struct Statistics: Equatable, Sendable {
    /// Pairs of the half list if there is one, else of the full list.
    package var pairs = 0
    package var longestRow = 0
    /// Memory of lists and cells.
    package var bytes = 0
  }
  package private(set) var statistics = Statistics()

  private let fullRows: RowList?
  private let halfRows: RowList?
  private let cellSort = CellSort()
  private let scratch = AlignedBuffer<Int32>(capacity: 1024)

  /// Positions of local atoms at the last build: x, y, z one after the other.
  private let reference = AlignedBuffer<Double>(capacity: 64)
  private var referenceCount = -1
  private var referenceBox = Box(lengths: Vector3(1, 1, 1))

  package init(reach: Double, halo: Double? = nil, kinds: Set<NeighborListKind>) {
    precondition(reach > 0 && !kinds.isEmpty, "neighbour lists need a positive reach and a kind")
    self.reach = reach
    self.halo = max(halo ?? reach, reach)
    self.kinds = kinds
    fullRows = kinds.contains(.full) ? RowList(kind: .full) : nil
    halfRows = kinds.contains(.half) ? RowList(kind: .half) : nil
  }

  /// The lists of the last build; nil for a kind that was not asked for. Valid until the next build.
  package var full: NeighborView? { referenceCount < 0 ? nil : fullRows?.view(reach: reach) }
  package var half: NeighborView? { referenceCount < 0 ? nil : halfRows?.view(reach: reach) }

  /// Lists all pairs of a local atom and another (local or ghost) closer than `reach`.
  package func build(atoms: AtomStore, box: Box) {
    let view = atoms.view
    let cells = cellSort.sort(view, reach: reach)
    scratch.reserve(view.count + 4)
    fullRows?.begin(rows: view.localCount)
    halfRows?.begin(rows: view.localCount)
    for i in 0..<view.localCount {
      let n = cells.scan(view.positions[i], into: scratch.pointer)
      if let fullRows { addFull(i, n, fullRows) }
      if let halfRows { addHalf(i, n, halfRows, view) }
    }
    fullRows?.finish()
    halfRows?.finish()
    remember(view, box)
    let main = halfRows ?? fullRows
    statistics.pairs = main?.pairs ?? 0
    statistics.longestRow = max(fullRows?.longestRow ?? 0, halfRows?.longestRow ?? 0)
    statistics.bytes =
      (fullRows?.bytes ?? 0) + (halfRows?.bytes ?? 0) + cellSort.bytes + 4 * scratch.capacity + 8 * reference.capacity
  }

  /// Row i of the full list: what the scan found without the atom itself.
  @inline(__always)
  private func addFull(_ i: Int, _ count: Int, _ rows: RowList) {
    let out = rows.row(i, room: count + 1)
    let found = scratch.pointer
    var n = 0
    for k in 0..<count {
      out[n] = found[k]
      n &+= Int(found[k]) != i ? 1 : 0
    }
    rows.end(i, n)
  }

  /// Row i of the half list: the pairs that a rule on integers alone gives to this end, so that exactly one
  /// of the two ends of a pair, on whatever ranks, keeps it: between local atoms the lower place; with a ghost,
  /// by the ids, a checkerboard that gives both ends about half; with an own image, the sign of the first
  /// shift that is not zero.
  @inline(__always)
  private func addHalf(_ i: Int, _ count: Int, _ rows: RowList, _ view: AtomView) {
    let out = rows.row(i, room: count + 1)
    let found = scratch.pointer
    let ids = view.ids
    let own = ids[i]
    let locals = view.localCount
    var n = 0
    for k in 0..<count {
      let j = Int(found[k])
      out[n] = found[k]
      if j < locals {
        n &+= j > i ? 1 : 0
      } else {
        let other = ids[j]
        let keep = other == own ? isPositive(view.shifts[j]) : ((own ^ other) & 1 == 0) == (own < other)
        n &+= keep ? 1 : 0
      }
    }
    rows.end(i, n)
  }

  @inline(__always)
  private func isPositive(_ s: SIMD3<Int32>) -> Bool { s.x != 0 ? s.x > 0 : s.y != 0 ? s.y > 0 : s.z > 0 }

  private func remember(_ view: AtomView, _ box: Box) {
    let n = view.localCount
    reference.reserve(3 * n)
    let out = reference.pointer
    for i in 0..<n {
      let r = view.positions[i]
      out[3 * i] = r.x
      out[3 * i + 1] = r.y
      out[3 * i + 2] = r.z
    }
    referenceCount = n
    referenceBox = box
  }

  /// How far this rank's atoms have moved since the build, Å; the lists hold all pairs within a cutoff as long
  /// as the largest over all ranks is at most (reach − cutoff)/2 (and likewise for the halo).
  ///
  /// Displacements u are taken relative to the deformation F of the cell: u = r − F(r₀). As two atoms that
  /// were `halo` apart may come nearer by (1 − σ)·halo, σ the least singular value of F, half of that is added,
  /// with the bound 1 − σ ≤ ‖F − 1‖ (Frobenius). Infinite if a position is not finite or atoms came or went.
  package func largestDisplacement(atoms: AtomStore, box: Box) -> Double {
    let n = atoms.localCount
    guard n == referenceCount else { return .infinity }
    let positions = UnsafePointer(atoms.position.pointer)
    let from = UnsafePointer(reference.pointer)
    // r₀ ↦ (r₀ − o₀)·F + o as r₀·F + t.
    let deformed = box.cell != referenceBox.cell
    let f = deformed ? referenceBox.inverse * box.cell : .identity
    let t = box.origin - referenceBox.origin * f
    let moved = deformed || box.origin != referenceBox.origin
    var largest = 0.0
    // Stays 0 for finite numbers, becomes NaN otherwise.
    var check = 0.0
    for i in 0..<n {
      var r0 = Vector3(from[3 * i], from[3 * i + 1], from[3 * i + 2])
      if moved { r0 = r0 * f + t }
      let u = positions[i] - r0
      let square = u.squaredLength
      largest = square > largest ? square : largest
      check += square * 0
    }
    guard check == 0 else { return .infinity }
    let e = f - .identity
    let strain = (e.x.squaredLength + e.y.squaredLength + e.z.squaredLength).squareRoot()
    return largest.squareRoot() + strain * halo / 2
  }

  /// The local atom that has moved farthest since the build (without the cell's deformation): its id and how far, Å;
  /// (0, 0) without atoms.
  package func farthestAtom(atoms: AtomStore) -> (id: Int64, distance: Double) {
    let from = reference.pointer
    var farthest: (Int64, Double) = (0, 0)
    for i in 0..<min(atoms.localCount, max(referenceCount, 0)) {
      let r0 = Vector3(from[3 * i], from[3 * i + 1], from[3 * i + 2])
      let distance = (atoms.position[i] - r0).length
      if distance > farthest.1 { farthest = (atoms.id[i], distance) }
    }
    return farthest
  }
}

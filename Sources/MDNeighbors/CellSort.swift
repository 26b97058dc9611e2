import MDCore
import MDNumerics

/// Local atoms and ghosts in the order of their cells (and of their places within a cell), x, y, z apart.
final class CellSort {
  private let starts = AlignedBuffer<Int32>(capacity: 64)
  private let cellOf = AlignedBuffer<Int32>(capacity: 64)
  private let atoms = AlignedBuffer<Int32>(capacity: 64)
  private let coordinates = AlignedBuffer<Double>(capacity: 64)

  /// Cells a half of the reach wide make few empty-handed scans; along x, where a run of cells is contiguous in
  /// memory, finer cells cost nothing and fit the sphere better.
  private static let divisions = Vector3(4, 2, 2)

  var bytes: Int { 4 * (starts.capacity + cellOf.capacity + atoms.capacity) + 8 * coordinates.capacity }

  /// Sorts anew; the view holds until the next sort.
  func sort(_ view: AtomView, reach: Double) -> CellView {
    let n = view.count
    let grid = CellGrid(
      view.positions, n, size: Vector3(repeating: reach) / Self.divisions,
      // A scan must not meet a place twice.
      minimum: SIMD3(10, 6, 6), limit: 2 * n + 1024)

    starts.reserve(grid.cellCount + 1)
    cellOf.reserve(n)
    // A load of four may go three past the end.
    let column = n + 4
    atoms.reserve(column)
    coordinates.reserve(3 * column)
    let starts = self.starts.pointer
    let cellOf = self.cellOf.pointer
    let atoms = self.atoms.pointer
    let xs = coordinates.pointer
    let ys = xs + column
    let zs = ys + column
    let positions = view.positions

    starts.update(repeating: 0, count: grid.cellCount + 1)
    for i in 0..<n {
      let c = grid.index(grid.cell(positions[i]))
      cellOf[i] = Int32(truncatingIfNeeded: c)
      starts[c + 1] += 1
    }
    for c in 0..<grid.cellCount { starts[c + 1] += starts[c] }
    // starts[c] serves as the cursor of cell c and so ends at the start of cell c + 1 …
    for i in 0..<n {
      let c = Int(cellOf[i])
      let slot = Int(starts[c])
      starts[c] += 1
      atoms[slot] = Int32(truncatingIfNeeded: i)
      let r = positions[i]
      xs[slot] = r.x
      ys[slot] = r.y
      zs[slot] = r.z
    }
    // … hence one step back.
    for c in stride(from: grid.cellCount, to: 0, by: -1) { starts[c] = starts[c - 1] }
    starts[0] = 0
    for k in n..<column {
      xs[k] = .infinity
      ys[k] = .infinity
      zs[k] = .infinity
    }
    return CellView(
      grid: grid, reach: reach, starts: UnsafePointer(starts), atoms: UnsafePointer(atoms),
      xs: UnsafePointer(xs), ys: UnsafePointer(ys), zs: UnsafePointer(zs))
  }
}

/// Pointers into a `CellSort` for the scan.
struct CellView {
  let grid: CellGrid
  let reach: Double
  let starts: UnsafePointer<Int32>
  let atoms: UnsafePointer<Int32>
  let xs: UnsafePointer<Double>
  let ys: UnsafePointer<Double>
  let zs: UnsafePointer<Double>

  /// Writes the places of all atoms closer than `reach` to `r` (the atom at `r` among them) and returns
  /// their number. `out` has room for all atoms and four more.
  @inline(__always)
  func scan(_ r: Vector3, into out: UnsafeMutablePointer<Int32>) -> Int {
    // Cells are chosen with a hair's breadth to spare, distances decide.
    let square = reach * reach
    let wide = square * (1 + 1e-9)
    let size = Vector3(repeating: 1) / grid.density
    let at = (r - grid.origin) * grid.density
    let span = Vector3(repeating: reach * (1 + 1e-9)) * grid.density
    let last = grid.extent
    let z0 = Int(max(at.z - span.z, 0))
    let z1 = min(Int(at.z + span.z), last.z - 1)
    let y0 = Int(max(at.y - span.y, 0))
    let y1 = min(Int(at.y + span.y), last.y - 1)
    let shared = grid.extent.x > grid.counts.x
    var n = 0
    for z in z0...z1 {
      let dz = gap(at.z, z) * size.z
      let plane = grid.place(z, axis: 2) * grid.counts.y
      for y in y0...y1 {
        let dy = gap(at.y, y) * size.y
        let rest = wide - dz * dz - dy * dy
        guard rest > 0 else { continue }
        let half = rest.squareRoot() * grid.density.x
        let x0 = Int(max(at.x - half, 0))
        let x1 = min(Int(at.x + half), last.x - 1)
        let row = (plane + grid.place(y, axis: 1)) * grid.counts.x
        if !shared {
          n = filter(Int(starts[row + x0]), Int(starts[row + x1 + 1]), r, square, out, n)
          continue
        }
        let p0 = x0 % grid.counts.x
        let p1 = x1 % grid.counts.x
        if p0 <= p1 {
          n = filter(Int(starts[row + p0]), Int(starts[row + p1 + 1]), r, square, out, n)
        } else {
          n = filter(Int(starts[row]), Int(starts[row + p1 + 1]), r, square, out, n)
          n = filter(Int(starts[row + p0]), Int(starts[row + grid.counts.x]), r, square, out, n)
        }
      }
    }
    return n
  }

  /// Distance, in cells, from a coordinate to the nearer edge of a cell; 0 inside.
  @inline(__always)
  private func gap(_ x: Double, _ cell: Int) -> Double {
    let low = Double(cell)
    return max(max(low - x, x - low - 1), 0)
  }

  /// Appends the atoms of slots `from ..< to` that are closer than √square, four distances at a time.
  @inline(__always)
  private func filter(
    _ from: Int, _ to: Int, _ r: Vector3, _ square: Double, _ out: UnsafeMutablePointer<Int32>, _ count: Int
  ) -> Int {
    let lanes = SIMD4<Double>(0, 1, 2, 3)
    var n = count
    var k = from
    while k < to {
      let dx = load(xs, k) - r.x
      let dy = load(ys, k) - r.y
      let dz = load(zs, k) - r.z
      // Lanes past the end of the run belong to other cells.
      let left = SIMD4(repeating: Double(to - k))
      let d = (dx * dx).addingProduct(dy, dy).addingProduct(dz, dz)
        .replacing(with: .infinity, where: lanes .>= left)
      // Stores are unconditional, only the count waits for the comparison: no branch to mispredict.
      out[n] = atoms[k]
      n &+= d[0] < square ? 1 : 0
      out[n] = atoms[k + 1]
      n &+= d[1] < square ? 1 : 0
      out[n] = atoms[k + 2]
      n &+= d[2] < square ? 1 : 0
      out[n] = atoms[k + 3]
      n &+= d[3] < square ? 1 : 0
      k += 4
    }
    return n
  }

  @inline(__always)
  private func load(_ p: UnsafePointer<Double>, _ k: Int) -> SIMD4<Double> {
    UnsafeRawPointer(p + k).loadUnaligned(as: SIMD4<Double>.self)
  }
}

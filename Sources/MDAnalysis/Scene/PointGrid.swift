import MDCore
import MDNumerics

/// Points in a box that are found by where they are, with all their images: in cells of the fractional coordinates.
struct PointGrid {
  private let box: Box
  /// How far points are looked for, Å.
  let reach: Double
  /// Cells along each vector, and how many of them the reach is.
  private let cells: SIMD3<Int>
  private let around: SIMD3<Int>
  /// Of each cell where its points begin in `order`.
  private var starts: [Int]
  private var order: [Int32]
  /// Fractional coordinates; along periodic vectors from 0 to 1.
  private let places: [Vector3]

  init(_ points: [Vector3], in box: Box, reach: Double) {
    self.box = box
    self.reach = reach
    var (cells, around) = (SIMD3(1, 1, 1), SIMD3(1, 1, 1))
    let most = max(1, Int(Double(points.count) / 2))
    for k in 0..<3 {
      cells[k] = min(max(Int(box.heights[k] / reach), 1), most, 200)
      around[k] = Int((reach * Double(cells[k]) / box.heights[k]).rounded(.up))
    }
    (self.cells, self.around) = (cells, around)
    places = points.map { Self.fractional($0, box) }
    var counts = [Int](repeating: 0, count: cells.x * cells.y * cells.z + 1)
    let numbers = places.map { Self.number(Self.cell($0, cells), cells) }
    for n in numbers { counts[n + 1] += 1 }
    for c in 1..<counts.count { counts[c] += counts[c - 1] }
    starts = counts
    order = [Int32](repeating: 0, count: points.count)
    for (p, n) in numbers.enumerated() {
      order[counts[n]] = Int32(p)
      counts[n] += 1
    }
  }

  private static func fractional(_ r: Vector3, _ box: Box) -> Vector3 {
    var s = box.fractional(r)
    for k in 0..<3 where box.periodic[k] { s[k] -= s[k].rounded(.down) }
    return s
  }

  private static func cell(_ s: Vector3, _ cells: SIMD3<Int>) -> SIMD3<Int> {
    var c = SIMD3(0, 0, 0)
    // Beyond an open face the outermost cell stands for all that is there.
    for k in 0..<3 { c[k] = min(max(Int((min(max(s[k], 0), 1)) * Double(cells[k])), 0), cells[k] - 1) }
    return c
  }

  private static func number(_ c: SIMD3<Int>, _ cells: SIMD3<Int>) -> Int { (c.x * cells.y + c.y) * cells.z + c.z }

  /// Calls `body` with each point closer than the reach to `r`, once for each of its images, and the vector to it.
  @inline(__always)
  func visit(near r: Vector3, _ body: (_ point: Int, _ vector: Vector3) -> Void) {
    let s = Self.fractional(r, box)
    let home = Self.cell(s, cells)
    let square = reach * reach
    for a in -around.x...around.x {
      guard let (x, shiftX) = place(home.x + a, 0) else { continue }
      for b in -around.y...around.y {
        guard let (y, shiftY) = place(home.y + b, 1) else { continue }
        for c in -around.z...around.z {
          guard let (z, shiftZ) = place(home.z + c, 2) else { continue }
          let n = Self.number(SIMD3(x, y, z), cells)
          let shift = Vector3(shiftX, shiftY, shiftZ) - s
          for k in starts[n]..<starts[n + 1] {
            let p = Int(order[k])
            let d = (places[p] + shift) * box.cell
            if d.squaredLength < square { body(p, d) }
          }
        }
      }
    }
  }

  /// The cell that this one is an image of, and by how many vectors; nil beyond an open face.
  @inline(__always)
  private func place(_ c: Int, _ axis: Int) -> (Int, Double)? {
    if c >= 0, c < cells[axis] { return (c, 0) }
    guard box.periodic[axis] else { return nil }
    let shift = c >= 0 ? c / cells[axis] : -((cells[axis] - 1 - c) / cells[axis])
    return (c - shift * cells[axis], Double(shift))
  }

  /// The nearest point closer than the reach and its distance.
  func nearest(to r: Vector3) -> (point: Int, distance: Double)? {
    var best: (point: Int, square: Double)?
    visit(near: r) { point, d in
      let square = d.squaredLength
      if square < best?.square ?? .infinity || (square == best?.square && point < best?.point ?? 0) { best = (point, square) }
    }
    return best.map { ($0.point, $0.square.squareRoot()) }
  }
}

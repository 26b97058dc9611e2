import MDCore
import MDNumerics

/// From where a picture looks: an orthographic projection.
package struct View: Sendable {
  /// Unit vectors to the right and up on the picture, and towards the eye.
  package let right: Vector3
  package let up: Vector3
  package var toward: Vector3 { cross(right, up) }

  package enum Name: String, CaseIterable, Sendable {
    case x, y, z, corner
  }

  private init(_ right: Vector3, _ up: Vector3) { (self.right, self.up) = (right, up) }

  /// Along an axis, from its far end (`y` from the near one, so that x points to the right and z up), or on a corner.
  package init(_ name: Name) {
    switch name {
    case .x: self.init(Vector3(0, 1, 0), Vector3(0, 0, 1))
    case .y: self.init(Vector3(1, 0, 0), Vector3(0, 0, 1))
    case .z: self.init(Vector3(1, 0, 0), Vector3(0, 1, 0))
    case .corner:
      let toward = Vector3(0.45, -1, 0.42)
      let right = cross(Vector3(0, 0, 1), toward)
      let up = cross(toward, right)
      self.init(right / right.length, up / up.length)
    }
  }

  /// Across the shortest edge of the cell, which shows most of it; on a corner if no edge is much shorter. Cells that would
  /// stand upright lie down, so that the picture is broad.
  package init(of box: Box) {
    let edges = [box.cell.x.length, box.cell.y.length, box.cell.z.length]
    let (least, most) = (edges.min()!, edges.max()!)
    let name: Name = most < 1.4 * least ? .corner : edges[1] == least ? .y : edges[0] == least ? .x : .z
    let view = View(name)
    let (width, height) = view.extent(box)
    self = height > 1.2 * width ? View(view.up, -view.right) : view
  }

  private func extent(_ box: Box) -> (Double, Double) {
    let corners = View.corners(box)
    let (a, b) = (corners.map { dot($0, right) }, corners.map { dot($0, up) })
    return (a.max()! - a.min()!, b.max()! - b.min()!)
  }

  /// The eight corners of a cell; bit k of the index says whether edge k has been gone along.
  static func corners(_ box: Box) -> [Vector3] {
    (0..<8).map { (k: Int) -> Vector3 in
      let (a, b, c) = (k & 1, (k >> 1) & 1, (k >> 2) & 1)
      return box.cartesian(Vector3(Double(a), Double(b), Double(c)))
    }
  }

  /// Right, up and towards the eye, Å.
  func project(_ r: Vector3) -> Vector3 { Vector3(dot(r, right), dot(r, up), dot(r, toward)) }
}

/// A part of space between two planes normal to an axis, Å.
package struct Slice: Sendable, Equatable {
  package var axis: Int
  package var range: ClosedRange<Double>

  package init(axis: Int, range: ClosedRange<Double>) { (self.axis, self.range) = (axis, range) }

  /// `z=10:20`; nil for anything else.
  package init?(_ text: String) {
    let sides = text.split(separator: "=", omittingEmptySubsequences: false)
    guard sides.count == 2, let axis = ["x", "y", "z"].firstIndex(of: String(sides[0])) else { return nil }
    let ends = sides[1].split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    guard ends.count == 2, let low = ends[0], let high = ends[1], low.isFinite, high.isFinite, low < high else { return nil }
    self.init(axis: axis, range: low...high)
  }
}

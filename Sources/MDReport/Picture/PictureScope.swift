import Foundation
import MDCore
import MDIO
import MDNumerics

/// What all pictures of a film have in common, so that nothing but the atoms moves: view, section, depth and colours.
package struct PictureScope: Sendable {
  package let view: View
  /// Of the picture, to the right and up, Å; towards the eye, of the atoms.
  private(set) var across: ClosedRange<Double>
  private(set) var up: ClosedRange<Double>
  private(set) var depth: ClosedRange<Double>
  /// Of atoms, Å.
  let radius: Double
  package private(set) var key: AtomColours.Key

  package init(_ frame: ExtXYZFrame, _ options: AtomPicture.Options) throws {
    let view = Self.view(frame, options)
    self.init(
      frame, options, view, try AtomPicture.Visible(frame, view, options.slices),
      key: try AtomColours.key(frame, by: options.colour, reference: options.reference))
  }

  static func view(_ frame: ExtXYZFrame, _ options: AtomPicture.Options) -> View {
    options.view.map(View.init) ?? View(of: frame.structure.box)
  }

  init(_ frame: ExtXYZFrame, _ options: AtomPicture.Options, _ view: View, _ visible: AtomPicture.Visible, key: AtomColours.Key) {
    let box = frame.structure.box
    (self.view, self.key) = (view, key)
    // A little less than touching: half the distance that atoms of this density have on the average.
    let radius = min(max(0.5 * pow(box.volume / Double(frame.structure.count), 1.0 / 3), 0.5), 1.9)
    self.radius = radius
    // Of a slice that much is in the picture, and no more.
    let corners = View.corners(box).map { corner -> Vector3 in
      var r = corner
      for slice in options.slices { r[slice.axis] = min(max(r[slice.axis], slice.range.lowerBound), slice.range.upperBound) }
      return view.project(r)
    }
    func range(_ axis: Int) -> ClosedRange<Double> {
      var (low, high) = (corners.map { $0[axis] }.min()!, corners.map { $0[axis] }.max()!)
      for p in visible.points { (low, high) = (min(low, p[axis]), max(high, p[axis])) }
      return (low - radius)...(high + radius)
    }
    (across, up) = (range(0), range(1))
    let ends = visible.points.reduce((Double.infinity, -Double.infinity)) { (min($0.0, $1.z), max($0.1, $1.z)) }
    depth = ends.0...ends.1
  }

  /// Widens what is shown, so that another frame is in it, too.
  package mutating func include(_ frame: ExtXYZFrame, _ options: AtomPicture.Options) throws {
    let visible = try AtomPicture.Visible(frame, view, options.slices)
    let other = PictureScope(frame, options, view, visible, key: try AtomColours.key(frame, reference: options.reference, like: key))
    func hull(_ a: ClosedRange<Double>, _ b: ClosedRange<Double>) -> ClosedRange<Double> {
      min(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
    }
    (across, up, depth) = (hull(across, other.across), hull(up, other.up), hull(depth, other.depth))
    key.include(other.key)
  }
}

import Foundation
import MDCore
import MDIO
import MDNumerics

/// Atoms as shaded spheres in orthographic projection, hidden by those in front; what is far away fades. The cell's edges are lines.
package struct AtomPicture {
  package struct Options: Sendable {
    /// nil: as `View(of:)` has it.
    package var view: View.Name?
    package var colour: String?
    package var slices: [Slice] = []
    /// Pixels along the longer side.
    package var size = 1200
    /// The frame that displacements are counted from.
    package var reference: ExtXYZFrame?
    package init(view: View.Name? = nil, colour: String? = nil, slices: [Slice] = [], size: Int = 1200, reference: ExtXYZFrame? = nil) {
      (self.view, self.colour, self.slices, self.size, self.reference) = (view, colour, slices, size, reference)
    }
  }

  package let colours: AtomColours
  package let image: PixelImage
  /// Pixels an Å.
  package let scale: Double
  /// Atoms within the slices.
  package let atoms: Int

  /// Points abreast in a pixel of the finished picture.
  private static let fineness = 2
  /// What far atoms fade into: neither white nor black, so that pictures stand on light and on dark pages.
  private static let haze = SIMD3<Float>(158, 168, 180)
  private static let line = SIMD3<Float>(110, 118, 128)

  /// Atoms within the slices.
  struct Visible {
    /// Right, up and towards the eye, Å.
    var points: [Vector3] = []
    var atoms: [Int] = []

    init(_ frame: ExtXYZFrame, _ view: View, _ slices: [Slice]) throws {
      let structure = frame.structure
      points.reserveCapacity(structure.count)
      for i in 0..<structure.count {
        var (r, image) = (structure.positions[i], SIMD3<Int32>.zero)
        structure.box.wrap(&r, image: &image)
        guard slices.allSatisfy({ $0.range.contains(r[$0.axis]) }) else { continue }
        points.append(view.project(r))
        atoms.append(i)
      }
      guard !points.isEmpty else {
        throw FaultlineError(.input, "no atom is in the slice", hint: "positions are Cartesian, in Å, wrapped into the cell")
      }
    }
  }

  /// - Parameter given: of a film; else the picture's own.
  package init(_ frame: ExtXYZFrame, _ options: Options = Options(), scope given: PictureScope? = nil) throws {
    let view = given?.view ?? PictureScope.view(frame, options)
    let visible = try Visible(frame, view, options.slices)
    colours = try AtomColours(frame, by: options.colour, reference: options.reference, of: visible.atoms, key: given?.key)
    let scope = given ?? PictureScope(frame, options, view, visible, key: colours.key)
    atoms = visible.points.count
    let (xs, ys, depths) = (scope.across, scope.up, scope.depth)
    let (wide, high) = (xs.upperBound - xs.lowerBound, ys.upperBound - ys.lowerBound)
    scale = Double(options.size - 8) / max(wide, high)
    let (width, height) = (Int((scale * wide).rounded(.up)) + 8, Int((scale * high).rounded(.up)) + 8)

    var canvas = Canvas(width: width * Self.fineness, height: height * Self.fineness)
    let fine = scale * Double(Self.fineness)
    let margin = Double(4 * Self.fineness)
    func place(_ p: Vector3) -> (Double, Double, Float) {
      (margin + fine * (p.x - xs.lowerBound), margin + fine * (ys.upperBound - p.y), Float(p.z))
    }
    let sphere = Sphere(radius: fine * scope.radius, depth: Float(scope.radius))
    let depth = Float(max(depths.upperBound - depths.lowerBound, 1e-9))
    for (p, atom) in zip(visible.points, visible.atoms) {
      let (x, y, z) = place(p)
      let far = 0.62 * (Float(depths.upperBound) - z) / depth
      let paint = colours.colours[atom]
      let own = SIMD3<Float>(Float(paint.x), Float(paint.y), Float(paint.z))
      canvas.stamp(sphere, x, y, z, colour: own + far * (Self.haze - own))
    }
    let corners = View.corners(frame.structure.box).map(view.project)
    for k in 0..<8 {
      for bit in [1, 2, 4] where k & bit == 0 {
        canvas.line(from: place(corners[k]), to: place(corners[k | bit]), width: 1.3 * Double(Self.fineness), colour: Self.line)
      }
    }
    image = canvas.reduced(by: Self.fineness)
  }
}

/// A sphere as the canvas stamps it: the points of its disc, each with its height above the centre and its brightness.
private struct Sphere {
  struct Point {
    var dx: Int32
    var dy: Int32
    var height: Float
    var light: Float
  }
  var points: [Point] = []

  /// - Parameters:
  ///   - radius: in points of the canvas.
  ///   - depth: the radius in Å, the unit of depth.
  init(radius: Double, depth: Float) {
    let reach = Int(radius.rounded(.up))
    // From the upper left, in front.
    let sun = SIMD3<Float>(-0.36, 0.52, 0.775)
    for dy in -reach...reach {
      for dx in -reach...reach {
        let (x, y) = (Float(Double(dx) / max(radius, 0.5)), Float(Double(dy) / max(radius, 0.5)))
        let rest = 1 - x * x - y * y
        guard rest >= 0 else { continue }
        let z = rest.squareRoot()
        let facing = max(0, (SIMD3(x, -y, z) * sun).sum())
        // A dark rim parts atoms of one colour.
        let rim: Float = radius > 4 && z < 0.34 ? 0.62 : 1
        points.append(Point(dx: Int32(dx), dy: Int32(dy), height: z * depth, light: (0.50 + 0.58 * facing) * rim))
      }
    }
  }
}

/// Points with colour and depth; the nearest to the eye stays.
private struct Canvas {
  let width: Int
  let height: Int
  var depth: [Float]
  var colour: [SIMD4<UInt8>]

  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    depth = [Float](repeating: -.infinity, count: width * height)
    colour = [SIMD4<UInt8>](repeating: .zero, count: width * height)
  }

  private static func byte(_ x: Float) -> UInt8 { UInt8(min(max(x, 0), 255)) }

  mutating func stamp(_ sphere: Sphere, _ x: Double, _ y: Double, _ z: Float, colour paint: SIMD3<Float>) {
    let (cx, cy) = (Int(x.rounded()), Int(y.rounded()))
    for point in sphere.points {
      let (px, py) = (cx + Int(point.dx), cy + Int(point.dy))
      guard px >= 0, px < width, py >= 0, py < height else { continue }
      let k = py * width + px
      let height = z + point.height
      guard height > depth[k] else { continue }
      depth[k] = height
      let c = point.light * paint
      colour[k] = SIMD4(Self.byte(c.x), Self.byte(c.y), Self.byte(c.z), 255)
    }
  }

  /// A line that hides behind what is nearer.
  mutating func line(
    from a: (Double, Double, Float), to b: (Double, Double, Float), width thickness: Double, colour paint: SIMD3<Float>
  ) {
    let length = max(abs(b.0 - a.0), abs(b.1 - a.1))
    let steps = max(1, Int(length.rounded(.up)))
    let half = thickness / 2
    for k in 0...steps {
      let t = Double(k) / Double(steps)
      let (x, y) = (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))
      let z = a.2 + Float(t) * (b.2 - a.2)
      for py in Int((y - half).rounded())...Int((y + half).rounded()) {
        for px in Int((x - half).rounded())...Int((x + half).rounded()) {
          guard px >= 0, px < width, py >= 0, py < height, z >= depth[py * width + px] else { continue }
          depth[py * width + px] = z
          colour[py * width + px] = SIMD4(Self.byte(paint.x), Self.byte(paint.y), Self.byte(paint.z), 255)
        }
      }
    }
  }

  /// Means over squares of points; opacity is the part of a square that something covers.
  func reduced(by n: Int) -> PixelImage {
    var out = PixelImage(width: width / n, height: height / n)
    for y in 0..<out.height {
      for x in 0..<out.width {
        var (sum, covered) = (SIMD4<Int>.zero, 0)
        for sub in 0..<(n * n) {
          let c = colour[(n * y + sub / n) * width + n * x + sub % n]
          guard c.w > 0 else { continue }
          covered += 1
          sum &+= SIMD4(Int(c.x), Int(c.y), Int(c.z), 0)
        }
        guard covered > 0 else { continue }
        let k = 4 * (y * out.width + x)
        for c in 0..<3 { out.bytes[k + c] = UInt8(sum[c] / covered) }
        out.bytes[k + 3] = UInt8(255 * covered / (n * n))
      }
    }
    return out
  }
}

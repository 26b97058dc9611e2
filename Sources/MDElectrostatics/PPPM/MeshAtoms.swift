import MDCore
import MDNumerics

/// What spreading and gathering share: where an atom is on the window, and the weights of its spline.
///
/// A spline's weights along one axis are a row of eight lanes, whatever its order: along z they lie on consecutive mesh
/// points, so a row of the mesh is one load, one multiplication, one store (two of each without AVX-512).
struct MeshAtoms {
  let order: Int
  let planePitch: Int
  let rowPitch: Int
  private let origin: Lanes
  /// Mesh coordinate t = (r − origin)·M, by columns of Cartesian components; less what makes ⌊t⌋ the window's index.
  private let fromX: Lanes
  private let fromY: Lanes
  private let fromZ: Lanes
  private let offset: Lanes
  private let period: Lanes
  private let inversePeriod: Lanes
  private let limit: SIMD3<UInt>
  private let values: UnsafePointer<Double>
  private let slopes: UnsafePointer<Double>

  init(_ spline: BSpline, _ window: MeshWindow, mesh: SIMD3<Int>, cell: PeriodicCell) {
    order = spline.order
    planePitch = window.planePitch
    rowPitch = window.rowPitch
    values = UnsafePointer(spline.values.pointer)
    slopes = UnsafePointer(spline.slopes.pointer)
    origin = Lanes(cell.origin, 0)
    let m = Vector3(Double(mesh.x), Double(mesh.y), Double(mesh.z))
    let r = cell.reciprocal
    fromX = Lanes(m.x * r.x.x, m.y * r.y.x, m.z * r.z.x, 0)
    fromY = Lanes(m.x * r.x.y, m.y * r.y.y, m.z * r.z.y, 0)
    fromZ = Lanes(m.x * r.x.z, m.y * r.y.z, m.z * r.z.z, 0)
    var offset = Lanes.zero
    var period = Lanes.zero
    var inverse = Lanes.zero
    var limit = SIMD3<UInt>.zero
    for k in 0..<3 {
      offset[k] = 1 - 0.5 * Double(order) - Double(window.start[k])
      limit[k] = UInt(window.length[k] - order)
      if window.isWhole[k] {
        period[k] = m[k]
        inverse[k] = 1 / m[k]
      }
    }
    self.offset = offset
    self.period = period
    inversePeriod = inverse
    self.limit = limit
  }

  /// Doubles of scratch that all calls here need. Vectors whose lanes are needed one by one are stored there and read
  /// back: if the lanes were taken from the vector, the compiler would compute all of it lane by lane.
  static let scratchCount = 40

  /// An atom on the window: the place of its first mesh point, and v = u − ½ (see `BSpline`) along each axis, which
  /// also stands in the scratch.
  struct Place {
    var first: Int
    var v: Lanes
  }

  /// nil if the atom is not where this rank's window is. Uses scratch[32 ..< 40].
  @inline(__always)
  func place(_ position: UnsafePointer<Vector3>, _ scratch: UnsafeMutablePointer<Double>) -> Place? {
    let d = UnsafeRawPointer(position).load(as: Lanes.self) - origin
    var t = (fromX * Lanes(repeating: d[0])).addingProduct(fromY, Lanes(repeating: d[1]))
      .addingProduct(fromZ, Lanes(repeating: d[2]))
    t -= period * (t * inversePeriod).rounded(.down)
    t += offset
    let floor = t.rounded(.down)
    Self.store(floor, scratch + 32)
    let v = t - floor - Lanes(repeating: 0.5)
    Self.store(v, scratch + 36)
    let x = Int(scratch[32])
    let y = Int(scratch[33])
    let z = Int(scratch[34])
    guard UInt(bitPattern: x) <= limit.x, UInt(bitPattern: y) <= limit.y, UInt(bitPattern: z) <= limit.z else {
      return nil
    }
    return Place(first: x &* planePitch &+ y &* rowPitch &+ z, v: v)
  }

  @inline(__always)
  static func load(_ p: UnsafePointer<Double>) -> Lanes8 { UnsafeRawPointer(p).loadUnaligned(as: Lanes8.self) }

  @inline(__always)
  static func store(_ v: Lanes, _ p: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: Lanes.self)
  }

  @inline(__always)
  static func store(_ v: Lanes8, _ p: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: Lanes8.self)
  }

  /// The weights of the three axes, or their derivatives: polynomials in v, eight at a time.
  struct Rows {
    var x: Lanes8
    var y: Lanes8
    var z: Lanes8
  }

  @inline(__always)
  private func polynomials(_ table: UnsafePointer<Double>, degree: Int, _ scratch: UnsafePointer<Double>) -> Rows {
    let (x, y, z) = (
      Lanes8(repeating: scratch[36]), Lanes8(repeating: scratch[37]), Lanes8(repeating: scratch[38])
    )
    var d = degree
    var row = Self.load(table + 8 &* d)
    var r = Rows(x: row, y: row, z: row)
    while d > 0 {
      d &-= 1
      row = Self.load(table + 8 &* d)
      r.x = row.addingProduct(r.x, x)
      r.y = row.addingProduct(r.y, y)
      r.z = row.addingProduct(r.z, z)
    }
    return r
  }

  /// The weights for the atom that was placed last, and their derivatives.
  @inline(__always)
  func weights(_ scratch: UnsafePointer<Double>) -> Rows { polynomials(values, degree: order &- 1, scratch) }
  @inline(__always)
  func slopes(_ scratch: UnsafePointer<Double>) -> Rows { polynomials(slopes, degree: order &- 2, scratch) }
}

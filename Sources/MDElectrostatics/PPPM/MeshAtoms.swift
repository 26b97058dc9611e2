import MDCore
import MDNumerics

typealias Lanes = SIMD4<Double>

/// What spreading and gathering share: where an atom is on the window, and the weights of its spline.
///
/// A spline's weights along one axis are a row of eight lanes (two registers), whatever its order: along z they lie on
/// consecutive mesh points, so a row of the mesh is two loads, two multiplications, two stores.
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
  static func load(_ p: UnsafePointer<Double>) -> Lanes { UnsafeRawPointer(p).loadUnaligned(as: Lanes.self) }

  @inline(__always)
  static func store(_ v: Lanes, _ p: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: Lanes.self)
  }

  /// The weights of one axis, or their derivatives: polynomials in v, eight at a time.
  struct Row {
    var low: Lanes
    var high: Lanes
  }

  /// Rows of the three axes.
  struct Rows {
    var x: Row
    var y: Row
    var z: Row
  }

  @inline(__always)
  private func polynomials(_ table: UnsafePointer<Double>, degree: Int, _ scratch: UnsafePointer<Double>) -> Rows {
    let (x, y, z) = (
      Lanes(repeating: scratch[36]), Lanes(repeating: scratch[37]), Lanes(repeating: scratch[38])
    )
    var d = degree
    var low = Self.load(table + 8 &* d)
    var high = Self.load(table + (8 &* d &+ 4))
    var r = Rows(x: Row(low: low, high: high), y: Row(low: low, high: high), z: Row(low: low, high: high))
    while d > 0 {
      d &-= 1
      low = Self.load(table + 8 &* d)
      high = Self.load(table + (8 &* d &+ 4))
      r.x.low = low.addingProduct(r.x.low, x)
      r.y.low = low.addingProduct(r.y.low, y)
      r.z.low = low.addingProduct(r.z.low, z)
      r.x.high = high.addingProduct(r.x.high, x)
      r.y.high = high.addingProduct(r.y.high, y)
      r.z.high = high.addingProduct(r.z.high, z)
    }
    return r
  }

  /// The weights for the atom that was placed last, and their derivatives.
  @inline(__always)
  func weights(_ scratch: UnsafePointer<Double>) -> Rows { polynomials(values, degree: order &- 1, scratch) }
  @inline(__always)
  func slopes(_ scratch: UnsafePointer<Double>) -> Rows { polynomials(slopes, degree: order &- 2, scratch) }
}

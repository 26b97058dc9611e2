/// A 3 × 3 matrix stored by rows: `m.x` is the first row. Used for cells (rows a, b, c), virials and strains.
@frozen
public struct Matrix3: Equatable, Sendable, BitwiseCopyable {
  public var x: Vector3
  public var y: Vector3
  public var z: Vector3

  @inlinable @inline(__always)
  public init(_ x: Vector3, _ y: Vector3, _ z: Vector3) {
    self.x = x
    self.y = y
    self.z = z
  }

  public init(diagonal d: Vector3) {
    self.init(Vector3(d.x, 0, 0), Vector3(0, d.y, 0), Vector3(0, 0, d.z))
  }

  /// Nine numbers, row by row.
  public init(_ n: [Double]) {
    precondition(n.count == 9, "a 3 × 3 matrix has nine elements")
    self.init(Vector3(n[0], n[1], n[2]), Vector3(n[3], n[4], n[5]), Vector3(n[6], n[7], n[8]))
  }

  public static var zero: Matrix3 { Matrix3(.zero, .zero, .zero) }
  public static var identity: Matrix3 { Matrix3(diagonal: Vector3(1, 1, 1)) }

  /// The outer product a ⊗ b, element (i, j) = aᵢ bⱼ.
  @inlinable @inline(__always)
  public static func outer(_ a: Vector3, _ b: Vector3) -> Matrix3 { Matrix3(a.x * b, a.y * b, a.z * b) }

  public subscript(row: Int) -> Vector3 {
    get { row == 0 ? x : row == 1 ? y : z }
    set { if row == 0 { x = newValue } else if row == 1 { y = newValue } else { z = newValue } }
  }

  public var elements: [Double] { [x.x, x.y, x.z, y.x, y.y, y.z, z.x, z.y, z.z] }
  /// Adds the nine elements to those at `target`, row by row.
  @inlinable @inline(__always)
  public func add(to target: UnsafeMutablePointer<Double>) {
    target[0] += x.x
    target[1] += x.y
    target[2] += x.z
    target[3] += y.x
    target[4] += y.y
    target[5] += y.z
    target[6] += z.x
    target[7] += z.y
    target[8] += z.z
  }

  public var trace: Double { x.x + y.y + z.z }
  public var determinant: Double { dot(x, cross(y, z)) }
  public var transpose: Matrix3 {
    Matrix3(Vector3(x.x, y.x, z.x), Vector3(x.y, y.y, z.y), Vector3(x.z, y.z, z.z))
  }

  /// The inverse; the caller makes sure that the determinant is not zero.
  public var inverse: Matrix3 {
    let d = 1 / determinant
    return Matrix3(cross(y, z) * d, cross(z, x) * d, cross(x, y) * d).transpose
  }

  @inlinable @inline(__always)
  public static func + (a: Matrix3, b: Matrix3) -> Matrix3 { Matrix3(a.x + b.x, a.y + b.y, a.z + b.z) }
  @inlinable @inline(__always)
  public static func - (a: Matrix3, b: Matrix3) -> Matrix3 { Matrix3(a.x - b.x, a.y - b.y, a.z - b.z) }
  @inlinable @inline(__always)
  public static func += (a: inout Matrix3, b: Matrix3) { a = a + b }
  @inlinable @inline(__always)
  public static func * (s: Double, m: Matrix3) -> Matrix3 { Matrix3(s * m.x, s * m.y, s * m.z) }

  /// Row vector times matrix: v.x · row x + v.y · row y + v.z · row z.
  @inlinable @inline(__always)
  public static func * (v: Vector3, m: Matrix3) -> Vector3 { v.x * m.x + v.y * m.y + v.z * m.z }
  /// Matrix product.
  public static func * (a: Matrix3, b: Matrix3) -> Matrix3 { Matrix3(a.x * b, a.y * b, a.z * b) }
}

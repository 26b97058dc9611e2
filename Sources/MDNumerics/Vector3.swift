/// A Cartesian vector (or a triple of fractional coordinates). It occupies 32 bytes, so an array of
/// vectors is read with one aligned 256-bit load an element.
public typealias Vector3 = SIMD3<Double>

/// a·b = aₓbₓ + a_yb_y + a_zb_z.
@inlinable @inline(__always)
public func dot(_ a: Vector3, _ b: Vector3) -> Double {
  a.x * b.x + a.y * b.y + a.z * b.z
}

/// a × b, at right angles to both: x × y = z.
@inlinable @inline(__always)
public func cross(_ a: Vector3, _ b: Vector3) -> Vector3 {
  Vector3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

extension Vector3 {
  /// |v|².
  @inlinable @inline(__always) public var squaredLength: Double { dot(self, self) }
  /// |v|.
  @inlinable @inline(__always) public var length: Double { squaredLength.squareRoot() }
  /// Whether no component is NaN or infinite.
  @inlinable public var isFinite: Bool { x.isFinite && y.isFinite && z.isFinite }
}

import MDNumerics

/// The simulation cell: vectors a, b, c as rows in any orientation (Å), an origin, and periodicity an axis.
///
/// r = origin + s·H with the fractional coordinates s and the cell matrix H (rows a, b, c).
/// Along an open axis the cell only marks where atoms are expected; atoms may lie outside.
public struct Box: Equatable, Sendable {
  public private(set) var cell: Matrix3
  public var origin: Vector3
  public var periodic: Periodicity
  /// H⁻¹: s = (r − origin)·H⁻¹.
  public private(set) var inverse: Matrix3
  /// |a·(b × c)|, Å³.
  public private(set) var volume: Double
  /// Distances between opposite faces (Å): volume over the area of the face.
  public private(set) var heights: Vector3

  public init(cell: Matrix3, origin: Vector3 = .zero, periodic: Periodicity = .all) {
    self.cell = cell
    self.origin = origin
    self.periodic = periodic
    (inverse, volume, heights) = Self.derived(cell)
  }

  public init(lengths: Vector3, periodic: Periodicity = .all) {
    self.init(cell: Matrix3(diagonal: lengths), periodic: periodic)
  }

  public mutating func setCell(_ new: Matrix3) {
    cell = new
    (inverse, volume, heights) = Self.derived(new)
  }

  private static func derived(_ h: Matrix3) -> (Matrix3, Double, Vector3) {
    let volume = abs(h.determinant)
    let areas = Vector3(cross(h.y, h.z).length, cross(h.z, h.x).length, cross(h.x, h.y).length)
    return (h.inverse, volume, Vector3(repeating: volume) / areas)
  }

  @inlinable @inline(__always)
  public func fractional(_ r: Vector3) -> Vector3 { (r - origin) * inverse }
  @inlinable @inline(__always)
  public func cartesian(_ s: Vector3) -> Vector3 { origin + s * cell }

  /// Brings `r` into the cell along periodic axes and counts the crossings: the unwrapped position
  /// is r + image·H before and after.
  ///
  /// Only whole vectors are added. A coordinate within rounding below 0 lies on the lower face and is left alone, so
  /// that wrapping twice is wrapping once.
  public func wrap(_ r: inout Vector3, image: inout SIMD3<Int32>) {
    // In a tilted cell the shift along one axis may round another across its face: look again.
    for _ in 0..<3 {
      let s = fractional(r)
      var moved = false
      for k in 0..<3 where periodic[k] && !(s[k] >= -1e-14 && s[k] < 1) {
        let n = s[k].rounded(.down)
        image[k] += Int32(n)
        r -= n * cell[k]
        moved = true
      }
      if !moved { return }
    }
  }

  /// Sets the counts along open axes to zero, where there is no other image to have crossed to: left alone they would
  /// move unwrapped positions by whole cells. True if one was another number.
  public func clearImage(_ image: inout SIMD3<Int32>) -> Bool {
    let kept = SIMD3<Int32>(periodic.a ? image.x : 0, periodic.b ? image.y : 0, periodic.c ? image.z : 0)
    defer { image = kept }
    return kept != image
  }

  /// What the log says where `clearImage` had something to do.
  public func clearedImagesNote(atoms: Int) -> String {
    let open = (0..<3).filter { !periodic[$0] }.map { ["a", "b", "c"][$0] }.joined(separator: ", ")
    return "warning: image counts along open axes (\(open)) mean nothing and are taken as 0; "
      + "\(atoms) atom\(atoms == 1 ? " has" : "s have") others"
  }
}

/// Which axes repeat.
public struct Periodicity: Equatable, Sendable, Codable {
  public var a: Bool
  public var b: Bool
  public var c: Bool

  public init(_ a: Bool, _ b: Bool, _ c: Bool) {
    self.a = a
    self.b = b
    self.c = c
  }

  public static let all = Periodicity(true, true, true)
  public static let none = Periodicity(false, false, false)
  @inlinable public subscript(axis: Int) -> Bool { axis == 0 ? a : axis == 1 ? b : c }
  public var isFull: Bool { a && b && c }
}

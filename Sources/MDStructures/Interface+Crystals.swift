import Foundation
import MDCore
import MDNumerics

extension Interface {
  /// The same interface without copies of its cell.
  package var ofOnePeriod: Interface {
    var one = self
    one.changeRepeats(to: SIMD2(1, 1))
    return one
  }

  /// One period of a crystal, 0 the lower and 1 the upper one, in the frame of the interface: strained in the plane as there,
  /// or as it was given. `species` are those of the interface.
  package func crystal(_ grain: Int, isStrained: Bool = true) -> Structure {
    let side = grain == 0 ? lower : upper
    let plane = side.plane
    let map = isStrained ? side.map : .identity
    func mapped(_ v: Vector3) -> Vector3 {
      let w = SIMD2(v.x, v.y) * map
      return Vector3(w.x, w.y, v.z)
    }
    // The first edge along x.
    let (a, b) = (mapped(plane.cell.x), mapped(plane.cell.y))
    let turn = Matrix2(rotation: -atan2(a.y, a.x))
    func turned(_ v: Vector3) -> Vector3 {
      let w = SIMD2(v.x, v.y) * turn
      return Vector3(w.x, w.y, v.z)
    }
    let cell = Matrix3(Vector3(length(a), 0, 0), turned(b), turned(mapped(plane.cell.z)))
    return Structure(
      box: Box(cell: cell), species: species,
      types: plane.sites.map { side.types[plane.species.firstIndex(of: $0.species)!] },
      positions: plane.sites.map { $0.position * cell })
  }

  private func length(_ v: Vector3) -> Double { SIMD2(v.x, v.y).length }

  /// Atoms of the lower crystal in a period along the normal of the cell, all of them in one atomic plane for elements.
  package var atomsPerPlane: Int {
    lower.plane.sites.count * abs(lower.rows.determinant) * options.repeats.x * options.repeats.y
  }

  /// Whether a crystal has more than one species.
  package var hasCompound: Bool { lower.types.count > 1 || upper.types.count > 1 }
}

extension SIMD2<Double> {
  var length: Double { (self * self).sum().squareRoot() }
}

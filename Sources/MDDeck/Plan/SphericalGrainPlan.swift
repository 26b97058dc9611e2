import MDCore
import MDNumerics

/// A ball of a crystal in another.
package struct SphericalGrainPlan: Sendable {
  package var matrix: CrystalSource
  /// nil: the same crystal.
  package var inner: CrystalSource?
  package var size: SIMD3<Int>
  /// Å.
  package var radius: Double
  /// Fractions of the cell.
  package var center: Vector3
  package var axis: Vector3
  /// Degrees.
  package var angle: Double
  /// Å; nil leaves it to the builder.
  package var overlap: Double?
  package var keepsFormulaUnits: Bool

  /// nil where a file names them.
  package var species: [String]? {
    guard let first = matrix.species, let second = inner.map(\.species) ?? [] else { return nil }
    return first + second.filter { !first.contains($0) }
  }

  init(_ section: DeckSection) {
    matrix = CrystalSource(section.section("of"))
    inner = (section["grain"]?.section).map(CrystalSource.init)
    size = section.integerVector("size")
    radius = section.double("radius")
    center = section.vector("center")
    axis = section.vector("axis")
    angle = section.double("angle")
    overlap = section["overlap"]?.double
    keepsFormulaUnits = section.string("remove") == "formula_units"
  }
}

import MDCore
import MDNumerics

package struct PolycrystalPlan: Sendable {
  package struct Seed: Sendable {
    /// Fractions of the cell.
    package var at: Vector3
    /// Å².
    package var weight: Double
    /// nil: at random, or by the texture; degrees.
    package var rotation: (axis: Vector3, angle: Double)?
  }

  package struct Texture: Sendable {
    package var direction: SIMD3<Int>
    package var along: Vector3
    /// Degrees.
    package var spread: Double
  }

  package var crystal: CrystalSource
  /// Rows, Å.
  package var cell: Matrix3
  /// Of grains, where they are not given.
  package var count: Int
  package var seeds: [Seed]
  /// Of ln d; nil: as seeds fall.
  package var spread: Double?
  package var texture: Texture?
  package var isColumnar: Bool
  /// Å; nil leaves it to the builder.
  package var overlap: Double?
  package var keepsFormulaUnits: Bool

  /// Of the texture, as a vector of the crystal's cell.
  package var realDirection: Vector3 {
    texture.map { Vector3(Double($0.direction.x), Double($0.direction.y), Double($0.direction.z)) } ?? .zero
  }

  init(_ section: DeckSection) {
    crystal = CrystalSource(section.section("of"))
    let edges = section.list("cell")
    cell = edges[0].isList
      ? Matrix3(edges[0].vector, edges[1].vector, edges[2].vector) : Matrix3(diagonal: section.vector("cell"))
    seeds = (section["seeds"]?.list ?? []).map { value in
      let inner = value.section
      return Seed(
        at: inner.vector("at"), weight: inner.double("weight"),
        rotation: (inner["axis"]?.vector).map { ($0, inner.double("angle")) })
    }
    count = section["grains"]?.integer ?? seeds.count
    spread = section["spread"]?.double
    texture = (section["texture"]?.section).map {
      var along = Vector3.zero
      along[$0.axis("along")] = 1
      return Texture(direction: $0.integerVector("direction"), along: along, spread: $0.double("spread"))
    }
    isColumnar = section.boolean("columns")
    overlap = section["overlap"]?.double
    keepsFormulaUnits = section.string("remove") == "formula_units"
  }
}

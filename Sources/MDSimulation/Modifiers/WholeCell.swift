import MDCore
import MDDeck
import MDNumerics
import MDStructures

extension ModifierEntry {
  static let supercell = ModifierEntry(
    "supercell", "Another cell of the same crystal: its vectors in whole numbers of those there are. Atoms are numbered anew.",
    [.required("matrix", .vector(.vector(.integer(-1000...1000))), "Rows: the new a, b and c in the old ones.")],
    example: "matrix: [[1, 1, 0], [-1, 1, 0], [0, 0, 2]]"
  ) { section, structure, _ in
    let rows = section.list("matrix").map(\.integerVector)
    let matrix = IntegerMatrix(rows[0], rows[1], rows[2])
    structure = try structure.supercell(matrix)
    return "\(matrix.determinant) times the cell, \(structure.count) atoms"
  }

  static let rotate = ModifierEntry(
    "rotate", "Turns atoms and cell about the cell's origin.",
    [
      .required("axis", .vector(.number(.any)), "Cartesian axis [x, y, z]."),
      .required("angle", .number(NumberRange(from: -360, to: 360)), "Degrees, right-handed."),
    ],
    example: "axis: [0, 0, 1], angle: 90"
  ) { section, structure, _ in
    let axis = section.vector("axis")
    guard axis.length > 1e-9 else { throw section.error("axis", "is zero") }
    let angle = section.double("angle")
    structure.rotate(Matrix3(rotationAbout: axis, by: angle * .pi / 180))
    return "turned by \(RunLog.fixed(angle, 4))°"
  }
}

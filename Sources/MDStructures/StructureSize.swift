import MDCore

/// What a structure may have before it is built: a count that cannot be held is an error, not a crash.
enum StructureSize {
  static let limit = 2e9

  static func check(_ copies: SIMD3<Int>, of atoms: Int) throws {
    guard Double(copies.x) * Double(copies.y) * Double(copies.z) * Double(max(atoms, 1)) <= limit else {
      throw FaultlineError(
        .input, "\(copies.x) × \(copies.y) × \(copies.z) copies of \(atoms) atoms are too many",
        hint: "a structure has at most 2·10⁹ atoms")
    }
  }
}

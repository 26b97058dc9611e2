import MDCore

/// What a structure may have before it is built: a count that cannot be held is an error, not a crash.
package enum StructureSize {
  /// Throws if a structure of this cell and so many atoms, which are not there yet, must not be made.
  package typealias Admission = (_ box: Box, _ atoms: Double) throws -> Void

  /// Atoms are numbered by 32 bits in lists.
  static let limit = 2e9
  /// A position, a type, a grain and what builders keep beside them; what else atoms need comes later.
  static let bytesPerAtom = 120.0

  /// Throws an input error for more atoms than the program can number or this process can hold.
  package static func check(atoms: Double, _ what: String) throws {
    let memory = Memory.available()
    let room = min(memory.node, memory.process)
    let bytes = bytesPerAtom * atoms
    guard !(atoms <= limit && bytes <= room) else { return }
    throw FaultlineError(
      .input, "\(what) are too many: \(Amount.count(atoms)) atoms, some \(Amount.bytes(bytes))",
      hint: "a structure has at most 2,000,000,000 atoms, and there are \(Amount.bytes(room)) of memory")
  }

  static func check(_ copies: SIMD3<Int>, of atoms: Int) throws {
    try check(
      atoms: Double(copies.x) * Double(copies.y) * Double(copies.z) * Double(max(atoms, 1)),
      "\(copies.x) × \(copies.y) × \(copies.z) copies of \(atoms) atoms")
  }
}

import MDCore

/// What a structure may have before it is built: a count that cannot be held is an error, not a crash.
package enum StructureSize {
  /// Throws if a structure of this cell and so many atoms, which are not there yet, must not be made.
  package typealias Admission = (_ box: Box, _ atoms: Double) throws -> Void

  /// Atoms are numbered by 32 bits in lists.
  static let limit = 2e9
  /// A position, a type, a grain and what builders keep beside them; what else atoms need comes later.
  static let bytesPerAtom = 120.0

  /// Throws an input error for more atoms than the program can number or this process, which makes `part` of them, can hold.
  package static func check(atoms: Double, _ what: String, part: StructurePart = .whole) throws {
    let memory = Memory.available()
    let room = min(memory.node, memory.process)
    let bytes = bytesPerAtom * atoms / Double(part.ranks)
    guard !(atoms <= limit && bytes <= room) else { return }
    throw FaultlineError(
      .input, "\(what) are too many: \(Amount.count(atoms)) atoms, some \(Amount.bytes(bytes))",
      hint: "a structure has at most 2,000,000,000 atoms, and there are \(Amount.bytes(room)) of memory")
  }

  static func check(_ copies: SIMD3<Int>, of atoms: Int, part: StructurePart = .whole) throws {
    try check(
      atoms: Double(copies.x) * Double(copies.y) * Double(copies.z) * Double(max(atoms, 1)),
      "\(copies.x) × \(copies.y) × \(copies.z) copies of \(atoms) atoms", part: part)
  }
}

/// Which part of a structure's atoms a rank makes: they are shared out in order of their numbers, so that the parts in the order
/// of ranks are the structure, on any number of ranks.
package struct StructurePart: Sendable {
  package let rank: Int
  package let ranks: Int

  package static let whole = StructurePart(rank: 0, ranks: 1)

  package init(rank: Int, ranks: Int) { (self.rank, self.ranks) = (rank, ranks) }

  package init(_ communicator: any Communicator) { self.init(rank: communicator.rank, ranks: communicator.size) }

  /// Its numbers, from 0, of so many things; parts differ by one at most.
  package func numbers(of count: Int) -> Range<Int> {
    let (each, rest) = count.quotientAndRemainder(dividingBy: ranks)
    let first = rank * each + min(rank, rest)
    return first..<(first + each + (rank < rest ? 1 : 0))
  }
}

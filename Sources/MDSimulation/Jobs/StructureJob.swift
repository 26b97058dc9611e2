import MDCore
import MDDeck
import MDIO

/// `faultline build`: the deck's structure, written to a file, or its table, printed. Also converts, as a structure may come from
/// a file.
package enum StructureJob {
  /// Collective; rank 0 writes. Without `output` the structure is described only.
  package static func run(
    deck: String, settings: [String] = [], output: String?, communicator: any Communicator, log: RunLog
  ) throws {
    let (plan, notes) = try EquilibriumLattice.resolved(
      DeckReading.plan(deck, settings: settings, purpose: .build, communicator: communicator, log: log), communicator: communicator)
    for note in notes { log.line(note) }
    if plan.structure?.isTable ?? false {
      return try communicator.agree {
        guard communicator.isRoot else { return }
        for line in try StructureTables.lines(plan) ?? [] { log.line(line) }
      }
    }
    let whole = try StructureFactory.build(plan, communicator: communicator, isWhole: true)
    try communicator.agree {
      guard let built = whole else { return }
      do {
        if let output { try StructureFile.write(built.structure, to: output) }
      } catch var error as FaultlineError {
        error.kind = .input
        throw error
      }
      for note in built.notes { log.line(note) }
      let structure = built.structure
      var counts = [Int](repeating: 0, count: structure.species.count)
      for type in structure.types { counts[Int(type)] += 1 }
      let composition = zip(structure.species, counts).map { "\(RunLog.grouped($1)) \($0)" }.joined(separator: ", ")
      let cell = structure.box.cell
      let lengths = [cell.x.length, cell.y.length, cell.z.length].map { RunLog.fixed($0, 3) }.joined(separator: " × ")
      log.line("\(RunLog.grouped(structure.count)) atoms (\(composition)) in \(lengths) Å" + (output.map { " → \($0)" } ?? ", not written"))
    }
  }
}

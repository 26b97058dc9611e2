import MDCore
import MDDeck
import MDParallel
import MDStructures

/// A deck's structure before its atoms are made. Of which species they will be is enough to make potentials, and those
/// are enough to tell what ghosts will take: a structure that cannot be simulated is refused before it fills the memory.
struct StructureDraft {
  let species: [String]
  private let isPresent: [Bool]
  private let masses: [Double?]
  /// Of a file, on rank 0.
  private let file: Structure?
  private let plan: RunPlan

  /// Reads the file, if it is one. Collective.
  init(_ plan: RunPlan, communicator: any Communicator) throws {
    self.plan = plan
    if let source = plan.structure, case .file = source.source {
      var read: Structure?
      try communicator.agree { if communicator.isRoot { read = try StructureFactory.read(plan) } }
      let header = Distribution.header(of: read, communicator: communicator)
      let added = source.added(to: header.species)
      species = header.species + added
      (isPresent, masses) = (header.isPresent + added.map { _ in true }, header.masses + added.map { _ in nil })
      file = read
    } else if let structure = plan.structure, structure.species == nil {
      // A crystal from a file names its species there.
      var names: [String]?
      try communicator.agree {
        guard communicator.isRoot else { return }
        names = try StructureFactory.blaming(structure) {
          try StructureFactory.species(structure, types: plan.numberedTypes)
        }
      }
      let own = try Broadcast.value(names, communicator) ?? []
      species = own + structure.added(to: own)
      isPresent = species.map { _ in true }
      masses = species.map { _ in nil }
      file = nil
    } else {
      species = plan.structure?.species ?? []
      isPresent = species.map { _ in true }
      masses = species.map { _ in nil }
      file = nil
    }
  }

  /// Collective.
  func ingredients(communicator: any Communicator) throws -> SystemFactory.Ingredients {
    try SystemFactory.Ingredients(
      species, isPresent: isPresent, given: masses, plan: plan, communicator: communicator)
  }

  /// This rank's share of the structure; nil on ranks without one. Throws a collective input error if the structure or its
  /// ghosts (where `potentials` are given) would be too many for the program or the machine. Collective.
  func build(for potentials: [any Potential]?, communicator: any Communicator) throws -> BuiltStructure? {
    let reach = potentials.map { Forecast.Reach($0, reach: Measurements.reach(plan), skin: plan.neighbors.skin) }
    let room = communicator.memoryShare()
    let admit: StructureSize.Admission = { box, atoms in
      // A grid that does not fit is refused where the cell is divided.
      guard let reach,
        let domain = try? Domain(
          box: box, ranks: communicator.size, rank: 0, grid: plan.decomposition.grid, halo: reach.ghosts)
      else { return }
      try Forecast(box, atoms: atoms, domain: domain, reach: reach).refuse(room: room)
    }
    return try StructureFactory.build(plan, file: file, communicator: communicator, admit: admit)
  }
}

import MDCore
import MDNumerics
import MDPotentialFiles

/// A high-dimensional neural network potential of the second generation (Behler and Parrinello, Phys. Rev. Lett. 98,
/// 146401 (2007)) from the files of n2p2 and RuNNer; see `HDNNPModel` for the energy, `SymmetryFunction` for the
/// functions.
///
/// A step: moments of all atoms from pairs and triangles, those of ghosts sent home; symmetry functions, networks and
/// ∂E/∂G atom by atom, sent out to ghosts; forces from pairs and triangles. Nothing is kept per pair or triangle, so
/// memory is one row of moments an atom.
///
/// Per-atom energies are the networks' own. Of the virial of each side of a pair or triangle each end has half.
///
/// Several models with the same symmetry functions form a committee, of which the mean counts.
package final class HDNNPPotential: Potential {
  package let name = "hdnnp"
  package let requirements: PotentialRequirements
  package var pairForces: PairForceCoverage { .forces }
  package let models: [HDNNPModel]

  private let engine: HDNNPEngine
  private let networks: HDNNPAtoms
  private let elementOf: AlignedBuffer<Int32>
  private let momentCount: Int
  private var moments: Column<Double>?
  private var order: Column<Double>?
  private var extrapolations: Column<Double>?
  private let committee: HDNNPCommittee?

  /// - Parameters:
  ///   - directory: holds `input.nn`, `scaling.data` and the `weights.NNN.data`.
  ///   - elements: the potential's element of each species of the run; the species' own names if nil.
  ///   - species: the run's species.
  /// - Throws: `FaultlineError` naming file and line, or the species that the potential lacks.
  package convenience init(
    directory: String, units: HDNNPUnits, elements: [String]? = nil, species: [String]
  ) throws {
    try self.init(
      models: [HDNNPModel(directory: directory, units: units)], elements: elements, species: species, file: directory)
  }

  package init(models: [HDNNPModel], elements: [String]? = nil, species: [String], file: String? = nil) throws {
    let place = file.map { SourceLocation(file: $0) }
    guard let model = models.first else { throw FaultlineError(.input, "an HDNNP without models", at: place) }
    guard models.allSatisfy({ $0.electrostatics == nil }) else {
      throw FaultlineError(
        .input, "an HDNNP with charges among those of the second generation",
        hint: "the potentials of a committee must be of one generation", at: place)
    }
    for other in models.dropFirst() {
      guard other.elements.map(\.symbol) == model.elements.map(\.symbol),
        other.elements.map(\.functions) == model.elements.map(\.functions)
      else {
        throw FaultlineError(
          .input, "the potentials of a committee must have the same elements and symmetry functions", at: place)
      }
    }
    let map = try model.elementIndices(species: elements ?? species, file: file)
    guard map.count == species.count else {
      throw FaultlineError(.input, "\(map.count) HDNNP elements for \(species.count) species", at: place)
    }
    self.models = models
    let plan = DescriptorPlan(model)
    let program = DescriptorProgram(plan)
    engine = HDNNPEngine(program, elementOfSpecies: map)
    networks = HDNNPAtoms(models, plan)
    committee = models.count > 1 ? HDNNPCommittee(models.count, momentCount: program.momentCount) : nil
    elementOf = AlignedBuffer(map)
    momentCount = program.momentCount
    requirements = PotentialRequirements(cutoff: program.cutoff, list: .full, writesGhosts: true)
  }

  package func attach(to atoms: AtomStore) throws {
    // The name contains the width, because two potentials in one run may have different numbers of moments.
    moments = atoms.addColumn("hdnnp moments \(momentCount)", width: momentCount)
    order = atoms.addColumn("hdnnp order")
    extrapolations = atoms.addColumn(Assessment.extrapolations.column, roles: [.migrates])
    committee?.attach(to: atoms)
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    guard let moments, let order, let extrapolations else {
      throw FaultlineError(.run, "the HDNNP was not attached to the atoms")
    }
    let atoms = context.atoms
    let list = context.neighbors(.full)
    let ranking = engine.order(context, order)
    moments.storage.clear(0..<atoms.count)
    engine.addMoments(atoms, list, ranking, moments.pointer)
    context.ghosts.reverse(moments.storage)
    if context.want.contains(.assessment), let committee {
      try committee.assess(context, moments: moments) { member, energies, forces in
        let energy = networks.evaluate(
          atoms, elementOf: UnsafePointer(elementOf.pointer), moments: moments.pointer, width: momentCount,
          extrapolations: extrapolations.pointer, atomEnergies: energies, member: member)
        context.ghosts.forward(moments.storage)
        _ = engine.addForces(forces, list, ranking, moments.pointer, want: [])
        return energy
      }
    }
    let energy = networks.evaluate(
      atoms, elementOf: UnsafePointer(elementOf.pointer), moments: moments.pointer, width: momentCount,
      extrapolations: extrapolations.pointer,
      atomEnergies: context.want.contains(.atomEnergy) ? atoms.energies : nil)
    context.ghosts.forward(moments.storage)
    let virial = engine.addForces(atoms, list, ranking, moments.pointer, want: context.want)
    return Tally(energy: energy, virial: virial)
  }

  /// This rank's energy by each member of a committee when it was last assessed, eV.
  var memberEnergies: [Double] { committee?.totals ?? [] }
  /// This rank's largest deviation of a force then, eV/Å.
  var largestForceDeviation: Double { committee?.largestForceDeviation ?? 0 }

  /// How far every symmetry function went beyond its training range on this rank.
  package var offenders: [Offender] { networks.descriptors.offenders(models[0]) }

  /// How far the last step's symmetry functions of this rank's atoms went beyond their training ranges.
  package var extrapolation: ExtrapolationReport {
    ExtrapolationReport(models[0], networks.descriptors.tallies.pointer)
  }
}

/// Symmetry functions outside of the range of the training data, on one rank.
package struct ExtrapolationReport: Sendable {
  package struct Function: Sendable {
    package var element: String
    /// From 1, in the order of scaling.data.
    package var index: Int
    /// Atoms for which the function lies outside.
    package var count: Int
    /// The largest distance beyond the range, in widths of the range, and the atom's id.
    package var excess: Double
    package var atom: Int64
  }
  /// Functions with at least one extrapolation, the farthest first.
  package let functions: [Function]
  /// Sum over functions and atoms.
  package var count: Int { functions.map(\.count).reduce(0, +) }

  init(_ model: HDNNPModel, _ tallies: UnsafePointer<HDNNPDescriptors.Tally>) {
    var place = 0
    var found: [Function] = []
    for element in model.elements {
      for index in element.functions.indices {
        let tally = tallies[place]
        place += 1
        guard tally.count > 0 else { continue }
        found.append(
          Function(
            element: element.symbol, index: index + 1, count: tally.count, excess: tally.excess, atom: tally.atom))
      }
    }
    functions = found.sorted { $0.excess > $1.excess }
  }
}

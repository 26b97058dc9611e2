import Foundation
import MDCore
import MDNumerics
import MDParallel
import MDSimulation
import Testing

/// One evaluation of a potential on some ranks (threads), in the order of ids.
enum RankedRun {
  struct Results: Sendable {
    var energy = 0.0
    var virial = Matrix3.zero
    var charges: [Double] = []
    var forces: [Double] = []
    /// Of `Reporting`.
    var figures: [Double] = []
    /// Of `SelfAssessing`.
    var assessments: [Double] = []

    /// Rounding of sums in another order, of a mesh and of solutions to 10⁻¹¹ eV/e.
    /// Figures are left out: iterations may differ.
    func expectEqual(_ other: Results, _ what: String) {
      #expect(abs(energy - other.energy) <= 1e-8, "\(what): energy")
      #expect(zip(charges, other.charges).allSatisfy { abs($0 - $1) <= 1e-9 }, "\(what): charges")
      #expect(zip(forces, other.forces).allSatisfy { abs($0 - $1) <= 1e-8 }, "\(what): forces")
      #expect(zip(virial.elements, other.virial.elements).allSatisfy { abs($0 - $1) <= 1e-7 }, "\(what): virial")
      #expect(
        zip(assessments, other.assessments).allSatisfy { abs($0 - $1) <= 1e-8 },
        "\(what): \(assessments), \(other.assessments)")
      #expect(charges.count == other.charges.count && forces.count == other.forces.count)
      #expect(figures.count == other.figures.count && assessments.count == other.assessments.count)
    }
  }

  /// `groups` gives an atom's groups by its number.
  static func results(
    _ structure: Structure, ranks: Int, groups: @escaping @Sendable (Int64) -> UInt32 = { _ in 1 },
    _ make: @escaping @Sendable (any Communicator) throws -> any Potential
  ) throws -> Results {
    let box = Shared()
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let header = Distribution.header(of: communicator.isRoot ? structure : nil, communicator: communicator)
      let potential = try make(communicator)
      let domain = try Domain(
        box: header.box, ranks: ranks, rank: communicator.rank, halo: potential.requirements.halo)
      let atoms = AtomStore()
      try Distribution.scatter(
        communicator.isRoot ? structure : nil, header: header, to: atoms, domain: domain, communicator: communicator)
      let system = try DistributedSystem(
        communicator: communicator, atoms: atoms, box: header.box, species: header.species,
        masses: header.species.map { _ in 1 }, potentials: [potential], domain: domain, skin: 0)
      for i in 0..<atoms.localCount { atoms.groups[i] = groups(atoms.id[i]) }
      try system.rebuild()
      let tally = try system.compute([.energy, .virial, .assessment], step: 0)
      var sums = [tally.energy] + tally.virial.elements
      communicator.sum(&sums)
      var assessments: [Double] = []
      if let potential = potential as? any SelfAssessing {
        var assessed = potential.assessmentSums
        communicator.sum(&assessed)
        let maxima = potential.assessmentMaxima.map { communicator.maximum($0) }
        assessments = potential.assess(sums: assessed, maxima: maxima, atoms: structure.count)
      }
      let figures =
        (potential as? any Reporting)?.values(atoms.view, box: header.box, potentialEnergy: sums[0]) ?? []
      let columns = [atoms.needCharge().storage, atoms.force.storage]
      try Gather.inOrder(columns, of: atoms, communicator: communicator) { piece in
        guard let buffers = piece?.buffers else { return }
        box.change {
          $0.charges += buffers[0].bindMemory(to: Double.self)
          $0.forces += buffers[1].bindMemory(to: Double.self)
        }
      }
      if communicator.isRoot {
        let (total, assessments) = (sums, assessments)
        box.change {
          $0.energy = total[0]
          $0.virial = Matrix3(Array(total[1...]))
          $0.figures = figures
          $0.assessments = assessments
        }
      }
    }
    return box.results
  }

  private final class Shared: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var results = Results()
    func change(_ body: (inout Results) -> Void) { lock.withLock { body(&results) } }
  }
}

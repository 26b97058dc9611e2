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
    /// Of the system, if the potential assesses itself.
    var figures: [Double] = []

    /// Rounding of sums in another order, of a mesh and of solutions to 10⁻¹¹ eV/e.
    func expectEqual(_ other: Results, _ what: String) {
      #expect(abs(energy - other.energy) <= 1e-8, "\(what): energy")
      #expect(zip(charges, other.charges).allSatisfy { abs($0 - $1) <= 1e-9 }, "\(what): charges")
      #expect(zip(forces, other.forces).allSatisfy { abs($0 - $1) <= 1e-8 }, "\(what): forces")
      #expect(zip(virial.elements, other.virial.elements).allSatisfy { abs($0 - $1) <= 1e-7 }, "\(what): virial")
      #expect(zip(figures, other.figures).allSatisfy { abs($0 - $1) <= 1e-8 }, "\(what): \(figures), \(other.figures)")
      #expect(charges.count == other.charges.count && figures.count == other.figures.count)
    }
  }

  static func results(
    _ structure: Structure, ranks: Int, _ make: @escaping @Sendable (any Communicator) throws -> any SelfAssessing
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
      try system.rebuild()
      let tally = try system.compute([.energy, .virial, .assessment], step: 0)
      var sums = [tally.energy] + tally.virial.elements
      communicator.sum(&sums)
      var assessed = potential.assessmentSums
      communicator.sum(&assessed)
      let maxima = potential.assessmentMaxima.map { communicator.maximum($0) }
      let figures = potential.assess(sums: assessed, maxima: maxima, atoms: structure.count)
      let columns = [atoms.needCharge().storage, atoms.force.storage]
      try Gather.inOrder(columns, of: atoms, communicator: communicator) { _, buffers in
        box.change {
          $0.charges += buffers[0].bindMemory(to: Double.self)
          $0.forces += buffers[1].bindMemory(to: Double.self)
        }
      }
      if communicator.isRoot {
        let total = sums
        box.change {
          $0.energy = total[0]
          $0.virial = Matrix3(Array(total[1...]))
          $0.figures = figures
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

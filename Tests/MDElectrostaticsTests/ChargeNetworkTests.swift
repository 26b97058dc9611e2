import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// HDNNPs of the third generation, with random networks.
@Suite struct ChargeNetworkTests {
  typealias Charges = HDNNPElectrostatics.Charges
  static let species = ["H", "O"]

  struct Case: Sendable, CustomTestStringConvertible {
    var charges: Charges
    var hasOwnFunctions = false
    var screening: ScreeningFunction.Core? = .cosine
    var total = 0.0

    var testDescription: String {
      "\(charges), \(hasOwnFunctions ? "functions of its own, " : "")screening \(screening.map { "\($0)" } ?? "none"), "
        + "total \(total)"
    }

    /// Hydrogen's charges are about 0.6 e, oxygen's −0.9 e; they vary by about 0.2 e.
    var model: HDNNPModel {
      var model = ChargedHDNNPTests.model(seed: 8)
      let other = ChargedHDNNPTests.model(seed: 9)
      for e in model.elements.indices {
        // The networks for the electronegativity do not read charges: they are those of E here.
        model.elements[e].network = model.electrostatics!.elements[e].electronegativity
      }
      let networks = other.electrostatics!.elements.enumerated().map { e, element in
        var network = element.electronegativity
        let last = network.layers.count - 1
        network.layers[last].weights = network.layers[last].weights.map { 3 * $0 }
        network.layers[last].biases = [e == 0 ? 0.6 : -0.9]
        var result = HDNNPElectrostatics.Element(electronegativity: network)
        if hasOwnFunctions {
          result.functions = other.elements[e].functions.map {
            var function = $0
            function.cutoff = 3.7
            function.eta += 0.07
            return function
          }
          result.scaling = other.elements[e].scaling.map {
            FunctionScaling(shift: 0.1, factor: 1.4 * $0.factor, offset: 0, minimum: 0.4, maximum: 1.2)
          }
          result.range = e == 0 ? 0.5...0.65 : nil
        }
        return result
      }
      model.electrostatics = HDNNPElectrostatics(
        charges, elements: networks, screening: screening.map { ScreeningFunction($0, inner: 1.5, outer: 4.2) })
      return model
    }

    func potential(
      mesh: Bool = false, accuracy: Double = 1e-12, communicator: any Communicator = LoopbackCommunicator()
    ) throws -> ChargeNetworkPotential {
      let options = LongRangeOptions(accuracy: accuracy, cutoff: 6)
      let periodic: any LongRangeSolver =
        mesh ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator)
      return try ChargeNetworkPotential(
        model: model, species: ChargeNetworkTests.species,
        longRange: BoundarySolver(periodic, open: DirectSolver(cutoff: 6, communicator: communicator)), cutoff: 6,
        totalCharge: total, communicator: communicator)
    }
  }

  static let cases = [
    Case(charges: .shifted), Case(charges: .scaled), Case(charges: .shifted, hasOwnFunctions: true, total: 1),
    Case(charges: .scaled, hasOwnFunctions: true, screening: .polynomial2, total: -2),
    Case(charges: .shifted, screening: nil, total: -0.5),
  ]

  static let structures = TestStructures.all(species, spacing: 2.6)

  /// Charges and energy put together from potentials of the second generation, whose "energies" are the charges in
  /// one and the short-range energies in the other, point charges, and a plain sum for the screening.
  @Test(arguments: cases) func parts(_ item: Case) throws {
    let model = item.model
    let electrostatics = try #require(model.electrostatics)
    var short = model
    short.electrostatics = nil
    var charging = short
    for (e, element) in electrostatics.elements.enumerated() {
      charging.elements[e].offset = 0
      charging.elements[e].network = element.electronegativity
      guard item.hasOwnFunctions else { continue }
      charging.elements[e].functions = element.functions
      charging.elements[e].scaling = element.scaling
    }
    for structure in Self.structures {
      let potential = try item.potential()
      let system = BruteForceSystem(structure, reach: 6.1)
      let result = try system.evaluate([potential], want: [.energy, .virial, .atomEnergy, .assessment])
      func plain(_ model: HDNNPModel) throws -> (result: BruteForceSystem.Result, extrapolations: Int) {
        let potential = try HDNNPPotential(models: [model], species: Self.species)
        let result = try BruteForceSystem(structure, reach: 6.1).evaluate([potential])
        return (result, potential.extrapolation.count)
      }
      let (found, energies) = (try plain(charging), try plain(short))
      let networks = found.result.atomEnergies
      let expected = Self.adjusted(networks, item)
      let charges = system.atoms.charge!.values(structure.count)
      #expect(zip(charges, expected).allSatisfy { abs($0 - $1) < 1e-12 })
      #expect(abs(charges.reduce(0, +) - item.total) < 1e-12)
      #expect(Set(charges.map { ($0 * 100).rounded() }).count > structure.count / 3, "charges differ")

      var charged = structure
      charged.charges = expected
      let communicator = LoopbackCommunicator()
      let options = LongRangeOptions(accuracy: 1e-12, cutoff: 6)
      let coulomb = try CoulombPotential(
        solver: BoundarySolver(
          EwaldSolver(options, communicator: communicator), open: DirectSolver(cutoff: 6, communicator: communicator)),
        cutoff: 6, species: Self.species, netCharge: item.total, communicator: communicator)
      let bench = BruteForceSystem(charged, reach: 6.1)
      let energy =
        try bench.evaluate([coulomb]).energy + energies.result.energy + screened(bench, electrostatics.screening)
      #expect(abs(result.energy - energy) < 1e-9 * max(1, abs(energy)), "\(result.energy), \(energy)")

      // Functions of both networks outside, and hydrogen's charges.
      let outside = zip(networks, structure.types).filter { charge, type in
        type == 0 && !(electrostatics.elements[0].range?.contains(charge) ?? true)
      }.count
      let functions = energies.extrapolations + (item.hasOwnFunctions ? found.extrapolations : 0)
      #expect(potential.assessmentSums == [Double(functions + outside)])
      if item.hasOwnFunctions { #expect(functions > 0 && outside > 0) }
      let column = system.atoms.addColumn(Assessment.extrapolations.column).values(structure.count)
      #expect(column.reduce(0, +) == Double(functions + outside))
      #expect(potential.offenders.map(\.count).reduce(0, +) == functions + outside)
    }
  }

  private static func adjusted(_ charges: [Double], _ item: Case) -> [Double] {
    let sum = charges.reduce(0, +)
    guard item.charges == .scaled else { return charges.map { $0 - (sum - item.total) / Double(charges.count) } }
    let positive = charges.filter { $0 > 0 }.reduce(0, +)
    let negative = sum - positive
    let half = 0.5 * (sum - item.total)
    return charges.map { $0 > 0 ? $0 * (positive - half) / positive : $0 * (negative - half) / negative }
  }

  /// Σ qᵢqⱼ (f − 1)/r within the outer radius.
  private func screened(_ system: BruteForceSystem, _ screening: ScreeningFunction?) -> Double {
    guard let screening else { return 0 }
    var sum = 0.0
    for i in 0..<system.atoms.localCount {
      for k in system.full.starts[i]..<system.full.starts[i + 1] {
        let j = Int(system.full.indices[k])
        let r = (system.atoms.position[j] - system.atoms.position[i]).length
        guard r < screening.outer else { continue }
        let x = max(0, (r - screening.inner) / (screening.outer - screening.inner))
        let core = screening.core == .cosine ? 0.5 * (cos(.pi * x) + 1) : ((15 - 6 * x) * x - 10) * x * x * x + 1
        sum -= 0.5 * system.atoms.charge![i] * system.atoms.charge![j] * core / r
      }
    }
    return Units.coulomb * sum
  }

  /// Forces and virial are derivatives of the energy through the charges; invariances; per-atom results.
  @Test(arguments: cases) func properties(_ item: Case) throws {
    var tolerance = PotentialTolerance(derivative: 1e-7, step: 1e-4)
    tolerance.rounding = 1e-9
    try checkPotential(
      structures: Self.structures, continuity: .none, tolerance: tolerance, replication: item.total == 0
    ) {
      [try item.potential(accuracy: 1e-13)]
    }
  }

  @Test(arguments: [Case(charges: .shifted, total: 1), Case(charges: .scaled, hasOwnFunctions: true)])
  func ranks(_ item: Case) throws {
    for structure in Self.structures {
      let one = try RankedRun.results(structure, ranks: 1) { try item.potential(mesh: true, communicator: $0) }
      for ranks in [2, 3, 4, 8] {
        let found = try RankedRun.results(structure, ranks: ranks) { try item.potential(mesh: true, communicator: $0) }
        found.expectEqual(one, "\(ranks) ranks")
      }
    }
  }

  /// Charges of one sign cannot be scaled to nothing.
  @Test func oneSign() throws {
    var model = Case(charges: .scaled).model
    for e in 0..<2 { model.electrostatics!.elements[e].electronegativity.layers[2].biases = [3] }
    let communicator = LoopbackCommunicator()
    let potential = try ChargeNetworkPotential(
      model: model, species: Self.species,
      longRange: EwaldSolver(LongRangeOptions(accuracy: 1e-6, cutoff: 6), communicator: communicator), cutoff: 6,
      communicator: communicator)
    let error = #expect(throws: FaultlineError.self) {
      _ = try BruteForceSystem(Self.structures[0], reach: 6.1).evaluate([potential])
    }
    #expect(error?.message.contains("one sign") == true && error?.isCollective == true)
  }
}

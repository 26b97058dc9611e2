import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentialFiles
import MDPotentials
import MDSimulation
import MDTestSupport
import Testing

/// HDNNPs of the fourth generation: the published ones, and small ones with random networks.
@Suite struct ChargedHDNNPTests {
  enum Method: Sendable, CaseIterable { case iterative, direct }

  static func potential(
    _ model: HDNNPModel, _ species: [String], _ method: Method = .direct, mesh: Bool = false, accuracy: Double,
    tolerance: Double = 1e-11, constraints: ChargeConstraints = ChargeConstraints(),
    communicator: any Communicator = LoopbackCommunicator()
  ) throws -> ChargedHDNNPPotential {
    let cutoff = max(6, ChargedHDNNPPotential.cutoff(model, accuracy: accuracy))
    let options = LongRangeOptions(accuracy: accuracy, cutoff: cutoff)
    let periodic: any LongRangeSolver =
      mesh
      ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator)
    let sums = BoundarySolver(
      periodic, open: DirectSolver(cutoff: cutoff, communicator: communicator))
    let solver: any ChargeSolver =
      method == .direct
      ? DenseCharges(communicator: communicator)
      : ConjugateGradientCharges(
          tolerance: tolerance, mesh: mesh ? options : nil, communicator: communicator)
    return try ChargedHDNNPPotential(
      model: model, species: species, solver: solver, longRange: sums, cutoff: cutoff, constraints: constraints,
      communicator: communicator)
  }

  static let published = ["hdnnp4g-carbon-chain", "hdnnp4g-H2O", "hdnnp4g-AuMgO"]

  /// Energies, forces and charges that n2p2 found. The reference's Ewald sums have a precision of 10⁻⁹.
  @Test(.reference(published), arguments: published)
  func reference(_ name: String) throws {
    let folder = try ReferenceCases.folder(name)
    let copy = try ReferenceCases.asTaken(folder)
    defer { try? FileManager.default.removeItem(at: copy) }
    let model = try HDNNPModel(directory: copy.path, units: .atomic)
    for frame in try ReferenceCases.frames(folder) {
      let potential = try Self.potential(
        model, frame.structure.species, .iterative, accuracy: 1e-9, constraints: .init(total: frame.totalCharge ?? 0))
      let system = BruteForceSystem(frame.structure, reach: potential.requirements.cutoff + 0.1)
      let result = try system.evaluate([potential])
      let open = frame.structure.box.periodic == .none
      let chargeError = zip(try #require(frame.charges), system.atoms.charge!.values(frame.structure.count))
        .map { abs($0 - $1) }.max()!
      #expect(chargeError <= (open ? 1e-12 : 1e-7), "\(frame.name): charges off by \(chargeError)")
      let energyError = abs(result.energy - frame.energy) / abs(frame.energy)
      #expect(energyError <= (open ? 1e-14 : 1e-11), "\(frame.name): energy \(result.energy), expected \(frame.energy)")
      let forceError = zip(result.forces, frame.forces).map { ($0 - $1).length }.max()!
      #expect(forceError <= (open ? 1e-11 : 2e-6), "\(frame.name): forces off by \(forceError)")
      // From nothing to 10⁻¹¹ eV/e.
      let solutions = try #require(potential.solutions)
      #expect(solutions.charges.iterations < 25 && solutions.adjoint.iterations < 25)
    }
  }

  /// On any number of ranks the same, on a mesh and with the whole matrix.
  @Test(arguments: [(Method.iterative, true), (.iterative, false), (.direct, false)])
  func ranks(_ method: Method, mesh: Bool) throws {
    for structure in TestStructures.all(["H", "O"], spacing: 2.6) {
      var one: RankedRun.Results?
      for ranks in [1, 2, 3, 4, 8] {
        let found = try RankedRun.results(structure, ranks: ranks) {
          try Self.potential(
            Self.model(seed: 5), ["H", "O"], method, mesh: mesh, accuracy: mesh ? 1e-6 : 1e-10,
            constraints: .init(total: 1), communicator: $0)
        }
        guard let one else {
          one = found
          continue
        }
        found.expectEqual(one, "\(ranks) ranks")
        #expect(abs(found.figures[0] - one.figures[0]) <= 1, "\(ranks) ranks: iterations")
      }
    }
  }

  /// Two elements with radial and angular functions, some screening.
  static func model(seed: UInt64, screening: ScreeningFunction.Core = .cosine) -> HDNNPModel {
    var random = SplitMix64(seed: seed)
    func number(_ range: Range<Double>) -> Double { Double.random(in: range, using: &random) }
    func network(_ inputs: Int) -> FeedForwardNetwork {
      func layer(_ inputs: Int, _ outputs: Int, _ a: FeedForwardNetwork.Activation) -> FeedForwardNetwork.Layer {
        let width = 1 / Double(inputs).squareRoot()
        return .init(
          weights: (0..<inputs * outputs).map { _ in width * number(-1..<1) },
          biases: (0..<outputs).map { _ in number(-0.5..<0.5) }, activation: a)
      }
      return FeedForwardNetwork(layers: [layer(inputs, 5, .tanh), layer(5, 3, .tanh), layer(3, 1, .linear)])
    }
    let elements = [("H", 1), ("O", 8)].map { symbol, z in
      var functions: [SymmetryFunction] = []
      for neighbor in 0..<2 {
        for eta in [0.05, 0.3] {
          var f = SymmetryFunction(.radial, cutoff: 4)
          f.eta = eta
          f.firstNeighbor = neighbor
          f.cutoffFunction = CutoffFunction(.polynomial2)
          functions.append(f)
        }
      }
      for zeta in [1.0, 4] {
        var f = SymmetryFunction(.angularNarrow, cutoff: 4)
        f.eta = 0.01
        f.zeta = zeta
        f.lambda = 1
        f.secondNeighbor = 1
        f.cutoffFunction = CutoffFunction(.polynomial2)
        functions.append(f)
      }
      return HDNNPElement(
        symbol: symbol, atomicNumber: z, offset: -1, functions: functions,
        scaling: functions.map { _ in FunctionScaling(shift: 0.3, factor: 0.5, offset: 0.1, minimum: 0, maximum: 9) },
        network: network(functions.count + 1))
    }
    let charges = [(9.0, 0.35), (4.0, 0.55)].map { hardness, width in
      HDNNPElectrostatics.Element(electronegativity: network(6), hardness: hardness, width: width)
    }
    return HDNNPModel(
      elements: elements,
      electrostatics: HDNNPElectrostatics(
        elements: charges, screening: ScreeningFunction(screening, inner: 1.5, outer: 4.2)))
  }

  /// Forces and virial are derivatives of the energy through the charges; invariances; per-atom results.
  @Test func properties() throws {
    var tolerance = PotentialTolerance(derivative: 1e-7, step: 1e-4)
    tolerance.rounding = 1e-9
    try checkPotential(
      structures: TestStructures.all(["H", "O"], spacing: 2.6), continuity: .none, tolerance: tolerance
    ) {
      [try Self.potential(Self.model(seed: 3), ["H", "O"], accuracy: 1e-13)]
    }
  }

  /// The same with a total charge and every screening function.
  @Test(arguments: [-1.0, 2.0], ScreeningFunction.Core.allCases)
  func derivativesOfCharged(_ total: Double, _ screening: ScreeningFunction.Core) throws {
    let model = Self.model(seed: 4, screening: screening)
    for structure in TestStructures.all(["H", "O"], spacing: 2.6) {
      let potential = try Self.potential(model, ["H", "O"], accuracy: 1e-12, constraints: .init(total: total))
      func evaluate(_ s: Structure) throws -> BruteForceSystem.Result {
        try BruteForceSystem(s, reach: potential.requirements.cutoff).evaluate([potential])
      }
      let base = try evaluate(structure)
      let scale = base.forces.map(\.length).max()!
      let h = 1e-4
      func slope(_ energy: (Double) throws -> Double) throws -> Double {
        try (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
      }
      for (i, axis) in [(0, 0), (structure.count / 2, 1), (structure.count - 1, 2)] {
        let expected = try slope {
          var moved = structure
          moved.positions[i][axis] += $0
          return try evaluate(moved).energy
        }
        #expect(abs(base.forces[i][axis] + expected) <= 1e-7 * scale, "force on \(i)")
      }
      for (a, b) in [(0, 0), (1, 2), (2, 2)] {
        let expected = try slope {
          var strain = Matrix3.identity
          strain[a][b] += $0
          var s = structure
          s.positions = s.positions.map { $0 * strain }
          s.box = Box(cell: s.box.cell * strain, origin: s.box.origin * strain, periodic: s.box.periodic)
          return try evaluate(s).energy
        }
        #expect(
          abs(base.virial[a][b] + expected) <= 1e-7 * base.virial.elements.map(abs).max()!, "virial \(a)\(b)")
      }
    }
  }

  /// Charges add up, and the two solvers agree to the tolerance asked for.
  @Test(arguments: [1e-3, 1e-6, 1e-10]) func solversAgree(tolerance: Double) throws {
    for structure in TestStructures.all(["H", "O"], spacing: 2.6) {
      var results: [(charges: [Double], forces: [Vector3], energy: Double)] = []
      for method in Method.allCases {
        let potential = try Self.potential(
          Self.model(seed: 5), ["H", "O"], method, accuracy: 1e-10, tolerance: tolerance, constraints: .init(total: 1))
        let system = BruteForceSystem(structure, reach: potential.requirements.cutoff)
        let result = try system.evaluate([potential])
        let charges = system.atoms.charge!.values(structure.count)
        #expect(abs(charges.reduce(0, +) - 1) < 1e-11)
        #expect(potential.solutions!.charges.residual <= max(1e-11, tolerance))
        results.append((charges, result.forces, result.energy))
      }
      // The matrix is at least a hardness of 4 eV/e²; residuals are root-mean-square.
      let spread = tolerance * Double(structure.count).squareRoot()
      #expect(zip(results[0].charges, results[1].charges).allSatisfy { abs($0 - $1) <= spread / 4 + 1e-11 })
      #expect(zip(results[0].forces, results[1].forces).allSatisfy { ($0 - $1).length <= 20 * spread + 1e-9 })
      // To second order.
      #expect(abs(results[0].energy - results[1].energy) <= 10 * spread * spread + 1e-9)
    }
  }

  /// Steps on end start from the charges before: fewer iterations.
  @Test func historyHelps() throws {
    let structure = TestStructures.crystal(["H", "O"], spacing: 2.6)
    let potential = try Self.potential(Self.model(seed: 6), ["H", "O"], .iterative, accuracy: 1e-8, tolerance: 1e-8)
    let system = BruteForceSystem(structure, reach: potential.requirements.cutoff + 0.5)
    _ = try system.evaluate([potential])
    let cold = potential.solutions!
    for _ in 0..<6 {
      for i in 0..<system.atoms.localCount { system.atoms.position[i] += Vector3(1e-4, -2e-4, 1e-4) * Double(i % 3) }
      system.forward(system.atoms.position.storage)
      _ = try system.evaluate([potential])
    }
    let warm = potential.solutions!
    #expect(warm.charges.iterations < cold.charges.iterations)
    #expect(warm.adjoint.iterations < cold.adjoint.iterations)
  }

  /// No convergence is an error that says how far it came.
  @Test func failure() throws {
    let structure = TestStructures.crystal(["H", "O"], spacing: 2.6)
    let communicator = LoopbackCommunicator()
    let model = Self.model(seed: 6)
    let potential = try ChargedHDNNPPotential(
      model: model, species: ["H", "O"],
      solver: ConjugateGradientCharges(tolerance: 1e-12, mostIterations: 3, communicator: communicator),
      longRange: EwaldSolver(LongRangeOptions(accuracy: 1e-6, cutoff: 6), communicator: communicator), cutoff: 6,
      communicator: communicator)
    let system = BruteForceSystem(structure, reach: 6.1)
    let error = #expect(throws: FaultlineError.self) { _ = try system.evaluate([potential]) }
    #expect(error?.message.contains("after 3 iterations") == true && error?.isCollective == true)
  }
}

extension Column where Element == Double {
  func values(_ count: Int) -> [Double] { (0..<count).map { self[$0] } }
}

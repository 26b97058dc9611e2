import Foundation
import MDCore
import MDDeck
import MDDynamics
import MDNumerics
import MDParallel
import MDSimulation
import Testing

/// Cells that relax along with the atoms, in memory.
@Suite("Relaxation of cells") struct CellRelaxationTests {
  /// A strained fcc crystal of Zhou's copper in a triclinic cell.
  static let crystal = """
    structure:
      crystal:
        cell: [[5.3, 0.2, -0.1], [2.7, 4.4, 0.1], [2.5, 1.6, 4.3]]
        basis:
          - {species: Cu, position: [0, 0, 0]}
          - {species: Cu, position: [0.51, 0, 0.01]}
          - {species: Cu, position: [0, 0.5, 0.02]}
          - {species: Cu, position: [0.5, 0.49, 0]}
          - {species: Cu, position: [0.01, 0, 0.5]}
          - {species: Cu, position: [0.5, 0.01, 0.5]}
          - {species: Cu, position: [0, 0.5, 0.49]}
          - {species: Cu, position: [0.49, 0.5, 0.5]}
    potential: [{eam: {parameters: zhou2004}}]
    """

  private final class Box<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var found: Value?
    func set(_ value: Value) { lock.withLock { found = value } }
    var value: Value? { lock.withLock { found } }
  }

  private func onRanks<Value>(
    _ ranks: Int, _ deck: String, _ body: @escaping @Sendable (Engine, RunPlan) throws -> Value
  ) throws -> Value {
    let plan = try RunPlan.parse(deck, file: "deck.yaml", schema: Registry.schema, purpose: .evaluate)
    let result = Box<Value>()
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let value = try body(Engine.make(plan, communicator: communicator), plan)
      if communicator.isRoot { result.set(value) }
    }
    return try #require(result.value)
  }

  /// −∂H/∂q of the enthalpy by central differences, under a pressure and under a stress.
  @Test(arguments: [1, 2]) func gradient(ranks: Int) throws {
    let stress = Matrix3([3000, 500, -200, 500, -8000, 100, -200, 100, 1000])
    for target in [-20_000 * .identity, stress] {
      let worst = try onRanks(ranks, Self.crystal) { engine, _ in
        let system = engine.system
        let context = try DynamicsContext(
          atoms: system.atoms, masses: system.masses, timestep: 1, communicator: system.communicator)
        try system.rebuild()
        var worst = 0.0
        for shape in CellShape.allCases {
          let components = CellComponents(shape, box: system.box)
          let felt = StressTarget(stress: target, feltBy: components)
          func block() -> CellCoordinates {
            CellCoordinates(components, target: felt, tolerance: 1, box: system.box, atoms: system.totalCount)
          }
          func sums() throws -> (energy: Double, virial: Matrix3) {
            system.refresh()
            let tally = try system.compute([.energy, .virial], step: 0)
            var all = [tally.energy] + tally.virial.elements
            system.communicator.sum(&all)
            return (all[0], Matrix3(Array(all[1...])))
          }
          var here = block()
          here.measure(virial: try sums().virial, box: system.box)
          for k in 0..<components.count {
            var difference = 0.0
            let step = 3e-4
            for sign in [1.0, -1] {
              var moved = block()
              var steps = [Double](repeating: 0, count: components.count)
              steps[k] = sign * step
              try moved.move(by: steps, context, box: &system.box)
              difference += sign * (try sums().energy + moved.enthalpyPart(system.box))
              steps[k] = -sign * step
              try moved.move(by: steps, context, box: &system.box)
            }
            worst = max(worst, abs(-difference / (2 * step) - here.force[k]))
          }
        }
        return worst
      }
      #expect(worst < 2e-7, "\(worst) eV/Å")
    }
  }

  /// Both minimisers come to the stress asked for, told by a computation of its own, and to one crystal.
  @Test(arguments: [1, 3]) func reaches(ranks: Int) throws {
    for target in [Matrix3.zero, -50_000 * .identity, Matrix3([9000, 2000, 0, 2000, -5000, 1000, 0, 1000, 4000])] {
      var energies: [Double] = []
      for method in ["lbfgs", "fire"] {
        let (row, converged) = try onRanks(ranks, Self.crystal) { engine, _ in
          let row = try engine.run(
            .relaxation(method: method, cell: "full", stress: target, forceTolerance: 1e-6, stressTolerance: 0.5))
          return (row, engine.lastStageConverged)
        }
        #expect(converged, "\(method)")
        let p = row.pressureTensor
        let stress = [-p[0], -p[5], -p[4], -p[5], -p[1], -p[3], -p[4], -p[3], -p[2]]
        for (a, b) in zip(stress, target.elements) { #expect(abs(a - b) < 1.5, "\(method): \(stress)") }
        #expect(row.largestForce < 1e-6)
        energies.append(row.potentialEnergy)
      }
      #expect(abs(energies[0] - energies[1]) < 1e-6)
    }
  }

  /// Only what a shape names changes.
  @Test func shapes() throws {
    for shape in CellShape.allCases {
      let (before, after) = try onRanks(1, Self.crystal) { engine, _ in
        let before = engine.system.box.cell
        try engine.run(.relaxation(cell: shape.rawValue, forceTolerance: 1e-5))
        return (before, engine.system.box.cell)
      }
      let f = before.inverse * after
      let n = { (v: Vector3) in (1 / v.length) * v }(cross(before.x, before.y))
      #expect((f - .identity).norm > 1e-3, "\(shape)")
      switch shape {
      case .normal:
        #expect((before.x - after.x).length < 1e-12 && (before.y - after.y).length < 1e-12)
      case .outOfPlane:
        #expect((before.x - after.x).length < 1e-12 && (before.y - after.y).length < 1e-12)
        let lean = after.z - before.z
        #expect((lean - dot(lean, n) * n).length > 1e-3)
      case .inPlane: #expect((n * f - n).length < 1e-9)
      case .axes: for (k, x) in f.elements.enumerated() where k % 4 != 0 { #expect(abs(x) < 1e-12) }
      case .isotropic: #expect((f - f.x.x * .identity).norm < 1e-12)
      case .full: break
      }
    }
  }

  @Test func runaway() throws {
    // Nothing but repulsion: the crystal expands for ever.
    let deck = """
      structure: {lattice: {type: fcc, constant: 4, species: [Ar], size: [3, 3, 3]}}
      potential: [{born_mayer_huggins: {cutoff: 12, pairs: [{species: [Ar, Ar], a: 5, rho: 1.5, sigma: 2, c: 0, d: 0}]}}]
      """
    let error = #expect(throws: FaultlineError.self) {
      _ = try onRanks(1, deck) { engine, _ in
        try engine.run(.relaxation(cell: "isotropic", forceTolerance: 1e-8, stressTolerance: 1e-9)).volume
      }
    }
    #expect(error?.message.contains("finds no minimum") == true, "\(String(describing: error))")
  }
}

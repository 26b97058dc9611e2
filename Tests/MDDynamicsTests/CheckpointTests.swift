import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

@Suite("Checkpoints of the dynamics")
struct CheckpointTests {
  enum Kind: Equatable, Sendable, CaseIterable {
    case verlet, fire
    case thermostat(ThermostatKind)
    static let allCases = [verlet, fire] + ThermostatKind.allCases.map { thermostat($0) }

    func make() throws -> any Integrator {
      switch self {
      case .verlet: VelocityVerlet()
      case .fire: try FIRE(.init(forceTolerance: 1e-9, energyTolerance: 1e-15))
      case .thermostat(let kind):
        VelocityVerlet(
          thermostat: try kind.make(TemperatureRamp(from: 300, to: 900, firstStep: 0, lastStep: 60)))
      }
    }
  }

  private func bench() throws -> TestBench {
    let bench = try TestBench(
      sites: TestBench.line(12), masses: [27, 60], species: (0..<12).map { Int32($0 % 2) },
      groups: [2] + Array(repeating: 1, count: 11), motion: GroupMotion(frozen: 2), model: Model.ring(3, 30))
    try VelocityInitialization.maxwellBoltzmann(temperature: 300, seed: 1, bench.context)
    for i in 1..<12 { bench.atoms.position[i] += Vector3(0, 0.1 * Double(i % 3), 0) }
    bench.computeForces()
    return bench
  }

  @Test("60 steps are 30 + 30 steps, to the bit, box and conserved quantity included", arguments: Kind.allCases)
  func continuation(kind: Kind) throws {
    func loading(_ bench: TestBench) throws -> Loading {
      try Loading(axis: 0, strainRate: 0.3, step: bench.context.step)
    }
    let continuous = try bench()
    let integrator = try kind.make()
    let pull = try loading(continuous)
    try continuous.run(integrator, steps: 30, loading: pull)

    let resumed = try continuous.copy()
    let fresh = try kind.make()
    let freshPull = try loading(resumed)
    try fresh.begin(resumed.context, box: resumed.box, from: integrator.state(continuous.context))
    try freshPull.restore(pull.state(), step: continuous.context.step)

    try continuous.run(integrator, steps: 30, loading: pull, beginning: false)
    try resumed.run(fresh, steps: 30, loading: freshPull, beginning: false)
    #expect(resumed.positions == continuous.positions)
    #expect(resumed.velocities == continuous.velocities)
    #expect(resumed.box == continuous.box)
    #expect(fresh.bathEnergy(resumed.context) == integrator.bathEnergy(continuous.context))
    #expect(try fresh.state(resumed.context) == integrator.state(continuous.context))
  }

  @Test("A state of another kind is refused with the reason")
  func foreign() throws {
    let bench = try bench()
    let chain = VelocityVerlet(thermostat: try NoseHooverChain(target: TemperatureRamp(constant: 300), damping: 0.1))
    let longer = VelocityVerlet(
      thermostat: try NoseHooverChain(target: TemperatureRamp(constant: 300), damping: 0.1, length: 5))
    try chain.begin(bench.context, box: bench.box)
    let state = try chain.state(bench.context)
    for integrator in try Kind.allCases.filter({ $0 != .thermostat(.chain) }).map({ try $0.make() }) + [longer] {
      for foreign in [state, Data("{".utf8)] {
        #expect(throws: FaultlineError.self) {
          try integrator.begin(bench.context, box: bench.box, from: foreign)
        }
      }
    }
  }

  /// Right in form, wrong in what they say: each would go on as another run, or as none.
  @Test("Contents that no run writes are refused", arguments: [
    (Kind.fire, "\"timestep\":", "-1"), (.fire, "\"timestep\":", "1e9"), (.fire, "\"mixing\":", "7"),
    (.fire, "\"steps\":", "-3"), (.fire, "\"forceSquared\":", "-1"),
    (.thermostat(.chain), "\"masses\":[", "0"), (.thermostat(.chain), "\"twiceKinetic\":", "-2"),
    (.thermostat(.langevin), "\"state\":[", "1,2"), (.thermostat(.rescaling), "\"state\":[", "1,2"),
    (.verlet, "\"state\":[", "1"),
  ])
  func impossible(kind: Kind, key: String, value: String) throws {
    let bench = try bench()
    let integrator = try kind.make()
    try bench.run(integrator, steps: 5)
    let text = String(decoding: try integrator.state(bench.context), as: UTF8.self)
    let place = try #require(text.range(of: key)).upperBound
    let rest = text[place...].drop { !",]}".contains($0) }
    let changed = Data((text[..<place] + value + rest).utf8)
    try kind.make().begin(bench.context, box: bench.box, from: Data(text.utf8))
    let error = #expect(throws: FaultlineError.self) {
      try kind.make().begin(bench.context, box: bench.box, from: changed)
    }
    #expect(error?.message.contains("section 'stage'") == true, "\(String(describing: error))")
  }

  @Test("A loading that begins after the checkpoint is refused")
  func impossibleLoading() throws {
    let bench = try bench()
    let pull = try Loading(axis: 0, strainRate: 0.3, step: bench.context.step)
    func restore(at step: Int) throws {
      try Loading(axis: 0, strainRate: 0.3, step: 0).restore(pull.state(), step: step)
    }
    try restore(at: bench.context.step)
    #expect(throws: FaultlineError.self) { try restore(at: bench.context.step - 1) }
  }
}

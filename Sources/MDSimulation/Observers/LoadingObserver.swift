import Foundation
import MDCore
import MDDeck
import MDDynamics
import MDNumerics

/// `loading.csv`: strain in both measures, stress, work and the force on grips while a stage loads the cell, and the
/// conditions that end such a stage.
///
/// F is the gradient of all deformation since the stage began, loads and barostats alike. Engineering strains are those of
/// F − 1 (shear: twice the mean of both off-diagonal elements), true ones the logarithm of the stretch along each axis,
/// ln √(FᵀF)_ii. The stress σ = −P of atoms and their motion is positive in tension, of the volume that the deck says: the
/// cell, or the matter between surfaces. Work is ∫ V σ : dε, by the trapezoid between rows.
final class LoadingObserver: Observer {
  let name = "loading"
  private let plan: RunPlan
  private let system: DistributedSystem
  private let grips: [(name: String, bit: UInt32)]

  /// Of the stage under way.
  private struct State: Codable, Equatable {
    var stage = -1
    var work = 0.0
    /// eV/Å³ and F at the last row.
    var stress: [Double] = Matrix3.zero.elements
    var gradient: [Double] = Matrix3.identity.elements
    /// The highest stress so far, GPa.
    var peak = 0.0
  }
  private var current = State()
  private var ends: [Ending] = []

  /// What run.json has of a stage.
  struct Ending: Codable, Equatable {
    var stage: Int
    var peakStressGPa: Double
    var strainAtEnd: Double
    var work: Double

    enum CodingKeys: String, CodingKey {
      case stage
      case peakStressGPa = "peak_stress_GPa"
      case strainAtEnd = "strain_at_end"
      case work = "work_eV"
    }
  }

  init(_ setting: ObserverEntry.Setting, groups: [GroupPlan]) {
    plan = setting.plan
    system = setting.system
    grips = groups.enumerated().compactMap { $1.velocity != nil || $1.frozen ? ($1.name, UInt32(1) << UInt32($0)) : nil }
  }

  private static func load(of stage: StagePlan) -> DeckSection? {
    switch stage.work {
    case .dynamics(let dynamics): dynamics.loads.first { $0.name != LoadEntry.kField.entry.name }?.section
    case .minimize(let minimize): minimize.increments?.section
    }
  }

  /// Whether a stage of the deck loads the cell.
  static func isNeeded(_ plan: RunPlan) -> Bool { plan.stages.contains { load(of: $0) != nil } }

  var table: ObserverTable? {
    let strains = Voigt.names.map { Figure("strain_\($0)") }
    let trueStrains = ["xx", "yy", "zz"].map { Figure("true_strain_\($0)") }
    let stresses = Voigt.names.map { Figure("stress_\($0)", unit: "GPa") }
    let forces = grips.flatMap { grip in ["x", "y", "z"].map { Figure("force_\(grip.name)_\($0)", unit: "eV/Å") } }
    return ObserverTable(
      file: "loading.csv",
      columns: [Figure("time", unit: "ps")] + strains + trueStrains + stresses
        + [Figure("volume", unit: "Å³"), Figure("work", unit: "eV")] + forces)
  }

  // MARK: Before the first step

  /// Refuses stresses of a slab whose volume nobody has said, and barostats along empty space. Collective.
  func rehearse() throws -> [String] {
    let ends = system.surfaceAxes()
    guard let axis = ends.first else { return [] }
    for stage in plan.stages {
      // `deform` has no such key: its stress is the cell's.
      guard let load = Self.load(of: stage), load["axis"] == nil, !load.gives("volume") else { continue }
      throw FaultlineError(
        .input, "stage '\(stage.name)': there is empty space along \(["a", "b", "c"][axis]), so the stress has no volume",
        hint: "give `volume: matter` (between the outermost atoms) or `volume: cell`", at: load.location,
        isCollective: true)
    }
    return []
  }

  // MARK: Observing

  private func isDue(_ look: Look) -> Bool {
    guard let stage = look.stage, let load = Self.load(of: plan.stages[stage.number]) else { return false }
    // Quasi-static stages tell afterwards whether they are at an increment.
    if stage.isAtIncrement != nil { return true }
    let every = load["every"]?.integer ?? plan.output.thermo.every
    return look.isStart || look.step % every == 0 || look.step == stage.firstStep + stage.steps
  }

  func wants(_ look: Look) -> Want? { isDue(look) ? [.energy, .virial] : nil }

  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Observation {
    guard let load = Self.load(of: plan.stages[engine.clock.stage]) else { return Observation() }
    if engine.stage.isAtIncrement == false { return Observation() }
    let row = engine.sample(tally)
    let p = row.pressureTensor
    let pressure = Matrix3(Vector3(p[0], p[5], p[4]), Vector3(p[5], p[1], p[3]), Vector3(p[4], p[3], p[2]))
    let isMatter = load["volume"]?.string == "matter"
    let volume = isMatter ? system.matterVolume() : system.box.volume
    let stress = (-system.box.volume / volume / Units.energyPerVolumeToBar) * pressure
    let f = engine.gradient
    if current.stage != engine.clock.stage {
      current = State(stage: engine.clock.stage, stress: stress.elements)
    } else {
      let increment = (Matrix3(current.gradient).inverse * f).symmetricPart - .identity
      let mean = 0.5 * (stress + Matrix3(current.stress))
      current.work += volume * mean.contracted(with: increment)
    }
    (current.stress, current.gradient) = (stress.elements, f.elements)

    let gigapascal = Units.energyPerVolumeToBar / 10_000
    let s = gigapascal * stress
    let e = f - .identity
    let strains = [e.x.x, e.y.y, e.z.z, e.y.z + e.z.y, e.x.z + e.z.x, e.x.y + e.y.x]
    let stretch = f.transpose * f
    let stretches = [stretch.x.x, stretch.y.y, stretch.z.z].map { 0.5 * log($0) }
    let values =
      [row.time] + strains + stretches + [s.x.x, s.y.y, s.z.z, s.y.z, s.x.z, s.x.y] + [volume, current.work] + gripForces()
    let watched = Self.watched(load)
    let component = [s.x.x, s.y.y, s.z.z, s.y.z, s.x.z, s.x.y][watched]
    defer { if abs(component) > current.peak { current.peak = abs(component) } }
    var seen = Observation(row: values)
    if !look.isStart, let reason = reasonToEnd(load, stress: component, strain: strains[watched], watched) {
      seen.action = .endStage(reason)
    }
    return seen
  }

  /// The component that conditions are about: the first with a rate.
  private static func watched(_ load: DeckSection) -> Int {
    if load["axis"] != nil { return load.axis("axis") }
    if let name = load["component"]?.string { return Voigt.names.firstIndex(of: name) ?? 0 }
    return Voigt.names.firstIndex { name in
      guard let value = load[name], !value.isText else { return false }
      return value.section["rate"] != nil
    } ?? 0
  }

  private func reasonToEnd(_ load: DeckSection, stress: Double, strain: Double, _ k: Int) -> String? {
    guard let when = load["stop_when"]?.section else { return nil }
    let name = Voigt.names[k]
    if let limit = when["strain"]?.double, abs(strain) >= limit {
      return "the strain \(name) has reached \(RunLog.fixed(strain, 4))"
    }
    if let limit = when["stress"]?.double, abs(stress) * 10_000 >= limit {
      return "the stress \(name) has reached \(RunLog.fixed(stress, 3)) GPa"
    }
    if let drop = when["stress_drop"]?.double, current.peak > 0, abs(stress) <= (1 - drop) * current.peak,
      abs(strain) > when.double("after_strain")
    {
      return "the stress \(name) has fallen from \(RunLog.fixed(current.peak, 3)) to \(RunLog.fixed(stress, 3)) GPa"
    }
    return nil
  }

  /// What the other atoms exert on each group that is held or driven, eV/Å. Collective.
  private func gripForces() -> [Double] {
    guard !grips.isEmpty else { return [] }
    var sums = [Double](repeating: 0, count: 3 * grips.count)
    let atoms = system.atoms.view
    for i in 0..<atoms.localCount {
      for (k, grip) in grips.enumerated() where atoms.groups[i] & grip.bit != 0 {
        for axis in 0..<3 { sums[3 * k + axis] += atoms.forces[i][axis] }
      }
    }
    system.communicator.sum(&sums)
    return sums
  }

  func sumUp(_ engine: Engine) throws -> StageReport {
    guard let load = Self.load(of: plan.stages[engine.clock.stage]), current.stage == engine.clock.stage else {
      return StageReport()
    }
    let k = Self.watched(load)
    let e = engine.gradient - .identity
    let strain = [e.x.x, e.y.y, e.z.z, e.y.z + e.z.y, e.x.z + e.z.x, e.x.y + e.y.x][k]
    ends.append(
      Ending(stage: engine.clock.stage + 1, peakStressGPa: current.peak, strainAtEnd: strain, work: current.work))
    let name = Voigt.names[k]
    return StageReport(lines: [
      "loading: highest stress \(name) \(RunLog.fixed(current.peak, 3)) GPa, strain \(RunLog.fixed(strain, 4)) at the end, work "
        + "\(RunLog.fixed(current.work, 3)) eV; loading.csv"
    ])
  }

  var results: (any Encodable)? { ends.isEmpty ? nil : ends }

  private struct Kept: Codable {
    var current: State
    var ends: [Ending]
  }

  func state() throws -> Data? { try JSONEncoder().encode(Kept(current: current, ends: ends)) }

  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {
    let kept = try section.decode(Kept.self)
    let s = kept.current
    try section.require(
      s.stage <= clock.stage && s.stress.count == 9 && s.gradient.count == 9
        && (s.stress + s.gradient + [s.work, s.peak]).allSatisfy(\.isFinite) && Matrix3(s.gradient).determinant > 0,
      "a loading of stage \(s.stage)")
    (current, ends) = (kept.current, kept.ends)
  }
}

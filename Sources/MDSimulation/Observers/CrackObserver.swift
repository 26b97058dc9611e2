import Foundation
import MDCore
import MDDeck
import MDDynamics
import MDNumerics

/// `crack.csv`: K of the ring, the tip by broken bonds and by a fit of the elastic field, and K near the tip, while a structure with a
/// crack is run; K at which the crack first advances while K does not fall, and first falls back while K does not rise.
///
/// In dynamics it looks every so many steps; in quasi-static loading after each increment; in other relaxations at both ends.
final class CrackObserver: Observer {
  let name = "crack"
  private let plan: RunPlan
  private let system: DistributedSystem
  private let every: Int
  private let limit: Double
  private let between: (Double, Double)?
  private var bonds: CrackBonds?
  private var knowsGriffith: Bool { plan.crack?.surfaceEnergy != nil }

  private struct State: Codable, Equatable {
    /// Tip at first; tip and K at the last row; Å and MPa√m.
    var firstTip: Double?
    var lastIntensity = 0.0
    var lastTip = 0.0
    var advance: Event?
    var retreat: Event?
  }

  /// What changed between two rows.
  struct Event: Codable, Equatable {
    /// MPa√m, the middle of both rows and half their difference.
    var k: Double
    var halfStep: Double
    /// J/m², of `k`.
    var g: Double
    /// In units of K_G, where it is known.
    var ofGriffith: Double?
    var step: Int

    enum CodingKeys: String, CodingKey {
      case k = "K_MPa_sqrt_m"
      case halfStep = "half_step_MPa_sqrt_m"
      case g = "G_J_per_m2"
      case ofGriffith = "K_over_K_G"
      case step
    }
  }

  /// In run.json.
  struct Results: Encodable {
    var griffith: Double?
    var effectiveModulus: Double
    var tip: Double
    var firstTip: Double
    var intensity: Double
    var advance: Event?
    var retreat: Event?

    enum CodingKeys: String, CodingKey {
      case griffith = "K_G_MPa_sqrt_m"
      case effectiveModulus = "E_effective_GPa"
      case tip = "tip_A"
      case firstTip = "first_tip_A"
      case intensity = "K_MPa_sqrt_m"
      case advance = "first_advance"
      case retreat = "first_retreat"
    }
  }

  private var current = State()
  private var frame: CrackFrame?

  init(_ section: DeckSection?, _ setting: ObserverEntry.Setting) throws {
    (plan, system) = (setting.plan, setting.system)
    guard let crack = plan.crack else { preconditionFailure("the deck's check asks for a crack") }
    every = section?["every"]?.integer ?? plan.output.thermo.every
    limit = section?.double("bond") ?? Self.usualLimit
    let free = CrackFactory.freeRadius(crack)
    let given = section?["fit"]?.doubles
    between = given.map { ($0[0], $0[1]) } ?? (free > 20 ? (0.3 * free, 0.7 * free) : nil)
  }

  static let usualLimit = 1.3

  static func isNeeded(_ plan: RunPlan) -> Bool { plan.crack != nil && !plan.analysis.contains { $0.name == "crack" } }

  var table: ObserverTable? {
    ObserverTable(
      file: "crack.csv",
      columns: [Figure("time", unit: "ps"), Figure("K", unit: "MPa√m", digits: 12)]
        + (knowsGriffith ? [Figure("K_over_K_G", digits: 12)] : [])
        + [
          Figure("G", unit: "J/m²", digits: 12), Figure("centre", unit: "Å", digits: 10), Figure("tip", unit: "Å", digits: 10),
          Figure("broken_bonds"),
        ]
        + (between == nil
          ? []
          : [
            Figure("tip_fit", unit: "Å", digits: 10), Figure("K_I_fit", unit: "MPa√m", digits: 10),
            Figure("K_II_fit", unit: "MPa√m", digits: 10), Figure("K_III_fit", unit: "MPa√m", digits: 10),
            Figure("fit_residual", unit: "Å", digits: 6),
          ]))
  }

  // MARK: Before the first step

  func rehearse() throws -> [String] {
    guard let crack = plan.crack else { return [] }
    guard crack.ring >= system.cutoff else {
      throw FaultlineError(
        .input, "the crack's ring is \(RunLog.fixed(crack.ring, 2)) Å thick, less than the potential's cutoff of "
          + "\(RunLog.fixed(system.cutoff, 2)) Å", hint: "free atoms would feel the outer surface: give a thicker `ring`",
        at: plan.structure?.location, isCollective: true)
    }
    let free = CrackFactory.freeRadius(crack)
    if let between, between.0 >= between.1 || between.1 > free {
      throw FaultlineError(
        .input, "the fit from \(RunLog.fixed(between.0, 1)) to \(RunLog.fixed(between.1, 1)) Å is empty or reaches into the ring",
        hint: "atoms are free to \(RunLog.fixed(free, 1)) Å from the middle",
        at: plan.analysis.first { $0.name == name }?.location, isCollective: true)
    }
    return []
  }

  // MARK: Looking

  private func isDue(_ look: Look) -> Bool {
    guard let stage = look.stage else { return false }
    if stage.isAtIncrement != nil || look.isStart { return true }
    if !stage.isDynamics { return look.isRow }
    return look.step % every == 0 || look.step == stage.firstStep + stage.steps
  }

  func wants(_ look: Look) -> Want? { isDue(look) ? [] : nil }

  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Observation {
    guard let ring = engine.crack else { return Observation() }
    // Quasi-static stages tell afterwards whether they are at an increment; a relaxation only ends where it is over.
    let stage = engine.stage
    if let isAt = stage.isAtIncrement, !isAt { return Observation() }
    if stage.isAtIncrement == nil, !stage.isDynamics, !look.isStart, !stage.isConverged, look.step != stage.firstStep + stage.steps {
      return Observation()
    }
    frame = ring.frame
    let bonds = try self.bonds ?? CrackBonds(system, plane: ring.frame.tip.y, neighbor: ring.frame.bond, limit: limit)
    self.bonds = bonds
    let (broken, tip) = bonds.look(system)
    ring.see(tip: tip)
    let k = ring.state.intensity
    note(k, tip, bonds.spacing, ring.frame, step: look.step)
    var row = [engine.clock.time, k]
    if knowsGriffith, let unit = ring.frame.griffith { row.append(k / unit) }
    row += [ring.frame.energyRelease(k), ring.state.tip, tip, Double(broken)]
    if let between {
      let fit = CrackFit(system, ring.frame, near: ring.state.tip, intensity: k, between: between)
      // A crack that is not loaded has no tip to fit.
      row += fit.map { [$0.tip, $0.intensities.y, $0.intensities.x, $0.intensities.z, $0.residual] }
        ?? [Double](repeating: .nan, count: 5)
    }
    return Observation(row: row)
  }

  private func note(_ k: Double, _ tip: Double, _ spacing: Double, _ frame: CrackFrame, step: Int) {
    defer { (current.lastIntensity, current.lastTip) = (k, tip) }
    guard current.firstTip != nil else {
      current.firstTip = tip
      return
    }
    func event() -> Event {
      let middle = 0.5 * (k + current.lastIntensity)
      return Event(
        k: middle, halfStep: 0.5 * abs(k - current.lastIntensity), g: frame.energyRelease(middle),
        ofGriffith: frame.griffith.map { middle / $0 }, step: step)
    }
    let (before, last) = (current.lastTip, current.lastIntensity)
    if current.advance == nil, k >= last, tip > before + 0.5 * spacing { current.advance = event() }
    if current.retreat == nil, k <= last, tip < before - 0.5 * spacing { current.retreat = event() }
  }

  func sumUp(_ engine: Engine) throws -> StageReport {
    guard let first = current.firstTip else { return StageReport() }
    func text(_ event: Event) -> String {
      // Soft crystals have K of hundredths: as many digits as the error has.
      "K \(String(format: "%.5g ± %.1g", event.k, event.halfStep)) MPa√m"
        + (event.ofGriffith.map { " (\(RunLog.fixed($0, 3)) K_G)" } ?? "")
    }
    var line = "crack: tip at \(RunLog.fixed(current.lastTip, 2)) Å, \(RunLog.fixed(current.lastTip - first, 2)) Å from where it began"
    if let event = current.advance { line += "; advanced first at " + text(event) }
    if let event = current.retreat { line += "; fell back first at " + text(event) }
    return StageReport(lines: [line + "; crack.csv"])
  }

  var results: (any Encodable)? {
    guard let frame, let first = current.firstTip else { return nil }
    return Results(
      griffith: frame.griffith, effectiveModulus: 1000 / frame.stroh.energyRelease(Vector3(0, 1, 0)), tip: current.lastTip,
      firstTip: first, intensity: current.lastIntensity, advance: current.advance, retreat: current.retreat)
  }

  // MARK: Checkpoints

  func state() throws -> Data? { try JSONEncoder().encode(current) }

  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {
    let kept = try section.decode(State.self)
    let events = [kept.advance, kept.retreat].compactMap { $0 }
    try section.require(
      [kept.firstTip ?? 0, kept.lastIntensity, kept.lastTip].allSatisfy(\.isFinite)
        && events.allSatisfy { $0.k.isFinite && $0.halfStep >= 0 && $0.step <= clock.step }, "a crack \(kept)")
    current = kept
  }
}

extension ObserverEntry {
  static let crack = ObserverEntry(
    "crack",
    DeckObject(
      "The tip of `structure.crack` and K around it: rows of crack.csv. Without this section it looks with each row of thermo.csv; "
        + "quasi-static loading is looked at after each increment.",
      [
        .optional("every", .steps, "Steps from row to row in dynamics; those of `output.thermo` if absent."),
        .defaulted(
          "bond", .number(NumberRange(from: 1, to: 5, includesLower: false)), "1.3",
          "A bond across the crack's plane is broken when it is longer than this many times its length in the crystal."),
        .optional(
          "fit", .list(.quantity(.length, .positive), count: 2...2),
          "Distances from the field's centre between which atoms are fitted; 0.3 and 0.7 of the body's free radius if absent."),
      ],
      example: DeckSchema.crackExample + "\nanalysis:\n  crack: {every: 100, bond: 1.4, fit: [15, 40]}"),
    check: { section, context in
      if context.plan.crack == nil {
        context.refuse(section.error("bond", "looks at a crack, but the structure has none", hint: "`structure: {crack: …}`"))
      }
    }
  ) { section, setting in try CrackObserver(section, setting) }
}

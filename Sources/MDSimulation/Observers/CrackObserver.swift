import Foundation
import MDAnalysis
import MDCore
import MDDeck
import MDDynamics
import MDNumerics
import MDPotentials

/// `crack.csv`: K of the ring, the tip by broken bonds and by a fit of the elastic field, and K near the tip, while a structure with a
/// crack is run; J of relaxed states; K at which the crack first advances while K does not fall, and first falls back while K does not
/// rise.
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
  private let slipLimit: Double
  private var neighbors: CrackNeighbors?
  private let radii: [Double]?
  private var domains: CrackDomains?
  private var knowsGriffith: Bool { plan.crack?.surfaceEnergy != nil }

  private struct State: Codable, Equatable {
    /// Tip at first; tip and K at the last row; Å and MPa√m.
    var firstTip: Double?
    var lastIntensity = 0.0
    var lastTip = 0.0
    /// J of the annuli at the last row that has it, J/m².
    var integrals: [Double] = []
    var advance: Event?
    var retreat: Event?
    /// Slipped atoms at first, and when there were more.
    var firstSlipped = 0
    var slip: Event?
    /// Of a path of equilibria.
    var folds = CrackFolds()
    /// At the last row: x and the opening's components, Å.
    var opening: [[Double]] = []
    var lastCentre = 0.0
  }

  /// What changed between two rows.
  struct Event: Codable, Equatable {
    /// MPa√m, the middle of both rows and half their difference.
    var k: Double
    var halfStep: Double
    /// J/m², of `k`.
    var g: Double
    /// J/m², mean of the annuli at the row before, from which the crack moved; nil where it was not measured.
    var j: Double?
    /// In units of K_G, where it is known.
    var ofGriffith: Double?
    var step: Int

    enum CodingKeys: String, CodingKey {
      case k = "K_MPa_sqrt_m"
      case halfStep = "half_step_MPa_sqrt_m"
      case g = "G_J_per_m2"
      case j = "J_before_J_per_m2"
      case ofGriffith = "K_over_K_G"
      case step
    }
  }

  /// In run.json.
  struct Results: Encodable {
    var griffith: Double?
    var emission: Double?
    var effectiveModulus: Double
    var tip: Double
    var firstTip: Double
    var intensity: Double
    /// J at the last relaxed state, mean of the annuli and largest less smallest; J/m².
    var integral: Double?
    var spread: Double?
    var advance: Event?
    var retreat: Event?
    var slip: Event?
    var highest: Fold?
    var least: Fold?

    enum CodingKeys: String, CodingKey {
      case griffith = "K_G_MPa_sqrt_m"
      case emission = "K_emission_MPa_sqrt_m"
      case effectiveModulus = "E_effective_GPa"
      case tip = "tip_A"
      case firstTip = "first_tip_A"
      case intensity = "K_MPa_sqrt_m"
      case integral = "J_J_per_m2"
      case spread = "J_spread_J_per_m2"
      case advance = "first_advance"
      case retreat = "first_retreat"
      case slip = "first_slip"
      case highest = "path_K_plus"
      case least = "path_K_minus"
    }
  }

  /// An end of lattice trapping on a path of equilibria, in run.json.
  struct Fold: Encodable {
    /// MPa√m; the error is what the parabola adds to the nearest point.
    var k: Double
    var error: Double
    var ofGriffith: Double?
    /// J/m².
    var g: Double
    /// Å.
    var centre: Double

    enum CodingKeys: String, CodingKey {
      case k = "K_MPa_sqrt_m"
      case error = "error_MPa_sqrt_m"
      case ofGriffith = "K_over_K_G"
      case g = "G_J_per_m2"
      case centre = "centre_A"
    }

    init?(_ fold: CrackFolds.Fold?, _ frame: CrackFrame) {
      guard let fold else { return nil }
      (k, error, centre, g) = (fold.k, fold.error, fold.centre, frame.energyRelease(fold.k))
      ofGriffith = frame.griffith.map { fold.k / $0 }
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
    slipLimit = section?.double("slip") ?? Self.usualSlip
    radii = Self.domains(plan)
  }

  /// Radii of the annuli of J, Å; nil where it is not measured.
  static func domains(_ plan: RunPlan) -> [Double]? {
    guard let crack = plan.crack, !plan.potential.isEmpty, plan.hasRelaxation else { return nil }
    if let given = plan.analysis.first(where: { $0.name == "crack" })?.section["domains"] { return given.doubles }
    let free = CrackFactory.freeRadius(crack)
    return free > 40 ? [0.3, 0.5, 0.7, 0.9].map { $0 * free } : nil
  }

  static let usualLimit = 1.3
  static let usualSlip = 0.4

  static func isNeeded(_ plan: RunPlan) -> Bool { plan.crack != nil && !plan.analysis.contains { $0.name == "crack" } }

  var table: ObserverTable? {
    ObserverTable(
      file: "crack.csv",
      columns: [Figure("time", unit: "ps"), Figure("K", unit: "MPa√m", digits: 12)]
        + (knowsGriffith ? [Figure("K_over_K_G", digits: 12)] : [])
        + [
          Figure("G", unit: "J/m²", digits: 12), Figure("centre", unit: "Å", digits: 10), Figure("tip", unit: "Å", digits: 10),
          Figure("broken_bonds"), Figure("slipped_atoms"),
        ]
        + (between == nil
          ? []
          : [
            Figure("tip_fit", unit: "Å", digits: 10), Figure("K_I_fit", unit: "MPa√m", digits: 10),
            Figure("K_II_fit", unit: "MPa√m", digits: 10), Figure("K_III_fit", unit: "MPa√m", digits: 10),
            Figure("G_fit", unit: "J/m²", digits: 10), Figure("fit_residual", unit: "Å", digits: 6),
          ])
        + (1..<(radii?.count ?? 1)).map { Figure("J_\($0)", unit: "J/m²", digits: 10) })
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
    // How far the forces of an atom are felt: of pairs once, of embedding and descriptors through a neighbour, too.
    let isPairwise = system.potentials.allSatisfy { $0 is PairPotential }
    let reach = (isPairwise ? 1 : 2) * system.cutoff
    if let stage = plan.stages.first(where: { if case .minimize(let m) = $0.work { m.path != nil } else { false } }), crack.ring < 2 * reach {
      throw FaultlineError(
        .input, "the crack's ring is \(RunLog.fixed(crack.ring, 2)) Å thick, and its inner half does not reach as far as forces, "
          + "\(RunLog.fixed(reach, 2)) Å", hint: "`k_path` needs `ring: \(RunLog.fixed(2 * reach + 0.05, 1))`", at: stage.location, isCollective: true)
    }
    var notes: [String] = []
    if crack.ring < reach {
      notes.append(
        "warning: the crack's ring is \(RunLog.fixed(crack.ring, 2)) Å thick, less than two cutoffs (\(RunLog.fixed(reach, 2)) Å), and atoms feel the "
          + "neighbours of their neighbours: free ones are not quite as in a large crystal")
    }
    let free = CrackFactory.freeRadius(crack)
    if let between, between.0 >= between.1 || between.1 > free {
      throw FaultlineError(
        .input, "the fit from \(RunLog.fixed(between.0, 1)) to \(RunLog.fixed(between.1, 1)) Å is empty or reaches into the ring",
        hint: "atoms are free to \(RunLog.fixed(free, 1)) Å from the middle",
        at: plan.analysis.first { $0.name == name }?.location, isCollective: true)
    }
    if let radii, plan.analysis.contains(where: { $0.name == name && $0.section["domains"] != nil }) {
      try refuse(radii, free: free)
    }
    return notes
  }

  /// Annuli are outside of what the tip's atoms feel of the faces, and inside of the ring.
  private func refuse(_ radii: [Double], free: Double) throws {
    let inner = system.cutoff
    let place = plan.analysis.first { $0.name == name }?.section.location(of: "domains")
    if zip(radii, radii.dropFirst()).contains(where: { $0 >= $1 }) {
      throw FaultlineError(.input, "`domains` do not ascend", hint: "n + 1 radii bound n annuli", at: place, isCollective: true)
    }
    guard radii[0] >= inner, radii[radii.count - 1] <= free else {
      throw FaultlineError(
        .input, "annuli of J from \(RunLog.fixed(radii[0], 1)) to \(RunLog.fixed(radii[radii.count - 1], 1)) Å reach the tip or the ring",
        hint: "from the potential's cutoff, \(RunLog.fixed(inner, 1)) Å, to the ring, \(RunLog.fixed(free, 1)) Å from the middle", at: place,
        isCollective: true)
    }
  }

  // MARK: Looking

  private func isDue(_ look: Look) -> Bool {
    guard let stage = look.stage else { return false }
    if stage.isAtIncrement != nil || look.isStart { return true }
    if !stage.isDynamics { return look.isRow }
    return look.step % every == 0 || look.step == stage.firstStep + stage.steps
  }

  /// Increments end unforeseen: they are computed once more.
  func wants(_ look: Look) -> Want? {
    guard isDue(look) else { return nil }
    return look.isStart && radii != nil && !(look.stage?.isDynamics ?? true) ? Self.shares : []
  }
  private static let shares: Want = [.energy, .virial, .atomEnergy, .atomVirial]

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
    let (broken, tip, opening) = bonds.look(system)
    ring.see(tip: tip)
    let k = ring.state.intensity
    let neighbors = self.neighbors ?? CrackNeighbors(system, bond: ring.frame.bond)
    self.neighbors = neighbors
    neighbors.look()
    let slipped = CrackSlip(limit: slipLimit, plane: ring.frame.tip.y, bond: ring.frame.bond).count(neighbors)
    // Where hardly a bond is broken, nothing but the field says where the tip is.
    let integrals = try self.integrals(ring.frame, neighbors, tip: max(tip, ring.state.tip), look, stage)
    current.opening = opening.profile.map { [$0.place, $0.opening.x, $0.opening.y, $0.opening.z] }
    current.lastCentre = ring.state.tip
    if stage.isOnCrackPath, !look.isStart { current.folds.add(centre: ring.state.tip, k: k, scale: CrackPath.scale) }
    note(k, tip, bonds.spacing, slipped, ring.frame, isOnPath: stage.isOnCrackPath, step: look.step)
    var row = [engine.clock.time, k]
    if knowsGriffith, let unit = ring.frame.griffith { row.append(k / unit) }
    row += [ring.frame.energyRelease(k), ring.state.tip, tip, Double(broken), Double(slipped)]
    if let between {
      let fit = CrackFit(system, ring.frame, near: ring.state.tip, intensity: k, between: between)
      // A crack that is not loaded has no tip to fit.
      row += fit.map { fit in
        let k = fit.intensities
        return [fit.tip, k.y, k.x, k.z, ring.frame.stroh.energyRelease(k), fit.residual]
      } ?? [Double](repeating: .nan, count: 6)
    }
    if integrals.allSatisfy(\.isFinite), !integrals.isEmpty { current.integrals = integrals }
    return Observation(row: row + integrals)
  }

  /// J of the annuli; not a number of those that reach the ring, and while atoms move. Collective.
  private func integrals(_ frame: CrackFrame, _ neighbors: CrackNeighbors, tip: Double, _ look: Look, _ stage: StageDriver) throws
    -> [Double]
  {
    guard let radii, let crack = plan.crack else { return [] }
    guard !stage.isDynamics else { return radii.dropLast().map { _ in .nan } }
    let domains = self.domains ?? CrackDomains(radii, neighbors, frame, slit: crack.slit)
    self.domains = domains
    if !look.isStart { _ = try system.compute(Self.shares, step: look.step) }
    let room = CrackFactory.room(crack, at: SIMD2(tip, frame.tip.y))
    return zip(domains.measure(tip: tip), radii.dropFirst()).map { $1 > room ? .nan : $0 }
  }

  private func note(_ k: Double, _ tip: Double, _ spacing: Double, _ slipped: Int, _ frame: CrackFrame, isOnPath: Bool, step: Int) {
    defer { (current.lastIntensity, current.lastTip) = (k, tip) }
    let j = mean(current.integrals)
    guard current.firstTip != nil else {
      (current.firstTip, current.firstSlipped) = (tip, slipped)
      return
    }
    // On a path the load is no cause: it follows the crack.
    guard !isOnPath else { return }
    func event() -> Event {
      let middle = 0.5 * (k + current.lastIntensity)
      return Event(
        k: middle, halfStep: 0.5 * abs(k - current.lastIntensity), g: frame.energyRelease(middle), j: j,
        ofGriffith: frame.griffith.map { middle / $0 }, step: step)
    }
    let (before, last) = (current.lastTip, current.lastIntensity)
    if current.advance == nil, k >= last, tip > before + 0.5 * spacing { current.advance = event() }
    if current.retreat == nil, k <= last, tip < before - 0.5 * spacing { current.retreat = event() }
    if current.slip == nil, slipped > current.firstSlipped { current.slip = event() }
  }

  private func mean(_ values: [Double]) -> Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }
  private func spread(_ values: [Double]) -> Double? { values.max().map { $0 - values.min()! } }

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
    if let event = current.slip { line += "; atoms slipped first at " + text(event) }
    var lines = [line + "; crack.csv"]
    if let frame, engine.stage.isOnCrackPath {
      func text(_ fold: CrackFolds.Fold?) -> String {
        guard let fold else { return "not met" }
        return String(format: "%.6g", fold.k) + (frame.griffith.map { " (\(RunLog.fixed(fold.k / $0, 4)) K_G)" } ?? "")
      }
      lines.append("  lattice trapping: K₋ \(text(current.folds.least)), K₊ \(text(current.folds.highest)) MPa√m")
    }
    if let frame, let j = mean(current.integrals), let spread = spread(current.integrals), !engine.stage.isDynamics {
      lines.append(
        "  J \(String(format: "%.4g", j)) J/m², \(current.integrals.count == 1 ? "1 annulus" : "\(current.integrals.count) annuli") within "
          + "\(String(format: "%.2g", 100 * spread / abs(j))) %; G of the ring \(String(format: "%.4g", frame.energyRelease(current.lastIntensity)))")
    }
    return StageReport(lines: lines)
  }

  var results: (any Encodable)? {
    guard let frame, let first = current.firstTip else { return nil }
    return Results(
      griffith: frame.griffith, emission: frame.emission, effectiveModulus: 1000 / frame.stroh.energyRelease(Vector3(0, 1, 0)), tip: current.lastTip,
      firstTip: first, intensity: current.lastIntensity, integral: mean(current.integrals), spread: spread(current.integrals),
      advance: current.advance, retreat: current.retreat, slip: current.slip,
      highest: Fold(current.folds.highest, frame), least: Fold(current.folds.least, frame))
  }

  func reports() -> [(name: String, report: Report)] {
    guard let frame, !current.opening.isEmpty else { return [] }
    let opening = CrackOpening(profile: current.opening.map { ($0[0], Vector3($0[1], $0[2], $0[3])) })
    return [
      (
        name,
        opening.report(
          frame, intensity: current.lastIntensity, centre: current.lastCentre, tip: current.lastTip, between: between)
      )
    ]
  }

  // MARK: Checkpoints

  func state() throws -> Data? { try JSONEncoder().encode(current) }

  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {
    let kept = try section.decode(State.self)
    let events = [kept.advance, kept.retreat, kept.slip].compactMap { $0 }
    try section.require(
      ([kept.firstTip ?? 0, kept.lastIntensity, kept.lastTip] + kept.integrals).allSatisfy(\.isFinite)
        && (kept.integrals.isEmpty || kept.integrals.count == (radii?.count ?? 1) - 1)
        && kept.firstSlipped >= 0
        && events.allSatisfy { $0.k.isFinite && $0.halfStep >= 0 && $0.step <= clock.step }, "a crack \(kept)")
    try section.require(
      kept.folds.isSound && kept.lastCentre.isFinite && kept.opening.allSatisfy { $0.count == 4 && $0.allSatisfy(\.isFinite) },
      "faces of a crack \(kept.opening)")
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
        .defaulted(
          "slip", .number(NumberRange(from: 0, to: 5, includesLower: false)), "0.4",
          "Neighbours of the crystal that are not across the crack's plane have slipped when their displacements differ by more than this many "
            + "nearest-neighbour distances."),
        .optional(
          "fit", .list(.quantity(.length, .positive), count: 2...2),
          "Distances from the field's centre between which atoms are fitted; 0.3 and 0.7 of the body's free radius if absent."),
        .optional(
          "domains", .list(.quantity(.length, .positive), count: 2...20),
          "Radii about the tip, ascending: between each two of them J is measured of relaxed states. 0.3, 0.5, 0.7 and 0.9 of the free "
            + "radius if absent, and none in bodies with less than 40 Å of it."),
      ],
      example: DeckSchema.crackExample + "\nanalysis:\n  crack: {every: 100, bond: 1.4, slip: 0.3, fit: [15, 40]}"),
    check: { section, context in
      if context.plan.crack == nil {
        context.refuse(section.error("bond", "looks at a crack, but the structure has none", hint: "`structure: {crack: …}`"))
      }
      if section["domains"] != nil, !context.plan.hasRelaxation {
        context.refuse(section.error("domains", "is for relaxed states, and no stage relaxes", hint: "add a stage `minimize`"))
      }
    }
  ) { section, setting in try CrackObserver(section, setting) }
}

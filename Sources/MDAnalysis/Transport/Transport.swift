import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Mean squared displacements over windows of every length, by species and axis, of all atoms, a group or a region; what
/// follows from them: tracer diffusion, the non-Gaussian parameter, van Hove's self part, survival in a region and
/// diffusion across it; and with charges the conductivity of the whole system, by Einstein and by Green and Kubo.
final class Transport: Instrument {
  /// Which atoms of a region count.
  enum Membership: String, CaseIterable { case stayed, start, ends }

  /// Of one lag and species.
  enum Slot { static let count = 0, x = 1, fourth = 4, atStart = 5, size = 6 }
  /// Of one lag, of the whole system.
  enum Whole { static let count = 0, x = 1, current = 4, size = 5 }

  let selection: Selection
  let species: [String]
  let speciesCounts: [Int]
  let masses: [Double]
  let windows: TauWindows
  let membership: Membership
  private let removesDrift: Bool
  /// What is carried, for the conductivity.
  let carriers: Carriers?
  /// K; measured if nil.
  let givenTemperature: Double?
  let hasVelocities: Bool
  let histogram: Histogram?
  let periodicAxes: [Int]

  /// Van Hove's self part at some lags, and the distinct one.
  struct Histogram {
    var lags: [Int]
    var largest: Double
    var bins: Int
    var isDistinct: Bool

    /// Where the sums of lag h and two species begin: the windows of the first, then pairs by distance.
    func pairs(_ h: Int, _ then: Int, _ now: Int, _ kinds: Int) -> Int { ((h * kinds + then) * kinds + now) * (1 + bins) }
    func size(_ kinds: Int) -> Int { isDistinct ? pairs(lags.count, 0, 0, kinds) : 0 }
  }

  private let trails: Trails
  private var dipoles: CollectiveTrail
  private var currents: CollectiveTrail
  private var spacing = SampleInterval()
  var interval: Double? { spacing.interval }
  private var restarts = 0
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    species = setting.species
    speciesCounts = setting.speciesCounts
    masses = setting.masses
    windows = Self.windows(section)
    membership = Membership(rawValue: section.string("membership"))!
    removesDrift = section.string("drift") == "mass"
    givenTemperature = section["temperature"]?.double
    hasVelocities = setting.hasVelocities
    periodicAxes = (0..<3).filter { setting.box.periodic[$0] }
    carriers = try Carriers(section, setting)
    let lags = windows.lags
    histogram = try (section["van_hove"]?.section).map { inner in
      let chosen = inner.integers("lags")
      if let stranger = chosen.first(where: { !lags.contains($0) }) {
        var error = inner.error(
          "lags", "has \(stranger), which is no lag of the windows",
          hint: lags.prefix(40).map(String.init).joined(separator: ", ") + (lags.count > 40 ? ", …" : ""))
        error.isCollective = true
        throw error
      }
      return Histogram(lags: chosen, largest: inner.double("largest"), bins: inner.integer("bins"),
        isDistinct: inner.boolean("distinct"))
    }
    trails = Trails(windows, name: setting.name, atoms: setting.atoms)
    dipoles = CollectiveTrail(windows)
    currents = CollectiveTrail(windows)
    let kinds = setting.species.count
    histogramAt = lags.count * (kinds * Slot.size + Whole.size)
    pairsAt = histogramAt + (histogram.map { $0.lags.count * kinds * $0.bins } ?? 0)
    othersAt = pairsAt + (histogram?.size(kinds) ?? 0)
    // Few blocks, and so longer ones: the lags of a fit are within one.
    sums = BlockedSums(width: othersAt + Other.size(kinds), capacity: 16)
  }

  static func windows(_ section: DeckSection) -> TauWindows {
    TauWindows(points: section.integer("points"), levels: section.integer("levels"))
  }

  /// What is summed up once a sample: |J|², volume, Σ m v², leavers and comers, samples, atoms inside by species, and the
  /// charges of species.
  enum Other {
    static let current = 0, volume = 1, motion = 2, left = 3, came = 4, samples = 5, inside = 6
    static func charges(_ kinds: Int) -> Int { inside + kinds }
    static func size(_ kinds: Int) -> Int { inside + 2 * kinds }
  }

  let histogramAt: Int
  let pairsAt: Int
  let othersAt: Int

  func slot(_ lag: Int, _ kind: Int) -> Int { (lag * species.count + kind) * Slot.size }
  func whole(_ lag: Int) -> Int { windows.lags.count * species.count * Slot.size + lag * Whole.size }

  var needsVelocities: Bool { carriers?.areIntegrated ?? false }
  var needsCharges: Bool { carriers?.needsCharges ?? false }

  // MARK: Samples

  func measure(_ scene: Scene) throws {
    let passed = note(scene)
    let members = try selection.members(scene)
    let center = removesDrift ? scene.massCenter() : .zero
    let view = scene.view
    let n = trails.samples
    let whole = carriers.map { $0.look(scene, center, passed: passed, speciesCounts) }
    let isRoot = scene.communicator.isRoot
    let bins = histogram?.bins ?? 0
    var chosen = [Int](repeating: -1, count: windows.lags.count)
    for (h, lag) in (histogram?.lags ?? []).enumerated() { chosen[windows.lags.firstIndex(of: lag)!] = h }
    let kinds = species.count
    let changes = selection.changes
    var starts = [DistinctPairs](repeating: DistinctPairs(), count: histogram?.isDistinct == true ? histogram?.lags.count ?? 0 : 0)
    sums.add { sums in
      let crossed = trails.take(scene.atoms, isInside: members, place: { scene.unwrapped($0) - center }) { visit in
        let kind = Int(view.species[visit.atom])
        let row = sums + slot(visit.lag, kind)
        if visit.wasInside { row[Slot.atStart] += 1 }
        if visit.wasInside, !starts.isEmpty, chosen[visit.lag] >= 0 {
          let then = scene.unwrapped(visit.atom) - center - visit.displacement
          starts[chosen[visit.lag]].add(.init(id: scene.atoms.id[visit.atom], kind: kind, place: then))
        }
        let counts =
          switch membership {
          case _ where !changes: visit.isInside
          case .stayed: visit.hasStayed
          case .start: visit.wasInside
          case .ends: visit.wasInside && visit.isInside
          }
        guard counts else { return }
        let d = visit.displacement
        row[Slot.count] += 1
        row[Slot.x] += d.x * d.x
        row[Slot.x + 1] += d.y * d.y
        row[Slot.x + 2] += d.z * d.z
        let square = d.squaredLength
        row[Slot.fourth] += square * square
        if chosen[visit.lag] >= 0, let histogram {
          let bin = Int(square.squareRoot() / histogram.largest * Double(bins))
          if bin < bins { sums[histogramAt + (chosen[visit.lag] * kinds + kind) * bins + bin] += 1 }
        }
      }
      let others = sums + othersAt
      others[Other.left] += Double(crossed.left)
      others[Other.came] += Double(crossed.came)
      for i in 0..<view.localCount {
        let kind = Int(view.species[i])
        if members[i] { others[Other.inside + kind] += 1 }
        others[Other.motion] += masses[kind] * view.velocities[i].squaredLength
      }
      // What every rank knows is added by one.
      guard isRoot else { return }
      others[Other.volume] += scene.box.volume
      others[Other.samples] += 1
      guard let whole else { return }
      others[Other.current] += whole.current.squaredLength
      for (kind, charge) in whole.charges.enumerated() { others[Other.charges(kinds) + kind] += charge }
      dipoles.take(n, whole.dipole) { lag, then in
        let row = sums + self.whole(lag)
        let d = whole.dipole - then
        row[Whole.count] += 1
        for k in 0..<3 { row[Whole.x + k] += d[k] * d[k] }
      }
      currents.take(n, whole.current) { lag, then in sums[self.whole(lag) + Whole.current] += dot(whole.current, then) }
    }
    if let histogram, histogram.isDistinct { distinct(scene, starts, center, histogram) }
    // The others keep what is kept for all.
    if !isRoot, let whole {
      dipoles.take(n, whole.dipole) { _, _ in }
      currents.take(n, whole.current) { _, _ in }
    }
  }

  /// Adds the pairs of all windows that end now to the sums of this sample. Collective.
  private func distinct(_ scene: Scene, _ starts: [DistinctPairs], _ center: Vector3, _ histogram: Histogram) {
    let kinds = species.count
    let scale = Double(histogram.bins) / histogram.largest
    var found = [Double](repeating: 0, count: histogram.size(kinds))
    for (h, start) in starts.enumerated() {
      // Where no window ends on any rank there is nothing to meet.
      guard scene.communicator.any(start.count > 0) else { continue }
      for then in 0..<kinds {
        for now in 0..<kinds { found[histogram.pairs(h, then, now, kinds)] += Double(start.count(of: then)) }
      }
      start.visit(scene, reach: histogram.largest, place: { scene.unwrapped($0) - center }) { then, now, r in
        found[histogram.pairs(h, then, now, kinds) + 1 + min(Int(r * scale), histogram.bins - 1)] += 1
      }
    }
    sums.addToLast(found, at: pairsAt)
  }

  /// The time since the look before, ps.
  private func note(_ scene: Scene) -> Double {
    let passed = scene.time - (spacing.lastTime ?? scene.time)
    let look = spacing.take(at: scene.time)
    if look != .regular { trails.restart(scene.atoms) }
    if look == .irregular { restarts += 1 }
    return passed
  }

  // MARK: Checkpoints

  private struct Kept: Codable {
    var sums: BlockedSums.State
    var samples: Int
    var interval: Double?
    var lastTime: Double?
    var restarts: Int
    var dipoles: [Double]
    var currents: [Double]
    /// Of `Carriers`.
    var carried: [Double]?
  }

  func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(
      Kept(
        sums: sums.state, samples: trails.samples, interval: spacing.interval, lastTime: spacing.lastTime, restarts: restarts,
        dipoles: dipoles.state, currents: currents.state, carried: carriers?.state))
  }

  func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(Kept.self, from: state), kept.samples >= 0, kept.interval ?? 1 > 0,
      dipoles.restore(kept.dipoles), currents.restore(kept.currents), carriers?.restore(kept.carried) ?? (kept.carried == nil),
      sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    trails.goOn(at: kept.samples)
    spacing = SampleInterval(interval: kept.interval, lastTime: kept.lastTime)
    restarts = kept.restarts
    return true
  }
}

extension InstrumentEntry {
  static let transport = InstrumentEntry(
    "transport",
    "Mean squared displacements over windows of all lengths (memory grows with the logarithm of time), by species and axis; "
      + "diffusion coefficients, or the exponent where it is no diffusion; of a region also survival, exchange and diffusion "
      + "across it; with charges conductivity and Haven's ratio.", every: "10",
    [
      .defaulted(
        "points", .integer(4...Trails.mostPoints), "16", "Samples kept at each level, an even number; levels are half as many times apart."),
      .defaulted("levels", .integer(1...12), "4", "Levels of windows; with 1 all lags below `points` are there, over all origins."),
      .defaulted(
        "drift", .enumeration(["mass", "none"]), "mass", "Whether displacements are relative to the mass centre of all atoms."),
      .defaulted(
        "membership", .enumeration(Transport.Membership.allCases.map(\.rawValue)), "stayed",
        "Of a region, displacements of atoms that were in it at the `start` of the window, at both `ends`, or that have `stayed` at all samples."),
      .optional(
        "charges", .map(.quantity(.charge, .any), of: "species", maximum: 1000), "Charge of each species, for the conductivity."),
      .optional(
        "current", .enumeration(Carriers.Changing.allCases.map(\.rawValue)),
        "For the conductivity where charges change: the current Σ q v of the atoms' present `charges`, or Σ Z* v of a potential's "
          + "`born` charges. Look often: its integral over time takes the place of Σ q r."),
      .optional(
        "temperature", .quantity(.temperature, .positive.plausibly(0.001...50_000)),
        "For the conductivity; that of the atoms' motion if absent."),
      .optional("van_hove", .object(vanHove), "Distribution of the distances gone in some lags."),
    ],
    example: """
          - transport: {charges: {Na: 1, Cl: -1}}
          - transport: {name: sodium, of: Na, points: 32, van_hove: {lags: [16, 256]}}
      species: {Na: {charge: 1}, Cl: {charge: -1}}
      """,
    needsTime: true,
    check: { section, context in
      if section.integer("points") % 2 != 0 {
        context.refuse(section.error("points", "is odd", hint: "levels are half as many times apart"))
      }
      for key in ["charges", "current"] where section[key] != nil && section.string("of") != "all" {
        context.refuse(section.error(key, "is for the conductivity of the whole system", hint: "leave `of` out, or `\(key)`"))
      }
      if section["charges"] != nil, section["current"] != nil {
        context.refuse(section.error("current", "is for charges that change", hint: "leave `charges` out, or `current`"))
      }
      let from = section.integer("from")
      var first = 0
      var steps: Set<Double> = []
      for stage in context.plan.stages {
        if case .dynamics(let dynamics) = stage.work, first + dynamics.steps > from { steps.insert(dynamics.timestep) }
        first += stage.stepLimit
      }
      if steps.count > 1 {
        context.refuse(
          section.error(
            "from", "leaves stages with different timesteps, whose lags are not the same",
            hint: "begin with a later step, or give the stages one timestep"))
      }
    }, wants: { $0["current"]?.string == Carriers.Changing.born.rawValue ? .bornCharges : [] },
    declare: { section, name, atoms in _ = Trails(Transport.windows(section), name: name, atoms: atoms) }
  ) { try Transport($0, $1) }

  private static let vanHove = DeckObject(
    "Van Hove's function: how many atoms have gone how far, and how far others are from where an atom was.",
    [
      .required("lags", .list(.integer(1...1_000_000_000), count: 1...50), "Lags, in looks; they must be among those of the windows."),
      .defaulted("largest", .quantity(.length, .positive), "10", "Upper end of the distances."),
      .defaulted("bins", .integer(1...100_000), "100", "Intervals."),
      .defaulted(
        "distinct", .boolean, "false",
        "Also the distinct part, over that of an ideal gas (NAME-distinct.csv): every atom from where each other one was."),
    ])
}

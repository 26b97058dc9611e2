import MDCore
import MDDeck

/// What is done when a potential says that it may not be trusted.
struct WatchPlan: Sendable {
  /// Steps.
  var every: Int
  var select: SelectPlan?
  /// Above any of these the run ends.
  var stop: [Assessment: Double]
  var location: SourceLocation

  init(_ section: DeckSection) {
    every = section.integer("every")
    select = (section["select"]?.section).map {
      SelectPlan(limits: Self.limits($0), file: $0.string("file"), spacing: $0.integer("spacing"))
    }
    stop = (section["stop"]?.section).map(Self.limits) ?? [:]
    location = section.location
  }

  private static func limits(_ section: DeckSection) -> [Assessment: Double] {
    Assessment.allCases.reduce(into: [:]) { limits, figure in
      if let value = section[figure.rawValue] { limits[figure] = value.double }
    }
  }
}

/// Structures that are worth labelling.
struct SelectPlan: Sendable {
  /// Above any of these.
  var limits: [Assessment: Double]
  /// Extended XYZ inside the run's folder.
  var file: String
  /// Least number of steps between two.
  var spacing: Int
}

extension Assessment {
  /// A system's figure as a column of thermo.csv.
  var figure: Figure {
    switch self {
    case .extrapolations: Figure(column)
    case .forceDeviation: Figure(column, unit: "eV/Å")
    case .energyDeviation: Figure(column, unit: "eV")
    case .chargeDeviation: Figure(column, unit: "e")
    case .grade: Figure(column)
    }
  }

  /// The key of a limit on it.
  fileprivate var limit: DeckKey {
    switch self {
    case .extrapolations:
      .optional(
        rawValue, .number(.nonNegative), "Descriptors outside of their training range, over all atoms.")
    case .forceDeviation:
      .optional(
        rawValue, .quantity(.force, .positive.plausibly(1e-6...100)),
        "Largest standard deviation of a force over the committee, over all atoms.")
    case .energyDeviation:
      .optional(
        rawValue, .quantity(.energy, .positive.plausibly(1e-9...10)),
        "Standard deviation of the energy over the committee, for each atom.")
    case .chargeDeviation:
      .optional(
        rawValue, .quantity(.charge, .positive),
        "Largest standard deviation of a charge over the committee, over all atoms.")
    case .grade:
      .optional(
        rawValue, .number(.positive),
        "Largest extrapolation grade of an atom (of the system, if the potential has only that).")
    }
  }
}

extension ObserverEntry {
  private static let limits = Assessment.allCases.map(\.limit)
  private static let limitRules = [DeckObject.Rule(.atLeastOne, of: limits.map(\.name))]

  static let watch = ObserverEntry(
    "watch",
    DeckObject(
      "Limits on what a potential says of itself, extrapolation and the spread of a committee, and what to do beyond "
        + "them; needs a potential that says so.",
      [
        .defaulted("every", .steps, "1", "Steps between two looks."),
        .optional("select", .object(select), "Structures to keep for labelling."),
        .optional("stop", .object(stop), "When to end the run, with a frame and a checkpoint."),
      ],
      rules: [.init(.atLeastOne, of: ["select", "stop"])],
      example: """
        potential:
          - hdnnp: {committee: [run1, run2, run3], units: metal}
        analysis:
          watch:
            every: 10
            select: {force_deviation: 0.2 eV/Å, file: selected.extxyz, spacing: 500}
            stop: {extrapolations: 1000}
        """),
    columns: Assessment.allCases.map { DeckName($0.column, "of potentials that judge themselves") },
    isStanding: true
  ) { section, setting in
    Watch(section.map(WatchPlan.init), setting.system)
  }

  private static let select = DeckObject(
    "A structure above any of these limits is written, with the figures.",
    limits + [
      .defaulted("file", .path(.outputName), "selected.extxyz", "File inside the run's folder: extended XYZ, or MLIP's if it ends in .cfg."),
      .defaulted("spacing", .steps, "100", "Least number of steps between two structures."),
    ],
    rules: limitRules)

  private static let stop = DeckObject(
    "Above any of these limits the run ends as failed; the structure goes to the file of `select`.", limits,
    rules: limitRules)
}

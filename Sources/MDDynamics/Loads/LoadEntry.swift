import MDCore
import MDDeck
import MDNumerics

/// What one key of a stage asks of the cell.
struct Load {
  /// Engineering and true rates, as of `Loading`, 1/ps.
  var rates = Matrix3.zero
  var trueRates = Matrix3.zero
  /// For the log: "pulled along x at 0.001 /ps".
  var summary: String?
  /// Components that come to a stress, in Voigt's order, with the stresses (bar, positive in tension) at the start and
  /// the end of the stage.
  var stresses: [Int: (start: Double, end: Double)] = [:]
  /// Of a crack.
  var crack: CrackLoad?
}

/// A change of the cell as decks name it: a key of a stage of dynamics, and how the load is made from it.
package struct LoadEntry: Sendable {
  /// All that there are, in the order of the reference.
  package static let all: [LoadEntry] = [.load, .deform, .kField]

  package let entry: DeckEntry
  private let make: @Sendable (DeckSection, Box) throws -> Load

  /// - Parameters:
  ///   - check: what the keys contradict elsewhere in the deck.
  ///   - make: from the keys and the cell before the stage's first step.
  init(
    _ name: String, _ schema: DeckObject, check: @escaping DeckEntry.Check,
    make: @escaping @Sendable (DeckSection, Box) throws -> Load
  ) {
    entry = DeckEntry(name: name, schema: schema, check: check)
    self.make = make
  }

  /// All loads of a stage as one change of the cell, nil if none has a rate; and the components that are left to a
  /// barostat, with the section that says which; and the load of a crack.
  ///
  /// - Parameters:
  ///   - box: before the stage's first step.
  ///   - step: the number of the step before it.
  /// - Throws: an input error if two loads want the same component of the cell, or one cannot act on this cell.
  package static func loading(
    _ plans: [EntryPlan], box: Box, step: Int
  ) throws -> (
    loading: Loading?, stresses: [Int: (start: Double, end: Double)], section: DeckSection?, crack: CrackLoad?
  ) {
    var all = Load()
    var owners: [Int: String] = [:]
    var summaries: [String] = []
    var section: DeckSection?
    for plan in plans {
      guard let found = Self.all.first(where: { $0.entry.name == plan.name }) else {
        preconditionFailure("the deck's schema is made of these loads")
      }
      do {
        let load = try found.make(plan.section, box)
        let both = zip(load.rates.elements, load.trueRates.elements).map { abs($0) + abs($1) }
        for (k, rate) in both.enumerated() where rate != 0 {
          if let owner = owners.updateValue(plan.name, forKey: k) {
            throw FaultlineError(
              .input, "`\(owner)` and `\(plan.name)` both change the same component of the cell",
              hint: "one load for each component", isCollective: true)
          }
        }
        all.rates = all.rates + load.rates
        all.trueRates = all.trueRates + load.trueRates
        if !load.stresses.isEmpty { section = plan.section }
        all.stresses.merge(load.stresses) { $1 }
        all.crack = load.crack ?? all.crack
        if let summary = load.summary { summaries.append(summary) }
      } catch var error as FaultlineError {
        if error.location == nil { error.location = plan.location }
        throw error
      }
    }
    let isStill = all.rates == .zero && all.trueRates == .zero
    let loading =
      isStill
      ? nil
      : try Loading(
        rates: all.rates, trueRates: all.trueRates, step: step, summary: summaries.joined(separator: ", "))
    return (loading, all.stresses, section, all.crack)
  }
}

extension LoadEntry {
  static let deform = LoadEntry(
    "deform",
    DeckObject(
      "Stretches the cell at a constant engineering strain rate, L(t) = L(0)·(1 + rate·t): `load` with one rate.",
      [
        .required("axis", .enumeration(["x", "y", "z"]), "Cartesian axis that is stretched."),
        .required("rate", rate, "Engineering strain rate; negative compresses."),
      ],
      example: """
        stages:
          - dynamics: {steps: 1000, deform: {axis: z, rate: 1e9 /s}}
        """),
    check: { section, context in
      let axis = section.axis("axis")
      refuseOpen(axis, section, "axis", &context)
      refuseCollapse(section, "rate", &context)
    }
  ) { section, box in
    let (name, axis, rate) = (section.string("axis"), section.axis("axis"), section.double("rate"))
    try refuseOpen(axis, box)
    var load = Load(summary: "pulled along \(name) at \(rate) /ps")
    load.rates[axis][axis] = rate
    return load
  }

  static let rate = DeckKind.quantity(.rate, NumberRange.any.plausibly(1e-9...0.1))

  static func refuseOpen(_ axis: Int, _ section: DeckSection, _ key: String, _ context: inout DeckContext) {
    guard context.plan.isOpen(axis) else { return }
    context.refuse(
      section.error(
        key, "\(["x", "y", "z"][axis]) is open", hint: "move a group at a `velocity` to pull along an open axis"))
  }

  static func refuseCollapse(_ section: DeckSection, _ key: String, _ context: inout DeckContext) {
    guard let dynamics = context.stage?.dynamics else { return }
    let strain = section.double(key) * Double(dynamics.steps) * dynamics.timestep
    if 1 + strain <= 0 {
      context.refuse(
        section.error(
          key, "shrinks the cell to nothing within the stage",
          hint: "the strain at the end is \(plain(strain)); it must be above -1"))
    }
  }

  static func refuseOpen(_ axis: Int, _ box: Box) throws {
    guard box.periodic[axis] else {
      throw FaultlineError(
        .input, "the cell is open along \(["x", "y", "z"][axis])",
        hint: "move a group at a `velocity` to pull along an open axis", isCollective: true)
    }
  }
}

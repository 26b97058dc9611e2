import MDCore
import MDDeck
import MDNumerics

/// What one key of a stage asks of the cell.
struct Load {
  /// Element (i, j): the rate, 1/ps, at which points move along axis j in proportion to their coordinate i.
  var rates: Matrix3
  /// For the log: "pulled along x at 0.001 /ps".
  var summary: String
}

/// A change of the cell as decks name it: a key of a stage of dynamics, and how the load is made from it.
package struct LoadEntry: Sendable {
  /// All that there are, in the order of the reference.
  package static let all: [LoadEntry] = [.deform]

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

  /// All loads of a stage as one change of the cell; nil if there is none.
  ///
  /// - Parameters:
  ///   - box: before the stage's first step.
  ///   - step: the number of the step before it.
  /// - Throws: an input error if two loads want the same component of the cell, or one cannot act on this cell.
  package static func loading(_ plans: [EntryPlan], box: Box, step: Int) throws -> Loading? {
    var rates = Matrix3.zero
    var owners: [Int: String] = [:]
    var summaries: [String] = []
    for plan in plans {
      guard let found = all.first(where: { $0.entry.name == plan.name }) else {
        preconditionFailure("the deck's schema is made of these loads")
      }
      do {
        let load = try found.make(plan.section, box)
        for (k, rate) in load.rates.elements.enumerated() where rate != 0 {
          if let owner = owners.updateValue(plan.name, forKey: k) {
            throw FaultlineError(
              .input, "`\(owner)` and `\(plan.name)` both change the same component of the cell",
              hint: "one load for each component", isCollective: true)
          }
        }
        rates = rates + load.rates
        summaries.append(load.summary)
      } catch var error as FaultlineError {
        if error.location == nil { error.location = plan.location }
        throw error
      }
    }
    guard !plans.isEmpty else { return nil }
    return try Loading(rates: rates, step: step, summary: summaries.joined(separator: ", "))
  }
}

extension LoadEntry {
  static let deform = LoadEntry(
    "deform",
    DeckObject(
      "Stretches the cell at a constant engineering strain rate: L(t) = L(0)·(1 + rate·t). Atoms move along.",
      [
        .required("axis", .enumeration(["x", "y", "z"]), "Cartesian axis that is stretched."),
        .required(
          "rate", .quantity(.rate, NumberRange.any.plausibly(1e-9...0.1)),
          "Engineering strain rate; negative compresses."),
      ],
      example: """
        stages:
          - dynamics: {steps: 1000, deform: {axis: z, rate: 1e9 /s}}
        """),
    check: { section, context in
      let (name, axis) = (section.string("axis"), section.axis("axis"))
      if context.plan.isOpen(axis) {
        context.refuse(
          section.error("axis", "\(name) is open", hint: "move a group at a `velocity` to pull along an open axis"))
      }
      guard let dynamics = context.stage?.dynamics else { return }
      let strain = section.double("rate") * Double(dynamics.steps) * dynamics.timestep
      if 1 + strain <= 0 {
        context.refuse(
          section.error(
            "rate", "shrinks the cell to nothing within the stage",
            hint: "the strain at the end is \(plain(strain)); it must be above -1"))
      }
    }
  ) { section, box in
    let (name, axis, rate) = (section.string("axis"), section.axis("axis"), section.double("rate"))
    guard box.periodic[axis] else {
      throw FaultlineError(
        .input, "the cell is open along \(name)", hint: "move a group at a `velocity` to pull along an open axis",
        isCollective: true)
    }
    var rates = Matrix3.zero
    rates[axis][axis] = rate
    return Load(rates: rates, summary: "pulled along \(name) at \(rate) /ps")
  }
}

import MDCore

/// A search for the state of a grain boundary or an interface with the lowest energy, `search` of the deck.
package struct SearchPlan: Sendable {
  package enum Method: String, Sendable, CaseIterable, Codable {
    /// Every displacement of a grid.
    case grid
    case random
    /// Where a Gaussian process expects to gain most.
    case bayes
    /// Random starts, heated and cooled.
    case anneal
  }

  package struct Bayes: Sendable {
    /// Random trials before the first proposal.
    package var initial: Int
    /// Trial k is proposed from the results of those up to k − batch.
    package var batch: Int
  }

  package struct Anneal: Sendable {
    /// K; each trial draws its own between them.
    package var temperature: ClosedRange<Double>
    package var steps: Int
    /// ps.
    package var timestep: Double
    /// The most atoms that are moved from their place to a hole of the boundary.
    package var moves: Int
  }

  /// Which boundaries, in place of one.
  package struct Family: Sendable {
    /// Symmetric tilt boundaries.
    package var largestSigma: Int
    /// (h k l); nil for all up to the largest Σ.
    package var planes: [SIMD3<Int>]?
    /// Interfaces of these pairs of planes; nil for a family of tilt boundaries.
    package var miller: MatchPlan.Planes?
    /// Of each pair so many matches, those that no other beats in both area and strain.
    package var matches: Int
    package var location: SourceLocation
  }

  package var method: Method
  /// Points of a grid along the vectors of the cell of displacements; nil: by `spacing`.
  package var grid: (Int, Int)?
  /// Å between points of a grid.
  package var spacing: Double
  /// Fractions of an atomic plane that are kept in the boundary; nil: what there is of an element, all of compounds and of two
  /// crystals.
  package var kept: ClosedRange<Double>?
  /// Up to so many atoms of a species are taken out of each boundary besides.
  package var vacancies: [String: Int]
  /// The most pairs of unlike atoms that exchange places at each boundary.
  package var swaps: Int
  /// eV an atom; one may be a range.
  package var chemicalPotentials: [String: ClosedRange<Double>]
  /// Numbers of an interface's terminations; nil for all.
  package var terminations: [Int]?
  package var ranksPerTrial: Int
  /// Ends after so many trials without a lower energy.
  package var unchanged: Int
  package var trials: Int
  /// s.
  package var seconds: Double?
  /// Structures that are kept.
  package var keep: Int
  /// eV/Å.
  package var forceTolerance: Double
  package var maxSteps: Int
  package var bayes: Bayes
  package var anneal: Anneal
  package var family: Family?
  package var location: SourceLocation

  init(_ section: DeckSection) {
    let over = section.section("over")
    let stop = section.section("stop")
    method = Method(rawValue: section.string("method"))!
    if let shift = over["shift"], shift.isList { grid = (shift.integers[0], shift.integers[1]) }
    spacing = over.double("spacing")
    kept = over["atoms"].map { min($0.doubles[0], $0.doubles[1])...max($0.doubles[0], $0.doubles[1]) }
    vacancies = Dictionary(
      uniqueKeysWithValues: over["vacancies"]?.section.entries.map { ($0.name, $0.value.integer) } ?? [])
    swaps = over["swap"].flatMap { $0.isText ? nil : $0.integer } ?? 0
    chemicalPotentials = Dictionary(
      uniqueKeysWithValues: section["chemical_potentials"]?.section.entries.map { entry -> (String, ClosedRange<Double>) in
        let ends = entry.value.isList ? entry.value.doubles : [entry.value.double, entry.value.double]
        return (entry.name, min(ends[0], ends[1])...max(ends[0], ends[1]))
      } ?? [])
    if let numbers = over["termination"], numbers.isList { terminations = numbers.integers }
    ranksPerTrial = section.integer("ranks_per_trial")
    unchanged = stop.integer("unchanged")
    trials = stop.integer("trials")
    seconds = stop["time"]?.double
    keep = section.integer("keep")
    forceTolerance = section.double("force_tolerance")
    maxSteps = section.integer("max_steps")
    let bayes = section.section("bayes")
    self.bayes = Bayes(initial: bayes.integer("initial"), batch: bayes.integer("batch"))
    let anneal = section.section("anneal")
    let temperatures = anneal.doubles("temperature")
    self.anneal = Anneal(
      temperature: min(temperatures[0], temperatures[1])...max(temperatures[0], temperatures[1]),
      steps: anneal.integer("steps"), timestep: anneal.double("timestep"), moves: anneal.integer("moves"))
    family = (section["family"]?.section).map { family in
      Family(
        largestSigma: family["sigma_max"]?.integer ?? 0, planes: family["planes"]?.list.map(\.integerVector),
        miller: family["miller"].map(MatchPlan.Planes.init), matches: family.integer("matches"),
        location: family.location)
    }
    location = section.location
  }
}

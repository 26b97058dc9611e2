import MDCore
import MDNumerics

/// The chemical potentials at which atoms come to a boundary and go, eV an atom: those that are given, and what the crystals at the
/// boundary make of the others. Each crystal is in equilibrium with its atoms,
///
///     Σ_s ν_s μ_s = E of its cell with ν_s atoms of species s,
///
/// so that of a compound of k species k − 1 potentials are free. One of those given may be a range; all others follow it on
/// straight lines.
struct ChemicalPotentials: Sendable {
  /// A crystal's cell: atoms by species, eV.
  struct Crystal {
    var counts: [Int]
    var energy: Double
  }

  /// eV an atom: what given potentials may be off from a crystal's energy.
  private static let tolerance = 1e-3

  let species: [String]
  /// By species, at the lower and the upper end of the range; nil where neither the deck nor a crystal says anything.
  private let ends: [SIMD2<Double>?]
  /// The species whose potential is a range.
  let varied: Int?

  /// - Throws: an input error if given potentials and crystals contradict each other, or one of `needed` is not known.
  init(_ given: [String: ClosedRange<Double>], species: [String], crystals: [Crystal], needed: [Int], at location: SourceLocation? = nil) throws {
    var known = species.map { name in given[name].map { SIMD2($0.lowerBound, $0.upperBound) } }
    let chosen = known
    // Every crystal with one unknown potential decides it.
    var isChanging = true
    while isChanging {
      isChanging = false
      for crystal in crystals {
        let open = species.indices.filter { crystal.counts[$0] > 0 && known[$0] == nil }
        guard open.count == 1 else { continue }
        let rest = Self.sum(crystal, known)
        known[open[0]] = (SIMD2(repeating: crystal.energy) - rest) / Double(crystal.counts[open[0]])
        isChanging = true
      }
    }
    for crystal in crystals where species.indices.allSatisfy({ crystal.counts[$0] == 0 || known[$0] != nil }) {
      let atoms = Double(crystal.counts.reduce(0, +))
      let sum = Self.sum(crystal, known) / atoms
      let energy = crystal.energy / atoms
      guard max(abs(sum.x - energy), abs(sum.y - energy)) < Self.tolerance else {
        let names = species.indices.filter { crystal.counts[$0] > 0 }.map { species[$0] }
        let told = names.filter { given[$0] != nil }
        throw FaultlineError(
          .input,
          "the chemical potentials of \(names.joined(separator: ", ")) come to \(RunLog.fixed(sum.x, 4))"
            + (sum.x == sum.y ? "" : " to \(RunLog.fixed(sum.y, 4))") + " eV an atom of their crystal, which has \(RunLog.fixed(energy, 4))",
          hint: "leave out that of \(told.last ?? names[0]): it follows from the crystal", at: location, isCollective: true)
      }
    }
    if let missing = needed.first(where: { known[$0] == nil }) {
      throw FaultlineError(
        .input, "`search.over.vacancies` takes \(species[missing]) out, whose chemical potential is not known",
        hint: "give that of all species but one of its crystal in `search.chemical_potentials`", at: location, isCollective: true)
    }
    self.species = species
    ends = known
    varied = species.indices.first { k in chosen[k].map { $0.x < $0.y } ?? false }
  }

  private static func sum(_ crystal: Crystal, _ known: [SIMD2<Double>?]) -> SIMD2<Double> {
    zip(crystal.counts, known).reduce(.zero) { sum, item in item.1.map { sum + Double(item.0) * $0 } ?? sum }
  }

  /// Of a species, at a part of the way through the range: 0 at its lower, 1 at its upper end; eV.
  func value(_ type: Int, at part: Double = Self.middle) -> Double {
    guard let ends = ends[type] else { return .nan }
    return ends.x + part * (ends.y - ends.x)
  }

  /// Where energies of trials are compared.
  static let middle = 0.5

  /// Σ_s n_s μ_s, eV.
  func sum(_ counts: [Int], at part: Double = Self.middle) -> Double {
    counts.indices.reduce(0) { $0 + (counts[$1] == 0 ? 0 : Double(counts[$1]) * value($1, at: part)) }
  }

  /// Those that are known, for run.json.
  var numbers: JSONNumber {
    var known: [String: JSONNumber] = [:]
    for (name, ends) in zip(species, ends) {
      if let ends { known[name] = ends.x == ends.y ? .number(ends.x) : .list([ends.x, ends.y]) }
    }
    return .section(known)
  }

  var sentence: String {
    "chemical potentials: " + species.indices.compactMap { k in
      ends[k].map { "\(species[k]) " + ($0.x == $0.y ? RunLog.fixed($0.x, 4) : "\(RunLog.fixed($0.x, 4)) to \(RunLog.fixed($0.y, 4))") }
    }.joined(separator: ", ") + " eV"
  }
}

import MDCore
import MDNumerics
import MDPotentialFiles

/// The numbers of what is a function of pairs. In singles twice as many are computed at a time; differences of positions
/// are formed in doubles first, and networks, repulsion, long-ranged sums and all that is added up for atoms stay so.
package enum NEPPrecision: String, Sendable {
  case double, single

  /// For the log.
  func notes(_ what: String) -> [String] {
    self == .double
      ? []
      : ["nep: \(what) in single precision: forces are good to some 1e-5 eV/Å, energies to 1e-6 eV an atom (docs/nep.md)"]
  }
}

/// A neuroevolution potential without charges (`NEPFile` has the formulas) from the file of GPUMD.
///
/// Per-atom energies are the central atoms' own. Of the virial r ⊗ f of a pair (centre, neighbour) each has half.
package final class NEPPotential: Potential {
  package let name = "nep"
  package let requirements: PotentialRequirements
  package var pairForces: PairForceCoverage { .energies }
  private let engine: NEPEngine
  private let precision: NEPPrecision

  /// - Parameters:
  ///   - elements: of each species of the run; the species' own names if nil.
  ///   - path: for errors.
  package init(
    _ file: NEPFile, elements: [String]? = nil, species: [String], precision: NEPPrecision = .double,
    path: String? = nil
  ) throws {
    let (kept, map) = try file.select(elements ?? species, species: species, path: path)
    requirements = PotentialRequirements(cutoff: kept.cutoff, list: .full, writesGhosts: true)
    engine = NEPEngine(kept, elementOfSpecies: map, precision: precision)
    self.precision = precision
  }

  package func notes(for atoms: AtomView) throws -> [String] { precision.notes("pairs") }

  package func compute(_ context: ForceContext) throws -> Tally {
    engine.compute(context.atoms, context.neighbors(.full), want: context.want)
  }
}

extension NEPFile {
  /// The potential of the run's elements, and the element of each species.
  /// - Throws: an input error that names the species that the potential lacks.
  func select(_ wanted: [String], species: [String], path: String?) throws -> (file: NEPFile, map: [Int32]) {
    var kept: [Int] = []
    let map = try zip(wanted, species).map { element, name -> Int32 in
      guard let index = elements.firstIndex(of: element) else {
        throw FaultlineError(
          .input, "species \(name) is none of the potential's elements",
          hint: "they are \(elements.joined(separator: ", "))",
          at: path.map { SourceLocation(file: $0) })
      }
      if let place = kept.firstIndex(of: index) { return Int32(place) }
      kept.append(index)
      return Int32(kept.count - 1)
    }
    return (restricted(to: kept), map)
  }
}

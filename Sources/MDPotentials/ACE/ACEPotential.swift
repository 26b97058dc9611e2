import MDCore
import MDNumerics
import MDPotentialFiles

/// The atomic cluster expansion (`ACEFile` has the formulas) from files of pacemaker, python-ace and tensorpotential.
///
/// Per-atom energies are the central atoms' own. Of the virial r ⊗ f of a pair (centre, neighbour) each has half.
package final class ACEPotential: Potential {
  package let name = "ace"
  package let requirements: PotentialRequirements
  package var pairForces: PairForceCoverage { .energies }
  private let engine: ACEEngine
  private var grades: Column<Double>?

  /// - Parameters:
  ///   - elements: of each species of the run; the species' own names if nil.
  ///   - path: for errors.
  /// - Throws: `FaultlineError` naming the species that the potential lacks.
  package init(_ file: ACEFile, elements: [String]? = nil, species: [String], path: String? = nil) throws {
    var kept: [Int] = []
    let map = try zip(elements ?? species, species).map { element, name -> Int32 in
      guard let index = file.elements.firstIndex(of: element) else {
        throw FaultlineError(
          .input, "species \(name) is none of the potential's elements",
          hint: "they are \(file.elements.joined(separator: ", "))", at: path.map { SourceLocation(file: $0) })
      }
      if let place = kept.firstIndex(of: index) { return Int32(place) }
      kept.append(index)
      return Int32(kept.count - 1)
    }
    let own = file.restricted(to: kept)
    requirements = PotentialRequirements(cutoff: own.cutoff, list: .full, writesGhosts: true)
    do {
      engine = try ACEEngine(own, elementOfSpecies: map)
    } catch var error as FaultlineError {
      if error.location == nil { error.location = path.map { SourceLocation(file: $0) } }
      throw error
    }
  }

  package func attach(to atoms: AtomStore) throws {
    if engine.grades != nil { grades = atoms.addColumn(Assessment.grade.column, roles: [.migrates]) }
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    engine.compute(context.atoms, context.neighbors(.full), want: context.want, grades: grades?.pointer)
  }
}

extension ACEPotential: SelfAssessing {
  package var assessments: [Assessment] { engine.grades == nil ? [] : [.grade] }
  package var assessmentSums: [Double] { [] }
  package var assessmentMaxima: [Double] { engine.grades == nil ? [] : [engine.largestGrade] }
  package func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] { maxima }
  package var offenders: [Offender] { [] }
}

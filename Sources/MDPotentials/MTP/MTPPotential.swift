import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// The moment tensor potential (Shapeev, Multiscale Model. Simul. 14, 1153 (2016); several elements: Gubaev et al.,
/// Comput. Mater. Sci. 156, 148 (2019)) from the files of MLIP-2 and MLIP-3; see `MTPFile` for the energy.
///
/// Pairs nearer than the file's minimum distance are computed as MLIP does: the radial functions are continued, and
/// with RBChebyshev_repuls there is a steep repulsion.
///
/// Per-atom energies are the central atoms' own. Of the virial r ⊗ f of a pair (centre, neighbour) each has half.
package final class MTPPotential: Potential {
  package let name = "mtp"
  package let requirements: PotentialRequirements
  package var pairForces: PairForceCoverage { .energies }
  package let file: MTPFile

  private let elementOfSpecies: AlignedBuffer<Int32>
  private let engine: MTPEngine
  private var grades: Column<Double>?

  /// - Parameters:
  ///   - types: names of the file's types, in its order: the file does not say what they are.
  ///   - elements: of each species of the run, one of `types`.
  /// - Throws: `FaultlineError` naming file and line, or the species that the potential lacks.
  package convenience init(
    file path: String, activeSet: String? = nil, types: [String], elements: [String], species: [String]
  ) throws {
    var file = try MTPReader.read(path)
    if let activeSet {
      let state = try MTPReader.read(activeSet)
      guard let set = state.activeSet else {
        throw FaultlineError(.input, "there is no active set in the file", at: SourceLocation(file: activeSet))
      }
      guard state.isSamePotential(as: file) else {
        throw FaultlineError(
          .input, "the active set belongs to another potential than \(path)", at: SourceLocation(file: activeSet))
      }
      file.activeSet = set
    }
    try self.init(file, types: types, elements: elements, species: species, path: path)
  }

  package init(_ file: MTPFile, types: [String], elements: [String], species: [String], path: String? = nil) throws {
    let place = path.map { SourceLocation(file: $0) }
    guard types.count == file.speciesCount else {
      throw FaultlineError(
        .input,
        "\(types.count) elements (\(types.joined(separator: ", "))) for a potential of \(file.speciesCount) types",
        hint: "name one for each, in the order of the file's types", at: place)
    }
    let map = try zip(elements, species).map { element, name -> Int32 in
      guard let index = types.firstIndex(of: element) else {
        throw FaultlineError(
          .input, "species \(name) is none of the potential's elements",
          hint: "they are \(types.joined(separator: ", "))", at: place)
      }
      return Int32(index)
    }
    self.file = file
    elementOfSpecies = AlignedBuffer(map + [0])
    requirements = PotentialRequirements(cutoff: file.cutoff, list: .full, writesGhosts: true)
    engine = try MTPEngine(file)
  }

  package func attach(to atoms: AtomStore) throws {
    if file.activeSet?.kind == .neighborhood {
      grades = atoms.addColumn(Assessment.grade.column, roles: [.migrates])
    }
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    engine.compute(
      context.atoms, context.neighbors(.full), elementOfSpecies: UnsafePointer(elementOfSpecies.pointer),
      want: context.want, grades: grades?.pointer)
  }
}

extension MTPPotential: SelfAssessing {
  package var assessments: [Assessment] { file.activeSet == nil ? [] : [.grade] }
  package var assessmentSums: [Double] { file.activeSet?.kind == .neighborhood ? [] : engine.grades?.total ?? [] }
  package var assessmentMaxima: [Double] { file.activeSet?.kind == .neighborhood ? [engine.largestGrade] : [] }

  package func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] {
    guard let set = file.activeSet, let grades = engine.grades else { return [] }
    return [set.kind == .neighborhood ? maxima[0] : grades.grade(ofConfiguration: sums, atoms: atoms)]
  }

  package var offenders: [Offender] { [] }
}

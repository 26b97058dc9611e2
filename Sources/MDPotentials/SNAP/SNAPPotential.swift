import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// The spectral neighbour analysis potential: E = Σᵢ β₀ + β·Bᵢ (+ ½ Bᵢᵀ α Bᵢ), with the bispectrum components B of the
/// neighbours' density on the sphere in four dimensions (Thompson et al., J. Comput. Phys. 285, 316 (2015)).
/// Files, keywords and conventions are those of LAMMPS `pair_style snap`; see `SNAPModel`.
///
/// Below `rmin0` the angle θ₀ continues to negative values.
///
/// Per-atom energies are the central atoms' own. Of the virial r ⊗ f of a pair (centre, neighbour) each has half.
package final class SNAPPotential: Potential {
  package let name = "snap"
  package let requirements: PotentialRequirements
  package var pairForces: PairForceCoverage { .energies }

  private let model: SNAPModel
  /// SNAP element of each species of the run.
  private let elementOfSpecies: AlignedBuffer<Int32>
  private let engine: SNAPEngine

  /// - Parameters:
  ///   - elements: the SNAP element of each species of the run, in the order of `species`.
  ///   - species: the run's species; SNAP must describe all of them.
  /// - Throws: `FaultlineError` naming the file and line, the missing element or the species without one.
  package convenience init(
    coefficientsFile: String, parametersFile: String, elements: [String?], species: [String]
  ) throws {
    let model = try SNAPModel(coefficientsFile: coefficientsFile, parametersFile: parametersFile)
    try self.init(model: model, elements: elements, species: species, file: coefficientsFile)
  }

  package init(model: SNAPModel, elements: [String?], species: [String], file: String? = nil) throws {
    let place = file.map { SourceLocation(file: $0) }
    guard elements.count == species.count else {
      throw FaultlineError(
        .input, "\(elements.count) SNAP elements for \(species.count) species (\(species.joined(separator: ", ")))",
        at: place)
    }
    let known = model.elements.map(\.name)
    let map = try zip(elements, species).map { element, name -> Int32 in
      guard let element else {
        throw FaultlineError(
          .input, "species \(name) has no SNAP element", hint: "allowed: \(known.joined(separator: ", "))", at: place)
      }
      guard let index = known.firstIndex(of: element) else {
        throw FaultlineError(
          .input, "no SNAP element \(element) for species \(name)", hint: "allowed: \(known.joined(separator: ", "))",
          at: place)
      }
      return Int32(index)
    }
    self.model = model
    elementOfSpecies = AlignedBuffer(map)
    var cutoff = 0.0
    for a in Set(map) { for b in Set(map) { cutoff = max(cutoff, model.cutoff(Int(a), Int(b))) } }
    requirements = PotentialRequirements(cutoff: cutoff, list: .full, writesGhosts: true)
    engine = try SNAPEngine(model)
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    engine.compute(
      context.atoms, context.neighbors(.full), elementOfSpecies: UnsafePointer(elementOfSpecies.pointer),
      want: context.want)
  }
}

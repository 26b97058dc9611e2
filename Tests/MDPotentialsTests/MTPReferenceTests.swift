import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Published moment tensor potentials against what MLIP-3 computed for them: energies to 1e-9 relative, forces to 1e-8
/// eV/Å, grades to 1e-6 relative.
@Suite(.enabled(if: ReferenceCases.root != nil, "no reference data: set FAULTLINE_REFERENCE to their folder"))
struct MTPReferenceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var folder: String
    var file: String
    var types: [String]
    var testDescription: String { folder }
  }

  static let cases = [
    Case(folder: "mtp-Fe-16", file: "pot_16.mtp", types: ["Fe"]),
    Case(folder: "mtp-Fe-24", file: "pot_22.mtp", types: ["Fe"]),
    Case(folder: "mtp-NaO-16", file: "pot16_Na-O.mtp", types: ["Na", "O"]),
    Case(folder: "mtp-TaCrVW-20", file: "pot.mtp", types: ["Ta", "Cr", "V", "W"]),
    Case(folder: "mtp-Cu-08-grades", file: "pot.almtp", types: ["Cu"]),
    Case(folder: "mtp-LiTiO-08-grades", file: "pot.almtp", types: ["Li", "O", "Ti"]),
  ]

  @Test(arguments: cases) func agreesWithMLIP(_ c: Case) throws {
    let folder = try ReferenceCases.folder(c.folder)
    let path = folder.appendingPathComponent(c.file).path
    let frames = try ReferenceCases.frames(folder)
    let grades = try ReferenceCases.columns(folder, "ref_grade")
    #expect(frames.count >= 8)
    for (k, frame) in frames.enumerated() {
      let species = frame.structure.species
      let potential = try MTPPotential(file: path, types: c.types, elements: species, species: species)
      try frame.expectMatch([potential], energy: 1e-9, force: 1e-8, virial: 1e-9)
      guard let expected = grades[k] else { continue }
      let system = BruteForceSystem(frame.structure, reach: potential.requirements.cutoff + 0.1)
      _ = try system.evaluate([potential], want: Want.all.union(.assessment))
      let found = try #require(system.atoms.column(named: Assessment.grade.column)).base
        .assumingMemoryBound(to: Double.self)
      for (i, grade) in expected.enumerated() { #expect(abs(found[i] / grade - 1) < 1e-6, "\(frame.name), atom \(i + 1)") }
    }
  }
}

import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Published atomic cluster expansions against what lammps-user-pace computed for them: energies to 1e-9 eV an atom,
/// forces to 1e-8 of the largest of the frame, grades to 1e-3 and 1e-6 relative.
@Suite(.enabled(if: ReferenceCases.root != nil, "no reference data: set FAULTLINE_REFERENCE to their folder"))
struct ACEReferenceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var folder: String
    var file: String
    var activeSet: String?
    var testDescription: String { "\(folder)/\(file)" }
  }

  static let cases = [
    Case(folder: "ace-Cu-PBE-core-rep", file: "Cu-PBE-core-rep.yace"),
    Case(folder: "ace-Cu-PBE-core-rep", file: "Cu-PBE-core-rep.ace"), Case(folder: "ace-TiO", file: "TiO.yace"),
    Case(folder: "ace-YBCO-zbl", file: "YBCO.yace"), Case(folder: "ace-YBCO-zbl", file: "YBCO.yaml"),
    Case(folder: "ace-AgCu-gamma", file: "DFT10B-AgCu.yaml", activeSet: "DFT10B-AgCu.asi"),
    Case(folder: "ace-grace-fs-AlLiH", file: "AlLiH-GRACE-FS.yaml"),
  ]

  @Test(arguments: cases) func agreesWithPACE(_ c: Case) throws {
    let folder = try ReferenceCases.folder(c.folder)
    let file = try ACEReader.read(
      folder.appendingPathComponent(c.file).path, activeSet: c.activeSet.map { folder.appendingPathComponent($0).path })
    let frames = try ReferenceCases.frames(folder)
    let gammas = try ReferenceCases.columns(folder, "ref_gamma")
    #expect(frames.count >= 8)
    for (k, frame) in frames.enumerated() {
      let potential = try ACEPotential(file, species: frame.structure.species)
      let system = BruteForceSystem(frame.structure, reach: potential.requirements.cutoff + 0.1)
      let result = try system.evaluate([potential], want: Want.all.union(.assessment))
      #expect(abs(result.energy - frame.energy) <= 1e-9 * Double(frame.structure.count), "\(frame.name): energy")
      let scale = frame.forces.map(\.length).max() ?? 0
      let error = zip(result.forces, frame.forces).map { ($0 - $1).length }.max() ?? .infinity
      #expect(error <= 1e-8 * scale, "\(frame.name): forces \(error) of \(scale) eV/Å")
      let energies = try #require(frame.atomEnergies)
      #expect(zip(result.atomEnergies, energies).allSatisfy { abs($0 - $1) <= 3e-9 }, "\(frame.name): atoms")
      if let virial = frame.virial {
        let size = virial.elements.map(abs).max() ?? 0
        #expect((result.virial - virial).elements.allSatisfy { abs($0) <= 1e-8 * size }, "\(frame.name): virial")
      }
      guard let expected = gammas[k] else { continue }
      let found = try #require(system.atoms.column(named: Assessment.grade.column)).base
        .assumingMemoryBound(to: Double.self)
      for (i, gamma) in expected.enumerated() {
        #expect(abs(found[i] - gamma) <= 1e-3 + 1e-6 * gamma, "\(frame.name), atom \(i + 1): \(found[i]), \(gamma)")
      }
    }
  }

  @Test("one potential in both bases, and in the old format") func bases() throws {
    for (folder, one, other) in [
      ("ace-YBCO-zbl", "YBCO.yaml", "YBCO.yace"), ("ace-Cu-PBE-core-rep", "Cu-PBE-core-rep.ace", "Cu-PBE-core-rep.yace"),
    ] {
      let url = try ReferenceCases.folder(folder)
      let files = try [one, other].map { try ACEReader.read(url.appendingPathComponent($0).path) }
      for frame in try ReferenceCases.frames(url) {
        let results = try files.map {
          try BruteForceSystem(frame.structure, reach: $0.cutoff + 0.1).evaluate([
            ACEPotential($0, species: frame.structure.species)
          ])
        }
        #expect(abs(results[0].energy - results[1].energy) <= 1e-10 * Double(frame.structure.count))
        let scale = results[0].forces.map(\.length).max() ?? 0
        #expect(zip(results[0].forces, results[1].forces).allSatisfy { ($0 - $1).length <= 1e-10 * scale })
      }
    }
  }
}

import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Potentials of GPUMD against what NEP_CPU computed for them: energies to 1e-10 relative, forces to 1e-9 eV/Å.
@Suite(.enabled(if: ReferenceCases.root != nil, "no reference data: set FAULTLINE_REFERENCE to their folder"))
struct NEPReferenceTests {
  static let cases = ["nep-PbTe-nep3", "nep-UNEP-v1", "nep-variant-cutoffs", "nep-synthetic-highbody"]

  static func path(_ folder: URL) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return folder.appendingPathComponent(try #require(names.first { $0.hasSuffix(".txt") })).path
  }

  @Test(arguments: cases) func agreesWithNEPCPU(_ name: String) throws {
    let folder = try ReferenceCases.folder(name)
    let path = try Self.path(folder)
    let file = try NEPReader.read(path)
    let frames = try ReferenceCases.frames(folder)
    #expect(frames.count >= 6)
    for frame in frames {
      let potential = try NEPPotential(file, species: frame.structure.species, path: path)
      // The forces of close contacts are thousands of eV/Å.
      let largest = frame.forces.map(\.length).max() ?? 0
      // Of UNEP-v1 they came in bar and were converted.
      try frame.expectMatch(
        [potential], energy: 1e-10, force: max(1e-9, 1e-12 * largest), virial: name == "nep-UNEP-v1" ? 2e-7 : 1e-9)
    }
  }
}

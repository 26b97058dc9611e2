import Foundation
import MDCore
import MDNumerics
import MDPotentials
import MDTestSupport
import Testing

@Suite struct EAMReferenceTests {
  /// The same spline as LAMMPS, so the same numbers to rounding; its virial comes from bars by an older value
  /// of e (1.6021765e-19 C), which is 8e-8 off.
  @Test(.reference(["eam-Cu-mishin"])) func copperMishin() throws {
    let folder = try ReferenceCases.folder("eam-Cu-mishin")
    let file = folder.appendingPathComponent("Cu_mishin1.eam.alloy").path
    for frame in try ReferenceCases.frames(folder) {
      let eam = try EAMPotential(file: file, species: frame.structure.species)
      try frame.expectMatch([eam], energy: 1e-12, force: 1e-10, virial: 1e-7)
    }
  }
}

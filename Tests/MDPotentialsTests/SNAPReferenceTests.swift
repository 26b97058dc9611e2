import Foundation
import MDCore
import MDNumerics
import MDPotentials
import MDTestSupport
import Testing

/// Published SNAP potentials against what LAMMPS computed for them: energies to 1e-9 relative, forces to 1e-7 eV/Å.
/// Both follow the same formulas in double precision, so what is left is rounding.
@Suite struct SNAPReferenceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var folder: String
    var files: String
    /// Inner and outer radius of the ZBL repulsion under it, Å.
    var zbl: (inner: Double, outer: Double)?
    var testDescription: String { folder }
  }

  static let cases = [
    Case(folder: "snap-Cu-zuo", files: "Cu_Zuo_JPCA2020"),
    Case(folder: "qsnap-Cu-zuo", files: "Cu_Zuo_JPCA2020.quadratic"),
    Case(folder: "snap-Ta06A-zbl", files: "Ta06A", zbl: (4, 4.8)),
    Case(folder: "snap-InP-zbl", files: "InP_JCPA2020", zbl: (4, 4.2)),
  ]

  @Test(.reference(cases.map(\.folder)), arguments: cases) func agreesWithLAMMPS(_ c: Case) throws {
    let folder = try ReferenceCases.folder(c.folder)
    let files = folder.appendingPathComponent(c.files).path
    for frame in try ReferenceCases.frames(folder) {
      let snap = try SNAPPotential(
        coefficientsFile: files + ".snapcoeff", parametersFile: files + ".snapparam",
        elements: frame.structure.species, species: frame.structure.species)
      var potentials: [any Potential] = [snap]
      if let zbl = c.zbl {
        potentials.append(
          try PairPotential(zblInner: zbl.inner, outer: zbl.outer, species: frame.structure.species))
      }
      let reach = potentials.map(\.requirements.cutoff).max()! + 0.5
      let result = try BruteForceSystem(frame.structure, reach: reach).evaluate(potentials)
      let label = "\(c.folder) \(frame.name)"
      #expect(abs(result.energy - frame.energy) <= 1e-9 * abs(frame.energy), "\(label): energy")
      let forceError = zip(result.forces, frame.forces).map { ($0 - $1).length }.max()!
      #expect(forceError <= 1e-7, "\(label): forces are off by \(forceError)")
      if let energies = frame.atomEnergies {
        let error = zip(result.atomEnergies, energies).map { abs($0 - $1) }.max()!
        #expect(error <= 1e-9 * abs(frame.energy), "\(label): per-atom energies are off by \(error)")
      }
      if let virial = frame.virial {
        let error = zip(result.virial.elements, virial.elements).map { abs($0 - $1) }.max()!
        #expect(error <= 1e-7 * max(1, abs(virial.trace)), "\(label): the virial is off by \(error)")
      }
    }
  }
}

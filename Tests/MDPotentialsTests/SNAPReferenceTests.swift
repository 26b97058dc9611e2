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
    var elements: [String]
    var zbl: ZBL?
    var testDescription: String { folder }
  }

  static let cases = [
    Case(folder: "snap-Cu-zuo", files: "Cu_Zuo_JPCA2020", elements: ["Cu"]),
    Case(folder: "qsnap-Cu-zuo", files: "Cu_Zuo_JPCA2020.quadratic", elements: ["Cu"]),
    Case(folder: "snap-Ta06A-zbl", files: "Ta06A", elements: ["Ta"], zbl: ZBL(inner: 4, outer: 4.8, charges: [73])),
    Case(
      folder: "snap-InP-zbl", files: "InP_JCPA2020", elements: ["In", "P"],
      zbl: ZBL(inner: 4, outer: 4.2, charges: [49, 15])),
  ]

  @Test(arguments: cases) func agreesWithLAMMPS(_ c: Case) throws {
    guard let folder = ReferenceCases.folder(c.folder) else { return }
    let files = folder.appendingPathComponent(c.files).path
    for frame in try ReferenceCases.frames(folder) {
      let snap = try SNAPPotential(
        coefficientsFile: files + ".snapcoeff", parametersFile: files + ".snapparam",
        elements: frame.structure.species, species: frame.structure.species)
      var potentials: [any Potential] = [snap]
      if let zbl = c.zbl { potentials.append(zbl) }
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

/// The screened repulsion under the tantalum and indium phosphide potentials, stated plainly (Ziegler, Biersack and
/// Littmark 1985, with the switching polynomial of LAMMPS `pair_style zbl`). Species are in the order of `charges`.
final class ZBL: Potential, Sendable {
  let name = "plain zbl"
  let inner, outer: Double
  let charges: [Double]
  var requirements: PotentialRequirements { PotentialRequirements(cutoff: outer, list: .full) }

  init(inner: Double, outer: Double, charges: [Double]) {
    self.inner = inner
    self.outer = outer
    self.charges = charges
  }

  func compute(_ context: ForceContext) throws -> Tally {
    let atoms = context.atoms
    let list = context.neighbors(.full)
    var tally = Tally.zero
    for i in 0..<list.rowCount {
      for place in list.starts[i]..<list.starts[i + 1] {
        let j = Int(list.indices[place])
        let d = atoms.positions[j] - atoms.positions[i]
        let r = d.length
        guard r < outer else { continue }
        let (energy, slope) = pair(charges[Int(atoms.species[i])], charges[Int(atoms.species[j])], r)
        tally.energy += 0.5 * energy
        atoms.energies?[i] += 0.5 * energy
        let onJ = (-slope / r) * d
        atoms.forces[i] -= onJ
        tally.virial += 0.5 * Matrix3.outer(d, onJ)
      }
    }
    return tally
  }

  private func pair(_ zi: Double, _ zj: Double, _ r: Double) -> (energy: Double, slope: Double) {
    let length = 0.46850 / (pow(zi, 0.23) + pow(zj, 0.23))
    let terms = [(0.02817, 0.20162), (0.28022, 0.40290), (0.50986, 0.94229), (0.18175, 3.19980)]
    func bare(_ r: Double) -> (Double, Double, Double) {
      var e = (0.0, 0.0, 0.0)
      for (c, d) in terms {
        let k = d / length
        let t = zi * zj * 14.399645 * c * exp(-k * r) / r
        e.0 += t
        e.1 -= t * (k + 1 / r)
        e.2 += t * (k * k + 2 * k / r + 2 / (r * r))
      }
      return e
    }
    let (e, de, d2e) = bare(outer)
    let width = outer - inner
    let a = (-3 * de + width * d2e) / (width * width)
    let b = (2 * de - width * d2e) / (width * width * width)
    let c = -e + width * de / 2 - width * width * d2e / 12
    let (energy, slope, _) = bare(r)
    let t = max(r - inner, 0)
    return (energy + a / 3 * t * t * t + b / 4 * t * t * t * t + c, slope + a * t * t + b * t * t * t)
  }
}

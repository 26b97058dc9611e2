import MDCore
import MDNumerics

/// How far results are from others, each over the largest of its kind (0.1 eV/Å, 1 eV at least).
package struct PrecisionGap {
  package var force, energy, virial, atomVirial: Double

  package init(_ a: BruteForceSystem.Result, _ b: BruteForceSystem.Result) {
    func gap(_ x: [Double], _ y: [Double], least: Double) -> Double {
      (zip(x, y).map { abs($0 - $1) }.max() ?? 0) / max(y.map(abs).max() ?? 0, least)
    }
    func flat(_ all: [Vector3]) -> [Double] { all.flatMap { [$0.x, $0.y, $0.z] } }
    force = gap(flat(a.forces), flat(b.forces), least: 0.1)
    energy = gap(a.atomEnergies, b.atomEnergies, least: 1)
    // The sum over all atoms may be small where those of atoms are not.
    let own = b.atomVirials.map(abs).max() ?? 0
    virial = gap(a.virial.elements, b.virial.elements, least: max(own, 1))
    atomVirial = gap(a.atomVirials, b.atomVirials, least: 1)
  }

  package var largest: Double { max(force, energy, virial, atomVirial) }
}

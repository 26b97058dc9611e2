import MDCore
import MDNumerics

/// What a charge equilibration tells for thermo.csv.
extension ChargeEquilibration {
  func figures(in box: Box, hasAdjoint: Bool) -> [Figure] {
    [Figure("charge_iterations")] + (hasAdjoint ? [Figure("adjoint_iterations")] : [])
      + [Figure("charge_residual", unit: "eV/e"), Figure("total_charge", unit: "e")]
      + Self.openAxes(box).map { Figure("dipole_\(["x", "y", "z"][$0])", unit: "e Å") }
      + constraints.rules.map { Figure("charge_\($0.group.name)", unit: "e") }
      + (constraints.hasElectrodes ? [Figure("energy_without_battery", unit: "eV")] : [])
  }

  /// Cartesian axes that are at right angles to every period: along others a dipole has no meaning.
  private static func openAxes(_ box: Box) -> [Int] {
    (0..<3).filter { axis in
      (0..<3).allSatisfy { k in !box.periodic[k] || abs(box.cell[k][axis]) <= 1e-9 * box.cell[k].length }
    }
  }

  /// Collective.
  func values(_ atoms: AtomView, box: Box, potentialEnergy: Double) -> [Double] {
    guard let q = atoms.charges else { return [] }
    let axes = Self.openAxes(box)
    // Σ q, dipole, charges of groups.
    var sums = [Double](repeating: 0, count: 1 + axes.count + constraints.rules.count)
    for i in 0..<atoms.localCount {
      sums[0] += q[i]
      for (k, axis) in axes.enumerated() { sums[1 + k] += q[i] * (atoms.positions[i] - box.origin)[axis] }
      for (k, entry) in constraints.rules.enumerated() where atoms.groups[i] & entry.group.mask != 0 {
        sums[1 + axes.count + k] += q[i]
      }
    }
    communicator.sum(&sums)
    var values = [Double(charges?.iterations ?? 0)] + (adjoint.map { [Double($0.iterations)] } ?? [])
    values += [charges?.residual ?? 0] + sums
    guard constraints.hasElectrodes else { return values }
    var battery = 0.0
    for (entry, charge) in zip(constraints.rules, sums.suffix(constraints.rules.count)) {
      if case .electrode(let potential) = entry.rule { battery += potential * charge }
    }
    return values + [potentialEnergy + battery]
  }
}

import Foundation
import MDCore
import MDNumerics
import MDStructures

/// The cell and places of atoms of a crystal at 0 K without stress.
///
/// First the volume, by secants of the mean pressure; then, where the lattice leaves more than the volume open, all six
/// strains by Newton's method with the crystal's own clamped elastic constants. Both find where the stress vanishes, and keep
/// the symmetry of the crystal, also of one that is unstable against losing it: only the part of the stress that its point
/// group leaves is followed.
enum Equilibrium {
  /// What counts as no stress, eV/Å³ (1.6e-7 GPa).
  private static let tolerance = 1e-9

  /// Collective; leaves the cell as found.
  /// - Throws: a run error where there is none near the given cell.
  /// - Parameter group: the point group of the crystal.
  static func find(_ cell: SmallCell, _ group: [CrystalSymmetry.Operation]) throws -> SmallCell.State {
    var state = try volume(cell)
    let turns = group.map { Kelvin.rotation($0.rotation) }
    func allowed(_ stress: Matrix3) -> [Double] {
      let sigma = Kelvin.vector(stress)
      return (0..<6).map { i in
        turns.reduce(0) { sum, q in sum + zip(q[i], sigma).reduce(0) { $0 + $1.0 * $1.1 } } / Double(turns.count)
      }
    }
    var eigen: SymmetricEigen?
    for step in 0..<100 {
      let sigma = allowed(state.stress)
      if sigma.allSatisfy({ abs($0) < tolerance }) { return state }
      if step % 10 == 0 {
        eigen = SymmetricEigen(try ElasticConstants.measure(cell, relaxed: false).symmetrised(by: group).kelvin)
      }
      guard let eigen else { break }
      // σ = C ε: towards the stationary point along every eigenvector that the stress has a part of.
      var strain = [Double](repeating: 0, count: 6)
      for (value, v) in zip(eigen.values, eigen.vectors) where abs(value) > 1e-4 {
        let part = zip(v, sigma).reduce(0) { $0 + $1.0 * $1.1 }
        for i in 0..<6 { strain[i] -= part / value * v[i] }
      }
      let far = strain.map(abs).max() ?? 0
      if far > 0.05 { strain = strain.map { $0 * 0.05 / far } }
      try cell.deform(.identity + Kelvin.matrix(strain))
      state = try cell.relax(to: 1e-9).state
    }
    throw lost("its stress does not vanish: \(RunLog.fixed(largest(state.stress) * Elastic.gigapascal, 4)) GPa are left")
  }

  private static func lost(_ why: String) -> FaultlineError {
    FaultlineError(
      .run, "no equilibrium of the crystal near the given lattice constants: \(why)",
      hint: "give constants nearer to this potential's own", isCollective: true)
  }

  private static func largest(_ m: Matrix3) -> Double { m.elements.map(abs).max() ?? 0 }

  /// Scales the cell until the mean pressure vanishes.
  private static func volume(_ cell: SmallCell) throws -> SmallCell.State {
    var state = try cell.relax(to: 1e-9).state
    /// d(tr σ/3)/d(ln V), the bulk modulus: found on the way; at first that of a usual crystal.
    var modulus = 0.5
    for _ in 0..<60 {
      let tension = state.stress.trace / 3
      if abs(tension) < 0.1 * tolerance { return state }
      let step = max(-0.06, min(0.06, -tension / modulus))
      let stretch = 1 + step / 3
      try cell.deform(Matrix3(diagonal: Vector3(stretch, stretch, stretch)))
      let new = try cell.relax(to: 1e-9).state
      let slope = (new.stress.trace / 3 - tension) / (3 * log(stretch))
      // Where the pressure does not fall with the volume there is no minimum: go downhill instead.
      modulus = slope > 1e-4 ? slope : max(modulus, 0.1)
      state = new
      if !(0.2...5).contains(state.volume / cell.firstVolume) { throw lost("the volume runs away") }
    }
    if abs(state.stress.trace / 3) < 100 * tolerance { return state }
    throw lost("its pressure does not vanish")
  }
}

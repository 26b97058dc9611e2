import MDCore
import MDNumerics

/// What the crystals at a boundary are without it.
struct BoundaryReference {
  /// A perfect crystal as the boundary's cell has it.
  struct Crystal {
    /// eV an atom.
    var energy: Double
    /// Å³ an atom.
    var volume: Double
    /// Of the crystal as the deck has it, without strain, bar.
    var pressure: Double
    /// What the strain of the common cell costs, eV an atom.
    var strainEnergy: Double
    /// Of an atom.
    var fingerprint: [Double]
  }

  var crystals: [Crystal]
  /// Places in `crystals` of grain 0 and grain 1.
  var crystalOfGrain: [Int]
  /// Where single atoms are taken out.
  var potentials: ChemicalPotentials?

  /// What the cell's atoms have without boundaries, eV: of whole formula units the crystal's energy, and each single atom that is
  /// missing, by species and by grain, has taken its chemical potential along.
  func energy(without structure: Structure, vacancies: [Int], byGrain: [Int]) -> Double {
    let whole = sum(over: structure, \.energy)
    guard let potentials, byGrain.contains(where: { $0 > 0 }) else { return whole }
    let missing = byGrain.enumerated().reduce(0) { $0 + Double($1.element) * crystals[crystalOfGrain[$1.offset]].energy }
    return whole + missing - potentials.sum(vacancies)
  }

  func crystal(of atom: Int, in structure: Structure) -> Crystal {
    crystals[crystalOfGrain[Int(structure.grains?[atom] ?? 0)]]
  }

  /// Atoms of each crystal.
  func counts(_ structure: Structure) -> [Double] {
    var counts = crystals.map { _ in 0.0 }
    for grain in structure.grains ?? [] { counts[crystalOfGrain[Int(grain)]] += 1 }
    return counts
  }

  /// Σ N x of the crystals.
  func sum(over structure: Structure, _ value: KeyPath<Crystal, Double>) -> Double {
    zip(counts(structure), crystals).reduce(0) { $0 + $1.0 * $1.1[keyPath: value] }
  }
}

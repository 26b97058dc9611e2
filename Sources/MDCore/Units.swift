/// LAMMPS `metal` units: eV, Å, ps, e, bar, g/mol, K. Constants are CODATA 2018 (exact where the SI defines them).
public enum Units {
  /// Boltzmann constant, eV/K.
  public static let boltzmann = 8.617333262145179e-5
  /// m v² in g/mol · (Å/ps)² to eV: 1e-3/N_A · 1e4 / e.
  public static let massVelocitySquaredToEnergy = 1.0364269656262175e-4
  /// eV/Å³ to bar.
  public static let energyPerVolumeToBar = 1.602176634e6
  /// eV/Å² to J/m².
  public static let energyPerAreaToJoulePerSquareMetre = 16.02176634
  /// e²/(4πε₀), eV·Å.
  public static let coulomb = 14.39964547842567
  /// Å.
  public static let bohr = 0.529177210903
  /// eV.
  public static let hartree = 27.211386245988
}

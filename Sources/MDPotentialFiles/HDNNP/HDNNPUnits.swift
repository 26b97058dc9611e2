import MDCore

/// The units of a potential's files: x in the files = x in Å (or eV) × factor.
public struct HDNNPUnits: Sendable, Equatable {
  /// File lengths per Å.
  public let length: Double
  /// File energies per eV.
  public let energy: Double

  /// Bohr and Hartree, CODATA 2018.
  public static let atomic = HDNNPUnits(unchecked: 1 / Units.bohr, 1 / Units.hartree)
  /// Å and eV.
  public static let metal = HDNNPUnits(unchecked: 1, 1)

  /// Factors as other programs take them (`cflength`, `cfenergy`), for potentials that were used with these.
  public init(length: Double, energy: Double) throws {
    guard length.isFinite, length > 0, energy.isFinite, energy > 0 else {
      throw FaultlineError(
        .input, "unit factors of an HDNNP must be positive, not length \(length), energy \(energy)",
        hint: "they are file units per Å and per eV, for example 1.8897261 and 0.036749325 for Bohr and Hartree")
    }
    self.init(unchecked: length, energy)
  }

  private init(unchecked length: Double, _ energy: Double) {
    self.length = length
    self.energy = energy
  }
}

import MDCore
import MDIO
import MDNumerics

/// What the header of an extended XYZ frame says of the whole system, under the names and in the units of ASE.
enum FrameHeader {
  /// `energy`: the potential energy, eV. `stress`: see `stress(_:in:)`. `temperature`: K, nil in a relaxation.
  /// `strain`: engineering strain of the cell since the stage began, along the axis that it is pulled along.
  static func entries(_ row: ThermoRow, box: Box, isDynamics: Bool, strain: Double?) -> [ExtXYZEntry] {
    var entries = [ExtXYZEntry("energy", row.potentialEnergy)]
    if let stress = stress(row.virial, in: box) { entries.append(stress) }
    if isDynamics { entries.append(ExtXYZEntry("temperature", row.temperature)) }
    if let strain { entries.append(ExtXYZEntry("strain", strain)) }
    return entries
  }

  /// σ = −½ (W + Wᵀ) / V in eV/Å³ from the virial W = Σ r ⊗ f, nine numbers row by row: tension is positive and atoms'
  /// motion does not count, as in ASE. nil where an axis is open and the volume means nothing.
  static func stress(_ virial: Matrix3, in box: Box) -> ExtXYZEntry? {
    guard box.periodic.isFull else { return nil }
    return ExtXYZEntry("stress", ((-0.5 / box.volume) * (virial + virial.transpose)).elements)
  }
}

import MDCore
import MDIO
import MDNumerics

/// What an interface of two crystals is known by besides its energy γ, all per area of one interface, in J/m²:
///
///     W = σ_A + σ_B − γ,    E_ch = −W,    E_it = γ,
///
/// with the surfaces σ that come to be when it is parted. All crystals are strained to the common cell, with the length along
/// the normal free, so that the energy of strain is in none of them; `strainEnergy` is what it costs in this cell besides.
/// E_it and E_ch are the energies that InterOptimus has of an interface and of its cohesion (Y. Xie et al., J. Energy Chem.,
/// 2025), where both surfaces of each slab are alike; here the crystals of a periodic cell have no others.
struct AdhesionFigures {
  let energy: Double
  /// Of the lower and the upper crystal.
  let surfaces: [Double]
  /// Of both crystals in the cell, for each of its two interfaces.
  let strainEnergy: Double
  /// See `InterfaceModel`.
  let strains: (lower: Double, upper: Double)

  var workOfAdhesion: Double { surfaces[0] + surfaces[1] - energy }

  /// nil where it is one crystal, or where something was not found.
  init?(_ campaign: SearchCampaign, _ reference: BoundaryReference, _ statistics: SearchStatistics) throws {
    guard let model = campaign.space.model as? InterfaceModel, let best = statistics.states.first?.best, let energy = best.energy,
      let apart = campaign.apart, apart.isConverged, apart.energies.count == 2
    else { return nil }
    self.energy = energy
    surfaces = apart.energies
    strains = model.strains
    let whole = try model.bicrystal(shift: .zero, ofOnePeriod: false)
    strainEnergy = reference.sum(over: whole, \.strainEnergy) / (2 * campaign.space.area)
      * Units.energyPerAreaToJoulePerSquareMetre
  }

  var numbers: [String: JSONNumber] {
    [
      "surface_energy_lower_J_per_m2": .number(surfaces[0]), "surface_energy_upper_J_per_m2": .number(surfaces[1]),
      "work_of_adhesion_J_per_m2": .number(workOfAdhesion), "E_it_J_per_m2": .number(energy),
      "E_ch_J_per_m2": .number(-workOfAdhesion), "strain_energy_J_per_m2": .number(strainEnergy),
      "strain_lower": .number(strains.lower), "strain_upper": .number(strains.upper),
    ]
  }

  var sentence: String {
    "work of adhesion \(RunLog.fixed(workOfAdhesion, 4)) J/m², of surfaces of \(RunLog.fixed(surfaces[0], 4)) and "
      + "\(RunLog.fixed(surfaces[1], 4)) J/m²; strain costs \(RunLog.fixed(strainEnergy, 4)) J/m² more in crystals of this thickness"
  }

  /// What is said when the crystals apart are done.
  static func line(_ campaign: SearchCampaign) -> String {
    guard let apart = campaign.apart, apart.failure == nil, apart.energies.count == 2 else {
      return "\(campaign.space.title): the crystals apart have failed: \(campaign.apart?.failure ?? "no surfaces")"
    }
    guard apart.isConverged else {
      return "\(campaign.space.title): the crystals apart have not converged in \(RunLog.counted(apart.steps, "step")); no work of adhesion"
    }
    return "\(campaign.space.title): surfaces \(RunLog.fixed(apart.energies[0], 4)) and \(RunLog.fixed(apart.energies[1], 4)) J/m²"
  }
}

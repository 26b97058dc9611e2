import MDCore
import MDNumerics

/// The stress that a cell is to come to, positive in tension, as a pressure and a deviator.
///
/// S = −P·1 + s, tr s = 0. Against the pressure the work is P ΔV exactly; against the deviator it is ∫ V s : dε along
/// the path, so that the stress reached is Cauchy's, force on present area.
package struct StressTarget: Sendable, Equatable {
  /// P, eV/Å³.
  package let pressure: Double
  /// s, eV/Å³.
  package let deviator: Matrix3

  /// `stress` in bar, positive in tension.
  package init(stress: Matrix3) {
    let symmetric = (1 / Units.energyPerVolumeToBar) * stress.symmetricPart
    pressure = -symmetric.trace / 3
    deviator = symmetric + pressure * .identity
  }

  /// `pressure` in bar.
  package init(pressure: Double) { self.init(stress: -pressure * .identity) }

  /// S restricted to what `components` can feel: what no component works against is left out, so that one stress common
  /// to all stretched directions is a pressure, whatever the others are held at.
  package init(stress: Matrix3, feltBy components: CellComponents) {
    let felt = components.project(stress)
    let identity = components.project(.identity)
    // −P·1 alone gives what is felt where the parts are proportional to those of the identity.
    let square = identity.reduce(0) { $0 + $1 * $1 }
    let common = square > 1e-12 ? zip(felt, identity).reduce(0) { $0 + $1.0 * $1.1 } / square : 0
    let rest = zip(felt, identity).map { $0 - common * $1 }
    let unit = 1 / Units.energyPerVolumeToBar
    pressure = -common * unit
    let size = felt.reduce(0) { max($0, abs($1)) }
    deviator = rest.allSatisfy { abs($0) <= 1e-12 * size } ? .zero : unit * components.matrix(rest)
  }

  /// S, eV/Å³.
  package var stress: Matrix3 { deviator - pressure * .identity }
}

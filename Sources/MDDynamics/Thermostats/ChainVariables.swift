import Foundation

/// The variables of a chain of Nosé and Hoover: velocities η̇_k (1/ps), masses Q_k (eV·ps²) and the work ∫ k_B T dη.
///
/// `propagate` is the factorised operator of G. J. Martyna, M. E. Tuckerman, D. J. Tobias, M. L. Klein, Mol. Phys. 87,
/// 1117 (1996), appendix A, with the third-order weights of Suzuki and Yoshida.
struct ChainVariables: Codable, Equatable {
  private(set) var velocities: [Double]
  private(set) var masses: [Double]
  private var work = 0.0

  /// M. Suzuki, Phys. Lett. A 146, 319 (1990); H. Yoshida, ibid. 150, 262 (1990).
  private static let weights: [Double] = {
    let outer = 1 / (2 - 1.259921049894873164767)
    return [outer, 1 - 2 * outer, outer]
  }()

  init(length: Int) {
    velocities = Array(repeating: 0, count: length)
    masses = Array(repeating: 1, count: length)
  }

  /// Whether a checkpoint can hold this.
  func isSound(length: Int) -> Bool {
    velocities.count == length && masses.count == length && masses.allSatisfy { $0 > 0 && $0.isFinite }
      && velocities.allSatisfy(\.isFinite) && work.isFinite
  }

  /// Takes other masses; the jump of ½ Q η̇² is taken off the work, so that the energy stays conserved along a ramp.
  mutating func setMasses(_ fresh: [Double]) {
    for k in masses.indices { work -= 0.5 * (fresh[k] - masses[k]) * velocities[k] * velocities[k] }
    masses = fresh
  }

  /// Half a step. Returns the factor on the velocities that are thermostatted, of twice the kinetic energy given.
  mutating func propagate(_ timestep: Double, twiceKinetic: inout Double, freedom g: Double, kT: Double) -> Double {
    let last = velocities.count - 1
    var factor = 1.0
    for weight in Self.weights {
      let half = 0.25 * weight * timestep  // half of the substep, which is weight · Δt/2
      func push(_ k: Int) {
        let drive = k == 0 ? twiceKinetic - g * kT : masses[k - 1] * velocities[k - 1] * velocities[k - 1] - kT
        let drag = k == last ? 1 : exp(-0.5 * half * velocities[k + 1])
        velocities[k] = (velocities[k] * drag + half * drive / masses[k]) * drag
      }
      for k in stride(from: last, through: 0, by: -1) { push(k) }
      let scale = exp(-2 * half * velocities[0])
      factor *= scale
      twiceKinetic *= scale * scale
      for k in 0...last { work += (k == 0 ? g : 1) * kT * 2 * half * velocities[k] }
      for k in 0...last { push(k) }
    }
    return factor
  }

  /// Σ ½ Q η̇² and the work, eV.
  var energy: Double { zip(masses, velocities).reduce(work) { $0 + 0.5 * $1.0 * $1.1 * $1.1 } }
}

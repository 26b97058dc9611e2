import Foundation
import MDCore
import MDNumerics

/// Sums the parts of a result that ranks (threads) hand in.
final class Gathered: @unchecked Sendable {
  private let lock = NSLock()
  private(set) var result = ChargedSystem.Result()

  func add(_ part: ChargedSystem.Result) {
    lock.withLock {
      if result.forces.isEmpty {
        result = part
        return
      }
      result.energy += part.energy
      result.virial += part.virial
      for i in result.forces.indices {
        result.forces[i] += part.forces[i]
        result.potentials[i] += part.potentials[i]
        result.atomEnergies[i] += part.atomEnergies[i]
        result.atomVirials[i] += part.atomVirials[i]
      }
    }
  }
}

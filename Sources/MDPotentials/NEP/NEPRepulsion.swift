import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// The screened nuclear repulsion of `NEPFile.Repulsion` between some elements. Close pairs are few, so one at a time.
struct NEPRepulsion {
  private struct Pair {
    /// K ZᵢZⱼ, eV·Å.
    var strength: Double
    /// 1/a, 1/Å.
    var screening: Double
    var form: NEPFile.Repulsion
  }
  private let pairs: [Pair]
  private let count: Int
  /// Of all pairs, Å.
  let reach: Double

  /// GPUMD's K, eV·Å.
  static let coulomb = 14.399645

  init?(_ file: NEPFile, atomicNumbers: [Int]) {
    guard let all = file.repulsion else { return nil }
    let count = file.elements.count
    self.count = count
    pairs = all.enumerated().map { pair, form in
      let (i, j) = (Double(atomicNumbers[pair / count]), Double(atomicNumbers[pair % count]))
      return Pair(strength: Self.coulomb * i * j, screening: (pow(i, 0.23) + pow(j, 0.23)) * 2.134563, form: form)
    }
    reach = all.map(\.outer).max() ?? 0
  }

  /// Energy (eV) and slope (eV/Å) of a pair of elements at a distance.
  func evaluate(_ a: Int, _ b: Int, _ r: Double) -> (energy: Double, slope: Double) {
    let pair = pairs[a * count + b]
    let (inner, outer) = (pair.form.inner, pair.form.outer)
    guard r < outer else { return (0, 0) }
    var phi = 0.0
    var slope = 0.0
    for k in 0..<4 {
      let b = pair.form.exponents[k] * pair.screening
      let term = pair.form.amplitudes[k] * exp(-b * r)
      phi += term
      slope -= b * term
    }
    let energy = pair.strength * phi / r
    let change = pair.strength * slope / r - energy / r
    guard r > inner else { return (energy, change) }
    let angle = Double.pi / (outer - inner)
    let s = 0.5 + 0.5 * cos(angle * (r - inner))
    return (energy * s, change * s - energy * 0.5 * angle * sin(angle * (r - inner)))
  }
}

/// The repulsion in the slots of a block, in doubles. Half of that of a close pair goes to the centre, and as GPUMD does,
/// only among the angular neighbours.
final class NEPContacts {
  private let repulsion: NEPRepulsion
  private let elementCount: Int
  private struct Contact {
    var slot: Int
    /// Slopes of the halves in r, and r̂.
    var slope, x, y, z: AtomLanes
  }
  /// Slots with close pairs.
  private var contacts: [Contact] = []

  init?(_ file: NEPFile) {
    guard
      let repulsion = NEPRepulsion(
        file, atomicNumbers: file.elements.map { Elements.atomicNumber(of: $0) ?? 0 })
    else { return nil }
    self.repulsion = repulsion
    elementCount = file.elements.count
  }

  /// Looks for close pairs and gives each atom its energy, eV.
  func find(_ block: AtomBlocks.Block, _ slots: NeighborSlots) -> AtomLanes {
    contacts.removeAll(keepingCapacity: true)
    let all = UnsafePointer(slots.slots.pointer)
    let reach = AtomLanes(repeating: repulsion.reach)
    var nearest = AtomLanes(repeating: .infinity)
    for k in 0..<slots.innerCount {
      let square = squaredLength(all[k])
      nearest = nearest.replacing(with: square, where: square .< nearest)
    }
    guard any(nearest .< reach * reach) else { return .zero }
    var energies = AtomLanes.zero
    for neighbor in 0..<elementCount {
      for k in slots.range(neighbor) {
        let slot = all[k]
        let square = squaredLength(slot)
        guard any(square .< reach * reach) else { continue }
        let inverse = reciprocal(square.squareRoot())
        var slopes = AtomLanes.zero
        for lane in 0..<block.count where slot.index[lane] >= 0 {
          let (energy, slope) = repulsion.evaluate(block.element, neighbor, 1 / inverse[lane])
          energies[lane] += 0.5 * energy
          slopes[lane] = 0.5 * slope
        }
        contacts.append(
          Contact(slot: k, slope: slopes, x: slot.x * inverse, y: slot.y * inverse, z: slot.z * inverse))
      }
    }
    return energies
  }

  @inline(__always)
  private func squaredLength(_ slot: NeighborSlots.Slot) -> AtomLanes {
    (slot.x * slot.x).addingProduct(slot.y, slot.y).addingProduct(slot.z, slot.z)
  }

  /// Of the block that was looked at last.
  func addGradients(_ gradients: UnsafeMutablePointer<AtomLanes>) {
    for contact in contacts {
      let g = gradients + 3 * contact.slot
      g[0].addProduct(contact.slope, contact.x)
      g[1].addProduct(contact.slope, contact.y)
      g[2].addProduct(contact.slope, contact.z)
    }
  }
}

import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// The neighbours of a block of atoms as SNAP needs them: their slots, a group for each channel, and what depends on
/// the elements of centre and neighbour.
final class SNAPStage {
  /// Of the neighbours in a slot.
  struct Parameters {
    /// Weight of the neighbour's element; zero where there is no neighbour.
    var weight: AtomLanes
    /// 1/(r_cut − rmin0), 1/Å.
    var inverseRange: AtomLanes
    /// Centre and half-width of the inner switching function, Å; a centre of −∞ switches nothing.
    var innerCentre, innerHalfWidth: AtomLanes
  }

  let slots: NeighborSlots
  let parameters = AlignedBuffer<Parameters>()

  /// Of a pair of elements.
  private struct Pair {
    var weight, inverseRange, innerCentre, innerHalfWidth: Double
  }
  private let pairs: AlignedBuffer<Pair>
  private let elementCount: Int

  init(_ model: SNAPModel) {
    elementCount = model.elements.count
    let elements = model.elements.indices
    slots = NeighborSlots(
      cutoffs: elements.map { a in elements.map { model.cutoff(a, $0) } },
      groupOfElement: elements.map { model.channelCount == 1 ? 0 : $0 }, padding: Vector3(1, 0, 0))
    pairs = AlignedBuffer(
      elements.flatMap { a in
        elements.map { b in
          let (p, q) = (model.elements[a], model.elements[b])
          let inner = p.innerSwitch.flatMap { s in
            q.innerSwitch.map { (0.5 * (s.centre + $0.centre), 0.5 * (s.halfWidth + $0.halfWidth)) }
          }
          return Pair(
            weight: q.weight, inverseRange: 1 / (model.cutoff(a, b) - model.rmin0), innerCentre: inner?.0 ?? -1e300,
            innerHalfWidth: inner?.1 ?? 1)
        }
      })
  }

  func fill(
    _ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView, _ elementOfSpecies: UnsafePointer<Int32>
  ) {
    slots.fill(block, atoms, list, elementOfSpecies)
    let count = slots.count
    parameters.reserve(count)
    let (slots, parameters) = (UnsafePointer(slots.slots.pointer), parameters.pointer)
    let pairs = UnsafePointer(pairs.pointer) + block.element * elementCount
    for k in 0..<count {
      let index = slots[k].index
      var own = Parameters(
        weight: .zero, inverseRange: AtomLanes(repeating: pairs[0].inverseRange),
        innerCentre: AtomLanes(repeating: pairs[0].innerCentre),
        innerHalfWidth: AtomLanes(repeating: pairs[0].innerHalfWidth))
      for lane in 0..<AtomLanes.scalarCount where index[lane] >= 0 {
        let other = elementCount == 1 ? 0 : Int(elementOfSpecies[Int(atoms.species[Int(index[lane])])])
        own.weight[lane] = pairs[other].weight
        guard elementCount > 1 else { continue }
        own.inverseRange[lane] = pairs[other].inverseRange
        own.innerCentre[lane] = pairs[other].innerCentre
        own.innerHalfWidth[lane] = pairs[other].innerHalfWidth
      }
      parameters[k] = own
    }
  }

  /// r → θ₀ and the switching functions (Thompson et al. 2015, eqs. 5 and 9).
  struct AngleMap {
    private let rmin0, rfac0: Double
    private let switches, switchesInside: Bool

    init(_ model: SNAPModel) {
      rmin0 = model.rmin0
      rfac0 = model.rfac0
      switches = model.switches
      switchesInside = model.elements.contains { $0.innerSwitch != nil }
    }

    /// Also returns the switched weight.
    @inline(__always)
    func geometry(_ n: NeighborSlots.Slot, _ p: Parameters) -> (SNAPPairKernels.Geometry, weight: AtomLanes) {
      let square = n.x * n.x + n.y * n.y + n.z * n.z
      let r = square.squareRoot()
      let inverse = reciprocal(r)
      let phase = (r - rmin0) * p.inverseRange * Double.pi
      let slope = p.inverseRange * Double.pi
      let (sine, cosine) = sineAndCosine(phase * rfac0)
      var value = AtomLanes(repeating: 1)
      var change = AtomLanes.zero
      if switches {
        let (s, c) = sineAndCosine(phase)
        value = 0.5 + 0.5 * c
        change = -0.5 * slope * s
        if rmin0 > 0 {
          value.replace(with: 1, where: phase .< 0)
          change.replace(with: 0, where: phase .< 0)
        }
      }
      if switchesInside { switchInside(p, r, &value, &change) }
      // f'/f: where f is zero by rounding, so is everything that this multiplies.
      let floor = value.replacing(with: 1e-30, where: value .< 1e-30)
      return (
        SNAPPairKernels.Geometry(
          nx: n.x * inverse, ny: n.y * inverse, nz: n.z * inverse, sine: sine, cosine: cosine, ratio: sine * inverse,
          slope: slope * rfac0, logarithmicSlope: quotient(change, floor)),
        p.weight * value
      )
    }

    /// Below centre − halfWidth nothing, above centre + halfWidth everything, a cosine between.
    private func switchInside(_ p: Parameters, _ r: AtomLanes, _ value: inout AtomLanes, _ change: inout AtomLanes) {
      for lane in 0..<AtomLanes.scalarCount where r[lane] < p.innerCentre[lane] + p.innerHalfWidth[lane] {
        let width = p.innerHalfWidth[lane]
        let phase = (r[lane] - p.innerCentre[lane] + width) * Double.pi / (2 * width)
        let (f, slope) = phase <= 0 ? (0, 0) : (0.5 - 0.5 * cos(phase), 0.25 * Double.pi / width * sin(phase))
        change[lane] = change[lane] * f + value[lane] * slope
        value[lane] *= f
      }
    }
  }
}

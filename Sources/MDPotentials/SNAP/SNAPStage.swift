import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// Collects the neighbours of four atoms within the cutoff, the k-th of each in lane order: only listed pairs that are
/// near enough, each channel's together, short rows padded with neighbours of weight zero.
final class SNAPStage {
  /// The k-th neighbours of four atoms; short rows are filled up.
  struct Neighbors {
    /// r_k − r_i, Å.
    var x, y, z: Lanes
    /// Weight of the neighbour's element; zero in padding.
    var weight: Lanes
    /// 1/(r_cut − rmin0), 1/Å.
    var inverseRange: Lanes
    /// Centre and half-width of the inner switching function, Å; a centre of −∞ switches nothing.
    var innerCentre, innerHalfWidth: Lanes
    /// Place of the neighbour, −1 in padding.
    var index: SIMD4<Int32>
  }

  let neighbors = AlignedBuffer<Neighbors>()
  private(set) var laneCount = 0
  /// Neighbours by lane, before they are interleaved.
  private let vectors = AlignedBuffer<Lanes>()
  private let places = AlignedBuffer<Int32>()
  private var starts: [Int]

  /// Of a pair of elements.
  private struct Pair {
    var squaredCutoff, weight, inverseRange, innerCentre, innerHalfWidth: Double
  }
  private let pairs: AlignedBuffer<Pair>
  private let elementCount: Int
  private let channelCount: Int

  init(_ model: SNAPModel) {
    elementCount = model.elements.count
    channelCount = model.channelCount
    starts = Array(repeating: 0, count: channelCount + 1)
    pairs = AlignedBuffer(
      model.elements.indices.flatMap { a in
        model.elements.indices.map { b in
          let (p, q) = (model.elements[a], model.elements[b])
          let cutoff = model.cutoff(a, b)
          let inner = p.innerSwitch.flatMap { s in
            q.innerSwitch.map { (0.5 * (s.centre + $0.centre), 0.5 * (s.halfWidth + $0.halfWidth)) }
          }
          return Pair(
            squaredCutoff: cutoff * cutoff, weight: q.weight,
            inverseRange: 1 / (cutoff - model.rmin0), innerCentre: inner?.0 ?? -1e300, innerHalfWidth: inner?.1 ?? 1)
        }
      })
  }

  var count: Int { starts[channelCount] }
  func range(_ channel: Int) -> Range<Int> { starts[channel]..<starts[channel + 1] }

  func fill(
    _ atoms: AtomView, _ list: NeighborView, _ centres: UnsafePointer<Int32>, _ lanes: Int, element: Int,
    _ elementOfSpecies: UnsafePointer<Int32>
  ) {
    laneCount = lanes
    let pairs = UnsafePointer(pairs.pointer) + element * elementCount
    var longest = 0
    for lane in 0..<lanes {
      let i = Int(centres[lane])
      longest = max(longest, list.starts[i + 1] - list.starts[i])
    }
    // One more, because what is too far is written, too, and then overwritten.
    let width = longest + 1
    vectors.reserve(4 * width)
    places.reserve(4 * width)
    let vectors = vectors.pointer
    let places = places.pointer
    var total = 0
    for channel in 0..<channelCount {
      starts[channel] = total
      var counts = SIMD4<Int>.zero
      for lane in 0..<lanes {
        counts[lane] = select(
          atoms, list, Int(centres[lane]), channelCount == 1 ? -1 : channel, pairs, elementOfSpecies,
          vectors + lane * width, places + lane * width)
      }
      let filled = counts.max()
      for lane in 0..<4 {
        for k in counts[lane]..<max(filled, counts[lane]) {
          vectors[lane * width + k] = Lanes(1, 0, 0, 0)
          places[lane * width + k] = -1
        }
      }
      neighbors.reserve(total + filled, keeping: total)
      let out = neighbors.pointer + total
      for k in 0..<filled {
        let (a, b) = (vectors[k], vectors[k + width])
        let (c, d) = (vectors[k + 2 * width], vectors[k + 3 * width])
        let index = SIMD4(places[k], places[k + width], places[k + 2 * width], places[k + 3 * width])
        var n = Neighbors(
          x: Lanes(a.x, b.x, c.x, d.x), y: Lanes(a.y, b.y, c.y, d.y), z: Lanes(a.z, b.z, c.z, d.z), weight: .zero,
          inverseRange: Lanes(repeating: pairs[0].inverseRange), innerCentre: Lanes(repeating: pairs[0].innerCentre),
          innerHalfWidth: Lanes(repeating: pairs[0].innerHalfWidth), index: index)
        for lane in 0..<4 where k < counts[lane] {
          let other = elementCount == 1 ? 0 : Int(elementOfSpecies[Int(atoms.species[Int(index[lane])])])
          n.weight[lane] = pairs[other].weight
          guard elementCount > 1 else { continue }
          n.inverseRange[lane] = pairs[other].inverseRange
          n.innerCentre[lane] = pairs[other].innerCentre
          n.innerHalfWidth[lane] = pairs[other].innerHalfWidth
        }
        out[k] = n
      }
      total += filled
    }
    starts[channelCount] = total
  }

  /// Writes the neighbours of atom i that are near enough (and of element `only`, unless that is −1) one after the
  /// other and returns their number. Without branches: which of a list with a skin are near enough cannot be foreseen.
  @inline(__always)
  private func select(
    _ atoms: AtomView, _ list: NeighborView, _ i: Int, _ only: Int, _ pairs: UnsafePointer<Pair>,
    _ elementOfSpecies: UnsafePointer<Int32>, _ vectors: UnsafeMutablePointer<Lanes>,
    _ places: UnsafeMutablePointer<Int32>
  ) -> Int {
    // A vector occupies the space of four numbers; the fourth is never looked at.
    let positions = UnsafeRawPointer(atoms.positions)
    let centre = positions.load(fromByteOffset: 32 * i, as: Lanes.self)
    let alone = elementCount == 1
    var found = 0
    for place in list.starts[i]..<list.starts[i + 1] {
      let j = list.indices[place]
      let d = positions.load(fromByteOffset: 32 * Int(j), as: Lanes.self) - centre
      let other = alone ? 0 : Int(elementOfSpecies[Int(atoms.species[Int(j)])])
      let square = d * d
      let isNear = square.x + square.y + square.z < pairs[other].squaredCutoff
      vectors[found] = d
      places[found] = j
      found += (isNear ? 1 : 0) & (only < 0 || only == other ? 1 : 0)
    }
    return found
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
    func geometry(_ n: Neighbors) -> (SNAPPairKernels.Geometry, weight: Lanes) {
      let square = n.x * n.x + n.y * n.y + n.z * n.z
      let r = square.squareRoot()
      let inverse = 1 / r
      let phase = (r - rmin0) * n.inverseRange * Double.pi
      let slope = n.inverseRange * Double.pi
      let (sine, cosine) = sineAndCosine(phase * rfac0)
      var value = Lanes(repeating: 1)
      var change = Lanes.zero
      if switches {
        let (s, c) = sineAndCosine(phase)
        value = 0.5 + 0.5 * c
        change = -0.5 * slope * s
        if rmin0 > 0 {
          value.replace(with: 1, where: phase .< 0)
          change.replace(with: 0, where: phase .< 0)
        }
      }
      if switchesInside { switchInside(n, r, &value, &change) }
      // f'/f: where f is zero by rounding, so is everything that this multiplies.
      let floor = value.replacing(with: 1e-30, where: value .< 1e-30)
      return (
        SNAPPairKernels.Geometry(
          nx: n.x * inverse, ny: n.y * inverse, nz: n.z * inverse, sine: sine, cosine: cosine, ratio: sine * inverse,
          slope: slope * rfac0, logarithmicSlope: change / floor),
        n.weight * value
      )
    }

    /// Below centre − halfWidth nothing, above centre + halfWidth everything, a cosine between.
    private func switchInside(_ n: Neighbors, _ r: Lanes, _ value: inout Lanes, _ change: inout Lanes) {
      for lane in 0..<4 where r[lane] < n.innerCentre[lane] + n.innerHalfWidth[lane] {
        let width = n.innerHalfWidth[lane]
        let phase = (r[lane] - n.innerCentre[lane] + width) * Double.pi / (2 * width)
        let (f, slope) = phase <= 0 ? (0, 0) : (0.5 - 0.5 * cos(phase), 0.25 * Double.pi / width * sin(phase))
        change[lane] = change[lane] * f + value[lane] * slope
        value[lane] *= f
      }
    }
  }
}

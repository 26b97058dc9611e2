import Foundation
import MDCore
import MDNumerics

/// Collects the neighbours of four atoms within the cutoff, the k-th of each in lane order: only listed pairs that are
/// near enough, each channel's together, short rows padded with neighbours of weight zero.
final class SNAPStage {
  /// The k-th neighbours of four atoms; the fields are written lane by lane through their byte offsets.
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
    let padding = Neighbors(
      x: Lanes(repeating: 1), y: .zero, z: .zero, weight: .zero, inverseRange: Lanes(repeating: pairs[0].inverseRange),
      innerCentre: Lanes(repeating: -1e300), innerHalfWidth: Lanes(repeating: 1), index: SIMD4(repeating: -1))
    var total = 0
    for channel in 0..<channelCount {
      starts[channel] = total
      var filled = 0
      for lane in 0..<lanes {
        let i = Int(centres[lane])
        let centre = atoms.positions[i]
        let row = list.starts[i]..<list.starts[i + 1]
        neighbors.reserve(total + max(filled, row.count), keeping: total + filled)
        let out = neighbors.pointer + total
        var found = 0
        for place in row {
          let j = list.indices[place]
          let other = Int(elementOfSpecies[Int(atoms.species[Int(j)])])
          let d = atoms.positions[Int(j)] - centre
          guard d.squaredLength < pairs[other].squaredCutoff, channelCount == 1 || other == channel else { continue }
          if found == filled {
            out[found] = padding
            filled += 1
          }
          let pair = pairs[other]
          let place = UnsafeMutableRawPointer(out + found) + 8 * lane
          place.storeBytes(of: d.x, as: Double.self)
          place.storeBytes(of: d.y, toByteOffset: 32, as: Double.self)
          place.storeBytes(of: d.z, toByteOffset: 64, as: Double.self)
          place.storeBytes(of: pair.weight, toByteOffset: 96, as: Double.self)
          place.storeBytes(of: pair.inverseRange, toByteOffset: 128, as: Double.self)
          place.storeBytes(of: pair.innerCentre, toByteOffset: 160, as: Double.self)
          place.storeBytes(of: pair.innerHalfWidth, toByteOffset: 192, as: Double.self)
          (place - 4 * lane).storeBytes(of: j, toByteOffset: 224, as: Int32.self)
          found += 1
        }
      }
      total += filled
    }
    starts[channelCount] = total
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
        let inside = phase .< 0
        value = (0.5 + 0.5 * c).replacing(with: 1, where: inside)
        change = (-0.5 * slope * s).replacing(with: 0, where: inside)
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

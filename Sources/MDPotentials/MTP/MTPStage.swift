import MDCore
import MDNumerics
import MDPotentialFiles

/// Collects the neighbours of eight atoms within the cutoff: a slot holds the k-th of each, slots are sorted by the
/// neighbour's element, and rows that end earlier are filled with atoms at the cutoff, where everything is zero.
final class MTPStage {
  struct Slot {
    /// r_k − r_i, Å.
    var x, y, z: WideLanes
    /// Place of the neighbour, −1 in padding.
    var index: SIMD8<Int32>
  }
  let slots = AlignedBuffer<Slot>()
  private let vectors = AlignedBuffer<SIMD4<Double>>()
  private let places = AlignedBuffer<Int32>()
  private var starts: [Int]
  /// Neighbours of each element and lane.
  private let counts: AlignedBuffer<Int>
  private let speciesCount: Int
  private let cutoff: Double

  init(speciesCount: Int, cutoff: Double) {
    self.speciesCount = speciesCount
    self.cutoff = cutoff
    starts = Array(repeating: 0, count: speciesCount + 1)
    counts = AlignedBuffer(capacity: 8 * speciesCount)
  }

  var count: Int { starts[speciesCount] }
  func range(_ element: Int) -> Range<Int> { starts[element]..<starts[element + 1] }

  func fill(
    _ atoms: AtomView, _ list: NeighborView, _ centres: UnsafePointer<Int32>, _ lanes: Int,
    _ elementOfSpecies: UnsafePointer<Int32>
  ) {
    var longest = 0
    for lane in 0..<lanes {
      let i = Int(centres[lane])
      longest = max(longest, list.starts[i + 1] - list.starts[i])
    }
    // One more, because what is too far is written, too, and then overwritten.
    let width = longest + 1
    let rows = 8 * speciesCount
    vectors.reserve(rows * width)
    places.reserve(rows * width)
    let vectors = vectors.pointer
    let places = places.pointer
    let counts = counts.pointer
    for k in 0..<rows { counts[k] = 0 }
    let positions = UnsafeRawPointer(atoms.positions)
    let square = cutoff * cutoff
    let alone = speciesCount == 1
    for lane in 0..<lanes {
      let i = Int(centres[lane])
      let centre = positions.load(fromByteOffset: 32 * i, as: SIMD4<Double>.self)
      if alone {
        var found = lane * width
        for entry in list.starts[i]..<list.starts[i + 1] {
          let j = list.indices[entry]
          let d = positions.load(fromByteOffset: 32 * Int(j), as: SIMD4<Double>.self) - centre
          let s = d * d
          vectors[found] = d
          places[found] = j
          found += s.x + s.y + s.z < square ? 1 : 0
        }
        counts[lane] = found - lane * width
      } else {
        for entry in list.starts[i]..<list.starts[i + 1] {
          let j = list.indices[entry]
          let d = positions.load(fromByteOffset: 32 * Int(j), as: SIMD4<Double>.self) - centre
          let row = 8 * Int(elementOfSpecies[Int(atoms.species[Int(j)])]) + lane
          let s = d * d
          let place = row * width + counts[row]
          vectors[place] = d
          places[place] = j
          counts[row] += s.x + s.y + s.z < square ? 1 : 0
        }
      }
    }
    var total = 0
    for element in 0..<speciesCount {
      starts[element] = total
      var filled = 0
      for lane in 0..<8 { filled = max(filled, counts[8 * element + lane]) }
      for lane in 0..<8 {
        let row = 8 * element + lane
        for k in counts[row]..<filled {
          vectors[row * width + k] = SIMD4(cutoff, 0, 0, 0)
          places[row * width + k] = -1
        }
      }
      slots.reserve(total + filled, keeping: total)
      let out = slots.pointer + total
      let v = UnsafePointer(vectors) + 8 * element * width
      let p = UnsafePointer(places) + 8 * element * width
      for k in 0..<filled {
        let (a, b, c, d) = (v[k], v[k + width], v[k + 2 * width], v[k + 3 * width])
        let (e, f, g, h) = (v[k + 4 * width], v[k + 5 * width], v[k + 6 * width], v[k + 7 * width])
        out[k] = Slot(
          x: WideLanes(a.x, b.x, c.x, d.x, e.x, f.x, g.x, h.x), y: WideLanes(a.y, b.y, c.y, d.y, e.y, f.y, g.y, h.y),
          z: WideLanes(a.z, b.z, c.z, d.z, e.z, f.z, g.z, h.z),
          index: SIMD8(
            p[k], p[k + width], p[k + 2 * width], p[k + 3 * width], p[k + 4 * width], p[k + 5 * width],
            p[k + 6 * width], p[k + 7 * width]))
      }
      total += filled
    }
    starts[speciesCount] = total
  }
}

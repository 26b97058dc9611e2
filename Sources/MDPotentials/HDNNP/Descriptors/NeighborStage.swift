import MDCore
import MDNumerics

/// The neighbours of one atom within the cutoff, sorted by element, four to a record: vectors from the atom,
/// distances, edge functions, and room for what comes back (φ of the pair, forces, moments).
///
/// Lanes that hold no neighbour stand far away with distances just beyond the cutoff, so that every edge function
/// is zero there; their index is that of a true neighbour, to which they add nothing.
struct NeighborStage {
  // Fields of a record.
  static let x = 0
  static let y = 1
  static let z = 2
  /// r².
  static let square = 3
  static let inverse = 4
  static let distance = 5
  /// Σ φ of the pair of atom and neighbour, with ∂E/∂r = φ·(r_j − r_i).
  static let phi = 6
  /// Forces on the neighbours besides those of φ.
  static let forceX = 7
  static let forceY = 8
  static let forceZ = 9
  /// f and L of the edge functions, in turn.
  static let edges = 10

  @inline(__always)
  static func edge(_ place: Int) -> Int { edges &+ 2 &* place }

  let records: Record
  /// Bytes of a record.
  let size: Int
  /// First field of the moments of a block of functions.
  let moments: Int
  /// First record of each element, and the number of neighbours (not records) of each.
  let first: UnsafeMutablePointer<Int>
  let counts: UnsafeMutablePointer<Int>
  /// Atom of each lane.
  let index: UnsafeMutablePointer<Int32>

  /// Neighbours within the cutoff.
  private let picked: UnsafeMutablePointer<Int32>
  private let elements: Int

  init(
    _ lanes: AlignedBuffer<Lanes>, _ integers: AlignedBuffer<Int>, _ indices: AlignedBuffer<Int32>, longestRow: Int,
    elements: Int, edges: Int, moments count: Int
  ) {
    // One more, because a neighbour is written before it is known whether it is within the cutoff.
    let room = (longestRow + 3) / 4 + elements + 1
    self.elements = elements
    moments = Self.edge(edges)
    // An odd number of fields: with a power of two, equal fields of all records would share few sets of the cache.
    let fields = (moments + count) | 1
    size = 32 * fields
    lanes.reserve(room * fields)
    integers.reserve(2 * elements)
    indices.reserve(4 * room + longestRow + 8)
    records = Record(lanes.pointer)
    first = integers.pointer
    counts = integers.pointer + elements
    index = indices.pointer
    picked = indices.pointer + 4 * room
  }

  @inline(__always)
  func blocks(_ element: Int) -> Int { (counts[element] &+ 3) &>> 2 }

  /// The record of the lane's block.
  @inline(__always)
  func record(ofLane lane: Int) -> Record { records + size &* (lane &>> 2) }

  /// Picks the neighbours of atom `i` nearer than the cutoff – all, or those `after` it in the order – and fills the
  /// records up to the distances. Returns the number of records.
  @inline(__always)
  func load(_ i: Int, _ list: NeighborView, _ order: AtomOrder, after: Bool, cutoff: Double) -> Int {
    let center = order.places[i]
    let found =
      after
      ? pick(i, list, order, center, cutoff * cutoff, after: true)
      : pick(i, list, order, center, cutoff * cutoff, after: false)
    var block = 0
    for e in 0..<elements {
      first[e] = block
      counts[e] = select(e, found, order.places, into: index + 4 &* block)
      block &+= blocks(e)
    }
    fill(center, order.places, cutoff)
    return block
  }

  /// Writes the picked neighbours one after the other, and their numbers by element; returns how many there are.
  @inline(__always)
  func save(to indices: UnsafeMutablePointer<Int32>, _ numbers: UnsafeMutablePointer<Int32>) -> Int {
    var n = 0
    for e in 0..<elements {
      (indices + n).update(from: index + 4 &* first[e], count: counts[e])
      n &+= counts[e]
      numbers[e] = Int32(truncatingIfNeeded: counts[e])
    }
    return n
  }

  /// What `load` did for the atom of a saved row. Returns the number of records.
  @inline(__always)
  func restore(
    _ i: Int, _ indices: UnsafePointer<Int32>, _ numbers: UnsafePointer<Int32>, _ order: AtomOrder, cutoff: Double
  ) -> Int {
    var n = 0
    var block = 0
    for e in 0..<elements {
      first[e] = block
      counts[e] = Int(numbers[e])
      (index + 4 &* block).update(from: indices + n, count: counts[e])
      n &+= counts[e]
      block &+= blocks(e)
    }
    fill(order.places[i], order.places, cutoff)
    return block
  }

  /// Vectors and distances of the picked neighbours.
  @inline(__always)
  private func fill(_ center: Lanes, _ places: UnsafePointer<Lanes>, _ cutoff: Double) {
    for e in 0..<elements {
      let n = counts[e]
      guard n > 0 else { continue }
      var j = index + 4 &* first[e]
      for k in n..<((n &+ 3) & ~3) { j[k] = j[n &- 1] }
      var record = records + size &* first[e]
      for _ in 0..<blocks(e) {
        let d = transpose(
          places[Int(j[0])] - center, places[Int(j[1])] - center, places[Int(j[2])] - center,
          places[Int(j[3])] - center)
        record[Self.x] = d.0
        record[Self.y] = d.1
        record[Self.z] = d.2
        let square = (d.0 * d.0).addingProduct(d.1, d.1).addingProduct(d.2, d.2)
        let r = square.squareRoot()
        record[Self.square] = square
        record[Self.distance] = r
        record[Self.inverse] = 1 / r
        record += size
        j += 4
      }
      if n & 3 != 0 { pad(record - size, n & 3, cutoff) }
    }
  }

  /// Without branches, which the processor could not predict: every neighbour is written to the next place, but the
  /// place moves on only if the neighbour counts.
  @inline(__always)
  private func pick(
    _ i: Int, _ list: NeighborView, _ order: AtomOrder, _ center: Lanes, _ cutoff2: Double, after: Bool
  ) -> Int {
    let (places, picked) = (order.places, picked)
    let row = list.indices + list.starts[i]
    let length = list.starts[i &+ 1] &- list.starts[i]
    let (cx, cy, cz) = (Lanes(repeating: center[0]), Lanes(repeating: center[1]), Lanes(repeating: center[2]))
    let own = Lanes(repeating: center[3])
    let limit = Lanes(repeating: cutoff2)
    var n = 0

    var k = 0
    while k &+ 4 <= length {
      let j = row + k
      let t = transpose(places[Int(j[0])], places[Int(j[1])], places[Int(j[2])], places[Int(j[3])])
      let (dx, dy, dz) = (t.0 - cx, t.1 - cy, t.2 - cz)
      let beyond = (dx * dx).addingProduct(dy, dy).addingProduct(dz, dz) - limit
      var bits: Int
      if after {
        bits = negativeBits(beyond.maximum(own - t.3))
        if anyEqual(own, t.3) != 0 { bits |= order.ties(i, j, 4) & negativeBits(beyond) }
      } else {
        bits = negativeBits(beyond)
      }
      picked[n] = j[0]
      n &+= bits & 1
      picked[n] = j[1]
      n &+= (bits &>> 1) & 1
      picked[n] = j[2]
      n &+= (bits &>> 2) & 1
      picked[n] = j[3]
      n &+= bits &>> 3
      k &+= 4
    }
    while k < length {
      let place = places[Int(row[k])]
      let d = place - center
      let square = d * d
      let isNear = square[0] + square[1] + square[2] < cutoff2
      let isAfter = !after || place[3] > center[3] || (place[3] == center[3] && order.ties(i, row + k, 1) != 0)
      picked[n] = row[k]
      n &+= isNear && isAfter ? 1 : 0
      k &+= 1
    }
    return n
  }

  /// Copies the picked neighbours of one element; returns how many there are.
  @inline(__always)
  private func select(
    _ element: Int, _ count: Int, _ places: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<Int32>
  ) -> Int {
    let picked = picked
    if elements == 1 {
      out.update(from: picked, count: count)
      return count
    }
    var n = 0
    for k in 0..<count {
      let j = picked[k]
      out[n] = j
      n &+= AtomOrder.element(places[Int(j)]) == element ? 1 : 0
    }
    return n
  }

  /// Moves all but the first `filled` lanes out of reach.
  private func pad(_ record: Record, _ filled: Int, _ cutoff: Double) {
    let real = laneWeights(filled) .> 0
    let far = Lanes(repeating: 3 * cutoff)
    for field in [Self.x, Self.y, Self.z] { record[field] = far.replacing(with: record[field], where: real) }
    let r = Lanes(repeating: 1.01 * cutoff).replacing(with: record[Self.distance], where: real)
    record[Self.square] = r * r
    record[Self.distance] = r
    record[Self.inverse] = 1 / r
  }

  /// Edge functions of all neighbours.
  @inline(__always)
  func evaluate(_ program: EdgeProgram, _ place: Int, blocks: Int, slopes: Bool) {
    program.fill(
      records, blocks, stride: size, r: Self.distance, inverse: Self.inverse, f: Self.edge(place),
      slope: slopes ? Self.edge(place) &+ 1 : nil)
  }
}

/// A total order of all atoms and images in which i before j means j after i on whatever rank they meet: along a
/// direction of the cell, rounded to whole numbers by the atom's owner (images add whole numbers), then by element, id
/// and image shift. Triangles and pairs belong to their first corner, which so has neighbours on one side only.
struct AtomOrder {
  /// Of all atoms, x, y, z and a key: the number along the direction times 128, plus the element.
  let places: UnsafePointer<Lanes>
  let ids: UnsafePointer<Int64>
  let shifts: UnsafePointer<SIMD3<Int32>>

  /// How much a key grows over the length of the cell along each axis: keys stay below 2⁵³, so they are exact.
  private static let weights = SIMD3<Double>(128 * 8_388_608, 128 * 3_103_783, 128 * 922_747)

  static func ownKey(_ fractional: Vector3, element: Int32) -> Double {
    let w = Self.weights * fractional
    return ((w.x + w.y + w.z) / 128).rounded(.down) * 128 + Double(element)
  }

  static func shiftKey(_ shift: SIMD3<Int32>) -> Double {
    let w = Self.weights * Vector3(Double(shift.x), Double(shift.y), Double(shift.z))
    return w.x + w.y + w.z
  }

  @inline(__always)
  static func element(_ place: Lanes) -> Int { Int(place[3]) & 127 }

  /// Which of some neighbours come after i although their keys are the same, one bit each.
  @inline(never)
  func ties(_ i: Int, _ j: UnsafePointer<Int32>, _ count: Int) -> Int {
    var bits = 0
    for l in 0..<count where places[Int(j[l])][3] == places[i][3] && comesAfter(Int(j[l]), i) { bits |= 1 &<< l }
    return bits
  }

  private func comesAfter(_ j: Int, _ i: Int) -> Bool {
    if ids[i] != ids[j] { return ids[i] < ids[j] }
    let (s, t) = (shifts[i], shifts[j])
    return s.x != t.x ? s.x < t.x : s.y != t.y ? s.y < t.y : s.z < t.z
  }
}

import MDCore
import MDNumerics

/// Pointer to a record of lanes; fields are numbered.
typealias Record = UnsafeMutableRawPointer

extension UnsafeMutableRawPointer {
  @inline(__always)
  subscript(field: Int) -> Lanes {
    get { load(fromByteOffset: 32 &* field, as: Lanes.self) }
    nonmutating set { storeBytes(of: newValue, toByteOffset: 32 &* field, as: Lanes.self) }
  }

  /// One lane of a field.
  @inline(__always)
  func scalar(_ field: Int, lane: Int) -> Double {
    load(fromByteOffset: 32 &* field &+ 8 &* lane, as: Double.self)
  }

  @inline(__always)
  func add(_ value: Double, to field: Int, lane: Int) {
    let offset = 32 &* field &+ 8 &* lane
    storeBytes(of: load(fromByteOffset: offset, as: Double.self) + value, toByteOffset: offset, as: Double.self)
  }
}

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

  private let picked: UnsafeMutablePointer<Int32>
  private let pickedRoom: Int
  private let elements: Int

  init(
    _ lanes: AlignedBuffer<Lanes>, _ integers: AlignedBuffer<Int>, _ indices: AlignedBuffer<Int32>, longestRow: Int,
    elements: Int, edges: Int, moments count: Int
  ) {
    let room = (longestRow + 3) / 4 + elements
    pickedRoom = longestRow + 4
    self.elements = elements
    moments = Self.edge(edges)
    // An odd number of lanes, lest fields of all records fall on few cache sets.
    let fields = (moments + count) | 1
    size = 32 * fields
    lanes.reserve(room * fields)
    integers.reserve(2 * elements)
    indices.reserve(4 * room + pickedRoom * elements)
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

  /// Picks the neighbours of atom `i` nearer than the cutoff – all, or those after it in the `order` – and fills the
  /// records up to the distances. Returns the number of records.
  @inline(__always)
  func load(
    _ i: Int, _ list: NeighborView, _ atoms: AtomView, elementOf: UnsafePointer<Int32>, order: AtomOrder?,
    cutoff: Double
  ) -> Int {
    let positions = atoms.positions
    let center = loadRow(positions, Int32(truncatingIfNeeded: i))
    let cutoff2 = cutoff * cutoff
    pick(i, list, atoms, center, elementOf, order, cutoff2)
    var block = 0
    for e in 0..<elements {
      first[e] = block
      let n = counts[e]
      guard n > 0 else { continue }
      let from = picked + pickedRoom &* e
      for k in n..<((n &+ 3) & ~3) { from[k] = from[n &- 1] }
      for b in 0..<((n &+ 3) &>> 2) {
        let j = from + 4 &* b
        let d = PairVectors(positions, j, from: center)
        let record = records + size &* block
        record[Self.x] = d.x
        record[Self.y] = d.y
        record[Self.z] = d.z
        record[Self.square] = d.squaredDistances
        for l in 0..<4 { index[4 &* block &+ l] = j[l] }
        block &+= 1
      }
      if n & 3 != 0 { pad(records + size &* (block &- 1), n & 3, cutoff) }
    }
    for b in 0..<block {
      let record = records + size &* b
      let r = record[Self.square].squareRoot()
      record[Self.distance] = r
      record[Self.inverse] = 1 / r
    }
    return block
  }

  /// Every neighbour is written, but the place moves on only if it counts: the outcome is too random to branch on.
  @inline(__always)
  private func pick(
    _ i: Int, _ list: NeighborView, _ atoms: AtomView, _ center: Lanes, _ elementOf: UnsafePointer<Int32>,
    _ order: AtomOrder?, _ cutoff2: Double
  ) {
    let positions = atoms.positions
    let species = atoms.species
    let row = list.indices + list.starts[i]
    let length = list.starts[i &+ 1] &- list.starts[i]
    let (picked, pickedRoom, counts) = (picked, pickedRoom, counts)
    for e in 0..<elements { counts[e] = 0 }
    for k in 0..<length {
      let j = row[k]
      let d = loadRow(positions, j) - center
      let sq = d * d
      let e = Int(elementOf[Int(species[Int(j)])])
      let n = counts[e]
      picked[pickedRoom &* e &+ n] = j
      var keep = isNegative(sq[0] + sq[1] + sq[2] - cutoff2)
      if let order {
        let ahead = order.keys[i] - order.keys[Int(j)]
        if ahead == 0 {
          keep = order.breaksTie(atoms, i, Int(j)) ? keep : 0
        } else {
          keep &= isNegative(ahead)
        }
      }
      counts[e] = n &+ keep
    }
  }

  /// Moves all but the first `filled` lanes out of reach.
  private func pad(_ record: Record, _ filled: Int, _ cutoff: Double) {
    let real = laneWeights(filled) .> 0
    let far = Lanes(repeating: 3 * cutoff)
    for field in [Self.x, Self.y, Self.z] { record[field] = far.replacing(with: record[field], where: real) }
    record[Self.square] = Lanes(repeating: 1.02 * cutoff * cutoff).replacing(with: record[Self.square], where: real)
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
/// direction of the cell, rounded to whole numbers by the atom's owner (images add whole numbers), then by id, then by
/// image shift. Triangles and pairs belong to their first corner, which so has neighbours on one side only.
struct AtomOrder {
  let keys: UnsafePointer<Double>

  /// Numbers a cell along each axis: all sums stay below 2⁵³, hence exact.
  private static let weights = SIMD3<Double>(1_073_741_824, 397_283_571, 118_111_601)

  static func ownKey(_ fractional: Vector3) -> Double {
    let w = Self.weights * fractional
    return (w.x + w.y + w.z).rounded(.down)
  }

  static func shiftKey(_ shift: SIMD3<Int32>) -> Double {
    let w = Self.weights * Vector3(Double(shift.x), Double(shift.y), Double(shift.z))
    return w.x + w.y + w.z
  }

  /// Whether j comes after i although their keys are the same.
  @inline(never)
  func breaksTie(_ atoms: AtomView, _ i: Int, _ j: Int) -> Bool {
    if atoms.ids[i] != atoms.ids[j] { return atoms.ids[i] < atoms.ids[j] }
    let (s, t) = (atoms.shifts[i], atoms.shifts[j])
    return s.x != t.x ? s.x < t.x : s.y != t.y ? s.y < t.y : s.z < t.z
  }
}

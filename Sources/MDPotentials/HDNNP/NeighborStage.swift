import MDCore
import MDNumerics

/// The neighbours of one atom within the cutoff, sorted by element into columns of whole lanes: vectors from the atom,
/// distances, edge functions; and room for what comes back (φ a pair, forces).
///
/// Lanes that hold no neighbour stand far away with distances just beyond the cutoff, so that every edge function
/// is zero there; their index is that of a true neighbour, to which they add nothing.
struct NeighborStage {
  /// First block of each element, and the number of neighbours (not blocks) of each.
  let firstBlock: UnsafeMutablePointer<Int>
  let counts: UnsafeMutablePointer<Int>
  /// Index of the atom of each lane.
  let index: UnsafeMutablePointer<Int32>
  let x: UnsafeMutablePointer<Lanes>
  let y: UnsafeMutablePointer<Lanes>
  let z: UnsafeMutablePointer<Lanes>
  /// r² and 1/r and r.
  let square: UnsafeMutablePointer<Lanes>
  let inverse: UnsafeMutablePointer<Lanes>
  let distance: UnsafeMutablePointer<Lanes>
  /// Columns of f and L, one edge function after the other.
  let edge: UnsafeMutablePointer<Lanes>
  let slope: UnsafeMutablePointer<Lanes>
  /// Σ φ of the pair of atom and neighbour, with ∂E/∂r = φ·(r_j − r_i).
  let phi: UnsafeMutablePointer<Lanes>
  /// Forces on the neighbours besides those of φ.
  let forceX: UnsafeMutablePointer<Lanes>
  let forceY: UnsafeMutablePointer<Lanes>
  let forceZ: UnsafeMutablePointer<Lanes>
  /// Blocks between the columns of two edge functions.
  let room: Int

  private let picked: UnsafeMutablePointer<Int32>
  private let pickedRoom: Int
  private let elements: Int

  static func lanesNeeded(blocks: Int, edges: Int) -> Int { blocks * (10 + 2 * edges) }

  init(
    _ lanes: AlignedBuffer<Lanes>, _ integers: AlignedBuffer<Int>, _ indices: AlignedBuffer<Int32>, longestRow: Int,
    elements: Int, edges: Int
  ) {
    room = (longestRow + 3) / 4 + elements
    pickedRoom = longestRow + 4
    self.elements = elements
    lanes.reserve(Self.lanesNeeded(blocks: room, edges: edges))
    integers.reserve(2 * elements)
    indices.reserve(4 * room + pickedRoom * elements)
    firstBlock = integers.pointer
    counts = integers.pointer + elements
    index = indices.pointer
    picked = indices.pointer + 4 * room
    x = lanes.pointer
    y = x + room
    z = y + room
    square = z + room
    inverse = square + room
    distance = inverse + room
    phi = distance + room
    forceX = phi + room
    forceY = forceX + room
    forceZ = forceY + room
    edge = forceZ + room
    slope = edge + edges * room
  }

  @inline(__always)
  func blocks(_ element: Int) -> Int { (counts[element] &+ 3) &>> 2 }

  /// Which neighbours count.
  enum Choice { case all, after }

  /// Picks the neighbours of atom `i` nearer than the cutoff – all, or those after it in the `order` – and fills the
  /// columns up to the distances. Returns the number of blocks.
  @inline(__always)
  func load(
    _ i: Int, _ list: NeighborView, _ atoms: AtomView, elementOf: UnsafePointer<Int32>, order: AtomOrder?,
    cutoff: Double
  ) -> Int {
    let positions = atoms.positions
    let species = atoms.species
    let center = loadRow(positions, Int32(truncatingIfNeeded: i))
    let row = list.indices + list.starts[i]
    let length = list.starts[i &+ 1] &- list.starts[i]
    let cutoff2 = cutoff * cutoff
    for e in 0..<elements { counts[e] = 0 }
    if let order {
      let own = order.keys[i]
      for k in 0..<length {
        let j = row[k]
        let d = loadRow(positions, j) - center
        let sq = d * d
        let ahead = own - order.keys[Int(j)]
        let e = Int(elementOf[Int(species[Int(j)])])
        let n = counts[e]
        picked[pickedRoom &* e &+ n] = j
        var keep = isNegative(sq[0] + sq[1] + sq[2] - cutoff2) & isNegative(ahead)
        if ahead == 0 { keep = order.breaksTie(atoms, i, Int(j)) ? isNegative(sq[0] + sq[1] + sq[2] - cutoff2) : 0 }
        counts[e] = n &+ keep
      }
    } else {
      for k in 0..<length {
        let j = row[k]
        let d = loadRow(positions, j) - center
        let sq = d * d
        let e = Int(elementOf[Int(species[Int(j)])])
        let n = counts[e]
        picked[pickedRoom &* e &+ n] = j
        counts[e] = n &+ isNegative(sq[0] + sq[1] + sq[2] - cutoff2)
      }
    }
    var block = 0
    for e in 0..<elements {
      firstBlock[e] = block
      let n = counts[e]
      guard n > 0 else { continue }
      let from = picked + pickedRoom &* e
      for k in n..<((n &+ 3) & ~3) { from[k] = from[n &- 1] }
      for b in 0..<((n &+ 3) &>> 2) {
        let j = from + 4 &* b
        let d = PairVectors(positions, j, from: center)
        x[block] = d.x
        y[block] = d.y
        z[block] = d.z
        square[block] = d.squaredDistances
        for l in 0..<4 { index[4 &* block &+ l] = j[l] }
        block &+= 1
      }
      if n & 3 != 0 {
        let last = block &- 1
        let real = laneWeights(n & 3) .> 0
        let far = Lanes(repeating: 3 * cutoff)
        x[last] = far.replacing(with: x[last], where: real)
        y[last] = far.replacing(with: y[last], where: real)
        z[last] = far.replacing(with: z[last], where: real)
        square[last] = Lanes(repeating: 1.02 * cutoff2).replacing(with: square[last], where: real)
      }
    }
    for b in 0..<block {
      let r = square[b].squareRoot()
      distance[b] = r
      inverse[b] = 1 / r
    }
    return block
  }

  /// Edge functions of all neighbours.
  @inline(__always)
  func evaluate(_ program: EdgeProgram, _ place: Int, blocks: Int) {
    program.fill(
      blocks, r: distance, inverse: inverse, f: edge + place &* room, slope: slope + place &* room)
  }
}

/// A total order of all atoms and images in which i before j means j after i on whatever rank they meet: along a
/// direction of the cell, rounded to whole numbers by the atom's owner (images add whole numbers), then by id, then by
/// image shift. Triangles and pairs belong to their first corner, which so has neighbours on one side only.
struct AtomOrder {
  let keys: UnsafePointer<Double>

  /// Numbers a cell along each axis: all sums stay below 2⁵³, hence exact.
  private static let weights = SIMD3<Double>(1_073_741_824, 397_283_571, 118_111_601)

  /// Of local atoms and ghosts; the keys go to `column`.
  init(_ context: ForceContext, _ column: Column<Double>) {
    let atoms = context.atoms
    let keys = column.pointer
    for i in 0..<atoms.localCount { keys[i] = Self.ownKey(context.box.fractional(atoms.positions[i])) }
    context.ghosts.forward(column.storage)
    for i in atoms.localCount..<atoms.count { keys[i] += Self.shiftKey(atoms.shifts[i]) }
    self.keys = UnsafePointer(keys)
  }

  init(keys: UnsafePointer<Double>) { self.keys = keys }

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

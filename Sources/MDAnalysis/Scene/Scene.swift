import MDCore
import MDNeighbors
import MDNumerics

/// The system at one step, as instruments see it. One rank's share; ghosts are where their owners are.
package final class Scene {
  package let atoms: AtomStore
  package let box: Box
  package let step: Int
  /// ps.
  package let time: Double
  /// Names, by the atoms' species numbers.
  package let species: [String]
  /// g/mol, by species.
  package let masses: [Double]
  /// Atoms over all ranks.
  package let totalCount: Int
  /// Atoms of each species over all ranks.
  package let speciesCounts: [Int]
  package let communicator: any Communicator
  package let ghosts: any GhostCommunicator
  private let lists: ListCache

  package init(
    atoms: AtomStore, box: Box, step: Int, time: Double, species: [String], masses: [Double], totalCount: Int,
    speciesCounts: [Int], communicator: any Communicator, ghosts: any GhostCommunicator, lists: ListCache
  ) {
    self.atoms = atoms
    self.box = box
    self.step = step
    self.time = time
    self.species = species
    self.masses = masses
    self.totalCount = totalCount
    self.speciesCounts = speciesCounts
    self.communicator = communicator
    self.ghosts = ghosts
    self.lists = lists
    lists.forget()
  }

  package var view: AtomView { atoms.view }

  /// All neighbours closer than `reach` of each local atom. Instruments with one reach share a list.
  package func neighbors(within reach: Double) -> NeighborView { lists.view(reach, atoms, box) }

  /// The unwrapped position of a local atom, r + image·H, Å.
  @inline(__always)
  package func unwrapped(_ i: Int) -> Vector3 {
    let n = atoms.image[i]
    return atoms.position[i] + Vector3(Double(n.x), Double(n.y), Double(n.z)) * box.cell
  }

  /// The position of a local atom in the cell.
  package func wrapped(_ i: Int) -> Vector3 {
    var r = atoms.position[i]
    var image = SIMD3<Int32>.zero
    box.wrap(&r, image: &image)
    return r
  }

  /// Mass centre of all atoms by their unwrapped positions, Å. Collective.
  package func massCenter() -> Vector3 {
    var sums = [0.0, 0.0, 0.0, 0.0]
    let view = view
    for i in 0..<view.localCount {
      let m = masses[Int(view.species[i])]
      let r = unwrapped(i)
      sums[0] += m * r.x
      sums[1] += m * r.y
      sums[2] += m * r.z
      sums[3] += m
    }
    communicator.sum(&sums)
    return Vector3(sums[0], sums[1], sums[2]) / sums[3]
  }

  /// The nearest image of a vector, also in cells that lean far.
  package func nearestImage(_ d: Vector3) -> Vector3 {
    var s = d * box.inverse
    for k in 0..<3 where box.periodic[k] { s[k] -= s[k].rounded() }
    let first = s * box.cell
    var best = first
    for a in (box.periodic.a ? -1 : 0)...(box.periodic.a ? 1 : 0) {
      for b in (box.periodic.b ? -1 : 0)...(box.periodic.b ? 1 : 0) {
        for c in (box.periodic.c ? -1 : 0)...(box.periodic.c ? 1 : 0) {
          let other = first + Vector3(Double(a), Double(b), Double(c)) * box.cell
          if other.squaredLength < best.squaredLength { best = other }
        }
      }
    }
    return best
  }
}

/// Neighbour lists of instruments: made when first asked for at a step.
package final class ListCache {
  private var lists: [Double: (lists: NeighborLists, isFresh: Bool)] = [:]

  package init() {}

  fileprivate func forget() { for reach in lists.keys { lists[reach]?.isFresh = false } }

  fileprivate func view(_ reach: Double, _ atoms: AtomStore, _ box: Box) -> NeighborView {
    let entry = lists[reach] ?? (NeighborLists(reach: reach, kinds: [.full]), false)
    if !entry.isFresh { entry.lists.build(atoms: atoms, box: box) }
    lists[reach] = (entry.lists, true)
    guard let view = entry.lists.full else { preconditionFailure("a list that was just built") }
    return view
  }
}

/// The neighbours of one atom in the order of their distance (and of their places among equals).
package struct NearestNeighbors {
  package private(set) var count = 0
  /// Squared distances, Å².
  package private(set) var squares: [Double]
  package private(set) var vectors: [Vector3]
  package private(set) var places: [Int32]
  private let capacity: Int

  /// Keeps the nearest `capacity`.
  package init(capacity: Int) {
    self.capacity = capacity
    squares = Array(repeating: .infinity, count: capacity + 1)
    vectors = Array(repeating: .zero, count: capacity + 1)
    places = Array(repeating: -1, count: capacity + 1)
  }

  /// Those of row i, of all species or of one.
  package mutating func find(_ i: Int, _ list: NeighborView, _ view: AtomView, of species: Int32? = nil) {
    clear()
    let center = view.positions[i]
    for k in list.starts[i]..<list.starts[i + 1] {
      let j = list.indices[k]
      if let species, view.species[Int(j)] != species { continue }
      let d = view.positions[Int(j)] - center
      offer(d, d.squaredLength, j)
    }
  }

  mutating func clear() { count = 0 }

  /// Keeps a neighbour if it is one of the nearest so far.
  @inline(__always)
  mutating func offer(_ d: Vector3, _ square: Double, _ place: Int32) {
    if count == capacity, square >= squares[capacity - 1] { return }
    var at = min(count, capacity - 1)
    while at > 0, squares[at - 1] > square {
      (squares[at], vectors[at], places[at]) = (squares[at - 1], vectors[at - 1], places[at - 1])
      at -= 1
    }
    (squares[at], vectors[at], places[at]) = (square, d, place)
    count = min(count + 1, capacity)
  }
}

import MDCore
import MDNumerics
import MDParallel

/// What ghosts and lists will take, reckoned before they are made, so that a deck or a frame which the machine or the
/// program cannot hold is refused with its numbers instead of ending in a crash.
struct Forecast {
  /// How far ghosts and lists of potentials reach, skin included, Å.
  struct Reach {
    let ghosts: Double
    let lists: Double

    /// - Parameter reach: how far observers look.
    init(_ potentials: [any Potential], reach: Double, skin: Double) {
      ghosts = potentials.map(\.requirements.halo).reduce(reach, max) + skin
      lists = (potentials.map(\.requirements.cutoff).max() ?? 0) + skin
    }
  }

  private let box: Box
  private let grid: SIMD3<Int>
  private let reach: Reach
  /// Atoms and ghosts on a rank, the mean over all.
  let places: Double
  /// Along each axis, how many bricks (or copies of the cell) away ghosts come from.
  let hops: [Double]
  /// On a rank: columns of atoms and ghosts, cells and lists.
  let bytes: Double

  /// More messages one after the other than this, at every step, is no simulation.
  static let mostHops = 1000.0
  /// Lists number atoms and ghosts by 32 bits.
  static let mostPlaces = Double(Int32.max)
  /// Cells in ångström beyond this have lost the digits that atoms need.
  private static let largestCell = 1e9

  private init(
    _ box: Box, _ domain: Domain, _ reach: Reach, atoms: Double, copies: Double, columns: AtomStore
  ) {
    self.box = box
    self.reach = reach
    grid = domain.grid
    let width = Vector3(repeating: reach.ghosts) / box.heights
    hops = (0..<3).map { domain.hops(axis: $0, width: width[$0]) }
    let local = atoms / Double(domain.ranks)
    places = local * copies
    let neighbors = min(places, atoms / box.volume * 4.19 * reach.lists * reach.lists * reach.lists)
    // Cells and what is sent take some 44 bytes a place.
    bytes = Self.bytes(columnsOf: columns, places: places) + places * 44 + 4 * neighbors * local
  }

  /// Of a system whose atoms are there. Collective: the same on every rank.
  init(_ system: DistributedSystem) throws {
    let (box, domain, communicator) = (system.box, system.domain, system.communicator)
    try Self.check(box)
    let reach = Reach(system.potentials, reach: system.halo, skin: system.skin)
    let width = Vector3(repeating: reach.ghosts) / box.heights
    // A sample of the atoms is enough for the mean.
    let atoms = system.atoms
    let stride = max(1, atoms.localCount * communicator.size / 20_000)
    var sums = [0.0, 0.0]
    for i in Swift.stride(from: 0, to: atoms.localCount, by: stride) {
      sums[0] += 1
      sums[1] += domain.copies(of: box.fractional(atoms.position[i]), width: width)
    }
    communicator.sum(&sums)
    self.init(
      box, domain, reach, atoms: Double(system.totalCount), copies: sums[0] > 0 ? sums[1] / sums[0] : 0,
      columns: atoms)
  }

  /// Of so many atoms, spread evenly over a cell, that are not there yet. Not collective.
  init(_ box: Box, atoms: Double, domain: Domain, reach: Reach) throws {
    try Self.check(box)
    let width = Vector3(repeating: reach.ghosts) / box.heights
    var copies = 1.0
    // A brick is 1/grid wide and takes from `width` on both sides. How atoms lie along an open axis is not known.
    for axis in 0..<3 where box.periodic[axis] { copies *= 1 + 2 * width[axis] * Double(domain.grid[axis]) }
    self.init(box, domain, reach, atoms: atoms, copies: copies, columns: AtomStore())
  }

  /// Of columns, which have up to an eighth to spare, and a copy of one while they grow.
  static func bytes(columnsOf atoms: AtomStore, places: Double) -> Double {
    1.125 * places * Double(atoms.columns.reduce(32) { $0 + $1.stride })
  }

  /// A cell that numbers can work with.
  private static func check(_ box: Box) throws {
    guard box.volume.isFinite, box.volume > 0,
      box.cell.elements.allSatisfy({ abs($0) <= largestCell }), (0..<3).allSatisfy({ box.heights[$0] > 0 })
    else {
      throw FaultlineError(
        .input, "the cell (\(box.cell.elements.map { "\($0)" }.joined(separator: " "))) cannot be simulated",
        hint: "three vectors in Å, each number up to 1e9, that span a volume", isCollective: true)
    }
  }

  /// Throws a collective input error if the program or a machine with `room` bytes for each rank cannot hold it. Not
  /// collective; the same on every rank that has the same numbers.
  func refuse(room: Double) throws {
    let distance = RunLog.fixed(reach.ghosts, 2)
    for axis in 0..<3 where !(hops[axis] <= Self.mostHops) {
      throw FaultlineError(
        .input,
        "ghosts within \(distance) Å (cutoff and skin) would come from \(Amount.count(hops[axis])) "
          + "\(grid[axis] > 1 ? "bricks" : "copies of the cell") along \(["a", "b", "c"][axis]): the cell is only "
          + "\(box.heights[axis]) Å high there",
        hint: "at most \(Int(Self.mostHops)); give cell vectors that are longer or less skew", isCollective: true)
    }
    let subject = "about \(Amount.count(places)) atoms and ghosts, within \(distance) Å (cutoff and skin),"
    guard places <= Self.mostPlaces else {
      throw FaultlineError(
        .input, subject + " on each rank are too many",
        hint: "at most \(Amount.count(Self.mostPlaces)); use more ranks, or a shorter cutoff", isCollective: true)
    }
    try Memory.refuse(
      bytes: bytes, of: room, for: subject, hint: "use more nodes, fewer atoms or a shorter cutoff")
  }
}

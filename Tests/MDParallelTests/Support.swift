import Foundation
import MDCore
import MDNumerics
import MDParallel
import MDTestSupport

/// Results that the ranks of a loopback run hand to the test, by rank.
final class Collector<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Int: Value] = [:]

  func put(_ value: Value, from rank: Int) {
    lock.lock()
    values[rank] = value
    lock.unlock()
  }

  /// In rank order.
  var all: [Value] { values.sorted { $0.key < $1.key }.map(\.value) }
}

/// Runs `body` on k threads and returns what each rank returned, in rank order.
func onRanks<Value>(
  _ ranks: Int, _ body: @escaping @Sendable (LoopbackCommunicator) throws -> Value
) throws -> [Value] {
  let collector = Collector<Value>()
  try LoopbackCommunicator.run(ranks: ranks) { collector.put(try body($0), from: $0.rank) }
  return collector.all
}

/// Cells, atoms and a ghost width.
struct Sample: CustomStringConvertible, Sendable {
  var description: String
  var structure: Structure
  var width: Double
  /// Staggered bricks, cut along the axes in this order; nil for a tensor product.
  var axes: SIMD3<Int>?

  /// All cells and atoms, in bricks of either kind.
  static let all: [Sample] =
    plain
    + plain.enumerated().map { k, sample in
      let orders: [SIMD3<Int>] = [[0, 1, 2], [2, 0, 1], [1, 2, 0], [1, 0, 2], [0, 2, 1], [2, 1, 0]]
      return Sample(
        description: sample.description + ", staggered", structure: sample.structure, width: sample.width,
        axes: orders[k % 6])
    }

  static let plain: [Sample] = [
    make("orthogonal", [10, 12, 14], 120, width: 4),
    make("cell smaller than the width", [3, 3.5, 2.5], 5, width: 5.9),
    make("strongly triclinic", Matrix3([9, 0, 0], [7, 8, 0], [-6, 5, 9]), 60, width: 4),
    make("rotated", Matrix3([5, 6, -4], [-6, 7, 2], [3, 2, 9]), 60, width: 4),
    make("left-handed", Matrix3([0, 9, 0], [9, 1, 0], [0, 2, 8]), 50, width: 3),
    make("thin bricks", [30, 3, 3], 40, width: 7),
    make("slab", [10, 10, 60], 80, width: 4, periodic: .init(true, true, false), fill: [1, 1, 0.2]),
    make("open, atoms outside the cell", [8, 8, 8], 90, width: 3.5, periodic: .none, fill: [2, 1.5, 1.2]),
    make("periodic, atoms outside the cell", [8, 9, 7], 70, width: 3, fill: [5, 3, -4]),
    make("one atom", [4, 5, 6], 1, width: 7),
    make("two atoms, mostly empty ranks", [20, 20, 20], 2, width: 12),
    faces,
  ]

  static func make(
    _ name: String, _ lengths: Vector3, _ count: Int, width: Double, periodic: Periodicity = .all,
    fill: Vector3 = [1, 1, 1]
  ) -> Sample {
    make(name, Matrix3(diagonal: lengths), count, width: width, periodic: periodic, fill: fill)
  }

  static func make(
    _ name: String, _ cell: Matrix3, _ count: Int, width: Double, periodic: Periodicity = .all,
    fill: Vector3 = [1, 1, 1]
  ) -> Sample {
    var randoms = Randoms(UInt64(count) + UInt64(width * 10))
    let box = Box(cell: cell, origin: [-1.5, 2, 0.25], periodic: periodic)
    let positions = (0..<count).map { _ in box.cartesian(randoms.vector() * fill) }
    var structure = Structure(
      box: box, species: ["Cu", "Zr"], types: (0..<count).map { Int32($0 % 2) }, positions: positions)
    structure.charges = (0..<count).map { Double($0) / 7 }
    structure.velocities = (0..<count).map { _ in randoms.vector() }
    structure.ids = (0..<count).map { Int64(5 * $0 + 11) }
    return Sample(description: name, structure: structure, width: width)
  }

  /// Atoms on the planes that cut bricks apart, a width that ends on planes of atoms.
  private static var faces: Sample {
    var positions: [Vector3] = []
    for k in 0..<64 { positions.append(Vector3(Double(k % 4), Double(k / 4 % 4), Double(k / 16)) * 2) }
    let box = Box(lengths: [8, 8, 8])
    return Sample(
      description: "atoms on faces",
      structure: Structure(
        box: box, species: ["Po"], types: Array(repeating: 0, count: 64), positions: positions),
      width: 4.5)
  }

  /// Atoms of this rank, from root's structure.
  func distribute(_ comm: any Communicator, grid: SIMD3<Int>? = nil, cuts: [[Double]]? = nil) throws
    -> GhostExchange
  {
    let root = comm.isRoot ? structure : nil
    let header = Distribution.header(of: root, communicator: comm)
    var domain = try Domain(
      box: header.box, ranks: comm.size, rank: comm.rank, grid: grid, cuts: cuts, halo: width)
    if let axes {
      // Numbered by blocks, too, where the grid is even.
      let block = SIMD3(domain.grid.x % 2 == 0 ? 2 : 1, 1, domain.grid.z % 2 == 0 ? 2 : 1)
      domain = Domain(
        bricks: Bricks.random(domain.grid, axes, seed: 5).blocked(block), rank: comm.rank, periodic: domain.periodic)
    }
    let atoms = AtomStore()
    try Distribution.scatter(root, header: header, to: atoms, domain: domain, communicator: comm, chunk: 7)
    return GhostExchange(atoms: atoms, domain: domain, communicator: comm)
  }
}

extension Bricks {
  /// Planes anywhere.
  static func random(_ grid: SIMD3<Int>, _ axes: SIMD3<Int>, seed: UInt64) -> Bricks {
    var randoms = Randoms(seed)
    func row(_ axis: Int) -> [Double] {
      [0] + (1..<max(grid[axis], 1)).map { _ in 0.02 + 0.96 * randoms.next() }.sorted() + [1]
    }
    return Bricks(
      axes: axes, layers: row(axes.x), columns: (0..<grid[axes.x]).map { _ in row(axes.y) },
      pieces: (0..<(grid[axes.x] * grid[axes.y])).map { _ in row(axes.z) })
  }
}

/// An image of an atom.
struct Image: Hashable {
  var id: Int64
  var shift: SIMD3<Int32>
}

/// For each local atom, by id, the images closer than `width`.
func surroundings(_ atoms: AtomStore, width: Double) -> [Int64: [Image: Int]] {
  var all: [Int64: [Image: Int]] = [:]
  for i in 0..<atoms.localCount {
    var found: [Image: Int] = [:]
    for j in 0..<atoms.count where j != i {
      guard (atoms.position[j] - atoms.position[i]).squaredLength < width * width else { continue }
      found[Image(id: atoms.id[j], shift: atoms.shift[j]), default: 0] += 1
    }
    all[atoms.id[i]] = found
  }
  return all
}

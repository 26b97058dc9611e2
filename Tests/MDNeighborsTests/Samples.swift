import MDCore
import MDNumerics
import MDTestSupport

/// Cells and places that a neighbour search may meet.
struct Sample: CustomStringConvertible, Sendable {
  var description: String
  var structure: Structure
  var reach: Double

  static let all: [Sample] = [
    random("orthogonal", [10, 12, 14], 150, reach: 4),
    random("cell smaller than the reach", [3, 3.5, 2.5], 6, reach: 6),
    random(
      "strongly triclinic", Matrix3(Vector3(9, 0, 0), Vector3(7, 8, 0), Vector3(-6, 5, 9)), .all, 60, reach: 4),
    random(
      "rotated", Matrix3(Vector3(5, 6, -4), Vector3(-6, 7, 2), Vector3(3, 2, 9)), .all, 60, reach: 4),
    random("slab", [10, 10, 60], 100, reach: 4, periodic: .init(true, true, false), fill: [1, 1, 0.2]),
    random("open, atoms outside the cell", [8, 8, 8], 120, reach: 3.5, periodic: .none, fill: [2, 1.5, 1.2]),
    random("one atom", [4, 5, 6], 1, reach: 7),
    random("one atom, open", [4, 5, 6], 1, reach: 7, periodic: .none),
    farAway,
    lattice,
  ]

  private static func random(
    _ name: String, _ lengths: Vector3, _ count: Int, reach: Double, periodic: Periodicity = .all,
    fill: Vector3 = [1, 1, 1]
  ) -> Sample {
    random(name, Matrix3(diagonal: lengths), periodic, count, reach: reach, fill: fill)
  }

  private static func random(
    _ name: String, _ cell: Matrix3, _ periodic: Periodicity, _ count: Int, reach: Double,
    fill: Vector3 = [1, 1, 1]
  ) -> Sample {
    var randoms = Randoms(UInt64(count) + UInt64(reach * 10))
    let box = Box(cell: cell, origin: Vector3(-1.5, 2, 0.25), periodic: periodic)
    let positions = (0..<count).map { _ in box.cartesian(randoms.vector() * fill) }
    let structure = Structure(
      box: box, species: ["Cu"], types: Array(repeating: 0, count: count), positions: positions)
    return Sample(description: name, structure: structure, reach: reach)
  }

  /// A cluster, and atoms far from it: the grid must stay small and the cells fine.
  private static var farAway: Sample {
    var sample = random("atoms far away", [10, 10, 10], 100, reach: 3, periodic: .none)
    sample.structure.positions += [[1e6, 2, 3], [1e6, 2, 4], [-3e5, 8e5, -1e7], [0, 0, 1e9]]
    sample.structure.types += [0, 0, 0, 0]
    return sample
  }

  /// Many pairs at equal distances, and atoms on the faces of cells.
  private static var lattice: Sample {
    var positions: [Vector3] = []
    for k in 0..<64 { positions.append(Vector3(Double(k % 4), Double(k / 4 % 4), Double(k / 16)) * 2) }
    let box = Box(lengths: Vector3(8, 8, 8))
    return Sample(
      description: "simple cubic",
      structure: Structure(
        box: box, species: ["Po"], types: Array(repeating: 0, count: 64), positions: positions),
      reach: 4.5)
  }
}

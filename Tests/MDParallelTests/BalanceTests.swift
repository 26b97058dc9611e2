import MDCore
import MDNumerics
import MDParallel
import MDTestSupport
import Testing

/// The systems that planes through the whole cell cannot divide: `Domain.best` is never worse than even planes, and near 1.
@Suite struct BrickBalanceTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// Whether there are atoms at fractional coordinates.
    var isFull: @Sendable (Vector3) -> Bool
    var periodic = Periodicity.all
    /// Fullest rank over the mean, at most, on 8 and on 64 ranks.
    var bounds: (Double, Double)
  }

  static let cases = [
    Case(testDescription: "slab", isFull: { $0.z < 0.5 }, periodic: Periodicity(true, true, false), bounds: (1.06, 1.15)),
    Case(testDescription: "dense beside gas", isFull: { s in s.x < 0.5 || Int(s.x * 40 + s.y * 40 + s.z * 40) % 9 == 0 }, bounds: (1.06, 1.2)),
    Case(
      testDescription: "void",
      isFull: { s in
        let d = s - Vector3(0.5, 0.5, 0.5)
        return d.x * d.x / 0.09 + d.y * d.y / 0.04 > 1
      }, bounds: (1.06, 1.2)),
    Case(testDescription: "edge crack", isFull: { s in s.x > 0.5 || abs(s.y - 0.5) > 0.06 }, bounds: (1.06, 1.2)),
    Case(
      testDescription: "grains slid along a step", isFull: { s in s.x < 0.5 ? s.z < 0.66 : s.z > 0.34 },
      periodic: Periodicity(true, true, false), bounds: (1.06, 1.2)),
  ]

  private static func atoms(_ test: Case, _ box: Box, rank: Int, ranks: Int) -> AtomStore {
    var mine: [(Int, Vector3)] = []
    // A lattice that is not in step with even planes; each rank has some of it.
    let n = 39
    var number = 0
    for x in 0..<n {
      for y in 0..<n {
        for z in 0..<n {
          let s = (Vector3(Double(x), Double(y), Double(z)) + 0.37) / Double(n)
          guard test.isFull(s) else { continue }
          number += 1
          if number % ranks == rank { mine.append((number, box.cartesian(s))) }
        }
      }
    }
    let store = AtomStore()
    store.setLocalCount(mine.count)
    for (i, atom) in mine.enumerated() { (store.id[i], store.position[i]) = (Int64(atom.0), atom.1) }
    return store
  }

  @Test(arguments: cases, [8, 64]) func nearOneAndNeverWorse(_ test: Case, _ ranks: Int) throws {
    let box = Box(cell: Matrix3([120, 0, 0], [20, 118, 0], [-10, 15, 122]), periodic: test.periodic)
    let side = ranks == 8 ? 2 : 4
    let found = try onRanks(ranks) { comm in
      let atoms = Self.atoms(test, box, rank: comm.rank, ranks: ranks)
      let best = try Domain.best(
        box: box, atoms: atoms, communicator: comm, grid: SIMD3(side, side, side), halo: 6)
      let counted = (0..<atoms.localCount).filter { best.domain.owner(of: box.fractional(atoms.position[$0])) == 0 }.count
      return (best: best, first: comm.sum(counted), all: comm.sum(atoms.localCount))
    }
    let (best, first, all) = found[0]
    #expect(found.allSatisfy { $0.best.domain.bricks == best.domain.bricks })
    #expect(best.fullest <= best.before)
    #expect(best.fullest <= (ranks == 8 ? test.bounds.0 : test.bounds.1), "\(best.fullest), \(best.before) with even planes")
    #expect(Double(first * ranks) / Double(all) <= best.fullest + 1e-9)
  }

  /// Atoms that cost three times as much get bricks a third as wide: of two ranks with as many atoms each, the first of which
  /// needs three times the time for one, the plane is at two thirds of the dear ones.
  @Test func weights() throws {
    let box = Box(lengths: [100, 20, 20])
    let planes = try onRanks(2) { comm in
      let store = AtomStore()
      store.setLocalCount(500)
      for i in 0..<500 {
        store.position[i] = [50 * Double(comm.rank) + (Double(i) + 0.5) / 10, Double(i * 7 % 20), Double(i * 3 % 20)]
      }
      let best = try Domain.best(
        box: box, atoms: store, communicator: comm, grid: SIMD3(2, 1, 1), halo: 3, weight: comm.rank == 0 ? 3 : 1)
      #expect(abs(best.fullest - 1) < 0.01 && abs(best.before - 1.5) < 1e-12)
      return best.domain.cuts[0][1]
    }
    #expect(planes.allSatisfy { abs($0 - 1.0 / 3) < 0.002 })
  }
}

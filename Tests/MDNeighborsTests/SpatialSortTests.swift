import MDCore
import MDNeighbors
import MDNumerics
import MDTestSupport
import Testing

@Suite struct SpatialSortTests {
  private func store(_ sample: Sample, order: [Int]) -> AtomStore {
    let atoms = AtomStore()
    atoms.setLocalCount(order.count)
    for (place, k) in order.enumerated() {
      atoms.id[place] = Int64(k + 1)
      atoms.position[place] = sample.structure.positions[k]
      atoms.velocity[place] = Vector3(repeating: Double(k))
    }
    return atoms
  }

  @Test(arguments: Sample.all)
  func orderDoesNotDependOnArrival(_ sample: Sample) {
    var randoms = Randoms(5)
    let n = sample.structure.count
    var orders = [Array(0..<n), Array((0..<n).reversed())]
    orders.append((0..<n).map { ($0, randoms.next()) }.sorted { $0.1 < $1.1 }.map(\.0))
    let sort = SpatialSort()
    let results = orders.map { order in
      let atoms = store(sample, order: order)
      sort.sort(atoms, cellSize: sample.reach / 2)
      for i in 0..<n { #expect(atoms.velocity[i].x == Double(atoms.id[i] - 1)) }
      return (0..<n).map { atoms.id[$0] }
    }
    #expect(Set(results[0]).count == n)
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  /// A hundred atoms in one cell: their numbers decide, whatever the order in which they came.
  @Test func crowdedCell() {
    var randoms = Randoms(3)
    let positions = (0..<100).map { _ in randoms.vector() }
    let structure = Structure(
      box: Box(lengths: [50, 50, 50]), species: ["Cu"], types: Array(repeating: 0, count: 100), positions: positions)
    let sample = Sample(description: "crowd", structure: structure, reach: 5)
    let sort = SpatialSort()
    let results = [Array(0..<100), Array((0..<100).reversed())].map { order in
      let atoms = store(sample, order: order)
      sort.sort(atoms, cellSize: 20)
      return (0..<100).map { atoms.id[$0] }
    }
    #expect(results[0] == results[1] && Set(results[0]).count == 100)
  }

  /// In sorted order successive atoms are near each other, which is what the sort is for.
  @Test func neighboursInSpaceAreNeighboursInMemory() {
    var randoms = Randoms(9)
    let positions = (0..<4096).map { _ in randoms.vector() * 40 }
    let box = Box(lengths: [40, 40, 40])
    let structure = Structure(
      box: box, species: ["Cu"], types: Array(repeating: 0, count: 4096), positions: positions)
    let atoms = store(Sample(description: "", structure: structure, reach: 5), order: Array(0..<4096))
    func meanStep() -> Double {
      (1..<4096).reduce(0) { $0 + (atoms.position[$1] - atoms.position[$1 - 1]).length } / 4095
    }
    // The mean distance of random points in a cube of side L is 0.66 L.
    #expect(abs(meanStep() - 0.66 * 40) < 1)
    SpatialSort().sort(atoms, cellSize: 2.5)
    #expect(meanStep() < 4)
  }
}

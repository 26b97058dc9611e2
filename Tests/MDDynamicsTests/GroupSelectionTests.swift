import MDCore
import MDDynamics
import MDNumerics
import Testing

@Suite("Groups")
struct GroupSelectionTests {
  /// A 4 × 4 × 4 simple cubic crystal, 3 Å apart, written with round-off; species by parity, grains by half.
  private func crystal() -> Structure {
    var positions: [Vector3] = []
    var types: [Int32] = []
    for i in 0..<64 {
      let n = SIMD3(i % 4, i / 4 % 4, i / 16)
      let error = i % 3 == 0 ? -1e-13 : 1e-13
      positions.append(Vector3(3 * Double(n.x) + error, 3 * Double(n.y) + error, 3 * Double(n.z) + error))
      types.append(Int32((n.x + n.y + n.z) % 2))
    }
    var structure = Structure(
      box: Box(lengths: Vector3(12, 12, 12)), species: ["A", "B"], types: types, positions: positions)
    structure.grains = (0..<64).map { $0 < 32 ? 0 : 1 }
    return structure
  }

  private func slab(_ lower: Double, _ upper: Double, _ units: Region.Units = .angstrom) -> GroupSelection {
    .region(.block(lower: [nil, nil, lower], upper: [nil, nil, upper], units: units))
  }

  static let cases: [(GroupSelection, Int)] = [
    (.all, 64),
    (.species([1]), 32),
    (.species([0, 1]), 64),
    (.ids(5...9), 5),
    (.grain(1), 32),
    (.grain(7), 0),
    (.not(.grain(1)), 32),
    (.every([.grain(0), .species([0])]), 16),
    (.any([.grain(0), .species([0])]), 48),
    // The centre and six neighbours; then with those across the cell's faces.
    (.region(.sphere(center: Vector3(6, 6, 6), radius: 3.5)), 7),
    (.region(.sphere(center: Vector3(0, 0, 0), radius: 3.5)), 7),
    (.region(.cylinder(axis: 2, center: Vector3(0, 0, 5), radius: 3.5)), 20),
    (.region(.block(lower: [nil, 3, 3], upper: [nil, 9, 6], units: .angstrom)), 8),
  ]

  @Test("Selections count the atoms they should", arguments: cases.indices)
  func counts(index: Int) throws {
    let (selection, expected) = Self.cases[index]
    let masks = try GroupSelection.masks(of: [selection], in: crystal())
    #expect(masks.filter { $0 == 1 }.count == expected)
  }

  @Test("Touching regions share no atom and miss none, in Å and in fractions")
  func tiling() throws {
    let groups = [slab(0, 6), slab(6, 12), slab(0, 0.5, .fraction), slab(0.5, 1, .fraction)]
    let masks = try GroupSelection.masks(of: groups, in: crystal())
    #expect(masks[..<32].allSatisfy { $0 == 0b0101 })
    #expect(masks[32...].allSatisfy { $0 == 0b1010 })
  }

  /// Against a search through 11 × 11 × 11 images, for points that are several cells away.
  @Test("Spheres and cylinders reach through the faces of tilted cells")
  func images() {
    let box = Box(cell: Matrix3([10, 0, 0, 4.9, 9, 0, -4, 3, 8]), origin: Vector3(1, -2, 0.5))
    let center = Vector3(1.5, -1.5, 1)
    let sphere = Region.sphere(center: center, radius: 4.2)
    let cylinder = Region.cylinder(axis: 1, center: center, radius: 3.1)
    var inside = (0, 0)
    for n in 0..<300 {
      var random = CounterRandom(seed: 5, stream: .structures, id: Int64(n))
      let r = box.cartesian(1.2 * random.gaussianVector())
      var (nearest, across) = (Double.infinity, Double.infinity)
      for k in 0..<1331 {
        let image = Vector3(Double(k % 11 - 5), Double(k / 11 % 11 - 5), Double(k / 121 - 5)) * box.cell
        let d = r - center + image
        nearest = min(nearest, d.length)
        across = min(across, (d.x * d.x + d.z * d.z).squareRoot())
      }
      if abs(nearest - 4.2) > 1e-3 { #expect(sphere.contains(r, in: box) == (nearest < 4.2)) }
      if nearest < 4.2 { inside.0 += 1 }
      // An image within the rounded one's neighbours is all that a cylinder looks at.
      if cylinder.contains(r, in: box) {
        #expect(across < 3.1 + 1e-5)
        inside.1 += 1
      }
    }
    #expect(inside.0 > 30 && inside.0 < 270 && inside.1 > 30)
  }

  @Test("Atoms of a rank get the masks that the structure gives")
  func assign() throws {
    let structure = crystal()
    let groups = [GroupSelection.all, slab(3, 9), .ids(1...10), .grain(0)]
    let bench = try TestBench(
      sites: structure.positions, masses: [1, 2], species: structure.types, box: structure.box)
    try GroupSelection.assign(groups, to: bench.atoms, box: structure.box) { $0 <= 32 ? 0 : 1 }
    #expect((0..<64).map { bench.atoms.groups[$0] } == (try GroupSelection.masks(of: groups, in: structure)))
    #expect(throws: FaultlineError.self) {
      try GroupSelection.masks(of: Array(repeating: .all, count: 33), in: structure)
    }
  }
}

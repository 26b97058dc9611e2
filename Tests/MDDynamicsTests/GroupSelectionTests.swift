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

import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `groups`: who is selected, and how groups move.
@Suite("Deck → numbers: groups") struct GroupKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  /// Groups, the selection of each, and the test's own: by place, number and species.
  typealias Selection = (String, @Sendable (Vector3, Int, String) -> Bool)
  static let selections: [Selection] = [
    ("species: [Cl]", { _, _, name in name == "Cl" }),
    ("species: [Na, Cl]", { _, _, _ in true }),
    ("region: {x: [2, 6.5]}", { r, _, _ in r.x >= 2 && r.x < 6.5 }),
    ("region: {y: [-1, 3]}", { r, _, _ in r.y >= -1 && r.y < 3 }),
    ("region: {z: [4, 9], x: [0, 9 Å]}", { r, _, _ in r.z >= 4 && r.z < 9 && r.x >= 0 && r.x < 9 }),
    (
      "fractional_region: {x: [0.25, 0.6]}",
      { r, _, _ in
        let s = fraction(r)
        return s.x >= 0.25 && s.x < 0.6
      }
    ),
    ("fractional_region: {y: [0.4, 1]}", { r, _, _ in fraction(r).y >= 0.4 }),
    ("fractional_region: {z: [0, 0.3]}", { r, _, _ in fraction(r).z < 0.3 }),
    ("sphere: {center: [1, 1, 1], radius: 4.1}", { r, _, _ in nearest(r - Vector3(1, 1, 1)) < 4.1 }),
    ("sphere: {center: [7, 5, 4], radius: 3 Å}", { r, _, _ in nearest(r - Vector3(7, 5, 4)) < 3 }),
    ("cylinder: {axis: x, center: [0, 2, 5], radius: 2.9}", { r, _, _ in beside(r - Vector3(0, 2, 5), 0) < 2.9 }),
    ("ids: [5, 9]", { _, id, _ in (5...9).contains(id) }),
    (
      "ids: [3, 30], species: [Na], region: {z: [0, 6]}",
      { r, id, name in (3...30).contains(id) && name == "Na" && r.z < 6 }
    ),
  ]

  /// A cell whose vectors b and c lean, so that fractions are no lengths.
  static let cell = Matrix3(Vector3(12, 0, 0), Vector3(2, 11, 0), Vector3(-1, 1.5, 10))
  static func fraction(_ r: Vector3) -> Vector3 { r * cell.inverse }
  /// To the nearest image.
  static func nearest(_ d: Vector3) -> Double { images(d).map(\.length).min()! }
  static func beside(_ d: Vector3, _ axis: Int, _ cell: Matrix3 = GroupKeyTests.cell) -> Double {
    images(d, cell).map { v in (v.squaredLength - v[axis] * v[axis]).squareRoot() }.min()!
  }
  private static func images(_ d: Vector3, _ cell: Matrix3 = GroupKeyTests.cell) -> [Vector3] {
    let n = -2...2
    return n.flatMap { a in
      n.flatMap { b in
        n.map { c in
          d + Double(a) * cell.x + Double(b) * cell.y + Double(c) * cell.z
        }
      }
    }
  }

  static let gas: Structure = {
    var random = SplitMix64(seed: 17)
    var positions: [Vector3] = []
    while positions.count < 48 {
      let r = 0.5 * (random.vector() + 1) * cell
      if positions.allSatisfy({ nearest($0 - r) > 1 }) { positions.append(r) }
    }
    return Structure(
      box: Box(cell: cell), species: ["Na", "Cl"], types: (0..<48).map { $0 % 3 == 0 ? 1 : 0 }, positions: positions)
  }()

  /// No forces at all; atoms that are dealt at random may be close together.
  static func nothing(_ a: String, _ b: String) -> String {
    """
    [{lennard_jones: {cutoff: 2, mixing: geometric, pairs: [
      {species: [\(a), \(a)], epsilon: 0, sigma: 1}, {species: [\(b), \(b)], epsilon: 0, sigma: 1}]}}]
    """
  }

  /// Runs the deck of groups of these selections and compares each group with the test's own.
  static func expectMembers(_ s: Structure, _ selections: [Selection]) throws {
    let groups = selections.enumerated().map { "  g\($0.offset): {select: {\($0.element.0)}}" }.joined(separator: "\n")
    let run = try DeckRun(
      """
      structure: {file: {path: gas.extxyz}}
      potential: \(nothing("Na", "Cl"))
      groups:
      \(groups)
      stages: [{dynamics: {steps: 1}}]
      output: {trajectories: [{file: t.extxyz, every: 1, columns: [groups]}]}
      """, files: ["gas.extxyz": Sample.text(s)], ranks: 2)
    let bits = try run.frames("t.extxyz")[0].reals("groups")
    for (k, (text, isMember)) in selections.enumerated() {
      let expected = s.positions.indices.filter { isMember(s.positions[$0], $0 + 1, s.species[Int(s.types[$0])]) }
      let found = s.positions.indices.filter { Int(bits[$0]) >> k & 1 == 1 }
      #expect(found == expected, "\(text)")
      #expect(!expected.isEmpty && (expected.count < 48 || k == 1), "\(text)")
      // The log counts them.
      #expect(run.log.contains("group g\(k): \(expected.count) atoms"), "\(text)")
    }
  }

  static let effects = [
    KeyEffect(
      in: "groups.select", "species", "region.x", "region.y", "region.z", "fractional_region.x", "fractional_region.y",
      "fractional_region.z", "sphere.center", "sphere.radius", "ids"
    ) {
      try expectMembers(gas, selections)
    },
    KeyEffect(in: "groups.select.cylinder", "axis", "center", "radius") {
      // The cell's vector along the axis is parallel to it: images of the cylinder are beside it, not across.
      for axis in 0..<3 {
        var s = gas
        var cell = GroupKeyTests.cell
        for k in 0..<3 where k != axis {
          cell[axis][k] = 0
          cell[k][axis] = 0
        }
        s.positions = s.positions.map { fraction($0) * cell }
        s.box.setCell(cell)
        let name = ["x", "y", "z"][axis]
        let box = cell
        try expectMembers(
          s,
          [
            (
              "cylinder: {axis: \(name), center: [5, 3, 4], radius: 3.3}",
              { r, _, _ in beside(r - Vector3(5, 3, 4), axis, box) < 3.3 }
            ),
            (
              "cylinder: {axis: \(name), center: [1, 10, 9], radius: 2.2 Å}",
              { r, _, _ in beside(r - Vector3(1, 10, 9), axis, box) < 2.2 }
            ),
          ])
      }
    },
    KeyEffect("groups.select.grain") {
      let run = try DeckRun(
        """
        structure: {grain_boundary: {kind: twist, lattice: sc, constant: 3, species: [Cu], axis: [0, 0, 1],
          sigma: 5, thickness: 6, overlap: 0}}
        potential: [{lennard_jones: {cutoff: 2, pairs: [{species: [Cu, Cu], epsilon: 0, sigma: 1}]}}]
        groups: {upper: {select: {grain: 1}}, lower: {select: {grain: 0}}}
        stages: [{dynamics: {steps: 1}}]
        output: {trajectories: [{file: t.extxyz, every: 1, columns: [groups]}]}
        """)
      let frame = try run.frames("t.extxyz")[0]
      let middle = 0.5 * frame.structure.box.cell.z.z
      // The first grain lies below, the second above.
      for (r, bits) in zip(frame.positions, frame.reals("groups")) { #expect(bits == (r.z > middle - 1e-6 ? 1 : 2)) }
      #expect(frame.reals("groups").filter { $0 == 1 }.count == frame.positions.count / 2)
    },
    KeyEffect("groups.select.held") {
      let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
      var lines = Sample.text(start).split(separator: "\n").map(String.init)
      lines[1] += ":move_mask:L:1"
      for i in 0..<start.count { lines[2 + i] += i % 3 == 0 ? " F" : " T" }
      let files = ["start.extxyz": lines.joined(separator: "\n") + "\n"]
      func deck(_ groups: String) -> String {
        """
        structure: {file: {path: start.extxyz}, replicate: [1, 1, 2]}
        potential: \(ThermoTests.rareGasDeck)
        \(groups)
        velocities: {temperature: 50}
        stages: [{dynamics: {steps: 3, timestep: 0.002}}]
        output: {trajectories: [{file: t.extxyz, every: 3, columns: [groups]}]}
        """
      }
      let run = try DeckRun(deck("groups: {base: {select: {held: true}, frozen: true}, rest: {select: {held: false}}}"), files: files, ranks: 2)
      let frames = try run.frames("t.extxyz")
      for (i, bits) in frames[0].reals("groups").enumerated() {
        let isHeld = i % start.count % 3 == 0
        #expect(bits == (isHeld ? 1 : 2))
        #expect((frames[0].positions[i] == frames[1].positions[i]) == isHeld)
      }
      #expect(run.log.contains("see group base"))
      let free = try DeckRun(deck(""), files: files)
      #expect(free.log.contains("warning: the file holds") && free.log.contains("select: {held: true}"))
    },
    KeyEffect(in: "groups", "frozen", "velocity", "thermostat") {
      let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
      let run = try DeckRun(
        """
        structure: {file: {path: start.extxyz}}
        potential: \(ThermoTests.rareGasDeck)
        groups:
          held: {select: {ids: [1, 2]}, frozen: true}
          driven: {select: {ids: [2, 4]}, velocity: [1, -2 Å/ps, 300 m/s]}
          left: {select: {ids: [5, 6]}, thermostat: false}
        stages: [{dynamics: {steps: 10, timestep: 2 fs, thermostat: {langevin: {temperature: 3000, damping: 0.01}}}}]
        output: {trajectories: [{file: t.extxyz, every: 1, columns: [velocities, forces], unwrapped: true}]}
        """, files: ["start.extxyz": Sample.text(start)], ranks: 2)
      let frames = try run.frames("t.extxyz")
      let masses = Sample.masses(start)
      for (n, frame) in frames.enumerated() {
        let t = 0.002 * Double(n)
        for i in 0..<4 {
          // Frozen wins over driven.
          let v = i < 2 ? Vector3.zero : Vector3(1, -2, 3)
          #expect((frame.positions[i] - frames[0].positions[i] - t * v).length < 1e-11, "atom \(i + 1)")
          #expect(frame.velocities[i] == v)
        }
        guard n > 0 else { continue }
        let before = frames[n - 1]
        for i in 4..<8 {
          // Without a thermostat it is velocity Verlet and nothing else.
          let kicks = (0.001 / (masses[i] * SI.massUnit)) * (before.forces[i] + frame.forces[i])
          let noise = (frame.velocities[i] - before.velocities[i] - kicks).length
          #expect(i < 6 ? noise < 1e-11 : noise > 1e-3, "atom \(i + 1): \(noise)")
        }
      }
    },
  ]
}

import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `structure` but those of grain boundaries: lengths, counts, distances, places in the lattice.
@Suite("Deck → numbers: structure") struct StructureKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  /// Nearest neighbours of the first atom: distance, number, and how many are of its own species.
  static func shell(_ s: Structure, around i: Int = 0) -> (distance: Double, count: Int, alike: Int) {
    var found: [(Double, Int)] = []
    PairSum.forEach(s, reach: 6) { a, b, d in if a == i { found.append((d.length, b)) } }
    let nearest = found.map(\.0).min() ?? .nan
    let first = found.filter { $0.0 < nearest + 1e-6 }
    return (nearest, first.count, first.filter { s.types[$0.1] == s.types[i] }.count)
  }

  struct Lattice: Sendable {
    let name: String, species: [String], atoms: Int
    /// Of the first atom: distance in lattice constants, neighbours, neighbours of its species.
    let distance: Double, neighbors: Int, alike: Int
    /// Atoms of each species.
    let composition: [Int]
  }

  static let lattices = [
    Lattice(name: "sc", species: ["Cu"], atoms: 1, distance: 1, neighbors: 6, alike: 6, composition: [1]),
    Lattice(
      name: "bcc", species: ["Cu"], atoms: 2, distance: 0.75.squareRoot(), neighbors: 8, alike: 8, composition: [2]),
    Lattice(
      name: "fcc", species: ["Cu"], atoms: 4, distance: 0.5.squareRoot(), neighbors: 12, alike: 12, composition: [4]),
    Lattice(
      name: "diamond", species: ["Cu"], atoms: 8, distance: 0.1875.squareRoot(), neighbors: 4, alike: 4,
      composition: [8]),
    Lattice(
      name: "rocksalt", species: ["Na", "Cl"], atoms: 8, distance: 0.5, neighbors: 6, alike: 0, composition: [4, 4]),
    Lattice(
      name: "cscl", species: ["Na", "Cl"], atoms: 2, distance: 0.75.squareRoot(), neighbors: 8, alike: 0,
      composition: [1, 1]),
    Lattice(
      name: "zincblende", species: ["Na", "Cl"], atoms: 8, distance: 0.1875.squareRoot(), neighbors: 4, alike: 0,
      composition: [4, 4]),
    Lattice(
      name: "fluorite", species: ["Ca", "F"], atoms: 12, distance: 0.1875.squareRoot(), neighbors: 8, alike: 0,
      composition: [4, 8]),
    Lattice(
      name: "perovskite", species: ["Ca", "Mg", "O"], atoms: 5, distance: 0.5.squareRoot(), neighbors: 12, alike: 0,
      composition: [1, 1, 3]),
    Lattice(name: "hcp", species: ["Mg"], atoms: 2, distance: 1, neighbors: 12, alike: 12, composition: [2]),
    Lattice(
      name: "wurtzite", species: ["Na", "Cl"], atoms: 4, distance: 0.375.squareRoot(), neighbors: 4, alike: 0,
      composition: [2, 2]),
  ]

  static let effects = [
    KeyEffect(in: "structure.lattice", "type", "constant", "species") {
      for lattice in lattices {
        let s = try DeckRun.build(
          "lattice: {type: \(lattice.name), constant: 4.2 Å, species: \(lattice.species)}")
        let isConventional = s.count == lattice.atoms
        // hcp and wurtzite may come in an orthogonal cell of twice as many.
        #expect(isConventional || s.count == 2 * lattice.atoms, "\(lattice.name): \(s.count)")
        let (distance, count, alike) = shell(s)
        #expect(abs(distance - 4.2 * lattice.distance) < 1e-9, "\(lattice.name)")
        #expect(count == lattice.neighbors && alike == lattice.alike, "\(lattice.name): \(count), \(alike)")
        #expect(abs(s.box.cell.x.length - 4.2) < 1e-12)
        let copies = s.count / lattice.atoms
        let found = lattice.species.map { name in s.types.filter { s.species[Int($0)] == name }.count }
        #expect(found == lattice.composition.map { $0 * copies }, "\(lattice.name)")
      }
    },
    KeyEffect("structure.lattice.c") {
      // The ideal ratio if absent.
      let ideal = try DeckRun.build("lattice: {type: hcp, constant: 3, species: [Mg]}")
      #expect(abs(ideal.box.cell.z.length - 3 * (8.0 / 3).squareRoot()) < 1e-12)
      let s = try DeckRun.build("lattice: {type: hcp, constant: 3, c: 5.5, species: [Mg]}")
      #expect(abs(s.box.cell.z.length - 5.5) < 1e-12 && abs(s.box.cell.x.length - 3) < 1e-12)
      // To the layers above and below: √(a²/3 + c²/4), more than a here.
      var out: [Double] = []
      PairSum.forEach(s, reach: 3.5) { i, _, d in if i == 0 { out.append(d.length) } }
      let between = (3.0 + 5.5 * 5.5 / 4).squareRoot()
      #expect(out.filter { abs($0 - between) < 1e-9 }.count == 6 && out.filter { abs($0 - 3) < 1e-9 }.count == 6)
    },
    KeyEffect("structure.lattice.size") {
      let s = try DeckRun.build("lattice: {type: fcc, constant: 4, species: [Cu], size: [1, 2, 3]}")
      #expect(s.count == 24)
      #expect(distance(s.box.cell.elements, [4, 0, 0, 0, 8, 0, 0, 0, 12]) < 1e-12)
      #expect(shell(s).count == 12)
    },
    KeyEffect("structure.lattice.orientation") {
      let s = try DeckRun.build(
        "lattice: {type: fcc, constant: 4, species: [Cu], "
          + "orientation: [[1, 1, 0], [-1, 1, 1], [1, -1, 2]], size: [2, 1, 1]}"
      )
      // Half of [110] is a lattice vector of fcc, and so is half of [1-12]; [-111] is a whole one.
      #expect(
        distance(
          [s.box.cell.x.x, s.box.cell.y.y, s.box.cell.z.z],
          [2 * 8.0.squareRoot(), 48.0.squareRoot(), 24.0.squareRoot()]) < 1e-9)
      // Turned back, every atom is in its place in the lattice: all coordinates are halves and add up to a whole.
      let axes = Matrix3(
        (1 / 2.0.squareRoot()) * Vector3(1, 1, 0), (1 / 3.0.squareRoot()) * Vector3(-1, 1, 1),
        (1 / 6.0.squareRoot()) * Vector3(1, -1, 2))
      for r in s.positions {
        let u = 0.5 * ((r - s.positions[0]) * axes)
        let sum = u.x + u.y + u.z
        for x in [u.x, u.y, u.z] { #expect(abs(x - x.rounded()) < 1e-9) }
        #expect(abs((sum / 2).rounded() * 2 - sum) < 1e-9)
      }
      #expect(s.count == Int((s.box.volume / 16).rounded()))
    },
    KeyEffect("structure.lattice.vacuum", "structure.crystal.vacuum") {
      for source in [
        "lattice: {type: sc, constant: 3, species: [Cu], size: [2, 2, 2], vacuum: [0, 5, 11]}",
        "crystal: {cell: [[3, 0, 0], [0, 3, 0], [0, 0, 3]], basis: [{species: Cu, position: [0, 0, 0]}], "
          + "size: [2, 2, 2], vacuum: [0, 5, 11]}",
      ] {
        let s = try DeckRun.build(source)
        #expect(distance(s.box.cell.elements, [6, 0, 0, 0, 11, 0, 0, 0, 17]) < 1e-12)
        for axis in 0..<3 {
          let x = s.positions.map { $0[axis] }
          #expect(abs((x.max()! - x.min()!) - 3) < 1e-12)
        }
      }
    },
    KeyEffect(
      "structure.crystal.cell", "structure.crystal.basis.species", "structure.crystal.basis.position",
      "structure.crystal.size"
    ) {
      let s = try DeckRun.build(
        """
        crystal:
            cell: [[3.1, 0.2, -0.1], [0.3, 4.2, 0.5], [-0.4, 0.6, 5.3]]
            basis: [{species: Na, position: [0.1, 0.2, 0.3]}, {species: Cl, position: [0.6, 0.75, 0.85]}]
            size: [1, 1, 2]
        """)
      let cell = Matrix3(Vector3(3.1, 0.2, -0.1), Vector3(0.3, 4.2, 0.5), Vector3(-0.4, 0.6, 5.3))
      let expected = Matrix3(cell.x, cell.y, 2 * cell.z)
      #expect(distance(s.box.cell.elements, expected.elements) < 1e-12)
      #expect(s.count == 4 && s.types.filter { s.species[Int($0)] == "Na" }.count == 2)
      for (name, place) in [("Na", Vector3(0.1, 0.2, 0.3)), ("Cl", Vector3(0.6, 0.75, 0.85))] {
        for copy in 0..<2 {
          let r = (place + Vector3(0, 0, Double(copy))) * cell
          let there = s.positions.indices.contains {
            s.species[Int(s.types[$0])] == name && (s.positions[$0] - r).length < 1e-10
          }
          #expect(there, "\(name), copy \(copy)")
        }
      }
    },
    KeyEffect("structure.replicate") {
      let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
      let s = try DeckRun.build(
        "file: {path: a.xyz}\n  replicate: [2, 1, 3]", files: ["a.xyz": Sample.text(start)])
      let c = start.box.cell
      #expect(distance(s.box.cell.elements, Matrix3(2 * c.x, c.y, 3 * c.z).elements) < 1e-12)
      #expect(s.count == 6 * start.count)
      for a in 0..<2 {
        for b in 0..<3 {
          for (i, r) in start.positions.enumerated() {
            let copy = r + Double(a) * c.x + Double(b) * c.z
            let match = s.positions.firstIndex { ($0 - copy).length < 1e-9 }
            let k = try #require(match)
            #expect(s.species[Int(s.types[k])] == start.species[Int(start.types[i])])
            #expect(s.velocities?[k] == start.velocities?[i])
          }
        }
      }
    },
    KeyEffect("structure.periodic") {
      // Without images along c the first layer lacks neighbours: the potential energy is the open sum.
      var s = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
      let files = ["a.extxyz": Sample.text(s)]
      for flags in [Periodicity(true, true, true), Periodicity(true, true, false), Periodicity(false, false, false)] {
        s.box.periodic = flags
        let run = try DeckRun(
          """
          structure: {file: {path: a.extxyz}, periodic: [\(flags.a), \(flags.b), \(flags.c)]}
          potential: \(ThermoTests.rareGasDeck)
          stages: [{dynamics: {steps: 1}}]
          """, files: files)
        let energy = try #require(run.thermo().first?["potential_energy"])
        #expect(isClose(energy, ThermoTests.rareGases.evaluate(s).energy, 1e-11))
      }
    },
    KeyEffect(in: "structure.file", "path", "format", "species") {
      // Names that say nothing; the last of several frames counts.
      let first = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
      let last = Sample.crystal(["Ar", "Kr"], spacing: 3.9, cells: [1, 1, 1])
      let files = [
        "deep/frames": Sample.text(first) + Sample.text(last),
        "some.file": "cell\n2.0\n3 0 0\n0 3 0\n0.5 0 4\nCu Ni\n1 2\nDirect\n0 0 0\n0.5 0.5 0.5\n0.25 0 0.5\n",
        "atoms.in": """
        numbers

        3 atoms
        2 atom types
        0 5 xlo xhi
        0 6 ylo yhi
        1 8 zlo zhi
        0.5 0 0 xy xz yz

        Masses

        1 50
        2 60

        Atoms # atomic

        2 2 1 2 3
        1 1 0.5 0.5 1.5
        3 1 4 5 6

        """,
      ]
      let xyz = try DeckRun.build("file: {path: deep/frames, format: extxyz}", files: files)
      #expect(xyz.count == 4 && distance(xyz.positions, last.positions) == 0)
      let poscar = try DeckRun.build("file: {path: some.file, format: poscar}", files: files)
      #expect(poscar.species == ["Cu", "Ni"] && poscar.types == [0, 1, 1])
      #expect(distance(poscar.box.cell.elements, [6, 0, 0, 0, 6, 0, 1, 0, 8]) < 1e-12)
      #expect(distance(poscar.positions, [.zero, Vector3(3.5, 3, 4), Vector3(2, 0, 4)]) < 1e-12)
      let data = try DeckRun.build("file: {path: atoms.in, format: lammps-data, species: [Mo, Si]}", files: files)
      #expect(data.types.map { data.species[Int($0)] } == ["Si", "Mo", "Mo"])
      #expect(data.ids == [2, 1, 3])
      #expect(distance(data.positions, [Vector3(1, 2, 3), Vector3(0.5, 0.5, 1.5), Vector3(4, 5, 6)]) < 1e-12)
      #expect(
        distance(data.box.cell.elements, [5, 0, 0, 0.5, 6, 0, 0, 0, 7]) < 1e-12 && data.box.origin == Vector3(0, 0, 1))
      let dump = "ITEM: TIMESTEP\n3\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n0 4\n0 5\n0 6\n"
        + "ITEM: ATOMS id type xs ys zs\n1 2 0.5 0.5 0.5\n"
      let placed = try DeckRun.build(
        "file: {path: frames.txt, format: lammps-dump, species: [Mo, Si]}", files: ["frames.txt": dump])
      #expect(placed.types.map { placed.species[Int($0)] } == ["Si"] && distance(placed.positions, [Vector3(2, 2.5, 3)]) < 1e-12)
      let other = try DeckRun.build("file: {path: atoms.in, format: lammps-data, species: [Ni, Cu]}", files: files)
      #expect(other.types.map { other.species[Int($0)] } == ["Cu", "Ni", "Ni"])
    },
  ]
}

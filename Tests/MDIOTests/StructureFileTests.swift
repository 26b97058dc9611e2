import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

@Suite struct StructureFileTests {
  let directory = TemporaryDirectory()

  /// Lengths, angles, distances and speeds survive whatever the format does to orientation and order.
  @Test(arguments: Cells.boxes, ["a.data", "a.lmp.gz", "a.extxyz", "POSCAR", "a.vasp"])
  func roundTrip(_ box: Box, _ name: String) throws {
    let structure = Cells.structure(box)
    let path = directory.path + "/" + name
    try StructureFile.write(structure, to: path)
    let back = try StructureFile.read(path)
    #expect(Set(back.species) == Set(structure.species) && back.count == structure.count)
    let isPoscar = StructureFile.formatByName(path) == .poscar
    // POSCAR has no ids: its atoms are the sorted ones.
    let order = isPoscar ? [0, 3, 2, 4, 1] : [0, 1, 2, 3, 4]
    // Coordinates of order 10 with 17 digits: a few units of 1e-15.
    let tolerance = 1e-13
    if box.cell.determinant > 0 {
      expectClose(gram(back.box), gram(box), tolerance * 10)
    } else {
      #expect(abs(back.box.volume - box.volume) < tolerance * box.volume)
    }
    for (k, i) in order.enumerated() {
      #expect(back.species[Int(back.types[k])] == structure.species[Int(structure.types[i])])
      if !isPoscar { #expect(back.ids?[k] == structure.ids?[i] && back.charges?[k] == structure.charges?[i]) }
      for (l, j) in order.enumerated() {
        // Unwrapped separations, so that images count too.
        func unwrapped(_ s: Structure, _ n: Int) -> Vector3 {
          guard !isPoscar, let image = s.images?[n] else { return s.positions[n] }
          return s.positions[n] + Vector3(Double(image.x), Double(image.y), Double(image.z)) * s.box.cell
        }
        let before = unwrapped(structure, i) - unwrapped(structure, j)
        let after = unwrapped(back, k) - unwrapped(back, l)
        #expect(abs(before.length - after.length) < tolerance * 10)
        // Velocities turn with the positions.
        let v = structure.velocities![i]
        #expect(abs(dot(before, v) - dot(after, back.velocities![k])) < 1e-11)
      }
      // Each atom is where it was relative to the lattice.
      let s = box.fractional(structure.positions[i])
      let t = back.box.fractional(back.positions[k])
      for a in 0..<3 {
        let moved = s[a] - t[a]
        let mirrored = s[a] + t[a]
        #expect(abs(moved - moved.rounded()) < tolerance || abs(mirrored - mirrored.rounded()) < tolerance)
      }
    }
  }

  @Test func lammpsFrameIsKeptToTheLastBit() throws {
    let structure = Cells.structure(Cells.boxes[1])
    let path = directory.path + "/a.data"
    try StructureFile.write(structure, to: path)
    let back = try StructureFile.read(path)
    #expect(back.positions == structure.positions && back.velocities == structure.velocities)
    #expect(back.images == structure.images)
  }

  @Test func lammpsDataOfOthers() throws {
    let text = """
      LAMMPS data file via write_data, version 2 Aug 2023, timestep = 0, units = metal

      3 atoms
      2 atom types
      1 bonds
      1 bond types
      2 extra bond per atom

      -1.0 3.0 xlo xhi   # a comment
      0.0 4.0 ylo yhi
      0 5 zlo zhi
      0.5 0 -0.25 xy xz yz

      Masses

      1 63.55
      2 91.2 # a heavy one

      Pair Coeffs # eam

      1 0.1 2.0
      2 0.2 3.0

      Atoms # full

      2 1 1 0.5 0 0 0 1 0 -1
      1 1 2 -0.5 1.0 2.0 3.0 0 0 0 # trailing
      3 2 1 0 -3e0 2 2 0 0 0

      Bond Coeffs

      1 5 1

      Velocities

      3 1 2 3
      1 4 5 6
      2 0 0 0

      Bonds

      1 1 1 2
      """
    let s = try StructureFile.read(directory.file("any.txt", text), periodic: Periodicity(true, true, false))
    #expect(s.species == ["Cu", "Zr"] && s.types == [0, 1, 0] && s.ids == [2, 1, 3])
    #expect(s.masses == [63.55, 91.2] && s.charges == [0.5, -0.5, 0])
    #expect(s.box.cell == Matrix3([4, 0, 0, 0.5, 4, 0, 0, -0.25, 5]) && s.box.origin == Vector3(-1, 0, 0))
    #expect(s.box.periodic == Periodicity(true, true, false))
    #expect(s.velocities == [.zero, Vector3(4, 5, 6), Vector3(1, 2, 3)])
    #expect(s.images == [SIMD3(1, 0, -1), .zero, .zero])
    let named = try StructureFile.read(directory.path + "/any.txt", species: ["A", "B"])
    #expect(named.species == ["A", "B"])
  }

  @Test func typeLabelsAndGeneralTriclinic() throws {
    let text = """
      title
      2 atoms
      2 atom types
      0 3 0 avec
      -4 0 0 bvec
      0 0 5 cvec
      1 2 3 abc origin

      Atom Type Labels

      1 Li_a
      2 Ge

      Atoms

      1 Ge 0 0 0
      2 Li_a 1 1 1
      """
    let s = try StructureFile.read(directory.file("a.lmp", text))
    #expect(s.species == ["Li_a", "Ge"] && s.types == [1, 0] && s.ids == nil)
    #expect(s.box.cell == Matrix3([0, 3, 0, -4, 0, 0, 0, 0, 5]) && s.box.origin == Vector3(1, 2, 3))
  }

  static let header = "t\n1 atoms\n1 atom types\n0 1 xlo xhi\n0 1 ylo yhi\n0 1 zlo zhi\n"
  @Test(arguments: [
    ("t\n1 atoms\n", "types"), ("t\n1 atoms\n1 atom types\n\nAtoms\n\n1 1 0 0 0\n", "cell"),
    (header + "\nAtoms # atomic\n\n", "0 of the 1"), (header + "\nAtoms # dipole\n\n1 1 0 0 0\n", "dipole"),
    (header + "\nAtoms # atomic\n\n1 2 0 0 0\n", "types are from 1 to 1"),
    (header + "\nAtoms # atomic\n\n1 1 0 0 nan\n", "a.data:10:9: z is 'nan'"),
    (header + "\nAtoms # atomic\n\n1 1 0 0\n", "ends before z"),
    (header + "\nAtoms # atomic\n\n1 1 0 0 0\n", "species of atom type 1"),
    (header + "\nMasses\n\n1 5.4\n\nAtoms # atomic\n\n1 1 0 0 0\n", "within 0.1"),
    (header + "\nAtmos\n\n1 1 0 0 0\n", "'Atmos'"), (header + "3 cats\n", "not known"),
    (header + "\nMasses\n\n1 63.55\n\nAtoms\n\n1 1 0 0 0\n2 1 0 0 0\n", "not a section"),
    (
      header.replacing("1 atoms", with: "2 atoms") + "\nMasses\n\n1 63.55\n\nAtoms\n\n1 1 0 0 0\n1 1 0 0 1\n",
      "id 1 is given twice"
    ),
    (header.replacing("0 1 xlo", with: "1 0 xlo"), "not above"),
    (header + "\nAtoms\n\n1 1 0 0 0 0\n", "Atoms # charge"),
    (header + "\nMasses\n\n1 63.55\n\nAtoms\n\n1 1 0 0 0\n\nVelocities\n\n2 0 0 0\n", "no atom 2"),
    ("LAMMPS data file via write_data, timestep = 0, units = real\n", "a.data:1:56: the file is in LAMMPS's units"),
    ("copper, lj units\n", "a.data:1:9: the file is in LAMMPS's units `lj`"),
    ("t\n# Units: SI\n", "a.data:2:10: the file is in LAMMPS's units `si`"),
    ("t\n1 atoms # units electron\n", "a.data:2:17: "), ("t\nunits cgs\n", "a.data:2:7: "),
  ]) func lammpsMistakesAreNamed(_ text: String, _ part: String) throws {
    let path = directory.file("a.data", text)
    let error = try #require(failure { _ = try StructureFile.read(path) })
    #expect(error.description.contains(part), "\(error)")
    #expect(error.location?.file == path)
  }

  /// Words that sound like units are none.
  @Test(arguments: ["via write_data, units = metal", "a real crystal, 12 units long", "nano unit cells", "metal units"])
  func titlesOfAnyKindAreRead(_ title: String) throws {
    let sections = "\nMasses\n\n1 63.55\n\nAtoms\n\n1 1 0 0 0\n"
    let text = Self.header.replacing("t\n1 atoms", with: title + "\n1 atoms") + sections
    #expect(try StructureFile.read(directory.file("a.data", text)).count == 1)
  }

  /// The last frame, whatever the name; types by the caller's names.
  @Test func dumpsAreStructures() throws {
    func frame(_ step: Int, _ x: Double) -> String {
      """
      ITEM: TIMESTEP
      \(step)
      ITEM: NUMBER OF ATOMS
      2
      ITEM: BOX BOUNDS pp pp ff
      0 10
      0 11
      -1 12
      ITEM: ATOMS id type x y z
      7 2 \(x) 2 3
      4 1 4 5 6

      """
    }
    let text = frame(0, 1) + frame(10, 1.5)
    let first = try StructureFile.read(directory.file("run.out", text), species: ["Cu", "Ni"])
    #expect(first.types.map { first.species[Int($0)] } == ["Ni", "Cu"] && first.ids == [7, 4])
    #expect(first.positions == [Vector3(1.5, 2, 3), Vector3(4, 5, 6)])
    #expect(first.box.cell == Matrix3(diagonal: Vector3(10, 11, 13)) && first.box.origin.z == -1)
    #expect(first.box.periodic == Periodicity(true, true, false))
    let named = try StructureFile.read(
      directory.file("a.lammpstrj", text.replacing("id type", with: "id element").replacing("7 2", with: "7 Ni").replacing("4 1", with: "4 Cu")))
    #expect(named.types.map { named.species[Int($0)] } == ["Ni", "Cu"])
    let error = try #require(failure { _ = try StructureFile.read(directory.file("b.dump", text)) })
    #expect(error.description.contains("type"))
    #expect(failure { try StructureFile.write(first, to: "\(directory.path)/c.dump") }?.description.contains("trajectories") == true)
  }

  /// Selective dynamics, and ASE's constraints, there and back.
  @Test func heldAtoms() throws {
    func poscar(_ flags: [String]) -> String {
      "t\n1\n4 0 0\n0 4 0\n0 0 4\nCu\n\(flags.count)\nSelective dynamics\nDirect\n"
        + flags.enumerated().map { "0 0 0.\($0 + 1) \($1)\n" }.joined()
    }
    let flags = [true, true, false, true, false]
    let held = try StructureFile.read(directory.file("POSCAR", poscar(["F F F", ".FALSE. f F", "T T T", "F F F", "T F T"])))
    #expect(held.held == flags)
    #expect(held.notes.count == 1 && held.notes.first?.contains("single coordinates of 1 atom:") == true)
    let free = try StructureFile.read(directory.file("POSCAR2", poscar(["T T T"])))
    #expect(free.notes.isEmpty && free.held == nil)
    let error = try #require(failure { _ = try StructureFile.read(directory.file("POSCAR3", poscar(["T T"]))) })
    #expect(error.location?.line == 10 && error.description.contains("three letters"))
    for name in ["a.vasp", "a.extxyz"] {
      try StructureFile.write(held, to: "\(directory.path)/\(name)")
      #expect(try StructureFile.read("\(directory.path)/\(name)").held == flags, "\(name)")
    }
    let ase = """
      3
      Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:move_mask:L:1 pbc="T T T"
      Cu 0 0 0 T
      Cu 0 0 1 F
      Cu 0 0 2 F

      """
    #expect(try StructureFile.read(directory.file("a.xyz", ase)).held == [false, true, true])
  }

  /// Counts along open axes, whoever opened them, are zero; the others are kept.
  @Test func imagesAlongOpenAxesAreCleared() throws {
    var structure = Cells.structure(
      Box(cell: Matrix3([4, 0, 0, 0.5, 5, 0, -0.25, 0.75, 6]), periodic: Periodicity(true, false, true)))
    structure.images = [SIMD3(1, 0, -2), SIMD3(0, 3, 1), .zero, SIMD3(-1, -1, 0), .zero]
    structure.clearImagesAlongOpenAxes()
    #expect(structure.images == [SIMD3(1, 0, -2), SIMD3(0, 0, 1), .zero, SIMD3(-1, 0, 0), .zero])
    #expect(structure.notes.count == 1 && structure.notes[0].contains("open axes (b)"))
    #expect(structure.notes[0].contains("2 atoms have others"))
    structure.clearImagesAlongOpenAxes()
    #expect(structure.notes.count == 1)
  }

  @Test func poscarOfVasp() throws {
    let text = """
      cubic
       2.0
         2 0 0
         0 2 0
         0 0 2.5
       Cu_pv Zr Cu
       1 1 1
      Selective dynamics
      Direct
       0 0 0 T T F
       0.5 0.5 0.5 T T T
       0.25 0 1.25 F F F

       0.001 0 0
       0 0.002 0
       0 0 -0.003
      """
    let s = try StructureFile.read(directory.file("CONTCAR", text))
    #expect(s.species == ["Cu", "Zr"] && s.types == [0, 1, 0])
    #expect(s.box.cell == Matrix3(diagonal: Vector3(4, 4, 5)))
    #expect(s.positions == [.zero, Vector3(2, 2, 2.5), Vector3(1, 0, 6.25)])
    #expect(s.velocities == [Vector3(1, 0, 0), Vector3(0, 2, 0), Vector3(0, 0, -3)])
    let cartesian = text.replacing("Direct", with: "cartesian").replacing(" 2.0\n", with: " -80\n")
    let c = try StructureFile.read(directory.file("POSCAR.2", cartesian))
    #expect(abs(c.box.volume - 80) < 1e-12 && c.positions[1] == Vector3(1, 1, 1))
    let loose = text.replacing("Selective", with: " \tselective").replacing("Direct", with: "\t direct")
      .replacing("Cu_pv Zr Cu", with: "Cu_pv Zr Cu ! of the seller")
    #expect(try StructureFile.read(directory.file("POSCAR.1", loose)).positions == s.positions)
    let old = text.replacing(" Cu_pv Zr Cu\n", with: "")
    let error = try #require(failure { _ = try StructureFile.read(directory.file("POSCAR.3", old)) })
    #expect(error.description.contains("POSCAR.3:6"))
    #expect(
      try StructureFile.read(directory.path + "/POSCAR.3", species: ["Mo", "O", "H"]).species == ["Mo", "O", "H"])
  }

  @Test func callersSpeciesFixTheOrder() throws {
    let path = directory.file("a.xyz", "2\nx=1\n2 0 0 0\n1 1 1 1\n")
    #expect(try StructureFile.read(path, species: ["Cu", "Zr"]).types == [1, 0])
    let named = directory.file("b.xyz", "2\nx=1\nZr 0 0 0\nCu 1 1 1\n")
    #expect(try StructureFile.read(named, species: ["Cu", "Zr"]).types == [1, 0])
    let error = try #require(failure { _ = try StructureFile.read(named, species: ["Cu"]) })
    #expect(error.description.contains("species Zr"))
  }

  @Test func framesAreChosen() throws {
    let path = directory.file("a.xyz", (1...3).map { "1\nk=\($0)\nH \($0) 0 0\n" }.joined())
    #expect(try StructureFile.read(path).positions[0].x == 3)
    #expect(try StructureFile.read(path, frame: 0).positions[0].x == 1)
    #expect(try StructureFile.read(path, frame: -2).positions[0].x == 2)
    #expect(failure { _ = try StructureFile.read(path, frame: 3) }?.message.contains("3 frames") == true)
    #expect(failure { _ = try StructureFile.read(path, frame: -4) } != nil)
  }

  /// Cut anywhere, or with a byte changed anywhere, a file gives a structure or a FaultlineError.
  @Test(arguments: ["a.data", "a.extxyz", "POSCAR", "a.extxyz.gz"]) func damageNeverCrashes(_ name: String) throws {
    let path = directory.path + "/" + name
    try StructureFile.write(Cells.structure(Cells.boxes[1]), to: path)
    let whole = try path.fileBytes
    var generator = NumberTests.Counter(state: 7)
    var refused = 0
    for cut in 0..<whole.count {
      try write(whole[..<cut], to: path)
      if let error = failure({ _ = try StructureFile.read(path) }) {
        refused += 1
        #expect(error.kind == .input, "\(error)")
      }
      var changed = whole
      changed[cut] = UInt8(truncatingIfNeeded: generator.next())
      try write(changed, to: path)
      if let error = failure({ _ = try StructureFile.read(path) }) { #expect(error.kind == .input, "\(error)") }
    }
    #expect(refused > whole.count / 2)
    // A cut gzip file is always refused, but for the last byte-aligned end of nothing.
    if name.hasSuffix("gz") { #expect(refused == whole.count) }
  }

  @Test func whatIsNotAFile() throws {
    for path in [directory.path + "/none.xyz", directory.path] {
      #expect(failure { _ = try StructureFile.read(path, format: .extxyz) }?.message.contains(path) == true)
    }
    #expect(
      failure { _ = try StructureFile.read(directory.file("x", "hello\n")) }?.hint?.contains("lammps-data") == true)
    #expect(failure { try StructureFile.write(Cells.structure(Cells.boxes[0]), to: "/nowhere/a.xyz") }?.kind == .run)
  }
}

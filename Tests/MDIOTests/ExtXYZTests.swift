import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

@Suite struct ExtXYZTests {
  let directory = TemporaryDirectory()

  func read(_ text: String) throws -> [ExtXYZFrame] { try ExtXYZReader.frames(of: directory.file("a.xyz", text)) }

  @Test func framesOfAse() throws {
    let text = """
      2
      Lattice="4.0 0.0 0.0 0.5 4.0 0.0 0.0 0.0 5.0" Properties=species:S:1:pos:R:3:tags:I:1:fixed:L:1:name:S:1 \
      energy=-3.25 config="a \\"b\\" c" stress="1 2 3 4 5 6 7 8 9" list=[1, 2, 3] done pbc="T T F"
      Cu 0 0 0 1 T a
      Zr 1.5 2e0 -.25 -2 F b
      1
      plain comment = " here
      H 0 0 0.5

      """
    let frames = try read(text)
    #expect(frames.count == 2)
    let s = frames[0].structure
    #expect(s.species == ["Cu", "Zr"] && s.types == [0, 1])
    #expect(s.positions[1] == Vector3(1.5, 2, -0.25))
    #expect(s.box.cell.y == Vector3(0.5, 4, 0) && s.box.periodic == Periodicity(true, true, false))
    #expect(frames[0].info.map(\.key) == ["energy", "config", "stress", "list", "done"])
    #expect(frames[0]["config"]?.text == "a \"b\" c")
    #expect(frames[0]["stress"]?.numbers == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(frames[0]["list"]?.numbers == [1, 2, 3])
    #expect(frames[0].column("tags")?.values == .integers([1, -2]))
    #expect(frames[0].column("fixed")?.values == .logicals([true, false]))
    #expect(frames[1].structure.box.periodic == .none)
    #expect(frames[1].structure.box.cell == Matrix3(diagonal: Vector3(2, 2, 2)))
  }

  @Test(arguments: ["a.xyz", "a.xyz.gz"]) func roundTripKeepsEveryBit(_ name: String) throws {
    var generator = SystemRandomNumberGenerator()
    var structure = Structure(
      box: Box(
        cell: Matrix3([3.1, 0.2, 0.3, -1.0 / 3, 4, 0.1, 0.7, 0.11, 5]), origin: Vector3(1, -2, 0.1),
        periodic: Periodicity(true, false, true)),
      species: ["Cu", "O"], types: [0, 1, 1],
      positions: (0..<3).map { _ in
        Vector3(.random(in: -9...9, using: &generator), .random(in: 0...1e-7), .random(in: -1e4...1e9))
      })
    structure.ids = [7, 1 << 40, 2]
    structure.velocities = [Vector3(1.0 / 3, -0.0, -2.5e-308), Vector3(1e300, 2, 3), .zero]
    structure.images = [SIMD3(1, -2, 3), .zero, SIMD3(0, 0, -1)]
    structure.charges = [0.1, -0.2, 0.1]
    var frame = ExtXYZFrame(structure, info: [ExtXYZEntry("note", "a \"b\" c"), ExtXYZEntry("energy", -1.0 / 3)])
    frame.set(ExtXYZColumn("forces", width: 3, .reals((0..<9).map { 1 / Double($0 + 1) })))
    frame.set(ExtXYZColumn("label", .strings(["x", "y", "z"])))
    let path = directory.path + "/" + name
    let writer = try ExtXYZWriter(path)
    try writer.write(frame)
    try writer.write(frame)
    try writer.finish()
    let back = try ExtXYZReader.frames(of: path)
    #expect(back.count == 2)
    for other in back {
      let s = other.structure
      #expect(s.positions == structure.positions && s.velocities == structure.velocities && s.box == structure.box)
      #expect(s.ids == structure.ids && s.images == structure.images && s.charges == structure.charges)
      #expect(s.species == structure.species && s.types == structure.types)
      #expect(other.info == frame.info && other.columns == frame.columns)
    }
  }

  /// Zero vectors along open axes: the file's own header is written again, the box spans the atoms.
  @Test func openBoundariesKeepTheHeader() throws {
    let header = "Lattice=\"0 0 0 0 0 0 0 0 0\" Properties=species:S:1:pos:R:3 pbc=\"F F F\" q=1"
    let frame = try read("1\n\(header)\nC 1 2 3\n")[0]
    #expect(frame.structure.box.volume == 8)
    let path = directory.path + "/b.xyz"
    let writer = try ExtXYZWriter(path)
    try writer.write(frame)
    try writer.finish()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(
      text == "1\nLattice=\"0 0 0 0 0 0 0 0 0\" pbc=\"F F F\" Properties=species:S:1:pos:R:3 q=1\nC 1 2 3\n")
  }

  /// p/m of ASE, √(eV/u), is 98.226949 Å/ps (ase.units.fs = 0.0982269…).
  @Test func momentaOfAseBecomeVelocities() throws {
    let frame = try read("1\nProperties=species:S:1:pos:R:3:momenta:R:3:masses:R:1 x=1\nC 0 0 0 2 0 -4 2\n")[0]
    let v = try #require(frame.structure.velocities?[0])
    #expect(abs(v.x - 98.22694788464062) < 1e-6 && v.z == -2 * v.x)
  }

  /// Results replace what the file already had under the same name, and stand beside what has another.
  @Test func columnsReplaceTheirNamesakes() throws {
    let path = directory.path + "/c.xyz"
    for (name, expected) in [("charges", "charges:R:1"), ("initial_charges", "initial_charges:R:1:charges:R:1")] {
      var frame = try read("1\nProperties=species:S:1:pos:R:3:\(name):R:1 x=1\nC 0 0 0 0.5\n")[0]
      #expect(frame.structure.charges == [0.5])
      frame.set(ExtXYZColumn("charges", .reals([0.25])))
      let writer = try ExtXYZWriter(path)
      try writer.write(frame)
      try writer.finish()
      #expect(try path.fileText.contains("Properties=species:S:1:pos:R:3:\(expected) "))
      #expect(try ExtXYZReader.frames(of: path)[0].structure.charges == [0.25])
    }
  }

  @Test func massesAndGrainsAreKept() throws {
    let text = "3\nProperties=species:S:1:pos:R:3:masses:R:1:grain:I:1 x=1\nC 0 0 0 13 0\nD 1 0 0 2 1\nD 2 0 0 3 1\n"
    let structure = try read(text)[0].structure
    #expect(structure.masses == [13, nil] && structure.grains == [0, 1, 1])
    var own = structure
    own.masses = [13, 2.014]
    for name in ["m.xyz", "m.data"] {
      try StructureFile.write(own, to: directory.path + "/" + name)
      let back = try StructureFile.read(directory.path + "/" + name)
      #expect(back.masses == [13, 2.014] && back.species == ["C", "D"])
    }
  }

  @Test(arguments: [
    ("2\nLattice=\"1 0 0 0 1 0 0 0 1\"\nH 0 0 0\n", "1 of the 2 atoms"),
    ("1\nLattice=\"1 0 0 0 1 0 0 0\"\nH 0 0 0\n", "9 numbers"),
    ("1\nLattice=\"1 0 0 0 1 0 0 0 1\nH 0 0 0\n", "no end"),
    ("1\nLattice=\"1 0 0 0 1 0 1 1 0\"\nH 0 0 0\n", "no volume"),
    ("1\npbc=\"T T T\"\nH 0 0 0\n", "no cell vector"),
    ("1\nProperties=species:S:1:pos:R:3:a:R:1 b=2\nH 0 0 0\n", "ends before a"),
    ("1\nProperties=species:S:1:pos:R:3 b=2\nH 0 0 nan\n", "a.xyz:3:7: pos is 'nan'"),
    ("1\nProperties=species:S:1:pos:R:3 b=2\nH 0 0 1e999\n", "pos is '1e999'"),
    ("1\nProperties=species:S:1:pos:R:3 b=2\nH 0 0 0 0\n", "a.xyz:3:9: the line has more"),
    ("1\nProperties=species:S:1:pos:R:2 b=2\nH 0 0 0\n", "pos:R:3"),
    ("1\nProperties=species:S:1:pos:X:3 b=2\nH 0 0 0\n", "unknown kind X"),
    ("1\na=1 a=2\nH 0 0 0\n", "given twice"),
    ("2\nProperties=species:S:1:pos:R:3:id:I:1 b=2\nH 0 0 0 4\nH 0 0 1 4\n", "id 4 is given twice"),
    ("1\nProperties=species:S:1:pos:R:3:id:I:1 b=2\nH 0 0 0 0\n", "id 0 is not positive"),
    ("-1\n\nH 0 0 0\n", "number of atoms"),
    ("99999999999\n\nH 0 0 0\n", "1 of the 99999999999 atoms"),
    ("", "no frame"), ("1", "comment line"),
  ]) func mistakesAreNamed(_ text: String, _ part: String) throws {
    let error = try #require(failure { _ = try read(text) })
    #expect(error.description.contains(part), "\(error)")
    #expect(error.kind == .input && error.location?.file.hasSuffix("a.xyz") == true)
  }

  /// Files that other programs' results were put into: every frame is read, written and read again bit for bit.
  @Test func referenceFramesKeepTheirBits() throws {
    let root = ProcessInfo.processInfo.environment["FAULTLINE_REFERENCE"] ?? "../shared/reference"
    let folders = try? FileManager.default.contentsOfDirectory(atPath: root)
    guard let folders else {
      print("skipped: no reference data at \(root)")
      return
    }
    var count = 0
    for folder in folders {
      let path = "\(root)/\(folder)/reference.extxyz"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      let copy = directory.path + "/copy.extxyz"
      let writer = try ExtXYZWriter(copy)
      let frames = try ExtXYZReader.frames(of: path)
      for frame in frames { try writer.write(frame) }
      try writer.finish()
      let again = try ExtXYZReader.frames(of: copy)
      #expect(frames.count == again.count)
      for (a, b) in zip(frames, again) {
        #expect(a.structure.positions == b.structure.positions && a.structure.box == b.structure.box)
        #expect(a.structure.types == b.structure.types && a.info == b.info && a.columns == b.columns)
        count += 1
      }
    }
    #expect(count > 0)
  }
}

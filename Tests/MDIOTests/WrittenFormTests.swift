import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

/// What stands in written files, word for word: other programs read them.
@Suite struct WrittenFormTests {
  let directory = TemporaryDirectory()

  private func trajectory(_ name: String, _ box: Box, unwrapped: Bool = false, digits: Int = 17, x: Double = 1) throws
    -> String
  {
    let path = directory.path + "/" + name
    let file = try OutputFile(path)
    let writer = TrajectoryWriter(
      name.hasSuffix("dump") ? LammpsDumpText(digits: digits) : ExtXYZText(digits: digits), file)
    try writer.begin(
      TrajectoryFrame(step: 3, time: 0.5, atomCount: 1, box: box, species: ["Cu"], isUnwrapped: unwrapped))
    let (id, type, position) = ([Int64(1)], [Int32(0)], [Vector3(x, 2, 3)])
    try id.withUnsafeBufferPointer { id in
      try type.withUnsafeBufferPointer { type in
        try position.withUnsafeBufferPointer { position in
          try writer.append(
            TrajectoryChunk(
              count: 1, ids: id.baseAddress!, types: type.baseAddress!, positions: position.baseAddress!))
        }
      }
    }
    try writer.end()
    try writer.finish()
    return path
  }

  /// The bounds of the box that holds the tilted cell, and the three tilts, as LAMMPS documents them.
  @Test func dumpBoundsOfATiltedCell() throws {
    let (xy, xz, yz) = (0.5, -0.25, 0.75)
    let box = Box(
      cell: Matrix3([4, 0, 0, xy, 5, 0, xz, yz, 6]), origin: Vector3(1, -2, 3),
      periodic: Periodicity(true, false, true))
    let text = try trajectory("a.dump", box).fileText
    let lines = text.split(separator: "\n").map(String.init)
    let at = try #require(lines.firstIndex(of: "ITEM: BOX BOUNDS xy xz yz pp ff pp"))
    let rows = lines[(at + 1)...(at + 3)].map { $0.split(separator: " ").compactMap { Double($0) } }
    // lo + min(0, xy, xz, xy + xz), hi + max(0, xy, xz, xy + xz), and so on.
    let expected: [[Double]] = [[0.75, 5.5, xy], [-2, 3.75, xz], [3, 9, yz]]
    #expect(rows == expected)
  }

  @Test func dumpNamesItsPositions() throws {
    let box = Box(lengths: Vector3(4, 5, 6))
    #expect(try trajectory("a.dump", box).fileText.contains("ITEM: ATOMS id type element x y z\n"))
    #expect(try trajectory("b.dump", box, unwrapped: true).fileText.contains("ITEM: ATOMS id type element xu yu zu\n"))
  }

  @Test(arguments: [Periodicity(true, false, true), Periodicity(false, true, false), .none])
  func trajectoriesSayWhichAxesAreOpen(_ periodic: Periodicity) throws {
    var box = Box(lengths: Vector3(4, 5, 6))
    box.origin = Vector3(0.5, 0, -1)
    box.periodic = periodic
    let frame = try ExtXYZReader.frames(of: trajectory("a.extxyz", box))[0]
    #expect(frame.structure.box == box)
  }

  /// Fewer digits are rounded, not cut off, up to the next power of ten.
  @Test(arguments: [(1.0 / 3, "0.333"), (2.0 / 3, "0.667"), (9.996, "10"), (0.0999951, "0.1"), (-9.996, "-10")])
  func digits(_ value: Double, _ written: String) throws {
    let box = Box(lengths: Vector3(4, 5, 6))
    #expect(try trajectory("a.dump", box, digits: 3, x: value).fileText.contains("\n1 1 Cu \(written) 2 3\n"))
    #expect(try trajectory("a.extxyz", box, digits: 3, x: value).fileText.contains("\nCu \(written) 2 3 1\n"))
  }

  @Test func columnsKeepTheirKind() throws {
    let path = directory.file(
      "a.xyz", "1\nProperties=species:S:1:pos:R:3:tags:I:1:fixed:L:2:name:S:1 k=1\nH 0 0 0 7 T F x\n")
    let frame = try ExtXYZReader.frames(of: path)[0]
    let writer = try ExtXYZWriter(directory.path + "/b.xyz")
    try writer.write(frame)
    try writer.finish()
    let text = try (directory.path + "/b.xyz").fileText
    #expect(text.contains("Properties=species:S:1:pos:R:3:tags:I:1:fixed:L:2:name:S:1 "))
    #expect(text.hasSuffix("\nH 0 0 0 7 T F x\n"))
  }

  /// The header's cell is written as it was read only as long as it is the structure's.
  @Test func changedCellIsWritten() throws {
    let path = directory.file("a.xyz", "1\nLattice=\"4 0 0 0 4 0 0 0 4\" pbc=\"T T F\"\nH 0 0 0\n")
    var frame = try ExtXYZReader.frames(of: path)[0]
    frame.structure.box.setCell(Matrix3(diagonal: Vector3(4, 4, 5)))
    let writer = try ExtXYZWriter(directory.path + "/b.xyz")
    try writer.write(frame)
    try writer.finish()
    let back = try ExtXYZReader.frames(of: directory.path + "/b.xyz")[0].structure.box
    #expect(back == frame.structure.box)
  }
}

@Suite struct DataStyleTests {
  let directory = TemporaryDirectory()

  static let header = "t\n\n2 atoms\n3 atom types\n0 4 xlo xhi\n0 4 ylo yhi\n0 4 zlo zhi\n\nMasses\n\n"
    + "1 63.55\n2 91.2\n3 63.55\n\n"

  /// The columns of LAMMPS's styles: id, molecule, type, charge, x, y, z, each where it has it.
  @Test(arguments: [
    ("atomic", "1 2 1 2 3", "2 3 0 0 0"), ("charge", "1 2 0.5 1 2 3", "2 3 -0.5 0 0 0"),
    ("molecular", "1 9 2 1 2 3", "2 9 3 0 0 0"), ("bond", "1 9 2 1 2 3", "2 9 3 0 0 0"),
    ("angle", "1 9 2 1 2 3", "2 9 3 0 0 0"), ("full", "1 9 2 0.5 1 2 3", "2 9 3 -0.5 0 0 0"),
  ])
  func atomStyles(_ style: String, _ first: String, _ second: String) throws {
    let path = directory.file("a.data", Self.header + "Atoms # \(style)\n\n\(first)\n\(second)\n")
    let s = try StructureFile.read(path)
    // Types 1 and 3 are both copper, and one species.
    #expect(s.species == ["Cu", "Zr"] && s.types == [1, 0])
    #expect(s.positions == [Vector3(1, 2, 3), .zero])
    #expect(s.charges == (["charge", "full"].contains(style) ? [0.5, -0.5] : nil))
  }

  @Test(arguments: [
    ("a.data", header + "Atoms # atomic\n\n1 2 1 2 3\n2 3 0 0 0\n"),
    ("a.xyz", "1\nProperties=species:S:1:pos:R:3:name:S:1 k=v\nH 0 0 0 x\n"),
    ("POSCAR", "t\n1\n4 0 0\n0 4 0\n0 0 4\nH\n1\nDirect\n0.5 0 0\n"),
  ])
  func linesOfOtherSystems(_ name: String, _ text: String) throws {
    let plain = try StructureFile.read(directory.file(name, text))
    let folder = TemporaryDirectory()
    let other = try StructureFile.read(folder.file(name, text.replacing("\n", with: "\r\n")))
    #expect(plain.positions == other.positions && plain.species == other.species && plain.box == other.box)
  }
}

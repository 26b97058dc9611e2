import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

/// Comment lines of extended XYZ: what others write is understood, and comes out as it came in.
@Suite struct ExtXYZHeaderTests {
  let directory = TemporaryDirectory()

  static let cell = "Lattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3"

  func frame(_ header: String) throws -> ExtXYZFrame {
    let frames = try ExtXYZReader.frames(of: directory.file("a.xyz", "1\n\(header)\nH 0 0 0\n"))
    return try #require(frames.first)
  }

  /// The comment line of a frame that is written.
  func header(_ frame: ExtXYZFrame) throws -> String {
    let path = directory.path + "/out.xyz"
    let writer = try ExtXYZWriter(path)
    try writer.write(frame)
    try writer.finish()
    return String(try path.fileText.split(separator: "\n", omittingEmptySubsequences: false)[1])
  }

  /// Entry, its key, its value's text, and what is written.
  @Test(arguments: [
    ("note='two words'", "note", "two words", nil), ("k=({[4 8 12]})", "k", "({[4 8 12]})", nil),
    ("a=\"x \\\"y\\\" z\"", "a", "x \"y\" z", nil), ("b={1 2 3}", "b", "{1 2 3}", nil),
    ("c=[[1, 2], [3, 4]]", "c", "[[1, 2], [3, 4]]", nil), ("d=C:\\temp\\x", "d", "C:\\temp\\x", nil),
    ("e=a\\ b", "e", "a b", nil), ("e=\"C:\\\\dir\\\\\"", "e", "C:\\dir\\", nil), ("f=x=y", "f", "x=y", nil),
    ("\"my key\"=5", "my key", "5", nil), ("'my key'=5", "my key", "5", nil), ("g = 7", "g", "7", "g=7"),
    ("h=it's", "h", "it's", "h=\"it's\""), ("i=f('x')", "i", "f('x')", "i=\"f('x')\""), ("j=5\"", "j", "5\"", nil),
    ("l=\"a\\nb\"", "l", "a\nb", nil), ("m='it\\'s'", "m", "it's", nil), ("label=", "label", "", nil),
    ("label=\"\"", "label", "", nil), ("label=''", "label", "", nil), ("flag", "flag", "T", nil),
  ] as [(String, String, String, String?)])
  func entriesComeOutAsTheyCameIn(_ entry: String, _ key: String, _ text: String, _ written: String?) throws {
    // In front of others, between them, and at the end.
    let (cell, energy) = (Self.cell, "energy=-1.5")
    for line in ["\(entry) \(cell) \(energy)", "\(cell) \(entry) \(energy)", "\(cell) \(energy) \(entry)"] {
      let frame = try frame(line)
      #expect(frame.info.count == 2 && frame[key]?.text == text && frame["energy"]?.numbers == [-1.5])
      #expect(frame.structure.box.periodic == .all && frame.structure.box.volume == 64)
      let out = try header(frame)
      #expect(" \(out) ".contains(" \(written ?? entry) "), "\(out)")
      let again = try self.frame(out)
      #expect(again[key]?.text == text && again["energy"]?.numbers == [-1.5] && again.info.count == 2)
    }
  }

  /// What stands behind an empty value is an entry of its own; written, the empty one is last, as ASE wants it.
  @Test func emptyValuesTakeNothingWithThem() throws {
    let frame = try frame("label= pbc=\"T T F\" tag =  \(Self.cell) n= 3 last=")
    #expect(frame.structure.box.periodic == Periodicity(true, true, false))
    #expect(frame.info.map(\.key) == ["label", "tag", "n", "last"])
    #expect(frame.info.map(\.text) == ["", "", "3", ""])
    #expect(try header(frame).hasSuffix(" n=3 label= tag= last="))
  }

  @Test(arguments: [
    "lattice=\"4 0 0 0 4 0 0 0 4\" PBC=\"T F T\" properties=species:S:1:pos:R:3 e=1",
    "LATTICE='4 0 0 0 4 0 0 0 4' Pbc='T F T' PROPERTIES='species:S:1:pos:R:3' e=1",
    "Lattice = [[4, 0, 0], [0, 4, 0], [0, 0, 4]] pbc = [T, F, T] Properties = \"species:S:1:pos:R:3\" e=1",
    "Lattice={4 0 0 0 4 0 0 0 4} pbc={1 0 1} Properties=Species:S:1:POS:R:3 e=1",
  ]) func knownKeysAreReadInAnyCase(_ line: String) throws {
    let frame = try frame(line)
    #expect(frame.structure.box == Box(lengths: Vector3(4, 4, 4), periodic: Periodicity(true, false, true)))
    #expect(frame.structure.species == ["H"] && frame.info.map(\.key) == ["e"])
    // Other readers know one spelling and double quotes.
    let out = try header(frame)
    #expect(out.contains("Lattice=") && out.contains(" pbc=") && out.contains("Properties=species:S:1:pos:R:3"))
    #expect(!out.contains("'"))
  }

  /// Words that look like keys but are something else.
  @Test(arguments: ["lattice=fcc", "origin=relaxed", "latitude=1", "pbe=0.5", "cell=primitive", "property=3"])
  func otherWordsAreInformation(_ entry: String) throws {
    let frame = try frame("\(Self.cell) \(entry)")
    #expect(frame.info.count == 1 && frame.structure.box.volume == 64 && frame.structure.box.origin == .zero)
  }

  static let nine = "\"4 0 0 0 4 0 0 0 4\""
  @Test(arguments: [
    ("x=1 Latice=\(nine)", 5, "Latice is no key of the format; did you mean Lattice?"),
    ("latttice=\(nine)", 1, "did you mean Lattice"), ("  cell=\(nine)", 3, "did you mean Lattice"),
    ("Box=\"4 4 4\"", 1, "did you mean Lattice"), ("Lattice=\(nine) pcb=\"T T F\"", 29, "did you mean pbc"),
    ("Lattice=\(nine) periodic=\"T T F\"", 29, "did you mean pbc"),
    ("Lattice=\(nine) Orign=\"0 0 1\"", 29, "did you mean Origin"),
    ("Propertys=species:S:1:pos:R:3", 1, "did you mean Properties"), ("lattice=fcc", 1, "Lattice is 'fcc'"),
    ("a=1 Lattice='4 0 0 0 4 0 0 0'", 5, "it must hold 9 numbers"), ("Lattice=", 1, "Lattice is ''"),
    ("Lattice=\(nine) lattice=\(nine)", 29, "Lattice is given twice"), ("pbc=", 1, "pbc is ''"),
    ("Lattice=\(nine) pbc=\"T T\"", 29, "three of T and F"), ("pbc=\"T T T\"", 1, "no cell vector"),
    ("a=1 Lattice=\"4 0 0 0 4 0 4 4 0\"", 5, "no volume"), ("Lattice=\(nine) b='x' a=\"1", 37, "no end"),
    ("Lattice=\(nine) Origin=\"0 0\"", 29, "Origin is '0 0'"), ("Lattice=\(nine) a=1 a=2", 33, "a is given twice"),
    ("Lattice=\(nine) Properties=species:S:1:pos:R:2", 29, "no pos:R:3"),
    ("Lattice=\(nine) Properties=specie:S:1:pos:R:3", 29, "did you mean species"),
    ("Properties=species:S:1:pos:R:3:velocites:R:3", 1, "did you mean velocities"),
    ("Lattice=\(nine) =3", 29, "without a key"),
  ]) func mistakesHaveTheHeadersPlace(_ line: String, _ column: Int, _ part: String) throws {
    // Behind a good frame, so that the place is neither the file's first nor last line.
    let text = "1\n\(Self.cell)\nH 0 0 0\n1\n\(line)\nH 0 0 0\n1\n\(Self.cell)\nH 0 0 0\n"
    let path = directory.file("a.xyz", text)
    let error = try #require(failure { _ = try ExtXYZReader.frames(of: path) })
    #expect(error.description.contains(part), "\(error)")
    #expect(error.location == SourceLocation(file: path, line: 5, column: column), "\(error)")
    #expect(error.kind == .input)
  }

  /// A frame without a cell has none afterwards, and whoever reads it as a structure is told.
  @Test(arguments: ["energy=1", "Properties=species:S:1:pos:R:3 pbc=\"F F F\"", "a molecule, neat", ""])
  func moleculesStayWithoutCell(_ line: String) throws {
    let frame = try frame(line)
    #expect(!frame.hasLattice && frame.structure.box.periodic == .none)
    let out = try header(frame)
    #expect(!out.contains("Lattice") && out.contains("pbc") == line.contains("pbc"))
    #expect(try self.frame(out).structure.box == frame.structure.box)
    let notes = try StructureFile.read(directory.path + "/out.xyz").notes
    #expect(notes.count == 1 && notes[0].contains("out.xyz:2 gives no Lattice: open boundaries"))
    #expect(try StructureFile.read(directory.file("b.xyz", "1\n\(Self.cell)\nH 0 0 0\n")).notes.isEmpty)
    // Moved into a cell it has one.
    var moved = frame
    moved.structure.box = Box(lengths: Vector3(3, 3, 3))
    #expect(try header(moved).contains("Lattice=\"3 0 0 0 3 0 0 0 3\" pbc=\"T T T\""))
  }

  /// Whole numbers serve as reals; names of columns are known in any case.
  @Test func columnsInOtherSpellings() throws {
    let path = directory.file(
      "c.xyz", "1\n\(Self.cell):Velo:I:3:CHARGES:I:1:Image:I:3:Grain:I:1\nH 0 0 0 1 -2 3 -1 1 0 -1 2\n")
    let structure = try StructureFile.read(path)
    #expect(structure.velocities == [Vector3(1, -2, 3)] && structure.charges == [-1])
    #expect(structure.images == [SIMD3(1, 0, -1)] && structure.grains == [2])
  }
}

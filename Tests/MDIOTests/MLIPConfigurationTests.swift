import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

/// Configurations of MLIP: what is read, and that what is written is read again.
@Suite struct MLIPConfigurationTests {
  static let text = """
    BEGIN_CFG
     Size
        3
     Supercell
             4.0      0.1      0.0
             0.2      5.0      0.0
             0.0      0.3      6.0
     AtomData:  id type       cartes_x      cartes_y      cartes_z           fx          fy          fz
                 1    0       0.5      0.25      0.125     0.1    -0.2   0.3
                 2    1       1.5      1.25      1.125     0.4     0.5   0.6
                 3    0       2.5      2.25      2.125    -0.5    -0.3  -0.9
     Energy
            -12.5
     PlusStress:  xx          yy          zz          yz          xz          xy
             1.0     2.0     3.0     4.0     5.0     6.0
     Feature   EFS_by       VASP
     Feature   MV_grade     1.25
    END_CFG

    BEGIN_CFG
     Size
        1
     AtomData:  id type       cartes_x      cartes_y      cartes_z
                 1    1       0.5      0.25      0.125
    END_CFG
    """

  private static func inFolder<T>(_ body: (URL) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  private static func frames(_ text: String, types: [String]? = ["Li", "O"]) throws -> [ExtXYZFrame] {
    try inFolder { folder in
      let file = folder.appendingPathComponent("a.cfg")
      try Data(text.utf8).write(to: file)
      let reader = try FrameFile.reader(file.path, types: types)
      var frames: [ExtXYZFrame] = []
      while let frame = try reader.next() { frames.append(frame) }
      return frames
    }
  }

  @Test("cells, types, positions, results, features; a molecule without a cell")
  func reads() throws {
    let frames = try Self.frames(Self.text)
    #expect(frames.count == 2)
    let s = frames[0].structure
    #expect(s.box.cell.elements == [4, 0.1, 0, 0.2, 5, 0, 0, 0.3, 6] && s.box.periodic == .all)
    #expect(s.types.map { s.species[Int($0)] } == ["Li", "O", "Li"])
    #expect(s.positions[1] == Vector3(1.5, 1.25, 1.125))
    #expect(frames[0]["ref_energy"]?.numbers == [-12.5])
    #expect(frames[0]["ref_virial"]?.numbers == [1, 6, 5, 6, 2, 4, 5, 4, 3])
    #expect(frames[0].column("ref_forces")?.reals == [0.1, -0.2, 0.3, 0.4, 0.5, 0.6, -0.5, -0.3, -0.9])
    #expect(frames[0]["MV_grade"]?.numbers == [1.25] && frames[0]["EFS_by"]?.text == "VASP")
    #expect(frames[1].structure.box.periodic == .none && frames[1]["ref_energy"] == nil)
  }

  @Test("fractional coordinates, rows for some axes only, the other sign of stress")
  func variants() throws {
    let direct = Self.text.replacingOccurrences(of: "cartes_", with: "direct_")
      .components(separatedBy: "\n\n")[0] + "\n"
    let r = try Self.frames(direct)[0].structure.positions[0]
    #expect((r - Vector3(0.5 * 4 + 0.25 * 0.2, 0.5 * 0.1 + 0.25 * 5 + 0.125 * 0.3, 0.125 * 6)).length < 1e-14)
    let slab = Self.text.replacingOccurrences(of: "         0.0      0.3      6.0\n", with: "")
      .replacingOccurrences(of: "PlusStress:  xx", with: "Stress:  xx")
      .replacingOccurrences(of: "yz          xz          xy", with: "zy          zx          yx")
    let frame = try Self.frames(slab)[0]
    #expect(frame.structure.box.periodic == Periodicity(true, true, false))
    #expect(frame["ref_virial"]?.numbers?.prefix(2) == [-1, -6])
  }

  @Test("mistakes are named with their line", arguments: [
    ("    3\n Supercell", "    4\n Supercell", ":12", "announced"), ("Size\n    3", "Size\n    0", ":3", "size"),
    ("0.25      0.125     0.1", "0.25      nan     0.1", ":9", "nan"), ("Energy", "Enrgy", ":12", "Enrgy"),
    ("        1    1", "        1    7", ":25", "types 0 to 1"),
    ("BEGIN_CFG\n Size\n    1\n", "Size\n", ":20", "BEGIN_CFG"),
    ("xx          yy", "xx          xx", ":14", "must be xx"), ("zz          yz", "zz   1 yz", ":14", "must be xx"),
    ("id type ", "id typ ", ":8", "type"), ("EFS_by", "Lattice", ":16", "Lattice"),
    ("        1    1       0.5      0.25      0.125\nEND_CFG", "        1    1", ":24", "announced"),
  ])
  func mistakes(_ fault: (String, String, String, String)) throws {
    #expect(Self.text.contains(fault.0))
    let text = Self.text.replacingOccurrences(of: fault.0, with: fault.1)
    #expect { try Self.frames(text) } throws: { "\($0)".contains(fault.2) && "\($0)".contains(fault.3) }
  }

  @Test("a structure file with several frames gives its last, or the one that is asked for")
  func structures() throws {
    try Self.inFolder { folder in
      let (cfg, xyz) = (folder.appendingPathComponent("a.cfg"), folder.appendingPathComponent("a.xyz"))
      try Data(Self.text.utf8).write(to: cfg)
      try Data("1\n\nO 1 2 3\n2\n\nLi 1 2 3\nO 3 4 5\n3\n\nO 1 2 3\nO 3 4 5\nO 6 6 6\n".utf8).write(to: xyz)
      #expect(try StructureFile.read(cfg.path, types: ["Li", "O"]).count == 1)
      #expect(try StructureFile.read(cfg.path, species: ["Li", "O"], frame: 0).count == 3)
      #expect(try StructureFile.read(xyz.path).count == 3)
      #expect(try StructureFile.read(xyz.path, frame: -2).count == 2)
      #expect(throws: FaultlineError.self) { try StructureFile.read(cfg.path) }
    }
  }

  @Test("types must be known")
  func types() { #expect { try Self.frames(Self.text, types: nil) } throws: { "\($0)".contains("elements") } }

  @Test("what is written is read again, to the bit")
  func roundTrip() throws {
    try Self.inFolder { folder in
      var frame = try Self.frames(Self.text)[0]
      frame["energy"] = ExtXYZEntry("energy", -1.0 / 3)
      frame["virial"] = ExtXYZEntry("virial", [1, 2, 3, 2, 5, 6, 3, 6, 9].map { Double($0) / 7 })
      frame["grade"] = ExtXYZEntry("grade", 2.5)
      frame.set(ExtXYZColumn("forces", width: 3, .reals((0..<9).map { Double($0) / 3 })))
      frame.set(ExtXYZColumn("grade", .reals([1, 2.5, 0.5])))
      let path = folder.appendingPathComponent("b.cfg").path
      let writer = try FrameFile.writer(path, named: path, types: ["Na", "O", "Li"])
      try writer.write(frame)
      try writer.write(frame)
      try writer.finish()
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.contains("fx fy fz nbh_grades") && text.contains("MV_grade       2.5"))
      let reader = try FrameFile.reader(path, types: ["Na", "O", "Li"])
      for _ in 0..<2 {
        let again = try #require(try reader.next())
        #expect(again.structure.positions == frame.structure.positions)
        #expect(again.structure.box.cell == frame.structure.box.cell)
        #expect(again.structure.types.map { again.structure.species[Int($0)] } == ["Li", "O", "Li"])
        #expect(again["ref_energy"]?.numbers == [-1.0 / 3])
        #expect(again["ref_virial"]?.numbers == frame["virial"]?.numbers)
        #expect(again.column("ref_forces")?.reals == (0..<9).map { Double($0) / 3 })
        #expect(again["MV_grade"]?.numbers == [2.5] && again.info.filter { $0.key == "MV_grade" }.count == 1)
        #expect(again["EFS_by"]?.text == "Faultline")
      }
      #expect(try reader.next() == nil)
      // A species may be an element under another name; without periodic axes there is no cell.
      var molecule = try Self.frames(Self.text)[1]
      molecule.structure.species = ["Li1", "Ox"]
      let file = folder.appendingPathComponent("d.cfg").path
      let own = try FrameFile.writer(file, named: file, types: MLIPTypes(["Li", "O"], elements: ["Ox": "O"]))
      try own.write(molecule)
      try own.finish()
      #expect(try !String(contentsOfFile: file, encoding: .utf8).contains("Supercell"))
      let read = try #require(try FrameFile.reader(file, types: ["Li", "O"]).next())
      #expect(read.structure.types == [1] && read.structure.box.periodic == .none)
      #expect(throws: FaultlineError.self) {
        let other = folder.appendingPathComponent("c.cfg").path
        try FrameFile.writer(other, named: other, types: ["Na", "O"]).write(frame)
      }
    }
  }

  @Test("a trajectory's frames, in pieces, with the virial from the stress")
  func trajectory() throws {
    try Self.inFolder { folder in
      let path = folder.appendingPathComponent("t.cfg").path
      let writer = TrajectoryWriter(MLIPTrajectoryText(types: ["O", "Li"]), try OutputFile(path))
      let box = Box(lengths: Vector3(2, 3, 4))
      try writer.begin(
        TrajectoryFrame(
          step: 7, time: 1, atomCount: 2, box: box, species: ["Li", "O"],
          columns: [.init("forces", .vector), .init("grade", .scalars(1))],
          info: [ExtXYZEntry("energy", -3.0), ExtXYZEntry("stress", [1, 0, 0, 0, 1, 0.5, 0, 0.5, 1].map { -$0 / 24 })]))
      for k in 0..<2 {
        let (ids, types, positions) = ([Int64(k + 1)], [Int32(k)], [Vector3(0.5, Double(k), 1)])
        let (forces, grade) = ([1.0, 2, Double(k)], [Double(k) + 0.5])
        try ids.withUnsafeBufferPointer { a in
          try types.withUnsafeBufferPointer { b in
            try positions.withUnsafeBufferPointer { c in
              try forces.withUnsafeBufferPointer { d in
                try grade.withUnsafeBufferPointer { e in
                  try writer.append(
                    TrajectoryChunk(
                      count: 1, ids: a.baseAddress!, types: b.baseAddress!, positions: c.baseAddress!,
                      values: [d.baseAddress!, e.baseAddress!], strides: [3, 1]))
                }
              }
            }
          }
        }
      }
      try writer.end()
      try writer.finish()
      let reader = try FrameFile.reader(path, types: ["O", "Li"])
      let frame = try #require(try reader.next())
      #expect(frame.structure.types == [1, 0] && frame["step"]?.numbers == [7])
      let virial = try #require(frame["ref_virial"]?.numbers)
      for (a, b) in zip(virial, [1, 0, 0, 0, 1, 0.5, 0, 0.5, 1]) { #expect(abs(a - b) < 1e-14) }
      #expect(frame.column("ref_forces")?.reals == [1, 2, 0, 1, 2, 1])
    }
  }
}

import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

@Suite struct OutputTests {
  let directory = TemporaryDirectory()

  func writer(_ kind: String, _ file: OutputFile) -> TrajectoryWriter {
    TrajectoryWriter(kind == "dump" ? LammpsDumpText() : ExtXYZText(), file)
  }

  /// Writes the structure in chunks of two atoms.
  func write(_ s: Structure, step: Int, to writer: TrajectoryWriter) throws {
    let columns = [
      TrajectoryColumn("velo", .vector), TrajectoryColumn("charges", .scalars(1)), TrajectoryColumn("virials", .tensor),
    ]
    try writer.begin(
      TrajectoryFrame(
        step: step, time: Double(step) / 1000, atomCount: s.count, box: s.box, species: s.species, hasImages: true,
        columns: columns, info: [ExtXYZEntry("note", "two words")]))
    let tensors = (0..<(9 * s.count)).map { Double($0 + 1) }
    for first in stride(from: 0, to: s.count, by: 2) {
      let range = first..<min(first + 2, s.count)
      let velocities = Array(s.velocities![range])
      let charges = Array(s.charges![range])
      try Array(s.ids![range]).withUnsafeBufferPointer { ids in
        try Array(s.types[range]).withUnsafeBufferPointer { types in
          try Array(s.positions[range]).withUnsafeBufferPointer { positions in
            try Array(s.images![range]).withUnsafeBufferPointer { images in
              try velocities.withUnsafeBytes { v in
                try charges.withUnsafeBufferPointer { q in
                  try tensors.withUnsafeBufferPointer { w in
                    try writer.append(
                      TrajectoryChunk(
                        count: range.count, ids: ids.baseAddress!, types: types.baseAddress!,
                        positions: positions.baseAddress!, images: images.baseAddress!,
                        values: [
                          v.baseAddress!.assumingMemoryBound(to: Double.self), q.baseAddress!,
                          w.baseAddress! + 9 * first,
                        ], strides: [4, 1, 9]))
                  }
                }
              }
            }
          }
        }
      }
    }
    try writer.end()
  }

  @Test(arguments: ["t.extxyz", "t.extxyz.gz"]) func extendedXYZIsReadAgain(_ name: String) throws {
    let s = Cells.structure(Cells.boxes[2])
    let path = directory.path + "/" + name
    let writer = writer("xyz", try OutputFile(path))
    for step in [0, 500] { try write(s, step: step, to: writer) }
    try writer.finish()
    let frames = try ExtXYZReader.frames(of: path)
    #expect(frames.map { $0["step"]?.text } == ["0", "500"])
    for frame in frames {
      #expect(frame.structure.positions == s.positions && frame.structure.velocities == s.velocities)
      #expect(frame.structure.ids == s.ids && frame.structure.images == s.images && frame.structure.box == s.box)
      #expect(frame["note"]?.text == "two words")
      #expect(frame.column("virials")?.reals == (0..<(9 * s.count)).map { Double($0 + 1) })
    }
  }

  /// The frame as LAMMPS documents it: bounds of the bounding box, vectors turned with the cell.
  @Test func dumpIsInTheFrameOfLammps() throws {
    let path = directory.path + "/t.dump"
    let writer = writer("dump", try OutputFile(path))
    // a along y, b along −x: a quarter turn, and so x' = y, y' = −x.
    var s = Cells.structure(Box(cell: Matrix3([0, 4, 0, -5, 1, 0, 0, 0, 6])))
    s.positions[0] = Vector3(-2, 1, 3)
    s.velocities![0] = Vector3(7, 8, 9)
    try write(s, step: 10, to: writer)
    try writer.finish()
    let lines = try path.fileText.split(separator: "\n").map(String.init)
    #expect(
      lines[..<8] == [
        "ITEM: TIMESTEP", "10", "ITEM: NUMBER OF ATOMS", "5",
        "ITEM: BOX BOUNDS xy xz yz pp pp pp", "0 5 1", "0 5 0", "0 6 0",
      ])
    #expect(
      lines[8] == "ITEM: ATOMS id type element x y z ix iy iz vx vy vz q "
        + (1...9).map { "virials[\($0)]" }.joined(separator: " "))
    // W = [[1,2,3],[4,5,6],[7,8,9]] turned: W'xx = Wyy, W'xy = −Wyx, …
    #expect(lines[9] == "3 1 Cu 1 2 3 0 1 -2 8 -7 9 0.5 5 -4 6 -2 1 -3 8 -7 9")
    #expect(lines.count == 9 + 5)
  }

  /// In any cell: distances between unwrapped atoms, velocities and tensors relative to them, places in the lattice.
  /// The box is read as LAMMPS documents it (Howto_triclinic), from the bounds of its bounding box.
  @Test(arguments: Cells.boxes) func dumpKeepsTheGeometry(_ box: Box) throws {
    let s = Cells.structure(box)
    let path = directory.path + "/g.dump"
    let writer = writer("dump", try OutputFile(path))
    try write(s, step: 3, to: writer)
    try writer.finish()
    let lines = try path.fileText.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let rows = lines[5..<8].map { $0.map { Double($0)! } }
    let isTilted = lines[4].contains("xy")
    #expect(lines[4].suffix(3) == ["pp", "pp", "pp"] && rows.allSatisfy { $0.count == (isTilted ? 3 : 2) })
    let (xy, xz, yz) = isTilted ? (rows[0][2], rows[1][2], rows[2][2]) : (0, 0, 0)
    let low = Vector3(rows[0][0] - min(0, xy, xz, xy + xz), rows[1][0] - min(0, yz), rows[2][0])
    let high = Vector3(rows[0][1] - max(0, xy, xz, xy + xz), rows[1][1] - max(0, yz), rows[2][1])
    let cell = Matrix3(
      Vector3(high.x - low.x, 0, 0), Vector3(xy, high.y - low.y, 0), Vector3(xz, yz, high.z - low.z))
    let written = Box(cell: cell, origin: low)
    #expect(abs(written.volume - box.volume) < 1e-12 * box.volume)

    struct Atom {
      var position, unwrapped, velocity: Vector3
      var virial: Matrix3
    }
    let after = lines[9...].map { line -> Atom in
      let x = line[3...].map { Double($0)! }
      let r = Vector3(x[0], x[1], x[2])
      return Atom(
        position: r, unwrapped: r + Vector3(x[3], x[4], x[5]) * cell, velocity: Vector3(x[6], x[7], x[8]),
        virial: Matrix3(Array(x[10...])))
    }
    let before = (0..<s.count).map { i -> Atom in
      let n = s.images![i]
      return Atom(
        position: s.positions[i], unwrapped: s.positions[i] + Vector3(Double(n.x), Double(n.y), Double(n.z)) * box.cell,
        velocity: s.velocities![i],
        virial: Matrix3((0..<9).map { Double(9 * i + $0 + 1) }))
    }
    #expect(after.count == before.count)
    for (a, b) in zip(before, after) {
      let (p, q) = (box.fractional(a.position), written.fractional(b.position))
      let sign: Double = box.cell.determinant < 0 ? -1 : 1
      for k in 0..<3 {
        let moved = q[k] - sign * p[k]
        #expect(abs(moved - moved.rounded()) < 1e-13)
      }
      for (c, d) in zip(before, after) {
        let (e, f) = (c.unwrapped - a.unwrapped, d.unwrapped - b.unwrapped)
        #expect(abs(e.length - f.length) < 1e-12)
        #expect(abs(dot(e, a.velocity) - dot(f, b.velocity)) < 1e-10)
        #expect(abs(dot(e * a.virial, e) - dot(f * b.virial, f)) < 1e-9)
      }
    }
  }

  /// Resuming: what was written after the offset goes away, and the file is the same as one written without a break.
  @Test(arguments: ["t.extxyz", "t.extxyz.gz", "t.dump", "t.dump.gz"]) func resumedFileIsTheSame(_ name: String) throws
  {
    let s = Cells.structure(Cells.boxes[0])
    let kind = name.contains("dump") ? "dump" : "xyz"
    let (whole, broken) = (directory.path + "/whole-" + name, directory.path + "/broken-" + name)
    let straight = writer(kind, try OutputFile(whole))
    for step in 0..<4 { try write(s, step: step, to: straight) }
    try straight.finish()

    let first = writer(kind, try OutputFile(broken))
    for step in 0..<2 { try write(s, step: step, to: first) }
    try first.synchronize()
    let offset = first.offset
    try write(s, step: 99, to: first)
    try first.finish()
    let second = writer(kind, try OutputFile(broken, mode: .append(truncatingTo: offset)))
    #expect(second.offset == offset)
    for step in 2..<4 { try write(s, step: step, to: second) }
    try second.finish()
    #expect(try broken.fileBytes == whole.fileBytes)

    let error = try #require(failure { _ = try OutputFile(broken, mode: .append(truncatingTo: 1 << 30)) })
    #expect(error.kind == .run && error.description.contains(broken))
  }

  /// /dev/full refuses every byte, as a full disk does.
  @Test func fullDiskIsNamed() throws {
    let file = try OutputFile("/dev/full")
    let error = try #require(failure { try file.write("x") })
    #expect(
      error.kind == .run && error.description == "cannot write to /dev/full: No space left on device; the disk is full")
  }

  @Test func freeSpaceIsThatOfTheParent() throws {
    let here = try DiskSpace.available(directory.path)
    #expect(here > 0)
    #expect(abs(try DiskSpace.available(directory.path + "/not/yet/there") - here) < 1 << 30)
  }

  @Test func tableIsAppendedTo() throws {
    let path = directory.path + "/thermo.csv"
    let columns = ["step", "energy, eV"]
    let first = try CSVWriter(path, columns: columns)
    try first.write([0, -1.0 / 3])
    try first.synchronize()
    let offset = first.offset
    try first.write([1000, .nan])
    try first.finish()
    #expect(try path.fileText == "step,\"energy, eV\"\n0,-0.33333333333333331\n1000,nan\n")
    let second = try CSVWriter(path, columns: columns, mode: .append(truncatingTo: offset))
    try second.write([1_000_000, 2.5])
    try second.finish()
    #expect(try path.fileText == "step,\"energy, eV\"\n0,-0.33333333333333331\n1000000,2.5\n")
    #expect(failure { _ = try CSVWriter(path, columns: ["a"], mode: .append(truncatingTo: offset)) }?.kind == .run)
    // Headings of an earlier version stay as they are; any others are refused.
    let old = try String(contentsOfFile: path, encoding: .utf8)
    let size = old.utf8.count
    try CSVWriter(path, columns: columns.map { $0 + " [eV]" }, formerly: columns, mode: .append(truncatingTo: size)).finish()
    #expect(try String(contentsOfFile: path, encoding: .utf8) == old)
    #expect(failure { _ = try CSVWriter(path, columns: ["a"], formerly: ["b"], mode: .append(truncatingTo: size)) }?.kind == .run)
  }

  @Test func jsonGoesBothWays() throws {
    struct Report: Codable, Equatable {
      var name: String
      var values: [Double]
    }
    let path = directory.path + "/run.json"
    let report = Report(name: "a \"b\" /", values: [0.1, -1.0 / 3, 1e-300, .infinity])
    try AtomicFile.writeJSON(report, to: path)
    #expect(try AtomicFile.readJSON(Report.self, from: path) == report)
    #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
    #expect(failure { _ = try AtomicFile.readJSON(Report.self, from: path + "x") }?.kind == .input)
    #expect(failure { try AtomicFile.writeJSON(report, to: "/nowhere/run.json") }?.kind == .run)
  }
}

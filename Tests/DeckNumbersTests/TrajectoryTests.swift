import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Every kind of column in both formats, plain and gzipped: what the test integrates and sums by itself.
@Suite("Deck → numbers: trajectories") struct TrajectoryTests {
  /// Fast atoms in a small cell: they cross its faces in a few steps.
  static let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6, speed: 30, seed: 3)
  static let deck = """
    structure: {file: {path: start.extxyz}}
    potential: \(ThermoTests.rareGasDeck)
    groups:
      low: {select: {ids: [1, 3]}}
      third: {select: {ids: [3, 5]}, thermostat: false}
      krypton: {select: {species: [Kr]}}
    stages: [{dynamics: {steps: 60, timestep: 4 fs}}]
    output:
      trajectories:
        - {file: wrapped.extxyz, every: 20, columns: [velocities, forces, energies, virials, images, groups]}
        - {file: followed.xyz.gz, every: 20, columns: [velocities], unwrapped: true}
        - {file: wrapped.dump, every: 20, columns: [velocities, forces, energies, virials, images, groups]}
        - {file: followed.lammpstrj.gz, every: 20, unwrapped: true, columns: [forces]}
        - {file: named.txt, every: 60, format: lammps-dump}
        - {file: other.txt, every: 30, format: extxyz}
    """

  static func run(ranks: Int) throws -> DeckRun {
    try DeckRun(deck, files: ["start.extxyz": Sample.text(start)], ranks: ranks)
  }

  @Test(arguments: [1, 3]) func integratedByTheTest(ranks: Int) throws {
    let run = try Self.run(ranks: ranks)
    let frames = try run.frames("wrapped.extxyz")
    let followed = try run.frames("followed.xyz.gz")
    #expect(frames.map(\.step) == [0, 20, 40, 60] && followed.map(\.step) == [0, 20, 40, 60])
    #expect(distance(frames.map(\.time), [0, 0.08, 0.16, 0.24]) < 1e-14)
    var own = PlainDynamics(Self.start, masses: Sample.masses(Self.start)) { ThermoTests.rareGases.evaluate($0) }
    var crossed = 0
    for (k, (frame, unwrapped)) in zip(frames, followed).enumerated() {
      if k > 0 { for _ in 0..<20 { own.step(0.004) } }
      #expect(frame.names == Self.start.types.map { Self.start.species[Int($0)] })
      // 60 steps amplify rounding to some 1e-11.
      #expect(distance(unwrapped.positions, own.structure.positions) < 1e-9)
      #expect(distance(frame.velocities, own.velocities) < 1e-8)
      #expect(distance(unwrapped.velocities, own.velocities) < 1e-8)
      // Wrapped positions lie in the cell, and with their images they are the unwrapped ones.
      let box = frame.structure.box
      let images = try #require(frame.structure.images)
      for (r, (n, follow)) in zip(frame.positions, zip(images, unwrapped.positions)) {
        let s = box.fractional(r)
        for axis in 0..<3 { #expect(s[axis] > -1e-12 && s[axis] < 1 + 1e-12) }
        let whole = r + Double(n.x) * box.cell.x + Double(n.y) * box.cell.y + Double(n.z) * box.cell.z
        #expect((whole - follow).length < 1e-11)
        crossed += n == .zero ? 0 : 1
      }
      try expectColumns(frame)
    }
    #expect(crossed > 5, "the test needs atoms that cross faces")
  }

  /// Forces, energies and virials of a frame by the test's own sums over the frame's positions.
  private func expectColumns(_ frame: Frame) throws {
    let model = ThermoTests.rareGases.evaluate(frame.structure)
    #expect(distance(frame.forces, model.forces) < 1e-11)
    #expect(distance(frame.reals("energies"), model.energies) < 1e-12)
    let virials = frame.tensors("virials")
    #expect(distance(virials.flatMap(\.elements), model.virials.flatMap(\.elements)) < 1e-11)
    let sum = virials.reduce(Matrix3.zero, +)
    #expect(distance(sum.elements, model.virial.elements) < 1e-10)
    #expect(abs(sum.x.y) > 1e-3 && abs(sum.x.y - sum.x.z) > 1e-3 && abs(sum.x.y - sum.y.z) > 1e-3)
    let bits = frame.names.indices.map { i in
      (i < 3 ? 1.0 : 0) + ((2...4).contains(i) ? 2 : 0) + (frame.names[i] == "Kr" ? 4 : 0)
    }
    #expect(frame.reals("groups") == bits)
  }

  /// The dump holds the same, turned so that a is along x and b in the xy plane.
  @Test func dumps() throws {
    let run = try Self.run(ranks: 2)
    let frames = try run.frames("wrapped.extxyz")
    let followed = try run.frames("followed.xyz.gz")
    let dumps = try DumpFrame.read(run.path("run/wrapped.dump"))
    let dumpsFollowed = try DumpFrame.read(run.path("run/followed.lammpstrj.gz"))
    try #require(dumps.count == 4 && dumpsFollowed.count == 4)
    for (k, dump) in dumps.enumerated() {
      let (frame, cell) = (frames[k], frames[k].structure.box.cell)
      #expect(dump.step == frame.step)
      // LAMMPS's cell from lengths and angles alone.
      let ax = cell.x.length
      let bx = dot(cell.x, cell.y) / ax
      let by = (cell.y.squaredLength - bx * bx).squareRoot()
      let cx = dot(cell.x, cell.z) / ax
      let cy = (dot(cell.y, cell.z) - bx * cx) / by
      let cz = (cell.z.squaredLength - cx * cx - cy * cy).squareRoot()
      let turned = Matrix3(Vector3(ax, 0, 0), Vector3(bx, by, 0), Vector3(cx, cy, cz))
      #expect(distance(dump.cell.elements, turned.elements) < 1e-12)
      let turn = cell.inverse * turned
      #expect(distance(dump.vectors(["vx", "vy", "vz"]), frame.velocities.map { $0 * turn }) < 1e-11)
      #expect(distance(dump.vectors(["fx", "fy", "fz"]), frame.forces.map { $0 * turn }) < 1e-12)
      let origin = dump.origin
      #expect(distance(dump.vectors(["x", "y", "z"]).map { $0 - origin }, frame.positions.map { $0 * turn }) < 1e-11)
      #expect(distance(dump.column("energies"), frame.reals("energies")) < 1e-13)
      let virials = frame.tensors("virials").map { turn.transpose * $0 * turn }
      for c in 0..<9 { #expect(distance(dump.column("virials[\(c + 1)]"), virials.map { $0.elements[c] }) < 1e-12) }
      #expect(dump.column("groups") == frame.reals("groups"))
      #expect(dump.column("id") == (1...8).map { Double($0) })
      #expect(dump.names == frame.names)
      let images = try #require(frame.structure.images)
      #expect(dump.vectors(["ix", "iy", "iz"]) == images.map { Vector3(Double($0.x), Double($0.y), Double($0.z)) })
      let follow = dumpsFollowed[k]
      let unwrapped = follow.vectors(["xu", "yu", "zu"]).map { $0 - origin }
      #expect(distance(unwrapped, followed[k].positions.map { $0 * turn }) < 1e-11)
      #expect(distance(follow.vectors(["fx", "fy", "fz"]), frame.forces.map { $0 * turn }) < 1e-12)
    }
    // The format by key where the name says nothing.
    #expect(try DumpFrame.read(run.path("run/named.txt")).map(\.step) == [0, 60])
    #expect(try run.frames("other.txt").map(\.step) == [0, 30, 60])
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: run.path("run/followed.xyz.gz"))).prefix(2) == Data([0x1F, 0x8B]))
    let other = try run.frames("other.txt")[0]
    #expect(other.source.column("forces") == nil && other.velocities.isEmpty)
  }

  /// A relaxation's end is a frame whatever its step; charges come from the structure.
  @Test func relaxedFrameAndCharges() throws {
    var s = Sample.crystal(["Na", "Cl"], spacing: 3.3, cells: [1, 1, 1])
    s.charges = [0.7, -0.4, -0.5, 0.2]
    s.velocities = nil
    let run = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: [{coulomb: {method: ewald, accuracy: 1e-12, cutoff: 7}},
        {lennard_jones: {cutoff: 7, mixing: geometric, pairs: [
        {species: [Na, Na], epsilon: 0.05, sigma: 2.6}, {species: [Cl, Cl], epsilon: 0.05, sigma: 3.4}]}}]
      stages: [{minimize: {max_steps: 7, force_tolerance: 1e-9}}, {dynamics: {steps: 4}}]
      output:
        trajectories:
          - {file: t.extxyz, every: 5, columns: [charges, forces]}
          - {file: t.dump, every: 11, columns: [charges]}
      """, files: ["start.extxyz": Sample.text(s)], ranks: 2)
    let frames = try run.frames("t.extxyz")
    #expect(frames.map(\.step) == [0, 5, 7, 10])
    for frame in frames {
      #expect(frame.structure.charges == s.charges)
      let pairs = PairModel([
        ("Na", "Na", .lennardJones(0.05, 2.6, cutoff: 7).shifted),
        ("Cl", "Cl", .lennardJones(0.05, 3.4, cutoff: 7).shifted),
        ("Na", "Cl", .lennardJones(0.05, (2.6 * 3.4).squareRoot(), cutoff: 7).shifted),
      ]).evaluate(frame.structure)
      let model = pairs + PlainEwald([0.7, -0.4, -0.5, 0.2]).evaluate(frame.structure)
      #expect(distance(frame.forces, model.forces) < 1e-9)
    }
    let dumps = try DumpFrame.read(run.path("run/t.dump"))
    #expect(dumps.map(\.step) == [0, 7, 11] && dumps[1].column("q") == s.charges)
  }
}

/// A frame of a LAMMPS text dump, read by its manual.
struct DumpFrame {
  var step = 0
  var origin = Vector3.zero
  var cell = Matrix3.identity
  private var columns: [String: [Double]] = [:]
  var names: [String] = []

  func column(_ name: String) -> [Double] { columns[name] ?? [] }
  func vectors(_ names: [String]) -> [Vector3] {
    let parts = names.map(column)
    return parts[0].indices.map { i in Vector3(parts[1].isEmpty ? .nan : parts[0][i], parts[1][i], parts[2][i]) }
  }

  static func read(_ path: String) throws -> [DumpFrame] {
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    if path.hasSuffix(".gz") { data = try gunzip(path) }
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    var frames: [DumpFrame] = []
    var frame = DumpFrame()
    var count = 0
    var k = 0
    while k < lines.count {
      let item = lines[k]
      k += 1
      if item.hasPrefix("ITEM: TIMESTEP") {
        frame.step = Int(lines[k]) ?? -1
        k += 1
      } else if item.hasPrefix("ITEM: NUMBER") {
        count = Int(lines[k]) ?? 0
        k += 1
      } else if item.hasPrefix("ITEM: BOX BOUNDS") {
        let rows = (0..<3).map { lines[k + $0].split(separator: " ").compactMap { Double($0) } }
        k += 3
        let tilt = rows.map { $0.count > 2 ? $0[2] : 0 }
        let (xy, xz, yz) = (tilt[0], tilt[1], tilt[2])
        frame.origin = Vector3(
          rows[0][0] - min(0, xy, xz, xy + xz), rows[1][0] - min(0, yz), rows[2][0])
        let high = Vector3(rows[0][1] - max(0, xy, xz, xy + xz), rows[1][1] - max(0, yz), rows[2][1])
        let d = high - frame.origin
        frame.cell = Matrix3(Vector3(d.x, 0, 0), Vector3(xy, d.y, 0), Vector3(xz, yz, d.z))
      } else if item.hasPrefix("ITEM: ATOMS") {
        let header = item.split(separator: " ").dropFirst(2).map(String.init)
        for line in lines[k..<(k + count)] {
          for (name, field) in zip(header, line.split(separator: " ")) {
            if name == "element" {
              frame.names.append(String(field))
            } else {
              frame.columns[name, default: []].append(Double(field) ?? .nan)
            }
          }
        }
        k += count
        frames.append(frame)
        frame = DumpFrame()
      }
    }
    return frames
  }

  private static func gunzip(_ path: String) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gzip", "-dc", path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return data
  }
}

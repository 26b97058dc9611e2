import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// `evaluate`: energy, virial, forces, energies by the test's own sums; what came in goes out.
@Suite("Deck → numbers: evaluate") struct EvaluateTests {
  /// - Parameter tolerance: relative to the largest, at least to 1.
  static func expect(_ frame: Frame, _ model: ModelResult, of s: Structure, tolerance: Double = 1e-11) throws {
    let force = max(1, model.forces.map(\.length).max() ?? 0)
    #expect(isClose(frame.number("energy"), model.energy, tolerance), "\(frame.number("energy")), \(model.energy)")
    #expect(distance(frame.forces, model.forces) < tolerance * force, "\(distance(frame.forces, model.forces))")
    #expect(distance(frame.reals("energies"), model.energies) < tolerance * max(1, abs(model.energy)))
    #expect(distance(frame.positions, s.positions) == 0)
    guard s.box.periodic.isFull else {
      #expect(frame.source["virial"] == nil)
      return
    }
    let virial = frame.source["virial"]?.numbers ?? []
    let scale = max(1, model.virial.elements.map(abs).max() ?? 0)
    #expect(distance(virial, model.virial.elements) < 10 * tolerance * scale)
  }

  /// Frames in their order, atoms by what stands in the file and not by their ids; header and columns are kept, a stale
  /// energy is replaced; a frame without a cell is open.
  @Test(arguments: [1, 3]) func keepsOrderAndEntries(ranks: Int) throws {
    var s = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
    s.velocities = nil
    let ids = [40, 7, 3, 12, 5, 100, 1, 2]
    func text(_ s: Structure, _ name: String) -> String {
      var lines = Sample.text(s).split(separator: "\n").map(String.init)
      lines[1] += ":id:I:1:weight:R:1 label=\(name) energy=-999 virial=\"9 9 9 9 9 9 9 9 9\""
      for i in 0..<s.count { lines[2 + i] += " \(ids[i]) \(0.5 * Double(i))" }
      return lines.joined(separator: "\n") + "\n"
    }
    var far = s
    far.positions = far.positions.map { $0 + 3 * s.box.cell.x - 2 * s.box.cell.z }
    let cluster = Structure(
      box: Box(lengths: Vector3(30, 30, 30), periodic: .none), species: s.species, types: s.types,
      positions: s.positions)
    let open =
      "8\nProperties=species:S:1:pos:R:3 label=open\n"
      + (0..<8).map { i in
        "\(s.species[Int(s.types[i])]) \(s.positions[i].x) \(s.positions[i].y) \(s.positions[i].z)\n"
      }.joined()
    let run = try DeckRun(files: ["in.xyz": text(s, "first") + text(far, "moved") + open])
    let frames = try run.evaluate("potential: \(ThermoTests.rareGasDeck)", frames: "in.xyz", ranks: ranks).map {
      Frame($0)
    }
    try #require(frames.count == 3)
    #expect(frames.map { $0.source["label"]?.text } == ["first", "moved", "open"])
    let model = ThermoTests.rareGases.evaluate(s)
    try Self.expect(frames[0], model, of: s)
    try Self.expect(frames[1], model, of: far, tolerance: 1e-10)
    try Self.expect(frames[2], ThermoTests.rareGases.evaluate(cluster), of: cluster)
    for frame in frames[..<2] {
      #expect(frame.structure.ids?.map { Int($0) } == ids)
      #expect(frame.reals("weight") == (0..<8).map { 0.5 * Double($0) })
      #expect(frame.names == s.types.map { s.species[Int($0)] })
    }
  }

  /// Dimers far from one another, φ(r) = a (2 Å/r − 1): numbers each, while the energies' sum, or the virial where φ
  /// is 0, is none.
  @Test(arguments: [1, 2]) func sumsBeyondNumbers(ranks: Int) throws {
    let (a, step) = (2e306, 0.02)
    var table = "1\n2\n3\n1 Ar\n5 0.02 201 \(step) 4\n18 39.95 5.3 fcc\n" + String(repeating: "0\n", count: 5 + 201)
    for k in 0..<201 { table += "\(a * (2 - Double(k) * step))\n" }
    let cases: [(String?, Double, Int)] = [("energy", 1, 200), ("virial", 2, 200), (nil, 1, 1), (nil, 2, 1)]
    for (what, r, dimers) in cases {
      var frame = "\(2 * dimers)\nLattice=\"\(10 * dimers) 0 0 0 10 0 0 0 10\" Properties=species:S:1:pos:R:3\n"
      for k in 0..<dimers { frame += "Ar \(10 * k + 1) 1 1\nAr \(Double(10 * k + 1) + r) 1 1\n" }
      let run = try DeckRun(files: ["a.eam.alloy": table, "in.extxyz": frame])
      func evaluate() throws -> Frame {
        Frame(try run.evaluate("potential: [{eam: {file: a.eam.alloy}}]", frames: "in.extxyz", ranks: ranks)[0])
      }
      guard let what else {
        let forces = try evaluate().forces
        // φ′ = −2a/r².
        #expect(abs(forces[1].x * r * r / (2 * a) - 1) < 1e-9 && abs(forces[0].x / forces[1].x + 1) < 1e-9)
        continue
      }
      let error = #expect(throws: FaultlineError.self) { _ = try evaluate() }
      #expect(error?.message.hasPrefix("the \(what) of the frame at ") == true, "\(String(describing: error))")
      #expect(error?.kind == .run && !run.exists("out.extxyz"))
    }
  }

  /// Energies add up to the energy, and forces are its derivative: from single points alone.
  @Test func forcesAreDerivatives() throws {
    let s = Sample.crystal(["Na", "Cl"], spacing: 3.3, cells: [1, 1, 1])
    let h = 1e-3
    var text = Sample.text(s)
    for axis in 0..<3 {
      for sign in [-2.0, -1, 1, 2] {
        var moved = s
        moved.positions[2][axis] += sign * h
        text += Sample.text(moved)
      }
    }
    let run = try DeckRun(files: ["in.extxyz": text])
    let frames = try run.evaluate(
      "species: {Na: {charge: 1}, Cl: {charge: -1}}\npotential: \(ThermoTests.saltDeck)", frames: "in.extxyz"
    ).map { Frame($0) }
    try Self.expect(frames[0], ThermoTests.saltModel(s), of: s)
    for axis in 0..<3 {
      let e = frames[(1 + 4 * axis)..<(5 + 4 * axis)].map { $0.number("energy") }
      let slope = (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h)
      #expect(abs(frames[0].forces[2][axis] + slope) < 1e-8)
    }
    #expect(isClose(frames[0].reals("energies").reduce(0, +), frames[0].number("energy"), 1e-12))
  }
}

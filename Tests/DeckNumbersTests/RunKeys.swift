import Foundation
import MDCore
import MDNumerics
import MDParallel
import MDSimulation
import MDTestSupport
import Testing

/// Keys of the whole run: seeds, masses, lists, ranks.
@Suite("Deck → numbers: run") struct RunKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  /// A layer in vacuum, most atoms in its lower half.
  static let layer: Structure = {
    let cell = Matrix3(diagonal: Vector3(12, 12, 60))
    var positions: [Vector3] = []
    for z in 0..<7 {
      for x in 0..<3 {
        for y in 0..<3 { positions.append(Vector3(4 * Double(x) + 1, 4 * Double(y) + 1, 4 * Double(z) + 2)) }
      }
    }
    return Structure(
      box: Box(cell: cell, periodic: Periodicity(true, true, false)), species: ["Ar"],
      types: positions.map { _ in 0 }, positions: positions)
  }()

  static func layerDeck(_ decomposition: String) -> String {
    """
    structure: {file: {path: layer.extxyz}}
    potential: [{lennard_jones: {cutoff: 5, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
    decomposition: {\(decomposition)}
    stages: [{dynamics: {steps: 2}}]
    """
  }

  /// What `check` says of the network: messages, bytes, seconds.
  private static func network(_ keys: String) throws -> (messages: Double, bytes: Double, seconds: Double) {
    final class Lines: @unchecked Sendable { var text = "" }
    let folder = NSTemporaryDirectory() + "faultline-network-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try """
    structure: {lattice: {type: fcc, constant: 5.26, species: [Ar], size: [20, 20, 20]}}
    potential: [{lennard_jones: {cutoff: 8, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
    decomposition: {\(keys)}
    stages: [{dynamics: {steps: 2}}]
    output: {directory: \(folder)/run}
    """.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    let lines = Lines()
    try DryRun.run(
      deck: folder + "/deck.yaml", output: nil, ranks: 256, perNode: 64, communicator: LoopbackCommunicator(),
      log: RunLog(isTerminal: false) { lines.text += $0 })
    let pattern = /network +(\S+) messages of a rank and ([\d.]+) (\S+) into each node of 64 ranks a step: ([\d.]+) (\S+),/
    let found = try #require(try pattern.firstMatch(in: lines.text), "\(lines.text)")
    let units = ["kB": 1e3, "MB": 1e6, "GB": 1e9, "ms": 1e-3, "s": 1, "µs": 1e-6]
    return try (
      #require(Double(found.1)), #require(Double(found.2)) * #require(units[String(found.3)]),
      #require(Double(found.4)) * #require(units[String(found.5)])
    )
  }

  static let effects = [
    KeyEffect("title") {
      let run = try DeckRun("title: Six of one\n" + DynamicsKeyTests.gas("{dynamics: {steps: 1}}", size: 2))
      #expect(try run.summary()["title"] as? String == "Six of one")
      #expect(run.log.contains(": Six of one\n"))
    },
    KeyEffect("seed") {
      // Velocities, and the noise of both stochastic thermostats.
      for thermostat in [
        "", ", thermostat: {langevin: {temperature: 300}}", ", thermostat: {rescale: {temperature: 300}}",
      ] {
        func frames(_ seed: String, velocities: Bool) throws -> [Frame] {
          let more = (velocities ? "velocities: {temperature: 300}\n" : "") + seed
          return try DeckRun(
            DynamicsKeyTests.gas("{dynamics: {steps: 2\(thermostat)}}", more: more, size: 2) + DynamicsKeyTests.output
          ).frames("t.extxyz")
        }
        let one = try frames("seed: 5", velocities: true)
        let same = try frames("seed: 5", velocities: true)
        let other = try frames("seed: 6", velocities: true)
        let usual = try frames("", velocities: true)
        let first = try frames("seed: 1", velocities: true)
        for n in one.indices {
          #expect(one[n].velocities == same[n].velocities && usual[n].velocities == first[n].velocities)
          #expect(distance(one[n].velocities, other[n].velocities) > 0.1)
          #expect(distance(one[n].velocities, usual[n].velocities) > 0.1)
        }
        guard thermostat.contains("langevin") else { continue }
        let (cold, warm) = (try frames("seed: 5", velocities: false), try frames("seed: 6", velocities: false))
        #expect(cold[0].velocities == warm[0].velocities && distance(cold[1].velocities, warm[1].velocities) > 0.01)
      }
    },
    KeyEffect("species.mass", "species.element") {
      // The kinetic energy of velocities that the file gives.
      let s = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
      var renamed = s
      renamed.species = ["light", "heavy"]
      // The deck's masses go before those of the file, these before the elements'.
      for (species, inFile, masses) in [
        ("{light: {element: H}, heavy: {element: Mo}}", nil, [1.008, 95.95]),
        ("{light: {element: H, mass: 2.014}, heavy: {mass: 111.5 u}}", nil, [2.014, 111.5]),
        ("{light: {element: H, mass: 2.014}, heavy: {element: Mo}}", [3.5, 97.25], [2.014, 97.25]),
      ] as [(String, [Double]?, [Double])] {
        var lines = Sample.text(renamed).split(separator: "\n").map(String.init)
        if let inFile {
          lines[1] += ":masses:R:1"
          for i in 0..<s.count { lines[2 + i] += " \(inFile[Int(s.types[i])])" }
        }
        let run = try DeckRun(
          """
          structure: {file: {path: a.extxyz}}
          species: \(species)
          potential: [{lennard_jones: {cutoff: 5, mixing: geometric, pairs: [
            {species: [light, light], epsilon: 0, sigma: 1}, {species: [heavy, heavy], epsilon: 0, sigma: 1}]}}]
          stages: [{dynamics: {steps: 1, remove_drift: false}}]
          """, files: ["a.extxyz": lines.joined(separator: "\n") + "\n"])
        let m = s.types.map { masses[Int($0)] }
        let kinetic = try #require(run.thermo()[0]["kinetic_energy"])
        #expect(isClose(kinetic, Kinetics(s.velocities!, masses: m).energy, 1e-12))
      }
      // The atomic number counts too: for ZBL.
      let dimer = "2\nLattice=\"20 0 0 0 20 0 0 0 20\" Properties=species:S:1:pos:R:3\nX 1 1 1\nX 1 1 3\n"
      let run = try DeckRun(files: ["in.extxyz": dimer])
      let frame = Frame(
        try run.evaluate("species: {X: {element: Cl}}\npotential: [{zbl: {inner: 3, outer: 4}}]", frames: "in.extxyz")[
          0])
      #expect(isClose(frame.number("energy"), PairKeyTests.zbl(17, 17, 3, 4).phi(.variable(2)).value, 1e-9))
    },
    KeyEffect("neighbors.skin") {
      // One fast atom far from others: lists are built anew whenever it has moved half the skin.
      for (skin, text) in [(1.0, ""), (0.4, "neighbors: {skin: 0.4}"), (2, "neighbors: {skin: 0.2 nm}")] {
        var s = Sample.crystal(["Ar", "Kr"], spacing: 9)
        s.velocities = s.positions.map { _ in .zero }
        s.velocities![3] = Vector3(0, 60, 0)
        let run = try DeckRun(
          """
          structure: {file: {path: a.extxyz}}
          potential: [{lennard_jones: {cutoff: 4, mixing: geometric, pairs: [
            {species: [Ar, Ar], epsilon: 0.01, sigma: 3.4}, {species: [Kr, Kr], epsilon: 0.014, sigma: 3.6}]}}]
          \(text)
          stages: [{dynamics: {steps: 50, timestep: 1 fs, remove_drift: false}}]
          """, files: ["a.extxyz": Sample.text(s)])
        // 0.06 Å a step, checked at every step; one list at the start, one for the last checkpoint.
        let steps = Int((skin / 2 / 0.06).rounded(.down)) + 1
        let neighbors = try #require(run.summary()["neighbors"] as? [String: Any])
        // run.json counts before the last checkpoint.
        #expect(neighbors["rebuilds"] as? Int == 1 + 50 / steps, "skin \(skin)")
      }
    },
    KeyEffect("decomposition.grid") {
      for (keys, ranks, grid) in [
        ("grid: [1, 2, 2]", 4, [1, 2, 2]), ("grid: [3, 1, 1]", 3, [3, 1, 1]), ("", 2, [1, 1, 2]),
      ] {
        let run = try DeckRun(layerDeck(keys), files: ["layer.extxyz": Sample.text(layer)], ranks: ranks)
        #expect(try run.summary()["grid"] as? [Int] == grid)
        #expect(try run.summary()["ranks"] as? Int == ranks)
      }
      #expect(throws: FaultlineError.self) {
        _ = try DeckRun(layerDeck("grid: [1, 2, 2]"), files: ["layer.extxyz": Sample.text(layer)], ranks: 3)
      }
    },
    KeyEffect("decomposition.balance") {
      // 63 atoms up to 26 Å of 60 Å: the lower of two even bricks has all, of balanced ones half each.
      for (keys, least, most) in [
        ("grid: [1, 1, 2]", 0, 63), ("grid: [1, 1, 2], balance: false", 0, 63),
        ("grid: [1, 1, 2], balance: true", 27, 36), ("grid: [1, 1, 2], balance: atoms", 27, 36),
        ("grid: [1, 1, 2], balance: time", 27, 36),
      ] {
        let run = try DeckRun(layerDeck(keys), files: ["layer.extxyz": Sample.text(layer)], ranks: 2)
        #expect(run.log.contains("\(least) to \(most) atoms each"), "\(keys)\n\(run.log)")
      }
    },
    // 256 ranks in nodes of 64: messages of 1 ms take all the time, or links of 0.1 kB/s.
    KeyEffect("decomposition.latency") {
      let (usual, slow) = try (network(""), network("latency: 1000 µs"))
      #expect(usual.messages == slow.messages && usual.messages > 0)
      #expect(abs(slow.seconds - usual.seconds - usual.messages * (1e-3 - 1.5e-6)) < 0.01 * slow.seconds)
    },
    KeyEffect("decomposition.bandwidth") {
      let (usual, slow) = try (network("bandwidth: 10"), network("bandwidth: 0.001"))
      #expect(abs(slow.seconds / (usual.bytes / 1e6) - 1) < 0.06)
    },
  ]
}

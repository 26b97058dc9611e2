import Foundation
import Testing

/// Numbers that are legal YAML and no simulation: told in one message, at once, without taking the machine along.
extension CommandLineTests {
  @Suite("Absurd numbers")
  struct AbsurdTests {
    /// What each case may take.
    private static let seconds = 30.0
    private static let bytes = 3_000_000_000

    struct Case: Sendable, CustomTestStringConvertible {
      var testDescription: String
      var deck: String
      /// 65, or 0 for what is odd but can be held.
      var code: Int32 = 65
      /// In the message, or the log where the code is 0.
      var words: [String]

      init(_ name: String, _ deck: String, code: Int32 = 65, _ words: String...) {
        testDescription = name
        self.deck = deck
        self.code = code
        self.words = words
      }
    }

    private static let argon =
      "potential: [{lennard_jones: {cutoff: 6, pairs: [{species: [Ar, Ar], epsilon: 0.01, sigma: 3.4}]}}]\n"
    private static let step = "stages: [{dynamics: {steps: 1}}]\n"
    private static let cube = "structure: {lattice: {type: fcc, constant: 5.3, species: [Ar]}}\n"

    /// Argon of another structure.
    private static func structure(_ text: String) -> String { "structure: {\(text)}\n" + argon + step }
    /// An argon crystal with other sections instead of a step.
    private static func crystal(_ text: String) -> String { cube + argon + text + "\n" }
    /// Cells of rock salt with charges.
    private static func salt(_ coulomb: String, constant: String = "5.64") -> String {
      "structure: {lattice: {type: rocksalt, constant: \(constant), species: [Na, Cl]}}\n"
        + "species: {Na: {charge: 1}, Cl: {charge: -1}}\npotential: [{zbl: {inner: 1, outer: 2}}, "
        + "{coulomb: {\(coulomb)}}]\n" + step
    }
    private static func tilt(_ text: String) -> String {
      structure(
        "grain_boundary: {kind: tilt, lattice: bcc, constant: 3.17, species: [Ar], axis: [0, 0, 1], "
          + "sigma: 5, plane: [3, 1, 0], \(text)}")
    }
    private static func twist(_ sigma: Int, _ axis: String) -> String {
      structure(
        "grain_boundary: {kind: twist, lattice: fcc, constant: 5, species: [Ar], axis: \(axis), sigma: \(sigma)}")
    }

    static let cases = [
      // The schema's bounds.
      Case("lattice constant", structure("lattice: {type: fcc, constant: 1e19, species: [Ar]}"), "constant", "1e19"),
      Case("steps", crystal("stages: [{dynamics: {steps: 9223372036854775807}}]"), "steps", "1e12"),
      Case("thickness", tilt("thickness: 1e300"), "thickness", "1e7"),
      Case("vacuum", tilt("free_surfaces: true, vacuum: 1e9"), "vacuum", "1e7"),
      Case("beyond floating point", structure("lattice: {type: fcc, constant: 1e400, species: [Ar]}"), "1e400"),
      Case("infinite", crystal("stages: [{dynamics: {steps: 1, timestep: .inf}}]"), "timestep", ".inf"),
      Case("not a number", crystal("neighbors: {skin: .nan}"), "skin", ".nan"),
      Case("seed", crystal("seed: 1e30"), "seed"),
      Case(
        "damping", crystal("stages: [{dynamics: {steps: 1, thermostat: {langevin: {temperature: 1, damping: 1e-300}}}}]"),
        "damping", "1e-300"),
      Case("accuracy", salt("accuracy: 1e-300"), "accuracy", "1e-14"),
      Case("slab factor", salt("slab_factor: 1e300"), "slab_factor"),
      // Forecasts.
      Case("cells", structure("lattice: {type: fcc, constant: 5, species: [Ar], size: [1e6, 1e6, 1e6]}"), "4.0e18 atoms"),
      Case("replicas", structure("lattice: {type: fcc, constant: 5, species: [Ar]}, replicate: [1e6, 1e6, 1]"), "atoms"),
      Case(
        "oriented cells",
        structure(
          "lattice: {type: fcc, constant: 5, species: [Ar], size: [1, 1, 1e6], "
            + "orientation: [[999, 1000, 0], [-1000, 999, 0], [0, 0, 1]]}"), "atoms"),
      Case("thick grains", tilt("thickness: 1e7, repeat: [1e6, 1e6]"), "too many"),
      Case("grains that fill memory", tilt("thickness: 1e7"), "atoms"),
      Case(
        "skew cell",
        structure("crystal: {cell: [[5, 0, 1e7], [0, 5, 0], [0, 0, 5]], basis: [{species: Ar, position: [0, 0, 0]}]}"),
        "copies of the cell along c"),
      Case("reach", (cube + argon + step).replacingOccurrences(of: "cutoff: 6", with: "cutoff: 1000"), "ghosts", "GB"),
      Case("far reach", (cube + argon + step).replacingOccurrences(of: "cutoff: 6", with: "cutoff: 1e7"), "copies"),
      Case("skin", crystal(step + "neighbors: {skin: 1e5}"), "copies of the cell"),
      Case("mesh", salt("cutoff: 0.01, accuracy: 1e-14"), "mesh"),
      Case("mesh of an empty cell", salt("cutoff: 5", constant: "1e5"), "mesh"),
      Case("wave vectors", salt("method: ewald, cutoff: 0.01, accuracy: 1e-14"), "wave vectors"),
      Case("ranks along axes", crystal(step + "decomposition: {grid: [1e6, 1e6, 1e6]}"), "grid"),
      Case("coincidence", twist(99_999, "[0, 0, 1]"), "99999"),
      Case("coincidence about an odd axis", twist(9_999, "[100, 99, 97]"), "9999"),
      Case(
        "long period of several sites",
        structure(
          "grain_boundary: {kind: tilt, lattice: diamond, constant: 5, species: [Ar], axis: [0, 0, 1], sigma: 99989, "
            + "plane: [999, 1000, 0]}"), "Σ"),
      Case(
        "output",
        crystal("stages: [{dynamics: {steps: 1e12}}]\noutput: {trajectories: [{file: t.dump, every: 1}]}"),
        "the run would write up to"),
      // Odd, but it can be held.
      Case("far away", structure("lattice: {type: fcc, constant: 1e6, species: [Ar]}"), code: 0, "very large", "no mistakes"),
      Case("slow", crystal("stages: [{dynamics: {steps: 1e12}}]\noutput: {thermo: {every: 1e12}}"), code: 0,
        " for at most 1,000,000,000,000 steps"),
      Case("vacuum that is", tilt("free_surfaces: true, vacuum: 1e7"), code: 0, "very large"),
      Case("hot", crystal(step + "velocities: {temperature: 1e9}"), code: 0, "very large"),
    ]

    @Test("check finds them within the time and memory of a glance", arguments: cases)
    func check(_ absurd: Case) throws {
      let launcher = try Launcher("absurd")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", absurd.deck)
      try expect(absurd, launcher.start(memory: Self.bytes, ["check", "deck.yaml"]).wait(timeout: Self.seconds))
    }

    private func expect(_ absurd: Case, _ result: Launcher.Result) throws {
      #expect(result.code == absurd.code, "\(result.output)\(result.errors)")
      let text = absurd.code == 0 ? result.output : result.errors
      for word in absurd.words { #expect(text.contains(word), "'\(word)' is not in: \(text)") }
      #expect(result.errors.components(separatedBy: "faultline: error:").count == (absurd.code == 0 ? 1 : 2))
    }

    @Test(
      "evaluate and run refuse cells of frames",
      arguments: [
        ("5 0 0 0 1e-7 0 0 0 5", "copies of the cell along b"), ("5 0 1e9 0 5 0 0 0 5", "copies of the cell along c"),
        ("1e300 0 0 0 1e300 0 0 0 1e300", "cell"), ("0.05 0 0 0 0.05 0 0 0 0.05", "ghosts"),
      ])
    func frames(_ frame: (cell: String, words: String)) throws {
      let launcher = try Launcher("absurd")
      defer { launcher.cleanUp() }
      try launcher.write("frame.extxyz", "1\nLattice=\"\(frame.cell)\" Properties=species:S:1:pos:R:3\nAr 0 0 0\n")
      try launcher.write("deck.yaml", "structure: {file: {path: frame.extxyz}}\n" + Self.argon + Self.step)
      let absurd = Case(frame.cell, "", frame.words)
      try expect(
        absurd,
        launcher.start(memory: Self.bytes, ["evaluate", "deck.yaml", "--frames", "frame.extxyz", "--output", "o.xyz"])
          .wait(timeout: Self.seconds))
      try expect(absurd, launcher.start(ranks: 2, memory: Self.bytes, ["run", "deck.yaml"]).wait(timeout: Self.seconds))
    }

    @Test("ranks that no machine has", arguments: [("999999", Int32(0)), ("1000000000000000000", 64), ("0", 64)])
    func ranks(_ asked: (String, Int32)) throws {
      let launcher = try Launcher("absurd")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.cube + Self.argon + Self.step)
      let result = try launcher.start(memory: Self.bytes, ["check", "deck.yaml", "--ranks", asked.0])
        .wait(timeout: Self.seconds)
      #expect(result.code == asked.1, "\(result.errors)")
    }
  }
}

import Foundation
import Testing

extension CommandLineTests {
  @Suite("What check finds")
  struct CheckTests {
    private static let deck = """
      structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [3, 3, 3]}}
      potential: [{lennard_jones: {cutoff: 6, pairs: [{species: [Ar, Ar], epsilon: 0.01, sigma: 3.4}]}},
                  {zbl: {inner: 4, outer: 3}}]
      velocities: {temperature: 300}
      groups: {a: {select: {region: {x: [100, 200]}}, frozen: true}, b: {select: {species: [Cu]}, frozen: true}}
      decomposition: {grid: [2, 1, 1]}
      stages: [{dynamics: {steps: 10, thermostat: {langevin: {temperature: 300}}}}, {minimize: {}}]
      """

    @Test("mistakes that do not depend on one another come all at once, and 'no mistakes' last", arguments: [nil, 3])
    func together(_ ranks: Int?) throws {
      let launcher = try Launcher("check")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.deck)
      try FileManager.default.createDirectory(atPath: launcher.path("deck-run"), withIntermediateDirectories: true)
      try launcher.write("deck-run/run.json", "{}")
      let result = try launcher.run(ranks: ranks, "check", "deck.yaml")
      #expect(result.code == 65)
      let expected = [
        "already holds a run", "deck.yaml:2:29: lennard_jones has no parameters for the pair Cu–Cu",
        "deck.yaml:3:37: `outer` is 3.0 Å", "deck.yaml:4:27: no atom can carry the thermal motion",
        "deck.yaml:5:10: no atom belongs to the group 'a'", "deck.yaml:6:23: a process grid of 2 x 1 x 1",
        "deck.yaml:7:21: stage 'dynamics 1': the thermostat has no degree of freedom",
        "deck.yaml:7:90: stage 'minimize 2': nothing to relax",
      ]
      for words in expected { #expect(result.errors.contains(words), "\(words) is not in: \(result.errors)") }
      #expect(result.errors.components(separatedBy: "faultline: error:").count == 2)
      #expect(!result.output.contains("no mistakes"))

      try launcher.write(
        "good.yaml", TestDecks.copper(size: "[3, 3, 3]", stages: "  - dynamics: {steps: 5}"))
      let good = try launcher.run(ranks: ranks, "check", "good.yaml")
      #expect(good.code == 0, "\(good.errors)")
      #expect(good.output.split(separator: "\n").last == "deck         good.yaml: 1 stage, no mistakes")
    }

    @Test(
      "velocities that nothing can carry",
      arguments: [
        ("groups: {all: {select: {species: [Cu]}, frozen: true}}", "all are frozen or driven"),
        ("groups: {most: {select: {ids: [2, 108]}, velocity: [0, 0, 0]}}", "a single free atom"),
      ])
    func velocities(_ group: (String, String)) throws {
      let launcher = try Launcher("check")
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        TestDecks.copper(size: "[3, 3, 3]", stages: "  - dynamics: {steps: 5}", extra: group.0))
      for command in ["check", "run"] {
        let result = try launcher.run(command, "deck.yaml")
        #expect(result.code == 65 && result.errors.contains(group.1), "\(result.errors)")
      }
      try launcher.write(
        "deck.yaml",
        TestDecks.copper(size: "[3, 3, 3]", stages: "  - dynamics: {steps: 5}", extra: group.0)
          .replacingOccurrences(of: "600 K", with: "0 K"))
      #expect(try launcher.run("check", "deck.yaml").code == 0, "at rest nothing is to be carried")
    }

    @Test("a blow-up names the strain rate where the cell is strained")
    func strainRate() throws {
      let launcher = try Launcher("check")
      defer { launcher.cleanUp() }
      let stages = "  - dynamics: {steps: 10, timestep: 1 fs, deform: {axis: x, rate: 1e10}}"
      try launcher.write("deck.yaml", TestDecks.copper(size: "[2, 2, 2]", stages: stages))
      let result = try launcher.run("run", "deck.yaml")
      #expect(result.code == 70 && result.errors.contains("pulled along x at 1"), "\(result.errors)")
      #expect(result.output.contains("was 1e10 1/s meant?"))
    }

    /// A pair of atoms of one type beside others that nobody is of, one of them no element; the potential, and what
    /// else the deck needs.
    static let families = [
      "eam: {parameters: zhou2004}", "zbl: {inner: 3, outer: 4}",
      "lennard_jones: {cutoff: 6, pairs: [{species: [Cu, Cu], epsilon: 0.01, sigma: 2}]}",
      "lennard_jones: {cutoff: 6, mixing: geometric, pairs: [{species: [Cu, Cu], epsilon: 0.01, sigma: 2}]}",
      "morse: {cutoff: 6, pairs: [{species: [Cu, Cu], depth: 0.3, alpha: 1.3, distance: 2.8}]}",
      "buckingham: {cutoff: 6, pairs: [{species: [Cu, Cu], a: 1000, rho: 0.3, c: 1}]}",
      "born_mayer_huggins: {cutoff: 6, pairs: [{species: [Cu, Cu], a: 0.2, sigma: 2, rho: 0.3, c: 1}]}",
      "coulomb: {cutoff: 3, net_charge: 2}",
      "qeq: {parameters: {Cu: {electronegativity: 1, hardness: 5, width: 0.4}}}",
    ]

    @Test("a type that no atom has needs no mass and no parameters", arguments: families)
    func unusedTypes(_ potential: String) throws {
      let launcher = try Launcher("unused")
      defer { launcher.cleanUp() }
      func data(_ types: String, atoms type: Int, _ count: Int) -> String {
        "two atoms\n\n2 atoms\n\(count) atom types\n\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\n"
          + "\(types)\nAtoms # atomic\n\n1 \(type) 1 1 1\n2 \(type) 3.5 1.2 1.4\n"
      }
      // The type that atoms have is neither first nor last.
      try launcher.write("some.data", data("Atom Type Labels\n\n1 O\n2 Cu\n3 Dust\n", atoms: 2, 3))
      try launcher.write("one.data", data("Atom Type Labels\n\n1 Cu\n", atoms: 1, 1))
      for name in ["some", "one"] {
        try launcher.write(
          "\(name).yaml",
          """
          structure: {file: {path: \(name).data, format: lammps-data}}
          species: {Cu: {charge: 1}}
          potential: [{\(potential)}]
          velocities: {temperature: 10}
          stages: [{dynamics: {steps: 6}}]
          output: {thermo: {every: 1}, trajectories: [{file: t.dump, every: 6}]}
          """)
        #expect(try launcher.run("check", "\(name).yaml").code == 0)
      }
      let stopped = try launcher.run(ranks: 2, "run", "some.yaml", "--max-steps", "3")
      #expect(stopped.code == 75, "\(stopped.errors)")
      let resumed = try launcher.run("resume", "some-run")
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(try launcher.run("run", "one.yaml").code == 0)
      for (some, one) in zip(try launcher.thermo("some-run/thermo.csv"), try launcher.thermo("one-run/thermo.csv")) {
        for (name, value) in one { #expect(abs(some[name]! - value) <= 1e-9 * max(1, abs(value)), "\(name)") }
      }
      // The file's numbers of types stay.
      #expect(try launcher.read("some-run/t.dump").contains("\n1 2 Cu "))
    }

    @Test("pressure and nearest distance, from which a potential for other elements shows", arguments: [nil, 2])
    func pressure(_ ranks: Int?) throws {
      let launcher = try Launcher("check")
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        """
        structure: {lattice: {type: fcc, constant: 3.75, species: [Cu], size: [3, 3, 3]}}
        potential: [{eam: {parameters: zhou2004}}]
        stages: [{dynamics: {steps: 1}}]
        output: {directory: run}
        """)
      let found = try launcher.run(ranks: ranks, "check", "deck.yaml")
      #expect(try launcher.run("run", "deck.yaml").code == 0)
      let bar = try #require(try launcher.thermo("run/thermo.csv")[0]["pressure"])
      let expected = "pressure of atoms at rest \(String(format: "%.1f", bar / 1000)) kbar, nearest atoms 2.652 Å apart"
      #expect(bar < -10_000 && found.output.contains(expected), "\(found.output)")

      // Open boundaries have no pressure; the nearest pair is on one rank.
      try launcher.write(
        "ar.xyz",
        """
        4
        Lattice="40 0 0 0 20 0 0 0 20" pbc="F F F" Properties=species:S:1:pos:R:3
        Ar 8 10 10
        Ar 8 13.5 10
        Ar 32 10 10
        Ar 32 14.25 10

        """)
      try launcher.write(
        "ar.yaml",
        """
        structure: {file: {path: ar.xyz}}
        potential: [{lennard_jones: {cutoff: 6, pairs: [{species: [Ar, Ar], epsilon: 0.01, sigma: 3.4}]}}]
        stages: [{dynamics: {steps: 1}}]
        """)
      let open = try launcher.run(ranks: ranks, "check", "ar.yaml")
      #expect(open.output.contains(" nearest atoms 3.500 Å apart") && !open.output.contains("pressure of"))
    }
  }
}

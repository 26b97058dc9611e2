import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `velocities` and of `stages` with dynamics: strain = rate × time, exact temperatures, momentum.
@Suite("Deck → numbers: dynamics") struct DynamicsKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  /// A gas of atoms that do not feel one another.
  static func gas(_ stages: String, more: String = "velocities: {temperature: 300}", size: Int = 6) -> String {
    """
    structure: {lattice: {type: sc, constant: 5, species: [Ar], size: [\(size), \(size), \(size)]}}
    potential: [{lennard_jones: {cutoff: 2, pairs: [{species: [Ar, Ar], epsilon: 0, sigma: 1}]}}]
    \(more)
    stages: [\(stages)]
    """
  }

  static func momentum(_ frame: Frame) -> Vector3 {
    Kinetics(frame.velocities, masses: Sample.masses(frame.structure)).momentum
  }

  static let output =
    "\noutput: {thermo: {every: 1}, trajectories: [{file: t.extxyz, every: 1, columns: [velocities]}]}"

  static let effects = [
    KeyEffect(in: "stages.dynamics", "steps", "timestep", "name") {
      let run = try DeckRun(
        gas("{dynamics: {name: drift, steps: 7, timestep: 3 fs}}, {dynamics: {steps: 2}}", size: 2) + output)
      let rows = try run.thermo()
      #expect(rows.count == 10 && rows.last?["step"] == 9)
      // 1 fs if nothing is said.
      #expect(abs(try #require(rows.last?["time"]) - 0.023) < 1e-15)
      let frames = try run.frames("t.extxyz")
      let box = frames[0].structure.box
      for (n, dt) in [(7, 0.021), (9, 0.023)] {
        for i in frames[0].positions.indices {
          let d = frames[n].positions[i] - frames[0].positions[i] - dt * frames[0].velocities[i]
          let s = d * box.inverse
          let rest = Vector3(s.x - s.x.rounded(), s.y - s.y.rounded(), s.z - s.z.rounded()) * box.cell
          #expect(rest.length < 1e-11)
        }
      }
      #expect(run.log.contains("Stage 1/2: drift, 7 steps of 3.00 fs"))
    },
    KeyEffect(in: "stages.dynamics.deform", "axis", "rate") {
      // Along each axis, in a cell whose vectors all have all components; units of the rate.
      let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6, speed: 0)
      for (axis, name) in ["x", "y", "z"].enumerated() {
        for (text, rate) in [("0.5", 0.5), ("-3e11 /s", -0.3)] {
          let run = try DeckRun(
            """
            structure: {file: {path: start.extxyz}}
            potential: [{lennard_jones: {cutoff: 5, mixing: geometric, pairs: [
              {species: [Ar, Ar], epsilon: 0, sigma: 1}, {species: [Kr, Kr], epsilon: 0, sigma: 1}]}}]
            groups: {held: {select: {ids: [1, 2]}, frozen: true}}
            stages:
              - dynamics: {steps: 10, timestep: 5 fs}
              - dynamics: {steps: 20, timestep: 5 fs, deform: {axis: \(name), rate: \(text)}}
            output:
              thermo: {every: 10}
              trajectories: [{file: t.extxyz, every: 10, unwrapped: true, columns: [velocities]}]
            """, files: ["start.extxyz": Sample.text(start)], ranks: 2)
          let frames = try run.frames("t.extxyz")
          let rows = try run.thermo()
          for (n, frame) in frames.enumerated() {
            // From the stage's start: step 10.
            var stretch = Vector3(1, 1, 1)
            stretch[axis] = 1 + rate * 0.05 * Double(max(0, n - 1))
            let map = Matrix3(diagonal: stretch)
            let cell = start.box.cell * map
            #expect(distance(frame.structure.box.cell.elements, cell.elements) < 1e-12)
            #expect(distance(frame.positions, start.positions.map { $0 * map }) < 1e-11)
            #expect(frame.velocities.allSatisfy { $0 == .zero })
            for (column, vector) in [("lx", cell.x), ("ly", cell.y), ("lz", cell.z)] {
              #expect(isClose(try #require(rows[n][column]), vector.length, 1e-9))
            }
            #expect(isClose(try #require(rows[n]["volume"]), start.box.volume * stretch[axis], 1e-9))
          }
        }
      }
    },
    KeyEffect("velocities.temperature") {
      for kelvin in [0.0, 20, 300] {
        let run = try DeckRun(
          gas("{dynamics: {steps: 1}}", more: "velocities: {temperature: \(kelvin) K}") + output, ranks: 2)
        let frame = try run.frames("t.extxyz")[0]
        let kinetics = Kinetics(frame.velocities, masses: Sample.masses(frame.structure))
        #expect(abs(kinetics.temperature(freedom: 3 * 216 - 3) - kelvin) < 1e-10)
        #expect(abs(try #require(run.thermo()[0]["temperature"]) - kelvin) < 1e-10)
        guard kelvin > 0 else { continue }
        // A normal distribution: the fourth moment is three times the square of the second (648 numbers: ± 0.2).
        let v = frame.velocities.flatMap { [$0.x, $0.y, $0.z] }
        let second = v.reduce(0) { $0 + $1 * $1 } / Double(v.count)
        let fourth = v.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(v.count)
        #expect(abs(fourth / second / second - 3) < 0.8)
      }
    },
    KeyEffect("stages.dynamics.remove_drift") {
      // Velocities of the file with a drift, which is taken off unless something says otherwise.
      var start = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
      let still = start.velocities!
      let drift = Vector3(3, -2, 1)
      start.velocities = still.map { $0 + drift }
      for (key, groups, stays) in [
        ("", "", false), (", remove_drift: true", "", false), (", remove_drift: false", "", true),
        ("", "groups: {held: {select: {ids: [1, 1]}, frozen: true}}", true),
      ] {
        let run = try DeckRun(
          """
          structure: {file: {path: start.extxyz}}
          potential: \(ThermoTests.rareGasDeck)
          \(groups)
          stages: [{dynamics: {steps: 1\(key)}}]
          output: {trajectories: [{file: t.extxyz, every: 1, columns: [velocities]}]}
          """, files: ["start.extxyz": Sample.text(start)])
        let v = try run.frames("t.extxyz")[0].velocities
        let expected = stays ? start.velocities! : still
        #expect(distance(Array(v.dropFirst()), Array(expected.dropFirst())) < 1e-12, "\(key) \(groups)")
      }
    },
    KeyEffect("velocities.zero_momentum") {
      for (flag, isZero) in [("", true), (", zero_momentum: true", true), (", zero_momentum: false", false)] {
        let run = try DeckRun(
          gas("{dynamics: {steps: 1}}", more: "velocities: {temperature: 300\(flag)}") + output)
        let frame = try run.frames("t.extxyz")[0]
        let p = momentum(frame).length
        // A thermal √(3 N m k_B T) or nothing.
        let thermal = (3 * 216 * 39.95 * SI.boltzmann * 300 / SI.massUnit).squareRoot()
        #expect(isZero ? p < 1e-9 * thermal : p > 0.05 * thermal, "\(flag): \(p), \(thermal)")
        if !isZero {
          // The temperature leaves the drift out, and its three degrees of freedom.
          let masses = Sample.masses(frame.structure)
          let drift = (1 / masses.reduce(0, +)) * momentum(frame)
          let kinetics = Kinetics(frame.velocities.map { $0 - drift }, masses: masses)
          #expect(abs(kinetics.temperature(freedom: 3 * 216 - 3) - 300) < 1e-9)
        }
      }
    },
  ]

  /// Without `velocities` those of the file stay; a minimisation leaves atoms at rest; of several stages of dynamics
  /// only the first draws.
  @Test func whenVelocitiesAreDrawn() throws {
    let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
    func frames(_ stages: String, _ velocities: String) throws -> [Frame] {
      try DeckRun(
        """
        structure: {file: {path: start.extxyz}}
        potential: \(GroupKeyTests.nothing("Ar", "Kr"))
        \(velocities)
        stages: [\(stages)]
        output: {trajectories: [{file: t.extxyz, every: 1, columns: [velocities]}]}
        """, files: ["start.extxyz": Sample.text(start)]
      ).frames("t.extxyz")
    }
    let kept = try frames("{dynamics: {steps: 2}}", "")
    #expect(kept.allSatisfy { distance($0.velocities, start.velocities!) == 0 })
    let rested = try frames("{minimize: {max_steps: 1}}, {dynamics: {steps: 2}}", "")
    #expect(rested.last!.velocities.allSatisfy { $0 == .zero })
    let drawn = try frames("{dynamics: {steps: 2}}, {dynamics: {steps: 2}}", "velocities: {temperature: 77}")
    let masses = Sample.masses(start)
    for frame in drawn {
      #expect(distance(frame.velocities, drawn[0].velocities) == 0)
      #expect(abs(Kinetics(frame.velocities, masses: masses).temperature(freedom: 21) - 77) < 1e-10)
    }
  }
}

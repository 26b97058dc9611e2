import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `minimize`: how far it goes, and FIRE's first steps by hand.
@Suite("Deck → numbers: minimisation") struct MinimizationKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let start = Sample.crystal(["Ar", "Kr"], spacing: 3.7, speed: 0)

  static func run(_ keys: String, more: String = "") throws -> (frames: [Frame], rows: [[String: Double]], log: String)
  {
    let run = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: \(ThermoTests.rareGasDeck)
      \(more)
      stages: [{minimize: {\(keys)}}]
      output: {thermo: {every: 1}, trajectories: [{file: t.extxyz, every: 1, columns: [forces], unwrapped: true}]}
      """, files: ["start.extxyz": Sample.text(start)])
    return (try run.frames("t.extxyz"), try run.thermo(), run.log)
  }

  static func largest(_ forces: [Vector3]) -> Double { forces.map { max(abs($0.x), abs($0.y), abs($0.z)) }.max()! }

  static let effects = [
    KeyEffect("stages.minimize.force_tolerance") {
      for (text, tolerance) in [("", 0.001), ("force_tolerance: 0.01", 0.01), ("force_tolerance: 1 meV/Å", 0.001)] {
        let (frames, rows, _) = try run(text)
        // The first step below the tolerance is the last.
        for (frame, row) in zip(frames, rows) {
          let force = largest(ThermoTests.rareGases.evaluate(frame.structure).forces)
          #expect(isClose(try #require(row["maximum_force"]), force, 1e-9))
          #expect((force <= tolerance) == (frame.step == frames.last!.step), "step \(frame.step): \(force)")
        }
        #expect(frames.count > 5)
      }
    },
    KeyEffect("stages.minimize.energy_tolerance") {
      let (_, rows, log) = try run("method: fire, force_tolerance: 1e-12, energy_tolerance: 1e-6")
      let energies = rows.compactMap { $0["potential_energy"] }
      let changes = zip(energies, energies.dropFirst()).map { abs($1 - $0) / Double(start.count) }
      // Ten steps running with less than that, and never before.
      var calm = 0
      let end = try #require(
        changes.firstIndex { change in
          calm = change < 1e-6 ? calm + 1 : 0
          return calm == 10
        })
      #expect(end == changes.count - 1, "\(changes.suffix(12))")
      #expect(log.contains("converged in energy"))
    },
    KeyEffect("stages.minimize.max_steps", "stages.minimize.name") {
      let (frames, rows, log) = try run("name: settle, max_steps: 4, force_tolerance: 1e-9")
      #expect(frames.map(\.step) == [0, 1, 2, 3, 4] && rows.count == 5)
      #expect(log.contains("Stage 1/1: settle") && log.contains("not converged"))
    },
    KeyEffect("stages.minimize.method", "stages.minimize.timestep") {
      // Semi-implicit Euler with the mean mass of the mobile atoms: r₁ = r₀ + Δt² f/m̄; then v ← (1 − α)(v + Δt f/m̄) +
      // α |v + Δt f/m̄| f/|f| with α = 0.25.
      for (keys, timestep) in [("method: fire", 0.001), ("method: fire, timestep: 2 fs", 0.002)] {
        let (frames, _, _) = try run(
          keys + ", max_steps: 3, force_tolerance: 1e-9", more: "groups: {held: {select: {ids: [2, 2]}, frozen: true}}")
        let mobile = start.positions.indices.filter { $0 != 1 }
        let masses = Sample.masses(start)
        let mass = mobile.reduce(0) { $0 + masses[$1] } / 7 * SI.massUnit
        var r = start.positions
        var v = r.map { _ in Vector3.zero }
        for (n, frame) in frames.enumerated() {
          #expect(distance(frame.positions, r) < 1e-11, "step \(n)")
          var s = start
          s.positions = r
          let f = ThermoTests.rareGases.evaluate(s).forces
          for i in mobile { v[i] += (timestep / mass) * f[i] }
          let speed = mobile.reduce(0) { $0 + v[$1].squaredLength }.squareRoot()
          let force = mobile.reduce(0) { $0 + f[$1].squaredLength }.squareRoot()
          for i in mobile {
            v[i] = 0.75 * v[i] + (0.25 * speed / force) * f[i]
            r[i] += timestep * v[i]
          }
        }
      }
    },
  ]
}

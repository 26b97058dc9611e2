import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Keys of stress in space and heat current, of rings, and of currents of charges that change.
extension MeasureKeyTests {
  static let ofForces: [KeyEffect] = [
    KeyEffect(in: "analysis.measure.stress", "along", "in", "bins", "planes", "flight") {
      let run = try Self.run(
        """
        {stress: {every: 6, along: b, bins: 3, planes: true}}, {stress: {name: map, every: 6, in: ac, bins: 2}},
        {stress: {name: long, every: 6, along: b, bins: 3, planes: true, flight: 60 fs}},
        {stress: {name: half, every: 6, along: c, bins: 2}}
        """, ranks: 2, drift: Vector3(0, 3, 0))
      let frames = try run.frames("t.extxyz").filter { $0.step % 6 == 0 }
      let (profile, map, half) = (try table(run, "stress"), try table(run, "map"), try table(run, "half"))
      #expect(profile["b"]?.count == 3 && map["a"]?.count == 4 && map["c"]?.count == 4 && !run.exists("run/map-planes.csv"))
      let rows = try run.thermo().filter { Int($0["step"] ?? 1) % 6 == 0 }
      for (k, (stress, pressure)) in [("stress_xx", "pxx"), ("stress_yy", "pyy"), ("stress_xz", "pxz")].enumerated() {
        // thermo.csv leaves the drift out.
        let mass = frames[0].names.reduce(0) { $0 + Elements.standardMass($1) }
        let drift = k == 1 ? mass * 9 * 1.0364269656262175e-4 / frames[0].structure.box.volume * 160.2176634 : 0
        let expected = -rows.reduce(0) { $0 + ($1[pressure] ?? 0) } / Double(rows.count) / 10_000 - drift
        for (table, n) in [(profile, 3.0), (map, 4), (half, 2)] {
          let mean = (table[stress] ?? []).reduce(0, +) / n
          #expect(abs(mean - expected) < 1e-9 * max(1, abs(expected)), "\(stress) \(mean) \(expected)")
        }
        #expect(isClose(try value(run, "stress", stress), expected, 1e-9))
      }
      // Halves of a map are the intervals along its second vector.
      for k in 0..<2 {
        let pair = (0..<2).reduce(0.0) { $0 + 0.5 * (map["stress_zz"]?[2 * $1 + k] ?? .nan) }
        #expect(abs(pair - (half["stress_zz"]?[k] ?? .nan)) < 1e-9)
      }
      // Momentum that atoms carry through the planes, a little before and after each frame.
      let (short, long) = (try table(run, "stress-planes"), try table(run, "long-planes"))
      var carried = [[Double](repeating: 0, count: 3), [Double](repeating: 0, count: 3)]
      for frame in frames {
        let box = frame.structure.box
        for (which, flight) in [0.01, 0.06].enumerated() {
          for i in 0..<8 {
            let ends = [-0.5, 0.5].map { box.fractional(frame.positions[i] + $0 * flight * frame.velocities[i]).y * 3 }
            for plane in -30...30 where (ends[0] < Double(plane)) != (ends[1] < Double(plane)) {
              let m = Elements.standardMass(frame.names[i]) * 1.0364269656262175e-4
              let flux = m * frame.velocities[i].y * (ends[1] > ends[0] ? 1 : -1) / flight
              carried[which][((plane % 3) + 3) % 3] -= flux * box.heights.y / box.volume * 160.2176634 / Double(frames.count)
            }
          }
        }
      }
      #expect(carried[0] != carried[1])
      for n in 0..<3 {
        let difference = (long["traction_y"]?[n] ?? .nan) - (short["traction_y"]?[n] ?? .nan)
        #expect(abs(difference - carried[1][n] + carried[0][n]) < 1e-7, "\(n): \(difference)")
      }
      for wrong in ["along: a, in: ab", "bins: 3", "in: ab, planes: true", "along: d", "along: a, flight: 0"] {
        #expect(throws: (any Error).self) { try Self.run("{stress: {\(wrong)}}") }
      }
      // What a mesh computes is not told pair by pair.
      let charged = { (measure: String) in
        try DeckRun(
          """
          structure: {file: {path: start.extxyz}}
          potential: [{coulomb: {method: ewald, cutoff: 6}}, {lennard_jones: {cutoff: 6, pairs: [
            {species: [Ar, Ar], epsilon: 0.01, sigma: 3.4}, {species: [Ar, Kr], epsilon: 0.01, sigma: 3.4}, {species: [Kr, Kr], epsilon: 0.01, sigma: 3.4}]}}]
          stages: [{dynamics: {steps: 1}}]
          analysis: {measure: [\(measure)]}
          """, files: ["start.extxyz": charges([0.2, -0.2])])
      }
      let salt = try charged("{stress: {along: c, bins: 4, every: 1}}")
      let first = try salt.thermo()
      let mean = first.reduce(0) { $0 + ($1["pxx"] ?? .nan) } / Double(first.count) / -10_000
      #expect(isClose(try value(salt, "stress", "stress_xx"), mean, 1e-9))
      #expect(throws: (any Error).self) { try charged("{stress: {along: c, planes: true}}") }
      #expect(throws: (any Error).self) { try charged("{heat_flux: {}}") }
    },
    KeyEffect("analysis.measure.heat_flux.samples") {
      let run = try Self.run("{heat_flux: {every: 1, samples: 5}}, {heat_flux: {name: long, every: 1, samples: 9}}", ranks: 3)
      let (short, long) = (try table(run, "heat_flux"), try table(run, "long"))
      #expect(short["lag"]?.count == 5 && long["lag"]?.count == 9 && isClose(long["lag"]?[8] ?? 0, 0.032, 1e-9))
      #expect(short["windows"] == [25, 24, 23, 22, 21])
      for k in 0..<5 { #expect(isClose(short["correlation_x"]?[k] ?? 0, long["correlation_x"]?[k] ?? 1, 1e-9)) }
      #expect((short["correlation_x"]?[0] ?? 0) > 0)
    },
    KeyEffect(in: "analysis.measure.rings", "cutoff", "between", "largest") {
      let deck = { (measure: String) in
        try DeckRun(
          """
          structure: {lattice: {type: fcc, constant: 5.3, species: [Ar], size: [3, 3, 3]}}
          potential: [{lennard_jones: {cutoff: 7.5, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
          stages: [{dynamics: {steps: 1, timestep: 1 fs}}]
          analysis: {measure: [\(measure)]}
          """, ranks: 2)
      }
      // Eight triangles an atom in fcc, of 24 that go through it; squares have no diagonal where it is longer than a bond.
      let run = try deck("{rings: {every: 1, cutoff: 4.5, largest: 4}}, {rings: {name: none, every: 1, cutoff: 3.5, largest: 4}}")
      #expect(isClose(try value(run, "rings", "rings_3"), 8, 1e-12))
      #expect(isClose(try value(run, "rings", "rings_4"), 3, 1e-12))
      let (near, none) = (try table(run, "rings"), try table(run, "none"))
      #expect(near["size"] == [3, 4] && none["rings"] == [0, 0])
      let salt = try Self.run(
        """
        {rings: {cutoff: 4.2, largest: 6, every: 24}}, {rings: {name: unlike, cutoff: 4.2, between: [Ar, Kr], largest: 6, every: 24}},
        {rings: {name: like, cutoff: 4.2, between: [Kr, Kr], largest: 6, every: 24}}
        """)
      let (all, unlike, like) = (try table(salt, "rings"), try table(salt, "unlike"), try table(salt, "like"))
      #expect(all["size"]?.count == 4 && unlike["rings"] != all["rings"] && like["rings"] != unlike["rings"])
      // Bonds between two kinds close even rings only.
      #expect(unlike["rings"]?[0] == 0 && unlike["rings"]?[2] == 0 && (unlike["rings"]?[1] ?? 0) > 0)
      for wrong in ["cutoff: 4, between: [Ar]", "cutoff: 4, between: [Ar, Xe]", "largest: 6", "cutoff: 4, largest: 2"] {
        #expect(throws: (any Error).self) { try Self.run("{rings: {\(wrong)}}") }
      }
    },
    KeyEffect("analysis.measure.transport.current") {
      // Charges that stay: the same current as with those of the species, its integral nearly Σ q r.
      let run = try Self.run(
        """
        {transport: {every: 1, points: 24, levels: 1, drift: none, charges: {Ar: 0.5, Kr: -0.5}, temperature: 77}},
        {transport: {name: present, every: 1, points: 24, levels: 1, drift: none, current: charges, temperature: 77}}
        """, steps: 48, ranks: 3, charges: [0.5, -0.5])
      let (fixed, present) = (try table(run, "transport"), try table(run, "present"))
      for k in 0..<23 {
        #expect(isClose(fixed["current_correlation"]?[k] ?? 0, present["current_correlation"]?[k] ?? 1, 1e-9))
        // The trapezoid rule loses (ωΔt)²/12 of an oscillation, 0.2 % at 6 THz and 4 fs.
        let (exact, summed) = (fixed["collective"]?[k] ?? 0, present["collective"]?[k] ?? 1)
        #expect(abs(summed - exact) < 0.01 * exact && summed != exact)
      }
      #expect(isClose(try value(run, "transport", "conductivity_green_kubo"), try value(run, "present", "conductivity_green_kubo"), 1e-9))
      for wrong in ["current: born", "current: charges, charges: {Ar: 1, Kr: -1}", "current: charges, of: Ar"] {
        #expect(throws: (any Error).self) { try Self.run("{transport: {\(wrong)}}", charges: [0.5, -0.5]) }
      }
      #expect(throws: (any Error).self) { try Self.run("{transport: {current: charges}}") }
    },
  ]

  /// The crystal of `run` at rest, with charges of its species.
  private static func charges(_ given: [Double]) -> String {
    var start = Sample.crystal(["Ar", "Kr"], spacing: 3.6, cells: [1, 1, 2], speed: 6)
    start.charges = start.types.map { given[Int($0)] }
    return Sample.text(start)
  }
}

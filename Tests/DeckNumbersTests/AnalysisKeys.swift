import Foundation
import MDCore
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Keys of `analysis`: γ from single points and areas, limits of the watch from the test's own figures.
@Suite("Deck → numbers: analysis") struct AnalysisKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let boundary = """
    structure: {grain_boundary: {kind: tilt, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 5,
      plane: [2, 1, 0], repeat: [1, 2], thickness: 8, overlap: 1.8}}
    potential: \(ThermoTests.copperDeck)

    """

  /// An energy of fcc with this model, eV an atom.
  static func crystalEnergy(_ a: Double) -> Double {
    let s = Structure(
      box: Box(cell: Matrix3(diagonal: Vector3(a, a, a))), species: ["Cu"], types: [0, 0, 0, 0],
      positions: [.zero, Vector3(0, a / 2, a / 2), Vector3(a / 2, 0, a / 2), Vector3(a / 2, a / 2, 0)])
    return ThermoTests.copper.evaluate(s).energy / 4
  }

  static func boundaries(_ run: DeckRun) throws -> [[String: Any]] {
    try #require(run.summary()["boundary_energy"] as? [[String: Any]])
  }

  /// The limit that the whole committee's figure passes at steps of these rows.
  static func figures(steps: Int) throws -> [(step: Int, force: Double, energy: Double, outside: Double)] {
    let run = try CommitteeTests.run(
      steps: steps, "output: {trajectories: [{file: t.extxyz, every: 1}]}")
    return try run.frames("t.extxyz").map { frame in
      let own = CommitteeTests.spread(CommitteeTests.members.map { $0.model.evaluate(frame.structure) })
      return (
        frame.step, own.forces.max()!, own.energy, TinyNetwork.extrapolations(frame.structure).reduce(0, +)
      )
    }
  }

  /// A limit between the values, away from each.
  static func limit(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return 0.5 * (sorted[sorted.count / 2] + sorted[sorted.count / 2 - 1])
  }

  /// Steps that a watch selects: looked at (not the start), above the limit, `spacing` apart.
  static func selected(_ values: [(Int, Double)], limit: Double, every: Int, spacing: Int) -> [Int] {
    var kept: [Int] = []
    for (step, value) in values where step > 0 && step % every == 0 && value > limit {
      if let last = kept.last, step - last < spacing { continue }
      kept.append(step)
    }
    return kept
  }

  static let effects = [
    KeyEffect("analysis.boundary_energy.chemical_potentials", "analysis.boundary_energy.area",
      "analysis.boundary_energy.count", "analysis.boundary_energy.atomic_volume"
    ) {
      // A bicrystal that is read: two boundaries in the plane of a and b, unless the deck says otherwise.
      let built = try DeckRun(
        boundary + "stages: [{minimize: {max_steps: 1, cell: fixed}}]\n"
          + "output: {trajectories: [{file: t.extxyz, every: 1}]}\nanalysis: {boundary_energy: {}}")
      let frame = try #require(try built.frames("t.extxyz").first)
      let cell = frame.structure.box.cell
      let energy = ThermoTests.copper.evaluate(frame.structure).energy
      func read(_ keys: String) throws -> [String: Any] {
        let run = try DeckRun()
        try run.write("b.extxyz", data: Data(contentsOf: URL(fileURLWithPath: built.path("run/t.extxyz"))))
        try run.run(
          "structure: {file: {path: b.extxyz}}\npotential: \(ThermoTests.copperDeck)\n"
            + "stages: [{minimize: {max_steps: 1, cell: fixed, force_tolerance: 1000}}]\n"
            + "analysis: {boundary_energy: {\(keys)}}")
        let found = try boundaries(run)
        return found.first ?? [:]
      }
      // The last frame is what is read.
      let last = try #require(try built.frames("t.extxyz").last)
      let lastEnergy = ThermoTests.copper.evaluate(last.structure).energy
      #expect(lastEnergy <= energy)
      let count = Double(last.positions.count)
      let (plain, other) = (
        try read("chemical_potentials: {Cu: -3.4}, atomic_volume: 11.5"),
        try read("chemical_potentials: {Cu: -3.4}, area: 17, count: 3")
      )
      let area = cross(cell.x, cell.y).length
      let excess = lastEnergy + 3.4 * count
      let unit = Units.energyPerAreaToJoulePerSquareMetre
      let gammas = try [plain, other].map { try #require($0["energy_J_per_m2"] as? Double) }
      #expect(abs(gammas[0] - excess / (2 * area) * unit) < 1e-8 * abs(gammas[0]))
      #expect(abs(gammas[1] - excess / (3 * 17) * unit) < 1e-8 * abs(gammas[1]))
      let volume = try #require(plain["excess_volume_A"] as? Double)
      #expect(abs(volume - (last.structure.box.volume - count * 11.5) / (2 * area)) < 1e-9)
      #expect(other["excess_volume_A"] == nil, "nobody has said what an atom's volume is")
      // Of what is built it is that of the crystal.
      let own = try #require(try boundaries(built).first?["excess_volume_A"] as? Double)
      #expect(abs(own - (last.structure.box.volume - count * 3.615 * 3.615 * 3.615 / 4) / (2 * area)) < 1e-9)
    },
    KeyEffect("analysis.boundary_energy.reference_energy") {
      for (key, reference) in [("{}", crystalEnergy(3.615)), ("{reference_energy: -1.25 eV}", -1.25)] {
        let run = try DeckRun(
          boundary + """
            stages:
              [{minimize: {cell: fixed, max_steps: 5}}, {dynamics: {steps: 2}}, {minimize: {cell: fixed, max_steps: 4, force_tolerance: 50}}]
            analysis: {boundary_energy: \(key)}
            output: {trajectories: [{file: t.extxyz, every: 1}]}
            """, ranks: 2)
        let found = try boundaries(run)
        let frames = try run.frames("t.extxyz")
        #expect(found.compactMap { $0["step"] as? Int } == [5, 7])
        #expect(found.compactMap { $0["converged"] as? Bool } == [false, true])
        for (result, step) in zip(found, [5, 7]) {
          let frame = try #require(frames.first { $0.step == step })
          let cell = frame.structure.box.cell
          let area = cell.x.x * cell.y.y
          // √5 a by 2 periods of a; two boundaries.
          #expect(abs(area - 3.615 * 3.615 * 2 * 5.0.squareRoot()) < 1e-9)
          let excess = ThermoTests.copper.evaluate(frame.structure).energy - Double(frame.positions.count) * reference
          let gamma = excess / (2 * area) * SI.joulePerSquareMetre
          #expect(isClose(try #require(result["energy_J_per_m2"] as? Double), gamma, 1e-9))
          #expect(isClose(try #require(result["area_A2"] as? Double), area, 1e-12))
          #expect(isClose(try #require(result["reference_eV_per_atom"] as? Double), reference, 1e-12))
          #expect(result["boundaries"] as? Int == 2)
          #expect(run.log.contains("grain-boundary energy \(String(format: "%.4f", gamma)) J/m²"))
          #expect(key != "{}" || gamma > 0.1)
        }
      }
    },
    KeyEffect(
      in: "analysis.watch", "every", "select.force_deviation", "select.energy_deviation", "select.extrapolations",
      "select.file", "select.spacing"
    ) {
      let all = try figures(steps: 40)
      for (name, values) in [
        ("force_deviation", all.map { ($0.step, $0.force) }), ("energy_deviation", all.map { ($0.step, $0.energy) }),
        ("extrapolations", all.map { ($0.step, $0.outside) }),
      ] {
        let limit = limit(values.map(\.1))
        for (every, spacing, more) in [(1, 7, ""), (4, 8, "every: 4, "), (3, 1, "every: 3, ")] {
          let steps = selected(values, limit: limit, every: every, spacing: spacing)
          #expect(!steps.isEmpty && steps.count < 40 / every)
          let run = try CommitteeTests.run(
            "analysis: {watch: {\(more)select: {\(name): \(limit), spacing: \(spacing), file: kept.xyz}}}", ranks: 2)
          let frames = try run.frames("kept.xyz")
          #expect(frames.map(\.step) == steps, "\(name), every \(every), spacing \(spacing)")
          for frame in frames {
            let own = CommitteeTests.spread(CommitteeTests.members.map { $0.model.evaluate(frame.structure) })
            #expect(distance(frame.forces, own.mean.forces) < 1e-10)
            #expect(distance(frame.reals("energies"), own.mean.energies) < 1e-10)
            #expect(distance(frame.reals("force_deviation"), own.forces) < 1e-10)
            #expect(distance(frame.reals("energy_deviation"), own.energies) < 1e-10)
            #expect(frame.reals("extrapolations") == TinyNetwork.extrapolations(frame.structure))
          }
        }
      }
      // 100 steps apart if nothing is said, in selected.extxyz.
      let run = try CommitteeTests.run(steps: 120, "analysis: {watch: {select: {force_deviation: 1e-9}}}")
      #expect(try run.frames("selected.extxyz").map(\.step) == [1, 101])
    },
    KeyEffect(in: "analysis.watch.stop", "force_deviation", "energy_deviation", "extrapolations") {
      let all = try figures(steps: 40)
      for (name, values) in [
        ("force_deviation", all.map { ($0.step, $0.force) }), ("energy_deviation", all.map { ($0.step, $0.energy) }),
        ("extrapolations", all.map { ($0.step, $0.outside) }),
      ] {
        // Just below the largest of all steps: the run ends at the first that is above it.
        let later = values.filter { $0.0 > 0 }
        let sorted = Array(Set(later.map(\.1))).sorted()
        let limit = 0.5 * (sorted[sorted.count - 1] + sorted[sorted.count - 2])
        let step = try #require(later.first { $0.1 > limit }?.0)
        var files = CommitteeTests.files
        files["start.extxyz"] = Sample.text(TinyNetwork.start)
        let run = try DeckRun(files: files)
        let error = #expect(throws: FaultlineError.self) {
          try run.run(CommitteeTests.deck("analysis: {watch: {stop: {\(name): \(limit)}}}"))
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("at step \(step)"), "\(name): \(step)")
        #expect(try run.frames("selected.extxyz").map(\.step) == [step])
        #expect(try OutputKeyTests.checkpoints(run) == [step])
        #expect(try run.summary()["status"] as? String == "failed")
      }
    },
    KeyEffect("analysis.watch.select.charge_deviation", "analysis.watch.stop.charge_deviation") {
      // Two members of different hardness: half the difference of their charges.
      var soft = ChargeProblem(structure: CoulombKeyTests.salt)
      soft.pools = EquilibrationKeyTests.free(soft.structure)
      var hard = soft
      hard.hardness["Na"] = 7.5
      let spread = zip(soft.solve().charges, hard.solve().charges).map { 0.5 * abs($0 - $1) }
      let largest = spread.max()!
      var files = Dictionary(uniqueKeysWithValues: soft.network("").files.map { ("a/" + $0.key, $0.value) })
      files.merge(hard.network("").files.map { ("b/" + $0.key, $0.value) }) { x, _ in x }
      files["in.extxyz"] = Sample.text(soft.structure)
      func deck(_ watch: String) -> String {
        """
        structure: {file: {path: in.extxyz}}
        groups: {held: {select: {ids: [1, 7]}, frozen: true}}
        potential: [{hdnnp: {committee: [a/net, b/net], units: metal, charges: {method: direct, accuracy: 1e-10}}}]
        stages: [{dynamics: {steps: 3, timestep: 0.001 fs}}]
        analysis: {watch: {\(watch)}}
        output: {thermo: {every: 1}, trajectories: [{file: t.extxyz, every: 1, columns: [charges, charge_deviation]}]}
        """
      }
      for (limit, steps) in [(0.999 * largest, [1, 3]), (1.001 * largest, [])] {
        let run = try DeckRun(deck("select: {charge_deviation: \(limit), spacing: 2}"), files: files)
        #expect(
          try run.exists("run/selected.extxyz") && !steps.isEmpty
            ? run.frames("selected.extxyz").map(\.step) == steps : steps.isEmpty)
        let rows = try run.thermo()
        #expect(rows.allSatisfy { abs(($0["charge_deviation"] ?? 0) - largest) < 1e-6 })
        for frame in try run.frames("t.extxyz") {
          #expect(distance(frame.reals("charge_deviation"), spread) < 1e-6)
          let mean = zip(soft.solve().charges, hard.solve().charges).map { 0.5 * ($0 + $1) }
          #expect(distance(frame.structure.charges ?? [], mean) < 1e-6)
        }
      }
      _ = try DeckRun(deck("stop: {charge_deviation: \(1.001 * largest)}"), files: files)
      let error = #expect(throws: FaultlineError.self) {
        _ = try DeckRun(deck("stop: {charge_deviation: \(0.999 * largest)}"), files: files)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("at step 1"))
    },
  ]
}

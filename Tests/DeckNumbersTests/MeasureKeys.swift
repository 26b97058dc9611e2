import Foundation
import MDAnalysis
import MDCore
import MDIO
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Keys of `analysis.measure`, `analysis.regions` and `analysis.averages`: what observers write is compared with sums over the
/// frames of the same run.
@Suite("Deck → numbers: observers") struct MeasureKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  /// Eight atoms of two species, a frame of every step.
  static func run(
    _ measure: String, regions: String = "{}", more: String = "", steps: Int = 24, ranks: Int = 1, drift: Vector3 = .zero,
    charges: [Double]? = nil
  ) throws -> DeckRun {
    var start = Sample.crystal(["Ar", "Kr"], spacing: 3.6, cells: [1, 1, 2], speed: 6)
    start.velocities = start.velocities?.map { $0 + drift }
    if let charges { start.charges = start.types.map { charges[Int($0)] } }
    return try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: \(ThermoTests.rareGasDeck)
      stages: [{dynamics: {steps: \(steps), timestep: 4 fs, remove_drift: false}}]
      analysis: {regions: \(regions), measure: [\(measure)]}
      output: {thermo: {every: 2}, trajectories: [{file: t.extxyz, every: 1, unwrapped: true, columns: [velocities]}]}
      \(more)
      """, files: ["start.extxyz": Sample.text(start)], ranks: ranks)
  }

  static func table(_ run: DeckRun, _ name: String) throws -> [String: [Double]] {
    let text = try run.read("run/\(name).csv")
    let rows = CSVTable.rows(text)
    return Dictionary(uniqueKeysWithValues: CSVTable.names(text).map { n in (n, rows.map { $0[n] ?? .nan }) })
  }

  static func results(_ run: DeckRun) throws -> [String: [String: Any]] {
    let data = try Data(contentsOf: URL(fileURLWithPath: run.path("run/results.json")))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
  }

  static func number(_ run: DeckRun, _ observer: String, _ name: String) throws -> [String: Any] {
    let numbers = try #require(try results(run)[observer]?["numbers"] as? [String: [String: Any]])
    return try #require(numbers[name], "\(numbers.keys)")
  }

  static func value(_ run: DeckRun, _ observer: String, _ name: String) throws -> Double {
    try #require((number(run, observer, name)["value"] as? NSNumber)?.doubleValue)
  }

  /// Vectors to all images of all atoms within `reach`.
  static func neighbors(_ s: Structure, _ i: Int, reach: Double) -> [(j: Int, d: Vector3)] {
    var found: [(Int, Vector3)] = []
    for j in 0..<s.count {
      // Frames are unwrapped: images are counted from the nearest.
      var f = (s.positions[j] - s.positions[i]) * s.box.inverse
      for k in 0..<3 { f[k] -= f[k].rounded() }
      for a in -4...4 { for b in -4...4 { for c in -4...4 {
        let d = (f + Vector3(Double(a), Double(b), Double(c))) * s.box.cell
        if d.length > 1e-9, d.length < reach { found.append((j, d)) }
      } } }
    }
    return found
  }

  /// Every observer with few keys.
  static let plain = [
    "rdf": "cutoff: 5, bins: 10", "structure_factor": "largest: 3, bins: 10", "coordination": "cutoff: 4.5",
    "angles": "cutoff: 4.5, bins: 9", "cna": "reach: 6", "centrosymmetry": "reach: 6, largest: 60",
    "steinhardt": "cutoff: 4.5", "profile": "along: c, bins: 4", "transport": "points: 4, levels: 1",
    "velocities": "samples: 2, origins: 1", "polyhedra": "center: Ar, corner: Kr, cutoff: 4", "templates": "reach: 6",
    "jumps": "radius: 0.5, basis: [[0, 0, 0], [0.5, 0.5, 0.5]], repeat: [2, 2, 4]",
    "rotation": "center: Kr, corner: Ar, cutoff: 4.5, points: 4, levels: 1", "stress": "along: c, bins: 4",
    "heat_flux": "samples: 3", "rings": "cutoff: 4.2, largest: 6",
  ]

  static let effects: [KeyEffect] = common + inSpace + inTime + ofRegions + ofStructure + ofForces

  /// Those that are about all atoms.
  private static let ofAll = ["structure_factor", "stress", "heat_flux"]

  /// Keys that all have.
  private static let common: [KeyEffect] =
    InstrumentEntry.all.map { (entry: InstrumentEntry) -> KeyEffect in
      let name = entry.entry.name
      return KeyEffect(in: "analysis.measure." + name, "name", "of", "every", "from") {
        let keys = try #require(plain[name])
        let measure =
          "{\(name): {\(keys)}}, {\(name): {name: late, every: 5, from: 7, \(keys)}}, {\(name): {name: each, every: 1, \(keys)}}"
          + (ofAll.contains(name) ? "" : ", {\(name): {name: some, of: Kr, every: 5, from: 7, \(keys)}}")
        let run = try Self.run(measure, ranks: 2)
        let results = try results(run)
        let samples = results.mapValues { $0["samples"] as? Int }
        // Steps 10, 15, 20 and 0 … 24.
        #expect(samples["late"] == 3 && samples["each"] == 25)
        let usual = ["transport": 3, "velocities": 13, "rotation": 3, "jumps": 3, "heat_flux": 2][name] ?? 1
        #expect(samples[name] == usual, "\(name): \(samples)")
        #expect(run.exists("run/late.csv") && run.exists("run/\(name).csv"))
        if !ofAll.contains(name) {
          let (some, late) = (try run.read("run/some.csv"), try run.read("run/late.csv"))
          let numbers = try ["some", "late"].map { name -> [String: Double] in
            let all = try #require(results[name]?["numbers"] as? [String: [String: Any]])
            return all.compactMapValues { ($0["value"] as? NSNumber)?.doubleValue }
          }
          #expect(samples["some"] == 3 && (some != late || numbers[0] != numbers[1]))
        } else {
          #expect(throws: (any Error).self) { try Self.run("{\(name): {of: Kr, \(keys)}}") }
        }
        for wrong in ["{\(name): {of: Xe, \(keys)}}", "{\(name): {\(keys)}}, {\(name): {\(keys)}}", "{\(name): {name: a/b, \(keys)}}"] {
          #expect(throws: (any Error).self) { try Self.run(wrong) }
        }
      }
    }

  private static let inSpace: [KeyEffect] = [
      KeyEffect("analysis.measure.rdf.cutoff", "analysis.measure.rdf.bins", "analysis.measure.coordination.cutoff",
        "analysis.measure.angles.cutoff", "analysis.measure.angles.bins"
      ) {
        // Farther than the potential reaches: ghosts are brought in.
        let run = try Self.run(
          "{rdf: {cutoff: 9, bins: 30, every: 8}}, {coordination: {cutoff: 5.2, every: 8}}, {angles: {cutoff: 4.2, bins: 12, every: 8}}",
          more: "neighbors: {skin: 0.5}", ranks: 3)
        let frames = try run.frames("t.extxyz").filter { $0.step % 8 == 0 }
        #expect(frames.count == 4)
        let rdf = try table(run, "rdf")
        #expect(rdf["r"]?.count == 30 && isClose(rdf["r"]?.last ?? 0, 8.85, 1e-9))
        var pairs = [Double](repeating: 0, count: 30)
        var (krypton, angles) = (0.0, [Double](repeating: 0, count: 12))
        for frame in frames {
          for i in 0..<8 {
            let all = neighbors(frame.structure, i, reach: 9)
            for (_, d) in all { pairs[Int(d.length / 0.3)] += 1 }
            if frame.names[i] == "Ar" {
              krypton += Double(all.filter { $0.d.length < 5.2 && frame.names[$0.j] == "Kr" }.count)
            }
            let bonds = all.filter { $0.d.length < 4.2 }.map { (1 / $0.d.length) * $0.d }
            for a in bonds.indices {
              for b in 0..<a {
                angles[min(Int(acos(min(max(dot(bonds[a], bonds[b]), -1), 1)) / Double.pi * 12), 11)] += 1
              }
            }
          }
        }
        #expect(rdf["pairs_all"] == pairs)
        #expect(isClose(try value(run, "coordination", "Ar_Kr"), krypton / Double(4 * 4), 1e-12))
        #expect(try table(run, "angles")["angles_all"] == angles)
      },
      KeyEffect(in: "analysis.measure.structure_factor", "largest", "bins", "vectors") {
        let run = try Self.run(
          "{structure_factor: {largest: 4, bins: 20, vectors: 100000}}, {structure_factor: {name: few, largest: 4, bins: 20, vectors: 2}}")
        let (all, few) = (try table(run, "structure_factor"), try table(run, "few"))
        #expect(all["k"]?.allSatisfy { $0 < 4 } ?? false && (all["k"]?.count ?? 0) <= 20)
        #expect((few["vectors"] ?? []).max() ?? 9 <= 2 && (all["vectors"] ?? []).max() ?? 0 > 4)
        #expect((all["S_all"] ?? []).allSatisfy { $0 >= 0 })
      },
      KeyEffect(
        "analysis.measure.cna.cutoff", "analysis.measure.cna.reach", "analysis.measure.centrosymmetry.neighbors",
        "analysis.measure.centrosymmetry.bins", "analysis.measure.centrosymmetry.largest",
        "analysis.measure.centrosymmetry.reach", "analysis.measure.steinhardt.degrees", "analysis.measure.steinhardt.neighbors",
        "analysis.measure.steinhardt.cutoff", "analysis.measure.steinhardt.reach", "analysis.measure.steinhardt.bins"
      ) {
        // A cold crystal of argon, 3.75 Å between neighbours.
        let deck = { (measure: String) in
          try DeckRun(
            """
            structure: {lattice: {type: fcc, constant: 5.3, species: [Ar], size: [3, 3, 3]}}
            potential: [{lennard_jones: {cutoff: 7.5, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
            stages: [{dynamics: {steps: 2, timestep: 1 fs}}]
            analysis: {measure: [\(measure)]}
            """)
        }
        let run = try deck(
          """
          {cna: {every: 1, cutoff: 4.5}}, {cna: {name: wide, every: 1, cutoff: 5.5}}, {cna: {name: near, every: 1, reach: 3.5}},
          {centrosymmetry: {every: 1}}, {centrosymmetry: {name: eight, every: 1, neighbors: 8, bins: 30, largest: 60}},
          {centrosymmetry: {name: blind, every: 1, reach: 3}},
          {steinhardt: {every: 1, neighbors: 12}}, {steinhardt: {name: shell, every: 1, cutoff: 4.5, degrees: [8], bins: 7}},
          {steinhardt: {name: lost, every: 1, neighbors: 12, reach: 3}}
          """)
        #expect(try value(run, "cna", "fcc") == 1 && value(run, "wide", "other") == 1 && value(run, "near", "other") == 1)
        #expect(try abs(value(run, "centrosymmetry", "mean")) < 1e-9 && value(run, "eight", "mean") > 1)
        let histogram = try table(run, "eight")
        #expect(histogram["centrosymmetry"]?.last == 59 && histogram["centrosymmetry"]?.count == 30)
        #expect(try table(run, "blind")["atoms"]?.reduce(0, +) == 0)
        #expect(abs(try value(run, "steinhardt", "q6") - 0.574524) < 1e-5)
        #expect(abs(try value(run, "shell", "q8") - 0.403915) < 1e-5)
        #expect(try table(run, "shell")["q"]?.count == 7)
        #expect(try value(run, "lost", "q6") == 0)
        #expect(throws: (any Error).self) { try deck("{centrosymmetry: {neighbors: 7}}") }
        #expect(throws: (any Error).self) { try deck("{steinhardt: {}}") }
        #expect(throws: (any Error).self) { try deck("{steinhardt: {cutoff: 4, reach: 5}}") }
      },
      KeyEffect(in: "analysis.measure.profile", "along", "in", "bins", "quantities") {
        let run = try Self.run(
          """
          {profile: {every: 6, along: b, bins: 3, quantities: [density, mass_density, charge_density, temperature, velocity, energy, stress]}},
          {profile: {name: map, every: 6, in: ac, bins: 2}}, {profile: {name: phi, every: 24, along: a, bins: 6, quantities: [potential, charge_density]}}
          """, ranks: 2, drift: Vector3(1, -2, 0.5), charges: [0.5, -0.5])
        let frames = try run.frames("t.extxyz").filter { $0.step % 6 == 0 }
        let (profile, map) = (try table(run, "profile"), try table(run, "map"))
        var counts = [Double](repeating: 0, count: 3), argon = counts, motion = counts, speed = counts, mass = counts
        var plane = [Double](repeating: 0, count: 4)
        let masses = ["Ar": Elements.standardMass("Ar"), "Kr": Elements.standardMass("Kr")]
        for frame in frames {
          for i in 0..<8 {
            var f = frame.structure.box.fractional(frame.positions[i])
            for k in 0..<3 { f[k] -= f[k].rounded(.down) }
            let k = Int(f.y * 3)
            counts[k] += 1
            argon[k] += frame.names[i] == "Ar" ? 1 : 0
            mass[k] += masses[frame.names[i]] ?? 0
            motion[k] += (masses[frame.names[i]] ?? 0) * frame.velocities[i].squaredLength
            speed[k] += frame.velocities[i].z
            plane[2 * Int(f.x * 2) + Int(f.z * 2)] += 1
          }
        }
        let slice = frames[0].structure.box.volume / 3 * Double(frames.count)
        for k in 0..<3 {
          #expect(isClose(profile["density_all"]?[k] ?? 0, counts[k] / slice, 1e-9))
          #expect(isClose(profile["density_Ar"]?[k] ?? 0, argon[k] / slice, 1e-9) && profile["atoms_Ar"]?[k] == argon[k])
          #expect(isClose(profile["mass_density"]?[k] ?? 0, mass[k] / slice * 1.66053906660, 1e-9))
          #expect(isClose(profile["charge_density"]?[k] ?? 9, (2 * argon[k] - counts[k]) * 0.5 / slice, 1e-9))
          guard counts[k] > 0 else { continue }
          #expect(isClose(profile["temperature"]?[k] ?? 0, motion[k] * 1.0364269656262175e-4 / (3 * 8.617333262145179e-5 * counts[k]), 1e-9))
          #expect(isClose(profile["velocity_z"]?[k] ?? 9, speed[k] / counts[k], 1e-9))
        }
        #expect(map["atoms_Ar"]?.count == 4 && zip(map["atoms_Ar"] ?? [], map["atoms_Kr"] ?? []).map { $0 + $1 } == plane)
        // Energies and stress of the intervals sum up to those of thermo.csv.
        let rows = try run.thermo().filter { Int($0["step"] ?? 1) % 6 == 0 }
        let energy = (0..<3).reduce(0.0) { $0 + (profile["energy"]?[$1] ?? 0) * counts[$1] }
        #expect(isClose(energy, rows.reduce(0) { $0 + ($1["potential_energy"] ?? 0) }, 1e-9))
        for (stress, pressure) in [("stress_xx", "pxx"), ("stress_yz", "pyz"), ("stress_xy", "pxy")] {
          // Drift is motion here; thermo.csv leaves it out.
          let mean = (profile[stress] ?? []).reduce(0, +) / 3
          let drift = stress == "stress_xx" ? 1.0 : stress == "stress_yz" ? -1.0 : -2.0
          let all = mass.reduce(0, +) / Double(frames.count) * 1.0364269656262175e-4 * drift / frames[0].structure.box.volume * 160.2176634
          let expected = -rows.reduce(0) { $0 + ($1[pressure] ?? 0) } / Double(rows.count) / 10_000 - all
          #expect(abs(mean - expected) < 1e-7, "\(stress) \(mean) \(expected)")
        }
        // The second difference of the potential is −4πkρ, as far as one wave of the cell tells.
        let (phi, rho, a) = (try table(run, "phi")["potential"] ?? [], try table(run, "phi")["charge_density"] ?? [], try table(run, "phi")["a"] ?? [])
        func wave(_ x: [Double]) -> Double { x.indices.reduce(0) { $0 + x[$1] * cos(2 * Double.pi * Double($1) / 6) } }
        let q = 2 * Double.pi / (6 * (a[1] - a[0]))
        #expect(abs(wave(phi) * q * q - 4 * Double.pi * 14.39964547842567 * wave(rho)) < 1e-9 * max(1, abs(wave(phi))))
        #expect(abs(phi.reduce(0, +)) < 1e-9 && phi.contains { abs($0) > 1e-3 })
      },
    ]

  private static let inTime: [KeyEffect] = [
      KeyEffect(
        in: "analysis.measure.transport", "points", "levels", "drift", "charges", "temperature", "van_hove.lags",
        "van_hove.largest", "van_hove.bins", "van_hove.distinct"
      ) {
        let velocity = Vector3(3, -1, 2)
        let run = try Self.run(
          """
          {transport: {every: 1, points: 6, levels: 2}}, {transport: {name: still, every: 1, points: 24, levels: 1, drift: none,
            charges: {Ar: 1, Kr: -2}, temperature: 77, van_hove: {lags: [2, 20], largest: 4, bins: 8, distinct: true}}}
          """, steps: 48, ranks: 3, drift: velocity)
        let frames = try run.frames("t.extxyz")
        let (moving, still) = (try table(run, "transport"), try table(run, "still"))
        #expect(moving["samples"] == [1, 2, 3, 4, 5, 6, 9, 12, 15] && still["samples"]?.count == 23)
        let argon = (0..<8).filter { frames[0].names[$0] == "Ar" }
        for lag in [2, 5, 20] {
          let pairs = (lag...48).map { (frames[$0], frames[$0 - lag]) }
          let square = pairs.reduce(0.0) { s, p in s + argon.reduce(0) { $0 + (p.0.positions[$1] - p.1.positions[$1]).squaredLength } }
          #expect(isClose(still["msd_Ar"]?[lag - 1] ?? 0, square / Double(pairs.count * argon.count), 1e-9))
          let dipole = pairs.map { p in
            (0..<8).reduce(Vector3.zero) { $0 + (p.0.names[$1] == "Ar" ? 1.0 : -2.0) * (p.0.positions[$1] - p.1.positions[$1]) }.squaredLength
          }
          #expect(isClose(still["collective"]?[lag - 1] ?? 0, dipole.reduce(0, +) / Double(dipole.count), 1e-9))
          guard lag == 5 else { continue }
          // In the frame of the mass centre, whose velocity is `velocity`.
          let own = pairs.reduce(0.0) { s, p in
            s + argon.reduce(0) { $0 + (p.0.positions[$1] - p.1.positions[$1] - 0.004 * Double(lag) * velocity).squaredLength }
          }
          #expect(isClose(moving["msd_Ar"]?[lag - 1] ?? 0, own / Double(pairs.count * argon.count), 1e-7))
        }
        let hove = try table(run, "still-van_hove")
        var counts = [Double](repeating: 0, count: 8)
        for t in 2...48 { for i in argon {
          let r = (frames[t].positions[i] - frames[t - 2].positions[i]).length
          if r < 4 { counts[Int(r * 2)] += 1 }
        } }
        #expect(hove["windows_Ar_2"] == counts && hove["r"]?.first == 0.25)
        // Krypton from where argon was, over all images of the cell.
        var pairs = [Double](repeating: 0, count: 8)
        for t in 2...48 { for i in argon { for j in 0..<8 where frames[t].names[j] == "Kr" {
          var f = (frames[t].positions[j] - frames[t - 2].positions[i]) * frames[t].structure.box.inverse
          for k in 0..<3 { f[k] -= f[k].rounded() }
          for a in -2...2 { for b in -2...2 { for c in -2...2 {
            let r = ((f + Vector3(Double(a), Double(b), Double(c))) * frames[t].structure.box.cell).length
            if r < 4 { pairs[Int(r * 2)] += 1 }
          } } }
        } } }
        #expect(try table(run, "still-distinct")["pairs_Ar_Kr_2"] == pairs && pairs.reduce(0, +) > 0)
        #expect(!run.exists("run/transport-distinct.csv"))
        // Twice the temperature, half of the conductivity.
        let other = try Self.run(
          "{transport: {name: still, every: 1, points: 24, levels: 1, drift: none, charges: {Ar: 1, Kr: -2}, temperature: 154}}",
          steps: 48, drift: velocity)
        let sigma = try value(run, "still", "conductivity_green_kubo")
        #expect(isClose(try value(other, "still", "conductivity_green_kubo"), sigma / 2, 1e-6) && abs(sigma) > 0)
        for wrong in ["charges: {Ar: 1}", "of: Ar, charges: {Ar: 1, Kr: 1}", "points: 5", "van_hove: {lags: [1000001]}"] {
          #expect(throws: (any Error).self) { try Self.run("{transport: {\(wrong)}}") }
        }
      },
      KeyEffect("analysis.measure.transport.membership", "analysis.regions.slab.axis", "analysis.regions.slab.range") {
        let names = ["start", "ends", "stayed"]
        let run = try Self.run(
          names.map { "{transport: {name: \($0), of: layer, every: 1, points: 40, levels: 1, membership: \($0)}}" }
            .joined(separator: ", "), regions: "{layer: {slab: {axis: y, range: [0, 2 Å]}}}", steps: 60, ranks: 2)
        let frames = try run.frames("t.extxyz")
        let inside = frames.map { frame in
          frame.positions.map { r in
            var (wrapped, image) = (r, SIMD3<Int32>.zero)
            frame.structure.box.wrap(&wrapped, image: &image)
            return wrapped.y >= 0 && wrapped.y < 2
          }
        }
        let argon = (0..<8).filter { frames[0].names[$0] == "Ar" }
        var counts = ["start": 0.0, "ends": 0, "stayed": 0]
        for t in 30...60 { for i in argon where inside[t - 30][i] {
          counts["start"]! += 1
          if inside[t][i] { counts["ends"]! += 1 }
          if (t - 30...t).allSatisfy({ inside[$0][i] }) { counts["stayed"]! += 1 }
        } }
        for name in names { #expect(try table(run, name)["windows_Ar"]?[29] == counts[name], "\(name)") }
        #expect(counts["start"]! > counts["ends"]!)
      },
      KeyEffect(in: "analysis.measure.velocities", "samples", "origins") {
        let run = try Self.run(
          "{velocities: {every: 1, samples: 12, origins: 12}}, {velocities: {name: few, every: 1, samples: 12, origins: 3}}", ranks: 2)
        let frames = try run.frames("t.extxyz")
        let argon = (0..<8).filter { frames[0].names[$0] == "Ar" }
        for (name, gap) in [("velocities", 1), ("few", 4)] {
          let found = try table(run, name)
          #expect(found["lag"]?.count == 12)
          let pairs = stride(from: 0, through: 24 - 7, by: gap).map { (frames[$0], frames[$0 + 7]) }
          let sum = pairs.reduce(0.0) { s, p in s + argon.reduce(0) { $0 + dot(p.0.velocities[$1], p.1.velocities[$1]) } }
          #expect(isClose(found["vacf_Ar"]?[7] ?? 0, sum / Double(pairs.count * argon.count), 1e-9))
          #expect(run.exists("run/\(name)-dos.csv"))
        }
        #expect(throws: (any Error).self) { try Self.run("{velocities: {samples: 12, origins: 5}}") }
      },
    ]

  private static let ofRegions: [KeyEffect] = [
      KeyEffect(
        "analysis.regions.sphere.center", "analysis.regions.sphere.radius", "analysis.regions.cylinder.axis",
        "analysis.regions.cylinder.center", "analysis.regions.cylinder.radius", "analysis.regions.surface.cutoff",
        "analysis.regions.surface.below"
      ) {
        let run = try Self.run(
          "{coordination: {name: ball, of: ball, cutoff: 4, every: 4}}, {coordination: {name: rod, of: rod, cutoff: 4, every: 4}}, "
            + "{coordination: {name: edge, of: edge, cutoff: 4, every: 4}}",
          regions: "{ball: {sphere: {center: [0.5, 1, -1], radius: 3}}, rod: {cylinder: {axis: x, center: [9, 1, 1], radius: 2.5}}, "
            + "edge: {surface: {cutoff: 4.3, below: 12}}}", ranks: 2)
        var counts = [0.0, 0, 0]
        for frame in try run.frames("t.extxyz") where frame.step % 4 == 0 {
          let s = frame.structure
          for i in 0..<8 {
            var (ball, rod) = (Double.infinity, Double.infinity)
            var f = s.box.fractional(s.positions[i])
            for k in 0..<3 { f[k] -= f[k].rounded(.down) }
            for a in -5...5 { for b in -5...5 { for c in -5...5 {
              let r = s.box.cartesian(f + Vector3(Double(a), Double(b), Double(c)))
              ball = min(ball, (r - Vector3(0.5, 1, -1)).length)
              let d = r - Vector3(9, 1, 1)
              // The rod has no ends, but images far along it are not looked at.
              if abs(d.x) < 12 { rod = min(rod, Vector3(0, d.y, d.z).length) }
            } } }
            counts[0] += ball < 3 ? 1 : 0
            counts[1] += rod < 2.5 ? 1 : 0
            counts[2] += neighbors(s, i, reach: 4.3).count < 12 ? 1 : 0
          }
        }
        for (k, name) in ["ball", "rod", "edge"].enumerated() {
          let found = try table(run, name)
          let all = (found["atoms_Ar_all"] ?? []).reduce(0, +) + (found["atoms_Kr_all"] ?? []).reduce(0, +)
          #expect(all == counts[k] && counts[k] > 0, "\(name): \(all), \(counts[k])")
        }
      },
      KeyEffect(
        in: "analysis.regions", "boundary.crystal", "boundary.width", "boundary.count", "boundary.follow", "boundary.every",
        "boundary.reach", "bulk.away_from", "bulk.distance"
      ) {
        let run = try DeckRun(
          AnalysisKeyTests.boundary.replacingOccurrences(of: "thickness: 8", with: "thickness: 20") + """
            stages: [{dynamics: {steps: 6, timestep: 1 fs}}]
            analysis:
              regions:
                gb: {boundary: {crystal: fcc, width: 8, count: 2, follow: 0.5, every: 2, reach: 6}}
                thin: {boundary: {crystal: fcc, width: 2}}
                grains: {bulk: {away_from: gb, distance: 6}}
              measure:
                - cna: {name: all, every: 6, reach: 6}
                - cna: {name: gb, every: 6, of: gb, reach: 6}
                - cna: {name: thin, every: 6, of: thin, reach: 6}
                - cna: {name: grains, every: 6, of: grains, reach: 6}
            """, ranks: 2)
        func atoms(_ name: String, _ types: [String] = ["other", "fcc", "hcp", "bcc", "icosahedral"]) throws -> Double {
          let found = try table(run, name)
          return types.reduce(0) { $0 + (found[$1]?.last ?? 0) }
        }
        // What is no crystal is at the boundaries, and the grains' middles are crystal.
        let strangers = try atoms("all") - atoms("all", ["fcc"])
        #expect(strangers > 8)
        #expect(try atoms("gb") - atoms("gb", ["fcc"]) > 0.8 * strangers)
        #expect(try atoms("grains", ["fcc"]) == atoms("grains") && atoms("grains") > 10)
        #expect(try atoms("thin") < 0.6 * atoms("gb") && atoms("thin") > 0)
        #expect(try atoms("gb") + atoms("grains") < atoms("all"))
        for wrong in [
          "{gb: {boundary: {crystal: fcc, width: 5, count: 90}}}", "{gb: {bulk: {away_from: nothing, distance: 5}}}",
        ] {
          #expect(throws: (any Error).self) {
            try DeckRun(
              AnalysisKeyTests.boundary + "stages: [{dynamics: {steps: 2}}]\nanalysis: {regions: \(wrong), measure: [{cna: {of: gb, every: 1}}]}")
          }
        }
      },
      KeyEffect("analysis.regions.boundary.of") {
        let deck = { (of: String) in
          try DeckRun(
            """
            structure: {grain_boundary: {kind: tilt, lattice: fluorite, constant: 6, species: [Kr, Ar], axis: [0, 0, 1], sigma: 5,
              plane: [2, 1, 0], repeat: [1, 2], thickness: 20, overlap: 0}}
            potential: \(ThermoTests.rareGasDeck)
            stages: [{dynamics: {steps: 1, timestep: 0.001 fs}}]
            analysis:
              regions: {gb: {boundary: {crystal: fcc, width: 6, reach: 5.6\(of)}}}
              measure: [{profile: {every: 1, of: gb, along: c, bins: 8, quantities: [density]}}]
            """, ranks: 2)
        }
        // Boundaries are at 0 and 1/2 of c.
        let found = try #require(try table(deck(", of: Kr"), "profile")["atoms_Kr"])
        for k in 0..<8 { #expect((found[k] > 0) == [0, 3, 4, 7].contains(k), "\(found)") }
        // All atoms together are no close packing anywhere.
        #expect(try table(deck(""), "profile")["atoms_Kr"] != found)
        #expect(throws: (any Error).self) { try deck(", of: Xe") }
      },
      KeyEffect("analysis.averages.columns", "analysis.averages.equilibration") {
        let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6, cells: [1, 1, 2], speed: 6)
        let averaged = try DeckRun(
          """
          structure: {file: {path: start.extxyz}}
          potential: \(ThermoTests.rareGasDeck)
          stages: [{dynamics: {steps: 200, timestep: 4 fs}}]
          analysis: {averages: {columns: [temperature, pzz], equilibration: 20}}
          output: {thermo: {every: 2}}
          """, files: ["start.extxyz": Sample.text(start)], ranks: 2)
        let rows = Array(try averaged.thermo().dropFirst())
        #expect(rows.count == 100)
        for column in ["temperature", "pzz"] {
          let x = rows.dropFirst(20).map { $0[column] ?? .nan }
          let found = try table(averaged, "averages")
          #expect(isClose(found[column]?[0] ?? .nan, x.reduce(0, +) / 80, 1e-9) && found[column + "_cut"] == [20])
          let expected = BlockAverage.average(x, cut: 0).error
          #expect(isClose(found[column + "_error"]?[0] ?? .nan, expected, 1e-5))
          #expect(isClose(try value(averaged, "averages", column + "_stage_1"), x.reduce(0, +) / 80, 1e-9))
        }
        #expect(try table(averaged, "averages").keys.contains("volume") == false)
        let all = try DeckRun(
          """
          structure: {file: {path: start.extxyz}}
          potential: \(ThermoTests.rareGasDeck)
          stages: [{dynamics: {steps: 40, timestep: 4 fs}}]
          analysis: {averages: {}}
          output: {thermo: {every: 2}}
          """, files: ["start.extxyz": Sample.text(start)])
        #expect(try table(all, "averages").keys.contains("volume"))
      },
    ]
}

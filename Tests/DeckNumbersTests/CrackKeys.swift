import Foundation
import MDCore
import MDNumerics
import MDSimulation
import MDStructures
import MDTestSupport
import Testing

/// Keys of `structure.crack`, of what loads it and of what looks at it. The field itself is held against other programs in
/// StrohTests; here it is that of the deck's crystal, tip, mode and K.
@Suite("Deck → numbers: cracks") struct CrackKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let argon = "of: {lattice: {type: fcc, constant: 5.27, species: [Ar]}}"
  static let potential =
    "potential: [{lennard_jones: {cutoff: 8.7, truncation: shifted, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]"
  static let soft = "elastic: [4.14, 2.36, 2.36]"

  static func build(_ keys: String, tail: String = "") throws -> Structure { try DeckRun.build("crack: {\(keys)}\n\(tail)") }
  static func deck(_ keys: String, _ stages: String, more: String = "") -> String {
    """
    structure: {crack: {\(keys)}}
    \(potential)
    stages: [\(stages)]
    \(more)
    """
  }
  /// A small body in the usual setting.
  static func small(_ keys: String = "", k: String = "k: 0.014") -> String {
    "of: {lattice: {type: fcc, constant: 5.2687, species: [Ar]}}, plane: [1, 1, 1], front: [1, -1, 0], radius: 40, \(soft), \(k)"
      + (keys.isEmpty ? "" : ", " + keys)
  }

  /// On (001) the crack cleaves; on (111) with a front along [1-10] it emits dislocations.
  static let cleaving = small("surface_energy: measured", k: "of_griffith: 1").replacing("[1, 1, 1]", with: "[0, 0, 1]")
    .replacing("[1, -1, 0]", with: "[1, 1, 0]").replacing("radius: 40", with: "radius: 60")

  static func rows(_ run: DeckRun, _ output: String = "run") throws -> [[String: Double]] {
    CSVTable.rows(try run.read("\(output)/crack.csv"))
  }

  static func stroh(_ c: [Double], _ lattice: LatticeType = .fcc, plane: SIMD3<Int> = SIMD3(1, 1, 1), front: SIMD3<Int> = SIMD3(1, -1, 0))
    throws -> StrohSolution
  {
    let unit = try lattice.unitCell(a: 5.2687, species: ["Ar"])
    let tensor = c.count == 3 ? ElasticTensor(cubic: c[0], c[1], c[2])
      : ElasticTensor(voigt: (0..<6).map { Array(c[(6 * $0)..<(6 * $0 + 6)]) })
    return try StrohSolution(CrackOrientation(unit, plane: plane, front: front).turned(tensor))
  }

  /// How far atoms are from where the field of k = (II, I, III) about `tip`, from the middle of the box, has them.
  static func misfit(_ keys: String, _ stroh: StrohSolution, k: Vector3, tip: SIMD2<Double> = .zero) throws -> Double {
    let loaded = try build(keys)
    let sites = try build(keys.replacing(/(k|of_griffith): [-0-9.e]+/, with: "k: 0"))
    let middle = SIMD2(0.5 * sites.box.cell.x.x, 0.5 * sites.box.cell.y.y)
    let field = stroh.field(k)
    return distance(
      loaded.positions,
      sites.positions.map { $0 + field.displacement($0.x - middle.x - tip.x, $0.y - middle.y - tip.y) })
  }

  static func refusal(_ deck: String) -> String {
    let error = #expect(throws: (any Error).self) { _ = try DeckRun(deck) }
    return error.map { "\($0)" } ?? ""
  }

  static let effects: [KeyEffect] = [
    KeyEffect(keys: InterfaceKeyTests.crystalKeys.map { "structure.crack.of.\($0)" }) {
      func shells(_ s: Structure, around i: Int) -> [Int] {
        var found: [Int] = []
        PairSum.forEach(s, reach: 5.5) { a, _, d in if a == i { found.append(Int((d.length * 1e5).rounded())) } }
        return found.sorted()
      }
      for crystal in InterfaceKeyTests.crystals {
        let unit = try crystal.unit()
        var s = try DeckRun.build(
          "crack: {of: \(crystal.text), plane: [0, 0, 1], front: [1, 0, 0], radius: 26, elastic: [100, 50, 30], k: 0}", files: crystal.files)
        #expect(Set(s.species) == Set(unit.species), "\(crystal.text)")
        s.box.periodic = .all
        var block = Structure(
          box: Box(cell: unit.cell), species: unit.species, types: unit.types, positions: unit.sites.map { $0.position * unit.cell })
        block = try block.replicated(SIMD3(3, 3, 3))
        let known = Set(block.positions.indices.map { shells(block, around: $0) })
        let middle = 0.5 * s.box.cell.x.x
        let near = s.positions.indices.filter { abs(s.positions[$0].x - middle) < 3 && abs(s.positions[$0].y - middle) < 3 }
        #expect(!near.isEmpty && near.prefix(3).allSatisfy { known.contains(shells(s, around: $0)) }, "\(crystal.text)")
      }
      let counts = try ["0", "5 kbar"].map {
        try build(
          "of: {lattice: {type: fcc, constant: equilibrium, pressure: \($0), species: [Ar]}}, plane: [1, 1, 1], front: [1, -1, 0], "
            + "radius: 60, \(soft), k: 0", tail: potential
        ).count
      }
      #expect(counts[1] > counts[0] + 20)
    },
    KeyEffect(in: "structure.crack", "plane", "front", "radius", "size", "repeat") {
      let s = try build("\(argon), plane: [1, 1, 0], front: [0, 0, 1], radius: 31, repeat: 3, \(soft), k: 0")
      #expect(abs(s.box.cell.z.z - 3 * 5.27) < 1e-9)
      let other = try build("\(argon), plane: [0, 0, 1], front: [1, -1, 0], size: [60, 44], \(soft), k: 0")
      #expect(abs(other.box.cell.z.z - 5.27 / 2.0.squareRoot()) < 1e-9)
      func extent(_ s: Structure, _ axis: Int) -> Double {
        let x = s.positions.map { $0[axis] }
        return x.max()! - x.min()!
      }
      #expect(abs(extent(s, 0) - 61) < 2 && abs(extent(s, 1) - 61) < 2)
      #expect(abs(extent(other, 0) - 59) < 2 && abs(extent(other, 1) - 15 * 5.27 / 2) < 1e-6)
      // Heights of the planes of atoms.
      func spacing(_ s: Structure) -> Double {
        let y = Set(s.positions.map { ($0.y * 1e4).rounded() }).sorted()
        return (y[1] - y[0]) * 1e-4
      }
      #expect(abs(spacing(s) - 5.27 / 8.0.squareRoot()) < 1e-3 && abs(spacing(other) - 5.27 / 2) < 1e-3)
    },
    KeyEffect(in: "structure.crack", "ring") {
      let s = try build("\(argon), plane: [1, 1, 1], front: [1, -1, 0], radius: 40, ring: 15, \(soft), k: 0")
      let middle = 0.5 * s.box.cell.x.x
      for (r, grain) in zip(s.positions, s.grains!) {
        let distance = ((r.x - middle) * (r.x - middle) + (r.y - middle) * (r.y - middle)).squareRoot()
        #expect((distance > 25) == (grain == 1))
      }
      // The ring stays, what is inside moves.
      let run = try DeckRun(
        deck(small("ring: 10"), "{minimize: {force_tolerance: 1e-4}}", more: "output: {trajectories: [{file: t.extxyz, every: 1}]}"))
      let frames = try run.frames("t.extxyz")
      let (a, b) = (frames[0].positions, frames.last!.positions)
      let ring = try build(small("ring: 10"))
      #expect(zip(zip(a, b), ring.grains!).allSatisfy { ($0.0 == $0.1) == ($1 == 1) })
      #expect(run.log.contains("crack_ring"))
      let thin = refusal(deck(small("ring: 8"), "{minimize: {}}"))
      #expect(thin.contains("less than the potential's cutoff of 8.70"), "\(thin)")
    },
    KeyEffect(in: "structure.crack", "cut", "slit") {
      // Diamond's (111) planes are 1/4 and 3/4 of a bond apart in turn.
      func gap(_ cut: Int) throws -> Double {
        let s = try build(
          "of: {lattice: {type: diamond, constant: 5.43, species: [Si]}}, plane: [1, 1, 1], front: [1, -1, 0], radius: 30, "
            + "elastic: [166, 64, 80], cut: \(cut), k: 0")
        let y = s.positions.map { $0.y - 0.5 * s.box.cell.y.y }
        return y.filter { $0 > 0 }.min()! - y.filter { $0 < 0 }.max()!
      }
      let bond = 5.43 * 3.0.squareRoot() / 4
      let (wide, narrow) = (try gap(0), try gap(1))
      #expect(abs(wide - bond) < 1e-6 && abs(narrow - bond / 3) < 1e-6)
      let whole = try build(small(k: "k: 0"))
      let slit = try build(small("slit: 14", k: "k: 0"))
      let c = 0.5 * whole.box.cell.x.x
      let gone = whole.positions.filter { r in !slit.positions.contains { ($0 - r).length < 1e-6 } }
      #expect(gone == whole.positions.filter { $0.x < c && abs($0.y - c) < 7 } && !gone.isEmpty)
    },
    KeyEffect(in: "structure.crack", "elastic", "mode", "tip", "k") {
      let plain = try stroh([4.14, 2.36, 2.36])
      #expect(try misfit(small(k: "k: 0.02"), plain, k: Vector3(0, 0.02, 0)) < 1e-6)
      #expect(try misfit(small("tip: [-6, 5]", k: "k: 0.02"), plain, k: Vector3(0, 0.02, 0), tip: SIMD2(-6, 5)) < 1e-6)
      // K_I, K_II, K_III in this order, of unit length.
      let mixed = try misfit(small("mode: [2, 3, -6]", k: "k: 0.014"), plain, k: Vector3(0.006, 0.004, -0.012))
      #expect(mixed < 1e-6)
      #expect(try misfit(small(k: "k: 20 kPa√m"), plain, k: Vector3(0, 0.02, 0)) < 1e-6)
      // 36 numbers: another crystal, with all of them in use.
      var c: [Double] = []
      for i in 0..<6 { for j in 0..<6 { c.append(i == j ? 5 + Double(i) / 2 : 0.3 + 0.1 * Double(i + j)) } }
      let keys = small(k: "k: 0.02").replacing(soft, with: "elastic: [\(c.map { "\($0)" }.joined(separator: ", "))]")
      #expect(try misfit(keys, stroh(c), k: Vector3(0, 0.02, 0)) < 1e-6)
      // Measured: those of sums over the lattice of the pair potential, at its own constant.
      let a = 5.2686512
      let measured = try DeckRun(
        deck(
          small(k: "k: 0.01").replacing(", " + soft, with: "").replacing("5.2687", with: "equilibrium"), "{minimize: {max_steps: 1}}"))
      let one = TaskKeyTests.fcc.map { a / 2 * $0 }
      func sum(_ f: (Vector3) -> Double) -> Double { one.reduce(0) { $0 + f($1) } / (a * a * a / 4) / 2 * TaskKeyTests.gigapascal }
      func curvature(_ r: Vector3) -> Double {
        let (first, second) = TaskKeyTests.slopes(r.length)
        return (second - first) / r.squaredLength / r.squaredLength
      }
      let (c11, c12) = (sum { curvature($0) * pow($0.x, 4) }, sum { curvature($0) * $0.x * $0.x * $0.y * $0.y })
      let modulus = 1000 / (try stroh([c11, c12, c12])).energyRelease(Vector3(0, 1, 0))
      #expect(measured.log.contains("E′ \(String(format: "%.2f", modulus)) GPa"), "\(modulus) \(measured.log)")
    },
    KeyEffect(in: "structure.crack", "surface_energy", "of_griffith") {
      let plain = try stroh([4.14, 2.36, 2.36])
      let unit = (4 * 0.03 / plain.energyRelease(Vector3(0, 1, 0)) / 2).squareRoot()
      let off = try misfit(small("surface_energy: 30 mJ/m²", k: "of_griffith: 0.8"), plain, k: Vector3(0, 0.8 * unit, 0))
      #expect(off < 1e-6)
      // Measured: a rigid (111) surface cuts the bonds across the plane; relaxed it costs a little less.
      let run = try DeckRun(deck(small("surface_energy: measured"), "{minimize: {max_steps: 1}}"))
      let a = 5.2686512
      let normal = Vector3(1, 1, 1)
      // Half of the pairs' energy that planes in between part: per area, h/d of the planes' distance of each vector.
      let energy = TaskKeyTests.fcc.reduce(0) { sum, v in
        let r = a / 2 * v
        let height = dot(r, normal) / 3.0.squareRoot()
        return sum - (height > 0 ? height * TaskKeyTests.phi(r.length) : 0)
      } / (a * a * a / 4) / 2 * TaskKeyTests.perArea
      let text = try #require(run.log.firstMatch(of: /γ ([0-9.]+) J/)).1
      let gamma = try #require(Double(text))
      #expect(gamma < energy && gamma > 0.97 * energy, "\(gamma) \(energy)")
      #expect(refusal(deck(small(k: "of_griffith: 0.8"), "{minimize: {}}")).contains("needs γ"))
    },
    KeyEffect(in: "stages.minimize.k_increments", "k", "of_griffith", "count") {
      let run = try DeckRun(
        deck(
          small("surface_energy: 0.03"), "{minimize: {force_tolerance: 1e-4, k_increments: {k: [0.012, 0.016], count: 2}}}",
          more: "output: {trajectories: [{file: t.extxyz, every: 100000}]}"))
      let all = try rows(run)
      #expect(distance(all.map { $0["K"]! }, [0.012, 0.014, 0.016]) < 1e-12)
      let plain = try stroh([4.14, 2.36, 2.36])
      #expect(distance(all.map { $0["G"]! }, [0.012, 0.014, 0.016].map { plain.energyRelease(Vector3(0, $0, 0)) }) < 1e-9)
      // The ring is where K = 0.016 has it.
      let end = try build(small(k: "k: 0.016"))
      let last = try #require(try run.frames("t.extxyz").last).positions
      let ring = end.grains!.indices.filter { end.grains![$0] == 1 }
      #expect(distance(ring.map { last[$0] }, ring.map { end.positions[$0] }) < 1e-6)
      // What is inside is relaxed and not simply displaced.
      #expect(distance(last, end.positions) > 1e-3)
      let relative = try DeckRun(
        deck(small("surface_energy: 0.03"), "{minimize: {force_tolerance: 1e-4, k_increments: {of_griffith: [0.7, 0.8], count: 1}}}"))
      #expect(distance(try rows(relative).map { $0["K_over_K_G"]! }, [0.7, 0.8]) < 1e-9)
      let negative = refusal(deck(small(), "{minimize: {k_increments: {k: [0.01, -0.01], count: 2}}}"))
      #expect(negative.contains("press the crack's faces together"), "\(negative)")
    },
    KeyEffect(in: "stages.dynamics.k_field", "k", "of_griffith") {
      func run(_ load: String) throws -> DeckRun {
        try DeckRun(
          deck(
            small("surface_energy: 0.03, mode: [2, 1, 3]"), "{dynamics: {steps: 20, timestep: 5 fs, k_field: {\(load)}}}",
            more: "output: {thermo: {every: 5}, trajectories: [{file: t.extxyz, every: 20, unwrapped: true}]}"))
      }
      let ramp = try run("k: [0.014, 0.018]")
      #expect(distance(try rows(ramp).map { $0["K"]! }, [0.014, 0.015, 0.016, 0.017, 0.018]) < 1e-12)
      let end = try build(small("mode: [2, 1, 3]", k: "k: 0.018"))
      let last = try #require(try ramp.frames("t.extxyz").last).positions
      let ring = end.grains!.indices.filter { end.grains![$0] == 1 }
      // Tearing takes atoms along the front into other images, which are counted.
      let period = end.box.cell.z.z
      #expect(distance(ring.map { last[$0] }, ring.map { end.positions[$0] }) < 1e-6)
      #expect(ring.contains { end.positions[$0].z < 0 } && ring.contains { end.positions[$0].z > period })
      #expect(distance(try rows(try run("of_griffith: 0.9")).dropFirst().map { $0["K_over_K_G"]! }, [0.9, 0.9, 0.9, 0.9]) < 1e-9)
      #expect(
        refusal(
          "structure: {lattice: {type: fcc, constant: 5.27, species: [Ar], size: [4, 4, 4]}}\n\(potential)\n"
            + "stages: [{dynamics: {steps: 2, k_field: {k: 0.1}}}]"
        ).contains("the structure has none"))
    },
    KeyEffect("stages.minimize.k_increments.follow", "stages.dynamics.k_field.follow") {
      for follow in [false, true] {
        let run = try DeckRun(
          deck(
            cleaving, "{minimize: {force_tolerance: 1e-4, k_increments: {of_griffith: [1, 1.2], count: 8, follow: \(follow)}}}, "
              + "{dynamics: {steps: 10, timestep: 5 fs, k_field: {of_griffith: 1.2, follow: \(follow)}}}"))
        let all = try rows(run)
        let (first, last) = (all[0], all[all.count - 1])
        #expect(last["tip"]! > first["tip"]! + 1, "the crack must have advanced")
        if follow {
          // The field's centre is where the tip was seen before.
          for (a, b) in zip(all, all.dropFirst()) where b["step"]! > a["step"]! { #expect(abs(b["centre"]! - a["tip"]!) < 1e-6) }
        } else {
          #expect(all.allSatisfy { $0["centre"]! == first["centre"]! })
        }
        #expect(run.log.contains("advanced first at K"))
        let crack = try #require(try run.summary()["crack"] as? [String: Any])
        let event = try #require(crack["first_advance"] as? [String: Any])
        let k = try #require(event["K_over_K_G"] as? Double)
        // The potential reaches far: little lattice trapping.
        #expect((1.0...1.2).contains(k) && abs((event["half_step_MPa_sqrt_m"] as? Double ?? 0) / 0.0125 / (crack["K_G_MPa_sqrt_m"] as! Double) - 1) < 1e-6)
      }
    },
    KeyEffect(in: "analysis.crack", "every", "bond", "fit") {
      func run(_ keys: String, _ radius: Int = 60) throws -> [[String: Double]] {
        try rows(
          DeckRun(
            deck(
              small(k: "k: 0.018").replacing("radius: 40", with: "radius: \(radius)"),
              "{dynamics: {steps: 12, timestep: 1 fs, k_field: {k: 0.018}}}", more: "analysis: {crack: {\(keys)}}")))
      }
      let plain = try run("every: 4")
      #expect(plain.map { $0["step"]! } == [0, 4, 8, 12])
      // In the field itself, before anything moves, the fit gives it back.
      let first = plain[0]
      #expect(abs(first["K_I_fit"]! - 0.018) < 1e-8 && abs(first["K_II_fit"]!) < 1e-8 && abs(first["tip_fit"]! - 70) < 1e-5)
      #expect(first["fit_residual"]! < 1e-8)
      let near = try run("every: 4, fit: [10, 20]")
      #expect(near[3]["K_I_fit"]! != plain[3]["K_I_fit"]!)
      // Bonds across the plane of the field's own structure, counted one by one.
      for limit in [1.1, 1.6] {
        let row = try run("every: 4, bond: \(limit)")[0]
        let keys = small(k: "k: 0.018").replacing("radius: 40", with: "radius: 60")
        let (now, sites) = (try build(keys), try build(keys.replacing("k: 0.018", with: "k: 0")))
        var (broken, count) = (0, 0)
        let (period, y) = (sites.box.cell.z.z, 0.5 * sites.box.cell.y.y)
        let near = sites.positions.indices.filter { abs(sites.positions[$0].y - y) < 5 }
        for i in near where sites.positions[i].y < y {
          for j in near where sites.positions[j].y > y {
            for n in -2...2 {
              let shift = Vector3(0, 0, Double(n) * period)
              let r = sites.positions[j] - sites.positions[i] + shift
              guard r.length < 1.2 * 5.2687 / 2.0.squareRoot() else { continue }
              count += 1
              if (now.positions[j] - now.positions[i] + shift).length > limit * r.length { broken += 1 }
            }
          }
        }
        #expect(count > 20 && Int(row["broken_bonds"]!) == broken, "\(limit): \(broken) of \(count)")
      }
      let far = refusal(deck(small(), "{minimize: {}}", more: "analysis: {crack: {fit: [10, 35]}}"))
      #expect(far.contains("reaches into the ring"), "\(far)")
      #expect(refusal("structure: {lattice: {type: fcc, constant: 5.27, species: [Ar], size: [4, 4, 4]}}\n\(potential)\nstages: [{minimize: {}}]\nanalysis: {crack: {}}")
        .contains("the structure has none"))
    },
  ]

  @Test("what contradicts a crack is refused before the first step")
  func refusals() {
    let cases: [(String, String, String)] = [
      (Self.small().replacing("front: [1, -1, 0]", with: "front: [1, 1, 0]"), "", "not in the crack plane"),
      (Self.small("tip: [30, 0]"), "", "not inside of the ring"), (Self.small(k: "k: -0.01"), "", "press the crack's faces together"),
      (Self.small("mode: [-1, 0, 0]"), "", "closes the crack"), (Self.small("mode: [0, 0, 0]"), "", "is zero"),
      (Self.small().replacing(Self.soft, with: "elastic: [4, 2]"), "", "2"), (Self.small().replacing(Self.soft, with: "elastic: [1, 2, 3]"), "", "positive definite"),
      (Self.small("cut: 3"), "", "kind"),
      (Self.small(), "groups: {crack_ring: {select: {ids: [1, 2]}}}", "the crack's own ring"),
    ]
    let thin = Self.refusal(Self.deck(Self.small().replacing("radius: 40", with: "radius: 11"), "{minimize: {}}"))
    #expect(thin.contains("leaves nothing free"), "\(thin)")
    for stage in [
      "{minimize: {cell: axes}}", "{minimize: {increments: {component: zz, strain: 0.01, count: 2}}}",
      "{dynamics: {steps: 2, deform: {axis: z, rate: 1e9 /s}}}",
      "{dynamics: {steps: 2, thermostat: {langevin: {temperature: 10, damping: 0.1}}, barostat: {rescale: {pressure: 0}}}}",
    ] {
      let text = Self.refusal(Self.deck(Self.small(), stage))
      #expect(text.contains("would change the cell of a crack"), "\(stage): \(text)")
    }
    for (keys, more, words) in cases {
      let text = Self.refusal(Self.deck(keys, "{minimize: {}}", more: more))
      #expect(text.contains(words), "\(keys): \(text)")
    }
    let copies = Self.refusal("structure: {crack: {\(Self.small())}, replicate: [1, 1, 2]}\n\(Self.potential)\nstages: [{minimize: {}}]")
    #expect(copies.contains("not for cracks"), "\(copies)")
  }

  /// Both ways of loading, the second following.
  static let stages = """
    {minimize: {force_tolerance: 1e-4, k_increments: {of_griffith: [1.05, 1.2], count: 3, follow: true}}},
    {dynamics: {steps: 60, timestep: 5 fs, k_field: {of_griffith: [1.2, 1.25], follow: true}}}
    """

  @Test("one rank and three see the same crack") func ranks() throws {
    let deck = Self.deck(
      Self.small("surface_energy: measured, repeat: 2", k: "of_griffith: 1.05"), Self.stages, more: "output: {thermo: {every: 20}}")
    let (one, three) = (try DeckRun(deck), try DeckRun(deck, ranks: 3))
    let (a, b) = (try Self.rows(one), try Self.rows(three))
    #expect(a.count == 8 && b.count == 8)
    for (p, q) in zip(a, b) {
      for name in ["K", "K_over_K_G", "G", "centre", "tip", "broken_bonds"] { #expect(isClose(p[name]!, q[name]!, 1e-9), "\(name)") }
      for name in ["tip_fit", "K_I_fit", "K_II_fit"] { #expect(isClose(p[name]!, q[name]!, 1e-3), "\(name) \(p[name]!) \(q[name]!)") }
    }
    let (first, other) = (try one.thermo()[0]["potential_energy"]!, try three.thermo()[0]["potential_energy"]!)
    #expect(isClose(first, other, 1e-11))
  }

  @Test("a run that is stopped amid its loads goes on as if it had not been") func resume() throws {
    let deck = Self.deck(
      Self.small("surface_energy: measured", k: "of_griffith: 1.05"), Self.stages,
      more: "output: {thermo: {every: 20}, checkpoints: {every: 50}}")
    let whole = try DeckRun(deck)
    let steps = try #require(try whole.thermo().last?["step"])
    let parts = try DeckRun(deck, limits: RunLimits(steps: 100))
    let outcome = parts.outcome
    #expect(outcome != .finished)
    // In dynamics; where the whole run has a checkpoint, too.
    let second = 50 * ((Int(steps) - 10) / 50)
    #expect(second > Int(steps) - 60 && second > 100)
    try parts.resume(limits: RunLimits(steps: second - 100))
    try parts.resume()
    for file in ["crack.csv", "thermo.csv"] { let (now, before) = (try parts.read("run/\(file)"), try whole.read("run/\(file)"))
      #expect(now == before, "\(file)") }
    let results = [whole, parts].map { ((try? $0.summary())?["crack"] as? NSDictionary) }
    #expect(results[0] != nil && results[0] == results[1])
  }
}

import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `structure.polycrystal`: counts, cells and distances of what is built.
@Suite("Deck → numbers: polycrystals") struct PolycrystalKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let copper = "of: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}"
  static func build(_ keys: String, tail: String = "") throws -> Structure { try DeckRun.build("polycrystal: {\(keys)}\n\(tail)") }

  static func closest(_ s: Structure) -> Double {
    var least = Double.infinity
    PairSum.forEach(s, reach: 3.5) { _, _, d in least = min(least, d.length) }
    return least
  }

  static func refusal(_ keys: String) -> String {
    let error = #expect(throws: FaultlineError.self) { _ = try build(keys) }
    return error.map { "\($0)" } ?? ""
  }

  static let effects: [KeyEffect] = [
    KeyEffect(keys: InterfaceKeyTests.crystalKeys.map { "structure.polycrystal.of.\($0)" }) {
      // One grain that is turned by nothing is the crystal around its seed, whichever it is.
      for crystal in InterfaceKeyTests.crystals {
        let unit = try crystal.unit()
        let s = try DeckRun.build(
          "polycrystal: {of: \(crystal.text), cell: [24, 24, 24], seeds: [{at: [0, 0, 0], axis: [0, 0, 1]}]}", files: crystal.files)
        #expect(s.species == unit.species, "\(crystal.text)")
        func shells(_ s: Structure, around i: Int) -> [Int] {
          var found: [Int] = []
          PairSum.forEach(s, reach: 5.5) { a, _, d in if a == i { found.append(Int((d.length * 1e6).rounded())) } }
          return found.sorted()
        }
        var block = Structure(
          box: Box(cell: unit.cell), species: unit.species, types: unit.types, positions: unit.sites.map { $0.position * unit.cell })
        block = try block.replicated(SIMD3(3, 3, 3))
        let first = try #require(s.positions.indices.first { (s.positions[$0] - unit.sites[0].position * unit.cell).length < 1e-6 })
        #expect(shells(s, around: first) == shells(block, around: 0), "\(crystal.text)")
      }
      let potential =
        "potential: [{lennard_jones: {cutoff: 8.7, truncation: shifted, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]"
      let counts = try ["0", "5 kbar"].map {
        try build(
          "of: {lattice: {type: fcc, constant: equilibrium, pressure: \($0), species: [Ar]}}, cell: [50, 50, 50], grains: 1",
          tail: potential
        ).count
      }
      #expect(counts[1] > counts[0] + 50)
    },
    KeyEffect(in: "structure.polycrystal", "cell", "grains") {
      let s = try build("\(copper), cell: [40, 45, 50], grains: 5")
      #expect(distance(s.box.cell.elements, [40, 0, 0, 0, 45, 0, 0, 0, 50]) < 1e-12)
      #expect(Set(s.grains ?? []) == [0, 1, 2, 3, 4])
      let leaning = try build("\(copper), cell: [[40, 0, 0], [10, 40, 0], [-8, 9, 42]], grains: 2")
      #expect(distance(leaning.box.cell.elements, [40, 0, 0, 10, 40, 0, -8, 9, 42]) < 1e-12)
      for one in [s, leaning] {
        let part = Double(one.count) / (one.box.volume / pow(3.615, 3) * 4)
        #expect(part > 0.85 && part < 1 && closest(one) > 0.7 * 3.615 / 2.0.squareRoot() - 1e-6)
      }
    },
    KeyEffect(in: "structure.polycrystal.seeds", "at", "weight", "axis", "angle") {
      // Two seeds along x: the plane between them, moved by half the difference of weights over the distance.
      func width(_ weight: Double) throws -> Double {
        let s = try build(
          "\(copper), cell: [60, 30, 30], overlap: 0, seeds: [{at: [0.25, 0.5, 0.5], axis: [0, 0, 1], angle: 20, weight: \(weight)}, "
            + "{at: [0.75, 0.5, 0.5], axis: [0, 0, 1]}]")
        // From its seed, the nearest image.
        let own = zip(s.positions, s.grains ?? []).filter { $0.1 == 0 }.map { r -> Double in
          let x = r.0.x - 15
          return x - 60 * (x / 60).rounded()
        }
        return own.max()! - own.min()!
      }
      // Planes of atoms are up to 2 Å apart.
      let (even, wide) = (try width(0), try width(150))
      #expect(abs(even - 30) < 2 && abs(wide - 35) < 2)
      // 20° about z: some neighbours in the plane are there.
      let s = try build("\(copper), cell: [40, 40, 40], seeds: [{at: [0.5, 0.5, 0.5], axis: [0, 0, 3], angle: 20}]")
      let middle = try #require(s.positions.indices.first { (s.positions[$0] - Vector3(20, 20, 20)).length < 1e-6 })
      let d = 3.615 / 2.0.squareRoot()
      let angle = (45 + 20) * Double.pi / 180
      let target = Vector3(20 + d * cos(angle), 20 + d * sin(angle), 20)
      #expect(s.positions.contains { ($0 - target).length < 1e-6 } && middle >= 0)
    },
    KeyEffect("structure.polycrystal.spread") {
      func sizes(_ keys: String) throws -> [Int] {
        let grains = try build("\(copper), cell: [50, 50, 50], grains: 6\(keys)").grains ?? []
        return (0..<6).map { g in grains.count { $0 == g } }
      }
      let (free, even, wide) = (try sizes(""), try sizes(", spread: 0"), try sizes(", spread: 0.3"))
      func ratio(_ n: [Int]) -> Double { Double(n.max()!) / Double(n.min()!) }
      #expect(ratio(even) < 1.3 && ratio(free) > 1.8 && ratio(wide) > 1.5 && wide != free)
    },
    KeyEffect(in: "structure.polycrystal", "texture.direction", "texture.along", "texture.spread", "columns") {
      /// The least angle of bonds to an axis, degrees.
      func bond(_ keys: String, along axis: Vector3) throws -> Double {
        let s = try build("\(copper), cell: [40, 40, 40], grains: 3, \(keys)")
        var least = 90.0
        PairSum.forEach(s, reach: 3.615 / 2.0.squareRoot() + 1e-4) { i, j, d in
          guard s.grains?[i] == s.grains?[j], abs(d.length - 3.615 / 2.0.squareRoot()) < 1e-6 else { return }
          least = min(least, acos(min(abs(dot(d, axis)) / d.length, 1)) * 180 / .pi)
        }
        return least
      }
      // Bonds are along ⟨110⟩: on the fibre, at 35.26° to ⟨111⟩, at 45° to ⟨100⟩.
      #expect(try bond("texture: {direction: [1, 1, 0]}", along: Vector3(0, 0, 1)) < 1e-4)
      #expect(abs(try bond("texture: {direction: [1, 1, 1]}", along: Vector3(0, 0, 1)) - 35.2644) < 1e-3)
      #expect(abs(try bond("texture: {direction: [1, 0, 0], along: x}", along: Vector3(1, 0, 0)) - 45) < 1e-3)
      let tilted = try bond("texture: {direction: [1, 1, 0], spread: 5}", along: Vector3(0, 0, 1))
      #expect(tilted > 0.01 && tilted < 25)
      // Columns: whole periods, and seeds' heights do not matter.
      let s = try build("\(copper), cell: [40, 40, 20], grains: 3, columns: true, texture: {direction: [1, 1, 1]}")
      let period = 3.615 * 3.0.squareRoot()
      #expect(abs(s.box.cell.z.z / period - (20 / period).rounded()) < 1e-9)
      #expect(refusal("\(copper), cell: [40, 40, 20], grains: 3, columns: true").contains("texture along z"))
    },
    KeyEffect(in: "structure.polycrystal", "overlap", "remove") {
      let ceria = "of: {lattice: {type: fluorite, constant: 5.41, species: [Ce, O]}}, cell: [40, 40, 40], grains: 3"
      let all = try build("\(ceria), overlap: 0")
      let (some, whole) = (try build("\(ceria), overlap: 2"), try build("\(ceria), overlap: 2, remove: formula_units"))
      #expect(closest(all) < 2 && closest(some) > 2 - 1e-6 && some.count < all.count && whole.count < some.count)
      func oxygens(_ s: Structure) -> Int { s.types.count { s.species[Int($0)] == "O" } }
      #expect(3 * oxygens(whole) == 2 * whole.count && 3 * oxygens(some) != 2 * some.count)
      #expect(refusal("\(ceria), overlap: 3").contains("perfect crystal"))
    },
    KeyEffect(keys: InterfaceKeyTests.crystalKeys.flatMap { ["structure.spherical_grain.of.\($0)", "structure.spherical_grain.grain.\($0)"] }) {
      // Each crystal around a ball of copper, and as the ball in it: as many atoms as the volumes hold, and its own distances.
      for crystal in InterfaceKeyTests.crystals {
        let unit = try crystal.unit()
        let size = (0..<3).map { Int((30 / Box(cell: unit.cell).heights[$0]).rounded(.up)) }
        let around = try DeckRun.build(
          "spherical_grain: {of: \(crystal.text), grain: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}, size: \(size), radius: 8, overlap: 0}",
          files: crystal.files)
        let within = try DeckRun.build(
          "spherical_grain: {\(copper), grain: \(crystal.text), size: [9, 9, 9], radius: 12, overlap: 0}", files: crystal.files)
        let density = Double(unit.sites.count) / unit.volume
        func ball(_ r: Double) -> Double { 4 * Double.pi / 3 * r * r * r }
        let expected = (around.box.volume - ball(8)) * density
        #expect(abs(Double(around.grains!.count { $0 == 0 }) - expected) < 0.1 * ball(8) * density + 8, "\(crystal.text)")
        #expect(abs(Double(within.grains!.count { $0 == 1 }) / (ball(12) * density) - 1) < 0.1, "\(crystal.text)")
        #expect(Set(around.species) == Set(unit.species + ["Cu"]) && Set(within.species) == Set(around.species))
        for (s, grain) in [(around, Int32(0)), (within, 1)] {
          var least = Double.infinity
          PairSum.forEach(s, reach: 3.5) { i, j, d in if s.grains![i] == grain, s.grains![j] == grain { least = min(least, d.length) } }
          #expect(abs(least - unit.nearestNeighborDistance) < 1e-6, "\(crystal.text)")
        }
      }
      let potential =
        "potential: [{lennard_jones: {cutoff: 8.7, truncation: shifted, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]"
      let argon = { (p: String) in "{lattice: {type: fcc, constant: equilibrium, pressure: \(p), species: [Ar]}}" }
      let (loose, dense) = (
        try DeckRun.build("spherical_grain: {of: \(argon("0")), grain: \(argon("0")), size: [6, 6, 6], radius: 9, overlap: 0}\n\(potential)"),
        try DeckRun.build("spherical_grain: {of: \(argon("5 kbar")), grain: \(argon("0")), size: [6, 6, 6], radius: 9, overlap: 0}\n\(potential)"))
      #expect(dense.box.volume < 0.95 * loose.box.volume)
      let squeezed = try DeckRun.build(
        "spherical_grain: {of: \(argon("0")), grain: \(argon("5 kbar")), size: [6, 6, 6], radius: 9, overlap: 0}\n\(potential)")
      #expect(squeezed.box.volume == loose.box.volume && squeezed.grains!.count { $0 == 1 } > loose.grains!.count { $0 == 1 })
    },
    KeyEffect(in: "structure.spherical_grain", "size", "radius", "center", "axis", "angle", "overlap", "remove") {
      func made(_ keys: String) throws -> Structure { try DeckRun.build("spherical_grain: {\(copper), \(keys)}") }
      let s = try made("size: [10, 8, 8], radius: 9, axis: [0, 0, 2], angle: 30")
      #expect(distance(s.box.cell.elements, [36.15, 0, 0, 0, 28.92, 0, 0, 0, 28.92]) < 1e-9)
      let middle = 0.5 * Vector3(36.15, 28.92, 28.92)
      let ball = zip(s.positions, s.grains!).filter { $0.1 == 1 }.map { $0.0 - middle }
      #expect(ball.allSatisfy { $0.length < 9 } && ball.contains { $0.length > 8 })
      #expect(zip(s.positions, s.grains!).allSatisfy { $0.1 == 1 || ($0.0 - middle).length >= 9 })
      #expect(closest(s) > 0.7 * 3.615 / 2.0.squareRoot() - 1e-6)
      // The crystal's point at the centre stays; its (a/2)[110] neighbour is turned from 45° to 75°, counterclockwise.
      let angles = ball.filter { abs($0.z) < 1e-6 && abs($0.length - 3.615 / 2.0.squareRoot()) < 1e-6 }
        .map { atan2($0.y, $0.x) * 180 / .pi }.filter { $0 > 0 && $0 < 90 }
      #expect(angles.count == 1 && abs(angles[0] - 75) < 1e-6, "\(angles)")
      let moved = try made("size: [10, 8, 8], radius: 9, center: [0.25, 0.5, 0.5], angle: 30")
      #expect(zip(moved.positions, moved.grains!).filter { $0.1 == 1 }.allSatisfy { ($0.0 - Vector3(9.0375, 14.46, 14.46)).length < 9 })
      let (close, apart) = (try made("size: [8, 8, 8], radius: 9, angle: 30, overlap: 0"), try made("size: [8, 8, 8], radius: 9, angle: 30, overlap: 2.4"))
      #expect(closest(close) < 1.8 && closest(apart) > 2.4 - 1e-9 && apart.count < close.count)
      func oxygens(_ keys: String) throws -> (Int, Int) {
        let s = try DeckRun.build(
          "spherical_grain: {of: {lattice: {type: fluorite, constant: 5.41, species: [Ce, O]}}, size: [6, 6, 6], radius: 10, angle: 20, overlap: 2\(keys)}")
        return (s.types.count { s.species[Int($0)] == "O" }, s.count)
      }
      let (any, whole) = (try oxygens(""), try oxygens(", remove: formula_units"))
      #expect(3 * whole.0 == 2 * whole.1 && 3 * any.0 != 2 * any.1 && whole.1 < any.1)
      let error = #expect(throws: FaultlineError.self) { _ = try made("size: [5, 5, 5], radius: 9") }
      #expect(error.map { "\($0)".contains("at most 6.481") } == true, "\(error.map { "\($0)" } ?? "")")
      #expect(throws: (any Error).self) { _ = try made("size: [8, 8, 8], radius: 9, axis: [0, 0, 0]") }
    },
  ]

  @Test("the same atoms on any number of ranks") func ranks() throws {
    let deck = """
      structure:
        polycrystal: {\(Self.copper), cell: [40, 40, 40], grains: 5, spread: 0.2}
      potential: [{lennard_jones: {cutoff: 4, pairs: [{species: [Cu, Cu], epsilon: 0.1, sigma: 2.3}]}}]
      stages: [{dynamics: {steps: 1, timestep: 1e-9}}]
      output: {trajectories: [{file: t.extxyz, every: 1}]}
      """
    var first: [Vector3]?
    for ranks in 1...3 {
      let run = try DeckRun(deck, ranks: ranks)
      let frame = try #require(run.frames("t.extxyz").first)
      let ids = frame.structure.ids ?? (0..<frame.positions.count).map { Int64($0 + 1) }
      let sorted = ids.indices.sorted { ids[$0] < ids[$1] }.map { frame.positions[$0] }
      if let first { #expect(first == sorted, "\(ranks) ranks") } else { first = sorted }
    }
  }
}

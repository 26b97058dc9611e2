import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `coulomb` and the charges of `species`, against a plain Ewald sum of the test's own.
@Suite("Deck → numbers: charges") struct CoulombKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let salt = Sample.crystal(["Na", "Cl"], spacing: 3.3, cells: [1, 1, 2], seed: 4)

  /// Six ions in a layer, open along the normal, turned like everything else.
  static let slab: Structure = {
    let cell = Matrix3(Vector3(7, 0, 0), Vector3(1.5, 6.5, 0), Vector3(0, 0, 6))
    let places = [
      Vector3(0.3, 0.4, 1.1), Vector3(2.9, 0.2, 1.9), Vector3(5.4, 0.9, 1.3), Vector3(1.6, 3.2, 2.6),
      Vector3(4.6, 3.9, 3.4), Vector3(6.8, 3.5, 2.2),
    ]
    return Structure(
      box: Box(cell: cell * Sample.rotation, periodic: Periodicity(true, true, false)), species: ["Na", "Cl"],
      types: [0, 1, 0, 1, 0, 1], positions: places.map { $0 * Sample.rotation })
  }()
  static let cluster: Structure = {
    var s = slab
    s.box.periodic = .none
    return s
  }()

  static func charges(_ s: Structure, _ na: Double = 1, _ cl: Double = -1) -> [Double] {
    s.types.map { s.species[Int($0)] == "Na" ? na : cl }
  }

  static func evaluate(
    _ s: Structure, _ keys: String, species: String = "{Na: {charge: 1}, Cl: {charge: -1}}", ranks: Int = 1
  ) throws -> (frame: Frame, log: String) {
    let run = try DeckRun(files: ["in.extxyz": Sample.text(s)])
    let deck = (species.isEmpty ? "" : "species: \(species)\n") + "potential: [{coulomb: {\(keys)}}]"
    return (Frame(try run.evaluate(deck, frames: "in.extxyz", ranks: ranks)[0]), run.log)
  }

  static let tight = "method: ewald, accuracy: 1e-13, cutoff: 8"

  /// Root mean square of the forces' error, in forces of unit charges 1 Å apart.
  static func error(_ frame: Frame, _ model: ModelResult) -> Double {
    let sum = zip(frame.forces, model.forces).reduce(0) { $0 + ($1.0 - $1.1).squaredLength }
    return (sum / Double(frame.forces.count)).squareRoot() / SI.coulomb
  }

  static let effects = [
    KeyEffect("species.charge") {
      for (na, cl) in [(1.0, -1.0), (0.4, -0.4)] {
        let (frame, _) = try evaluate(salt, tight, species: "{Na: {charge: \(na)}, Cl: {charge: \(cl) e}}")
        try EvaluateTests.expect(frame, PlainEwald(charges(salt, na, cl)).evaluate(salt), of: salt, tolerance: 1e-10)
      }
      // Those of the structure, and those of `species` before them.
      var s = salt
      s.charges = [0.9, -1.3, 0.2, 0.1, -0.4, 0.3, 0.5, -0.3]
      try EvaluateTests.expect(
        try evaluate(s, tight, species: "").frame, PlainEwald(s.charges!).evaluate(s), of: s, tolerance: 1e-10)
      try EvaluateTests.expect(
        try evaluate(s, tight).frame, PlainEwald(charges(s)).evaluate(s), of: s, tolerance: 1e-10)
    },
    KeyEffect("species.charge_width") {
      for s in [salt, cluster] {
        let (frame, _) = try evaluate(
          s, tight, species: "{Na: {charge: 1, charge_width: 0.5}, Cl: {charge: -1, charge_width: 0.08 nm}}")
        let model = PlainEwald(charges(s), widths: charges(s, 0.5, 0.8)).evaluate(s)
        try EvaluateTests.expect(frame, model, of: s, tolerance: 1e-10)
      }
    },
    KeyEffect("potential.coulomb.method", "potential.coulomb.accuracy") {
      let model = PlainEwald(charges(salt)).evaluate(salt)
      for method in ["ewald", "pppm"] {
        var last = Double.infinity
        for accuracy in [1e-2, 1e-4, 1e-7] {
          let (frame, _) = try evaluate(salt, "method: \(method), accuracy: \(accuracy), cutoff: 6")
          let found = error(frame, model)
          #expect(found < 1.5 * accuracy && found < 0.3 * last, "\(method), \(accuracy): \(found)")
          last = found
        }
        #expect(last > 1e-13)
      }
      // A mesh of 1e-8 if nothing is said.
      let energies = try ["", "method: pppm, accuracy: 1e-8, cutoff: 10", "method: ewald"].map {
        try evaluate(salt, $0).frame.number("energy")
      }
      #expect(energies[0] == energies[1] && energies[0] != energies[2])
    },
    KeyEffect("potential.coulomb.cutoff", "potential.coulomb.splitting") {
      // So small a splitting that pairs are cut where they still matter: the same wrong sum.
      for (alpha, text, cutoff) in [(0.30, "0.3", 5.0), (0.2, "0.2", 6.5), (0.25, "2.5 1/nm", 6)] {
        let (frame, _) = try evaluate(salt, "method: ewald, accuracy: 1e-13, cutoff: \(cutoff), splitting: \(text)")
        let cut = PlainEwald(charges(salt), alpha: alpha, reach: cutoff).evaluate(salt)
        // Pairs end at the cutoff in zero, and so does a charge's with itself; forces are those of the cut sum.
        let q = charges(salt)
        let end = SI.coulomb * erfc(alpha * cutoff) / cutoff
        let ends = PairSum.evaluate(salt, reach: cutoff) { i, j, _ in Dual(end * q[i] * q[j]) }.energy
        let own = 0.5 * end * q.reduce(0) { $0 + $1 * $1 }
        #expect(isClose(frame.number("energy"), cut.energy - ends - own, 1e-10))
        #expect(abs(ends + own) > 1e-3)
        #expect(distance(frame.forces, cut.forces) < 1e-9)
        #expect(distance(cut.forces, PlainEwald(charges(salt)).evaluate(salt).forces) > 1e-4)
      }
    },
    KeyEffect("potential.coulomb.fft_ranks") {
      for (keys, ranks) in [("fft_ranks: 1", "transforms on one rank"), ("fft_ranks: 2", "transforms on 1 x 2 ranks")] {
        let run = try DeckRun(
          """
          structure: {file: {path: in.extxyz}}
          species: {Na: {charge: 1}, Cl: {charge: -1}}
          potential: [{coulomb: {cutoff: 7, accuracy: 1e-8, \(keys)}}]
          stages: [{dynamics: {steps: 1}}]
          """, files: ["in.extxyz": Sample.text(salt)], ranks: 3)
        #expect(run.log.contains(ranks), "\(run.log)")
        let energy = try #require(run.thermo()[0]["potential_energy"])
        #expect(isClose(energy, PlainEwald(charges(salt)).evaluate(salt).energy, 1e-7))
      }
    },
    KeyEffect("potential.coulomb.slab_factor") {
      // The same stack by the test; with a taller one there are more wave vectors.
      var waves: [Int] = []
      for (keys, factor) in [("slab_factor: 8", 8.0), ("slab_factor: 16", 16)] {
        let (frame, _) = try evaluate(slab, "\(tight), \(keys)")
        let model = PlainEwald(charges(slab)).evaluateSlab(slab, factor: factor)
        #expect(isClose(frame.number("energy"), model.energy, 1e-10), "\(frame.number("energy")), \(model.energy)")
        #expect(distance(frame.forces, model.forces) < 1e-9)
        #expect(distance(frame.reals("energies").reduce(0, +), frame.number("energy")) < 1e-10)
        let run = try DeckRun(
          """
          structure: {file: {path: in.extxyz}}
          species: {Na: {charge: 1}, Cl: {charge: -1}}
          potential: [{coulomb: {\(tight), \(keys)}}]
          stages: [{dynamics: {steps: 1}}]
          """, files: ["in.extxyz": Sample.text(slab)])
        let said = try #require(run.log.components(separatedBy: "ewald, about ").dropFirst().first)
        waves.append(try #require(Int(said.prefix { $0.isNumber || $0 == "," }.filter(\.isNumber))))
      }
      #expect(abs(Double(waves[1]) / Double(waves[0]) - 2) < 0.1, "\(waves)")
      // Too low for the accuracy.
      #expect(throws: FaultlineError.self) { _ = try evaluate(slab, "\(tight), slab_factor: 2.1") }
    },
    KeyEffect("potential.coulomb.net_charge") {
      let species = "{Na: {charge: 1}, Cl: {charge: -0.5}}"
      #expect(throws: FaultlineError.self) { _ = try evaluate(salt, tight, species: species) }
      let (frame, _) = try evaluate(salt, tight + ", net_charge: 2", species: species)
      try EvaluateTests.expect(frame, PlainEwald(charges(salt, 1, -0.5)).evaluate(salt), of: salt, tolerance: 1e-10)
    },
    KeyEffect("potential.coulomb.field") {
      // f = qF, E = −Σ q F·(r − origin).
      let normal = (1 / slab.box.cell.z.length) * slab.box.cell.z
      for (s, field) in [(slab, 0.3 * normal), (cluster, Vector3(0.1, -0.2, 0.3))] {
        let q = charges(s)
        var model = s.box.periodic == .none ? PlainEwald(q).evaluate(s) : PlainEwald(q).evaluateSlab(s, factor: 8)
        for i in q.indices {
          model.forces[i] += q[i] * field
          model.energies[i] -= q[i] * dot(field, s.positions[i])
          model.energy -= q[i] * dot(field, s.positions[i])
        }
        let (frame, _) = try evaluate(s, tight + ", field: [\(field.x), \(field.y), \(field.z) V/Å]")
        #expect(isClose(frame.number("energy"), model.energy, 1e-10))
        #expect(distance(frame.forces, model.forces) < 1e-9)
      }
    },
  ]

  private static func distance(_ a: Double, _ b: Double) -> Double { abs(a - b) }
  private static func distance(_ a: [Vector3], _ b: [Vector3]) -> Double { DeckNumbersTests.distance(a, b) }
}

import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDPotentialFiles
import MDSimulation
import MDTestSupport
import Testing

/// Keys of `nep`: files of random potentials whose energies are those of the formulas.
@Suite("Deck → numbers: neuroevolution potentials") struct NEPKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let cutoffs = "4.6 3.9 4.4 3.7 80 40"

  static func file(_ seed: UInt64) -> NEPFile {
    var file = NEPSample.random(["Na", "Cl"], seed: seed)
    file.networks[1].offset = file.networks[0].offset
    return file
  }

  static func charged(_ kind: NEPFile.Charges, seed: UInt64 = 41) -> NEPFile {
    var file = NEPSample.random(["Na", "Cl"], seed: seed, charges: kind)
    file.networks[1].offset = file.networks[0].offset
    return file
  }

  /// Of crystals that are periodic in all directions.
  static let structures = [
    Sample.crystal(["Na", "Cl"], spacing: 3.1, cells: [1, 1, 1]),
    Sample.crystal(["Na", "Cl"], spacing: 2.9, cells: [2, 1, 1]),
  ]

  static func evaluate(_ potential: String, _ files: [String: String], ranks: Int = 2) throws -> [Frame] {
    var files = files
    files["in.extxyz"] = structures.map(Sample.text).joined()
    return try DeckRun(files: files).evaluate("potential: [\(potential)]", frames: "in.extxyz", ranks: ranks).map {
      Frame($0)
    }
  }

  static func text(_ file: NEPFile) -> String {
    NEPSample.text(file, cutoffs: file.charges == nil ? cutoffs : "4.6 3.9 80 40")
  }

  /// Energies of atoms, and forces on some of them by differences.
  static func expect(_ potential: String, _ files: [String: String], _ members: [NEPFile]) throws {
    for (frame, s) in zip(try evaluate(potential, files), structures) {
      let all = members.map { NEPSample.energies($0, s).map(\.energy) }
      let mean = all[0].indices.map { i in all.reduce(0) { $0 + $1[i] } / Double(all.count) }
      #expect(distance(frame.reals("energies"), mean) < 1e-10)
      #expect(isClose(frame.number("energy"), mean.reduce(0, +), 1e-11))
      for i in [0, 3] {
        for axis in 0..<3 {
          func energy(_ h: Double) -> Double {
            var moved = s
            moved.positions[i][axis] += h
            return members.reduce(0) { $0 + NEPSample.energies($1, moved).reduce(0) { $0 + $1.energy } }
              / Double(members.count)
          }
          let h = 1e-4
          let slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
          #expect(abs(frame.forces[i][axis] + slope) < 1e-6)
        }
      }
      guard members.count > 1 else { continue }
      let totals = all.map { $0.reduce(0, +) }
      let average = totals.reduce(0, +) / Double(totals.count)
      let variance = totals.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(totals.count)
      #expect(isClose(frame.number("energy_deviation"), variance.squareRoot() / Double(s.count), 1e-8))
    }
  }

  /// The sum of what the charges do, with all wave vectors and pairs up to limits (nil: to convergence).
  static func coulomb(
    _ q: [Double], _ s: Structure, alpha: Double, waves: Double?, pairs: Double?, isWhole: Bool
  ) -> Double {
    let constant = 14.399645
    let reciprocal = s.box.cell.inverse.transpose
    let cut = waves ?? 12 * alpha
    var sum = 0.0
    let n = (0..<3).map { Int(cut * s.box.cell[$0].length / (2 * .pi)) }
    for a in -n[0]...n[0] {
      for b in -n[1]...n[1] {
        for c in -n[2]...n[2] where !(a == 0 && b == 0 && c == 0) {
          let k = 2 * Double.pi * (Double(a) * reciprocal.x + Double(b) * reciprocal.y + Double(c) * reciprocal.z)
          guard k.squaredLength < cut * cut else { continue }
          var (re, im) = (0.0, 0.0)
          for (r, q) in zip(s.positions, q) {
            re += q * cos(dot(k, r))
            im += q * sin(dot(k, r))
          }
          sum += constant * 2 * .pi / abs(s.box.cell.determinant) * (re * re + im * im)
            * exp(-k.squaredLength / (4 * alpha * alpha)) / k.squaredLength
        }
      }
    }
    guard isWhole else { return sum }
    sum -= constant * alpha / Double.pi.squareRoot() * q.reduce(0) { $0 + $1 * $1 }
    let reach = pairs ?? 6 / alpha
    PairSum.forEach(s, reach: reach) { i, j, d in
      if d.length < reach { sum += 0.5 * constant * q[i] * q[j] * erfc(alpha * d.length) / d.length }
    }
    return sum
  }

  /// Energies and charges of a potential with charges.
  static func expectCharged(
    _ keys: String, _ kind: NEPFile.Charges, isCut: Bool, tolerance: Double, ranks: Int = 2
  ) throws {
    let file = charged(kind)
    let alpha = Double.pi / 4.6
    let frames = try evaluate("{nep: {file: q.txt, charges: {\(keys)}}}", ["q.txt": text(file)], ranks: ranks)
    for (frame, s) in zip(frames, structures) {
      let atoms = NEPSample.energies(file, s)
      let mean = atoms.map(\.charge).reduce(0, +) / Double(s.count)
      let q = atoms.map { $0.charge - mean }
      #expect(distance(frame.structure.charges ?? [], q) < 1e-10)
      let electric = coulomb(
        q, s, alpha: alpha, waves: isCut ? 2 * .pi * alpha : nil, pairs: isCut ? 4.6 : nil, isWhole: kind == .full)
      #expect(abs(frame.number("energy") - atoms.map(\.energy).reduce(0, +) - electric) < tolerance * Double(s.count))
      #expect(frame.reals("born_charges").count == 9 * s.count)
    }
  }

  static let effects = [
    KeyEffect("potential.nep.file") {
      let files = ["a.txt": text(file(1)), "b.txt": text(file(2))]
      try expect("{nep: {file: a.txt}}", files, [file(1)])
      try expect("{nep: {file: b.txt}}", files, [file(2)])
    },
    KeyEffect("potential.nep.committee") {
      let files = ["a.txt": text(file(1)), "b.txt": text(file(2)), "c.txt": text(file(3))]
      try expect("{nep: {committee: [a.txt, b.txt, c.txt]}}", files, [file(1), file(2), file(3)])
    },
    KeyEffect("potential.nep.species") {
      let files = ["a.txt": text(file(1))]
      try expect("{nep: {file: a.txt, species: [Na, Cl]}}", files, [file(1)])
      let error = #expect(throws: FaultlineError.self) {
        _ = try evaluate("{nep: {file: a.txt, species: [Na]}}", files)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("Cl"))
    },
    KeyEffect("potential.nep.precision") {
      // Close to the formulas but not the same, with charges and committees too; on any ranks close to one another.
      let files = ["a.txt": text(file(1)), "b.txt": text(file(2)), "q.txt": text(charged(.full))]
      for potential in [
        "file: a.txt", "committee: [a.txt, b.txt]", "file: q.txt, charges: {method: ewald, accuracy: 1e-10}",
      ] {
        func frames(_ precision: String, _ ranks: Int) throws -> [Frame] {
          try evaluate("{nep: {\(potential), precision: \(precision)}}", files, ranks: ranks)
        }
        let (exact, one, three) = (try frames("double", 2), try frames("single", 1), try frames("single", 3))
        for (k, s) in structures.enumerated() {
          for (a, b) in [(one[k], exact[k]), (three[k], one[k])] {
            #expect(distance(a.reals("energies"), b.reals("energies")) < 1e-5)
            #expect(zip(a.forces, b.forces).allSatisfy { ($0 - $1).length < 1e-4 })
          }
          #expect(distance(one[k].reals("energies"), exact[k].reals("energies")) > 1e-9)
          guard potential == "file: a.txt" else { continue }
          #expect(distance(exact[k].reals("energies"), NEPSample.energies(file(1), s).map(\.energy)) < 1e-10)
        }
      }
      let error = #expect(throws: FaultlineError.self) {
        _ = try evaluate("{nep: {file: a.txt, precision: half}}", files)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("single"))
    },
    KeyEffect("potential.nep.charges.method") {
      try expectCharged("method: ewald, accuracy: 1e-11, cutoff: 9", .full, isCut: false, tolerance: 1e-8)
      try expectCharged("method: pppm, accuracy: 1e-8", .reciprocal, isCut: false, tolerance: 1e-6)
      try expectCharged("method: ewald, accuracy: 1e-11", .reciprocal, isCut: false, tolerance: 1e-8)
      for kind in [NEPFile.Charges.full, .reciprocal] {
        try expectCharged("method: as_trained", kind, isCut: true, tolerance: 1e-9)
      }
      // A file without charges has no use for them.
      let error = #expect(throws: FaultlineError.self) {
        _ = try evaluate("{nep: {file: a.txt, charges: {method: ewald}}}", ["a.txt": text(file(1))])
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("charges"))
    },
    KeyEffect("potential.nep.charges.accuracy", "potential.nep.charges.cutoff") {
      // The error follows what is asked for, and a short cutoff is made up for by more waves.
      func energy(_ keys: String) throws -> Double {
        try evaluate("{nep: {file: q.txt, charges: {\(keys)}}}", ["q.txt": text(charged(.full))])[0].number("energy")
      }
      let exact = try energy("method: ewald, accuracy: 1e-12, cutoff: 10")
      let errors = try ["1e-2", "1e-4", "1e-8"].map {
        abs(try energy("method: ewald, cutoff: 5, accuracy: \($0)") - exact)
      }
      #expect(errors[0] > errors[1] && errors[1] > errors[2] && errors[2] < 1e-6 && errors[0] > 1e-5)
      #expect(abs(try energy("method: ewald, cutoff: 6, accuracy: 1e-9") - exact) < 1e-6)
      let others = try [6, 7].map { try energy("method: ewald, cutoff: \($0), accuracy: 1e-5") }
      #expect(others[0] != others[1])
      for (keys, word) in [
        ("method: as_trained, accuracy: 1e-5", "accuracy"), ("method: as_trained, cutoff: 9", "cutoff"),
      ] {
        let error = #expect(throws: FaultlineError.self) { _ = try energy(keys) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(word))
      }
      let error = #expect(throws: FaultlineError.self) {
        _ = try evaluate("{nep: {file: q.txt, charges: {cutoff: 9}}}", ["q.txt": text(charged(.reciprocal))])
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("mode 2"))
    },
    KeyEffect("potential.nep.charges.fft_ranks") {
      func deck(_ keys: String) -> String {
        """
        structure: {file: {path: start.extxyz}}
        potential: [{nep: {file: q.txt, charges: {accuracy: 4e-10, \(keys)}}}]
        stages: [{dynamics: {steps: 1, timestep: 0.1 fs}}]
        """
      }
      let files = ["q.txt": text(charged(.full)), "start.extxyz": Sample.text(structures[1])]
      for (keys, ranks) in [("fft_ranks: 1", "transforms on one rank"), ("fft_ranks: 2", "transforms on 2 x 1 ranks")] {
        let run = try DeckRun(deck(keys), files: files, ranks: 3)
        #expect(run.log.contains(ranks), "\(run.log)")
      }
      let error = #expect(throws: FaultlineError.self) {
        _ = try DeckRun(deck("method: ewald, fft_ranks: 1"), files: files)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("fft_ranks"))
    },
  ]

  static func dynamics(_ precision: String, limit: Int? = nil, ranks: Int = 2) throws -> DeckRun {
    try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: [{nep: {file: a.txt, precision: \(precision)}}]
      stages: [{dynamics: {steps: 60, timestep: 0.2 fs}}]
      output: {thermo: {every: 1}}
      """,
      files: [
        "a.txt": text(file(1)),
        "start.extxyz": Sample.text(Sample.crystal(["Na", "Cl"], spacing: 3.1, speed: 8, seed: 9)),
      ], ranks: ranks, limits: limit.map { RunLimits(steps: $0) } ?? RunLimits())
  }

  @Test("a run in single precision says so, keeps its energy, and goes on after a stop as if there had been none")
  func single() throws {
    let (whole, parts, exact) = (
      try Self.dynamics("single"), try Self.dynamics("single", limit: 23), try Self.dynamics("double")
    )
    try parts.resume(ranks: 2)
    #expect(try parts.read("run/thermo.csv") == whole.read("run/thermo.csv"))
    #expect(whole.log.contains("single precision") && !exact.log.contains("single precision"))
    func energies(_ run: DeckRun) throws -> [Double] { try run.thermo().compactMap { $0["total_energy"] } }
    let (a, b) = (try energies(whole), try energies(exact))
    #expect(a.count == 61 && b.count == 61 && a != b)
    for (x, y) in zip(a, b) { #expect(abs((x - a[0]) - (y - b[0])) < 1e-5) }
    let other = try energies(try Self.dynamics("single", ranks: 3))
    for (x, y) in zip(a, other) { #expect(abs(x - y) < 1e-5) }
  }

  @Test("Born charges are a column of frames, and thermo.csv has the current of the polarisation")
  func polarization() throws {
    let start = Sample.crystal(["Na", "Cl"], spacing: 3.1, speed: 8, seed: 9)
    let run = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: [{nep: {file: q.txt, charges: {method: ewald, accuracy: 1e-8}}}]
      stages: [{dynamics: {steps: 6, timestep: 0.2 fs}}]
      output:
        thermo: {every: 2}
        trajectories: [{file: t.extxyz, every: 2, columns: [velocities, charges, born_charges]}]
      """, files: ["q.txt": Self.text(Self.charged(.full)), "start.extxyz": Sample.text(start)], ranks: 2)
    let (rows, frames) = (try run.thermo(), try run.frames("t.extxyz"))
    #expect(rows.count == 4 && frames.count == 4)
    for (row, frame) in zip(rows, frames) {
      let (born, v) = (frame.tensors("born_charges"), frame.structure.velocities ?? [])
      #expect(abs(born.reduce(0) { $0 + $1[0][0] }) < 1e-8 && born.contains { abs($0[0][1]) > 1e-6 })
      for (k, name) in ["x", "y", "z"].enumerated() {
        let current = zip(born, v).reduce(0.0) { $0 + dot($1.0[k], $1.1) }
        #expect(isClose(try #require(row["polarization_current_\(name)"]), current, 1e-8))
        #expect(abs(current) > 1e-4)
      }
    }
    // Neither needs the other: rows alone, then frames alone.
    let plain = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: [{nep: {file: q.txt, charges: {method: ewald, accuracy: 1e-8}}}]
      stages: [{dynamics: {steps: 6, timestep: 0.2 fs}}]
      output: {thermo: {every: 2}}
      """, files: ["q.txt": Self.text(Self.charged(.full)), "start.extxyz": Sample.text(start)])
    for (a, b) in zip(try plain.thermo(), rows) {
      for name in ["polarization_current_x", "polarization_current_y", "polarization_current_z"] {
        #expect(isClose(try #require(a[name]), try #require(b[name]), 1e-8))
      }
    }
    let other = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: [{nep: {file: q.txt, charges: {method: ewald, accuracy: 1e-8}}}]
      stages: [{dynamics: {steps: 6, timestep: 0.2 fs}}]
      output: {thermo: {every: 100}, trajectories: [{file: t.extxyz, every: 2, columns: [born_charges]}]}
      """, files: ["q.txt": Self.text(Self.charged(.full)), "start.extxyz": Sample.text(start)])
    for (a, b) in zip(try other.frames("t.extxyz"), frames) {
      #expect(distance(a.reals("born_charges"), b.reals("born_charges")) < 1e-8)
    }
  }
}

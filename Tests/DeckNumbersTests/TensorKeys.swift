import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Keys of `mtp` and `table`: files of small potentials whose energies are written down here.
@Suite("Deck → numbers: moment tensor potentials and tables") struct TensorKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let start = Sample.crystal(["Na", "Cl"], spacing: 3.1, speed: 8, seed: 9)

  /// `evaluate` of the structures of `ManyBodyKeyTests` with files that may be binary.
  static func evaluate(_ potential: String, _ files: [String: Data], _ structures: [Structure]) throws -> [Frame] {
    let run = try DeckRun(files: ["in.extxyz": structures.map(Sample.text).joined()])
    for (name, data) in files { try run.write(name, data: data) }
    return try run.evaluate("potential: [\(potential)]", frames: "in.extxyz", ranks: 2).map { Frame($0) }
  }

  static func expect(
    _ potential: String, _ files: [String: Data], _ structures: [Structure] = ManyBodyKeyTests.structures,
    _ model: (Structure) -> ModelResult
  ) throws {
    for (frame, s) in zip(try evaluate(potential, files, structures), structures) {
      try EvaluateTests.expect(frame, model(s), of: s, tolerance: 1e-10)
    }
  }

  /// Grades are those of the model in each frame.
  static func expectGrades(_ potential: String, _ files: [String: Data], _ grades: (Structure) -> [Double]) throws {
    let structures = ManyBodyKeyTests.structures
    for (frame, s) in zip(try evaluate(potential, files, structures), structures) {
      let own = grades(s)
      #expect(distance(frame.reals("grade"), own) < 1e-10 * own.max()!)
      #expect(isClose(frame.number("grade"), own.max()!, 1e-10))
    }
  }

  static let plain = Data(TinyMTP().text.utf8)

  // MARK: Runs that watch grades

  static func deck(steps: Int, _ more: String) -> String {
    """
    structure: {file: {path: start.extxyz}}
    potential: [{mtp: {file: a.almtp, elements: [Na, Cl]}}]
    stages: [{dynamics: {steps: \(steps), timestep: 2 fs}}]
    \(more)
    """
  }

  /// A folder with the start and the potential.
  static func folder() throws -> DeckRun {
    let run = try DeckRun(files: ["start.extxyz": Sample.text(start)])
    try run.write("a.almtp", data: TinyMTP().withActiveSet)
    return run
  }

  /// The system's grade at each step.
  static func figures(steps: Int) throws -> [(Int, Double)] {
    let run = try folder()
    try run.run(
      deck(
        steps: steps,
        "output: {thermo: {every: 1}, trajectories: [{file: t.extxyz, every: 1, columns: [grade]}]}"))
    let rows = try run.thermo()
    var found: [(Int, Double)] = []
    for (frame, row) in zip(try run.frames("t.extxyz"), rows) {
      let own = TinyMTP().grades(frame.structure)
      let largest = own.max()!
      #expect(distance(frame.reals("grade"), own) < 1e-9 * largest)
      #expect(isClose(try #require(row["grade"]), largest, 1e-9))
      found.append((frame.step, largest))
    }
    return found
  }

  // MARK: Tables

  /// φ = Σ cₖ xᵏ of third degree in x = r or r², so that a table's cubics hit it exactly.
  static func law(_ c: [Double], isSquared: Bool, cutoff: Double) -> PairLaw {
    PairLaw(cutoff: cutoff) { r in
      let x = isSquared ? r * r : r
      return ((c[3] * x + c[2]) * x + c[1]) * x + c[0]
    }
  }

  static func section(_ keyword: String, _ c: [Double], isSquared: Bool) -> String {
    let law = law(c, isSquared: isSquared, cutoff: 10)
    let count = 12
    var text = "\(keyword)\nN \(count) \(isSquared ? "RSQ" : "R") 1.5 5.5\n\n"
    for k in 0..<count {
      let share = Double(k) / Double(count - 1)
      let r = isSquared ? (2.25 + share * (30.25 - 2.25)).squareRoot() : 1.5 + 4 * share
      let phi = law.phi(.variable(r))
      text += "\(k + 1) \(r) \(phi.value) \(-phi.slope)\n"
    }
    return text + "\n"
  }

  static let (one, two, three) = ([0.9, -0.6, 0.13, -0.009], [-0.2, 0.05, -0.002, 1e-5], [0.3, 0.2, -0.1, 0.01])
  static let tables = [
    "a.table": Data((section("ONE", one, isSquared: false) + section("TWO", two, isSquared: true)).utf8),
    "b.table": Data(section("ONE", three, isSquared: false).utf8),
  ]

  static let effects = [
    KeyEffect("potential.mtp.file", "potential.mtp.elements") {
      var other = TinyMTP()
      other.moments = [0.05, -0.002]
      let files = ["a.mtp": plain, "b.mtp": Data(other.text.utf8)]
      try expect("{mtp: {file: a.mtp, elements: [Na, Cl]}}", files) { TinyMTP().model.evaluate($0) }
      try expect("{mtp: {file: b.mtp, elements: [Na, Cl]}}", files) { other.model.evaluate($0) }
      var turned = TinyMTP()
      turned.names = ["Cl", "Na"]
      try expect("{mtp: {file: a.mtp, elements: [Cl, Na]}}", files) { turned.model.evaluate($0) }
      // The two differ.
      let s = ManyBodyKeyTests.structures[0]
      #expect(abs(turned.model.evaluate(s).energy - TinyMTP().model.evaluate(s).energy) > 1e-4)
    },
    KeyEffect("potential.mtp.species") {
      let deck = { (list: String) in "{mtp: {file: a.mtp, elements: [Na, Cl], species: \(list)}}" }
      try expect(deck("[Na, Cl]"), ["a.mtp": plain]) { TinyMTP().model.evaluate($0) }
      let error = #expect(throws: FaultlineError.self) {
        _ = try evaluate(deck("[Na]"), ["a.mtp": plain], structures)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("Cl"))
    },
    KeyEffect("potential.mtp.active_set") {
      let set = TinyMTP().state
      try expectGrades(
        "{mtp: {file: a.mtp, elements: [Na, Cl], active_set: a.als}}", ["a.mtp": plain, "a.als": set]
      ) { TinyMTP().grades($0) }
      try expectGrades("{mtp: {file: a.almtp, elements: [Na, Cl]}}", ["a.almtp": TinyMTP().withActiveSet]) {
        TinyMTP().grades($0)
      }
    },
    KeyEffect("potential.mtp.committee") {
      var second = TinyMTP()
      second.moments = [0.05, -0.0021]
      var third = TinyMTP()
      third.species = [-1.3, -0.4]
      third.strength = 0.9
      let members = [TinyMTP(), second, third]
      let names = ["a.almtp", "b.almtp", "c.almtp"]
      let files = Dictionary(uniqueKeysWithValues: zip(names, members.map(\.withActiveSet)))
      let structures = ManyBodyKeyTests.structures
      let frames = try evaluate(
        "{mtp: {committee: [\(names.joined(separator: ", "))], elements: [Na, Cl]}}", files, structures)
      for (frame, s) in zip(frames, structures) {
        let own = CommitteeTests.spread(members.map { $0.model.evaluate(s) })
        try EvaluateTests.expect(frame, own.mean, of: s, tolerance: 1e-10)
        #expect(distance(frame.reals("force_deviation"), own.forces) < 1e-10)
        #expect(abs(frame.number("force_deviation") - own.forces.max()!) < 1e-10)
        #expect(distance(frame.reals("energy_deviation"), own.energies) < 1e-10)
        #expect(abs(frame.number("energy_deviation") - own.energy) < 1e-10)
        let grades = members.map { $0.grades(s) }
        let largest = s.positions.indices.map { i in grades.map { $0[i] }.max()! }
        #expect(distance(frame.reals("grade"), largest) < 1e-9 * largest.max()!)
        #expect(isClose(frame.number("grade"), largest.max()!, 1e-10))
      }
    },
    KeyEffect("analysis.watch.select.grade") {
      let all = try figures(steps: 30)
      let limit = AnalysisKeyTests.limit(all.map(\.1))
      for (every, spacing) in [(1, 7), (4, 8)] {
        let steps = AnalysisKeyTests.selected(all, limit: limit, every: every, spacing: spacing)
        #expect(!steps.isEmpty && steps.count < 30 / every)
        let run = try folder()
        try run.run(
          deck(
            steps: 30,
            "analysis: {watch: {every: \(every), select: {grade: \(limit), spacing: \(spacing), file: kept.xyz}}}"),
          ranks: 2)
        let frames = try run.frames("kept.xyz")
        #expect(frames.map(\.step) == steps)
        for frame in frames {
          #expect(distance(frame.reals("grade"), TinyMTP().grades(frame.structure)) < 1e-9 * limit)
          #expect(distance(frame.forces, TinyMTP().model.evaluate(frame.structure).forces) < 1e-10)
        }
      }
    },
    KeyEffect("analysis.watch.stop.grade") {
      let all = try figures(steps: 30)
      let sorted = Array(Set(all.filter { $0.0 > 0 }.map(\.1))).sorted()
      let limit = 0.5 * (sorted[sorted.count - 1] + sorted[sorted.count - 2])
      let step = try #require(all.first { $0.0 > 0 && $0.1 > limit }?.0)
      let run = try folder()
      let error = #expect(throws: FaultlineError.self) {
        try run.run(deck(steps: 30, "analysis: {watch: {stop: {grade: \(limit)}}}"))
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("at step \(step)"))
      #expect(try run.frames("selected.extxyz").map(\.step) == [step])
    },
    KeyEffect(
      in: "potential.table", "pairs.species", "pairs.file", "pairs.keyword", "pairs.cutoff", "truncation"
    ) {
      for (truncation, end) in [("", { $0 }), (", truncation: cut", { $0 }), (", truncation: shifted", { $0.shifted })]
        as [(String, (PairLaw) -> PairLaw)]
      {
        let pairs = """
          {species: [Na, Na], file: a.table, keyword: ONE}, {species: [Cl, Na], file: a.table, keyword: TWO}, \
          {species: [Cl, Cl], file: b.table, keyword: ONE, cutoff: 4.3}
          """
        try expect("{table: {pairs: [\(pairs)]\(truncation)}}", tables, structures) {
          PairModel([
            ("Na", "Na", end(law(one, isSquared: false, cutoff: 5.5))),
            ("Na", "Cl", end(law(two, isSquared: true, cutoff: 5.5))),
            ("Cl", "Cl", end(law(three, isSquared: false, cutoff: 4.3))),
          ]).evaluate($0)
        }
      }
      // Pairs that are not given do not interact.
      try expect("{table: {pairs: [{species: [Na, Cl], file: b.table, keyword: ONE}]}}", tables, structures) {
        PairModel([("Na", "Cl", law(three, isSquared: false, cutoff: 5.5))]).evaluate($0)
      }
      let error = #expect(throws: FaultlineError.self) {
        _ = try evaluate("{table: {pairs: [{species: [Na, Qq], file: b.table, keyword: ONE}]}}", tables, structures)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("Qq"))
    },
  ]

  /// No pair is nearer than 1.5 Å, where the tables begin.
  static let structures = [
    PairKeyTests.rows,
    Sample.crystal(["Na", "Cl"], spacing: 3.1, cells: [1, 1, 1], periodic: .none, vacuum: 3),
  ]
}

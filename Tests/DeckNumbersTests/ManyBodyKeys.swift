import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `eam`, `snap` and `hdnnp`: files of small potentials whose energies are written down here.
@Suite("Deck → numbers: many-body potentials") struct ManyBodyKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let structures = [
    PairKeyTests.rows,
    Sample.crystal(["Na", "Cl"], spacing: 3.1, cells: [1, 1, 1], periodic: .none, vacuum: 3),
  ]

  static func evaluate(_ potential: String, _ files: [String: String]) throws -> [Frame] {
    var files = files
    files["in.extxyz"] = structures.map(Sample.text).joined()
    return try DeckRun(files: files).evaluate("potential: [\(potential)]", frames: "in.extxyz", ranks: 2).map {
      Frame($0)
    }
  }

  static func expect(
    _ potential: String, _ files: [String: String], tolerance: Double = 1e-11, _ model: (Structure) -> ModelResult
  ) throws {
    for (frame, s) in zip(try evaluate(potential, files), structures) {
      try EvaluateTests.expect(frame, model(s), of: s, tolerance: tolerance)
    }
  }

  /// `species` is a check: all that occur must be there.
  static func expectChecksSpecies(_ potential: String, _ files: [String: String]) throws {
    let named = { (list: String) in String(potential.dropLast(2)) + ", species: \(list)}}" }
    _ = try evaluate(named("[Na, Cl]"), files)
    let error = #expect(throws: FaultlineError.self) { _ = try evaluate(named("[Na]"), files) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("Cl"))
  }

  static let eamFiles = [
    "model.eam.alloy": TinyEAM.file(finnisSinclair: false), "model.eam.fs": TinyEAM.file(finnisSinclair: true),
    "alloy.table": TinyEAM.file(finnisSinclair: false), "fs.table": TinyEAM.file(finnisSinclair: true),
  ]
  static let snapFiles = ["a.snapcoeff": TinySNAP.coefficients, "a.snapparam": TinySNAP.parameters]

  static func network(_ folder: String, _ files: [String: String]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: files.map { (folder + "/" + $0.key, $0.value) })
  }

  static let effects = [
    KeyEffect("potential.eam.file", "potential.eam.format") {
      // Densities are cubes, which the tables' cubics follow; pairs are cubes over r.
      for (keys, isFS) in [
        ("file: model.eam.alloy", false), ("file: model.eam.fs", true), ("file: alloy.table, format: alloy", false),
        ("file: fs.table, format: finnisSinclair", true),
      ] {
        try expect("{eam: {\(keys)}}", eamFiles, tolerance: 1e-9) { TinyEAM.evaluate($0, finnisSinclair: isFS) }
      }
    },
    KeyEffect("potential.eam.species") { try expectChecksSpecies("{eam: {file: model.eam.alloy}}", eamFiles) },
    KeyEffect("potential.eam.parameters") {
      // Copper's published numbers: cohesive energy −3.54 eV at 3.615 Å (Zhou, Johnson, Wadley 2004).
      let run = try DeckRun(
        """
        structure: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}
        potential: [{eam: {parameters: zhou2004}}]
        stages: [{dynamics: {steps: 1}}]
        """)
      #expect(abs(try #require(run.thermo()[0]["potential_energy"]) / 4 + 3.54) < 0.01)
      #expect(abs(try #require(run.thermo()[0]["pressure"])) < 5000)
    },
    KeyEffect("potential.snap.coefficients", "potential.snap.parameters") {
      let deck = "{snap: {coefficients: a.snapcoeff, parameters: a.snapparam}}"
      try expect(deck, snapFiles) { TinySNAP.model().evaluate($0) }
      var files = snapFiles
      files["a.snapparam"] = TinySNAP.parameters.replacingOccurrences(of: "rcutfac 4.4", with: "rcutfac 3.9")
      try expect(deck, files) { TinySNAP.model(rcutfac: 3.9).evaluate($0) }
      files["a.snapcoeff"] = "2 2\nNa 0.5 0.8\n-3\n0.04\nCl 0.6 1.3\n1.4\n-0.02\n"
      try expect(deck, files) { TinySNAP.model(rcutfac: 3.9, scale: 2).evaluate($0) }
    },
    KeyEffect("potential.snap.species") {
      try expectChecksSpecies("{snap: {coefficients: a.snapcoeff, parameters: a.snapparam}}", snapFiles)
    },
    KeyEffect(in: "potential.hdnnp", "directory", "units", "units.length", "units.energy") {
      let net = TinyNetwork()
      let (bohr, hartree) = (1 / 0.529177210903, 1 / 27.211386245988)
      for (units, length, energy) in [
        ("metal", 1.0, 1.0), ("atomic", bohr, hartree), ("{length: 0.1, energy: 23.06}", 0.1, 23.06),
      ] {
        try expect(
          "{hdnnp: {directory: net, units: \(units)}}", network("net", net.files(length: length, energy: energy)),
          tolerance: 1e-10
        ) { net.model.evaluate($0) }
      }
    },
    KeyEffect("potential.hdnnp.species") {
      try expectChecksSpecies("{hdnnp: {directory: net, units: metal}}", network("net", TinyNetwork().files()))
    },
    KeyEffect("potential.hdnnp.committee") {
      // Means and deviations of three members, by the definitions.
      let nets = CommitteeTests.members
      let files = CommitteeTests.files
      let frames = try evaluate("{hdnnp: {\(CommitteeTests.key), units: metal}}", files)
      for (frame, s) in zip(frames, structures) {
        let all = nets.map { $0.model.evaluate(s) }
        let own = CommitteeTests.spread(all)
        try EvaluateTests.expect(frame, own.mean, of: s, tolerance: 1e-10)
        #expect(distance(frame.reals("force_deviation"), own.forces) < 1e-11)
        #expect(abs(frame.number("force_deviation") - own.forces.max()!) < 1e-11)
        #expect(distance(frame.reals("energy_deviation"), own.energies) < 1e-11)
        #expect(abs(frame.number("energy_deviation") - own.energy) < 1e-11)
        #expect(distance(frame.reals("extrapolations"), TinyNetwork.extrapolations(s)) == 0)
        #expect(frame.number("extrapolations") == TinyNetwork.extrapolations(s).reduce(0, +))
      }
    },
  ]
}

/// A committee in a run: thermo.csv, trajectories, limits of the watch.
@Suite("Deck → numbers: committees") struct CommitteeTests {
  static let members: [TinyNetwork] = {
    var second = TinyNetwork()
    second.weights = ["Na": [0.7, -0.4, 0.15, 0.95, -1.1], "Cl": [-0.65, 0.6, -0.1, 1.2, 0.5]]
    var third = TinyNetwork()
    third.weights = ["Na": [0.9, -0.55, 0.05, 0.8, -1.3], "Cl": [-0.5, 0.75, -0.25, 1.0, 0.3]]
    return [TinyNetwork(), second, third]
  }()
  static let files = members.enumerated().reduce(into: [String: String]()) { all, member in
    all.merge(ManyBodyKeyTests.network("m\(member.offset)", member.element.files())) { a, _ in a }
  }
  static let key = "committee: [m0, m1, m2]"

  static func spread(_ all: [ModelResult]) -> (mean: ModelResult, forces: [Double], energies: [Double], energy: Double)
  {
    let m = Double(all.count)
    var mean = ModelResult(count: all[0].forces.count)
    for one in all { mean = mean + one }
    mean.energy /= m
    mean.virial = (1 / m) * mean.virial
    mean.forces = mean.forces.map { (1 / m) * $0 }
    mean.energies = mean.energies.map { $0 / m }
    let forces = mean.forces.indices.map { i in
      (all.reduce(0) { $0 + ($1.forces[i] - mean.forces[i]).squaredLength } / m).squareRoot()
    }
    let energies = mean.energies.indices.map { i in
      (all.reduce(0) { $0 + ($1.energies[i] - mean.energies[i]) * ($1.energies[i] - mean.energies[i]) } / m)
        .squareRoot()
    }
    let energy = (all.reduce(0) { $0 + ($1.energy - mean.energy) * ($1.energy - mean.energy) } / m).squareRoot()
    return (mean, forces, energies, energy / Double(forces.count))
  }

  static func deck(steps: Int = 40, _ more: String) -> String {
    """
    structure: {file: {path: start.extxyz}}
    potential: [{hdnnp: {\(key), units: metal}}]
    stages: [{dynamics: {steps: \(steps), timestep: 2 fs}}]
    \(more)
    """
  }

  static func run(steps: Int = 40, _ more: String, ranks: Int = 1) throws -> DeckRun {
    var all = files
    all["start.extxyz"] = Sample.text(TinyNetwork.start)
    return try DeckRun(deck(steps: steps, more), files: all, ranks: ranks)
  }

  @Test(arguments: [1, 2]) func columns(ranks: Int) throws {
    let run = try Self.run(
      steps: 20,
      "output: {thermo: {every: 5}, trajectories: [{file: t.extxyz, every: 5, "
        + "columns: [forces, energies, extrapolations, force_deviation, energy_deviation]}]}",
      ranks: ranks)
    let rows = try run.thermo()
    let frames = try run.frames("t.extxyz")
    #expect(rows.count == 5 && frames.count == 5)
    for (row, frame) in zip(rows, frames) {
      let own = Self.spread(Self.members.map { $0.model.evaluate(frame.structure) })
      let counts = TinyNetwork.extrapolations(frame.structure)
      #expect(frame.reals("extrapolations") == counts && row["extrapolations"] == counts.reduce(0, +))
      #expect(distance(frame.reals("force_deviation"), own.forces) < 1e-10)
      #expect(distance(frame.reals("energy_deviation"), own.energies) < 1e-10)
      #expect(abs(try #require(row["force_deviation"]) - own.forces.max()!) < 1e-10)
      #expect(abs(try #require(row["energy_deviation"]) - own.energy) < 1e-10)
      #expect(isClose(try #require(row["potential_energy"]), own.mean.energy, 1e-10))
      #expect(distance(frame.forces, own.mean.forces) < 1e-10)
    }
  }

  /// Members that differ by more than can be squared do not pass for members that agree.
  @Test(arguments: [1, 2]) func unboundedDeviations(ranks: Int) throws {
    // By the weight of the output all deviations; by its bias that of the whole energy alone.
    for (place, number, frame, column) in [
      (3, 1e160, "energy_deviation of atom 1", "force_deviation"),
      (4, 5e153, "energy_deviation of the frame", "energy_deviation"),
    ] {
      var wild = TinyNetwork()
      for name in ["Na", "Cl"] { wild.weights[name]![place] = number }
      var files = Self.files
      files.merge(ManyBodyKeyTests.network("m1", wild.files())) { $1 }
      files["start.extxyz"] = Sample.text(TinyNetwork.start)
      let run = try DeckRun(files: files)
      let single = #expect(throws: FaultlineError.self) {
        _ = try run.evaluate(
          "potential: [{hdnnp: {\(Self.key), units: metal}}]", frames: "start.extxyz", ranks: ranks)
      }
      #expect(single?.message.contains(frame) == true, "\(String(describing: single))")
      let stopped = #expect(throws: FaultlineError.self) {
        try run.run(Self.deck(steps: 1, "output: {thermo: {every: 1}}"), ranks: ranks)
      }
      #expect(
        stopped?.message.contains("\(column) is not a finite number at step 0") == true,
        "\(String(describing: stopped))")
    }
  }
}

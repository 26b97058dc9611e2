import Foundation
import MDCore
import MDDeck
import MDIO
import MDParallel

/// `faultline bench`: whole NVE steps, with list rebuilds and all communication, of cases that need no files but
/// those of the repository. What is timed is the same loop that runs decks.
package enum Benchmark {
  struct Case {
    var name: String
    var text: String
    var atoms: Int
    /// Lines of a deck.
    var structure: String
    var potential: String
    /// More sections of the deck.
    var more = ""
    var temperature = 300.0
    var skin = 1.0
    var steps: Int
  }

  static let cases = [
    Case(
      name: "eam-cu", text: "copper, EAM (Zhou 2004)", atoms: 32_000,
      structure: "lattice: {type: fcc, constant: 3.615, species: [Cu], size: [20, 20, 20]}",
      potential: "eam: {parameters: zhou2004}", steps: 100),
    Case(
      name: "lj-argon", text: "argon, Lennard-Jones", atoms: 32_000,
      structure: "lattice: {type: fcc, constant: 5.40, species: [Ar], size: [20, 20, 20]}",
      potential: "lennard_jones: {cutoff: 8.5, pairs: [{species: [Ar, Ar], epsilon: 0.01042, sigma: 3.405}]}",
      temperature: 60, steps: 100),
    Case(
      name: "pppm-nacl", text: "rock salt, Tosi and Fumi, particle mesh to 1e-5", atoms: 32_768,
      structure: "lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [16, 16, 16]}",
      potential: """
        born_mayer_huggins: {cutoff: 10, pairs: [\
        {species: [Na, Na], a: 0.26370, sigma: 2.340, rho: 0.317, c: 1.0486, d: 0.4993}, \
        {species: [Na, Cl], a: 0.21096, sigma: 2.755, rho: 0.317, c: 6.9905, d: 8.6757}, \
        {species: [Cl, Cl], a: 0.15822, sigma: 3.170, rho: 0.317, c: 72.4015, d: 145.427}]}}, \
        {coulomb: {method: pppm, accuracy: 1e-5, cutoff: 10}
        """,
      more: "species: {Na: {charge: 1}, Cl: {charge: -1}}", steps: 10),
    Case(
      name: "hdnnp-cu", text: "copper, HDNNP (the example)", atoms: 2_048,
      structure: "lattice: {type: fcc, constant: 3.64, species: [Cu], size: [8, 8, 8]}",
      potential: "hdnnp: {directory: FOLDER/hdnnp/Cu-example, units: metal}", steps: 100),
    snap("Mo", "bcc", 3.168, cells: 10, atoms: 2_000),
    snap("Cu", "fcc", 3.615, cells: 8, atoms: 2_048),
    snap("Li", "bcc", 3.44, cells: 10, atoms: 2_000),
    snap("Ni", "fcc", 3.52, cells: 8, atoms: 2_048),
    snap("Si", "diamond", 5.469, cells: 6, atoms: 1_728),
    snap("Ge", "diamond", 5.76, cells: 6, atoms: 1_728),
  ]

  private static func snap(_ element: String, _ lattice: String, _ a: Double, cells: Int, atoms: Int) -> Case {
    Case(
      name: "snap-\(element.lowercased())", text: "\(element), SNAP (Zuo 2020)", atoms: atoms,
      structure:
        "lattice: {type: \(lattice), constant: \(a), species: [\(element)], size: [\(cells), \(cells), \(cells)]}",
      potential:
        "snap: {coefficients: FOLDER/snap/\(element)_Zuo_JPCA2020.snapcoeff, "
        + "parameters: FOLDER/snap/\(element)_Zuo_JPCA2020.snapparam}",
      steps: 100)
  }

  struct Figures: Codable {
    var name: String
    var atoms: Int
    var ranks: Int
    var steps: Int
    /// Median, least and greatest over the repeats.
    var microsecondsPerAtomStep: Double
    var least: Double
    var greatest: Double
    var secondsByPhase: [String: Double]
    var peakBytesPerAtom: Double
    var longRange: LongRangeFigures?

    enum CodingKeys: String, CodingKey {
      case name, atoms, ranks, steps, least, greatest
      case microsecondsPerAtomStep = "us_per_atom_step"
      case secondsByPhase = "seconds_by_phase"
      case peakBytesPerAtom = "peak_bytes_per_atom"
      case longRange = "long_range"
    }
  }

  /// Collective.
  package static func run(
    cases names: [String], repeats: Int, steps: Int?, json: String?, communicator: any Communicator, log: RunLog
  ) throws {
    if names == ["list"] {
      for item in cases { log.line("\(item.name)\t\(RunLog.grouped(item.atoms)) atoms of \(item.text)") }
      return
    }
    for name in names where !cases.contains(where: { $0.name == name }) {
      throw FaultlineError(
        .input, "there is no benchmark '\(name)'", hint: "there are \(cases.map(\.name).joined(separator: ", "))",
        isCollective: true)
    }
    log.line("case        atoms   µs/atom/step  (least – greatest)   time by phase")
    var all: [Figures] = []
    for item in cases where names.isEmpty || names.contains(item.name) {
      let figures = try measure(item, repeats: repeats, steps: steps ?? item.steps, communicator)
      let total = figures.secondsByPhase.values.reduce(0, +)
      let phases = Phase.allCases.compactMap { phase in
        figures.secondsByPhase[phase.rawValue].flatMap {
          $0 > 0.005 * total ? "\(phase.rawValue)\(RunLog.percent($0 / total))" : nil
        }
      }
      log.line(
        "\(item.name.padding(toLength: 10, withPad: " ", startingAt: 0))  \(item.atoms)   "
          + "\(RunLog.fixed(figures.microsecondsPerAtomStep, 3))  (\(RunLog.fixed(figures.least, 3)) – "
          + "\(RunLog.fixed(figures.greatest, 3)))   \(phases.joined(separator: ", "))")
      if let longRange = figures.longRange { log.line("            long range alone: \(longRange.text)") }
      all.append(figures)
    }
    if let json {
      try communicator.agree {
        guard communicator.isRoot else { return }
        try AtomicFile.writeJSON(all, to: json)
      }
    }
  }

  private static func measure(
    _ item: Case, repeats: Int, steps: Int, _ communicator: any Communicator
  ) throws -> Figures {
    let folder = try potentialsFolder(neededBy: item)
    let scratch = try String(
      decoding: communicator.fromRoot { Array((NSTemporaryDirectory() + "faultline-bench-\(getpid())").utf8) },
      as: UTF8.self)
    defer { if communicator.isRoot { try? FileManager.default.removeItem(atPath: scratch) } }
    var runs: [RunSummary] = []
    var longRange: LongRangeFigures?
    resetPeakResidentBytes()
    for _ in 0..<repeats {
      let deck = """
        structure: {\(item.structure)}
        potential: [{\(item.potential.replacingOccurrences(of: "FOLDER", with: folder))}]
        velocities: {temperature: \(2 * item.temperature)}
        neighbors: {skin: \(item.skin)}
        \(item.more)
        stages: [{dynamics: {steps: \(steps)}}]
        output: {directory: \(scratch), overwrite: true, checkpoints: {every: 1000000000}}
        """
      let silent = RunLog(isTerminal: false, emit: nil)
      let plan = try DeckReading.plan(
        DeckSource(text: deck, file: "bench.yaml"), purpose: .run, communicator: communicator, log: silent)
      let simulation = try Simulation.start(plan, communicator: communicator, log: silent)
      _ = try simulation.run(limits: RunLimits())
      runs.append(simulation.summary)
      if runs.count == repeats { longRange = try LongRangeFigures(simulation.system) }
    }
    let times = runs.map(\.microsecondsPerAtomStep).sorted()
    let median = runs.sorted { $0.microsecondsPerAtomStep < $1.microsecondsPerAtomStep }[runs.count / 2]
    return Figures(
      name: item.name, atoms: median.atoms, ranks: communicator.size, steps: steps,
      microsecondsPerAtomStep: median.microsecondsPerAtomStep, least: times[0], greatest: times[times.count - 1],
      secondsByPhase: median.phases,
      peakBytesPerAtom: Double(median.peakResidentBytes.reduce(0, +)) / Double(median.atoms),
      longRange: longRange)
  }

  /// `potentials` of the repository: from FAULTLINE_POTENTIALS, the working directory or the program's own place.
  private static func potentialsFolder(neededBy item: Case) throws -> String {
    guard item.potential.contains("FOLDER") else { return "" }
    var places = ["potentials"]
    if let given = ProcessInfo.processInfo.environment["FAULTLINE_POTENTIALS"] { places.insert(given, at: 0) }
    var program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    for _ in 0..<5 {
      program.deleteLastPathComponent()
      places.append(program.appendingPathComponent("potentials").path)
    }
    for place in places {
      let folder = URL(fileURLWithPath: place)
      if FileManager.default.fileExists(atPath: folder.appendingPathComponent("snap").path) { return folder.path }
    }
    throw FaultlineError(
      .input, "the potentials of the benchmarks are not found",
      hint: "run it in the repository, or set FAULTLINE_POTENTIALS to its potentials folder", isCollective: true)
  }
}

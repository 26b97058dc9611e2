import Foundation
import MDCore
import MDIO
import MDParallel
import MDSimulation
import Testing

/// What a resumed run looks at before it goes on: its potentials' files, the outputs that it continues, and whether the
/// checkpoint can have been written by a run.
@Suite("Resume")
struct ResumeTests {
  /// A directory with a deck, removed at the end.
  final class Place {
    let path = NSTemporaryDirectory() + "faultline-resume-\(UUID().uuidString.prefix(8))"
    private(set) var log = ""

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
    func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name)))) }
    func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }
    func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: file(name))) }

    var checkpoints: [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: file("run/checkpoints"))) ?? []).sorted()
    }

    func start(_ deck: String, steps: Int? = nil) throws {
      try deck.replacingOccurrences(of: "HERE", with: path)
        .write(toFile: file("deck.yaml"), atomically: true, encoding: .utf8)
      try onRanks(1) { [path] communicator, log in
        let simulation = try Simulation.start(
          deck: path + "/deck.yaml", output: nil, overwrite: true, communicator: communicator, log: log)
        _ = try simulation.run(limits: RunLimits(steps: steps))
      }
    }

    /// What is refused, or nil.
    func resume(ranks: Int = 1, steps: Int = 1, accept: Bool = false) -> FaultlineError? {
      do {
        try onRanks(ranks) { [path] communicator, log in
          let simulation = try Simulation.resume(
            from: path + "/run", acceptChangedFiles: accept, communicator: communicator, log: log)
          _ = try simulation.run(limits: RunLimits(steps: steps))
        }
        return nil
      } catch {
        return error as? FaultlineError ?? FaultlineError(.run, "not a FaultlineError: \(error)")
      }
    }

    private final class Lines: @unchecked Sendable { var text = "" }

    private func onRanks(
      _ ranks: Int, _ body: @escaping @Sendable (any Communicator, RunLog) throws -> Void
    ) throws {
      let lines = Lines()
      defer { log = lines.text }
      try LoopbackCommunicator.run(ranks: ranks) { communicator in
        let emit: ((String) -> Void)? = communicator.isRoot ? { lines.text += $0 } : nil
        try body(communicator, RunLog(isTerminal: false, emit: emit))
      }
    }
  }

  static let copper = """
    structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [2, 2, 2]}}
    potential: [{eam: {parameters: zhou2004}}]
    groups: {some: {select: {ids: [1, 4]}}}
    velocities: {temperature: 300}
    neighbors: {skin: 0.3}
    stages:
      - dynamics: {steps: 40, timestep: 1 fs, thermostat: {nose_hoover: {temperature: 300}}}
    output:
      directory: HERE/run
      thermo: {every: 5}
      trajectories:
        - {file: t.extxyz, every: 10}
        - {file: t.dump.gz, every: 10}
      checkpoints: {every: 20, keep: 3}
    """

  static let salt = """
    structure: {lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [1, 1, 2]}}
    species: {Na: {charge: 1}, Cl: {charge: -1}}
    potential:
      - coulomb: {method: pppm, accuracy: 1e-3, cutoff: 5}
      - born_mayer_huggins:
          cutoff: 5
          pairs:
            - {species: [Na, Na], a: 0.2637, sigma: 2.340, rho: 0.317, c: 1.0486, d: 0.4993}
            - {species: [Na, Cl], a: 0.2110, sigma: 2.755, rho: 0.317, c: 6.9906, d: 8.6758}
            - {species: [Cl, Cl], a: 0.1582, sigma: 3.170, rho: 0.317, c: 72.4022, d: 145.4285}
    velocities: {temperature: 100}
    stages:
      - dynamics: {steps: 40, timestep: 1 fs, deform: {axis: z, rate: 0.1}}
    output: {directory: HERE/run, thermo: {every: 10}, checkpoints: {every: 20, keep: 1}}
    """

  // MARK: Contents that no run writes

  /// The newest checkpoint with its checksums right and its contents changed.
  private func rewrite(
    _ place: Place, header: ((inout [String: Any]) -> Void)? = nil, column: (String, (inout [UInt8]) -> Void)? = nil
  ) throws {
    let name = try #require(place.checkpoints.last)
    let path = place.file("run/checkpoints/" + name)
    let bytes = try place.bytes("run/checkpoints/" + name)
    let reader = try CheckpointReader(path)
    let sections = reader.sections
    let texts = try header.map { try Self.changed(reader, $0) }
    var offset = (bytes.firstIndex(of: 10) ?? 0) + 1
    let writer = try CheckpointWriter(path)
    for section in sections {
      let length = section.stride * section.count
      var part = Array(bytes[offset..<(offset + length)])
      offset += length
      if let texts, section.element == .json {
        guard let text = texts[section.name] else { continue }
        part = [UInt8](text)
      }
      if let column, section.name == column.0 + "@0" { column.1(&part) }
      // A column that a case has cut or extended says so itself: only what it holds is wrong.
      writer.begin(section.name, section.element, width: section.width, count: part.count / section.stride)
      try part.withUnsafeBytes { try writer.append($0) }
      writer.end()
    }
    for (name, text) in texts ?? [:] where !sections.contains(where: { $0.name == name }) {
      try writer.write(json: text, named: name)
    }
    try writer.commit()
  }

  /// The sections of JSON after a change of the run's own, of "stage" (a key of it) and of "long_range" (`longRange`).
  private static func changed(
    _ reader: CheckpointReader, _ change: (inout [String: Any]) -> Void
  ) throws -> [String: Data] {
    var texts = try reader.sections.filter { $0.element == .json }
      .reduce(into: [String: Data]()) { $0[$1.name] = try reader.json(named: $1.name) }
    func object(_ name: String) throws -> Any? { try texts[name].map { try JSONSerialization.jsonObject(with: $0) } }
    var header = try #require(try object("run") as? [String: Any])
    header["stage"] = try object("stage")
    header["longRange"] = try object("long_range")
    header["watch"] = try object("watch")
    change(&header)
    for (key, name) in [("stage", "stage"), ("longRange", "long_range"), ("watch", "watch"), ("stranger", "stranger")] {
      texts[name] = try header.removeValue(forKey: key).map { try JSONSerialization.data(withJSONObject: $0) }
    }
    header["owners"] = texts.keys.filter { $0 != "run" }.sorted()
    texts["run"] = try JSONSerialization.data(withJSONObject: header)
    return texts
  }

  struct HeaderCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var deck = ResumeTests.copper
    var change: @Sendable (inout [String: Any]) -> Void

    init(
      _ name: String, _ deck: String = ResumeTests.copper, _ change: @escaping @Sendable (inout [String: Any]) -> Void
    ) {
      testDescription = name
      self.deck = deck
      self.change = change
    }

    static func inside(
      _ name: String, _ key: String, _ value: any Sendable, deck: String = ResumeTests.copper
    ) -> HeaderCase {
      HeaderCase("\(name).\(key) = \(value)", deck) { header in
        var inner = header[name] as? [String: Any] ?? [:]
        inner[key] = value
        header[name] = inner
      }
    }

    static func longRange(_ key: String, _ value: any Sendable) -> HeaderCase {
      HeaderCase("longRange.\(key) = \(value)", ResumeTests.salt) { header in
        var inner = header["longRange"] as? [[String: Any]] ?? []
        if !inner.isEmpty { inner[0][key] = value }
        header["longRange"] = inner
      }
    }
  }

  static let headers: [HeaderCase] = [
    .inside("clock", "step", -1), .inside("clock", "stage", 5), .inside("clock", "stage", -1),
    .inside("clock", "stepInStage", 100_000), .inside("clock", "stepInStage", 3), .inside("clock", "time", -1.0),
    .inside("stage", "firstStep", 7), .inside("stage", "integrator", "bm8="),
    .init("no stage") { $0["stage"] = nil },
    .init("no choice of sums", salt) { $0["longRange"] = nil },
    .init("an observer without its section") { $0["watch"] = nil },
    .init("a section that belongs to nobody") { $0["stranger"] = [1, 2] },
    .init("no species") { $0["species"] = [String](); $0["masses"] = [Double]() },
    .init("species twice") { $0["species"] = ["Cu", "Cu"]; $0["masses"] = [1, 1] },
    .init("no mass") { $0["masses"] = [0] },
    .init("too many masses") { $0["masses"] = [63, 64] },
    .init("flat cell") { $0["cell"] = [7, 0, 0, 0, 7, 0, 7, 7, 0] },
    .init("cell of eight numbers") { $0["cell"] = [7, 0, 0, 0, 7, 0, 0, 0] },
    .init("origin of two numbers") { $0["origin"] = [0, 0] },
    .init("no ranks") { $0["ranks"] = 0 },
    .init("ranks without bricks") { $0["ranks"] = 3 },
    .init("cuts that do not ascend") { $0["ranks"] = 2; $0["cuts"] = [[0, 1.5, 1], [0, 1], [0, 1]] },
    .init("cuts along two axes") { $0["cuts"] = [[0, 1], [0, 1]] },
    .init("groups of another deck") { $0["groups"] = ["other"] },
    .init("no atoms") { $0["atoms"] = 0 },
    .init("more atoms than there are") { $0["atoms"] = 1_000_000_000 },
    .init("fewer atoms than there are") { $0["atoms"] = 31 },
    .init("chunks of nothing") { $0["chunk"] = 0 },
    .init("huge chunks") { $0["chunk"] = 1 << 50 },
    .init("a column twice") { $0["columns"] = ($0["columns"] as? [String] ?? []) + ["id"] },
    .init("no velocities") { $0["columns"] = ($0["columns"] as? [String] ?? []).filter { $0 != "velocity" } },
    .init("negative length of a file") { $0["files"] = ["thermo.csv": -1] },
    .longRange("splitting", 0), .longRange("splitting", 1e6), .longRange("grid", [4000, 4000, 4000]),
    .longRange("grid", [0, 0, 0]), .longRange("order", 400), .longRange("cell", [1, 0, 0, 0, 1, 0, 0, 0, 0]),
    .longRange("count", -3), .inside("stage", "loading", "bm8=", deck: salt),
    .init("a cell that the loading does not give", salt) { $0["cell"] = [5.64, 0, 0, 0, 5.64, 0, 0, 0, 12] },
  ]

  @Test("headers that no run writes", arguments: headers)
  func header(_ c: HeaderCase) throws {
    let place = try Place()
    try place.start(c.deck, steps: 20)
    try rewrite(place, header: { _ in })
    #expect(place.resume() == nil, "the same contents written again are good")
    try rewrite(place, header: c.change)
    let error = try #require(place.resume(), "\(c.testDescription) goes on")
    #expect(error.kind == .input, "\(error)")
    #expect(error.description.contains("checkpoint"), "\(error)")
  }

  static let columns: [(String, String, @Sendable (inout [UInt8]) -> Void)] = [
    ("id", "zero", { put(Int64(0), 0, &$0) }), ("id", "negative", { put(Int64(-3), 0, &$0) }),
    ("id", "twice", { put(Int64(1), 1, &$0) }), ("id", "out of order", { put(Int64(9), 0, &$0) }),
    ("species", "out of range", { put(Int32(7), 3, &$0) }), ("species", "negative", { put(Int32(-1), 3, &$0) }),
    ("position", "NaN", { put(Double.nan, 5, &$0) }), ("position", "far away", { put(1e8, 5, &$0) }),
    ("velocity", "infinite", { put(Double.infinity, 5, &$0) }), ("force", "NaN", { put(Double.nan, 0, &$0) }),
    ("image", "absurd", { put(Int32.max, 0, &$0) }), ("groups", "unknown bit", { put(UInt32(2), 0, &$0) }),
    ("position", "a row missing", { $0.removeLast(24) }), ("id", "a row more", { $0 += [9, 9, 9, 9, 0, 0, 0, 0] }),
  ]

  private static func put<T>(_ value: T, _ place: Int, _ bytes: inout [UInt8]) {
    withUnsafeBytes(of: value) { bytes.replaceSubrange((place * $0.count)..<((place + 1) * $0.count), with: $0) }
  }

  @Test("columns that no run writes are refused by section", arguments: columns.indices, [1, 2])
  func column(_ index: Int, _ ranks: Int) throws {
    let (name, what, change) = Self.columns[index]
    let place = try Place()
    try place.start(Self.copper, steps: 20)
    try rewrite(place, column: (name, change))
    let error = try #require(place.resume(ranks: ranks), "\(name), \(what), goes on")
    #expect(error.kind == .input && error.description.contains("'\(name)@0'"), "\(what): \(error)")
    #expect(error.isCollective)
  }

  // MARK: Outputs

  @Test("output that is not what was written is refused by name", arguments: [
    "run/thermo.csv", "run/t.extxyz", "run/t.dump.gz",
  ], ["changed", "cut", "untouched", "tail"])
  func outputs(_ name: String, _ damage: String) throws {
    let place = try Place()
    try place.start(Self.copper, steps: 20)
    var bytes = try place.bytes(name)
    switch damage {
    case "changed": bytes[bytes.count / 3] ^= 1
    case "cut": bytes.removeLast(bytes.count / 2)
    // What was written behind the checkpoint is cut off anyway.
    case "tail": bytes += [1, 2, 3]
    default: break
    }
    try place.write(bytes, name)
    let before = try place.bytes("run/thermo.csv")
    let error = place.resume()
    if ["untouched", "tail"].contains(damage) {
      #expect(error == nil)
    } else {
      let refusal = try #require(error)
      #expect(refusal.kind == .input && refusal.message.contains(place.file(name)), "\(refusal)")
      #expect(try place.bytes("run/thermo.csv") == before, "nothing was cut")
    }
    // Moved away, the file begins anew.
    if damage == "changed" {
      try FileManager.default.removeItem(atPath: place.file(name))
      #expect(place.resume() == nil)
    }
  }

  /// The checksum goes on over several checkpoints and a resume.
  @Test func checksumsGoOn() throws {
    let place = try Place()
    try place.start(Self.copper, steps: 20)
    #expect(place.resume(steps: 10) == nil)
    #expect(place.resume(steps: 5) == nil)
    var bytes = try place.bytes("run/t.extxyz")
    bytes[40] ^= 1
    try place.write(bytes, "run/t.extxyz")
    #expect(place.resume()?.message.contains("t.extxyz") == true)
  }

  // MARK: Inputs

  private static let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("potentials/hdnnp/Cu-example").path

  @Test("a potential's file that changed is refused by name", arguments: [1, 2])
  func inputs(ranks: Int) throws {
    let place = try Place()
    for folder in ["one", "two"] {
      try FileManager.default.copyItem(atPath: Self.example, toPath: place.file(folder))
    }
    let deck = Self.copper.replacingOccurrences(
      of: "eam: {parameters: zhou2004}",
      with: "hdnnp: {committee: [HERE/one, HERE/two], units: metal}")
    try place.start(deck, steps: 20)
    // What no potential reads may change.
    try Data("notes".utf8).write(to: URL(fileURLWithPath: place.file("one/notes.txt")))
    #expect(place.resume(ranks: ranks) == nil)
    let weights = place.file("two/weights.029.data")
    var text = try String(contentsOfFile: weights, encoding: .utf8)
    text += "# a comment that changes nothing, but that is not what was read\n"
    try text.write(toFile: weights, atomically: true, encoding: .utf8)
    let error = try #require(place.resume(ranks: ranks))
    #expect(error.kind == .input && error.message.contains(weights), "\(error)")
    #expect(error.description.contains("--accept-changed-files") && !error.message.contains("/one/"), "\(error)")
    #expect(place.resume(ranks: ranks, accept: true) == nil)
    #expect(place.log.contains(weights), "it is noted: \(place.log)")
    #expect(place.resume(ranks: ranks) == nil, "from then on it is the run's file")
  }

  // MARK: Ends of stages

  /// A stage's end is in a checkpoint before anything is measured there, and what follows needs no step of it again.
  @Test func endOfStageIsKept() throws {
    let place = try Place()
    let deck = """
      structure:
        grain_boundary: {kind: tilt, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 5,
            plane: [2, 1, 0], repeat: [1, 1], thickness: 12, overlap: 1.6}
      potential: [{eam: {parameters: zhou2004}}]
      stages:
        - minimize: {force_tolerance: 0.05}
        - dynamics: {steps: 3, timestep: 1 fs, thermostat: {langevin: {temperature: 10}}}
      analysis: {boundary_energy: {}}
      output: {directory: HERE/run, thermo: {every: 1000}, checkpoints: {every: 100000, keep: 5}}
      """
    try place.start(deck)
    struct Summary: Decodable {
      struct Boundary: Decodable, Equatable { var step: Int, energy_J_per_m2: Double }
      var boundary_energy: [Boundary]
      var status: String
    }
    let whole = try AtomicFile.readJSON(Summary.self, from: place.file("run/run.json"))
    let relaxed = try #require(whole.boundary_energy.first).step
    let rows = try place.text("run/thermo.csv")
    #expect(place.checkpoints.count == 2 && relaxed > 0)
    // As if the analysis had been the end of it.
    try FileManager.default.removeItem(atPath: place.file("run/checkpoints/" + place.checkpoints[1]))
    #expect(place.checkpoints[0].contains("\(relaxed).checkpoint"))
    #expect(place.resume(steps: 1000) == nil)
    #expect(place.log.contains("from step \(relaxed)") && place.log.contains("no step taken"), "\(place.log)")
    let again = try AtomicFile.readJSON(Summary.self, from: place.file("run/run.json"))
    #expect(again.status == "finished" && again.boundary_energy == whole.boundary_energy, "the same bits, once")
    #expect(try place.text("run/thermo.csv") == rows)
    #expect(place.resume() == nil && place.log.contains("nothing left to do"))
  }
}

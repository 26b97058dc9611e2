import MDIO

/// `run.json`: what programs read of a run. Written at the start, at every checkpoint and at the end (figures of speed
/// and memory at the end).
public struct RunSummary: Codable, Sendable {
  public struct Ghosts: Codable, Sendable {
    /// Sums over ranks at the last neighbour build.
    public var ghosts = 0
    public var neighbors = 0
    public var maximumNeighbors = 0
    public var rebuilds = 0

    enum CodingKeys: String, CodingKey {
      case ghosts, neighbors, rebuilds
      case maximumNeighbors = "maximum_neighbors"
    }
  }

  /// What the log warns of during the run.
  public struct Warning: Codable, Sendable, Equatable {
    public var step: Int
    public var message: String
  }

  public struct Stage: Codable, Sendable {
    /// From 1.
    public var stage: Int
    /// Steps done since the program started, and the wall clock of their loop.
    public var steps: Int
    public var seconds: Double
  }

  /// "running", "finished", "stopped" (with a checkpoint) or "failed".
  public var status = "running"
  public var reason: String?
  public var version: String
  public var title: String?
  public var deck: String
  /// KEY=VALUE given beside the deck.
  public var settings: [String]
  public var started: String
  public var ranks: Int
  public var grid: [Int]
  public var atoms: Int
  public var species: [String]
  public var potentials: [String]
  /// Steps done since the program started, and since the run began.
  public var steps = 0
  public var stepsTotal = 0
  /// Wall clock of the step loop since the program started.
  public var loopSeconds = 0.0
  public var setupSeconds = 0.0
  public var microsecondsPerAtomStep = 0.0
  /// Those that have ended.
  public var stages: [Stage] = []
  /// Seconds a phase: the mean over ranks.
  public var phases: [String: Double] = [:]
  public var peakResidentBytes: [Int] = []
  public var lists = Ghosts()
  public var warnings: [Warning] = []
  public var checkpoints: [String] = []
  public var finalThermo: ThermoRow?
  /// Of the numbers in `finalThermo`.
  public var thermoUnits: [String: String]

  /// The names of everything besides results.
  static var keys: Set<String> { Set(CodingKeys.allCases.map(\.rawValue)) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case status, reason, version, title, deck, started, ranks, grid, atoms, species, potentials, steps, phases, stages, settings
    case stepsTotal = "steps_total"
    case loopSeconds = "loop_seconds"
    case setupSeconds = "setup_seconds"
    case microsecondsPerAtomStep = "us_per_atom_step"
    case peakResidentBytes = "peak_rss_bytes"
    case lists = "neighbors"
    case checkpoints, warnings
    case finalThermo = "final_thermo"
    case thermoUnits = "thermo_units"
  }

  mutating func warn(_ message: String, step: Int) { warnings.append(Warning(step: step, message: message)) }

  /// Writes run.json; `results` are those of the observers, by their names.
  func write(to path: String, results: [String: any Encodable]) throws {
    try AtomicFile.writeJSON(Document(summary: self, results: results), to: path)
  }

  /// The summary with the observers' results among its keys.
  private struct Document: Encodable {
    let summary: RunSummary
    let results: [String: any Encodable]

    func encode(to encoder: any Encoder) throws {
      try summary.encode(to: encoder)
      var container = encoder.container(keyedBy: Key.self)
      for (name, result) in results { try container.encode(result, forKey: Key(name)) }
    }

    struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(_ name: String) { stringValue = name }
      init?(stringValue: String) { self.init(stringValue) }
      init?(intValue: Int) { nil }
    }
  }
}

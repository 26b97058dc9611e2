import MDIO

/// `run.json`: what programs read of a run. Written at the start, at every checkpoint and at the end (figures of speed
/// and memory at the end).
package struct RunSummary: Codable, Sendable {
  package struct Ghosts: Codable, Sendable {
    /// Sums over ranks at the last neighbour build.
    package var ghosts = 0
    package var neighbors = 0
    package var maximumNeighbors = 0
    package var rebuilds = 0

    enum CodingKeys: String, CodingKey {
      case ghosts, neighbors, rebuilds
      case maximumNeighbors = "maximum_neighbors"
    }
  }

  /// Atoms of a rank, when the program ended.
  package struct Shares: Codable, Sendable {
    package var fewest = 0
    package var mean = 0.0
    package var most = 0
  }

  /// What the log warns of during the run.
  package struct Warning: Codable, Sendable, Equatable {
    package var step: Int
    package var message: String
  }

  package struct Stage: Codable, Sendable {
    /// From 1.
    package var stage: Int
    package var name: String
    /// The deck's word for what it does: `minimize` or `dynamics`.
    package var kind: String
    /// Steps done since the program started, and the wall clock of their loop.
    package var steps: Int
    package var seconds: Double
  }

  /// "running", "finished", "stopped" (with a checkpoint) or "failed".
  package var status = "running"
  package var reason: String?
  package var version: String
  package var title: String?
  package var deck: String
  /// KEY=VALUE given beside the deck.
  package var settings: [String]
  package var started: String
  package var ranks: Int
  package var grid: [Int]
  /// Ranks that write frames and checkpoints.
  package var writers: [Int]
  package var atoms: Int
  package var species: [String]
  package var potentials: [String]
  /// The files that they are from, by full path.
  package var potentialFiles: [String]
  /// Steps done since the program started, and since the run began.
  package var steps = 0
  package var stepsTotal = 0
  /// Wall clock of the step loop since the program started.
  package var loopSeconds = 0.0
  package var setupSeconds = 0.0
  package var microsecondsPerAtomStep = 0.0
  /// Those that have ended.
  package var stages: [Stage] = []
  /// Seconds a phase: the mean over ranks.
  package var phases: [String: Double] = [:]
  /// The same of whichever rank needed most for a phase.
  package var slowestPhases: [String: Double] = [:]
  package var atomsOfRanks = Shares()
  package var peakResidentBytes: [Int] = []
  package var lists = Ghosts()
  package var warnings: [Warning] = []
  package var checkpoints: [String] = []
  package var finalThermo: ThermoRow?
  /// Of the numbers in `finalThermo`.
  package var thermoUnits: [String: String]

  /// The names of everything besides results.
  static var keys: Set<String> { Set(CodingKeys.allCases.map(\.rawValue)) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case status, reason, version, title, deck, started, ranks, grid, writers, atoms, species, potentials, steps, phases, stages, settings
    case stepsTotal = "steps_total"
    case potentialFiles = "potential_files"
    case loopSeconds = "loop_seconds"
    case setupSeconds = "setup_seconds"
    case microsecondsPerAtomStep = "us_per_atom_step"
    case slowestPhases = "phases_slowest_rank"
    case atomsOfRanks = "atoms_per_rank"
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

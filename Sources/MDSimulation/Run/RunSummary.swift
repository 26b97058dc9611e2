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

  public struct Boundary: Codable, Sendable {
    public var step: Int
    public var energyJoulePerSquareMetre: Double
    public var areaSquareAngstrom: Double
    public var boundaries: Int
    public var referenceEnergyPerAtom: Double
    /// Whether the minimisation before it had converged.
    public var isRelaxed: Bool

    enum CodingKeys: String, CodingKey {
      case step
      case energyJoulePerSquareMetre = "energy_J_per_m2"
      case areaSquareAngstrom = "area_A2"
      case boundaries
      case referenceEnergyPerAtom = "reference_eV_per_atom"
      case isRelaxed = "converged"
    }
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
  public var boundaryEnergies: [Boundary] = []
  public var checkpoints: [String] = []
  public var finalThermo: ThermoRow?

  enum CodingKeys: String, CodingKey {
    case status, reason, version, title, deck, started, ranks, grid, atoms, species, potentials, steps, phases, stages
    case stepsTotal = "steps_total"
    case loopSeconds = "loop_seconds"
    case setupSeconds = "setup_seconds"
    case microsecondsPerAtomStep = "us_per_atom_step"
    case peakResidentBytes = "peak_rss_bytes"
    case lists = "neighbors"
    case boundaryEnergies = "boundary_energy"
    case checkpoints
    case finalThermo = "final_thermo"
  }

  func write(to path: String) throws { try AtomicFile.writeJSON(self, to: path) }
}

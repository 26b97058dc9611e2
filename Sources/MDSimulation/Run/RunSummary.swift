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
    /// Of the cell, and those that the builder removed as too close.
    public var atoms: Int?
    public var removedAtoms: Int?
    /// n·P·n with the normal n of the boundaries, bar, as `pzz`: positive under compression. nil along an open
    /// direction.
    public var normalPressure: Double?
    /// Of the perfect crystal at the deck's lattice constant, bar; nil if its energy was given.
    public var referencePressure: Double?
    /// Whether the minimisation before it had converged.
    public var isRelaxed: Bool

    enum CodingKeys: String, CodingKey {
      case step
      case energyJoulePerSquareMetre = "energy_J_per_m2"
      case areaSquareAngstrom = "area_A2"
      case boundaries
      case referenceEnergyPerAtom = "reference_eV_per_atom"
      case atoms
      case removedAtoms = "atoms_removed"
      case normalPressure = "normal_pressure_bar"
      case referencePressure = "reference_pressure_bar"
      case isRelaxed = "converged"
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
  public var warnings: [Warning] = []
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
    case checkpoints, warnings
    case finalThermo = "final_thermo"
  }

  mutating func warn(_ message: String, step: Int) { warnings.append(Warning(step: step, message: message)) }

  func write(to path: String) throws { try AtomicFile.writeJSON(self, to: path) }
}

/// What a potential needs from the engine.
public struct PotentialRequirements: Sendable {
  /// Interactions vanish beyond this distance, Å.
  public var cutoff: Double
  /// How far ghosts must reach, Å; at least the cutoff.
  public var halo: Double
  public var list: NeighborListKind
  /// Whether forces (and per-atom results) are added to ghosts and must be sent back to their owners.
  public var writesGhosts: Bool

  public init(cutoff: Double, halo: Double? = nil, list: NeighborListKind, writesGhosts: Bool = true) {
    self.cutoff = cutoff
    self.halo = halo ?? cutoff
    self.list = list
    self.writesGhosts = writesGhosts
  }
}

/// An interatomic potential: adds its forces to the atoms and returns its energy and virial on this rank.
///
/// It knows neither decks nor files of the run nor printing. `compute` is called once a step with lists that
/// reach beyond the cutoff by the skin, so pairs farther than the cutoff must be passed over.
public protocol Potential: AnyObject {
  /// As it stands in the log, for example "snap".
  var name: String { get }
  var requirements: PotentialRequirements { get }
  /// Called once before the first step, to declare per-atom columns (densities, charges).
  func attach(to atoms: AtomStore) throws
  func compute(_ context: ForceContext) throws -> Tally
  /// Lines for the log, once forces have been computed: what was chosen, and the error to expect. Collective.
  /// Those that begin with "warning: " go to run.json too.
  /// - Throws: a collective error if results are much worse than what was asked for.
  func notes(for atoms: AtomView) throws -> [String]
  /// Those of the warnings among them that cost little. Collective; throws alike.
  func warnings(for atoms: AtomView) throws -> [String]
  /// The solver of long-ranged interactions whose parameters checkpoints keep, if there is one.
  var longRange: (any LongRangeSolver)? { get }
  /// How far its forces are told pair by pair to who wants them so.
  var pairForces: PairForceCoverage { get }
}

extension Potential {
  public var pairForces: PairForceCoverage { .partial }
  public func attach(to atoms: AtomStore) throws {}
  public func notes(for atoms: AtomView) throws -> [String] { [] }
  public func warnings(for atoms: AtomView) throws -> [String] { [] }
  public var longRange: (any LongRangeSolver)? { nil }
}

/// A potential with the Coulomb energy of the atoms' charges: their energy may be counted once.
public protocol ChargeOwning: Potential {
  /// Whether it says what the charges are, so that no other may have their energy too; else they are given.
  var choosesCharges: Bool { get }
}

/// A potential that can do another's work in its own pass over the neighbours.
public protocol Absorbing: Potential {
  /// Takes `other` in if it can, which then must not be computed by itself. At most one.
  func absorb(_ other: any Potential) -> Bool
}

/// What a potential sees of a step.
public struct ForceContext {
  public let atoms: AtomView
  public let box: Box
  public let decomposition: Decomposition
  public let step: Int
  public let want: Want
  public let ghosts: any GhostCommunicator
  /// Of a slab, as of the last rebuild; nil in other boxes.
  public let span: SlabSpan?
  private let full: NeighborView?
  private let half: NeighborView?

  public init(
    atoms: AtomView, box: Box, step: Int, want: Want, ghosts: any GhostCommunicator,
    full: NeighborView?, half: NeighborView?, decomposition: Decomposition = .single, span: SlabSpan? = nil
  ) {
    self.atoms = atoms
    self.box = box
    self.decomposition = decomposition
    self.span = span
    self.step = step
    self.want = want
    self.ghosts = ghosts
    self.full = full
    self.half = half
  }

  /// The same step for results that go elsewhere.
  public func with(atoms: AtomView, want: Want) -> ForceContext {
    ForceContext(
      atoms: atoms, box: box, step: step, want: want, ghosts: ghosts, full: full, half: half,
      decomposition: decomposition, span: span)
  }

  /// The list that the requirements asked for.
  public func neighbors(_ kind: NeighborListKind) -> NeighborView {
    guard let list = kind == .full ? full : half else {
      preconditionFailure("no \(kind) neighbour list was built; check the potential's requirements")
    }
    return list
  }
}

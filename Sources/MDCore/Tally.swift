import MDNumerics

/// What a potential adds up on one rank. Sums over ranks are made only for output.
@frozen
public struct Tally: Sendable, Equatable {
  /// eV.
  public var energy: Double
  /// W = Σ r ⊗ f = −∂E/∂ε, eV.
  public var virial: Matrix3

  @inlinable
  public init(energy: Double = 0, virial: Matrix3 = .zero) {
    self.energy = energy
    self.virial = virial
  }

  public static var zero: Tally { Tally() }

  public static func += (a: inout Tally, b: Tally) {
    a.energy += b.energy
    a.virial += b.virial
  }
}

/// What a step's consumers ask the potentials for besides forces.
public struct Want: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// This rank's share of the potential energy, `Tally.energy`, eV.
  public static let energy = Want(rawValue: 1)
  /// This rank's share of W = Σ r ⊗ f, `Tally.virial`, eV.
  public static let virial = Want(rawValue: 2)
  /// Per-atom energies, `AtomView.energies`, eV: Σ over atoms is the total.
  public static let atomEnergy = Want(rawValue: 4)
  /// Per-atom virials, `AtomView.virials`, nine numbers an atom, eV: Σ over atoms is the total.
  public static let atomVirial = Want(rawValue: 8)
  /// What `SelfAssessing` potentials say of their own answer.
  public static let assessment = Want(rawValue: 16)
  /// Born effective charges of potentials that have them, in their column.
  public static let bornCharges = Want(rawValue: 32)
  /// Forces pair by pair, by the atoms' `PairForceStream`; per-atom virials come with them.
  public static let pairForces = Want(rawValue: 64 | 8)
  /// Everything but `assessment`, `bornCharges` and `pairForces`.
  public static let all: Want = [.energy, .virial, .atomEnergy, .atomVirial]
}

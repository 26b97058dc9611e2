/// A figure by which a potential judges its own answer. The names are those of decks, thermo.csv and columns.
public enum Assessment: String, Sendable, CaseIterable, Codable {
  /// Descriptors outside of the range of the training data, summed over descriptors and atoms.
  case extrapolations
  /// √(Σₘ |Fₘ − F̄|² / M) of the M members of a committee, eV/Å; of a system the largest over its atoms.
  case forceDeviation = "force_deviation"
  /// √(Σₘ (Eₘ − Ē)² / M), eV; of an atom with its own energies, of a system with the total divided by the number of
  /// atoms.
  case energyDeviation = "energy_deviation"
  /// √(Σₘ (qₘ − q̄)² / M), e; of a system the largest over its atoms.
  case chargeDeviation = "charge_deviation"
  /// MaxVol extrapolation grade γ: how far an atom's surroundings are from those of the training set, 1 at its edge;
  /// of a system the largest over its atoms, or the system's own where the potential's training set was selected by
  /// whole configurations (atoms have none then).
  case grade

  /// Whether an atom's figure is in the column of this name in the `AtomStore`, and a system's in thermo.csv.
  public var column: String { rawValue }
}

/// A potential that knows how far it may be trusted.
///
/// With `Want.assessment` a `compute` fills the per-atom columns named by its assessments (owners' rows) and the sums
/// and maxima below, which are this rank's; the engine reduces them over ranks and asks for the figures.
public protocol SelfAssessing: Potential {
  var assessments: [Assessment] { get }
  /// To be added over ranks.
  var assessmentSums: [Double] { get }
  /// Of which the largest over ranks counts.
  var assessmentMaxima: [Double] { get }
  /// The system's figures from the reduced numbers, in the order of `assessments`.
  func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double]
  /// Where the last step left the range of the training data; a fixed list of descriptors on every rank.
  var offenders: [Offender] { get }
}

/// How far one descriptor went beyond the range of its training data.
public struct Offender: Sendable {
  /// For example "O, function 12".
  public var label: String
  /// Atoms outside.
  public var count: Int
  /// The largest distance beyond the range, in widths of the range; 0 if none is outside.
  public var excess: Double
  /// The atom that is so far out.
  public var atom: Int64

  public init(label: String, count: Int, excess: Double, atom: Int64) {
    self.label = label
    self.count = count
    self.excess = excess
    self.atom = atom
  }
}

/// A quantity of the whole system besides energy and virial: a column of thermo.csv.
public struct Figure: Sendable, Equatable {
  /// As in the file, for example "total_charge".
  public var name: String
  /// Empty for pure numbers.
  public var unit: String
  /// Significant digits in files. With 17 a number is read back as it was: for energies, whose small differences count.
  public var digits: Int

  public init(_ name: String, unit: String = "", digits: Int = 17) {
    self.name = name
    self.unit = unit
    self.digits = digits
  }

  /// Name and unit as the headers of tables have them: "temperature [K]".
  public var heading: String { unit.isEmpty ? name : "\(name) [\(unit)]" }
}

/// A potential that has more to tell of a step than its energy.
public protocol Reporting: Potential {
  /// What it tells in such a box, the same on every rank and throughout a run.
  func figures(in box: Box) -> [Figure]
  /// What must have been computed of the step besides energy and virial.
  var figureWants: Want { get }
  /// Their values for the last step that was computed, in the same order. Collective.
  /// - Parameter potentialEnergy: of the whole system, all potentials together, eV.
  func values(_ atoms: AtomView, box: Box, potentialEnergy: Double) -> [Double]
}

extension Reporting {
  public var figureWants: Want { [] }
}

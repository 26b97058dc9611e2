import MDCore
import MDDeck

/// The state of the whole system: temperature, energies, pressure, cell, and what potentials report besides.
final class ThermoObserver: Observer {
  let name = "thermo"
  private let plan: ThermoPlan
  private let figures: [Figure]
  private let figureWants: Want
  /// Of the last look.
  private(set) var row: ThermoRow?

  init(_ plan: ThermoPlan, _ system: DistributedSystem) {
    self.plan = plan
    figures = plan.figures ? system.figures : []
    figureWants = plan.figures ? system.figureWants : []
  }

  var columns: [Figure] { ThermoColumn.all.map(\.figure) + figures }

  /// Rows have what the deck asks for, or all that can be filled; potentials' figures stand behind it.
  func order(_ columns: [Figure]) -> [Figure] {
    let own = columns.filter { column in !figures.contains { $0.name == column.name } }
    let asked =
      plan.isDefault ? own : plan.columns.compactMap { name in own.first { $0.name == name } }
    return asked + figures
  }

  /// Refuses columns that nobody gives.
  func refuseColumns(besides known: Set<String>) throws {
    guard !plan.isDefault, let missing = plan.columns.first(where: { !known.contains($0) }) else { return }
    throw FaultlineError(
      .input, "`\(missing)` is asked for, which none of the potentials gives",
      hint: Watch.hint(Assessment.allCases.filter { known.contains($0.column) }), isCollective: true)
  }

  func wants(_ look: Look) -> Want? {
    guard look.isRow || look.isFrame else { return nil }
    return look.isRow ? figureWants.union([.energy, .virial]) : [.energy, .virial]
  }

  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Observation {
    let row = engine.sample(tally)
    self.row = row
    var values = row.figures ?? [:]
    for column in ThermoColumn.all { values[column.figure.name] = column.value(row) }
    return Observation(values: values)
  }
}

/// A column of thermo.csv that every run has.
struct ThermoColumn: Sendable {
  let figure: Figure
  let doc: String
  let value: @Sendable (ThermoRow) -> Double

  /// Energies have all their digits; of the others more than ten say nothing.
  private init(_ name: String, _ unit: String, _ doc: String, _ value: @escaping @Sendable (ThermoRow) -> Double) {
    figure = Figure(name, unit: unit, digits: unit == "eV" ? 17 : 10)
    self.doc = doc
    self.value = value
  }

  /// In the order of the file.
  static let all: [ThermoColumn] = [
    .init("time", "ps", "of dynamics") { $0.time },
    .init("temperature", "K", "of the mobile atoms") { $0.temperature },
    .init("potential_energy", "eV", "of all atoms") { $0.potentialEnergy },
    .init("kinetic_energy", "eV", "of the mobile atoms") { $0.kineticEnergy },
    .init("total_energy", "eV", "of both") { $0.totalEnergy },
    .init("conserved_energy", "eV", "that the thermostat keeps constant; the total energy without one") { $0.conserved },
    .init("maximum_force", "eV/Å", "component on a mobile atom") { $0.largestForce },
    .init("pressure", "bar", "a third of the trace") { $0.pressure },
    .init("pxx", "bar", "") { $0.pressureTensor[0] },
    .init("pyy", "bar", "") { $0.pressureTensor[1] },
    .init("pzz", "bar", "") { $0.pressureTensor[2] },
    .init("pxy", "bar", "") { $0.pressureTensor[5] },
    .init("pxz", "bar", "") { $0.pressureTensor[4] },
    .init("pyz", "bar", "") { $0.pressureTensor[3] },
    .init("lx", "Å", "length of a") { $0.lengths[0] },
    .init("ly", "Å", "length of b") { $0.lengths[1] },
    .init("lz", "Å", "length of c") { $0.lengths[2] },
    .init("volume", "Å³", "of the cell") { $0.volume },
  ]
}

import Foundation
import MDAnalysis
import MDCore
import MDDeck

/// Means of columns of thermo.csv with errors by blocking, after the equilibration has been cut off. Of each stage of
/// dynamics, from its rows.
final class Averages: Observer {
  let name = "averages"
  private let columns: [ThermoColumn]
  private let cut: Int?

  /// Series of the stages, one sum a column; at most so many rows (or means of 2, 4, … of them).
  private static let capacity = 8192
  private struct Stage: Codable {
    var stage: Int
    var state: BlockedSums.State
  }
  private var series: [(stage: Int, sums: BlockedSums)] = []

  init(_ section: DeckSection) {
    let names = section["columns"]?.strings
    columns = ThermoColumn.all.filter { column in
      names.map { $0.contains(column.figure.name) } ?? (column.figure.name != "time")
    }
    cut = section["equilibration"]?.integer
  }

  func wants(_ look: Look) -> Want? {
    look.isRow && !look.isStart && look.stage?.isDynamics ?? false ? [.energy, .virial] : nil
  }

  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Observation {
    let row = engine.sample(tally)
    let stage = engine.clock.stage + 1
    if series.last?.stage != stage {
      series.append((stage, BlockedSums(width: columns.count, capacity: Self.capacity)))
    }
    series[series.count - 1].sums.add(columns.map { $0.value(row) })
    return Observation()
  }

  func reports() -> [(name: String, report: Report)] {
    let results = series.map { stage, sums in (stage, columns.indices.map { Self.result(sums, $0, cut: cut) }) }
    let table = Report.Table(
      columns: [Figure("stage", digits: 17)]
        + columns.flatMap { column in
          let name = column.figure.name
          return [
            Figure(name, unit: column.figure.unit, digits: 17), Figure(name + "_error", unit: column.figure.unit, digits: 6),
            Figure(name + "_cut", unit: "rows"), Figure(name + "_inefficiency", unit: "rows", digits: 6),
          ]
        },
      rows: results.map { stage, results in
        [Double(stage)] + results.flatMap { [$0.mean, $0.error, Double($0.cut), $0.inefficiency] }
      })
    let numbers = results.flatMap { stage, results in
      zip(columns, results).map { column, r in
        Report.Number(
          "\(column.figure.name)_stage_\(stage)",
          Estimate(r.mean, error: r.error, blocks: r.independent),
          unit: column.figure.unit,
          "mean of \(column.figure.name) over stage \(stage), \(r.used) rows after \(r.cut) of equilibration "
            + "(marginal standard error rule); error by blocking (Flyvbjerg, Petersen 1989)")
      }
    }
    return [(name, Report(tables: [table], numbers: numbers, samples: series.reduce(0) { $0 + $1.sums.samples }))]
  }

  /// Of one column. Means of full blocks stand for their rows.
  private static func result(_ sums: BlockedSums, _ column: Int, cut: Int?) -> BlockAverage.Result {
    let full = sums.counts.indices.filter { sums.counts[$0] == sums.length }
    let values = full.map { sums.values[$0 * sums.width + column] / Double(sums.length) }
    var result = BlockAverage.average(values, cut: cut.map { min($0 / sums.length, values.count) })
    result.cut *= sums.length
    result.used *= sums.length
    result.inefficiency *= Double(sums.length)
    return result
  }

  func state() throws -> Data? {
    try JSONEncoder().encode(series.map { Stage(stage: $0.stage, state: $0.sums.state) })
  }

  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {
    series = []
    for kept in try section.decode([Stage].self) {
      var sums = BlockedSums(width: columns.count, capacity: Self.capacity)
      try section.require(
        sums.restore(kept.state, isRoot: true) && (1...(clock.stage + 1)).contains(kept.stage)
          && kept.stage > series.last?.stage ?? 0, "averages of stage \(kept.stage)")
      series.append((kept.stage, sums))
    }
  }
}

extension ObserverEntry {
  static let averages = ObserverEntry(
    "averages",
    DeckObject(
      "Means of columns of thermo.csv over each stage of dynamics, with errors by blocking (Flyvbjerg and Petersen) after "
        + "equilibration has been cut off (marginal standard error rule), in averages.csv and results.json.",
      [
        .optional(
          "columns", .list(.enumeration(ThermoColumn.all.map(\.figure.name)), count: 1...ThermoColumn.all.count),
          "Columns; all but the time if absent."),
        .optional(
          "equilibration", .integer(0...1_000_000_000_000), "Rows of each stage that are left out, in the place of the rule's."),
      ],
      example: """
        analysis: {averages: {columns: [temperature, potential_energy, pressure]}}
        """)
  ) { section, _ in
    Averages(section!)
  }
}

import Foundation

extension ResultTable {
  /// Columns that count rather than measure.
  private static let counts = ["windows", "pairs", "samples", "trial", "index"]
  /// What stands on the horizontal axis where the first column is a mere count.
  private static let axes = ["lag", "time"]

  /// A chart for each kind of quantity against the first column: columns of one unit whose names begin alike, with their errors.
  package var charts: [Chart] {
    guard rows >= 3, let first = columns.first(where: \.isNumeric) else { return [] }
    var axis = first
    if ["samples", "step"].contains(first.name), let better = columns.first(where: { Self.axes.contains($0.name) }) { axis = better }
    // Where the axis does not go one way, as in matrices and maps, there is no curve.
    let places = axis.numbers
    let (rises, falls) = (zip(places, places.dropFirst()).allSatisfy { $0 < $1 }, zip(places, places.dropFirst()).allSatisfy { $0 > $1 })
    guard rises || falls else { return [] }
    let names = Set(columns.map(\.name))
    var groups: [(key: String, columns: [Column])] = []
    for column in columns where column.name != axis.name && column.name != "step" && column.isNumeric && !column.name.hasSuffix("_error") {
      let parts = column.name.split(separator: "_").map(String.init)
      guard let stem = parts.first == "non" ? parts.prefix(2).joined(separator: "_") : parts.first, !Self.counts.contains(stem) else { continue }
      // Of a vector's components the sum is enough.
      if let last = parts.last, ["x", "y", "z"].contains(last), names.contains(parts.dropLast().joined(separator: "_")) { continue }
      let key = stem + "|" + column.unit
      if let k = groups.firstIndex(where: { $0.key == key }) { groups[k].columns.append(column) } else { groups.append((key, [column])) }
    }
    // Columns alone of their kind go together by unit.
    var merged: [(key: String, columns: [Column])] = []
    for group in groups {
      let unit = String(group.key.split(separator: "|", omittingEmptySubsequences: false).last ?? "")
      if group.columns.count == 1, !unit.isEmpty, let k = merged.firstIndex(where: { $0.key == "|" + unit }) {
        merged[k].columns += group.columns
      } else {
        merged.append(group.columns.count == 1 && !unit.isEmpty ? ("|" + unit, group.columns) : group)
      }
    }
    return merged.map { group in
      let shown = group.columns.prefix(8)
      let stem = String(group.key.prefix { $0 != "|" })
      let isDisplacement = stem == "msd"
      let series = shown.map { column in
        Chart.Series(
          name: column.name.replacing("_", with: " "), xs: axis.numbers, ys: column.numbers,
          errors: self[column.name + "_error"]?.numbers,
          style: isHistogram(axis) ? .bars : rows < 40 ? .both : .line)
      }
      let label = shown.count == 1 ? shown[0].label : (stem.isEmpty ? "" : stem.replacing("_", with: " ")) + (shown[0].unit.isEmpty ? "" : (stem.isEmpty ? "" : ", ") + shown[0].unit)
      return Chart(
        title: shown.count == 1 ? shown[0].name.replacing("_", with: " ") : stem.isEmpty ? file : stem + " · " + file, xLabel: axis.label,
        yLabel: label, series: Array(series), isLogarithmicX: isDisplacement, isLogarithmicY: isDisplacement)
    }
  }

  private func isHistogram(_ axis: Column) -> Bool { axis.name == "neighbors" && rows <= 40 }

  /// The table itself, its first rows.
  func html(rows most: Int = 60, columns chosen: [String]? = nil) -> String {
    let shown = chosen.map { names in names.compactMap { self[$0] } } ?? columns
    func cell(_ column: Column, _ k: Int) -> String {
      let text = column.texts[k]
      guard let x = Double(text) else { return "<td>\(Markup.escaped(text))</td>" }
      return "<td class=\"n\"><data value=\"\(Markup.escaped(text))\">\(Figure.text(x))</data></td>"
    }
    let head = shown.map { "<th\($0.isNumeric ? " class=\"n\"" : "")>\(Markup.escaped($0.label))</th>" }.joined()
    let body = (0..<min(rows, most)).map { k in "<tr>\(shown.map { cell($0, k) }.joined())</tr>" }.joined()
    let rest = rows > most ? "<p class=\"small soft\">\(rows - most) more rows in \(Markup.escaped(file))</p>" : ""
    return "<div class=\"scroll\"><table><thead><tr>\(head)</tr></thead><tbody>\(body)</tbody></table></div>\(rest)"
  }
}

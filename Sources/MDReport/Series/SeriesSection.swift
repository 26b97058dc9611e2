import Foundation

/// Runs whose decks differ in numbers: what they came to against these.
struct SeriesSection {
  let folders: [RunFolder]
  let variables: [SeriesVariable]
  let book: FigureBook
  /// Charts of one variable.
  private static let most = 12

  var html: String {
    let body = variables.filter { $0.numbers != nil }.prefix(3).map(against).joined()
    return body.isEmpty ? "" : "<section><h2>In series</h2>\(body)</section>"
  }

  /// A curve for each set of runs that are alike in all else.
  private func against(_ variable: SeriesVariable) -> String {
    let numbers = variable.numbers ?? []
    let groups = variable.groups(variables).filter { group in Set(group.runs.map { numbers[$0] }).count > 1 }
    guard !groups.isEmpty else { return "" }
    let activated = variable.isTemperature ? ActivatedNumbers(folders, variable, variables).html(book) : ""
    let found = folders.map(\.findings)
    var questions: [String] = []
    for finding in found.joined() where finding.figure != nil && !questions.contains(finding.question) { questions.append(finding.question) }
    let charts = questions.compactMap { question -> String? in
      let figures = found.map { list in list.first { $0.question == question }?.figure }
      // Whose line is fitted is there.
      if !activated.isEmpty, let one = figures.compactMap({ $0 }).first, ActivatedNumbers.Kind.of(one.name, unit: one.unit) != nil { return nil }
      let series = groups.compactMap { group -> Chart.Series? in
        let runs = group.runs.filter { figures[$0] != nil }.sorted { numbers[$0] < numbers[$1] }
        let xs = runs.map { numbers[$0] }
        guard Set(xs).count > 1 else { return nil }
        return Chart.Series(
          name: group.name.isEmpty ? question : group.name, xs: xs, ys: runs.map { figures[$0]!.value },
          errors: runs.contains { figures[$0]!.error != nil } ? runs.map { figures[$0]!.error ?? .nan } : nil,
          style: Set(xs).count == xs.count ? .both : .points)
      }
      guard !series.isEmpty, let unit = figures.compactMap({ $0 }).first?.unit else { return nil }
      let known = numbers.filter { $0 > 0 }
      let spans = known.count == numbers.count && known.max()! >= 100 * known.min()!
      let words = question.count > 60 ? String(question.prefix(58)) + "…" : question
      return Chart(
        title: words, xLabel: variable.name + (variable.unit.isEmpty ? "" : ", \(variable.unit)"),
        yLabel: unit.isEmpty || unit == "1" ? "" : unit, series: series, isLogarithmicX: spans).svg
    }
    let shown = charts.prefix(Self.most).joined()
    let rest = charts.count > Self.most ? "<p class=\"small soft\">\(charts.count - Self.most) more numbers are in the table above.</p>" : ""
    guard !(shown + activated).isEmpty else { return "" }
    let places = variable.places.prefix(4).joined(separator: ", ") + (variable.places.count > 4 ? " …" : "")
    // What differs along a curve besides is said.
    let parting = Set(variable.splitters(variables).map { $0.places[0] })
    let others = variables.filter { $0.places != variable.places && !parting.contains($0.places[0]) }.map(\.name)
    let also = others.isEmpty ? "" : "; along with it, or with what parts the curves, differ \(others.prefix(8).joined(separator: ", "))\(others.count > 8 ? " …" : "")"
    return "<h3>Against \(Markup.escaped(variable.name))</h3><p class=\"small soft\">\(Markup.escaped(places + also))</p>"
      + activated + (shown.isEmpty ? "" : (activated.isEmpty ? "" : "<h3>Other numbers</h3>") + "<div class=\"charts\">\(shown)</div>") + rest
  }
}

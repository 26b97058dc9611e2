import Foundation

/// Numbers of several runs that grow with temperature as exp(−E/kT): diffusion coefficients, jump rates, conductivity times
/// temperature; with the straight lines through their logarithms.
struct ActivatedNumbers {
  enum Kind: CaseIterable {
    case diffusion, conductivity, rate

    /// Of a number of results.json; nil for those that are not expected to lie on a line. The mean of the axes stands for all.
    static func of(_ name: String, unit: String) -> Kind? {
      if name.hasPrefix("D_"), unit == "Å²/ps", !["_x", "_y", "_z"].contains(where: name.hasSuffix) { return .diffusion }
      if ["conductivity", "conductivity_green_kubo"].contains(name), unit == "S/m" { return .conductivity }
      return name == "rate" && unit == "1/ps" ? .rate : nil
    }

    var title: String {
      switch self {
      case .diffusion: "Diffusion coefficients against 1/T"
      case .conductivity: "Conductivity times temperature against 1/T"
      case .rate: "Jump rates against 1/T"
      }
    }
    var unit: String {
      switch self {
      case .diffusion: "Å²/ps"
      case .conductivity: "S K/m"
      case .rate: "1/ps"
      }
    }
    var symbol: String {
      switch self {
      case .diffusion: "D"
      case .conductivity: "σT"
      case .rate: "rate"
      }
    }
  }

  /// One line: a number of an observer, of runs that differ in temperature only.
  struct Line {
    var kind: Kind
    /// "D_Li, transport; size 4".
    var name: String
    var points: [ArrheniusFit.Point] = []
    /// Runs whose number is not used, and why.
    var left: [String] = []
    var sources: [String] = []
    var fit: ArrheniusFit?
    /// Why there is no fit.
    var refusal: String?
  }

  var lines: [Line] = []

  init(_ folders: [RunFolder], _ variable: SeriesVariable, _ all: [SeriesVariable]) {
    guard let asked = variable.numbers else { return }
    for group in variable.groups(all) {
      var names: [(observer: String, name: String, kind: Kind)] = []
      for run in group.runs {
        for (observer, entry) in folders[run].results.members {
          for (name, number) in entry["numbers"].members {
            guard let kind = Kind.of(name, unit: number["unit"].text ?? ""), !names.contains(where: { $0.observer == observer && $0.name == name })
            else { continue }
            names.append((observer, name, kind))
          }
        }
      }
      for (observer, name, kind) in names {
        var line = Line(kind: kind, name: "\(name.replacing("_", with: " ")), \(observer)" + (group.name.isEmpty ? "" : "; \(group.name)"))
        var temperatures: Set<Double> = []
        for run in group.runs {
          let folder = folders[run]
          let number = folder.results[observer]["numbers"][name]
          func leave(_ why: String) { line.left.append("\(folder.name): \(why)") }
          guard let value = number["value"].number else { leave(number["note"].text ?? "no value"); continue }
          guard let error = number["error"].number, error > 0 else { leave("no error: too few blocks"); continue }
          // Nearer to zero it is an upper limit, and its logarithm no normal number.
          guard value > 2 * error else { leave("not two errors above zero"); continue }
          guard let temperature = folder.meanTemperature else { leave("no temperature in thermo.csv"); continue }
          let factor = kind == .conductivity ? temperature : 1
          line.points.append(.init(temperature: temperature, value: factor * value, error: factor * error))
          line.sources.append("\(folder.name)/results.json \(observer).\(name)")
          temperatures.insert(asked[run])
        }
        if temperatures.count < 3 {
          line.refusal = "no line: \(temperatures.count == 0 ? "no" : "\(temperatures.count)") temperature\(temperatures.count == 1 ? " has" : "s have") a value with an error, three are needed"
        } else {
          line.fit = ArrheniusFit(line.points)
          if line.fit == nil { line.refusal = "no line: the runs had the same temperature" }
        }
        lines.append(line)
      }
    }
  }

  /// Lines with a fit, or with enough runs that one would expect it.
  var shown: [Line] { lines.filter { $0.fit != nil || $0.points.count + $0.left.count >= 3 } }

  func html(_ book: FigureBook) -> String {
    let shown = shown
    guard !shown.isEmpty else { return "" }
    let charts = Kind.allCases.map { kind in chart(kind, shown.filter { $0.kind == kind }.prefix(6).map { $0 }) }.filter { !$0.isEmpty }
    let rows = shown.map { row($0, book) }
    return "<h3>Activation energies</h3><div class=\"charts\">\(charts.joined())</div>"
      + "<div class=\"scroll\"><table><thead><tr><th>number</th><th class=\"n\">E, eV</th><th class=\"n\">prefactor</th><th class=\"n\">ln prefactor</th>"
      + "<th class=\"n\">covariance, eV</th><th class=\"n\">χ²</th><th>temperatures, K; what was left out</th></tr></thead><tbody>\(rows.joined())</tbody></table></div>"
      + "<p class=\"small soft\">ln y = ln A − E/(kT), by least squares weighted with the errors of the values; of a conductivity y is σT. "
      + "T is the mean of the last stage of dynamics. Errors are those of the values alone, the band is one standard error; the covariance is that of ln A and E.</p>"
  }

  private func row(_ line: Line, _ book: FigureBook) -> String {
    let temperatures = line.points.map { Figure.text(($0.temperature * 10).rounded() / 10) }.joined(separator: ", ")
    let notes = [temperatures] + line.left.map { "without \($0)" }
    let last = "<td>\(notes.filter { !$0.isEmpty }.map(Markup.escaped).joined(separator: "<br>"))</td>"
    guard let fit = line.fit else {
      return "<tr><td>\(Markup.escaped(line.name))</td><td colspan=\"5\">\(Markup.escaped(line.refusal ?? "no line"))</td>\(last)</tr>"
    }
    let source = "line through " + line.sources.joined(separator: ", ")
    func cell(_ name: String, _ value: Double, _ error: Double?, _ unit: String, _ definition: String, inWords: Bool = true) -> String {
      let figure = Figure(name: "\(name), \(line.name)", value: value, error: error, unit: unit, definition: definition, source: source)
      let html = book.html(figure)
      return "<td class=\"n\">\(inWords ? html : html.replacing(" " + Markup.escaped(unit), with: ""))</td>"
    }
    let prefactor = exp(fit.logPrefactor)
    let judged = fit.freedom > 0
      ? "χ² \(Figure.brief(fit.chiSquare)) of \(fit.freedom) degree\(fit.freedom == 1 ? "" : "s") of freedom, as large by chance in \(Figure.brief(100 * fit.probability)) of 100 cases"
        + (fit.probability < 0.01 ? ": one straight line is not enough" : "")
      : ""
    return "<tr><td>\(Markup.escaped(line.name))</td>"
      + cell("activation energy", fit.energy, fit.energyError, "eV", "slope of ln \(line.kind.symbol) against −1/(kT)", inWords: false)
      + cell("prefactor", prefactor, prefactor * fit.logPrefactorError, line.kind.unit, "\(line.kind.symbol) of the line where 1/T is 0; the error is that of its logarithm times the prefactor")
      + cell("ln prefactor", fit.logPrefactor, fit.logPrefactorError, "1", "of the prefactor in \(line.kind.unit)")
      + cell("covariance of ln prefactor and activation energy", fit.covariance, nil, "eV", "from the errors of the values", inWords: false)
      + cell("χ²", fit.chiSquare, nil, "1", judged)
      + last.replacing("<td>", with: "<td>" + (judged.isEmpty ? "" : Markup.escaped(judged) + "<br>")) + "</tr>"
  }

  private func chart(_ kind: Kind, _ lines: [Line]) -> String {
    var series: [Chart.Series] = []
    for (k, line) in lines.enumerated() where !line.points.isEmpty {
      if let fit = line.fit {
        let ends = line.points.map { 1000 / $0.temperature }
        let (low, high) = (ends.min()!, ends.max()!)
        let xs = (0...40).map { low + (high - low) * Double($0) / 40 }
        let ys = xs.map { fit.logValue(at: 1000 / $0) }
        series.append(.init(name: "", xs: xs, ys: ys.map { exp($0.value) }, errors: ys.map { exp($0.value) * $0.error }, style: .line, colour: k))
      }
      series.append(
        .init(name: line.name, xs: line.points.map { 1000 / $0.temperature }, ys: line.points.map(\.value), errors: line.points.map(\.error), style: .points, colour: k))
    }
    return Chart(title: kind.title, xLabel: "1000 K / T", yLabel: "\(kind.symbol), \(kind.unit)", series: series, isLogarithmicY: true).svg
  }
}

extension RunFolder {
  /// Mean temperature of the last stage of dynamics, K: of averages.csv, which leaves out rows before equilibrium, else of thermo.csv.
  var meanTemperature: Double? {
    if let averages = self["averages.csv"]?.numbers("temperature")?.last(where: { $0.isFinite && $0 > 0 }) { return averages }
    guard let thermo = self["thermo.csv"], let temperatures = thermo.numbers("temperature"), let stages = thermo.numbers("stage") else { return nil }
    for stage in Set(stages.filter(\.isFinite)).sorted(by: >) {
      let known = stages.indices.filter { stages[$0] == stage && temperatures[$0].isFinite }.map { temperatures[$0] }
      let mean = known.reduce(0, +) / Double(max(known.count, 1))
      if mean > 0 { return mean }
    }
    return nil
  }
}

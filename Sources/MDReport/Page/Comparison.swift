import Foundation

/// Several runs side by side: what differs in their decks, what they came to, and their courses in one chart.
struct Comparison {
  let folders: [RunFolder]
  let scan: ResultTable?
  let book: FigureBook
  /// The decks' values; nil if one cannot be read.
  private let decks: [DeckValues]?

  init(folders: [RunFolder], scan: ResultTable?, book: FigureBook) {
    (self.folders, self.scan, self.book) = (folders, scan, book)
    let known = folders.compactMap { folder in
      folder.deck.flatMap { DeckValues($0.text, settings: folder.run["settings"].list.compactMap(\.text)) }
    }
    decks = known.count == folders.count ? known : nil
  }

  private var series: String {
    guard let decks, folders.count > 1 else { return "" }
    return SeriesSection(folders: folders, variables: SeriesVariable.between(decks), book: book).html
  }

  var html: String { differences + answers + series + courses + (scan.map { "<section><h2>Scan</h2>\($0.html())</section>" } ?? "") }

  private func table(_ first: String, _ rows: [String]) -> String {
    let head = folders.map { "<th>\(Markup.escaped($0.name))</th>" }.joined()
    return "<div class=\"scroll\"><table><thead><tr><th>\(first)</th>\(head)</tr></thead><tbody>\(rows.joined())</tbody></table></div>"
  }

  /// Places of the decks whose values are not all the same; where a deck cannot be read, lines that not all have.
  private var differences: String {
    var body = "<p>Their decks are the same.</p>"
    if let decks {
      let places = Set(decks.flatMap(\.texts.keys)).filter { place in
        !place.hasPrefix("output.directory") && Set(decks.map { $0.texts[place] ?? "" }).count > 1
      }.sorted()
      if !places.isEmpty {
        let all = table("place in the deck", places.map { place in
          "<tr><td>\(Markup.escaped(place))</td>" + decks.map { "<td>\(Markup.escaped($0.texts[place] ?? "–"))</td>" }.joined() + "</tr>"
        })
        // Of many places those that name the variables are enough at first.
        body = places.count <= 12 ? all : table("variable", SeriesVariable.between(decks).prefix(8).map { variable in
          "<tr><td>\(Markup.escaped(variable.name))</td>" + variable.texts.map { "<td>\(Markup.escaped($0.isEmpty ? "–" : $0))</td>" }.joined() + "</tr>"
        }) + "<details><summary>All \(places.count) places that differ</summary>\(all)</details>"
      }
    } else {
      let lines = folders.map { folder in
        (folder.deck?.text.split(separator: "\n").map { line in
          String(line.prefix { $0 != "#" }).trimmingCharacters(in: .whitespaces)
        }.filter { !$0.isEmpty && !$0.hasPrefix("directory:") } ?? []) + folder.run["settings"].list.compactMap(\.text).map { "--set " + $0 }
      }
      let common = lines.dropFirst().reduce(Set(lines[0])) { $0.intersection($1) }
      let own = lines.map { $0.filter { !common.contains($0) } }
      if own.contains(where: { !$0.isEmpty }) {
        body = table("", ["<tr><td></td>" + own.map { "<td><pre>\(Markup.escaped($0.joined(separator: "\n")))</pre></td>" }.joined() + "</tr>"])
      }
    }
    return "<section><h2>What differs in their decks</h2>\(body)</section>"
  }

  private var answers: String {
    let found = folders.map(\.findings)
    var questions: [String] = []
    for finding in found.joined() where !questions.contains(finding.question) { questions.append(finding.question) }
    let rows = questions.prefix(60).map { question in
      "<tr><td>\(Markup.escaped(question))</td>" + zip(folders, found).map { folder, list in
        guard let finding = list.first(where: { $0.question == question }) else { return "<td></td>" }
        guard var figure = finding.figure else { return "<td>\(Markup.escaped(finding.refusal ?? "–"))</td>" }
        figure.source = "\(folder.name)/\(figure.source)"
        return "<td>\(book.html(figure))</td>"
      }.joined() + "</tr>"
    }
    let verdicts = "<tr><td>checks</td>" + folders.map { folder in
      let bad = folder.checks.filter { $0.verdict == .bad || $0.verdict == .warning }
      return "<td>" + (bad.isEmpty ? "nothing amiss" : bad.map { Markup.escaped($0.title) }.joined(separator: "; ")) + "</td>"
    }.joined() + "</tr>"
    return "<section><h2>What they came to</h2>\(table("", rows + [verdicts]))</section>"
  }

  private var courses: String {
    let drawn = [("temperature", "Temperature", "K", false), ("potential_energy", "Potential energy an atom", "eV/atom", true), ("pressure", "Pressure", "bar", false)]
      .map { column, title, unit, perAtom -> String in
        let series = folders.enumerated().compactMap { k, folder -> Chart.Series? in
          guard let thermo = folder["thermo.csv"], let time = thermo.numbers("time"), let values = thermo.numbers(column), thermo.rows > 1 else { return nil }
          let scale = perAtom ? 1 / max(folder.run["atoms"].number ?? 1, 1) : 1
          return Chart.Series(name: folder.name, xs: time, ys: values.map { $0 * scale }, colour: k)
        }
        return Chart(title: title, xLabel: "time, ps", yLabel: unit, series: series).svg
      } + overlaid
    let shown = drawn.filter { !$0.isEmpty }
    return shown.isEmpty ? "" : "<section><h2>Side by side</h2><div class=\"charts\">\(shown.joined())</div></section>"
  }

  /// Tables that several runs have measured: the first quantity of each, a curve a run.
  private var overlaid: [String] {
    var files: [String] = []
    for folder in folders {
      for file in folder.results.members.flatMap({ $0.value["files"].list.compactMap(\.text) }) where file != "averages.csv" && !files.contains(file) { files.append(file) }
    }
    return files.compactMap { file in
      let charts = folders.map { folder in folder[file]?.charts.first }
      guard var chart = charts.compactMap({ $0 }).first, charts.count(where: { $0 != nil }) > 1, let name = chart.series.first?.name else { return nil }
      chart.series = zip(folders, charts).enumerated().compactMap { k, pair in
        guard var series = pair.1?.series.first(where: { $0.name == name }) else { return nil }
        (series.name, series.colour) = (pair.0.name, k)
        return series
      }
      chart.title = "\(name) · \(file)"
      return chart.svg
    }
  }
}

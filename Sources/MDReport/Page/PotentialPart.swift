import Foundation
import MDCore
import MDIO

/// The numbers of a card (`faultline characterize`): its table under the heading Numbers.
struct CardNumbers {
  /// Quantity, value, unit.
  private(set) var rows: [(quantity: String, value: Double, unit: String)] = []
  /// What the card says the potential is good for.
  private(set) var judgement: String?

  init(_ text: String) {
    var isInside = false
    for line in text.split(separator: "\n") {
      if line.hasPrefix("#") { isInside = line == "## Numbers" }
      if line.hasPrefix("**Good for.** ") { judgement = String(line.dropFirst(14)) }
      guard isInside, line.hasPrefix("|") else { continue }
      let fields = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard fields.count >= 2, let value = Double(fields[1]) else { continue }
      rows.append((fields[0], value, fields.count > 2 ? fields[2] : ""))
    }
  }
}

/// Values that others have published of the same crystal, `….published.csv` beside a potential's file: what the potential is
/// meant to reproduce, each with its source.
package struct PublishedValues {
  package struct Row: Sendable {
    /// As the card names it: `C11`.
    package var quantity: String
    package var value: Double
    package var unit: String
    /// "DFT (PBE)", "experiment, 298 K".
    package var kind: String
    package var source: String
    /// May be empty.
    package var doi: String
  }
  package private(set) var rows: [Row] = []

  package static let ending = ".published.csv"
  private static let columns = ["quantity", "value", "unit", "kind", "source", "doi"]

  package init(_ path: String) throws {
    let table = try ResultTable(path, named: path)
    func refuse(_ message: String, row: Int, _ hint: String? = nil) -> FaultlineError {
      FaultlineError(.input, message, hint: hint, at: SourceLocation(file: path, line: row + 2))
    }
    guard table.columns.map(\.name) == Self.columns, table.columns.allSatisfy(\.unit.isEmpty) else {
      throw FaultlineError(
        .input, "the first line must name the columns \(Self.columns.joined(separator: ","))", at: SourceLocation(file: path, line: 1))
    }
    guard table.broken == 0 else {
      throw FaultlineError(.input, "\(path): a row has not \(Self.columns.count) fields", hint: "texts with commas stand in quotes")
    }
    for k in 0..<table.rows {
      func field(_ name: String) -> String { table[name]?.texts[k] ?? "" }
      guard let value = Double(field("value")), value.isFinite else { throw refuse("'\(field("value"))' is no number", row: k) }
      for name in ["quantity", "unit", "kind", "source"] where field(name).isEmpty {
        throw refuse("the row has no \(name)", row: k, "a value that nobody can look up is none")
      }
      rows.append(Row(quantity: field("quantity"), value: value, unit: field("unit"), kind: field("kind"), source: field("source"), doi: field("doi")))
    }
  }
}

extension Sections {
  /// What each potential's card says beside what is published of the crystal.
  var potentialCards: String {
    var seen: Set<String> = []
    let body = folder.run["potential_files"].list.compactMap(\.text).compactMap { file -> String? in
      let stem = (file as NSString).deletingPathExtension
      guard seen.insert(stem).inserted, let data = FileManager.default.contents(atPath: stem + ".md"), data.count < 1 << 20 else { return nil }
      let card = CardNumbers(String(decoding: data, as: UTF8.self))
      guard !card.rows.isEmpty else { return nil }
      return self.card(card, stem: stem)
    }
    return section("Potential", body.joined())
  }

  private func card(_ card: CardNumbers, stem: String) -> String {
    let name = (stem as NSString).lastPathComponent
    var (published, trouble) = ([PublishedValues.Row](), "")
    let path = stem + PublishedValues.ending
    if FileManager.default.fileExists(atPath: path) {
      do { published = try PublishedValues(path).rows } catch { trouble = "<p>The published values could not be read: \(Markup.escaped("\(error)"))</p>" }
    }
    let rows = card.rows.map { row -> String in
      let own = "<td class=\"n\">" + book.html(
        Figure(name: "\(name): \(row.quantity)", value: row.value, unit: row.unit, definition: "of the crystal at 0 K", source: "\(name).md")) + "</td>"
      // Of other units nothing is compared.
      let others = published.filter { $0.quantity == row.quantity && $0.unit == row.unit }
      let head = "<td\(others.count > 1 ? " rowspan=\"\(others.count)\"" : "")>\(Markup.escaped(row.quantity))</td>"
      let value = others.count > 1 ? own.replacing("<td class=\"n\">", with: "<td class=\"n\" rowspan=\"\(others.count)\">") : own
      guard !others.isEmpty else { return "<tr>\(head)\(value)<td></td><td></td><td></td></tr>" }
      return others.enumerated().map { k, other in
        let away = 100 * (row.value - other.value) / abs(other.value)
        let source = other.source + (other.doi.isEmpty ? "" : ", doi \(other.doi)")
        return "<tr>\(k == 0 ? head + value : "")<td class=\"n\">\(Figure.text(other.value)) \(Markup.escaped(other.unit))</td>"
          + "<td class=\"n\">\(away < 0 ? "−" : "+")\(Figure.brief(abs(away))) %</td><td class=\"small\">\(Markup.escaped(other.kind)): \(Markup.escaped(source))</td></tr>"
      }.joined()
    }
    return "<h3>\(Markup.escaped(name))</h3>" + trouble
      + "<div class=\"scroll\"><table><thead><tr><th>of the crystal at 0 K</th><th class=\"n\">this potential</th><th class=\"n\">published</th>"
      + "<th class=\"n\">deviation</th><th>what, and where</th></tr></thead><tbody>\(rows.joined())</tbody></table></div>"
      + (published.isEmpty && trouble.isEmpty ? "<p class=\"small soft\">No published values are beside the potential's file.</p>" : "")
      + (card.judgement.map { "<p><b>Good for.</b> \(Markup.escaped($0))</p>" } ?? "")
  }

  /// Works to cite, and BibTeX of them.
  var citations: String {
    let used = Citation.used(by: folder)
    let version = folder.run["version"].text
    let rows = ["<li>Faultline\(version.map { " \(Markup.escaped($0))" } ?? "")</li>"] + used.map { work in
      let place = [work.journal, work.volume, work.pages.replacing("--", with: "–")].filter { !$0.isEmpty }.joined(separator: " ")
      return "<li>\(Markup.escaped(work.short)): \(Markup.escaped(work.why)). <span class=\"soft\">\(Markup.escaped(place))\(work.doi.isEmpty ? "" : ", doi " + Markup.escaped(work.doi))</span></li>"
    }
    let bibtex = ([Citation.program(version: version)] + used.map(\.bibtex)).joined(separator: "\n")
    return section(
      "To cite", "<ul>\(rows.joined())</ul><p class=\"small soft\">And the papers of the potentials' files, which the files name.</p>"
        + "<details><summary>BibTeX</summary><pre>\(Markup.escaped(bibtex))</pre></details>")
  }
}

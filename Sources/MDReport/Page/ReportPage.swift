import Foundation
import MDCore
import MDIO

/// A page about one run or several: one file that needs neither network nor scripts.
package struct ReportPage {
  package let html: String
  /// Numbers that the page shows.
  package let figures: Int

  /// Reads the run directories and makes the page. A scan's folder stands for its runs.
  package init(_ paths: [String]) throws {
    var folders: [RunFolder] = []
    var scan: ResultTable?
    for path in paths {
      let folder = try RunFolder(path)
      let points = folder.parts.filter { $0.hasPrefix("point-") }
      if points.isEmpty {
        folders.append(folder)
      } else {
        scan = folder["scan.csv"]
        folders += points.compactMap { try? RunFolder(folder.path + "/" + $0) }
      }
    }
    guard !folders.isEmpty else {
      throw FaultlineError(.input, "\(paths.joined(separator: ", ")) holds no run that has begun")
    }
    let book = FigureBook()
    let body: String
    let title: String
    if folders.count == 1, scan == nil {
      title = Self.title(folders[0])
      body = "<header><h1>\(Markup.escaped(title))</h1>\(Self.lines(folders[0]))</header>" + Self.run(folders[0], book)
    } else {
      title = "\(folders.count) runs: " + Self.title(folders[0])
      body = "<header><h1>\(Markup.escaped(title))</h1></header>" + Comparison(folders: folders, scan: scan, book: book).html
        + folders.map { folder in
          "<section><h2>\(Markup.escaped(folder.name))</h2><details><summary>\(Markup.escaped(Self.title(folder)))</summary>\(Self.lines(folder))"
            + Self.run(folder, book) + "</details></section>"
        }.joined()
    }
    figures = book.figures.count
    html = """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark"><title>\(Markup.escaped(title))</title><style>\(PageStyle.css)</style></head>
      <body>\(body)
      <script type="application/json" id="report-numbers">\(book.json)</script>
      </body></html>

      """
  }

  private static func run(_ folder: RunFolder, _ book: FigureBook) -> String {
    let pictures = StructurePictures(folder)
    return FirstScreen(folder: folder, pictures: pictures, book: book).html + Sections(folder: folder, pictures: pictures, book: book).html
  }

  private static func title(_ folder: RunFolder) -> String { folder.run["title"].text ?? folder.name }

  private static func lines(_ folder: RunFolder) -> String {
    let run = folder.run
    let atoms = run["atoms"].number.map { "\(Int($0)) atoms" }
    let parts = [
      folder.path, atoms, run["potentials"].list.compactMap(\.text).joined(separator: " + "), run["version"].text.map { "Faultline \($0)" },
      run["started"].text,
    ].compactMap { $0 }.filter { !$0.isEmpty }
    return "<p class=\"soft small\">\(parts.map(Markup.escaped).joined(separator: " · "))</p>"
  }

  package func write(to path: String) throws { try AtomicFile.write(html, to: path) }
}

/// What was asked, the answer, a picture, and whether the answer may be believed.
struct FirstScreen {
  let folder: RunFolder
  let pictures: StructurePictures
  let book: FigureBook

  var html: String {
    let checks = folder.checks
    return banner + "<div class=\"first\"><div>\(answers)</div><div>\(pictures.first)</div></div>"
      + "<section><h2>May this be believed?</h2><ul class=\"checks\">"
      + checks.map { "<li class=\"\($0.verdict.rawValue)\"><b>\(Markup.escaped($0.title)).</b> \(Markup.escaped($0.words))</li>" }.joined()
      + "</ul></section>"
  }

  /// A run that did not end well says so before anything else.
  private var banner: String {
    let reason = folder.run["reason"].text.map { ": \(Markup.escaped($0))" } ?? ""
    switch folder.run["status"].text {
    case "failed":
      return "<div class=\"banner\"><b>This run failed</b>\(reason). The numbers below are those it had until then.<pre>\(Markup.escaped(folder.log.suffix(4).joined(separator: "\n")))</pre></div>"
    case "running": return "<div class=\"banner warn\"><b>This run has not ended.</b> The numbers below are those so far.</div>"
    case "stopped": return "<div class=\"banner warn\"><b>This run was stopped</b>\(reason). The numbers below are those until then.</div>"
    case "finished": return ""
    default:
      return folder.run == .none && folder.results == .none
        ? "<div class=\"banner\"><b>There is no run.json that could be read.</b> What follows is what is left of the run.</div>" : ""
    }
  }

  private var answers: String {
    let findings = folder.findings
    func block(_ finding: Finding, minor: Bool) -> String {
      var figure = finding.figure
      figure?.source = "\(folder.name)/\(finding.figure!.source)"
      let value = figure.map { "<div class=\"value\">\(book.html($0))</div>" } ?? "<div class=\"value\">no number</div>"
      let note = [finding.refusal, finding.note].compactMap { $0 }.map(Markup.escaped).joined(separator: "; ")
      return "<div class=\"answer\(minor ? " minor" : "")\"><div class=\"what\">\(Markup.escaped(finding.question))</div>\(value)"
        + (note.isEmpty ? "" : "<div class=\"note\">\(note)</div>") + "</div>"
    }
    let main = findings.prefix(1).map { block($0, minor: false) }
    let others = findings.dropFirst().prefix(8).map { block($0, minor: true) }
    return main.joined() + "<div class=\"more\">\(others.joined())</div>"
      + (findings.count > 9 ? "<p class=\"small soft\">\(findings.count - 9) more numbers below</p>" : "")
      + (findings.isEmpty ? "<p class=\"soft\">There are no numbers yet.</p>" : "")
  }
}

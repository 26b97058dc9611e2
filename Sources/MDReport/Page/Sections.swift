import Foundation

/// The parts of a page about one run below its first screen; each is nothing where the run has nothing of it.
struct Sections {
  let folder: RunFolder
  let pictures: StructurePictures
  let book: FigureBook

  var html: String { [stages, pictures.section, search, loading, crack, tasks, measured, thermo, potentialCards, warnings, provenance, citations, deck, files].joined() }

  func section(_ title: String, _ body: String) -> String { body.isEmpty ? "" : "<section><h2>\(title)</h2>\(body)</section>" }
  func charts(_ list: [String]) -> String {
    let shown = list.filter { !$0.isEmpty }
    return shown.isEmpty ? "" : "<div class=\"charts\">\(shown.joined())</div>"
  }
  private func rows(_ list: [(String, String)]) -> String {
    let body = list.filter { !$0.1.isEmpty }.map { "<tr><th>\(Markup.escaped($0.0))</th><td class=\"path\">\($0.1)</td></tr>" }
    return body.isEmpty ? "" : "<table>\(body.joined())</table>"
  }

  // MARK: What was done

  private var stages: String {
    guard !folder.stages.isEmpty else { return "" }
    let body = folder.stages.map {
      "<tr><td class=\"n\">\($0.number)</td><td>\(Markup.escaped($0.words))</td><td>\(Markup.escaped($0.ending ?? "not ended"))</td></tr>"
    }
    return section(
      "Stages", "<div class=\"scroll\"><table><thead><tr><th>stage</th><th>what</th><th>end</th></tr></thead><tbody>\(body.joined())</tbody></table></div>")
  }

  // MARK: Searches

  private var search: String {
    var out = ""
    if let table = folder["interfaces.csv"] {
      out += "<h3>Interfaces, the lowest energy first</h3>" + table.html(
        columns: ["lower_plane", "upper_plane", "energy", "work_of_adhesion", "excess_volume", "strain_energy", "area", "atoms", "times_found", "trials"])
      out += embedded("interfaces.svg", "planes of both crystals and their interfaces")
    }
    out += embedded("gamma_mu.svg", "γ of states against a chemical potential")
    if let table = folder["family.csv"], let angle = table.numbers("angle") {
      let drawn = [("energy", "γ, J/m²"), ("excess_volume", "excess volume, Å")].compactMap { name, label in
        table.numbers(name).map {
          Chart(
            title: label + " against the angle", xLabel: "angle between the grains, °", yLabel: label,
            series: [.init(name: name, xs: angle, ys: $0, style: .both)], fromZero: name == "energy").svg
        }
      }
      out += charts(drawn) + table.html()
    }
    var pictures: [String] = []
    if let map = folder["map.csv"], map.rows > 1 { pictures.append(ShiftMap(table: map).svg) }
    if let trials = folder["search.csv"], let energy = trials.numbers("energy"), let number = trials.numbers("trial") {
      var best = Double.infinity
      let lowest = energy.map { x -> Double in
        if x.isFinite { best = min(best, x) }
        return best.isFinite ? best : .nan
      }
      pictures.append(
        Chart(
          title: "Trials in their order", xLabel: "trial", yLabel: "γ, J/m²",
          series: [.init(name: "trial", xs: number, ys: energy, style: .points), .init(name: "lowest so far", xs: number, ys: lowest)]).svg)
      if let atoms = trials.numbers("atoms"), Set(atoms).count > 1 {
        pictures.append(
          Chart(
            title: "γ against the number of atoms", xLabel: "atoms in the cell", yLabel: "γ, J/m²",
            series: [.init(name: "trial", xs: atoms, ys: energy, style: .points)]).svg)
      }
      out += charts(pictures) + ranked(trials)
    }
    return section("Search", out)
  }

  /// States, the lowest first: of trials that ended in one state the first stands for all.
  private func ranked(_ trials: ResultTable) -> String {
    guard let energy = trials.numbers("energy"), let number = trials.numbers("trial"), let twin = trials.numbers("duplicate_of") else { return "" }
    let firsts = energy.indices.filter { energy[$0].isFinite && !twin[$0].isFinite }.sorted { energy[$0] < energy[$1] }
    guard !firsts.isEmpty else { return "" }
    let volumes = trials.numbers("excess_volume"), atoms = trials.numbers("atoms")
    func cell(_ values: [Double]?, _ k: Int) -> String {
      guard let values, values[k].isFinite else { return "<td class=\"n\">–</td>" }
      return "<td class=\"n\"><data value=\"\(Figure.full(values[k]))\">\(Figure.text(values[k]))</data></td>"
    }
    let body = firsts.prefix(12).map { k in
      "<tr>\(cell(energy, k))\(cell(volumes, k))\(cell(atoms, k))<td class=\"n\">\(1 + twin.count { $0 == number[k] })</td>\(cell(number, k))</tr>"
    }
    return "<h3>States, the lowest first</h3><div class=\"scroll\"><table><thead><tr><th class=\"n\">γ, J/m²</th><th class=\"n\">excess volume, Å</th>"
      + "<th class=\"n\">atoms</th><th class=\"n\">times found</th><th class=\"n\">first in trial</th></tr></thead><tbody>\(body.joined())</tbody></table></div>"
      + (firsts.count > 12 ? "<p class=\"small soft\">\(firsts.count - 12) more states in search.csv</p>" : "")
  }

  private func embedded(_ file: String, _ words: String) -> String {
    guard folder.files.contains(where: { $0.name == file && $0.bytes < 4_000_000 }),
      let data = try? Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + file))
    else { return "" }
    return "<figure><img alt=\"\(Markup.escaped(words))\" style=\"max-width:100%;border-radius:8px\" src=\"data:image/svg+xml;base64,\(data.base64EncodedString())\"></figure>"
  }

  // MARK: Loading

  private var loading: String {
    guard let table = folder["loading.csv"], table.rows > 1 else { return "" }
    let strains = table.columns.filter { $0.name.hasPrefix("strain_") }
    func span(_ c: ResultTable.Column) -> Double {
      let known = c.numbers.filter(\.isFinite)
      return (known.max() ?? 0) - (known.min() ?? 0)
    }
    guard let along = strains.max(by: { span($0) < span($1) }) else { return "" }
    let stresses = table.columns.filter { ["stress_xx", "stress_yy", "stress_zz"].contains($0.name) || $0.name == "stress_" + along.name.dropFirst(7) }
    let series = stresses.map { Chart.Series(name: $0.name.replacing("_", with: " "), xs: along.numbers, ys: $0.numbers) }
    var drawn = [
      Chart(
        title: "Stress against strain, positive in tension", xLabel: along.name.replacing("_", with: " ") + ", engineering",
        yLabel: "stress, GPa", series: series).svg
    ]
    if let work = table.numbers("work") {
      drawn.append(Chart(title: "Work done on the cell", xLabel: along.name.replacing("_", with: " "), yLabel: "work, eV", series: [.init(name: "work", xs: along.numbers, ys: work)]).svg)
    }
    return section("Loading", charts(drawn))
  }

  // MARK: Tasks and measurements

  private var tasks: String {
    let known = folder.run["tasks"].members
    guard !known.isEmpty else { return "" }
    return section(
      "Numbers of the crystal",
      known.map { name, result in
        let plain = result.members.compactMap { key, value -> (String, String)? in
          let (words, unit) = RunFolder.unit(ofKey: key)
          if let x = value.number {
            return (words, book.html(Figure(name: words, value: x, unit: unit, source: source("run.json tasks.\(name).\(key)"))))
          }
          return value.text.map { (words, Markup.escaped($0)) } ?? value.flag.map { (words, $0 ? "yes" : "no") }
        }
        return "<h3>\(Markup.escaped(name.replacing("_", with: " ")))</h3>" + rows(plain) + (folder[name + ".csv"].map { charts($0.charts.map(\.svg)) } ?? "")
      }.joined())
  }

  private func source(_ place: String) -> String { "\(folder.name)/\(place)" }

  private var measured: String {
    let body = folder.results.members.map { observer, entry -> String in
      let numbers = entry["numbers"].members.map { name, number -> String in
        let note = number["note"].text.map { "<br><span class=\"soft\">\(Markup.escaped($0))</span>" } ?? ""
        var value = "<td class=\"n\">–</td>"
        if let x = number["value"].number {
          value = "<td class=\"n\">" + book.html(
            Figure(
              name: name, value: x, error: number["error"].number, unit: number["unit"].text ?? "", definition: number["definition"].text,
              source: source("results.json \(observer).\(name)"))) + "</td>"
        }
        let size = abs(number["value"].number ?? 0)
        let interval = number["interval_95"].number.flatMap { $0 > 1e-12 * size ? $0 : nil }.map { "±\(Figure.text(Double(String(format: "%.2g", $0)) ?? $0))" } ?? "–"
        return "<tr><td>\(Markup.escaped(name.replacing("_", with: " ")))</td>\(value)<td class=\"n\">\(interval)</td>"
          + "<td class=\"small\">\(Markup.escaped(number["definition"].text ?? ""))\(note)</td></tr>"
      }
      let table = numbers.isEmpty ? "" : "<details\(numbers.count > 14 ? "" : " open")><summary>\(numbers.count) numbers</summary><div class=\"scroll\"><table><thead><tr>"
        + "<th>number</th><th class=\"n\">value</th><th class=\"n\">95 %</th><th>definition</th></tr></thead><tbody>\(numbers.joined())</tbody></table></div></details>"
      let drawn = observer == "averages" ? [] : entry["files"].list.compactMap(\.text).compactMap { folder[$0] }.flatMap { $0.charts.map(\.svg) }
      let samples = entry["samples"].number.map { "<p class=\"small soft\">\(Int($0)) samples</p>" } ?? ""
      return "<h3>\(Markup.escaped(observer))</h3>\(samples)\(charts(drawn))\(table)"
    }
    return section("Measured", body.joined())
  }

  // MARK: Thermo

  private var thermo: String {
    let final = folder.run["final_thermo"], units = folder.run["thermo_units"]
    let last = final.members.compactMap { key, value in
      value.number.map { x in
        (key.replacing("_", with: " "), book.html(Figure(name: key, value: x, unit: units[key].text ?? "", source: source("run.json final_thermo.\(key)"))))
      }
    }
    return section("Course of the run", charts(courses) + (last.isEmpty ? "" : "<details><summary>At the end</summary>\(rows(last))</details>"))
  }

  /// Columns of thermo.csv against time, or against steps where time stands still.
  private var courses: [String] {
    guard let table = folder["thermo.csv"], table.rows > 1, let steps = table.numbers("step") else { return [] }
    let time = table.numbers("time")
    let moves = time.map { ($0.last ?? 0) > ($0.first ?? 0) } ?? false
    let xs = moves ? time! : steps
    let label = moves ? "time, ps" : "step"
    var marks: [(x: Double, words: String)] = []
    if let stage = table.numbers("stage") {
      for k in stage.indices.dropFirst() where stage[k] != stage[k - 1] { marks.append((xs[k - 1], "stage \(Int(stage[k])) begins")) }
    }
    let known: [(String, [String])] = [
      ("Temperature", ["temperature"]), ("Potential energy", ["potential_energy"]), ("Total and conserved energy", ["total_energy", "conserved_energy"]),
      ("Pressure", ["pressure"]), ("Pressure by axis", ["pxx", "pyy", "pzz"]), ("Lengths of the cell", ["lx", "ly", "lz"]),
      ("Volume", ["volume"]), ("Largest force", ["maximum_force"]),
    ]
    let usual = Set(known.flatMap(\.1) + ["step", "stage", "time", "kinetic_energy", "pxy", "pxz", "pyz"])
    let own = table.columns.filter { !usual.contains($0.name) && $0.isNumeric }.map { ($0.name.replacing("_", with: " "), [$0.name]) }
    return (known + own).compactMap { title, names -> String? in
      let shown = names.compactMap { table[$0] }.filter(\.isNumeric)
      // What never changes is no curve.
      guard let first = shown.first, shown.contains(where: { c in c.numbers.contains { abs($0 - c.numbers[0]) > 1e-12 * abs(c.numbers[0]) } }) else { return nil }
      return Chart(
        title: title, xLabel: label, yLabel: first.unit, series: shown.map { .init(name: $0.name.replacing("_", with: " "), xs: xs, ys: $0.numbers, style: table.rows < 12 ? .both : .line) },
        marks: marks).svg
    }
  }

  // MARK: Where it is from

  private var warnings: String {
    let list = folder.run["warnings"].list.compactMap { w in w["message"].text.map { "<li>\(Markup.escaped($0)) <span class=\"soft\">(step \(Int(w["step"].number ?? 0)))</span></li>" } }
    return section("Warnings", list.isEmpty ? "" : "<ul>\(list.joined())</ul>")
  }

  private var provenance: String {
    let run = folder.run
    func number(_ name: String, _ key: String, _ unit: String) -> String {
      run[key].number.map { book.html(Figure(name: name, value: $0, unit: unit, source: source("run.json \(key)"))) } ?? ""
    }
    func texts(_ key: String) -> String { run[key].list.compactMap { $0.text ?? $0.number.map { Figure.text($0) } }.map(Markup.escaped).joined(separator: ", ") }
    let grid = run["grid"].list.compactMap(\.number).map { "\(Int($0))" }.joined(separator: " × ")
    let memory = run["peak_rss_bytes"].list.compactMap(\.number).max()
    let starts = folder.log.count { $0.hasPrefix("Resumed") || $0.hasPrefix("Resuming") || $0.hasPrefix("Continu") }
    let lines: [(String, String)] = [
      ("program", run["version"].text.map { "Faultline \(Markup.escaped($0))" } ?? ""), ("started", Markup.escaped(run["started"].text ?? "")),
      ("deck", Markup.escaped(run["deck"].text ?? "")), ("values beside the deck", texts("settings")), ("potentials", texts("potentials")),
      ("species", texts("species")), ("atoms", number("atoms", "atoms", "")),
      ("ranks", number("ranks", "ranks", "") + (grid.isEmpty ? "" : " as \(grid)")), ("steps", number("steps", "steps_total", "")),
      ("step loop", number("seconds of the step loop", "loop_seconds", "s")), ("time an atom and step", number("time an atom and step", "us_per_atom_step", "µs")),
      ("memory of the largest rank", memory.map { book.html(Figure(name: "memory", value: ($0 / 1e5).rounded() / 10, unit: "MB", source: source("run.json peak_rss_bytes / 10⁶"))) } ?? ""),
      ("resumed", starts > 0 ? "\(starts) times" : ""),
    ]
    let phases = run["phases"].members.filter { ($0.value.number ?? 0) > 0 }.sorted { $0.value.number! > $1.value.number! }
    let sum = phases.reduce(0) { $0 + $1.value.number! }
    let table = phases.isEmpty ? "" : "<h3>Time by phase</h3><table>" + phases.map { name, seconds in
      "<tr><th>\(Markup.escaped(name))</th><td class=\"n\">\(book.html(Figure(name: name, value: seconds.number!, unit: "s", source: source("run.json phases.\(name)"))))</td>"
        + "<td class=\"n\">\(Int((100 * seconds.number! / sum).rounded())) %</td></tr>"
    }.joined() + "</table>"
    return section("How it was made", rows(lines) + table)
  }

  private var deck: String {
    guard let deck = folder.deck else { return "" }
    return section(
      "Deck", "<p class=\"small soft\">\(Markup.escaped(deck.origin))</p><details open><summary>\(deck.text.split(separator: "\n").count) lines</summary>"
        + "<pre>\(Markup.escaped(deck.text))</pre></details>")
  }

  private var files: String {
    let body = folder.files.filter { $0.name != "run.lock" }.map { file -> String in
      let columns = folder[file.name].map { table in table.columns.map(\.heading).joined(separator: ", ") } ?? ""
      return "<tr><td>\(Markup.escaped(file.name))</td><td class=\"n\">\(Self.size(file.bytes))</td><td>\(Markup.escaped(FileGuide.words(file.name)))"
        + (columns.isEmpty ? "" : "<br><span class=\"small soft\">\(Markup.escaped(columns))</span>") + "</td></tr>"
    }
    return section(
      "Files", "<div class=\"scroll\"><table><thead><tr><th>file</th><th class=\"n\">size</th><th>what, and its columns</th></tr></thead><tbody>\(body.joined())</tbody></table></div>")
  }

  private static func size(_ bytes: Int) -> String {
    bytes >= 1_000_000 ? String(format: "%.1f MB", Double(bytes) / 1e6) : bytes >= 1000 ? String(format: "%.1f kB", Double(bytes) / 1e3) : "\(bytes) B"
  }
}

/// What the files of a run directory are.
enum FileGuide {
  private static let known = [
    "run.json": "the summary for programs", "results.json": "what observers have measured, with errors", "thermo.csv": "totals in the course of the run",
    "log.txt": "what the terminal showed", "averages.csv": "means over stages", "loading.csv": "strain, stress (GPa) and work (eV) under load",
    "crack.csv": "K (MPa√m), G (J/m²), the tip (Å) by broken bonds and by a fit of the field",
    "search.csv": "a row a trial", "map.csv": "γ over the displacement at the start", "atoms.csv": "the lowest γ for each number of atoms",
    "best.extxyz": "the lowest states, the lowest first", "family.csv": "boundaries against their angle", "interfaces.csv": "interfaces, the lowest γ first",
    "trials.jsonl": "the journal that a search is resumed from", "search.json": "the deck of the search, to resume it", "tasks.json": "what is done of the tasks, to resume them",
    "scan.json": "the deck of the scan, to resume it", "scan.csv": "a row a run of the scan", "report.html": "a page like this one",
  ]

  static func words(_ file: String) -> String {
    if let words = known[file] { return words }
    let name = file.hasSuffix(".gz") ? String(file.dropLast(3)) : file
    if [".extxyz", ".xyz", ".dump", ".lammpstrj", ".cfg"].contains(where: name.hasSuffix) { return "frames" }
    if file.hasSuffix(".csv") { return "a table of an observer or a task" }
    return file.hasSuffix(".svg") ? "a picture" : ""
  }
}

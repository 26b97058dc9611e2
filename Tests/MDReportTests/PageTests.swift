import Foundation
import MDCore
import MDReport
import Testing

@Suite("Pages about runs") struct PageTests {
  static let results = """
    {"transport": {"samples": 100, "files": ["transport.csv"], "numbers": {
      "D_Li": {"value": 1.27923830555275, "error": 0.0236562, "interval_95": 0.0504, "blocks": 12, "unit": "Å²/ps", "definition": "slope"},
      "D_Li_x": {"value": 1.16157, "error": 0.03, "unit": "Å²/ps", "definition": "one axis"},
      "D_O": {"unit": "Å²/ps", "definition": "slope", "note": "not diffusive: exponent 0.03"}}}}
    """
  static let transport = "lag [ps],msd_Li [Å²],msd_Li_error [Å²]\n0.1,1,0.1\n0.2,2,0.1\n0.4,4,0.2\n0.8,8,0.4\n"

  static func page(_ files: [String: String], name: String = "run") throws -> String {
    let sample = try RunSample(files, name: name)
    defer { sample.remove() }
    return try ReportPage([sample.path]).html
  }

  @Test("every number of results.json and run.json is on the page, in full") func numbers() throws {
    let html = try Self.page(["run.json": RunSample.summary, "results.json": Self.results, "transport.csv": Self.transport])
    let numbers = try RunSample.numbers(html)
    for (source, value, error, unit) in [
      ("run/results.json transport.D_Li", 1.27923830555275, 0.0236562, "Å²/ps"), ("run/results.json transport.D_Li_x", 1.16157, 0.03, "Å²/ps"),
      ("run/run.json final_thermo.temperature", 301.5, nil, "K"), ("run/run.json loop_seconds", 1.25, nil, "s"),
      ("run/run.json steps_total", 40, nil, ""),
    ] as [(String, Double, Double?, String)] {
      let found = try #require(numbers.first { $0["source"] as? String == source }, "\(source)")
      #expect(found["value"] as? Double == value && found["error"] as? Double == error && found["unit"] as? String == unit, "\(source)")
      #expect(html.contains("<data value=\"\(value)\">"), "\(source)")
    }
    #expect(html.contains("1.279 ± 0.024</data> Å²/ps"))
    // What has no number says why, on the first screen and among the checks.
    let first = try #require(html.range(of: "<h2>Measured</h2>"))
    #expect(html[..<first.lowerBound].contains("not diffusive: exponent 0.03"))
    #expect(html.contains("<li class=\"warning\"><b>Numbers refused.</b>"))
  }

  @Test("a crack's answer is K at its first advance; without one it is said") func crack() throws {
    let table = "step,stage,time,K,K_over_K_G,G,centre,tip,broken_bonds,tip_fit,K_I_fit,K_II_fit,K_III_fit,fit_residual,J_1,J_2\n"
      + "10,1,0,1.2,0.9,4,55,52,70,53,1.25,0,0,0.01,3.9,3.8\n20,1,0,1.3,1,5,55,56,72,57,1.34,0,0,0.01,4.9,4.8\n"
    let log = "Stage 1/1: minimize 1, L-BFGS in 1 increments of K 0.9 → 1 K_G to 0.005 eV/Å\n"
      + "  1 of 1 increments, the last converged (largest force 0.004 eV/Å) after 20 steps\n"
    let event = #""first_advance": {"K_MPa_sqrt_m": 1.25, "half_step_MPa_sqrt_m": 0.05, "G_J_per_m2": 4.5, "J_before_J_per_m2": 3.85, "K_over_K_G": 0.95, "step": 20}, "#
    func html(_ event: String, _ log: String) throws -> String {
      try Self.page([
        "run.json": "{\"status\": \"finished\", \"crack\": {\(event)\"first_tip_A\": 52, \"tip_A\": 56, \"K_MPa_sqrt_m\": 1.3}}", "crack.csv": table, "log.txt": log,
      ])
    }
    let page = try html(event, log)
    let number = try #require(RunSample.numbers(page).first { $0["source"] as? String == "run/run.json crack.first_advance.K_MPa_sqrt_m" })
    #expect(number["value"] as? Double == 1.25 && number["error"] as? Double == 0.05)
    #expect(page.contains("0.95 of Griffith") && page.contains("<h2>Crack</h2>") && page.contains("<li class=\"good\"><b>Relaxed.</b>"))
    let j = try #require(RunSample.numbers(page).first { $0["source"] as? String == "run/run.json crack.first_advance.J_before_J_per_m2" })
    #expect(j["value"] as? Double == 3.85 && page.contains("advance of the tip, Å") && page.contains("G of the ring"))
    let still = try html("", log.replacing("converged", with: "not converged"))
    #expect(still.contains("did not advance up to K 1.3 MPa√m") && still.contains("<li class=\"bad\"><b>Not relaxed.</b>"))
  }

  @Test("a path of equilibria answers with both ends of lattice trapping and its curve, and Rice's K stands beside them") func path() throws {
    let table = "step,stage,time,K,G,centre,tip,broken_bonds\n9,1,0,1.2,4,55,52,70\n20,1,0,1.3,5,55.5,52,70\n30,1,0,1.1,4,56,54,71\n"
    let folds = #""path_K_plus": {"K_MPa_sqrt_m": 1.31, "error_MPa_sqrt_m": 0.01, "K_over_K_G": 1.05, "G_J_per_m2": 5.1, "centre_A": 55.5}, "#
      + #""path_K_minus": {"K_MPa_sqrt_m": 1.09, "error_MPa_sqrt_m": 0.02, "G_J_per_m2": 4.1, "centre_A": 56}, "K_emission_MPa_sqrt_m": 1.7, "#
    let page = try Self.page([
      "run.json": "{\"status\": \"finished\", \"crack\": {\(folds)\"first_tip_A\": 52, \"tip_A\": 54, \"K_MPa_sqrt_m\": 1.1}}", "crack.csv": table,
      "log.txt": "Stage 1/1: minimize 1\n",
    ])
    for (key, value, error) in [("path_K_plus.K_MPa_sqrt_m", 1.31, 0.01), ("path_K_minus.K_MPa_sqrt_m", 1.09, 0.02), ("K_emission_MPa_sqrt_m", 1.7, nil)] as [(String, Double, Double?)] {
      let number = try #require(RunSample.numbers(page).first { $0["source"] as? String == "run/run.json crack.\(key)" }, "\(key)")
      #expect(number["value"] as? Double == value && number["error"] as? Double == error)
    }
    #expect(page.contains("Path of equilibria") && page.contains("1.05 of Griffith") && !page.contains("did not advance"))
  }

  @Test("numbers are written with as many digits as they have", arguments: [
    (1.66115025721, nil, "1.6612"), (1.27923830555, 0.0236562, "1.279 ± 0.024"), (-2982.1258, 0.989156, "−2982.13 ± 0.99"),
    (47907.2488, 457.14, "47907 ± 457"), (0, nil, "0"), (3.2e-9, nil, "3.2·10⁻⁹"), (3.123e-9, 4.1e-10, "(3.12 ± 0.41)·10⁻⁹"),
    (1600, nil, "1600"), (.nan, nil, "–"), (2.5e12, nil, "2.5·10¹²"), (1.5, 0, "1.5"), (0.0001, 0.00123, "0.0001 ± 0.0012"),
  ] as [(Double, Double?, String)])
  func digits(_ value: Double, _ error: Double?, _ text: String) {
    #expect(Figure.text(value, error) == text)
  }

  @Test("what a stage does is said by run.json; in older runs by the log's words") func kinds() throws {
    func html(_ kind: String, _ words: String) throws -> String {
      try Self.page([
        "run.json": "{\"status\": \"finished\", \"stages\": [{\"stage\": 1, \"name\": \"a\"\(kind), \"steps\": 5, \"seconds\": 1}]}",
        "log.txt": "Stage 1/1: a, \(words)\n  converged after 5 steps in 1 s\n", "thermo.csv": RunSample.thermo(drift: 0),
      ])
    }
    let relaxed = "<b>Relaxed.</b>"
    #expect(try html(", \"kind\": \"minimize\"", "some method").contains(relaxed))
    #expect(try !html(", \"kind\": \"dynamics\"", "L-BFGS to 0.01 eV/Å").contains(relaxed))
    #expect(try html("", "L-BFGS to 0.01 eV/Å").contains(relaxed) && !html("", "some method").contains(relaxed))
  }

  @Test("a run that failed, is going on or has lost its run.json says so before all else") func unfinished() throws {
    func place(_ html: String, _ words: String) -> Int? {
      html.range(of: words).map { html.distance(from: html.startIndex, to: $0.lowerBound) }
    }
    let failed = try Self.page([
      "run.json": #"{"status": "failed", "reason": "atom 7 is lost", "atoms": 10}"#, "log.txt": "Stage 1/1: heat, 5 steps\nerror: atom 7 is lost\n",
      "thermo.csv": RunSample.thermo(drift: 0),
    ])
    let (said, answer) = (try #require(place(failed, "This run failed</b>: atom 7 is lost")), try #require(place(failed, "class=\"first\"")))
    #expect(said < answer && failed.contains("<li class=\"bad\"><b>Failed.</b>"))
    let going = try Self.page(["run.json": #"{"status": "running"}"#, "run.lock": "{}", "thermo.csv": RunSample.thermo(drift: 0) + "410,1,1.0"])
    #expect(going.contains("This run has not ended.") && going.contains("still going"))
    let damaged = try Self.page(["run.json": "{\"status\": ", "log.txt": "x\n"])
    #expect(damaged.contains("There is no run.json that could be read") && damaged.contains("<li class=\"bad\"><b>Unreadable.</b> run.json"))
    let fine = try Self.page(["run.json": RunSample.summary])
    #expect(!fine.contains("class=\"banner") && fine.contains("<li class=\"good\"><b>Finished.</b>"))
    for folder in ["/nowhere/at/all", NSTemporaryDirectory()] {
      let error = #expect(throws: FaultlineError.self) { _ = try ReportPage([folder]) }
      #expect(error?.kind == .input && error.map { "\($0)".contains("is no run directory") } == true)
    }
  }

  @Test("names and texts of any kind are texts on the page") func hostile() throws {
    let bad = "<script>alert('x')</script>&\""
    let quoted = bad.replacingOccurrences(of: "\"", with: "\\\"")
    let html = try Self.page(
      [
        "run.json": "{\"status\": \"failed\", \"reason\": \"\(quoted)\", \"title\": \"\(quoted)\", \"warnings\": [{\"step\": 1, \"message\": \"\(quoted)\"}], \"deck\": \"\(quoted)\"}",
        "results.json": "{\"\(quoted)\": {\"numbers\": {\"\(quoted)\": {\"value\": 1, \"unit\": \"\(quoted)\", \"definition\": \"</script>\(quoted)\"}}, \"files\": [\"a<b>&.csv\"]}}",
        "a<b>&.csv": "x,\"<img src=q>\"\n1,2\n2,3\n3,5\n", "log.txt": "Stage 1/1: \(bad), 5 steps\n\(bad)\n",
        "search.json": "{\"deck\": {\"text\": \"\(quoted)\", \"file\": \"d\"}}",
      ], name: "<b>run&")
    #expect(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"))
    // The one script is the page's own, and it is data.
    #expect(html.components(separatedBy: "<script").count == 2 && html.components(separatedBy: "</script").count == 2)
    #expect(!html.contains("<img src=q>") && !html.contains("<b>run&"))
    let numbers = try RunSample.numbers(html)
    #expect(numbers.contains { $0["name"] as? String == bad && $0["unit"] as? String == bad && $0["definition"] as? String == "</script>" + bad })
  }

  @Test("the drift of the conserved energy is judged by kT", arguments: [
    (0.0001, "<li class=\"good\"><b>Energy conserved.</b> 0.1 meV an atom over stage 1, 0.387 % of kT"),
    (0.001, "<li class=\"warning\"><b>Energy drifts.</b> 1 meV an atom over stage 1, 3.87 % of kT"),
    (-0.01, "<li class=\"bad\"><b>Energy drifts.</b> −10 meV an atom over stage 1, 38.7 % of kT"),
  ])
  func drift(_ drift: Double, _ words: String) throws {
    // 300 K are 25.852 meV.
    let html = try Self.page(["run.json": RunSample.summary, "thermo.csv": RunSample.thermo(drift: drift)])
    #expect(html.contains(words))
  }

  @Test("work of a load is no drift") func work() throws {
    // 10 atoms, 100 meV of work on each over the stage.
    let loading = "step,stage,strain_zz,stress_zz,work\n"
      + (0...40).map { "\(10 * $0),1,\(0.001 * Double($0)),\(Double($0)),\(0.025 * Double($0))" }.joined(separator: "\n") + "\n"
    let summary = RunSample.summary.replacingOccurrences(of: "\"warnings\": []", with: "\"warnings\": [], \"loading\": [{\"stage\": 1, \"peak_stress_GPa\": 40}]")
    let html = try Self.page(["run.json": summary, "thermo.csv": RunSample.thermo(drift: 0.101), "loading.csv": loading])
    #expect(html.contains("<b>Energy conserved.</b> 1 meV an atom over stage 1, 1 % of the work done on it"))
    #expect(html.contains("<data value=\"40.0\">40</data> GPa") && html.contains("Stress against strain"))
    let off = try Self.page(["run.json": summary, "thermo.csv": RunSample.thermo(drift: 0.15), "loading.csv": loading])
    #expect(off.contains("<li class=\"bad\"><b>Energy drifts.</b> 50 meV an atom over stage 1, 50 % of the work"))
  }

  @Test("a long series keeps its one peak and its one dip") func peaks() throws {
    let rows = (0..<5000).map { "\($0),\($0 == 3333 ? 7.5 : $0 == 1234 ? -2.5 : 1.0)" }.joined(separator: "\n")
    let sample = try RunSample(["t.csv": "r [Å],g [1]\n" + rows + "\n"])
    defer { sample.remove() }
    let chart = try #require(try ResultTable(sample.path + "/t.csv", named: "t.csv").charts.first)
    let svg = chart.svg
    let path = try #require(svg.range(of: "class=\"line s0\" d=\"M"))
    let points = svg[path.upperBound...].prefix { $0 != "\"" }.split(separator: "L").map { $0.split(separator: " ").compactMap { Double($0) } }
    #expect(points.count < 1000)
    // The vertical range goes from −2.5 to 7.5 with six of a hundred parts beyond either: 284 − 270 (v + 3.1)/11.2.
    func height(_ v: Double) -> Double { 284 - 270 * (v + 3.1) / 11.2 }
    #expect(abs((points.map { $0[1] }.min() ?? 0) - height(7.5)) < 0.02 && abs((points.map { $0[1] }.max() ?? 0) - height(-2.5)) < 0.02)
    #expect(points.count { abs($0[1] - height(1)) < 0.02 } > points.count - 4)
  }

  @Test("searches: the lowest state, how often it was found, states ranked") func search() throws {
    let trials = """
      trial,shift_u,shift_v,atoms,energy [J/m²],excess_volume [Å],duplicate_of,failure
      1,0.1,0.2,80,1.8,0.30,,
      2,0.3,0.4,80,1.661150485,0.27,,
      3,0.5,0.1,80,1.6611505,0.27,2,
      4,0.5,0.6,78,,,,"no, not relaxed"

      """
    let summary = """
      {"status": "finished", "method": "random", "potentials": ["eam"], "warnings": [], "search": {"boundary": {"energy_J_per_m2": 1.661150485,
      "excess_volume_A": 0.27, "times_found": 2, "trials": 4, "states": 2, "failed": 1, "not_converged": 0, "ending": "no lower energy in 2 trials",
      "certainty": "found 2 times in 4 trials"}}}
      """
    let html = try Self.page(["run.json": summary, "search.csv": trials])
    let first = try #require(html.range(of: "May this be believed?"))
    #expect(html[..<first.lowerBound].contains("<data value=\"1.661150485\">1.6612</data> J/m²"))
    #expect(html.contains("<li class=\"warning\"><b>Trials lost.</b> 1 of 4 trials") && html.contains("<li class=\"warning\"><b>Found rarely.</b>"))
    let ranked = try #require(html.range(of: "States, the lowest first"))
    let rest = html[ranked.upperBound...]
    let (low, high) = (try #require(rest.range(of: "1.661150485")), try #require(rest.range(of: "<data value=\"1.8\">")))
    #expect(low.lowerBound < high.lowerBound && rest[low.upperBound..<high.lowerBound].contains("<td class=\"n\">2</td>"))
  }

  @Test("several runs: what differs, side by side") func several() throws {
    let a = try RunSample(["run.json": RunSample.summary, "search.json": #"{"deck": {"text": "size: 3\ntemperature: 300\n"}}"#, "thermo.csv": RunSample.thermo(drift: 0)], name: "cold")
    let b = try RunSample(
      ["run.json": RunSample.summary.replacingOccurrences(of: "301.5", with: "599.25"), "search.json": #"{"deck": {"text": "size: 3\ntemperature: 600\n"}}"#, "thermo.csv": RunSample.thermo(drift: 0.1)],
      name: "hot")
    defer {
      a.remove()
      b.remove()
    }
    let html = try ReportPage([a.path, b.path]).html
    let start = try #require(html.range(of: "What differs in their decks")), end = try #require(html.range(of: "What they came to"))
    let differences = html[start.upperBound..<end.lowerBound]
    #expect(differences.contains("<td>temperature</td><td>300</td><td>600</td>") && !differences.contains("size"))
    let numbers = try RunSample.numbers(html)
    for (source, value) in [("cold", 301.5), ("hot", 599.25)] {
      #expect(numbers.contains { $0["source"] as? String == "\(source)/run.json final_thermo.temperature" && $0["value"] as? Double == value })
    }
    #expect(html.contains("class=\"line s1\"") && html.contains("Energy drifts"))
  }

  @Test("tables: units, quotes, half a last line") func tables() throws {
    let sample = try RunSample(["t.csv": "step,energy [J/m²],\"name, [of it]\",g [1]\n1,2.5,\"a, \"\"b\"\"\",1\n2,,c,2\n3,4"])
    defer { sample.remove() }
    let table = try ResultTable(sample.path + "/t.csv", named: "t.csv")
    #expect(table.columns.map(\.name) == ["step", "energy", "name,", "g"] && table.columns.map(\.unit) == ["", "J/m²", "of it", ""])
    #expect(table.columns[2].texts == ["a, \"b\"", "c"] && table.broken == 1 && table.rows == 2)
    #expect(table.charts.isEmpty)
    // A matrix is no curve.
    try "i,j,C [GPa]\n1,1,170\n1,2,120\n1,3,120\n2,2,170\n".write(toFile: sample.path + "/m.csv", atomically: true, encoding: .utf8)
    #expect(try ResultTable(sample.path + "/m.csv", named: "m.csv").charts.isEmpty)
    #expect(table.numbers("energy")?[0] == 2.5 && table.numbers("energy")?[1].isNaN == true)
  }
}

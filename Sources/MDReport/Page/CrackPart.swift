/// What a page says of a crack: K at which it first moved, tip, K and J in the course of the load, and the resistance to its advance.
extension RunFolder {
  var crackFindings: [Finding] {
    let crack = run["crack"]
    guard crack["first_tip_A"].number != nil else { return [] }
    func event(_ key: String, _ words: String) -> [Finding] {
      let found = crack[key], source = "run.json crack.\(key)"
      guard let k = found["K_MPa_sqrt_m"].number, let g = found["G_J_per_m2"].number else { return [] }
      return [
        Finding(
          question: "K at which the crack first \(words)",
          figure: Figure(
            name: "K", value: k, error: found["half_step_MPa_sqrt_m"].number, unit: "MPa√m",
            definition: "middle of the two loads between which the crack \(words); the error is half their difference",
            source: source + ".K_MPa_sqrt_m"),
          note: found["K_over_K_G"].number.map { "\(Figure.text($0)) of Griffith's K" }),
        Finding(
          question: "energy release rate there",
          figure: Figure(name: "G", value: g, unit: "J/m²", definition: "of that K", source: source + ".G_J_per_m2")),
      ]
        + (found["J_before_J_per_m2"].number.map { j in
          [
            Finding(
              question: "J from which it \(words)",
              figure: Figure(
                name: "J", value: j, unit: "J/m²", definition: "mean of the annuli of domain integrals at the load before it \(words)",
                source: source + ".J_before_J_per_m2"))
          ]
        } ?? [])
    }
    func fold(_ key: String, _ words: String) -> [Finding] {
      let found = crack[key]
      guard let k = found["K_MPa_sqrt_m"].number else { return [] }
      return [
        Finding(
          question: words,
          figure: Figure(
            name: "K", value: k, error: found["error_MPa_sqrt_m"].number, unit: "MPa√m",
            definition: "fold of the path of equilibria: top of the parabola through three points; the error is what it adds to the nearest",
            source: "run.json crack.\(key).K_MPa_sqrt_m"),
          note: found["K_over_K_G"].number.map { "\(Figure.text($0)) of Griffith's K" })
      ]
    }
    let emission = crack["K_emission_MPa_sqrt_m"].number.map {
      [
        Finding(
          question: "Rice's K at which a dislocation would leave the tip",
          figure: Figure(
            name: "K", value: $0, unit: "MPa√m", definition: "√(2 γ_us s·L s) over the slip plane's share of the field",
            source: "run.json crack.K_emission_MPa_sqrt_m"),
          note: crack["K_G_MPa_sqrt_m"].number.map { g in "Griffith's K is \(Figure.text(g)) MPa√m" })
      ]
    } ?? []
    let events = event("first_advance", "advanced") + event("first_retreat", "fell back")
      + fold("path_K_plus", "K₊ at which the lattice lets the crack go") + fold("path_K_minus", "K₋ at which the crack would heal")
    if !events.isEmpty { return events + emission }
    return [
      Finding(
        question: "K at which the crack first advanced",
        refusal: "it did not advance up to K \(crack["K_MPa_sqrt_m"].number.map { Figure.text($0) } ?? "–") MPa√m")
    ]
  }
}

extension Sections {
  /// crack.csv: where load is given step by step against K, else against time.
  var crack: String {
    guard let table = folder["crack.csv"], table.rows > 1, let k = table.numbers("K"), let tip = table.numbers("tip") else { return "" }
    let time = table.numbers("time") ?? k
    let isDynamic = (time.last ?? 0) > (time.first ?? 0)
    let (xs, label) = isDynamic ? (time, "time, ps") : (k, "K of the ring, MPa√m")
    func chart(_ title: String, _ unit: String, _ series: [(String, [Double]?)]) -> String {
      let shown = series.compactMap { name, ys in ys.map { Chart.Series(name: name, xs: xs, ys: $0, style: .both) } }
      return Chart(title: title, xLabel: label, yLabel: unit, series: shown).svg
    }
    let g = table.numbers("G")
    // The annulus in the middle stands for them.
    let annuli = (1...19).compactMap { table.numbers("J_\($0)") }
    let j = annuli.isEmpty ? nil : annuli[annuli.count / 2]
    let advance = tip.map { $0 - tip[0] }
    func resistance(_ name: String, _ ys: [Double]?) -> Chart.Series? {
      ys.map { Chart.Series(name: name, xs: advance, ys: $0, style: .both) }
    }
    // Only a path has a fold; else the load is what is given.
    let isPath = folder.run["crack"]["path_K_plus"]["centre_A"].number != nil || folder.run["crack"]["path_K_minus"]["centre_A"].number != nil
    let centre = table.numbers("centre") ?? []
    let grows = (advance.max() ?? 0) > 0 && !isDynamic
    return section(
      "Crack",
      charts([
        chart("J", "J/m²", [("G of the ring", j == nil ? nil : g), ("J", j)]),
        grows
          ? Chart(
            title: "Resistance", xLabel: "advance of the tip, Å", yLabel: "J/m²",
            series: [resistance("G of the ring", g), resistance("J", j)].compactMap { $0 }
          ).svg : "",
        isPath
          ? Chart(
            title: "Path of equilibria", xLabel: "centre of the field, Å", yLabel: "K, MPa√m",
            series: [Chart.Series(name: "K", xs: centre, ys: k, style: .both)]
          ).svg : "",
        chart("Tip", "place along the crack, Å", [("by broken bonds", tip), ("by a fit of the field", table.numbers("tip_fit"))]),
        chart(
          "K near the tip", "K, MPa√m",
          [("of the ring", isDynamic ? k : nil), ("I, fit", table.numbers("K_I_fit")), ("II, fit", table.numbers("K_II_fit")), ("III, fit", table.numbers("K_III_fit"))]),
      ]))
  }
}

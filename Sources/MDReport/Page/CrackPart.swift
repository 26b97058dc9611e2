/// What a page says of a crack: K at which it first moved, and tip and K in the course of the load.
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
    }
    let events = event("first_advance", "advanced") + event("first_retreat", "fell back")
    if !events.isEmpty { return events }
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
    return section(
      "Crack",
      charts([
        chart("Tip", "place along the crack, Å", [("by broken bonds", tip), ("by a fit of the field", table.numbers("tip_fit"))]),
        chart(
          "K near the tip", "K, MPa√m",
          [("of the ring", isDynamic ? k : nil), ("I, fit", table.numbers("K_I_fit")), ("II, fit", table.numbers("K_II_fit")), ("III, fit", table.numbers("K_III_fit"))]),
      ]))
  }
}

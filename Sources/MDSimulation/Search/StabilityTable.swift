import Foundation
import MDCore
import MDIO

/// γ against a chemical potential of states that differ in what of a species they have: straight lines,
///
///     γ(μ) = γ(μ₀) + Σ_s v_s (μ_s − μ_s₀)/A
///
/// with v_s atoms of species s less at each boundary, and the lowest of them at each potential. `gamma_mu.csv`, `gamma_mu.svg`.
package struct StabilityTable {
  package struct Line {
    let trial: Int
    /// Atoms less at each boundary, by species.
    let vacancies: [Int]
    /// J/m² at the lower and the upper end of the range.
    let ends: (low: Double, high: Double)

    package init(trial: Int, vacancies: [Int] = [], ends: (low: Double, high: Double)) {
      (self.trial, self.vacancies, self.ends) = (trial, vacancies, ends)
    }

    package func value(at part: Double) -> Double { ends.low + part * (ends.high - ends.low) }
  }

  /// Where the lowest state changes, parts of the range.
  package struct Crossing {
    package let part: Double
    /// Numbers of lines.
    package let below: Int
    package let above: Int
  }

  let title: String
  let potentials: ChemicalPotentials
  let varied: Int
  let lines: [Line]
  let crossings: [Crossing]

  /// nil where no potential is a range, or no state was found.
  ///
  /// - Parameter area: of one boundary, Å².
  init?(_ title: String, _ states: [TrialResult], _ potentials: ChemicalPotentials?, area: Double) {
    guard let potentials, let varied = potentials.varied, !states.isEmpty else { return nil }
    (self.title, self.potentials, self.varied) = (title, potentials, varied)
    lines = states.compactMap { state in
      guard let energy = state.energy else { return nil }
      let counts = state.order.start.vacancies ?? potentials.species.map { _ in 0 }
      func at(_ part: Double) -> Double {
        energy + (potentials.sum(counts, at: part) - potentials.sum(counts)) / area * Units.energyPerAreaToJoulePerSquareMetre
      }
      return Line(trial: state.order.trial, vacancies: counts, ends: (at(0), at(1)))
    }
    crossings = Self.crossings(lines)
  }

  /// The line that is lowest at a part of the range; of equal ones the first.
  private static func lowest(_ lines: [Line], at part: Double) -> Int {
    lines.indices.min { lines[$0].value(at: part) < lines[$1].value(at: part) }!
  }

  /// From the lower end on: the next line is the one that first comes below the present one.
  package static func crossings(_ lines: [Line]) -> [Crossing] {
    guard !lines.isEmpty else { return [] }
    var found: [Crossing] = []
    // At the end of the range the line that falls most steeply comes next.
    var now = lines.indices.min {
      (lines[$0].ends.low, lines[$0].ends.high) < (lines[$1].ends.low, lines[$1].ends.high)
    }!
    var from = 0.0
    while true {
      let slope = lines[now].ends.high - lines[now].ends.low
      let next = lines.indices.compactMap { k -> (part: Double, line: Int)? in
        let other = lines[k].ends.high - lines[k].ends.low
        guard other < slope - 1e-12 else { return nil }
        let part = (lines[k].ends.low - lines[now].ends.low) / (slope - other)
        return part >= from && part <= 1 ? (part, k) : nil
      }.min { ($0.part, lines[$0.line].ends.high) < ($1.part, lines[$1.line].ends.high) }
      guard let next else { return found }
      found.append(Crossing(part: next.part, below: now, above: next.line))
      (now, from) = (next.line, next.part)
    }
  }

  // MARK: What is written

  private func mu(_ part: Double) -> Double { potentials.value(varied, at: part) }

  private func name(_ line: Line) -> String {
    let less = zip(potentials.species, line.vacancies).filter { $0.1 > 0 }.map { "\($0.1) \($0.0) less" }
    return "trial \(line.trial)" + (less.isEmpty ? "" : " (\(less.joined(separator: ", ")))")
  }

  func write(to directory: String) throws {
    let element = potentials.species[varied]
    var rows = [
      ["mu_\(element) [eV]", "delta_mu_\(element) [eV]", "lowest [J/m²]", "lowest_trial", "crossing"]
        + lines.map { "\"\(name($0)) [J/m²]\"" }
    ]
    let even = (0...50).map { (Double($0) / 50, false) }
    let points = (even.filter { point in !crossings.contains { abs($0.part - point.0) < 1e-9 } } + crossings.map { ($0.part, true) })
      .sorted { $0.0 < $1.0 }
    for (part, isCrossing) in points {
      let best = Self.lowest(lines, at: part)
      rows.append(
        [
          String(format: "%.10g", mu(part)), String(format: "%.10g", mu(part) - mu(1)),
          String(format: "%.10g", lines[best].value(at: part)), "\(lines[best].trial)", isCrossing ? "1" : "0",
        ] + lines.map { String(format: "%.10g", $0.value(at: part)) })
    }
    try AtomicFile.write(rows.map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n", to: directory + "/gamma_mu.csv")
    try AtomicFile.write(picture, to: directory + "/gamma_mu.svg")
  }

  private var picture: String {
    let element = potentials.species[varied]
    var picture = VectorPicture(width: 560, height: 400)
    let frame = VectorPicture.Frame(
      left: 80, right: 530, top: 40, bottom: 340, xs: (mu(0) - mu(1))...0,
      ys: VectorPicture.range(lines.flatMap { [$0.ends.low, $0.ends.high] }))
    picture.text("\(title): γ against the chemical potential of \(element)", 305, 24, size: 13)
    picture.axes(frame, xLabel: "Δμ of \(element) from \(RunLog.fixed(mu(1), 4)) eV, eV", yLabel: "γ, J/m²")
    func at(_ line: Line, _ part: Double) -> (Double, Double) { (frame.x(mu(part) - mu(1)), frame.y(line.value(at: part))) }
    for line in lines { picture.line([at(line, 0), at(line, 1)], color: "#31688e") }
    let stops = [0] + crossings.map(\.part) + [1]
    picture.line(stops.map { at(lines[Self.lowest(lines, at: $0)], $0) }, color: "#d00", width: 2.5)
    return picture.source
  }

  /// For run.json.
  var numbers: [String: JSONNumber] {
    [
      "gamma_mu": .list(crossings.map { crossing in
        JSONNumber.section([
          "mu_eV": .number(mu(crossing.part)), "delta_mu_eV": .number(mu(crossing.part) - mu(1)),
          "trial_below": .count(lines[crossing.below].trial), "trial_above": .count(lines[crossing.above].trial),
        ])
      })
    ]
  }

  var sentence: String {
    let element = potentials.species[varied]
    let first = crossings.first?.below ?? Self.lowest(lines, at: 0)
    return "from μ(\(element)) = \(RunLog.fixed(mu(0), 3)) eV on \(name(lines[first])) is lowest"
      + crossings.map { ", from \(RunLog.fixed(mu($0.part), 3)) eV on \(name(lines[$0.above]))" }.joined()
  }
}

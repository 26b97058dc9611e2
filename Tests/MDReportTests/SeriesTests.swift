import Foundation
import MDCore
import MDReport
import Testing

@Suite("Runs as a series") struct SeriesTests {
  typealias Point = ArrheniusFit.Point

  /// D of five temperatures, K and Å²/ps, with errors.
  static let points = [
    Point(temperature: 1000, value: 0.0312, error: 0.0021), Point(temperature: 1150, value: 0.0893, error: 0.0044),
    Point(temperature: 1300, value: 0.187, error: 0.012), Point(temperature: 1450, value: 0.371, error: 0.011), Point(temperature: 1600, value: 0.596, error: 0.034),
  ]

  /// The fit's numbers by numpy 2.4: x = −1/(8.617333262e-5 T), y = ln D, `numpy.polyfit(x, y, 1, w=1/σ, cov="unscaled")` with σ = error/D;
  /// χ² from its residuals, the probability from `scipy.stats.chi2.sf`.
  @Test("the line through ln D is numpy's, with its covariance") func numpy() throws {
    let fit = try #require(ArrheniusFit(Self.points))
    let expected: [(Double, Double)] = [
      (fit.energy, 0.6816569448523835), (fit.energyError, 0.01608091659869924), (fit.logPrefactor, 4.450878525584629),
      (fit.logPrefactorError, 0.14165279157455427), (fit.covariance, 0.0022533107268604647), (fit.chiSquare, 0.8888631780802556),
      (fit.probability, 0.8281145151262306), (fit.logValue(at: 1200).value, -2.1410384488763836), (fit.logValue(at: 1200).error, 0.025840156181112513),
    ]
    for (ours, theirs) in expected { #expect(abs(ours - theirs) < 1e-9 * abs(theirs), "\(ours) \(theirs)") }
    #expect(fit.freedom == 3)
    // Q(½, ½) … Q(5, 12): scipy.special.gammaincc.
    for (a, x, q) in [(0.5, 0.5, 0.31731050786291115), (1, 2.5, 0.0820849986238988), (1.5, 0.3, 0.8964323733419115), (2, 4.0, 0.0915781944436709), (3.5, 6.0, 0.10055886850835878), (5, 12.0, 0.007600390681066992)] as [(Double, Double, Double)] { #expect(abs(ArrheniusFit.upperGamma(a, x) - q) < 1e-12) }
    #expect(ArrheniusFit(Array(Self.points.prefix(2))) == nil)
    #expect(ArrheniusFit([Point](repeating: Self.points[0], count: 4)) == nil)
    #expect(ArrheniusFit(Self.points + [Point(temperature: 900, value: -0.01, error: 0.01)]) == nil)
  }

  /// Normal deviates, by Box and Muller from a linear congruence.
  private struct Noise {
    var state: UInt64 = 42
    mutating func uniform() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Double(state >> 11) + 0.5) / 9_007_199_254_740_992
    }
    mutating func normal() -> Double { (-2 * log(uniform())).squareRoot() * cos(2 * Double.pi * uniform()) }
  }

  @Test("the true activation energy is within one error in 68 of 100 cases, χ² as often large as it says") func coverage() throws {
    var noise = Noise()
    let (energy, prefactor, trials) = (0.65, 40.0, 4000)
    var (within, withinPrefactor, above) = (0, 0, 0)
    for _ in 0..<trials {
      let points = [900.0, 1050, 1200, 1400].map { t -> Point in
        let d = prefactor * exp(-energy / (Units.boltzmann * t))
        let error = 0.05 * d
        return Point(temperature: t, value: d + error * noise.normal(), error: error)
      }
      let fit = try #require(ArrheniusFit(points))
      if abs(fit.energy - energy) < fit.energyError { within += 1 }
      if abs(fit.logPrefactor - log(prefactor)) < 2 * fit.logPrefactorError { withinPrefactor += 1 }
      if fit.probability < 0.1 { above += 1 }
    }
    // Four standard deviations of a binomial count, and a percent for what is not linear in the noise.
    #expect(abs(Double(within) / Double(trials) - 0.6827) < 0.04)
    #expect(abs(Double(withinPrefactor) / Double(trials) - 0.9545) < 0.025)
    #expect(abs(Double(above) / Double(trials) - 0.1) < 0.03)
  }

  /// A run at a temperature asked for, which it had within a kelvin, with a D of lithium and one of oxygen that was refused.
  static func run(_ name: String, asked: Double, _ point: Point?, more: String = "", steps: Int = 1000, error: Bool = true) throws -> RunSample {
    let number = point.map { p in "{\"value\": \(p.value), \(error ? "\"error\": \(p.error), " : "")\"unit\": \"Å²/ps\"}" }
      ?? "{\"unit\": \"Å²/ps\", \"note\": \"not diffusive: exponent 0.4\"}"
    let had = point?.temperature ?? asked
    let sigma = point.map { p in "{\"value\": \(1000 * p.value / p.temperature), \"error\": \(1000 * p.error / p.temperature), \"unit\": \"S/m\"}" } ?? "{\"unit\": \"S/m\"}"
    let results = "{\"transport\": {\"numbers\": {\"D_Li\": \(number), \"D_Li_x\": \(number), \"conductivity\": \(sigma), \"D_O\": {\"unit\": \"Å²/ps\", \"note\": \"not diffusive\"}}}}"
    // The first stage is on its way, the second is what counts.
    let thermo = "step,stage,time [ps],temperature [K]\n0,1,0,50\n10,1,1,\(had)\n20,2,2,\(had - 2)\n30,2,3,\(had + 2)\n"
    let deck = "title: \(name)\\nvelocities: {temperature: \(asked) K}\\nstages:\\n- dynamics: {steps: \(steps), thermostat: {langevin: {temperature: \(asked) K, seed: \(Int(asked) % 7)}}}\\n\(more)output: {directory: \(name)}\\n"
    return try RunSample(["run.json": RunSample.summary, "results.json": results, "thermo.csv": thermo, "search.json": "{\"deck\": {\"text\": \"\(deck)\"}}"], name: name)
  }

  /// A number in the marks of a picture.
  static func attribute(_ key: String, of text: String) -> Double? {
    guard let place = text.range(of: key + "=\"") else { return nil }
    return Double(text[place.upperBound...].prefix { $0 != "\"" })
  }

  static func page(_ runs: [RunSample]) throws -> String {
    defer { runs.forEach { $0.remove() } }
    return try ReportPage(runs.map(\.path)).html
  }

  static func number(_ html: String, _ name: String) throws -> [String: Any]? { try RunSample.numbers(html).first { $0["name"] as? String == name } }

  @Test("runs that differ in temperature: activation energies on the page, among its numbers, with a band") func arrhenius() throws {
    let runs = try Self.points.enumerated().map { try Self.run("run\($0)", asked: $1.temperature + 1, $1, steps: 1000 + 100 * ($0 / 2)) }
    let html = try Self.page(runs)
    let energy = try #require(try Self.number(html, "activation energy, D Li, transport"))
    #expect(abs((energy["value"] as? Double ?? 0) - 0.6816569448523835) < 1e-9 && abs((energy["error"] as? Double ?? 0) - 0.01608091659869924) < 1e-9)
    #expect(energy["unit"] as? String == "eV" && (energy["source"] as? String)?.contains("run3/results.json transport.D_Li") == true)
    // σT is proportional to D here.
    let conduction = try #require(try Self.number(html, "activation energy, conductivity, transport"))
    #expect(abs((conduction["value"] as? Double ?? 0) - 0.6816569448523835) < 1e-9)
    let prefactor = try #require(try Self.number(html, "prefactor, conductivity, transport"))
    #expect(prefactor["unit"] as? String == "S K/m" && abs((prefactor["value"] as? Double ?? 0) / (1000 * exp(4.450878525584629)) - 1) < 1e-9)
    #expect(html.contains("<h3>Against temperature</h3>") && html.contains("class=\"band s0\""))
    // D of oxygen has no line, and says why of every run.
    #expect(html.contains("no line: no temperatures have a value") && html.contains("without run0: not diffusive"))
    // Along one axis, steps and seeds there are no lines of their own.
    #expect(try Self.number(html, "activation energy, D Li x, transport") == nil && !html.contains("Against steps"))
  }

  @Test("error bars on the logarithmic axis are those of the logarithm") func band() throws {
    let runs = try Self.points.enumerated().map { try Self.run("run\($0)", asked: $1.temperature, $1) }
    let html = try Self.page(runs)
    let start = try #require(html.range(of: "<figcaption>Diffusion coefficients against 1/T"))
    let chart = html[start.upperBound...].components(separatedBy: "</figure>")[0]
    let points = chart.components(separatedBy: "<circle").dropFirst().prefix(5).compactMap { Self.attribute("cy", of: $0) }
    // Bars are "Mx yVy".
    let bars = chart.components(separatedBy: "<path class=\"line s0\" d=\"M").dropFirst().compactMap { part -> Double? in
      let ends = part.prefix { $0 != "\"" }.split(separator: "V")
      guard ends.count == 2, let low = Double(ends[0].split(separator: " ")[1]), let high = Double(ends[1]) else { return nil }
      return low - high
    }
    #expect(points.count == 5 && bars.count == 5)
    guard points.count == 5, bars.count == 5 else { return }
    // Points a decade, from the first and the last; a bar is twice σ/(D ln 10) of it.
    let decade = (points[0] - points[4]) / log10(Self.points[4].value / Self.points[0].value)
    for (k, p) in Self.points.enumerated() { #expect(abs(bars[k] - 2 * decade * p.error / p.value / log(10)) < 0.05) }
  }

  @Test("upper limits and numbers without error are left out; two temperatures are too few") func refused() throws {
    var runs = try Self.points.prefix(4).enumerated().map { try Self.run("run\($0)", asked: $1.temperature, $1) }
    runs.append(try Self.run("cold", asked: 700, nil))
    runs.append(try Self.run("cool", asked: 800, Point(temperature: 800, value: 0.0019, error: 0.001)))
    let html = try Self.page(runs)
    let fit = try #require(ArrheniusFit(Array(Self.points.prefix(4))))
    let energy = try #require(try Self.number(html, "activation energy, D Li, transport"))
    #expect(abs((energy["value"] as? Double ?? 0) - fit.energy) < 1e-9)
    #expect(html.contains("without cold: not diffusive: exponent 0.4") && html.contains("without cool: not two errors above zero"))
    // A repetition at the same temperature is none of its own, however the mean came out.
    let few = try Self.page([
      Self.run("a", asked: 1000, Self.points[0]), Self.run("b", asked: 1000, Point(temperature: 1003, value: 0.032, error: 0.002)),
      Self.run("c", asked: 1300, Self.points[2]), Self.run("d", asked: 1450, Self.points[3], error: false),
    ])
    #expect(try Self.number(few, "activation energy, D Li, transport") == nil)
    #expect(few.contains("no line: 2 temperatures have a value with an error, three are needed") && few.contains("without d: no error"))
  }

  @Test("what differs besides temperature parts the lines") func parted() throws {
    func family(_ name: String, _ size: Int, _ factor: Double) throws -> [RunSample] {
      try Self.points.enumerated().map { k, p in
        try Self.run("\(name)\(k)", asked: p.temperature, Point(temperature: p.temperature, value: factor * p.value, error: factor * p.error), more: "structure: {lattice: {size: [\(size), 2, 2]}}\\n")
      }
    }
    let html = try Self.page(family("small", 2, 1) + family("large", 4, 2))
    for (size, factor) in [(2, 1.0), (4, 2.0)] {
      let found = try #require(try Self.number(html, "ln prefactor, D Li, transport; size \(size)"))
      #expect(abs((found["value"] as? Double ?? 0) - 4.450878525584629 - log(factor)) < 1e-9)
    }
  }

  @Test("a boundary and a bulk crystal are never on one line, whatever else differs") func kinds() throws {
    let bulk = try Self.points.enumerated().map { k, p in
      try Self.run("bulk\(k)", asked: p.temperature, p, more: "structure: {lattice: {constant: \(4 + 0.1 * Double(k))}}\\n")
    }
    // Two of them have the barostat that the bulk has not.
    let boundary = try Self.points.prefix(3).enumerated().map { k, p in
      try Self.run("gb\(k)", asked: p.temperature, Point(temperature: p.temperature, value: 3 * p.value, error: 3 * p.error),
        more: "structure: {grain_boundary: {sigma: 5, constant: \(4 + 0.1 * Double(k))}}\\n" + (k > 0 ? "relax: {pressure: 0}\\n" : ""))
    }
    let numbers = try RunSample.numbers(Self.page(bulk + boundary)).filter { ($0["name"] as? String)?.hasPrefix("ln prefactor, D Li, transport") == true }
    let found = numbers.compactMap { $0["value"] as? Double }
    let (all, three) = (try #require(ArrheniusFit(Self.points)), try #require(ArrheniusFit(Array(Self.points.prefix(3)))))
    #expect(found.count == 2)
    for value in [all.logPrefactor, three.logPrefactor + log(3)] { #expect(found.contains { abs($0 - value) < 1e-9 }, "\(found)") }
  }

  @Test("any number against any numeric key, with error bars") func against() throws {
    func run(_ rate: String, _ peak: Double) throws -> RunSample {
      let summary = RunSample.summary.replacing("\"warnings\": []", with: "\"warnings\": [], \"loading\": [{\"stage\": 1, \"peak_stress_GPa\": \(peak)}]")
      return try RunSample(
        ["run.json": summary.replacing("\"title\"", with: "\"settings\": [\"stages.0.dynamics.deform.rate=\(rate)\"], \"title\""),
          "search.json": #"{"deck": {"text": "stages: [{dynamics: {deform: {axis: z, rate: 1e7 /s}}}]\n"}}"#], name: "r" + rate.prefix(3))
    }
    let html = try Self.page([run("1e9 /s", 8), run("1e8 /s", 6), run("1e10 /s", 11)])
    #expect(html.contains("<h3>Against rate</h3>") && html.contains(">rate, /s</text>"))
    let start = try #require(html.range(of: "<figcaption>highest stress of stage 1"))
    let chart = String(html[start.upperBound...].prefix(6000))
    // Two decades: a logarithmic axis, the middle run in the middle, in the order of rates.
    let points = chart.components(separatedBy: "<circle").dropFirst().prefix(3).compactMap { part -> (Double, Double)? in
      guard let x = Self.attribute("cx", of: part), let y = Self.attribute("cy", of: part) else { return nil }
      return (x, y)
    }
    #expect(points.count == 3)
    if points.count == 3 {
      #expect(abs(points[1].0 - 0.5 * (points[0].0 + points[2].0)) < 0.02 && points[0].0 < points[2].0)
      #expect(points[0].1 > points[1].1 && points[1].1 > points[2].1)
      #expect(abs((points[0].1 - points[1].1) / (points[1].1 - points[2].1) - 2.0 / 3) < 0.01)
    }
  }
}

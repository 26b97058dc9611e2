import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Thermostats on gases without forces, for which their equations can be solved by hand.
@Suite("Deck → numbers: thermostats") struct ThermostatKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static func temperatures(
    _ thermostat: String, steps: Int, timestep: Double = 0.001, start: Double = 300, size: Int = 6, every: Int = 1
  ) throws -> [Double] {
    try DeckRun(
      DynamicsKeyTests.gas(
        "{dynamics: {steps: \(steps), timestep: \(timestep), thermostat: {\(thermostat)}}}",
        more: "velocities: {temperature: \(start)}", size: size)
        + "\noutput: {thermo: {every: \(every), columns: [temperature]}}"
    ).thermo().compactMap { $0["temperature"] }
  }

  static func mean(_ x: some Collection<Double>) -> Double { x.reduce(0, +) / Double(x.count) }

  /// A chain on a gas: ẋ₁ = (2K − g k_B T)/Q₁ − x₁x₂, …, Ṫ = −2 x₁ T, by the midpoint rule in small steps.
  static func chain(
    _ length: Int, damping: Double, start: Double, freedom: Double, steps: Int, timestep: Double,
    target: (Double) -> Double
  ) -> [Double] {
    var state = [start] + [Double](repeating: 0, count: length)  // T, then the chain's velocities
    func slope(_ y: [Double], _ t: Double) -> [Double] {
      let aim = target(t)
      var d = [-2 * y[1] * y[0]]
      for k in 1...length {
        // In units of Q₁ = g k_B T τ², Q_k = k_B T τ².
        let drive =
          k == 1
          ? (y[0] / aim - 1) / (damping * damping)
          : ((k == 2 ? freedom : 1) * y[k - 1] * y[k - 1] * damping * damping - 1) / (damping * damping)
        d.append(drive - (k < length ? y[k] * y[k + 1] : 0))
      }
      return d
    }
    var out = [start]
    let parts = 20
    let h = timestep / Double(parts)
    for n in 0..<steps {
      for p in 0..<parts {
        let t = Double(n) * timestep + Double(p) * h
        let half = zip(state, slope(state, t)).map { $0 + 0.5 * h * $1 }
        state = zip(state, slope(half, t + 0.5 * h)).map { $0 + h * $1 }
      }
      out.append(state[0])
    }
    return out
  }

  static let effects = [
    KeyEffect("stages.dynamics.thermostat.langevin.damping") {
      // Without noise to speak of velocities fall as e^(−t/τ).
      for (text, damping) in [("", 0.1), (", damping: 0.04", 0.04), (", damping: 250 fs", 0.25)] {
        let t = try temperatures("langevin: {temperature: 1e-9\(text)}", steps: 40, timestep: 0.002)
        #expect(isClose(t[40] / t[0] * 1e3, 1e3 * exp(-2 * 0.08 / damping), 2e-5), "\(damping): \(t[40] / t[0])")
      }
    },
    KeyEffect("stages.dynamics.thermostat.langevin.temperature") {
      // From rest towards T(1 − e^(−2t/τ)); 3,000 numbers: 2.6 % a step.
      let t = try temperatures("langevin: {temperature: 500, damping: 0.05}", steps: 50, start: 0, size: 10)
      #expect(abs(t[25] / (500 * (1 - exp(-1))) - 1) < 0.12 && abs(t[50] / (500 * (1 - exp(-2))) - 1) < 0.12)
      try expectRamp("langevin: {temperature: [200, 600], damping: 0.003}")
    },
    KeyEffect("stages.dynamics.thermostat.rescale.temperature") {
      try expectRamp("rescale: {temperature: [200, 600], damping: 0.003}")
      let t = try temperatures("rescale: {temperature: 150, damping: 0.002}", steps: 40, size: 10)
      #expect(abs(mean(t[20...]) / 150 - 1) < 0.05)
    },
    KeyEffect("stages.dynamics.thermostat.rescale.damping") {
      // (T − T̄) falls as e^(−t/τ).
      for (text, damping) in [("", 0.1), (", damping: 0.03", 0.03)] {
        let t = try temperatures("rescale: {temperature: 900\(text)}", steps: 30, size: 12)
        let left = (900 - t[30]) / 600
        #expect(abs(left - exp(-0.03 / damping)) < 0.06, "\(damping): \(left)")
      }
    },
    KeyEffect(in: "stages.dynamics.thermostat.nose_hoover", "damping", "chain") {
      let freedom = 3.0 * 216 - 3
      for (text, damping, length) in [
        ("", 0.1, 3), (", damping: 0.05, chain: 1", 0.05, 1), (", damping: 80 fs, chain: 2", 0.08, 2),
        (", damping: 0.05, chain: 5", 0.05, 5),
      ] {
        let t = try temperatures("nose_hoover: {temperature: 400\(text)}", steps: 500)
        let own = chain(length, damping: damping, start: 300, freedom: freedom, steps: 500, timestep: 0.001) { _ in 400
        }
        #expect(own.max()! - own.min()! > 100)
        #expect(zip(t, own).allSatisfy { abs($0 - $1) < 2 }, "\(text): \(distance(t, own))")
        guard length == 1 else { continue }
        // Small oscillations have a period of √2 π τ; these are not small.
        let crossings = zip(t, t.dropFirst()).enumerated().filter { ($0.element.0 - 400) * ($0.element.1 - 400) < 0 }
        let period = 2 * 0.001 * Double(crossings.last!.offset - crossings.first!.offset) / Double(crossings.count - 1)
        #expect(abs(period / (2.0.squareRoot() * .pi * damping) - 1) < 0.05, "\(period)")
      }
    },
    KeyEffect("stages.dynamics.thermostat.nose_hoover.temperature") {
      let t = try temperatures("nose_hoover: {temperature: [300, 900], damping: 0.05}", steps: 1000)
      let own = chain(3, damping: 0.05, start: 300, freedom: 645, steps: 1000, timestep: 0.001) { 300 + 600 * $0 }
      #expect(zip(t, own).allSatisfy { abs($0 - $1) < 10 }, "\(distance(t, own))")
      #expect(abs(mean(t[450...550]) - 600) < 60)
    },
  ]

  /// A short damping follows the ramp: near its start, in the middle and at the end.
  static func expectRamp(_ thermostat: String) throws {
    let t = try temperatures(thermostat, steps: 400, start: 200, size: 10)
    for (at, kelvin) in [(20, 220.0), (200, 400), (385, 585)] {
      // Means over 30 steps that are correlated over three.
      let found = mean(t[(at - 15)...(at + 15)])
      #expect(abs(found / kelvin - 1) < 0.06, "step \(at): \(found) instead of \(kelvin)")
    }
  }

  /// The noise differs from atom to atom, from step to step and from component to component, and has no mean.
  @Test func langevinNoise() throws {
    let frames = try DeckRun(
      DynamicsKeyTests.gas(
        "{dynamics: {steps: 3, thermostat: {langevin: {temperature: 300, damping: 0.001}}}}",
        more: "velocities: {temperature: 0}") + DynamicsKeyTests.output, ranks: 3
    ).frames("t.extxyz")
    let c = exp(-1.0)
    let noise = zip(frames, frames.dropFirst()).map { a, b in zip(a.velocities, b.velocities).map { $1 - c * $0 } }
    let sigma = ((1 - c * c) * SI.boltzmann * 300 / (39.95 * SI.massUnit)).squareRoot()
    let all = noise.joined().flatMap { [$0.x, $0.y, $0.z] }
    #expect(Set(all).count == all.count)
    // 1,944 numbers.
    #expect(abs(Self.mean(all)) < 0.1 * sigma)
    #expect(abs((Self.mean(all.map { $0 * $0 })).squareRoot() / sigma - 1) < 0.07)
    let neighbors = zip(noise[0], noise[0].dropFirst()).map { dot($0, $1) / (3 * sigma * sigma) }
    #expect(abs(Self.mean(neighbors)) < 0.2)
    #expect(abs(Self.mean(zip(noise[0], noise[1]).map { dot($0, $1) / (3 * sigma * sigma) })) < 0.2)
  }
}

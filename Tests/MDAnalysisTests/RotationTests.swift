import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Rotation of bonds that turn evenly, that diffuse, and that break.
@Suite("Rotation") struct RotationTests {
  /// Pairs P–S far from one another, 2 Å long along x.
  static func pairs(_ n: Int) -> Structure {
    var (positions, types): ([Vector3], [Int32]) = ([], [])
    for a in 0..<n { for b in 0..<n { for c in 0..<n {
      let r = 10 * Vector3(Double(a) + 0.5, Double(b) + 0.5, Double(c) + 0.5)
      positions += [r, r + Vector3(2, 0, 0)]
      types += [0, 1]
    } } }
    return Structure(
      box: Box(lengths: 10 * Double(n) * Vector3(1, 1, 1)), species: ["P", "S"], types: types, positions: positions)
  }

  @Test("bonds that turn evenly: cos ωt and (3 cos² ωt − 1)/2") func even() throws {
    let s = Self.pairs(1)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 4, communicator)
      let instrument = try bench.instrument("rotation: {center: P, corner: S, cutoff: 2.5, points: 6, levels: 3}")
      let (omega, steps, interval) = (0.07, 80, 0.5)
      for n in 0..<steps {
        let angle = omega * Double(n)
        // Lengths change too; directions count.
        bench.atoms.position[1] = bench.atoms.position[0] + (2 + 0.3 * sin(Double(n))) * Vector3(cos(angle), sin(angle), 0)
        try instrument.measure(bench.scene(time: interval * Double(n)))
      }
      let report = instrument.report(communicator)
      let (lags, first, second) = (try report.column("samples"), try report.column("C1"), try report.column("C2"))
      #expect(lags == [1, 2, 3, 4, 5, 6, 9, 12, 15, 18, 27, 36, 45])
      for (k, lag) in lags.enumerated() {
        let c = cos(omega * lag)
        #expect(abs(first[k] - c) < 1e-12 && abs(second[k] - (1.5 * c * c - 0.5)) < 1e-12, "\(lag)")
      }
      #expect(try report.column("lag")[3] == 2 && report.column("windows")[0] == Double(steps - 1))
      #expect(try report.number("bonds").estimate.value == 1 && report.number("lost").estimate.value == 0)
    }
  }

  /// Two centres; the corner goes over from one to the other at look 20.
  @Test("windows of bonds that break end there") func broken() throws {
    var s = Self.pairs(1)
    s.positions.append(s.positions[0] + Vector3(5, 0, 0))
    s.types.append(0)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 4.5, communicator)
      let instrument = try bench.instrument("rotation: {center: P, corner: S, cutoff: 2.5, breaks: 2.8, points: 40, levels: 1}")
      for n in 0..<40 {
        bench.atoms.position[1] = bench.atoms.position[0] + Vector3(n < 20 ? 2 : 3.2, 0, 0)
        try instrument.measure(bench.scene())
      }
      let report = instrument.report(communicator)
      // Looks 0 … 19 have the first bond, 21 … 39 the second, which points the other way: no window has both.
      #expect(try report.column("C1").allSatisfy { $0 == 1 })
      #expect(try report.column("windows") == (1...19).map { Double(20 - $0) + Double(max(19 - $0, 0)) })
      #expect(try report.number("lost").estimate.value == 1)
      #expect(abs(try report.number("bonds").estimate.value - 39.0 / 40) < 1e-12)
      for wrong in ["breaks: 2", "points: 5", "corner: P", "center: Xe"] {
        let keys = ["center: P", "corner: S"].filter { $0.prefix(6) != wrong.prefix(6) } + ["cutoff: 2.5", wrong]
        #expect(throws: (any Error).self) { try bench.instrument("rotation: {name: wrong, \(keys.joined(separator: ", "))}") }
      }
    }
  }

  /// Directions that diffuse: C_l = exp(−l(l + 1) D t), so τ₁ = 1/2D and τ₂ = 1/6D; the intervals hold them.
  @Test("relaxation times of rotational diffusion") func diffusion() throws {
    let (d, interval, looks) = (0.05, 0.2, 4000)
    var held = [0, 0]
    let runs = 20
    for run in 0..<runs {
      var random = Randoms(UInt64(100 + run))
      let s = Self.pairs(2)
      try Bench.alone { communicator in
        let bench = Bench(s, reach: 3.5, communicator)
        let instrument = try bench.instrument("rotation: {center: P, corner: S, cutoff: 2.5, points: 16, levels: 4}")
        let bonds = (0..<s.count).filter { s.types[$0] == 1 }
        var directions = [Vector3](repeating: Vector3(1, 0, 0), count: s.count)
        // A turn by an angle whose cosine has the mean exp(−2 D Δt), about an axis that is at random across: exact for C₁.
        let target = exp(-2 * d * interval)
        for n in 0..<looks {
          for i in bonds {
            var u = directions[i]
            if n > 0 {
              // Langevin's distribution of the cosine: mean coth κ − 1/κ.
              let kappa = Self.kappa(target)
              let x = random.next()
              let cosine = 1 + log(x + (1 - x) * exp(-2 * kappa)) / kappa
              let phi = 2 * Double.pi * random.next()
              let helper = abs(u.x) < 0.9 ? Vector3(1, 0, 0) : Vector3(0, 1, 0)
              let a = cross(u, helper) / cross(u, helper).length
              let b = cross(u, a)
              let sine = max(1 - cosine * cosine, 0).squareRoot()
              u = cosine * u + sine * (cos(phi) * a + sin(phi) * b)
              u = u / u.length
            }
            directions[i] = u
            bench.atoms.position[i] = bench.atoms.position[i - 1] + 2 * u
          }
          try instrument.measure(bench.scene(time: interval * Double(n)))
        }
        let report = instrument.report(communicator)
        // C₂ of one step is 1 − 3 (coth κ − 1/κ)/κ, to the power of the steps.
        let kappa = Self.kappa(target)
        let second = 1 - 3 * target / kappa
        for (l, exact) in [(1, -interval / log(target)), (2, -interval / log(second))] {
          let e = try report.number("tau_\(l)").estimate
          #expect(abs(e.value - exact) < 6 * e.error && e.error < 0.3 * exact, "\(l): \(e) \(exact)")
          if abs(e.value - exact) <= e.halfInterval { held[l - 1] += 1 }
        }
        #expect(abs(-interval / log(target) - 1 / (2 * d)) < 1e-9 && abs(-interval / log(second) * 6 * d - 1) < 0.05)
      }
    }
    // Of 95 times in 100.
    #expect(held.allSatisfy { $0 >= 16 }, "\(held) of \(runs)")
  }

  /// κ with coth κ − 1/κ = c.
  private static func kappa(_ c: Double) -> Double {
    var (low, high) = (1e-3, 1e6)
    for _ in 0..<200 {
      let k = (low * high).squareRoot()
      if 1 / tanh(k) - 1 / k < c { low = k } else { high = k }
    }
    return low
  }

  @Test("the integral of a decay, and its end") func decay() {
    let times = (1...40).map { 0.3 * Double($0) }
    let c = times.map { exp(-$0 / 2) }
    #expect(Decay.end(c, low: 0.1) == c.firstIndex { $0 < 0.1 })
    for end in [15, 39] { #expect(abs(Decay.integral(c, times: times, end: end) - 2) < 1e-9, "\(end)") }
    // Where it is negative, lines: a triangle and its mirror image.
    #expect(abs(Decay.integral([0, -1], times: [1, 2], end: 1) - 0) < 1e-12)
    #expect(Decay.end([1, 0.5], low: 0.1) == nil)
  }
}

import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Random walks with jumps of very different lengths; unwrapped.
private func walk(_ count: Int, steps: Int, seed: UInt64) -> [[Vector3]] {
  var random = SplitMix64(seed: seed)
  var now = (0..<count).map { _ in 4 * random.vector() }
  return (0..<steps).map { _ in
    now = now.indices.map { now[$0] + (0.1 + Double($0 % 3)) * random.vector() }
    return now
  }
}

/// Displacements by brute force over whole histories, and errors that hold what they promise on diffusers whose D is known.
@Suite("Transport") struct TransportTests {
  @Test("windows of all levels are those of their origins", arguments: ["none", "mass"])
  func windows(drift: String) throws {
    let steps = 150
    let history = walk(7, steps: steps, seed: 2)
    try Bench.alone { communicator in
      let bench = Bench(count: 7, box: Box(lengths: Vector3(5, 6, 7)), communicator)
      let instrument = try bench.instrument(
        "transport: {points: 8, levels: 3, drift: \(drift), van_hove: {lags: [3, 12], largest: 6, bins: 12}}")
      for frame in history {
        place(frame, bench)
        try instrument.measure(bench.scene())
      }
      let report = instrument.report(communicator)
      let lags = try report.column("samples").map { Int($0) }
      #expect(lags == [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 28, 32, 48, 64, 80, 96, 112])
      func relative(_ t: Int, _ i: Int) -> Vector3 {
        drift == "none" ? history[t][i] : history[t][i] - (1.0 / 7) * history[t].reduce(Vector3.zero, +)
      }
      for (row, lag) in lags.enumerated() {
        let stride = lag < 8 ? 1 : lag < 32 ? 4 : 16
        var (n, sums, fourth) = (0.0, Vector3.zero, 0.0)
        for end in lag..<steps where end % stride == 0 {
          for i in 0..<7 {
            let d = relative(end, i) - relative(end - lag, i)
            n += 1
            sums += d * d
            fourth += d.squaredLength * d.squaredLength
          }
        }
        #expect(try report.column("windows_Ar")[row] == n)
        for (axis, name) in ["x", "y", "z"].enumerated() {
          #expect(abs(try report.column("msd_Ar_\(name)")[row] - sums[axis] / n) < 1e-9 * sums[axis] / n)
        }
        let square = sums.x + sums.y + sums.z
        #expect(abs(try report.column("msd_Ar")[row] - square / n) < 1e-9 * square / n)
        #expect(abs(try report.column("non_gaussian_Ar")[row] - (3 * fourth * n / (5 * square * square) - 1)) < 1e-9)
      }
      for lag in [3, 12] {
        var counts = [Double](repeating: 0, count: 12)
        for end in lag..<steps where end % (lag < 8 ? 1 : 4) == 0 {
          for i in 0..<7 {
            let r = (relative(end, i) - relative(end - lag, i)).length
            if r < 6 { counts[Int(r / 0.5)] += 1 }
          }
        }
        #expect(try report.column("windows_Ar_\(lag)", table: 1) == counts)
      }
    }
  }

  @Test("of a region: who was there, is there, has stayed", arguments: ["start", "ends", "stayed"])
  func regions(membership: String) throws {
    let steps = 90
    let history = walk(9, steps: steps, seed: 5)
    try Bench.alone { communicator in
      let box = Box(lengths: Vector3(5, 6, 7))
      let bench = Bench(count: 9, box: box, communicator)
      let instrument = try bench.instrument(
        "transport: {of: layer, points: 40, levels: 1, drift: none, membership: \(membership)}",
        regions: "{layer: {slab: {axis: z, range: [1, 5]}}}")
      for frame in history {
        place(frame, bench)
        try instrument.measure(bench.scene())
      }
      let inside = history.map { $0.map { r in (1..<5).contains(r.z - 7 * (r.z / 7).rounded(.down)) } }
      let report = instrument.report(communicator)
      for (row, lag) in try report.column("samples").map({ Int($0) }).enumerated() {
        var (n, atStart, sum) = (0.0, 0.0, 0.0)
        for end in lag..<steps {
          for i in 0..<9 where inside[end - lag][i] {
            atStart += 1
            let counts =
              membership == "start" || (membership == "ends" && inside[end][i])
              || (membership == "stayed" && (end - lag...end).allSatisfy { inside[$0][i] })
            guard counts else { continue }
            n += 1
            sum += (history[end][i] - history[end - lag][i]).squaredLength
          }
        }
        #expect(try report.column("windows_at_start_Ar")[row] == atStart)
        #expect(try report.column("windows_Ar")[row] == n)
        if n > 0 { #expect(abs(try report.column("msd_Ar")[row] - sum / n) < 1e-9 * sum / n) }
        if membership == "stayed" { #expect(abs(try report.column("survival_Ar")[row] - n / atStart) < 1e-12) }
      }
      let left = (1..<steps).reduce(0) { s, t in s + (0..<9).filter { inside[t - 1][$0] && !inside[t][$0] }.count }
      let came = (1..<steps).reduce(0) { s, t in s + (0..<9).filter { !inside[t - 1][$0] && inside[t][$0] }.count }
      #expect(try report.number("left").estimate.value == Double(left) && left > 20)
      #expect(try report.number("came").estimate.value == Double(came) && came > 20)
      let mean = inside.reduce(0) { $0 + $1.filter { $0 }.count }
      #expect(abs(try report.number("inside_Ar").estimate.value - Double(mean) / Double(steps)) < 1e-9)
    }
  }

  @Test("velocity correlation and its spectrum") func velocities() throws {
    let steps = 100
    try Bench.alone { communicator in
      let bench = Bench(count: 5, box: Box(lengths: Vector3(5, 6, 7)), communicator)
      let every = try bench.instrument("velocities: {samples: 20, origins: 20}")
      let some = try bench.instrument("velocities: {name: some, samples: 20, origins: 4}")
      // Oscillators: at 2 THz and others.
      let v = (0..<steps).map { t in
        (0..<5).map { i in Vector3(cos(0.125 * Double(t) * Double.pi), 0.2 * sin(Double(t * i)), 0.1 * Double(i)) }
      }
      for t in 0..<steps {
        for i in 0..<5 { bench.atoms.velocity[i] = v[t][i] }
        let scene = bench.scene(time: 0.03125 * Double(t))
        try every.measure(scene)
        try some.measure(scene)
      }
      for (instrument, gap) in [(every, 1), (some, 5)] {
        let report = instrument.report(communicator)
        let found = try report.column("vacf_Ar")
        #expect(found.count == 20)
        for lag in 0..<20 {
          var (n, sum) = (0.0, 0.0)
          for origin in stride(from: 0, to: steps - lag, by: gap) {
            for i in 0..<5 {
              n += 1
              sum += dot(v[origin][i], v[origin + lag][i])
            }
          }
          #expect(try report.column("windows_Ar")[lag] == n, "\(lag)")
          #expect(abs(found[lag] - sum / n) < 1e-10)
        }
      }
      let report = every.report(communicator)
      let (frequency, density) = (try report.column("frequency", table: 1), try report.column("dos_Ar", table: 1))
      let c = try report.column("vacf_Ar")
      for h in 0..<20 {
        let nu = Double(h) / (2 * 19 * 0.03125)
        #expect(abs(frequency[h] - nu) < 1e-9)
        var integral = 0.0
        for k in 0..<20 {
          let w = 0.5 * (1 + cos(Double.pi * Double(k) / 19)) * (k == 0 || k == 19 ? 0.5 : 1)
          integral += 4 * 0.03125 * w * c[k] / c[0] * cos(2 * Double.pi * nu * 0.03125 * Double(k))
        }
        #expect(abs(density[h] - integral) < 1e-9)
      }
      let area = density.enumerated().reduce(0) { $0 + ($1.0 == 0 || $1.0 == 19 ? 0.5 : 1) * $1.1 } * frequency[1]
      #expect(abs(area - 1) < 1e-9)
    }
  }

  @Test("conductivity of charges that move together and apart") func conductivity() throws {
    // Pairs of unlike charges on one walk: no conductivity, though each diffuses.
    let history = walk(6, steps: 400, seed: 11)
    try Bench.alone { communicator in
      let bench = Bench(count: 6, box: Box(lengths: Vector3(50, 50, 50)), communicator)
      let instrument = try bench.instrument(
        "transport: {points: 16, levels: 1, drift: none, charges: {Ar: 2}, temperature: 500}")
      for frame in history {
        place(frame, bench)
        for i in 0..<6 { bench.atoms.velocity[i] = frame[i] }
        try instrument.measure(bench.scene(time: 0.1 * Double(bench.step)))
      }
      let report = instrument.report(communicator)
      let dipoles = history.map { 2 * $0.reduce(Vector3.zero, +) }
      for (row, lag) in try report.column("samples").map({ Int($0) }).enumerated() {
        let n = Double(400 - lag)
        let square = (lag..<400).reduce(0) { $0 + (dipoles[$1] - dipoles[$1 - lag]).squaredLength } / n
        let product = (lag..<400).reduce(0) { $0 + dot(dipoles[$1], dipoles[$1 - lag]) } / n
        #expect(abs(try report.column("collective")[row] - square) < 1e-9 * square)
        #expect(abs(try report.column("current_correlation")[row] - product) < 1e-9 * abs(product))
      }
      // Independent walks: Haven's ratio is 1 within its error, and σ = Σ N q² D/(V k T).
      let haven = try report.number("haven_ratio").estimate
      #expect(abs(haven.value - 1) < 3 * haven.error && haven.error < 0.5, "\(haven)")
      let d = try report.number("D_Ar").estimate.value
      let sigma = try report.number("nernst_einstein").estimate.value
      let expected = 6 * 4 * d / (125_000 * Units.boltzmann * 500) * 1602.176634
      #expect(abs(sigma / expected - 1) < 0.05, "\(sigma), \(expected)")
    }
  }

  @Test("Born charges carry Z v, and its integral over time takes the place of q r") func born() throws {
    let box = Box(lengths: Vector3(repeating: 10))
    try Bench.alone { communicator in
      let bench = Bench(count: 5, box: box, communicator)
      let born = bench.atoms.addColumn("born_charges", width: 9)
      let instrument = try bench.instrument("transport: {points: 6, levels: 1, drift: none, current: born, temperature: 300}")
      var random = Randoms(6)
      var (currents, moments): ([Vector3], [Vector3]) = ([], [])
      for t in 0..<8 {
        var current = Vector3.zero
        for i in 0..<5 {
          bench.atoms.position[i] = random.vector()
          bench.atoms.velocity[i] = random.vector()
          for k in 0..<9 { born[9 * i + k] = random.next() - 0.3 }
          for a in 0..<3 { for b in 0..<3 { current[a] += born[9 * i + 3 * a + b] * bench.atoms.velocity[i][b] } }
        }
        let step = 0.5 * (current + (currents.last ?? current))
        moments.append((moments.last ?? .zero) + (t == 0 ? .zero : step))
        currents.append(current)
        try instrument.measure(bench.scene())
      }
      let report = instrument.report(communicator)
      let (collective, correlation) = (try report.column("collective"), try report.column("current_correlation"))
      for lag in 1...5 {
        var (square, product) = (0.0, 0.0)
        for t in lag..<8 {
          square += (moments[t] - moments[t - lag]).squaredLength / Double(8 - lag)
          product += dot(currents[t], currents[t - lag]) / Double(8 - lag)
        }
        #expect(abs(collective[lag - 1] - square) < 1e-10 * square && abs(correlation[lag - 1] - product) < 1e-10 * abs(product))
      }
    }
  }

  @Test("what does not diffuse is not given a coefficient") func caged() throws {
    try Bench.alone { communicator in
      let bench = Bench(count: 20, box: Box(lengths: Vector3(50, 50, 50)), communicator)
      let instrument = try bench.instrument("transport: {points: 16, levels: 2}")
      var random = Randoms(4)
      for _ in 0..<800 {
        place((0..<20).map { Vector3(Double($0), 3, 3) + 0.2 * random.vector() }, bench)
        try instrument.measure(bench.scene(time: 0.1 * Double(bench.step)))
      }
      let d = try instrument.report(communicator).number("D_Ar")
      #expect(d.estimate.value.isNaN && d.note?.contains("not diffusive: exponent") ?? false, "\(d)")
      let short = try bench.instrument("transport: {name: short}")
      for _ in 0..<6 { try short.measure(bench.scene()) }
      #expect(try short.report(communicator).number("D_Ar").note?.contains("too short") ?? false)
    }
  }

  @Test("samples that are not as far apart as before begin windows anew") func gaps() throws {
    try Bench.alone { communicator in
      let bench = Bench(count: 1, box: Box(lengths: Vector3(50, 50, 50)), communicator)
      let instrument = try bench.instrument("transport: {points: 8, levels: 1, drift: none}")
      for t in [0.0, 1, 2, 3, 10, 11, 12] {
        place([Vector3(t, 0, 0)], bench)
        try instrument.measure(bench.scene(time: t))
      }
      let report = instrument.report(communicator)
      #expect(try report.column("windows_Ar") == [5, 3, 1])
      #expect(try report.column("msd_Ar") == [1, 4, 9])
    }
  }

  @Test("survival between absorbing faces, early and late, seen always and now and then, and back to D") func survival() {
    for x in [1e-4, 1e-3, 4.9e-3, 5.1e-3, 0.02, 0.1, 0.5] {
      // The other form: the faces' images, 1 − 4√x (1/√π + 2 Σ (−1)ⁿ ierfc(n/2√x)).
      var sum = 0.0
      for n in 1...60 {
        let a = Double(n) / (2 * x.squareRoot())
        sum += (n % 2 == 0 ? 1 : -1) * (exp(-a * a) / Double.pi.squareRoot() - a * erfc(a))
      }
      let other = 1 - 4 * x.squareRoot() * (1 / Double.pi.squareRoot() + 2 * sum)
      let found = Survival.left(time: 9 * x / 0.7, diffusion: 0.7, thickness: 3, interval: 0)
      #expect(abs(found - other) < 1e-10, "\(x)")
      // No jump where one form takes over from the other.
      let (a, b) = (0.99999 * x, 1.00001 * x)
      let near = [a, b].map { Survival.left(time: 9 * $0 / 0.7, diffusion: 0.7, thickness: 3, interval: 0.01) }
      #expect(abs(near[0] - near[1]) < 1e-4)
    }
    // A walk looked at every 0.02 ps, 200,000 times (D 0.3, L 4), by another program.
    for (time, left) in [(0.02, 0.97825), (0.12, 0.92127), (0.42, 0.83053), (1.22, 0.68974), (2.4, 0.552835)] {
      #expect(abs(Survival.left(time: time, diffusion: 0.3, thickness: 4, interval: 0.02) - left) < 0.0035, "\(time)")
    }
    let times = (1...30).map { 0.1 * Double($0) }
    let s = times.map { Survival.left(time: $0, diffusion: 0.9, thickness: 5, interval: 0.1) }
    #expect(abs(Survival.diffusion(s, times: times, thickness: 5, interval: 0.1) - 0.9) < 1e-4)
    // What is left of a stay: L²/12D at first, and less by S in time.
    func remaining(_ time: Double) -> Double { Survival.remaining(after: time, diffusion: 0.9, thickness: 5, interval: 0) }
    #expect(abs(remaining(0) - 25 / (12 * 0.9)) < 1e-5)
    for time in [0.3, 2.0] {
      let slope = (remaining(time + 1e-4) - remaining(time - 1e-4)) / 2e-4
      #expect(abs(slope + Survival.left(time: time, diffusion: 0.9, thickness: 5, interval: 0)) < 1e-5)
    }
  }
}

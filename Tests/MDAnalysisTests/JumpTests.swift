import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Jumps between sites, and van Hove's distinct part, against what walkers did and sums over all images.
@Suite("Jumps") struct JumpTests {
  /// Walkers that hop between neighbouring sites of a sheared lattice, rattle in cores and are caught between them now and then,
  /// while a heavy atom carries all of it along.
  @Test("walkers on a lattice, whose sites are given or those of the first look", arguments: [true, false])
  func walkers(isOfBasis: Bool) throws {
    let (n, spacing, interval, looks, count) = (4, 2.5, 0.25, 400, 24)
    let axes = Matrix3(Vector3(1, 0, 0), Vector3(0.3, 1, 0), Vector3(0, -0.2, 1))
    let box = Box(cell: Double(n) * spacing * axes, origin: Vector3(1, 2, 3), periodic: .all)
    var random = Randoms(3)
    var places = (0..<count).map { SIMD3($0 % n, $0 / n % n, $0 / (n * n)) }
    func cartesian(_ p: SIMD3<Int>) -> Vector3 {
      box.cartesian((1 / Double(n)) * Vector3(Double(p.x), Double(p.y), Double(p.z)))
    }
    func wrapped(_ p: SIMD3<Int>) -> SIMD3<Int> { SIMD3((p.x % n + n) % n, (p.y % n + n) % n, (p.z % n + n) % n) }
    let s = Structure(
      box: box, species: ["O", "Li"], types: [0] + Array(repeating: 1, count: count),
      positions: [box.cartesian(Vector3(0.3, 0.4, 0.1))] + places.map(cartesian))
    let known = Set(places)
    var homes = places.map { Optional($0) }
    var (jumps, lengths, cores, time) = (0, 0.0, 0, 0.0)
    var occupancy = [0, 0, 0]
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 1, masses: [1e15, 1], communicator)
      let keys = isOfBasis ? "basis: [[0, 0, 0]], repeat: [\(n), \(n), \(n)], " : ""
      let instrument = try bench.instrument("jumps: {of: Li, \(keys)radius: 1.0, largest: 20, bins: 20}")
      for look in 0..<looks {
        let drift = Double(look) * Vector3(0.11, -0.07, 0.05)
        bench.atoms.position[0] = s.positions[0] + drift
        for i in 0..<count {
          var middle = Vector3.zero
          if look > 0 {
            time += interval
            if random.next() < 0.05 {
              var step = SIMD3(0, 0, 0)
              step[Int(random.next() * 3)] = random.next() < 0.5 ? 1 : -1
              // Nobody is in a core while he is between two sites.
              if random.next() < 0.5 { middle = 0.5 * (cartesian(step) - cartesian(.zero)) } else { places[i] = places[i] &+ step }
            }
          }
          let site = wrapped(places[i])
          if middle == .zero, isOfBasis || known.contains(site) {
            cores += 1
            if let home = homes[i], home != site {
              jumps += 1
              lengths += bench.scene().nearestImage(cartesian(site) - cartesian(home)).length
            }
            homes[i] = site
          }
          // Not at the first look, which may be what tells the sites.
          let rattle = (look > 0 ? 0.3 : 0) * (random.vector() - Vector3(0.5, 0.5, 0.5))
          bench.atoms.position[i + 1] = cartesian(places[i]) + middle + (middle == .zero ? rattle : .zero) + drift
        }
        let taken = Dictionary(grouping: homes.compactMap { $0 }) { $0 }.mapValues(\.count)
        occupancy[1] += taken.values.filter { $0 == 1 }.count
        occupancy[2] += taken.values.filter { $0 > 1 }.count
        occupancy[0] += (isOfBasis ? n * n * n : count) - taken.count
        try instrument.measure(bench.scene(time: interval * Double(look)))
      }
      let report = instrument.report(communicator)
      func value(_ name: String) throws -> Double { try report.number(name).estimate.value }
      #expect(jumps > 50)
      #expect(try value("jumps") == Double(jumps))
      #expect(abs(try value("rate") - Double(jumps) / time) < 1e-12)
      #expect(abs(try value("residence") - time / Double(jumps)) < 1e-9)
      #expect(abs(try value("length") - lengths / Double(jumps)) < 1e-9)
      #expect(abs(try value("in_cores") - Double(cores) / Double(count * looks)) < 1e-12)
      let all = Double(occupancy.reduce(0, +))
      for (k, name) in ["vacant", "single", "multiple"].enumerated() {
        #expect(abs(try value(name) - Double(occupancy[k]) / all) < 1e-12, "\(name)")
      }
      let histogram = try report.column("jumps")
      #expect(histogram.reduce(0, +) == Double(jumps) && histogram.count == 20)
      if isOfBasis {
        #expect(histogram[..<2].allSatisfy { $0 == 0 } && histogram[2] > 0)
        // Hops of chance: the error is that of their number, and the walk that of its lengths.
        let e = try report.number("rate").estimate
        #expect(e.error > 0.5 * e.value / Double(jumps).squareRoot() && e.error < 2 * e.value / Double(jumps).squareRoot())
      }
      for wrong in ["radius: 1, repeat: [2, 2, 2]", "radius: 1.3, basis: [[0, 0, 0]], repeat: [4, 4, 4]", "of: Li"] {
        #expect(throws: (any Error).self) { try bench.instrument("jumps: {\(wrong)}") }
      }
    }
  }

  @Test("sites that are as near as their cores are wide are said") func crowded() throws {
    let s = Structure(
      box: Box(cell: Matrix3(diagonal: Vector3(12, 12, 12))), species: ["Li"], types: [0, 0],
      positions: [Vector3(1, 1, 11.5), Vector3(1, 1, 1.5)])
    for (radius, isCrowded) in [(0.9, false), (1.1, true)] {
      try Bench.alone { communicator in
        let bench = Bench(s, reach: 1, communicator)
        let instrument = try bench.instrument("jumps: {of: Li, radius: \(radius)}")
        try instrument.measure(bench.scene())
        let note = try instrument.report(communicator).number("rate").note
        #expect((note?.contains("as near as 2.00 Å") == true) == isCrowded && (note == nil) == !isCrowded, "\(radius): \(note ?? "")")
      }
    }
  }

  @Test("the distinct part is that of all pairs", arguments: [true, false]) func distinct(isPeriodic: Bool) throws {
    let s = randomStructure(24, seed: 6, periodic: isPeriodic ? .all : Periodicity(true, false, true))
    var random = Randoms(8)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 1, communicator)
      let instrument = try bench.instrument(
        "transport: {points: 6, levels: 2, van_hove: {lags: [2, 9], largest: 4.4, bins: 11, distinct: true}}")
      var frames: [[Vector3]] = []
      for _ in 0..<24 {
        for i in 0..<s.count { bench.atoms.position[i] = bench.atoms.position[i] + 3 * (random.vector() - Vector3(0.4, 0.5, 0.5)) }
        frames.append((0..<s.count).map { bench.atoms.position[$0] })
        try instrument.measure(bench.scene())
      }
      let report = instrument.report(communicator)
      let table = try #require(report.tables.firstIndex { $0.suffix == "distinct" })
      let centers = frames.map { f in (1 / Double(s.count)) * f.reduce(Vector3.zero, +) }
      let n = [s.types.filter { $0 == 0 }.count, s.types.filter { $0 == 1 }.count].map { Double($0) }
      for lag in [2, 9] {
        var counts = [[Double]](repeating: [Double](repeating: 0, count: 11), count: 4)
        var windows = 0.0
        for t in lag..<frames.count where lag == 2 || t % 3 == 0 {
          windows += 1
          for i in 0..<s.count {
            for j in 0..<s.count where i != j {
              let d = (frames[t][j] - centers[t]) - (frames[t - lag][i] - centers[t - lag])
              var f = d * s.box.inverse
              for k in 0..<3 where s.box.periodic[k] { f[k] -= f[k].rounded() }
              for a in -2...2 { for b in -2...2 { for c in -2...2 where isPeriodic || b == 0 {
                let r = ((f + Vector3(Double(a), Double(b), Double(c))) * s.box.cell).length
                if r < 4.4 { counts[2 * Int(s.types[i]) + Int(s.types[j])][Int(r / 0.4)] += 1 }
              } } }
            }
          }
        }
        for (a, then) in s.species.enumerated() {
          for (b, now) in s.species.enumerated() {
            let name = "\(then)_\(now)_\(lag)"
            #expect(try report.column("pairs_" + name, table: table) == counts[2 * a + b], "\(name)")
            let g = try report.column("g_" + name, table: table)
            for k in 0..<11 {
              let (low, high) = (0.4 * Double(k), 0.4 * Double(k + 1))
              let shell = 4 / 3 * Double.pi * (high * high * high - low * low * low)
              let ideal = windows * n[a] * (n[b] - (a == b ? 1 : 0)) / s.box.volume * shell
              #expect(abs(g[k] - counts[2 * a + b][k] / ideal) < 1e-9 * max(1, g[k]))
            }
          }
        }
      }
    }
  }
}

import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// A potential of many bodies that are not central, E_i = ½ Σ_j a u(d_ij) + Σ_j u(d_ij) (b·d_ij)/R + |P_i|²/R² with
/// P_i = Σ_j d_ij u(d_ij), u = (1 − d²/R²)² within R: what stress and heat flux are tested on.
private struct Toy {
  let reach = 3.5
  let field = Vector3(0.4, -0.7, 0.2)

  func u(_ d: Vector3) -> (value: Double, slope: Double) {
    let rest = 1 - d.squaredLength / (reach * reach)
    return rest > 0 ? (rest * rest, -4 * rest / (reach * reach)) : (0, 0)
  }

  /// E_i of the vectors to neighbours and ∂E_i/∂d.
  func evaluate(_ vectors: [Vector3]) -> (energy: Double, gradients: [Vector3]) {
    let p = vectors.reduce(Vector3.zero) { $0 + u($1).value * $1 }
    var energy = p.squaredLength / (reach * reach)
    let gradients = vectors.map { d -> Vector3 in
      let (value, slope) = u(d)
      energy += 0.3 * value + value * dot(field, d) / reach
      let even: Vector3 = 0.3 * slope * d + slope * dot(field, d) / reach * d + value / reach * field
      return even + 2 / (reach * reach) * (value * p + slope * dot(p, d) * d)
    }
    return (energy, gradients)
  }

  /// Forces, energies and virials of the bench's atoms, told pair by pair. Returns the forces on local atoms and all terms.
  @discardableResult
  func compute(_ bench: Bench) -> (forces: [Vector3], pairs: [(i: Int, j: Int, d: Vector3, g: Vector3)]) {
    let atoms = bench.atoms
    let (energies, virials) = (atoms.needEnergy(), atoms.needVirial())
    atoms.clearResults()
    let stream = atoms.needPairForces()
    stream.begin(atoms.view, bench.box)
    var pairs: [(i: Int, j: Int, d: Vector3, g: Vector3)] = []
    for i in 0..<atoms.localCount {
      let near = (0..<atoms.count).filter { $0 != i && (atoms.position[$0] - atoms.position[i]).length < reach }
      let vectors = near.map { atoms.position[$0] - atoms.position[i] }
      let (energy, gradients) = evaluate(vectors)
      energies[i] = energy
      for (k, j) in near.enumerated() {
        let (d, g) = (vectors[k], gradients[k])
        atoms.force[i] += g
        atoms.force[j] -= g
        let half = -0.5 * Matrix3.outer(d, g)
        half.add(to: virials.pointer + 9 * i)
        half.add(to: virials.pointer + 9 * j)
        stream.add(i, j, isShared: false, d, g)
        pairs.append((i, j, d, g))
      }
    }
    stream.finish()
    bench.ghosts.reverse([atoms.force.storage, virials.storage])
    return ((0..<atoms.localCount).map { atoms.force[$0] }, pairs)
  }
}

@Suite("Stress in space and heat flux") struct StressTests {
  private static let gigapascal = Units.energyPerVolumeToBar / 10_000

  private func symmetric(_ d: Vector3, _ g: Vector3) -> [Double] {
    [d.x * g.x, d.y * g.y, d.z * g.z, 0.5 * (d.y * g.z + d.z * g.y), 0.5 * (d.x * g.z + d.z * g.x), 0.5 * (d.x * g.y + d.y * g.x)]
  }

  /// The part of 0 … 1 in which p + t d is between k and k + 1 along each axis.
  private func part(_ p: [Double], _ d: [Double], _ k: [Int]) -> Double {
    var (low, high) = (0.0, 1.0)
    for (axis, k) in k.enumerated() {
      guard d[axis] != 0 else {
        if Int(p[axis].rounded(.down)) != k { return 0 }
        continue
      }
      let ends = [(Double(k) - p[axis]) / d[axis], (Double(k + 1) - p[axis]) / d[axis]].sorted()
      (low, high) = (max(low, ends[0]), min(high, ends[1]))
    }
    return max(high - low, 0)
  }

  @Test("lines of pairs, interval by interval, and together the virial", arguments: ["along: b", "in: ac", "in: ab"], [true, false])
  func lines(_ key: String, isPeriodic: Bool) throws {
    let toy = Toy()
    let s = randomStructure(26, seed: 3, periodic: isPeriodic ? .all : Periodicity(true, false, true))
    try Bench.alone { communicator in
      let bench = Bench(s, reach: toy.reach, masses: [23, 35], communicator)
      let bins = 5
      let instrument = try bench.instrument("stress: {\(key), bins: \(bins)}", reach: toy.reach)
      let pairs = toy.compute(bench).pairs
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      let axes = key.suffix(key.hasPrefix("in") ? 2 : 1).map { ["a": 0, "b": 1, "c": 2][$0]! }
      let count = axes.count == 1 ? bins : bins * bins
      var expected = [[Double]](repeating: [Double](repeating: 0, count: 6), count: count)
      let scale = Self.gigapascal * Double(count) / s.box.volume
      func number(_ k: [Int]) -> Int {
        let inside = zip(k, axes).map { k, axis in
          s.box.periodic[axis] ? ((k % bins) + bins) % bins : min(max(k, 0), bins - 1)
        }
        return inside.reduce(0) { bins * $0 + $1 }
      }
      var total = [Double](repeating: 0, count: 6)
      for i in 0..<s.count {
        let place = axes.map { s.box.fractional(bench.atoms.position[i])[$0] * Double(bins) }
        let v = bench.atoms.velocity[i]
        let motion = symmetric(v, -s.masses(23, 35)[i] * Units.massVelocitySquaredToEnergy * v)
        for k in 0..<6 {
          expected[number(place.map { Int($0.rounded(.down)) })][k] += scale * motion[k]
          total[k] += motion[k]
        }
      }
      for pair in pairs {
        let p = axes.map { s.box.fractional(bench.atoms.position[pair.i])[$0] * Double(bins) }
        let d = axes.map { (pair.d * s.box.inverse)[$0] * Double(bins) }
        let stress = symmetric(pair.d, pair.g)
        for a in -9...14 {
          for b in axes.count == 1 ? 0...0 : -9...14 {
            let k = axes.count == 1 ? [a] : [a, b]
            let share = part(p, d, k)
            if share > 0 { for c in 0..<6 { expected[number(k)][c] += share * scale * stress[c] } }
          }
        }
        for c in 0..<6 { total[c] += stress[c] }
      }
      let largest = expected.joined().map(abs).max() ?? 0
      for (c, name) in ["xx", "yy", "zz", "yz", "xz", "xy"].enumerated() {
        let found = try report.column("stress_" + name)
        for n in 0..<count { #expect(abs(found[n] - expected[n][c]) < 1e-11 * largest, "\(name) of \(n)") }
        let whole = try report.number("stress_" + name).estimate.value
        #expect(abs(whole - total[c] * Self.gigapascal / s.box.volume) < 1e-12 * largest)
        #expect(abs(found.reduce(0, +) / Double(count) - whole) < 1e-12 * largest)
      }
    }
  }

  @Test("tractions change by the forces in between, and their mean is the stress on the planes", arguments: ["a", "b", "c"])
  func planes(_ axis: String) throws {
    let toy = Toy()
    var s = randomStructure(26, seed: 8)
    s.velocities = s.velocities?.map { _ in .zero }
    let k = ["a": 0, "b": 1, "c": 2][axis]!
    try Bench.alone { communicator in
      let bench = Bench(s, reach: toy.reach, communicator)
      let bins = 400
      let instrument = try bench.instrument("stress: {along: \(axis), bins: \(bins), planes: true}", reach: toy.reach)
      let forces = toy.compute(bench).forces
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      let area = s.box.volume / s.box.heights[k]
      let inverse = s.box.inverse
      let normal = s.box.heights[k] * Vector3(inverse.x[k], inverse.y[k], inverse.z[k])
      var stress = [Double](repeating: 0, count: 6)
      for (c, name) in ["xx", "yy", "zz", "yz", "xz", "xy"].enumerated() { stress[c] = try report.number("stress_" + name).estimate.value }
      // Local stress of many bodies need not be symmetric; of the whole cell it is only where the energy does not turn.
      var whole = Matrix3.zero
      for pair in toy.compute(bench).pairs { whole += Matrix3.outer(pair.d, pair.g) }
      let expected = Self.gigapascal / s.box.volume * (normal * whole)
      for (c, name) in ["x", "y", "z"].enumerated() {
        let t = try report.column("traction_" + name, table: 1)
        let scale = t.map(abs).max() ?? 0
        #expect(t.count == bins && scale > 1)
        for n in 0..<bins {
          let inside = (0..<s.count).filter {
            let f = s.box.fractional(bench.atoms.position[$0])[k] * Double(bins)
            return Int(f.rounded(.down)) == n
          }
          let change = inside.reduce(0.0) { $0 + forces[$1][c] } * Self.gigapascal / area
          #expect(abs(t[(n + 1) % bins] - t[n] - change) < 1e-11 * scale, "\(name) above \(n)")
        }
        #expect(abs(t.reduce(0, +) / Double(bins) - expected[c]) < 0.02 * scale, "\(name)")
      }
      #expect(stress.contains { abs($0) > 1 })
    }
  }

  @Test("atoms that fly carry momentum through planes") func flight() throws {
    var s = randomStructure(26, seed: 8)
    s.velocities = s.velocities?.map { 60 * $0 }
    let mass = 30.0
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 1, masses: [mass, mass], communicator)
      let instrument = try bench.instrument("stress: {along: c, bins: 8, planes: true, flight: 40 fs}", reach: 1)
      bench.atoms.needVirial()
      bench.atoms.clearResults()
      bench.atoms.needPairForces().begin(bench.atoms.view, bench.box)
      bench.atoms.needPairForces().finish()
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      // Through which planes each goes from 20 fs before to 20 fs after.
      var expected = [Vector3](repeating: .zero, count: 8)
      var crossings = 0
      for i in 0..<s.count {
        let (r, v) = (bench.atoms.position[i], bench.atoms.velocity[i])
        let before = s.box.fractional(r - 0.02 * v).z * 8
        let after = s.box.fractional(r + 0.02 * v).z * 8
        for plane in -20...28 where (before < Double(plane)) != (after < Double(plane)) {
          crossings += 1
          let momentum = mass * Units.massVelocitySquaredToEnergy * v
          expected[((plane % 8) + 8) % 8] -= (after > before ? 1 : -1) / 0.04 * momentum
        }
      }
      #expect(crossings > 8)
      let area = s.box.volume / s.box.heights.z
      for (c, name) in ["x", "y", "z"].enumerated() {
        let t = try report.column("traction_" + name, table: 1)
        for n in 0..<8 { #expect(abs(t[n] - expected[n][c] * Self.gigapascal / area) < 1e-10, "\(name) \(n)") }
      }
    }
  }

  @Test("potentials that do not tell all pairs are refused by name; so is `of`") func refusals() throws {
    try Bench.alone { communicator in
      let bench = Bench(randomStructure(8, seed: 1), reach: 2, communicator)
      bench.potentials = [("lj/cut", .energies), ("hdnnp", .forces), ("coulomb (pppm)", .partial)]
      for (measure, culprit) in [("stress: {along: c, planes: true}", "coulomb (pppm)"), ("heat_flux: {}", "hdnnp, coulomb (pppm)")] {
        do {
          _ = try bench.instrument(measure)
          Issue.record("\(measure) is taken")
        } catch { #expect("\(error)".contains(culprit) && !"\(error)".contains("lj"), "\(error)") }
      }
      _ = try bench.instrument("stress: {in: ab}")
      for wrong in ["stress: {along: a, in: ab}", "stress: {in: ab, planes: true}", "stress: {along: a, of: Na}", "heat_flux: {of: Na}"] {
        #expect(throws: (any Error).self) { _ = try bench.instrument(wrong) }
      }
    }
  }

  // MARK: Heat

  /// A cluster whose mass centre stands still.
  private var cluster: Structure {
    var s = randomStructure(12, seed: 4, periodic: .none, species: ["Na", "Cl"])
    s.positions = s.positions.map { s.box.origin + 0.45 * ($0 - s.box.origin) }
    let masses = s.masses(23, 35)
    let momentum = zip(masses, s.velocities!).reduce(Vector3.zero) { $0 + $1.0 * $1.1 } / masses.reduce(0, +)
    s.velocities = s.velocities!.map { 8 * ($0 - momentum) }
    return s
  }

  @Test("the heat current is d/dt of Σ r e in a cluster by itself") func current() throws {
    let toy = Toy()
    let s = cluster
    let masses = s.masses(23, 35)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: toy.reach, masses: [23, 35], communicator)
      let instrument = try bench.instrument("heat_flux: {samples: 2}", reach: toy.reach)
      let forces = toy.compute(bench).forces
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      // Σ r e a moment before and after; places to second order, velocities to first, errors of h².
      func moment(_ h: Double) -> Vector3 {
        var moved = s
        for i in 0..<s.count {
          let a = forces[i] / (masses[i] * Units.massVelocitySquaredToEnergy)
          moved.positions[i] += h * s.velocities![i] + 0.5 * h * h * a
          moved.velocities![i] += h * a
        }
        let other = Bench(moved, reach: toy.reach, masses: [23, 35], communicator)
        toy.compute(other)
        return (0..<s.count).reduce(Vector3.zero) { sum, i in
          let motion = 0.5 * masses[i] * Units.massVelocitySquaredToEnergy * moved.velocities![i].squaredLength
          return sum + (motion + other.atoms.energy![i]) * moved.positions[i]
        }
      }
      let h = 1e-5
      let rate = (moment(h) - moment(-h)) / (2 * h)
      #expect(rate.length > 1)
      for (k, name) in ["x", "y", "z"].enumerated() {
        let found = try report.number("current_" + name).estimate.value
        #expect(abs(found - rate[k]) < 1e-6 * rate.length, "\(name): \(found), \(rate[k])")
      }
    }
  }

  @Test("its correlation and the integral of it") func correlation() throws {
    let toy = Toy()
    let s = cluster
    try Bench.alone { communicator in
      let bench = Bench(s, reach: toy.reach, masses: [23, 35], communicator)
      let instrument = try bench.instrument("heat_flux: {samples: 4}", reach: toy.reach)
      var random = Randoms(11)
      var currents: [Vector3] = []
      var motion = 0.0
      for _ in 0..<40 {
        for i in 0..<s.count { bench.atoms.velocity[i] = 4 * (random.vector() - Vector3(0.5, 0.5, 0.5)) }
        let pairs = toy.compute(bench).pairs
        try instrument.measure(bench.scene())
        let masses = s.masses(23, 35)
        let drift = (0..<s.count).reduce(Vector3.zero) { $0 + masses[$1] * bench.atoms.velocity[$1] } / masses.reduce(0, +)
        var current = Vector3.zero
        for i in 0..<s.count {
          let v = bench.atoms.velocity[i] - drift
          let own = masses[i] * Units.massVelocitySquaredToEnergy * v.squaredLength
          motion += own / 40
          current += (0.5 * own + bench.atoms.energy![i]) * v
        }
        for pair in pairs { current -= dot(pair.g, bench.atoms.velocity[pair.j] - drift) * pair.d }
        currents.append(current)
      }
      let report = instrument.report(communicator)
      let temperature = motion / (3 * Double(s.count) * Units.boltzmann)
      var integral = 0.0
      var before = 0.0
      for lag in 0..<4 {
        var c = Vector3.zero
        for t in lag..<40 { c += currents[t] * currents[t - lag] / Double(40 - lag) }
        for (k, name) in ["x", "y", "z"].enumerated() {
          #expect(isNear(try report.column("correlation_" + name)[lag], c[k], 1e-10), "\(name) \(lag)")
        }
        let mean = (c.x + c.y + c.z) / 3
        if lag > 0 { integral += 0.5 * (before + mean) }
        before = mean
        // eV/(Å ps K) in W/(m K); looks are 1 ps apart.
        let kappa = 1.602176634e-19 / (1e-10 * 1e-12) * integral / (s.box.volume * 8.617333262145179e-5 * temperature * temperature)
        #expect(isNear(try report.column("conductivity")[lag], kappa, 1e-10), "\(lag)")
      }
    }
  }

  private func isNear(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool { abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-3) }
}

extension Structure {
  /// The atoms' masses, by those of two species.
  fileprivate func masses(_ a: Double, _ b: Double) -> [Double] { types.map { $0 == 0 ? a : b } }
}

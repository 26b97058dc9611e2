import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Template matching against all assignments and a search of rotations, and on crystals whose orientation and strain are known.
@Suite("Templates") struct TemplateTests {
  static let third = 1.0 / 3

  /// Perfect crystals with neighbours 1 apart, turned and strained (rows: v·matrix), with noise.
  static func crystal(_ name: String, _ matrix: Matrix3 = .identity, noise: Double = 0, seed: UInt64 = 5) throws -> Structure {
    let root = 3.0.squareRoot()
    let (cell, basis): (Vector3, [Vector3]) =
      switch name {
      case "fcc":
        (
          2.0.squareRoot() * Vector3(1, 1, 1), [.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
        )
      case "bcc": (2 / root * Vector3(1, 1, 1), [.zero, Vector3(0.5, 0.5, 0.5)])
      case "simple_cubic": (Vector3(1, 1, 1), [.zero])
      case "cubic_diamond":
        (
          4 / root * Vector3(1, 1, 1),
          [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)].flatMap {
            [$0, $0 + Vector3(0.25, 0.25, 0.25)]
          }
        )
      case "hcp":
        (
          Vector3(1, root, (8.0 / 3).squareRoot()),
          [.zero, Vector3(0.5, 0.5, 0), Vector3(0.5, 0.5 * third + 2 * third, 0.5), Vector3(0, third, 0.5)]
        )
      default:
        // Wurtzite's sites of one element: hcp with an atom above each.
        (
          (8.0 / 3).squareRoot() * Vector3(1, root, (8.0 / 3).squareRoot()),
          [.zero, Vector3(0.5, 0.5, 0), Vector3(0.5, 0.5 * third + 2 * third, 0.5), Vector3(0, third, 0.5)].flatMap {
            [$0, $0 + Vector3(0, 0, 0.375)]
          }
        )
      }
    var random = SplitMix64(seed: seed)
    let copies = 3
    var positions: [Vector3] = []
    for a in 0..<copies { for b in 0..<copies { for c in 0..<copies { for r in basis {
      positions.append((r + Vector3(Double(a), Double(b), Double(c))) * cell * matrix + noise * random.vector())
    } } } }
    return Structure(
      box: Box(cell: Matrix3(diagonal: Double(copies) * cell) * matrix, origin: .zero, periodic: .all), species: ["Cu"],
      types: positions.map { _ in 0 }, positions: positions)
  }

  static let all = "structures: [fcc, hcp, bcc, icosahedral, simple_cubic, cubic_diamond, hexagonal_diamond]"

  static func turn(_ axis: Vector3, _ degrees: Double) -> Matrix3 {
    let (half, u) = (degrees * Double.pi / 360, axis / axis.length)
    return Quaternion(w: cos(half), x: sin(half) * u.x, y: sin(half) * u.y, z: sin(half) * u.z).matrix
  }

  /// Of fcc's twelve neighbours one is missing and an atom of the second shell, on the other side, is there instead: no point may
  /// take a neighbour that another has, however far off a match may be.
  @Test("each point has a neighbour of its own")
  func oneToOne() throws {
    let half = 0.5.squareRoot()
    var shell: [Vector3] = []
    for (a, b) in [(0, 1), (0, 2), (1, 2)] { for x in [half, -half] { for y in [half, -half] {
      var v = Vector3.zero
      (v[a], v[b]) = (x, y)
      shell.append(v)
    } } }
    func fraction(_ neighbors: [Vector3]) throws -> Double {
      let s = Structure(
        box: Box(cell: Matrix3(diagonal: Vector3(20, 20, 20)), periodic: Periodicity(false, false, false)), species: ["Cu", "Ni"],
        types: [0] + neighbors.map { _ in 1 }, positions: ([.zero] + neighbors).map { $0 + Vector3(10, 10, 10) })
      var found = -1.0
      try Bench.alone { communicator in
        let bench = Bench(s, reach: 3, communicator)
        let instrument = try bench.instrument("templates: {of: Cu, reach: 1.6, structures: [fcc], rmsd: 0.45}")
        try instrument.measure(bench.scene())
        found = try instrument.report(communicator).number("fcc").estimate.value
      }
      return found
    }
    #expect(try fraction(shell) == 1)
    #expect(try fraction(Array(shell.dropFirst()) + [Vector3(-2 * half, 0, 0)]) == 0)
  }

  @Test(
    "crystals in any orientation, with strain and noise",
    arguments: ["fcc", "hcp", "bcc", "simple_cubic", "cubic_diamond", "hexagonal_diamond"], [0, 0.06])
  func crystals(name: String, noise: Double) throws {
    let stretch = Matrix3(Vector3(0.02, 0.01, -0.004), Vector3(0.01, -0.015, 0.006), Vector3(-0.004, 0.006, 0.01))
    let rotation = Self.turn(Vector3(0.3, 1, -0.2), 23)
    // In the sample's axes: first turned, then stretched.
    let s = try Self.crystal(name, rotation * (Matrix3.identity + stretch), noise: noise)
    let (reach, scale) = (3.4, 1.0)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: reach, communicator)
      let instrument = try bench.instrument("templates: {reach: \(reach), \(Self.all), rmsd: 0.12, atoms: true, distance: \(scale)}")
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      #expect(try report.number(name).estimate.value == 1)
      #expect(try report.column(name) == [Double(s.count)])
      guard noise == 0 else {
        #expect(try report.number("rmsd_" + name).estimate.value > 0.03)
        return
      }
      let table = 1
      // (1 − (1 + e)⁻²)/2, seen from the atoms' own axes, is what was put in; hcp has sites of two kinds, and one answer.
      let inverse = (Matrix3.identity + stretch).inverse
      let expected = 0.5 * (Matrix3.identity - inverse * inverse)
      for (k, component) in ["xx", "yy", "zz", "yz", "xz", "xy"].enumerated() {
        let e = expected.elements[[0, 4, 8, 5, 2, 1][k]]
        for x in try report.column("strain_" + component, table: table) { #expect(abs(x - e) < 1e-10, "\(name) \(component)") }
      }
      let q = try ["w", "x", "y", "z"].map { try report.column("q_" + $0, table: table) }
      for i in 0..<s.count {
        // Every site of the crystal has one orientation.
        let same = (0..<4).reduce(0) { $0 + q[$1][i] * q[$1][0] }
        #expect(abs(abs(same) - 1) < 1e-9, "\(name) \(i)")
      }
      let found = Quaternion(w: q[0][0], x: q[1][0], y: q[2][0], z: q[3][0]).matrix
      let angle = acos(min(max(0.5 * ((found * rotation.transpose).trace - 1), -1), 1)) * 180 / Double.pi
      // As far as the best rotation of strained neighbours is the strain's own.
      #expect(angle < 1.5, "\(name): \(angle)°")
    }
  }

  @Test("distances of perfect crystals, and no structure in a gas") func plain() throws {
    try Bench.alone { communicator in
      for name in ["fcc", "hcp", "bcc", "cubic_diamond"] {
        let bench = Bench(try Self.crystal(name, 2.7 * .identity), reach: 7, communicator)
        let instrument = try bench.instrument("templates: {reach: 7, \(Self.all)}")
        try instrument.measure(bench.scene())
        let report = instrument.report(communicator)
        #expect(abs(try report.number("distance_" + name).estimate.value - 2.7) < 1e-9, "\(name)")
        #expect(try report.number("rmsd_" + name).estimate.value < 1e-6)
      }
      let gas = Bench(randomStructure(60, seed: 2), reach: 6, communicator)
      let instrument = try gas.instrument("templates: {reach: 6}")
      try instrument.measure(gas.scene())
      #expect(try instrument.report(communicator).number("other").estimate.value > 0.95)
      let golden = 0.5 * (1 + 5.0.squareRoot())
      let corners = [-1.0, 1].flatMap { a in
        [-1.0, 1].flatMap { b in [Vector3(0, a, b * golden), Vector3(a, b * golden, 0), Vector3(b * golden, 0, a)] }
      }
      let ico = Structure(
        box: Box(lengths: Vector3(30, 30, 30), periodic: .none), species: ["Cu"], types: Array(repeating: 0, count: 13),
        positions: [Vector3.zero] + corners.map { 1.2 * $0 })
      let bench = Bench(ico, reach: 6, communicator)
      let center = try bench.instrument("templates: {reach: 6}")
      try center.measure(bench.scene())
      #expect(try center.report(communicator).column("icosahedral") == [1])
    }
  }

  /// The deviation from its definition: all assignments of an octahedron's six neighbours, and for each the rotation found by
  /// steps downhill from many starts, with Σ|R w − s p|² written out.
  @Test("the deviation is the least of all assignments and rotations") func definition() throws {
    let template = try #require(StructureTemplate.all.first { $0.name == "simple_cubic" })
    #expect(template.group.count == 24)
    var random = SplitMix64(seed: 12)
    for _ in 0..<3 {
      let turned = Self.turn(random.vector(), 77)
      let v = template.points.map { 2.5 * ($0 * turned) + 0.5 * random.vector() }
      let s = Structure(
        box: Box(lengths: Vector3(30, 30, 30), periodic: .none), species: ["Cu"], types: Array(repeating: 0, count: 7),
        positions: [.zero] + v)
      let center = v.reduce(Vector3.zero, +) / 7
      let p = [-1 * center] + v.map { $0 - center }
      func deviation(_ w: [Vector3], _ q: Quaternion) -> Double {
        let turned = w.map { $0 * q.matrix }
        let scale = zip(turned, p).reduce(0) { $0 + dot($1.0, $1.1) } / p.reduce(0) { $0 + $1.squaredLength }
        return zip(turned, p).reduce(0) { $0 + ($1.0 - scale * $1.1).squaredLength } / 7
      }
      var least = Double.infinity
      func visit(_ chosen: [Int]) {
        guard chosen.count < 6 else {
          let w = [Vector3.zero] + chosen.map { template.points[$0] }
          var q = Quaternion(w: cos(0.6), x: 0, y: 0, z: 0)
          var best = Double.infinity
          for _ in 0..<6 {
            let a = random.vector() - Vector3(0.5, 0.5, 0.5)
            var trial = Quaternion(w: 0.2 + random.vector().x, x: a.x, y: a.y, z: a.z)
            var step = 0.5
            func unit(_ q: Quaternion) -> Quaternion {
              let n = (q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z).squareRoot()
              return Quaternion(w: q.w / n, x: q.x / n, y: q.y / n, z: q.z / n)
            }
            trial = unit(trial)
            var value = deviation(w, trial)
            while step > 1e-7 {
              var isBetter = false
              for k in 0..<6 {
                let h = k % 2 == 0 ? step : -step
                let turn = unit(Quaternion(w: 1, x: k / 2 == 0 ? h : 0, y: k / 2 == 1 ? h : 0, z: k / 2 == 2 ? h : 0))
                let next = deviation(w, unit(turn * trial))
                if next < value { (trial, value, isBetter) = (unit(turn * trial), next, true) }
              }
              if !isBetter { step *= 0.5 }
            }
            if value < best { (best, q) = (value, trial) }
          }
          least = min(least, deviation(w, q))
          return
        }
        // Up to the rotations of an octahedron the first point stays.
        for k in 0..<6 where !chosen.contains(k) && (!chosen.isEmpty || k == 0) { visit(chosen + [k]) }
      }
      visit([])
      try Bench.alone { communicator in
        let bench = Bench(s, reach: 6, communicator)
        let instrument = try bench.instrument("templates: {reach: 6, structures: [simple_cubic], rmsd: 0.5, atoms: true}")
        try instrument.measure(bench.scene())
        let report = instrument.report(communicator)
        let found = try report.column("rmsd", table: 1)[0]
        #expect(abs(found - least.squareRoot()) < 1e-6, "\(found) \(least.squareRoot())")
      }
    }
  }
}

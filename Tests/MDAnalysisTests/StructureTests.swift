import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Observers of structure against sums over all images of random atoms, and crystals whose answer is known.
@Suite("Structure") struct StructureTests {
  /// Of `of: Na` and all, in periodic cells and slabs.
  @Test("radial distribution, coordination and angles are those of all pairs", arguments: [true, false])
  func pairs(isPeriodic: Bool) throws {
    let s = randomStructure(40, seed: 3, periodic: isPeriodic ? .all : Periodicity(true, false, true))
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 4, communicator)
      let rdf = try bench.instrument("rdf: {cutoff: 4, bins: 20}")
      let some = try bench.instrument("rdf: {name: some, of: Na, cutoff: 4, bins: 20}")
      let coordination = try bench.instrument("coordination: {cutoff: 3.1}")
      let angles = try bench.instrument("angles: {cutoff: 2.6, bins: 30}")
      let scene = bench.scene()
      for instrument in [rdf, some, coordination, angles] { try instrument.measure(scene) }

      var counts = [String: [Double]]()
      var neighbors = [[Double]](repeating: [0, 0, 0], count: s.count)
      var total = 0.0
      for i in 0..<s.count {
        for j in 0..<s.count {
          let pair = s.species[Int(s.types[i])] + "_" + s.species[Int(s.types[j])]
          for d in images(s, i, j, reach: 4) {
            counts[pair, default: Array(repeating: 0, count: 20)][Int(d.length / 0.2)] += 1
            total += 1
            if d.length < 3.1 {
              neighbors[i][Int(s.types[j])] += 1
              neighbors[i][2] += 1
            }
          }
        }
      }
      #expect(total > 500)
      let report = rdf.report(communicator)
      let n = [s.types.filter { $0 == 0 }.count, s.types.filter { $0 == 1 }.count].map { Double($0) }
      for (a, first) in s.species.enumerated() {
        for (b, second) in s.species.enumerated() {
          let found = try report.column("pairs_\(first)_\(second)")
          #expect(found == counts["\(first)_\(second)"])
          let g = try report.column("g_\(first)_\(second)")
          for k in 0..<20 {
            let (low, high) = (0.2 * Double(k), 0.2 * Double(k + 1))
            let shell = 4 / 3 * Double.pi * (high * high * high - low * low * low)
            let expected = found[k] / (n[a] / s.box.volume * (n[b] - (a == b ? 1 : 0)) * shell)
            #expect(abs(g[k] - expected) < 1e-9 * max(1, expected))
          }
          let other = try some.report(communicator).column("pairs_\(first)_\(second)")
          #expect(other == (a == 0 ? found : found.map { _ in 0 }))
          let mean = try coordination.report(communicator).number("\(first)_\(second)").estimate.value
          let atoms = (0..<s.count).filter { Int(s.types[$0]) == a }
          #expect(abs(mean - atoms.reduce(0) { $0 + neighbors[$1][b] } / n[a]) < 1e-12)
        }
      }
      #expect(try report.column("pairs_all").reduce(0, +) == total)
      let histogram = try coordination.report(communicator).column("atoms_Na_all")
      for (k, found) in histogram.enumerated() {
        #expect(found == Double((0..<s.count).filter { s.types[$0] == 0 && neighbors[$0][2] == Double(k) }.count))
      }

      var bends = [String: [Double]]()
      for i in 0..<s.count {
        let bonds = (0..<s.count).flatMap { j in images(s, i, j, reach: 2.6).map { (Int(s.types[j]), $0) } }
        for a in bonds.indices {
          for b in 0..<a {
            let ends = [bonds[a].0, bonds[b].0].sorted().map { s.species[$0] }
            let name = "angles_\(ends[0])_\(s.species[Int(s.types[i])])_\(ends[1])"
            let cosine = dot(bonds[a].1, bonds[b].1) / (bonds[a].1.length * bonds[b].1.length)
            bends[name, default: Array(repeating: 0, count: 30)][min(Int(acos(cosine) / Double.pi * 30), 29)] += 1
          }
        }
      }
      #expect(bends.count == 6)
      for (name, expected) in bends { #expect(try angles.report(communicator).column(name) == expected, "\(name)") }
    }
  }

  @Test("structure factors are |Σ exp(ik·r)|²/N") func structureFactor() throws {
    let s = randomStructure(30, seed: 8)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 1, communicator)
      let instrument = try bench.instrument("structure_factor: {largest: 4, bins: 40, vectors: 100000}")
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      let (k, vectors) = (try report.column("k"), try report.column("vectors"))
      // All vectors of the reciprocal cell: b_i·a_j = 2π δ_ij.
      let c = s.box.cell
      let b = [cross(c.y, c.z), cross(c.z, c.x), cross(c.x, c.y)].map { (2 * Double.pi / c.determinant) * $0 }
      var sums = [Int: (n: Double, all: Double, mixed: Double)]()
      for h in -9...9 { for l in -9...9 { for m in -9...9 where h != 0 || l != 0 || m != 0 {
        let q = Double(h) * b[0] + Double(l) * b[1] + Double(m) * b[2]
        guard q.length < 4 else { continue }
        var rho = [(0.0, 0.0), (0.0, 0.0)]
        for (r, type) in zip(s.positions, s.types) {
          rho[Int(type)].0 += cos(dot(q, r))
          rho[Int(type)].1 += sin(dot(q, r))
        }
        let n = [Double(s.types.filter { $0 == 0 }.count), Double(s.types.filter { $0 == 1 }.count)]
        let re = rho[0].0 + rho[1].0, im = rho[0].1 + rho[1].1
        let bin = Int(q.length / 0.1)
        let old = sums[bin] ?? (0, 0, 0)
        sums[bin] = (
          old.n + 1, old.all + (re * re + im * im) / 30,
          old.mixed + (rho[0].0 * rho[1].0 + rho[0].1 * rho[1].1) / (n[0] * n[1]).squareRoot()
        )
      } } }
      #expect(k.count == sums.count && k.count > 20)
      for (row, q) in k.enumerated() {
        let expected = try #require(sums[Int(q / 0.1)])
        #expect(vectors[row] == expected.n / 2)
        #expect(abs(try report.column("S_all")[row] - expected.all / expected.n) < 1e-9)
        #expect(abs(try report.column("S_Na_Cl")[row] - expected.mixed / expected.n) < 1e-9)
      }
    }
  }

  private static func lattice(_ type: String, noise: Double = 0, seed: UInt64 = 1) -> Structure {
    var random = SplitMix64(seed: seed)
    func make(_ cell: Vector3, _ basis: [Vector3], _ copies: Int) -> Structure {
      var positions: [Vector3] = []
      for a in 0..<copies { for b in 0..<copies { for c in 0..<copies {
        for r in basis { positions.append((r + Vector3(Double(a), Double(b), Double(c))) * cell + noise * random.vector()) }
      } } }
      return Structure(
        box: Box(lengths: Double(copies) * cell), species: ["Cu"], types: positions.map { _ in 0 }, positions: positions)
    }
    let third = 1.0 / 3
    switch type {
    case "fcc":
      return make(
        Vector3(3.6, 3.6, 3.6), [.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)], 3)
    case "bcc": return make(Vector3(2.9, 2.9, 2.9), [.zero, Vector3(0.5, 0.5, 0.5)], 4)
    default:
      // hcp in an orthogonal cell.
      let a = 2.6
      return make(
        Vector3(a, a * 3.0.squareRoot(), a * (8.0 / 3).squareRoot()),
        [.zero, Vector3(0.5, 0.5, 0), Vector3(0.5, 0.5 * third + 2 * third, 0.5), Vector3(0, third, 0.5)], 3)
    }
  }

  @Test("crystals are known by their common neighbours, with noise too", arguments: ["fcc", "bcc", "hcp"], [0, 0.08])
  func commonNeighbors(type: String, noise: Double) throws {
    let s = Self.lattice(type, noise: noise)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 5, communicator)
      let scene = bench.scene()
      #expect(CommonNeighbors.adaptive(scene, reach: 5).allSatisfy { $0.rawValue == type })
      let cutoff = type == "bcc" ? 3.5 : 3.1
      #expect(CommonNeighbors.fixed(scene, cutoff: cutoff).allSatisfy { $0.rawValue == type })
      let cna = try bench.instrument("cna: {reach: 5}")
      try cna.measure(scene)
      #expect(try cna.report(communicator).number(type).estimate.value == 1)
      #expect(try cna.report(communicator).column(type) == [Double(s.count)])
    }
  }

  @Test("a sublattice among itself") func sublattice() throws {
    let a = 4.6
    var s = Structure(
      box: Box(cell: Matrix3(diagonal: Vector3(3 * a, 3 * a, 3 * a))), species: ["O", "Li"], types: [], positions: [])
    let oxygen = [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
    for i in 0..<3 { for j in 0..<3 { for k in 0..<3 {
      for o in oxygen {
        for (type, r) in [(0, o), (1, o + Vector3(0.25, 0.25, 0.25)), (1, o + Vector3(0.25, 0.25, 0.75))] {
          s.positions.append(a * (r + Vector3(Double(i), Double(j), Double(k))))
          s.types.append(Int32(type))
        }
      }
    } } }
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 5, communicator)
      let types = CommonNeighbors.adaptive(bench.scene(), reach: 5, of: 0)
      for i in types.indices { #expect(types[i] == (bench.atoms.species[i] == 0 ? .fcc : .other)) }
      #expect(CommonNeighbors.adaptive(bench.scene(), reach: 5).allSatisfy { $0 != .fcc })
    }
  }

  @Test("points without ranks have the structures that scenes have", arguments: ["fcc", "bcc", "hcp"])
  func pointsAlone(type: String) throws {
    // So much noise that some are not known any more, and some points outside of the cell.
    var s = Self.lattice(type, noise: 0.33)
    s.positions[0] = s.positions[0] + s.box.cell.x - 2 * s.box.cell.z
    try Bench.alone { communicator in
      let expected = CommonNeighbors.adaptive(Bench(s, reach: 5, communicator).scene(), reach: 5)
      #expect(Set(expected).count > 1)
      #expect(CommonNeighbors.adaptive(s.positions, in: s.box, reach: 5, of: 0..<s.count) == expected)
      let some = [3, 0, s.count - 1]
      #expect(CommonNeighbors.adaptive(s.positions, in: s.box, reach: 5, of: some) == some.map { expected[$0] })
    }
    // One atom whose neighbours are its own images.
    let cell = Matrix3(Vector3(0, 1.8, 1.8), Vector3(1.8, 0, 1.8), Vector3(1.8, 1.8, 0))
    #expect(CommonNeighbors.adaptive([.zero], in: Box(cell: cell, origin: .zero, periodic: .all), reach: 4, of: [0]) == [.fcc])
  }

  /// Shorter by a third along one edge, bcc is known only if its first eight neighbours count as 2/√3 times as far as they are.
  @Test func stretchedCommonNeighbors() throws {
    let (a, n) = (3.0, 5)
    var s = Structure(
      box: Box(cell: Matrix3(diagonal: Vector3(a * Double(n), a * Double(n), 0.65 * a * Double(n)))), species: ["A"], types: [], positions: [])
    for i in 0..<n { for j in 0..<n { for k in 0..<n { for half in [0.0, 0.5] {
      s.positions.append(a * Vector3(Double(i) + half, Double(j) + half, 0.65 * (Double(k) + half)))
      s.types.append(0)
    } } } }
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 5, communicator)
      #expect(CommonNeighbors.adaptive(bench.scene(), reach: 5).allSatisfy { $0.rawValue == "bcc" })
    }
  }

  @Test("an icosahedron's centre, and a vacancy's neighbours") func others() throws {
    var s = Self.lattice("fcc")
    s.positions.removeLast()
    s.types.removeLast()
    let vacancy = s
    let golden = 0.5 * (1 + 5.0.squareRoot())
    let corners = [-1.0, 1].flatMap { a in
      [-1.0, 1].flatMap { b in
        [Vector3(0, a, b * golden), Vector3(a, b * golden, 0), Vector3(b * golden, 0, a)]
      }
    }
    let ico = Structure(
      box: Box(lengths: Vector3(30, 30, 30), periodic: .none), species: ["Cu"], types: Array(repeating: 0, count: 13),
      positions: [Vector3.zero] + corners.map { 1.2 * $0 })
    try Bench.alone { communicator in
      let types = CommonNeighbors.adaptive(Bench(vacancy, reach: 5, communicator).scene(), reach: 5)
      #expect(types.filter { $0 != .fcc }.count == 12)
      #expect(CommonNeighbors.adaptive(Bench(ico, reach: 6, communicator).scene(), reach: 6)[0] == .icosahedral)
      let bench = Bench(vacancy, reach: 5, communicator)
      let surface = try bench.instrument(
        "coordination: {of: edge, cutoff: 3}", regions: "{edge: {surface: {cutoff: 3, below: 12}}}")
      try surface.measure(bench.scene())
      #expect(try surface.report(communicator).column("atoms_Cu_Cu").reduce(0, +) == 12)
    }
  }

  @Test("harmonics and 3j symbols of tables") func harmonics() {
    func y(_ l: Int, _ d: Vector3) -> [Double] {
      var out = [Double](repeating: 0, count: 2 * l + 2)
      out.withUnsafeMutableBufferPointer { Harmonics.add(l, d, to: $0.baseAddress!) }
      return out
    }
    let d = Vector3(0.3, -0.5, 0.7)
    let u = (1 / d.length) * d
    let two = y(2, d)
    // Y20 = ¼√(5/π)(3z² − 1), Y21 = −½√(15/2π) z (x + iy), Y22 = ¼√(15/2π)(x + iy)².
    #expect(abs(two[0] - 0.25 * (5 / Double.pi).squareRoot() * (3 * u.z * u.z - 1)) < 1e-14)
    let root = (15 / (2 * Double.pi)).squareRoot()
    #expect(abs(two[2] + 0.5 * root * u.z * u.x) < 1e-14 && abs(two[3] + 0.5 * root * u.z * u.y) < 1e-14)
    #expect(abs(two[4] - 0.25 * root * (u.x * u.x - u.y * u.y)) < 1e-14 && abs(two[5] - 0.5 * root * u.x * u.y) < 1e-14)
    for l in [3, 4, 6, 8, 12] {
      // Σ_m |Y_lm|² = (2l + 1)/4π.
      let q = y(l, d)
      #expect(abs(q.withUnsafeBufferPointer { Harmonics.length(l, $0.baseAddress!) } - 1) < 1e-12, "\(l)")
    }
    #expect(abs(Harmonics.symbol(2, 0, 0) + (2.0 / 35).squareRoot()) < 1e-12)
    #expect(abs(Harmonics.symbol(4, 0, 0) - (18.0 / 1001).squareRoot()) < 1e-12)
    #expect(abs(Harmonics.symbol(1, 1, 0) + (1.0 / 6).squareRoot()) < 1e-12)
    #expect(abs(Harmonics.symbol(1, 1, -1) - (1.0 / 6).squareRoot()) < 1e-12)
    for l in [2, 4, 6] {
      // Σ over m₁, m₂ of squares is 1.
      #expect(abs(Harmonics.symbols(l).reduce(0) { $0 + $1.2 * $1.2 } - 1) < 1e-10)
    }
  }

  /// Textbook values of perfect crystals.
  @Test("bond order of crystals", arguments: [
    ("fcc", "neighbors: 12", 0.190941, 0.574524, -0.159317, -0.0131606), ("hcp", "neighbors: 12", 0.0972224, 0.484762, 0.134097, -0.0124420),
    ("bcc", "cutoff: 2.7", 0.509175, 0.628539, -0.159317, 0.0131606), ("bcc", "neighbors: 14", 0.0363697, 0.510688, 0.159317, 0.0131606),
  ])
  func bondOrder(_ row: (String, String, Double, Double, Double, Double)) throws {
    let s = Self.lattice(row.0)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 5, communicator)
      let instrument = try bench.instrument("steinhardt: {\(row.1)\(row.1.hasPrefix("n") ? ", reach: 5" : "")}")
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      for (name, expected) in [("q4", row.2), ("q6", row.3), ("w4", row.4), ("w6", row.5), ("averaged_q4", row.2), ("averaged_q6", row.3)] {
        #expect(abs(try report.number(name).estimate.value - expected) < 1e-5, "\(row.0) \(name)")
      }
    }
  }

  @Test("centrosymmetry of all pairs of neighbours") func centrosymmetry() throws {
    let s = randomStructure(30, seed: 4)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 6, communicator)
      let instrument = try bench.instrument("centrosymmetry: {neighbors: 8, reach: 6}")
      try instrument.measure(bench.scene())
      let values = (0..<s.count).map { i -> Double in
        let all = (0..<s.count).flatMap { images(s, i, $0, reach: 6) }.sorted { $0.length < $1.length }.prefix(8)
        var squares: [Double] = []
        for a in 0..<8 { for b in 0..<a { squares.append((all[a] + all[b]).squaredLength) } }
        return squares.sorted().prefix(4).reduce(0, +)
      }
      #expect(abs(try instrument.report(communicator).number("mean").estimate.value - values.reduce(0, +) / 30) < 1e-10)
      let perfect = Bench(Self.lattice("fcc"), reach: 5, communicator)
      let zero = try perfect.instrument("centrosymmetry: {reach: 5}")
      try zero.measure(perfect.scene())
      #expect(abs(try zero.report(communicator).number("mean").estimate.value) < 1e-12)
    }
  }
}

import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Polyhedra of random atoms against sums over all images, and of molecules whose answer is known.
@Suite("Polyhedra") struct PolyhedraTests {
  @Test("random atoms in periodic cells and slabs", arguments: [true, false], [1.9, 2.6])
  func random(isPeriodic: Bool, cutoff: Double) throws {
    let s = randomStructure(70, seed: 21, periodic: isPeriodic ? .all : Periodicity(true, false, true))
    var sharing = [0.0, 0, 0, 0], links = [0.0, 0, 0], corners = [0.0, 0, 0, 0]
    var (coordination, neighbors, sizes) = ([Int: Double](), [Int: Double](), [Int: Double]())
    let centers = (0..<s.count).filter { s.types[$0] == 1 }
    var root = Array(0..<s.count)
    func find(_ i: Int) -> Int { root[i] == i ? i : find(root[i]) }
    for i in centers {
      let own = (0..<s.count).filter { s.types[$0] == 0 }.flatMap { images(s, i, $0, reach: cutoff) }
      var (most, others) = (0, 0)
      for m in centers {
        for v in images(s, i, m, reach: 2 * cutoff) {
          let shared = own.filter { ($0 - v).length < cutoff }.count
          guard shared > 0 else { continue }
          others += 1
          most = max(most, shared)
          links[min(shared, 3) - 1] += 0.5
          root[find(m)] = find(i)
        }
      }
      sharing[min(most, 3)] += 1
      coordination[own.count, default: 0] += 1
      neighbors[others, default: 0] += 1
    }
    for i in centers { sizes[centers.filter { find($0) == find(i) }.count, default: 0] += 1 }
    for j in 0..<s.count where s.types[j] == 0 {
      corners[min(centers.reduce(0) { $0 + images(s, j, $1, reach: cutoff).count }, 3)] += 1
    }
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 2 * cutoff, communicator)
      let instrument = try bench.instrument("polyhedra: {center: Cl, corner: Na, cutoff: \(cutoff)}")
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      let n = Double(centers.count)
      for (k, name) in ["isolated", "corner_sharing", "edge_sharing", "face_sharing"].enumerated() {
        #expect(try report.column(name, table: 1) == [sharing[k]], "\(name)")
        #expect(abs(try report.number(name).estimate.value - sharing[k] / n) < 1e-12)
      }
      for (k, name) in ["shared_corners", "shared_edges", "shared_faces"].enumerated() {
        #expect(abs(try report.number(name).estimate.value - links[k] / n) < 1e-12, "\(name)")
      }
      for (k, name) in ["free", "terminal", "bridging", "shared_by_more"].enumerated() {
        #expect(abs(try report.number(name).estimate.value - corners[k] / corners.reduce(0, +)) < 1e-12, "\(name)")
      }
      for (name, expected) in [("corners", coordination), ("neighbors", neighbors), ("units", sizes)] {
        let found = try report.column(name == "units" ? "polyhedra_in_units" : "polyhedra_with_" + name)
        for (k, x) in found.enumerated() where k < 31 { #expect(x == expected[k] ?? 0, "\(name) \(k)") }
        #expect(found.reduce(0, +) == n)
      }
      let mean = coordination.reduce(0) { $0 + Double($1.key) * $1.value } / n
      #expect(abs(try report.number("corners").estimate.value - mean) < 1e-12)
    }
    #expect(sharing.filter { $0 > 0 }.count >= 2)
  }

  /// A tetrahedron alone, two with a corner in common (as P2S7), and two with an edge.
  @Test("PS4, P2S7 and P2S6") func molecules() throws {
    let bond = 2.0
    let tetrahedron = [Vector3(1, 1, 1), Vector3(1, -1, -1), Vector3(-1, 1, -1), Vector3(-1, -1, 1)].map {
      bond / 3.0.squareRoot() * $0
    }
    var (positions, types): ([Vector3], [Int32]) = ([], [])
    func add(_ type: Int32, _ r: Vector3) {
      positions.append(r)
      types.append(type)
    }
    // Alone.
    add(0, Vector3(5, 5, 5))
    for v in tetrahedron { add(1, Vector3(5, 5, 5) + v) }
    // Through a corner: the other is the mirror image about it.
    let a = Vector3(18, 5, 5)
    add(0, a)
    for v in tetrahedron { add(1, a + v) }
    let bridge = a + tetrahedron[0]
    add(0, bridge + tetrahedron[0])
    for v in tetrahedron.dropFirst() { add(1, bridge + tetrahedron[0] - v) }
    // Through an edge, the first two corners.
    let b = Vector3(5, 18, 18)
    add(0, b)
    for v in tetrahedron { add(1, b + v) }
    let middle = b + 0.5 * (tetrahedron[0] + tetrahedron[1])
    let turned = 2 * middle - b
    add(0, turned)
    for v in tetrahedron[2...] { add(1, 2 * middle - b - v) }
    let s = Structure(box: Box(lengths: Vector3(30, 30, 30)), species: ["P", "S"], types: types, positions: positions)
    try Bench.alone { communicator in
      let bench = Bench(s, reach: 5, communicator)
      let instrument = try bench.instrument("polyhedra: {center: P, corner: S, cutoff: 2.5}")
      try instrument.measure(bench.scene())
      let report = instrument.report(communicator)
      func value(_ name: String) throws -> Double { try report.number(name).estimate.value }
      #expect(try value("isolated") == 0.2 && value("corner_sharing") == 0.4 && value("edge_sharing") == 0.4)
      #expect(try value("corners") == 4 && value("neighbors") == 0.8)
      // 4 + 7 + 6 corners, of which 1 and 2 are bridges.
      #expect(try abs(value("bridging") - 3.0 / 17) < 1e-12 && abs(value("terminal") - 14.0 / 17) < 1e-12)
      #expect(try report.column("polyhedra_in_units") == [0, 1, 4, 0, 0])
      for wrong in ["center: P, corner: P, cutoff: 2", "center: O, corner: S, cutoff: 2", "center: P, corner: S"] {
        #expect(throws: (any Error).self) { try bench.instrument("polyhedra: {\(wrong)}") }
      }
    }
  }
}

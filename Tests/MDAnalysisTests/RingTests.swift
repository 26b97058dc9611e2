import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Rings against a search of all closed walks, and of crystals whose rings are known.
@Suite("Rings") struct RingTests {
  /// Shortest-path rings by size, of which each atom of the cell has its shares: all simple closed walks in a block of images,
  /// of which those stay whose every pair of atoms has no shorter way.
  private func brute(_ s: Structure, cutoff: Double, largest: Int, bonded: (Int, Int) -> Bool, counts: (Int) -> Bool) -> [Double] {
    // Atoms of the block, with the cell that each is in.
    let n = 2
    var atoms: [(place: Vector3, index: Int, isHome: Bool)] = []
    for a in -n...n { for b in -n...n { for c in -n...n {
      let inside = (s.box.periodic.a || a == 0) && (s.box.periodic.b || b == 0) && (s.box.periodic.c || c == 0)
      guard inside else { continue }
      let move = Vector3(Double(a), Double(b), Double(c)) * s.box.cell
      for i in 0..<s.count {
        // No ring through an atom at home goes farther.
        let place = s.positions[i] + move
        let isNear = s.positions.contains { ($0 - place).length < cutoff * Double(largest / 2) }
        if isNear { atoms.append((place, i, a == 0 && b == 0 && c == 0)) }
      }
    } } }
    let bonds = atoms.indices.map { i in
      atoms.indices.filter { j in
        j != i && (atoms[i].place - atoms[j].place).length < cutoff && bonded(atoms[i].index, atoms[j].index)
      }
    }
    var distances: [Int: [Int: Int]] = [:]
    func distance(_ i: Int, _ j: Int) -> Int {
      if distances[i] == nil {
        var found = [i: 0]
        var edge = [i]
        for d in 1...(largest / 2) {
          edge = edge.flatMap { a in bonds[a].filter { found[$0] == nil ? (found[$0] = d) == () : false } }
        }
        distances[i] = found
      }
      return distances[i]![j] ?? .max
    }
    var rings: Set<[Int]> = []
    func walk(_ path: [Int]) {
      let last = path[path.count - 1]
      for next in bonds[last] {
        if next == path[0], path.count >= 3 { rings.insert(path.sorted() + [-1] + (path[1] < last ? path : [path[0]] + path.dropFirst().reversed())) }
        if path.count < largest, !path.contains(next), distance(path[0], next) <= largest / 2 { walk(path + [next]) }
      }
    }
    for i in atoms.indices where atoms[i].isHome { walk([i]) }
    var shares = [Double](repeating: 0, count: largest + 1)
    var seen: Set<[Int]> = []
    for ring in rings {
      let path = Array(ring[(ring.firstIndex(of: -1)! + 1)...])
      // The same ring is found from each of its atoms at home.
      let start = path.firstIndex(of: path.min()!)!
      let turned = Array(path[start...] + path[..<start])
      let key = turned[1] < turned[turned.count - 1] ? turned : [turned[0]] + turned.dropFirst().reversed()
      guard seen.insert(key).inserted else { continue }
      let m = path.count
      let isShortest = (0..<m).allSatisfy { a in (0..<m).allSatisfy { b in distance(path[a], path[b]) >= min(abs(a - b), m - abs(a - b)) } }
      guard isShortest else { continue }
      for i in path where atoms[i].isHome && counts(atoms[i].index) { shares[m] += 1 / Double(m) }
    }
    return shares
  }

  private func measure(_ s: Structure, _ keys: String, reach: Double) throws -> [Double] {
    var rings: [Double] = []
    try Bench.alone { communicator in
      let bench = Bench(s, reach: reach, communicator)
      let instrument = try bench.instrument("rings: {\(keys)}", reach: reach)
      try instrument.measure(bench.scene())
      rings = [0, 0, 0] + (try instrument.report(communicator).column("rings"))
    }
    return rings
  }

  @Test("random atoms in leaning cells and slabs", arguments: [1, 2, 3], [true, false]) func random(seed: Int, isPeriodic: Bool) throws {
    let s = randomStructure(36, seed: UInt64(seed), periodic: isPeriodic ? .all : Periodicity(true, false, true))
    let (cutoff, largest) = (2.7, 6)
    let found = try measure(s, "cutoff: \(cutoff), largest: \(largest)", reach: 3 * cutoff)
    let expected = brute(s, cutoff: cutoff, largest: largest, bonded: { _, _ in true }, counts: { _ in true })
    for n in 3...largest { #expect(abs(found[n] - expected[n]) < 1e-9, "\(n): \(found[n]), \(expected[n])") }
    #expect(expected.contains { $0 > 0 })
    let part = try measure(s, "of: Cl, cutoff: \(cutoff), largest: \(largest)", reach: 3 * cutoff)
    let ofPart = brute(s, cutoff: cutoff, largest: largest, bonded: { _, _ in true }, counts: { s.types[$0] == 1 })
    for n in 3...largest { #expect(abs(part[n] - ofPart[n]) < 1e-9, "of Cl, \(n)") }
    let wide = 3.1
    let unlike = try measure(s, "between: [Na, Cl], cutoff: \(wide), largest: 6", reach: 3 * wide)
    let other = brute(s, cutoff: wide, largest: 6, bonded: { s.types[$0] != s.types[$1] }, counts: { _ in true })
    for n in 3...6 { #expect(abs(unlike[n] - other[n]) < 1e-9, "between, \(n)") }
    #expect(unlike[3] == 0 && unlike[5] == 0)
  }

  @Test("simple cubic and diamond, also where rings hold images of their own atoms") func crystals() throws {
    // Three squares and four hexagons around cubes an atom; in the cell of one atom all are images of it.
    for size in [1, 2, 3] {
      let length = Double(size) * 2
      let box = Box(lengths: Vector3(repeating: length))
      var s = Structure(box: box, species: ["A"], types: [], positions: [])
      for a in 0..<size { for b in 0..<size { for c in 0..<size {
        s.positions.append(2 * Vector3(Double(a), Double(b), Double(c)) + Vector3(0.1, 0.1, 0.1))
        s.types.append(0)
      } } }
      let found = try measure(s, "cutoff: 2.5, largest: 7", reach: 7.5)
      let n = Double(s.count)
      for (size, rings) in [(3, 0.0), (4, 3), (5, 0), (6, 4), (7, 0)] { #expect(abs(found[size] - rings * n) < 1e-9, "\(s.count): \(size)") }
    }
    var s = Structure(box: Box(lengths: Vector3(repeating: 5.43)), species: ["Si"], types: [], positions: [])
    for base in [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)] {
      for move in [0.0, 0.25] {
        s.positions.append(5.43 * (base + Vector3(repeating: move + 0.01)))
        s.types.append(0)
      }
    }
    // Twelve hexagons go through each atom: two an atom.
    let found = try measure(s, "cutoff: 2.6, largest: 7", reach: 7.8)
    #expect(abs(found[6] - 16) < 1e-9 && found[3...5].allSatisfy { $0 == 0 } && found[7] == 0)
  }

  @Test("too many ways are told of") func crowded() throws {
    // Simple cubic: some 8 · 3ᵈ shortest ways of d bonds from an atom.
    let s = Structure(box: Box(lengths: Vector3(repeating: 2)), species: ["A"], types: [0], positions: [.zero])
    let error = #expect(throws: FaultlineError.self) { try measure(s, "cutoff: 2.5, largest: 24", reach: 25) }
    #expect(error?.message.contains("ways of 12 bonds from one atom") == true)
  }
}

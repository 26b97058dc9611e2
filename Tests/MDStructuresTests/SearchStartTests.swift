import Foundation
import MDCore
import MDNumerics
import MDStructures
import MDTestSupport
import Testing

/// Starts of a search, what maps one boundary of a cell onto the other, and the symmetry of displacements: by the energy of a
/// pair potential, summed over all images.
@Suite("Starts of a search")
struct SearchStartTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var kind: GrainBoundary.Kind
    var lattice: LatticeType
    var axis: IntegerVector
    var sigma: Int
    var plane: IntegerVector?
    var testDescription: String { "\(lattice) \(kind) Σ\(sigma) \(axis) \(plane.map { "\($0)" } ?? "")" }

    func builder() throws -> GrainBoundary {
      var builder = GrainBoundary(
        kind, try lattice.unitCell(a: 4, species: ["A"]), axis: axis, sigma: sigma, plane: plane)
      builder.thickness = .atLeast(9)
      builder.overlap = 0
      return builder
    }
  }

  static let cases: [Case] = [
    Case(kind: .tilt, lattice: .bcc, axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]),
    Case(kind: .tilt, lattice: .bcc, axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0]),
    Case(kind: .tilt, lattice: .fcc, axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]),
    Case(kind: .tilt, lattice: .fcc, axis: [1, 1, 0], sigma: 9, plane: [2, -2, 1]),
    Case(kind: .tilt, lattice: .bcc, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 2]),
    Case(kind: .tilt, lattice: .diamond, axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]),
    Case(kind: .twist, lattice: .fcc, axis: [0, 0, 1], sigma: 5, plane: nil),
    Case(kind: .twist, lattice: .bcc, axis: [0, 0, 1], sigma: 5, plane: nil),
  ]

  /// Half the energy of each atom's pairs, φ = e^(−r), within a reach; of each atom.
  static func energies(_ structure: Structure, reach: Double = 5) -> [Double] {
    let box = structure.box
    let n = (0..<3).map { Int((reach / box.heights[$0]).rounded(.up)) + 1 }
    var energies = [Double](repeating: 0, count: structure.count)
    let places = structure.positions.map { r -> Vector3 in
      var s = box.fractional(r)
      s -= s.rounded(.down)
      return box.cartesian(s)
    }
    for i in places.indices {
      for j in places.indices {
        for a in -n[0]...n[0] { for b in -n[1]...n[1] { for c in -n[2]...n[2] {
          let d = places[j] - places[i] + Vector3(Double(a), Double(b), Double(c)) * box.cell
          let r = d.length
          if r > 1e-9, r < reach { energies[i] += 0.5 * exp(-r) * (1 - r / reach) * (1 - r / reach) }
        } } }
      }
    }
    return energies
  }

  static func energy(_ structure: Structure) -> Double { energies(structure).reduce(0, +) }

  @Test("displacements that symmetry makes equal have one energy, others have not", arguments: cases)
  func symmetry(_ one: Case) throws {
    var builder = try one.builder()
    let cell = try builder.nonidenticalDisplacements()
    let symmetry = DisplacementSymmetry(try builder.build().structure, cell)
    #expect(symmetry.operations.count >= 2, "every one of these has more than the identity")
    #expect(symmetry.operations[0].image(SIMD2(0.2, 0.7)) == SIMD2(0.2, 0.7))
    let t = SIMD2(0.137, 0.291)
    func energy(_ t: SIMD2<Double>, apart: Double) throws -> Double {
      builder.shift = cell.ofEdges(t)
      builder.expansion = apart
      // Both boundaries: the other one has the displacement reversed, and must be as symmetric.
      return Self.energy(try builder.build().structure)
    }
    let first = try energy(t, apart: 0.5)
    for operation in symmetry.operations {
      let image = operation.image(t)
      #expect(abs(try energy(image, apart: 0.5) - first) < 1e-7 * abs(first), "\(operation)")
      #expect(symmetry.areEquivalent(t, image))
    }
    // A translation of either grain is one of the cell.
    #expect(abs(try energy(t + SIMD2(1, 0), apart: 0.5) - first) < 1e-7 * abs(first))
    #expect(abs(try energy(t + SIMD2(0, -1), apart: 0.5) - first) < 1e-7 * abs(first))
    // Of twists the γ-surface is all but flat.
    guard one.kind == .tilt else { return }
    for other in [SIMD2(0.2, 0.291), SIMD2(0.137, 0.4)] where !symmetry.areEquivalent(t, other) {
      #expect(abs(try energy(other, apart: 0.5) - first) > 1e-6 * abs(first), "\(other)")
    }
  }

  /// The operations are a group: each product of two is one of them.
  @Test(arguments: cases) func group(_ one: Case) throws {
    let builder = try one.builder()
    let symmetry = DisplacementSymmetry(try builder.build().structure, try builder.nonidenticalDisplacements())
    let t = SIMD2(0.1713, 0.3391)
    let images = symmetry.operations.map { $0.image(t) }
    for a in symmetry.operations {
      for b in symmetry.operations {
        let product = a.image(b.image(t))
        #expect(images.contains { DisplacementSymmetry.distance($0, product) < 1e-6 })
      }
    }
  }

  @Test("both boundaries of a start are in one state, and its grains touch", arguments: cases, [0, 1])
  func starts(_ one: Case, removed: Int) throws {
    var builder = try one.builder()
    builder.repeats = SIMD2(1, 2)
    builder.shift = SIMD2(0.123, 0.077)
    var random = CounterRandom(seed: 3, stream: .searchAtoms, step: removed)
    let bicrystal = try builder.build().structure
    let neighbor = builder.unitCell.nearestNeighborDistance
    let plane = try builder.atomsPerPlane()
    guard removed < plane else { return }
    var start = try BicrystalStart(bicrystal, plane: plane, removal: .init(units: removed), neighbor: neighbor, random: &random)
    #expect(start.structure.count == bicrystal.count - 2 * removed)
    let exchange = try #require(start.exchange)
    func check(_ structure: Structure, _ what: String) {
      let energies = Self.energies(structure)
      for (i, image) in exchange.images.enumerated() {
        #expect(abs(energies[i] - energies[image]) < 1e-7, "\(what): atom \(i) and its image")
      }
    }
    check(start.structure, "start")
    // Half of the atoms each; those between belong to both.
    let counts = (Int8(0)..<3).map { half in exchange.halves.count { $0 == half } }
    #expect(counts[1] == counts[2] && counts[1] > start.structure.count / 3)
    // The closest two atoms of different grains.
    let grains = try #require(start.structure.grains)
    var least = Double.infinity
    let box = start.structure.box
    for i in grains.indices where grains[i] == 0 {
      for j in grains.indices where grains[j] == 1 {
        for a in -2...2 { for b in -2...2 { for c in -1...1 {
          let d = start.structure.positions[j] - start.structure.positions[i] + Vector3(Double(a), Double(b), Double(c)) * box.cell
          least = min(least, d.length)
        } } }
      }
    }
    #expect(abs(least - BicrystalStart.contact * neighbor) < 1e-6, "\(least)")
    start.move(1, random: &random)
    check(start.structure, "moved")
    #expect(start.structure.positions != bicrystal.positions)
  }

  /// Tilt of fluorite: units of three atoms.
  @Test("compounds lose whole formula units, and single atoms where asked", arguments: [false, true])
  func formulaUnits(_ hasSymmetry: Bool) throws {
    var builder = GrainBoundary(
      .tilt, try LatticeType.fluorite.unitCell(a: 5.4, species: ["Ce", "O"]), axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0])
    builder.thickness = .atLeast(14)
    builder.overlap = 0
    builder.repeats = SIMD2(1, 2)
    var bicrystal = try builder.build().structure
    if !hasSymmetry {
      // One atom amid a grain off its place: no isometry is left, and each boundary loses its own.
      let z = bicrystal.positions.map(\.z)
      let i = z.indices.min { abs(z[$0] - 0.25 * bicrystal.box.cell.z.z) < abs(z[$1] - 0.25 * bicrystal.box.cell.z.z) }!
      bicrystal.positions[i].z += 0.2
    }
    let neighbor = builder.unitCell.nearestNeighborDistance
    let plane = try builder.atomsPerPlane()
    func counts(_ s: Structure) -> [Int] { [0, 1].map { type in s.types.count { $0 == type } } }
    let before = counts(bicrystal)
    for (units, vacancies) in [(1, [0, 0]), (2, [0, 0]), (0, [0, 2]), (1, [1, 1])] {
      for step in 0..<4 {
        var random = CounterRandom(seed: 3, stream: .searchAtoms, step: step)
        let start = try BicrystalStart(
          bicrystal, plane: plane, removal: .init(units: units, vacancies: vacancies, formulas: [[1, 2], [1, 2]]),
          neighbor: neighbor, random: &random)
        #expect((start.exchange != nil) == hasSymmetry)
        let after = counts(start.structure)
        #expect(before[0] - after[0] == 2 * (units + vacancies[0]) && before[1] - after[1] == 2 * (2 * units + vacancies[1]))
        #expect(start.vacancies.reduce(0, +) == 2 * vacancies.reduce(0, +))
        // Those that are gone were at the boundaries: the middles of the grains have all of theirs.
        let (length, height) = (bicrystal.box.cell.z.z, start.structure.box.cell.z.z)
        func middles(_ s: Structure, _ length: Double) -> Int {
          s.positions.count { abs($0.z - 0.25 * length) < 0.08 * length || abs($0.z - 0.75 * length) < 0.08 * length }
        }
        if start.gap < 0.3 { #expect(abs(middles(bicrystal, length) - middles(start.structure, height)) <= 4) }
      }
    }
  }

  @Test("unlike atoms exchange their places at both boundaries alike") func swaps() throws {
    var builder = GrainBoundary(
      .tilt, try LatticeType.cscl.unitCell(a: 3, species: ["Ni", "Al"]), axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0])
    builder.thickness = .atLeast(12)
    builder.overlap = 0
    var random = CounterRandom(seed: 5, stream: .searchAtoms)
    var start = try BicrystalStart(
      builder.build().structure, plane: try builder.atomsPerPlane(), neighbor: builder.unitCell.nearestNeighborDistance, random: &random)
    let before = start.structure
    let exchange = try #require(start.exchange)
    start.swap(1, random: &random)
    let changed = before.types.indices.filter { before.types[$0] != start.structure.types[$0] }
    #expect(changed.count == 4 && start.structure.positions == before.positions)
    #expect(before.types.count { $0 == 0 } == start.structure.types.count { $0 == 0 })
    #expect(changed.allSatisfy { changed.contains(exchange.images[$0]) })
  }

  @Test("a boundary is copied onto the other, with its excess volume", arguments: cases, [Int8(1), 2])
  func copying(_ one: Case, half: Int8) throws {
    var builder = try one.builder()
    builder.thickness = .atLeast(17)
    builder.shift = SIMD2(0.123, 0.077)
    var random = CounterRandom(seed: 5, stream: .searchAtoms)
    let start = try BicrystalStart(
      builder.build().structure, plane: try builder.atomsPerPlane(),
      neighbor: builder.unitCell.nearestNeighborDistance, random: &random)
    let exchange = try #require(start.exchange)
    var state = start.structure
    let z = state.positions.map(\.z)
    let grains = try #require(state.grains)
    // The first boundary opens by 0.3 Å and closes by 0.1 at the other; grains slide; atoms near the boundaries go astray.
    let top = zip(z, grains).reduce(-Double.infinity) { $1.1 == 0 ? max($0, $1.0) : $0 }
    let bottom = zip(z, grains).reduce(Double.infinity) { $1.1 == 1 ? min($0, $1.0) : $0 }
    var cell = state.box.cell
    cell.z.z += 0.2
    state.box.setCell(cell)
    let upperTop = z.reduce(-Double.infinity, max)
    let lowest = z.reduce(Double.infinity, min)
    for i in z.indices {
      if grains[i] == 1 { state.positions[i] += Vector3(0.15, -0.1, 0.3) }
      let near = min(top - z[i] < 0 ? z[i] - bottom : top - z[i], min(upperTop - z[i], z[i] - lowest))
      if near < 2.5 { state.positions[i] += 0.1 * Vector3(random.uniform() - 0.5, random.uniform() - 0.5, random.uniform() - 0.5) }
      // Images across faces do not matter.
      if i % 3 == 0 { state.positions[i] += state.box.cell.x - state.box.cell.z }
    }
    let before = Self.energies(state)
    let copied = exchange.copying(half, of: state, from: start.structure)
    let after = Self.energies(copied)
    // Both halves are as the one that was copied.
    for (i, image) in exchange.images.enumerated() { #expect(abs(after[i] - after[image]) < 1e-6, "atom \(i)") }
    for i in exchange.halves.indices where exchange.halves[i] == half {
      // Within the reach of the seams all is as it was, but that crystals which slid meet there.
      let d = min(abs(z[i] - 0.5 * (top + bottom)), abs(abs(z[i] - 0.5 * (top + bottom)) - 0.5 * start.structure.box.cell.z.z))
      // And amid the grains, where the copy is joined to what was copied, there is crystal.
      let seam = abs(abs(z[i] - 0.5 * (top + bottom)) - 0.25 * start.structure.box.cell.z.z) < 1.5
      // (The longer cell of the state is spread over the crystals, which come out a little stretched.)
      if d < 1.5 || seam { #expect(abs(after[i] - before[i]) < (seam ? 1e-2 : 2e-3) * abs(before[i]), "atom \(i)") }
    }
    // The grains have slid as wholes; if the upper one is another crystal now, it is noticed.
    // The cell is some tenths of an Å longer, of which the comparison spreads a little over the crystal.
    #expect(state.grainDisorder(from: start.structure) < 0.02)
    var stirred = state
    for i in stirred.positions.indices where grains[i] == 1 {
      stirred.positions[i] += Vector3(random.uniform() - 0.5, random.uniform() - 0.5, random.uniform() - 0.5)
    }
    #expect(stirred.grainDisorder(from: start.structure) > 0.3)
    // 2 × 0.3 Å or 2 × (−0.1) Å more than at the start.
    let wanted = start.structure.box.cell.z.z + 2 * (half == 1 ? 0.3 : -0.1)
    #expect(abs(copied.box.cell.z.z - wanted) < 0.02, "\(copied.box.cell.z.z) for \(wanted)")
  }

  /// Two crystals with an image of each other at the other interface by inversion: the cell leans.
  @Test("interfaces of two crystals are kept alike, copied, and slide", arguments: [Int8(1), 2])
  func leaning(half: Int8) throws {
    var options = Interface.Options()
    options.limits = MatchLimits(area: 60, strain: 0.05)
    options.thickness = (17, 17)
    options.overlap = 0
    let interface = try Interface(
      try LatticeType.fcc.unitCell(a: 4, species: ["A"]), try LatticeType.fcc.unitCell(a: 4.1, species: ["B"]),
      .match(planes: ([1, 1, 1], [1, 1, 1]), number: 0), options)
    let bicrystal = try interface.structure(shift: (0.2371, 0.3917))
    #expect(abs(bicrystal.box.cell.z.x) + abs(bicrystal.box.cell.z.y) > 0.1)
    // Threefold, with mirrors: the second atomic plane tells it from sixfold.
    #expect(DisplacementSymmetry(try interface.structure(), interface.displacements).operations.count == 6)
    var random = CounterRandom(seed: 5, stream: .searchAtoms)
    let neighbor = interface.nearestNeighborDistance
    let start = try BicrystalStart(bicrystal, plane: 1, neighbor: neighbor, random: &random)
    let exchange = try #require(start.exchange)
    func alike(_ structure: Structure, _ what: String) -> [Double] {
      let energies = Self.energies(structure)
      for (i, image) in exchange.images.enumerated() { #expect(abs(energies[i] - energies[image]) < 1e-7, "\(what): atom \(i)") }
      return energies
    }
    _ = alike(start.structure, "start")
    // They touch at both, images across the leaning faces included.
    let grains = try #require(start.structure.grains)
    var least = Double.infinity
    let box = start.structure.box
    for i in grains.indices where grains[i] == 0 {
      for j in grains.indices where grains[j] == 1 {
        for a in -2...2 { for b in -2...2 { for c in -1...1 {
          let d = start.structure.positions[j] - start.structure.positions[i] + Vector3(Double(a), Double(b), Double(c)) * box.cell
          least = min(least, d.length)
        } } }
      }
    }
    #expect(abs(least - BicrystalStart.contact * neighbor) < 1e-6)
    // The upper crystal slides and lifts: what is one state at the first interface is another at the second.
    var state = start.structure
    state.box.setCell(Matrix3(state.box.cell.x, state.box.cell.y, state.box.cell.z + Vector3(0.3, -0.2, 0.1)))
    for i in grains.indices where grains[i] == 1 { state.positions[i] += Vector3(0.2, -0.15, 0.2) }
    let before = Self.energies(state)
    let copied = exchange.copying(half, of: state, from: start.structure)
    let after = alike(copied, "copied")
    for i in grains.indices where exchange.halves[i] == half {
      #expect(abs(after[i] - before[i]) < 5e-3 * abs(before[i]), "atom \(i) of half \(half)")
    }
  }

  @Test("fingerprints do not see rotations, mirrors and moves, and tell structures apart") func fingerprints() throws {
    var builder = try Self.cases[0].builder()
    builder.shift = SIMD2(0.1, 0.2)
    builder.expansion = 0.4
    let structure = try builder.build().structure
    let neighbor = builder.unitCell.nearestNeighborDistance
    let sums = StructureFingerprint.sums(structure, neighbor: neighbor)
    var moved = structure
    for i in moved.positions.indices {
      let r = structure.positions[i]
      moved.positions[i] = Vector3(-r.x, r.y + 1.3, r.z - 20)
    }
    #expect(StructureFingerprint.distance(sums, StructureFingerprint.sums(moved, neighbor: neighbor)) < 1e-9)
    // Twice the cell has twice the pairs.
    let twice = StructureFingerprint.sums(try structure.replicated([1, 2, 1]), neighbor: neighbor)
    #expect(StructureFingerprint.distance(sums.map { 2 * $0 }, twice) < 1e-9)
    builder.shift = SIMD2(0.1, 0.3)
    let other = StructureFingerprint.sums(try builder.build().structure, neighbor: neighbor)
    #expect(StructureFingerprint.distance(sums, other) > 1e-3)
  }
}

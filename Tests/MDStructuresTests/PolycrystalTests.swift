import Foundation
import MDCore
import MDNumerics
import MDStructures
import Testing

/// Grains that fill a cell: volumes, places and orientations by their definitions.
@Suite("Polycrystals") struct PolycrystalTests {
  static let cells = [
    Matrix3(diagonal: Vector3(45, 52, 48)),
    Matrix3(Vector3(50, 0, 0), Vector3(14, 45, 0), Vector3(-9, 12, 52)),
  ]

  static func polycrystal(_ unit: UnitCell, _ cell: Matrix3, _ count: Int, weights: Bool = false, units: Bool = false) throws -> Polycrystal {
    let seeds = Polycrystal.randomSeeds(count, seed: 3)
    return try Polycrystal(
      unit, cell: cell,
      grains: seeds.enumerated().map { g, seed in
        .init(seed: seed, weight: weights ? 60 * Double(g % 3) : 0, orientation: Polycrystal.randomOrientation(g, seed: 3))
      }, keepsFormulaUnits: units)
  }

  static func atoms(_ p: Polycrystal) -> Structure {
    var all = Structure(box: Box(cell: p.cell), species: p.crystal.species, types: [], positions: [])
    var grains: [Int32] = []
    for g in p.grains.indices {
      let own = p.atoms(of: g)
      all.types += own.types
      all.positions += own.positions
      grains += Array(repeating: Int32(g), count: own.types.count)
    }
    all.grains = grains
    return all
  }

  @Test("grains fill the cell, and each point belongs to the seed that is nearest by weight", arguments: cells)
  func filled(_ cell: Matrix3) throws {
    let unit = try LatticeType.fcc.unitCell(a: 3.6, species: ["Cu"])
    let p = try Self.polycrystal(unit, cell, 6, weights: true)
    #expect(abs(p.volumes.reduce(0, +) / cell.determinant - 1) < 1e-9)
    let all = Self.atoms(p)
    for (r, g) in zip(all.positions, all.grains!) {
      func power(_ h: Int) -> Double {
        var least = Double.infinity
        for i in -2...2 { for j in -2...2 { for k in -2...2 {
          let seed = (p.grains[h].seed + Vector3(Double(i), Double(j), Double(k))) * cell
          least = min(least, (r - seed).squaredLength - p.grains[h].weight)
        } } }
        return least
      }
      let own = power(Int(g))
      #expect(p.grains.indices.allSatisfy { power($0) > own - 1e-6 })
    }
    // Volumes by counting points: 20³ of a grid, about 1.2 % of a grain's.
    var counts = [Int](repeating: 0, count: 6)
    let n = 20
    for i in 0..<n { for j in 0..<n { for k in 0..<n {
      let r = (Vector3(Double(i) + 0.5, Double(j) + 0.5, Double(k) + 0.5) / Double(n)) * cell
      var best = (Double.infinity, 0)
      for (h, grain) in p.grains.enumerated() {
        for a in -1...1 { for b in -1...1 { for c in -1...1 {
          let seed = (grain.seed + Vector3(Double(a), Double(b), Double(c))) * cell
          let power = (r - seed).squaredLength - grain.weight
          if power < best.0 { best = (power, h) }
        } } }
      }
      counts[best.1] += 1
    } } }
    for (count, volume) in zip(counts, p.volumes) { #expect(abs(Double(count) / 8000 - volume / cell.determinant) < 0.01) }
  }

  @Test("no pair too close, the crystal inside, and nearly its density", arguments: cells)
  func distances(_ cell: Matrix3) throws {
    let unit = try LatticeType.bcc.unitCell(a: 3.2, species: ["Mo"])
    let p = try Self.polycrystal(unit, cell, 5)
    let all = Self.atoms(p)
    #expect(shortestDistance(all, within: p.overlap - 1e-9) == nil)
    let perfect = cell.determinant / unit.volume * 2
    #expect(Double(all.count) > 0.88 * perfect && Double(all.count) < perfect)
    // Deep in a grain eight neighbours; and they are most atoms.
    let found = coordinations(all, within: 1.1 * unit.nearestNeighborDistance)
    #expect(Double(found.count { $0 == 8 }) > 0.5 * Double(all.count))
    #expect(found.allSatisfy { $0 <= 12 })
  }

  @Test("with no overlap asked away, atoms are what the volumes hold") func complete() throws {
    let unit = try LatticeType.fcc.unitCell(a: 3.6, species: ["Cu"])
    let seeds = Polycrystal.randomSeeds(4, seed: 3)
    let p = try Polycrystal(
      unit, cell: Self.cells[1],
      grains: seeds.enumerated().map { .init(seed: $1, orientation: Polycrystal.randomOrientation($0, seed: 3)) }, overlap: 0)
    for (g, volume) in p.volumes.enumerated() {
      // A surface layer's worth of chance.
      #expect(abs(Double(p.atoms(of: g).types.count) / (volume / unit.volume * 4) - 1) < 0.02)
    }
  }

  /// All lattice points whose power distance to their own seed is the least, and which no point of a grain that stays is too
  /// close to: by the definition, with no walls and no rows.
  @Test("the atoms are those of the definition", arguments: cells) func definition(_ cell: Matrix3) throws {
    let unit = try LatticeType.bcc.unitCell(a: 3.2, species: ["Mo"])
    let p = try Self.polycrystal(unit, cell, 3, weights: true)
    func seed(_ g: Int, _ n: SIMD3<Int>) -> Vector3 {
      (p.grains[g].seed + Vector3(Double(n.x), Double(n.y), Double(n.z))) * cell
    }
    var images: [SIMD3<Int>] = []
    for i in -2...2 { for j in -2...2 { for k in -2...2 { images.append(SIMD3(i, j, k)) } } }
    // Points of each grain's lattice inside of its cell: all, and those near a wall.
    var inside: [Int] = []
    var near: [[Vector3]] = []
    for g in p.grains.indices {
      let lattice = unit.cell * p.grains[g].orientation
      let home = seed(g, .zero)
      let others = p.grains.indices.flatMap { h in
        images.filter { h != g || $0 != .zero }.map { (seed: seed(h, $0), weight: p.grains[h].weight) }
      }
      var count = 0
      var close: [Vector3] = []
      for i in -20...20 { for j in -20...20 { for k in -20...20 { for site in unit.sites {
        let r = home + (site.position + Vector3(Double(i), Double(j), Double(k))) * lattice
        guard (r - home).length < 50 else { continue }
        let own = (r - home).squaredLength - p.grains[g].weight
        var depth = Double.infinity
        for other in others {
          let power = (r - other.seed).squaredLength - other.weight
          depth = min(depth, (power - own) / (2 * (other.seed - home).length))
          if depth < 0 { break }
        }
        guard depth >= 0 else { continue }
        count += 1
        if depth < p.overlap { close.append(r) }
      } } } }
      inside.append(count)
      near.append(close)
    }
    // An atom goes if one of a smaller grain, or of a lower image of its own, is near.
    for g in p.grains.indices {
      var kept = inside[g]
      for r in near[g] {
        let yields = (0...g).contains { h in
          images.contains { n in
            guard h < g || (n.x, n.y, n.z) < (0, 0, 0) else { return false }
            let move = Vector3(Double(n.x), Double(n.y), Double(n.z)) * cell
            return near[h].contains { ($0 + move - r).squaredLength < p.overlap * p.overlap }
          }
        }
        if yields { kept -= 1 }
      }
      // A point on the far side of one wall may be outside of its own grain by another: at edges the builder takes more out.
      let built = p.atoms(of: g).types.count
      #expect(built <= kept && built >= kept - kept / 100, "\(built) of \(kept)")
    }
  }

  @Test("parts are the whole, in about equal numbers", arguments: [false, true]) func parts(units: Bool) throws {
    let unit = try LatticeType.fluorite.unitCell(a: 5.41, species: ["Ce", "O"])
    for cell in Self.cells {
      let p = try Self.polycrystal(unit, cell, 5, weights: true, units: units)
      let all = Self.atoms(p)
      for ranks in [1, 2, 3, 7, 40] {
        let parts = (0..<ranks).map { p.build(part: StructurePart(rank: $0, ranks: ranks)) }
        #expect(parts.flatMap(\.positions) == all.positions && parts.flatMap(\.types) == all.types)
        #expect(parts.flatMap { $0.grains ?? [] } == all.grains)
        // Rows are weighed by cells, of which those near walls have few atoms; grains that stay whole are shared as they are.
        guard !units, ranks < 40 else { continue }
        let most = parts.map(\.count).max() ?? 0
        #expect(Double(most) < 1.25 * Double(all.count) / Double(ranks), "\(most) of \(all.count) on \(ranks)")
      }
    }
  }

  @Test("whole formula units in every grain") func units() throws {
    let unit = try LatticeType.fluorite.unitCell(a: 5.41, species: ["Ce", "O"])
    let p = try Self.polycrystal(unit, Self.cells[1], 4, units: true)
    for g in 0..<4 {
      let types = p.atoms(of: g).types
      #expect(types.count { $0 == 1 } == 2 * types.count { $0 == 0 } && !types.isEmpty)
    }
    #expect(shortestDistance(Self.atoms(p), within: p.overlap - 1e-9) == nil)
  }

  @Test("sizes are fitted", arguments: [0.0, 0.25]) func sizes(_ spread: Double) throws {
    let unit = try LatticeType.fcc.unitCell(a: 3.6, species: ["Cu"])
    var p = try Self.polycrystal(unit, Self.cells[1], 12)
    let wanted = Polycrystal.logNormalVolumes(12, spread: spread, seed: 3)
    let error = p.fit(volumes: wanted)
    #expect(error < 0.05)
    let scale = Self.cells[1].determinant / wanted.reduce(0, +)
    for (v, w) in zip(p.volumes, wanted) { #expect(abs(v / (w * scale) - 1) < 0.2) }
    #expect(abs(p.volumes.reduce(0, +) / Self.cells[1].determinant - 1) < 1e-9)
    // ln d of many: the deviation asked for.
    let many = Polycrystal.logNormalVolumes(4000, spread: 0.25, seed: 1).map { log($0) / 3 }
    let mean = many.reduce(0, +) / 4000
    let deviation = (many.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000).squareRoot()
    #expect(abs(deviation - 0.25) < 0.25 * 0.06 && abs(mean) < 0.02)
  }

  /// Angles of rotations uniform in SO(3): density (1 − cos θ)/π, so that θ < 90° has the part (π/2 − 1)/π.
  @Test("orientations are uniform in SO(3)") func uniform() {
    var below = 0
    var mean = Matrix3.zero
    let n = 4000
    for g in 0..<n {
      let r = Polycrystal.randomOrientation(g, seed: 11)
      #expect(abs(r.determinant - 1) < 1e-12)
      #expect((r * r.transpose - .identity).norm < 1e-12)
      if 0.5 * (r.trace - 1) > 0 { below += 1 }
      mean += (1 / Double(n)) * r
    }
    let part = (Double.pi / 2 - 1) / Double.pi
    #expect(abs(Double(below) / Double(n) - part) < 5 * (part * (1 - part) / Double(n)).squareRoot())
    // Each element has the mean 0 and the variance ⅓.
    #expect(mean.elements.allSatisfy { abs($0) < 5 / (3 * Double(n)).squareRoot() })
  }

  @Test("fibres are along their axis, as far as they spread") func fibre() {
    let d = Vector3(1, 1, 1), z = Vector3(0, 0, 1)
    var spins: Set<Int> = []
    var square = 0.0
    for g in 0..<500 {
      let r = Polycrystal.fibre(g, direction: d, axis: z, spread: 0, seed: 2)
      let image = (1 / d.length) * (d * r)
      #expect((image - z).length < 1e-12)
      spins.insert(Int(atan2(r.x.y, r.x.x) * 4 / .pi + 8))
      let tilted = (1 / d.length) * (d * Polycrystal.fibre(g, direction: d, axis: z, spread: 5, seed: 2))
      square += pow(acos(min(dot(tilted, z), 1)) * 180 / .pi, 2)
    }
    #expect(spins.count >= 8)
    // Two axes of 5° each.
    #expect(abs(square / 500 - 50) < 50 * 5 / 500.0.squareRoot())
    // Against the axis, and along it already.
    for start in [Vector3(0, 0, 1), Vector3(0, 0, -1)] {
      #expect((start * Polycrystal.fibre(0, direction: start, axis: z, spread: 0, seed: 1) - z).length < 1e-12)
    }
  }

  @Test("columns repeat along z") func columns() throws {
    let unit = try LatticeType.fcc.unitCell(a: 4, species: ["Al"])
    let height = 2 * 4 * 3.0.squareRoot()
    let cell = Matrix3(Vector3(50, 0, 0), Vector3(9, 44, 0), Vector3(0, 0, height))
    let grains = Polycrystal.randomSeeds(4, seed: 5).enumerated().map { g, seed in
      Polycrystal.Grain(
        seed: seed, orientation: Polycrystal.fibre(g, direction: Vector3(1, 1, 1), axis: Vector3(0, 0, 1), spread: 0, seed: 5))
    }
    let p = try Polycrystal(unit, cell: cell, grains: grains, isColumnar: true)
    #expect(abs(p.volumes.reduce(0, +) / cell.determinant - 1) < 1e-9)
    let all = Self.atoms(p)
    #expect(shortestDistance(all, within: p.overlap - 1e-9) == nil)
    #expect(Double(all.count) > 0.88 * cell.determinant / 16 && Double(all.count) < cell.determinant / 16)
    // Through the face at z = 0 grains go on: atoms near it have twelve neighbours as often as those in the middle.
    let found = coordinations(all, within: 1.1 * unit.nearestNeighborDistance)
    func part(_ isIn: (Double) -> Bool) -> Double {
      let own = (0..<all.count).filter { isIn(all.positions[$0].z) }
      return Double(own.count { found[$0] == 12 }) / Double(own.count)
    }
    #expect(abs(part { $0 < 2 || $0 > height - 2 } - part { abs($0 - height / 2) < 2 }) < 0.1)
  }
}

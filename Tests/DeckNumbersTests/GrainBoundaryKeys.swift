import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `structure.grain_boundary`: periods, angles, shifts and gaps measured on the atoms.
@Suite("Deck → numbers: grain boundaries") struct GrainBoundaryKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static func build(_ keys: String) throws -> Structure { try DeckRun.build("grain_boundary: {\(keys)}") }

  static let sigma5 =
    "kind: tilt, lattice: sc, constant: 3, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], overlap: 0"
  static let twist = "kind: twist, lattice: sc, constant: 3, species: [Cu], axis: [0, 0, 1], overlap: 0, thickness: 6"

  /// The angles, modulo 90°, of the in-plane cell edges `a` of each grain to x, seen along `axis` (y or z).
  static func angles(_ s: Structure, a: Double, axis: Int) throws -> [Double] {
    let grains = try #require(s.grains)
    let plane = axis == 2 ? (0, 1) : (2, 0)
    return (0..<2).map { grain in
      // The commonest: across a boundary other distances may happen to be a.
      var counts: [Int: Int] = [:]
      PairSum.forEach(s, reach: a + 0.01) { i, j, d in
        guard grains[i] == grain, grains[j] == grain, abs(d[axis]) < 1e-6, abs(d.length - a) < 1e-6 else { return }
        let degrees = atan2(d[plane.1], d[plane.0]) * 180 / .pi
        counts[Int(((degrees + 720).truncatingRemainder(dividingBy: 90) * 1000).rounded()), default: 0] += 1
      }
      return Double(counts.max { $0.value < $1.value }?.key ?? 0) / 1000
    }
  }

  /// How far apart two grains are turned, 0 to 45°.
  static func misorientation(_ s: Structure, a: Double = 3, axis: Int) throws -> Double {
    let angles = try angles(s, a: a, axis: axis)
    let d = abs(angles[0] - angles[1]).truncatingRemainder(dividingBy: 90)
    return min(d, 90 - d)
  }

  static let effects = [
    KeyEffect(in: "structure.grain_boundary", "kind", "sigma", "plane", "axis") {
      // Tilt about y: the angle between the grains, and the period across the axis, a√(h² + k²).
      let cases: [(String, Double, Double)] = [
        ("sigma: 5, plane: [3, 1, 0]", 36.870, 10.0.squareRoot()),
        ("sigma: 5, plane: [2, 1, 0]", 36.870, 5.0.squareRoot()),
        ("sigma: 13, plane: [3, 2, 0]", 22.620, 13.0.squareRoot()),
      ]
      for (keys, angle, period) in cases {
        let s = try build(
          "kind: tilt, lattice: sc, constant: 3, species: [Cu], axis: [0, 0, 1], overlap: 0, thickness: 12, \(keys)")
        #expect(abs(try misorientation(s, axis: 1) - angle) < 0.002, "\(keys)")
        #expect(abs(s.box.cell.x.x - 3 * period) < 1e-9 && abs(s.box.cell.y.y - 3) < 1e-9, "\(keys)")
      }
      // Twist about z.
      for (sigma, angle, period) in [(5, 36.870, 5.0), (13, 22.620, 13.0), (17, 28.072, 17.0)] {
        let s = try build("\(twist), sigma: \(sigma)")
        #expect(abs(try misorientation(s, axis: 2) - angle) < 0.002)
        #expect(abs(s.box.cell.x.x - 3 * period.squareRoot()) < 1e-9)
      }
      // About [110]: the axis is a face's diagonal, half of it in fcc; (1-11) is the coherent twin: all bonds are kept.
      let coherent = try build(
        "kind: tilt, lattice: fcc, constant: 4, species: [Cu], axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1], "
          + "thickness: 12"
      )
      #expect(abs(coherent.box.cell.y.y - 8.0.squareRoot()) < 1e-9)
      var bonds = [Int](repeating: 0, count: coherent.count)
      PairSum.forEach(coherent, reach: 8.0.squareRoot() + 1e-6) { i, _, _ in bonds[i] += 1 }
      #expect(bonds.allSatisfy { $0 == 12 })
    },
    KeyEffect(in: "structure.grain_boundary", "lattice", "constant", "species") {
      // Atoms a volume: those of the crystal, as no atom is removed here.
      for (lattice, species, atoms) in [("sc", ["Cu"], 1), ("diamond", ["Si"], 8), ("rocksalt", ["Mg", "O"], 8)] {
        let s = try build(
          "kind: twist, lattice: \(lattice), constant: 4.3, species: \(species), axis: [0, 0, 1], sigma: 5, "
            + "overlap: 0, thickness: 8"
        )
        #expect(s.count == Int((Double(atoms) * s.box.volume / (4.3 * 4.3 * 4.3)).rounded()), "\(lattice)")
        #expect(s.species == species)
        let counts = species.indices.map { k in s.types.filter { Int($0) == k }.count }
        #expect(Set(counts).count == 1)
        #expect(
          abs(s.box.cell.x.x - 4.3 * 5.0.squareRoot()) < 1e-9 || abs(s.box.cell.x.x - 4.3 * 2.5.squareRoot()) < 1e-9)
      }
    },
    KeyEffect("structure.grain_boundary.repeat") {
      let one = try build("\(sigma5), thickness: 12")
      let six = try build("\(sigma5), thickness: 12, repeat: [2, 3]")
      #expect(six.count == 6 * one.count)
      #expect(
        abs(six.box.cell.x.x - 2 * one.box.cell.x.x) < 1e-9 && abs(six.box.cell.y.y - 3 * one.box.cell.y.y) < 1e-9)
      #expect(abs(six.box.cell.z.z - one.box.cell.z.z) < 1e-9)
    },
    KeyEffect("structure.grain_boundary.thickness") {
      for thickness in [8.0, 20, 33] {
        let s = try build("\(sigma5), thickness: \(thickness)")
        // The next multiple of the period along the normal, a√10 (half of it is enough for equal boundaries in some).
        let grain = s.box.cell.z.z / 2
        #expect(grain >= thickness - 1e-9 && grain < thickness + 3 * 10.0.squareRoot() + 1e-9, "\(grain)")
        #expect(s.count == Int((s.box.volume / 27).rounded()))
      }
    },
    KeyEffect(in: "structure.grain_boundary", "free_surfaces", "vacuum") {
      let closed = try build("\(sigma5), thickness: 12")
      for (keys, vacuum) in [("free_surfaces: true", 20.0), ("free_surfaces: true, vacuum: 33", 33)] {
        let s = try build("\(sigma5), thickness: 12, \(keys)")
        #expect(closed.box.periodic.isFull && s.box.periodic == Periodicity(true, true, false))
        // The grains with the distance of the last plane to the next, and the vacuum.
        let z = s.positions.map(\.z)
        let spacing = 3 / 10.0.squareRoot()
        let filled = z.max()! - z.min()! + spacing
        #expect(abs(s.box.cell.z.z - filled - vacuum) < spacing + 1e-9, "\(s.box.cell.z.z), \(filled)")
        #expect(abs(s.box.cell.z.z - vacuum - closed.box.cell.z.z) < spacing + 1e-9)
      }
    },
    KeyEffect("structure.grain_boundary.shift") {
      let plain = try build("\(sigma5), thickness: 12, repeat: [2, 3]")
      let moved = try build("\(sigma5), thickness: 12, repeat: [2, 3], shift: [0.3, 0.1]")
      // Fractions of the period, not of the repeated cell.
      let shift = Vector3(0.3 * 3 * 10.0.squareRoot(), 0.1 * 3, 0)
      try expectMoved(plain, moved, by: shift)
      #expect(abs(plain.box.cell.z.z - moved.box.cell.z.z) < 1e-9)
    },
    KeyEffect("structure.grain_boundary.expansion") {
      let plain = try build("\(sigma5), thickness: 12")
      for expansion in [0.7, -0.2] {
        let moved = try build("\(sigma5), thickness: 12, expansion: \(expansion)")
        #expect(abs(moved.box.cell.z.z - plain.box.cell.z.z - 2 * expansion) < 1e-9)
        #expect(moved.count == plain.count)
        // Heights within the lower grain stay, those of the upper one go up.
        let z = { (s: Structure, grain: Int32) in
          zip(s.positions, s.grains ?? []).filter { $0.1 == grain }.map(\.0.z).sorted()
        }
        let own = zip(z(moved, 0), z(plain, 0)).map { $0 - $1 }
        let upper = zip(z(moved, 1), z(plain, 1)).map { $0 - $1 }
        let step = upper[0] - own[0]
        #expect(abs(step - expansion) < 1e-9)
        #expect((own.max()! - own.min()!) < 1e-9 && (upper.max()! - upper.min()!) < 1e-9)
      }
    },
    KeyEffect("structure.grain_boundary.overlap") {
      let keys =
        "kind: tilt, lattice: fcc, constant: 4, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0], "
        + "thickness: 14"
      func closest(_ s: Structure) -> Double {
        var least = Double.infinity
        PairSum.forEach(s, reach: 4) { _, _, d in least = min(least, d.length) }
        return least
      }
      let all = try build("\(keys), overlap: 0")
      let usual = try build(keys)
      let few = try build("\(keys), overlap: 2.6")
      // Σ5 boundaries in fcc bring atoms closer than 0.7 nearest-neighbour distances.
      #expect(all.count == Int((4 * all.box.volume / 64).rounded()))
      #expect(closest(usual) >= 0.7 * 8.0.squareRoot() - 1e-9 && closest(few) >= 2.6 - 1e-9)
      #expect(closest(all) < 2.6 && few.count < all.count && usual.count <= all.count)
    },
  ]

  /// Atoms of the upper grain are those of the other structure moved by `shift`, the lower ones have not moved.
  private static func expectMoved(_ plain: Structure, _ moved: Structure, by shift: Vector3) throws {
    try #require(plain.count == moved.count)
    let grains = try #require(plain.grains)
    for (r, grain) in zip(plain.positions, grains) {
      let target = grain == 1 ? r + shift : r
      let near = moved.positions.contains { p in
        let s = moved.box.fractional(p - target + moved.box.origin)
        let rest = Vector3(s.x - s.x.rounded(), s.y - s.y.rounded(), s.z - s.z.rounded()) * moved.box.cell
        return rest.length < 1e-8
      }
      #expect(near, "grain \(grain) at \(r)")
    }
  }
}

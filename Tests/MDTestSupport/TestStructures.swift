import MDCore
import MDNumerics

/// A small generator whose stream is the same everywhere (Steele, Lea, Flood 2014).
public struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64
  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Evenly in [−1, 1)³.
  public mutating func vector() -> Vector3 {
    Vector3(
      Double.random(in: -1..<1, using: &self), Double.random(in: -1..<1, using: &self),
      Double.random(in: -1..<1, using: &self))
  }
}

/// Numbers in [0, 1) with fixed seeds, so that each run tests the same systems.
public struct Randoms {
  private var source: SplitMix64
  public init(_ seed: UInt64) { source = SplitMix64(seed: seed) }

  public mutating func next() -> Double { Double(source.next() >> 11) * 0x1p-53 }
  public mutating func vector() -> Vector3 { Vector3(next(), next(), next()) }
}

/// Small disordered structures that between them have every kind of boundary.
public enum TestStructures {
  /// Face-centred cubic cells of nearest-neighbour distance `spacing` (Å), species dealt at random, every atom
  /// moved by up to `disorder`·spacing, the cell sheared.
  public static func crystal(
    _ species: [String], spacing: Double, cells: SIMD3<Int> = [2, 2, 2], periodic: Periodicity = .all,
    disorder: Double = 0.06, seed: UInt64 = 1
  ) -> Structure {
    var random = SplitMix64(seed: seed)
    let a = spacing * 2.0.squareRoot()
    let basis = [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
    var positions: [Vector3] = []
    for x in 0..<cells.x {
      for y in 0..<cells.y {
        for z in 0..<cells.z {
          for b in basis { positions.append((Vector3(Double(x), Double(y), Double(z)) + b) * a) }
        }
      }
    }
    let shear = Matrix3(Vector3(1.01, 0.03, -0.02), Vector3(-0.01, 0.98, 0.04), Vector3(0.02, 0.01, 1.03))
    let cell = Matrix3(diagonal: Vector3(Double(cells.x), Double(cells.y), Double(cells.z)) * a) * shear
    positions = positions.map { $0 * shear + random.vector() * (disorder * spacing) }
    let types = positions.indices.map { i in
      i < species.count ? Int32(i) : Int32.random(in: 0..<Int32(species.count), using: &random)
    }
    return Structure(
      box: Box(cell: cell, periodic: periodic), species: species, types: types, positions: positions)
  }

  /// A periodic crystal, a cell smaller than the cutoff, a slab open along c, a cluster without any images.
  public static func all(_ species: [String], spacing: Double) -> [Structure] {
    var slab = crystal(species, spacing: spacing, cells: [2, 2, 1], periodic: Periodicity(true, true, false), seed: 3)
    slab.box.setCell(Matrix3(slab.box.cell.x, slab.box.cell.y, slab.box.cell.z * 3))
    return [
      crystal(species, spacing: spacing),
      crystal(species, spacing: spacing, cells: [1, 1, 1], seed: 2),
      slab,
      crystal(species, spacing: spacing, cells: [2, 1, 1], periodic: .none, seed: 4),
    ]
  }
}

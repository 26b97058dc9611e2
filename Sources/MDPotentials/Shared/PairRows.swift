import MDCore
import MDNumerics

/// A vector of the atom columns as one 256-bit load; the fourth lane is the column's padding, never used.
@inline(__always)
func loadRow(_ p: UnsafePointer<Vector3>, _ i: Int32) -> Lanes {
  UnsafeRawPointer(p + Int(i)).load(as: Lanes.self)
}

/// Adds `v` to a vector of the atom columns.
@inline(__always)
func addRow(_ v: Lanes, to p: UnsafeMutablePointer<Vector3>, _ i: Int32) {
  let q = UnsafeMutableRawPointer(p + Int(i))
  q.storeBytes(of: q.load(as: Lanes.self) + v, as: Lanes.self)
}

/// The vectors r_j − r_i of four neighbours.
struct PairVectors {
  var x, y, z: Lanes

  @inline(__always)
  init(x: Lanes, y: Lanes, z: Lanes) {
    self.x = x
    self.y = y
    self.z = z
  }

  @inline(__always)
  init(_ positions: UnsafePointer<Vector3>, _ j: UnsafePointer<Int32>, from center: Lanes) {
    let a = loadRow(positions, j[0]) - center
    let b = loadRow(positions, j[1]) - center
    let c = loadRow(positions, j[2]) - center
    let d = loadRow(positions, j[3]) - center
    x = Lanes(a[0], b[0], c[0], d[0])
    y = Lanes(a[1], b[1], c[1], d[1])
    z = Lanes(a[2], b[2], c[2], d[2])
  }

  @inline(__always)
  var squaredDistances: Lanes { (x * x).addingProduct(y, y).addingProduct(z, z) }
}

/// The picked neighbours of one atom on their way through a kernel: components of r_j − r_i are written one by one and
/// read four abreast (the store buffer transposes), then a factor s a pair, then the forces s·(r_j − r_i).
struct PairStage {
  private let x: UnsafeMutablePointer<Double>
  private let y: UnsafeMutablePointer<Double>
  private let z: UnsafeMutablePointer<Double>
  private let s: UnsafeMutablePointer<Double>

  init(_ scratch: AlignedBuffer<Double>, longestRow: Int) {
    let room = (longestRow + 7) & ~3
    scratch.reserve(4 * room)
    x = scratch.pointer
    y = x + room
    z = y + room
    s = z + room
  }

  /// - Parameter count: the number of neighbours, padding included.
  @inline(__always)
  func gather(
    _ j: UnsafePointer<Int32>, _ count: Int, _ positions: UnsafePointer<Vector3>, from center: Lanes
  ) {
    for k in 0..<count {
      let d = loadRow(positions, j[k]) - center
      x[k] = d[0]
      y[k] = d[1]
      z[k] = d[2]
    }
  }

  @inline(__always)
  func vectors(_ k: Int) -> PairVectors {
    PairVectors(x: Self.load(x + k), y: Self.load(y + k), z: Self.load(z + k))
  }

  @inline(__always)
  private static func load(_ p: UnsafeMutablePointer<Double>) -> Lanes {
    UnsafeRawPointer(p).load(as: Lanes.self)
  }

  @inline(__always)
  func setFactors(_ value: Lanes, _ k: Int) {
    UnsafeMutableRawPointer(s + k).storeBytes(of: value, as: Lanes.self)
  }

  /// Adds s·(r_j − r_i) to the force on each j; returns their sum, which the caller subtracts from the force on i.
  @inline(__always)
  func push(
    _ j: UnsafePointer<Int32>, _ count: Int, _ positions: UnsafePointer<Vector3>, from center: Lanes,
    _ forces: UnsafeMutablePointer<Vector3>
  ) -> Lanes {
    var sum = Lanes.zero
    for k in 0..<count {
      let f = (loadRow(positions, j[k]) - center) * s[k]
      addRow(f, to: forces, j[k])
      sum += f
    }
    return sum
  }
}

/// Sums of s·(r_j − r_i) ⊗ (r_j − r_i), the virial of central forces, kept by lanes.
struct VirialSum {
  var xx = Lanes.zero, yy = Lanes.zero, zz = Lanes.zero, xy = Lanes.zero, xz = Lanes.zero, yz = Lanes.zero

  @inline(__always)
  mutating func add(_ s: Lanes, _ d: PairVectors) {
    let sx = s * d.x
    let sy = s * d.y
    let sz = s * d.z
    xx.addProduct(sx, d.x)
    yy.addProduct(sy, d.y)
    zz.addProduct(sz, d.z)
    xy.addProduct(sx, d.y)
    xz.addProduct(sx, d.z)
    yz.addProduct(sy, d.z)
  }

  var matrix: Matrix3 {
    Matrix3(
      Vector3(xx.sum(), xy.sum(), xz.sum()), Vector3(xy.sum(), yy.sum(), yz.sum()),
      Vector3(xz.sum(), yz.sum(), zz.sum()))
  }
}

/// Gives each of a pair's atoms half of the pair's energy and virial, and tells their force where it is wanted: as one
/// whose energy both share, unless `own` says by which part of s the energy of i changes and by which that of j.
@inline(__always)
func addAtomResults(
  _ atoms: AtomView, _ want: Want, _ i: Int, _ j: UnsafePointer<Int32>, _ count: Int, energy: Lanes, _ s: Lanes,
  _ d: PairVectors, own: (Lanes, Lanes)? = nil
) {
  if let stream = atoms.pairStream(want) {
    for k in 0..<min(count, 4) {
      let v = Vector3(d.x[k], d.y[k], d.z[k])
      if let own {
        stream.add(i, Int(j[k]), isShared: false, v, -own.0[k] * v)
        stream.add(Int(j[k]), i, isShared: false, -1 * v, own.1[k] * v)
      } else {
        stream.add(i, Int(j[k]), isShared: true, v, -s[k] * v)
      }
    }
  }
  for k in 0..<min(count, 4) {
    let other = Int(j[k])
    if want.contains(.atomEnergy), let energies = atoms.energies {
      energies[i] += 0.5 * energy[k]
      energies[other] += 0.5 * energy[k]
    }
    if want.contains(.atomVirial), let virials = atoms.virials {
      let v = Vector3(d.x[k], d.y[k], d.z[k])
      for a in 0..<3 {
        for b in 0..<3 {
          let w = 0.5 * s[k] * v[a] * v[b]
          virials[9 * i + 3 * a + b] += w
          virials[9 * other + 3 * a + b] += w
        }
      }
    }
  }
}

/// 1 in the lanes that hold a pair when `remaining` pairs are left, 0 in the padding.
@inline(__always)
func laneWeights(_ remaining: Int) -> Lanes {
  remaining >= 4 ? Lanes(repeating: 1) : Lanes(repeating: 0).replacing(
    with: 1, where: Lanes(0, 1, 2, 3) .< Lanes(repeating: Double(remaining)))
}

/// One row of a neighbour list, staged: squared distances of all listed neighbours, from which the pairs within
/// a cutoff are picked out one species at a time, so that a kernel's parameters are the same for all its lanes.
struct RowStage {
  private let r2: UnsafeMutablePointer<Double>

  /// `room` is the longest row, rounded up to whole lanes.
  init(_ scratch: AlignedBuffer<Double>, longestRow: Int) {
    scratch.reserve(longestRow + 4)
    r2 = scratch.pointer
  }

  @inline(__always)
  func measure(
    _ row: UnsafePointer<Int32>, _ count: Int, _ positions: UnsafePointer<Vector3>, from center: Lanes
  ) {
    var k = 0
    while k &+ 4 <= count {
      let d = PairVectors(positions, row + k, from: center)
      UnsafeMutableRawPointer(r2 + k).storeBytes(of: d.squaredDistances, as: Lanes.self)
      k &+= 4
    }
    while k < count {
      let d = loadRow(positions, row[k]) - center
      r2[k] = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
      k &+= 1
    }
  }

  /// Writes the neighbours nearer than the cutoff, of one species if one is named, and their squared distances;
  /// pads both with copies of the last up to whole lanes. Returns how many there are without the padding.
  @inline(__always)
  func pick(
    _ row: UnsafePointer<Int32>, _ count: Int, within cutoff2: Double, species: UnsafePointer<Int32>, _ wanted: Int32?,
    into out: UnsafeMutablePointer<Int32>, _ outR2: UnsafeMutablePointer<Double>
  ) -> Int {
    // Without branches, which the processor could not predict: every neighbour is written to the next place, but the
    // place moves on only if the neighbour is within the cutoff.
    var n = 0
    if let wanted {
      for k in 0..<count {
        let j = row[k]
        out[n] = j
        outR2[n] = r2[k]
        let other = UInt32(bitPattern: species[Int(j)] ^ wanted)
        let differs = Int(truncatingIfNeeded: (UInt64(other) &+ 0xFFFF_FFFF) &>> 32)
        n &+= isNegative(r2[k] - cutoff2) & (1 &- differs)
      }
    } else {
      for k in 0..<count {
        out[n] = row[k]
        outR2[n] = r2[k]
        n &+= isNegative(r2[k] - cutoff2)
      }
    }
    guard n > 0 else { return 0 }
    for k in n..<((n &+ 3) & ~3) {
      out[k] = out[n &- 1]
      outR2[k] = outR2[n &- 1]
    }
    return n
  }
}

/// The sign bit, 1 or 0.
@inline(__always)
func isNegative(_ x: Double) -> Int { Int(truncatingIfNeeded: x.bitPattern &>> 63) }

/// √x by lanes for x ≥ 0. Said to be not negative, the square roots need no check and become one instruction.
@inline(__always)
func positiveSquareRoot(_ x: Lanes) -> Lanes {
  Lanes(x[0].magnitude, x[1].magnitude, x[2].magnitude, x[3].magnitude).squareRoot()
}

extension NeighborView {
  /// The number of neighbours in the longest row.
  var longestRow: Int {
    var longest = 0
    for i in 0..<rowCount { longest = max(longest, starts[i + 1] - starts[i]) }
    return longest
  }
}

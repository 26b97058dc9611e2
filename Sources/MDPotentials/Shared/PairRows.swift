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

/// The vectors r_j − r_i of four neighbours: as rows (x, y, z, ·) and transposed.
struct PairVectors {
  var row0, row1, row2, row3: Lanes
  var x, y, z: Lanes

  @inline(__always)
  init(_ positions: UnsafePointer<Vector3>, _ j: UnsafePointer<Int32>, from center: Lanes) {
    row0 = loadRow(positions, j[0]) - center
    row1 = loadRow(positions, j[1]) - center
    row2 = loadRow(positions, j[2]) - center
    row3 = loadRow(positions, j[3]) - center
    x = Lanes(row0[0], row1[0], row2[0], row3[0])
    y = Lanes(row0[1], row1[1], row2[1], row3[1])
    z = Lanes(row0[2], row1[2], row2[2], row3[2])
  }

  @inline(__always)
  var squaredDistances: Lanes { (x * x).addingProduct(y, y).addingProduct(z, z) }

  /// Adds s·(r_j − r_i) to the force on each j; returns the sum, which belongs off the force on i.
  @inline(__always)
  func push(_ s: Lanes, _ forces: UnsafeMutablePointer<Vector3>, _ j: UnsafePointer<Int32>) -> Lanes {
    let f0 = row0 * s[0]
    let f1 = row1 * s[1]
    let f2 = row2 * s[2]
    let f3 = row3 * s[3]
    addRow(f0, to: forces, j[0])
    addRow(f1, to: forces, j[1])
    addRow(f2, to: forces, j[2])
    addRow(f3, to: forces, j[3])
    return (f0 + f1) + (f2 + f3)
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

/// Gives each of a pair's atoms half of the pair's energy and virial.
@inline(__always)
func addAtomResults(
  _ atoms: AtomView, _ want: Want, _ i: Int, _ j: UnsafePointer<Int32>, _ count: Int, energy: Lanes, _ s: Lanes,
  _ d: PairVectors
) {
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
    // Every neighbour is written, but the place moves on only if it counts: the outcome is too random to branch on.
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
private func isNegative(_ x: Double) -> Int { Int(truncatingIfNeeded: x.bitPattern &>> 63) }

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

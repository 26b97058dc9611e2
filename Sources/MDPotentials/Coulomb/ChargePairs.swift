import MDCore
import MDNumerics

/// A symmetric interaction v(r) of charges within a cutoff, kept for a step: for each local atom its neighbours j with v and
/// −v′/r, so that products with many vectors and the forces in the end cost no further evaluation. Both halves of a pair are
/// there, from a full list; results go to the rank's own atoms only. Twenty bytes a neighbour.
final class ChargePairs {
  private let starts = AlignedBuffer<Int>()
  private let neighbors = AlignedBuffer<Int32>()
  private let values = AlignedBuffer<Double>()
  private let slopes = AlignedBuffer<Double>()
  private let squares = AlignedBuffer<Double>()
  private let betas = AlignedBuffer<Double>()
  /// 1/√2γ, γ² = σᵢ² + σⱼ², for each pair of species.
  private let inverseWidths: AlignedBuffer<Double>
  private let kinds: Int

  /// - Parameter widths: σ by species, Å.
  init(widths: [Double]) {
    kinds = widths.count
    inverseWidths = AlignedBuffer(widths.flatMap { a in widths.map { 1 / (2 * (a * a + $0 * $0)).squareRoot() } })
  }

  /// `form` gives v and −v′/r for four distances and 1/√2γ.
  @inline(__always)
  func fill(
    _ context: ForceContext, cutoff: Double, _ form: (_ r: Lanes, _ beta: Lanes) -> (value: Lanes, slope: Lanes)
  ) {
    let atoms = context.atoms
    let list = context.neighbors(.full)
    starts.reserve(list.rowCount + 1)
    // As many as last time and a little more; grown as needed below.
    var room = neighbors.capacity - 8
    squares.reserve(list.longestRow + 8)
    betas.reserve(list.longestRow + 8)
    let (r2, beta) = (squares.pointer, betas.pointer)
    let limit = cutoff * cutoff
    var place = 0
    for i in 0..<list.rowCount {
      starts.pointer[i] = place
      let row = list.indices + list.starts[i]
      let length = list.starts[i &+ 1] &- list.starts[i]
      if place &+ length &+ 8 > room {
        let wanted = place + length + 8
        neighbors.reserve(wanted + 8, keeping: place)
        values.reserve(neighbors.capacity, keeping: place)
        slopes.reserve(neighbors.capacity, keeping: place)
        room = neighbors.capacity - 8
      }
      let center = atoms.positions[i]
      let widths = inverseWidths.pointer + kinds &* Int(atoms.species[i])
      let index = neighbors.pointer + place
      var n = 0
      for k in 0..<length {
        let j = row[k]
        let d2 = (atoms.positions[Int(j)] - center).squaredLength
        index[n] = j
        r2[n] = d2
        beta[n] = widths[Int(atoms.species[Int(j)])]
        n &+= d2 < limit ? 1 : 0
      }
      for k in n..<(n &+ 4) {
        r2[k] = 1
        beta[k] = 1
      }
      let (value, slope) = (UnsafeMutableRawPointer(values.pointer + place), UnsafeMutableRawPointer(slopes.pointer + place))
      var k = 0
      while k < n {
        let r = positiveSquareRoot(UnsafeRawPointer(r2 + k).loadUnaligned(as: Lanes.self))
        let result = form(r, UnsafeRawPointer(beta + k).loadUnaligned(as: Lanes.self))
        value.storeBytes(of: result.value, toByteOffset: 8 &* k, as: Lanes.self)
        slope.storeBytes(of: result.slope, toByteOffset: 8 &* k, as: Lanes.self)
        k &+= 4
      }
      place &+= n
    }
    starts.pointer[list.rowCount] = place
  }

  /// Adds Σⱼ v xⱼ to y of the rank's atoms.
  func addProduct(_ x: UnsafePointer<Double>, count: Int, to y: UnsafeMutablePointer<Double>) {
    let (index, value, start) = (neighbors.pointer, values.pointer, starts.pointer)
    for i in 0..<count {
      var sum = (0.0, 0.0, 0.0, 0.0)
      var k = start[i]
      let end = start[i &+ 1]
      while k &+ 3 < end {
        sum.0 += value[k] * x[Int(index[k])]
        sum.1 += value[k &+ 1] * x[Int(index[k &+ 1])]
        sum.2 += value[k &+ 2] * x[Int(index[k &+ 2])]
        sum.3 += value[k &+ 3] * x[Int(index[k &+ 3])]
        k &+= 4
      }
      while k < end {
        sum.0 += value[k] * x[Int(index[k])]
        k &+= 1
      }
      y[i] += (sum.0 + sum.1) + (sum.2 + sum.3)
    }
  }

  /// Adds the forces of Σ_{i<j} (wᵢqⱼ + qᵢwⱼ) v(rᵢⱼ) at fixed q and w, and per-atom virials; returns the virial.
  func addForces(_ q: UnsafePointer<Double>, _ w: UnsafePointer<Double>, on atoms: AtomView, want: Want) -> Matrix3 {
    let perAtom = want.contains(.atomVirial) ? atoms.virials : nil
    let (index, slope, start) = (neighbors.pointer, slopes.pointer, starts.pointer)
    let wantsVirial = !want.isEmpty
    var total = Matrix3.zero
    for i in 0..<atoms.localCount {
      let center = loadRow(atoms.positions, Int32(truncatingIfNeeded: i))
      let (qi, wi) = (q[i], w[i])
      var force = Lanes.zero
      // Rows of Σ s d ⊗ d.
      var virial = (Lanes.zero, Lanes.zero, Lanes.zero)
      for k in start[i]..<start[i &+ 1] {
        let j = index[k]
        let d = loadRow(atoms.positions, j) - center
        let s = slope[k] * (wi * q[Int(j)] + qi * w[Int(j)])
        let f = d * s
        force += f
        if wantsVirial {
          virial.0 += f * Lanes(repeating: d[0])
          virial.1 += f * Lanes(repeating: d[1])
          virial.2 += f * Lanes(repeating: d[2])
        }
      }
      addRow(Lanes.zero - force, to: atoms.forces, Int32(truncatingIfNeeded: i))
      guard wantsVirial else { continue }
      // Each pair stands twice.
      func row(_ v: Lanes) -> Vector3 { 0.5 * Vector3(v[0], v[1], v[2]) }
      let own = Matrix3(row(virial.0), row(virial.1), row(virial.2))
      total += own
      if let perAtom { Self.add(own, to: perAtom, i) }
    }
    return total
  }

  static func add(_ m: Matrix3, to virials: UnsafeMutablePointer<Double>, _ i: Int) {
    m.add(to: virials + 9 * i)
  }
}

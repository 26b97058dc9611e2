import MDCore
import MDNumerics

/// Two symmetric interactions of charges within a cutoff, kept for a step, so that products with many vectors cost no
/// further evaluation: for each local atom its neighbours j with v(r) and, if wanted, s(r). A pair of two local atoms
/// is stored once. A pair of a local atom and a ghost is stored on the ranks of both, on each for its local atom. It
/// takes 12 bytes a pair, 20 with s.
final class ChargePairs {
  /// Values of both interactions for four pairs, or their −d/dr over r.
  typealias Values = (main: Lanes, second: Lanes)

  private let hasSecond: Bool
  /// 1/√2γ, γ² = σᵢ² + σⱼ², for each pair of species.
  private let inverseWidths: AlignedBuffer<Double>
  private let kinds: Int
  private let starts = AlignedBuffer<Int>()
  private let neighbors = AlignedBuffer<Int32>()
  private let values = AlignedBuffer<Double>()
  private let seconds = AlignedBuffer<Double>()
  private let sums = AlignedBuffer<Double>()
  private var filledRows = 0
  private let row = Row()

  /// What one row's interactions depend on, and what they are.
  private final class Row {
    let squares = AlignedBuffer<Double>()
    let betas = AlignedBuffer<Double>()
    let main = AlignedBuffer<Double>()
    let second = AlignedBuffer<Double>()

    func reserve(_ longest: Int) {
      for buffer in [squares, betas, main, second] { buffer.reserve(longest + 8) }
    }
  }

  /// - Parameter widths: σ by species, Å.
  init(widths: [Double], hasSecond: Bool) {
    self.hasSecond = hasSecond
    kinds = widths.count
    // For two point charges erf(r/√2γ) is 1 at any distance: a number so large that erfc vanishes stands for 1/√2γ.
    inverseWidths = AlignedBuffer(
      widths.flatMap { a in widths.map { 1 / max(2 * (a * a + $0 * $0), 1e-12).squareRoot() } })
  }

  @inline(__always)
  private static func load(_ p: UnsafePointer<Double>) -> Lanes { UnsafeRawPointer(p).loadUnaligned(as: Lanes.self) }

  // MARK: Values

  /// `form` gives the values for four distances and 1/√2γ.
  @inline(__always)
  func fill(_ context: ForceContext, cutoff: Double, _ form: (_ r: Lanes, _ beta: Lanes) -> Values) {
    let atoms = context.atoms
    let list = context.neighbors(.full)
    row.reserve(list.longestRow)
    starts.reserve(list.rowCount + 1)
    if list.rowCount != filledRows { makeRoom(list, atoms, cutoff) }
    filledRows = list.rowCount
    let (r2, beta) = (row.squares.pointer, row.betas.pointer)
    // Make room for a whole row and its padding before it is written.
    var room = neighbors.capacity - 8
    var place = 0
    for i in 0..<list.rowCount {
      starts.pointer[i] = place
      let length = list.starts[i &+ 1] &- list.starts[i]
      if place &+ length > room {
        neighbors.reserve(place + length + 8, keeping: place)
        reserveValues(keeping: place)
        room = neighbors.capacity - 8
      }
      let n = pick(i, list, atoms, cutoff * cutoff, neighbors.pointer + place, r2, beta)
      let main = UnsafeMutableRawPointer(values.pointer + place)
      let second = UnsafeMutableRawPointer(seconds.pointer + (hasSecond ? place : 0))
      var k = 0
      while k < n {
        let result = form(positiveSquareRoot(Self.load(r2 + k)), Self.load(beta + k))
        main.storeBytes(of: result.main, toByteOffset: 8 &* k, as: Lanes.self)
        if hasSecond { second.storeBytes(of: result.second, toByteOffset: 8 &* k, as: Lanes.self) }
        k &+= 4
      }
      place &+= n
    }
    starts.pointer[list.rowCount] = place
  }

  private func reserveValues(keeping place: Int) {
    values.reserve(neighbors.capacity, keeping: place)
    if hasSecond { seconds.reserve(neighbors.capacity, keeping: place) }
  }

  /// An estimate of the number of pairs from counting every eighth row, and a little more.
  private func makeRoom(_ list: NeighborView, _ atoms: AtomView, _ cutoff: Double) {
    neighbors.reserve(list.longestRow + 8)
    var count = 0
    for i in stride(from: 0, to: list.rowCount, by: 8) {
      count += pick(i, list, atoms, cutoff * cutoff, neighbors.pointer, row.squares.pointer, row.betas.pointer)
    }
    let expected = Int(8.2 * Double(count)) + list.longestRow + 8
    // `reserve` adds a quarter of its own.
    if expected > neighbors.capacity { neighbors.reserve(expected * 4 / 5 + 16) }
    reserveValues(keeping: 0)
  }

  /// Writes the neighbours of atom i that make pairs with it here, at most as many as its row has, with squared
  /// distances and 1/√2γ, both padded by four; returns how many there are.
  @inline(__always)
  private func pick(
    _ i: Int, _ list: NeighborView, _ atoms: AtomView, _ limit: Double, _ index: UnsafeMutablePointer<Int32>,
    _ r2: UnsafeMutablePointer<Double>, _ beta: UnsafeMutablePointer<Double>
  ) -> Int {
    let all = list.indices + list.starts[i]
    let (positions, species) = (atoms.positions, atoms.species)
    let center = loadRow(positions, Int32(truncatingIfNeeded: i))
    let widths = inverseWidths.pointer + kinds &* Int(species[i])
    let own = Int32(truncatingIfNeeded: i)
    var n = 0
    for k in 0..<(list.starts[i &+ 1] &- list.starts[i]) {
      let j = all[k]
      let d = loadRow(positions, j) - center
      let d2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
      index[n] = j
      r2[n] = d2
      beta[n] = widths[Int(species[Int(j)])]
      // Ghosts come after all local atoms.
      n &+= isNegative(d2 - limit) & Int(truncatingIfNeeded: UInt32(bitPattern: own &- j) &>> 31)
    }
    for k in n..<(n &+ 4) {
      r2[k] = 1
      beta[k] = 1
    }
    return n
  }

  // MARK: Products

  /// Adds Σⱼ v xⱼ to y on the rank's atoms; x has values on ghosts.
  func addProduct(_ x: UnsafePointer<Double>, on atoms: AtomView, to y: UnsafeMutablePointer<Double>) {
    addProduct(values.pointer, x, atoms, y)
  }

  /// The same with s.
  func addSecondProduct(_ x: UnsafePointer<Double>, on atoms: AtomView, to y: UnsafeMutablePointer<Double>) {
    precondition(hasSecond, "no second interaction was kept")
    addProduct(seconds.pointer, x, atoms, y)
  }

  private func addProduct(
    _ value: UnsafePointer<Double>, _ x: UnsafePointer<Double>, _ atoms: AtomView, _ y: UnsafeMutablePointer<Double>
  ) {
    self.sums.reserve(max(atoms.count, 1))
    let (index, start, sums) = (neighbors.pointer, starts.pointer, self.sums.pointer)
    // Sums on ghosts are never read; adding to them is cheaper than asking whether an atom is a ghost.
    sums.update(repeating: 0, count: atoms.count)
    for i in 0..<atoms.localCount {
      let own = x[i]
      var sum = (0.0, 0.0)
      var k = start[i]
      let end = start[i &+ 1]
      while k &+ 1 < end {
        let (a, b) = (Int(index[k]), Int(index[k &+ 1]))
        let (u, v) = (value[k], value[k &+ 1])
        sum.0 += u * x[a]
        sum.1 += v * x[b]
        sums[a] += u * own
        sums[b] += v * own
        k &+= 2
      }
      if k < end {
        let a = Int(index[k])
        sum.0 += value[k] * x[a]
        sums[a] += value[k] * own
      }
      // Rows after this one hold no pair with this atom: its sum is complete.
      y[i] += sums[i] + (sum.0 + sum.1)
    }
  }

  // MARK: Forces

  /// Adds the forces of Σ_{i<j} [(wᵢqⱼ + qᵢwⱼ) v(rᵢⱼ) + qᵢqⱼ s(rᵢⱼ)] over the pairs of the last `fill` at fixed q and
  /// w, which have values on ghosts, to the rank's own atoms, and per-atom virials; returns the virial. `form` gives
  /// −v′/r, −s′/r.
  @inline(__always)
  func addForces(
    _ q: UnsafePointer<Double>, _ w: UnsafePointer<Double>, _ context: ForceContext,
    _ form: (_ r: Lanes, _ beta: Lanes) -> Values
  ) -> Matrix3 {
    let atoms = context.atoms
    let (positions, species) = (atoms.positions, atoms.species)
    let perAtom = context.want.contains(.atomVirial) ? atoms.virials : nil
    let wantsVirial = !context.want.isEmpty
    let stream = atoms.pairStream(context.want)
    let (r2, beta) = (row.squares.pointer, row.betas.pointer)
    let (main, second) = (row.main.pointer, row.second.pointer)
    let locals = atoms.localCount
    // Rows of Σ s d ⊗ d.
    var virial = (Lanes.zero, Lanes.zero, Lanes.zero)
    for i in 0..<locals {
      let index = neighbors.pointer + starts.pointer[i]
      let n = starts.pointer[i &+ 1] &- starts.pointer[i]
      let center = loadRow(positions, Int32(truncatingIfNeeded: i))
      let widths = inverseWidths.pointer + kinds &* Int(species[i])
      for k in 0..<n {
        let d = loadRow(positions, index[k]) - center
        r2[k] = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
        beta[k] = widths[Int(species[Int(index[k])])]
      }
      for k in n..<(n &+ 4) {
        r2[k] = 1
        beta[k] = 1
      }
      var block = 0
      while block < n {
        let result = form(positiveSquareRoot(Self.load(r2 + block)), Self.load(beta + block))
        UnsafeMutableRawPointer(main + block).storeBytes(of: result.main, as: Lanes.self)
        UnsafeMutableRawPointer(second + block).storeBytes(of: result.second, as: Lanes.self)
        block &+= 4
      }
      let (qi, wi) = (q[i], w[i])
      var force = Lanes.zero
      for k in 0..<n {
        let j = Int(index[k])
        let d = loadRow(positions, index[k]) - center
        let f = d * (main[k] * (wi * q[j] + qi * w[j]) + second[k] * (qi * q[j]))
        force += f
        let isLocal = j < locals
        if isLocal { addRow(f, to: atoms.forces, index[k]) }
        guard wantsVirial else { continue }
        // A ghost's rank counts the pair too.
        let share = f * (isLocal ? 1 : 0.5)
        virial.0 += share * Lanes(repeating: d[0])
        virial.1 += share * Lanes(repeating: d[1])
        virial.2 += share * Lanes(repeating: d[2])
        if let perAtom {
          Self.add(f, d, to: perAtom, i, isLocal ? j : nil)
          stream?.add(
            i, j, isShared: true, Vector3(d[0], d[1], d[2]), (isLocal ? -1 : -0.5) * Vector3(f[0], f[1], f[2]))
        }
      }
      addRow(Lanes.zero - force, to: atoms.forces, Int32(truncatingIfNeeded: i))
    }
    func vector(_ v: Lanes) -> Vector3 { Vector3(v[0], v[1], v[2]) }
    return Matrix3(vector(virial.0), vector(virial.1), vector(virial.2))
  }

  /// Adds ½ f ⊗ d to each atom of a pair that belongs to this rank.
  private static func add(_ f: Lanes, _ d: Lanes, to virials: UnsafeMutablePointer<Double>, _ i: Int, _ j: Int?) {
    for a in 0..<3 {
      for b in 0..<3 {
        let half: Double = 0.5 * f[a] * d[b]
        let place = 3 * a + b
        virials[9 * i + place] += half
        if let j { virials[9 * j + place] += half }
      }
    }
  }
}

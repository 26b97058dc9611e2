import MDCore
import MDNumerics

/// A batch of triangles on their way through the kernel, four to a block: the corner i is the atom at hand, j one of
/// its neighbours, the same for all lanes of a block, k four others. Columns are filled step by step, each in a short
/// loop over the batch.
struct TriangleStage {
  /// Triangles with the same j are neighbours in the batch: a segment.
  struct Segment: BitwiseCopyable {
    /// Lane of j in the neighbour stage.
    var lane: Int
    /// First block in the batch.
    var start: Int
  }
  let segments: UnsafeMutablePointer<Segment>
  /// Block of the neighbour stage that has the k's.
  let block: UnsafeMutablePointer<Int>
  /// r_k − r_j.
  let x: UnsafeMutablePointer<Lanes>
  let y: UnsafeMutablePointer<Lanes>
  let z: UnsafeMutablePointer<Lanes>
  /// Of the side jk: r², r, 1/r, f, L.
  let square: UnsafeMutablePointer<Lanes>
  let distance: UnsafeMutablePointer<Lanes>
  let inverse: UnsafeMutablePointer<Lanes>
  let edge: UnsafeMutablePointer<Lanes>
  let slope: UnsafeMutablePointer<Lanes>
  /// Cosines of the corners.
  let cosineI: UnsafeMutablePointer<Lanes>
  let cosineJ: UnsafeMutablePointer<Lanes>
  let cosineK: UnsafeMutablePointer<Lanes>
  /// f f f of the sides, and the sum of (r − r_s)².
  let weight: UnsafeMutablePointer<Lanes>
  let exponent: UnsafeMutablePointer<Lanes>
  /// ∂E/∂cos θ of the corners; Σ V and Σ 2ηV, V the energy-like sum of an exponent's functions.
  let slopeI: UnsafeMutablePointer<Lanes>
  let slopeJ: UnsafeMutablePointer<Lanes>
  let slopeK: UnsafeMutablePointer<Lanes>
  let sum: UnsafeMutablePointer<Lanes>
  let sumEta: UnsafeMutablePointer<Lanes>
  /// exp(−η q), a column an exponent.
  let levels: UnsafeMutablePointer<Lanes>
  /// Blocks between columns.
  let room: Int
  /// A batch is complete when it has so many blocks.
  let target: Int

  static let target = 24
  /// Zero for lanes after the l-th, far beyond the cutoff for the others.
  private let bumps: UnsafeMutablePointer<Lanes>

  init(
    _ lanes: AlignedBuffer<Lanes>, _ integers: AlignedBuffer<Int>, _ segments: AlignedBuffer<Segment>,
    longestRow: Int, columns: Int
  ) {
    target = Self.target
    room = target + (longestRow + 3) / 4 + 1
    lanes.reserve(room * (18 + columns) + 4)
    integers.reserve(room)
    segments.reserve(target + 2)
    self.segments = segments.pointer
    block = integers.pointer
    bumps = lanes.pointer
    let room = room
    var next = lanes.pointer + 4
    func column() -> UnsafeMutablePointer<Lanes> {
      defer { next += room }
      return next
    }
    x = column()
    y = column()
    z = column()
    square = column()
    distance = column()
    inverse = column()
    edge = column()
    slope = column()
    cosineI = column()
    cosineJ = column()
    cosineK = column()
    weight = column()
    exponent = column()
    slopeI = column()
    slopeJ = column()
    slopeK = column()
    sum = column()
    sumEta = column()
    levels = next
  }

  /// Appends the triangles of i, the neighbour `j` (a lane) and the neighbours in the given blocks whose side jk is
  /// shorter than the cutoff – all of them for wide functions. With `after`, only lanes after j.
  /// Returns the number of blocks in the batch.
  @inline(__always)
  func append(
    _ row: NeighborStage, lane j: Int, from firstBlock: Int, count: Int, after: Bool, cutoff2: Double, wide: Bool,
    keepingVectors: Bool, at start: Int
  ) -> Int {
    let xj = Lanes(repeating: UnsafePointer<Double>(OpaquePointer(row.x))[j])
    let yj = Lanes(repeating: UnsafePointer<Double>(OpaquePointer(row.y))[j])
    let zj = Lanes(repeating: UnsafePointer<Double>(OpaquePointer(row.z))[j])
    let limit = Lanes(repeating: cutoff2)
    var n = start
    var b = after ? (j &+ 1) &>> 2 : firstBlock
    let end = firstBlock &+ count
    if after && (j &+ 1) & 3 != 0 {
      // Lanes up to and with j are moved out of reach.
      let far = Lanes(repeating: 1.5 * cutoff2)
      let own = Lanes(0, 1, 2, 3) .<= Lanes(repeating: Double(j & 3))
      n = put(row, b, xj, yj, zj, limit, Lanes.zero.replacing(with: far, where: own), wide, keepingVectors, n)
      b &+= 1
    }
    while b < end {
      n = put(row, b, xj, yj, zj, limit, nil, wide, keepingVectors, n)
      b &+= 1
    }
    return n
  }

  @inline(__always)
  private func put(
    _ row: NeighborStage, _ b: Int, _ xj: Lanes, _ yj: Lanes, _ zj: Lanes, _ limit: Lanes, _ extra: Lanes?,
    _ wide: Bool, _ keepingVectors: Bool, _ n: Int
  ) -> Int {
    let dx = row.x[b] - xj
    let dy = row.y[b] - yj
    let dz = row.z[b] - zj
    var d2 = (dx * dx).addingProduct(dy, dy).addingProduct(dz, dz)
    if let extra { d2 += extra }
    if keepingVectors {
      x[n] = dx
      y[n] = dy
      z[n] = dz
    }
    square[n] = d2
    block[n] = b
    if wide {
      edge[n] = extra.map { Lanes(repeating: 1).replacing(with: 0, where: $0 .> 0) } ?? Lanes(repeating: 1)
      slope[n] = .zero
      return n &+ 1
    }
    return n &+ anyLess(d2, limit)
  }
}

extension TriangleStage {
  /// Distances and the edge function of the sides jk.
  @inline(__always)
  func measure(_ count: Int, _ program: EdgeProgram, wide: Bool) {
    for b in 0..<count {
      let r = square[b].squareRoot()
      distance[b] = r
      inverse[b] = 1 / r
    }
    if !wide { program.fill(count, r: distance, inverse: inverse, f: edge, slope: slope) }
  }

  /// Cosines, products of edge functions and exponents.
  ///
  /// With the squared sides a = r_ij², b = r_ik², d = r_jk²: cos θᵢ = (a + b − d)/(2√(ab)), and so on around.
  @inline(__always)
  func combine(_ row: NeighborStage, _ segmentCount: Int, _ count: Int, _ program: BlockProgram, wide: Bool) {
    let edges = row.edge + program.edge &* row.room
    let edgeOf = UnsafePointer<Double>(OpaquePointer(edges))
    let squareOf = UnsafePointer<Double>(OpaquePointer(row.square))
    let inverseOf = UnsafePointer<Double>(OpaquePointer(row.inverse))
    let distanceOf = UnsafePointer<Double>(OpaquePointer(row.distance))
    let half = Lanes(repeating: 0.5)
    let shift = Lanes(repeating: program.shift)
    for s in 0..<segmentCount {
      let j = segments[s].lane
      let a = Lanes(repeating: squareOf[j])
      let ia = Lanes(repeating: inverseOf[j]) * half
      let fj = Lanes(repeating: edgeOf[j])
      let toJ = Lanes(repeating: distanceOf[j]) - shift
      let end = s &+ 1 < segmentCount ? segments[s &+ 1].start : count
      for n in segments[s].start..<end {
        let k = block[n]
        let b = row.square[k]
        let ib = row.inverse[k]
        let d = square[n]
        let id = inverse[n]
        weight[n] = fj * edges[k] * edge[n]
        cosineI[n] = (a + b - d) * (ia * ib)
        if !wide {
          cosineJ[n] = (a + d - b) * (ia * id)
          cosineK[n] = (b + d - a) * (ib * id * half)
        }
        if program.shift == 0 {
          exponent[n] = wide ? a + b : a + b + d
        } else {
          let toK = row.distance[k] - shift
          var q = (toJ * toJ).addingProduct(toK, toK)
          if !wide {
            let side = distance[n] - shift
            q.addProduct(side, side)
          }
          exponent[n] = q
        }
      }
    }
  }
}

/// Columns of exp(−η q) after the steps of a chain; `room` blocks between columns.
@inline(__always)
func runChain(
  _ steps: UnsafeBufferPointer<ChainStep>, _ count: Int, exponent: UnsafePointer<Lanes>,
  levels: UnsafeMutablePointer<Lanes>, room: Int
) {
  for step in steps {
    let out = levels + step.column &* room
    switch step.kind {
    case .exponential:
      let eta = Lanes(repeating: -step.eta)
      let low = Lanes(repeating: -708)
      for n in 0..<count {
        out[n] = exponentialOfNegative((exponent[n] * eta).maximum(low))
      }
    case .product:
      let a = levels + step.first &* room
      let b = levels + step.second &* room
      for n in 0..<count { out[n] = a[n] * b[n] }
    case .one:
      for n in 0..<count { out[n] = Lanes(repeating: 1) }
    }
  }
}

import MDCore
import MDNumerics

/// Pairs of an atom and its neighbours of one element: the moments Σ exp(−η(r − r_s)²) f(r) of both ends.
struct RadialStage {
  /// (r − r_s)² of a row's blocks.
  let exponent: UnsafeMutablePointer<Lanes>
  /// A column an exponent.
  let levels: UnsafeMutablePointer<Lanes>
  /// A column a moment of the neighbours.
  let moments: UnsafeMutablePointer<Lanes>
  let room: Int

  init(_ lanes: AlignedBuffer<Lanes>, longestRow: Int, columns: Int, longestBlock: Int) {
    room = (longestRow + 3) / 4 + 1
    lanes.reserve(room * (1 + columns + longestBlock))
    exponent = lanes.pointer
    levels = exponent + room
    moments = levels + columns * room
  }

  /// exp(−η(r − r_s)²) of the `count` blocks from `first` on.
  @inline(__always)
  func evaluate(_ row: NeighborStage, _ program: BlockProgram, first: Int, count: Int) {
    if program.shift == 0 {
      for b in 0..<count { exponent[b] = row.square[first &+ b] }
    } else {
      let shift = Lanes(repeating: program.shift)
      for b in 0..<count {
        let d = row.distance[first &+ b] - shift
        exponent[b] = d * d
      }
    }
    runChain(program.steps, count, exponent: exponent, levels: levels, room: room)
  }

  /// Adds the moments of the centre to `sums` and leaves those of the neighbours in `moments`.
  @inline(__always)
  func addMoments(
    _ row: NeighborStage, _ program: BlockProgram, first: Int, count: Int, sums: UnsafeMutablePointer<Lanes>
  ) {
    let f = row.edge + (program.edge &* row.room &+ first)
    for level in 0..<program.etas.count {
      let e = levels + level &* room
      let out = moments + level &* room
      var sum = Lanes.zero
      for b in 0..<count {
        let u = e[b] * f[b]
        sum += u
        out[b] = u
      }
      sums[level] += sum
    }
    for level in program.etas.count..<program.count {
      for b in 0..<count { moments[level &* room &+ b] = .zero }
    }
  }

  /// φ of the pairs from ∂E/∂M of the centre and, in `moments`, of the neighbours.
  @inline(__always)
  func addForces(
    _ row: NeighborStage, _ program: BlockProgram, first: Int, count: Int, center: UnsafePointer<Double>
  ) {
    let f = row.edge + (program.edge &* row.room &+ first)
    let slope = row.slope + (program.edge &* row.room &+ first)
    let etas = program.etas
    let shift = Lanes(repeating: program.shift)
    for b in 0..<count {
      var sum = Lanes.zero
      var sumEta = Lanes.zero
      for level in 0..<etas.count {
        let a = moments[level &* room &+ b] + Lanes(repeating: center[level])
        let v = a * levels[level &* room &+ b]
        sum += v
        sumEta.addProduct(Lanes(repeating: etas[level]), v)
      }
      let ratio = Lanes(repeating: 2) - (shift + shift) * row.inverse[first &+ b]
      row.phi[first &+ b] += f[b] * (slope[b] * sum - sumEta * ratio)
    }
  }
}

// MARK: Between rows of atoms and columns of lanes

/// Columns from rows: column m, block b, lane l ← rows[width · index + start + m], four moments at a time.
@inline(__always)
func gatherColumns(
  _ rows: UnsafePointer<Double>, width: Int, start: Int, count: Int, index: UnsafePointer<Int32>, blocks: Int,
  into columns: UnsafeMutablePointer<Lanes>, room: Int
) {
  for b in 0..<blocks {
    let i = index + 4 &* b
    let p0 = UnsafeRawPointer(rows + (width &* Int(i[0]) &+ start))
    let p1 = UnsafeRawPointer(rows + (width &* Int(i[1]) &+ start))
    let p2 = UnsafeRawPointer(rows + (width &* Int(i[2]) &+ start))
    let p3 = UnsafeRawPointer(rows + (width &* Int(i[3]) &+ start))
    var m = 0
    while m < count {
      let t = transpose(
        p0.load(fromByteOffset: 8 &* m, as: Lanes.self), p1.load(fromByteOffset: 8 &* m, as: Lanes.self),
        p2.load(fromByteOffset: 8 &* m, as: Lanes.self), p3.load(fromByteOffset: 8 &* m, as: Lanes.self))
      columns[m &* room &+ b] = t.0
      columns[(m &+ 1) &* room &+ b] = t.1
      columns[(m &+ 2) &* room &+ b] = t.2
      columns[(m &+ 3) &* room &+ b] = t.3
      m &+= 4
    }
  }
}

/// The reverse: adds columns to rows.
@inline(__always)
func scatterColumns(
  _ columns: UnsafePointer<Lanes>, room: Int, count: Int, index: UnsafePointer<Int32>, blocks: Int,
  to rows: UnsafeMutablePointer<Double>, width: Int, start: Int
) {
  for b in 0..<blocks {
    let i = index + 4 &* b
    var m = 0
    while m < count {
      let t = transpose(
        columns[m &* room &+ b], columns[(m &+ 1) &* room &+ b], columns[(m &+ 2) &* room &+ b],
        columns[(m &+ 3) &* room &+ b])
      addLanes(t.0, to: rows + (width &* Int(i[0]) &+ start &+ m))
      addLanes(t.1, to: rows + (width &* Int(i[1]) &+ start &+ m))
      addLanes(t.2, to: rows + (width &* Int(i[2]) &+ start &+ m))
      addLanes(t.3, to: rows + (width &* Int(i[3]) &+ start &+ m))
      m &+= 4
    }
  }
}

/// Adds to four numbers on a 32-byte boundary.
@inline(__always)
func addLanes(_ v: Lanes, to p: UnsafeMutablePointer<Double>) {
  let q = UnsafeMutableRawPointer(p)
  q.storeBytes(of: q.load(as: Lanes.self) + v, as: Lanes.self)
}

@inline(__always)
func transpose(_ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes) -> (Lanes, Lanes, Lanes, Lanes) {
  (
    Lanes(a[0], b[0], c[0], d[0]), Lanes(a[1], b[1], c[1], d[1]), Lanes(a[2], b[2], c[2], d[2]),
    Lanes(a[3], b[3], c[3], d[3])
  )
}

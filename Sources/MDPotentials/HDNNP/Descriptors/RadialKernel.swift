import MDCore
import MDNumerics

/// Pairs of an atom and its neighbours of one element: the moments Σ exp(−η(r − r_s)²) f(r) of both ends.
struct RadialStage {
  // Fields of a record: (r − r_s)², and exp(−η(r − r_s)²), a field an exponent.
  private static let exponent = 0
  private static let levels = 1

  private let records: Record
  private let size: Int

  init(_ lanes: AlignedBuffer<Lanes>, longestRow: Int, columns: Int) {
    let room = (longestRow + 3) / 4 + 1
    let fields = (Self.levels + columns) | 1
    size = 32 * fields
    lanes.reserve(room * fields)
    records = Record(lanes.pointer)
  }

  /// exp(−η(r − r_s)²) of `count` records of the neighbour stage.
  @inline(__always)
  func evaluate(_ row: NeighborStage, _ program: BlockProgram, _ first: Record, _ count: Int) {
    var pair = first
    var record = records
    let shift = Lanes(repeating: program.shift)
    for _ in 0..<count {
      if program.shift == 0 {
        record[Self.exponent] = pair[NeighborStage.square]
      } else {
        let d = pair[NeighborStage.distance] - shift
        record[Self.exponent] = d * d
      }
      pair += row.size
      record += size
    }
    runChain(program.steps, records, count, stride: size, exponent: Self.exponent, levels: Self.levels)
  }

  /// Adds the moments of the centre to `sums`, and those of the neighbours to the rows of their atoms.
  @inline(__always)
  func addMoments(
    _ row: NeighborStage, _ program: BlockProgram, _ first: Record, _ count: Int, index: UnsafePointer<Int32>,
    sums: UnsafeMutablePointer<Lanes>, rows: UnsafeMutablePointer<Double>, width: Int
  ) {
    let f = NeighborStage.edge(program.edge)
    // Four exponents at a time; where fewer are left, zeros take the place of the others.
    var level = 0
    while level < program.count {
      let field = Self.levels &+ level
      let filled = program.etas.count &- level
      var (s0, s1, s2, s3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
      var pair = first
      var record = records
      var i = index
      for _ in 0..<count {
        let value = pair[f]
        let u0 = record[field] * value
        let u1 = filled > 1 ? record[field &+ 1] * value : .zero
        let u2 = filled > 2 ? record[field &+ 2] * value : .zero
        let u3 = filled > 3 ? record[field &+ 3] * value : .zero
        s0 += u0
        s1 += u1
        s2 += u2
        s3 += u3
        let t = transpose(u0, u1, u2, u3)
        addLanes(t.0, to: rows + (width &* Int(i[0]) &+ level))
        addLanes(t.1, to: rows + (width &* Int(i[1]) &+ level))
        addLanes(t.2, to: rows + (width &* Int(i[2]) &+ level))
        addLanes(t.3, to: rows + (width &* Int(i[3]) &+ level))
        pair += row.size
        record += size
        i += 4
      }
      sums[level] += s0
      sums[level &+ 1] += s1
      sums[level &+ 2] += s2
      sums[level &+ 3] += s3
      level &+= 4
    }
  }

  /// φ of the pairs from ∂E/∂M of the centre and of the rows of the neighbours.
  @inline(__always)
  func addForces(
    _ row: NeighborStage, _ program: BlockProgram, _ first: Record, _ count: Int, index: UnsafePointer<Int32>,
    center: UnsafePointer<Double>, rows: UnsafePointer<Double>, width: Int
  ) {
    let f = NeighborStage.edge(program.edge)
    let shift = Lanes(repeating: 2 * program.shift)
    let two = Lanes(repeating: 2)
    var level = 0
    while level < program.count {
      let field = Self.levels &+ level
      let filled = program.etas.count &- level
      func eta(_ k: Int) -> Lanes { Lanes(repeating: k < filled ? program.etas[level &+ k] : 0) }
      let (n0, n1, n2, n3) = (eta(0), eta(1), eta(2), eta(3))
      let c0 = Lanes(repeating: center[level])
      let c1 = Lanes(repeating: center[level &+ 1])
      let c2 = Lanes(repeating: center[level &+ 2])
      let c3 = Lanes(repeating: center[level &+ 3])
      var pair = first
      var record = records
      var i = index
      for _ in 0..<count {
        let t = transpose(
          loadLanes(rows + (width &* Int(i[0]) &+ level)), loadLanes(rows + (width &* Int(i[1]) &+ level)),
          loadLanes(rows + (width &* Int(i[2]) &+ level)), loadLanes(rows + (width &* Int(i[3]) &+ level)))
        var v = (t.0 + c0) * record[field]
        var sum = v
        var sumEta = v * n0
        if filled > 1 {
          v = (t.1 + c1) * record[field &+ 1]
          sum += v
          sumEta.addProduct(v, n1)
        }
        if filled > 2 {
          v = (t.2 + c2) * record[field &+ 2]
          sum += v
          sumEta.addProduct(v, n2)
        }
        if filled > 3 {
          v = (t.3 + c3) * record[field &+ 3]
          sum += v
          sumEta.addProduct(v, n3)
        }
        let slope = (pair[f &+ 1] * sum)
          .subtractingProduct(sumEta, two.subtractingProduct(shift, pair[NeighborStage.inverse]))
        pair[NeighborStage.phi] = pair[NeighborStage.phi].addingProduct(pair[f], slope)
        pair += row.size
        record += size
        i += 4
      }
      level &+= 4
    }
  }
}

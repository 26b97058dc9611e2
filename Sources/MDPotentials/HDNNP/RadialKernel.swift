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

  /// Adds the moments of the centre to `sums` and leaves those of the neighbours in their records.
  @inline(__always)
  func addMoments(
    _ row: NeighborStage, _ program: BlockProgram, _ first: Record, _ count: Int, sums: UnsafeMutablePointer<Lanes>
  ) {
    let f = NeighborStage.edge(program.edge)
    for level in 0..<program.count {
      var pair = first
      var record = records
      var sum = Lanes.zero
      for _ in 0..<count {
        let u = level < program.etas.count ? record[Self.levels &+ level] * pair[f] : .zero
        sum += u
        pair[row.moments &+ level] = u
        pair += row.size
        record += size
      }
      sums[level] += sum
    }
  }

  /// φ of the pairs from ∂E/∂M of the centre and, in their records, of the neighbours.
  @inline(__always)
  func addForces(
    _ row: NeighborStage, _ program: BlockProgram, _ first: Record, _ count: Int, center: UnsafePointer<Double>
  ) {
    let f = NeighborStage.edge(program.edge)
    let etas = program.etas
    let shift = Lanes(repeating: program.shift)
    var pair = first
    var record = records
    for _ in 0..<count {
      var sum = Lanes.zero
      var sumEta = Lanes.zero
      for level in 0..<etas.count {
        let a = pair[row.moments &+ level] + Lanes(repeating: center[level])
        let v = a * record[Self.levels &+ level]
        sum += v
        sumEta.addProduct(Lanes(repeating: etas[level]), v)
      }
      let ratio = Lanes(repeating: 2) - (shift + shift) * pair[NeighborStage.inverse]
      pair[NeighborStage.phi] += pair[f] * (pair[f &+ 1] * sum - sumEta * ratio)
      pair += row.size
      record += size
    }
  }
}

// MARK: Between rows of atoms and records of lanes

/// Moments of four atoms a record from their rows: field m, lane l ← rows[width · index + m], four moments at a time.
@inline(__always)
func gatherMoments(
  _ rows: UnsafePointer<Double>, width: Int, count: Int, index: UnsafePointer<Int32>, into first: Record, stride: Int,
  records: Int
) {
  var record = first
  var i = index
  for _ in 0..<records {
    let p0 = UnsafeRawPointer(rows + width &* Int(i[0]))
    let p1 = UnsafeRawPointer(rows + width &* Int(i[1]))
    let p2 = UnsafeRawPointer(rows + width &* Int(i[2]))
    let p3 = UnsafeRawPointer(rows + width &* Int(i[3]))
    var m = 0
    while m < count {
      let t = transpose(
        p0.load(fromByteOffset: 8 &* m, as: Lanes.self), p1.load(fromByteOffset: 8 &* m, as: Lanes.self),
        p2.load(fromByteOffset: 8 &* m, as: Lanes.self), p3.load(fromByteOffset: 8 &* m, as: Lanes.self))
      record[m] = t.0
      record[m &+ 1] = t.1
      record[m &+ 2] = t.2
      record[m &+ 3] = t.3
      m &+= 4
    }
    record += stride
    i += 4
  }
}

/// The reverse: adds the moments of records to the rows of their atoms.
@inline(__always)
func scatterMoments(
  _ first: Record, stride: Int, records: Int, count: Int, index: UnsafePointer<Int32>,
  to rows: UnsafeMutablePointer<Double>, width: Int
) {
  var record = first
  var i = index
  for _ in 0..<records {
    let p0 = rows + width &* Int(i[0])
    let p1 = rows + width &* Int(i[1])
    let p2 = rows + width &* Int(i[2])
    let p3 = rows + width &* Int(i[3])
    var m = 0
    while m < count {
      let t = transpose(record[m], record[m &+ 1], record[m &+ 2], record[m &+ 3])
      addLanes(t.0, to: p0 + m)
      addLanes(t.1, to: p1 + m)
      addLanes(t.2, to: p2 + m)
      addLanes(t.3, to: p3 + m)
      m &+= 4
    }
    record += stride
    i += 4
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

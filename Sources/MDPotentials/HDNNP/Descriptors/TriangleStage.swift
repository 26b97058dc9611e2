import MDCore
import MDNumerics

/// Whether a triangle serves all three corners (`Narrow`) or is a centre with two neighbours whose distance does not
/// matter (`Wide`). Kernels are compiled for either.
protocol TriangleMode {
  static var isWide: Bool { get }
}
enum Narrow: TriangleMode {
  static var isWide: Bool { false }
}
enum Wide: TriangleMode {
  static var isWide: Bool { true }
}

/// A batch of triangles ijk on their way through the kernel, four to a record: corner i is the current atom, j one of
/// its neighbours, the same for all lanes of a record, and k four other neighbours. Fields are filled one after the
/// other, each in a short loop over the batch whose iterations are independent.
struct TriangleStage {
  // Fields of a record.
  /// r_k − r_j.
  static let x = 0
  static let y = 1
  static let z = 2
  /// Of the side jk: r², r, 1/r, f, L.
  static let square = 3
  static let distance = 4
  static let inverse = 5
  static let edge = 6
  static let slope = 7
  /// Cosines of the corners.
  static let cosineI = 8
  static let cosineJ = 9
  static let cosineK = 10
  /// f f f of the sides, and the sum of (r − r_s)².
  static let weight = 11
  static let exponent = 12
  /// ∂E/∂cos θ of the corners; Σ V and Σ 2ηV, V the energy-like sum of an exponent's functions.
  static let slopeI = 13
  static let slopeJ = 14
  static let slopeK = 15
  static let sum = 16
  static let sumEta = 17
  /// exp(−η q), a field an exponent.
  static let levels = 18

  /// Triangles with the same j, neighbours in the batch.
  struct Segment: BitwiseCopyable {
    /// Lane of j in the neighbour stage.
    var lane: Int
    var start: Record
    var end: Record
    /// Record of the first k's in the neighbour stage.
    var k: Record
  }

  let records: Record
  /// Bytes of a record.
  let size: Int
  let segments: UnsafeMutablePointer<Segment>
  /// A batch is complete when it has so many records.
  static let target = 24

  init(_ lanes: AlignedBuffer<Lanes>, _ segments: AlignedBuffer<Segment>, longestRow: Int, columns: Int) {
    let room = Self.target + (longestRow + 3) / 4 + 1
    let fields = (Self.levels + columns) | 1
    size = 32 * fields
    lanes.reserve(room * fields)
    segments.reserve(Self.target + 2)
    records = Record(lanes.pointer)
    self.segments = segments.pointer
  }

  /// Appends the triangles of i, the neighbour `j` (a lane) and the neighbours in the given records; with `after`, only
  /// lanes after j. Triangles whose side jk is beyond the cutoff have weight 0. They are not skipped: few records hold
  /// nothing else, so skipping would cost more than it saves. Returns the end of the batch.
  @inline(__always)
  func append<Mode: TriangleMode>(
    _ mode: Mode.Type, _ row: NeighborStage, lane j: Int, from first: Int, count: Int, after: Bool, cutoff2: Double,
    keepingVectors: Bool, at end: Record
  ) -> Segment {
    let own = row.record(ofLane: j)
    let xj = Lanes(repeating: own.scalar(NeighborStage.x, lane: j & 3))
    let yj = Lanes(repeating: own.scalar(NeighborStage.y, lane: j & 3))
    let zj = Lanes(repeating: own.scalar(NeighborStage.z, lane: j & 3))
    let (rowSize, size) = (row.size, size)
    let firstK = after ? (j &+ 1) &>> 2 : first
    let segment = Segment(
      lane: j, start: end, end: end + size &* (first &+ count &- firstK), k: row.records + rowSize &* firstK)
    var record = segment.start
    var k = segment.k
    while record < segment.end {
      let dx = k[NeighborStage.x] - xj
      let dy = k[NeighborStage.y] - yj
      let dz = k[NeighborStage.z] - zj
      let d2 = (dx * dx).addingProduct(dy, dy).addingProduct(dz, dz)
      if keepingVectors {
        record[Self.x] = dx
        record[Self.y] = dy
        record[Self.z] = dz
      }
      record[Self.square] = d2
      record[Self.distance] = d2.squareRoot()
      if Mode.isWide { record[Self.edge] = Lanes(repeating: 1) }
      k += rowSize
      record += size
    }
    if after && (j &+ 1) & 3 != 0 {
      // Lanes up to and with j do not count: their sides are moved beyond the cutoff.
      let own = Lanes(0, 1, 2, 3) .<= Lanes(repeating: Double(j & 3))
      let square = end[Self.square].replacing(with: Lanes(repeating: 1.5 * cutoff2), where: own)
      end[Self.square] = square
      end[Self.distance] = square.squareRoot()
      if Mode.isWide { end[Self.edge] = Lanes(repeating: 1).replacing(with: 0, where: own) }
    }
    return segment
  }

  /// The edge function of the sides jk, their lengths.
  @inline(__always)
  func measure<Mode: TriangleMode>(
    _ mode: Mode.Type, _ count: Int, _ program: BlockProgram, _ edge: EdgeProgram, slopes: Bool
  ) {
    if Mode.isWide {
      var record = records
      for _ in 0..<count {
        record[Self.inverse] = 1 / record[Self.distance]
        record += size
      }
    } else {
      edge.fillAndInvert(
        records, count, stride: size, r: Self.distance, inverse: Self.inverse, f: Self.edge,
        slope: slopes ? Self.slope : nil)
    }
  }

  /// Cosines, products of edge functions and exponents.
  ///
  /// With the squared sides a = r_ij², b = r_ik², d = r_jk² and h = (a + b + d)/2: cos θᵢ = (h − d)/√(ab), and so on
  /// around.
  @inline(__always)
  func combine<Mode: TriangleMode>(
    _ mode: Mode.Type, _ row: NeighborStage, _ segmentCount: Int, _ program: BlockProgram
  ) {
    let edge = NeighborStage.edge(program.edge)
    let half = Lanes(repeating: 0.5)
    let shift = Lanes(repeating: program.shift)
    let isShifted = program.shift != 0
    let (rowSize, size) = (row.size, size)
    for s in 0..<segmentCount {
      let segment = segments[s]
      let own = row.record(ofLane: segment.lane)
      let lane = segment.lane & 3
      let a = Lanes(repeating: own.scalar(NeighborStage.square, lane: lane))
      let ia = Lanes(repeating: own.scalar(NeighborStage.inverse, lane: lane))
      let fj = Lanes(repeating: own.scalar(edge, lane: lane))
      let toJ = Lanes(repeating: own.scalar(NeighborStage.distance, lane: lane)) - shift
      var record = segment.start
      var k = segment.k
      while record < segment.end {
        let b = k[NeighborStage.square]
        let ib = k[NeighborStage.inverse]
        let d = record[Self.square]
        record[Self.weight] = fj * k[edge] * record[Self.edge]
        let ab = a + b
        let h = (ab + d) * half
        record[Self.cosineI] = (h - d) * (ia * ib)
        if !Mode.isWide {
          let id = record[Self.inverse]
          record[Self.cosineJ] = (h - b) * (ia * id)
          record[Self.cosineK] = (h - a) * (ib * id)
        }
        if !isShifted {
          record[Self.exponent] = Mode.isWide ? ab : ab + d
        } else {
          let toK = k[NeighborStage.distance] - shift
          var q = (toJ * toJ).addingProduct(toK, toK)
          if !Mode.isWide {
            let side = record[Self.distance] - shift
            q.addProduct(side, side)
          }
          record[Self.exponent] = q
        }
        k += rowSize
        record += size
      }
    }
  }
}


import MDNumerics

// Numbers of four atoms abreast: a record has a field (four lanes) for each number, a row has all numbers of one atom.

/// Pointer to a record of lanes; fields are numbered.
typealias Record = UnsafeMutableRawPointer

extension UnsafeMutableRawPointer {
  @inline(__always)
  subscript(field: Int) -> Lanes {
    get { load(fromByteOffset: 32 &* field, as: Lanes.self) }
    nonmutating set { storeBytes(of: newValue, toByteOffset: 32 &* field, as: Lanes.self) }
  }

  /// One lane of a field.
  @inline(__always)
  func scalar(_ field: Int, lane: Int) -> Double {
    load(fromByteOffset: 32 &* field &+ 8 &* lane, as: Double.self)
  }

  @inline(__always)
  func add(_ value: Double, to field: Int, lane: Int) {
    let offset = 32 &* field &+ 8 &* lane
    storeBytes(of: load(fromByteOffset: offset, as: Double.self) + value, toByteOffset: offset, as: Double.self)
  }
}

/// Four numbers on a 32-byte boundary.
@inline(__always)
func loadLanes(_ p: UnsafePointer<Double>) -> Lanes { UnsafeRawPointer(p).load(as: Lanes.self) }

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

/// Adds the sums over the lanes of a and of b to two numbers in a row.
@inline(__always)
func addSums(_ a: Lanes, _ b: Lanes, to p: UnsafeMutablePointer<Double>) {
  let both = sums(a, b, a, b).lowHalf
  let q = UnsafeMutableRawPointer(p)
  q.storeBytes(of: q.loadUnaligned(as: SIMD2<Double>.self) + both, as: SIMD2<Double>.self)
}

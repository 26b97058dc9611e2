import MDNumerics

// MARK: Backward: sums and slopes

/// Whether an operation starts the sums or adds to them.
protocol OperationTurn {
  static var isFirst: Bool { get }
}
enum FirstTurn: OperationTurn {
  static var isFirst: Bool { true }
}
enum LaterTurn: OperationTurn {
  static var isFirst: Bool { false }
}

extension TriangleStage {
  /// Adds an operation's share to V = u Σ P(cos θ), 2ηV, and u P′(cos θ) of each corner; the first operation starts
  /// them.
  @inline(__always)
  func addSlopes<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    switch operation.kind {
    case .linear1: slopesLinear1(mode, turn, operation, corners, segmentCount)
    case .linear2: slopesLinear2(mode, turn, operation, corners, segmentCount)
    case .linear3: slopesLinear3(mode, turn, operation, corners, segmentCount)
    case .quadratic: slopesQuadratic(mode, turn, operation, corners, segmentCount)
    case .quarticPair: slopesQuarticPair(mode, turn, operation, corners, segmentCount)
    case .quartic: slopesQuartic(mode, turn, operation, corners, segmentCount)
    case .power: slopesPower(mode, turn, operation, corners, segmentCount)
    case .bump: slopesBump(mode, turn, operation, corners, segmentCount)
    }
  }

  /// Sums so far.
  @inline(__always)
  private func load<Turn: OperationTurn>(_ turn: Turn.Type, _ record: Record, _ field: Int) -> Lanes {
    Turn.isFirst ? .zero : record[field]
  }

  @inline(__always)
  private func slopesLinear1<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e0 = Self.levels &+ operation.levels.0
    let eta0 = Lanes(repeating: operation.twiceEta[0])
    let values = corners.valuesI + operation.offset
    let i1 = Lanes(repeating: values[1])
    for s in 0..<segmentCount {
      let segment = segments[s]
      let row = corners.rowJ(segment.lane) + operation.offset
      let j0 = Lanes(repeating: Mode.isWide ? values[0] : values[0] + row[0])
      let j1 = Mode.isWide ? .zero : Lanes(repeating: row[1])
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let w = record[Self.weight]
        let ci = record[Self.cosineI]
        let cj = record[Self.cosineJ]
        let ck = record[Self.cosineK]
        var si = load(turn, record, Self.slopeI)
        var sj = load(turn, record, Self.slopeJ)
        var sk = load(turn, record, Self.slopeK)
        var sum = load(turn, record, Self.sum)
        var sumEta = load(turn, record, Self.sumEta)
        do {
          let u = record[e0] * w
          var p = j0.addingProduct(i1, ci)
          si.addProduct(u, i1)
          if !Mode.isWide {
            p.addProduct(j1, cj)
            sj.addProduct(u, j1)
            let slope = k[1]
            p += k[0]
            p.addProduct(slope, ck)
            sk.addProduct(u, slope)
          }
          let v = u * p
          sum += v
          sumEta.addProduct(eta0, v)
        }
        store(mode, record, si, sj, sk, sum, sumEta)
        k += sizeK
        record += size
      }
    }
  }

  @inline(__always)
  private func slopesLinear2<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e0 = Self.levels &+ operation.levels.0
    let eta0 = Lanes(repeating: operation.twiceEta[0])
    let e1 = Self.levels &+ operation.levels.1
    let eta1 = Lanes(repeating: operation.twiceEta[1])
    let values = corners.valuesI + operation.offset
    let i1 = Lanes(repeating: values[1])
    let i3 = Lanes(repeating: values[3])
    for s in 0..<segmentCount {
      let segment = segments[s]
      let row = corners.rowJ(segment.lane) + operation.offset
      let j0 = Lanes(repeating: Mode.isWide ? values[0] : values[0] + row[0])
      let j2 = Lanes(repeating: Mode.isWide ? values[2] : values[2] + row[2])
      let j1 = Mode.isWide ? .zero : Lanes(repeating: row[1])
      let j3 = Mode.isWide ? .zero : Lanes(repeating: row[3])
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let w = record[Self.weight]
        let ci = record[Self.cosineI]
        let cj = record[Self.cosineJ]
        let ck = record[Self.cosineK]
        var si = load(turn, record, Self.slopeI)
        var sj = load(turn, record, Self.slopeJ)
        var sk = load(turn, record, Self.slopeK)
        var sum = load(turn, record, Self.sum)
        var sumEta = load(turn, record, Self.sumEta)
        do {
          let u = record[e0] * w
          var p = j0.addingProduct(i1, ci)
          si.addProduct(u, i1)
          if !Mode.isWide {
            p.addProduct(j1, cj)
            sj.addProduct(u, j1)
            let slope = k[1]
            p += k[0]
            p.addProduct(slope, ck)
            sk.addProduct(u, slope)
          }
          let v = u * p
          sum += v
          sumEta.addProduct(eta0, v)
        }
        do {
          let u = record[e1] * w
          var p = j2.addingProduct(i3, ci)
          si.addProduct(u, i3)
          if !Mode.isWide {
            p.addProduct(j3, cj)
            sj.addProduct(u, j3)
            let slope = k[3]
            p += k[2]
            p.addProduct(slope, ck)
            sk.addProduct(u, slope)
          }
          let v = u * p
          sum += v
          sumEta.addProduct(eta1, v)
        }
        store(mode, record, si, sj, sk, sum, sumEta)
        k += sizeK
        record += size
      }
    }
  }

  @inline(__always)
  private func slopesLinear3<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e0 = Self.levels &+ operation.levels.0
    let eta0 = Lanes(repeating: operation.twiceEta[0])
    let e1 = Self.levels &+ operation.levels.1
    let eta1 = Lanes(repeating: operation.twiceEta[1])
    let e2 = Self.levels &+ operation.levels.2
    let eta2 = Lanes(repeating: operation.twiceEta[2])
    let values = corners.valuesI + operation.offset
    let i1 = Lanes(repeating: values[1])
    let i3 = Lanes(repeating: values[3])
    let i5 = Lanes(repeating: values[5])
    for s in 0..<segmentCount {
      let segment = segments[s]
      let row = corners.rowJ(segment.lane) + operation.offset
      let j0 = Lanes(repeating: Mode.isWide ? values[0] : values[0] + row[0])
      let j2 = Lanes(repeating: Mode.isWide ? values[2] : values[2] + row[2])
      let j4 = Lanes(repeating: Mode.isWide ? values[4] : values[4] + row[4])
      let j1 = Mode.isWide ? .zero : Lanes(repeating: row[1])
      let j3 = Mode.isWide ? .zero : Lanes(repeating: row[3])
      let j5 = Mode.isWide ? .zero : Lanes(repeating: row[5])
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let w = record[Self.weight]
        let ci = record[Self.cosineI]
        let cj = record[Self.cosineJ]
        let ck = record[Self.cosineK]
        var si = load(turn, record, Self.slopeI)
        var sj = load(turn, record, Self.slopeJ)
        var sk = load(turn, record, Self.slopeK)
        var sum = load(turn, record, Self.sum)
        var sumEta = load(turn, record, Self.sumEta)
        do {
          let u = record[e0] * w
          var p = j0.addingProduct(i1, ci)
          si.addProduct(u, i1)
          if !Mode.isWide {
            p.addProduct(j1, cj)
            sj.addProduct(u, j1)
            let slope = k[1]
            p += k[0]
            p.addProduct(slope, ck)
            sk.addProduct(u, slope)
          }
          let v = u * p
          sum += v
          sumEta.addProduct(eta0, v)
        }
        do {
          let u = record[e1] * w
          var p = j2.addingProduct(i3, ci)
          si.addProduct(u, i3)
          if !Mode.isWide {
            p.addProduct(j3, cj)
            sj.addProduct(u, j3)
            let slope = k[3]
            p += k[2]
            p.addProduct(slope, ck)
            sk.addProduct(u, slope)
          }
          let v = u * p
          sum += v
          sumEta.addProduct(eta1, v)
        }
        do {
          let u = record[e2] * w
          var p = j4.addingProduct(i5, ci)
          si.addProduct(u, i5)
          if !Mode.isWide {
            p.addProduct(j5, cj)
            sj.addProduct(u, j5)
            let slope = k[5]
            p += k[4]
            p.addProduct(slope, ck)
            sk.addProduct(u, slope)
          }
          let v = u * p
          sum += v
          sumEta.addProduct(eta2, v)
        }
        store(mode, record, si, sj, sk, sum, sumEta)
        k += sizeK
        record += size
      }
    }
  }

  @inline(__always)
  private func store<Mode: TriangleMode>(
    _ mode: Mode.Type, _ record: Record, _ si: Lanes, _ sj: Lanes, _ sk: Lanes, _ sum: Lanes, _ sumEta: Lanes
  ) {
    record[Self.slopeI] = si
    if !Mode.isWide {
      record[Self.slopeJ] = sj
      record[Self.slopeK] = sk
    }
    record[Self.sum] = sum
    record[Self.sumEta] = sumEta
  }

  /// The part that operations on one exponent have in common. `Coefficients` are those of a corner; `load` broadcasts
  /// them from a row, or takes them from a record of the k's.
  @inline(__always)
  private func slopes<Mode: TriangleMode, Turn: OperationTurn, Polynomial: CornerPolynomial>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int,
    _ polynomial: Polynomial
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e = Self.levels &+ operation.levels.0
    let eta = Lanes(repeating: operation.twiceEta[0])
    let atI = polynomial.broadcast(corners.valuesI + operation.offset)
    for s in 0..<segmentCount {
      let segment = segments[s]
      let atJ = polynomial.broadcast(UnsafePointer(corners.rowJ(segment.lane) + operation.offset))
      let constant = Mode.isWide ? polynomial.constant(atI) : polynomial.constant(atI) + polynomial.constant(atJ)
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let u = record[e] * record[Self.weight]
        var p = constant
        let si = load(turn, record, Self.slopeI)
          .addingProduct(u, polynomial.add(atI, record[Self.cosineI], &p))
        var sj = Lanes.zero
        var sk = Lanes.zero
        if !Mode.isWide {
          sj = load(turn, record, Self.slopeJ).addingProduct(u, polynomial.add(atJ, record[Self.cosineJ], &p))
          let atK = polynomial.load(k)
          p += polynomial.constant(atK)
          sk = load(turn, record, Self.slopeK).addingProduct(u, polynomial.add(atK, record[Self.cosineK], &p))
        }
        let v = u * p
        store(
          mode, record, si, sj, sk, load(turn, record, Self.sum) + v,
          load(turn, record, Self.sumEta).addingProduct(eta, v))
        k += sizeK
        record += size
      }
    }
  }

  @inline(__always)
  private func slopesQuadratic<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    slopes(mode, turn, operation, corners, segmentCount, Quadratic())
  }

  @inline(__always)
  private func slopesQuartic<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    slopes(mode, turn, operation, corners, segmentCount, Quartic())
  }

  @inline(__always)
  private func slopesQuarticPair<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    slopes(mode, turn, operation, corners, segmentCount, QuarticPair())
  }

  @inline(__always)
  private func slopesPower<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    slopes(mode, turn, operation, corners, segmentCount, PowerTerm(operation: operation))
  }

  @inline(__always)
  private func slopesBump<Mode: TriangleMode, Turn: OperationTurn>(
    _ mode: Mode.Type, _ turn: Turn.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    slopes(mode, turn, operation, corners, segmentCount, BumpTerm(operation: operation))
  }
}

import MDNumerics

/// Moments of the three corners of a batch of triangles, where they are added up or (as ∂E/∂M) read from.
struct Corners {
  /// Of i: sums by lanes in the forward pass.
  let sumsI: UnsafeMutablePointer<Lanes>
  /// Of i in the backward pass.
  let valuesI: UnsafePointer<Double>
  /// Rows of the moments of all atoms, at the first moment of j's block.
  let rowsJ: UnsafeMutablePointer<Double>
  let width: Int
  /// Atom of each lane.
  let index: UnsafePointer<Int32>
  /// Offset in the records of the neighbour stage of the first moment of k's block, and their size.
  let momentsK: Int
  let size: Int

  @inline(__always)
  func rowJ(_ lane: Int) -> UnsafeMutablePointer<Double> { rowsJ + width &* Int(index[lane]) }
}

// MARK: Forward: moments

extension TriangleStage {
  /// Adds the moments of an operation to all corners (to i alone for wide functions). What all corners have in common,
  /// Σ u, i gets segment by segment from j.
  @inline(__always)
  func addMoments<Mode: TriangleMode>(
    _ mode: Mode.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    switch operation.kind {
    case .linear1: addLinear1(mode, operation, corners, segmentCount)
    case .linear2: addLinear2(mode, operation, corners, segmentCount)
    case .linear3: addLinear3(mode, operation, corners, segmentCount)
    case .quadratic: addQuadratic(mode, operation, corners, segmentCount)
    case .quarticPair:
      addPair(mode, operation, corners, segmentCount) { c in
        let square = c * c
        let six = square + Lanes(repeating: 6)
        return (Lanes(repeating: 1).addingProduct(square, six), c.addingProduct(square, c))
      }
    case .quartic: addQuartic(mode, operation, corners, segmentCount)
    case .power: addSingle(mode, operation, corners, segmentCount) { power($0, operation).value }
    case .bump: addSingle(mode, operation, corners, segmentCount) { operation.angle($0).value }
    }
  }

  @inline(__always)
  private func addLinear1<Mode: TriangleMode>(
    _ mode: Mode.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e0 = Self.levels &+ operation.levels.0
    let sums = corners.sumsI + operation.offset
    var (i0, i1) = (sums[0], sums[1])
    for s in 0..<segmentCount {
      let segment = segments[s]
      var (j0, j1) = (Lanes.zero, Lanes.zero)
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let w = record[Self.weight]
        let ci = record[Self.cosineI]
        let u0 = record[e0] * w
        j0 += u0
        i1.addProduct(u0, ci)
        if !Mode.isWide {
          let cj = record[Self.cosineJ]
          let ck = record[Self.cosineK]
          j1.addProduct(u0, cj)
          k[0] += u0
          k[1] = k[1].addingProduct(u0, ck)
        }
        k += sizeK
        record += size
      }
      i0 += j0
      if !Mode.isWide {
        let row = corners.rowJ(segment.lane) + operation.offset
        addSums(j0, j1, to: row + 0)
      }
    }
    (sums[0], sums[1]) = (i0, i1)
  }

  @inline(__always)
  private func addLinear2<Mode: TriangleMode>(
    _ mode: Mode.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e0 = Self.levels &+ operation.levels.0
    let e1 = Self.levels &+ operation.levels.1
    let sums = corners.sumsI + operation.offset
    var (i0, i1) = (sums[0], sums[1])
    var (i2, i3) = (sums[2], sums[3])
    for s in 0..<segmentCount {
      let segment = segments[s]
      var (j0, j1) = (Lanes.zero, Lanes.zero)
      var (j2, j3) = (Lanes.zero, Lanes.zero)
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let w = record[Self.weight]
        let ci = record[Self.cosineI]
        let u0 = record[e0] * w
        j0 += u0
        i1.addProduct(u0, ci)
        let u1 = record[e1] * w
        j2 += u1
        i3.addProduct(u1, ci)
        if !Mode.isWide {
          let cj = record[Self.cosineJ]
          let ck = record[Self.cosineK]
          j1.addProduct(u0, cj)
          k[0] += u0
          k[1] = k[1].addingProduct(u0, ck)
          j3.addProduct(u1, cj)
          k[2] += u1
          k[3] = k[3].addingProduct(u1, ck)
        }
        k += sizeK
        record += size
      }
      i0 += j0
      i2 += j2
      if !Mode.isWide {
        let row = corners.rowJ(segment.lane) + operation.offset
        addSums(j0, j1, to: row + 0)
        addSums(j2, j3, to: row + 2)
      }
    }
    (sums[0], sums[1]) = (i0, i1)
    (sums[2], sums[3]) = (i2, i3)
  }

  @inline(__always)
  private func addLinear3<Mode: TriangleMode>(
    _ mode: Mode.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e0 = Self.levels &+ operation.levels.0
    let e1 = Self.levels &+ operation.levels.1
    let e2 = Self.levels &+ operation.levels.2
    let sums = corners.sumsI + operation.offset
    var (i0, i1) = (sums[0], sums[1])
    var (i2, i3) = (sums[2], sums[3])
    var (i4, i5) = (sums[4], sums[5])
    for s in 0..<segmentCount {
      let segment = segments[s]
      var (j0, j1) = (Lanes.zero, Lanes.zero)
      var (j2, j3) = (Lanes.zero, Lanes.zero)
      var (j4, j5) = (Lanes.zero, Lanes.zero)
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let w = record[Self.weight]
        let ci = record[Self.cosineI]
        let u0 = record[e0] * w
        j0 += u0
        i1.addProduct(u0, ci)
        let u1 = record[e1] * w
        j2 += u1
        i3.addProduct(u1, ci)
        let u2 = record[e2] * w
        j4 += u2
        i5.addProduct(u2, ci)
        if !Mode.isWide {
          let cj = record[Self.cosineJ]
          let ck = record[Self.cosineK]
          j1.addProduct(u0, cj)
          k[0] += u0
          k[1] = k[1].addingProduct(u0, ck)
          j3.addProduct(u1, cj)
          k[2] += u1
          k[3] = k[3].addingProduct(u1, ck)
          j5.addProduct(u2, cj)
          k[4] += u2
          k[5] = k[5].addingProduct(u2, ck)
        }
        k += sizeK
        record += size
      }
      i0 += j0
      i2 += j2
      i4 += j4
      if !Mode.isWide {
        let row = corners.rowJ(segment.lane) + operation.offset
        addSums(j0, j1, to: row + 0)
        addSums(j2, j3, to: row + 2)
        addSums(j4, j5, to: row + 4)
      }
    }
    (sums[0], sums[1]) = (i0, i1)
    (sums[2], sums[3]) = (i2, i3)
    (sums[4], sums[5]) = (i4, i5)
  }

  @inline(__always)
  private func addQuadratic<Mode: TriangleMode>(
    _ mode: Mode.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e = Self.levels &+ operation.levels.0
    let sums = corners.sumsI + operation.offset
    var (i0, i1, i2) = (sums[0], sums[1], sums[2])
    for s in 0..<segmentCount {
      let segment = segments[s]
      var (j0, j1, j2) = (Lanes.zero, Lanes.zero, Lanes.zero)
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let u = record[e] * record[Self.weight]
        j0 += u
        let ci = record[Self.cosineI]
        var p = u * ci
        i1 += p
        i2.addProduct(p, ci)
        if !Mode.isWide {
          let cj = record[Self.cosineJ]
          p = u * cj
          j1 += p
          j2.addProduct(p, cj)
          let ck = record[Self.cosineK]
          k[0] += u
          p = u * ck
          k[1] += p
          k[2] = k[2].addingProduct(p, ck)
        }
        k += sizeK
        record += size
      }
      i0 += j0
      if !Mode.isWide {
        let row = corners.rowJ(segment.lane) + operation.offset
        addSums(j0, j1, to: row + 0)
        row[2] += j2.sum()
      }
    }
    sums[0] = i0
    sums[1] = i1
    sums[2] = i2
  }

  @inline(__always)
  private func addQuartic<Mode: TriangleMode>(
    _ mode: Mode.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e = Self.levels &+ operation.levels.0
    let sums = corners.sumsI + operation.offset
    var (i0, i1, i2, i3, i4) = (sums[0], sums[1], sums[2], sums[3], sums[4])
    for s in 0..<segmentCount {
      let segment = segments[s]
      var (j0, j1, j2, j3, j4) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let u = record[e] * record[Self.weight]
        j0 += u
        let ci = record[Self.cosineI]
        var p = u * ci
        i1 += p
        p *= ci
        i2 += p
        p *= ci
        i3 += p
        i4.addProduct(p, ci)
        if !Mode.isWide {
          let cj = record[Self.cosineJ]
          p = u * cj
          j1 += p
          p *= cj
          j2 += p
          p *= cj
          j3 += p
          j4.addProduct(p, cj)
          let ck = record[Self.cosineK]
          k[0] += u
          p = u * ck
          k[1] += p
          p *= ck
          k[2] += p
          p *= ck
          k[3] += p
          k[4] = k[4].addingProduct(p, ck)
        }
        k += sizeK
        record += size
      }
      i0 += j0
      if !Mode.isWide {
        let row = corners.rowJ(segment.lane) + operation.offset
        addSums(j0, j1, to: row + 0)
        addSums(j2, j3, to: row + 2)
        row[4] += j4.sum()
      }
    }
    sums[0] = i0
    sums[1] = i1
    sums[2] = i2
    sums[3] = i3
    sums[4] = i4
  }

  @inline(__always)
  private func addPair<Mode: TriangleMode>(
    _ mode: Mode.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int,
    _ values: (Lanes) -> (Lanes, Lanes)
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e = Self.levels &+ operation.levels.0
    let sums = corners.sumsI + operation.offset
    var (i0, i1) = (sums[0], sums[1])
    for s in 0..<segmentCount {
      let segment = segments[s]
      var (j0, j1) = (Lanes.zero, Lanes.zero)
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let u = record[e] * record[Self.weight]
        let pi = values(record[Self.cosineI])
        i0.addProduct(u, pi.0)
        i1.addProduct(u, pi.1)
        if !Mode.isWide {
          let pj = values(record[Self.cosineJ])
          j0.addProduct(u, pj.0)
          j1.addProduct(u, pj.1)
          let pk = values(record[Self.cosineK])
          k[0] = k[0].addingProduct(u, pk.0)
          k[1] = k[1].addingProduct(u, pk.1)
        }
        k += sizeK
        record += size
      }
      if !Mode.isWide { addSums(j0, j1, to: corners.rowJ(segment.lane) + operation.offset) }
    }
    (sums[0], sums[1]) = (i0, i1)
  }

  @inline(__always)
  private func addSingle<Mode: TriangleMode>(
    _ mode: Mode.Type, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int, _ value: (Lanes) -> Lanes
  ) {
    let (size, sizeK, momentsK) = (size, corners.size, corners.momentsK &+ 32 &* operation.offset)
    let e = Self.levels &+ operation.levels.0
    let sums = corners.sumsI + operation.offset
    var i0 = sums[0]
    for s in 0..<segmentCount {
      let segment = segments[s]
      var j0 = Lanes.zero
      var record = segment.start
      var k = segment.k + momentsK
      while record < segment.end {
        let u = record[e] * record[Self.weight]
        i0.addProduct(u, value(record[Self.cosineI]))
        if !Mode.isWide {
          j0.addProduct(u, value(record[Self.cosineJ]))
          k[0] = k[0].addingProduct(u, value(record[Self.cosineK]))
        }
        k += sizeK
        record += size
      }
      if !Mode.isWide { corners.rowJ(segment.lane)[operation.offset] += j0.sum() }
    }
    sums[0] = i0
  }
}

import MDCore
import MDNumerics

extension TriangleStage {
  /// From V and the slopes to φ of the sides, with ∂E/∂r_b = φ·(r_b − r_a) for a side from a to b:
  ///
  ///     φ_ij = L_ij ΣV − Σ2ηV (1 − r_s/r_ij) + Q_i + Q_j − Q_k − (R_i + R_j)/r_ij²,   and so on around,
  ///
  /// with Q = ∂E/∂cos θ / (product of the sides at the corner), R = ∂E/∂cos θ · cos θ.
  @inline(__always)
  func addForces<Mode: TriangleMode>(
    _ mode: Mode.Type, _ row: NeighborStage, _ segmentCount: Int, _ program: BlockProgram, perAtom: SideVirials?
  ) {
    let slopes = NeighborStage.edge(program.edge) &+ 1
    let shifted = program.shift != 0
    let shift = Lanes(repeating: program.shift)
    let one = Lanes(repeating: 1)
    let (rowSize, size) = (row.size, size)
    for s in 0..<segmentCount {
      let segment = segments[s]
      let own = row.record(ofLane: segment.lane)
      let lane = segment.lane & 3
      let ia = Lanes(repeating: own.scalar(NeighborStage.inverse, lane: lane))
      let slopeJ = Lanes(repeating: own.scalar(slopes, lane: lane))
      let ia2 = ia * ia
      var phiJ = Lanes.zero
      var fx = Lanes.zero
      var fy = Lanes.zero
      var fz = Lanes.zero
      var record = segment.start
      var k = segment.k
      while record < segment.end {
        let ib = k[NeighborStage.inverse]
        let total = record[Self.sum]
        let eta = record[Self.sumEta]
        let si = record[Self.slopeI]
        let ri = si * record[Self.cosineI]
        let qi = si * (ia * ib)
        var ij: Lanes
        var ik: Lanes
        var jk: Lanes
        if Mode.isWide {
          ij = qi.subtractingProduct(ri, ia2)
          ik = qi.subtractingProduct(ri, ib * ib)
          jk = Lanes.zero - qi
        } else {
          let id = record[Self.inverse]
          let sj = record[Self.slopeJ]
          let sk = record[Self.slopeK]
          let rj = sj * record[Self.cosineJ]
          let rk = sk * record[Self.cosineK]
          let qj = sj * (ia * id)
          let qk = sk * (ib * id)
          let difference = qj - qk
          ij = (qi + difference).subtractingProduct(ri + rj, ia2)
          ik = (qi - difference).subtractingProduct(ri + rk, ib * ib)
          jk = (qj + qk - qi).subtractingProduct(rj + rk, id * id).addingProduct(record[Self.slope], total)
          jk = shifted ? jk.subtractingProduct(eta, one - shift * id) : jk - eta
        }
        ij.addProduct(slopeJ, total)
        ik.addProduct(k[slopes], total)
        ij = shifted ? ij.subtractingProduct(eta, one - shift * ia) : ij - eta
        ik = shifted ? ik.subtractingProduct(eta, one - shift * ib) : ik - eta
        phiJ += ij
        k[NeighborStage.phi] += ik
        let gx = jk * record[Self.x]
        let gy = jk * record[Self.y]
        let gz = jk * record[Self.z]
        fx += gx
        fy += gy
        fz += gz
        k[NeighborStage.forceX] -= gx
        k[NeighborStage.forceY] -= gy
        k[NeighborStage.forceZ] -= gz
        if let perAtom {
          perAtom.add(
            jk, record[Self.x], record[Self.y], record[Self.z], j: segment.lane, k: 4 &* ((k - row.records) / rowSize))
        }
        k += rowSize
        record += size
      }
      let totals = sums(phiJ, fx, fy, fz)
      own.add(totals[0], to: NeighborStage.phi, lane: lane)
      own.add(totals[1], to: NeighborStage.forceX, lane: lane)
      own.add(totals[2], to: NeighborStage.forceY, lane: lane)
      own.add(totals[3], to: NeighborStage.forceZ, lane: lane)
    }
  }
}

/// Where the virials of sides go when per-atom virials are wanted: half to each end.
struct SideVirials {
  let virials: UnsafeMutablePointer<Double>
  let index: UnsafePointer<Int32>
  /// Where forces are told pair by pair, if they are wanted so.
  let stream: PairForceStream?

  /// `j` is a lane, `k` the first of four.
  @inline(__always)
  func add(_ phi: Lanes, _ x: Lanes, _ y: Lanes, _ z: Lanes, j: Int, k: Int) {
    for l in 0..<4 where phi[l] != 0 {
      add(phi[l], Vector3(x[l], y[l], z[l]), Int(index[j]), Int(index[k &+ l]))
    }
  }

  /// A side d from i to j.
  @inline(__always)
  func add(_ phi: Double, _ d: Vector3, _ i: Int, _ j: Int) {
    addOuter(-0.5 * phi, d, to: i)
    addOuter(-0.5 * phi, d, to: j)
    stream?.add(i, j, isShared: true, d, phi * d)
  }

  @inline(__always)
  private func addOuter(_ factor: Double, _ d: Vector3, to atom: Int) {
    let v = virials + 9 &* atom
    for a in 0..<3 {
      for b in 0..<3 { v[3 &* a &+ b] += factor * d[a] * d[b] }
    }
  }
}

import MDCore
import MDNumerics

extension TriangleStage {
  /// From V and the slopes to φ of the sides, with ∂E/∂r_b = φ·(r_b − r_a) for a side from a to b:
  ///
  ///     φ_ij = L_ij ΣV − Σ2ηV (1 − r_s/r_ij) + Q_i + Q_j − Q_k − (R_i + R_j)/r_ij²,   and so on around,
  ///
  /// with Q = ∂E/∂cos θ / (product of the sides at the corner), R = ∂E/∂cos θ · cos θ.
  @inline(__always)
  func addForces(
    _ row: NeighborStage, _ segmentCount: Int, _ count: Int, _ program: BlockProgram, wide: Bool,
    perAtom: SideVirials?
  ) {
    let slopes = row.slope + program.edge &* row.room
    let slopeOf = UnsafePointer<Double>(OpaquePointer(slopes))
    let inverseOf = UnsafePointer<Double>(OpaquePointer(row.inverse))
    let phiOf = UnsafeMutablePointer<Double>(OpaquePointer(row.phi))
    let forceX = UnsafeMutablePointer<Double>(OpaquePointer(row.forceX))
    let forceY = UnsafeMutablePointer<Double>(OpaquePointer(row.forceY))
    let forceZ = UnsafeMutablePointer<Double>(OpaquePointer(row.forceZ))
    let shifted = program.shift != 0
    let shift = Lanes(repeating: program.shift)
    let one = Lanes(repeating: 1)
    for s in 0..<segmentCount {
      let j = segments[s].lane
      let ia = Lanes(repeating: inverseOf[j])
      let slopeJ0 = Lanes(repeating: slopeOf[j])
      let ia2 = ia * ia
      var phiJ = Lanes.zero
      var fx = Lanes.zero
      var fy = Lanes.zero
      var fz = Lanes.zero
      for n in segments[s].start..<end(s, segmentCount, count) {
        let k = block[n]
        let ib = row.inverse[k]
        let id = inverse[n]
        let total = sum[n]
        let eta = sumEta[n]
        let si = slopeI[n]
        let qi = si * (ia * ib)
        let ri = si * cosineI[n]
        var ij = slopeJ0 * total + qi
        var ik = slopes[k] * total + qi
        var jk = Lanes.zero - qi
        if wide {
          ij -= ri * ia2
          ik -= ri * (ib * ib)
        } else {
          let sj = slopeJ[n]
          let sk = slopeK[n]
          let qj = sj * (ia * id)
          let qk = sk * (ib * id)
          let rj = sj * cosineJ[n]
          let rk = sk * cosineK[n]
          ij = (ij + (qj - qk)).addingProduct((ri + rj) * Lanes(repeating: -1), ia2)
          ik = (ik + (qk - qj)).addingProduct((ri + rk) * Lanes(repeating: -1), ib * ib)
          jk = (jk + (qj + qk)).addingProduct((rj + rk) * Lanes(repeating: -1), id * id)
            .addingProduct(slope[n], total)
        }
        if shifted {
          ij -= eta * (one - shift * ia)
          ik -= eta * (one - shift * ib)
          if !wide { jk -= eta * (one - shift * id) }
        } else {
          ij -= eta
          ik -= eta
          if !wide { jk -= eta }
        }
        phiJ += ij
        row.phi[k] += ik
        let gx = jk * x[n]
        let gy = jk * y[n]
        let gz = jk * z[n]
        fx += gx
        fy += gy
        fz += gz
        row.forceX[k] -= gx
        row.forceY[k] -= gy
        row.forceZ[k] -= gz
        if let perAtom { perAtom.add(jk, x[n], y[n], z[n], j: j, k: k) }
      }
      phiOf[j] += phiJ.sum()
      forceX[j] += fx.sum()
      forceY[j] += fy.sum()
      forceZ[j] += fz.sum()
    }
  }
}

/// Where the virials of sides between two neighbours go when per-atom virials are wanted: half to each end.
struct SideVirials {
  let virials: UnsafeMutablePointer<Double>
  let index: UnsafePointer<Int32>

  @inline(__always)
  func add(_ phi: Lanes, _ x: Lanes, _ y: Lanes, _ z: Lanes, j: Int, k: Int) {
    for l in 0..<4 where phi[l] != 0 {
      addOuter(-0.5 * phi[l], Vector3(x[l], y[l], z[l]), to: Int(index[j]))
      addOuter(-0.5 * phi[l], Vector3(x[l], y[l], z[l]), to: Int(index[4 &* k &+ l]))
    }
  }

  @inline(__always)
  func addOuter(_ factor: Double, _ d: Vector3, to atom: Int) {
    let v = virials + 9 &* atom
    for a in 0..<3 {
      for b in 0..<3 { v[3 &* a &+ b] += factor * d[a] * d[b] }
    }
  }
}

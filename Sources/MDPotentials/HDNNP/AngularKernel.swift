import Foundation
import MDNumerics

/// Moments of the three corners of a batch of triangles, where they are added up or (as ∂E/∂M) read from.
struct Corners {
  /// Of i: sums by lanes in the forward pass.
  let sumsI: UnsafeMutablePointer<Lanes>
  /// Of i in the backward pass.
  let valuesI: UnsafePointer<Double>
  /// Rows of the moments of all atoms, and the first moment of j's block.
  let rows: UnsafeMutablePointer<Double>
  let width: Int
  let startJ: Int
  /// Atom of each lane.
  let index: UnsafePointer<Int32>
  /// Of k by blocks of the neighbour stage: column m begins at m · room.
  let columnsK: UnsafeMutablePointer<Lanes>
  let room: Int
  /// First block of the k's.
  let firstBlock: Int

  @inline(__always)
  func rowJ(_ lane: Int) -> UnsafeMutablePointer<Double> { rows + (width &* Int(index[lane]) &+ startJ) }
  @inline(__always)
  func columnK(_ moment: Int) -> UnsafeMutablePointer<Lanes> { columnsK + (moment &* room &- firstBlock) }
}

extension TriangleStage {
  @inline(__always)
  func end(_ s: Int, _ segmentCount: Int, _ count: Int) -> Int {
    s &+ 1 < segmentCount ? segments[s &+ 1].start : count
  }

  // MARK: Forward: moments

  /// Adds e·cosᵐ to the moments of all corners (of i alone for wide functions).
  @inline(__always)
  func addMoments(
    _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int, _ count: Int, wide: Bool
  ) {
    let e = levels + operation.level &* room
    switch operation.kind {
    case .polynomial1: addPolynomial1(e, operation.offset, corners, segmentCount, count, wide)
    case .polynomial2: addPolynomial2(e, operation.offset, corners, segmentCount, count, wide)
    case .polynomial4: addPolynomial4(e, operation.offset, corners, segmentCount, count, wide)
    case .power:
      addSingle(e, operation.offset, corners, segmentCount, count, wide) { power($0, operation).value }
    case .bump:
      addSingle(e, operation.offset, corners, segmentCount, count, wide) { operation.angle($0).value }
    }
  }

  @inline(__always)
  private func addPolynomial1(
    _ e: UnsafePointer<Lanes>, _ offset: Int, _ corners: Corners, _ segmentCount: Int, _ count: Int, _ wide: Bool
  ) {
    let sumsI = corners.sumsI + offset
    var (i0, i1) = (sumsI[0], sumsI[1])
    let k0 = corners.columnK(offset)
    let k1 = corners.columnK(offset &+ 1)
    for s in 0..<segmentCount {
      var (j0, j1) = (Lanes.zero, Lanes.zero)
      for n in segments[s].start..<end(s, segmentCount, count) {
        let u = e[n] * weight[n]
        i0 += u
        i1.addProduct(u, cosineI[n])
        if wide { continue }
        j0 += u
        j1.addProduct(u, cosineJ[n])
        let k = block[n]
        k0[k] += u
        k1[k].addProduct(u, cosineK[n])
      }
      if wide { continue }
      let row = corners.rowJ(segments[s].lane) + offset
      row[0] += j0.sum()
      row[1] += j1.sum()
    }
    sumsI[0] = i0
    sumsI[1] = i1
  }

  @inline(__always)
  private func addPolynomial2(
    _ e: UnsafePointer<Lanes>, _ offset: Int, _ corners: Corners, _ segmentCount: Int, _ count: Int, _ wide: Bool
  ) {
    let sumsI = corners.sumsI + offset
    var (i0, i1, i2) = (sumsI[0], sumsI[1], sumsI[2])
    let k0 = corners.columnK(offset)
    let k1 = corners.columnK(offset &+ 1)
    let k2 = corners.columnK(offset &+ 2)
    for s in 0..<segmentCount {
      var (j0, j1, j2) = (Lanes.zero, Lanes.zero, Lanes.zero)
      for n in segments[s].start..<end(s, segmentCount, count) {
        let u = e[n] * weight[n]
        let ci = cosineI[n]
        let ui = u * ci
        i0 += u
        i1 += ui
        i2.addProduct(ui, ci)
        if wide { continue }
        let cj = cosineJ[n]
        let uj = u * cj
        j0 += u
        j1 += uj
        j2.addProduct(uj, cj)
        let ck = cosineK[n]
        let uk = u * ck
        let k = block[n]
        k0[k] += u
        k1[k] += uk
        k2[k].addProduct(uk, ck)
      }
      if wide { continue }
      let row = corners.rowJ(segments[s].lane) + offset
      row[0] += j0.sum()
      row[1] += j1.sum()
      row[2] += j2.sum()
    }
    sumsI[0] = i0
    sumsI[1] = i1
    sumsI[2] = i2
  }

  @inline(__always)
  private func addPolynomial4(
    _ e: UnsafePointer<Lanes>, _ offset: Int, _ corners: Corners, _ segmentCount: Int, _ count: Int, _ wide: Bool
  ) {
    let sumsI = corners.sumsI + offset
    var (i0, i1, i2, i3, i4) = (sumsI[0], sumsI[1], sumsI[2], sumsI[3], sumsI[4])
    let k0 = corners.columnK(offset)
    let k1 = corners.columnK(offset &+ 1)
    let k2 = corners.columnK(offset &+ 2)
    let k3 = corners.columnK(offset &+ 3)
    let k4 = corners.columnK(offset &+ 4)
    for s in 0..<segmentCount {
      var (j0, j1, j2, j3, j4) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
      for n in segments[s].start..<end(s, segmentCount, count) {
        let u = e[n] * weight[n]
        let ci = cosineI[n]
        let ui = u * ci
        let vi = ui * ci
        let wi = vi * ci
        i0 += u
        i1 += ui
        i2 += vi
        i3 += wi
        i4.addProduct(wi, ci)
        if wide { continue }
        let cj = cosineJ[n]
        let uj = u * cj
        let vj = uj * cj
        let wj = vj * cj
        j0 += u
        j1 += uj
        j2 += vj
        j3 += wj
        j4.addProduct(wj, cj)
        let ck = cosineK[n]
        let uk = u * ck
        let vk = uk * ck
        let wk = vk * ck
        let k = block[n]
        k0[k] += u
        k1[k] += uk
        k2[k] += vk
        k3[k] += wk
        k4[k].addProduct(wk, ck)
      }
      if wide { continue }
      let row = corners.rowJ(segments[s].lane) + offset
      row[0] += j0.sum()
      row[1] += j1.sum()
      row[2] += j2.sum()
      row[3] += j3.sum()
      row[4] += j4.sum()
    }
    sumsI[0] = i0
    sumsI[1] = i1
    sumsI[2] = i2
    sumsI[3] = i3
    sumsI[4] = i4
  }

  @inline(__always)
  private func addSingle(
    _ e: UnsafePointer<Lanes>, _ offset: Int, _ corners: Corners, _ segmentCount: Int, _ count: Int, _ wide: Bool,
    _ value: (Lanes) -> Lanes
  ) {
    let sumsI = corners.sumsI + offset
    var i0 = sumsI[0]
    let k0 = corners.columnK(offset)
    for s in 0..<segmentCount {
      var j0 = Lanes.zero
      for n in segments[s].start..<end(s, segmentCount, count) {
        let u = e[n] * weight[n]
        i0.addProduct(u, value(cosineI[n]))
        if wide { continue }
        j0.addProduct(u, value(cosineJ[n]))
        k0[block[n]].addProduct(u, value(cosineK[n]))
      }
      if wide { continue }
      let row = corners.rowJ(segments[s].lane) + offset
      row[0] += j0.sum()
    }
    sumsI[0] = i0
  }

  // MARK: Backward: sums and slopes

  func clearSlopes(_ count: Int) {
    for n in 0..<count {
      slopeI[n] = .zero
      slopeJ[n] = .zero
      slopeK[n] = .zero
      sum[n] = .zero
      sumEta[n] = .zero
    }
  }

  /// Adds an operation's share to V = e Σ P(cos θ), 2ηV, and e P′(cos θ) of each corner.
  @inline(__always)
  func addSlopes(
    _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int, _ count: Int, wide: Bool
  ) {
    let e = levels + operation.level &* room
    switch operation.kind {
    case .polynomial1: slopes1(e, operation, corners, segmentCount, count, wide)
    case .polynomial2: slopes2(e, operation, corners, segmentCount, count, wide)
    case .polynomial4: slopes4(e, operation, corners, segmentCount, count, wide)
    case .power: slopesSingle(e, operation, corners, segmentCount, count, wide) { power($0, operation) }
    case .bump: slopesSingle(e, operation, corners, segmentCount, count, wide) { operation.angle($0) }
    }
  }

  @inline(__always)
  private func slopes1(
    _ e: UnsafePointer<Lanes>, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int,
    _ count: Int, _ wide: Bool
  ) {
    let offset = operation.offset
    let eta = Lanes(repeating: operation.twiceEta)
    let i0 = corners.valuesI[offset]
    let i1 = Lanes(repeating: corners.valuesI[offset &+ 1])
    let k0 = corners.columnK(offset)
    let k1 = corners.columnK(offset &+ 1)
    for s in 0..<segmentCount {
      let row = corners.rowJ(segments[s].lane) + offset
      let constant = Lanes(repeating: wide ? i0 : i0 + row[0])
      let j1 = Lanes(repeating: row[1])
      for n in segments[s].start..<end(s, segmentCount, count) {
        let u = e[n] * weight[n]
        let k = block[n]
        var p = constant.addingProduct(i1, cosineI[n])
        slopeI[n].addProduct(u, i1)
        if !wide {
          let slope = k1[k]
          p.addProduct(j1, cosineJ[n])
          p += k0[k]
          p.addProduct(slope, cosineK[n])
          slopeJ[n].addProduct(u, j1)
          slopeK[n].addProduct(u, slope)
        }
        let v = u * p
        sum[n] += v
        sumEta[n].addProduct(eta, v)
      }
    }
  }

  @inline(__always)
  private func slopes2(
    _ e: UnsafePointer<Lanes>, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int,
    _ count: Int, _ wide: Bool
  ) {
    let offset = operation.offset
    let eta = Lanes(repeating: operation.twiceEta)
    let i0 = corners.valuesI[offset]
    let i1 = Lanes(repeating: corners.valuesI[offset &+ 1])
    let i2 = Lanes(repeating: corners.valuesI[offset &+ 2])
    let k0 = corners.columnK(offset)
    let k1 = corners.columnK(offset &+ 1)
    let k2 = corners.columnK(offset &+ 2)
    for s in 0..<segmentCount {
      let row = corners.rowJ(segments[s].lane) + offset
      let constant = Lanes(repeating: wide ? i0 : i0 + row[0])
      let j1 = Lanes(repeating: row[1])
      let j2 = Lanes(repeating: row[2])
      for n in segments[s].start..<end(s, segmentCount, count) {
        let u = e[n] * weight[n]
        let k = block[n]
        // With h = p₁ + p₂c: p = p₀ + hc, p′ = h + p₂c.
        let ci = cosineI[n]
        let hi = i1.addingProduct(i2, ci)
        var p = constant.addingProduct(hi, ci)
        slopeI[n].addProduct(u, hi.addingProduct(i2, ci))
        if !wide {
          let cj = cosineJ[n]
          let hj = j1.addingProduct(j2, cj)
          p.addProduct(hj, cj)
          slopeJ[n].addProduct(u, hj.addingProduct(j2, cj))
          let ck = cosineK[n]
          let a2 = k2[k]
          let hk = k1[k].addingProduct(a2, ck)
          p += k0[k]
          p.addProduct(hk, ck)
          slopeK[n].addProduct(u, hk.addingProduct(a2, ck))
        }
        let v = u * p
        sum[n] += v
        sumEta[n].addProduct(eta, v)
      }
    }
  }

  @inline(__always)
  private func slopes4(
    _ e: UnsafePointer<Lanes>, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int,
    _ count: Int, _ wide: Bool
  ) {
    let offset = operation.offset
    let eta = Lanes(repeating: operation.twiceEta)
    let valuesI = corners.valuesI + offset
    let i0 = valuesI[0]
    let i1 = Lanes(repeating: valuesI[1])
    let i2 = Lanes(repeating: valuesI[2])
    let i3 = Lanes(repeating: valuesI[3])
    let i4 = Lanes(repeating: valuesI[4])
    let k0 = corners.columnK(offset)
    let k1 = corners.columnK(offset &+ 1)
    let k2 = corners.columnK(offset &+ 2)
    let k3 = corners.columnK(offset &+ 3)
    let k4 = corners.columnK(offset &+ 4)
    for s in 0..<segmentCount {
      let row = corners.rowJ(segments[s].lane) + offset
      let constant = Lanes(repeating: wide ? i0 : i0 + row[0])
      let j1 = Lanes(repeating: row[1])
      let j2 = Lanes(repeating: row[2])
      let j3 = Lanes(repeating: row[3])
      let j4 = Lanes(repeating: row[4])
      for n in segments[s].start..<end(s, segmentCount, count) {
        let u = e[n] * weight[n]
        let k = block[n]
        var p = constant
        slopeI[n].addProduct(u, quartic(i1, i2, i3, i4, cosineI[n], &p))
        if !wide {
          slopeJ[n].addProduct(u, quartic(j1, j2, j3, j4, cosineJ[n], &p))
          p += k0[k]
          slopeK[n].addProduct(u, quartic(k1[k], k2[k], k3[k], k4[k], cosineK[n], &p))
        }
        let v = u * p
        sum[n] += v
        sumEta[n].addProduct(eta, v)
      }
    }
  }

  /// Adds a₁c + a₂c² + a₃c³ + a₄c⁴ to p and returns the slope.
  @inline(__always)
  private func quartic(_ a1: Lanes, _ a2: Lanes, _ a3: Lanes, _ a4: Lanes, _ c: Lanes, _ p: inout Lanes) -> Lanes {
    let h3 = a3.addingProduct(a4, c)
    let h2 = a2.addingProduct(h3, c)
    let h1 = a1.addingProduct(h2, c)
    p.addProduct(h1, c)
    let g3 = h3.addingProduct(a4, c)
    let g2 = h2.addingProduct(g3, c)
    return h1.addingProduct(g2, c)
  }

  @inline(__always)
  private func slopesSingle(
    _ e: UnsafePointer<Lanes>, _ operation: AngularOperation, _ corners: Corners, _ segmentCount: Int,
    _ count: Int, _ wide: Bool, _ function: (Lanes) -> (value: Lanes, slope: Lanes)
  ) {
    let offset = operation.offset
    let eta = Lanes(repeating: operation.twiceEta)
    let i0 = Lanes(repeating: corners.valuesI[offset])
    let k0 = corners.columnK(offset)
    for s in 0..<segmentCount {
      let j0 = Lanes(repeating: corners.rowJ(segments[s].lane)[offset])
      for n in segments[s].start..<end(s, segmentCount, count) {
        let u = e[n] * weight[n]
        let fi = function(cosineI[n])
        var p = i0 * fi.value
        slopeI[n].addProduct(u * i0, fi.slope)
        if !wide {
          let fj = function(cosineJ[n])
          p.addProduct(j0, fj.value)
          slopeJ[n].addProduct(u * j0, fj.slope)
          let fk = function(cosineK[n])
          let a = k0[block[n]]
          p.addProduct(a, fk.value)
          slopeK[n].addProduct(u * a, fk.slope)
        }
        let v = u * p
        sum[n] += v
        sumEta[n].addProduct(eta, v)
      }
    }
  }
}

/// ((1 + λc)/2)^ζ and its slope.
@inline(__always)
func power(_ c: Lanes, _ operation: AngularOperation) -> (value: Lanes, slope: Lanes) {
  let lambda = Lanes(repeating: operation.lambda * 0.5)
  var base = Lanes(repeating: 0.5).addingProduct(lambda, c)
  // Cosines of lanes without a triangle may be anything.
  base = base.maximum(.zero).minimum(Lanes(repeating: 1))
  let factor = lambda * operation.zeta
  var rest = operation.wholeZeta &- 1
  if rest >= 0 {
    // base^(ζ−1) by squaring.
    var result = Lanes(repeating: 1)
    var square = base
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      rest &>>= 1
      if rest > 0 { square *= square }
    }
    return (result * base, factor * result)
  }
  var value = Lanes.zero
  var slope = Lanes.zero
  for l in 0..<4 where base[l] > 0 {
    let power = pow(base[l], operation.zeta - 1)
    value[l] = power * base[l]
    slope[l] = factor[l] * power
  }
  return (value, slope)
}

/// The bump C(θ) about an angle, of the cosine.
struct AngleBump: BitwiseCopyable {
  private var kind = EdgeProgram.Kind.polynomial1
  private var center = 0.0
  private var scale = 1.0

  init() {}

  init(core: CompactFunction.Core, center: Double, width: Double) {
    kind =
      switch core {
      case .exponential: .exponential
      case .polynomial1: .polynomial1
      case .polynomial2: .polynomial2
      case .polynomial3: .polynomial3
      case .polynomial4: .polynomial4
      }
    self.center = center
    scale = 1 / width
  }

  /// C and dC/d cos θ = −C′(θ)/sin θ, which stays finite at 0 and π, where C′ vanishes.
  @inline(__always)
  func callAsFunction(_ cosine: Lanes) -> (value: Lanes, slope: Lanes) {
    var angle = Lanes.zero
    var sine = Lanes.zero
    for l in 0..<4 {
      let theta = min(max(acos(min(max(cosine[l], -1), 1)), 1e-7), .pi - 1e-7)
      angle[l] = theta
      sine[l] = sin(theta)
    }
    let signed = (angle - Lanes(repeating: center)) * scale
    var x = signed.replacing(with: Lanes.zero - signed, where: signed .< 0)
    x = x.replacing(with: 1, where: x .> 1)
    let (value, ratio) =
      switch kind {
      case .polynomial1: EdgeProgram.polynomial1(x)
      case .polynomial2: EdgeProgram.polynomial2(x)
      case .polynomial3: EdgeProgram.polynomial3(x)
      case .polynomial4: EdgeProgram.polynomial4(x)
      default: EdgeProgram.exponentialCore(x)
      }
    let direction = Lanes(repeating: -scale).replacing(with: Lanes(repeating: scale), where: signed .< 0)
    return (value, value * ratio * direction / sine)
  }
}

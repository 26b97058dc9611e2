import MDNumerics
import MDPotentialFiles

/// What is a function of pairs, in doubles or in singles: from the slots of a block to the sums A and the radial
/// descriptors, and from their slopes back to the gradients of the slots. Whatever else there is of atoms is in doubles.
final class NEPPairStage<V: NEPLanes> {
  private let file: NEPFile
  private let width: Int
  private let harmonics: Int
  private let sumCount: Int
  private let angularPolynomials: AlignedBuffer<V.Scalar>
  private let radialPowers: AlignedBuffer<Double>
  private let radialSums: AlignedBuffer<Double>
  private let inverseRadial: [V.Scalar]
  private let inverseAngular: [V.Scalar]
  private let harmonicFactors: AlignedBuffer<V.Scalar>
  private let envelope = AlignedBuffer<V>(V.envelopeConstants())

  private let heads = AlignedBuffer<V>()
  private let records = AlignedBuffer<V>()
  private let slopes = AlignedBuffer<V>()
  private let sums: AlignedBuffer<V>
  private let adjoint: AlignedBuffer<V>
  private let weights: AlignedBuffer<V>
  private let chebyshev = AlignedBuffer<V>(capacity: 31)
  private let totals = AlignedBuffer<AtomLanes>(capacity: 31)
  private let polynomial: AlignedBuffer<V>

  /// - Parameter plan: with polynomials about `V.origin`.
  init(_ file: NEPFile, _ plan: NEPPlan) {
    self.file = file
    width = plan.width
    harmonics = UnitHarmonics.count(file.degree)
    sumCount = harmonics * width
    angularPolynomials = AlignedBuffer(plan.angular.map { V.Scalar($0) })
    radialPowers = AlignedBuffer(plan.radialPowers)
    radialSums = AlignedBuffer(plan.radialSums)
    inverseRadial = file.radialCutoffs.map { V.Scalar(1 / $0) }
    inverseAngular = file.angularCutoffs.map { V.Scalar(1 / $0) }
    harmonicFactors = AlignedBuffer(UnitHarmonics.factors(file.degree).map { V.Scalar($0) })
    sums = AlignedBuffer(capacity: sumCount)
    adjoint = AlignedBuffer(capacity: sumCount)
    weights = AlignedBuffer(capacity: harmonics)
    polynomial = AlignedBuffer(capacity: file.radialBasis)
  }

  private var recordStride: Int { 2 * width + harmonics }

  private func vectors(_ slots: Range<Int>) -> Range<Int> {
    (slots.lowerBound / V.slotsAbreast)..<(slots.upperBound / V.slotsAbreast)
  }

  // MARK: There

  /// The functions of all slots; A at lm · width + n, and the radial descriptors.
  func describe(
    _ slots: NeighborSlots, _ element: Int, sums out: UnsafeMutablePointer<AtomLanes>,
    radial: UnsafeMutablePointer<AtomLanes>
  ) {
    let sums = sums.pointer
    for k in 0..<sumCount { sums[k] = .zero }
    load(slots, element, sums: sums)
    for k in 0..<sumCount { out[k] = sums[k].sumOfSlots }
    for n in 0..<file.radialCount { radial[n] = .zero }
    for neighbor in 0..<file.elements.count { sumRadial(slots, element, neighbor, radial) }
  }

  /// The functions of each slot, and with `sums` what they add up to.
  func load(_ slots: NeighborSlots, _ element: Int, sums: UnsafeMutablePointer<V>? = nil) {
    heads.reserve((slots.count / V.slotsAbreast + 1) * NEPKernels.headLanes)
    records.reserve((slots.innerCount / V.slotsAbreast + 1) * recordStride)
    switch width {
    case 4: functions(Size<4>.self, slots, element, sums)
    case 5: functions(Size<5>.self, slots, element, sums)
    case 6: functions(Size<6>.self, slots, element, sums)
    case 7: functions(Size<7>.self, slots, element, sums)
    case 8: functions(Size<8>.self, slots, element, sums)
    case 9: functions(Size<9>.self, slots, element, sums)
    case 11: functions(Size<11>.self, slots, element, sums)
    case 13: functions(Size<13>.self, slots, element, sums)
    default: functions(Size<31>.self, slots, element, sums)
    }
  }

  private func functions<let N: Int>(
    _ size: Size<N>.Type, _ slots: NeighborSlots, _ element: Int, _ sums: UnsafeMutablePointer<V>?
  ) {
    let all = UnsafePointer(slots.slots.pointer)
    let (heads, records) = (heads.pointer, records.pointer)
    let constants = UnsafePointer(envelope.pointer)
    let factors = UnsafePointer(harmonicFactors.pointer)
    let (stride, degree, basis, harmonics) = (recordStride, file.degree, file.angularBasis, harmonics)
    let count = file.elements.count
    for neighbor in 0..<count {
      let pair = element * count + neighbor
      let (inverseRadial, inverseAngular) = (inverseRadial[pair], inverseAngular[pair])
      let polynomials = UnsafePointer(angularPolynomials.pointer) + pair * N * basis
      let range = vectors(slots.range(neighbor))
      var first = range.lowerBound
      while first < range.upperBound {
        let end = min(first + NEPKernels.chunk, range.upperBound)
        for k in first..<end {
          let head = heads + k * NEPKernels.headLanes
          let record = records + k * stride
          let r = NEPKernels.head(V.load(all, k), inverseCutoff: inverseRadial, constants, head)
          NEPKernels.angularFunctions(
            size, r, inverseCutoff: inverseAngular, constants, polynomials, basis: basis, record)
          if degree == 4 {
            UnitHarmonics.evaluate(head[0], head[1], head[2], 4, factors, record + 2 * N)
          } else {
            UnitHarmonics.evaluate(head[0], head[1], head[2], degree, factors, record + 2 * N)
          }
        }
        if let sums {
          NEPKernels.angularSums(
            size, UnsafePointer(records) + first * stride, stride: stride, count: end - first, harmonics: harmonics,
            sums)
        }
        first = end
      }
      for k in vectors(slots.outerRange(neighbor)) {
        _ = NEPKernels.head(
          V.load(all, k), inverseCutoff: inverseRadial, constants, heads + k * NEPKernels.headLanes)
      }
    }
  }

  /// Adds what the neighbours of an element give to the radial descriptors.
  private func sumRadial(
    _ slots: NeighborSlots, _ element: Int, _ neighbor: Int, _ descriptors: UnsafeMutablePointer<AtomLanes>
  ) {
    let basis = file.radialBasis
    let sums = chebyshev.pointer
    for k in 0..<31 { sums[k] = .zero }
    let heads = UnsafePointer(heads.pointer)
    for range in [vectors(slots.range(neighbor)), vectors(slots.outerRange(neighbor))] {
      switch basis {
      case ...5: NEPKernels.radialSums(Size<5>.self, heads, range, sums)
      case ...7: NEPKernels.radialSums(Size<7>.self, heads, range, sums)
      case ...9: NEPKernels.radialSums(Size<9>.self, heads, range, sums)
      case ...13: NEPKernels.radialSums(Size<13>.self, heads, range, sums)
      default: NEPKernels.radialSums(Size<31>.self, heads, range, sums)
      }
    }
    let totals = totals.pointer
    for k in 0..<basis { totals[k] = sums[k].sumOfSlots }
    var c = UnsafePointer(radialSums.pointer) + (element * file.elements.count + neighbor) * file.radialCount * basis
    for n in 0..<file.radialCount {
      var q = descriptors[n]
      for k in 0..<basis { q.addProduct(totals[k], AtomLanes(repeating: c[k])) }
      descriptors[n] = q
      c += basis
    }
  }

  // MARK: And back

  /// The gradients ∂U/∂(r_j − r_i) of all slots, three numbers each, after `describe` or `load`.
  /// - Parameters:
  ///   - radial: the slopes of the radial descriptors.
  ///   - adjoint: ∂U/∂A, in the places of A.
  func pullBack(
    _ slots: NeighborSlots, _ element: Int, radial: UnsafePointer<AtomLanes>, adjoint: UnsafePointer<AtomLanes>,
    _ gradients: UnsafeMutablePointer<AtomLanes>
  ) {
    slopes.reserve(slots.count / V.slotsAbreast + 1)
    for neighbor in 0..<file.elements.count { radialSlopes(slots, element, neighbor, radial) }
    let own = self.adjoint.pointer
    for k in 0..<sumCount { own[k] = V(ofAtoms: adjoint[k]) }
    let inner = slots.innerCount / V.slotsAbreast
    switch width {
    case 4: angularGradients(Size<4>.self, inner, gradients)
    case 5: angularGradients(Size<5>.self, inner, gradients)
    case 6: angularGradients(Size<6>.self, inner, gradients)
    case 7: angularGradients(Size<7>.self, inner, gradients)
    case 8: angularGradients(Size<8>.self, inner, gradients)
    case 9: angularGradients(Size<9>.self, inner, gradients)
    case 11: angularGradients(Size<11>.self, inner, gradients)
    case 13: angularGradients(Size<13>.self, inner, gradients)
    default: angularGradients(Size<31>.self, inner, gradients)
    }
    let (heads, slopes) = (UnsafePointer(heads.pointer), UnsafePointer(slopes.pointer))
    for k in inner..<(slots.count / V.slotsAbreast) {
      let (head, slope) = (heads + k * NEPKernels.headLanes, slopes[k])
      V.store(slope.times(head[0]), slope.times(head[1]), slope.times(head[2]), gradients, k)
    }
  }

  /// Of the radial descriptors, along r.
  private func radialSlopes(
    _ slots: NeighborSlots, _ element: Int, _ neighbor: Int, _ slopes: UnsafePointer<AtomLanes>
  ) {
    let basis = file.radialBasis
    let p = polynomial.pointer
    let c = UnsafePointer(radialPowers.pointer) + (element * file.elements.count + neighbor) * file.radialCount * basis
    for k in 0..<basis {
      var sum = AtomLanes.zero
      for n in 0..<file.radialCount { sum.addProduct(slopes[n], AtomLanes(repeating: c[n * basis + k])) }
      p[k] = V(ofAtoms: sum)
    }
    let heads = UnsafePointer(heads.pointer)
    let out = self.slopes.pointer
    for range in [vectors(slots.range(neighbor)), vectors(slots.outerRange(neighbor))] {
      var k = range.lowerBound
      while k + 4 <= range.upperBound {
        let four = NEPKernels.radialSlopes(heads + k * NEPKernels.headLanes, p, basis: basis)
        for m in 0..<4 { out[k + m] = four[m] }
        k += 4
      }
      while k < range.upperBound {
        out[k] = NEPKernels.radialSlope(heads + k * NEPKernels.headLanes, p, basis: basis)
        k += 1
      }
    }
  }

  /// Of the slots within the angular cutoffs, with the radial part.
  private func angularGradients<let N: Int>(
    _ size: Size<N>.Type, _ count: Int, _ gradients: UnsafeMutablePointer<AtomLanes>
  ) {
    let (heads, records) = (UnsafePointer(heads.pointer), UnsafePointer(records.pointer))
    let (h, slopes) = (weights.pointer, UnsafePointer(slopes.pointer))
    let adjoint = UnsafePointer(adjoint.pointer)
    let (stride, degree, harmonics) = (recordStride, file.degree, harmonics)
    for k in 0..<count {
      let head = heads + k * NEPKernels.headLanes
      let record = records + k * stride
      let slope = NEPKernels.pullBack(size, record, adjoint, harmonics: harmonics, h)
      let g =
        degree == 4
        ? UnitHarmonics.gradient(h, record + 2 * N, 4) : UnitHarmonics.gradient(h, record + 2 * N, degree)
      let (nx, ny, nz, inverse) = (head[0], head[1], head[2], head[3])
      let along = g.x.times(nx).addingProduct(g.y, ny).addingProduct(g.z, nz)
      let radial = slope.subtractingProduct(along, inverse)
      let more = slopes[k]
      V.store(
        radial.times(nx).addingProduct(g.x, inverse).addingProduct(more, nx),
        radial.times(ny).addingProduct(g.y, inverse).addingProduct(more, ny),
        radial.times(nz).addingProduct(g.z, inverse).addingProduct(more, nz), gradients, k)
    }
  }
}

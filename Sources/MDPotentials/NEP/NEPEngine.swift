import MDCore
import MDNumerics
import MDPotentialFiles

/// Runs the kernels over the blocks of atoms: sums over neighbours, descriptors, network, and back to forces.
///
/// Without charges a block is finished at once. With charges all blocks must be described before any has its forces:
/// `describe` keeps sums and slopes of every block, `forces` makes the functions of the pairs anew.
package final class NEPEngine {
  let file: NEPFile
  private let width: Int
  private let plan: NEPPlan
  private let invariants: NEPInvariants
  private let networks: [NEPNetwork]
  private let repulsion: NEPRepulsion?
  private let blocks: AtomBlocks
  private let slots: NeighborSlots
  private let elementOfSpecies: AlignedBuffer<Int32>

  private let angularPolynomials: AlignedBuffer<Double>
  private let radialPowers: AlignedBuffer<Double>
  private let radialSums: AlignedBuffer<Double>
  private let inverseRadial: [Double]
  private let inverseAngular: [Double]
  private let harmonicFactors: AlignedBuffer<Double>
  private let envelope = AlignedBuffer(NEPKernels.envelopeConstants())

  private let harmonics: Int
  private let heads = AlignedBuffer<AtomLanes>()
  private let records = AlignedBuffer<AtomLanes>()
  private let gradients = AlignedBuffer<AtomLanes>()
  private let repulsionSlopes = AlignedBuffer<AtomLanes>()
  private let chebyshev = AlignedBuffer<AtomLanes>(capacity: 31)
  private let polynomial: AlignedBuffer<AtomLanes>
  private let adjoint: AlignedBuffer<AtomLanes>
  private let weights: AlignedBuffer<AtomLanes>
  private let slopes: AlignedBuffer<AtomLanes>
  /// Of each block with charges, or of the only one: A, descriptors, ∂U/∂q, ∂q̃/∂q.
  private let kept = AlignedBuffer<AtomLanes>()
  private let sumCount: Int
  private let rowCount: Int

  /// The numbers of angular functions that kernels are made for.
  private static let widths = [4, 5, 6, 7, 8, 9, 11, 13, 31]

  /// - Parameter species: of each species of the run, the element of the file, whose elements are all in use.
  init(_ file: NEPFile, elementOfSpecies: [Int32]) {
    self.file = file
    let width = Self.widths.first { $0 >= file.angularCount } ?? 31
    self.width = width
    plan = NEPPlan(file, width: width)
    invariants = NEPInvariants(file, plan)
    networks = file.networks.map { NEPNetwork($0, descriptorCount: file.descriptorCount) }
    repulsion = NEPRepulsion(
      file, atomicNumbers: file.elements.map { Elements.atomicNumber(of: $0) ?? 0 })
    let count = file.elements.count
    blocks = AtomBlocks(elementCount: count)
    func square(_ all: [Double]) -> [[Double]] {
      (0..<count).map { Array(all[($0 * count)..<(($0 + 1) * count)]) }
    }
    slots = NeighborSlots(
      cutoffs: square(file.radialCutoffs), inner: square(file.angularCutoffs), groupOfElement: Array(0..<count),
      padding: Vector3(file.cutoff, 0, 0))
    self.elementOfSpecies = AlignedBuffer(elementOfSpecies + [0])
    angularPolynomials = AlignedBuffer(plan.angular)
    radialPowers = AlignedBuffer(plan.radialPowers)
    radialSums = AlignedBuffer(plan.radialSums)
    inverseRadial = file.radialCutoffs.map { 1 / $0 }
    inverseAngular = file.angularCutoffs.map { 1 / $0 }
    harmonicFactors = AlignedBuffer(UnitHarmonics.factors(file.degree))
    harmonics = UnitHarmonics.count(file.degree)
    sumCount = harmonics * width
    rowCount = NEPNetwork.padded(file.descriptorCount)
    polynomial = AlignedBuffer(capacity: file.radialBasis)
    adjoint = AlignedBuffer(capacity: sumCount)
    weights = AlignedBuffer(capacity: harmonics)
    slopes = AlignedBuffer(capacity: rowCount)
  }

  private var recordStride: Int { 2 * width + harmonics }
  private var keptStride: Int { sumCount + 3 * rowCount }

  /// Energies and forces of a potential without charges.
  func compute(_ atoms: AtomView, _ list: NeighborView, want: Want) -> Tally {
    var tally = Tally.zero
    blocks.sort(atoms, list, elementOfSpecies.pointer)
    kept.reserve(keptStride)
    blocks.forEach { block in
      let row = kept.pointer
      describe(block, atoms, list, row)
      let (energy, _) = networks[block.element].evaluate(
        row + sumCount, slopes: row + (sumCount + rowCount))
      add(energy, block, atoms, want, &tally)
      pullBack(block, row, UnsafePointer(row + (sumCount + rowCount)))
      addForces(block, atoms, want, &tally)
    }
    return tally
  }

  /// The first half of a step with charges: short-range energies, and the networks' charges (e) of the local atoms.
  func describe(
    _ atoms: AtomView, _ list: NeighborView, want: Want, charges: UnsafeMutablePointer<Double>
  ) -> Tally {
    var tally = Tally.zero
    blocks.sort(atoms, list, elementOfSpecies.pointer)
    kept.reserve(max(keptStride * blocks.count, 1))
    var row = kept.pointer
    blocks.forEach { block in
      describe(block, atoms, list, row)
      let (energy, charge) = networks[block.element].evaluate(
        row + sumCount, slopes: row + (sumCount + rowCount), chargeSlopes: row + (sumCount + 2 * rowCount))
      for lane in 0..<block.count { charges[Int(block.centers[lane])] = charge[lane] }
      add(energy, block, atoms, want, &tally)
      row += keptStride
    }
    return tally
  }

  /// The second half: forces of Σ Uᵢ + λᵢ q̃ᵢ, and virial.
  func addForces(
    _ atoms: AtomView, _ list: NeighborView, want: Want, adjoint lambda: UnsafePointer<Double>
  ) -> Matrix3 {
    var tally = Tally.zero
    var row = kept.pointer
    let slopes = slopes.pointer
    blocks.forEach { block in
      load(block, atoms, list)
      let weight = lanes(lambda, block)
      let (own, charge) = (row + (sumCount + rowCount), row + (sumCount + 2 * rowCount))
      for k in 0..<file.descriptorCount { slopes[k] = own[k].addingProduct(weight, charge[k]) }
      pullBack(block, row, slopes)
      addForces(block, atoms, want, &tally)
      row += keptStride
    }
    return tally.virial
  }

  /// Hands ∂q̃ᵢ/∂(r_j − r_i) of all pairs on, after `describe`.
  func forEachChargeSlope(
    _ atoms: AtomView, _ list: NeighborView,
    _ body: (_ i: Int32, _ j: Int32, _ distance: Vector3, _ slope: Vector3) -> Void
  ) {
    var row = kept.pointer
    blocks.forEach { block in
      load(block, atoms, list)
      pullBack(block, row, UnsafePointer(row + (sumCount + 2 * rowCount)))
      for k in 0..<slots.count {
        let slot = slots.slots.pointer[k]
        let g = gradients.pointer + 3 * k
        for lane in 0..<block.count where slot.index[lane] >= 0 {
          body(
            block.centers[lane], slot.index[lane], Vector3(slot.x[lane], slot.y[lane], slot.z[lane]),
            Vector3(g[0][lane], g[1][lane], g[2][lane]))
        }
      }
      row += keptStride
    }
  }

  private func lanes(_ values: UnsafePointer<Double>, _ block: AtomBlocks.Block) -> AtomLanes {
    var out = AtomLanes.zero
    for lane in 0..<block.count { out[lane] = values[Int(block.centers[lane])] }
    return out
  }

  private func add(
    _ energy: AtomLanes, _ block: AtomBlocks.Block, _ atoms: AtomView, _ want: Want, _ tally: inout Tally
  ) {
    for lane in 0..<block.count {
      let own = energy[lane] + repulsionEnergy[lane]
      tally.energy += own
      if want.contains(.atomEnergy) { atoms.energies?[Int(block.centers[lane])] += own }
    }
  }

  // MARK: One block

  /// Half of the repulsion of each atom's close pairs, eV; and whether there are any.
  private var repulsionEnergy = AtomLanes.zero
  private var isRepelled = false

  /// Neighbours into slots, functions of each slot, and with `sums` what they add up to.
  private func load(
    _ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView, sums: UnsafeMutablePointer<AtomLanes>? = nil
  ) {
    slots.fill(block, atoms, list, elementOfSpecies.pointer)
    heads.reserve((slots.count + 1) * NEPKernels.headLanes)
    records.reserve((slots.innerCount + 1) * recordStride)
    gradients.reserve(3 * slots.count + 3)
    switch width {
    case 4: functions(Size<4>.self, block, sums)
    case 5: functions(Size<5>.self, block, sums)
    case 6: functions(Size<6>.self, block, sums)
    case 7: functions(Size<7>.self, block, sums)
    case 8: functions(Size<8>.self, block, sums)
    case 9: functions(Size<9>.self, block, sums)
    case 11: functions(Size<11>.self, block, sums)
    case 13: functions(Size<13>.self, block, sums)
    default: functions(Size<31>.self, block, sums)
    }
    repel(block)
  }

  /// The same, and from the sums to descriptors.
  private func describe(
    _ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView, _ row: UnsafeMutablePointer<AtomLanes>
  ) {
    for k in 0..<sumCount { row[k] = .zero }
    load(block, atoms, list, sums: row)
    let descriptors = row + sumCount
    for n in 0..<file.radialCount { descriptors[n] = .zero }
    for neighbor in 0..<file.elements.count { sumRadial(block.element, neighbor, descriptors) }
    invariants.evaluate(row, width: width, descriptors + file.radialCount)
  }

  private func functions<let N: Int>(
    _ size: Size<N>.Type, _ block: AtomBlocks.Block, _ sums: UnsafeMutablePointer<AtomLanes>?
  ) {
    let slots = UnsafePointer(self.slots.slots.pointer)
    let (heads, records) = (heads.pointer, records.pointer)
    let constants = UnsafePointer(envelope.pointer)
    let factors = UnsafePointer(harmonicFactors.pointer)
    let (stride, degree, basis, harmonics) = (recordStride, file.degree, file.angularBasis, harmonics)
    let count = file.elements.count
    for neighbor in 0..<count {
      let pair = block.element * count + neighbor
      let (inverseRadial, inverseAngular) = (inverseRadial[pair], inverseAngular[pair])
      let polynomials = UnsafePointer(angularPolynomials.pointer) + pair * N * basis
      let range = self.slots.range(neighbor)
      var first = range.lowerBound
      while first < range.upperBound {
        let end = min(first + NEPKernels.chunk, range.upperBound)
        for k in first..<end {
          let head = heads + k * NEPKernels.headLanes
          let record = records + k * stride
          let r = NEPKernels.head(slots[k], inverseCutoff: inverseRadial, constants, head)
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
      for k in self.slots.outerRange(neighbor) {
        _ = NEPKernels.head(slots[k], inverseCutoff: inverseRadial, constants, heads + k * NEPKernels.headLanes)
      }
    }
  }

  /// Adds what the neighbours of an element give to the radial descriptors.
  private func sumRadial(_ element: Int, _ neighbor: Int, _ descriptors: UnsafeMutablePointer<AtomLanes>) {
    let basis = file.radialBasis
    let sums = chebyshev.pointer
    for k in 0..<31 { sums[k] = .zero }
    let heads = UnsafePointer(heads.pointer)
    for range in [slots.range(neighbor), slots.outerRange(neighbor)] {
      switch basis {
      case ...5: NEPKernels.radialSums(Size<5>.self, heads, range, sums)
      case ...7: NEPKernels.radialSums(Size<7>.self, heads, range, sums)
      case ...9: NEPKernels.radialSums(Size<9>.self, heads, range, sums)
      case ...13: NEPKernels.radialSums(Size<13>.self, heads, range, sums)
      default: NEPKernels.radialSums(Size<31>.self, heads, range, sums)
      }
    }
    var c = UnsafePointer(radialSums.pointer) + (element * file.elements.count + neighbor) * file.radialCount * basis
    for n in 0..<file.radialCount {
      var q = descriptors[n]
      for k in 0..<basis { q.addProduct(sums[k], AtomLanes(repeating: c[k])) }
      descriptors[n] = q
      c += basis
    }
  }

  /// From the slopes of the descriptors to the gradients ∂U/∂(r_j − r_i), slot by slot.
  private func pullBack(
    _ block: AtomBlocks.Block, _ row: UnsafePointer<AtomLanes>, _ slopes: UnsafePointer<AtomLanes>
  ) {
    invariants.pullBack(
      slopes + file.radialCount, sums: row, values: row + (sumCount + file.radialCount), width: width,
      adjoint.pointer)
    switch width {
    case 4: angularGradients(Size<4>.self)
    case 5: angularGradients(Size<5>.self)
    case 6: angularGradients(Size<6>.self)
    case 7: angularGradients(Size<7>.self)
    case 8: angularGradients(Size<8>.self)
    case 9: angularGradients(Size<9>.self)
    case 11: angularGradients(Size<11>.self)
    case 13: angularGradients(Size<13>.self)
    default: angularGradients(Size<31>.self)
    }
    for neighbor in 0..<file.elements.count { radialGradients(block.element, neighbor, slopes) }
  }

  private func angularGradients<let N: Int>(_ size: Size<N>.Type) {
    let (heads, records) = (UnsafePointer(heads.pointer), UnsafePointer(records.pointer))
    let (gradients, h) = (gradients.pointer, weights.pointer)
    let adjoint = UnsafePointer(adjoint.pointer)
    let (stride, degree, harmonics) = (recordStride, file.degree, harmonics)
    for k in 0..<slots.innerCount {
      let head = heads + k * NEPKernels.headLanes
      let record = records + k * stride
      let slope = NEPKernels.pullBack(size, record, adjoint, harmonics: harmonics, h)
      let g =
        degree == 4
        ? UnitHarmonics.gradient(h, record + 2 * N, 4) : UnitHarmonics.gradient(h, record + 2 * N, degree)
      let (nx, ny, nz, inverse) = (head[0], head[1], head[2], head[3])
      let along = (g.x * nx).addingProduct(g.y, ny).addingProduct(g.z, nz)
      let radial = slope.subtractingProduct(along, inverse)
      gradients[3 * k] = (radial * nx).addingProduct(g.x, inverse)
      gradients[3 * k + 1] = (radial * ny).addingProduct(g.y, inverse)
      gradients[3 * k + 2] = (radial * nz).addingProduct(g.z, inverse)
    }
  }

  /// Adds the radial descriptors' part; where there are no angular functions it is all.
  private func radialGradients(_ element: Int, _ neighbor: Int, _ slopes: UnsafePointer<AtomLanes>) {
    let basis = file.radialBasis
    let p = polynomial.pointer
    for k in 0..<basis { p[k] = .zero }
    var c = UnsafePointer(radialPowers.pointer) + (element * file.elements.count + neighbor) * file.radialCount * basis
    for n in 0..<file.radialCount {
      let slope = slopes[n]
      for k in 0..<basis { p[k].addProduct(slope, AtomLanes(repeating: c[k])) }
      c += basis
    }
    let heads = UnsafePointer(heads.pointer)
    let gradients = gradients.pointer
    @inline(__always)
    func apply(_ k: Int, _ slope: AtomLanes, _ isInner: Bool) {
      let (head, g) = (heads + k * NEPKernels.headLanes, gradients + 3 * k)
      for axis in 0..<3 { g[axis] = isInner ? g[axis].addingProduct(slope, head[axis]) : slope * head[axis] }
    }
    for isInner in [true, false] {
      let range = isInner ? slots.range(neighbor) : slots.outerRange(neighbor)
      var k = range.lowerBound
      while k + 4 <= range.upperBound {
        let four = NEPKernels.radialSlopes(heads + k * NEPKernels.headLanes, p, basis: basis)
        for m in 0..<4 { apply(k + m, four[m], isInner) }
        k += 4
      }
      while k < range.upperBound {
        apply(k, NEPKernels.radialSlope(heads + k * NEPKernels.headLanes, p, basis: basis), isInner)
        k += 1
      }
    }
  }

  private func addForces(_ block: AtomBlocks.Block, _ atoms: AtomView, _ want: Want, _ tally: inout Tally) {
    var forces = SlotForces(block, atoms, want)
    let slots = UnsafePointer(slots.slots.pointer)
    let gradients = gradients.pointer
    if isRepelled {
      let heads = heads.pointer
      for k in 0..<self.slots.innerCount {
        let (head, slope) = (heads + k * NEPKernels.headLanes, repulsionSlopes.pointer[k])
        for axis in 0..<3 { gradients[3 * k + axis].addProduct(slope, head[axis]) }
      }
    }
    for k in 0..<self.slots.count {
      forces.add(slots[k], gradients[3 * k], gradients[3 * k + 1], gradients[3 * k + 2])
    }
    forces.finish(&tally)
  }

  /// Half of the repulsion of each close pair goes to the centre, and the slopes of that half are kept. As GPUMD does,
  /// only among the angular neighbours.
  private func repel(_ block: AtomBlocks.Block) {
    repulsionEnergy = .zero
    isRepelled = false
    guard let repulsion else { return }
    let heads = UnsafePointer(heads.pointer)
    let limit = AtomLanes(repeating: repulsion.farthest)
    var nearest = AtomLanes.zero
    for k in 0..<slots.innerCount {
      let inverse = heads[k * NEPKernels.headLanes + 3]
      nearest = nearest.replacing(with: inverse, where: inverse .> nearest)
    }
    guard any(nearest .> limit) else { return }
    isRepelled = true
    repulsionSlopes.reserve(slots.innerCount)
    for neighbor in 0..<file.elements.count {
      for k in slots.range(neighbor) {
        var slopes = AtomLanes.zero
        let inverse = heads[k * NEPKernels.headLanes + 3]
        for lane in 0..<block.count where inverse[lane] > repulsion.farthest {
          let (energy, slope) = repulsion.evaluate(block.element, neighbor, 1 / inverse[lane])
          repulsionEnergy[lane] += 0.5 * energy
          slopes[lane] = 0.5 * slope
        }
        repulsionSlopes.pointer[k] = slopes
      }
    }
  }
}

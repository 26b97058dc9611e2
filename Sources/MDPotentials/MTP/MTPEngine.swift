import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// Runs the kernels over all local atoms, block by block.
package final class MTPEngine {
  let file: MTPFile
  let plan: MTPPlan
  private let radial: MTPKernels.Radial
  /// Of each pair (centre, neighbour): see `MTPKernels.radial`.
  private let coefficients: AlignedBuffer<Double>
  private let monomialPlan: AlignedBuffer<MTPPlan.Monomial>
  private let sumPlaces: AlignedBuffer<Int32>
  private let rowCounts: AlignedBuffer<Int32>
  private let rows: AlignedBuffer<MTPPlan.Row>
  private let traces: AlignedBuffer<MTPPlan.Trace>
  private let products: MTPProductKernel
  private let blocks: AtomBlocks
  /// A group for each element. Where there is no neighbour the distance is the cutoff, where everything is zero.
  private let slots: NeighborSlots

  private let records = AlignedBuffer<AtomLanes>()
  /// Slopes of the repulsion of each slot, eV/Å.
  private let repulsion = AlignedBuffer<AtomLanes>()
  private let monomials: AlignedBuffer<AtomLanes>
  private let moments: AlignedBuffer<AtomLanes>
  private let adjoint: AlignedBuffer<AtomLanes>
  /// Where the file has an active set.
  let grades: MTPGrades?

  package init(_ file: MTPFile) throws {
    self.file = file
    plan = try MTPPlan(file)
    let span = file.cutoff - file.minimumDistance
    radial = MTPKernels.Radial(
      slope: 2 / span, offset: -(file.minimumDistance + file.cutoff) / span, cutoff: file.cutoff,
      floor: file.isRepulsive ? file.minimumDistance : -1, basisSize: file.basisSize)
    let (s, k, r) = (file.speciesCount, file.radialCount, file.basisSize)
    var all: [Double] = []
    for pair in 0..<(s * s) {
      for beta in 0..<r {
        let c = plan.radialOrder.map { file.scaling * file.radialCoefficients[(pair * k + $0) * r + beta] }
        all += c + c.map { $0 * Double(beta) * 2 / span }
      }
    }
    coefficients = AlignedBuffer(all)
    monomialPlan = AlignedBuffer(plan.monomials)
    sumPlaces = AlignedBuffer(plan.sums)
    rowCounts = AlignedBuffer(plan.rowCounts)
    rows = AlignedBuffer(plan.rows)
    traces = AlignedBuffer(plan.traces)
    products = MTPProductKernel(plan.moments)
    blocks = AtomBlocks(elementCount: s)
    slots = NeighborSlots(
      cutoffs: Array(repeating: Array(repeating: file.cutoff, count: s), count: s), groupOfElement: Array(0..<s),
      padding: Vector3(file.cutoff, 0, 0))
    monomials = AlignedBuffer(capacity: plan.monomials.count * MTPKernels.chunk)
    moments = AlignedBuffer(capacity: plan.moments.count)
    adjoint = AlignedBuffer(capacity: plan.moments.count)
    grades = file.activeSet.map { [plan] in MTPGrades(file, plan, $0) }
  }

  /// The largest grade of an atom of this rank when it was last asked for.
  private(set) var largestGrade = 0.0

  /// Adds forces and what `want` asks for; with `.assessment` and an active set it also writes grades of atoms.
  package func compute(
    _ atoms: AtomView, _ list: NeighborView, elementOfSpecies: UnsafePointer<Int32>, want: Want,
    grades column: UnsafeMutablePointer<Double>? = nil
  ) -> Tally {
    var tally = Tally.zero
    let assesses = want.contains(.assessment) && grades != nil
    if assesses {
      largestGrade = 0
      grades?.begin()
    }
    blocks.sort(atoms, list, elementOfSpecies)
    blocks.forEach { block in
      slots.fill(block, atoms, list, elementOfSpecies)
      tabulate(block.element)
      sumMoments()
      var energies = products.evaluate(moments.pointer, adjoint.pointer)
      backThroughTraces()
      energies += file.speciesCoefficients[block.element]
      if file.isRepulsive { energies += repel() }
      for lane in 0..<block.count {
        tally.energy += energies[lane]
        if want.contains(.atomEnergy) { atoms.energies?[Int(block.centers[lane])] += energies[lane] }
      }
      forces(block, atoms, want, &tally)
      if assesses { assess(block, column) }
    }
    return tally
  }

  private func assess(_ block: AtomBlocks.Block, _ column: UnsafeMutablePointer<Double>?) {
    guard let grades, let set = file.activeSet else { return }
    grades.derivatives(
      slots, records: UnsafePointer(records.pointer), stride: recordStride, radial: radial,
      moments: UnsafePointer(moments.pointer), adjoint: UnsafePointer(adjoint.pointer))
    guard set.kind == .neighborhood else { return grades.addToTotal(element: block.element, lanes: block.count) }
    let values = grades.grades(element: block.element)
    for lane in 0..<block.count {
      column?[Int(block.centers[lane])] = values[lane]
      // A grade that is not a number must show.
      if !(values[lane] <= largestGrade) { largestGrade = values[lane].isNaN ? .infinity : values[lane] }
    }
  }

  /// RBChebyshev_repuls: each neighbour nearer than the minimum distance adds 10⁴ (e^(−10 (r − 1)) − e^(−10 (r_min − 1)))
  /// eV. Keeps the slopes for the forces.
  private func repel() -> AtomLanes {
    repulsion.reserve(slots.count)
    var energy = AtomLanes.zero
    let least = file.minimumDistance
    for k in 0..<slots.count {
      let slot = slots.slots.pointer[k]
      var slope = AtomLanes.zero
      for lane in 0..<AtomLanes.scalarCount where slot.index[lane] >= 0 {
        let r = Vector3(slot.x[lane], slot.y[lane], slot.z[lane]).length
        guard r < least else { continue }
        energy[lane] += 1e4 * (exp(-10 * (r - 1)) - exp(-10 * (least - 1)))
        slope[lane] = -1e5 * exp(-10 * (r - 1))
      }
      repulsion.pointer[k] = slope
    }
    return energy
  }

  private var recordStride: Int { MTPKernels.headLanes + 2 * plan.radialCount }

  private func tabulate(_ element: Int) {
    switch plan.radialCount {
    case 1: tabulate(Size<1>.self, element)
    case 2: tabulate(Size<2>.self, element)
    case 3: tabulate(Size<3>.self, element)
    case 4: tabulate(Size<4>.self, element)
    case 5: tabulate(Size<5>.self, element)
    case 6: tabulate(Size<6>.self, element)
    case 7: tabulate(Size<7>.self, element)
    default: tabulate(Size<8>.self, element)
    }
  }

  private func tabulate<let N: Int>(_ size: Size<N>.Type, _ element: Int) {
    let stride = recordStride
    let count = slots.count
    // One more: forces take slots by twos.
    records.reserve((count + 1) * stride)
    let records = records.pointer
    let neighbors = UnsafePointer(slots.slots.pointer)
    let radial = radial
    let width = 2 * N * file.basisSize
    for neighbor in 0..<file.speciesCount {
      let c = UnsafePointer(coefficients.pointer) + (element * file.speciesCount + neighbor) * width
      for k in slots.range(neighbor) {
        MTPKernels.radial(
          size, neighbors[k].x, neighbors[k].y, neighbors[k].z, radial, c, stride: N, records + k * stride)
      }
    }
    for m in 0..<stride { records[count * stride + m] = .zero }
  }

  private func sumMoments() {
    let stride = recordStride
    let sums = moments.pointer
    for m in 0..<plan.sumCount { sums[m] = .zero }
    let monomials = monomials.pointer
    let places = UnsafePointer(sumPlaces.pointer)
    let monomialPlan = UnsafePointer(monomialPlan.pointer)
    let monomialCount = plan.monomials.count
    let radialCount = plan.radialCount
    let total = slots.count
    var start = 0
    while start < total {
      let count = min(MTPKernels.chunk, total - start)
      let records = UnsafePointer(records.pointer) + start * stride
      MTPKernels.monomials(records, stride: stride, count: count, monomialPlan, monomialCount, monomials)
      for group in plan.groups {
        @inline(__always)
        func sum<let N: Int>(_ size: Size<N>.Type) {
          MTPKernels.accumulate(
            size, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
        }
        switch group.radialCount {
        case 1: sum(Size<1>.self)
        case 2: sum(Size<2>.self)
        case 3: sum(Size<3>.self)
        case 4: sum(Size<4>.self)
        case 5: sum(Size<5>.self)
        case 6: sum(Size<6>.self)
        case 7: sum(Size<7>.self)
        default: sum(Size<8>.self)
        }
      }
      start += count
    }
    let traces = UnsafePointer(traces.pointer)
    for k in 0..<plan.traces.count {
      let t = traces[k]
      sums[Int(t.target)] = sums[Int(t.a)] - sums[Int(t.b)] - sums[Int(t.c)]
    }
  }

  private func backThroughTraces() {
    let d = adjoint.pointer
    let traces = UnsafePointer(traces.pointer)
    for k in stride(from: plan.traces.count - 1, through: 0, by: -1) {
      let t = traces[k]
      let value = d[Int(t.target)]
      d[Int(t.a)] += value
      d[Int(t.b)] -= value
      d[Int(t.c)] -= value
    }
  }

  private func forces(_ block: AtomBlocks.Block, _ atoms: AtomView, _ want: Want, _ tally: inout Tally) {
    let stride = recordStride
    let records = UnsafePointer(records.pointer)
    let adjoint = UnsafePointer(adjoint.pointer)
    let rowCounts = UnsafePointer(rowCounts.pointer)
    let rows = UnsafePointer(rows.pointer)
    let (rank, radialCount) = (plan.rank, plan.radialCount)
    let neighbors = UnsafePointer(slots.slots.pointer)
    let count = slots.count
    let repulsion = file.isRepulsive ? UnsafePointer(repulsion.pointer) : nil
    var results = SlotForces(block, atoms, want)

    @inline(__always)
    func apply(_ k: Int, _ g: MTPKernels.Gradient) {
      let record = records + k * stride
      let (nx, ny, nz) = (record[0], record[1], record[2])
      let along = (g.x * nx).addingProduct(g.y, ny).addingProduct(g.z, nz)
      // ∂V/∂d = Σ f' P n + (g − (g·n) n)/r.
      var radial = g.slope - along * record[3]
      if let repulsion { radial += repulsion[k] }
      results.add(
        neighbors[k], (radial * nx).addingProduct(g.x, record[3]), (radial * ny).addingProduct(g.y, record[3]),
        (radial * nz).addingProduct(g.z, record[3]))
    }
    for k in Swift.stride(from: 0, to: count, by: 2) {
      let (a, b) = MTPKernels.gradients(
        adjoint, rowCounts, rows, rank: rank, records + k * stride, records + (k + 1) * stride, radialCount)
      apply(k, a)
      if k + 1 < count { apply(k + 1, b) }
    }
    results.finish(&tally)
  }
}

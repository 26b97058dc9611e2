import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// Runs the kernels over all local atoms, eight of one element at a time.
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
  private let stage: MTPStage

  private let order = AlignedBuffer<Int32>()
  private let records = AlignedBuffer<WideLanes>()
  /// Slopes of the repulsion of each slot, eV/Å.
  private let repulsion = AlignedBuffer<WideLanes>()
  private let monomials: AlignedBuffer<WideLanes>
  private let moments: AlignedBuffer<WideLanes>
  private let adjoint: AlignedBuffer<WideLanes>
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
    stage = MTPStage(speciesCount: s, cutoff: file.cutoff)
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
    let starts = sortByElement(atoms, list, elementOfSpecies)
    for element in 0..<file.speciesCount {
      for first in stride(from: starts[element], to: starts[element + 1], by: 8) {
        let lanes = min(8, starts[element + 1] - first)
        let centres = UnsafePointer(order.pointer) + first
        stage.fill(atoms, list, centres, lanes, elementOfSpecies)
        tabulate(element)
        sumMoments()
        var energies = products.evaluate(moments.pointer, adjoint.pointer)
        backThroughTraces()
        energies += file.speciesCoefficients[element]
        if file.isRepulsive { energies += repel() }
        for lane in 0..<lanes {
          tally.energy += energies[lane]
          if want.contains(.atomEnergy) { atoms.energies?[Int(centres[lane])] += energies[lane] }
        }
        forces(atoms, centres, lanes, want, &tally)
        if assesses { assess(element, centres, lanes, column) }
      }
    }
    return tally
  }

  private func assess(
    _ element: Int, _ centres: UnsafePointer<Int32>, _ lanes: Int, _ column: UnsafeMutablePointer<Double>?
  ) {
    guard let grades, let set = file.activeSet else { return }
    grades.derivatives(
      stage, records: UnsafePointer(records.pointer), stride: recordStride, radial: radial,
      moments: UnsafePointer(moments.pointer), adjoint: UnsafePointer(adjoint.pointer))
    guard set.kind == .neighborhood else { return grades.addToTotal(element: element, lanes: lanes) }
    let values = grades.grades(element: element)
    for lane in 0..<lanes {
      column?[Int(centres[lane])] = values[lane]
      // A grade that is not a number must show.
      if !(values[lane] <= largestGrade) { largestGrade = values[lane].isNaN ? .infinity : values[lane] }
    }
  }

  /// RBChebyshev_repuls: each neighbour nearer than the minimum distance adds 10⁴ (e^(−10 (r − 1)) − e^(−10 (r_min − 1)))
  /// eV. Keeps the slopes for the forces.
  private func repel() -> WideLanes {
    repulsion.reserve(stage.count)
    var energy = WideLanes.zero
    let least = file.minimumDistance
    for k in 0..<stage.count {
      let slot = stage.slots.pointer[k]
      var slope = WideLanes.zero
      for lane in 0..<8 where slot.index[lane] >= 0 {
        let r = Vector3(slot.x[lane], slot.y[lane], slot.z[lane]).length
        guard r < least else { continue }
        energy[lane] += 1e4 * (exp(-10 * (r - 1)) - exp(-10 * (least - 1)))
        slope[lane] = -1e5 * exp(-10 * (r - 1))
      }
      repulsion.pointer[k] = slope
    }
    return energy
  }

  private func sortByElement(
    _ atoms: AtomView, _ list: NeighborView, _ elementOfSpecies: UnsafePointer<Int32>
  ) -> [Int] {
    order.reserve(list.rowCount + 8)
    let order = order.pointer
    var starts = [Int](repeating: 0, count: file.speciesCount + 1)
    for i in 0..<list.rowCount { starts[Int(elementOfSpecies[Int(atoms.species[i])]) + 1] += 1 }
    for e in 0..<file.speciesCount { starts[e + 1] += starts[e] }
    var next = starts
    for k in 0..<list.rowCount {
      let i = list.laneOrder[k]
      let e = Int(elementOfSpecies[Int(atoms.species[Int(i)])])
      order[next[e]] = i
      next[e] += 1
    }
    return starts
  }

  private var recordStride: Int { MTPKernels.headLanes + 2 * plan.radialCount }

  private func tabulate(_ element: Int) {
    switch plan.radialCount {
    case 1: tabulate(MTPKernels.Size<1>.self, element)
    case 2: tabulate(MTPKernels.Size<2>.self, element)
    case 3: tabulate(MTPKernels.Size<3>.self, element)
    case 4: tabulate(MTPKernels.Size<4>.self, element)
    case 5: tabulate(MTPKernels.Size<5>.self, element)
    case 6: tabulate(MTPKernels.Size<6>.self, element)
    case 7: tabulate(MTPKernels.Size<7>.self, element)
    default: tabulate(MTPKernels.Size<8>.self, element)
    }
  }

  private func tabulate<let N: Int>(_ size: MTPKernels.Size<N>.Type, _ element: Int) {
    let stride = recordStride
    let count = stage.count
    // One more: forces take slots by twos.
    records.reserve((count + 1) * stride)
    let records = records.pointer
    let slots = UnsafePointer(stage.slots.pointer)
    let radial = radial
    let width = 2 * N * file.basisSize
    for neighbor in 0..<file.speciesCount {
      let c = UnsafePointer(coefficients.pointer) + (element * file.speciesCount + neighbor) * width
      for k in stage.range(neighbor) {
        MTPKernels.radial(
          size, slots[k].x, slots[k].y, slots[k].z, radial, c, stride: N, records + k * stride)
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
    let total = stage.count
    var start = 0
    while start < total {
      let count = min(MTPKernels.chunk, total - start)
      let records = UnsafePointer(records.pointer) + start * stride
      MTPKernels.monomials(records, stride: stride, count: count, monomialPlan, monomialCount, monomials)
      for group in plan.groups {
        switch group.radialCount {
        case 1: MTPKernels.accumulate(MTPKernels.Size<1>.self, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
        case 2: MTPKernels.accumulate(MTPKernels.Size<2>.self, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
        case 3: MTPKernels.accumulate(MTPKernels.Size<3>.self, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
        case 4: MTPKernels.accumulate(MTPKernels.Size<4>.self, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
        case 5: MTPKernels.accumulate(MTPKernels.Size<5>.self, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
        case 6: MTPKernels.accumulate(MTPKernels.Size<6>.self, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
        case 7: MTPKernels.accumulate(MTPKernels.Size<7>.self, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
        default: MTPKernels.accumulate(MTPKernels.Size<8>.self, records, stride: stride, count: count, group.range, monomials, places, radialCount, sums)
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

  private func forces(
    _ atoms: AtomView, _ centres: UnsafePointer<Int32>, _ lanes: Int, _ want: Want, _ tally: inout Tally
  ) {
    let stride = recordStride
    let records = UnsafePointer(records.pointer)
    let adjoint = UnsafePointer(adjoint.pointer)
    let rowCounts = UnsafePointer(rowCounts.pointer)
    let rows = UnsafePointer(rows.pointer)
    let (rank, radialCount) = (plan.rank, plan.radialCount)
    let slots = UnsafePointer(stage.slots.pointer)
    let forces = UnsafeMutableRawPointer(atoms.forces)
    let perAtom = want.contains(.atomVirial) ? atoms.virials : nil
    let wantsVirial = want.contains(.virial) || perAtom != nil
    var own = (WideLanes.zero, WideLanes.zero, WideLanes.zero)
    var virial = WideVirial()
    let count = stage.count
    let repulsion = file.isRepulsive ? UnsafePointer(repulsion.pointer) : nil

    @inline(__always)
    func apply(_ k: Int, _ g: MTPKernels.Gradient) {
      let record = records + k * stride
      let (nx, ny, nz) = (record[0], record[1], record[2])
      let along = (g.x * nx).addingProduct(g.y, ny).addingProduct(g.z, nz)
      // ∂V/∂d = Σ f' P n + (g − (g·n) n)/r.
      var radial = g.slope - along * record[3]
      if let repulsion { radial += repulsion[k] }
      let fx = (radial * nx).addingProduct(g.x, record[3])
      let fy = (radial * ny).addingProduct(g.y, record[3])
      let fz = (radial * nz).addingProduct(g.z, record[3])
      own.0 += fx
      own.1 += fy
      own.2 += fz
      let index = slots[k].index
      for lane in 0..<8 where index[lane] >= 0 {
        let place = forces + 32 * Int(index[lane])
        let old = place.load(as: SIMD4<Double>.self)
        place.storeBytes(of: old - SIMD4(fx[lane], fy[lane], fz[lane], 0), as: SIMD4<Double>.self)
      }
      guard wantsVirial else { return }
      virial.add(slots[k].x, slots[k].y, slots[k].z, fx, fy, fz)
      guard let perAtom else { return }
      for lane in 0..<8 where index[lane] >= 0 {
        let r = Vector3(slots[k].x[lane], slots[k].y[lane], slots[k].z[lane])
        let half = -0.5 * Matrix3.outer(r, Vector3(fx[lane], fy[lane], fz[lane]))
        for row in 0..<3 {
          for column in 0..<3 {
            perAtom[9 * Int(index[lane]) + 3 * row + column] += half[row][column]
            perAtom[9 * Int(centres[lane]) + 3 * row + column] += half[row][column]
          }
        }
      }
    }
    var k = 0
    while k < count {
      let (a, b) = MTPKernels.gradients(
        adjoint, rowCounts, rows, rank: rank, records + k * stride, records + (k + 1) * stride, radialCount)
      apply(k, a)
      if k + 1 < count { apply(k + 1, b) }
      k += 2
    }
    for lane in 0..<lanes {
      atoms.forces[Int(centres[lane])] += Vector3(own.0[lane], own.1[lane], own.2[lane])
    }
    if wantsVirial { tally.virial += virial.sum }
  }
}

/// −Σ r ⊗ ∂V/∂r, lane by lane.
private struct WideVirial {
  var xx = WideLanes.zero, xy = WideLanes.zero, xz = WideLanes.zero
  var yx = WideLanes.zero, yy = WideLanes.zero, yz = WideLanes.zero
  var zx = WideLanes.zero, zy = WideLanes.zero, zz = WideLanes.zero

  @inline(__always)
  mutating func add(
    _ x: WideLanes, _ y: WideLanes, _ z: WideLanes, _ fx: WideLanes, _ fy: WideLanes, _ fz: WideLanes
  ) {
    xx.addProduct(x, fx)
    xy.addProduct(x, fy)
    xz.addProduct(x, fz)
    yx.addProduct(y, fx)
    yy.addProduct(y, fy)
    yz.addProduct(y, fz)
    zx.addProduct(z, fx)
    zy.addProduct(z, fy)
    zz.addProduct(z, fz)
  }

  var sum: Matrix3 {
    -1 * Matrix3(
      Vector3(xx.sum(), xy.sum(), xz.sum()), Vector3(yx.sum(), yy.sum(), yz.sum()),
      Vector3(zx.sum(), zy.sum(), zz.sum()))
  }
}

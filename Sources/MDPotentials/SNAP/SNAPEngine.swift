import MDCore
import MDNumerics
import MDPotentialFiles

/// Runs the kernels over all local atoms, block by block.
final class SNAPEngine {
  private let model: SNAPModel
  private let indexing: SNAPIndexing
  private let energy: SNAPEnergy
  private let toWigner: SNAPAtomKernels.SparseMatrix
  private let fromWigner: SNAPAtomKernels.SparseMatrix
  private let stage: SNAPStage
  private let radialFactors: AlignedBuffer<Double>
  private let solidFactors: AlignedBuffer<Double>

  private let blocks: AtomBlocks
  private let records = AlignedBuffer<AtomLanes>()
  private let geometry = AlignedBuffer<SNAPPairKernels.Geometry>()
  private let sums: AlignedBuffer<AtomLanes>
  private let orderSums: AlignedBuffer<AtomLanes>
  private let u: AlignedBuffer<AtomLanes>
  private let y: AlignedBuffer<AtomLanes>

  init(_ model: SNAPModel) throws {
    self.model = model
    indexing = SNAPIndexing(twojmax: model.twojmax)
    energy = try SNAPEnergy(model, indexing)
    let map = SNAPHarmonicMap(indexing)
    toWigner = SNAPAtomKernels.SparseMatrix(map.rows)
    fromWigner = SNAPAtomKernels.SparseMatrix(transposeOf: map.rows, count: indexing.sumCount)
    stage = SNAPStage(model)
    blocks = AtomBlocks(elementCount: model.elements.count)
    radialFactors = AlignedBuffer(SNAPPairKernels.radialFactors(model.twojmax))
    solidFactors = AlignedBuffer(SolidHarmonics.factors(model.twojmax))
    let channels = model.channelCount
    sums = AlignedBuffer(capacity: channels * indexing.sumCount)
    orderSums = AlignedBuffer(capacity: 4 * indexing.harmonicCount)
    u = AlignedBuffer(capacity: 2 * channels * indexing.uCount)
    y = AlignedBuffer(capacity: 2 * channels * indexing.uCount)
  }

  func compute(
    _ atoms: AtomView, _ list: NeighborView, elementOfSpecies: UnsafePointer<Int32>, want: Want
  ) -> Tally {
    var tally = Tally.zero
    blocks.sort(atoms, list, elementOfSpecies)
    blocks.forEach { block in
      stage.fill(block, atoms, list, elementOfSpecies)
      tabulate()
      let energies = densities(element: block.element)
      for lane in 0..<block.count {
        tally.energy += energies[lane]
        if want.contains(.atomEnergy) { atoms.energies?[Int(block.centers[lane])] += energies[lane] }
      }
      forces(block, atoms, want, &tally)
    }
    return tally
  }

  private var radialCount: Int { indexing.radialCount }
  private var recordStride: Int { indexing.radialCount + indexing.harmonicCount }

  /// Geometry and record of every slot.
  private func tabulate() {
    let count = stage.slots.count
    let stride = recordStride
    let radialCount = radialCount
    let twojmax = model.twojmax
    records.reserve(count * stride)
    geometry.reserve(count)
    let records = records.pointer
    let geometry = geometry.pointer
    let slots = UnsafePointer(stage.slots.slots.pointer)
    let parameters = UnsafePointer(stage.parameters.pointer)
    let radialFactors = UnsafePointer(radialFactors.pointer)
    let solidFactors = UnsafePointer(solidFactors.pointer)
    let mapping = SNAPStage.AngleMap(model)
    for k in 0..<count {
      let n = slots[k]
      let (g, weight) = mapping.geometry(n, parameters[k])
      geometry[k] = g
      let record = records + k * stride
      SNAPPairKernels.radial(g.cosine, twojmax, radialFactors, record)
      SolidHarmonics.evaluate(
        n.x * g.ratio, n.y * g.ratio, n.z * g.ratio, g.sine * g.sine, weight, twojmax, solidFactors,
        record + radialCount)
    }
  }

  /// From the records to energies; leaves the derivatives with respect to the sums in `sums`.
  private func densities(element: Int) -> AtomLanes {
    let sums = sums.pointer
    let u = u.pointer
    let y = y.pointer
    for channel in 0..<model.channelCount {
      let range = stage.slots.range(channel)
      let part = sums + channel * indexing.sumCount
      SNAPPairKernels.accumulate(
        records.pointer + range.lowerBound * recordStride, count: range.count, stride: recordStride,
        twojmax: model.twojmax, radialCount: radialCount, into: part)
      let matrices = u + 2 * channel * indexing.uCount
      SNAPAtomKernels.multiply(toWigner, part, matrices)
      // The central atom contributes the identity, U = 1: a rotation by no angle.
      if model.channelCount == 1 || model.selfInAll || channel == element {
        for j in 0...model.twojmax {
          for m in 0...j { matrices[2 * indexing.u(j, m, m)] += 1 }
        }
      }
      SNAPAtomKernels.mirror(matrices, twojmax: model.twojmax)
    }
    let energies = energy.evaluate(element: element, u: u, y: y)
    for channel in 0..<model.channelCount {
      SNAPAtomKernels.multiply(
        fromWigner, y + 2 * channel * indexing.uCount, sums + channel * indexing.sumCount)
    }
    return energies
  }

  private func forces(_ block: AtomBlocks.Block, _ atoms: AtomView, _ want: Want, _ tally: inout Tally) {
    let stride = recordStride
    let radialCount = radialCount
    let twojmax = model.twojmax
    let records = UnsafePointer(records.pointer)
    let geometry = UnsafePointer(geometry.pointer)
    let slots = UnsafePointer(stage.slots.slots.pointer)
    let orderSums = orderSums.pointer
    var results = SlotForces(block, atoms, want)
    for channel in 0..<model.channelCount {
      let adjoint = UnsafePointer(sums.pointer) + channel * indexing.sumCount
      let range = stage.slots.range(channel)
      for k in range {
        // Two neighbours at once; the last may stand alone.
        let step = k - range.lowerBound
        if step & 1 == 0 {
          let first = records + k * stride
          SNAPGradient.sumOverOrders(
            adjoint, first, k + 1 < range.upperBound ? first + stride : first, twojmax, into: orderSums)
        }
        let d = SNAPGradient(orderSums + 2 * (step & 1), records + (k * stride + radialCount), twojmax)
        let g = geometry[k]
        let radial = d.x * g.nx + d.y * g.ny + d.z * g.nz
        // dE/dr along r, then the components at right angles to r.
        let along = g.logarithmicSlope * d.value + g.slope * (g.cosine * radial - g.sine * d.w) - g.ratio * radial
        let fx = along * g.nx + g.ratio * d.x
        let fy = along * g.ny + g.ratio * d.y
        let fz = along * g.nz + g.ratio * d.z
        results.add(slots[k], fx, fy, fz)
      }
    }
    results.finish(&tally)
  }
}

import MDCore
import MDNumerics
import MDPotentialFiles

/// Runs the kernels over all local atoms, four of one element at a time.
final class SNAPEngine {
  private let model: SNAPModel
  private let indexing: SNAPIndexing
  private let energy: SNAPEnergy
  private let toWigner: SNAPAtomKernels.SparseMatrix
  private let fromWigner: SNAPAtomKernels.SparseMatrix
  private let stage: SNAPStage
  private let radialFactors: AlignedBuffer<Double>
  private let solidFactors: AlignedBuffer<Double>

  /// Atoms by element, in the order of the list's lanes.
  private let order = AlignedBuffer<Int32>()
  private let records = AlignedBuffer<Lanes>()
  private let geometry = AlignedBuffer<SNAPPairKernels.Geometry>()
  private let sums: AlignedBuffer<Lanes>
  private let orderSums: AlignedBuffer<Lanes>
  private let u: AlignedBuffer<Lanes>
  private let y: AlignedBuffer<Lanes>

  init(_ model: SNAPModel) throws {
    self.model = model
    indexing = SNAPIndexing(twojmax: model.twojmax)
    energy = try SNAPEnergy(model, indexing)
    let map = SNAPHarmonicMap(indexing)
    toWigner = SNAPAtomKernels.SparseMatrix(map.rows)
    fromWigner = SNAPAtomKernels.SparseMatrix(transposeOf: map.rows, count: indexing.sumCount)
    stage = SNAPStage(model)
    radialFactors = AlignedBuffer(SNAPPairKernels.radialFactors(model.twojmax))
    solidFactors = AlignedBuffer(SNAPPairKernels.solidFactors(model.twojmax))
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
    let starts = sortByElement(atoms, list, elementOfSpecies)
    for element in model.elements.indices {
      for first in stride(from: starts[element], to: starts[element + 1], by: 4) {
        let lanes = min(4, starts[element + 1] - first)
        let centres = UnsafePointer(order.pointer) + first
        stage.fill(atoms, list, centres, lanes, element: element, elementOfSpecies)
        tabulate()
        let energies = densities(element: element)
        for lane in 0..<lanes {
          tally.energy += energies[lane]
          if want.contains(.atomEnergy) { atoms.energies?[Int(centres[lane])] += energies[lane] }
        }
        forces(atoms, centres, want, &tally)
      }
    }
    return tally
  }

  /// Fills `order`; the atoms of element e are places starts[e] ..< starts[e + 1].
  private func sortByElement(
    _ atoms: AtomView, _ list: NeighborView, _ elementOfSpecies: UnsafePointer<Int32>
  ) -> [Int] {
    order.reserve(list.rowCount)
    let order = order.pointer
    var starts = [Int](repeating: 0, count: model.elements.count + 1)
    for i in 0..<list.rowCount { starts[Int(elementOfSpecies[Int(atoms.species[i])]) + 1] += 1 }
    for e in model.elements.indices { starts[e + 1] += starts[e] }
    var next = starts
    for k in 0..<list.rowCount {
      let i = list.laneOrder[k]
      let e = Int(elementOfSpecies[Int(atoms.species[Int(i)])])
      order[next[e]] = i
      next[e] += 1
    }
    return starts
  }

  private var radialCount: Int { indexing.radialCount }
  private var recordStride: Int { indexing.radialCount + indexing.harmonicCount }

  /// Geometry and record of every staged neighbour.
  private func tabulate() {
    let count = stage.count
    let stride = recordStride
    let radialCount = radialCount
    let twojmax = model.twojmax
    records.reserve(count * stride)
    geometry.reserve(count)
    let records = records.pointer
    let geometry = geometry.pointer
    let neighbors = UnsafePointer(stage.neighbors.pointer)
    let radialFactors = UnsafePointer(radialFactors.pointer)
    let solidFactors = UnsafePointer(solidFactors.pointer)
    let mapping = SNAPStage.AngleMap(model)
    for k in 0..<count {
      let n = neighbors[k]
      let (g, weight) = mapping.geometry(n)
      geometry[k] = g
      let record = records + k * stride
      SNAPPairKernels.radial(g.cosine, twojmax, radialFactors, record)
      SNAPPairKernels.solid(
        n.x * g.ratio, n.y * g.ratio, n.z * g.ratio, g.sine * g.sine, weight, twojmax, solidFactors,
        record + radialCount)
    }
  }

  /// From the records to energies; leaves the derivatives with respect to the sums in `sums`.
  private func densities(element: Int) -> Lanes {
    let sums = sums.pointer
    let u = u.pointer
    let y = y.pointer
    for channel in 0..<model.channelCount {
      let range = stage.range(channel)
      let part = sums + channel * indexing.sumCount
      SNAPPairKernels.accumulate(
        records.pointer + range.lowerBound * recordStride, count: range.count, stride: recordStride,
        twojmax: model.twojmax, radialCount: radialCount, into: part)
      let matrices = u + 2 * channel * indexing.uCount
      SNAPAtomKernels.multiply(toWigner, part, matrices)
      // The central atom itself is the rotation by nothing: U = 1.
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

  private func forces(_ atoms: AtomView, _ centres: UnsafePointer<Int32>, _ want: Want, _ tally: inout Tally) {
    let stride = recordStride
    let radialCount = radialCount
    let twojmax = model.twojmax
    let records = UnsafePointer(records.pointer)
    let geometry = UnsafePointer(geometry.pointer)
    let neighbors = UnsafePointer(stage.neighbors.pointer)
    let orderSums = orderSums.pointer
    let forces = atoms.forces
    let perAtom = want.contains(.atomVirial) ? atoms.virials : nil
    let wantsVirial = want.contains(.virial) || perAtom != nil
    var virial = VirialLanes()
    var ownX = Lanes.zero
    var ownY = Lanes.zero
    var ownZ = Lanes.zero
    for channel in 0..<model.channelCount {
      let adjoint = UnsafePointer(sums.pointer) + channel * indexing.sumCount
      let range = stage.range(channel)
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
        let n = neighbors[k]
        let radial = d.x * g.nx + d.y * g.ny + d.z * g.nz
        // dE/dr along r, then what is across it.
        let along = g.logarithmicSlope * d.value + g.slope * (g.cosine * radial - g.sine * d.w) - g.ratio * radial
        let fx = along * g.nx + g.ratio * d.x
        let fy = along * g.ny + g.ratio * d.y
        let fz = along * g.nz + g.ratio * d.z
        ownX += fx
        ownY += fy
        ownZ += fz
        for lane in 0..<4 where n.index[lane] >= 0 {
          forces[Int(n.index[lane])] -= Vector3(fx[lane], fy[lane], fz[lane])
        }
        guard wantsVirial else { continue }
        virial.add(n.x, n.y, n.z, fx, fy, fz)
        guard let perAtom else { continue }
        for lane in 0..<4 where n.index[lane] >= 0 {
          let r = Vector3(n.x[lane], n.y[lane], n.z[lane])
          let half = -0.5 * Matrix3.outer(r, Vector3(fx[lane], fy[lane], fz[lane]))
          add(half, to: perAtom + 9 * Int(n.index[lane]))
          add(half, to: perAtom + 9 * Int(centres[lane]))
        }
      }
    }
    for lane in 0..<stage.laneCount {
      forces[Int(centres[lane])] += Vector3(ownX[lane], ownY[lane], ownZ[lane])
    }
    if wantsVirial { tally.virial += virial.sum }
  }
}

@inline(__always)
private func add(_ m: Matrix3, to place: UnsafeMutablePointer<Double>) {
  for row in 0..<3 {
    for column in 0..<3 { place[3 * row + column] += m[row][column] }
  }
}

/// −Σ r ⊗ ∂E/∂r, lane by lane.
private struct VirialLanes {
  var xx = Lanes.zero, xy = Lanes.zero, xz = Lanes.zero
  var yx = Lanes.zero, yy = Lanes.zero, yz = Lanes.zero
  var zx = Lanes.zero, zy = Lanes.zero, zz = Lanes.zero

  @inline(__always)
  mutating func add(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ fx: Lanes, _ fy: Lanes, _ fz: Lanes) {
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

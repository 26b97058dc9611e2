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
  private let pairs: Pairs
  private let invariants: NEPInvariants
  private let networks: [NEPNetwork]
  private let repulsion: NEPContacts?
  private let blocks: AtomBlocks
  private let slots: NeighborSlots
  private let elementOfSpecies: AlignedBuffer<Int32>

  /// Of which the compiler makes two, each for its numbers.
  private enum Pairs {
    case double(NEPPairStage<AtomLanes>)
    case single(NEPPairStage<AtomSingles>)
  }

  private let gradients = AlignedBuffer<AtomLanes>()
  private let adjoint: AlignedBuffer<AtomLanes>
  private let slopes: AlignedBuffer<AtomLanes>
  /// Of each block with charges, or of the only one: A, descriptors, ∂U/∂q, ∂q̃/∂q.
  private let kept = AlignedBuffer<AtomLanes>()
  private let sumCount: Int
  private let rowCount: Int
  /// Half of the repulsion of each atom's close pairs in the block at hand, eV.
  private var repulsionEnergy = AtomLanes.zero

  /// - Parameter species: of each species of the run, the element of the file, whose elements are all in use.
  init(_ file: NEPFile, elementOfSpecies: [Int32], precision: NEPPrecision) {
    self.file = file
    let plan: NEPPlan
    switch precision {
    case .double:
      plan = NEPPlan(file, origin: AtomLanes.origin)
      pairs = .double(NEPPairStage(file, plan))
    case .single:
      plan = NEPPlan(file, origin: Double(AtomSingles.origin))
      pairs = .single(NEPPairStage(file, plan))
    }
    width = plan.width
    invariants = NEPInvariants(file, plan)
    networks = file.networks.map { NEPNetwork($0, descriptorCount: file.descriptorCount) }
    repulsion = NEPContacts(file)
    let count = file.elements.count
    blocks = AtomBlocks(elementCount: count)
    func square(_ all: [Double]) -> [[Double]] {
      (0..<count).map { Array(all[($0 * count)..<(($0 + 1) * count)]) }
    }
    slots = NeighborSlots(
      cutoffs: square(file.radialCutoffs), inner: square(file.angularCutoffs), groupOfElement: Array(0..<count),
      padding: Vector3(file.cutoff, 0, 0),
      multiple: precision == .single ? AtomSingles.slotsAbreast : AtomLanes.slotsAbreast)
    self.elementOfSpecies = AlignedBuffer(elementOfSpecies + [0])
    sumCount = UnitHarmonics.count(file.degree) * width
    rowCount = NEPNetwork.padded(file.descriptorCount)
    adjoint = AlignedBuffer(capacity: sumCount)
    slopes = AlignedBuffer(capacity: rowCount)
  }

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
      _ = repulsion?.find(block, slots)
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

  /// Neighbours into slots, and functions of each slot.
  private func load(_ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView) {
    slots.fill(block, atoms, list, elementOfSpecies.pointer)
    switch pairs {
    case .double(let stage): stage.load(slots, block.element)
    case .single(let stage): stage.load(slots, block.element)
    }
  }

  /// The same, and on to sums and descriptors.
  private func describe(
    _ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView, _ row: UnsafeMutablePointer<AtomLanes>
  ) {
    slots.fill(block, atoms, list, elementOfSpecies.pointer)
    let descriptors = row + sumCount
    switch pairs {
    case .double(let stage): stage.describe(slots, block.element, sums: row, radial: descriptors)
    case .single(let stage): stage.describe(slots, block.element, sums: row, radial: descriptors)
    }
    invariants.evaluate(row, width: width, descriptors + file.radialCount)
    repulsionEnergy = repulsion?.find(block, slots) ?? .zero
  }

  /// From the slopes of the descriptors to the gradients ∂U/∂(r_j − r_i), slot by slot.
  private func pullBack(
    _ block: AtomBlocks.Block, _ row: UnsafePointer<AtomLanes>, _ slopes: UnsafePointer<AtomLanes>
  ) {
    invariants.pullBack(
      slopes + file.radialCount, sums: row, values: row + (sumCount + file.radialCount), width: width,
      adjoint.pointer)
    gradients.reserve(3 * slots.count + 3)
    let (adjoint, gradients) = (UnsafePointer(adjoint.pointer), gradients.pointer)
    switch pairs {
    case .double(let stage): stage.pullBack(slots, block.element, radial: slopes, adjoint: adjoint, gradients)
    case .single(let stage): stage.pullBack(slots, block.element, radial: slopes, adjoint: adjoint, gradients)
    }
  }

  private func addForces(_ block: AtomBlocks.Block, _ atoms: AtomView, _ want: Want, _ tally: inout Tally) {
    var forces = SlotForces(block, atoms, want)
    let slots = UnsafePointer(slots.slots.pointer)
    let gradients = gradients.pointer
    repulsion?.addGradients(gradients)
    for k in 0..<self.slots.count {
      forces.add(slots[k], gradients[3 * k], gradients[3 * k + 1], gradients[3 * k + 2])
    }
    forces.finish(&tally)
  }
}

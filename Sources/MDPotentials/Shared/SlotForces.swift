import MDCore
import MDNumerics

/// Hands the derivatives g = ∂E/∂(r_j − r_i) of the slots of a block on: −g to the neighbours' forces at once, +g to
/// the centres' and the virial −Σ (r_j − r_i) ⊗ g when the block is finished. Of a pair's virial each atom has half.
/// Where forces are wanted pair by pair, each slot is a pair whose energy is the centre's.
package struct SlotForces {
  private let atoms: AtomView
  private let block: AtomBlocks.Block
  private let virials: UnsafeMutablePointer<Double>?
  private let wantsVirial: Bool
  private let wantsPairs: Bool
  private var x = AtomLanes.zero, y = AtomLanes.zero, z = AtomLanes.zero
  private var virial = VirialSum9<AtomLanes>()

  @inline(__always)
  package init(_ block: AtomBlocks.Block, _ atoms: AtomView, _ want: Want) {
    self.atoms = atoms
    self.block = block
    virials = want.contains(.atomVirial) ? atoms.virials : nil
    wantsVirial = want.contains(.virial) || virials != nil
    wantsPairs = want.contains(.pairForces)
  }

  @inline(__always)
  package mutating func add(_ slot: NeighborSlots.Slot, _ gx: AtomLanes, _ gy: AtomLanes, _ gz: AtomLanes) {
    x += gx
    y += gy
    z += gz
    let (index, forces) = (slot.index, atoms.forces)
    forEachRow(gx, gy, gz) { lane, g in
      if index[lane] >= 0 { addRow(Lanes.zero - g, to: forces, index[lane]) }
    }
    guard wantsVirial else { return }
    virial.add(slot.x, slot.y, slot.z, gx, gy, gz)
    if let virials { addAtomVirials(virials, slot, gx, gy, gz) }
  }

  @inline(never)
  private func addAtomVirials(
    _ virials: UnsafeMutablePointer<Double>, _ slot: NeighborSlots.Slot, _ gx: AtomLanes, _ gy: AtomLanes,
    _ gz: AtomLanes
  ) {
    let stream = wantsPairs ? atoms.pairStream(.pairForces) : nil
    for lane in 0..<AtomLanes.scalarCount where slot.index[lane] >= 0 {
      let (i, j) = (Int(block.centers[lane]), Int(slot.index[lane]))
      let d = Vector3(slot.x[lane], slot.y[lane], slot.z[lane])
      let g = Vector3(gx[lane], gy[lane], gz[lane])
      let half = -0.5 * Matrix3.outer(d, g)
      half.add(to: virials + 9 * j)
      half.add(to: virials + 9 * i)
      stream?.add(i, j, isShared: false, d, g)
    }
  }

  @inline(__always)
  package func finish(_ tally: inout Tally) {
    for lane in 0..<block.count { atoms.forces[Int(block.centers[lane])] += Vector3(x[lane], y[lane], z[lane]) }
    if wantsVirial { tally.virial += -1 * virial.matrix }
  }
}

/// Σ d ⊗ f by lanes.
struct VirialSum9<Vector: LaneVector> {
  private var x = (Vector.zero, Vector.zero, Vector.zero)
  private var y = (Vector.zero, Vector.zero, Vector.zero)
  private var z = (Vector.zero, Vector.zero, Vector.zero)

  @inline(__always)
  mutating func add(_ dx: Vector, _ dy: Vector, _ dz: Vector, _ fx: Vector, _ fy: Vector, _ fz: Vector) {
    x.0.addProduct(dx, fx)
    x.1.addProduct(dx, fy)
    x.2.addProduct(dx, fz)
    y.0.addProduct(dy, fx)
    y.1.addProduct(dy, fy)
    y.2.addProduct(dy, fz)
    z.0.addProduct(dz, fx)
    z.1.addProduct(dz, fy)
    z.2.addProduct(dz, fz)
  }

  var matrix: Matrix3 {
    Matrix3(
      Vector3(x.0.sum(), x.1.sum(), x.2.sum()), Vector3(y.0.sum(), y.1.sum(), y.2.sum()),
      Vector3(z.0.sum(), z.1.sum(), z.2.sum()))
  }
}

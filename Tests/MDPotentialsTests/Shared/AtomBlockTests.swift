import MDCore
import MDNumerics
import MDPotentials
import MDTestSupport
import Testing

/// The parts that potentials with one atom a lane share: blocks of atoms, slots of neighbours, forces of slots.
@Suite struct AtomBlockTests {
  /// Hands the atoms and the full list of a structure to `body`.
  final class Probe: Potential {
    let name = "probe"
    let requirements = PotentialRequirements(cutoff: 6, list: .full)
    private let body: (AtomView, NeighborView) -> Void

    init(_ body: @escaping (AtomView, NeighborView) -> Void) { self.body = body }

    func compute(_ context: ForceContext) throws -> Tally {
      body(context.atoms, context.neighbors(.full))
      return .zero
    }
  }

  static let cutoffs: [[Double]] = [[4.1, 3.2, 5.0], [3.6, 5.7, 2.9], [4.8, 2.9, 4.4]]
  static let species = ["Cu", "Ni", "Al"]

  /// Each atom is in one block, blocks are of one element, and none but the last of an element has a free lane.
  @Test func blocksHoldEachAtomOnce() throws {
    for structure in TestStructures.all(Self.species, spacing: 2.6) {
      let probe = Probe { atoms, list in
        let blocks = AtomBlocks(elementCount: 3)
        let elements: [Int32] = [2, 0, 1]
        for _ in 0..<2 {
          blocks.sort(atoms, list, elements)
          var seen: [Int32] = []
          var free = [0, 0, 0]
          blocks.forEach { block in
            #expect(block.count > 0 && block.count <= AtomLanes.scalarCount)
            for lane in 0..<block.count {
              seen.append(block.centers[lane])
              #expect(Int(elements[Int(atoms.species[Int(block.centers[lane])])]) == block.element)
            }
            if block.count < AtomLanes.scalarCount { free[block.element] += 1 }
          }
          #expect(seen.sorted() == (0..<Int32(atoms.localCount)).map { $0 })
          #expect(free.allSatisfy { $0 <= 1 })
        }
      }
      _ = try BruteForceSystem(structure, reach: 6.5).evaluate([probe])
    }
  }

  /// With inner cutoffs each group is in two parts, the inner ones first.
  @Test(arguments: [[0, 0, 0], [1, 0, 1]], [1, 2, 3]) func slotsAreDivided(_ groups: [Int], _ multiple: Int) throws {
    let inner = Self.cutoffs.map { $0.map { 0.8 * $0 } }
    for structure in TestStructures.all(Self.species, spacing: 2.6) {
      let probe = Probe { atoms, list in
        let elements: [Int32] = [0, 1, 2]
        let blocks = AtomBlocks(elementCount: 3)
        let slots = NeighborSlots(
          cutoffs: Self.cutoffs, inner: inner, groupOfElement: groups, padding: Vector3(7, 8, 9), multiple: multiple)
        blocks.sort(atoms, list, elements)
        blocks.forEach { block in
          slots.fill(block, atoms, list, elements)
          let last = groups.max()!
          #expect(slots.range(last).upperBound == slots.innerCount)
          #expect(slots.outerRange(0).lowerBound == slots.innerCount)
          #expect(slots.outerRange(last).upperBound == slots.count)
          var found = [0, 0]
          for group in 0...last {
            for (part, range) in [slots.range(group), slots.outerRange(group)].enumerated() {
              #expect(range.lowerBound % multiple == 0 && range.count % multiple == 0)
              for k in range {
                let slot = slots.slots.pointer[k]
                for lane in 0..<block.count where slot.index[lane] >= 0 {
                  let element = Int(atoms.species[Int(slot.index[lane])])
                  let r = Vector3(slot.x[lane], slot.y[lane], slot.z[lane]).length
                  let (near, far) = (inner[block.element][element], Self.cutoffs[block.element][element])
                  #expect(groups[element] == group && (part == 0 ? r < near : r >= near && r < far))
                  found[part] += 1
                }
              }
            }
          }
          var expected = [0, 0]
          for lane in 0..<block.count {
            let i = Int(block.centers[lane])
            for k in list.starts[i]..<list.starts[i + 1] {
              let j = Int(list.indices[k])
              let r = (atoms.positions[j] - atoms.positions[i]).length
              let element = Int(atoms.species[j])
              if r < inner[block.element][element] {
                expected[0] += 1
              } else if r < Self.cutoffs[block.element][element] {
                expected[1] += 1
              }
            }
          }
          #expect(found == expected)
        }
      }
      _ = try BruteForceSystem(structure, reach: 6.5).evaluate([probe])
    }
  }

  /// Slots hold each neighbour within the cutoff of its pair of elements once, with its vector, in its group, and the
  /// padding elsewhere.
  @Test(arguments: [[0, 0, 0], [0, 1, 2], [1, 0, 1]]) func slotsHoldEachNeighbourOnce(_ groups: [Int]) throws {
    for structure in TestStructures.all(Self.species, spacing: 2.6) {
      let probe = Probe { atoms, list in
        let elements: [Int32] = [0, 1, 2]
        let blocks = AtomBlocks(elementCount: 3)
        let slots = NeighborSlots(cutoffs: Self.cutoffs, groupOfElement: groups, padding: Vector3(7, 8, 9))
        blocks.sort(atoms, list, elements)
        blocks.forEach { block in
          slots.fill(block, atoms, list, elements)
          var found = (0..<AtomLanes.scalarCount).map { _ in [Int32]() }
          #expect(slots.range(groups.max()!).upperBound == slots.count)
          for group in 0...groups.max()! {
            for k in slots.range(group) {
              let slot = slots.slots.pointer[k]
              for lane in 0..<AtomLanes.scalarCount {
                let vector = Vector3(slot.x[lane], slot.y[lane], slot.z[lane])
                let j = slot.index[lane]
                guard j >= 0 else {
                  #expect(vector == Vector3(7, 8, 9))
                  continue
                }
                found[lane].append(j)
                let element = Int(atoms.species[Int(j)])
                #expect(groups[element] == group)
                #expect(vector == atoms.positions[Int(j)] - atoms.positions[Int(block.centers[lane])])
              }
              // No slot is empty.
              #expect((0..<AtomLanes.scalarCount).contains { slot.index[$0] >= 0 })
            }
          }
          for lane in 0..<AtomLanes.scalarCount {
            guard lane < block.count else {
              #expect(found[lane].isEmpty)
              continue
            }
            let i = Int(block.centers[lane])
            let near = (list.starts[i]..<list.starts[i + 1]).map { list.indices[$0] }.filter { j in
              let cutoff = Self.cutoffs[block.element][Int(atoms.species[Int(j)])]
              return (atoms.positions[Int(j)] - atoms.positions[i]).squaredLength < cutoff * cutoff
            }
            #expect(found[lane].sorted() == near.sorted())
          }
        }
      }
      _ = try BruteForceSystem(structure, reach: 6.5).evaluate([probe])
    }
  }

  /// E = Σᵢ ρᵢ², ρᵢ = Σⱼ w (1 − r²/r_c²)³, with w and r_c of the pair of elements: a many-body potential of the shared
  /// parts alone.
  final class SquaredDensity: Potential {
    let name = "squared density"
    let requirements = PotentialRequirements(cutoff: 5.7, list: .full, writesGhosts: true)
    private let blocks = AtomBlocks(elementCount: 3)
    private let slots = NeighborSlots(cutoffs: cutoffs, groupOfElement: [0, 1, 2], padding: Vector3(100, 0, 0))

    static func weight(_ a: Int, _ b: Int) -> Double { 0.2 + 0.1 * Double(a) + 0.3 * Double(b) }

    func compute(_ context: ForceContext) throws -> Tally {
      let (atoms, elements) = (context.atoms, [Int32(0), 1, 2])
      var tally = Tally.zero
      blocks.sort(atoms, context.neighbors(.full), elements)
      blocks.forEach { block in
        slots.fill(block, atoms, context.neighbors(.full), elements)
        var density = AtomLanes.zero
        forEachSlot(block.element) { density += $1 }
        var forces = SlotForces(block, atoms, context.want)
        forEachSlot(block.element) { slot, _, slope in
          let g = 4 * density * slope
          forces.add(slot, g * slot.x, g * slot.y, g * slot.z)
        }
        forces.finish(&tally)
        for lane in 0..<block.count {
          let energy = density[lane] * density[lane]
          tally.energy += energy
          if context.want.contains(.atomEnergy) { atoms.energies?[Int(block.centers[lane])] += energy }
        }
      }
      return tally
    }

    /// Calls `body` with the density and its slope in r² of each slot.
    private func forEachSlot(_ element: Int, _ body: (NeighborSlots.Slot, AtomLanes, AtomLanes) -> Void) {
      for group in 0..<3 {
        let (w, inverse) = (Self.weight(element, group), 1 / (cutoffs[element][group] * cutoffs[element][group]))
        for k in slots.range(group) {
          let slot = slots.slots.pointer[k]
          let u = 1 - (slot.x * slot.x + slot.y * slot.y + slot.z * slot.z) * inverse
          let x = u.replacing(with: 0, where: u .< 0)
          body(slot, w * x * x * x, -3 * w * inverse * x * x)
        }
      }
    }

    private func forEachSlot(_ element: Int, _ body: (NeighborSlots.Slot, AtomLanes) -> Void) {
      forEachSlot(element) { slot, value, _ in body(slot, value) }
    }
  }

  @Test func potentialOfSharedParts() throws {
    try checkPotential(structures: TestStructures.all(Self.species, spacing: 2.6), continuity: .force) {
      [SquaredDensity()]
    }
  }
}

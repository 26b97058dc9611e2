import MDCore
import MDNumerics

/// The local atoms in blocks of as many as an `AtomLanes` has lanes. The atoms of a block are of one element, so that
/// what depends on the centre's element is the same in all lanes, and have about the same number of neighbours
/// (`NeighborView.laneOrder`), so that few slots are empty.
package final class AtomBlocks {
  package struct Block {
    package let element: Int
    /// The atoms, at most one a lane.
    package let centers: UnsafePointer<Int32>
    package let count: Int
  }

  private let order = AlignedBuffer<Int32>()
  /// The atoms of element e are the places starts[e] ..< starts[e + 1] of the order.
  private var starts: [Int]

  package init(elementCount: Int) { starts = Array(repeating: 0, count: elementCount + 1) }

  /// Sorts the atoms that have a row in the list.
  package func sort(_ atoms: AtomView, _ list: NeighborView, _ elementOfSpecies: UnsafePointer<Int32>) {
    order.reserve(max(list.rowCount, 1))
    let order = order.pointer
    for e in starts.indices { starts[e] = 0 }
    for i in 0..<list.rowCount { starts[Int(elementOfSpecies[Int(atoms.species[i])]) + 1] += 1 }
    for e in 1..<starts.count { starts[e] += starts[e - 1] }
    var next = starts
    for k in 0..<list.rowCount {
      let i = list.laneOrder[k]
      let e = Int(elementOfSpecies[Int(atoms.species[Int(i)])])
      order[next[e]] = i
      next[e] += 1
    }
  }

  /// The number of blocks.
  package var count: Int {
    let width = AtomLanes.scalarCount
    return (1..<starts.count).reduce(0) { $0 + (starts[$1] - starts[$1 - 1] + width - 1) / width }
  }

  package func forEach(_ body: (Block) -> Void) {
    let width = AtomLanes.scalarCount
    for element in 0..<(starts.count - 1) {
      let end = starts[element + 1]
      for first in stride(from: starts[element], to: end, by: width) {
        body(Block(element: element, centers: UnsafePointer(order.pointer) + first, count: min(width, end - first)))
      }
    }
  }
}

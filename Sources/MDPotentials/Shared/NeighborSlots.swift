import MDCore
import MDNumerics

/// The neighbours within the cutoff of a block of atoms, one atom a lane: slot k holds the k-th neighbour of each.
///
/// Neighbours come in groups (by element, or all in one), and the slots of a group are together, so that what depends
/// on the neighbour's group is the same in all lanes. Where an atom has fewer neighbours of a group than another atom
/// of the block, its lane holds no neighbour: the index is −1, the vector one for which the caller's functions are
/// harmless.
///
/// With inner cutoffs, for functions that end earlier than others, each group is two: its neighbours nearer than the
/// inner cutoff, and those between the two. All of the first kind come before all of the second.
package final class NeighborSlots {
  package struct Slot: BitwiseCopyable {
    /// r_j − r_i, Å.
    package var x, y, z: AtomLanes
    /// The neighbours, −1 where there is none.
    package var index: AtomIndices
  }

  package let slots = AlignedBuffer<Slot>()
  private let elementCount: Int
  private let groupOfElement: [Int]
  private let groupCount: Int
  /// groupCount, or twice that with inner cutoffs.
  private let rangeCount: Int
  private let isDivided: Bool
  /// Squared cutoffs of a centre's element (rows) and a neighbour's, Å².
  private let squaredCutoffs: AlignedBuffer<Double>
  private let squaredInner: AlignedBuffer<Double>
  /// The vector of lanes without a neighbour.
  private let padding: Lanes
  private let multiple: Int
  /// The slots of group g are starts[g] ..< starts[g + 1], those of its outer part at g + groupCount.
  private var starts: [Int]
  /// Neighbours of each lane, before they are brought into slots: a row a group and lane, and how many are in it.
  private let vectors = AlignedBuffer<Lanes>()
  private let indices = AlignedBuffer<Int32>()
  private let counts: AlignedBuffer<Int>

  /// - Parameters:
  ///   - cutoffs: of each centre's element and each neighbour's element, Å.
  ///   - inner: likewise, none above the cutoff.
  ///   - groupOfElement: of each element, counted from 0.
  ///   - padding: the vector of lanes without a neighbour, Å.
  ///   - multiple: the number of slots of each group, and of each of its parts, is a multiple of it.
  package init(
    cutoffs: [[Double]], inner: [[Double]]? = nil, groupOfElement: [Int], padding: Vector3, multiple: Int = 1
  ) {
    elementCount = cutoffs.count
    self.groupOfElement = groupOfElement
    groupCount = (groupOfElement.max() ?? 0) + 1
    isDivided = inner != nil
    rangeCount = isDivided ? 2 * groupCount : groupCount
    squaredCutoffs = AlignedBuffer(cutoffs.joined().map { $0 * $0 })
    squaredInner = AlignedBuffer((inner ?? cutoffs).joined().map { $0 * $0 })
    self.padding = Lanes(padding, 0)
    self.multiple = multiple
    starts = Array(repeating: 0, count: rangeCount + 1)
    counts = AlignedBuffer(capacity: AtomLanes.scalarCount * rangeCount)
  }

  /// The number of slots.
  package var count: Int { starts[rangeCount] }
  /// The number of those within the inner cutoffs.
  package var innerCount: Int { starts[groupCount] }
  package func range(_ group: Int) -> Range<Int> { starts[group]..<starts[group + 1] }
  /// Between the two cutoffs.
  package func outerRange(_ group: Int) -> Range<Int> { range(group + groupCount) }

  /// Collects the neighbours of the atoms of a block.
  package func fill(
    _ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView, _ elementOfSpecies: UnsafePointer<Int32>
  ) {
    var longest = 0
    for lane in 0..<block.count {
      let i = Int(block.centers[lane])
      longest = max(longest, list.starts[i + 1] - list.starts[i])
    }
    // One more, because a neighbour beyond the cutoff is written, too, and then overwritten by the next; or those that
    // fill up.
    let width = longest + multiple
    let rows = AtomLanes.scalarCount * rangeCount
    vectors.reserve(rows * width)
    indices.reserve(rows * width)
    let counts = counts.pointer
    for row in 0..<rows { counts[row] = 0 }
    for lane in 0..<block.count {
      if groupCount == 1, isDivided {
        collectDivided(lane, block, atoms, list, elementOfSpecies, width)
      } else if groupCount == 1 {
        collect(lane, block, atoms, list, elementOfSpecies, width)
      } else {
        collectByGroup(lane, block, atoms, list, elementOfSpecies, width)
      }
    }
    arrange(width)
  }

  // Without branches: which of the neighbours of a list with a skin are within the cutoff cannot be foreseen. A vector
  // of the atoms' columns occupies the space of four numbers; the fourth is never looked at.

  @inline(__always)
  private func collect(
    _ lane: Int, _ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView,
    _ elementOfSpecies: UnsafePointer<Int32>, _ width: Int
  ) {
    let positions = UnsafePointer(atoms.positions)
    let i = block.centers[lane]
    let center = loadRow(positions, i)
    let limits = UnsafePointer(squaredCutoffs.pointer) + block.element * elementCount
    let isAlone = elementCount == 1
    let vectors = vectors.pointer + lane * width
    let indices = indices.pointer + lane * width
    var found = 0
    for entry in list.starts[Int(i)]..<list.starts[Int(i) + 1] {
      let j = list.indices[entry]
      let d = loadRow(positions, j) - center
      let limit = isAlone ? limits[0] : limits[Int(elementOfSpecies[Int(atoms.species[Int(j)])])]
      let square = d * d
      vectors[found] = d
      indices[found] = j
      found += square.x + square.y + square.z < limit ? 1 : 0
    }
    counts.pointer[lane] = found
  }

  /// Each neighbour is written at the end of one part, which grows unless it is too far.
  @inline(__always)
  private func collectDivided(
    _ lane: Int, _ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView,
    _ elementOfSpecies: UnsafePointer<Int32>, _ width: Int
  ) {
    let positions = UnsafePointer(atoms.positions)
    let i = block.centers[lane]
    let center = loadRow(positions, i)
    let limits = UnsafePointer(squaredCutoffs.pointer) + block.element * elementCount
    let innerLimits = UnsafePointer(squaredInner.pointer) + block.element * elementCount
    let isAlone = elementCount == 1
    let vectors = vectors.pointer + lane * width
    let indices = indices.pointer + lane * width
    let step = AtomLanes.scalarCount * width
    var (inner, outer) = (0, step)
    for entry in list.starts[Int(i)]..<list.starts[Int(i) + 1] {
      let j = list.indices[entry]
      let d = loadRow(positions, j) - center
      let element = isAlone ? 0 : Int(elementOfSpecies[Int(atoms.species[Int(j)])])
      let square = d * d
      let distance = square.x + square.y + square.z
      let isInner = distance < innerLimits[element]
      let place = isInner ? inner : outer
      vectors[place] = d
      indices[place] = j
      inner &+= isInner ? 1 : 0
      outer &+= (distance < limits[element] ? 1 : 0) &- (isInner ? 1 : 0)
    }
    counts.pointer[lane] = inner
    counts.pointer[AtomLanes.scalarCount + lane] = outer - step
  }

  @inline(__always)
  private func collectByGroup(
    _ lane: Int, _ block: AtomBlocks.Block, _ atoms: AtomView, _ list: NeighborView,
    _ elementOfSpecies: UnsafePointer<Int32>, _ width: Int
  ) {
    let positions = UnsafePointer(atoms.positions)
    let i = block.centers[lane]
    let center = loadRow(positions, i)
    let limits = UnsafePointer(squaredCutoffs.pointer) + block.element * elementCount
    let innerLimits = UnsafePointer(squaredInner.pointer) + block.element * elementCount
    let outerRows = isDivided ? AtomLanes.scalarCount * groupCount : 0
    let (vectors, indices, counts) = (vectors.pointer, indices.pointer, counts.pointer)
    groupOfElement.withUnsafeBufferPointer { groups in
      for entry in list.starts[Int(i)]..<list.starts[Int(i) + 1] {
        let j = list.indices[entry]
        let d = loadRow(positions, j) - center
        let element = Int(elementOfSpecies[Int(atoms.species[Int(j)])])
        let square = d * d
        let distance = square.x + square.y + square.z
        let row =
          AtomLanes.scalarCount * groups[element] + lane + (distance < innerLimits[element] ? 0 : outerRows)
        let place = row * width + counts[row]
        vectors[place] = d
        indices[place] = j
        counts[row] += distance < limits[element] ? 1 : 0
      }
    }
  }

  /// From rows, one a lane, to slots.
  private func arrange(_ width: Int) {
    let lanes = AtomLanes.scalarCount
    let (vectors, indices) = (vectors.pointer, indices.pointer)
    var total = 0
    for group in 0..<rangeCount {
      starts[group] = total
      let counts = counts.pointer + lanes * group
      var filled = 0
      for lane in 0..<lanes { filled = max(filled, counts[lane]) }
      filled = (filled + multiple - 1) / multiple * multiple
      let first = lanes * group * width
      for lane in 0..<lanes {
        let row = first + lane * width
        for k in counts[lane]..<filled {
          vectors[row + k] = padding
          indices[row + k] = -1
        }
      }
      slots.reserve(total + filled, keeping: total)
      let out = slots.pointer + total
      for k in 0..<filled {
        let (x, y, z): (AtomLanes, AtomLanes, AtomLanes) = columns(vectors + (first + k), stride: width)
        out[k] = Slot(x: x, y: y, z: z, index: strided(indices + (first + k), width))
      }
      total += filled
    }
    starts[rangeCount] = total
  }
}

import MDCore
import MDNumerics

/// The two passes over neighbours: forward adds up the moments of all atoms, backward turns ∂E/∂M into forces.
///
/// Each triangle and each pair is met once, at its first corner (`AtomOrder`), and serves all its corners, ghosts among
/// them. Wide functions have no triangle to share and go through all neighbours of each atom.
///
/// The pass forward is here, the one backward in `HDNNPEngine+Forces`.
final class HDNNPEngine {
  let program: DescriptorProgram
  private let elementOf: AlignedBuffer<Int32>
  private let places = AlignedBuffer<Lanes>()

  private let rowLanes = AlignedBuffer<Lanes>()
  private let rowIntegers = AlignedBuffer<Int>()
  private let rowIndices = AlignedBuffer<Int32>()
  private let batchLanes = AlignedBuffer<Lanes>()
  private let batchSegments = AlignedBuffer<TriangleStage.Segment>()
  private let radialLanes = AlignedBuffer<Lanes>()
  private let centerSums = AlignedBuffer<Lanes>()
  /// The neighbours that come after each atom in the order (`AtomOrder`), kept from the forward to the backward pass,
  /// and how many there are of each element.
  let after = AlignedBuffer<Int32>()
  let afterNumbers = AlignedBuffer<Int32>()

  init(_ program: DescriptorProgram, elementOfSpecies: [Int32]) {
    self.program = program
    elementOf = AlignedBuffer(elementOfSpecies)
  }

  /// The order in which triangles find their owners, of local atoms and ghosts.
  func order(_ context: ForceContext, _ column: Column<Double>) -> AtomOrder {
    let atoms = context.atoms
    let keys = column.pointer
    let elements = elementOf.pointer
    for i in 0..<atoms.localCount {
      keys[i] = AtomOrder.ownKey(
        context.box.fractional(atoms.positions[i]), element: elements[Int(atoms.species[i])])
    }
    context.ghosts.forward(column.storage)
    places.reserve(atoms.count)
    let places = places.pointer
    for i in 0..<atoms.count {
      let r = atoms.positions[i]
      let key = i < atoms.localCount ? keys[i] : keys[i] + AtomOrder.shiftKey(atoms.shifts[i])
      places[i] = Lanes(r.x, r.y, r.z, key)
    }
    return AtomOrder(places: UnsafePointer(places), ids: atoms.ids, shifts: atoms.shifts)
  }

  /// What a pass works with.
  struct Pass {
    let atoms: AtomView
    let list: NeighborView
    let order: AtomOrder
    /// Moments (forward) or ∂E/∂M (backward) of all atoms.
    let moments: UnsafeMutablePointer<Double>
    let width: Int
    let row: NeighborStage
    let batch: TriangleStage
    let radial: RadialStage
    /// Moments of the centre by lanes.
    let sums: UnsafeMutablePointer<Lanes>
    let elementOf: UnsafePointer<Int32>
    let edges: UnsafePointer<EdgeProgram>
    let edgeCount: Int
    let cutoff: Double
  }

  func pass(
    _ atoms: AtomView, _ list: NeighborView, _ order: AtomOrder, _ moments: UnsafeMutablePointer<Double>
  ) -> Pass {
    let longest = list.longestRow
    let row = NeighborStage(
      rowLanes, rowIntegers, rowIndices, longestRow: longest, elements: program.elementCount,
      edges: program.edgeCount, moments: program.longestBlock)
    centerSums.reserve(program.momentCount)
    return Pass(
      atoms: atoms, list: list, order: order, moments: moments, width: program.momentCount, row: row,
      batch: TriangleStage(batchLanes, batchSegments, longestRow: longest, columns: program.columnCount),
      radial: RadialStage(radialLanes, longestRow: longest, columns: program.columnCount), sums: centerSums.pointer,
      elementOf: UnsafePointer(elementOf.pointer), edges: UnsafePointer(program.edges.pointer),
      edgeCount: program.edgeCount, cutoff: program.cutoff)
  }

  // MARK: Forward

  func addMoments(
    _ atoms: AtomView, _ list: NeighborView, _ order: AtomOrder, _ moments: UnsafeMutablePointer<Double>
  ) {
    let pass = pass(atoms, list, order, moments)
    let centers = UnsafePointer(program.centers.pointer)
    // Room for every listed pair is more than needed, but pages that are never written take no memory.
    after.reserve(list.pairCount)
    let elements = program.elementCount
    afterNumbers.reserve(elements * list.rowCount)
    var saved = after.pointer
    let numbers = afterNumbers.pointer
    for i in 0..<list.rowCount {
      let center = centers[Int(pass.elementOf[Int(atoms.species[i])])]
      for m in 0..<center.momentCount { pass.sums[m] = .zero }
      let blocks = Self.load(pass, i, all: false)
      saved += pass.row.save(to: saved, numbers + elements &* i)
      if blocks > 0 {
        Self.evaluateEdges(pass, blocks, slopes: false)
        for block in center.pairs { Self.pairMoments(pass, block) }
        for block in center.triangles { Self.triangleMoments(Narrow.self, pass, block) }
      }
      if center.wide.count > 0 {
        let blocks = Self.load(pass, i, all: true)
        guard blocks > 0 else { continue }
        Self.evaluateEdges(pass, blocks, slopes: false)
        for block in center.wide { Self.triangleMoments(Wide.self, pass, block) }
      }
      let own = moments + pass.width &* i
      var m = 0
      while m < center.momentCount {
        addLanes(sums(pass.sums[m], pass.sums[m &+ 1], pass.sums[m &+ 2], pass.sums[m &+ 3]), to: own + m)
        m &+= 4
      }
    }
  }

  @inline(never)
  static func load(_ pass: Pass, _ i: Int, all: Bool) -> Int {
    pass.row.load(i, pass.list, pass.order, after: !all, cutoff: pass.cutoff)
  }

  @inline(never)
  static func restore(
    _ pass: Pass, _ i: Int, _ saved: UnsafePointer<Int32>, _ numbers: UnsafePointer<Int32>
  ) -> Int {
    pass.row.restore(i, saved, numbers, pass.order, cutoff: pass.cutoff)
  }

  @inline(never)
  static func evaluateEdges(_ pass: Pass, _ blocks: Int, slopes: Bool) {
    for e in 0..<pass.edgeCount { pass.row.evaluate(pass.edges[e], e, blocks: blocks, slopes: slopes) }
  }

  @inline(never)
  private static func pairMoments(_ pass: Pass, _ block: BlockProgram) {
    let row = pass.row
    let count = row.blocks(block.first)
    guard count > 0 else { return }
    let place = row.first[block.first]
    let first = row.records + row.size &* place
    pass.radial.evaluate(row, block, first, count)
    pass.radial.addMoments(
      row, block, first, count, index: row.index + 4 &* place, sums: pass.sums + block.startOfCenter,
      rows: pass.moments + block.startOfFirst, width: pass.width)
  }

  /// Which of two elements' neighbours are j and which k. The more numerous are k, which fill the lanes.
  struct Roles {
    let j: Int
    let k: Int
    let startJ: Int
    let startK: Int
    /// Records of the k's.
    let first: Int
    let count: Int

    @inline(__always)
    init?(_ row: NeighborStage, _ block: BlockProgram) {
      let a = row.counts[block.first]
      let b = row.counts[block.second]
      guard a > 0, b > 0 else { return nil }
      (j, k, startJ, startK) =
        a <= b
        ? (block.first, block.second, block.startOfFirst, block.startOfSecond)
        : (block.second, block.first, block.startOfSecond, block.startOfFirst)
      first = row.first[k]
      count = row.blocks(k)
    }
  }

  @inline(__always)
  static func corners(_ pass: Pass, _ roles: Roles, own: UnsafePointer<Double>, _ block: BlockProgram) -> Corners {
    let row = pass.row
    return Corners(
      sumsI: pass.sums + block.startOfCenter, valuesI: own + block.startOfCenter,
      rowsJ: pass.moments + max(roles.startJ, 0), width: pass.width, index: UnsafePointer(row.index),
      momentsK: 32 &* row.moments, size: row.size)
  }

  @inline(never)
  private static func triangleMoments<Mode: TriangleMode>(_ mode: Mode.Type, _ pass: Pass, _ block: BlockProgram) {
    let row = pass.row
    guard let roles = Roles(row, block) else { return }
    let ownRecords = row.records + (row.size &* roles.first &+ 32 &* row.moments)
    if !Mode.isWide {
      var record = ownRecords
      for _ in 0..<roles.count {
        for m in 0..<block.count { record[m] = .zero }
        record += row.size
      }
    }
    let corners = corners(pass, roles, own: UnsafePointer(pass.moments), block)
    batches(mode, pass, block, roles, keepingVectors: false) { segments, count in
      forward(mode, pass, block, corners, segments, count)
    }
    if !Mode.isWide {
      scatterMoments(
        ownRecords, stride: row.size, records: roles.count, count: block.count, index: row.index + 4 &* roles.first,
        to: pass.moments + roles.startK, width: pass.width)
    }
  }

  @inline(never)
  private static func forward<Mode: TriangleMode>(
    _ mode: Mode.Type, _ pass: Pass, _ block: BlockProgram, _ corners: Corners, _ segments: Int, _ count: Int
  ) {
    let batch = pass.batch
    batch.measure(mode, count, block, pass.edges[block.edge], slopes: false)
    batch.combine(mode, pass.row, segments, block)
    runChain(
      block.steps, batch.records, count, stride: batch.size, exponent: TriangleStage.exponent,
      levels: TriangleStage.levels)
    for operation in block.operations { batch.addMoments(mode, operation, corners, segments) }
  }

  /// Collects triangles batch by batch.
  @inline(__always)
  static func batches<Mode: TriangleMode>(
    _ mode: Mode.Type, _ pass: Pass, _ block: BlockProgram, _ roles: Roles, keepingVectors: Bool,
    _ body: (_ segments: Int, _ count: Int) -> Void
  ) {
    let row = pass.row
    let batch = pass.batch
    let same = roles.j == roles.k
    let cutoff2 = block.cutoff * block.cutoff
    let full = batch.records + batch.size &* TriangleStage.target
    var j = 4 &* row.first[roles.j]
    let lastJ = j &+ row.counts[roles.j]
    while j < lastJ {
      var segments = 0
      var end = batch.records
      while j < lastJ && end < full && segments < TriangleStage.target {
        let segment = batch.append(
          mode, row, lane: j, from: roles.first, count: roles.count, after: same, cutoff2: cutoff2,
          keepingVectors: keepingVectors, at: end)
        if segment.end > end {
          batch.segments[segments] = segment
          segments &+= 1
          end = segment.end
        }
        j &+= 1
      }
      if segments > 0 { body(segments, (end - batch.records) / batch.size) }
    }
  }
}

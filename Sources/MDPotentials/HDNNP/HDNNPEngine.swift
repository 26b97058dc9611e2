import MDCore
import MDNumerics

/// The two passes over neighbours: forward adds up the moments of all atoms, backward turns ∂E/∂M into forces.
///
/// Each triangle and each pair is met once, at its first corner (`AtomOrder`), and serves all its corners, ghosts among
/// them. Wide functions have no triangle to share and go through all neighbours of each atom.
final class HDNNPEngine {
  let program: DescriptorProgram
  private let elementOf: AlignedBuffer<Int32>

  private let rowLanes = AlignedBuffer<Lanes>()
  private let rowIntegers = AlignedBuffer<Int>()
  private let rowIndices = AlignedBuffer<Int32>()
  private let batchLanes = AlignedBuffer<Lanes>()
  private let batchIntegers = AlignedBuffer<Int>()
  private let batchSegments = AlignedBuffer<TriangleStage.Segment>()
  private let radialLanes = AlignedBuffer<Lanes>()
  private let cornerLanes = AlignedBuffer<Lanes>()

  init(_ program: DescriptorProgram, elementOfSpecies: [Int32]) {
    self.program = program
    elementOf = AlignedBuffer(elementOfSpecies)
  }

  /// What a pass works with.
  private struct Pass {
    let atoms: AtomView
    let list: NeighborView
    let order: AtomOrder
    /// Moments (forward) or ∂E/∂M (backward) of all atoms.
    let moments: UnsafeMutablePointer<Double>
    let width: Int
    let row: NeighborStage
    let batch: TriangleStage
    let radial: RadialStage
    /// Columns of the k's moments, `kRoom` blocks apart.
    let columns: UnsafeMutablePointer<Lanes>
    let columnRoom: Int
    /// Sums of the centre by lanes.
    let sums: UnsafeMutablePointer<Lanes>
    let elementOf: UnsafePointer<Int32>
    let edges: UnsafePointer<EdgeProgram>
    let edgeCount: Int
    let elementCount: Int
    let cutoff: Double
  }

  private func pass(
    _ atoms: AtomView, _ list: NeighborView, _ order: AtomOrder, _ moments: UnsafeMutablePointer<Double>
  ) -> Pass {
    let longest = list.longestRow
    let row = NeighborStage(
      rowLanes, rowIntegers, rowIndices, longestRow: longest, elements: program.elementCount,
      edges: program.edgeCount)
    let batch = TriangleStage(
      batchLanes, batchIntegers, batchSegments, longestRow: longest, columns: program.columnCount)
    let radial = RadialStage(
      radialLanes, longestRow: longest, columns: program.columnCount, longestBlock: program.longestBlock)
    let columnRoom = (longest + 3) / 4 + 1
    cornerLanes.reserve(program.momentCount + columnRoom * program.longestBlock)
    return Pass(
      atoms: atoms, list: list, order: order, moments: moments, width: program.momentCount, row: row, batch: batch,
      radial: radial, columns: cornerLanes.pointer + program.momentCount, columnRoom: columnRoom,
      sums: cornerLanes.pointer, elementOf: UnsafePointer(elementOf.pointer), edges: UnsafePointer(program.edges.pointer),
      edgeCount: program.edgeCount, elementCount: program.elementCount, cutoff: program.cutoff)
  }

  // MARK: Forward

  func addMoments(
    _ atoms: AtomView, _ list: NeighborView, _ order: AtomOrder, _ moments: UnsafeMutablePointer<Double>
  ) {
    let pass = pass(atoms, list, order, moments)
    let centers = UnsafePointer(program.centers.pointer)
    for i in 0..<list.rowCount {
      let center = centers[Int(pass.elementOf[Int(atoms.species[i])])]
      for m in 0..<center.momentCount { pass.sums[m] = .zero }
      let blocks = load(pass, i, all: false)
      if blocks > 0 {
        for block in center.pairs { Self.pairMoments(pass, block) }
        for block in center.triangles { Self.triangleMoments(pass, block) }
      }
      if center.wide.count > 0, load(pass, i, all: true) > 0 {
        for block in center.wide { Self.wideMoments(pass, block) }
      }
      let own = moments + pass.width &* i
      var m = 0
      while m < center.momentCount {
        let t = transpose(pass.sums[m], pass.sums[m &+ 1], pass.sums[m &+ 2], pass.sums[m &+ 3])
        addLanes((t.0 + t.1) + (t.2 + t.3), to: own + m)
        m &+= 4
      }
    }
  }

  @inline(never)
  private func load(_ pass: Pass, _ i: Int, all: Bool) -> Int {
    let row = pass.row
    let blocks = row.load(
      i, pass.list, pass.atoms, elementOf: pass.elementOf, order: all ? nil : pass.order, cutoff: pass.cutoff)
    for e in 0..<pass.edgeCount { row.evaluate(pass.edges[e], e, blocks: blocks) }
    return blocks
  }

  @inline(never)
  private static func pairMoments(_ pass: Pass, _ block: BlockProgram) {
    let row = pass.row
    let count = row.blocks(block.first)
    guard count > 0 else { return }
    let first = row.firstBlock[block.first]
    pass.radial.evaluate(row, block, first: first, count: count)
    pass.radial.addMoments(row, block, first: first, count: count, sums: pass.sums + block.startOfCenter)
    scatterColumns(
      pass.radial.moments, room: pass.radial.room, count: block.count, index: row.index + 4 &* first,
      blocks: count, to: pass.moments, width: pass.width, start: block.startOfFirst)
  }

  /// Which neighbours are j and which k: k the more numerous, for the lanes' sake.
  @inline(__always)
  private static func roles(_ pass: Pass, _ block: BlockProgram) -> (j: Int, k: Int, startJ: Int, startK: Int)? {
    let a = pass.row.counts[block.first]
    let b = pass.row.counts[block.second]
    guard a > 0, b > 0 else { return nil }
    return a <= b
      ? (block.first, block.second, block.startOfFirst, block.startOfSecond)
      : (block.second, block.first, block.startOfSecond, block.startOfFirst)
  }

  @inline(never)
  private static func triangleMoments(_ pass: Pass, _ block: BlockProgram) {
    guard let roles = roles(pass, block) else { return }
    let row = pass.row
    let firstK = row.firstBlock[roles.k]
    let blocksK = row.blocks(roles.k)
    for m in 0..<block.count {
      let column = pass.columns + m &* pass.columnRoom
      for b in 0..<blocksK { column[b] = .zero }
    }
    let corners = Corners(
      sumsI: pass.sums + block.startOfCenter, valuesI: UnsafePointer(pass.moments), rows: pass.moments,
      width: pass.width, startJ: roles.startJ, index: UnsafePointer(row.index), columnsK: pass.columns,
      room: pass.columnRoom, firstBlock: firstK)
    batches(pass, block, roles.j, roles.k, wide: false, keepingVectors: false) { segments, count in
      forward(pass, block, corners, segments, count)
    }
    scatterColumns(
      pass.columns, room: pass.columnRoom, count: block.count, index: row.index + 4 &* firstK, blocks: blocksK,
      to: pass.moments, width: pass.width, start: roles.startK)
  }

  @inline(never)
  private static func forward(_ pass: Pass, _ block: BlockProgram, _ corners: Corners, _ segments: Int, _ count: Int) {
    let batch = pass.batch
    batch.measure(count, pass.edges[block.edge], wide: false)
    batch.combine(pass.row, segments, count, block, wide: false)
    runChain(block.steps, count, exponent: batch.exponent, levels: batch.levels, room: batch.room)
    for operation in block.operations { batch.addMoments(operation, corners, segments, count, wide: false) }
  }

  @inline(never)
  private static func wideMoments(_ pass: Pass, _ block: BlockProgram) {
    guard let roles = roles(pass, block) else { return }
    let corners = Corners(
      sumsI: pass.sums + block.startOfCenter, valuesI: UnsafePointer(pass.moments), rows: pass.moments,
      width: pass.width, startJ: 0, index: UnsafePointer(pass.row.index), columnsK: pass.columns,
      room: pass.columnRoom, firstBlock: 0)
    batches(pass, block, roles.j, roles.k, wide: true, keepingVectors: false) { segments, count in
      let batch = pass.batch
      batch.measure(count, pass.edges[block.edge], wide: true)
      batch.combine(pass.row, segments, count, block, wide: true)
      runChain(block.steps, count, exponent: batch.exponent, levels: batch.levels, room: batch.room)
      for operation in block.operations { batch.addMoments(operation, corners, segments, count, wide: true) }
    }
  }

  /// Collects triangles batch by batch.
  @inline(__always)
  private static func batches(
    _ pass: Pass, _ block: BlockProgram, _ elementJ: Int, _ elementK: Int, wide: Bool, keepingVectors: Bool,
    _ body: (_ segments: Int, _ count: Int) -> Void
  ) {
    let row = pass.row
    let batch = pass.batch
    let firstK = row.firstBlock[elementK]
    let blocksK = row.blocks(elementK)
    let firstJ = 4 &* row.firstBlock[elementJ]
    let countJ = row.counts[elementJ]
    let same = elementJ == elementK
    let cutoff2 = block.cutoff * block.cutoff
    var j = 0
    while j < countJ {
      var segments = 0
      var count = 0
      while j < countJ && count < batch.target && segments < batch.target {
        let next = batch.append(
          row, lane: firstJ &+ j, from: firstK, count: blocksK, after: same, cutoff2: cutoff2, wide: wide,
          keepingVectors: keepingVectors, at: count)
        if next > count {
          batch.segments[segments] = .init(lane: firstJ &+ j, start: count)
          segments &+= 1
          count = next
        }
        j &+= 1
      }
      if count > 0 { body(segments, count) }
    }
  }

  // MARK: Backward

  /// Adds forces; returns the virial Σ r ⊗ f if it is wanted.
  func addForces(
    _ atoms: AtomView, _ list: NeighborView, _ order: AtomOrder, _ slopes: UnsafeMutablePointer<Double>, want: Want
  ) -> Matrix3 {
    let pass = pass(atoms, list, order, slopes)
    let centers = UnsafePointer(program.centers.pointer)
    let virials = want.contains(.atomVirial) ? atoms.virials : nil
    var virial = VirialSum9()
    for i in 0..<list.rowCount {
      let center = centers[Int(pass.elementOf[Int(atoms.species[i])])]
      let own = UnsafePointer(slopes + pass.width &* i)
      for part in 0..<(center.wide.count > 0 ? 2 : 1) {
        let blocks = load(pass, i, all: part == 1)
        guard blocks > 0 else { continue }
        let row = pass.row
        for b in 0..<blocks {
          row.phi[b] = .zero
          row.forceX[b] = .zero
          row.forceY[b] = .zero
          row.forceZ[b] = .zero
        }
        let perAtom = virials.map { SideVirials(virials: $0, index: UnsafePointer(row.index)) }
        if part == 0 {
          for block in center.pairs { Self.pairForces(pass, block, own) }
          for block in center.triangles { Self.triangleForces(pass, block, own, wide: false, perAtom) }
        } else {
          for block in center.wide { Self.triangleForces(pass, block, own, wide: true, perAtom) }
        }
        push(pass, i, blocks, want, perAtom, &virial)
      }
    }
    return virial.matrix
  }

  @inline(never)
  private static func pairForces(_ pass: Pass, _ block: BlockProgram, _ own: UnsafePointer<Double>) {
    let row = pass.row
    let count = row.blocks(block.first)
    guard count > 0 else { return }
    let first = row.firstBlock[block.first]
    gatherColumns(
      pass.moments, width: pass.width, start: block.startOfFirst, count: block.count, index: row.index + 4 &* first,
      blocks: count, into: pass.radial.moments, room: pass.radial.room)
    pass.radial.evaluate(row, block, first: first, count: count)
    pass.radial.addForces(row, block, first: first, count: count, center: own + block.startOfCenter)
  }

  @inline(never)
  private static func triangleForces(
    _ pass: Pass, _ block: BlockProgram, _ own: UnsafePointer<Double>, wide: Bool, _ perAtom: SideVirials?
  ) {
    guard let roles = roles(pass, block) else { return }
    let row = pass.row
    let firstK = row.firstBlock[roles.k]
    if !wide {
      gatherColumns(
        pass.moments, width: pass.width, start: roles.startK, count: block.count, index: row.index + 4 &* firstK,
        blocks: row.blocks(roles.k), into: pass.columns, room: pass.columnRoom)
    }
    let corners = Corners(
      sumsI: pass.sums, valuesI: own + block.startOfCenter, rows: pass.moments, width: pass.width,
      startJ: wide ? 0 : roles.startJ, index: UnsafePointer(row.index), columnsK: pass.columns,
      room: pass.columnRoom, firstBlock: firstK)
    if wide {
      batches(pass, block, roles.j, roles.k, wide: true, keepingVectors: true) { segments, count in
        backward(pass, block, corners, segments, count, wide: true, perAtom)
      }
    } else {
      batches(pass, block, roles.j, roles.k, wide: false, keepingVectors: true) { segments, count in
        if perAtom != nil {
          backwardPerAtom(pass, block, corners, segments, count, perAtom)
        } else {
          backwardPlain(pass, block, corners, segments, count)
        }
      }
    }
  }

  @inline(never)
  private static func backwardPlain(
    _ pass: Pass, _ block: BlockProgram, _ corners: Corners, _ segments: Int, _ count: Int
  ) {
    backward(pass, block, corners, segments, count, wide: false, nil)
  }

  @inline(never)
  private static func backwardPerAtom(
    _ pass: Pass, _ block: BlockProgram, _ corners: Corners, _ segments: Int, _ count: Int, _ perAtom: SideVirials?
  ) {
    backward(pass, block, corners, segments, count, wide: false, perAtom)
  }

  @inline(__always)
  private static func backward(
    _ pass: Pass, _ block: BlockProgram, _ corners: Corners, _ segments: Int, _ count: Int, wide: Bool,
    _ perAtom: SideVirials?
  ) {
    let batch = pass.batch
    batch.measure(count, pass.edges[block.edge], wide: wide)
    batch.combine(pass.row, segments, count, block, wide: wide)
    runChain(block.steps, count, exponent: batch.exponent, levels: batch.levels, room: batch.room)
    batch.clearSlopes(count)
    for operation in block.operations { batch.addSlopes(operation, corners, segments, count, wide: wide) }
    batch.addForces(pass.row, segments, count, block, wide: wide, perAtom: perAtom)
  }

  /// Hands the forces of a row on to its atoms.
  @inline(never)
  private func push(
    _ pass: Pass, _ i: Int, _ blocks: Int, _ want: Want, _ perAtom: SideVirials?, _ virial: inout VirialSum9
  ) {
    let row = pass.row
    let forces = pass.atoms.forces
    var own = Lanes.zero
    for b in 0..<blocks {
      let phi = row.phi[b]
      let fx = row.forceX[b] - phi * row.x[b]
      let fy = row.forceY[b] - phi * row.y[b]
      let fz = row.forceZ[b] - phi * row.z[b]
      let t = transpose(fx, fy, fz, .zero)
      let j = row.index + 4 &* b
      addRow(t.0, to: forces, j[0])
      addRow(t.1, to: forces, j[1])
      addRow(t.2, to: forces, j[2])
      addRow(t.3, to: forces, j[3])
      own += (t.0 + t.1) + (t.2 + t.3)
      if want.contains(.virial) { virial.add(row.x[b], row.y[b], row.z[b], fx, fy, fz) }
      if let perAtom {
        for l in 0..<4 where phi[l] != 0 {
          let d = Vector3(row.x[b][l], row.y[b][l], row.z[b][l])
          perAtom.addOuter(-0.5 * phi[l], d, to: i)
          perAtom.addOuter(-0.5 * phi[l], d, to: Int(j[l]))
        }
      }
    }
    addRow(Lanes.zero - own, to: forces, Int32(truncatingIfNeeded: i))
  }
}

/// Σ r ⊗ f by lanes.
private struct VirialSum9 {
  private var x = (Lanes.zero, Lanes.zero, Lanes.zero)
  private var y = (Lanes.zero, Lanes.zero, Lanes.zero)
  private var z = (Lanes.zero, Lanes.zero, Lanes.zero)

  @inline(__always)
  mutating func add(_ dx: Lanes, _ dy: Lanes, _ dz: Lanes, _ fx: Lanes, _ fy: Lanes, _ fz: Lanes) {
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

  /// It is symmetric but for rounding.
  var matrix: Matrix3 {
    let xy = 0.5 * (x.1.sum() + y.0.sum())
    let xz = 0.5 * (x.2.sum() + z.0.sum())
    let yz = 0.5 * (y.2.sum() + z.1.sum())
    return Matrix3(Vector3(x.0.sum(), xy, xz), Vector3(xy, y.1.sum(), yz), Vector3(xz, yz, z.2.sum()))
  }
}

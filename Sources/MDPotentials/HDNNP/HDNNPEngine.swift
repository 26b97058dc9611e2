import MDCore
import MDNumerics

/// The two passes over neighbours: forward adds up the moments of all atoms, backward turns ∂E/∂M into forces.
///
/// Each triangle and each pair is met once, at its first corner (`AtomOrder`), and serves all its corners, ghosts among
/// them. Wide functions have no triangle to share and go through all neighbours of each atom.
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
  /// The neighbours after each atom, kept from the forward to the backward pass, and their numbers by element.
  private let after = AlignedBuffer<Int32>()
  private let afterNumbers = AlignedBuffer<Int32>()

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
    /// Moments of the centre by lanes.
    let sums: UnsafeMutablePointer<Lanes>
    let elementOf: UnsafePointer<Int32>
    let edges: UnsafePointer<EdgeProgram>
    let edgeCount: Int
    let cutoff: Double
  }

  private func pass(
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
    // Memory that is not written to costs nothing.
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
  private static func load(_ pass: Pass, _ i: Int, all: Bool) -> Int {
    pass.row.load(i, pass.list, pass.order, after: !all, cutoff: pass.cutoff)
  }

  @inline(never)
  private static func restore(
    _ pass: Pass, _ i: Int, _ saved: UnsafePointer<Int32>, _ numbers: UnsafePointer<Int32>
  ) -> Int {
    pass.row.restore(i, saved, numbers, pass.order, cutoff: pass.cutoff)
  }

  @inline(never)
  private static func evaluateEdges(_ pass: Pass, _ blocks: Int, slopes: Bool) {
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

  /// Which neighbours are j and which k: k the more numerous, for the lanes' sake.
  private struct Roles {
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
  private static func corners(_ pass: Pass, _ roles: Roles, own: UnsafePointer<Double>, _ block: BlockProgram) -> Corners {
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
  private static func batches<Mode: TriangleMode>(
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

  // MARK: Backward

  /// Adds forces; returns the virial Σ r ⊗ f if it is wanted. The last `addMoments` must have been for the same atoms.
  func addForces(
    _ atoms: AtomView, _ list: NeighborView, _ order: AtomOrder, _ slopes: UnsafeMutablePointer<Double>, want: Want
  ) -> Matrix3 {
    let pass = pass(atoms, list, order, slopes)
    let centers = UnsafePointer(program.centers.pointer)
    let virials = want.contains(.atomVirial) ? atoms.virials : nil
    var virial = VirialSum9()
    var saved = UnsafePointer(after.pointer)
    let elements = program.elementCount
    let numbers = UnsafePointer(afterNumbers.pointer)
    for i in 0..<list.rowCount {
      let center = centers[Int(pass.elementOf[Int(atoms.species[i])])]
      let own = UnsafePointer(slopes + pass.width &* i)
      for part in 0..<(center.wide.count > 0 ? 2 : 1) {
        let row = pass.row
        let blocks: Int
        if part == 0 {
          blocks = Self.restore(pass, i, saved, numbers + elements &* i)
          for e in 0..<elements { saved += row.counts[e] }
        } else {
          blocks = Self.load(pass, i, all: true)
        }
        guard blocks > 0 else { continue }
        Self.evaluateEdges(pass, blocks, slopes: true)
        var record = row.records
        for _ in 0..<blocks {
          record[NeighborStage.phi] = .zero
          record[NeighborStage.forceX] = .zero
          record[NeighborStage.forceY] = .zero
          record[NeighborStage.forceZ] = .zero
          record += row.size
        }
        let perAtom = virials.map { SideVirials(virials: $0, index: UnsafePointer(row.index)) }
        if part == 0 {
          for block in center.pairs { Self.pairForces(pass, block, own) }
          for block in center.triangles { Self.triangleForces(Narrow.self, pass, block, own, perAtom) }
        } else {
          for block in center.wide { Self.triangleForces(Wide.self, pass, block, own, perAtom) }
        }
        Self.push(pass, i, blocks, want, perAtom, &virial)
      }
    }
    return virial.matrix
  }

  @inline(never)
  private static func pairForces(_ pass: Pass, _ block: BlockProgram, _ own: UnsafePointer<Double>) {
    let row = pass.row
    let count = row.blocks(block.first)
    guard count > 0 else { return }
    let place = row.first[block.first]
    let first = row.records + row.size &* place
    pass.radial.evaluate(row, block, first, count)
    pass.radial.addForces(
      row, block, first, count, index: row.index + 4 &* place, center: own + block.startOfCenter,
      rows: pass.moments + block.startOfFirst, width: pass.width)
  }

  @inline(never)
  private static func triangleForces<Mode: TriangleMode>(
    _ mode: Mode.Type, _ pass: Pass, _ block: BlockProgram, _ own: UnsafePointer<Double>, _ perAtom: SideVirials?
  ) {
    let row = pass.row
    guard let roles = Roles(row, block) else { return }
    if !Mode.isWide {
      gatherMoments(
        pass.moments + roles.startK, width: pass.width, count: block.count, index: row.index + 4 &* roles.first,
        into: row.records + (row.size &* roles.first &+ 32 &* row.moments), stride: row.size, records: roles.count)
    }
    let corners = corners(pass, roles, own: own, block)
    batches(mode, pass, block, roles, keepingVectors: true) { segments, count in
      if let perAtom {
        backwardPerAtom(mode, pass, block, corners, segments, count, perAtom)
      } else {
        backward(mode, pass, block, corners, segments, count)
      }
    }
  }

  @inline(never)
  private static func backward<Mode: TriangleMode>(
    _ mode: Mode.Type, _ pass: Pass, _ block: BlockProgram, _ corners: Corners, _ segments: Int, _ count: Int
  ) {
    slopes(mode, pass, block, corners, segments, count)
    pass.batch.addForces(mode, pass.row, segments, block, perAtom: nil)
  }

  @inline(never)
  private static func backwardPerAtom<Mode: TriangleMode>(
    _ mode: Mode.Type, _ pass: Pass, _ block: BlockProgram, _ corners: Corners, _ segments: Int, _ count: Int,
    _ perAtom: SideVirials
  ) {
    slopes(mode, pass, block, corners, segments, count)
    pass.batch.addForces(mode, pass.row, segments, block, perAtom: perAtom)
  }

  @inline(__always)
  private static func slopes<Mode: TriangleMode>(
    _ mode: Mode.Type, _ pass: Pass, _ block: BlockProgram, _ corners: Corners, _ segments: Int, _ count: Int
  ) {
    let batch = pass.batch
    batch.measure(mode, count, block, pass.edges[block.edge], slopes: true)
    batch.combine(mode, pass.row, segments, block)
    runChain(
      block.steps, batch.records, count, stride: batch.size, exponent: TriangleStage.exponent,
      levels: TriangleStage.levels)
    batch.addSlopes(mode, FirstTurn.self, block.operations[0], corners, segments)
    for operation in block.operations.dropFirst() {
      batch.addSlopes(mode, LaterTurn.self, operation, corners, segments)
    }
  }

  /// Hands the forces of a row on to its atoms.
  @inline(never)
  private static func push(
    _ pass: Pass, _ i: Int, _ blocks: Int, _ want: Want, _ perAtom: SideVirials?, _ virial: inout VirialSum9
  ) {
    let row = pass.row
    let forces = pass.atoms.forces
    var own = Lanes.zero
    var record = row.records
    for b in 0..<blocks {
      let phi = record[NeighborStage.phi]
      let x = record[NeighborStage.x]
      let y = record[NeighborStage.y]
      let z = record[NeighborStage.z]
      let fx = record[NeighborStage.forceX].subtractingProduct(phi, x)
      let fy = record[NeighborStage.forceY].subtractingProduct(phi, y)
      let fz = record[NeighborStage.forceZ].subtractingProduct(phi, z)
      let t = transpose(fx, fy, fz, .zero)
      let j = row.index + 4 &* b
      addRow(t.0, to: forces, j[0])
      addRow(t.1, to: forces, j[1])
      addRow(t.2, to: forces, j[2])
      addRow(t.3, to: forces, j[3])
      own += (t.0 + t.1) + (t.2 + t.3)
      if want.contains(.virial) { virial.add(x, y, z, fx, fy, fz) }
      if let perAtom {
        for l in 0..<4 where phi[l] != 0 {
          let d = Vector3(x[l], y[l], z[l])
          perAtom.addOuter(-0.5 * phi[l], d, to: i)
          perAtom.addOuter(-0.5 * phi[l], d, to: Int(j[l]))
        }
      }
      record += row.size
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

import MDCore
import MDNumerics

extension HDNNPEngine {
  /// Adds forces; returns the virial Σ r ⊗ f if it is wanted. The last `addMoments` must have been for the same atoms.
  func addForces(
    _ atoms: AtomView, _ list: NeighborView, _ order: AtomOrder, _ slopes: UnsafeMutablePointer<Double>, want: Want
  ) -> Matrix3 {
    let pass = pass(atoms, list, order, slopes)
    let centers = UnsafePointer(program.centers.pointer)
    let virials = want.contains(.atomVirial) ? atoms.virials : nil
    var virial = VirialSum9<Lanes>()
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
        let perAtom = virials.map {
          SideVirials(virials: $0, index: UnsafePointer(row.index), stream: atoms.pairStream(want))
        }
        if part == 0 {
          for block in center.pairs { Self.pairForces(pass, block, own) }
          for block in center.triangles { Self.triangleForces(Narrow.self, pass, block, own, perAtom) }
        } else {
          for block in center.wide { Self.triangleForces(Wide.self, pass, block, own, perAtom) }
        }
        Self.push(pass, i, blocks, want, perAtom, &virial)
      }
    }
    // It is symmetric but for rounding.
    let sum = virial.matrix
    return 0.5 * (sum + sum.transpose)
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
    _ pass: Pass, _ i: Int, _ blocks: Int, _ want: Want, _ perAtom: SideVirials?, _ virial: inout VirialSum9<Lanes>
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
          perAtom.add(phi[l], d, i, Int(j[l]))
        }
      }
      record += row.size
    }
    addRow(Lanes.zero - own, to: forces, Int32(truncatingIfNeeded: i))
  }
}

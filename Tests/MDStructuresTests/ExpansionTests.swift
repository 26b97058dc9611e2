import MDCore
import MDNumerics
import MDStructures
import Testing

/// An expansion draws the grains apart and does nothing else: a scan keeps its number of atoms.
@Suite struct ExpansionTests {
  private static func twist(_ expansion: Double, free: Bool = false) throws -> GrainBoundary.Bicrystal {
    var boundary = GrainBoundary(
      .twist, try LatticeType.bcc.unitCell(a: 3.1693, species: ["Mo"]), axis: IntegerVector(0, 0, 1), sigma: 5)
    boundary.thickness = .atLeast(12)
    boundary.expansion = expansion
    boundary.freeSurfaces = free
    boundary.vacuum = 10
    return try boundary.build()
  }

  @Test(arguments: [false, true]) func numberOfAtoms(free: Bool) throws {
    let plain = try Self.twist(0, free: free)
    #expect(plain.removedCount > 0)
    for expansion in [-1.2, -0.4, 0.1, 0.2, 0.6] {
      let other = try Self.twist(expansion, free: free)
      #expect(other.structure.count == plain.structure.count && other.removedCount == plain.removedCount)
      #expect(other.structure.types == plain.structure.types && other.structure.grains == plain.structure.grains)
    }
  }

  /// Every atom goes by 0, the expansion, or half of it; those of the halves are those that others became one with.
  @Test(arguments: [-0.8, 0.3]) func moves(expansion: Double) throws {
    let (plain, drawn) = (try Self.twist(0), try Self.twist(expansion))
    let (height, thickness) = (plain.structure.box.cell.z.z, plain.grainThickness)
    #expect(abs(drawn.structure.box.cell.z.z - height - 2 * expansion) < 1e-9)
    #expect(zip(drawn.boundaryHeights, plain.boundaryHeights).enumerated().allSatisfy {
      abs($1.0 - $1.1 - (Double($0) + 0.5) * expansion) < 1e-9
    })
    var halves = 0
    for i in plain.structure.positions.indices {
      let (from, to) = (plain.structure.positions[i], drawn.structure.positions[i])
      #expect(abs(to.x - from.x) < 1e-12 && abs(to.y - from.y) < 1e-12)
      let moved = (to.z - from.z) / expansion
      if abs(moved - moved.rounded()) > 0.25 {
        halves += 1
        // On a boundary, and still in its middle.
        let nearest = plain.boundaryHeights.map { h in
          let d = abs(from.z - h)
          return min(d, height - d)
        }.min()!
        #expect(nearest < 1)
      } else {
        #expect(abs(moved - Double(plain.structure.grains![i])) < 1e-9 && from.z > -1e-9 && from.z < 2 * thickness)
      }
    }
    #expect(halves == plain.removedCount)
  }
}

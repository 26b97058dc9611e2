import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

/// Dumps as LAMMPS writes them: cells, columns, orders and mistakes.
@Suite("LAMMPS dumps are read") struct LammpsDumpReaderTests {
  private func frames(_ text: String, types: [String]? = nil) throws -> [ExtXYZFrame] {
    let path = NSTemporaryDirectory() + "faultline-dump-\(UUID().uuidString).dump"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let reader = try LammpsDumpReader(path, types: types)
    var found: [ExtXYZFrame] = []
    while let frame = try reader.next() { found.append(frame) }
    return found
  }

  @Test("a leaning cell with scaled positions, images, velocities and charges") func triclinic() throws {
    // lo = (1, 2, 3), lengths 10, 9, 8, xy = 2, xz = −1, yz = 3: the bounds are those of the box around it.
    let found = try frames(
      """
      ITEM: UNITS
      metal
      ITEM: TIME
      0.25
      ITEM: TIMESTEP
      500
      ITEM: NUMBER OF ATOMS
      2
      ITEM: BOX BOUNDS xy xz yz pp ff pp
      0 13 2
      2 14 -1
      3 11 3
      ITEM: ATOMS type id xs ys zs ix iy iz vx vy vz q junk
      2 7 0.5 0.25 0.75 1 0 -2 0.1 0.2 0.3 -1.5 9
      1 3 0 0 0 0 0 0 0 0 0 1.5 9
      """, types: ["Na", "Cl"])
    let frame = try #require(found.first)
    let s = frame.structure
    #expect(found.count == 1 && s.ids == [7, 3] && s.species == ["Na", "Cl"] && s.types == [1, 0])
    #expect(s.box.cell == Matrix3(Vector3(10, 0, 0), Vector3(2, 9, 0), Vector3(-1, 3, 8)))
    #expect(s.box.origin == Vector3(1, 2, 3) && s.box.periodic == Periodicity(true, false, true))
    let r = Vector3(1, 2, 3) + 0.5 * Vector3(10, 0, 0) + 0.25 * Vector3(2, 9, 0) + 0.75 * Vector3(-1, 3, 8)
    #expect((s.positions[0] - r).length < 1e-12 && s.positions[1] == Vector3(1, 2, 3))
    #expect(s.images == [SIMD3(1, 0, -2), SIMD3(0, 0, 0)] && s.charges == [-1.5, 1.5])
    #expect(s.velocities?[0] == Vector3(0.1, 0.2, 0.3))
    #expect(frame["step"]?.numbers == [500] && frame["time"]?.numbers == [0.25] && frame["unwrapped"] == nil)
  }

  @Test("frames one after the other, elements, unwrapped positions, a general cell") func general() throws {
    let one = """
      ITEM: TIMESTEP
      0
      ITEM: NUMBER OF ATOMS
      1
      ITEM: BOX BOUNDS abc origin pp pp pp
      4 0 1 0.5
      0 5 0 0
      -1 0 6 0
      ITEM: ATOMS id element xu yu zu
      1 Ar 9 -3 2

      """
    let found = try frames(one + one.replacingOccurrences(of: "TIMESTEP\n0", with: "TIMESTEP\n10"))
    #expect(found.count == 2 && found[1]["step"]?.numbers == [10] && found[0]["unwrapped"]?.text == "T")
    #expect(found[0].structure.box.cell == Matrix3(Vector3(4, 0, 1), Vector3(0, 5, 0), Vector3(-1, 0, 6)))
    #expect(found[0].structure.box.origin == Vector3(0.5, 0, 0) && found[0].structure.positions == [Vector3(9, -3, 2)])
    #expect(found[0].structure.species == ["Ar"])
  }

  @Test("what is wrong is told with its line", arguments: [
    ("ITEM: ATOMS id element x y z", "ITEM: ATOMS id element y z", "positions"), ("1 Ar 0 0 0", "1 Ar 0 0", "columns"),
    ("1 Ar 0 0 0", "1 Ar 0 0 nan", "not a number"), ("ITEM: TIMESTEP", "TIMESTEP", "item"), ("0 5\n0 5\n0 5", "0 5\n0 5\n5 5", "volume"),
    ("ATOMS\n1", "ATOMS\n0", "atoms"), ("id element", "id type", "--types"), ("1 Ar 0 0 0\n", "", "ends"),
    ("ITEM: NUMBER", "ITEM: UNITS\nlj\nITEM: NUMBER", "metal"), ("ITEM: NUMBER OF ATOMS\n1\n", "", "before"), ("0 5\n0 5", "0 5\n0", "numbers"),
  ])
  func mistakes(_ row: (String, String, String)) throws {
    let good = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n0 5\n0 5\n0 5\nITEM: ATOMS id element x y z\n1 Ar 0 0 0\n"
    #expect(try frames(good).count == 1)
    let bad = good.replacingOccurrences(of: row.0, with: row.1)
    #expect(bad != good)
    do {
      _ = try frames(bad)
      Issue.record("taken: \(bad)")
    } catch let error as FaultlineError {
      #expect(error.message.contains(row.2) || error.hint?.contains(row.2) ?? false, "\(error)")
      #expect(error.location?.line != nil)
    }
  }
}

import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

@Suite("Crystallographic information files") struct CrystallographicFileTests {
  private static func read(_ text: String, name: String = "crystal.cif") throws -> Structure {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cif-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent(name).path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return try StructureFile.read(path)
  }

  /// Rutile, P4₂/mnm: 16 operations make two Ti and four O of two sites.
  static let rutile = """
    # A comment
    data_rutile
    _cell_length_a   4.594(1)
    _cell_length_b   4.594(1)
    _cell_length_c   2.959
    _cell_angle_alpha 90
    _cell_angle_beta  90
    _cell_angle_gamma 90
    _symmetry_space_group_name_H-M 'P 42/m n m'
    _publ_section_title
    ;
    Structure of rutile: a text
    loop_ that is none
    ;
    loop_
    _symmetry_equiv_pos_as_xyz
    'x, y, z'
    '-x, -y, z'
    '-y+1/2, x+1/2, z+1/2'
    'y+1/2, -x+1/2, z+1/2'
    '-x+1/2, y+1/2, -z+1/2'
    'x+1/2, -y+1/2, -z+1/2'
    'y, x, -z'
    '-y, -x, -z'
    '-x, -y, -z'
    'x, y, -z'
    'y+1/2, -x+1/2, -z+1/2'
    '-y+1/2, x+1/2, -z+1/2'
    'x+1/2, -y+1/2, z+1/2'
    '-x+1/2, y+1/2, z+1/2'
    '-y, -x, z'
    'y, x, z'
    loop_
    _atom_site_label
    _atom_site_type_symbol
    _atom_site_fract_x
    _atom_site_fract_y
    _atom_site_fract_z
    _atom_site_occupancy
    Ti1 Ti4+ 0 0 0 1.0
    O1 O2- 0.3053(2) 0.3053(2) 0 1

    """

  @Test("symmetry fills the cell") func rutile() throws {
    let s = try Self.read(Self.rutile)
    #expect(s.species == ["Ti", "O"] && s.types.count { $0 == 0 } == 2 && s.types.count { $0 == 1 } == 4)
    #expect((s.box.cell - Matrix3(diagonal: Vector3(4.594, 4.594, 2.959))).norm < 1e-12)
    // Each Ti has six O: four at one distance, two at another.
    var distances: [Double] = []
    for i in 0..<6 where s.types[i] == 1 {
      for a in -1...1 { for b in -1...1 { for c in -1...1 {
        let image = s.positions[i] + Vector3(Double(a), Double(b), Double(c)) * s.box.cell
        let d = (image - s.positions[0]).length
        if d < 2.1 { distances.append(d) }
      } } }
    }
    distances.sort()
    let apical = 0.3053 * 4.594 * 2.0.squareRoot()
    let equatorial = (2 * pow((0.5 - 0.3053) * 4.594, 2) + pow(2.959 / 2, 2)).squareRoot()
    #expect(distances.count == 6)
    #expect(distances.filter { abs($0 - apical) < 1e-9 }.count == 2 && distances.filter { abs($0 - equatorial) < 1e-9 }.count == 4)
  }

  /// In a hexagonal cell an operation and its transpose are not both of the group.
  @Test func trigonal() throws {
    let s = try Self.read(
      """
      data_x
      _cell_length_a 5
      _cell_length_b 5
      _cell_length_c 6
      _cell_angle_alpha 90
      _cell_angle_beta 90
      _cell_angle_gamma 120
      loop_
      _symmetry_equiv_pos_as_xyz
      'x,y,z'
      '-y,x-y,z+1/3'
      '-x+y,-x,z+2/3'
      loop_
      _atom_site_label
      _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z
      Si1 0.1 0.3 0.05

      """)
    let places = s.positions.map { s.box.fractional($0) }.sorted { $0.z < $1.z }
    let wanted = [Vector3(0.1, 0.3, 0.05), Vector3(0.7, 0.8, 0.05 + 1.0 / 3), Vector3(0.2, 0.9, 0.05 + 2.0 / 3)]
    #expect(places.count == 3 && zip(places, wanted).allSatisfy { ($0 - $1).length < 1e-9 }, "\(places)")
  }

  @Test("oblique cells, labels in place of symbols, names of either dictionary") func triclinic() throws {
    let s = try Self.read(
      """
      data_x
      _cell.length_a 4
      _cell.length_b 5
      _cell.length_c 6
      _cell.angle_alpha 80
      _cell.angle_beta 95
      _cell.angle_gamma 105
      loop_
      _atom_site_label
      _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z
      FE1 .1 .2 .3
      Cl2A -0.25 0.5 1.75

      """)
    #expect(s.species == ["Fe", "Cl"])
    let (a, b, c) = (s.box.cell.x, s.box.cell.y, s.box.cell.z)
    #expect(abs(a.length - 4) < 1e-12 && abs(b.length - 5) < 1e-12 && abs(c.length - 6) < 1e-12)
    for (u, v, angle) in [(b, c, 80.0), (a, c, 95), (a, b, 105)] {
      #expect(abs(acos(dot(u, v) / (u.length * v.length)) * 180 / .pi - angle) < 1e-9)
    }
    let f = s.box.fractional(s.positions[1])
    #expect((f - Vector3(0.75, 0.5, 0.75)).length < 1e-12)
  }

  @Test("what cannot be read is refused where it stands", arguments: [
    ("'x, y, z'\n", "'x, q, z'\n", "no operation"), ("0.3053(2) 0.3053(2) 0 1", "0.3053(2) 0.3053(2) 0 0.5", "occupied to 0.5"),
    ("4.594(1)\n_cell_length_b", "long\n_cell_length_b", "not a number"), ("_cell_angle_beta  90\n", "", "has no _cell_angle_beta"),
    ("O1 O2- 0.3053(2)", "O1 O2-", "values"), ("_cell_angle_gamma 90", "_cell_angle_gamma 200", "make no cell"),
    ("Structure of rutile: a text\nloop_ that is none\n;", "Structure", "has no end"), ("data_rutile", "rutile", "where a name is expected"),
    ("_atom_site_fract_x", "_atom_site_cartn_x", "no sites with"),
  ])
  func refused(_ from: String, _ to: String, _ what: String) {
    let text = Self.rutile.replacingOccurrences(of: from, with: to)
    #expect(text != Self.rutile)
    let error = #expect(throws: FaultlineError.self) { _ = try Self.read(text) }
    let message = error?.message ?? ""
    #expect(message.contains(what), "\(String(describing: error))")
    #expect(error?.location?.file.hasSuffix("crystal.cif") == true)
  }

  @Test("a space group without its operations is refused") func withoutOperations() {
    let lines = Self.rutile.components(separatedBy: "loop_\n_symmetry_equiv_pos_as_xyz")
    let rest = lines[1].components(separatedBy: "loop_\n_atom")
    let error = #expect(throws: FaultlineError.self) { _ = try Self.read(lines[0] + "loop_\n_atom" + rest[1]) }
    #expect(error?.message.contains("P 42/m n m") == true)
  }
}

import Foundation
import MDCore
import MDIO
import MDNumerics

/// Frames of a file, and the one that shows best what a run came to.
package enum FrameChoice {
  /// The frame of a file that is shown if none is told: the last, but of a search's `best.extxyz`, whose states begin with the lowest,
  /// the first.
  package static func usual(_ path: String) -> Int { URL(fileURLWithPath: path).lastPathComponent == "best.extxyz" ? 0 : -1 }

  /// One frame, from 0 or, negative, from the end. Structures of other kinds (POSCAR, LAMMPS data, CIF) have one.
  package static func frame(_ path: String, number: Int = -1, types: [String]? = nil) throws -> ExtXYZFrame {
    guard FrameIndex.isOfFrames(path) else { return ExtXYZFrame(try StructureFile.read(path, types: types, frame: number)) }
    if number < 0 {
      let index = try FrameIndex(path, types: types)
      guard index.count + number >= 0 else { throw FrameIndex.none(path, number) }
      return try index.frame(index.count + number)
    }
    let frames = try FrameIndex.reader(path, types: types)
    var passed = 0
    while passed < number, try frames.skip() { passed += 1 }
    guard passed == number, let frame = try frames.next() else { throw FrameIndex.none(path, number) }
    return frame
  }

  /// A frame to show and where it is from.
  struct Choice {
    var frame: ExtXYZFrame
    var words: String
  }

  /// The best state of a search; else the last frame of the first trajectory; else the atoms of the newest checkpoint.
  /// `frames` are those of the first trajectory that has any.
  static func of(_ folder: RunFolder, _ frames: inout FrameIndex?) -> Choice? {
    let names = folder.files.map(\.name)
    if names.contains("best.extxyz"), let frame = try? frame(folder.path + "/best.extxyz", number: usual("best.extxyz")) {
      return Choice(frame: frame, words: "the state of lowest energy, best.extxyz")
    }
    if let best = bestPart(folder), let frame = try? frame(folder.path + "/\(best)/best.extxyz", number: usual("best.extxyz")) {
      return Choice(frame: frame, words: "the boundary of lowest energy, \(best)/best.extxyz")
    }
    let species: [String] = folder.run["species"].list.compactMap(\.text)
    for name in names where FrameIndex.isOfFrames(name) {
      guard let index = try? FrameIndex(folder.path + "/" + name, types: species, endsAnyhow: true), index.count > 0,
        let last = try? index.frame(index.count - 1)
      else { continue }
      frames = index
      return Choice(frame: last, words: "the last frame of \(name)")
    }
    return checkpoint(folder) ?? crystal(folder)
  }

  /// The folder of the boundary of lowest energy, of a search over several.
  private static func bestPart(_ folder: RunFolder) -> String? {
    folder.run["search"].members.filter { folder.parts.contains($0.key) && $0.value["energy_J_per_m2"].number != nil }
      .min { $0.value["energy_J_per_m2"].number! < $1.value["energy_J_per_m2"].number! }?.key
  }

  /// The crystal of a run of tasks, some cells of it each way.
  private static func crystal(_ folder: RunFolder) -> Choice? {
    let crystal = folder.run["crystal"]
    let (cell, names) = (crystal["cell_A"].list.compactMap(\.number), crystal["site_species"].list.compactMap(\.text))
    let places = crystal["site_positions"].list.compactMap(\.number)
    guard cell.count == 9, !names.isEmpty, names.count <= 2000, places.count == 3 * names.count, Matrix3(cell).determinant > 1e-9 else { return nil }
    let edges = Matrix3(cell)
    let copies = (0..<3).map { max(1, Int((14 / edges[$0].length).rounded())) }
    let species = names.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    var (types, positions) = ([Int32](), [Vector3]())
    for i in 0..<copies[0] {
      for j in 0..<copies[1] {
        for k in 0..<copies[2] {
          for (s, name) in names.enumerated() {
            // A little off the corners, so that rounding does not part atoms of one plane.
            let f = Vector3(Double(i) + places[3 * s] + 0.01, Double(j) + places[3 * s + 1] + 0.01, Double(k) + places[3 * s + 2] + 0.01)
            types.append(Int32(species.firstIndex(of: name)!))
            positions.append(f.x * edges.x + f.y * edges.y + f.z * edges.z)
          }
        }
      }
    }
    let box = Box(cell: Matrix3(Double(copies[0]) * edges.x, Double(copies[1]) * edges.y, Double(copies[2]) * edges.z), origin: .zero, periodic: .all)
    return Choice(
      frame: ExtXYZFrame(Structure(box: box, species: species, types: types, positions: positions)),
      words: "\(copies[0]) × \(copies[1]) × \(copies[2]) cells of the crystal in equilibrium")
  }

  private struct Header: Decodable {
    struct Clock: Decodable { var step: Int }
    var species: [String]
    var cell: [Double]
    var origin: [Double]
    var periodic: Periodicity
    var clock: Clock
    var columns: [String]
    var chunk: Int
    var atoms: Int
  }

  /// The atoms of a checkpoint, the newest if no step is given.
  static func checkpoint(_ folder: RunFolder, step: Int? = nil) -> Choice? {
    let store = CheckpointStore(folder.path + "/checkpoints")
    guard let step = step ?? store.steps.first, let reader = try? CheckpointReader(store.path(step: step), verify: false),
      let header = try? reader.readJSON(Header.self, named: "run"), header.cell.count == 9, header.origin.count == 3, header.chunk > 0
    else { return nil }
    var (positions, types, grains) = ([Vector3](), [Int32](), [Double]())
    for first in stride(from: 0, to: header.atoms, by: header.chunk) {
      guard let r = try? reader.column(Double.self, named: "position@\(first)"),
        let t = try? reader.column(Int32.self, named: "species@\(first)"), r.count % max(t.count, 1) == 0
      else { return nil }
      let width = r.count / max(t.count, 1)
      guard width >= 3 else { return nil }
      positions += t.indices.map { Vector3(r[width * $0], r[width * $0 + 1], r[width * $0 + 2]) }
      types += t
      if header.columns.contains("grain"), let g = try? reader.column(Double.self, named: "grain@\(first)") { grains += g }
    }
    guard !positions.isEmpty, types.allSatisfy({ header.species.indices.contains(Int($0)) }) else { return nil }
    let box = Box(
      cell: Matrix3(header.cell), origin: Vector3(header.origin[0], header.origin[1], header.origin[2]), periodic: header.periodic)
    var structure = Structure(box: box, species: header.species, types: types, positions: positions)
    if grains.count == types.count { structure.grains = grains.map { Int32(exactly: $0) ?? 0 } }
    return Choice(frame: ExtXYZFrame(structure), words: "the checkpoint of step \(header.clock.step)")
  }
}

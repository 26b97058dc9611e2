import Foundation
import MDCore
import MDIO
import MDNumerics

/// Frames of a file, and the one that shows best what a run came to.
package enum FrameChoice {
  private static let endings = [".extxyz", ".xyz", ".dump", ".lammpstrj", ".cfg"]

  private static func reader(_ path: String, types: [String]?) throws -> any FrameReader {
    let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
    if name.hasSuffix(".dump") || name.hasSuffix(".lammpstrj") { return try LammpsDumpReader(path, types: types) }
    return try FrameFile.reader(path, types: types)
  }

  /// One frame, from 0 or, negative, from the end. Structures of other kinds (POSCAR, LAMMPS data, CIF) have one.
  package static func frame(_ path: String, number: Int = -1, types: [String]? = nil) throws -> ExtXYZFrame {
    let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
    guard endings.contains(where: name.hasSuffix) else {
      return ExtXYZFrame(try StructureFile.read(path, types: types, frame: number))
    }
    let counter = try reader(path, types: types)
    var wanted = number
    if number < 0 {
      var count = 0
      while try counter.skip() { count += 1 }
      wanted = count + number
    }
    let frames = number < 0 ? try reader(path, types: types) : counter
    var passed = 0
    while passed < wanted, try frames.skip() { passed += 1 }
    guard wanted >= 0, passed == wanted, let frame = try frames.next() else {
      throw FaultlineError(
        .input, "\(path) has no frame numbered \(number)", hint: "frames count from 0, or from the end with -1")
    }
    return frame
  }

  /// A frame to show and where it is from.
  struct Choice {
    var frame: ExtXYZFrame
    var words: String
  }

  /// The best state of a search; else the last frame of the first trajectory; else the atoms of the newest checkpoint.
  static func of(_ folder: RunFolder) -> Choice? {
    let names = folder.files.map(\.name)
    if names.contains("best.extxyz"), let frame = try? frame(folder.path + "/best.extxyz", number: 0) {
      return Choice(frame: frame, words: "the state of lowest energy, best.extxyz")
    }
    if let best = bestPart(folder), let frame = try? frame(folder.path + "/\(best)/best.extxyz", number: 0) {
      return Choice(frame: frame, words: "the boundary of lowest energy, \(best)/best.extxyz")
    }
    let species: [String] = folder.run["species"].list.compactMap(\.text)
    for name in names {
      let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
      guard endings.contains(where: plain.hasSuffix), let frame = try? frame(folder.path + "/" + name, types: species)
      else { continue }
      return Choice(frame: frame, words: "the last frame of \(name)")
    }
    return checkpoint(folder)
  }

  /// The folder of the boundary of lowest energy, of a search over several.
  private static func bestPart(_ folder: RunFolder) -> String? {
    folder.run["search"].members.filter { folder.parts.contains($0.key) && $0.value["energy_J_per_m2"].number != nil }
      .min { $0.value["energy_J_per_m2"].number! < $1.value["energy_J_per_m2"].number! }?.key
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

  private static func checkpoint(_ folder: RunFolder) -> Choice? {
    let store = CheckpointStore(folder.path + "/checkpoints")
    guard let step = store.steps.first, let reader = try? CheckpointReader(store.path(step: step), verify: false),
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

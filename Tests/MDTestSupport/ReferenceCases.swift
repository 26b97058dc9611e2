import Foundation
import MDCore
import MDNumerics
import Testing

/// A structure with what an established code computed for it.
public struct ReferenceFrame: Sendable {
  public var name: String
  public var structure: Structure
  /// eV.
  public var energy: Double
  /// eV/Å.
  public var forces: [Vector3]
  /// Σ r ⊗ f in eV; only for fully periodic frames.
  public var virial: Matrix3?
  public var atomEnergies: [Double]?
  /// e, what the reference code found (charge equilibration).
  public var charges: [Double]?
  public var totalCharge: Double?
}

/// The published potentials and reference results that live beside the repository.
public enum ReferenceCases {
  /// `FAULTLINE_REFERENCE`, or `../shared/reference` from the repository's root; nil when absent.
  public static let root: URL? = {
    let manager = FileManager.default
    let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let given = ProcessInfo.processInfo.environment["FAULTLINE_REFERENCE"]
    let root = given.map { URL(fileURLWithPath: $0) } ?? here.appendingPathComponent("../shared/reference")
    return manager.fileExists(atPath: root.path) ? root.standardizedFileURL : nil
  }()

  /// The folder of a case, or nil (with a line that says so) when the data are absent: the test is then skipped.
  public static func folder(_ name: String) -> URL? {
    guard let folder = root?.appendingPathComponent(name), FileManager.default.fileExists(atPath: folder.path) else {
      print("skipped: no reference data for \(name); set FAULTLINE_REFERENCE to their folder")
      return nil
    }
    return folder
  }

  /// The frames of `reference.extxyz` in the folder of a case.
  public static func frames(_ folder: URL, file: String = "reference.extxyz") throws -> [ReferenceFrame] {
    let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    var frames: [ReferenceFrame] = []
    while let first = lines.first, let count = Int(first.trimmingCharacters(in: .whitespaces)) {
      let header = fields(lines[lines.startIndex + 1])
      let rows = lines.dropFirst(2).prefix(count).map { $0.split(separator: " ") }
      frames.append(try frame(header, rows))
      lines = lines.dropFirst(2 + count)
    }
    guard !frames.isEmpty else { throw FaultlineError(.input, "no frames in \(folder.path)/\(file)") }
    return frames
  }

  /// `key=value key="a value"`.
  private static func fields(_ line: Substring) -> [String: String] {
    var out: [String: String] = [:]
    var rest = line
    while let equals = rest.firstIndex(of: "=") {
      let key = rest[..<equals].trimmingCharacters(in: .whitespaces)
      rest = rest[rest.index(after: equals)...]
      let end: Substring.Index?
      if rest.first == "\"" {
        rest = rest.dropFirst()
        end = rest.firstIndex(of: "\"")
      } else {
        end = rest.firstIndex(of: " ")
      }
      out[key] = String(rest[..<(end ?? rest.endIndex)])
      rest = end.map { rest[rest.index(after: $0)...] } ?? ""
    }
    return out
  }

  private static func frame(_ header: [String: String], _ rows: [[Substring]]) throws -> ReferenceFrame {
    func numbers(_ key: String) -> [Double]? { header[key].map { $0.split(separator: " ").compactMap { Double($0) } } }
    var columns: [String: (start: Int, width: Int)] = [:]
    var start = 0
    let properties = (header["Properties"] ?? "").split(separator: ":")
    for k in stride(from: 0, to: properties.count - 2, by: 3) {
      let width = Int(properties[k + 2]) ?? 1
      columns[String(properties[k])] = (start, width)
      start += width
    }
    func scalars(_ name: String) -> [Double]? { columns[name].map { c in rows.map { Double($0[c.start]) ?? .nan } } }
    func vectors(_ name: String) throws -> [Vector3] {
      guard let c = columns[name] else { throw FaultlineError(.input, "the reference has no column \(name)") }
      return rows.map { row in
        Vector3(Double(row[c.start]) ?? .nan, Double(row[c.start + 1]) ?? .nan, Double(row[c.start + 2]) ?? .nan)
      }
    }
    let symbols = rows.map { String($0[columns["species"]?.start ?? 0]) }
    let species = Set(symbols).sorted()
    let pbc = (header["pbc"] ?? "T T T").split(separator: " ").map { $0 == "T" }
    var structure = Structure(
      box: Box(cell: Matrix3(numbers("Lattice") ?? []), periodic: Periodicity(pbc[0], pbc[1], pbc[2])),
      species: species, types: symbols.map { Int32(species.firstIndex(of: $0)!) }, positions: try vectors("pos"))
    structure.charges = scalars("charges")
    return ReferenceFrame(
      name: header["name"] ?? "", structure: structure, energy: numbers("ref_energy")?.first ?? .nan,
      forces: try vectors("ref_forces"), virial: numbers("ref_virial").map { Matrix3($0) },
      atomEnergies: scalars("ref_atomic_energy"), charges: scalars("ref_charges"),
      totalCharge: numbers("total_charge")?.first)
  }
}

extension ReferenceFrame {
  /// Compares potentials with this frame: the energy relative, forces in eV/Å, the virial relative to its largest
  /// element (or 1 eV), per-atom energies relative to the largest.
  public func expectMatch(
    _ potentials: [any Potential], energy: Double, force: Double, virial tolerance: Double,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let reach = potentials.map { max($0.requirements.cutoff, $0.requirements.halo) }.max() ?? 0
    let result = try BruteForceSystem(structure, reach: reach + 0.1).evaluate(potentials)
    let energyError = abs(result.energy - self.energy) / max(abs(self.energy), 1)
    #expect(energyError <= energy, "\(name): energy", sourceLocation: sourceLocation)
    let forceError = zip(result.forces, forces).map { ($0 - $1).length }.max() ?? .infinity
    #expect(forceError <= force, "\(name): forces", sourceLocation: sourceLocation)
    if let virial {
      let scale = max(virial.elements.map(abs).max() ?? 0, 1)
      let error = (result.virial - virial).elements.map(abs).max() ?? .infinity
      #expect(error <= tolerance * scale, "\(name): virial", sourceLocation: sourceLocation)
    }
    if let atomEnergies {
      let scale = max(atomEnergies.map(abs).max() ?? 0, 1)
      let error = zip(result.atomEnergies, atomEnergies).map { abs($0 - $1) }.max() ?? .infinity
      #expect(error <= energy * scale * 10, "\(name): atom energies", sourceLocation: sourceLocation)
    }
  }
}

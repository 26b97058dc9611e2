import Foundation
import MDCore
import MDIO
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

  /// The folder of a case.
  /// - Throws: if it is absent; tests that need it have the trait `.reference(…)` and are skipped then.
  public static func folder(_ name: String) throws -> URL {
    guard let folder = root?.appendingPathComponent(name), FileManager.default.fileExists(atPath: folder.path) else {
      throw FaultlineError(.input, "no reference data for \(name); set FAULTLINE_REFERENCE to their folder")
    }
    return folder
  }

  /// A folder with the potential as the reference program took it, which must be removed afterwards.
  ///
  /// The short-range weights of `hdnnp4g-carbon-chain` belong to networks with 10 and 10 hidden nodes, its input.nn
  /// says 15 and 15. The reference program reads on beyond the end of the numbers, where there were zeros: its
  /// networks give a constant energy. Our reader refuses the files; here they get those zeros. (Charges do not depend
  /// on them.)
  public static func asTaken(_ folder: URL) throws -> URL {
    let manager = FileManager.default
    let copy = manager.temporaryDirectory.appendingPathComponent("reference-" + UUID().uuidString)
    try manager.createDirectory(at: copy, withIntermediateDirectories: true)
    for name in try manager.contentsOfDirectory(atPath: folder.path) {
      var data = try Data(contentsOf: folder.appendingPathComponent(name))
      if folder.lastPathComponent == "hdnnp4g-carbon-chain",
        let inputs = ["weights.001.data": 25, "weights.006.data": 37][name]
      {
        let found = String(decoding: data, as: UTF8.self).split(separator: "\n").count
        let wanted = (inputs + 1) * 15 + 16 * 15 + 16
        data += Data(String(repeating: "0.0\n", count: wanted - found).utf8)
      }
      try data.write(to: copy.appendingPathComponent(name))
    }
    return copy
  }

  /// A column of numbers of each frame of a case, nil where a frame has none.
  public static func columns(_ folder: URL, _ name: String, file: String = "reference.extxyz") throws -> [[Double]?] {
    try ExtXYZReader.frames(of: folder.appendingPathComponent(file).path).map { $0.column(name)?.reals }
  }

  /// The frames of `reference.extxyz` in the folder of a case.
  public static func frames(_ folder: URL, file: String = "reference.extxyz") throws -> [ReferenceFrame] {
    try ExtXYZReader.frames(of: folder.appendingPathComponent(file).path).map { frame in
      func column(_ name: String) -> [Double]? { frame.column(name)?.reals }
      guard let energy = frame["ref_energy"]?.numbers?.first, let forces = column("ref_forces") else {
        throw FaultlineError(.input, "\(folder.path)/\(file): line \(frame.line): no ref_energy or ref_forces")
      }
      return ReferenceFrame(
        name: frame["name"]?.text ?? "", structure: frame.structure, energy: energy,
        forces: stride(from: 0, to: forces.count, by: 3).map { Vector3(forces[$0], forces[$0 + 1], forces[$0 + 2]) },
        virial: frame["ref_virial"]?.numbers.map { Matrix3($0) }, atomEnergies: column("ref_atomic_energy"),
        charges: column("ref_charges"), totalCharge: frame["total_charge"]?.numbers?.first)
    }
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

extension Trait where Self == ConditionTrait {
  /// Skips a test, visibly, where the folder of reference data lacks one of these cases.
  public static func reference(_ cases: [String]) -> Self {
    .enabled("reference data are absent: set FAULTLINE_REFERENCE to their folder") {
      cases.allSatisfy { (try? ReferenceCases.folder($0)) != nil }
    }
  }
}

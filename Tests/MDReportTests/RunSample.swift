import Foundation

/// A run directory made by a test.
struct RunSample {
  let path: String

  init(_ files: [String: String], name: String = "run") throws {
    path = NSTemporaryDirectory() + "report-\(UUID().uuidString.prefix(8))/\(name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (file, text) in files { try text.write(toFile: path + "/" + file, atomically: true, encoding: .utf8) }
  }

  func remove() { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }

  static let summary = """
    {"status": "finished", "title": "A run", "version": "9", "atoms": 10, "ranks": 2, "potentials": ["eam"], "species": ["Cu"],
    "steps_total": 40, "loop_seconds": 1.25, "warnings": [], "final_thermo": {"temperature": 301.5, "potential_energy": -35.25},
    "thermo_units": {"temperature": "K", "potential_energy": "eV"}}
    """

  /// A run of dynamics whose conserved energy drifts by `drift` eV an atom over its one stage.
  static func thermo(drift: Double, rows: Int = 41, atoms: Double = 10) -> String {
    "step,stage,time [ps],temperature [K],potential_energy [eV],conserved_energy [eV]\n"
      + (0..<rows).map { k in
        let t = Double(k) / Double(rows - 1)
        return "\(10 * k),1,\(t),300,\(-35 + t),\(-30 + atoms * drift * t)"
      }.joined(separator: "\n") + "\n"
  }

  /// The numbers inside of a page.
  static func numbers(_ html: String) throws -> [[String: Any]] {
    let marker = "<script type=\"application/json\" id=\"report-numbers\">"
    guard let start = html.range(of: marker), let end = html.range(of: "</script>", range: start.upperBound..<html.endIndex) else { return [] }
    return try JSONSerialization.jsonObject(with: Data(html[start.upperBound..<end.lowerBound].utf8)) as? [[String: Any]] ?? []
  }
}

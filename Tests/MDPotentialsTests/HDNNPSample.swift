import Foundation
import MDCore
import MDPotentials
import MDTestSupport

/// A small potential of one's own making, as files.
struct HDNNPSample {
  var elements = ["H", "O"]
  /// `symfunction_short` without the keyword.
  var functions = [
    "H 2 H 0.1 0 6.0", "H 2 O 0.2 0.5 6.0", "H 3 H O 0.05 1 2 6.0", "O 2 H 0.3 0 6.0", "O 9 H O 0.02 -1 3 5.0",
  ]
  var cutoff = "cutoff_type 1"
  var layers = ["global_hidden_layers_short 2", "global_nodes_short 4 3", "global_activation_short t t l"]
  /// Nodes of each layer of each element, the output included.
  var nodes = [[4, 3, 1], [4, 3, 1]]
  /// Further lines.
  var keywords = ["scale_symmetry_functions"]

  func count(_ element: String) -> Int { functions.filter { $0.hasPrefix(element + " ") }.count }

  /// Contents by name.
  var files: [String: String] {
    var random = SplitMix64(seed: 11)
    func number() -> Double { Double.random(in: -1..<1, using: &random) }
    let lines =
      ["number_of_elements \(elements.count)", "elements " + elements.joined(separator: " "), cutoff] + layers
      + keywords + functions.map { "symfunction_short " + $0 }
    var files = ["input.nn": lines.joined(separator: "\n") + "\n"]
    let sorted = elements.sorted { Elements.atomicNumber(of: $0)! < Elements.atomicNumber(of: $1)! }
    var scaling = "# e_index sf_index min max mean sigma\n"
    for (e, element) in sorted.enumerated() {
      for index in 0..<count(element) {
        let minimum = number()
        let width = 1 + number() / 2
        scaling += "\(e + 1) \(index + 1) \(minimum) \(minimum + width) \(minimum + 0.3 * width) \(0.2 * width)\n"
      }
      var weights = "# weights and biases\n"
      var before = count(element)
      for (l, after) in nodes[e].enumerated() {
        for i in 0..<before { for o in 0..<after { weights += "\(number()) a 1 \(l) \(i + 1) \(l + 1) \(o + 1)\n" } }
        for o in 0..<after { weights += "\(number()) b 1 \(l + 1) \(o + 1)\n" }
        before = after
      }
      files[String(format: "weights.%03d.data", Elements.atomicNumber(of: element)!)] = weights
    }
    files["scaling.data"] = scaling
    return files
  }

  func model(_ units: HDNNPUnits = .metal) throws -> HDNNPModel { try Self.read(files, units) }

  /// What the files say, by way of a folder of their own.
  static func read(_ files: [String: String], _ units: HDNNPUnits = .metal) throws -> HDNNPModel {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hdnnp-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
    return try HDNNPModel(directory: folder.path, units: units)
  }
}

import Foundation
import MDCore
import MDPotentialFiles
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
  /// Generation 4 if the keywords say nothing else.
  var isCharged = false
  /// `symfunction_electrostatic` without the keyword; none: those of the energies serve both.
  var chargeFunctions: [String] = []
  var chargeKeywords = [
    "nnp_generation 4", "fixed_gausswidth H 0.6", "fixed_gausswidth O 1.1", "screen_electrostatics 3.0 6.0",
    "four_pi_epsilon 0.06944616", "global_hidden_layers_electrostatic 1", "global_nodes_electrostatic 2",
    "global_activation_electrostatic s l", "ewald_prec 1e-5 0.3",
  ]

  /// Generation 3 as RuNNer has it.
  static var charging: HDNNPSample {
    var sample = HDNNPSample()
    sample.isCharged = true
    sample.chargeKeywords = [
      "nnp_gen 3", "use_short_nn", "use_electrostatics", "electrostatic_type 1", "enforce_totcharge 1",
      "screen_electrostatics 3.0 6.0", "four_pi_epsilon 0.06944616", "global_hidden_layers_electrostatic 1",
      "global_nodes_electrostatic 2", "global_activation_electrostatic s l", "ewald_alpha 0.2", "ewald_cutoff 10",
      "ewald_kmax 8",
    ]
    sample.chargeFunctions = ["H 2 O 0.4 0 6.0", "H 2 H 0.3 0 5.0", "O 3 H H 0.05 1 2 6.0"]
    return sample
  }

  private var readsCharges: Bool { isCharged && chargeKeywords.contains { $0.hasPrefix("nnp_generation 4") } }

  func count(_ element: String) -> Int { functions.filter { $0.hasPrefix(element + " ") }.count }
  private func chargeCount(_ element: String) -> Int {
    chargeFunctions.isEmpty ? count(element) : chargeFunctions.filter { $0.hasPrefix(element + " ") }.count
  }

  /// Contents by name.
  var files: [String: String] {
    var random = SplitMix64(seed: 11)
    func number() -> Double { Double.random(in: -1..<1, using: &random) }
    let lines =
      ["number_of_elements \(elements.count)", "elements " + elements.joined(separator: " "), cutoff] + layers
      + keywords + (isCharged ? chargeKeywords : []) + functions.map { "symfunction_short " + $0 }
      + chargeFunctions.map { "symfunction_electrostatic " + $0 }
    var files = ["input.nn": lines.joined(separator: "\n") + "\n"]
    let sorted = elements.sorted { Elements.atomicNumber(of: $0)! < Elements.atomicNumber(of: $1)! }
    var scaling = "# e_index sf_index min max mean sigma\n"
    for (e, element) in sorted.enumerated() {
      for index in 0..<count(element) {
        let minimum = number()
        let width = 1 + number() / 2
        scaling += "\(e + 1) \(index + 1) \(minimum) \(minimum + width) \(minimum + 0.3 * width) \(0.2 * width)\n"
      }
      func network(_ inputs: Int, _ nodes: [Int]) -> String {
        var text = "# weights and biases\n"
        var before = inputs
        for (l, after) in nodes.enumerated() {
          for i in 0..<before { for o in 0..<after { text += "\(number()) a 1 \(l) \(i + 1) \(l + 1) \(o + 1)\n" } }
          for o in 0..<after { text += "\(number()) b 1 \(l + 1) \(o + 1)\n" }
          before = after
        }
        return text
      }
      let z = Elements.atomicNumber(of: element)!
      let weights = network(count(element) + (readsCharges ? 1 : 0), nodes[e])
      if isCharged {
        files[String(format: "weightse.%03d.data", z)] = network(chargeCount(element), [2, 1])
      }
      if readsCharges {
        files[String(format: "hardness.%03d.data", z)] = "  \(Double(z) + 0.5)\n"
      }
      files[String(format: "weights.%03d.data", z)] = weights
    }
    files["scaling.data"] = scaling
    if !chargeFunctions.isEmpty {
      // As RuNNer writes it: no deviations, and the range of the charges of each element.
      let rows = sorted.enumerated().flatMap { e, element in
        (0..<chargeCount(element)).map { "\(e + 1) \($0 + 1) 0.5 \(2.5 + Double($0)) 1.0" }
      }
      files["scalinge.data"] = (rows + ["0.25 0.5", "-1.5 -0.75"]).joined(separator: "\n") + "\n"
    }
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

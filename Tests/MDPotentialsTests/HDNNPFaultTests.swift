import Foundation
import MDCore
import MDPotentialFiles
import MDPotentials
import Testing

/// Every mistake in the files is one error that names the file, the line and what is wrong.
@Suite struct HDNNPFaultTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    var name: String
    var change: @Sendable (inout HDNNPSample) -> Void = { _ in }
    var edit: @Sendable (inout [String: String]) -> Void = { _ in }
    var units = HDNNPUnits.metal
    /// What the message must have.
    var says: [String]
    var testDescription: String { name }
  }

  /// A further line in input.nn: it is line 7, after the keywords and before the functions.
  static func line(_ text: String, _ says: String...) -> Fault {
    Fault(name: text, change: { $0.keywords.append(text) }, says: ["input.nn:8"] + says)
  }

  /// A further symmetry function, the last line.
  static func function(_ text: String, _ says: String...) -> Fault {
    Fault(name: text, change: { $0.functions.append(text) }, says: ["input.nn:13"] + says)
  }

  static func edit(_ name: String, _ edit: @escaping @Sendable (inout [String: String]) -> Void, _ says: String...)
    -> Fault
  {
    Fault(name: name, edit: edit, says: says)
  }

  static func dropLast(_ text: String?) -> String {
    text!.split(separator: "\n").dropLast().joined(separator: "\n") + "\n"
  }

  static func lines(_ text: String?, _ change: (String) -> String) -> String {
    text!.split(separator: "\n").map { change(String($0)) }.joined(separator: "\n") + "\n"
  }

  static let faults: [Fault] =
    files + [
      line("scale_symetry_functions", "unknown keyword scale_symetry_functions"),
      line("symfunction_pair 1", "unknown keyword", "might change the result"),
      line("use_electrostatics", "electrostatics", "not possible yet"),
      line("use_vdw", "dispersion"),
      Fault(
        name: "nnp_generation 4", change: { $0.keywords.append("nnp_generation 4") }, says: ["weights for element H"]),
      line("nnp_type 3G-HDNNP", "use_electrostatics is missing"),
      line("nnp_type 7", "unknown kind", "allowed: 2, 3, 4"),
      line("nn_type_short 2", "only 1"),
      line("cutoff_type 2", "twice", "line 3"),
      line("cutoff_alpha 1.0", "0 ≤ α < 1").at(3),
      line("elements H O", "twice"),
      line("atom_energy Cu -1", "Cu is not an element", "H, O"),
      line("atom_energy H x", "not a finite number"),
      line("atom_energy H nan", "not a finite number"),
      line("mean_energy -1", "conv_energy, conv_length is missing"),
      line("scale_min_short 2", "not above").at(nil),
      line("element_nodes_short H 3 5", "layer"),
      line("element_nodes_short H 1 0", "nodes: 0"),
      line("element_hidden_layers_short H 3", "from 0 to 2"),
      line("element_activation_short H 1 2 g", "different activations").at(nil),
      line("element_activation_short H 3 1 t", "output must be linear"),
      line("element_symfunction_short H 3 0.1 1 6", "5 parameters", "eta lambda zeta rc"),
      line("global_symfunction_short 4 0.1 6", "unknown symmetry function type 4"),
      function("H 99 H 0.1 0 6", "unknown symmetry function type 99", "20, 21, 22"),
      function("H 2 Cu 0.1 0 6", "Cu is not an element of this potential"),
      function("Cu 2 H 0.1 0 6", "Cu is not an element of this potential"),
      function("H 2 H 0.1 6", "3 parameters", "neighbour eta rs rc"),
      function("H 3 H H 0.1 1 2 6 0 0", "8 parameters", "perhaps rs"),
      function("H 2 H 0.1 0 -6", "must be positive"),
      function("H 2 H -0.1 0 6", "eta"),
      function("H 3 H H 0.1 1 0 6", "zeta"),
      function("H 3 H H 0.1 1.5 1 6", "lambda"),
      function("H 20 H 6 5 p2", "above rl"),
      function("H 20 H 0 5 p5", "unknown subtype p5", "p4a"),
      function("H 20 H 0 5 ea", "unknown subtype ea"),
      function("H 21 H H 0 5 90 60 p2", "left < right"),
      function("H 22 H H 0 5 -30 60 p2", "centred at 0 or 180"),
      function("H 25 0 5 100 200 p2", "centred at 0 or 180"),
      function("H 2 O 0.1 0 25", "25.0 Å", "between 2 and 20"),
      Fault(
        name: "Bohr for Å", units: .atomic.scaled(3), says: ["input.nn:8", "6.0 / 5.6", "1.05", "between 2 and 20 Å"]),
      Fault(name: "no cutoff type", change: { $0.cutoff = "" }, says: ["cutoff_type is missing"]),
      Fault(name: "cutoff type 9", change: { $0.cutoff = "cutoff_type 9" }, says: ["input.nn:3", "0 to 8"]),
      Fault(name: "no layers", change: { $0.layers[0] = "" }, says: ["global_hidden_layers_short is missing"]),
      Fault(
        name: "too few nodes", change: { $0.layers[1] = "global_nodes_short 4" }, says: ["input.nn:5", "2 numbers"]),
      Fault(
        name: "unknown activation", change: { $0.layers[2] = "global_activation_short t x l" },
        says: ["input.nn:6", "unknown activation x"]),
      Fault(
        name: "an output that is not linear", change: { $0.layers[2] = "global_activation_short t t t" },
        says: ["input.nn:6", "only l"]),
      Fault(
        name: "too many activations", change: { $0.layers[2] = "global_activation_short t t t l" },
        says: ["input.nn:6", "4 activations for 2 hidden layers"]),
      Fault(
        name: "an element without functions", change: { $0.functions.removeLast(2) },
        says: ["no symmetry function for O"]),
    ]

  static let files: [Fault] = [
    edit("no input.nn", { $0["input.nn"] = nil }, "input.nn", "there is no input.nn"),
    edit("no elements", { $0["input.nn"] = "epochs 1\n" }, "elements", "missing"),
    edit("an unknown element", { $0["input.nn"] = "elements H Xx\n" }, "input.nn:1", "Xx is not a chemical element"),
    edit(
      "a wrong number of elements", { $0["input.nn"] = "elements H O\nnumber_of_elements 3\n" }, "input.nn:2",
      "2 symbols"),
    edit("no scaling.data", { $0["scaling.data"] = nil }, "scaling.data", "there is no scaling.data"),
    edit(
      "scaling.data too short", { $0["scaling.data"] = dropLast($0["scaling.data"]) }, "scaling.data:5",
      "before function 2 of 2 of O", "another potential"),
    edit(
      "scaling.data too long", { $0["scaling.data"]! += "2 3 0 1 0.5 0.1\n" }, "scaling.data:7",
      "5 symmetry functions"),
    edit(
      "scaling.data of another potential",
      { $0["scaling.data"] = $0["scaling.data"]!.replacingOccurrences(of: "\n1 3 ", with: "\n2 1 ") }, "scaling.data:4",
      "function 3 of 3 of H", "another potential"),
    edit(
      "scaling.data in disorder", { $0["scaling.data"] = "1 1 0.5 1 0.2 0.1\n" }, "scaling.data:1",
      "minimum ≤ mean"),
    edit(
      "a function that never varied",
      { $0["scaling.data"] = lines($0["scaling.data"]) { $0.hasPrefix("2 1 ") ? "2 1 3 3 3 0" : $0 } },
      "scaling.data:5", "never varied"),
    edit("no weights of an element", { $0["weights.008.data"] = nil }, "weights.008.data", "no weights for element O"),
    edit(
      "a weight too few", { $0["weights.001.data"] = dropLast($0["weights.001.data"]) }, "weights.001.data:35",
      "34 weights for element H", "3-4-3-1 has 35"),
    edit("a weight too many", { $0["weights.001.data"]! += "0.5\n" }, "weights.001.data:37", "36 weights", "35"),
    edit(
      "weights of another shape",
      { $0["weights.008.data"] = $0["weights.008.data"]!.replacingOccurrences(of: " b 1 1 1\n", with: " a 1 1 1\n") },
      "weights.008.data:10", "bias (b)", "2-4-3-1"),
    edit(
      "a weight that is no number", { $0["weights.008.data"] = "x\n" + dropLast($0["weights.008.data"]) },
      "weights.008.data:1", "x is not a finite number"),
    edit(
      "deviations that are not there",
      {
        $0["input.nn"] = $0["input.nn"]!.replacingOccurrences(
          of: "scale_symmetry_functions", with: "scale_symmetry_functions_sigma")
        $0["scaling.data"] = lines($0["scaling.data"]) { $0.split(separator: " ").prefix(5).joined(separator: " ") }
      }, "scaling.data:2", "column 6"),
  ]

  @Test(arguments: faults) func isOneClearError(_ fault: Fault) {
    var sample = HDNNPSample()
    fault.change(&sample)
    var files = sample.files
    fault.edit(&files)
    let error = #expect(throws: FaultlineError.self) { try HDNNPSample.read(files, fault.units) }
    let text = error?.description ?? ""
    for part in fault.says { #expect(text.contains(part), "“\(text)” lacks “\(part)”") }
    #expect(!text.contains("\n"))
  }

  @Test func unitsMustBePositive() {
    for (length, energy) in [(0, 1), (1, -1), (.nan, 1), (1, .infinity)] {
      #expect(throws: FaultlineError.self) { try HDNNPUnits(length: length, energy: energy) }
    }
  }
}

extension HDNNPFaultTests.Fault {
  /// The same with another line of input.nn, or none, in the message.
  func at(_ line: Int?) -> Self {
    var fault = self
    fault.says[0] = line.map { "input.nn:\($0)" } ?? "input.nn"
    return fault
  }
}

extension HDNNPUnits {
  func scaled(_ factor: Double) -> HDNNPUnits { try! HDNNPUnits(length: length * factor, energy: energy) }
}

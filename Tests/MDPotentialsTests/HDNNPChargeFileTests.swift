import Foundation
import MDCore
import MDPotentialFiles
import MDPotentials
import Testing

/// The files of the fourth generation.
@Suite struct HDNNPChargeFileTests {
  static var sample: HDNNPSample {
    var sample = HDNNPSample()
    sample.isCharged = true
    return sample
  }

  @Test func reads() throws {
    let model = try Self.sample.model()
    let charges = try #require(model.electrostatics)
    #expect(charges.elements.map(\.width) == [0.6, 1.1])
    #expect(charges.elements.map(\.hardness) == [1.5, 8.5])
    #expect(charges.elements.map(\.electronegativity.inputCount) == [3, 2])
    #expect(charges.elements[0].electronegativity.layers.map(\.activation) == [.logistic, .linear])
    #expect(model.elements.map(\.network.inputCount) == [4, 3])
    #expect(charges.screening == ScreeningFunction(.cosine, inner: 3, outer: 6))
    #expect(abs(charges.coulombFactor - 1) < 1e-6 && charges.coulombFactor != 1)
  }

  /// Lengths, energies and charges a length in the units of the files.
  @Test func converts() throws {
    var sample = Self.sample
    sample.chargeKeywords.removeAll { $0.hasPrefix("four_pi") }
    let model = try sample.model(.atomic)
    let charges = try #require(model.electrostatics)
    #expect(abs(charges.coulombFactor - 1) < 1e-10)
    #expect(abs(charges.elements[1].width - 1.1 * Units.bohr) < 1e-12)
    #expect(abs(charges.elements[1].hardness - 8.5 * Units.hartree) < 1e-10)
    let plain = try #require(try Self.sample.model().electrostatics)
    for (a, b) in zip(charges.elements, plain.elements) {
      let last = (a.electronegativity.layers.last!.biases[0], b.electronegativity.layers.last!.biases[0])
      #expect(abs(last.0 - last.1 * Units.hartree) < 1e-12)
    }
  }

  @Test(arguments: ["p1", "p2", "p3", "p4", "c"]) func screening(_ letter: String) throws {
    var sample = Self.sample
    sample.chargeKeywords = sample.chargeKeywords.map { $0.hasPrefix("screen") ? $0 + " " + letter : $0 }
    #expect(try sample.model().electrostatics?.screening?.core != nil)
    sample.chargeKeywords.removeAll { $0.hasPrefix("screen") }
    let model = try sample.model()
    #expect(model.electrostatics != nil && model.electrostatics?.screening == nil)
  }

  /// Of the second generation the same keywords say nothing.
  @Test func committeesAreOfOneGeneration() throws {
    let model = try Self.sample.model()
    let error = #expect(throws: FaultlineError.self) {
      _ = try HDNNPPotential(models: [model, model], species: ["H", "O"])
    }
    #expect(error?.description.contains("of one generation") == true)
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Takes away every line of input.nn that begins so,
    var without: String?
    /// adds a line,
    var line: String?
    /// changes files.
    var edit: @Sendable (inout [String: String]) -> Void = { _ in }
    var says: [String]
  }

  static let faults = [
    Fault(testDescription: "no width", without: "fixed_gausswidth O", says: ["fixed_gausswidth of O is missing"]),
    Fault(testDescription: "a width twice", line: "fixed_gausswidth O 2", says: ["input.nn:", "stands twice"]),
    Fault(
      testDescription: "no width at all", without: "fixed_gausswidth O", line: "fixed_gausswidth O 0",
      says: ["must be positive"]),
    Fault(
      testDescription: "no layers", without: "global_hidden_layers_electrostatic",
      says: ["global_hidden_layers_electrostatic is missing"]),
    Fault(
      testDescription: "functions of its own for one element", line: "symfunction_electrostatic H 2 H 0.1 0 6",
      says: ["no symmetry function for O", "symfunction_electrostatic"]),
    Fault(
      testDescription: "functions of its own without statistics",
      line: "symfunction_electrostatic H 2 H 0.1 0 6\nsymfunction_electrostatic O 2 H 0.1 0 6",
      says: ["scalinge.data", "symfunction_electrostatic"]),
    Fault(testDescription: "fixed charges", line: "fixed_charge H 0.4", says: ["fixed charges"]),
    Fault(
      testDescription: "another Coulomb law", without: "four_pi_epsilon", line: "four_pi_epsilon 1",
      says: ["input.nn:", "0.0694", "four_pi_epsilon"]),
    Fault(
      testDescription: "a range turned round", without: "screen_electrostatics", line: "screen_electrostatics 6 3",
      says: ["6.0 … 3.0"]),
    Fault(
      testDescription: "screening of other units", without: "screen_electrostatics",
      line: "screen_electrostatics 3 37.9",
      says: ["outer radius", "37.9", "at most 20.0 Å"]),
    Fault(
      testDescription: "an unknown screening", without: "screen_electrostatics", line: "screen_electrostatics 3 6 x",
      says: ["unknown screening function x", "p4"]),
    Fault(
      testDescription: "no electronegativity", edit: { $0["weightse.008.data"] = nil },
      says: ["weightse.008.data", "element O"]),
    Fault(
      testDescription: "weights of the second generation",
      edit: { $0["weights.001.data"] = HDNNPSample().files["weights.001.data"] },
      says: ["weights.001.data", "4-4-3-1"]),
    Fault(testDescription: "no hardness", edit: { $0["hardness.001.data"] = nil }, says: ["hardness for element H"]),
    Fault(
      testDescription: "two numbers", edit: { $0["hardness.001.data"] = "1 2" },
      says: ["hardness.001.data:1", "one number"]),
    Fault(testDescription: "a negative hardness", edit: { $0["hardness.001.data"] = "-1" }, says: ["negative"]),
    Fault(
      testDescription: "normalization", line: "mean_energy 1\nconv_energy 2\nconv_length 3", says: ["normalization"]),
  ]

  @Test(arguments: faults) func isOneClearError(_ fault: Fault) throws {
    try Self.expect(fault, in: Self.sample)
  }

  // MARK: Generation 3, and functions of its own

  /// Charges are e, whatever the units of the files; their functions have their own order, scaling and ranges.
  @Test(arguments: [HDNNPUnits.metal, .atomic]) func readsChargeNetworks(_ units: HDNNPUnits) throws {
    var sample = HDNNPSample.charging
    if units == .atomic { sample.chargeKeywords.removeAll { $0.hasPrefix("four_pi") } }
    let model = try sample.model(units)
    let charges = try #require(model.electrostatics)
    #expect(charges.charges == .scaled)
    #expect(model.elements.map(\.network.inputCount) == [3, 2])
    #expect(charges.elements.map(\.electronegativity.inputCount) == [2, 1])
    #expect(charges.elements.map { $0.functions.map(\.firstNeighbor) } == [[0, 1], [0]], "by cutoff")
    #expect(abs(charges.elements[0].functions[0].cutoff - 5 / units.length) < 1e-12)
    let scaling = FunctionScaling(shift: 0.5, factor: 1 / 3, offset: 0, minimum: 0.5, maximum: 3.5)
    #expect(charges.elements[0].scaling[1] == scaling)
    #expect(charges.elements.map(\.range) == [0.25...0.5, -1.5 ... -0.75])
    #expect(charges.elements.allSatisfy { $0.width == 0 && $0.hardness == 0 })
    let last = try #require(charges.elements[0].electronegativity.layers.last)
    #expect(
      last.biases
        == (try HDNNPSample.charging.model().electrostatics?.elements[0].electronegativity.layers.last?.biases))
    for (line, rule) in [("enforce_totcharge 0", HDNNPElectrostatics.Charges.shifted), ("", .shifted)] {
      sample.chargeKeywords = sample.chargeKeywords.filter { !$0.hasPrefix("enforce") } + [line]
      #expect(try sample.model(units).electrostatics?.charges == rule)
    }
  }

  /// In generation 4 too.
  @Test func readsOwnFunctions() throws {
    var sample = Self.sample
    sample.chargeFunctions = HDNNPSample.charging.chargeFunctions
    sample.chargeKeywords += ["scale_min_elec -1", "scale_max_elec 1"]
    let charges = try #require(try sample.model().electrostatics)
    #expect(charges.charges == .equilibrated && charges.elements.map(\.functions.count) == [2, 1])
    let scaling = FunctionScaling(shift: 0.5, factor: 1, offset: -1, minimum: 0.5, maximum: 2.5)
    #expect(charges.elements[1].scaling == [scaling])
    #expect(charges.elements.map(\.width) == [0.6, 1.1])
  }

  static let chargingFaults = [
    Fault(
      testDescription: "no charges", without: "use_electrostatics",
      says: ["input.nn", "use_electrostatics is missing"]),
    Fault(
      testDescription: "another kind", without: "electrostatic_type", line: "electrostatic_type 3",
      says: ["input.nn:", "electrostatic_type 3", "only 1"]),
    Fault(
      testDescription: "the other name", without: "electrostatic_type", line: "nn_type_elec 2", says: ["only 1"]),
    Fault(testDescription: "Gaussian shape", line: "fixed_gausswidth H 1", says: ["input.nn:", "Gaussian"]),
    Fault(testDescription: "Gaussian shape asked for", line: "use_gausswidth", says: ["Gaussian"]),
    Fault(testDescription: "given charges", line: "fixed_charge H 1", says: ["fixed charges"]),
    Fault(
      testDescription: "an unknown switch", without: "enforce_totcharge", line: "enforce_totcharge 2",
      says: ["enforce_totcharge 2", "0, 1"]),
    Fault(testDescription: "no statistics", edit: { $0["scalinge.data"] = nil }, says: ["there is no scalinge.data"]),
    Fault(
      testDescription: "a range too few", edit: { $0["scalinge.data"]!.removeLast("-1.5 -0.75\n".count) },
      says: ["scalinge.data:", "charges of O"]),
    Fault(
      testDescription: "a range turned round",
      edit: { $0["scalinge.data"] = $0["scalinge.data"]!.replacingOccurrences(of: "0.25 0.5", with: "0.5 0.25") },
      says: ["scalinge.data:4", "charge of H"]),
    Fault(
      testDescription: "a line too many", edit: { $0["scalinge.data"]! += "1 2\n" },
      says: ["scalinge.data:6", "more lines"]),
    Fault(
      testDescription: "a range of no width", line: "scale_max_elec 0", says: ["input.nn:", "scale_max_elec"]),
    Fault(testDescription: "no weights", edit: { $0["weightse.001.data"] = nil }, says: ["weightse.001.data"]),
  ]

  @Test(arguments: chargingFaults) func isOneClearErrorOfCharging(_ fault: Fault) throws {
    try Self.expect(fault, in: .charging)
  }

  private static func expect(_ fault: Fault, in sample: HDNNPSample) throws {
    var sample = sample
    if let without = fault.without { sample.chargeKeywords.removeAll { $0.hasPrefix(without) } }
    if let line = fault.line { sample.chargeKeywords.append(line) }
    var files = sample.files
    fault.edit(&files)
    let error = #expect(throws: FaultlineError.self) { _ = try HDNNPSample.read(files) }
    let text = error?.description ?? ""
    for part in fault.says { #expect(text.contains(part), "\(text) | \(part)") }
  }
}

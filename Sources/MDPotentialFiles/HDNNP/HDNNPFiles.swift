import Foundation
import MDCore

extension HDNNPModel {
  /// Reads `input.nn`, `scaling.data` and `weights.NNN.data` as n2p2 (Singraber et al., J. Chem. Theory Comput. 15,
  /// 1827 (2019)) and RuNNer (Behler, Angew. Chem. Int. Ed. 56, 12828 (2017)) write them. Errors name file and line.
  ///
  /// `atom_energy` is always added, as in n2p2 (RuNNer does so with `remove_atom_energies`).
  public init(directory: String, units: HDNNPUnits) throws {
    func path(_ name: String) -> String { directory.hasSuffix("/") ? directory + name : directory + "/" + name }
    let input = try HDNNPInput(file: path("input.nn"))
    let functions = try input.functions()
    try Self.checkCutoff(input, functions, units)
    let topologies = try input.topologies()
    let scaling = try Self.readScaling(input, path("scaling.data"), functions.map(\.count))
    let atomEnergies = try input.atomEnergies()
    let (meanEnergy, convEnergy) = try input.normalization()

    // In the fourth generation the charge is one more input.
    let inputs = input.generation == 4 ? 1 : 0

    elements = try input.elements.enumerated().map { index, element in
      let name = path("weights.\(Self.number(element.atomicNumber)).data")
      var network = try HDNNPWeights.read(
        file: name, symbol: element.symbol, inputCount: functions[index].count + inputs,
        topology: topologies[index], normalizesNodes: input.has("normalize_nodes"))
      network.scaleOutput(by: 1 / (convEnergy * units.energy))
      return HDNNPElement(
        symbol: element.symbol, atomicNumber: element.atomicNumber,
        offset: (atomEnergies[index] + meanEnergy) / units.energy,
        functions: functions[index].map { $0.function.inAngstrom(units) }, scaling: scaling[index], network: network)
    }
    if input.generation > 2 {
      electrostatics = try input.electrostatics(functions.map(\.count), directory: directory, units)
    }
  }

  /// NNN in the names of files.
  static func number(_ atomicNumber: Int) -> String {
    let digits = String(atomicNumber)
    return String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }

  private static func readScaling(
    _ input: HDNNPInput, _ file: String, _ counts: [Int]
  ) throws -> [[FunctionScaling]] {
    // Unscaled functions need no statistics; with them, extrapolation is noticed.
    if input.scalingMode == .none, !FileManager.default.fileExists(atPath: file) {
      return counts.map { Array(repeating: .none, count: $0) }
    }
    return try input.scaling(HDNNPScaling(file: file, symbols: input.elements.map(\.symbol), counts: counts))
  }

  /// Å.
  static let longestCutoff = 20.0

  /// Wrong units show in the longest cutoff.
  static func checkCutoff(
    _ input: HDNNPInput, _ functions: [[HDNNPInput.Function]], _ units: HDNNPUnits
  ) throws {
    guard let longest = functions.joined().max(by: { $0.function.cutoff < $1.function.cutoff }) else { return }
    let cutoff = longest.function.cutoff / units.length
    guard cutoff < 2 || cutoff > longestCutoff else { return }
    throw input.lines.error(
      "the longest cutoff comes out as \(longest.function.cutoff) / \(units.length) = \(cutoff) Å", longest.line,
      hint: "between 2 and \(Int(longestCutoff)) Å are possible; are the units those of the potential's files?")
  }

  /// The element of each species of a run.
  /// - Throws: when the potential lacks one.
  public func elementIndices(species: [String], file: String? = nil) throws -> [Int32] {
    try species.map { name in
      guard let index = elements.firstIndex(where: { $0.symbol == name }) else {
        throw FaultlineError(
          .input, "the HDNNP has no element \(name), which is in the structure",
          hint: "its elements are \(elements.map(\.symbol).joined(separator: ", "))",
          at: file.map { SourceLocation(file: $0) })
      }
      return Int32(index)
    }
  }
}

extension SymmetryFunction {
  func inAngstrom(_ units: HDNNPUnits) -> SymmetryFunction {
    var f = self
    f.cutoff /= units.length
    f.eta *= units.length * units.length
    f.shift /= units.length
    f.lowerRadius /= units.length
    return f
  }
}

extension FeedForwardNetwork {
  /// Multiplies the (linear) output.
  mutating func scaleOutput(by factor: Double) {
    let last = layers.count - 1
    layers[last].weights = layers[last].weights.map { $0 * factor }
    layers[last].biases = layers[last].biases.map { $0 * factor }
  }
}

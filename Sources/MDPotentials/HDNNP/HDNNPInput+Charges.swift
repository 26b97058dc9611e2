import MDCore

extension HDNNPInput {
  /// `fixed_gausswidth`, `screen_electrostatics`, `four_pi_epsilon`, and of each element the files `weightse.NNN.data`
  /// and `hardness.NNN.data`, as n2p2 reads them; all in the units of the potential.
  func electrostatics(
    _ functionCounts: [Int], directory: String, _ units: HDNNPUnits
  ) throws -> HDNNPElectrostatics {
    if let line = first("conv_energy") {
      throw lines.error("normalization in a potential of the fourth generation is not possible", line)
    }
    func path(_ name: String) -> String { directory.hasSuffix("/") ? directory + name : directory + "/" + name }
    let widths = try widths()
    let topologies = try topologies(.electrostatic)
    let all = try elements.enumerated().map { index, element in
      let number = HDNNPModel.number(element.atomicNumber)
      var network = try HDNNPWeights.read(
        file: path("weightse.\(number).data"), symbol: element.symbol, inputCount: functionCounts[index],
        topology: topologies[index], normalizesNodes: has("normalize_nodes"))
      network.scaleOutput(by: 1 / units.energy)
      return HDNNPElectrostatics.Element(
        electronegativity: network, hardness: try hardness(path("hardness.\(number).data"), element.symbol) / units.energy,
        width: widths[index] / units.length)
    }
    return HDNNPElectrostatics(
      elements: all, coulombFactor: try coulombFactor(units), screening: try screening(units))
  }

  /// σ of each element, file units.
  private func widths() throws -> [Double] {
    var widths = [Double?](repeating: nil, count: elements.count)
    for line in all("fixed_gausswidth") {
      let words = try arguments(line, "element width")
      let element = try element(words[1], line)
      guard widths[element] == nil else { throw lines.error("fixed_gausswidth \(words[1]) stands twice", line) }
      let width = try lines.number(words[2], "fixed_gausswidth", line)
      guard width > 0 else { throw lines.error("the width \(width) of a charge must be positive", line) }
      widths[element] = width
    }
    return try zip(widths, elements).map { width, element in
      guard let width else { throw lines.error("fixed_gausswidth of \(element.symbol) is missing", nil) }
      return width
    }
  }

  private func hardness(_ file: String, _ symbol: String) throws -> Double {
    let lines = try HDNNPLines(
      file: file, missing: "there is no hardness for element \(symbol)",
      hint: "an HDNNP of the fourth generation has a file hardness.NNN.data for each of its elements")
    guard lines.lines.count == 1, let line = lines.lines.first, line.words.count == 1 else {
      throw lines.error("one number is needed, the hardness of \(symbol)", lines.lines.first)
    }
    let value = try lines.number(line.words[0], "hardness", line)
    guard value >= 0 else { throw lines.error("the hardness \(value) must not be negative", line) }
    return value
  }

  /// 1/4πε of the files over that of nature; 1 within the digits of the units.
  private func coulombFactor(_ units: HDNNPUnits) throws -> Double {
    let factor = 1 / ((try number("four_pi_epsilon") ?? 1) * units.energy * units.length) / Units.coulomb
    guard abs(factor - 1) < 1e-3 else {
      throw lines.error(
        "four_pi_epsilon makes the Coulomb interaction of two charges \(factor) times as strong as it is",
        first("four_pi_epsilon"),
        hint: "1 in atomic units (which is also what holds without it), \(1 / Units.coulomb) in eV and Å")
    }
    return factor
  }

  private func screening(_ units: HDNNPUnits) throws -> ScreeningFunction? {
    guard let line = first("screen_electrostatics") else { return nil }
    guard (3...4).contains(line.words.count) else {
      throw lines.error("screen_electrostatics needs an inner and an outer radius and may have a type", line)
    }
    let inner = try lines.number(line.words[1], "inner radius", line)
    let outer = try lines.number(line.words[2], "outer radius", line)
    guard inner >= 0, outer > inner else {
      throw lines.error("screen_electrostatics: \(inner) … \(outer) is no range", line)
    }
    let letters: [String: ScreeningFunction.Core] = [
      "c": .cosine, "p1": .polynomial1, "p2": .polynomial2, "p3": .polynomial3, "p4": .polynomial4,
    ]
    let letter = line.words.count > 3 ? String(line.words[3]) : "c"
    guard let core = letters[letter] else {
      throw lines.error(
        "unknown screening function \(letter)", line, hint: "allowed: \(letters.keys.sorted().joined(separator: ", "))")
    }
    return ScreeningFunction(core, inner: inner / units.length, outer: outer / units.length)
  }
}

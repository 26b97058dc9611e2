import MDCore

extension HDNNPInput {
  /// `fixed_gausswidth`, `screen_electrostatics`, `four_pi_epsilon`, and of each element the files `weightse.NNN.data`
  /// and, in generation 4, `hardness.NNN.data`, as n2p2 reads them; `symfunction_electrostatic` with `scalinge.data`,
  /// and `electrostatic_type`, `enforce_totcharge` of generation 3 as RuNNer does. All in the units of the potential.
  /// - Parameter shared: number of symmetry functions of the energies, which the other networks read too if they have
  ///   none of their own.
  func electrostatics(_ shared: [Int], directory: String, _ units: HDNNPUnits) throws -> HDNNPElectrostatics {
    if let line = first("conv_energy") {
      throw lines.error("normalization in a potential of generation \(generation) is not possible", line)
    }
    func path(_ name: String) -> String { directory.hasSuffix("/") ? directory + name : directory + "/" + name }
    let charges = generation == 4 ? .equilibrated : try chargeSum()
    let own = try functions(.electrostatic)
    try HDNNPModel.checkCutoff(self, own, units)
    let statistics =
      own.isEmpty
      ? nil
      : try HDNNPScaling(
        file: path("scalinge.data"), symbols: elements.map(\.symbol), counts: own.map(\.count), network: .electrostatic)
    let scaling = try statistics.map { try self.scaling($0, .electrostatic) }
    let topologies = try topologies(.electrostatic)
    var all = try elements.enumerated().map { index, element in
      var network = try HDNNPWeights.read(
        file: path("weightse.\(HDNNPModel.number(element.atomicNumber)).data"), symbol: element.symbol,
        inputCount: own.isEmpty ? shared[index] : own[index].count, topology: topologies[index],
        normalizesNodes: has("normalize_nodes"))
      if generation == 4 { network.scaleOutput(by: 1 / units.energy) }
      var result = HDNNPElectrostatics.Element(electronegativity: network)
      if let scaling {
        result.functions = own[index].map { $0.function.inAngstrom(units) }
        result.scaling = scaling[index]
        result.range = statistics?.charges?[index]
      }
      return result
    }
    if generation == 4 {
      let widths = try widths()
      for (index, element) in elements.enumerated() {
        let file = path("hardness.\(HDNNPModel.number(element.atomicNumber)).data")
        all[index].hardness = try hardness(file, element.symbol) / units.energy
        all[index].width = widths[index] / units.length
      }
    }
    return HDNNPElectrostatics(
      charges, elements: all, coulombFactor: try coulombFactor(units), screening: try screening(units))
  }

  /// What makes the charges of generation 3 add up.
  private func chargeSum() throws -> HDNNPElectrostatics.Charges {
    guard has("use_electrostatics") else {
      throw lines.error(
        "use_electrostatics is missing: RuNNer leaves the charges out without it", first("nnp_type"),
        hint: "a potential without charges is of generation 2")
    }
    if let line = first("electrostatic_type") {
      guard try arguments(line, "type")[1] == "1" else {
        throw lines.error(
          "electrostatic_type \(line.words[1]) is not possible", line, hint: "only 1, charges by networks")
      }
    }
    guard let line = first("enforce_totcharge") else { return .shifted }
    switch try arguments(line, "switch")[1] {
    case "0": return .shifted
    case "1": return .scaled
    default: throw lines.error("enforce_totcharge \(line.words[1]) is unknown", line, hint: "allowed: 0, 1")
    }
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
    guard outer / units.length <= HDNNPModel.longestCutoff else {
      throw lines.error(
        "the outer radius of screen_electrostatics comes out as \(outer) / \(units.length) = \(outer / units.length) Å",
        line, hint: "at most \(HDNNPModel.longestCutoff) Å are possible; are the units those of the potential's files?")
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

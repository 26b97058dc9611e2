import MDCore

/// Reads `.yace` files.
struct CTildeReader {
  private let root: YAMLSection
  private var file = ACEFile()

  init(_ root: YAMLSection) { self.root = root }

  func read() throws -> ACEFile {
    var reader = self
    try reader.readElements()
    try reader.readBonds()
    try reader.readFunctions()
    return reader.file
  }

  private mutating func readElements() throws {
    file.elements = try root.words("elements")
    let count = file.elements.count
    guard (1...118).contains(count), Set(file.elements).count == count else {
      throw root.error("`elements` must name 1 to 118 elements, each once", root["elements"])
    }
    file.offsets = root["E0"] == nil ? Array(repeating: 0, count: count) : try root.numbers("E0", count: count)
    let embeddings = try root.section("embeddings")
    for element in 0..<count {
      let section = try embeddings.section("\(element)", "embedding \(element)")
      let embedding = try ACESections.embedding(
        section, parameters: "FS_parameters", coreKeys: ("rho_core_cutoff", "drho_core_cutoff"))
      let densities = try section.integer("ndensity", 1...ACEFile.mostDensities)
      guard densities == embedding.densityCount else {
        throw section.error(
          "`FS_parameters` has \(2 * embedding.densityCount) numbers for \(densities) densities",
          section["FS_parameters"], hint: "two a density are needed")
      }
      file.embeddings.append(embedding)
    }
  }

  private mutating func readBonds() throws {
    let sections = try root.section("bonds")
    var byPair: [SIMD2<Int>: YAMLSection] = [:]
    for entry in sections.entries {
      let numbers = entry.key.split(whereSeparator: { "[], ".contains($0) }).map { Int($0) }
      guard numbers.count == 2, let a = numbers[0], let b = numbers[1], file.elements.indices.contains(a),
        file.elements.indices.contains(b)
      else {
        throw sections.error(
          "`\(entry.key)` is no pair of elements", entry.value,
          hint: "two numbers from 0 to \(file.elements.count - 1) in brackets are needed")
      }
      byPair[SIMD2(a, b)] = try YAMLSection(entry.value, "bond [\(a), \(b)]", file: root.file)
    }
    var kind: ACEFile.InnerCutoff?
    for a in file.elements.indices {
      for b in file.elements.indices {
        guard let section = byPair[SIMD2(a, b)] else {
          throw sections.error("there is no bond [\(a), \(b)]", hint: "every pair of elements has one, in either order")
        }
        try ACESections.innerCutoff(section, &kind)
        file.bonds.append(try bond(section))
      }
    }
    file.innerCutoff = kind ?? .density
  }

  private func bond(_ section: YAMLSection) throws -> ACEFile.Bond {
    var bond = ACEFile.Bond()
    bond.form = try ACESections.radialForm(section, "radbasename")
    bond.basisCount = try section.integer("nradbasemax", 1...ACEFile.mostRadialFunctions)
    bond.radialCount = try section.integer("nradmax", 0...ACEFile.mostRadialFunctions)
    bond.degree = try section.integer("lmax", 0...ACEFile.mostDegree)
    bond.parameter = try section.numbers("radparameters").first ?? 0
    bond.coefficients = try ACESections.coefficients(
      section, "radcoefficients", n: bond.radialCount, l: bond.degree + 1, k: bond.basisCount)
    bond.corePrefactor = try section.number("prehc", default: 0)
    bond.coreDecay = try section.number("lambdahc", default: 0)
    bond.cutoff = try section.number("rcut")
    bond.cutoffWidth = try section.number("dcut")
    bond.innerCutoff = try section.number("rcut_in", default: 0)
    bond.innerWidth = try section.number("dcut_in", default: 0)
    bond.tableStep = try root.number("deltaSplineBins", default: 0.001)
    try ACESections.check(bond, section)
    return bond
  }

  private mutating func readFunctions() throws {
    let sections = try root.section("functions")
    for element in file.elements.indices {
      let densities = file.embeddings[element].densityCount
      let list = try sections.list("\(element)")
      file.functions.append(
        try list.map { node in
          let section = try YAMLSection(node, "a function of element \(element)", file: root.file)
          let rank = try section.integer("rank", 1...ACEFile.mostFactors)
          let terms = try section.integer("num_ms_combs", 1...1_000_000)
          guard try section.integer("ndensity", 1...ACEFile.mostDensities) == densities else {
            throw section.error("`ndensity` is not that of the embedding, \(densities)", section["ndensity"])
          }
          guard try section.integer("mu0", 0...file.elements.count - 1) == element else {
            throw section.error("`mu0` is not \(element), under which the function stands", section["mu0"])
          }
          let mus = try section.integers("mus", count: rank, 0...file.elements.count - 1)
          let ns = try section.integers("ns", count: rank, 1...ACEFile.mostRadialFunctions)
          let ls = try section.integers("ls", count: rank, 0...ACEFile.mostDegree)
          let function = ACEFile.Function(
            factors: (0..<rank).map { ACEFile.Factor(element: mus[$0], n: ns[$0], l: ls[$0]) },
            orders: try section.integers(
              "ms_combs", count: rank * terms, -ACEFile.mostDegree...ACEFile.mostDegree),
            coefficients: try section.numbers("ctildes", count: terms * densities))
          try ACESections.check(function, centre: element, file, section)
          return function
        })
    }
  }
}

import MDCore

/// Reads the `.yaml` files of pacemaker (B-basis): blocks of one element, of pairs and of more elements, and functions
/// whose couplings are made here.
struct BBasisReader {
  private let root: YAMLSection
  private var file = ACEFile()

  init(_ root: YAMLSection) { self.root = root }

  private struct Block {
    var elements: [String]
    var section: YAMLSection
  }

  func read() throws -> ACEFile {
    var reader = self
    try reader.readAll()
    return reader.file
  }

  private mutating func readAll() throws {
    var blocks: [Block] = []
    for node in try root.list("species") {
      let section = try YAMLSection(node, "a block of `species`", file: root.file)
      let names = try section.text("speciesblock").split(separator: " ").map(String.init)
      guard !names.isEmpty else { throw section.error("`speciesblock` names no element", section["speciesblock"]) }
      blocks.append(
        Block(elements: names, section: try YAMLSection(node, "block \(names.joined(separator: " "))", file: root.file)))
    }
    file.elements = blocks.filter { $0.elements.count == 1 }.map { $0.elements[0] }.sorted()
    let count = file.elements.count
    guard (1...118).contains(count), Set(file.elements).count == count else {
      throw root.error("`species` must have a block for each element, and one alone", root["species"])
    }
    for block in blocks {
      if let unknown = block.elements.first(where: { !file.elements.contains($0) }) {
        throw block.section.error("there is no block for element \(unknown)", hint: "\(block.section.name) names it")
      }
    }
    file.offsets = Array(repeating: 0, count: count)
    for element in file.elements {
      let section = blocks.first { $0.elements == [element] }!.section
      let embedding = try ACESections.embedding(
        section, parameters: "parameters", coreCutoff: 1e5, coreWidth: 250,
        coreKeys: ("rho_core_cut", "drho_core_cut"))
      let densities = try section.integer("ndensityi", 1...ACEFile.mostDensities)
      guard densities == embedding.densityCount else {
        throw section.error(
          "`parameters` has \(2 * embedding.densityCount) numbers for \(densities) densities", section["parameters"],
          hint: "two a density are needed")
      }
      file.embeddings.append(embedding)
    }
    try readBonds(blocks)
    try readFunctions(blocks)
  }

  private mutating func readBonds(_ blocks: [Block]) throws {
    var kind: ACEFile.InnerCutoff?
    for a in file.elements {
      for b in file.elements {
        func section(_ names: [String]) -> YAMLSection? { blocks.first { $0.elements == names }?.section }
        let (own, other) = a == b ? (section([a]), nil) : (section([a, b]), section([b, a]))
        guard let first = own ?? other else {
          throw root.error("there is no block for the pair \(a) \(b)", root["species"])
        }
        // Given in both orders they must agree.
        if let own, let other {
          for key in Self.bondKeys {
            if let p = own[key], let q = other[key], !Self.isSame(p, q) {
              throw own.error("`\(key)` of block \(a) \(b) is another one than in block \(b) \(a)", p)
            }
          }
        }
        let all = first.completed(by: other)
        try ACESections.innerCutoff(all, &kind)
        file.bonds.append(try bond(all))
      }
    }
    file.innerCutoff = kind ?? .density
  }

  private static let bondKeys = [
    "nradmaxi", "lmaxi", "rcutij", "dcutij", "nradbaseij", "radbase", "radparameters", "radcoefficients",
    "core-repulsion", "r_in", "delta_in", "inner_cutoff_type",
  ]

  private static func isSame(_ a: YAMLNode, _ b: YAMLNode) -> Bool {
    switch (a.value, b.value) {
    case (.text(let p), .text(let q)): p == q
    case (.numbers(let p), .numbers(let q)): p == q
    case (.list(let p), .list(let q)): p.count == q.count && zip(p, q).allSatisfy(isSame)
    default: false
    }
  }

  private func bond(_ section: YAMLSection) throws -> ACEFile.Bond {
    var bond = ACEFile.Bond()
    bond.form = try ACESections.radialForm(section, "radbase")
    bond.basisCount = try section.integer("nradbaseij", 1...ACEFile.mostRadialFunctions)
    bond.radialCount = try section.integer("nradmaxi", 0...ACEFile.mostRadialFunctions)
    bond.degree = try section.integer("lmaxi", 0...ACEFile.mostDegree)
    bond.parameter = try section.numbers("radparameters").first ?? 0
    bond.coefficients = try ACESections.coefficients(
      section, "radcoefficients", n: bond.radialCount, l: bond.degree + 1, k: bond.basisCount)
    if section["core-repulsion"] != nil {
      let core = try section.numbers("core-repulsion", count: 2)
      bond.corePrefactor = core[0]
      bond.coreDecay = core[1]
    }
    bond.cutoff = try section.number("rcutij")
    bond.cutoffWidth = try section.number("dcutij")
    bond.innerCutoff = try section.number("r_in", default: 0)
    bond.innerWidth = try section.number("delta_in", default: 0)
    if root["global"] != nil { bond.tableStep = try root.section("global").number("DeltaSplineBins", default: 0.001) }
    try ACESections.check(bond, section)
    return bond
  }

  private mutating func readFunctions(_ blocks: [Block]) throws {
    file.functions = Array(repeating: [], count: file.elements.count)
    struct Key: Hashable {
      var ls: [Int]
      var intermediate: [Int]
    }
    // The same couplings come with many radial functions.
    var known: [Key: (orders: [Int], factors: [Double])] = [:]
    var sorted: [[(key: [Int], function: ACEFile.Function)]] = Array(repeating: [], count: file.elements.count)
    for block in blocks where block.section["nbody"] != nil {
      for node in try block.section.list("nbody") {
        let section = try YAMLSection(node, "a function of \(block.section.name)", file: root.file)
        if section["skip"] != nil, try section.text("skip") == "true" { continue }
        let names = try section.text("type").split(separator: " ").map(String.init)
        let elements = try names.map { name in
          guard let index = file.elements.firstIndex(of: name) else {
            throw section.error("`type` names \(name), which has no block", section["type"])
          }
          return index
        }
        let rank = elements.count - 1
        guard (1...ACEFile.mostFactors).contains(rank), names[0] == block.elements[0] else {
          throw section.error(
            "`type` is “\(names.joined(separator: " "))”", section["type"],
            hint: "the centre \(block.elements[0]) and 1 to \(ACEFile.mostFactors) neighbours are needed")
        }
        let centre = elements[0]
        let ns = try section.integers("nr", count: rank, 1...ACEFile.mostRadialFunctions)
        let ls = try section.integers("nl", count: rank, 0...ACEFile.mostDegree)
        let intermediate =
          rank < 3 ? [] : try section.integers("lint", count: rank - 2, 0...rank * ACEFile.mostDegree)
        guard ls.reduce(0, +) % 2 == 0 else { throw section.error("the sum of `nl` is odd", section["nl"]) }
        let c = try section.numbers("c", count: file.embeddings[centre].densityCount)
        let key = Key(ls: ls, intermediate: intermediate)
        let terms = known[key] ?? ClebschGordan.terms(ls, intermediate)
        known[key] = terms
        guard !terms.factors.isEmpty else {
          throw section.error("`nl` and `lint` couple to nothing", section["nl"], hint: "is every l within reach?")
        }
        let function = ACEFile.Function(
          factors: (0..<rank).map { ACEFile.Factor(element: elements[$0 + 1], n: ns[$0], l: ls[$0]) },
          orders: terms.orders, coefficients: terms.factors.flatMap { term in c.map { $0 * term } },
          couplings: terms.factors)
        try ACESections.check(function, centre: centre, file, section)
        // The order of the active set: functions of one factor first, then by what they are made of.
        let order =
          [rank == 1 ? 0 : 1, rank] + Array(elements.dropFirst()) + ns + ls + [terms.factors.count] + terms.orders
        sorted[centre].append((order, function))
      }
    }
    for centre in file.elements.indices {
      sorted[centre].sort { $0.key.lexicographicallyPrecedes($1.key) }
      file.functions[centre] = sorted[centre].enumerated().map { row, item in
        var function = item.function
        function.row = row
        return function
      }
    }
  }
}

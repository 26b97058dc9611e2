import Foundation
import MDCore

/// Reads `.ace` files: the text format of one element before YAML.
struct LegacyACEReader {
  private var text: TableReader
  private let path: String
  private var file = ACEFile()

  /// Whether the first line that is no comment is `nelements=…`.
  static func recognizes(_ bytes: [UInt8]) -> Bool {
    for line in bytes.prefix(10_000).split(separator: UInt8(ascii: "\n")) {
      let words = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
      if words.isEmpty || words.hasPrefix("#") { continue }
      return words.hasPrefix("nelements")
    }
    return false
  }

  static func read(_ bytes: [UInt8], file: String) throws -> ACEFile {
    // Punctuation parts words; numbers, names and keys are left.
    let plain = bytes.map { "=:()<>".utf8.contains($0) ? UInt8(ascii: " ") : $0 }
    var reader = LegacyACEReader(text: TableReader(bytes: plain, file: file), path: file)
    return try reader.readAll()
  }

  private init(text: TableReader, path: String) {
    self.text = text
    self.path = path
  }

  /// The next line with words; it must begin with those of the key. The words behind the key.
  private mutating func line(_ key: String) throws -> [TableReader.Word] {
    let words = try text.words(1, "`\(key)`")
    return try rest(words, key)
  }

  private func rest(_ words: [TableReader.Word], _ key: String) throws -> [TableReader.Word] {
    let wanted = key.split(separator: " ").map(String.init)
    guard words.count >= wanted.count, zip(words, wanted).allSatisfy({ $0.text == $1 }) else {
      throw text.error("`\(key)` is needed here, not “\(words[0].shown)”", at: words[0])
    }
    return Array(words.dropFirst(wanted.count))
  }

  private mutating func numbers(_ key: String, _ count: Int) throws -> [Double] {
    let words = try line(key)
    guard words.count == count else {
      throw text.error("`\(key)` has \(words.count) numbers", hint: "\(count) are needed", at: words.first)
    }
    return try words.map { try text.number($0, key) }
  }

  private mutating func integer(_ key: String, _ allowed: ClosedRange<Int>) throws -> Int {
    let words = try line(key)
    guard words.count == 1 else { throw text.error("`\(key)` needs one number", at: words.first) }
    return try text.integer(words[0], key, allowed)
  }

  private mutating func readAll() throws -> ACEFile {
    let elementCount = try integer("nelements", 1...118)
    guard elementCount == 1 else {
      throw text.error("\(elementCount) elements in an old `.ace` file are not supported", hint: "one is; convert it to `.yace`")
    }
    let names = try line("elements")
    guard names.count == 1 else { throw text.error("`elements` must name one element", at: names.first) }
    file.elements = [names[0].text]
    let degree = try integer("lmax", 0...ACEFile.mostDegree)
    let (embedding, last) = try readEmbedding()
    file.embeddings = [embedding]
    var bond = ACEFile.Bond()
    // E0 may be missing.
    var words = last
    file.offsets = [0]
    if words[0].text == "E0" {
      guard words.count == 2 else { throw text.error("`E0` needs one number", at: words[0]) }
      file.offsets = [try text.number(words[1], "E0")]
      words = try text.words(1, "`radbasename`")
    }
    let form = try rest(words, "radbasename")
    guard form.count == 1, let radial = ACEFile.RadialForm(rawValue: form[0].text) else {
      throw text.error(
        "the radial basis “\(form.first?.shown ?? "")” is not supported",
        hint: "\(ACEFile.RadialForm.allCases.map(\.rawValue).joined(separator: ", ")) are", at: form.first)
    }
    bond.form = radial
    bond.degree = degree
    bond.basisCount = try integer("nradbase", 1...ACEFile.mostRadialFunctions)
    bond.radialCount = try integer("nradmax", 0...ACEFile.mostRadialFunctions)
    _ = try numbers("cutoffmax", 1)
    bond.tableStep = try numbers("deltaSplineBins", 1)[0]
    let core = try numbers("core repulsion parameters", 2)
    (bond.corePrefactor, bond.coreDecay) = (core[0], core[1])
    bond.parameter = try numbers("radparameter", 1)[0]
    bond.cutoff = try numbers("cutoff", 1)[0]
    bond.cutoffWidth = try numbers("dcut", 1)[0]
    try readCoefficients(&bond)
    try check(bond)
    file.bonds = [bond]
    try readFunctions()
    return file
  }

  private mutating func readEmbedding() throws -> (ACEFile.Embedding, next: [TableReader.Word]) {
    let names = try line("embedding-function")
    guard names.count == 1, let form = ACEFile.EmbeddingForm(rawValue: names[0].text) else {
      throw text.error(
        "the embedding function “\(names.first?.shown ?? "")” is not supported",
        hint: "\(ACEFile.EmbeddingForm.allCases.map(\.rawValue).joined(separator: " and ")) are", at: names.first)
    }
    // The number of parameters stands before their name.
    let words = try text.words(4, "the parameters of the embedding function")
    let count = try text.integer(words[0], "the number of FS parameters", 2...2 * ACEFile.mostDensities)
    let values = try rest(Array(words.dropFirst()), "FS parameters").map { try text.number($0, "FS parameters") }
    guard values.count == count, count % 2 == 0 else {
      throw text.error("\(values.count) FS parameters where \(count) are announced", hint: "two a density", at: words[0])
    }
    var embedding = ACEFile.Embedding(
      form: form, weights: stride(from: 0, to: count, by: 2).map { values[$0] },
      exponents: stride(from: 1, to: count, by: 2).map { values[$0] })
    for m in embedding.exponents where !(m > 0 && m <= 10) {
      throw text.error("the exponent \(m) of an embedding function", hint: "above 0 and up to 10 is allowed", at: words[0])
    }
    let core = try numbers("core energy-cutoff parameters", 2)
    (embedding.coreCutoff, embedding.coreWidth) = (core[0], core[1])
    return (embedding, try text.words(1, "`radbasename`"))
  }

  /// c_nlk with k slowest, then n, then l.
  private mutating func readCoefficients(_ bond: inout ACEFile.Bond) throws {
    let (n, l, k) = (bond.radialCount, bond.degree + 1, bond.basisCount)
    var flat: [Double] = []
    var words = try line("crad")
    while true {
      flat += try words.map { try text.number($0, "crad") }
      if flat.count >= n * l * k { break }
      words = try text.words(1, "crad, number \(flat.count + 1) of \(n * l * k)")
    }
    guard flat.count == n * l * k else {
      throw text.error("`crad` has \(flat.count) numbers", hint: "\(n * l * k) are needed")
    }
    bond.coefficients = (0..<n).flatMap { a in (0..<l).flatMap { b in (0..<k).map { flat[($0 * n + a) * l + b] } } }
  }

  private func check(_ bond: ACEFile.Bond) throws {
    let section = try YAMLSection(YAMLNode(value: .map([]), line: 1), "the file", file: path)
    try ACESections.check(bond, section)
  }

  private mutating func readFunctions() throws {
    let densities = file.embeddings[0].densityCount
    var functions: [ACEFile.Function] = []
    _ = try integer("rankmax", 1...ACEFile.mostFactors)
    _ = try integer("ndensitymax", 1...ACEFile.mostDensities)
    let announced = try integer("num_c_tilde_max", 1...10_000_000)
    _ = try integer("num_ms_combinations_max", 1...10_000_000)
    while let first = text.rest() {
      // Headings of the two lists count functions: a number on the rest of the line.
      if first.text.hasPrefix("total_basis_size") {
        _ = try text.words(1, "the number of functions")
        continue
      }
      guard first.text == "ctilde_basis_func" else {
        throw text.error("`ctilde_basis_func` is needed here, not “\(first.shown)”", at: first)
      }
      functions.append(try function(densities))
    }
    guard functions.count <= announced, !functions.isEmpty else {
      throw text.error("\(functions.count) functions where num_c_tilde_max is \(announced)")
    }
    file.functions = [functions]
  }

  private mutating func function(_ densities: Int) throws -> ACEFile.Function {
    let head = try text.words(7, "a function")
    func value(_ k: Int, _ key: String, _ allowed: ClosedRange<Int>) throws -> Int {
      guard head.count > k + 1, head[k].text == key else {
        throw text.error("`\(key)` is needed in the head of a function", at: head[min(k, head.count - 1)])
      }
      return try text.integer(head[k + 1], key, allowed)
    }
    let rank = try value(0, "rank", 1...ACEFile.mostFactors)
    guard try value(2, "ndens", 1...ACEFile.mostDensities) == densities else {
      throw text.error("`ndens` is not that of the embedding, \(densities)", at: head[3])
    }
    _ = try value(4, "mu0", 0...0)
    func list(_ words: [TableReader.Word], _ key: String, _ allowed: ClosedRange<Int>) throws -> [Int] {
      let numbers = try rest(words, key)
      guard numbers.count == rank else {
        throw text.error("`\(key)` has \(numbers.count) numbers for \(rank) factors", at: words[0])
      }
      return try numbers.map { try text.integer($0, key, allowed) }
    }
    _ = try list(Array(head.dropFirst(6)), "mu", 0...0)
    let n = try list(text.words(1, "`n`"), "n", 1...ACEFile.mostRadialFunctions)
    let l = try list(text.words(1, "`l`"), "l", 0...ACEFile.mostDegree)
    let terms = try integer("num_ms", 1...1_000_000)
    var orders: [Int] = []
    var coefficients: [Double] = []
    for _ in 0..<terms {
      let words = try text.words(rank + densities, "a term of a function")
      guard words.count == rank + densities else {
        throw text.error("a term has \(words.count) numbers", hint: "\(rank) m and \(densities) c are needed", at: words[0])
      }
      orders += try words[..<rank].map { try text.integer($0, "m", -ACEFile.mostDegree...ACEFile.mostDegree) }
      coefficients += try words[rank...].map { try text.number($0, "c") }
    }
    let function = ACEFile.Function(
      factors: (0..<rank).map { ACEFile.Factor(element: 0, n: n[$0], l: l[$0]) }, orders: orders,
      coefficients: coefficients)
    let bond = file.bonds[0]
    for factor in function.factors {
      let most = rank == 1 ? bond.basisCount : bond.radialCount
      guard factor.n <= most, factor.l <= (rank == 1 ? 0 : bond.degree) else {
        throw text.error("a function has n = \(factor.n) and l = \(factor.l), beyond nradmax or lmax", at: head[0])
      }
    }
    for (k, m) in orders.enumerated() where abs(m) > l[k % rank] {
      throw text.error("a function has m = \(m) with l = \(l[k % rank])", at: head[0])
    }
    return function
  }
}

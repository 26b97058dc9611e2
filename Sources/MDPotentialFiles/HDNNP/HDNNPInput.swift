import MDCore

/// `input.nn` as n2p2 and RuNNer write it: one keyword a line, in any order. Values stay in the file's units.
struct HDNNPInput {
  let lines: HDNNPLines
  /// By keyword, in order; the keyword itself is the first word.
  private let found: [String: [HDNNPLines.Line]]
  /// In order of atomic number, as everywhere.
  let elements: [(symbol: String, atomicNumber: Int)]
  /// 2, 3 or 4.
  let generation: Int

  init(file: String) throws {
    lines = try HDNNPLines(
      file: file, missing: "there is no input.nn",
      hint: "the directory of an HDNNP holds input.nn, scaling.data and weights.NNN.data")
    generation = try Self.readGeneration(lines)
    found = try Self.sort(lines, generation)
    elements = try Self.readElements(lines, found)
    if let line = first("nn_type_short"), line.words.dropFirst().first != "1" {
      throw lines.error("nn_type_short: only 1 (atomic networks) is possible", line)
    }
  }

  func all(_ keyword: String) -> [HDNNPLines.Line] { found[keyword] ?? [] }
  func first(_ keyword: String) -> HDNNPLines.Line? { found[keyword]?.first }
  func has(_ keyword: String) -> Bool { found[keyword] != nil }

  /// Checks every keyword and gathers those that matter.
  private static func sort(_ lines: HDNNPLines, _ generation: Int) throws -> [String: [HDNNPLines.Line]] {
    var found: [String: [HDNNPLines.Line]] = [:]
    for line in lines.lines {
      let word = String(line.words[0])
      if HDNNPKeywords.training.contains(word) { continue }
      let keyword = HDNNPKeywords.aliases[word] ?? word
      switch HDNNPKeywords.treatment(of: keyword, generation: generation) {
      case .honoured: break
      case .passedOver: continue
      case .refused(let term): throw lines.error("\(word): \(term) in an HDNNP is not possible yet", line)
      }
      guard let repeats = HDNNPKeywords.repeats(keyword) else {
        throw lines.error(
          "unknown keyword \(word), which might change the result", line,
          hint: "remove it if it does not; known and used: "
            + HDNNPKeywords.prediction.keys.sorted().joined(separator: ", "))
      }
      if !repeats, let before = found[keyword]?.first {
        throw lines.error("\(word) stands twice, first in line \(before.number)", line)
      }
      found[keyword, default: []].append(line)
    }
    return found
  }

  private static func readElements(
    _ lines: HDNNPLines, _ found: [String: [HDNNPLines.Line]]
  ) throws -> [(symbol: String, atomicNumber: Int)] {
    guard let line = found["elements"]?.first, line.words.count > 1 else {
      throw lines.error("the keyword elements with the symbols of the elements is missing", found["elements"]?.first)
    }
    var elements: [(symbol: String, atomicNumber: Int)] = []
    for word in line.words.dropFirst() {
      guard let number = Elements.atomicNumber(of: String(word)) else {
        throw lines.error("elements: \(word) is not a chemical element", line)
      }
      if elements.contains(where: { $0.atomicNumber == number }) {
        throw lines.error("elements: \(word) stands twice", line)
      }
      elements.append((String(word), number))
    }
    if let count = found["number_of_elements"]?.first {
      guard count.words.count == 2, Int(count.words[1]) == elements.count else {
        throw lines.error(
          "number_of_elements does not match the \(elements.count) symbols of elements in line \(line.number)", count)
      }
    }
    return elements.sorted { $0.atomicNumber < $1.atomicNumber }
  }

  private static func readGeneration(_ lines: HDNNPLines) throws -> Int {
    let names = ["nnp_type"] + HDNNPKeywords.aliases.filter { $0.value == "nnp_type" }.keys
    guard let line = lines.lines.first(where: { names.contains(String($0.words[0])) }) else { return 2 }
    switch line.words.dropFirst().first ?? "" {
    case "2", "2G", "2G-HDNNP": return 2
    case "4", "4G", "4G-HDNNP": return 4
    case "3", "3G", "3G-HDNNP": return 3
    default: throw lines.error("\(line.words[0]): unknown kind of potential", line, hint: "allowed: 2, 3, 4")
    }
  }

  /// Index of an element in order of atomic number.
  func element(_ word: Substring, _ line: HDNNPLines.Line) throws -> Int {
    guard let index = elements.firstIndex(where: { $0.symbol == word }) else {
      throw lines.error(
        "\(line.words[0]): \(word) is not an element of this potential", line,
        hint: "elements: \(elements.map(\.symbol).joined(separator: ", "))")
    }
    return index
  }

  /// The words after the keyword, as many as there must be.
  func arguments(_ line: HDNNPLines.Line, _ names: String) throws -> ArraySlice<Substring> {
    let count = names.split(separator: " ").count
    guard line.words.count == count + 1 else {
      throw lines.error("\(line.words[0]) needs \(count) value\(count == 1 ? "" : "s"): \(names)", line)
    }
    return line.words.dropFirst()
  }

  /// The one number of a keyword; nil where it does not stand.
  func number(_ keyword: String) throws -> Double? {
    guard let line = first(keyword) else { return nil }
    return try lines.number(try arguments(line, "number")[1], keyword, line)
  }

  /// f_c of the Gaussian functions: `cutoff_type T [α]` and `cutoff_alpha α`.
  func cutoffFunction() throws -> CutoffFunction? {
    guard let line = first("cutoff_type") else { return nil }
    guard (2...3).contains(line.words.count) else {
      throw lines.error("cutoff_type needs a number from 0 to 8 and may have α after it", line)
    }
    guard let raw = Int(line.words[1]), let kind = CutoffFunction.Kind(rawValue: raw) else {
      throw lines.error("unknown cutoff_type \(line.words[1])", line, hint: "allowed: 0 to 8")
    }
    var cutoff = CutoffFunction(kind)
    if line.words.count == 3 { cutoff.alpha = try lines.number(line.words[2], "α of cutoff_type", line) }
    if let alpha = try number("cutoff_alpha") {
      guard line.words.count == 2 || cutoff.alpha == alpha else {
        throw lines.error("cutoff_alpha \(alpha) contradicts cutoff_type in line \(line.number)", first("cutoff_alpha"))
      }
      cutoff.alpha = alpha
    }
    guard cutoff.alpha >= 0, cutoff.alpha < 1 else {
      throw lines.error("α of the cutoff function is \(cutoff.alpha)", line, hint: "0 ≤ α < 1")
    }
    if kind == .tanh || kind == .tanhUnnormalized { cutoff.alpha = 0 }
    return cutoff
  }

  /// `atom_energy` of each element, file units.
  func atomEnergies() throws -> [Double] {
    var energies = Array(repeating: 0.0, count: elements.count)
    var seen: Set<Int> = []
    for line in all("atom_energy") {
      let words = try arguments(line, "element energy")
      let element = try element(words[1], line)
      guard seen.insert(element).inserted else { throw lines.error("atom_energy \(words[1]) stands twice", line) }
      energies[element] = try lines.number(words[2], "atom_energy", line)
    }
    return energies
  }

  /// `mean_energy` and `conv_energy`: E = E(network) / convEnergy + meanEnergy an atom. `conv_length` cancels: symmetry
  /// functions have no unit, their parameters are in physical ones.
  func normalization() throws -> (meanEnergy: Double, convEnergy: Double) {
    let names = ["mean_energy", "conv_energy", "conv_length"]
    let missing = names.filter { !has($0) }
    if missing.count == names.count { return (0, 1) }
    guard missing.isEmpty else {
      throw lines.error(
        "\(missing.joined(separator: ", ")) is missing", names.lazy.compactMap { first($0) }.first,
        hint: "normalization needs all of \(names.joined(separator: ", ")), or none")
    }
    let mean = try number("mean_energy")!
    for name in names.dropFirst() where try number(name)! <= 0 {
      throw lines.error("\(name) must be positive", first(name))
    }
    return (mean, try number("conv_energy")!)
  }
}

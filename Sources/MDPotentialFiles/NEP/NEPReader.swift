import Foundation
import MDCore

/// Reads `nep.txt` of GPUMD: a head of keyword lines, then numbers.
package struct NEPReader {
  private var text: TableReader
  private var file = NEPFile()
  private var hasRepulsion = false
  private var flexible = false
  /// zbl's inner and outer, and the factor of the covalent radii.
  private var switching = (0.0, 0.0)
  private var repulsionFactor = 0.0

  private init(_ text: TableReader) { self.text = text }

  /// - Throws: `FaultlineError` with file and line.
  package static func read(_ path: String) throws -> NEPFile {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw FaultlineError(.input, "cannot read \(path)")
    }
    var reader = NEPReader(TableReader(bytes: Array(data), file: path))
    return try reader.read()
  }

  private mutating func read() throws -> NEPFile {
    try tag()
    if hasRepulsion { try zbl() }
    try cutoffs()
    let n = try keyword("n_max", 2...2)
    file.radialCount = try text.integer(n[0], "n_max of the radial functions", 0...30) + 1
    file.angularCount = try text.integer(n[1], "n_max of the angular functions", 0...30) + 1
    let k = try keyword("basis_size", 2...2)
    file.radialBasis = try text.integer(k[0], "basis_size of the radial functions", 0...30) + 1
    file.angularBasis = try text.integer(k[1], "basis_size of the angular functions", 0...30) + 1
    try degrees()
    let ann = try keyword("ANN", 2...2)
    file.neurons = try text.integer(ann[0], "the number of neurons", 1...1000)
    _ = try text.integer(ann[1], "the number of neurons of a second layer", 0...0)
    try numbers()
    return file
  }

  /// The words behind a keyword.
  private mutating func keyword(_ name: String, _ counts: ClosedRange<Int>) throws -> [TableReader.Word] {
    let words = try text.words(1, "the line `\(name)`")
    guard words[0].text == name else {
      throw text.error("the line `\(name)` is needed, not “\(words[0].shown)”", at: words[0])
    }
    guard counts.contains(words.count - 1) else {
      let wanted =
        counts.lowerBound == counts.upperBound
        ? "\(counts.lowerBound)" : "\(counts.lowerBound) to \(counts.upperBound)"
      throw text.error("\(words.count - 1) values of `\(name)`", hint: "there must be \(wanted)", at: words[0])
    }
    return Array(words.dropFirst())
  }

  private mutating func tag() throws {
    let words = try text.words(1, "the tag of a NEP")
    let tag = words[0].text
    let parts = tag.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
    guard parts[0].hasPrefix("nep") else {
      throw text.error(
        "“\(words[0].shown)” is no tag of a NEP", hint: "the first line of nep.txt is as `nep4 2 Te Pb`", at: words[0])
    }
    guard let version = ["nep3": 3, "nep4": 4, "nep5": 5][parts[0]] else {
      throw text.error(
        "`\(parts[0])` is not supported", hint: "nep3, nep4 and nep5 are; older versions have other descriptors",
        at: words[0])
    }
    file.version = version
    for part in parts.dropFirst() {
      switch part {
      case "zbl" where !hasRepulsion && file.charges == nil: hasRepulsion = true
      case "charge1", "charge2":
        guard version == 4, file.charges == nil else {
          throw text.error("`\(tag)` is not supported", hint: "charges are of nep4", at: words[0])
        }
        file.charges = NEPFile.Charges(rawValue: Int(part.suffix(1)) ?? 0)
      case "dipole", "polarizability", "temperature":
        throw text.error("`\(tag)` is no interatomic potential: it gives a \(part)", at: words[0])
      default:
        throw text.error(
          "`\(tag)` is not supported", hint: "nep3, nep4, nep5, then _zbl, then _charge1 or _charge2 are",
          at: words[0])
      }
    }
    guard words.count >= 2 else { throw text.error("the number of elements is missing", at: words[0]) }
    let count = try text.integer(words[1], "the number of elements", 1...118)
    guard words.count == count + 2 else {
      throw text.error("\(words.count - 2) symbols for \(count) elements", at: words[1])
    }
    for word in words.dropFirst(2) {
      guard Elements.atomicNumber(of: word.text) != nil else {
        throw text.error("“\(word.shown)” is no chemical element", at: word)
      }
      guard !file.elements.contains(word.text) else { throw text.error("\(word.shown) is named twice", at: word) }
      file.elements.append(word.text)
    }
  }

  private mutating func zbl() throws {
    let words = try keyword("zbl", 2...3)
    let inner = try text.number(words[0], "the inner radius of zbl")
    let outer = try text.number(words[1], "the outer radius of zbl")
    flexible = inner == 0 && outer == 0
    guard flexible || (inner >= 0 && outer > inner && outer < PotentialFile.longestCutoff) else {
      throw text.error("zbl from \(inner) to \(outer) Å", hint: "0 ≤ inner < outer is needed", at: words[0])
    }
    switching = (inner, outer)
    guard words.count == 3 else { return }
    repulsionFactor = try text.positive(words[2], "the factor of the covalent radii")
    if flexible { throw text.error("zbl 0 0 has no factor", at: words[2]) }
  }

  private mutating func cutoffs() throws {
    let count = file.elements.count
    let words = try keyword("cutoff", 4...(2 * count + 2 > 7 ? 2 * count + 2 : 7))
    guard words.count == 4 || words.count == 7 || words.count == 2 * count + 2 else {
      throw text.error(
        "\(words.count) values of `cutoff`",
        hint: "4, 7 (with factors of the covalent radii), or \(2 * count + 2) (a pair for each element) are possible",
        at: words[0])
    }
    let isByElement = words.count == 2 * count + 2
    var own: [(radial: Double, angular: Double)] = []
    for element in 0..<(isByElement ? count : 1) {
      let radial = try text.positive(words[2 * element], "the radial cutoff")
      let angular = try text.positive(words[2 * element + 1], "the angular cutoff")
      guard angular <= radial, radial < PotentialFile.longestCutoff else {
        throw text.error(
          "cutoffs \(radial) and \(angular) Å", hint: "the first is the radial one, not below the second",
          at: words[2 * element])
      }
      own.append((radial, angular))
    }
    if !isByElement { own = Array(repeating: own[0], count: count) }
    var factors = (0.0, 0.0)
    if words.count == 7 {
      factors = (try factor(words[4]), try factor(words[5]))
      let last = try factor(words[6])
      if last > 0, hasRepulsion, !flexible { repulsionFactor = last }
    }
    let isSingle = own.allSatisfy { $0 == own[0] } && factors == (0, 0)
    guard file.charges == nil || isSingle else {
      throw text.error("cutoffs by element in a potential with charges", hint: "GPUMD has none", at: words[0])
    }
    for a in 0..<count {
      for b in 0..<count {
        let radii = radius(a) + radius(b)
        func limited(_ r: Double, _ factor: Double) -> Double { factor > 0 ? min(r, factor * radii) : r }
        let radial = limited((own[a].radial + own[b].radial) / 2, factors.0)
        file.radialCutoffs.append(radial)
        file.angularCutoffs.append(min(limited((own[a].angular + own[b].angular) / 2, factors.1), radial))
      }
    }
  }

  private func factor(_ word: TableReader.Word) throws -> Double {
    let value = try text.number(word, "the factor of the covalent radii")
    guard value >= 0 else { throw text.error("a negative factor of the covalent radii", at: word) }
    return value
  }

  private func radius(_ element: Int) -> Double {
    Elements.atomicNumber(of: file.elements[element]).flatMap(NEPFile.covalentRadius) ?? 0
  }

  private mutating func degrees() throws {
    let words = try keyword("l_max", 1...7)
    file.degree = try text.integer(words[0], "l_max", 1...8)
    for (invariant, word) in zip(NEPFile.Invariant.allCases, words.dropFirst()) {
      // The first of them is the degree 2, or 1: a flag all the same.
      let isOn = try text.integer(word, "a flag of `l_max`", 0...(invariant == .q222 ? 2 : 1)) > 0
      guard isOn else { continue }
      guard invariant.degrees.allSatisfy({ $0 <= file.degree }) else {
        throw text.error("a product of degrees \(invariant.degrees) where l_max is \(file.degree)", at: word)
      }
      file.invariants.append(invariant)
    }
  }

  private mutating func numbers() throws {
    let elements = file.elements.count
    let (dim, n, pairs) = (file.descriptorCount, file.neurons, elements * elements)
    let outputs = file.charges == nil ? 1 : 2
    let networkCount = file.version == 3 ? 1 : elements
    let networkSize = (dim + 1 + outputs) * n + (file.version == 5 ? 1 : 0)
    let radialSize = pairs * file.radialCount * file.radialBasis
    let angularSize = pairs * file.angularCount * file.angularBasis
    let table = hasRepulsion && flexible ? 10 * elements * (elements + 1) / 2 : 0
    let head = networkCount * networkSize + (file.charges == nil ? 0 : 1) + 1
    let all = try text.numbers(head + radialSize + angularSize + dim + table, "the numbers behind `ANN`")
    if let word = text.rest() {
      throw text.error(
        "more than \(all.count) numbers behind `ANN`",
        hint: "the head asks for \(all.count): \(head) of the networks, \(radialSize + angularSize) of the radial "
          + "functions, \(dim) of the scaling" + (table > 0 ? ", \(table) of zbl" : ""), at: word)
    }
    if file.charges != nil { file.refraction = all[head - 2] }
    let scaling = Array(all[(head + radialSize + angularSize)..<(head + radialSize + angularSize + dim)])
    for element in 0..<elements {
      let start = element % networkCount * networkSize
      var place = start
      func take(_ count: Int) -> [Double] {
        defer { place += count }
        return Array(all[place..<(place + count)])
      }
      var weights = take(n * dim)
      for k in weights.indices { weights[k] *= scaling[k % dim] }
      let biases = take(n)
      let energy = take(n)
      let charge = take((outputs - 1) * n)
      file.networks.append(
        NEPFile.Network(
          weights: weights, biases: biases, energy: energy, charge: charge,
          offset: all[head - 1] + (file.version == 5 ? all[place] : 0)))
    }
    file.radialCoefficients = sorted(all[head...], file.radialCount * file.radialBasis)
    file.angularCoefficients = sorted(all[(head + radialSize)...], file.angularCount * file.angularBasis)
    if hasRepulsion { repulsion(Array(all.suffix(table))) }
    try check()
  }

  /// From the file's order, pairs of elements innermost, to pairs outermost.
  private func sorted(_ values: ArraySlice<Double>, _ count: Int) -> [Double] {
    let pairs = file.elements.count * file.elements.count
    let first = values.startIndex
    return (0..<pairs).flatMap { pair in (0..<count).map { values[first + $0 * pairs + pair] } }
  }

  private mutating func repulsion(_ table: [Double]) {
    let count = file.elements.count
    var all: [NEPFile.Repulsion] = []
    for a in 0..<count {
      for b in 0..<count {
        var own = NEPFile.Repulsion(
          inner: switching.0, outer: switching.1, amplitudes: NEPFile.universalAmplitudes,
          exponents: NEPFile.universalExponents)
        if flexible {
          let (i, j) = (min(a, b), max(a, b))
          let row = 10 * (i * count - i * (i - 1) / 2 + j - i)
          own.inner = table[row]
          own.outer = table[row + 1]
          own.amplitudes = (0..<4).map { table[row + 2 + 2 * $0] }
          own.exponents = (0..<4).map { table[row + 3 + 2 * $0] }
        } else if repulsionFactor > 0 {
          own.outer = min(own.outer, repulsionFactor * (radius(a) + radius(b)))
          own.inner = 0
        }
        // GPUMD looks for such pairs among the angular neighbours.
        all.append(own)
      }
    }
    file.repulsion = all
  }

  private func check() throws {
    for pair in file.repulsion ?? [] where !(pair.inner >= 0 && pair.outer > pair.inner) {
      throw text.error("zbl from \(pair.inner) to \(pair.outer) Å", hint: "0 ≤ inner < outer is needed")
    }
  }
}

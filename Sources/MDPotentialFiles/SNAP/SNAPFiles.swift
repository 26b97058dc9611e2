import Foundation
import MDCore

extension SNAPModel {
  /// Reads `.snapcoeff` and `.snapparam` files as LAMMPS does. Errors name the file and the line.
  package init(coefficientsFile: String, parametersFile: String) throws {
    let parameters = try SNAPParameterFile(SNAPLines(file: parametersFile))
    var lines = try SNAPLines(file: coefficientsFile)
    let elements = try Self.readElements(&lines)
    self.init(elements: elements, twojmax: parameters.twojmax, rcutfac: parameters.rcutfac)
    try parameters.apply(to: &self)

    for element in elements {
      let count = element.coefficients.count
      guard count == coefficientCount else {
        throw FaultlineError(
          .input, "\(count) coefficients an element, but the parameters in \(parametersFile) need \(coefficientCount)",
          hint: "twojmax \(twojmax) has \(triples.count) bispectrum components for each of "
            + "\(channelCount * channelCount * channelCount) element triples, one constant"
            + (isQuadratic ? ", and K(K+1)/2 quadratic coefficients" : ", and quadraticflag is 0"),
          at: SourceLocation(file: coefficientsFile))
      }
    }
    for a in elements.indices {
      for b in a..<elements.count where cutoff(a, b) <= rmin0 {
        throw FaultlineError(
          .input, "rmin0 \(rmin0) is not below the cutoff \(cutoff(a, b)) of \(elements[a].name)–\(elements[b].name)",
          at: SourceLocation(file: parametersFile))
      }
      // The longest of all cutoffs is that of the largest element with itself.
      guard cutoff(a, a) <= PotentialFile.longestCutoff else {
        throw FaultlineError(
          .input, "rcutfac \(rcutfac) and the radius of \(elements[a].name) give a cutoff of \(cutoff(a, a)) Å",
          hint: "at most \(PotentialFile.longestCutoff) Å are possible", at: SourceLocation(file: parametersFile))
      }
    }
  }

  private static func readElements(_ lines: inout SNAPLines) throws -> [Element] {
    let head = try lines.next("the numbers of elements and of coefficients")
    guard head.words.count == 2, let elementCount = Int(head.words[0]), let coefficientCount = Int(head.words[1]),
      elementCount > 0, coefficientCount > 0, coefficientCount < 100_000_000
    else {
      throw lines.error("expected two positive integers, the numbers of elements and of coefficients", head)
    }
    var elements: [Element] = []
    for _ in 0..<elementCount {
      let line = try lines.next("element \(elements.count + 1) of \(elementCount)")
      guard line.words.count == 3, Double(line.words[0]) == nil, let radius = Double(line.words[1]),
        let weight = Double(line.words[2])
      else {
        throw lines.error(
          "expected element \(elements.count + 1) of \(elementCount): symbol, radius, weight", line,
          hint: "each element has \(coefficientCount) coefficients, one a line")
      }
      guard radius.isFinite, radius > 0, weight.isFinite else {
        throw lines.error("the radius must be positive and the weight finite", line)
      }
      let name = String(line.words[0])
      if elements.contains(where: { $0.name == name }) { throw lines.error("element \(name) stands twice", line) }
      var coefficients: [Double] = []
      for k in 0..<coefficientCount {
        let line = try lines.next("coefficient \(k + 1) of \(coefficientCount) of \(name)")
        guard line.words.count == 1, let value = Double(line.words[0]), value.isFinite else {
          throw lines.error("expected coefficient \(k + 1) of \(coefficientCount) of \(name), one finite number", line)
        }
        coefficients.append(value)
      }
      elements.append(Element(name: name, radius: radius, weight: weight, coefficients: coefficients))
    }
    if let extra = lines.peek() {
      throw lines.error("unexpected text after the last of \(elementCount) elements", extra)
    }
    return elements
  }
}

/// The keywords of a `.snapparam` file.
private struct SNAPParameterFile {
  var twojmax = 0
  var rcutfac = 0.0
  private let file: String
  private var values: [String: SNAPLines.Line] = [:]

  private static let flags = [
    "switchflag", "bzeroflag", "quadraticflag", "chemflag", "bnormflag", "wselfallflag", "switchinnerflag",
  ]
  /// Settings of other programs' memory use, without effect on the result.
  private static let tuning = ["chunksize", "parallelthresh"]
  private static let numbers = ["rcutfac", "twojmax", "rfac0", "rmin0", "diagonalstyle"]
  private static let lists = ["sinner", "dinner"]

  init(_ given: SNAPLines) throws {
    var lines = given
    file = lines.file
    let known = Self.numbers + Self.flags + Self.lists + Self.tuning
    while let line = lines.peek() {
      _ = try lines.next("")
      let key = String(line.words[0])
      guard known.contains(key) else {
        throw lines.error("unknown keyword \(key)", line, hint: "allowed: \(known.joined(separator: ", "))")
      }
      guard line.words.count == 2 || (Self.lists.contains(key) && line.words.count > 2) else {
        throw lines.error("\(key) needs one value", line)
      }
      if values[key] != nil { throw lines.error("\(key) stands twice", line) }
      values[key] = line
    }
    for key in ["rcutfac", "twojmax"] where values[key] == nil {
      throw FaultlineError(.input, "the keyword \(key) is missing", at: SourceLocation(file: file))
    }
    rcutfac = try number("rcutfac", default: 0, "positive") { $0 > 0 }
    let isOrder = { (x: Double) in x >= 0 && x <= 20 && x == x.rounded() }
    twojmax = Int(try number("twojmax", default: 0, "an integer from 0 to 20", isOrder))
    _ = try number("diagonalstyle", default: 3, "3, the only one still in use") { $0 == 3 }
  }

  func apply(to model: inout SNAPModel) throws {
    model.rfac0 = try number("rfac0", default: 0.99363, "above 0 and at most 1") { $0 > 0 && $0 <= 1 }
    model.rmin0 = try number("rmin0", default: 0, "0 or more") { $0 >= 0 }
    model.switches = try flag("switchflag", default: true)
    model.subtractsIsolated = try flag("bzeroflag", default: true)
    model.isQuadratic = try flag("quadraticflag", default: false)
    model.separatesElements = try flag("chemflag", default: false)
    model.normalises = try flag("bnormflag", default: false)
    model.selfInAll = try flag("wselfallflag", default: false)
    let inner = try flag("switchinnerflag", default: false)
    for key in Self.lists where (values[key] != nil) != inner {
      throw FaultlineError(
        .input, inner ? "switchinnerflag 1 needs \(key)" : "\(key) without switchinnerflag 1",
        hint: "give sinner and dinner (one number an element) together with switchinnerflag 1",
        at: SourceLocation(file: file, line: values[key]?.number ?? values["switchinnerflag"]?.number))
    }
    guard inner else { return }
    let centres = try list("sinner", count: model.elements.count)
    let halfWidths = try list("dinner", count: model.elements.count)
    for k in model.elements.indices { model.elements[k].innerSwitch = (centres[k], halfWidths[k]) }
  }

  private func flag(_ key: String, default value: Bool) throws -> Bool {
    try number(key, default: value ? 1 : 0, "0 or 1") { $0 == 0 || $0 == 1 } == 1
  }

  private func number(
    _ key: String, default value: Double, _ allowed: String, _ isAllowed: (Double) -> Bool
  ) throws -> Double {
    guard let line = values[key] else { return value }
    guard let given = Double(line.words[1]), given.isFinite, isAllowed(given) else {
      throw FaultlineError(
        .input, "\(key) \(line.words[1]) is not possible", hint: "allowed: \(allowed)",
        at: SourceLocation(file: file, line: line.number))
    }
    return given
  }

  private func list(_ key: String, count: Int) throws -> [Double] {
    let line = values[key]!
    let numbers = line.words.dropFirst().compactMap { Double($0) }.filter { $0.isFinite && $0 > 0 }
    guard numbers.count == count, line.words.count == count + 1 else {
      throw FaultlineError(
        .input, "\(key) needs \(count) positive numbers, one for each element of the coefficient file",
        at: SourceLocation(file: file, line: line.number))
    }
    return numbers
  }
}

/// The lines of a file that say something: comments (from `#` on) and blank lines are passed over.
private struct SNAPLines {
  struct Line {
    var number: Int
    var words: [Substring]
  }

  let file: String
  private var lines: ArraySlice<Line>
  private let lineCount: Int

  init(file: String) throws {
    self.file = file
    let text: String
    do { text = try String(contentsOfFile: file, encoding: .utf8) } catch {
      throw FaultlineError(.input, "cannot read the SNAP file", at: SourceLocation(file: file))
    }
    var found: [Line] = []
    let all = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (k, line) in all.enumerated() {
      let parts = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { try Self.checkUnits(parts[1], SourceLocation(file: file, line: k + 1)) }
      let words = parts[0].split(whereSeparator: \.isWhitespace)
      if !words.isEmpty { found.append(Line(number: k + 1, words: words)) }
    }
    lines = found[...]
    lineCount = all.count
  }

  /// The tag of published files: `# DATE: 2020-01-31 UNITS: metal …`.
  private static func checkUnits(_ comment: Substring, _ place: SourceLocation) throws {
    let words = comment.split(whereSeparator: \.isWhitespace)
    guard words.first == "DATE:", let tag = words.firstIndex(of: "UNITS:"), tag + 1 < words.count else { return }
    guard words[tag + 1] == "metal" else {
      throw FaultlineError(
        .input, "the file is in \(words[tag + 1]) units", hint: "only metal units (eV, Å) are possible", at: place)
    }
  }

  func peek() -> Line? { lines.first }

  mutating func next(_ what: String) throws -> Line {
    guard let line = lines.popFirst() else {
      throw FaultlineError(
        .input, "the file ends before \(what)", at: SourceLocation(file: file, line: lineCount))
    }
    return line
  }

  func error(_ message: String, _ line: Line, hint: String? = nil) -> FaultlineError {
    FaultlineError(.input, message, hint: hint, at: SourceLocation(file: file, line: line.number))
  }
}

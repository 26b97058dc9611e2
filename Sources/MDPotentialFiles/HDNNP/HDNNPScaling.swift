import MDCore

/// `scaling.data`: minimum, maximum, mean and standard deviation of each symmetry function over the training set,
/// as n2p2 (six columns) and RuNNer (five, and a last line with the range of energies) write it. Also RuNNer's
/// `scalinge.data`, of the functions of charges or electronegativities, with the range of the charges at the end.
struct HDNNPScaling {
  struct Row {
    var minimum: Double
    var maximum: Double
    var mean: Double
    /// nil where the file has no such column.
    var deviation: Double?
    var line: HDNNPLines.Line
  }

  let lines: HDNNPLines
  /// By element in order of atomic number, then by function in sorted order.
  let rows: [[Row]]
  /// Of the charges of each element over the training set, e; nil where the file does not say.
  let charges: [ClosedRange<Double>]?

  /// - Parameters:
  ///   - symbols: the elements, for messages.
  ///   - counts: the number of functions of each.
  init(file: String, symbols: [String], counts: [Int], network: HDNNPInput.Network = .short) throws {
    let lines = try HDNNPLines(
      file: file, missing: network == .short ? "there is no scaling.data" : "there is no scalinge.data",
      hint: network == .short
        ? "it belongs to every potential beside input.nn" : "it belongs to symfunction_electrostatic in input.nn")
    self.lines = lines
    var rest = lines.lines[...]
    rows = try zip(symbols, counts).enumerated().map { element, need in
      try (0..<need.1).map { index in
        let wanted = "function \(index + 1) of \(need.1) of \(need.0)"
        guard let line = rest.popFirst() else {
          throw lines.error(
            "the file ends before \(wanted)", lines.lines.last,
            hint: "is it the scaling.data of another potential?")
        }
        return try Self.row(lines, line, element: element + 1, index: index + 1, wanted)
      }
    }
    // RuNNer adds the range of the energies, or those of the charges.
    if network == .short {
      charges = nil
      if rest.count == 1, rest.first!.words.count == 2 { rest.removeFirst() }
    } else {
      charges = rest.isEmpty ? nil : try symbols.map { try Self.chargeRange($0, lines, rest.popFirst()) }
    }
    if let extra = rest.first {
      throw lines.error(
        "more lines than the \(counts.reduce(0, +)) symmetry functions of input.nn", extra,
        hint: "is it the scaling.data of another potential?")
    }
  }

  private static func chargeRange(
    _ symbol: String, _ lines: HDNNPLines, _ line: HDNNPLines.Line?
  ) throws -> ClosedRange<Double> {
    guard let line, line.words.count == 2 else {
      throw lines.error(
        "the range of the charges of \(symbol) should stand here: minimum maximum", line ?? lines.lines.last)
    }
    let ends = try line.words.map { try lines.number($0, "charge of \(symbol)", line) }
    guard ends[0] <= ends[1] else { throw lines.error("charge of \(symbol): minimum ≤ maximum does not hold", line) }
    return ends[0]...ends[1]
  }

  private static func row(
    _ lines: HDNNPLines, _ line: HDNNPLines.Line, element: Int, index: Int, _ wanted: String
  ) throws -> Row {
    guard (5...6).contains(line.words.count), Int(line.words[0]) == element, Int(line.words[1]) == index else {
      throw lines.error(
        "\(wanted) should stand here: \(element) \(index) minimum maximum mean deviation, not "
          + line.words.prefix(6).joined(separator: " "), line,
        hint: "functions go by element and index; is it the scaling.data of another potential?")
    }
    let values = try line.words.dropFirst(2).map { try lines.number($0, wanted, line) }
    let row = Row(
      minimum: values[0], maximum: values[1], mean: values[2], deviation: values.count > 3 ? values[3] : nil,
      line: line)
    // RuNNer prints nine decimals.
    let slack = 1e-6 * max(abs(row.minimum), abs(row.maximum)) + 1e-8
    guard row.minimum <= row.maximum, row.minimum - slack <= row.mean, row.mean <= row.maximum + slack else {
      throw lines.error("\(wanted): minimum ≤ mean ≤ maximum does not hold", line)
    }
    return row
  }
}

extension HDNNPInput {
  /// How G becomes an input of the network, chosen as n2p2 does:
  /// - scale: S_min + (S_max − S_min)(G − min)/(max − min);
  /// - center: G − mean;
  /// - scale and center: S_min + (S_max − S_min)(G − mean)/(max − min);
  /// - sigma (alone): S_min + (S_max − S_min)(G − mean)/deviation.
  enum ScalingMode { case none, scale, center, scaleCenter, sigma }

  var scalingMode: ScalingMode {
    let center = has("center_symmetry_functions")
    if has("scale_symmetry_functions") { return center ? .scaleCenter : .scale }
    if center { return .center }
    return has("scale_symmetry_functions_sigma") ? .sigma : .none
  }

  func scaling(_ file: HDNNPScaling, _ network: Network = .short) throws -> [[FunctionScaling]] {
    let name = network == .short ? "short" : "elec"
    let low = try number("scale_min_" + name) ?? 0
    let high = try number("scale_max_" + name) ?? 1
    guard high > low else {
      throw lines.error("scale_max_\(name) \(high) is not above scale_min_\(name) \(low)", first("scale_max_" + name))
    }
    let mode = scalingMode
    return try file.rows.map { rows in
      try rows.map { row in
        var scaling = FunctionScaling(minimum: row.minimum, maximum: row.maximum)
        if mode == .none { return scaling }
        scaling.shift = mode == .scale ? row.minimum : row.mean
        if mode == .center { return scaling }
        guard let width = mode == .sigma ? row.deviation : row.maximum - row.minimum else {
          throw file.lines.error("scale_symmetry_functions_sigma needs the deviation in column 6", row.line)
        }
        guard width > 0 else {
          throw file.lines.error(
            "the function never varied in training: it cannot be scaled", row.line,
            hint: "remove it from input.nn and train again")
        }
        scaling.factor = (high - low) / width
        scaling.offset = low
        return scaling
      }
    }
  }
}

import MDCore

extension HDNNPInput {
  /// A symmetry function with its line, in the file's units.
  struct Function {
    var element: Int
    var function: SymmetryFunction
    /// p1, p1a, …, e of compact functions; it sorts before their numbers.
    var subtype: String
    var line: HDNNPLines.Line
  }

  /// The functions of each element in the order of n2p2 and RuNNer, which is the order of scaling.data and of the
  /// weights: by kind, then
  /// - Gaussian: r_c, η, r_s, ζ, λ, elements of the neighbours;
  /// - compact: subtype, elements of the neighbours, r_c, r_low, angles.
  ///
  /// Nothing for the network of charges or electronegativities if it has none of its own.
  func functions(_ network: Network = .short) throws -> [[Function]] {
    let name = "symfunction_" + network.rawValue
    let cutoff = try cutoffFunction()
    var functions: [Function] = []
    for line in all(name) {
      guard line.words.count > 3 else { throw lines.error("\(line.words[0]) needs element, type and parameters", line) }
      functions.append(
        try function(element(line.words[1], line), line, kind(line, 2), line.words.dropFirst(3), cutoff))
    }
    for line in all("element_" + name) {
      guard line.words.count > 3 else { throw lines.error("\(line.words[0]) needs element, type and parameters", line) }
      functions += try combinations([element(line.words[1], line)], line, typeAt: 2, cutoff)
    }
    for line in all("global_" + name) {
      guard line.words.count > 2 else { throw lines.error("\(line.words[0]) needs type and parameters", line) }
      functions += try combinations(Array(elements.indices), line, typeAt: 1, cutoff)
    }
    if functions.isEmpty, network == .electrostatic { return [] }
    return try elements.indices.map { index in
      let own = functions.filter { $0.element == index }
      guard !own.isEmpty else {
        throw lines.error(
          "no symmetry function for \(elements[index].symbol)" + (network == .short ? "" : ": \(name)"), nil)
      }
      return own.sorted(by: Self.precedes)
    }
  }

  private func kind(_ line: HDNNPLines.Line, _ place: Int) throws -> SymmetryFunction.Kind {
    guard let raw = Int(line.words[place]), let kind = SymmetryFunction.Kind(rawValue: raw) else {
      throw lines.error(
        "unknown symmetry function type \(line.words[place])", line,
        hint: "known: " + SymmetryFunction.Kind.allCases.map { String($0.rawValue) }.joined(separator: ", "))
    }
    return kind
  }

  /// `element_symfunction_…` and `global_symfunction_…`: the function for all neighbours' elements.
  private func combinations(
    _ centres: [Int], _ line: HDNNPLines.Line, typeAt place: Int, _ cutoff: CutoffFunction?
  ) throws -> [Function] {
    let kind = try kind(line, place)
    let parameters = line.words.dropFirst(place + 1)
    let symbols = elements.map { Substring($0.symbol) }
    var neighbors: [[Substring]] = [[]]
    if !kind.isWeighted {
      neighbors = symbols.map { [$0] }
      if !kind.isRadial {
        neighbors = symbols.indices.flatMap { a in symbols[a...].map { [symbols[a], $0] } }
      }
    }
    return try centres.flatMap { centre in
      try neighbors.map { try function(centre, line, kind, ArraySlice($0 + parameters), cutoff) }
    }
  }

  /// The words after the type, in order, of each kind.
  private static func parameters(_ kind: SymmetryFunction.Kind) -> String {
    switch kind {
    case .radial: "neighbour eta rs rc"
    case .angularNarrow, .angularWide: "neighbour neighbour eta lambda zeta rc"
    case .weightedRadial: "eta rs rc"
    case .weightedAngularNarrow: "eta rs lambda zeta rc"
    case .compactRadial: "neighbour rl rc subtype"
    case .compactAngularNarrow, .compactAngularWide: "neighbour neighbour rl rc left right subtype"
    case .weightedCompactRadial: "rl rc subtype"
    case .weightedCompactAngularNarrow, .weightedCompactAngularWide: "rl rc left right subtype"
    }
  }

  private func function(
    _ element: Int, _ line: HDNNPLines.Line, _ kind: SymmetryFunction.Kind, _ words: ArraySlice<Substring>,
    _ cutoff: CutoffFunction?
  ) throws -> Function {
    let names = Self.parameters(kind).split(separator: " ")
    // A Gaussian angular function may have its shift at the end.
    let mayShift = kind == .angularNarrow || kind == .angularWide
    guard words.count == names.count || (mayShift && words.count == names.count + 1) else {
      throw lines.error(
        "\(words.count) parameters for symmetry function type \(kind.rawValue)", line,
        hint: "needed: \(Self.parameters(kind))\(mayShift ? " and perhaps rs" : "")")
    }
    var function = SymmetryFunction(kind, cutoff: 0)
    var neighbors: [Int] = []
    var subtype = ""
    for (name, word) in zip(names + (mayShift ? ["rs"] : []), words) {
      switch name {
      case "neighbour": neighbors.append(try self.element(word, line))
      case "subtype": subtype = String(word)
      default:
        let value = try lines.number(word, "\(name) of the symmetry function", line)
        switch name {
        case "eta": function.eta = value
        case "rs": function.shift = value
        case "lambda": function.lambda = value
        case "zeta": function.zeta = value
        case "rl": function.lowerRadius = value
        case "left": function.angleLeft = value
        case "right": function.angleRight = value
        default: function.cutoff = value
        }
      }
    }
    neighbors.sort()
    function.firstNeighbor = neighbors.first ?? 0
    function.secondNeighbor = neighbors.count > 1 ? neighbors[1] : 0
    if kind.isCompact {
      function.compact = try compact(subtype, line)
      try checkCompact(&function, line)
    } else {
      guard let cutoff else { throw lines.error("the keyword cutoff_type is missing", nil) }
      function.cutoffFunction = cutoff
      try check(function, line)
    }
    return Function(element: element, function: function, subtype: subtype, line: line)
  }

  private func compact(_ subtype: String, _ line: HDNNPLines.Line) throws -> CompactFunction {
    let cores: [String: CompactFunction.Core] = [
      "p1": .polynomial1, "p2": .polynomial2, "p3": .polynomial3, "p4": .polynomial4,
    ]
    if subtype == "e" { return CompactFunction(.exponential) }
    if let core = cores[subtype] { return CompactFunction(core) }
    if subtype.last == "a", let core = cores[String(subtype.dropLast())] {
      return CompactFunction(core, isAsymmetric: true)
    }
    throw lines.error(
      "unknown subtype \(subtype) of a compact symmetry function", line,
      hint: "allowed: p1, p2, p3, p4, p1a, p2a, p3a, p4a, e")
  }

  private func check(_ f: SymmetryFunction, _ line: HDNNPLines.Line) throws {
    guard f.cutoff > 0 else { throw lines.error("the cutoff \(f.cutoff) must be positive", line) }
    guard f.eta >= 0 else { throw lines.error("eta \(f.eta) must not be negative", line) }
    // Published potentials have ζ < 0, too, which is singular at λ cos θ = −1.
    guard f.kind.isRadial || f.zeta != 0 else { throw lines.error("zeta must not be 0", line) }
    guard abs(f.lambda) <= 1 else { throw lines.error("lambda \(f.lambda) lies outside −1 … 1", line) }
  }

  /// Checks and turns the angles into radians.
  private func checkCompact(_ f: inout SymmetryFunction, _ line: HDNNPLines.Line) throws {
    guard f.cutoff > 0, f.lowerRadius < f.cutoff else {
      throw lines.error("rc \(f.cutoff) must be positive and above rl \(f.lowerRadius)", line)
    }
    guard !f.kind.isRadial else { return }
    let centre = (f.angleLeft + f.angleRight) / 2
    guard f.angleLeft < f.angleRight, f.angleRight - f.angleLeft <= 360, f.angleLeft >= 0 || centre == 0,
      f.angleRight <= 180 || centre == 180
    else {
      throw lines.error(
        "the angles \(f.angleLeft) … \(f.angleRight) will not do", line,
        hint: "left < right, both within 0 … 180 or centred at 0 or 180, at most 360 apart")
    }
    f.angleLeft *= .pi / 180
    f.angleRight *= .pi / 180
  }

  private static func precedes(_ a: Function, _ b: Function) -> Bool {
    let (f, g) = (a.function, b.function)
    if f.kind != g.kind { return f.kind.rawValue < g.kind.rawValue }
    if f.kind.isCompact && a.subtype != b.subtype { return a.subtype < b.subtype }
    func neighbors(_ f: SymmetryFunction) -> [Double] { [Double(f.firstNeighbor), Double(f.secondNeighbor)] }
    let keys: (SymmetryFunction) -> [Double] =
      f.kind.isCompact
      ? { neighbors($0) + [$0.cutoff, $0.lowerRadius, $0.angleLeft, $0.angleRight] }
      : { [$0.cutoff, $0.eta, $0.shift, $0.zeta, $0.lambda] + neighbors($0) }
    return keys(f).lexicographicallyPrecedes(keys(g))
  }
}

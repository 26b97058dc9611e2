import Foundation
import MDCore
import MDNumerics

/// The first structure of a crystallographic information file (CIF 1.1, S. R. Hall, F. H. Allen, I. D. Brown, Acta Cryst. A 47, 655
/// (1991)).
///
/// Read: cell lengths and angles, the operations of the space group as the file lists them, and sites with type or label,
/// fractional coordinates and occupancy. Images of a site closer than 0.01 Å are one atom. A file without operations whose space
/// group is not P1 is refused, since it would have too few atoms, and so are sites that are not fully occupied.
enum CrystallographicFile {
  private struct Token {
    var text: String
    var line: Int
    /// Quoted text is never a name, a keyword or "not known".
    var isQuoted = false

    var isName: Bool { !isQuoted && text.hasPrefix("_") }
    func isKeyword(_ word: String) -> Bool { !isQuoted && text.lowercased().hasPrefix(word) }
    var isUnknown: Bool { !isQuoted && (text == "?" || text == ".") }
  }

  private struct Content {
    var values: [String: Token] = [:]
    var loops: [(names: [String], rows: [[Token]])] = []

    /// The columns of the loop that has the first of these names, or a single value in its place.
    func column(_ names: [String]) -> [Token]? {
      for name in names {
        for loop in loops { if let k = loop.names.firstIndex(of: name) { return loop.rows.map { $0[k] } } }
        if let value = values[name] { return [value] }
      }
      return nil
    }
    func value(_ names: [String]) -> Token? { names.compactMap { values[$0] }.first }
  }

  static func read(_ path: String) throws -> Structure {
    func refuse(_ message: String, hint: String? = nil, line: Int? = nil) -> FaultlineError {
      FaultlineError(.input, message, hint: hint, at: SourceLocation(file: path, line: line))
    }
    let content = try parse(tokens(of: path)) { refuse($0, hint: $1, line: $2) }

    func number(_ token: Token, _ what: String) throws -> Double {
      // 1.234(5): the digits in brackets are the uncertainty.
      let plain = String(token.text.prefix { $0 != "(" })
      guard let value = Double(plain), value.isFinite else {
        throw refuse("\(what) is `\(token.text)`, not a number", line: token.line)
      }
      return value
    }
    func needed(_ name: String) throws -> Double {
      guard let token = content.value([name]) else { throw refuse("the file has no \(name)") }
      return try number(token, name)
    }
    let lengths = try ["a", "b", "c"].map { try needed("_cell_length_\($0)") }
    let angles = try ["alpha", "beta", "gamma"].map { try needed("_cell_angle_\($0)") }
    guard let cell = cell(lengths, angles) else {
      throw refuse("cell lengths \(lengths) and angles \(angles) make no cell")
    }
    let operations = try operations(content) { refuse($0, hint: $1, line: $2) }

    guard let x = content.column(["_atom_site_fract_x"]), let y = content.column(["_atom_site_fract_y"]),
      let z = content.column(["_atom_site_fract_z"])
    else {
      throw refuse("the file has no sites with _atom_site_fract_x, _y and _z", hint: "Cartesian sites are not read")
    }
    guard let symbols = content.column(["_atom_site_type_symbol", "_atom_site_label"]) else {
      throw refuse("the sites have neither _atom_site_type_symbol nor _atom_site_label")
    }
    let occupancies = content.column(["_atom_site_occupancy"])
    let box = Box(cell: cell)
    var structure = Structure(box: box, species: [], types: [], positions: [])
    for i in x.indices {
      if let token = occupancies?[i], !token.isUnknown, abs(try number(token, "an occupancy") - 1) > 1e-3 {
        throw refuse(
          "a site is occupied to \(token.text)", hint: "give full sites, and `modify: [{substitute: …}]` for disorder", line: token.line)
      }
      if x[i].isUnknown || y[i].isUnknown || z[i].isUnknown {
        throw refuse("a site has no coordinates", line: x[i].line)
      }
      let site = Vector3(
        try number(x[i], "a coordinate"), try number(y[i], "a coordinate"), try number(z[i], "a coordinate"))
      let name = element(symbols[i].text)
      guard !name.isEmpty else { throw refuse("`\(symbols[i].text)` is no species", line: symbols[i].line) }
      let type: Int32
      if let known = structure.species.firstIndex(of: name) {
        type = Int32(known)
      } else {
        structure.species.append(name)
        structure.masses.append(nil)
        type = Int32(structure.species.count - 1)
      }
      var images: [Vector3] = []
      for operation in operations {
        let r = operation.rotation
        let image = Vector3(dot(r.x, site), dot(r.y, site), dot(r.z, site)) + operation.translation
        let folded = image - (image + 1e-7).rounded(.down)
        let isThere = images.contains { other in
          var d = other - folded
          d -= d.rounded(.toNearestOrEven)
          return (d * cell).length < 0.01
        }
        if !isThere { images.append(folded) }
      }
      for image in images {
        structure.types.append(type)
        structure.positions.append(image * cell)
      }
    }
    guard structure.count > 0 else { throw refuse("the file has no sites") }
    return structure
  }

  /// a along x, b in the xy plane; nil if there is no such cell.
  private static func cell(_ lengths: [Double], _ angles: [Double]) -> Matrix3? {
    guard lengths.allSatisfy({ $0 > 0 }), angles.allSatisfy({ $0 > 0 && $0 < 180 }) else { return nil }
    // Exact for right angles.
    let cosines = angles.map { $0 == 90 ? 0 : cos($0 * .pi / 180) }
    let sine = angles[2] == 90 ? 1 : sin(angles[2] * .pi / 180)
    let (x, y) = (cosines[1], (cosines[0] - cosines[1] * cosines[2]) / sine)
    let square = 1 - x * x - y * y
    guard square > 1e-9 else { return nil }
    return Matrix3(
      Vector3(lengths[0], 0, 0), Vector3(lengths[1] * cosines[2], lengths[1] * sine, 0),
      lengths[2] * Vector3(x, y, square.squareRoot()))
  }

  /// "Fe3+" and "Fe1A" are Fe.
  private static func element(_ label: String) -> String {
    let letters = String(label.prefix { $0.isLetter })
    let two = letters.prefix(1).uppercased() + letters.dropFirst().prefix(1).lowercased()
    return Elements.atomicNumber(of: two) != nil ? two : letters.prefix(1).uppercased()
  }

  // MARK: Symmetry

  private typealias Refusal = (_ message: String, _ hint: String?, _ line: Int?) -> FaultlineError

  private static func operations(
    _ content: Content, _ refuse: Refusal
  ) throws -> [(rotation: Matrix3, translation: Vector3)] {
    let listed = content.column(["_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz"])
    if let listed, !listed.isEmpty {
      return try listed.map { token in
        guard let operation = operation(token.text) else {
          throw refuse("`\(token.text)` is no operation", "for example -x, y+1/2, -z", token.line)
        }
        return operation
      }
    }
    let name = content.value(["_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m"])
    let number = content.value(["_space_group_it_number", "_symmetry_int_tables_number"])
    let isP1 = name.map { $0.text.filter { !$0.isWhitespace }.uppercased() == "P1" || $0.isUnknown } ?? true
    guard isP1, number.map({ $0.text == "1" || $0.isUnknown }) ?? true else {
      throw refuse(
        "the file has the space group \((name ?? number)?.text ?? "") but no list of its operations",
        "write it with _symmetry_equiv_pos_as_xyz, or expanded to P1", (name ?? number)?.line)
    }
    return [(.identity, .zero)]
  }

  /// "-x, y+1/2, z-x": rows of the matrix and the translation.
  private static func operation(_ text: String) -> (rotation: Matrix3, translation: Vector3)? {
    let parts = text.lowercased().split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    var rows: [Vector3] = []
    var translation = Vector3.zero
    for (k, part) in parts.enumerated() {
      var row = Vector3.zero
      var rest = part.filter { !$0.isWhitespace }[...]
      guard !rest.isEmpty else { return nil }
      while !rest.isEmpty {
        var sign = 1.0
        if rest.first == "+" || rest.first == "-" { sign = rest.removeFirst() == "-" ? -1 : 1 }
        if let axis = rest.first.flatMap({ ["x", "y", "z"].firstIndex(of: String($0)) }) {
          row[axis] += sign
          rest.removeFirst()
          continue
        }
        let digits = rest.prefix { $0.isNumber || $0 == "/" || $0 == "." }
        let fraction = digits.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) }
        guard !digits.isEmpty, fraction.count <= 2, let above = fraction[0], let below = fraction.count == 2 ? fraction[1] : 1,
          below != 0
        else { return nil }
        translation[k] += sign * above / below
        rest = rest.dropFirst(digits.count)
      }
      rows.append(row)
    }
    let rotation = Matrix3(rows[0], rows[1], rows[2])
    return abs(abs(rotation.determinant) - 1) < 1e-9 ? (rotation, translation) : nil
  }

  // MARK: Words

  private static func tokens(of path: String) throws -> [Token] {
    let reader = try LineReader(path)
    defer { withExtendedLifetime(reader) {} }
    var tokens: [Token] = []
    var block: (text: [String], line: Int)?
    while let field = try reader.next() {
      let line = String(decoding: field, as: UTF8.self)
      if line.hasPrefix(";") {
        if let open = block {
          tokens.append(Token(text: open.text.joined(separator: "\n"), line: open.line, isQuoted: true))
          block = nil
        } else {
          block = ([String(line.dropFirst())], reader.number)
        }
        continue
      }
      guard block == nil else {
        block?.text.append(line)
        continue
      }
      var rest = Substring(line)
      while let first = rest.first {
        if first.isWhitespace {
          rest.removeFirst()
        } else if first == "#" {
          break
        } else if first == "'" || first == "\"" {
          // A quote ends where white space follows.
          let body = rest.dropFirst()
          var end = body.startIndex
          while end < body.endIndex {
            let next = body.index(after: end)
            if body[end] == first, next == body.endIndex || body[next].isWhitespace { break }
            end = next
          }
          guard end < body.endIndex else { throw reader.error("a quoted text has no end") }
          tokens.append(Token(text: String(body[..<end]), line: reader.number, isQuoted: true))
          rest = body[body.index(after: end)...]
        } else {
          let word = rest.prefix { !$0.isWhitespace }
          tokens.append(Token(text: String(word), line: reader.number))
          rest = rest.dropFirst(word.count)
        }
      }
    }
    if let block { throw reader.error("the text that begins at line \(block.line) has no end") }
    return tokens
  }

  private static func parse(_ tokens: [Token], _ refuse: Refusal) throws -> Content {
    var content = Content()
    var k = 0
    var blocks = 0
    while k < tokens.count {
      let token = tokens[k]
      if token.isKeyword("data_") {
        // Of several structures the first that has a cell.
        if content.values["_cell_length_a"] != nil { break }
        blocks += 1
        k += 1
      } else if token.isKeyword("loop_") {
        k += 1
        var names: [String] = []
        while k < tokens.count, tokens[k].isName {
          names.append(tokens[k].text.lowercased().replacingOccurrences(of: ".", with: "_"))
          k += 1
        }
        guard !names.isEmpty else { throw refuse("a loop has no names", nil, token.line) }
        var values: [Token] = []
        while k < tokens.count, !tokens[k].isName, !tokens[k].isKeyword("loop_"), !tokens[k].isKeyword("data_") {
          values.append(tokens[k])
          k += 1
        }
        guard values.count % names.count == 0 else {
          throw refuse("a loop of \(names.count) names has \(values.count) values", nil, token.line)
        }
        let rows = stride(from: 0, to: values.count, by: names.count).map { Array(values[$0..<($0 + names.count)]) }
        content.loops.append((names, rows))
      } else if token.isName {
        guard k + 1 < tokens.count, !tokens[k + 1].isName else { throw refuse("`\(token.text)` has no value", nil, token.line) }
        content.values[token.text.lowercased().replacingOccurrences(of: ".", with: "_")] = tokens[k + 1]
        k += 2
      } else {
        throw refuse("`\(token.text)` stands where a name is expected", "a CIF has `_name value` pairs and loops", token.line)
      }
    }
    guard blocks > 0 else { throw refuse("the file has no block data_…", "is it a CIF?", nil) }
    return content
  }
}

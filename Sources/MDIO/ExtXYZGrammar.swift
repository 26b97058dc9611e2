import MDCore

/// Splits a comment line into its entries: the libAtoms grammar (https://github.com/libAtoms/extxyz) and what other
/// writers leave besides.
///
/// - `key=value`, blanks around `=` allowed, or `key` alone, which means true.
/// - Texts in double quotes, or in single ones as ASE allows, where the closing one ends a word (so that an apostrophe
///   is a letter); lists in `[ ]` or `{ }`. In quotes a backslash takes the next character as it is, `\n` ends a line;
///   outside it does so before blanks, quotes, brackets, `,`, `=` and itself, and elsewhere is a letter.
/// - Brackets inside a bare word keep their blanks, as in `k=({[4 8 12]})`.
/// - A value that is missing is empty: in `label= pbc="T T F"` the word behind the blank has a value of its own.
struct ExtXYZGrammar {
  private(set) var entries: [ExtXYZEntry] = []
  /// The columns of the line where the entries begin, from 1.
  private(set) var columns: [Int] = []
  private let line: Field

  /// Throws where a quotation mark or bracket that begins a word is not closed, or a value has no key.
  init(_ line: Field, _ reader: LineReader) throws {
    self.line = line
    var p = afterBlanks(0)
    while p < line.count {
      let first = p
      let end = try word(from: first, isKey: true, reader)
      let spelling = text(first..<end)
      columns.append(first + 1)
      p = afterBlanks(end)
      guard p < line.count, line[p] == 0x3D else {
        entries.append(ExtXYZEntry(spelling: spelling, raw: nil))
        continue
      }
      let value = try value(from: p + 1, reader)
      let entry = ExtXYZEntry(spelling: spelling, raw: text(value))
      guard !entry.key.isEmpty else {
        throw reader.error("a value without a key", hint: "write key=value", column: first + 1)
      }
      entries.append(entry)
      p = afterBlanks(value.upperBound)
    }
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: line[range], as: UTF8.self) }

  private func isBlank(_ place: Int) -> Bool { line[place] == 0x20 || line[place] == 0x09 }

  private func afterBlanks(_ from: Int) -> Int {
    var p = from
    while p < line.count, isBlank(p) { p += 1 }
    return p
  }

  /// The value behind an equals sign; empty where the next word is another key.
  private func value(from place: Int, _ reader: LineReader) throws -> Range<Int> {
    let first = afterBlanks(place)
    if first > place {
      let next = afterBlanks(try word(from: first, isKey: true, reader))
      if next < line.count, line[next] == 0x3D { return place..<place }
    }
    return first..<(try word(from: first, isKey: false, reader))
  }

  /// The end of the key or value that begins here.
  private func word(from first: Int, isKey: Bool, _ reader: LineReader) throws -> Int {
    var p = first
    while p < line.count, !isBlank(p), !(isKey && line[p] == 0x3D) {
      switch line[p] {
      case 0x5C where p + 1 < line.count && Self.isSpecial(line[p + 1]):
        p += 2
      case 0x27 where p == first:
        if let end = closingApostrophe(p, isKey: isKey) { return end }
        p += 1
      // A double quote inside a word is a letter, as in 5".
      case 0x22 where p == first, 0x5B, 0x7B:
        let end = closing(p)
        if p == first {
          if let end { return end }
          throw reader.error(
            "the value that begins here has no end", hint: "close the quotation mark or bracket", column: first + 1)
        }
        p = end ?? p + 1
      default:
        p += 1
      }
    }
    return p
  }

  /// The end of a text in double quotes or of a list; nil if there is none.
  private func closing(_ first: Int) -> Int? {
    var depth = 0
    var isQuoted = false
    var p = first
    while p < line.count {
      switch line[p] {
      case 0x5C: p += 1
      case 0x22: isQuoted.toggle()
      case 0x5B where !isQuoted, 0x7B where !isQuoted: depth += 1
      case 0x5D where !isQuoted, 0x7D where !isQuoted: depth -= 1
      default: break
      }
      p += 1
      if p <= line.count, depth <= 0, !isQuoted { return p }
    }
    return nil
  }

  /// The end of a text in single quotes; nil if the first is an apostrophe.
  private func closingApostrophe(_ first: Int, isKey: Bool) -> Int? {
    var p = first + 1
    while p < line.count {
      if line[p] == 0x5C {
        p += 1
      } else if line[p] == 0x27, p + 1 == line.count || isBlank(p + 1) || (isKey && line[p + 1] == 0x3D) {
        return p + 1
      }
      p += 1
    }
    return nil
  }

  /// Characters that only stand in quotes or behind a backslash.
  static func isSpecial(_ c: UInt8) -> Bool {
    c <= 0x20 || c == 0x22 || c == 0x2C || c == 0x3D || (0x5B...0x5D).contains(c) || c == 0x7B || c == 0x7D
  }

  private static func isQuoted(_ raw: String) -> Bool {
    raw.utf8.count >= 2 && raw.first == raw.last && (raw.first == "\"" || raw.first == "'")
  }

  /// What a key or value stands for: without its quotes and escapes.
  static func meaning(_ raw: String) -> String {
    let isQuoted = isQuoted(raw)
    if !isQuoted, raw.first == "[" || raw.first == "{" || !raw.contains("\\") { return raw }
    var out = ""
    var isEscaped = false
    for c in isQuoted ? raw.dropFirst().dropLast() : raw[...] {
      if isEscaped {
        if isQuoted {
          out.append(c == "n" ? "\n" : c)
        } else {
          if !c.utf8.allSatisfy(isSpecial) { out.append("\\") }
          out.append(c)
        }
        isEscaped = false
      } else if c == "\\" {
        isEscaped = true
      } else {
        out.append(c)
      }
    }
    return isEscaped ? out + "\\" : out
  }

  /// A text as a word of the grammar: in quotes where it must be.
  static func quoted(_ text: String) -> String {
    guard text.isEmpty || text.utf8.contains(where: { isSpecial($0) || $0 == 0x27 }) else { return text }
    var out = "\""
    for c in text {
      switch c {
      case "\"", "\\": out += "\\\(c)"
      case "\n": out += "\\n"
      default: out.append(c)
      }
    }
    return out + "\""
  }

  /// A word of a file as it is written again: as it stood, but for apostrophes outside of quotes, which ASE takes for
  /// the beginning of a quoted text.
  static func rewritten(_ raw: String) -> String {
    guard raw.contains("'"), !isQuoted(raw), raw.first != "[", raw.first != "{" else { return raw }
    return quoted(meaning(raw))
  }
}

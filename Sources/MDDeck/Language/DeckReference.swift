/// The deck's description as Markdown: a block for each section, with a table of its keys.
package enum DeckReference {
  package static func render(_ schema: DeckSchema) -> String {
    var blocks: [String] = []
    append(schema.root, path: [], to: &blocks)
    return blocks.joined(separator: "\n") + "\n" + unitTable(of: schema)
  }

  private static let editors = """
    Editors complete keys and mark mistakes as you type where they know the language server of YAML (Visual Studio Code: the
    extension YAML): write `faultline schema > deck.schema.json` once, and put this line at the top of a deck beside it:
    `# yaml-language-server: $schema=deck.schema.json`.
    """

  /// The sections at the top as links, and behind each those in it.
  private static func contents(_ root: DeckObject) -> String {
    func links(_ object: DeckObject, _ path: [String]) -> [String] {
      object.keys.flatMap { key in
        key.kind.objects.map { "[\(key.name)](#\(anchor(path + [key.name + $0.1])))" }
      }
    }
    var text = "\n**Contents**\n\n"
    for key in root.keys {
      for (inner, suffix) in key.kind.objects {
        let path = [key.name + suffix]
        let below = links(inner, path).joined(separator: ", ")
        text += "- [\(key.name)](#\(anchor(path)))" + (below.isEmpty ? "" : ": " + below) + "\n"
      }
    }
    return text + "- [units](#units)\n"
  }

  /// What GitHub makes of a section's heading.
  private static func anchor(_ path: [String]) -> String {
    path.joined().lowercased().filter { $0.isLetter || $0.isNumber || $0 == "_" }
  }

  private static func append(_ object: DeckObject, path: [String], to blocks: inout [String]) {
    var block = path.isEmpty ? "# The deck\n" : heading(path) + "\n"
    block += "\n\(object.doc)\n"
    if path.isEmpty { block += "\n" + editors + "\n" + contents(object) }
    for rule in object.rules where rule.keys.count < object.keys.count || rule.count != .exactlyOne {
      let names = rule.keys.map { "`\($0)`" }.joined(separator: ", ")
      switch rule.count {
      case .exactlyOne: block += "\nExactly one of \(names).\n"
      case .atMostOne: block += "\nAt most one of \(names).\n"
      case .atLeastOne: block += "\nAt least one of \(names).\n"
      }
    }
    block += "\n| Key | Type | Unit | Default | Meaning |\n|---|---|---|---|---|\n"
    for key in object.keys { block += row(key, path: path) }
    if let example = object.example { block += "\n```yaml\n\(example)\n```\n" }
    blocks.append(block)
    for key in object.keys {
      for (inner, suffix) in key.kind.objects { append(inner, path: path + [key.name + suffix], to: &blocks) }
    }
  }

  private static func heading(_ path: [String]) -> String {
    (path.count == 1 ? "## " : "### ") + path.joined(separator: ".")
  }

  private static func row(_ key: DeckKey, path: [String]) -> String {
    let presence = switch key.presence {
    case .required: "required"
    case .optional: "–"
    case .defaults(let text): "`\(text)`"
    }
    var doc = key.doc
    if let plausible = key.kind.plausible {
      let least = plausible.lowerBound == 0 ? "" : "below \(plain(plausible.lowerBound)) or "
      doc += " Warned of \(least)above \(plain(plausible.upperBound))."
    }
    let cells = ["`\(key.name)`", type(key.kind, at: path, key.name), key.kind.unit ?? "", presence, doc]
    return "| " + cells.joined(separator: " | ") + " |\n"
  }

  /// The type in words, without the unit; sections are links to their blocks.
  private static func type(_ kind: DeckKind, at path: [String], _ name: String) -> String {
    switch kind {
    case .boolean: return "boolean"
    case .integer, .string: return withoutArticle(kind.phrase)
    case .path(.input): return "input file"
    case .path(.inputDirectory): return "input folder"
    case .path(.outputDirectory): return "folder"
    case .path(.outputName): return "file name"
    case .quantity(_, let range): return (["number"] + [range.phrase].compactMap { $0 }).joined(separator: " ")
    case .enumeration(let words): return words.map { "`\($0)`" }.joined(separator: ", ")
    case .list(let item, let count):
      let inner = type(item, at: path, name)
      return count.lowerBound == count.upperBound ? "list of \(count.lowerBound): \(inner)" : "list: \(inner)"
    case .map(let item, let names, _): return "\(names) by name: \(type(item, at: path, name + ".NAME"))"
    case .object:
      return "[section](#\(anchor(path + [name])))"
    case .either(let kinds): return kinds.map { type($0, at: path, name) }.joined(separator: " or ")
    }
  }

  private static func withoutArticle(_ phrase: String) -> String {
    for article in ["a ", "an "] where phrase.hasPrefix(article) { return String(phrase.dropFirst(article.count)) }
    return phrase
  }

  /// Of the quantities that keys take, and of plain numbers.
  private static func unitTable(of schema: DeckSchema) -> String {
    let used = Set(dimensions(.object(schema.root)))
    var table = "\n## Units\n\n| Quantity | Unit | Also | Least above 0 | Most |\n|---|---|---|---|---|\n"
    for dimension in PhysicalDimension.common.filter({ used.contains($0.name) }) + [.dimensionless] {
      let others = dimension.units.dropFirst().map(\.name).joined(separator: ", ")
      let bounds = [dimension.magnitudes.lowerBound, dimension.magnitudes.upperBound].map(plain)
      table += "| \(withoutArticle(dimension.name)) | \(dimension.defaultUnit ?? "") | \(others) "
        + "| \(bounds[0]) | \(bounds[1]) |\n"
    }
    return table + """

      Å may be written A or angstrom, µ as u. The bounds hold for every key, in the first unit and for negative \
      numbers alike; the least is that of keys which must be above 0.

      """
  }

  /// Names of the dimensions that a kind's quantities have.
  private static func dimensions(_ kind: DeckKind) -> [String] {
    switch kind {
    case .quantity(let dimension, _): [dimension.name]
    case .list(let item, _), .map(let item, _, _): dimensions(item)
    case .object(let object): object.keys.flatMap { dimensions($0.kind) }
    case .either(let kinds): kinds.flatMap(dimensions)
    default: []
    }
  }
}

extension DeckKind {
  /// Of the numbers inside, where they state it.
  fileprivate var plausible: ClosedRange<Double>? {
    switch self {
    case .quantity(_, let range): range.plausible
    case .list(let kind, _): kind.plausible
    case .either(let kinds): kinds.lazy.compactMap(\.plausible).first
    default: nil
    }
  }

  /// The sections inside, with what their path gets: `[]` for a list's items, `.NAME` for a map's.
  fileprivate var objects: [(DeckObject, String)] {
    switch self {
    case .object(let object): [(object, "")]
    case .list(let kind, _): kind.objects.map { ($0.0, "[]" + $0.1) }
    case .map(let kind, _, _): kind.objects.map { ($0.0, ".NAME" + $0.1) }
    case .either(let kinds): kinds.flatMap(\.objects)
    default: []
    }
  }
}

import Foundation
import MDCore

/// Holds nodes against kinds: gives values and collects every error.
struct DeckValidator {
  /// Where relative input paths start.
  let directory: String
  /// Whether an input file below this top-level key must be there.
  let needsFiles: (String) -> Bool
  private(set) var errors: [FaultlineError] = []
  /// Numbers that are legal, but probably not meant.
  private(set) var warnings: [FaultlineError] = []
  /// The keys from the top to here.
  private var trail: [String] = []

  init(directory: String, needsFiles: @escaping (String) -> Bool = { _ in true }) {
    self.directory = directory
    self.needsFiles = needsFiles
  }

  private mutating func report(_ message: String, hint: String? = nil, at place: SourceLocation) {
    errors.append(FaultlineError(.input, message, hint: hint, at: place))
  }

  /// The value of `node`; nil if errors were found in it. `name` is the key it stands under.
  mutating func validate(_ node: DeckNode, as kind: DeckKind, name: String) -> DeckValue? {
    func value(_ content: DeckValue.Content) -> DeckValue { DeckValue(content: content, location: node.location) }
    switch kind {
    case .boolean:
      guard case .boolean(let flag) = node.content else { return wrongType(node, kind, name) }
      return value(.boolean(flag))
    case .integer(let range):
      guard let number = integer(node) else { return wrongType(node, kind, name) }
      guard range.contains(number) else { return outOfRange(node, kind, name) }
      return value(.integer(number))
    case .quantity(let dimension, let range):
      return quantity(node, dimension, range, name).map { value(.number($0)) }
    case .string:
      guard case .string(let text) = node.content, !text.isEmpty else { return wrongType(node, kind, name) }
      return value(.string(text))
    case .enumeration(let words):
      guard case .string(let text) = node.content else { return wrongType(node, kind, name) }
      guard words.contains(text) else {
        let near = Spelling.suggestion(for: text, among: words).map { "did you mean `\($0)`? " } ?? ""
        report(
          "`\(text)` is not a value of `\(name)`", hint: near + "allowed: " + words.joined(separator: ", "),
          at: node.location)
        return nil
      }
      return value(.string(text))
    case .path(let role):
      guard case .string(let text) = node.content, !text.isEmpty else { return wrongType(node, kind, name) }
      return path(text, role, node.location, name).map { value(.string($0)) }
    case .list(let item, let count):
      guard case .list(let nodes) = node.content else { return wrongType(node, kind, name) }
      guard count.contains(nodes.count) else {
        report("`\(name)` has \(nodes.count) items", hint: "expected \(kind.phrase)", at: node.location)
        return nil
      }
      let values = nodes.map { validate($0, as: item, name: name) }
      return values.contains { $0 == nil } ? nil : value(.list(values.compactMap { $0 }))
    case .map(let item, let names, let maximum):
      guard case .mapping(let entries) = node.content else { return wrongType(node, kind, name) }
      if entries.count > maximum {
        report("`\(name)` has \(entries.count) \(names)", hint: "at most \(maximum)", at: node.location)
      }
      let values = entries.map { entry in
        validate(entry.value, as: item, name: entry.key).map {
          DeckSection.Entry(name: entry.key, location: entry.location, value: $0, isGiven: true)
        }
      }
      guard !values.contains(where: { $0 == nil }), entries.count <= maximum else { return nil }
      return value(.section(DeckSection(name: name, location: node.location, entries: values.compactMap { $0 })))
    case .object(let object):
      return section(node, object, name).map { value(.section($0)) }
    case .either(let kinds):
      return either(node, kinds, name)
    }
  }

  // MARK: Sections

  /// The section `node` as `object`; nil if errors were found in it.
  mutating func section(_ node: DeckNode, _ object: DeckObject, _ name: String) -> DeckSection? {
    guard case .mapping(let given) = node.content else { return wrongType(node, .object(object), name) }
    let errorsBefore = errors.count
    var entries: [DeckSection.Entry] = []
    // Keys that the deck has, or has misspelt: one mistake gives one error.
    var present = Set(given.map(\.key))
    var hasUnknown = false
    for entry in given {
      guard let key = object.key(entry.key) else {
        hasUnknown = true
        if let meant = unknownKey(entry, among: given, object, name) { present.insert(meant) }
        continue
      }
      trail.append(key.name)
      if let value = validate(entry.value, as: key.kind, name: key.name) {
        entries.append(.init(name: key.name, location: entry.location, value: value, isGiven: true))
      }
      trail.removeLast()
    }
    for key in object.keys where !present.contains(key.name) {
      switch key.presence {
      case .optional: break
      case .required:
        report(
          "`\(key.name)` is missing in `\(name)`", hint: "expected \(key.kind.phrase): \(key.doc)", at: node.location)
      case .defaults(let text):
        entries.append(
          .init(name: key.name, location: node.location, value: defaultValue(key, text, node.location), isGiven: false))
      }
    }
    if !hasUnknown { for rule in object.rules { check(rule, present, name, node.location) } }
    return errors.count == errorsBefore ? DeckSection(name: name, location: node.location, entries: entries) : nil
  }

  /// Returns the key that was probably meant.
  private mutating func unknownKey(
    _ entry: DeckNode.Entry, among given: [DeckNode.Entry], _ object: DeckObject, _ name: String
  ) -> String? {
    let names = object.keys.map(\.name)
    let near = Spelling.suggestion(for: entry.key, among: names)
    // Sections that would take the key; likeliest the one whose keys stand too far left.
    let parents = object.keys.filter { $0.kind.sectionHas(entry.key) }.map(\.name)
    var hint = "allowed: " + names.joined(separator: ", ")
    if let near {
      hint = "did you mean `\(near)`? " + hint
    } else if entry.key.contains(":") {
      hint = "a space follows the colon: `key: value`"
    } else if let parent = parents.first(where: { given.contains(empty: $0) }) ?? parents.first {
      hint = "it belongs to `\(parent)`: indent it below; " + hint
    }
    report("unknown key `\(entry.key)` in `\(name)`", hint: hint, at: entry.location)
    return near
  }

  private mutating func check(
    _ rule: DeckObject.Rule, _ present: Set<String>, _ name: String, _ place: SourceLocation
  ) {
    let found = rule.keys.filter(present.contains)
    let all = rule.keys.joined(separator: ", ")
    let both = found.map { "`\($0)`" }.joined(separator: " and ")
    switch rule.count {
    case .exactlyOne where found.isEmpty: report("`\(name)` needs one of its kinds", hint: "allowed: \(all)", at: place)
    case .atLeastOne where found.isEmpty: report("`\(name)` is empty", hint: "give at least one of \(all)", at: place)
    case .exactlyOne where found.count > 1, .atMostOne where found.count > 1:
      report("\(both) exclude each other in `\(name)`", hint: "keep one of \(all)", at: place)
    default: break
    }
  }

  /// Defaults are part of the schema; a default that does not fit its own kind is a bug.
  private func defaultValue(_ key: DeckKey, _ text: String, _ place: SourceLocation) -> DeckValue {
    var inner = DeckValidator(directory: directory)
    guard let node = try? DeckNode.parse(text, file: place.file),
      let value = inner.validate(node.moved(to: place), as: key.kind, name: key.name)
    else { preconditionFailure("the default `\(text)` of `\(key.name)` is not \(key.kind.phrase)") }
    return value
  }

  /// The first kind that fits. If none does, the errors are those of the kind that looks like the node.
  private mutating func either(_ node: DeckNode, _ kinds: [DeckKind], _ name: String) -> DeckValue? {
    for kind in kinds {
      var trial = self
      trial.errors = []
      if let value = trial.validate(node, as: kind, name: name) {
        warnings = trial.warnings
        return value
      }
    }
    let alike = kinds.filter { $0.hasShape(of: node) }
    if alike.count == 1 { return validate(node, as: alike[0], name: name) }
    return wrongType(node, .either(kinds), name)
  }

  // MARK: Scalars

  /// Also 1e6: JSON Schema calls that an integer too.
  private func integer(_ node: DeckNode) -> Int? {
    switch node.content {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  private mutating func quantity(
    _ node: DeckNode, _ dimension: PhysicalDimension, _ range: NumberRange, _ name: String
  ) -> Double? {
    let kind = DeckKind.quantity(dimension, range)
    let value: Double
    var isBare = true
    switch node.content {
    case .integer(let number): value = Double(number)
    case .number(let number): value = number
    case .string(let text):
      guard let (number, length) = DecimalText.prefix(of: text.trimmingCharacters(in: .whitespaces)),
        !dimension.units.isEmpty
      else { return wrongType(node, kind, name) }
      let name = String(decoding: text.trimmingCharacters(in: .whitespaces).utf8.dropFirst(length), as: UTF8.self)
        .trimmingCharacters(in: .whitespaces)
      guard let unit = dimension.unit(named: name) else {
        report(
          name.isEmpty ? "`\(text)` is text" : "`\(name)` is not a unit of \(dimension.name)",
          hint: "allowed: " + dimension.units.map(\.name).joined(separator: ", "), at: node.location)
        return nil
      }
      value = number * unit.numerator / unit.denominator
      isBare = false
    default: return wrongType(node, kind, name)
    }
    guard value.isFinite, range.contains(value) else { return outOfRange(node, kind, name) }
    guard range.within(dimension).contains(value) else {
      let unit = dimension.defaultUnit.map { " " + $0 } ?? ""
      report(
        "`\(name)` is out of range: \(node.text)",
        hint: "expected \(kind.phrase), \(phrase(dimension.magnitudes))\(unit)", at: node.location)
      return nil
    }
    if let plausible = range.plausible, value != 0, !plausible.contains(abs(value)) {
      warn(of: node, value, isBare: isBare, dimension, plausible, name)
    }
    return value
  }

  /// A value far from what its key has as a rule. A number without unit was probably meant in another than the
  /// default: the first that makes it plausible is named.
  private mutating func warn(
    of node: DeckNode, _ value: Double, isBare: Bool, _ dimension: PhysicalDimension,
    _ plausible: ClosedRange<Double>, _ name: String
  ) {
    let unit = dimension.defaultUnit.map { " " + $0 } ?? ""
    var message = "`\(name)` is \(node.text)"
    var hint = "\(phrase(plausible))\(unit) is plausible"
    if isBare, let own = dimension.defaultUnit {
      if dimension.units.count > 1 { message += ", without a unit in \(own)" } else { message += unit }
      let meant = dimension.units.first { plausible.contains(abs(value) * $0.numerator / $0.denominator) }
      if let meant { hint += "; was \(node.text) \(meant.name) meant?" }
    }
    message += ": very \(abs(value) > plausible.upperBound ? "large" : "small")"
    warnings.append(FaultlineError(.input, message, hint: hint, at: node.location))
  }

  private func phrase(_ range: ClosedRange<Double>) -> String {
    range.lowerBound == 0
      ? "up to \(plain(range.upperBound))" : "\(plain(range.lowerBound)) to \(plain(range.upperBound))"
  }

  private mutating func path(_ text: String, _ role: PathRole, _ place: SourceLocation, _ name: String) -> String? {
    switch role {
    case .outputDirectory: return text
    case .outputName:
      if text.contains("/") || text == "." || text == ".." {
        report(
          "`\(text)` is not a plain file name", hint: "it is written to the run's folder, see `output.directory`",
          at: place)
        return nil
      }
      return text
    case .input, .inputDirectory:
      let wantsFolder = role == .inputDirectory
      let full = text.hasPrefix("/") ? text : directory + "/" + text
      let path = URL(fileURLWithPath: full).standardized.path
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      guard needsFiles(trail.first ?? "") else { return path }
      if exists, isFolder.boolValue != wantsFolder {
        report(
          "`\(text)` is a \(wantsFolder ? "file" : "folder")", hint: "expected a \(wantsFolder ? "folder" : "file")",
          at: place)
      } else if !exists {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let others = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let near = Spelling.suggestion(for: URL(fileURLWithPath: path).lastPathComponent, among: others.sorted())
        report(
          "no \(wantsFolder ? "folder" : "file") `\(text)`",
          hint: (near.map { "did you mean `\($0)`? " } ?? "") + "looked for \(path)", at: place)
      } else if !FileManager.default.isReadableFile(atPath: path) {
        report("`\(text)` cannot be read", hint: "check its permissions", at: place)
      } else {
        return path
      }
      return nil
    }
  }

  // MARK: Complaints

  private mutating func wrongType<T>(_ node: DeckNode, _ kind: DeckKind, _ name: String) -> T? {
    var hint = "expected \(kind.phrase)"
    switch (kind, node.content) {
    case (.object, .string(let text)), (.map, .string(let text)):
      if text.contains(":") { hint += "; a space follows the colon: `key: value`" }
    case (.list, .mapping): hint += "; start each item with `- `"
    case (.list(_, let count), .string(let text)) where count.contains(1): hint += "; write [\(text)]"
    case (.object, .null), (.map, .null): hint += "; indent its keys below it, or write {} for an empty section"
    case (.string, .integer), (.string, .number), (.string, .boolean), (.enumeration, .boolean): hint += " in quotes"
    case (.integer, .string(let text)) where text.contains("_"): hint += " without underscores"
    default: break
    }
    report("`\(name)` is \(node.phrase)", hint: hint, at: node.location)
    return nil
  }

  private mutating func outOfRange<T>(_ node: DeckNode, _ kind: DeckKind, _ name: String) -> T? {
    report("`\(name)` is out of range: \(node.text)", hint: "expected \(kind.phrase)", at: node.location)
    return nil
  }
}

extension DeckNode {
  /// What stands there, in words.
  fileprivate var phrase: String {
    switch content {
    case .null: "empty"
    case .boolean: "a boolean (\(text))"
    case .integer, .number: "a number (\(text))"
    case .string: "text (`\(text)`)"
    case .list: "a list"
    case .mapping: "a section"
    }
  }
}

extension [DeckNode.Entry] {
  fileprivate func contains(empty key: String) -> Bool {
    contains { entry in if case .null = entry.value.content { entry.key == key } else { false } }
  }
}

extension DeckKind {
  fileprivate func hasShape(of node: DeckNode) -> Bool {
    switch (self, node.content) {
    case (.list, .list), (.object, .mapping), (.map, .mapping): true
    case (.list, _), (.object, _), (.map, _): false
    case (_, .list), (_, .mapping): false
    default: true
    }
  }

  /// Whether a section of this kind would take the key.
  fileprivate func sectionHas(_ key: String) -> Bool {
    switch self {
    case .object(let object): object.key(key) != nil
    case .list(let kind, _): kind.sectionHas(key)
    default: false
    }
  }
}

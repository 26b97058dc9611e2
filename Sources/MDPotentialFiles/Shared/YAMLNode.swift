import MDCore

/// A node of a YAML document with its line. Lists of numbers are kept as numbers: files of potentials hold millions.
struct YAMLNode: Sendable {
  indirect enum Value: Sendable {
    case empty
    case text(String)
    case numbers([Double])
    case list([YAMLNode])
    case map([Entry])
  }
  struct Entry: Sendable {
    /// As written; of a key that is a list, its text.
    var key: String
    var line: Int
    var value: YAMLNode
  }
  var value: Value
  var line: Int
}

/// A node that must be a map, with what is needed for errors.
struct YAMLSection {
  let file: String
  let name: String
  let line: Int
  let entries: [YAMLNode.Entry]

  init(_ node: YAMLNode, _ name: String, file: String) throws {
    self.file = file
    self.name = name
    line = node.line
    guard case .map(let entries) = node.value else {
      throw FaultlineError(
        .input, "\(name) must be a map of keys and values", at: SourceLocation(file: file, line: node.line))
    }
    var seen: Set<String> = []
    for entry in entries where !seen.insert(entry.key).inserted {
      throw FaultlineError(
        .input, "`\(entry.key)` is given twice in \(name)", at: SourceLocation(file: file, line: entry.line))
    }
    self.entries = entries
  }

  /// What `other` has beside it.
  func completed(by other: YAMLSection?) -> YAMLSection {
    guard let other else { return self }
    return YAMLSection(self, entries + other.entries.filter { entry in self[entry.key] == nil })
  }

  private init(_ section: YAMLSection, _ entries: [YAMLNode.Entry]) {
    (file, name, line) = (section.file, section.name, section.line)
    self.entries = entries
  }

  subscript(key: String) -> YAMLNode? { entries.first { $0.key == key }?.value }

  func error(_ message: String, _ node: YAMLNode? = nil, hint: String? = nil) -> FaultlineError {
    FaultlineError(.input, message, hint: hint, at: SourceLocation(file: file, line: node?.line ?? line))
  }

  func node(_ key: String) throws -> YAMLNode {
    guard let node = self[key] else { throw error("\(name) has no `\(key)`") }
    return node
  }

  func section(_ key: String, _ name: String? = nil) throws -> YAMLSection {
    try YAMLSection(node(key), name ?? "`\(key)`", file: file)
  }

  func text(_ key: String) throws -> String {
    let node = try node(key)
    guard case .text(let text) = node.value else { throw error("`\(key)` of \(name) must be a word", node) }
    return text
  }

  func number(_ key: String, default value: Double? = nil) throws -> Double {
    if self[key] == nil, let value { return value }
    let node = try node(key)
    guard case .text(let text) = node.value, let number = YAMLText.number(text) else {
      throw error("`\(key)` of \(name) must be a finite number", node)
    }
    return number
  }

  func integer(_ key: String, _ allowed: ClosedRange<Int>) throws -> Int {
    let number = try number(key)
    guard let value = Int(exactly: number), allowed.contains(value) else {
      throw error(
        "`\(key)` of \(name) is \(number)", self[key],
        hint: "a whole number from \(allowed.lowerBound) to \(allowed.upperBound) is allowed")
    }
    return value
  }

  /// A list of numbers, or a single one.
  func numbers(_ key: String, count: Int? = nil) throws -> [Double] {
    let node = try node(key)
    let values: [Double]
    switch node.value {
    case .numbers(let numbers): values = numbers
    case .list(let list) where list.isEmpty: values = []
    case .list(let list):
      values = try list.map { item in
        guard case .text(let text) = item.value, let number = YAMLText.number(text) else {
          throw error("`\(key)` of \(name) must be a list of finite numbers", item)
        }
        return number
      }
    case .text(let text):
      guard let number = YAMLText.number(text) else {
        throw error("`\(key)` of \(name) must be a list of finite numbers", node)
      }
      values = [number]
    default: throw error("`\(key)` of \(name) must be a list of finite numbers", node)
    }
    if let count, values.count != count {
      throw error("`\(key)` of \(name) has \(values.count) numbers", node, hint: "\(count) are needed")
    }
    return values
  }

  func integers(_ key: String, count: Int? = nil, _ allowed: ClosedRange<Int>) throws -> [Int] {
    try numbers(key, count: count).map { number in
      guard let value = Int(exactly: number), allowed.contains(value) else {
        throw error(
          "`\(key)` of \(name) contains \(number)", self[key],
          hint: "whole numbers from \(allowed.lowerBound) to \(allowed.upperBound) are allowed")
      }
      return value
    }
  }

  func list(_ key: String) throws -> [YAMLNode] {
    let node = try node(key)
    switch node.value {
    case .list(let list): return list
    case .numbers(let numbers): return numbers.map { YAMLNode(value: .text("\($0)"), line: node.line) }
    case .empty: return []
    default: throw error("`\(key)` of \(name) must be a list", node)
    }
  }

  func words(_ key: String) throws -> [String] {
    try list(key).map { item in
      guard case .text(let text) = item.value else { throw error("`\(key)` of \(name) must be a list of words", item) }
      return text
    }
  }
}

import Foundation
import Yams

/// The values of a deck by their places, `stages.0.dynamics.steps`, as they are written; what was given beside it takes their place.
struct DeckValues {
  private(set) var texts: [String: String] = [:]

  /// nil for what is no YAML.
  init?(_ deck: String, settings: [String]) {
    guard let root = try? Yams.compose(yaml: deck, .basic) else { return nil }
    put(root, at: "")
    for setting in settings {
      guard let sign = setting.firstIndex(of: "=") else { continue }
      let key = String(setting[..<sign])
      texts = texts.filter { $0.key != key && !$0.key.hasPrefix(key + ".") }
      if let value = try? Yams.compose(yaml: String(setting[setting.index(after: sign)...]), .basic) { put(value, at: key) }
    }
  }

  private mutating func put(_ node: Node, at place: String) {
    func inside(_ step: String) -> String { place.isEmpty ? step : place + "." + step }
    switch node {
    // What is empty still is there.
    case .mapping(let entries) where entries.isEmpty: texts[place] = "{}"
    case .sequence(let items) where items.isEmpty: texts[place] = "[]"
    case .scalar(let scalar): texts[place] = scalar.string
    case .mapping(let entries): for (key, value) in entries { put(value, at: inside(key.scalar?.string ?? "?")) }
    case .sequence(let items): for (k, item) in items.enumerated() { put(item, at: inside("\(k)")) }
    case .alias: break
    }
  }

  /// `1600 K` as 1600 and "K"; nil where no number stands at the beginning.
  static func number(_ text: String) -> (value: Double, unit: String)? {
    var head = text.prefix { "+-.0123456789eE".contains($0) }
    while !head.isEmpty {
      if let value = Double(head), value.isFinite {
        return (value, text[head.endIndex...].trimmingCharacters(in: .whitespaces))
      }
      head = head.dropLast()
    }
    return nil
  }
}

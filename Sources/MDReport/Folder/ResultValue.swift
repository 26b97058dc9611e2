import FoundationEssentials

/// A value of a JSON file of whatever shape: reports read runs of other versions too.
package enum ResultValue: Decodable, Sendable, Equatable {
  case none
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([ResultValue])
  case object([String: ResultValue])

  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .none
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let list = try? value.decode([ResultValue].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: ResultValue].self))
    }
  }

  package subscript(key: String) -> ResultValue {
    if case .object(let members) = self { members[key] ?? .none } else { .none }
  }
  package var number: Double? { if case .number(let x) = self { x } else { nil } }
  package var text: String? { if case .text(let x) = self { x } else { nil } }
  package var flag: Bool? { if case .flag(let x) = self { x } else { nil } }
  package var list: [ResultValue] { if case .list(let x) = self { x } else { [] } }
  package var members: [(key: String, value: ResultValue)] {
    if case .object(let members) = self { members.sorted { $0.key < $1.key } } else { [] }
  }
}

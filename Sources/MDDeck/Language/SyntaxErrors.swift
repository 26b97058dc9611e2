import Foundation
import MDCore
import Yams

extension DeckNode {
  /// What YAML's parser complains about, in words that help.
  static func syntaxError(_ error: YamlError, yaml: String, file: String) -> FaultlineError {
    func place(_ mark: Mark) -> SourceLocation { SourceLocation(file: file, line: mark.line, column: mark.column) }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
      let line = lines.indices.contains(mark.line - 1) ? lines[mark.line - 1] : ""
      if let tab = line.prefix(while: { $0 == " " || $0 == "\t" }).firstIndex(of: "\t") {
        let column = line.distance(from: line.startIndex, to: tab) + 1
        return FaultlineError(
          .input, "a tab in the indentation", hint: "YAML indents with spaces only",
          at: SourceLocation(file: file, line: mark.line, column: column))
      }
      var message = "YAML syntax: \(problem)"
      if let context, context.mark.line > 0, context.text != "expected a single document in the stream" {
        message += " \(context.text) that starts at line \(context.mark.line)"
      }
      return FaultlineError(.input, message, hint: hint(problem), at: place(mark))
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.sorted().map { "`\($0)`" }.joined(separator: ", ")
      return FaultlineError(
        .input, "\(names) given more than once in the same section", hint: "keep one", at: place(context.mark))
    case .reader(let problem, let offset, _, _):
      let before = offset.map { yaml.prefix($0) } ?? ""
      let line = before.reduce(1) { $1.isNewline ? $0 + 1 : $0 }
      let column = before.count - (before.lastIndex(where: \.isNewline).map {
        before.distance(from: before.startIndex, to: $0) + 1
      } ?? 0) + 1
      return FaultlineError(
        .input, "not a text file: \(problem)", at: SourceLocation(file: file, line: line, column: column))
    default:
      return FaultlineError(.input, "YAML: \(error)", at: SourceLocation(file: file))
    }
  }

  private static func hint(_ problem: String) -> String? {
    switch problem {
    case "mapping values are not allowed in this context":
      "check the indentation of this line and the one above; text that holds `: ` needs quotes"
    case "did not find expected key", "did not find expected '-' indicator":
      "keys of one section start in the same column, and so do the `-` of a list"
    case "could not find expected ':'": "a key is followed by a colon and a space: `key: value`"
    case "did not find expected ',' or ']'", "did not find expected ',' or '}'":
      "close the bracket, and separate items by commas"
    case "found unexpected end of stream": "close the quotes"
    case "but found another document": "a deck is one document: remove the `---`"
    case "found undefined alias": "define it first with `&name`"
    default: nil
    }
  }
}

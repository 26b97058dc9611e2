import Foundation
import MDCore
import MDDeck
import MDSimulation
import Testing

@Suite("What users read and start from")
struct DocumentTests {
  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static let inputs =
    ((try? FileManager.default.contentsOfDirectory(
      at: repository.appendingPathComponent("inputs"), includingPropertiesForKeys: nil)) ?? [])
    .filter { $0.pathExtension == "yaml" }.map(\.path).sorted()

  @Test("docs/deck.md is what `faultline schema --markdown` prints")
  func deckReference() throws {
    let file = Self.repository.appendingPathComponent("docs/deck.md")
    let document = try String(contentsOf: file, encoding: .utf8)
    let reference = Registry.deckReference()
    let difference = zip(document.split(separator: "\n"), reference.split(separator: "\n")).first { $0 != $1 }
    #expect(
      document.trimmingCharacters(in: .newlines) == reference.trimmingCharacters(in: .newlines),
      "run `faultline schema --markdown > docs/deck.md`; first difference: \(String(describing: difference))")
  }

  @Test("every deck of inputs/ passes without a warning", arguments: inputs)
  func shippedDecks(_ path: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let purpose: Purpose = text.contains("stages:") ? .run : .evaluate
    do {
      let plan = try RunPlan.parse(text, file: path, schema: Registry.schema, purpose: purpose)
      #expect(plan.warnings.isEmpty, "\(plan.warnings)")
    } catch { Issue.record("\(error)") }
  }

  @Test("the repository has decks")
  func count() { #expect(Self.inputs.count >= 4) }

  @Test("decks that the pages show are valid", arguments: ["README.md", "docs", "potentials"])
  func pages(_ place: String) throws {
    let root = Self.repository.appendingPathComponent(place)
    let files =
      place.hasSuffix(".md")
      ? [root.path]
      : (FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? [])
        .filter { $0.hasSuffix(".md") && $0 != "deck.md" }.map { root.path + "/" + $0 }
    for file in files {
      let blocks = try String(contentsOfFile: file, encoding: .utf8).components(separatedBy: "```yaml\n").dropFirst()
      for block in blocks.map({ $0.components(separatedBy: "```")[0] }) {
        let (whole, purpose) = Self.completed(block)
        do {
          _ = try Registry.schema.validate(whole, file: file, for: purpose, checksFiles: false)
        } catch { Issue.record("\(file):\n\(block)\n\(error)") }
      }
    }
  }

  /// A snippet with the sections that it leaves out.
  private static func completed(_ snippet: String) -> (String, Purpose) {
    var deck = snippet
    for (section, value) in [
      "structure": "{lattice: {type: fcc, constant: 4, species: [Cu]}}",
      "potential": "[{zbl: {inner: 1, outer: 2}}]", "stages": "[{minimize: {}}]",
    ] where !("\n" + deck).contains("\n\(section):") { deck += "\n\(section): \(value)" }
    return (deck, .run)
  }
}

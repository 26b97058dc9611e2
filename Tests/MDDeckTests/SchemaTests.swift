import Foundation
import MDCore
import MDDeck
import MDSimulation
import MDTestSupport
import Testing

@Suite("The JSON Schema and the reference say what the parser does")
struct SchemaTests {
  /// Whether the parser accepts the shape of a deck (neither files nor contradictions between sections are looked at).
  private func parserAccepts(_ deck: String, for purpose: Purpose, _ schema: DeckSchema = sampleSchema) -> Bool {
    do {
      _ = try schema.validate(deck, file: "deck.yaml", for: purpose, checksFiles: false).deck
      return true
    } catch {
      return false
    }
  }

  @Test(
    "Random decks and decks with one to three mistakes get the same verdict", arguments: Purpose.allCases,
    [false, true])
  func agreement(_ purpose: Purpose, ofTheProgram: Bool) throws {
    let deckSchema = ofTheProgram ? Registry.schema : sampleSchema
    let schema = JSONSchema.json(deckSchema, for: purpose)
    let root = DeckKind.object(deckSchema.root(for: purpose))
    var generator = DeckGenerator(random: SplitMix64(seed: UInt64(purpose.rawValue.utf8.count)))
    var (accepted, refused) = (0, 0)
    for round in 0..<100 {
      let valid = generator.value(root)
      var deck = valid
      for mistakes in 0...3 {
        if mistakes > 0 { deck = generator.mutated(deck) }
        let text = deck.rendered()
        let node = try DeckNode.parse(text, file: "deck.yaml")
        let verdict = parserAccepts(text, for: purpose, deckSchema)
        #expect(verdict == JSONSchemaChecker.accepts(node, schema), "round \(round): \(text)")
        if mistakes == 0 { #expect(verdict, "a generated deck is valid: \(complaints(text, for: purpose))") }
        if verdict { accepted += 1 } else { refused += 1 }
      }
    }
    // Both verdicts are common, or the test says nothing.
    #expect(accepted > 100 && refused > 100)
  }

  @Test("Written decks", arguments: [fullDeck, smallDeck])
  func written(_ deck: String) throws {
    let node = try DeckNode.parse(deck, file: "deck.yaml")
    #expect(JSONSchemaChecker.accepts(node, JSONSchema.json(sampleSchema, for: .run)))
    #expect(JSONSchemaChecker.accepts(node, JSONSchema.json(sampleSchema, for: nil)))
  }

  @Test("Every spelling of every unit passes the schema's pattern and the parser")
  func units() throws {
    let schema = JSONSchema.json(sampleSchema, for: .evaluate)
    for unit in ["Å", "\u{212B}", "A\u{30A}", "A", "angstrom", "nm", "pm", "µm", "\u{3BC}m", "um", "bohr", "fs", "m"] {
      let deck = "potential: [{zbl: {inner: 1\(unit), outer: 2 \(unit)}}]"
      let isLength = unit != "fs" && unit != "m"
      let node = try DeckNode.parse(deck, file: "")
      #expect(parserAccepts(deck, for: .evaluate) == isLength, "\(unit)")
      #expect(JSONSchemaChecker.accepts(node, schema) == isLength, "\(unit)")
    }
  }

  @Test("The rendered text is JSON with a description for every key")
  func rendering() throws {
    let text = JSONSchema.render(sampleSchema)
    let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(object["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    #expect(object["required"] == nil)
    #expect(object["additionalProperties"] as? Bool == false)
    var described = 0
    func visit(_ schema: [String: Any]) {
      for (name, value) in schema["properties"] as? [String: [String: Any]] ?? [:] {
        #expect((value["description"] as? String)?.isEmpty == false, "\(name)")
        described += 1
        visit(value)
      }
      if let items = schema["items"] as? [String: Any] { visit(items) }
      if let items = schema["additionalProperties"] as? [String: Any] { visit(items) }
    }
    visit(object)
    #expect(described > 100)
  }

  /// Every section of the deck.
  private func sections(_ kind: DeckKind) -> [DeckObject] {
    switch kind {
    case .object(let object): [object] + object.keys.flatMap { sections($0.kind) }
    case .list(let kind, _), .map(let kind, _, _): sections(kind)
    case .either(let kinds): kinds.flatMap(sections)
    default: []
    }
  }

  @Test("Every example of the reference is a valid piece of a deck, and has its section in it")
  func examples() throws {
    let fallbacks = [
      "structure": "{lattice: {type: fcc, constant: 4, species: [Cu]}}",
      "potential": "[{zbl: {inner: 1, outer: 2}}]", "stages": "[{minimize: {}}, {dynamics: {steps: 10}}]",
    ]
    let all = sections(.object(sampleSchema.root))
    #expect(all.filter { $0.example != nil }.count > 20)
    for object in all {
      guard let example = object.example else { continue }
      // The files of examples are not there.
      // Nor are the program's own potentials.
      let text = example.replacing("slab.extxyz", with: someFile).replacing("Cu_mishin1.eam.alloy", with: someFile)
        .replacing("eam: {parameters: zhou2004}", with: "eam: {file: \(someFile)}")
        .replacing("hdnnp: {committee: [run1, run2, run3], units: metal}", with: "eam: {file: \(someFile)}")
      let node = try DeckNode.parse(text, file: "")
      #expect(JSONSchemaChecker.accepts(node, JSONSchema.json(sampleSchema, for: nil)), "\(example)")
      let deck = fallbacks.reduce(text) { deck, section in
        ("\n" + text).contains("\n\(section.key):") || (section.key == "stages" && text.hasPrefix("tasks:")) ? deck : "\(deck)\n\(section.key): \(section.value)"
      }
      // What an example names but does not hold: a boundary, and its own species.
      let errors = complaints(deck).filter {
        !$0.contains("needs `structure.grain_boundary`") && !$0.contains("no species")
      }
      #expect(errors == [], "\(example)")
    }
  }

  @Test("The reference has a row for every key and a heading for every section")
  func reference() {
    let text = DeckReference.render(sampleSchema)
    let lines = text.split(separator: "\n")
    for object in sections(.object(sampleSchema.root)) {
      #expect(text.contains("\n\(object.doc)\n"))
      for key in object.keys {
        let isThere = lines.contains { $0.hasPrefix("| `\(key.name)` | ") && $0.contains(" | \(key.doc)") }
        #expect(isThere, "\(key.name)")
      }
    }
    #expect(text.contains("| `skin` | number > 0 | Å | `1.0` | "))
    #expect(text.contains("| `steps` | integer from 1 to 1e12 |  | required | Number of steps. |"))
  }

  @Test("Links of the reference lead to headings")
  func links() {
    let text = DeckReference.render(sampleSchema)
    var anchors: Set<String> = []
    for line in text.components(separatedBy: "\n") where line.hasPrefix("##") {
      anchors.insert(line.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "_" })
    }
    let links = text.components(separatedBy: "](#").dropFirst().map { String($0.prefix { $0 != ")" }) }
    #expect(links.count > 20)
    for link in links { #expect(anchors.contains(link), "\(link)") }
  }
}

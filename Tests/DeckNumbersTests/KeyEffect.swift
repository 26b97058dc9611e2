import MDDeck
import MDSimulation
import Testing

/// Keys of the deck, and a check that what they do is in the numbers of a run.
///
/// Paths are those of docs/deck.md without `[]` and `NAME`: `potential.morse.pairs.alpha`.
struct KeyEffect: Sendable, CustomTestStringConvertible {
  let keys: [String]
  let check: @Sendable () throws -> Void

  init(_ keys: String..., check: @escaping @Sendable () throws -> Void) {
    self.keys = keys
    self.check = check
  }

  init(keys: [String], check: @escaping @Sendable () throws -> Void) {
    self.keys = keys
    self.check = check
  }

  init(in section: String, _ keys: String..., check: @escaping @Sendable () throws -> Void) {
    self.keys = keys.map { section + "." + $0 }
    self.check = check
  }

  var testDescription: String { keys.joined(separator: ", ") }
}

@Suite("Deck → numbers: no key without a test") struct KeyTableTests {
  static let effects: [KeyEffect] =
    StructureKeyTests.effects + GrainBoundaryKeyTests.effects + GroupKeyTests.effects + DynamicsKeyTests.effects
    + ThermostatKeyTests.effects + MinimizationKeyTests.effects + PairKeyTests.effects + ManyBodyKeyTests.effects
    + CoulombKeyTests.effects + EquilibrationKeyTests.effects + OutputKeyTests.effects + AnalysisKeyTests.effects
    + CellKeyTests.effects + RunKeyTests.effects + TensorKeyTests.effects + NEPKeyTests.effects + ACEKeyTests.effects
    + ScanKeyTests.effects + TaskKeyTests.effects + InterfaceKeyTests.effects + ModifierKeyTests.effects
    + PolycrystalKeyTests.effects + CrackKeyTests.effects + CrackIntegralTests.effects + CrackPathTests.effects + SearchKeyTests.effects + InterfaceSearchTests.effects + MeasureKeyTests.effects

  /// Every key with a value of its own, by its path.
  static func keys(of object: DeckObject, under path: String = "") -> [String] {
    object.keys.flatMap { key -> [String] in
      let name = path.isEmpty ? key.name : path + "." + key.name
      let inner = sections(key.kind)
      let deeper = inner.objects.flatMap { keys(of: $0, under: name) }
      return inner.hasValues ? [name] + deeper : deeper
    }
  }

  /// The sections inside, and whether the key can have a plain value.
  private static func sections(_ kind: DeckKind) -> (objects: [DeckObject], hasValues: Bool) {
    switch kind {
    case .object(let object): return ([object], false)
    case .list(let item, _), .map(let item, _, _): return sections(item)
    case .either(let kinds):
      let all = kinds.map(sections)
      return (all.flatMap(\.objects), all.contains { $0.hasValues })
    default: return ([], true)
    }
  }

  @Test("every key of the schema has a test that shows its effect, and no test is for a key that is none")
  func complete() {
    let schema = Set(Self.keys(of: Registry.schema.root))
    let tested = Set(Self.effects.flatMap(\.keys))
    #expect(schema.count > 150)
    #expect(schema.subtracting(tested).sorted() == [], "keys that no test looks at")
    #expect(tested.subtracting(schema).sorted() == [], "tests of keys that the schema does not have")
  }
}

import MDCore
import MDDeck

/// How many atoms of each kind of structure the grains have, look after look. Atoms keep the grain that they began in.
struct GrainCounts {
  /// step, time, grain and counts, the same on every rank.
  private(set) var rows: [[Double]] = []
  private let grain: ColumnStorage
  private let kinds: Int
  /// The grains that there are, ascending: a file may number them as it likes.
  private var grains: [Double]?

  /// nil if the deck does not ask for it.
  init?(_ section: DeckSection, _ setting: InstrumentSetting, kinds: Int) throws {
    guard section.boolean("grains") else { return nil }
    guard let column = setting.atoms.column(named: "grain") else {
      var error = section.error(
        "grains", "are not known", hint: "a bicrystal or polycrystal that the deck builds has them, or a file with a column grain")
      error.isCollective = true
      throw error
    }
    (grain, self.kinds) = (column, kinds)
  }

  /// `kind` gives the structure of a local atom, nil for those that do not count. Collective.
  mutating func take(_ scene: Scene, _ kind: (Int) -> Int?) {
    let numbers = grain.base.assumingMemoryBound(to: Double.self)
    let local = scene.view.localCount
    let grains = self.grains ?? Set(scene.communicator.gatherEverywhere(Array(Set((0..<local).map { numbers[$0] })))).sorted()
    self.grains = grains
    let places = Dictionary(uniqueKeysWithValues: zip(grains, 0...))
    var counts = [Double](repeating: 0, count: grains.count * kinds)
    for i in 0..<local {
      if let kind = kind(i), let place = places[numbers[i]] { counts[place * kinds + kind] += 1 }
    }
    scene.communicator.sum(&counts)
    for (place, g) in grains.enumerated() where g >= 0 {
      rows.append([Double(scene.step), scene.time, g] + counts[(place * kinds)..<((place + 1) * kinds)])
    }
  }

  func table(_ names: [String]) -> Report.Table {
    .init(
      suffix: "grains",
      columns: [Figure("step"), Figure("time", unit: "ps"), Figure("grain")] + names.map { Figure($0, unit: "atoms") },
      rows: rows)
  }

  /// Goes on from kept rows. False if they are none of its own.
  mutating func restore(_ kept: [[Double]]) -> Bool {
    guard kept.allSatisfy({ $0.count == 3 + kinds && $0.allSatisfy(\.isFinite) }) else { return false }
    rows = kept
    return true
  }

  static let key = DeckKey.defaulted(
    "grains", .boolean, "false", "Also counts by grain (NAME-grains.csv), of the grain that an atom began in.")
}

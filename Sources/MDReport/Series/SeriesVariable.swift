/// What differs between the decks of several runs: all places whose values part the runs in the same way.
struct SeriesVariable {
  /// Places in the deck, the one that names the variable first.
  var places: [String]
  /// "temperature", or the whole place where two variables would be called alike.
  var name: String
  /// The value of each run; empty where its deck has none.
  var texts: [String]
  /// The numbers, where all runs have one and these have one unit.
  var numbers: [Double]?
  var unit: String
  /// Which runs have the same value: the first of them, for each.
  var parts: [Int]

  var isTemperature: Bool { places.contains { Self.word($0) == "temperature" } }

  /// "temperature 300 K", of a path its last part.
  func label(_ run: Int) -> String {
    guard numbers != nil else { return texts[run].split(separator: "/").last.map { "\(name) \($0)" } ?? "without \(name)" }
    return "\(name) \(texts[run])"
  }

  /// The last step of a place that is no number.
  private static func word(_ place: String) -> String {
    place.split(separator: ".").last { Int($0) == nil }.map(String.init) ?? place
  }

  /// What one would call a series by, the first it is best called.
  private static let usual = ["temperature", "pressure", "rate", "sigma", "angle", "size", "thickness", "radius", "constant", "kind", "type"]

  private static func rank(_ place: String, isNumber: Bool) -> (Int, Int, String) {
    let name = word(place)
    return (isNumber ? 0 : 1, usual.firstIndex { name.contains($0) } ?? usual.count, place)
  }

  /// What is written and looked at, and how long, is no part of what is simulated; seeds are what repetitions differ by.
  private static func isAside(_ place: String) -> Bool {
    place == "title" || ["output.", "scan.", "analysis."].contains(where: place.hasPrefix)
      || ["seed", "steps", "every"].contains(where: word(place).hasSuffix)
  }

  /// Of the decks.
  static func between(_ decks: [DeckValues]) -> [SeriesVariable] {
    let places = Set(decks.flatMap(\.texts.keys)).filter { !isAside($0) }
    var classes: [[Int]: [String]] = [:]
    for place in places {
      let texts = decks.map { $0.texts[place] ?? "" }
      guard Set(texts).count > 1 else { continue }
      classes[texts.map { texts.firstIndex(of: $0)! }, default: []].append(place)
    }
    var out = classes.map { parts, places -> SeriesVariable in
      func numbers(_ place: String) -> (values: [Double], unit: String)? {
        let known = decks.compactMap { $0.texts[place].flatMap(DeckValues.number) }
        let units = Set(known.map(\.unit)).subtracting([""])
        return known.count == decks.count && units.count < 2 ? (known.map(\.value), units.first ?? "") : nil
      }
      let ranked = places.map { (place: $0, numbers: numbers($0)) }.sorted {
        rank($0.place, isNumber: $0.numbers != nil) < rank($1.place, isNumber: $1.numbers != nil)
      }
      let (first, found) = ranked[0]
      return SeriesVariable(
        places: ranked.map(\.place), name: word(first).replacing("_", with: " "), texts: decks.map { $0.texts[first] ?? "" },
        numbers: found?.values, unit: found.map { $0.unit.isEmpty && word(first) == "temperature" ? "K" : $0.unit } ?? "",
        parts: parts)
    }
    for k in out.indices where out.count(where: { $0.name == out[k].name }) > 1 { out[k].name = out[k].places[0] }
    return out.sorted { rank($0.places[0], isNumber: $0.numbers != nil) < rank($1.places[0], isNumber: $1.numbers != nil) }
  }

  /// What parts the runs besides this variable, first what they are made of, the coarsest first; what follows from it and those before is none: a lattice
  /// constant that was chosen for each temperature.
  func splitters(_ all: [SeriesVariable]) -> [SeriesVariable] {
    var out: [SeriesVariable] = []
    func order(_ v: SeriesVariable) -> (Int, Int) {
      (v.places.contains { place in ["structure.", "potential.", "species."].contains(where: place.hasPrefix) } ? 0 : 1, Set(v.parts).count)
    }
    for other in all.filter({ $0.places != places }).sorted(by: { order($0) < order($1) }) {
      var known: [[Int]: Int] = [:]
      let follows = parts.indices.allSatisfy { run in
        let key = [parts[run]] + out.map { $0.parts[run] }
        defer { known[key] = other.parts[run] }
        return known[key] == nil || known[key] == other.parts[run]
      }
      if !follows { out.append(other) }
    }
    return out
  }

  /// The runs that are alike in all that this variable does not tell, in their order, with what they are alike in.
  func groups(_ all: [SeriesVariable]) -> [(name: String, runs: [Int])] {
    let others = splitters(all)
    var out: [(key: [Int], name: String, runs: [Int])] = []
    for run in parts.indices {
      let key = others.map { $0.parts[run] }
      if let k = out.firstIndex(where: { $0.key == key }) {
        out[k].runs.append(run)
      } else {
        out.append((key, others.map { $0.label(run) }.joined(separator: ", "), [run]))
      }
    }
    return out.map { ($0.name, $0.runs) }
  }
}

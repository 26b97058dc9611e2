import MDCore
import MDDeck

/// Which atoms an instrument is about: what a deck's `of` says.
package enum Selection {
  case all
  case species(Int32)
  /// Bit of the atoms' groups.
  case group(UInt32)
  /// Those in a region now.
  case region(any Region)

  /// Whether atoms come and go.
  package var changes: Bool { if case .region = self { true } else { false } }

  /// For each local atom whether it belongs to it. Collective where a region must be found first.
  package func members(_ scene: Scene) throws -> [Bool] {
    let view = scene.view
    switch self {
    case .all: return [Bool](repeating: true, count: view.localCount)
    case .species(let number): return (0..<view.localCount).map { view.species[$0] == number }
    case .group(let bit): return (0..<view.localCount).map { view.groups[$0] & bit != 0 }
    case .region(let region): return try region.members(scene)
    }
  }
}

/// The names that `of` may give.
package struct SelectionNames {
  package let species: [String]
  package let groups: [String]
  package let regions: [String: any Region]

  package init(species: [String], groups: [String], regions: [String: any Region]) {
    self.species = species
    self.groups = groups
    self.regions = regions
  }

  /// The number of the species that the key names.
  package func species(_ section: DeckSection, _ key: String) throws -> Int32 {
    try species(section.string(key), section, key)
  }

  /// The number of a species, which stands under the key.
  package func species(_ name: String, _ section: DeckSection, _ key: String) throws -> Int32 {
    if let number = species.firstIndex(of: name) { return Int32(number) }
    var error = section.error(key, "names no species: \(name)", hint: species.joined(separator: ", "))
    error.isCollective = true
    throw error
  }

  /// What the key says; groups come before regions, and these before species of the same name.
  package func selection(_ section: DeckSection, _ key: String = "of") throws -> Selection {
    let name = section.string(key)
    if name == "all" { return .all }
    if let bit = groups.firstIndex(of: name) { return .group(1 << UInt32(bit)) }
    if let region = regions[name] { return .region(region) }
    if let number = species.firstIndex(of: name) { return .species(Int32(number)) }
    let known = ["all"] + groups + regions.keys.sorted() + species
    var error = section.error(key, "names no group, region or species: \(name)", hint: known.joined(separator: ", "))
    error.isCollective = true
    throw error
  }
}

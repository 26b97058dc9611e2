import Foundation
import MDDeck
import MDTestSupport
import Testing

/// A block of YAML on a page, and what a comment above it says.
///
/// Pages show a section or two; what a deck needs besides is added here: a structure of the species that the block names,
/// a potential for them, stages. Two comments of HTML, invisible to readers, help where that is not enough:
///
///     <!-- with: structure: {…} -->       sections to add, YAML
///     <!-- needs: FILE -->                the block names a file that is published elsewhere; it is held against the
///                                         schema, and checking it must fail because of that file and nothing else
struct PageDeck: Sendable, CustomTestStringConvertible {
  var page: String
  /// Of the fence.
  var line: Int
  var text: String
  var with = ""
  var needs: String?

  var testDescription: String { "\(page):\(line)" }

  static let all: [PageDeck] = Pages.all.flatMap { (try? blocks(of: $0)) ?? [] }

  static func blocks(of page: String) throws -> [PageDeck] {
    var found: [PageDeck] = []
    var comment = ""
    var open: PageDeck?
    for (number, line) in try Pages.text(page).components(separatedBy: "\n").enumerated() {
      if line.hasPrefix("```"), let block = open {
        found.append(block)
        open = nil
      } else if open != nil {
        open?.text += line + "\n"
      } else if line == "```yaml" {
        open = PageDeck(page: page, line: number + 1, text: "")
        if let rest = value(of: "with", in: comment) { open?.with = rest }
        open?.needs = value(of: "needs", in: comment)
      }
      // A comment counts for the block right below it.
      if line.hasPrefix("<!--") { comment = line } else if !line.isEmpty { comment = "" }
    }
    return found
  }

  private static func value(of key: String, in comment: String) -> String? {
    let opening = "<!-- \(key): "
    guard comment.hasPrefix(opening), comment.hasSuffix(" -->") else { return nil }
    return String(comment.dropFirst(opening.count).dropLast(4))
  }

  /// Ranks that the block's grid asks for.
  var ranks: Int {
    guard let grid = text.firstMatch(of: /grid: \[(\d+), *(\d+), *(\d+)\]/) else { return 1 }
    return Int(grid.1)! * Int(grid.2)! * Int(grid.3)!
  }

  /// The block as a deck.
  func completed() throws -> String {
    var deck = text + (with.isEmpty ? "" : with + "\n")
    let root = try DeckNode.parse(deck, file: page)
    guard case .mapping(let sections) = root.content else { return deck }
    let given = Set(sections.map(\.key))
    // A table needs nothing besides.
    if case .mapping(let source)? = sections.first(where: { $0.key == "structure" })?.value.content,
      source.contains(where: { ["enumerate", "match"].contains($0.key) })
    { return deck }
    var species = Self.species(in: root)
    // The SNAP files that come along are of one element, which their names tell.
    if species.isEmpty, let name = text.firstMatch(of: /snap\/([A-Z][a-z]?)_/) { species = [String(name.1)] }
    // Of what needs a builder's grains.
    let isBicrystal = given.contains("search") || given.contains("analysis") && text.contains("boundary_energy") || text.contains("grain:")
    if given.contains("tasks"), !given.contains("structure") {
      deck += "structure: {lattice: {type: fcc, constant: equilibrium, species: [Cu]}}\n"
    } else if !given.contains("structure") {
      deck += isBicrystal ? Self.bicrystal : Self.crystal(species.isEmpty ? ["Cu"] : species, height: given.contains("groups") ? 100 : 20)
      deck += text.contains("constant_potential") ? "  periodic: [true, true, false]\n" : ""
    }
    if !given.contains("potential") {
      let metal = "[{eam: {parameters: zhou2004}}]"
      let any = "[{lennard_jones: {cutoff: 6, mixing: geometric, pairs: ["
        + species.map { "{species: [\($0), \($0)], epsilon: 0.01, sigma: 2.5}" }.joined(separator: ", ") + "]}}]"
      deck += "potential: " + (species.allSatisfy(["Cu", "Mo"].contains) ? metal : any) + "\n"
    }
    if !["stages", "tasks", "search"].contains(where: given.contains) { deck += "stages: [{minimize: {}}, {dynamics: {steps: 10}}]\n" }
    return deck
  }

  private static let bicrystal = """
    structure:
      grain_boundary: {kind: tilt, lattice: bcc, constant: 3.16, species: [Mo], axis: [0, 0, 1], sigma: 5,
        plane: [3, 1, 0], thickness: 12}

    """

  /// Of this height in Å, as groups are given by heights; with all species, one in each layer after the other.
  private static func crystal(_ species: [String], height: Double) -> String {
    let n = species.count
    let basis = species.enumerated().map { k, name in
      "{species: \(name), position: [\(Double(k) / Double(n)), \(Double(k) / Double(n)), \(Double(k) / Double(n))]}"
    }
    let side = 2.8 * Double(n).squareRoot()
    let copies = Int((20 / side).rounded(.up))
    return """
      structure:
        crystal: {cell: [[\(side), 0, 0], [0, \(side), 0], [0, 0, \(side)]], basis: [\(basis.joined(separator: ", "))],
          size: [\(copies), \(copies), \(Int((height / side).rounded(.up)))]}

      """
  }

  /// Names of species under `species`, whatever the section, and of parameters by species.
  private static func species(in node: DeckNode, key: String = "") -> [String] {
    var names: [String] = []
    switch node.content {
    case .mapping(let entries):
      if key == "species" || key == "parameters" { names = entries.map(\.key) }
      for entry in entries { names += species(in: entry.value, key: entry.key) }
    case .list(let items): for item in items { names += species(in: item, key: key) }
    case .string(let name): if key == "species" { names = [name] }
    default: break
    }
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }
}

import Foundation
import MDCore
import MDDeck
import MDIO

/// The files that a deck's potentials are read from, with their checksums: a run goes on with those it began with.
enum InputFiles {
  /// By full path; of a folder, the files that potentials read from it (`*.nn`, `*.data`).
  static func checksums(_ plan: RunPlan) throws -> [String: FileChecksum] {
    var found: [String: FileChecksum] = [:]
    for path in paths(plan) where FileChecksum.isPossible(path) { found[path] = try FileChecksum(of: path) }
    return found
  }

  static func paths(_ plan: RunPlan) -> [String] {
    var paths: [String] = []
    for potential in plan.potential {
      guard let family = Registry.families.first(where: { $0.entry.name == potential.name }) else { continue }
      collect(potential.section, family.entry.schema, &paths)
    }
    return paths
  }

  /// The files of `now` that are not those of `before`, by name.
  static func changes(from before: [String: FileChecksum], to now: [String: FileChecksum]) -> [String] {
    Set(before.keys).union(now.keys).filter { before[$0] != now[$0] }.sorted()
  }

  private static func collect(_ section: DeckSection, _ schema: DeckObject, _ paths: inout [String]) {
    for entry in section.entries {
      if let kind = schema.key(entry.name)?.kind { collect(entry.value, kind, &paths) }
    }
  }

  private static func collect(_ value: DeckValue, _ kind: DeckKind, _ paths: inout [String]) {
    switch (kind, value.content) {
    case (.path(.input), .string(let path)): paths.append(path)
    case (.path(.inputDirectory), .string(let folder)):
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      let read = names.filter { $0.hasSuffix(".nn") || $0.hasSuffix(".data") }.sorted()
      paths += read.map { folder.hasSuffix("/") ? folder + $0 : folder + "/" + $0 }
    case (.list(let item, _), .list(let values)): for each in values { collect(each, item, &paths) }
    case (.map(let item, _, _), .section(let section)):
      for entry in section.entries { collect(entry.value, item, &paths) }
    case (.object(let schema), .section(let section)): collect(section, schema, &paths)
    case (.either(let kinds), _): for each in kinds { collect(value, each, &paths) }
    default: break
    }
  }
}

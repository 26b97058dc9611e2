import Foundation
import MDCore

/// What the deck is parsed for; decides which top-level sections must be there.
package enum Purpose: String, Sendable, CaseIterable {
  /// A whole run: structure, potential and stages.
  case run
  /// A run that goes on from a checkpoint: like `run`, but the structure's files may be gone.
  case resume
  /// Single points: the potential only.
  case evaluate
  /// Building a structure only.
  case build
  /// The numbers of a crystal, with or without a list of tasks.
  case characterize

  /// The sections whose input files must be there.
  var sectionsWithFiles: [String] {
    switch self {
    case .run, .characterize: ["structure", "potential"]
    case .resume, .evaluate: ["potential"]
    case .build: ["structure"]
    }
  }

  var neededSections: [String] {
    switch self {
    case .run, .resume, .characterize: ["structure", "potential"]
    case .evaluate: ["potential"]
    case .build: ["structure"]
    }
  }
}

/// The description of the whole deck: the parser, the JSON Schema and the reference are made from it.
package struct DeckSchema: Sendable {
  package let root: DeckObject

  package let parts: DeckParts

  package init(_ parts: DeckParts) {
    self.parts = parts
    root = Self.root(parts)
  }

  /// The top level with the sections that `purpose` needs made required; nil requires none.
  package func root(for purpose: Purpose?) -> DeckObject {
    var object = root
    for index in object.keys.indices where purpose?.neededSections.contains(object.keys[index].name) ?? false {
      object.keys[index].presence = .required
    }
    if purpose == .run || purpose == .resume { object.rules = [.init(.exactlyOne, of: ["stages", "tasks"])] }
    return object
  }

  /// Validates YAML text. `file` is the deck's path: it stands in the errors, and relative paths start at its folder.
  package func validate(_ yaml: String, file: String, for purpose: Purpose) throws(DeckErrors) -> DeckSection {
    try validate(yaml, file: file, for: purpose, checksFiles: true).deck
  }

  package func validate(
    _ yaml: String, file: String, for purpose: Purpose, settings: [String] = [], checksFiles: Bool
  ) throws(DeckErrors) -> (deck: DeckSection, warnings: [FaultlineError]) {
    let node = try DeckNode.parse(yaml, file: file, settings: settings)
    var validator = DeckValidator(
      directory: URL(fileURLWithPath: file).deletingLastPathComponent().path,
      needsFiles: { checksFiles && purpose.sectionsWithFiles.contains($0) })
    guard let section = validator.section(node, root(for: purpose), "deck") else {
      throw DeckErrors(validator.errors)
    }
    return (section, validator.warnings)
  }
}

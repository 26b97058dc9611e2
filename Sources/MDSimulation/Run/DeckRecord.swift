import Foundation
import MDCore
import MDDeck
import MDIO

/// The deck that a folder's work is from, where it is no run of stages (whose checkpoints hold it): `scan.json`, `tasks.json`,
/// `search.json`, for `faultline resume`.
enum DeckRecord: String, CaseIterable {
  case scan, tasks, search

  private struct Kept: Codable {
    var deck: DeckSource
  }

  func path(in directory: String) -> String { directory + "/" + rawValue + ".json" }

  func exists(in directory: String) -> Bool { FileManager.default.fileExists(atPath: path(in: directory)) }

  /// A deck that can be read from anywhere.
  static func absolute(_ deck: DeckSource) -> DeckSource {
    var deck = deck
    deck.file = URL(fileURLWithPath: deck.file).standardizedFileURL.path
    return deck
  }

  func write(_ deck: DeckSource, in directory: String) throws {
    try AtomicFile.writeJSON(Kept(deck: Self.absolute(deck)), to: path(in: directory))
  }

  /// The deck in a folder, nil if there is none. Collective.
  func deck(in directory: String, _ communicator: any Communicator) throws -> DeckSource? {
    var kept: Kept?
    try communicator.agree {
      if communicator.isRoot, exists(in: directory) { kept = try AtomicFile.readJSON(Kept.self, from: path(in: directory)) }
    }
    return try Broadcast.value(kept, communicator)?.deck
  }

  /// A record whose deck is of another kind. Collective.
  func stranger(in directory: String) -> FaultlineError {
    FaultlineError(
      .input, "\(path(in: directory)) holds a deck without \(self == .tasks ? "tasks" : "a \(rawValue)")", isCollective: true)
  }
}

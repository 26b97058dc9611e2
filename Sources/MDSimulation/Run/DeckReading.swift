import MDCore
import MDDeck

/// Decks as every rank of a job reads them.
enum DeckReading {
  /// Rank 0 reads the file; all parse the same text, with `settings` (KEY=VALUE) put into it. Every mistake is in one error.
  /// Warnings go to the log. Collective.
  static func plan(
    _ path: String, settings: [String] = [], purpose: Purpose, communicator: any Communicator, log: RunLog
  ) throws -> RunPlan {
    let source = try source(path, settings: settings, communicator: communicator)
    if let scan = try scan(source, communicator: communicator) {
      throw FaultlineError(
        .input, "the deck is a scan of \(scan.count) runs, which \(purpose.rawValue) does not do",
        hint: "take one with --set, and the scan away with --set scan={}", at: scan.axes[0].location, isCollective: true)
    }
    return try plan(source, purpose: purpose, communicator: communicator, log: log)
  }

  /// The scan that a deck asks for, nil if it is a single run. Collective.
  static func scan(_ source: DeckSource, communicator: any Communicator) throws -> ScanPlan? {
    try communicator.agree {
      do { return try ScanPlan.read(source.text, file: source.file, settings: source.settings) } catch let errors
        as DeckErrors
      { throw errors.joined }
    }
  }

  /// Rank 0 reads the file. Collective.
  static func source(_ path: String, settings: [String], communicator: any Communicator) throws -> DeckSource {
    let bytes = try communicator.fromRoot {
      do {
        return [UInt8](try RunPlan.text(of: path).utf8)
      } catch let errors as DeckErrors { throw errors.joined }
    }
    return DeckSource(text: String(decoding: bytes, as: UTF8.self), file: path, settings: settings)
  }

  static func plan(
    _ source: DeckSource, purpose: Purpose, communicator: any Communicator, log: RunLog
  ) throws -> RunPlan {
    let plan = try communicator.agree {
      do {
        return try RunPlan.parse(
          source.text, file: source.file, settings: source.settings, schema: Registry.schema, purpose: purpose)
      } catch let errors as DeckErrors { throw errors.joined }
    }
    for warning in plan.warnings { log.line("warning: \(warning)") }
    return plan
  }
}

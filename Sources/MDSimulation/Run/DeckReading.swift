import MDCore
import MDDeck

/// Decks as every rank of a job reads them.
enum DeckReading {
  /// Rank 0 reads the file; all parse the same text. Every mistake is in one error. Warnings go to the log. Collective.
  static func plan(
    _ path: String, purpose: Purpose, communicator: any Communicator, log: RunLog
  ) throws -> RunPlan {
    let bytes = try communicator.fromRoot {
      do {
        return [UInt8](try RunPlan.text(of: path).utf8)
      } catch let errors as DeckErrors { throw errors.joined }
    }
    return try plan(
      DeckSource(text: String(decoding: bytes, as: UTF8.self), file: path), purpose: purpose,
      communicator: communicator, log: log)
  }

  static func plan(
    _ source: DeckSource, purpose: Purpose, communicator: any Communicator, log: RunLog
  ) throws -> RunPlan {
    let plan = try communicator.agree {
      do {
        return try RunPlan.parse(source.text, file: source.file, schema: Registry.schema, purpose: purpose)
      } catch let errors as DeckErrors { throw errors.joined }
    }
    for warning in plan.warnings { log.line("warning: \(warning)") }
    return plan
  }
}

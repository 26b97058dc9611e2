import Foundation
import MDTestSupport
import Testing

/// Damaged inputs of every kind: whatever they say, the program ends with an exit code that it documents and, unless
/// all went well, one message that names a file; it never crashes, hangs, or takes gigabytes.
///
/// 200 inputs in all, of which one in twelve runs on two ranks; more with FAULTLINE_FUZZ_COUNT (see `scripts/fuzz`,
/// which also prints the table and keeps the inputs that failed).
extension CommandLineTests {
  @Suite("Fuzzed inputs")
  struct FuzzTests {
    @Test("damaged inputs end with one message", arguments: FuzzKind.allCases)
    func fuzz(_ kind: FuzzKind) throws {
      let settings = FuzzSettings.given
      let seeds = try FuzzSeed.seeds(kind)
      let healthy = try seeds.map { try FuzzCase(kind, $0, healthy: true).run() }
      for outcome in healthy {
        #expect(outcome.complaint == nil && [0, 75].contains(outcome.code), "\(kind) undamaged: \(outcome.errors)")
      }
      let cases = settings.cases(of: kind)
      let outcomes = Outcomes()
      DispatchQueue.concurrentPerform(iterations: min(settings.jobs, cases.count)) { job in
        for index in stride(from: cases.startIndex + job, to: cases.endIndex, by: settings.jobs) {
          outcomes.add(index, Result { try FuzzCase(kind, seeds[index % seeds.count], index: index, settings).run() })
        }
      }
      for (index, result) in outcomes.all {
        let outcome = try result.get()
        guard let complaint = outcome.complaint else { continue }
        Issue.record(
          """
          \(kind.rawValue), input \(index) of seed \(settings.seed): \(complaint)
          \(outcome.command)\(outcome.kept.map { ", kept in \($0)" } ?? "")
          \(outcome.errors.prefix(500))
          """)
      }
      try settings.report(kind, outcomes.all.map { try $0.1.get() })
    }
  }
}

/// Gathered from several threads.
private final class Outcomes: @unchecked Sendable {
  private let lock = NSLock()
  private var found: [(Int, Result<FuzzCase.Outcome, any Error>)] = []

  func add(_ index: Int, _ outcome: Result<FuzzCase.Outcome, any Error>) {
    lock.withLock { found.append((index, outcome)) }
  }
  var all: [(Int, Result<FuzzCase.Outcome, any Error>)] { lock.withLock { found.sorted { $0.0 < $1.0 } } }
}

/// FAULTLINE_FUZZ_COUNT inputs in all, of FAULTLINE_FUZZ_SEED, on FAULTLINE_FUZZ_JOBS threads; rows of the table and
/// inputs that failed go to the folder FAULTLINE_FUZZ_OUTPUT.
struct FuzzSettings: Sendable {
  var count = 200
  var seed: UInt64 = 1
  var jobs = 1
  var output: String?

  static let given: FuzzSettings = {
    let environment = ProcessInfo.processInfo.environment
    var settings = FuzzSettings()
    settings.count = environment["FAULTLINE_FUZZ_COUNT"].flatMap { Int($0) } ?? settings.count
    settings.seed = environment["FAULTLINE_FUZZ_SEED"].flatMap { UInt64($0) } ?? settings.seed
    settings.jobs = max(1, environment["FAULTLINE_FUZZ_JOBS"].flatMap { Int($0) } ?? settings.jobs)
    settings.output = environment["FAULTLINE_FUZZ_OUTPUT"]
    return settings
  }()

  /// This kind's share, the first ones have what is over.
  func cases(of kind: FuzzKind) -> Range<Int> {
    let kinds = FuzzKind.allCases
    let place = kinds.firstIndex(of: kind) ?? 0
    return 0..<(count / kinds.count + (place < count % kinds.count ? 1 : 0))
  }

  /// A row of the table: kind, number, how many of each outcome, slowest, most memory.
  func report(_ kind: FuzzKind, _ outcomes: [FuzzCase.Outcome]) throws {
    guard let output else { return }
    func count(_ codes: Int32...) -> String { "\(outcomes.filter { codes.contains($0.code) }.count)" }
    let fields = [
      kind.rawValue, "\(outcomes.count)", count(0), count(64), count(65), count(70), count(75),
      "\(outcomes.filter { $0.complaint != nil }.count)",
      String(format: "%.1f", outcomes.map(\.seconds).max() ?? 0), "\((outcomes.map(\.memory).max() ?? 0) / 1_000_000)",
    ]
    let file = output + "/table.tsv"
    let before = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    try (before + fields.joined(separator: "\t") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
  }
}

import Foundation
import MDTestSupport

/// One damaged input and what the program makes of it.
struct FuzzCase {
  struct Outcome {
    var code: Int32
    var errors: String
    var command: String
    var seconds: Double
    /// Bytes, of the largest process.
    var memory: Int
    /// What is wrong; nil if all is as it should be.
    var complaint: String?
    /// Where the input is kept.
    var kept: String?
  }

  /// Address space of a process (a healthy one has 0.3 GB), its memory, processor time and time on the clock.
  private static let addressSpace = 4_000_000  // kB
  private static let memory = 1_000_000_000
  private static let processorSeconds = 20
  private static let seconds = 90.0

  private let kind: FuzzKind
  private let name: String
  private var files: [String: Data]
  private let command: [String]
  private let ranks: Int?
  private let keep: String?

  init(_ kind: FuzzKind, _ seed: FuzzSeed, healthy: Bool) throws {
    self.kind = kind
    name = "healthy"
    files = seed.files
    command = seed.commands[0]
    ranks = nil
    keep = nil
  }

  init(_ kind: FuzzKind, _ seed: FuzzSeed, index: Int, _ settings: FuzzSettings) throws {
    self.kind = kind
    name = "\(kind.rawValue)-\(settings.seed)-\(index)"
    // The same damage whatever the number of inputs.
    let number = FuzzKind.allCases.firstIndex(of: kind) ?? 0
    var mutator = Mutator(random: SplitMix64(seed: settings.seed &* 1_000_003 &+ UInt64(number * 1_000_000 + index)))
    _ = mutator.random.next()
    files = seed.files
    command = mutator.pick(seed.commands)
    ranks = mutator.below(12) == 0 ? 2 : nil
    keep = settings.output
    let target = mutator.pick(seed.targets)
    let data = files[target] ?? Data()
    switch kind {
    case .checkpoint:
      // The newest is read; older ones are what is left when it is not whole.
      for name in seed.targets {
        var surgery = try CheckpointSurgery(files[name] ?? Data())
        for _ in 0...mutator.below(2) where !surgery.sections.isEmpty { surgery.mutate(&mutator) }
        files[name] = try surgery.assembled()
      }
    case .gzip: files[target] = mutator.binary(data)
    case .almtp:
      // Most of the file are two matrices.
      let end = data.range(of: Data("\n#MVS".utf8))?.lowerBound ?? data.endIndex
      files[target] = mutator.below(3) == 0 ? mutator.binary(data) : mutator.text(data[..<end]) + data[end...]
    case .deckValues: files[target] = mutator.values(data)
    case .trajectory where target.hasSuffix(".gz"): files[target] = mutator.binary(data)
    default: files[target] = mutator.text(data)
    }
  }

  func run() throws -> Outcome {
    let launcher = try Launcher("fuzz-\(name)")
    defer { launcher.cleanUp() }
    try write(to: launcher.directory)
    let limits = "ulimit -c 0; ulimit -v \(Self.addressSpace); ulimit -t \(Self.processorSeconds); exec \"$@\""
    let start = ranks.map { ["mpirun", "--oversubscribe", "-n", "\($0)"] } ?? []
    let running = try launcher.start(
      command: ["sh", "-c", limits, "sh"] + start + [Launcher.binary] + command,
      environment: ["SWIFT_BACKTRACE": "enable=no"])
    let result = running.wait(timeout: Self.seconds)
    let shown = (ranks.map { "mpirun -n \($0) " } ?? "") + "faultline " + command.joined(separator: " ")
    var outcome = Outcome(
      code: result.code, errors: result.errors, command: shown, seconds: result.seconds, memory: result.memory)
    outcome.complaint = complaint(outcome)
    if let complaint = outcome.complaint, let keep {
      let folder = keep + "/failures/" + name
      try write(to: folder)
      try "\(complaint)\n\(shown)\n\(result.errors)".write(
        toFile: folder + "/what-happened.txt", atomically: true, encoding: .utf8)
      outcome.kept = folder
    }
    return outcome
  }

  private func write(to folder: String) throws {
    for (name, data) in files {
      let path = folder + "/" + name
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try data.write(to: URL(fileURLWithPath: path))
    }
  }

  private func complaint(_ outcome: Outcome) -> String? {
    switch outcome.code {
    case -1: return "it hangs"
    case 137, 152: return "killed: more than \(Self.processorSeconds) s of a processor"
    case 0, 64, 65, 70, 75: break
    default: return "exit code \(outcome.code)" + (outcome.code > 128 ? ", signal \(outcome.code - 128)" : "")
    }
    if outcome.memory > Self.memory { return "\(outcome.memory / 1_000_000) MB of memory" }
    let told = outcome.errors.components(separatedBy: "faultline: error:").count - 1
    if outcome.code == 0 || outcome.code == 75 { return told == 0 ? nil : "exit code \(outcome.code) with an error" }
    if told != 1 { return "exit code \(outcome.code) and \(told) messages" }
    let names = files.keys.map { ($0 as NSString).lastPathComponent } + ["run"]
    if outcome.code == 65, !names.contains(where: { outcome.errors.contains($0) }) { return "no file is named" }
    return nil
  }
}

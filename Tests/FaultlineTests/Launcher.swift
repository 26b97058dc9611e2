import Foundation
import MDTestSupport

/// Runs the built program as users do: alone or under mpirun, in a directory of its own.
struct Launcher {
  struct Result {
    var code: Int32
    var output: String
    var errors: String
    var seconds: Double
    /// Bytes, of the largest process; 0 where it is not known to be more than this process ever had, since a child's
    /// figure begins with its parent's.
    var memory = 0
  }

  /// A fresh directory, removed by `cleanUp`.
  let directory: String

  init(_ name: String = #function) throws {
    let label = name.prefix { $0.isLetter || $0.isNumber }
    directory = NSTemporaryDirectory() + "faultline-\(label)-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  func cleanUp() { try? FileManager.default.removeItem(atPath: directory) }

  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The release build, or where FAULTLINE_PROGRAM says.
  static let binary: String = {
    if let path = ProcessInfo.processInfo.environment["FAULTLINE_PROGRAM"] { return path }
    return repository.appendingPathComponent(".build/release/faultline").path
  }()

  /// Whether there is a program mpirun.
  static let hasMPI = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
    FileManager.default.isExecutableFile(atPath: "\($0)/mpirun")
  }

  func path(_ name: String) -> String { directory + "/" + name }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try text.write(toFile: path(name), atomically: true, encoding: .utf8)
    return path(name)
  }

  func read(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

  func json(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }

  /// thermo.csv as rows by column name.
  func thermo(_ name: String) throws -> [[String: Double]] {
    CSVTable.rows(try read(name))
  }

  /// Starts `faultline` with these arguments; under mpirun if `ranks` is given. `memory`, bytes, is the most that each
  /// process may have in its address space.
  func start(
    ranks: Int? = nil, memory: Int? = nil, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Running {
    let launch =
      (ranks.map { ["mpirun", "--oversubscribe", "-n", "\($0)"] } ?? [])
      + (memory.map { ["sh", "-c", "ulimit -v \($0 / 1024); exec \"$0\" \"$@\""] } ?? [])
    return try start(command: launch + [Self.binary] + arguments, environment: environment)
  }

  /// Starts any program in the directory, with these variables besides those of the tests. Plain POSIX calls:
  /// Foundation's Process hands its threads' blocked signals on to the child, and may wait for ever for one that was
  /// killed.
  func start(command: [String], environment more: [String: String] = [:]) throws -> Running {
    var environment = ProcessInfo.processInfo.environment
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    // Oversubscribed ranks must yield, or tests on two cores crawl.
    environment["OMPI_MCA_mpi_yield_when_idle"] = "1"
    environment.merge(more) { $1 }
    let id = UUID().uuidString.prefix(8)
    let (out, err) = (path("out-\(id).txt"), path("err-\(id).txt"))

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0o644)

    // The test runner's threads may block signals, which children would inherit: mpirun never unblocks them.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    // `env -C` changes the directory and becomes the program.
    let argv = (["env", "-C", directory] + command).map { strdup($0) } + [nil]
    let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (argv + envp).forEach { free($0) } }
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, argv[0]!, &actions, &attributes, argv, envp)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EINVAL) }
    return Running(pid: pid, out: out, err: err, began: Date())
  }

  func run(
    ranks: Int? = nil, _ arguments: String..., environment: [String: String] = [:], timeout: Double = 120
  ) throws -> Result {
    try start(ranks: ranks, arguments, environment: environment).wait(timeout: timeout)
  }

  /// Waits until there is this file; false if it does not come within a while.
  func waitFor(_ name: String, seconds: Double = 30) -> Bool {
    for _ in 0..<Int(seconds * 100) {
      if FileManager.default.fileExists(atPath: path(name)) { return true }
      usleep(10_000)
    }
    return false
  }

  struct Running {
    let pid: pid_t
    let out: String
    let err: String
    let began: Date

    /// The exit code is 128 + n after signal n, and −1 if the program had to be killed after `timeout` seconds.
    func wait(timeout: Double = 120) -> Result {
      let deadline = Date().addingTimeInterval(timeout)
      var status: Int32 = 0
      var hung = false
      var usage = rusage()
      while wait4(pid, &status, WNOHANG, &usage) == 0 {
        if Date() > deadline {
          hung = true
          kill(pid, SIGKILL)
          waitpid(pid, &status, 0)
          break
        }
        usleep(10_000)
      }
      var own = rusage()
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &own)
      let signal = status & 0x7F
      let code = hung ? -1 : signal != 0 ? 128 + signal : (status >> 8) & 0xFF
      let text = { (file: String) in (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
      return Result(
        code: code, output: text(out), errors: text(err), seconds: Date().timeIntervalSince(began),
        memory: usage.ru_maxrss > own.ru_maxrss ? usage.ru_maxrss * 1024 : 0)
    }
  }
}

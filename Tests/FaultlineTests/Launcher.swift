import Foundation
import MDTestSupport

/// Runs the built program as users do: alone or under mpirun, in a directory of its own.
struct Launcher {
  struct Result {
    var code: Int32
    var output: String
    var errors: String
    var seconds: Double
  }

  /// A fresh directory, removed by `cleanUp`.
  let directory: String

  init(_ name: String = #function) throws {
    let label = name.prefix { $0.isLetter || $0.isNumber }
    directory = NSTemporaryDirectory() + "faultline-\(label)-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  func cleanUp() { try? FileManager.default.removeItem(atPath: directory) }

  /// The release build, or where FAULTLINE_PROGRAM says.
  static let binary: String = {
    if let path = ProcessInfo.processInfo.environment["FAULTLINE_PROGRAM"] { return path }
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return repository.appendingPathComponent(".build/release/faultline").path
  }()

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
    let lines = try read(name).split(separator: "\n")
    guard let header = lines.first?.split(separator: ",").map(String.init) else { return [] }
    return lines.dropFirst().map { line in
      Dictionary(
        uniqueKeysWithValues: zip(header, line.split(separator: ",").map { Double($0) ?? .nan }))
    }
  }

  /// Starts `faultline` with these arguments; under mpirun if `ranks` is given.
  func start(ranks: Int? = nil, _ arguments: [String]) throws -> Running {
    let process = Process()
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    if let ranks {
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["mpirun", "--oversubscribe", "-n", "\(ranks)", Self.binary] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: Self.binary)
      process.arguments = arguments
    }
    var environment = ProcessInfo.processInfo.environment
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    // Oversubscribed ranks must yield, or tests on two cores crawl.
    environment["OMPI_MCA_mpi_yield_when_idle"] = "1"
    process.environment = environment
    let id = UUID().uuidString.prefix(8)
    let (out, err) = (path("out-\(id).txt"), path("err-\(id).txt"))
    for file in [out, err] { FileManager.default.createFile(atPath: file, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: out)
    process.standardError = FileHandle(forWritingAtPath: err)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return Running(process: process, out: out, err: err, began: Date())
  }

  func run(ranks: Int? = nil, _ arguments: String..., timeout: Double = 120) throws -> Result {
    try start(ranks: ranks, arguments).wait(timeout: timeout)
  }

  struct Running {
    let process: Process
    let out: String
    let err: String
    let began: Date

    /// The exit code is −1 if the program had to be killed after `timeout` seconds.
    func wait(timeout: Double = 120) -> Result {
      let deadline = Date().addingTimeInterval(timeout)
      while process.isRunning && Date() < deadline { usleep(10_000) }
      let hung = process.isRunning
      if hung {
        process.terminate()
        usleep(1_500_000)
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
      }
      let text = { (file: String) in (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
      return Result(
        code: hung ? -1 : process.terminationStatus, output: text(out), errors: text(err),
        seconds: Date().timeIntervalSince(began))
    }
  }
}

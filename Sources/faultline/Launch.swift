import ArgumentParser
import Foundation
import MDCore
import MDParallel
import MDSimulation

/// The MPI lifetime of a command, its voice and its exit code.
enum Launch {
  enum Code {
    static let finished: Int32 = 0
    static let badInput: Int32 = 65
    static let trouble: Int32 = 70
    static let stopped: Int32 = 75
  }

  /// This process's rank as the launcher's environment tells it, before MPI starts (0 without a launcher).
  static var environmentRank: Int {
    let names = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"]
    let environment = ProcessInfo.processInfo.environment
    return names.lazy.compactMap { environment[$0].flatMap(Int.init) }.first ?? 0
  }

  /// Whether somebody watches standard output. Open MPI gives its ranks a pseudo-terminal wherever its own output
  /// goes, so then it is the launcher's output that counts.
  private static var speaksToTerminal: Bool {
    guard isatty(STDOUT_FILENO) == 1 else { return false }
    guard ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] != nil else { return true }
    let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(getppid())/fd/1")
    return place.map { $0.hasPrefix("/dev/pts/") || $0.hasPrefix("/dev/tty") } ?? false
  }

  static func leave(_ code: Int32) -> Never {
    fflush(nil)
    exit(code)
  }

  /// Runs `body` between MPI_Init and MPI_Finalize and exits with the code it returns. An error that all ranks
  /// share is printed by rank 0 and all leave; an error of one rank alone is printed by it and ends the job.
  static func parallel(_ body: (any Communicator, RunLog) throws -> Int32) -> Never {
    MPI.initialise()
    let communicator = MPI.world
    let log = RunLog(
      isTerminal: speaksToTerminal,
      emit: communicator.isRoot ? { try? FileHandle.standardOutput.write(contentsOf: Data($0.utf8)) } : nil)
    var code = Code.trouble
    do {
      code = try body(communicator, log)
    } catch {
      let failure = error as? FaultlineError
      let shared = failure?.isCollective ?? false
      code = failure?.kind == .input ? Code.badInput : Code.trouble
      let place = communicator.size > 1 && !shared ? " (rank \(communicator.rank))" : ""
      if communicator.isRoot || !shared {
        log.endLine()
        complain("\(error)" + place)
      }
      if !shared && communicator.size > 1 { communicator.abort(code) }
    }
    MPI.finalise()
    leave(code)
  }

  static func complain(_ message: String) {
    // A log that is full or a terminal that is gone must not end a run.
    try? FileHandle.standardError.write(contentsOf: Data("faultline: error: \(message)\n".utf8))
  }

  /// "3h50m", "90m", "45s", "1:30:00" or seconds.
  static func duration(_ text: String) throws -> Double {
    if let seconds = Double(text), seconds > 0 { return seconds }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    if (2...3).contains(parts.count), !parts.contains(where: { $0 == nil || $0! < 0 }) {
      return parts.reduce(0) { $0 * 60 + $1! }
    }
    var total = 0.0
    var number = ""
    for c in text.lowercased() {
      if c.isNumber || c == "." {
        number.append(c)
      } else {
        guard let value = Double(number), let unit = ["d": 86400.0, "h": 3600, "m": 60, "s": 1][c] else {
          return try bad()
        }
        total += value * unit
        number = ""
      }
    }
    guard number.isEmpty, total > 0 else { return try bad() }
    return total

    func bad() throws -> Double {
      throw ValidationError("'\(text)' is not a duration; write 3h50m, 90m, 45s, 1:30:00 or seconds")
    }
  }
}

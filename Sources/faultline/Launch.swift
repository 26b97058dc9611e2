import ArgumentParser
import Foundation
import MDCore
import MDParallel
import MDSimulation

/// The MPI lifetime of a command, its voice and its exit code.
enum Launch {
  enum Code {
    static let finished: Int32 = 0
    static let usage: Int32 = 64
    static let badInput: Int32 = 65
    static let trouble: Int32 = 70
    static let stopped: Int32 = 75
  }

  private static let environment = LaunchEnvironment(ProcessInfo.processInfo.environment)

  /// This process's rank as the launcher's environment tells it, before MPI starts (0 without a launcher).
  static var environmentRank: Int { environment.rank }

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
  ///
  /// `file` is what the command was given: a mistake in it whose message names no place is told with its name.
  static func parallel(_ file: String? = nil, _ body: (any Communicator, RunLog) throws -> Int32) -> Never {
    MPI.initialise()
    let communicator = MPI.world
    refuseCopies(communicator)
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
        var message = "\(error)"
        if let file, let failure, failure.kind == .input, failure.location == nil, !message.contains(file) {
          message = "\(file): " + message
        }
        complain(message + place)
      }
      if !shared && communicator.size > 1 { communicator.abort(code) }
    }
    MPI.finalise()
    leave(code)
  }

  /// Copies that each think they are alone would write the same files. Only one of them speaks.
  private static func refuseCopies(_ communicator: any Communicator) {
    guard let launch = environment.copies(mpiSize: communicator.size) else { return }
    if LaunchEnvironment.speaks(launch) {
      let copies = launch.size.map { "\($0) copies" } ?? "several copies"
      complain(
        "\(launch.launcher) has started \(copies) of this program, but its MPI knows of \(communicator.size) "
          + "rank\(communicator.size == 1 ? "" : "s"): the launcher belongs to another MPI library; start it with the "
          + "mpirun of the library that it was built with (or the right srun --mpi=…), or build it with the "
          + "launcher's (FAULTLINE_MPI); runs that are independent need a launch each (srun --ntasks=1)")
    }
    MPI.finalise()
    leave(Code.usage)
  }

  static func complain(_ message: String) {
    // A log that is full or a terminal that is gone must not end a run.
    try? FileHandle.standardError.write(contentsOf: Data("faultline: error: \(message)\n".utf8))
  }
}

import Foundation
import Testing

/// Groups of MPI's ranks, by a program that checks them on processes as `MDParallelTests` does on threads.
@Suite("Groups under mpirun", .enabled(if: Launcher.hasMPI, "there is no mpirun"), .timeLimit(.minutes(5)))
struct GroupTests {
  private func checks(_ ranks: Int, _ arguments: String...) throws -> Launcher.Result {
    let launcher = try Launcher()
    defer { launcher.cleanUp() }
    // Beside the program where that is of this package; a program of CMake has none.
    let beside = URL(fileURLWithPath: Launcher.binary).deletingLastPathComponent().path + "/MPIChecks"
    let program =
      FileManager.default.isExecutableFile(atPath: beside)
      ? beside : Launcher.repository.appendingPathComponent(".build/release/MPIChecks").path
    return try launcher.start(
      command: ["mpirun", "--oversubscribe", "-n", "\(ranks)", program] + arguments
    ).wait()
  }

  /// Collective calls and messages in groups of different size and in groups of groups; every communicator is freed. On
  /// five ranks two systems side by side, too.
  @Test(arguments: [1, 2, 5, 8]) func split(_ ranks: Int) throws {
    let result = try checks(ranks)
    #expect(result.code == 0 && result.output == "all is well on \(ranks) ranks\n", "\(result)")
  }

  /// One of a group ends the job, those of other groups too.
  @Test func abort() throws {
    let result = try checks(3, "abort")
    #expect(result.code == 42, "\(result)")
  }
}

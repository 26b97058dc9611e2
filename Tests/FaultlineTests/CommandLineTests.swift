import Testing

/// All tests that start the program, one after the other: each may use all cores.
@Suite("Command line", .serialized, .enabled(if: Launcher.hasMPI, "there is no mpirun: scripts/setup installs one"))
enum CommandLineTests {}

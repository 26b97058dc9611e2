/// What launchers of parallel programs tell each process in its environment.
package struct LaunchEnvironment: Sendable {
  /// Processes that one launcher started together.
  package struct Launch: Equatable, Sendable {
    /// In words, for messages.
    package var launcher: String
    /// nil if the launcher tells ranks only.
    package var size: Int?
    package var rank: Int
  }

  /// From the innermost launcher outwards: `mpirun` may itself have been started by `srun`. SLURM_NTASKS is not among
  /// them: it is of the allocation and says nothing of the command at hand.
  private static let variables: [(launcher: String, size: String, rank: String)] = [
    ("Open MPI's mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("MVAPICH's launcher", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
    ("a launcher that speaks PMI", "PMI_SIZE", "PMI_RANK"),
    ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
  ]

  /// This process's number before MPI starts; 0 without a launcher.
  package let rank: Int
  /// The innermost launch that tells its size, or else one that tells ranks.
  private let launch: Launch?

  package init(_ environment: [String: String]) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    // PMIx has no size in the environment.
    let pmix = number("PMIX_RANK")
    let ranks = Self.variables.dropLast().map { number($0.rank) } + [pmix, number("SLURM_PROCID")]
    rank = ranks.lazy.compactMap { $0 }.first ?? 0
    let sized = Self.variables.lazy.compactMap { name, size, rank in
      number(size).map { Launch(launcher: name, size: $0, rank: number(rank) ?? 0) }
    }
    launch = sized.first ?? pmix.map { Launch(launcher: "a launcher that speaks PMIx", size: nil, rank: $0) }
  }

  /// The launch of which this process is one of several copies that do not know of each other, as the program's MPI is
  /// not that of the launcher and sees fewer ranks. nil where the launcher and MPI agree.
  package func copies(mpiSize: Int) -> Launch? {
    launch.flatMap { ($0.size ?? $0.rank + 1) > mpiSize ? $0 : nil }
  }

  /// Whether this copy is the one that tells of it. Where no size is told the first cannot know of the others.
  package static func speaks(_ launch: Launch) -> Bool { launch.rank == (launch.size == nil ? 1 : 0) }
}

import MDParallel
import Testing

/// Whether a process is one of several that do not know of each other, by launcher and what MPI says.
@Suite struct LaunchEnvironmentTests {
  struct Case: Sendable {
    var name: String
    var environment: [String: String]
    var mpiSize: Int
    /// Copies of that many, nil where all is well.
    var copies: Int?
    var rank = 0
  }

  static let cases = [
    Case(name: "alone", environment: [:], mpiSize: 1),
    Case(name: "serial command in an allocation", environment: ["SLURM_NTASKS": "64", "SLURM_NPROCS": "64"], mpiSize: 1),
    Case(name: "in a batch script", environment: ["SLURM_NTASKS": "64", "SLURM_PROCID": "0"], mpiSize: 1),
    Case(name: "step of one task", environment: ["SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "64"], mpiSize: 1),
    Case(
      name: "srun with its MPI", environment: ["SLURM_STEP_NUM_TASKS": "64", "SLURM_PROCID": "3"], mpiSize: 64, rank: 3),
    Case(
      name: "srun with another MPI", environment: ["SLURM_STEP_NUM_TASKS": "64", "SLURM_PROCID": "3"], mpiSize: 1,
      copies: 64, rank: 3),
    Case(
      name: "mpirun of Open MPI", environment: ["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2"], mpiSize: 4,
      rank: 2),
    Case(
      name: "mpirun of Open MPI, another MPI",
      environment: ["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2", "PMIX_RANK": "2"], mpiSize: 1, copies: 4,
      rank: 2),
    Case(
      name: "two ranks of mpirun, whose daemons srun started on 16 nodes",
      environment: [
        "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "SLURM_STEP_NUM_TASKS": "15", "SLURM_PROCID": "7",
      ], mpiSize: 2, rank: 1),
    Case(
      name: "mpiexec of MPICH in a step of one task, another MPI",
      environment: ["PMI_SIZE": "8", "PMI_RANK": "5", "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"], mpiSize: 1,
      copies: 8, rank: 5),
    Case(name: "mpiexec of MPICH", environment: ["PMI_SIZE": "8", "PMI_RANK": "5"], mpiSize: 8, rank: 5),
    Case(name: "MVAPICH", environment: ["MV2_COMM_WORLD_SIZE": "8", "MV2_COMM_WORLD_RANK": "1"], mpiSize: 1, copies: 8,
      rank: 1),
    Case(name: "half of the ranks", environment: ["PMI_SIZE": "8", "PMI_RANK": "0"], mpiSize: 4, copies: 8),
  ]

  @Test(arguments: cases) func copiesAreKnown(_ c: Case) {
    let launch = LaunchEnvironment(c.environment)
    #expect(launch.copies(mpiSize: c.mpiSize)?.size == c.copies, "\(c.name)")
    #expect(launch.rank == c.rank, "\(c.name)")
    if let copies = launch.copies(mpiSize: c.mpiSize) {
      #expect(LaunchEnvironment.speaks(copies) == (c.rank == 0), "\(c.name): one voice")
    }
  }

  /// PMIx tells ranks only: the first copy cannot know, the second speaks.
  @Test func ranksAlone() {
    let copies = (0..<3).map { LaunchEnvironment(["PMIX_RANK": "\($0)"]).copies(mpiSize: 1) }
    #expect(copies[0] == nil && copies[1] != nil && copies[2] != nil)
    #expect(copies.map { $0.map(LaunchEnvironment.speaks) } == [nil, true, false])
    #expect(LaunchEnvironment(["PMIX_RANK": "2"]).copies(mpiSize: 3) == nil)
  }
}

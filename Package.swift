// swift-tools-version: 6.1
import PackageDescription

// The instruction set of the machine that runs the program: "native" by default,
// "x86-64-v3" and the like for a cluster whose login node differs from its compute nodes.
let march = Context.environment["FAULTLINE_MARCH"] ?? "native"
// The pkg-config module of the MPI library: "mpi-c" is the distribution's default MPI.
let mpi = Context.environment["FAULTLINE_MPI"] ?? "mpi-c"

// How many atoms kernels take abreast, 4 or 8; without it as many as `march` has doubles in a register (CLanes.h).
let lanes = Context.environment["FAULTLINE_LANES"].map { ["-Xcc", "-DFAULTLINE_LANES=\($0)"] } ?? []

let target: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=\(march)"] + lanes)]
// Modules whose inner loops run over raw pointers: no overflow checks in release builds.
let hot: [SwiftSetting] = target + [.unsafeFlags(["-Ounchecked"], .when(configuration: .release))]

// The program carries the Swift runtime, so that it runs on compute nodes without a toolchain; lld does not
// mind the order of the archives. Set on the executable alone (`swift build --static-swift-stdlib` would link
// the tests statically too, and Swift Testing has no static library), hence no test target depends on `faultline`:
// tests start the program, they do not import it. The libraries named are those Foundation needs in turn.
let staticRuntime: [LinkerSetting] = [
  .unsafeFlags([
    "-static-stdlib", "-use-ld=lld", "-lCoreFoundation", "-l_FoundationCShims", "-l_FoundationCollections",
    "-l_FoundationICU", "-lswiftSynchronization",
  ])
]

let package = Package(
  name: "Faultline",
  products: [.executable(name: "faultline", targets: ["faultline"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    .systemLibrary(name: "CMPI", pkgConfig: mpi, providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CLanes"),
    .systemLibrary(name: "CFFTW", pkgConfig: "fftw3", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "CLAPACK", pkgConfig: "lapacke", providers: [.apt(["liblapacke-dev"])]),
    .systemLibrary(name: "CSpglib", pkgConfig: "spglib", providers: [.apt(["libsymspg-dev"])]),

    .target(name: "MDNumerics", dependencies: ["CLanes", "CLAPACK"], swiftSettings: hot),
    .target(name: "MDCore", dependencies: ["MDNumerics"], swiftSettings: hot),
    .target(name: "MDNeighbors", dependencies: ["MDCore"], swiftSettings: hot),
    .target(name: "MDParallel", dependencies: ["MDCore", "CMPI"], swiftSettings: hot),
    .target(name: "MDPotentialFiles", dependencies: ["MDCore", "CZlib"], swiftSettings: target),
    .target(name: "MDPotentials", dependencies: ["MDCore", "MDPotentialFiles", "CLanes"], swiftSettings: hot),
    .target(name: "MDElectrostatics", dependencies: ["MDCore", "MDNumerics", "CFFTW"], swiftSettings: hot),
    .target(name: "MDDynamics", dependencies: ["MDCore", "MDDeck"], swiftSettings: hot),
    .target(name: "MDAnalysis", dependencies: ["MDCore", "MDDeck", "MDNeighbors"], swiftSettings: hot),
    .target(name: "MDStructures", dependencies: ["MDCore", "CSpglib"], swiftSettings: target),
    .target(name: "MDIO", dependencies: ["MDCore", "CZlib"], swiftSettings: target),
    .target(name: "MDDeck", dependencies: ["MDCore", "Yams"], swiftSettings: target),
    .target(name: "MDReport", dependencies: ["MDCore", "MDNumerics", "MDIO", "MDAnalysis", "CZlib", "Yams"], swiftSettings: target),
    .target(
      name: "MDSimulation",
      dependencies: [
        "MDDeck", "MDStructures", "MDDynamics", "MDPotentials", "MDPotentialFiles", "MDElectrostatics", "MDParallel",
        "MDNeighbors", "MDIO", "MDAnalysis", "MDReport",
      ],
      swiftSettings: target),
    .executableTarget(
      name: "faultline",
      dependencies: [
        "MDSimulation", "MDReport", "CMPI", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: target,
      linkerSettings: staticRuntime),

    .target(
      name: "MDTestSupport", dependencies: ["MDCore", "MDIO", "MDPotentialFiles"], path: "Tests/MDTestSupport",
      swiftSettings: target),
    // What groups of ranks must do, on threads and, as a program of its own under `mpirun`, on processes.
    .target(
      name: "GroupChecks", dependencies: ["MDSimulation"], path: "Tests/GroupChecks", swiftSettings: target),
    .target(name: "CMPICount", dependencies: ["CMPI"], path: "Tests/CMPICount"),
    .executableTarget(
      name: "MPIChecks", dependencies: ["GroupChecks", "MDParallel", "CMPI", "CMPICount"], path: "Tests/MPIChecks",
      swiftSettings: target),
    .testTarget(name: "MDNumericsTests", dependencies: ["MDNumerics"], swiftSettings: target),
    .testTarget(name: "MDCoreTests", dependencies: ["MDCore", "MDTestSupport"], swiftSettings: target),
    .testTarget(
      name: "MDNeighborsTests", dependencies: ["MDNeighbors", "MDTestSupport"], swiftSettings: target),
    .testTarget(
      name: "MDParallelTests", dependencies: ["MDParallel", "GroupChecks", "MDTestSupport"], swiftSettings: target),
    .testTarget(
      name: "MDPotentialsTests", dependencies: ["MDPotentials", "MDPotentialFiles", "MDTestSupport"],
      swiftSettings: target),
    .testTarget(
      name: "MDElectrostaticsTests",
      dependencies: [
        "MDElectrostatics", "MDPotentials", "MDPotentialFiles", "MDParallel", "MDSimulation", "MDTestSupport",
      ],
      swiftSettings: target),
    .testTarget(
      name: "MDDynamicsTests", dependencies: ["MDDynamics", "MDParallel", "MDTestSupport"],
      swiftSettings: target),
    .testTarget(
      name: "MDAnalysisTests", dependencies: ["MDAnalysis", "MDDeck", "MDTestSupport"], swiftSettings: target),
    .testTarget(
      name: "MDStructuresTests", dependencies: ["MDStructures", "MDTestSupport"], swiftSettings: target),
    .testTarget(
      name: "MDReportTests", dependencies: ["MDReport", "MDCore", "MDIO", "MDNumerics", "CZlib"], swiftSettings: target),
    .testTarget(name: "MDIOTests", dependencies: ["MDIO", "MDTestSupport"], swiftSettings: target),
    .testTarget(name: "MDDeckTests", dependencies: ["MDDeck", "MDSimulation", "MDTestSupport"], swiftSettings: target),
    .testTarget(
      name: "MDSimulationTests",
      dependencies: ["MDSimulation", "MDDeck", "MDParallel", "GroupChecks", "MDTestSupport"],
      swiftSettings: target),
    .testTarget(
      name: "DeckNumbersTests",
      dependencies: [
        "MDSimulation", "MDAnalysis", "MDDeck", "MDParallel", "MDPotentialFiles", "MDStructures", "MDTestSupport",
      ],
      swiftSettings: target),
    .testTarget(
      name: "FaultlineTests", dependencies: ["MDTestSupport", "MPIChecks"], swiftSettings: target),
  ],
  swiftLanguageModes: [.v6]
)

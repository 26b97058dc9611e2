import Foundation
import MDCore
import MDNumerics
import MDParallel
import MDSimulation
import Testing

/// Free particles with a given drift, from a deck: what `remove_drift` and `zero_momentum` do.
@Suite("Drift in decks") struct DriftDeckTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var stage = ""
    var more = ""
    /// Whether the drift of the file is there at the end.
    var drifts: Bool
    var freedom = 21
  }

  private static let hold = "groups: {held: {select: {ids: [1, 1]}, frozen: true}}\n"

  static let cases = [
    Case(testDescription: "taken off by default", drifts: false),
    Case(testDescription: "kept if the deck says so", stage: ", remove_drift: false", drifts: true),
    Case(
      testDescription: "a frozen atom: kept, and counted", more: hold, drifts: true, freedom: 21),
    Case(
      testDescription: "rescaled about the drift",
      stage: ", remove_drift: false, thermostat: {rescale: {temperature: 200, damping: 1}}", drifts: true),
  ]

  /// Atoms of 40 g/mol, 20 Å apart: nothing acts on them.
  private static let velocities = (0..<8).map { i in
    Vector3(sin(Double(i)), cos(2 * Double(i)), sin(3 * Double(i) + 1)) + Vector3(5, 0, -2)
  }

  private func run(_ deck: String) throws -> ThermoRow {
    let folder = NSTemporaryDirectory() + "faultline-drift-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var lines = ["8", "Lattice=\"200 0 0 0 200 0 0 0 200\" Properties=species:S:1:pos:R:3:velo:R:3 pbc=\"T T T\""]
    for (i, v) in Self.velocities.enumerated() { lines.append("Ar \(20 * i) 0 0 \(v.x) \(v.y) \(v.z)") }
    try (lines.joined(separator: "\n") + "\n").write(toFile: folder + "/in.extxyz", atomically: true, encoding: .utf8)
    try """
    structure: {file: {path: in.extxyz}}
    species: {Ar: {mass: 40}}
    potential: [{lennard_jones: {cutoff: 8, pairs: [{species: [Ar, Ar], epsilon: 0.01, sigma: 3.4}]}}]
    output: {directory: \(folder)/run, thermo: {every: 1}}
    \(deck)
    """.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    let simulation = try Simulation.start(
      deck: folder + "/deck.yaml", output: nil, overwrite: false, communicator: LoopbackCommunicator(),
      log: RunLog(isTerminal: false, emit: nil))
    _ = try simulation.run(limits: RunLimits())
    let summary = try JSONDecoder().decode(
      RunSummary.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/run/run.json")))
    return try #require(summary.finalThermo)
  }

  @Test(arguments: cases) func fromFile(_ test: Case) throws {
    let row = try run(test.more + "stages: [{dynamics: {steps: 2, timestep: 0.001\(test.stage)}}]")
    let mobile = test.more.isEmpty ? Self.velocities : Array(Self.velocities.dropFirst())
    let mean = (1 / Double(mobile.count)) * mobile.reduce(Vector3.zero, +)
    let m = 40 * Units.massVelocitySquaredToEnergy
    let thermal = mobile.reduce(0) { $0 + m * ($1 - (test.more.isEmpty ? mean : .zero)).squaredLength }
    if !test.stage.contains("rescale") {
      #expect(abs(row.temperature / (thermal / (Double(test.freedom) * Units.boltzmann)) - 1) < 1e-9)
    }
    let shown = row.temperature * Units.boltzmann * Double(test.freedom)
    let drift = test.drifts && test.more.isEmpty ? m * Double(mobile.count) * mean.squaredLength : 0
    #expect(abs(2 * row.kineticEnergy - shown - drift) < 1e-9 * (shown + drift))
    // Volume of the cell, bar.
    #expect(abs(row.pressure / (Units.energyPerVolumeToBar * shown / 3 / 8e6) - 1) < 1e-6)
  }

  @Test func drawn() throws {
    let row = try run(
      "velocities: {temperature: 300, zero_momentum: false}\nstages: [{dynamics: {steps: 1, timestep: 0.001}}]")
    #expect(abs(row.temperature - 300) < 1e-6)
    #expect(2 * row.kineticEnergy > 1.001 * 21 * Units.boltzmann * 300)
  }

  @Test func refused() {
    let error = #expect(throws: (any Error).self) {
      _ = try run(Self.hold + "stages: [{dynamics: {steps: 1, remove_drift: true}}]")
    }
    #expect("\(String(describing: error))".contains("those of group `held` are not"))
  }
}

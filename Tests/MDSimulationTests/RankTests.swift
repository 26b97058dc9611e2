import Foundation
import MDCore
import MDParallel
import MDSimulation
import MDTestSupport
import Testing

/// Decks give the same run on any number of ranks: energies to 1e-10 at the start, and over a short run, in which
/// lists are rebuilt and atoms change ranks, as far as chaos allows.
@Suite("1 rank = k ranks")
struct RankTests {
  struct Deck: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var structure: String
    var extra = ""
    var potential = "- eam: {parameters: zhou2004}"
    var stages = "- dynamics: {steps: 40, timestep: 2 fs}"
    /// Of thermo.csv, besides temperature and energies.
    var columns = ""
  }

  private static func rockSalt(_ method: String) -> String {
    """
    - coulomb: {method: \(method), accuracy: 1e-4, cutoff: 6}
      - born_mayer_huggins:
          cutoff: 6
          pairs:
            - {species: [Na, Na], a: 0.2637, sigma: 2.340, rho: 0.317, c: 1.0486, d: 0.4993}
            - {species: [Na, Cl], a: 0.2110, sigma: 2.755, rho: 0.317, c: 6.9906, d: 8.6758}
            - {species: [Cl, Cl], a: 0.1582, sigma: 3.170, rho: 0.317, c: 72.4022, d: 145.4285}
    """
  }

  private static let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("potentials/hdnnp/NaCl-example").path

  private static let tensors = """
    - mtp: {file: \(Pages.repository.path)/potentials/mtp/CuNi-example.almtp, elements: [Cu, Ni]}
      - table:
          pairs: [{species: [Ni, Cu], file: \(Pages.repository.path)/Tests/Reference/table/rare.table, keyword: AR_KR}]
    """

  private static func evolved(_ name: String, _ more: String = "") -> String {
    "- nep: {file: \(Pages.repository.path)/potentials/nep/\(name)\(more)}"
  }

  /// Nobody's potential of copper and nickel, with grades.
  private static let expanded: String = {
    let folder = NSTemporaryDirectory() + "faultline-ranks-ace-\(ProcessInfo.processInfo.processIdentifier)"
    let sample = ACESample.random(["Cu", "Ni"], seed: 3)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try sample.text.write(toFile: folder + "/a.yaml", atomically: true, encoding: .utf8)
      try Data(sample.activeSet(seed: 4)).write(to: URL(fileURLWithPath: folder + "/a.asi"))
    } catch { preconditionFailure("\(error)") }
    return "- ace: {file: \(folder)/a.yaml, active_set: \(folder)/a.asi}"
  }()

  private static func alloy(_ size: String) -> String {
    """
    crystal:
        cell: [[4.1, 0, 0], [0, 4.1, 0], [0, 0, 4.1]]
        basis:
          - {species: Cu, position: [0, 0, 0]}
          - {species: Ni, position: [0.5, 0.5, 0]}
          - {species: Ni, position: [0.5, 0, 0.5]}
          - {species: Cu, position: [0, 0.5, 0.5]}
        size: \(size)
    """
  }

  static let decks = [
    Deck(
      testDescription: "moment tensors over a table, thinner than the cutoff along two axes, grades",
      structure: alloy("[1, 1, 12]"), potential: tensors, columns: ", grade"),
    Deck(
      testDescription: "an open cluster of moment tensors, most ranks empty",
      structure: alloy("[2, 2, 2]\n    vacuum: [60, 60, 60]") + "\n  periodic: [false, false, false]",
      potential: tensors, columns: ", grade"),
    Deck(
      testDescription: "a neuroevolution potential, thinner than the cutoff along two axes",
      structure: alloy("[1, 1, 12]"), potential: evolved("CuNi-example.txt")),
    Deck(
      testDescription: "an open cluster with a neuroevolution potential, most ranks empty",
      structure: alloy("[2, 2, 2]\n    vacuum: [60, 60, 60]") + "\n  periodic: [false, false, false]",
      potential: evolved("CuNi-example.txt")),
    Deck(
      testDescription: "a cluster expansion, thinner than the cutoff along two axes, grades",
      structure: alloy("[1, 1, 12]"), potential: expanded, columns: ", grade"),
    Deck(
      testDescription: "an open cluster with a cluster expansion, most ranks empty",
      structure: alloy("[2, 2, 2]\n    vacuum: [60, 60, 60]") + "\n  periodic: [false, false, false]",
      potential: expanded, columns: ", grade"),
    Deck(
      testDescription: "rock salt with charges of a neuroevolution potential, on a mesh",
      structure: "lattice: {type: rocksalt, constant: 5.8, species: [Na, Cl], size: [1, 2, 3]}",
      potential: evolved("NaCl-charged-example.txt", ", charges: {accuracy: 1e-5}")),
    Deck(
      testDescription: "rock salt with charges of a neuroevolution potential, as trained",
      structure: "lattice: {type: rocksalt, constant: 5.8, species: [Cl, Na], size: [2, 1, 2]}",
      potential: evolved("NaCl-charged-example.txt", ", charges: {method: as_trained}")),
    Deck(
      testDescription: "thinner than the cutoff along two axes",
      structure: "lattice: {type: fcc, constant: 3.615, species: [Cu], size: [1, 1, 12]}"),
    Deck(
      testDescription: "a rotated crystal, sheared primitive cell",
      structure: """
        crystal:
            cell: [[2.9, 2.1, 0.3], [0.2, 2.6, 2.6], [2.7, 0.1, 2.55]]
            basis: [{species: Cu, position: [0, 0, 0]}]
            size: [7, 6, 5]
        """),
    Deck(
      testDescription: "a slab in vacuum, frozen below, pulled above",
      structure: """
        lattice: {type: fcc, constant: 3.615, species: [Cu], size: [3, 3, 6], vacuum: [0, 0, 30]}
          periodic: [true, true, false]
        """,
      extra: """
        groups:
          bottom: {select: {region: {z: [10, 17]}}, frozen: true}
          top: {select: {region: {z: [34, 60]}}, velocity: [0, 0, 50 m/s], thermostat: false}
        """,
      stages: "- dynamics: {steps: 40, timestep: 2 fs, thermostat: {langevin: {temperature: 300, damping: 0.1}}}"),
    Deck(
      testDescription: "an open cluster, most ranks empty",
      structure: """
        lattice: {type: fcc, constant: 3.615, species: [Cu], size: [2, 2, 2], vacuum: [60, 60, 60]}
          periodic: [false, false, false]
        """),
    Deck(
      testDescription: "hot rock salt with Ewald sums",
      structure: "lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [1, 2, 3]}",
      extra: "species: {Na: {charge: 1}, Cl: {charge: -1}}", potential: rockSalt("ewald")),
    Deck(
      testDescription: "hot rock salt on a mesh",
      structure: "lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [1, 2, 3]}",
      extra: "species: {Na: {charge: 1}, Cl: {charge: -1}}", potential: rockSalt("pppm")),
    Deck(
      testDescription: "a slab of rock salt, transforms on two ranks",
      structure: """
        lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [2, 2, 1], vacuum: [0, 0, 10]}
          periodic: [true, true, false]
        """,
      extra: "species: {Na: {charge: 1}, Cl: {charge: -1}}", potential: rockSalt("pppm, fft_ranks: 2")),
    Deck(
      testDescription: "a slab of rock salt with charge equilibration",
      structure: """
        lattice: {type: rocksalt, constant: 5.7, species: [Na, Cl], size: [2, 2, 1], vacuum: [0, 0, 10]}
          periodic: [true, true, false]
        """,
      potential: "- hdnnp: {directory: \(example), units: metal, charges: {accuracy: 1e-6, tolerance: 1e-9}}"),
    Deck(
      testDescription: "a sheared primitive cell whose whole cell is at a stress",
      structure: """
        crystal:
            cell: [[2.9, 2.1, 0.3], [0.2, 2.6, 2.6], [2.7, 0.1, 2.55]]
            basis: [{species: Cu, position: [0, 0, 0]}]
            size: [7, 6, 5]
        """,
      stages: """
        - minimize: {cell: full, pressure: 2 GPa, max_steps: 12}
          - dynamics: {steps: 20, timestep: 2 fs, thermostat: {rescale: {temperature: 300, damping: 0.1}},
              barostat: {rescale: {cell: full, pressure: 2 GPa, damping: 0.2}}}
        """),
    Deck(
      testDescription: "a bicrystal that is relaxed, held at a stress and sheared",
      structure: """
        grain_boundary: {kind: tilt, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 5,
            plane: [2, 1, 0], repeat: [1, 2], thickness: 16, overlap: 1.6}
        """,
      stages: """
        - minimize: {method: fire, max_steps: 10}
          - dynamics: {steps: 20, timestep: 2 fs, load: {xz: {rate: 1e11 /s}, zz: {stress: 1 GPa}, damping: 0.2}}
        """),
    Deck(
      testDescription: "hot rock salt on a mesh at constant pressure",
      structure: "lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [1, 2, 3]}",
      extra: "species: {Na: {charge: 1}, Cl: {charge: -1}}", potential: rockSalt("pppm"),
      stages: "- dynamics: {steps: 20, thermostat: {nose_hoover: {temperature: 500}}, barostat: {mtk: {damping: 0.2}}}"),
    Deck(
      testDescription: "a bicrystal pulled along its normal",
      structure: """
        grain_boundary: {kind: tilt, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 5,
            plane: [2, 1, 0], repeat: [1, 2], thickness: 16, overlap: 1.6}
        """,
      stages: """
        - minimize: {max_steps: 10}
          - dynamics: {steps: 20, timestep: 2 fs, thermostat: {rescale: {temperature: 300, damping: 0.1}},
              deform: {axis: z, rate: 1e11 /s}}
        """),
  ]

  @Test("energies and temperatures", arguments: decks)
  func sameRun(_ deck: Deck) throws {
    let one = try run(deck, ranks: 1)
    #expect(one.count >= 5)
    for ranks in [2, 3, 4, 8] {
      let many = try run(deck, ranks: ranks)
      try #require(many.count == one.count)
      for (row, (a, b)) in zip(one, many).enumerated() {
        for (name, x) in a where name != "step" {
          let y = try #require(b[name])
          // Energies of a sum in another order; later rows differ by what 40 steps make of it.
          let tolerance = row == 0 ? 1e-10 : 1e-7
          #expect(abs(x - y) <= tolerance * max(abs(x), 1), "\(ranks) ranks, row \(row), \(name): \(x), \(y)")
        }
      }
    }
  }

  /// A key that a plain sum would ignore is refused.
  @Test func ewaldHasNoTransforms() {
    let deck = Deck(
      testDescription: "", structure: "lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [1, 1, 1]}",
      extra: "species: {Na: {charge: 1}, Cl: {charge: -1}}", potential: Self.rockSalt("ewald, fft_ranks: 2"))
    #expect {
      _ = try run(deck, ranks: 2)
    } throws: { "\($0)".contains("fft_ranks") && "\($0)".contains("no mesh") }
  }

  /// The rows of thermo.csv.
  private func run(_ deck: Deck, ranks: Int) throws -> [[String: Double]] {
    let folder = NSTemporaryDirectory() + "faultline-ranks-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/deck.yaml"
    try """
      structure:
        \(deck.structure)
      potential:
        \(deck.potential)
      velocities: {temperature: 600 K}
      neighbors: {skin: 0.3}
      \(deck.extra)
      stages:
        \(deck.stages)
      output:
        directory: \(folder)/run
        thermo: {every: 5, columns: [temperature, potential_energy, kinetic_energy, total_energy\(deck.columns)]}
      """.write(toFile: path, atomically: true, encoding: .utf8)
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let log = RunLog(isTerminal: false, emit: nil)
      let simulation = try Simulation.start(
        deck: path, output: nil, overwrite: false, communicator: communicator, log: log)
      _ = try simulation.run(limits: RunLimits())
    }
    return CSVTable.rows(try String(contentsOfFile: folder + "/run/thermo.csv", encoding: .utf8)).map { row in
      row.filter { $0.key != "time" && !$0.key.contains("second") }
    }
  }
}

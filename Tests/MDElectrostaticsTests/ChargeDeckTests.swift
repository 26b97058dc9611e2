import Foundation
import MDCore
import MDParallel
import MDSimulation
import MDTestSupport
import Testing

/// The deck's `qeq` and `charges`: what is refused, and what `evaluate` does with them.
@Suite struct ChargeDeckTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    /// What the message says.
    var testDescription: String
    var charges = ""
    var parameters =
      "Na: {electronegativity: 2.8, hardness: 4.6, width: 1.0}, Cl: {electronegativity: 8.3, hardness: 7.0, width: 0.9}"
    var more = ""
    var groups =
      "a: {select: {species: [Na]}}\n  b: {select: {species: [Cl]}}\n  low: {select: {fractional_region: {z: [0, 0.3]}}}"
  }

  static let mistakes = [
    Mistake(
      testDescription: "`group` names 'c', which is no group of the deck; it has a, b, low",
      charges: "fixed: [{group: c, charge: 1}]"),
    Mistake(
      testDescription: "`group` names 'a' a second time", charges: "fixed: [{group: a}], fragments: [{group: a}]"),
    Mistake(
      testDescription: "`constant_potential` has one electrode",
      charges: "constant_potential: [{group: a, potential: 1}]"),
    Mistake(
      testDescription: "`potential` is missing in",
      charges: "constant_potential: [{group: a, potential: 1}, {group: b}]"),
    Mistake(
      testDescription: "thermo.csv has another column charge_residual", charges: "fragments: [{group: residual}]",
      groups: "residual: {select: {species: [Na]}}"),
    Mistake(
      testDescription: "atom 1 is in the groups 'a' and 'low'", charges: "fragments: [{group: a}, {group: low}]"),
    Mistake(
      testDescription: "together they are 1.0 e, but the total is 0.0 e",
      charges: "fragments: [{group: a, total: 1}, {group: b}]"),
    Mistake(
      testDescription: "no atom belongs to the group", charges: "fragments: [{group: n}]",
      groups: "n: {select: {sphere: {center: [1, 1, 1], radius: 0.1}}}"),
    Mistake(testDescription: "fixed as the structure gives them, but it gives none", charges: "fixed: [{group: a}]"),
    Mistake(testDescription: "along which the box is periodic", charges: "field: [0, 0, 0.1]"),
    Mistake(testDescription: "too short for the widths of the charges", charges: "cutoff: 4"),
    Mistake(testDescription: "`accuracy` is out of range", charges: "accuracy: 1e-15"),
    Mistake(testDescription: "unknown key `fixd` in `charges`; did you mean `fixed`?", charges: "fixd: []"),
    Mistake(
      testDescription: "`parameters` are missing for Cl, which is in the structure",
      parameters: "Na: {electronegativity: 2.8, hardness: 4.6, width: 1.0}"),
    Mistake(
      testDescription: "`width` is missing in `Na`", parameters: "Na: {electronegativity: 2.8, hardness: 4.6}"),
    Mistake(
      testDescription: "`coulomb` is a second potential with charges of its own", more: "\n  - coulomb: {}"),
    Mistake(
      testDescription: "`qeq` is a second potential with charges of its own",
      more:
        "\n  - qeq: {parameters: {Na: {electronegativity: 1, hardness: 1, width: 1}, Cl: {electronegativity: 1, hardness: 1, width: 1}}}"
    ),
  ]

  @Test(arguments: mistakes) func refused(_ mistake: Mistake) throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try """
    structure: {lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [2, 2, 2]}}
    groups:
      \(mistake.groups)
    potential:
      - qeq: {parameters: {\(mistake.parameters)}, charges: {\(mistake.charges)}}\(mistake.more)
    stages: [{dynamics: {steps: 1}}]
    output: {directory: \(folder)/run}
    """.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    // Found by every rank, before anything is written.
    try LoopbackCommunicator.run(ranks: 2) { communicator in
      let error = #expect(throws: FaultlineError.self) {
        _ = try Simulation.start(
          deck: folder + "/deck.yaml", output: nil, overwrite: false, communicator: communicator,
          log: RunLog(isTerminal: false, emit: nil))
      }
      #expect(error?.kind == .input)
      #expect(error?.description.contains(mistake.testDescription) == true, "\(String(describing: error))")
    }
    #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
  }

  /// Groups are those of each frame; the total is the frame's; charges and electronegativities come out.
  @Test func evaluation() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try """
    groups:
      low: {select: {region: {z: [0, 3]}}}
    potential:
      - qeq:
          parameters:
            H: {electronegativity: 3.2, hardness: 9, width: 0.35}
            O: {electronegativity: 6.1, hardness: 4, width: 0.55}
          charges: {fixed: [{group: low, charge: 0.25}]}
    """.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    try """
    3
    Properties=species:S:1:pos:R:3 total_charge=0.25 pbc="F F F"
    O 0 0 5
    H 1 0 5
    H 0 0 2
    2
    Properties=species:S:1:pos:R:3 pbc="F F F"
    H 0 0 1
    O 0 0 4

    """.write(toFile: folder + "/in.extxyz", atomically: true, encoding: .utf8)
    try Evaluation.run(
      deck: folder + "/deck.yaml", frames: folder + "/in.extxyz", output: folder + "/out.extxyz",
      communicator: LoopbackCommunicator(), log: RunLog(isTerminal: false, emit: nil))
    let lines = try String(contentsOfFile: folder + "/out.extxyz", encoding: .utf8).split(separator: "\n")
    #expect(lines[1].contains("charges:R:1:electronegativity:R:1"))
    func last(_ line: Int) -> [Double] { lines[line].split(separator: " ").suffix(2).map { Double($0) ?? .nan } }
    let first = [2, 3, 4].map(last)
    #expect(first[2][0] == 0.25 && abs(first[0][0] + first[1][0]) < 1e-12)
    #expect(first[0][0] < -0.01, "oxygen is negative")
    #expect(first.map { $0[1] } == [6.1, 3.2, 3.2])
    #expect(last(7)[0] == 0.25 && abs(last(8)[0] + 0.25) < 1e-12)
  }

  private static func folder() throws -> String {
    let folder = NSTemporaryDirectory() + "faultline-charges-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }
}

import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDPotentialFiles
import MDSimulation
import MDTestSupport
import Testing

/// Keys of `ace`: files of random potentials whose energies and grades are those of the formulas.
@Suite("Deck → numbers: atomic cluster expansions") struct ACEKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static func sample(_ seed: UInt64) -> ACESample { ACESample.random(["Na", "Cl"], seed: seed) }

  static let structures = [
    Sample.crystal(["Na", "Cl"], spacing: 2.9, cells: [2, 1, 1]), Sample.crystal(["Na", "Cl"], spacing: 2.6, cells: [2, 2, 1]),
  ]

  static func evaluate(_ potential: String, _ files: [String: String], archive: [UInt8]? = nil, ranks: Int = 2) throws -> [Frame] {
    var files = files
    files["in.extxyz"] = structures.map(Sample.text).joined()
    let run = try DeckRun(files: files)
    if let archive { try Data(archive).write(to: URL(fileURLWithPath: run.path("a.asi"))) }
    return try run.evaluate("potential: [\(potential)]", frames: "in.extxyz", ranks: ranks).map { Frame($0) }
  }

  static func expect(_ potential: String, _ files: [String: String], _ members: [ACEFile], ranks: Int = 2) throws {
    for (frame, s) in zip(try evaluate(potential, files, ranks: ranks), structures) {
      let all = members.map { ACEFormulas.energies($0, s) }
      let mean = all[0].indices.map { i in all.reduce(0) { $0 + $1[i] } / Double(all.count) }
      #expect(distance(frame.reals("energies"), mean) < 1e-8)
      #expect(isClose(frame.number("energy"), mean.reduce(0, +), 1e-9))
    }
  }

  static let effects = [
    KeyEffect("potential.ace.file") {
      let (one, other) = (sample(1), sample(2))
      let files = ["a.yaml": one.text, "b.yaml": other.text, "a.yace": ACESample.converted(try one.file())]
      for ranks in [1, 2, 3, 4, 8] { try expect("{ace: {file: a.yaml}}", files, [one.file()], ranks: ranks) }
      try expect("{ace: {file: b.yaml}}", files, [other.file()])
      try expect("{ace: {file: a.yace}}", files, [one.file()])
    },
    KeyEffect("potential.ace.committee") {
      let all = [1, 2, 3].map { sample($0) }
      let files = ["a.yaml": all[0].text, "b.yaml": all[1].text, "c.yaml": all[2].text]
      try expect("{ace: {committee: [a.yaml, b.yaml, c.yaml]}}", files, all.map { try $0.file() })
      #expect { try evaluate("{ace: {committee: [a.yaml, b.yaml], active_set: a.asi}}", files, archive: []) } throws: {
        "\($0)".contains("is for a single `file`")
      }
    },
    KeyEffect("potential.ace.species") {
      let files = ["a.yaml": sample(1).text]
      try expect("{ace: {file: a.yaml, species: [Na, Cl]}}", files, [sample(1).file()])
      #expect { try evaluate("{ace: {file: a.yaml, species: [Na]}}", files) } throws: { "\($0)".contains("Cl") }
    },
    KeyEffect("potential.ace.active_set") {
      let one = sample(1)
      var file = try one.file()
      var random = SplitMix64(seed: 5)
      let sizes = file.functions.map(\.count)
      let matrices = sizes.map { n in (0..<n * n).map { _ in Double.random(in: -1..<1, using: &random) } }
      file.activeSet = ACEActiveSet(matrices: matrices, isLinear: true, sizes: sizes)
      let bytes = ACESample.archive(file.elements.indices.map { (file.elements[$0], sizes[$0], matrices[$0]) })
      let frames = try evaluate("{ace: {file: a.yaml, active_set: a.asi}}", ["a.yaml": one.text], archive: bytes, ranks: 3)
      for (frame, s) in zip(frames, structures) {
        let expected: [Double] = ACEFormulas.atoms(file, s).enumerated().map { i, atom in
          ACEFormulas.grade(file, file.elements.firstIndex(of: s.species[Int(s.types[i])])!, atom)
        }
        let scale = expected.max()!
        #expect(zip(frame.reals("grade"), expected).allSatisfy { abs($0 - $1) < 1e-7 * scale })
      }
      for wrong in [Array(bytes.dropLast(30)), ACESample.archive([("Na", 2, [1, 0, 0, 1])])] {
        #expect { try evaluate("{ace: {file: a.yaml, active_set: a.asi}}", ["a.yaml": one.text], archive: wrong) } throws: {
          ($0 as? FaultlineError)?.kind == .input && "\($0)".contains("a.asi")
        }
      }
    },
  ]

  /// A crystal of nobody's potential, shaken: what dynamics conserve, and how a run goes on from a checkpoint.
  static func dynamics(steps: Int, timestep: Double, limit: Int? = nil) throws -> DeckRun {
    let deck = """
      structure: {file: {path: start.extxyz}}
      potential: [{ace: {file: a.yaml}}]
      stages: [{dynamics: {steps: \(steps), timestep: \(timestep)}}]
      output: {thermo: {every: 1}, checkpoints: {every: 7}}
      """
    var start = structures[0]
    var random = SplitMix64(seed: 8)
    start.velocities = start.positions.map { _ in
      Vector3(Double.random(in: -3..<3, using: &random), Double.random(in: -3..<3, using: &random), Double.random(in: -3..<3, using: &random))
    }
    return try DeckRun(
      deck, files: ["start.extxyz": Sample.text(start), "a.yaml": sample(1).text], limits: limit.map { RunLimits(steps: $0) } ?? RunLimits())
  }

  static func column(_ run: DeckRun, _ name: String) throws -> [Double] {
    CSVTable.rows(try run.read("run/thermo.csv")).compactMap { $0[name] }
  }

  @Test("the error of the total energy is of the second order in the timestep") func conserved() throws {
    func spread(_ timestep: Double, _ steps: Int) throws -> Double {
      let energies = try Self.column(Self.dynamics(steps: steps, timestep: timestep), "total_energy")
      #expect(energies.count == steps + 1)
      return energies.map { abs($0 - energies[0]) }.max()!
    }
    let (coarse, fine) = (try spread(0.0004, 100), try spread(0.0001, 400))
    #expect(fine > 0 && coarse / fine > 12 && coarse / fine < 20, "\(coarse) and \(fine) eV")
  }

  @Test("a stopped run goes on as if it had not been") func resumed() throws {
    let whole = try Self.dynamics(steps: 20, timestep: 0.0004)
    let parts = try Self.dynamics(steps: 20, timestep: 0.0004, limit: 11)
    #expect(try Self.column(parts, "total_energy").count == 12)
    try parts.resume()
    #expect(try parts.read("run/thermo.csv") == whole.read("run/thermo.csv"))
  }

  @Test(
    "damaged files say where", arguments: [
      ("radbase: SBessel", "radbase: ACE.jl.base"), ("npoti: FinnisSinclairShiftedScaled", "npoti: Magic"), ("nradmaxi: 3", "nradmaxi: three"),
    ])
  func damaged(_ from: String, _ to: String) throws {
    let text = Self.sample(1).text
    guard text.contains(from) else {
      Issue.record("\(from) is not in the sample:\n\(text.prefix(1500))")
      return
    }
    #expect { try Self.evaluate("{ace: {file: a.yaml}}", ["a.yaml": text.replacing(from, with: to)]) } throws: {
      ($0 as? FaultlineError)?.kind == .input && "\($0)".range(of: "a\\.yaml:[0-9]+: ", options: .regularExpression) != nil
    }
  }

  @Test("files that end too early are refused", arguments: [0.1, 0.35, 0.6, 0.85]) func short(_ part: Double) throws {
    let text = Self.sample(1).text
    #expect { try Self.evaluate("{ace: {file: a.yaml}}", ["a.yaml": String(text.prefix(Int(part * Double(text.count))))]) } throws: {
      ($0 as? FaultlineError)?.kind == .input
    }
  }
}

import Foundation
import MDTestSupport
import Testing

/// A truncated or bit-flipped input file is one clear error on four ranks, within seconds, before anything is written.
extension CommandLineTests {
  @Suite("Damaged inputs")
  struct DamagedInputTests {
    enum Damage: String, CaseIterable { case truncated, flipped }
    enum Input: String, CaseIterable {
      case deck = "deck.yaml"
      case data = "copper.data"
      case frame = "copper.extxyz"
      case setfl = "copper.eam.alloy"
      case snap = "copper.snapcoeff"
    }

    @Test("damaged files", arguments: Input.allCases, Damage.allCases)
    func damaged(_ input: Input, _ damage: Damage) throws {
      let launcher = try Launcher("damaged-\(damage)")
      defer { launcher.cleanUp() }
      let potentials = Launcher.repository.appendingPathComponent("potentials/snap").path
      for end in ["snapcoeff", "snapparam"] {
        try launcher.write(
          "copper.\(end)", String(contentsOfFile: "\(potentials)/Cu_Zuo_JPCA2020.\(end)", encoding: .utf8))
      }
      try launcher.write("copper.eam.alloy", Self.setfl)
      try launcher.write(
        "build.yaml", "structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [3, 3, 3]}}\n")
      #expect(try launcher.run("build", "build.yaml", "--output", "copper.data").code == 0)
      #expect(try launcher.run("build", "build.yaml", "--output", "copper.extxyz").code == 0)
      let species = input == .frame ? "" : ", species: [Cu]"
      try launcher.write(
        "deck.yaml",
        """
        structure: {file: {path: \(input == .frame ? "copper.extxyz" : "copper.data")\(species)}}
        potential:
          - \(input == .snap
            ? "snap: {coefficients: copper.snapcoeff, parameters: copper.snapparam}" : "eam: {file: copper.eam.alloy}")
        stages:
          - dynamics: {steps: 3, timestep: 1 fs}
        output: {directory: run}
        """)
      let whole = try launcher.run(ranks: 4, "run", "deck.yaml", "--output", "whole")
      #expect(whole.code == 0, "the undamaged job runs: \(whole.errors)")

      let url = URL(fileURLWithPath: launcher.path(input.rawValue))
      var bytes = try Data(contentsOf: url)
      switch damage {
      case .truncated: bytes = bytes.prefix(bytes.count / 2)
      case .flipped:
        // A digit in the middle becomes a letter.
        let middle = bytes.count / 2
        let digit = try #require(bytes[middle...].firstIndex { (0x30...0x39).contains($0) })
        bytes[digit] ^= 0x40
      }
      try bytes.write(to: url)
      let result = try launcher.run(ranks: 4, "run", "deck.yaml", timeout: 30)
      #expect(result.code == 65, "\(result.errors)")
      #expect(result.errors.components(separatedBy: "faultline: error:").count == 2, "told once: \(result.errors)")
      #expect(result.errors.contains(input.rawValue), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: launcher.path("run")), "nothing was started")
    }

    /// A little table: F(ρ) = −√ρ, ρ(r) = (1 − r/r_c)³, r·φ(r) = r (1 − r/r_c)³ with r_c = 5 Å.
    private static var setfl: String {
      let (n, step, cutoff) = (100, 0.0505, 5.0)
      let decay = (0..<n).map { k in
        let x = max(0, 1 - Double(k) * step / cutoff)
        return x * x * x
      }
      let embedding = (0..<n).map { -(Double($0) * 0.2).squareRoot() }
      let pair = (0..<n).map { decay[$0] * Double($0) * step }
      let numbers = (embedding + decay + pair).map { "\($0)" }.joined(separator: "\n")
      return "a table\nof a test\nfor copper\n1 Cu\n\(n) 0.2 \(n) \(step) \(cutoff)\n29 63.546 3.615 fcc\n\(numbers)\n"
    }
  }
}

import Foundation
import MDIO
import Testing

/// What `evaluate` leaves behind: whole files of numbers, or nothing.
extension CommandLineTests {
  @Suite("Evaluate")
  struct EvaluateTests {
    private static func frame(_ x: Double) -> String {
      "2\nLattice=\"12 0 0 0 12 0 0 0 12\" Properties=species:S:1:pos:R:3\nCu 1 1 1\nCu \(x) 1 1\n"
    }

    private func site(_ name: String, frames: String = frame(3.4) + frame(3.5)) throws -> Launcher {
      let launcher = try Launcher("evaluate-\(name)")
      try launcher.write("deck.yaml", "potential: [{eam: {parameters: zhou2004}}]\n")
      try launcher.write("in.extxyz", frames)
      return launcher
    }

    private func evaluate(
      _ launcher: Launcher, ranks: Int? = nil, _ output: String, deck: String = "deck.yaml"
    ) throws -> Launcher.Result {
      try launcher.start(
        ranks: ranks, ["evaluate", deck, "--frames", "in.extxyz", "--output", output]).wait()
    }

    private func partials(_ launcher: Launcher) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: launcher.directory).filter { $0.contains("partial") }
    }

    @Test(
      "a frame without numbers ends it, and what was there stays", arguments: ["out.extxyz", "out.extxyz.gz"], [1, 2])
    func notANumber(_ output: String, ranks: Int) throws {
      let launcher = try site("nan", frames: Self.frame(3.4) + Self.frame(1))
      defer { launcher.cleanUp() }
      let failed = try evaluate(launcher, ranks: ranks, output)
      #expect(failed.code == 70 && failed.errors.contains("in.extxyz:5"), "\(failed.errors)")
      #expect(failed.errors.contains("is not a number"))
      #expect(!FileManager.default.fileExists(atPath: launcher.path(output)))
      try launcher.write(output, "precious\n")
      #expect(try evaluate(launcher, ranks: ranks, output).code == 70)
      #expect(try launcher.read(output) == "precious\n")
      #expect(try partials(launcher).isEmpty)
      try launcher.write("in.extxyz", Self.frame(3.4))
      #expect(try evaluate(launcher, ranks: ranks, output).code == 0)
      #expect(try ExtXYZReader.frames(of: launcher.path(output)).count == 1)
      #expect(try partials(launcher).isEmpty)
    }

    /// Two atoms of 10³⁰⁸ eV each: every force is a number, the sum of the energies is none.
    @Test("an infinite energy with finite forces is refused")
    func infiniteEnergy() throws {
      let launcher = try site("infinite", frames: Self.frame(3.4).replacingOccurrences(of: "Cu", with: "Mo"))
      defer { launcher.cleanUp() }
      let folder = Launcher.repository.appendingPathComponent("potentials/snap").path
      var lines = try String(contentsOfFile: folder + "/Mo_Zuo_JPCA2020.snapcoeff", encoding: .utf8)
        .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let element = try #require(lines.firstIndex { $0.hasPrefix("Mo ") })
      lines[element + 1] = "1e308"
      try launcher.write("Mo.snapcoeff", lines.joined(separator: "\n"))
      try launcher.write(
        "snap.yaml",
        "potential: [{snap: {coefficients: Mo.snapcoeff, parameters: \(folder)/Mo_Zuo_JPCA2020.snapparam}}]\n")
      let result = try evaluate(launcher, "out.extxyz", deck: "snap.yaml")
      #expect(result.code == 70 && result.errors.contains("the energy of the frame at in.extxyz:1"), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: launcher.path("out.extxyz")))
    }

    @Test("the output may not be what is read, by any name", arguments: [
      "in.extxyz", "./in.extxyz", "sym.extxyz", "hard.extxyz", "deck.yaml",
    ])
    func sameFile(_ output: String) throws {
      let launcher = try site("same")
      defer { launcher.cleanUp() }
      try FileManager.default.createSymbolicLink(
        atPath: launcher.path("sym.extxyz"), withDestinationPath: launcher.path("in.extxyz"))
      try FileManager.default.linkItem(atPath: launcher.path("in.extxyz"), toPath: launcher.path("hard.extxyz"))
      let before = try launcher.read("in.extxyz")
      let result = try evaluate(launcher, output)
      #expect(result.code == 65 && result.errors.contains("--output"), "\(result.errors)")
      #expect(try launcher.read("in.extxyz") == before)
    }

    @Test("a link is followed, not replaced; devices are written to")
    func links() throws {
      let launcher = try site("links")
      defer { launcher.cleanUp() }
      try FileManager.default.createDirectory(atPath: launcher.path("far"), withIntermediateDirectories: true)
      try launcher.write("far/out.extxyz", "old\n")
      try FileManager.default.createSymbolicLink(
        atPath: launcher.path("out.extxyz"), withDestinationPath: launcher.path("far/out.extxyz"))
      #expect(try evaluate(launcher, "out.extxyz").code == 0)
      let target = try FileManager.default.destinationOfSymbolicLink(atPath: launcher.path("out.extxyz"))
      #expect(target.hasSuffix("far/out.extxyz"))
      #expect(try ExtXYZReader.frames(of: launcher.path("far/out.extxyz")).count == 2)
      #expect(try evaluate(launcher, "/dev/null").code == 0)
      let full = try evaluate(launcher, "/dev/full")
      #expect(full.code == 70 && full.errors.contains("the disk is full"), "\(full.errors)")
      let folder = try evaluate(launcher, "far")
      #expect(folder.code == 65 && folder.errors.contains("far"), "\(folder.errors)")
    }
  }
}

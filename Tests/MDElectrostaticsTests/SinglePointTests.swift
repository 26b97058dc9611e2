import Foundation
import MDCore
import MDIO
import MDNumerics
import MDParallel
import MDSimulation
import Testing

/// `evaluate` sums charges tightly unless the deck says how.
@Suite struct SinglePointTests {
  enum Family: String, CaseIterable, Sendable { case coulomb, qeq }

  private static func potential(_ family: Family, _ keys: String) -> String {
    switch family {
    case .coulomb: "species: {Na: {charge: 1}, Cl: {charge: -1}}\npotential: [{coulomb: {\(keys)}}]"
    case .qeq:
      "potential: [{qeq: {parameters: {Na: {electronegativity: 2.8, hardness: 4.6, width: 1.0}, "
        + "Cl: {electronegativity: 8.3, hardness: 7.0, width: 0.9}}, charges: {\(keys)}}}]"
    }
  }

  private func frames(_ deck: String, _ frames: [(lattice: String, height: Double)] = [("", 0)]) throws -> [[Double]] {
    let folder = NSTemporaryDirectory() + "faultline-single-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try deck.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    var lines: [String] = []
    for frame in frames {
      let salt = ChargedSystem.salt(SIMD3(4, 4, 4), noise: 0.25)
      let lattice = frame.lattice.isEmpty ? "11.28 0 0 0 11.28 0 0 0 11.28\" pbc=\"T T T" : frame.lattice
      lines += ["64", "Properties=species:S:1:pos:R:3 Lattice=\"\(lattice)\""]
      for (i, r) in salt.positions.enumerated() {
        lines.append("\(salt.charges[i] > 0 ? "Na" : "Cl") \(r.x) \(r.y) \(r.z + (i == 0 ? frame.height : 0))")
      }
    }
    try (lines.joined(separator: "\n") + "\n").write(toFile: folder + "/in.extxyz", atomically: true, encoding: .utf8)
    try Evaluation.run(
      deck: folder + "/deck.yaml", frames: folder + "/in.extxyz", output: folder + "/out.extxyz",
      communicator: LoopbackCommunicator(), log: RunLog(isTerminal: false, emit: nil))
    let reader = try ExtXYZReader(folder + "/out.extxyz")
    var all: [[Double]] = []
    while let frame = try reader.next() { all.append(frame.column("forces")?.reals ?? []) }
    return all
  }

  @Test(arguments: Family.allCases) func tight(_ family: Family) throws {
    let more = family == .qeq ? ", tolerance: 1e-12" : ""
    let exact = try frames(Self.potential(family, "method: ewald, accuracy: 1e-13, cutoff: 12\(more)"))[0]
    func error(_ keys: String) throws -> Double {
      let own = try frames(Self.potential(family, keys))[0]
      #expect(own.count == 192)
      return zip(own, exact).map { abs($0 - $1) }.max()!
    }
    #expect(try error("") < 1e-6)
    // Given values are kept, to the cutoff that a run takes with them.
    let loose = family == .qeq ? "accuracy: 1e-4, tolerance: 1e-3" : "accuracy: 1e-4"
    #expect(try error(loose) > 1e-5)
    #expect(try error("cutoff: 8.5") < 1e-4)
  }

  /// The frame is named, and the mistake is one of the input also behind the first frame.
  @Test(arguments: Family.allCases) func slab(_ family: Family) throws {
    let slab = "11.28 0 0 0 11.28 0 0 0 12\" pbc=\"T T F"
    let error = #expect(throws: FaultlineError.self) {
      _ = try frames(Self.potential(family, "slab_factor: 5"), [(slab, 0), (slab, 70)])
    }
    #expect(error?.kind == .input)
    #expect(error?.message.contains("in.extxyz:67") == true, "\(String(describing: error))")
    #expect(error?.message.contains("Å apart along the slab's normal") == true)
    let chosen = try frames(Self.potential(family, ""), [(slab, 0), (slab, 70)])
    let given = try frames(Self.potential(family, "slab_factor: 12"), [(slab, 0), (slab, 70)])
    for (a, b) in zip(chosen, given) { #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 }) }
  }
}

import Foundation
import MDCore
import MDIO
import MDNumerics
import MDTestSupport
import Testing

/// Stress in intervals of every family of Tests/Reference: all together are the virial, which other programs have confirmed.
@Suite("Stress of all families") struct StressFamilyTests {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let root = repository.appendingPathComponent("Tests/Reference")
  /// `analyze` takes no total charge from frames.
  static let cases = ((try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []).sorted()
    .filter { !["hdnnp-4g-charged", "qeq-charged"].contains($0) }

  @Test("intervals add up to the virial", arguments: cases, [1, 3]) func virial(_ name: String, ranks: Int) throws {
    let folder = Self.root.appendingPathComponent(name)
    let run = try DeckRun()
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file != "deck.yaml" {
      try FileManager.default.copyItem(atPath: folder.appendingPathComponent(file).path, toPath: run.path(file))
    }
    let deck = try String(contentsOf: folder.appendingPathComponent("deck.yaml"), encoding: .utf8)
      .replacingOccurrences(of: "../../../", with: Self.repository.path + "/")
    let lines = try run.read("reference.extxyz").split(separator: "\n", omittingEmptySubsequences: false)
    // Frames, a file each.
    var at = 0
    var number = 0
    while at + 1 < lines.count, let count = Int(lines[at].trimmingCharacters(in: .whitespaces)) {
      let frame = lines[at..<(at + count + 2)].joined(separator: "\n") + "\n"
      at += count + 2
      number += 1
      guard frame.contains("pbc=\"T T T\"") else { continue }
      try run.write("frame.extxyz", frame)
      let evaluated = try run.evaluate(deck, frames: "frame.extxyz", ranks: ranks)[0]
      let virial = try #require(evaluated["virial"]?.numbers)
      try run.analyze(
        "{stress: {along: c, bins: 7}}, {stress: {name: map, in: ab, bins: 4}}", more: deck, frames: "frame.extxyz",
        output: "found", ranks: ranks)
      let scale = -Units.energyPerVolumeToBar / 10_000 / evaluated.structure.box.volume
      let largest = virial.map { abs(scale * $0) }.max() ?? 0
      for table in ["stress", "map"] {
        let rows = CSVTable.rows(try run.read("found/\(table).csv"))
        #expect(rows.count == (table == "map" ? 16 : 7))
        for (component, k) in [("xx", 0), ("yy", 4), ("zz", 8), ("yz", 5), ("xz", 2), ("xy", 1)] {
          let values = rows.map { $0["stress_" + component] ?? .nan }
          let mean = values.reduce(0, +) / Double(rows.count)
          #expect(abs(mean - scale * virial[k]) < 1e-10 * largest, "\(name), frame \(number), \(table) \(component)")
          // It is not alike everywhere.
          #expect(values.contains { abs($0 - mean) > 1e-3 * largest } || component.first != component.last)
        }
      }
    }
    #expect(number > 0)
  }
}

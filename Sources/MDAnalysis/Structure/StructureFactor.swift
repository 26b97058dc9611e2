import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Partial structure factors S_AB(k) = ⟨Re ρ_A(k) ρ*_B(k)⟩/√(N_A N_B), ρ_A(k) = Σ exp(i k·r), and S(k) of all atoms, at wave
/// vectors of the cell, as means over intervals of |k|. All atoms count, whatever `of` would say.
final class StructureFactor: Instrument {
  private let species: [String]
  private let counts: [Int]
  private let largest: Double
  private let bins: Int
  /// Multiples of the reciprocal vectors, and the interval that they count for.
  private var vectors: [(h: SIMD3<Int32>, bin: Int)] = []
  private let pairs: [(Int, Int)]
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    species = setting.species
    counts = setting.speciesCounts
    largest = section.double("largest")
    bins = section.integer("bins")
    pairs = setting.species.indices.flatMap { b in (0...b).map { ($0, b) } }
    vectors = Self.choose(setting.box, largest, bins: bins, most: section.integer("vectors"))
    // Of each interval: vectors, S, partial ones.
    sums = BlockedSums(width: bins * (2 + setting.species.count * (setting.species.count + 1) / 2))
  }

  /// Half of all vectors (±k are one) up to `largest`, evenly thinned to `most` in an interval.
  private static func choose(_ box: Box, _ largest: Double, bins: Int, most: Int) -> [(h: SIMD3<Int32>, bin: Int)] {
    let reciprocal = (2 * Double.pi) * box.inverse.transpose
    let n = (0..<3).map { Int(largest * box.cell[$0].length / (2 * Double.pi)) + 1 }
    var found = [[SIMD3<Int32>]](repeating: [], count: bins)
    for a in 0...n[0] {
      for b in -n[1]...n[1] {
        for c in -n[2]...n[2] where (a, b, c) > (0, 0, 0) {
          let k = (Vector3(Double(a), Double(b), Double(c)) * reciprocal).length
          let bin = Int(k / largest * Double(bins))
          if bin < bins { found[bin].append(SIMD3(Int32(a), Int32(b), Int32(c))) }
        }
      }
    }
    return found.enumerated().flatMap { bin, all in
      let step = max(1, (all.count + most - 1) / most)
      return stride(from: 0, to: all.count, by: step).map { (all[$0], bin) }
    }
  }

  func measure(_ scene: Scene) throws {
    let view = scene.view
    let kinds = species.count
    let reciprocal = (2 * Double.pi) * scene.box.inverse.transpose
    var amplitudes = [Double](repeating: 0, count: vectors.count * kinds * 2)
    for (v, vector) in vectors.enumerated() {
      let k = Vector3(Double(vector.h.x), Double(vector.h.y), Double(vector.h.z)) * reciprocal
      for i in 0..<view.localCount {
        let phase = dot(k, view.positions[i])
        let at = 2 * (v * kinds + Int(view.species[i]))
        amplitudes[at] += cos(phase)
        amplitudes[at + 1] += sin(phase)
      }
    }
    scene.communicator.sum(&amplitudes)
    let width = 2 + pairs.count
    let isRoot = scene.communicator.isRoot
    sums.add { sums in
      // Every rank has the amplitudes; one adds.
      guard isRoot else { return }
      for (v, vector) in vectors.enumerated() {
        let row = sums + vector.bin * width
        func rho(_ a: Int) -> (Double, Double) { (amplitudes[2 * (v * kinds + a)], amplitudes[2 * (v * kinds + a) + 1]) }
        let all = (0..<kinds).reduce((0.0, 0.0)) { ($0.0 + rho($1).0, $0.1 + rho($1).1) }
        row[0] += 1
        row[1] += (all.0 * all.0 + all.1 * all.1) / Double(scene.totalCount)
        for (p, pair) in pairs.enumerated() {
          let (a, b) = (rho(pair.0), rho(pair.1))
          let norm = (Double(counts[pair.0]) * Double(counts[pair.1])).squareRoot()
          if norm > 0 { row[2 + p] += (a.0 * b.0 + a.1 * b.1) / norm }
        }
      }
    }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let width = 2 + pairs.count
    let filled = (0..<bins).filter { total[$0 * width] > 0 }
    let names = ["S_all"] + pairs.map { "S_\(species[$0.0])_\(species[$0.1])" }
    let curves = names.indices.map { c in all.estimates { sums in filled.map { sums[$0 * width + 1 + c] / sums[$0 * width] } } }
    let rows = filled.enumerated().map { n, bin -> [Double] in
      var row = [(Double(bin) + 0.5) * largest / Double(bins), total[bin * width] / Double(max(all.samples, 1))]
      for curve in curves { row += [curve[n].value, curve[n].error] }
      return row
    }
    let peak = all.estimate { sums in
      let best = filled.max { sums[$0 * width + 1] / sums[$0 * width] < sums[$1 * width + 1] / sums[$1 * width] }
      return (Double(best ?? 0) + 0.5) * self.largest / Double(self.bins)
    }
    return Report(
      tables: [
        .init(
          columns: [Figure("k", unit: "1/Å", digits: 12), Figure("vectors", unit: "1", digits: 12)]
            + names.flatMap { Columns.pair($0, "1") }, rows: rows)
      ],
      numbers: [.init("highest", peak, unit: "1/Å", "wave number of the highest S(k) of all atoms, middle of its interval")],
      samples: all.samples)
  }

  private struct Kept: Codable {
    var sums: BlockedSums.State
    var vectors: [Int32]
  }

  func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(
      Kept(sums: sums.state, vectors: vectors.flatMap { [$0.h.x, $0.h.y, $0.h.z, Int32($0.bin)] }))
  }

  func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(Kept.self, from: state), kept.vectors.count % 4 == 0,
      sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    let rows = stride(from: 0, to: kept.vectors.count, by: 4).map { kept.vectors[$0..<($0 + 4)].map { $0 } }
    guard rows.allSatisfy({ (0..<Int32(bins)).contains($0[3]) }) else { return false }
    vectors = rows.map { (SIMD3($0[0], $0[1], $0[2]), Int($0[3])) }
    return true
  }
}

extension InstrumentEntry {
  static let structureFactor = InstrumentEntry(
    "structure_factor",
    "Structure factors S(k), of all atoms and partial ones (Ashcroft and Langreth), at wave vectors of the cell.",
    every: "1000",
    [
      .defaulted("largest", .quantity(.inverseLength, .positive.plausibly(0.1...50)), "10", "Largest wave number."),
      bins("100", "Intervals of the wave number."),
      .defaulted("vectors", .integer(1...1_000_000), "10", "Most wave vectors in an interval."),
    ], example: "    - structure_factor: {largest: 8}",
    check: { section, context in
      if section.string("of") != "all" {
        context.refuse(section.error("of", "is not for structure factors, which are those of all atoms"))
      }
    }
  ) { try StructureFactor($0, $1) }
}

import MDSimulation
import Testing

/// Which of several states is lowest at which chemical potential.
@Suite("Stability of states") struct StabilityTests {
  private static func lines(_ ends: [(Double, Double)]) -> [StabilityTable.Line] {
    ends.enumerated().map { .init(trial: $0 + 1, ends: ($1.0, $1.1)) }
  }

  @Test("the lowest line at each point is that of the crossings") func envelope() throws {
    for ends in [
      [(1.0, 1.0), (1.5, 0.5), (1.2, 0.9), (1.01, 0.8), (0.8, 2.8)], [(1.0, 1.0), (2, 1.5)], [(1, 0), (1, 0), (0.5, 0.5)],
      [(3, 0), (2, 1), (1, 2)], [(1, 1)],
    ] {
      let all = Self.lines(ends)
      let crossings = StabilityTable.crossings(all)
      var now = crossings.first?.below ?? all.indices.min { ends[$0].0 < ends[$1].0 }!
      var left = crossings[...]
      for step in 0...1000 {
        let part = Double(step) / 1000
        while let next = left.first, next.part <= part {
          #expect(next.below == now)
          #expect(abs(all[next.below].value(at: next.part) - all[next.above].value(at: next.part)) < 1e-12)
          now = next.above
          left.removeFirst()
        }
        let least = all.map { $0.value(at: part) }.min()!
        #expect(all[now].value(at: part) < least + 1e-12, "\(ends) at \(part)")
      }
      #expect(left.isEmpty)
    }
    let two = StabilityTable.crossings(Self.lines([(1.0, 1.0), (1.5, 0.5), (1.2, 0.9), (1.01, 0.8), (0.8, 2.8)]))
    // 0.8 + 2 x = 1.01 − 0.21 x; 1.01 − 0.21 x = 1.5 − x.
    #expect(two.map(\.above) == [3, 1] && abs(two[0].part - 0.21 / 2.21) < 1e-12 && abs(two[1].part - 0.49 / 0.79) < 1e-12)
  }
}

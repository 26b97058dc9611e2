import Foundation
import GroupChecks
import MDParallel
import Testing

/// Systems of their own on groups of ranks.
@Suite("Side by side") struct SideBySideTests {
  /// Argon on two ranks beside copper on three gives the numbers that each gives alone, and what it gives on one rank.
  @Test func sameAsAlone() throws {
    let collected = Results()
    try LoopbackCommunicator.run(ranks: SideBySide.ranks) { communicator in
      let together = try SideBySide.together(communicator)
      let alone = try SideBySide.alone(communicator)
      collected.put((together.color, together.numbers, alone.numbers))
    }
    #expect(collected.all.count == SideBySide.ranks)
    for (color, together, alone) in collected.all {
      let run = color == 0 ? SmallRun.argon : .copper
      #expect(together.count == run.steps + 1 && together == alone)
      let plain = Results()
      try LoopbackCommunicator.run(ranks: run.ranks) { plain.put((color, try run.numbers(on: $0), [])) }
      #expect(plain.all.allSatisfy { $0.1 == together })
      let one = try run.numbers(on: LoopbackCommunicator())
      for (a, b) in zip(together, one) { #expect(abs(a - b) < 1e-9 * abs(b), "\(a), on one rank \(b)") }
    }
  }

  private final class Results: @unchecked Sendable {
    typealias Row = (color: Int, together: [Double], alone: [Double])
    private let lock = NSLock()
    private(set) var all: [Row] = []
    func put(_ row: Row) { lock.withLock { all.append(row) } }
  }
}

import GroupChecks
import MDCore
import MDParallel
import Testing

@Suite struct LoopbackTests {
  @Test(arguments: [1, 2, 5, 8])
  func reductions(_ ranks: Int) throws {
    let results = try onRanks(ranks) { comm -> [Double] in
      #expect(comm.sum(comm.rank) == ranks * (ranks - 1) / 2)
      #expect(comm.maximum(comm.rank) == ranks - 1)
      #expect(comm.minimum(Double(comm.rank)) == 0)
      #expect(comm.any(comm.rank == ranks - 1) && !comm.any(false))
      #expect(comm.allGather(comm.rank * 3) == (0..<ranks).map { 3 * $0 })
      // Numbers whose sum depends on the order.
      var values = [1e16 * (comm.rank % 2 == 0 ? 1 : -1), 1.1, 0.1 * Double(comm.rank)]
      comm.sum(&values)
      return values
    }
    for values in results { #expect(values == results[0]) }
    let inOrder = (0..<ranks).reduce(0.0) { $0 + 0.1 * Double($1) }
    #expect(results[0][2] == inOrder)
  }

  @Test(arguments: [1, 2, 3, 8])
  func messages(_ ranks: Int) throws {
    _ = try onRanks(ranks) { comm in
      let up = (comm.rank + 1) % ranks
      let down = (comm.rank + ranks - 1) % ranks
      for round in 0..<20 {
        let out = [UInt8](repeating: UInt8(comm.rank), count: comm.rank + round)
        var room = [UInt8](repeating: 255, count: 64)
        let came = out.withUnsafeBytes { o in
          room.withUnsafeMutableBytes { comm.sendReceive(o, to: up, into: $0, from: down, tag: round) }
        }
        #expect(came == down + round)
        #expect(room.prefix(came).allSatisfy { $0 == UInt8(down) } && room[came] == 255)
      }
      #expect(comm.broadcast(comm.rank == ranks - 1 ? [1, 2, 3] : [], from: ranks - 1) == [1, 2, 3])
      comm.barrier()
    }
  }

  /// Rank r sends d + 1 numbers, all r · 100 + d, to rank d, but none where r + d is a multiple of three.
  @Test(arguments: [1, 2, 5, 8])
  func allToAll(_ ranks: Int) throws {
    _ = try onRanks(ranks) { comm in
      func count(_ from: Int, _ to: Int) -> Int { (from + to) % 3 == 0 ? 0 : to + 1 }
      let send = (0..<ranks).flatMap { Array(repeating: Int64(comm.rank * 100 + $0), count: count(comm.rank, $0)) }
      let out = (0..<ranks).map { 8 * count(comm.rank, $0) }
      let back = (0..<ranks).map { 8 * count($0, comm.rank) }
      func offsets(_ c: [Int]) -> [Int] { c.indices.map { c[..<$0].reduce(0, +) } }
      var receive = [Int64](repeating: -1, count: back.reduce(0, +) / 8)
      send.withUnsafeBytes { s in
        receive.withUnsafeMutableBytes {
          comm.allToAll(s, counts: out, offsets: offsets(out), into: $0, counts: back, offsets: offsets(back))
        }
      }
      let expected = (0..<ranks).flatMap {
        Array(repeating: Int64($0 * 100 + comm.rank), count: count($0, comm.rank))
      }
      #expect(receive == expected)
    }
  }

  /// Groups, groups of groups, and ranks without a group.
  @Test(arguments: [1, 2, 3, 5, 8, 16])
  func groups(_ ranks: Int) throws {
    for failures in try onRanks(ranks, { GroupChecks.failures($0) }) { #expect(failures.isEmpty) }
  }

  /// An error in one group ends those who wait in others, or for them.
  @Test func errorInAGroup() {
    let error = #expect(throws: FaultlineError.self) {
      try LoopbackCommunicator.run(ranks: 4) { comm in
        let group = comm.split(color: comm.rank / 2, key: 0)
        if comm.rank == 3 { throw FaultlineError(.run, "rank 3 fails") }
        group?.barrier()
        comm.barrier()
      }
    }
    #expect(error?.message == "rank 3 fails")
  }

  @Test func abortInAGroup() {
    #expect(throws: FaultlineError.self) {
      try LoopbackCommunicator.run(ranks: 3) { comm in
        let group = comm.split(color: comm.rank == 2 ? 1 : 0, key: 0)
        if comm.rank == 2 { group?.abort(3) }
        group?.barrier()
        comm.barrier()
      }
    }
  }

  /// An error on one rank ends the run, whatever the others wait for.
  @Test(arguments: 0..<3)
  func errorDoesNotHang(_ culprit: Int) {
    let error = #expect(throws: FaultlineError.self) {
      try LoopbackCommunicator.run(ranks: 3) { comm in
        if comm.rank == culprit { throw FaultlineError(.run, "rank \(culprit) fails") }
        if comm.rank == (culprit + 1) % 3 { comm.barrier() }
        var byte: UInt8 = 0
        _ = withUnsafeMutableBytes(of: &byte) { comm.receive(into: $0, from: culprit, tag: 0) }
      }
    }
    #expect(error?.message == "rank \(culprit) fails")
  }

  @Test func abortEndsTheRun() {
    #expect(throws: FaultlineError.self) {
      try LoopbackCommunicator.run(ranks: 2) { comm in
        if comm.rank == 1 { comm.abort(3) }
        comm.barrier()
      }
    }
  }

  @Test func oneRankWithoutThreads() {
    let comm = LoopbackCommunicator()
    #expect(comm.size == 1 && comm.isRoot && comm.sum(2.5) == 2.5)
  }
}

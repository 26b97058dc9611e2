import MDCore

/// What groups of ranks must do, on any communicator. Plain values instead of expectations, so that a program under
/// `mpirun` can say them as well.
public enum GroupChecks {
  /// What went wrong on this rank; empty if all is well. Collective.
  public static func failures(_ all: any Communicator) -> [String] {
    var failures: [String] = []
    func expect(_ condition: Bool, _ what: String) {
      if !condition { failures.append("rank \(all.rank) of \(all.size): \(what)") }
    }
    // Groups of different size side by side, numbered against the order of ranks, and ranks without a group.
    let colors = (0..<all.size).map { [0, 1, 1, nil, 1, 0, 1, 1][$0 % 8] }
    let color = colors[all.rank]
    let group = all.split(color: color, key: -all.rank)
    expect((group == nil) == (color == nil), "is member of a group without a colour, or of none with one")
    let members = (0..<all.size).filter { color != nil && colors[$0] == color }.reversed()
    if let group {
      expect(group.size == members.count, "a group of \(group.size) instead of \(members.count)")
      expect(Array(members)[group.rank] == all.rank, "number \(group.rank) in the group")
      check(group, members: Array(members), all: all, expect)
      nested(group, members: Array(members), expect)
    }
    // The group is done with; the whole is as it was.
    check(all, members: Array(0..<all.size), all: nil, expect)
    expect(all.split(color: nil, key: 0) == nil, "a group that nobody is in")
    // What the last split left behind is not taken for this one's.
    let again = all.split(color: (color ?? 2) + 10, key: 0)
    expect(again?.sum(1) == colors.count { $0 == color }, "a second split has the groups of another")
    expect(all.split(color: 0, key: 0)?.sum(1) == all.size, "the whole as a group")
    return failures
  }

  /// Every call within a communicator whose ranks are these `members` of the whole.
  private static func check(
    _ group: any Communicator, members: [Int], all: (any Communicator)?, _ expect: (Bool, String) -> Void
  ) {
    let (me, n) = (members[group.rank], members.count)
    expect(group.sum(me) == members.reduce(0, +), "sum of integers")
    expect(group.maximum(me) == members.max() && group.minimum(Double(me)) == Double(members.min() ?? -1), "extremes")
    expect(group.any(me == members[n - 1]) && !group.any(false), "any")
    expect(group.allGather(me) == members, "allGather \(group.allGather(me))")
    var sums = [0.1 * Double(me), 1]
    group.sum(&sums)
    expect(abs(sums[0] - members.reduce(0) { $0 + 0.1 * Double($1) }) < 1e-12 && sums[1] == Double(n), "sum of doubles")
    let told = group.broadcast(group.rank == n - 1 ? [7, UInt8(me)] : [], from: n - 1)
    expect(told == [7, UInt8(members[n - 1])], "broadcast \(told)")

    // A ring, while a message with the same tag is on its way outside of the group.
    let (up, down) = ((group.rank + 1) % n, (group.rank + n - 1) % n)
    if let all, all.rank == members[0] { send([99], to: members[n - 1], all) }
    var came: [UInt8] = []
    for round in 0..<3 {
      came = ring(Array(repeating: UInt8(me), count: me + round), to: up, from: down, group)
      expect(came == Array(repeating: UInt8(members[down]), count: members[down] + round), "ring \(came)")
    }
    if let all, all.rank == members[n - 1] { expect(receive(from: members[0], all) == [99], "a message outside") }

    // A message is seen before it is taken, and only under its tag.
    if n > 1 {
      [UInt8(me)].withUnsafeBytes { group.send($0, to: up, tag: 9) }
      while !group.isWaiting(from: down, tag: 9) {}
      expect(!group.isWaiting(from: down, tag: 8), "a message with another tag")
      var one: [UInt8] = [0]
      let length = one.withUnsafeMutableBytes { group.receive(into: $0, from: down, tag: 9) }
      expect(length == 1 && one == [UInt8(members[down])], "the message that was seen")
      expect(!group.isWaiting(from: down, tag: 9), "a message twice")
    }

    // Rank r sends d + 1 bytes, all r, to rank d.
    let out = (0..<n).flatMap { [UInt8](repeating: UInt8(me), count: $0 + 1) }
    let counts = (0..<n).map { $0 + 1 }
    let mine = group.rank + 1
    var back = [UInt8](repeating: 255, count: n * mine)
    out.withUnsafeBytes { o in
      back.withUnsafeMutableBytes {
        group.allToAll(
          o, counts: counts, offsets: counts.map { $0 * ($0 - 1) / 2 }, into: $0,
          counts: Array(repeating: mine, count: n), offsets: (0..<n).map { $0 * mine })
      }
    }
    expect(back == members.flatMap { [UInt8](repeating: UInt8($0), count: mine) }, "allToAll \(back)")
    group.barrier()
  }

  /// Pairs within the group, of which they do not need to know any more.
  private static func nested(
    _ group: any Communicator, members: [Int], _ expect: (Bool, String) -> Void
  ) {
    let pair = group.split(color: group.rank / 2, key: group.rank)
    let partners = Array(members[(group.rank / 2 * 2)..<min(group.rank / 2 * 2 + 2, members.count)])
    guard let pair else { return expect(false, "no pair") }
    expect(pair.size == partners.count && partners[pair.rank] == members[group.rank], "pair")
    check(pair, members: partners, all: nil, expect)
  }

  private static let tag = 5

  private static func send(_ bytes: [UInt8], to rank: Int, _ communicator: any Communicator) {
    bytes.withUnsafeBytes { communicator.send($0, to: rank, tag: tag) }
  }

  private static func receive(from rank: Int, _ communicator: any Communicator) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: 64)
    let count = room.withUnsafeMutableBytes { communicator.receive(into: $0, from: rank, tag: tag) }
    return Array(room.prefix(count))
  }

  private static func ring(_ bytes: [UInt8], to up: Int, from down: Int, _ group: any Communicator) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: 64)
    let count = bytes.withUnsafeBytes { b in
      room.withUnsafeMutableBytes { group.sendReceive(b, to: up, into: $0, from: down, tag: tag) }
    }
    return Array(room.prefix(count))
  }
}

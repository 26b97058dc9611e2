import MDCore

/// The ranks that write a run's files: rank 0 first, and others that take pieces of each file in turn.
///
/// Making text and compressing it takes longer than the disk does, so one rank of 1,000 must not do it all; but a file
/// system has little to gain from more than a few processes of a node.
package struct Writers: Equatable, Sendable {
  /// Ascending, from 0.
  package let ranks: [Int]

  /// Rank 0 alone.
  package static let root = Writers(ranks: [0])

  private init(ranks: [Int]) { self.ranks = ranks }

  /// `count` ranks, evenly over the job, whose launchers fill node after node; at most all.
  package init(count: Int, of size: Int) {
    let count = max(1, min(count, size))
    ranks = (0..<count).map { $0 * size / count }
  }

  /// At most `perNode` ranks of each node, evenly over those that it has.
  /// - Parameter nodes: of each rank, the first rank of its node.
  package init(nodes: [Int], perNode: Int = 4) {
    var members: [Int: [Int]] = [:]
    for (rank, node) in nodes.enumerated() { members[node, default: []].append(rank) }
    let chosen = members.values.flatMap { ranks -> [Int] in
      Writers(count: perNode, of: ranks.count).ranks.map { ranks[$0] }
    }
    self.ranks = chosen.sorted()
  }

  /// As the deck says, or a few of each node. Collective.
  package static func chosen(_ count: Int?, _ communicator: any Communicator) -> Writers {
    if let count { return Writers(count: count, of: communicator.size) }
    return Writers(nodes: communicator.allGather(communicator.firstOnNode()))
  }

  package var count: Int { ranks.count }

  /// Who writes the piece of this number.
  package func rank(ofPiece k: Int) -> Int { ranks[k % count] }
}

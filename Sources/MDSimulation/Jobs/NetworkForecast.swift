import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDParallel

/// What the messages of ghosts take beside the work, reckoned for a job that is not there.
///
/// A step has m messages of a rank one after the other, a latency each; and the bytes that leave a node go through its one link:
///
///     t = m·latency + B·g / bandwidth
///
/// with m = calls · Σ 2 hops over the axes that ranks divide, B bytes for each ghost in all calls of a step, and g the ghosts that
/// a node gets from others: the atoms within the ghosts' reach of its block of bricks. Messages inside a node cost their latency
/// only; nothing overlaps. Meshes of long-ranged interactions are left out.
package struct NetworkForecast {
  /// Exchanges of ghosts in a step, positions included, and the bytes of a ghost in all of them.
  package var calls: Int
  package var bytesOfGhost: Int
  package var domain: Domain
  /// Bricks of a node along each axis; (1, 1, 1) where they make no block: all ghosts come from other nodes then, at worst.
  package var block: SIMD3<Int>
  package var perNode: Int
  /// Å.
  package var heights: Vector3
  package var width: Double
  /// On a rank.
  package var atoms: Double
  /// s an atom and step.
  package var work: Double
  /// s; bytes/s a node.
  package var latency: Double
  package var bandwidth: Double

  package init(
    calls: Int, bytesOfGhost: Int, domain: Domain, block: SIMD3<Int>, perNode: Int, heights: Vector3, width: Double,
    atoms: Double, work: Double, latency: Double, bandwidth: Double
  ) {
    self.calls = calls
    self.bytesOfGhost = bytesOfGhost
    self.domain = domain
    self.block = block
    self.perNode = perNode
    self.heights = heights
    self.width = width
    self.atoms = atoms
    self.work = work
    self.latency = latency
    self.bandwidth = bandwidth
  }

  /// Of a rank in a step, one after the other.
  package var messages: Double {
    (0..<3).reduce(0) { sum, axis in
      domain.grid[axis] == 1 ? sum : sum + 2 * max(1, domain.hops(axis: axis, width: width / heights[axis]))
    } * Double(calls)
  }

  /// Bytes into a node in a step, of a cell that is `scale` times as long.
  package func nodeBytes(scale: Double = 1) -> Double {
    let nodes = Vector3(domain.grid / block)
    var (grown, plain) = (1.0, 1.0)
    for axis in 0..<3 {
      let side = scale * heights[axis] / nodes[axis]
      plain *= side
      grown *= side + (nodes[axis] > 1 ? 2 * width : 0)
    }
    return Double(perNode) * atoms * scale * scale * scale * (grown / plain - 1) * Double(bytesOfGhost)
  }

  /// s a step, of a cell that is `scale` times as long.
  package func seconds(scale: Double = 1) -> Double { messages * latency + nodeBytes(scale: scale) / bandwidth }

  /// Atoms a rank for which messages take as long as the work, in a cell of the same shape and density; nil if there is no such
  /// number up to a billion.
  package var balance: Double? {
    var (low, high) = (log(cbrt(1 / atoms)), log(cbrt(1e9 / atoms)))
    func excess(_ x: Double) -> Double { seconds(scale: exp(x)) - work * atoms * exp(3 * x) }
    guard excess(low) > 0, excess(high) < 0 else { return nil }
    for _ in 0..<60 {
      let middle = 0.5 * (low + high)
      if excess(middle) > 0 { low = middle } else { high = middle }
    }
    return atoms * exp(3 * low)
  }

  /// For `check`.
  var lines: [String] {
    let kilobytes = Amount.bytes(nodeBytes())
    let ratio = seconds() / (work * atoms)
    var lines = [
      "network      \(Amount.count(messages)) messages of a rank and \(kilobytes) into each node of \(RunLog.counted(perNode, "rank")) a step: "
        + "\(RunLog.duration(seconds())), \(RunLog.fixed(ratio, 2)) times the work"
    ]
    if let balance { lines.append("             messages take as long as the work at \(Amount.count(balance)) atoms a rank") }
    return lines
  }
}

import Foundation
import MDCore
import MDNumerics

/// Where atoms were at earlier samples, in columns of atoms that travel with them and are in checkpoints; and which of
/// them were in a region then, and since when they have been there all the while.
package final class Trails {
  package let windows: TauWindows
  /// Samples since the windows began.
  package private(set) var samples = 0
  private let trail: Column<Double>
  /// Sample since which the atom has been inside; −1 outside.
  private let since: Column<Double>
  /// Of each level the slots at which the atom was inside, 32 bits a number.
  private let marks: Column<Double>

  package static let mostPoints = 64

  package init(_ windows: TauWindows, name: String, atoms: AtomStore) {
    self.windows = windows
    let roles: ColumnRole = [.migrates, .checkpointed]
    trail = atoms.addColumn(name + " trail", width: 3 * windows.points * windows.levels, roles: roles)
    since = atoms.addColumn(name + " since", roles: roles)
    marks = atoms.addColumn(name + " marks", width: 2 * windows.levels, roles: roles)
  }

  /// Begins anew: what was before gives no displacement.
  package func restart(_ atoms: AtomStore) {
    samples = 0
    for i in 0..<atoms.localCount { since[i] = -1 }
  }

  /// As a checkpoint left it; the columns come with the atoms.
  package func goOn(at sample: Int) { samples = sample }

  /// What one sample is compared with.
  package struct Visit {
    package let atom: Int
    /// Among the windows' lags.
    package let lag: Int
    package let displacement: Vector3
    /// Whether the atom was inside at the window's start, is now, and has been at all samples from then on.
    package let wasInside: Bool
    package let isInside: Bool
    package let hasStayed: Bool
  }

  /// Takes a sample: calls `body` for each window that ends at it, then remembers where atoms are. `place` gives an
  /// atom's place, `isInside` whether it belongs to what is looked at. Returns how many have left and come.
  package func take(
    _ atoms: AtomStore, isInside: [Bool], place: (Int) -> Vector3, _ body: (Visit) -> Void
  ) -> (left: Int, came: Int) {
    let n = samples
    let points = windows.points
    let due = windows.due(n)
    let trail = trail.pointer
    let since = since.pointer
    let marks = marks.pointer
    let width = 3 * points * windows.levels
    var (left, came) = (0, 0)
    for i in 0..<atoms.localCount {
      let r = place(i)
      let inside = isInside[i]
      if inside, since[i] < 0 {
        since[i] = Double(n)
        came += 1
      } else if !inside, since[i] >= 0 {
        since[i] = -1
        left += 1
      }
      for level in 0..<due {
        let row = trail + width * i + 3 * points * level
        let now = windows.slot(n, level: level)
        let stride = windows.strides[level]
        let known = marks + 2 * (windows.levels * i + level)
        let bits = SIMD2(UInt64(min(max(known[0], 0), 4_294_967_295)), UInt64(min(max(known[1], 0), 4_294_967_295)))
        if let steps = windows.steps(level: level, at: n) {
          for k in steps {
            let slot = now >= k ? now - k : now - k + points
            let from = row + 3 * slot
            let origin = n - k * stride
            body(
              Visit(
                atom: i, lag: windows.index(level: level, k), displacement: r - Vector3(from[0], from[1], from[2]),
                wasInside: bits[slot >> 5] >> UInt64(slot & 31) & 1 == 1, isInside: inside,
                hasStayed: since[i] >= 0 && Int(since[i]) <= origin))
          }
        }
        let to = row + 3 * now
        (to[0], to[1], to[2]) = (r.x, r.y, r.z)
        let bit = UInt64(1) << UInt64(now & 31)
        let half = bits[now >> 5]
        known[now >> 5] = Double(inside ? half | bit : half & ~bit)
      }
    }
    samples += 1
    return n == 0 ? (0, 0) : (left, came)
  }
}

/// The same for vectors of the whole system, which every rank knows.
package struct CollectiveTrail: Sendable {
  package let windows: TauWindows
  private var rows: [Vector3]

  package init(_ windows: TauWindows) {
    self.windows = windows
    rows = Array(repeating: .zero, count: windows.points * windows.levels)
  }

  /// Takes sample n of `now` and calls `body` with the earlier one of each window that ends at it.
  package mutating func take(_ n: Int, _ now: Vector3, _ body: (_ lag: Int, _ then: Vector3) -> Void) {
    for level in 0..<windows.due(n) {
      let slot = windows.slot(n, level: level)
      if let steps = windows.steps(level: level, at: n) {
        for k in steps {
          let then = slot >= k ? slot - k : slot - k + windows.points
          body(windows.index(level: level, k), rows[level * windows.points + then])
        }
      }
      rows[level * windows.points + slot] = now
    }
  }

  package var state: [Double] { rows.flatMap { [$0.x, $0.y, $0.z] } }

  package mutating func restore(_ state: [Double]) -> Bool {
    guard state.count == 3 * rows.count, state.allSatisfy(\.isFinite) else { return false }
    for k in rows.indices { rows[k] = Vector3(state[3 * k], state[3 * k + 1], state[3 * k + 2]) }
    return true
  }
}

import Foundation
import MDCore

/// Sums over samples in blocks of equal length, in memory that does not grow.
///
/// A sample adds to `width` sums. Blocks hold as many samples each; when all `capacity` blocks are full, neighbours are
/// merged and blocks become twice as long, so that there are always between half of the capacity and all of it (once
/// there have been that many samples). Ranks have sums of their own for the same samples; they are added for output.
package struct BlockedSums: Sendable, Equatable {
  package let width: Int
  package let capacity: Int
  /// Samples in a full block.
  package private(set) var length = 1
  /// Samples in each block; all but the last are full.
  package private(set) var counts: [Int] = []
  /// Block after block.
  package private(set) var values: [Double] = []

  package init(width: Int, capacity: Int = 32) {
    precondition(width > 0 && capacity >= 2 && capacity % 2 == 0, "blocks are merged in pairs")
    self.width = width
    self.capacity = capacity
  }

  /// Samples so far.
  package var samples: Int { counts.reduce(0, +) }

  /// Adds a sample: `body` adds to the sums of the present block.
  package mutating func add(_ body: (UnsafeMutablePointer<Double>) -> Void) {
    if counts.last.map({ $0 == length }) ?? true { begin() }
    counts[counts.count - 1] += 1
    let first = (counts.count - 1) * width
    values.withUnsafeMutableBufferPointer { body($0.baseAddress! + first) }
  }

  package mutating func add(_ sample: [Double]) {
    precondition(sample.count == width, "a number for each sum")
    add { sums in for k in 0..<sample.count { sums[k] += sample[k] } }
  }

  /// Adds more to the sums, from `first` on, of the sample that was added last.
  package mutating func addToLast(_ more: [Double], at first: Int) {
    precondition(!counts.isEmpty && first + more.count <= width, "sums of a sample")
    for (k, x) in more.enumerated() { values[(counts.count - 1) * width + first + k] += x }
  }

  private mutating func begin() {
    if counts.count == capacity {
      for b in 0..<(capacity / 2) {
        for k in 0..<width { values[b * width + k] = values[2 * b * width + k] + values[(2 * b + 1) * width + k] }
        counts[b] = counts[2 * b] + counts[2 * b + 1]
      }
      counts.removeLast(capacity / 2)
      values.removeLast(capacity / 2 * width)
      length *= 2
    }
    counts.append(0)
    values.append(contentsOf: repeatElement(0, count: width))
  }

  package func block(_ b: Int) -> ArraySlice<Double> { values[(b * width)..<((b + 1) * width)] }

  /// Of all samples.
  package var total: [Double] {
    var sums = [Double](repeating: 0, count: width)
    for b in counts.indices { for k in 0..<width { sums[k] += values[b * width + k] } }
    return sums
  }

  /// The sums of all ranks. Collective.
  package func reduced(_ communicator: any Communicator) -> BlockedSums {
    var copy = self
    if !values.isEmpty { communicator.sum(&copy.values) }
    return copy
  }

  /// Leaves the sums of all ranks on rank 0 and none elsewhere, as a run that goes on from them begins. Collective.
  package mutating func fold(_ communicator: any Communicator) {
    let all = reduced(communicator)
    for k in values.indices { values[k] = communicator.isRoot ? all.values[k] : 0 }
  }

  // MARK: Checkpoints

  package struct State: Codable, Sendable {
    var length: Int
    var counts: [Int]
    /// Doubles as they are in memory.
    var values: Data
  }

  package var state: State {
    State(length: length, counts: counts, values: values.withUnsafeBytes { Data($0) })
  }

  /// Goes on from a state. False if it is none of sums like these.
  package mutating func restore(_ state: State, isRoot: Bool) -> Bool {
    let full = state.counts.dropLast().allSatisfy { $0 == state.length }
    guard state.length >= 1, state.counts.count <= capacity, full, state.counts.allSatisfy({ (1...state.length).contains($0) }),
      state.values.count == 8 * width * state.counts.count
    else { return false }
    var numbers = [Double](repeating: 0, count: width * state.counts.count)
    _ = numbers.withUnsafeMutableBytes { state.values.copyBytes(to: $0) }
    guard numbers.allSatisfy(\.isFinite) else { return false }
    (length, counts) = (state.length, state.counts)
    values = isRoot ? numbers : numbers.map { _ in 0 }
    return true
  }
}

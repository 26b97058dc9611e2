/// How the factors exp(−η q) of several exponents η are found with few exponentials: where exponents are whole multiples
/// of a smaller one, by multiplication (η = 0.03 from 0.01 as u·u·u).
///
/// Values live in columns; the first columns are those of the exponents asked for, in their order.
struct ExponentialChain {
  enum Step {
    /// column ← exp(−η q).
    case exponential(column: Int, eta: Double)
    /// column ← first · second.
    case product(column: Int, first: Int, second: Int)
    /// column ← 1.
    case one(column: Int)
  }
  private(set) var steps: [Step] = []
  private(set) var columnCount: Int
  /// The largest exponent of an `exponential` step.
  private(set) var largestBase = 0.0

  init(_ exponents: [Double]) {
    columnCount = exponents.count
    let order = exponents.indices.sorted { exponents[$0] < exponents[$1] }
    var open = order[...]
    while let first = open.first {
      let base = exponents[first]
      if base == 0 {
        steps.append(.one(column: first))
        open = open.dropFirst()
        continue
      }
      steps.append(.exponential(column: first, eta: base))
      largestBase = max(largestBase, base)
      // An exponential costs about as much as six products.
      var columns = [1: first]
      var left: [Int] = []
      for place in open.dropFirst() {
        let ratio = exponents[place] / base
        let multiple = Int(ratio.rounded())
        guard (2...64).contains(multiple), abs(ratio - Double(multiple)) <= 4e-15 * ratio,
          let path = Self.path(to: multiple, from: Set(columns.keys))
        else {
          left.append(place)
          continue
        }
        for (sum, a) in path {
          let column = sum == multiple ? place : columnCount
          if sum != multiple { columnCount += 1 }
          steps.append(.product(column: column, first: columns[a]!, second: columns[sum - a]!))
          columns[sum] = column
        }
      }
      open = left[...]
    }
  }

  /// A short way to make `target` as sums of two numbers already there: (sum, first addend), the last is the target.
  private static func path(to target: Int, from known: Set<Int>) -> [(Int, Int)]? {
    for depth in 1...6 {
      if let found = extend(target, known, last: nil, depth) { return found }
    }
    return nil
  }

  /// Depth-first, at most `depth` sums, each but the first building on the `last`.
  private static func extend(_ target: Int, _ known: Set<Int>, last: Int?, _ depth: Int) -> [(Int, Int)]? {
    for a in known where known.contains(target - a) { return [(target, a)] }
    // The largest there is can at most double with each sum.
    guard depth > 1, let largest = known.max(), largest << depth >= target else { return nil }
    let numbers = known.sorted(by: >)
    for a in last.map({ [$0] }) ?? numbers {
      for b in numbers where a + b < target && !known.contains(a + b) {
        if let rest = extend(target, known.union([a + b]), last: a + b, depth - 1) { return [(a + b, a)] + rest }
      }
    }
    return nil
  }
}

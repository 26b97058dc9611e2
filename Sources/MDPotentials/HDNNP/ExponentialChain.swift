import MDNumerics

/// How the factors exp(−η q) of several exponents η are found with few exponentials: where exponents are whole multiples
/// of a smaller one, by multiplication (η = 0.03 from 0.01 as u·u·u).
///
/// Values live in columns; the first columns are those of the exponents asked for, in their order.
struct ExponentialChain {
  /// Something to start with, and up to three products that each build on the one before.
  struct Step {
    enum Start {
      /// start ← exp(−η q).
      case exponential(eta: Double)
      /// start ← 1.
      case one
      /// start is there already.
      case known
    }
    var start: Start
    var column: Int
    /// column ← previous column · factor.
    var products: [(column: Int, factor: Int)] = []
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
        steps.append(Step(start: .one, column: first))
        open = open.dropFirst()
        continue
      }
      steps.append(Step(start: .exponential(eta: base), column: first))
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
          append(column: column, columns[a]!, columns[sum - a]!)
          columns[sum] = column
        }
      }
      open = left[...]
    }
  }

  private mutating func append(column: Int, _ a: Int, _ b: Int) {
    let last = steps[steps.count - 1]
    let previous = last.products.last?.column ?? last.column
    if last.products.count < 3, a == previous || b == previous {
      steps[steps.count - 1].products.append((column, a == previous ? b : a))
    } else {
      steps.append(Step(start: .known, column: a, products: [(column, b)]))
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

/// One step of a chain as the kernel reads it: field numbers within the levels of a record.
struct ChainStep: BitwiseCopyable {
  enum Start: UInt8, BitwiseCopyable { case exponential, one, known }
  var start: Start
  var column: Int
  var eta = 0.0
  var productCount: Int
  var columns: SIMD4<Int>
  var factors: SIMD4<Int>

  init(_ step: ExponentialChain.Step) {
    switch step.start {
    case .exponential(let value):
      start = .exponential
      eta = value
    case .one: start = .one
    case .known: start = .known
    }
    column = step.column
    productCount = step.products.count
    columns = .zero
    factors = .zero
    for (k, product) in step.products.enumerated() {
      columns[k] = product.column
      factors[k] = product.factor
    }
  }
}

/// Fills the fields of exp(−η q) of `count` records, `stride` bytes apart.
@inline(__always)
func runChain(
  _ steps: UnsafeBufferPointer<ChainStep>, _ records: Record, _ count: Int, stride: Int, exponent: Int, levels: Int
) {
  for step in steps {
    switch step.start {
    case .exponential:
      let eta = Lanes(repeating: -step.eta)
      let low = Lanes(repeating: -708)
      runStep(step, records, count, stride, levels) { record in
        exponentialOfNegative((record[exponent] * eta).maximum(low))
      }
    case .one: runStep(step, records, count, stride, levels) { _ in Lanes(repeating: 1) }
    case .known:
      let start = levels &+ step.column
      runStep(step, records, count, stride, levels, storing: false) { record in record[start] }
    }
  }
}

@inline(__always)
private func runStep(
  _ step: ChainStep, _ records: Record, _ count: Int, _ stride: Int, _ levels: Int, storing: Bool = true,
  _ start: (Record) -> Lanes
) {
  let out = levels &+ step.column
  let (c0, c1, c2) = (levels &+ step.columns[0], levels &+ step.columns[1], levels &+ step.columns[2])
  let (f0, f1, f2) = (levels &+ step.factors[0], levels &+ step.factors[1], levels &+ step.factors[2])
  var record = records
  switch step.productCount {
  case 0:
    for _ in 0..<count {
      record[out] = start(record)
      record += stride
    }
  case 1:
    for _ in 0..<count {
      let value = start(record)
      if storing { record[out] = value }
      record[c0] = value * record[f0]
      record += stride
    }
  case 2:
    for _ in 0..<count {
      var value = start(record)
      if storing { record[out] = value }
      value *= record[f0]
      record[c0] = value
      record[c1] = value * record[f1]
      record += stride
    }
  default:
    for _ in 0..<count {
      var value = start(record)
      if storing { record[out] = value }
      value *= record[f0]
      record[c0] = value
      value *= record[f1]
      record[c1] = value
      record[c2] = value * record[f2]
      record += stride
    }
  }
}

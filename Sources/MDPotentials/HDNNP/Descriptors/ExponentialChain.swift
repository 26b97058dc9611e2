import MDNumerics

/// How the factors exp(−η q) of several exponents η are found with few exponentials: where exponents are whole
/// multiples of a smaller one, by multiplication (η = 0.03 from 0.01 as u·u·u).
///
/// Values live in columns; the first columns are those of the exponents asked for, in their order.
struct ExponentialChain {
  /// A start (an exponential, 1, or a column already computed) and up to three products, each of the one before.
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
    if case .known = last.start, last.products.count < 3, a == previous || b == previous {
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
    // Each sum can at most double the largest number.
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
  enum Start: UInt8, BitwiseCopyable { case exponential, bounded, one, known }
  var start: Start
  var column: Int
  var eta = 0.0
  /// Of a bounded exponential: its largest argument, coefficients and squarings.
  var limit = 0.0
  var coefficients: UnsafePointer<Lanes>?
  var squarings = 0
  var productCount: Int
  var columns: SIMD4<Int>
  var factors: SIMD4<Int>

  /// `limit` is the largest q; `keep` finds the coefficients a place.
  init(_ step: ExponentialChain.Step, limit: Double, keep: ([Lanes]) -> UnsafePointer<Lanes>) {
    switch step.start {
    case .exponential(let value):
      eta = value
      self.limit = limit
      if let bounded = BoundedExponential(eta: value, limit: limit) {
        start = .bounded
        coefficients = keep(bounded.coefficients.map { Lanes(repeating: $0) })
        squarings = bounded.squarings
      } else {
        start = .exponential
      }
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
    let out = levels &+ step.column
    switch step.start {
    case .exponential:
      let eta = Lanes(repeating: -step.eta)
      let low = Lanes(repeating: -708)
      let constants = LaneConstants.exponential
      fill(records, count, stride, out) { record in
        exponentialOfNegative((record[exponent] * eta).maximum(low), constants)
      }
    case .bounded: runBounded(step, records, count, stride, exponent, out)
    case .one: fill(records, count, stride, out) { _ in Lanes(repeating: 1) }
    case .known: multiply(step, records, count, stride, levels)
    }
  }
}

@inline(__always)
private func fill(_ records: Record, _ count: Int, _ stride: Int, _ out: Int, _ value: (Record) -> Lanes) {
  var record = records
  for _ in 0..<count {
    record[out] = value(record)
    record += stride
  }
}

@inline(__always)
private func runBounded(
  _ step: ChainStep, _ records: Record, _ count: Int, _ stride: Int, _ exponent: Int, _ out: Int
) {
  guard let c = step.coefficients else { return }
  // Lanes without a triangle may hold anything.
  let limit = Lanes(repeating: step.limit)
  @inline(__always)
  func root(_ record: Record) -> Lanes { BoundedExponential.polynomial(record[exponent].minimum(limit), c) }
  switch step.squarings {
  case 0: fill(records, count, stride, out) { root($0) }
  case 1:
    fill(records, count, stride, out) { record in
      let e = root(record)
      return e * e
    }
  case 2:
    fill(records, count, stride, out) { record in
      let e = root(record)
      let e2 = e * e
      return e2 * e2
    }
  case 3:
    fill(records, count, stride, out) { record in
      let e = root(record)
      let e2 = e * e
      let e4 = e2 * e2
      return e4 * e4
    }
  default:
    fill(records, count, stride, out) { record in
      let e = root(record)
      let e2 = e * e
      let e4 = e2 * e2
      let e8 = e4 * e4
      return e8 * e8
    }
  }
}

@inline(__always)
private func multiply(_ step: ChainStep, _ records: Record, _ count: Int, _ stride: Int, _ levels: Int) {
  let start = levels &+ step.column
  let (c0, c1, c2) = (levels &+ step.columns[0], levels &+ step.columns[1], levels &+ step.columns[2])
  let (f0, f1, f2) = (levels &+ step.factors[0], levels &+ step.factors[1], levels &+ step.factors[2])
  var record = records
  switch step.productCount {
  case 1:
    for _ in 0..<count {
      record[c0] = record[start] * record[f0]
      record += stride
    }
  case 2:
    for _ in 0..<count {
      let value = record[start] * record[f0]
      record[c0] = value
      record[c1] = value * record[f1]
      record += stride
    }
  default:
    for _ in 0..<count {
      var value = record[start] * record[f0]
      record[c0] = value
      value *= record[f1]
      record[c1] = value
      record[c2] = value * record[f2]
      record += stride
    }
  }
}

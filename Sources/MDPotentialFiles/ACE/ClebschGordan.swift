import Foundation

/// Coupling of spherical harmonics to an invariant.
package enum ClebschGordan {
  /// ⟨l₁ m₁ l₂ m₂ | L M⟩ with the phases of Condon and Shortley, by Racah's sum (Varshalovich et al., Quantum Theory of
  /// Angular Momentum, 8.2.1).
  package static func coefficient(_ l1: Int, _ m1: Int, _ l2: Int, _ m2: Int, _ l: Int, _ m: Int) -> Double {
    guard m1 + m2 == m, abs(m1) <= l1, abs(m2) <= l2, abs(m) <= l, l >= abs(l1 - l2), l <= l1 + l2 else { return 0 }
    let f = factorials
    let front =
      (Double(2 * l + 1) * f[l + l1 - l2] * f[l - l1 + l2] * f[l1 + l2 - l] / f[l1 + l2 + l + 1]).squareRoot()
      * (f[l + m] * f[l - m]).squareRoot() * (f[l1 - m1] * f[l1 + m1]).squareRoot()
      * (f[l2 - m2] * f[l2 + m2]).squareRoot()
    var sum = 0.0
    for k in max(0, l2 - l - m1, l1 + m2 - l)...min(l1 + l2 - l, l1 - m1, l2 + m2) {
      let below = f[k] * f[l1 + l2 - l - k] * f[l1 - m1 - k] * f[l2 + m2 - k]
      let term = front / below / (f[l - l2 + m1 + k] * f[l - l1 - m2 + k])
      sum += k % 2 == 0 ? term : -term
    }
    return sum
  }

  /// Up to the largest that a double holds.
  private static let factorials: [Double] = {
    var all = [1.0]
    for n in 1...170 { all.append(all[n - 1] * Double(n)) }
    return all
  }()

  /// A node of the tree that couples factors: a factor, or two nodes coupled to `l`.
  indirect enum Coupling {
    case factor(Int)
    case pair(Coupling, Coupling, l: Int)
  }

  /// How pacemaker couples factors: (1 2), (3 4), … to the first intermediate l, then these two by two from the front,
  /// an odd last factor last; all together to 0.
  static func tree(_ ls: [Int], _ intermediate: [Int]) -> Coupling {
    var rest = intermediate[...]
    if ls.count == 1 { return .factor(0) }
    // The last coupling has no intermediate l left: it is the one to 0.
    func next() -> Int { rest.popFirst() ?? 0 }
    var queue: [Coupling] = (0..<ls.count / 2).map { .pair(.factor(2 * $0), .factor(2 * $0 + 1), l: next()) }
    while queue.count > 1 {
      let (a, b) = (queue.removeFirst(), queue.removeFirst())
      queue.append(.pair(a, b, l: next()))
    }
    if ls.count % 2 == 1 { return .pair(queue[0], .factor(ls.count - 1), l: 0) }
    return queue[0]
  }

  /// The terms of an invariant: the m of the factors, of which the first that is not zero is positive, and the factor of
  /// the term, which stands for that with all m reversed, too. m₁ runs fastest.
  package static func terms(_ ls: [Int], _ intermediate: [Int]) -> (orders: [Int], factors: [Double]) {
    let tree = tree(ls, intermediate)
    var table: [SIMD8<Int8>: Double] = [:]
    func cg(_ a: (l: Int, m: Int), _ b: (l: Int, m: Int), _ l: Int) -> Double {
      let key = SIMD8(Int8(a.l), Int8(a.m), Int8(b.l), Int8(b.m), Int8(l), 0, 0, 0)
      if let known = table[key] { return known }
      let value = coefficient(a.l, a.m, b.l, b.m, l, a.m + b.m)
      table[key] = value
      return value
    }
    func evaluate(_ node: Coupling, _ ms: [Int]) -> (l: Int, m: Int, value: Double) {
      switch node {
      case .factor(let k): return (ls[k], ms[k], 1)
      case .pair(let first, let second, let l):
        let (a, b) = (evaluate(first, ms), evaluate(second, ms))
        guard a.value != 0, b.value != 0, abs(a.m + b.m) <= l else { return (l, a.m + b.m, 0) }
        return (l, a.m + b.m, a.value * b.value * cg((a.l, a.m), (b.l, b.m), l))
      }
    }
    var orders: [Int] = []
    var factors: [Double] = []
    // The first m follows from the others.
    var ms = ls.map { -$0 }
    while true {
      ms[0] = -ms.dropFirst().reduce(0, +)
      if abs(ms[0]) <= ls[0] {
        let first = ms.first { $0 != 0 } ?? 0
        if first >= 0 {
          let value = evaluate(tree, ms).value
          if abs(value) > 1e-15 {
            orders += ms
            factors.append(first > 0 ? 2 * value : value)
          }
        }
      }
      var k = 1
      while k < ls.count, ms[k] == ls[k] {
        ms[k] = -ls[k]
        k += 1
      }
      guard k < ls.count else { return (orders, factors) }
      ms[k] += 1
    }
  }
}

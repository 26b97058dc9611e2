import MDNumerics

/// ρ_p = Σ c_p Π A as a sparse bilinear form: each product of sums is u·v, u and v sums or products of them, so that
/// ρ_p = Σ_u u (Σ_v c_uvp v). Products of half the factors are shared by many; of the ways to divide a product the one
/// is chosen whose parts most others have.
struct ACEPolynomial {
  /// Variables of a product, ascending, filled up with `none`.
  typealias Key = SIMD8<UInt16>
  static let none = UInt16.max
  static func key(_ variables: some Sequence<Int>) -> Key {
    var key = Key(repeating: none)
    for (k, v) in variables.sorted().enumerated() { key[k] = UInt16(v) }
    return key
  }

  let densityCount: Int
  /// Values: the variables, 1, then the products.
  let variableCount: Int
  struct Product {
    var a, b: Int32
  }
  let products: [Product]
  var valueCount: Int { variableCount + 1 + products.count }

  /// A row u and how many entries it has; of each entry v and c_p.
  struct Line {
    var node: Int32
    var count: Int32
  }
  let rows: [Line]
  let rowPlaces: [Int32]
  let rowCoefficients: [Double]
  /// The same by columns v; of each entry the number of its row.
  let columns: [Line]
  let columnPlaces: [Int32]
  let columnCoefficients: [Double]
  /// u and v of each monomial, in the order they were given.
  let factors: [SIMD2<Int32>]

  /// - Parameter coefficients: of each monomial, density by density.
  init(monomials: [Key], coefficients: [Double], densityCount: Int, variableCount: Int) {
    self.densityCount = densityCount
    self.variableCount = variableCount
    var builder = Builder(variableCount: variableCount)
    let halves = Self.divide(monomials)
    for half in halves {
      for key in [half.u, half.v] { builder.seen.insert(key) }
    }
    let factors = halves.map { half in SIMD2(Int32(builder.node(half.u)), Int32(builder.node(half.v))) }
    self.factors = factors
    products = builder.products

    func lines(_ place: (Int) -> (Int32, Int32)) -> (order: [Int], lines: [Line]) {
      let order = factors.indices.sorted { place($0) < place($1) }
      var lines: [Line] = []
      for k in order {
        let node = place(k).0
        if lines.last?.node == node { lines[lines.count - 1].count += 1 } else { lines.append(Line(node: node, count: 1)) }
      }
      return (order, lines)
    }
    let p = densityCount
    let byRow = lines { (factors[$0].x, factors[$0].y) }
    rows = byRow.lines
    rowPlaces = byRow.order.map { factors[$0].y }
    rowCoefficients = byRow.order.flatMap { coefficients[($0 * p)..<($0 * p + p)] }
    var rowOfNode: [Int32: Int32] = [:]
    for (k, line) in byRow.lines.enumerated() { rowOfNode[line.node] = Int32(k) }
    let byColumn = lines { (factors[$0].y, rowOfNode[factors[$0].x]!) }
    columns = byColumn.lines
    columnPlaces = byColumn.order.map { rowOfNode[factors[$0].x]! }
    columnCoefficients = byColumn.order.flatMap { coefficients[($0 * p)..<($0 * p + p)] }
  }

  static func degree(_ key: Key) -> Int { (0..<8).first { key[$0] == none } ?? 8 }

  private struct Half {
    var u, v: Key
  }

  /// All ways to divide a product into two of about the same size.
  private static func divisions(_ key: Key) -> [Half] {
    let n = degree(key)
    let all = (0..<n).map { Int(key[$0]) }
    if n == 1 { return [Half(u: Key(repeating: none), v: key)] }
    let size = n / 2
    var out: [Half] = []
    for mask in 1..<(1 << n) where mask.nonzeroBitCount == size {
      // Of two equal halves either may be called the first.
      if 2 * size == n, mask & 1 == 0 { continue }
      let part = Self.key((0..<n).filter { mask >> $0 & 1 == 1 }.map { all[$0] })
      let rest = Self.key((0..<n).filter { mask >> $0 & 1 == 0 }.map { all[$0] })
      // The larger is the row, so that what is read often is a sum.
      out.append(Half(u: rest, v: part))
    }
    return out
  }

  private static func divide(_ monomials: [Key]) -> [Half] {
    let options = monomials.map(divisions)
    var uses: [Key: Int] = [:]
    func score(_ half: Half) -> Int {
      (degree(half.u) > 1 ? uses[half.u, default: 0] : 0) + (degree(half.v) > 1 ? uses[half.v, default: 0] : 0)
    }
    for all in options {
      for half in all {
        uses[half.u, default: 0] += 1
        uses[half.v, default: 0] += 1
      }
    }
    var chosen = options.map { $0[0] }
    for _ in 0..<4 {
      for k in options.indices where options[k].count > 1 {
        var best = options[k][0]
        var most = -1
        for half in options[k] {
          let value = score(half)
          if value > most { (best, most) = (half, value) }
        }
        chosen[k] = best
      }
      uses = [:]
      for half in chosen {
        uses[half.u, default: 0] += 1
        uses[half.v, default: 0] += 1
      }
    }
    return chosen
  }

  /// Gives products their places, factors before products.
  private struct Builder {
    let variableCount: Int
    var products: [Product] = []
    var places: [Key: Int] = [:]
    var seen: Set<Key> = []

    init(variableCount: Int) { self.variableCount = variableCount }

    mutating func node(_ key: Key) -> Int {
      switch ACEPolynomial.degree(key) {
      case 0: return variableCount
      case 1: return Int(key[0])
      default: break
      }
      if let place = places[key] { return place }
      let all = ACEPolynomial.divisions(key)
      let best = all.max { known($0) < known($1) }!
      let (a, b) = (node(best.u), node(best.v))
      products.append(Product(a: Int32(a), b: Int32(b)))
      places[key] = variableCount + products.count
      return variableCount + products.count
    }

    private func known(_ half: Half) -> Int { [half.u, half.v].filter { seen.contains($0) || places[$0] != nil }.count }
  }
}

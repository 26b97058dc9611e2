import MDCore
import MDNumerics
import MDPotentialFiles

/// What the kernels of a moment tensor potential run through, made once from its file.
///
/// Since n is a unit vector, n_z² = 1 − n_x² − n_y²: only components with c ≤ 1 are summed over neighbours, (L + 1)²
/// for a radial function whose highest rank is L; the others follow for each atom by M(a, b, c) = M(a, b, c−2) −
/// M(a+2, b, c−2) − M(a, b+2, c−2). A place in the array of moments is that of a sum, then of the components that
/// follow, then of the products.
struct MTPPlan {
  /// Radial functions in the order of falling rank; the μ of the file.
  let radialOrder: [Int]
  /// The highest rank of each.
  let ranks: [Int]
  var radialCount: Int { ranks.count }
  /// Of the first radial function, the highest.
  var rank: Int { ranks[0] }

  /// n_x^a n_y^b n_z^c: a monomial is an earlier one times x (0), y (1) or z (2); the first is 1.
  struct Monomial {
    var parent: Int32
    var axis: Int32
  }
  let monomials: [Monomial]
  /// Monomials that as many radial functions need: one after the other.
  struct Group {
    var range: Range<Int>
    var radialCount: Int
  }
  let groups: [Group]
  /// Place of the sum of monomial m and radial function μ: sums[m · K + μ].
  let sums: [Int32]
  let sumCount: Int

  /// A row of coefficients of n_x^0, n_x^1, … with the same n_y^b n_z^c and radial function.
  struct Row {
    var place: Int32
    var count: Int32
  }
  /// For c = 0 with b falling to 0, then for c = 1: how many radial functions have the row, and their rows.
  let rowCounts: [Int32]
  let rows: [Row]

  /// M[target] = M[a] − M[b] − M[c].
  struct Trace {
    var target, a, b, c: Int32
  }
  let traces: [Trace]
  let moments: MTPProducts

  init(_ file: MTPFile) throws {
    let count = file.radialCount
    var highest = [Int](repeating: 0, count: count)
    for basic in file.basics { highest[basic.radial] = max(highest[basic.radial], basic.rank) }
    let order = (0..<count).sorted { (highest[$1], $0) < (highest[$0], $1) }
    radialOrder = order
    let ranks = order.map { highest[$0] }
    self.ranks = ranks
    let rank = ranks[0]

    // Rows of the sums.
    func start(_ r: Int, _ c: Int, _ b: Int) -> Int {
      // Rows of a triangle of side r + 1 (c = 0), then of one of side r (c = 1).
      let side = c == 0 ? r + 1 : r
      let before = c == 0 ? 0 : (r + 1) * (r + 2) / 2
      return before + b * side - b * (b - 1) / 2
    }
    var offsets = [0]
    for r in ranks { offsets.append(offsets.last! + (r + 1) * (r + 1)) }
    sumCount = offsets[count]
    var rowCounts: [Int32] = []
    var rows: [Row] = []
    for c in 0...1 {
      for b in stride(from: rank - c, through: 0, by: -1) {
        let having = ranks.prefix { $0 >= b + c }.count
        rowCounts.append(Int32(having))
        for m in 0..<having {
          rows.append(
            Row(place: Int32(offsets[m] + start(ranks[m], c, b)), count: Int32(ranks[m] - b - c + 1)))
        }
      }
    }
    self.rowCounts = rowCounts
    self.rows = rows

    // Monomials by degree.
    var monomials: [Monomial] = []
    var sums: [Int32] = []
    var groups: [Group] = []
    var place: [SIMD3<Int>: Int] = [:]
    for degree in 0...rank {
      let having = ranks.prefix { $0 >= degree }.count
      let first = monomials.count
      for c in 0...min(1, degree) {
        for b in 0...(degree - c) {
          let powers = SIMD3(degree - c - b, b, c)
          let axis = powers.x > 0 ? 0 : powers.y > 0 ? 1 : 2
          var parent = powers
          parent[axis] -= 1
          monomials.append(Monomial(parent: Int32(place[parent] ?? 0), axis: Int32(axis)))
          place[powers] = monomials.count - 1
          for m in 0..<count {
            sums.append(m < having ? Int32(offsets[m] + start(ranks[m], c, b) + powers.x) : -1)
          }
        }
      }
      if let last = groups.last, last.radialCount == having {
        groups[groups.count - 1].range = last.range.lowerBound..<monomials.count
      } else {
        groups.append(Group(range: first..<monomials.count, radialCount: having))
      }
    }
    self.monomials = monomials
    self.groups = groups
    self.sums = sums

    // Components with c > 1, made of others.
    var traces: [Trace] = []
    var known: [[SIMD3<Int>: Int]] = Array(repeating: [:], count: count)
    var next = sumCount
    func component(_ m: Int, _ p: SIMD3<Int>) -> Int {
      if p.z <= 1 { return offsets[m] + start(ranks[m], p.z, p.y) + p.x }
      if let place = known[m][p] { return place }
      let (a, b, c) = (
        component(m, p &- SIMD3(0, 0, 2)), component(m, p &+ SIMD3(2, 0, -2)), component(m, p &+ SIMD3(0, 2, -2))
      )
      traces.append(Trace(target: Int32(next), a: Int32(a), b: Int32(b), c: Int32(c)))
      known[m][p] = next
      next += 1
      return next - 1
    }
    var slot = [Int](repeating: 0, count: count)
    for (m, radial) in order.enumerated() { slot[radial] = m }
    let places = file.basics.map { component(slot[$0.radial], $0.powers) }
    self.traces = traces
    moments = try MTPProducts(file, basics: places, first: next)
  }
}

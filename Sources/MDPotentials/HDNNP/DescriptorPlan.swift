import MDCore
import MDPotentialFiles

/// Which sums over neighbours and triples an atom keeps, and how symmetry functions are made of them.
///
/// The kernel knows *moments*: Σⱼ e(rᵢⱼ) a radial function, and Σ e(rᵢⱼ) e(rᵢₖ) e(rⱼₖ)·cosᵐθᵢ (or a power of 1 ± cos θ)
/// a triple, for each pair of neighbours' elements, edge function, r_s and η by itself. Symmetry functions are linear
/// in them, G = C·M: all functions that differ in λ and ζ ≤ 4 alone share the moments 1, cos θ, …; weighted functions
/// add those of all elements with weights. What goes back is ∂E/∂M = Cᵀ ∂E/∂G.
///
/// A triangle counts for its three corners, so the three blocks of moments that it feeds (one a corner, of that
/// corner's element) have the same layout, the union of what any corner needs.
struct DescriptorPlan {
  /// An edge function with the shift of the Gaussians beside it.
  struct Family: Hashable {
    var edge: Int
    /// r_s, Å.
    var shift: Double
  }

  /// What becomes of the cosine of a corner.
  enum Factor: Hashable {
    /// 1, c, …, c^degree.
    case polynomial(degree: Int)
    /// 1 + 6c² + c⁴ and c + c³, the even and odd parts of (1 ± c)⁴.
    case quarticPair
    /// ((1 + λc)/2)^ζ.
    case power(lambda: Double, zeta: Double)
    /// The bump C(θ) of compact functions about an angle with a half-width.
    case bump(CompactFunction.Core, center: Double, width: Double)

    var count: Int {
      switch self {
      case .polynomial(let degree): degree + 1
      case .quarticPair: 2
      default: 1
      }
    }
  }

  struct Operation {
    var factor: Factor
    /// Index of the exponent.
    var level: Int
    /// First moment, counted from the family's block.
    var offset: Int
  }

  /// The functions of one family: its exponents, and for angular ones the operations on cosines.
  struct Block {
    var family: Family
    var exponents: [Double]
    var operations: [Operation] = []
    /// Moments, padded to whole lanes.
    var count: Int
    /// Where the block begins among the moments of each corner's element, in the order of `elements`.
    var starts: [Int]
  }

  /// Pairs (two elements, a ≤ b), triangles (three, a ≤ b ≤ c), or, for wide functions, a centre and its two
  /// neighbours.
  struct Group {
    var elements: [Int]
    var blocks: [Block]
  }

  struct Term {
    var moment: Int
    var coefficient: Double
  }

  private(set) var edges: [EdgeFunction] = []
  private(set) var pairs: [Group] = []
  private(set) var triangles: [Group] = []
  /// elements[0] is the centre.
  private(set) var wide: [Group] = []
  /// G = Σ coefficient · moment, for each function of each element.
  private(set) var terms: [[[Term]]]
  /// Moments of each element.
  private(set) var momentCounts: [Int]

  init(_ model: HDNNPModel) {
    terms = model.elements.map { $0.functions.map { _ in [] } }
    momentCounts = model.elements.map { _ in 0 }
    var requests: [Request] = []
    for (center, element) in model.elements.enumerated() {
      for (index, function) in element.functions.enumerated() {
        requests += self.requests(model, center, index, function)
      }
    }
    pairs = groups(requests.filter { $0.kind == .pair })
    triangles = groups(requests.filter { $0.kind == .triangle })
    wide = groups(requests.filter { $0.kind == .wide })
  }

  /// A function's part for certain neighbours.
  private struct Request {
    enum Kind { case pair, triangle, wide }
    var kind: Kind
    var center: Int
    /// One or two elements, ascending.
    var neighbors: [Int]
    var family: Family
    var exponent: Double
    var factor: Factor?
    /// Of the moments of `factor`, in order.
    var coefficients: [Double]
    var function: Int

    /// The corners whose blocks must look alike.
    var members: [Int] { kind == .wide ? [center] + neighbors : ([center] + neighbors).sorted() }
  }

  private mutating func requests(
    _ model: HDNNPModel, _ center: Int, _ index: Int, _ f: SymmetryFunction
  ) -> [Request] {
    let edge = EdgeFunction(f)
    let place = edges.firstIndex(of: edge) ?? edges.count
    if place == edges.count { edges.append(edge) }
    let gaussian = !f.kind.isCompact
    let family = Family(edge: place, shift: gaussian && f.eta != 0 ? f.shift : 0)
    let exponent = gaussian ? f.eta : 0
    let all = Array(model.elements.indices)
    func charge(_ e: Int) -> Double { f.kind.isWeighted ? Double(model.elements[e].atomicNumber) : 1 }

    if f.kind.isRadial {
      return (f.kind.isWeighted ? all : [f.firstNeighbor]).map {
        Request(
          kind: .pair, center: center, neighbors: [$0], family: family, exponent: exponent, factor: nil,
          coefficients: [charge($0)], function: index)
      }
    }
    let (factor, coefficients) = Self.factor(f)
    let neighbors =
      f.kind.isWeighted
      ? all.flatMap { a in all[a...].map { [a, $0] } } : [[f.firstNeighbor, f.secondNeighbor].sorted()]
    return neighbors.map { pair in
      Request(
        kind: f.kind.isNarrow ? .triangle : .wide, center: center, neighbors: pair, family: family,
        exponent: exponent, factor: factor, coefficients: coefficients.map { $0 * charge(pair[0]) * charge(pair[1]) },
        function: index)
    }
  }

  /// 2^(1−ζ)(1 + λc)^ζ as moments and coefficients. Powers above four lose digits as polynomials.
  private static func factor(_ f: SymmetryFunction) -> (Factor, [Double]) {
    if f.kind.isCompact {
      return (
        .bump(f.compact.core, center: (f.angleLeft + f.angleRight) / 2, width: (f.angleRight - f.angleLeft) / 2), [1]
      )
    }
    guard f.zeta >= 1, f.zeta <= 4, f.zeta == f.zeta.rounded() else {
      return (.power(lambda: f.lambda, zeta: f.zeta), [2])
    }
    let zeta = Int(f.zeta)
    var coefficient = 2 / Double(1 << zeta)
    var coefficients: [Double] = []
    for k in 0...zeta {
      coefficients.append(coefficient)
      coefficient *= f.lambda * Double(zeta - k) / Double(k + 1)
    }
    return (.polynomial(degree: zeta), coefficients)
  }

  /// Gathers requests by their corners, family and exponent, lays the blocks out and enters the terms.
  private mutating func groups(_ requests: [Request]) -> [Group] {
    let byMembers = Dictionary(grouping: requests, by: \.members)
    return byMembers.keys.sorted { $0.lexicographicallyPrecedes($1) }.map { members in
      let own = byMembers[members]!
      let families = Set(own.map(\.family)).sorted { ($0.edge, $0.shift) < ($1.edge, $1.shift) }
      let blocks = families.map { family in
        block(members, family, own.filter { $0.family == family })
      }
      return Group(elements: members, blocks: blocks)
    }
  }

  private mutating func block(_ members: [Int], _ family: Family, _ requests: [Request]) -> Block {
    let exponents = Set(requests.map(\.exponent)).sorted()
    var operations: [Operation] = []
    var count = 0
    for (level, exponent) in exponents.enumerated() {
      let factors = Self.merged(requests.filter { $0.exponent == exponent })
      for factor in factors {
        operations.append(Operation(factor: factor, level: level, offset: count))
        count += factor.count
      }
      if factors.isEmpty { count += 1 }
    }
    let padded = (count + 3) & ~3

    // A place for each corner, the same for corners of the same element and neighbours.
    let isWide = requests[0].kind == .wide
    var starts: [Int] = []
    for (corner, element) in members.enumerated() {
      var others = members
      others.remove(at: corner)
      if isWide && corner > 0 {
        starts.append(-1)
      } else if let twin = members[..<corner].firstIndex(of: element), !isWide {
        starts.append(starts[twin])
      } else {
        starts.append(momentCounts[element])
        momentCounts[element] += padded
      }
    }
    for request in requests {
      let level = exponents.firstIndex(of: request.exponent)!
      let corner = members.firstIndex(of: request.center)!
      var first = starts[corner] + level
      var coefficients = request.coefficients[...]
      if let factor = request.factor {
        let operation = operations.first { $0.level == level && $0.factor.holds(factor) }!
        first = starts[corner] + operation.offset
        if operation.factor == .quarticPair { coefficients = coefficients.prefix(2) }
      }
      for (k, c) in coefficients.enumerated() {
        terms[request.center][request.function].append(Term(moment: first + k, coefficient: c))
      }
    }
    return Block(family: family, exponents: exponents, operations: operations, count: padded, starts: starts)
  }

  /// One polynomial of the highest degree (1, 2 or 4) for all polynomials, or its even and odd parts if all are
  /// (1 ± c)⁴; everything else once.
  private static func merged(_ requests: [Request]) -> [Factor] {
    var degree = 0
    var isPair = true
    var others: [Factor] = []
    for request in requests {
      if case .polynomial(let d) = request.factor {
        degree = max(degree, d == 3 ? 4 : d)
        let c = request.coefficients
        isPair = isPair && d == 4 && c[4] == c[0] && c[2] == 6 * c[0] && c[3] == c[1]
      } else if let factor = request.factor, !others.contains(factor) {
        others.append(factor)
      }
    }
    guard degree > 0 else { return others }
    return [isPair ? .quarticPair : .polynomial(degree: degree)] + others
  }
}

extension DescriptorPlan.Factor {
  /// Whether this factor's moments include those of `other`.
  fileprivate func holds(_ other: Self) -> Bool {
    guard case .polynomial(let d) = other else { return self == other }
    if case .polynomial(let degree) = self { return d <= degree }
    return self == .quarticPair
  }
}

import Foundation
import MDCore
import MDNumerics

/// A cell that the planes of two crystals have in common once one of them, or both, is strained.
package struct PlaneMatch: Sendable {
  /// Two vectors of the lower plane's lattice in its basis, and those of the upper plane that they meet.
  package let lower: IntegerMatrix2
  package let upper: IntegerMatrix2
  /// By which the upper crystal is turned about the normal before it is strained, radians.
  package let rotation: Double
  /// What then takes the upper crystal's vectors onto the lower one's: symmetric.
  package let stretch: Matrix2
  /// Of the cell in the lower crystal as it is, Å².
  package let area: Double

  /// - Parameters:
  ///   - planes: the bases of the two plane lattices, rows, Å.
  package init(_ lower: IntegerMatrix2, _ upper: IntegerMatrix2, planes: (lower: Matrix2, upper: Matrix2)) {
    let target = lower.real * planes.lower
    (rotation, stretch) = ((upper.real * planes.upper).inverse * target).polar
    (self.lower, self.upper) = (lower, upper)
    area = abs(target.determinant)
  }

  /// Principal strains of the upper crystal if it takes all of it, the larger first.
  package var strains: (Double, Double) {
    let (p, q) = stretch.eigenvalues
    return (p - 1, q - 1)
  }
  /// The largest principal strain of either sign.
  package var strain: Double { max(abs(strains.0), abs(strains.1)) }
  /// √(2/3 e:e) of the deviator e of the Green–Lagrange strain, the normal unstrained.
  package var vonMises: Double {
    let e = [strains.0, strains.1, 0].map { 0.5 * ((1 + $0) * (1 + $0) - 1) }
    let mean = e.reduce(0, +) / 3
    return (2.0 / 3 * e.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
  }
}

/// Who of two crystals is strained.
package enum StrainShare: String, Sendable, CaseIterable {
  case lower, upper, both

  /// Stretches of the lower and of the upper crystal for a misfit P, which takes the upper one onto the lower.
  package func stretches(_ p: Matrix2) -> (lower: Matrix2, upper: Matrix2) {
    switch self {
    case .upper: (.identity, p)
    case .lower: (p.map { 1 / $0 }, .identity)
    case .both: (p.map { 1 / $0.squareRoot() }, p.map { $0.squareRoot() })
    }
  }
}

/// Looks for cells that two plane lattices have in common.
///
/// Free to turn: all sublattices of both planes up to an area, by their Hermite normal forms, are held against each other
/// (A. Zur, T. C. McGill, J. Appl. Phys. 55, 378 (1984)), each pair in all its short bases; the strain is a tolerance on either
/// side, the largest principal one. At a given angle: pairs of vectors that nearly meet.
package struct PlaneMatcher: Sendable {
  /// Bases of the planes' lattices, rows, Å.
  package let lower: Matrix2
  package let upper: Matrix2
  /// Maps of the lattices onto themselves that are symmetries of the crystals, in these bases.
  package let symmetries: (lower: [IntegerMatrix2], upper: [IntegerMatrix2])

  package init(_ lower: PlaneCell, _ upper: PlaneCell) throws {
    self.lower = lower.lattice
    self.upper = upper.lattice
    symmetries = (try lower.symmetries, try upper.symmetries)
  }

  package init(_ lower: Matrix2, _ upper: Matrix2) {
    (self.lower, self.upper) = (lower, upper)
    symmetries = ([.identity], [.identity])
  }

  private struct Candidate {
    var rows: IntegerMatrix2
    var shortest: Double
  }

  private static func candidates(_ basis: Matrix2, _ index: Int) -> [Candidate] {
    IntegerMatrix2.sublattices(ofIndex: index).map {
      let rows = $0.reduced(in: basis)
      return Candidate(rows: rows, shortest: length((rows.real * basis).a))
    }.sorted { $0.shortest < $1.shortest }
  }

  private static func length(_ v: SIMD2<Double>) -> Double { (v * v).sum().squareRoot() }

  /// Right-handed bases of a lattice of short vectors: those that a strained reduced basis may be nearest to.
  private static let rebases: [IntegerMatrix2] = {
    let range = -1...1
    var found: [IntegerMatrix2] = []
    for a in range { for b in range { for c in range { for d in range {
      let m = IntegerMatrix2(SIMD2(a, b), SIMD2(c, d))
      // A half-turn changes nothing: the first vector is in the upper half.
      if m.determinant == 1, b > 0 || (b == 0 && a > 0) { found.append(m) }
    } } } }
    return found
  }()

  /// All matches of at most `area` (Å², of the lower plane) and `strain`, one of each kind, by area and then strain; with `count` no
  /// larger ones than it takes to have so many.
  package func matches(area: Double, strain: Double, count: Int = .max) -> [PlaneMatch] {
    let (one, other) = (abs(lower.determinant), abs(upper.determinant))
    var found: [[Int]: PlaneMatch] = [:]
    var upperCandidates: [Int: [Candidate]] = [:]
    let most = Int(area / one * (1 + 1e-9))
    guard most >= 1 else { return [] }
    for n in 1...most where found.count < count {
      let size = Double(n) * one
      // The area of the strained cell is that of the lower one.
      let first = max(1, Int((size / ((1 + strain) * (1 + strain)) / other).rounded(.up)))
      let last = Int((size / ((1 - strain) * (1 - strain)) / other).rounded(.down))
      guard first <= last else { continue }
      let lowerCandidates = Self.candidates(lower, n)
      for m in first...last {
        let partners = upperCandidates[m] ?? Self.candidates(upper, m)
        upperCandidates[m] = partners
        for candidate in lowerCandidates {
          let range = (candidate.shortest / (1 + strain) - 1e-9)...(candidate.shortest / (1 - strain) + 1e-9)
          for partner in partners where range.contains(partner.shortest) {
            guard let best = best(candidate.rows, partner.rows), best.strain <= strain + 1e-9 else { continue }
            let key = key(best)
            if found[key].map({ best.strain < $0.strain - 1e-12 }) ?? true { found[key] = best }
          }
        }
      }
    }
    return found.sorted { one, other in
      let (a, b) = (one.value, other.value)
      if abs(a.area - b.area) > 1e-6 * a.area { return a.area < b.area }
      if abs(a.strain - b.strain) > 1e-9 { return a.strain < b.strain }
      return one.key.lexicographicallyPrecedes(other.key)
    }.map(\.value)
  }

  /// Of the bases of the upper sublattice, the one that needs the least strain.
  private func best(_ lowerRows: IntegerMatrix2, _ upperRows: IntegerMatrix2) -> PlaneMatch? {
    var best: PlaneMatch?
    for change in Self.rebases {
      let match = PlaneMatch(lowerRows, change * upperRows, planes: (lower, upper))
      if match.strain < (best?.strain ?? .infinity) - 1e-12 { best = match }
    }
    return best
  }

  /// The same for all matches that symmetries of the two crystals turn into each other. Those of one crystal alone leave the
  /// interface the same when they are rotations; mirrors must act on both.
  private func key(_ match: PlaneMatch) -> [Int] {
    var smallest: [Int]?
    for p in symmetries.lower {
      for q in symmetries.upper where p.determinant == q.determinant {
        let (form, change) = (match.lower * p).hermiteForm()
        let key = form.numbers + (change * (match.upper * q)).numbers
        if smallest.map({ key.lexicographicallyPrecedes($0) }) ?? true { smallest = key }
      }
    }
    return smallest!
  }

  /// What comes nearest: the matches of least strain within `area`, and the smallest within `strain` beyond it; at most `count`
  /// of each.
  package func misses(area: Double, strain: Double, count: Int = 3) -> (strained: [PlaneMatch], larger: [PlaneMatch]) {
    let strained = matches(area: area, strain: min(max(3 * strain, 0.15), 0.3)).sorted { $0.strain < $1.strain }
    return (Array(strained.prefix(count)), Array(matches(area: min(4 * area, area + 2000), strain: strain).prefix(count)))
  }

  /// The smallest cell in common when the upper plane is turned by `angle` (radians) about the normal, of at most `area` (Å²)
  /// and `strain`; what is left of a rotation counts as strain does. nil if there is none.
  package func match(at angle: Double, area: Double, strain: Double) -> PlaneMatch? {
    let turned = upper * Matrix2(rotation: angle)
    let inverse = turned.inverse
    let rows = IntegerMatrix2.identity.reduced(in: lower)
    let basis = rows.real * lower
    let shortest = Self.length(basis.a)
    // No vector of a reduced cell is longer.
    let reach = area / (0.86 * shortest)
    let (maxI, maxJ) = (
      Int(reach / (abs(basis.determinant) / Self.length(basis.b))), Int(reach / (abs(basis.determinant) / shortest))
    )
    guard maxI >= 0, maxJ >= 0, Double(maxI + 1) * Double(maxJ + 1) < 1e7 else { return nil }
    var meetings: [(length: Double, lower: SIMD2<Int>, upper: SIMD2<Int>)] = []
    for j in 0...maxJ {
      for i in -maxI...maxI where j > 0 || i > 0 {
        let p = Double(i) * basis.a + Double(j) * basis.b
        let size = Self.length(p)
        guard size <= reach else { continue }
        let s = (p * inverse).rounded(.toNearestOrEven)
        guard Self.length(s * turned - p) <= strain * size + 1e-6 else { continue }
        meetings.append((size, i &* rows.a &+ j &* rows.b, SIMD2(Int(s.x), Int(s.y))))
      }
    }
    meetings.sort { ($0.length, $0.lower.x, $0.lower.y) < ($1.length, $1.lower.x, $1.lower.y) }
    var best: PlaneMatch?
    for (k, one) in meetings.enumerated() {
      // Shortest first: a cell of two longer vectors has at least √3/2 of their product.
      if let best, 0.86 * one.length * one.length > best.area { break }
      for other in meetings[(k + 1)...] {
        if let best, 0.86 * one.length * other.length > best.area { break }
        var (p, q) = (IntegerMatrix2(one.lower, other.lower), IntegerMatrix2(one.upper, other.upper))
        if p.determinant < 0 { (p, q) = (IntegerMatrix2(p.a, .zero &- p.b), IntegerMatrix2(q.a, .zero &- q.b)) }
        guard p.determinant > 0, q.determinant > 0 else { continue }
        let match = PlaneMatch(p, q, planes: (lower, upper))
        let left = remainder(match.rotation - angle, 2 * .pi)
        guard match.area <= area * (1 + 1e-9), match.strain <= strain + 1e-7, abs(left) <= strain + 1e-7 else { continue }
        let isSmaller = best.map { match.area < $0.area * (1 - 1e-9) } ?? true
        let isBetter = best.map { match.area < $0.area * (1 + 1e-9) && match.strain < $0.strain - 1e-9 } ?? false
        if isSmaller || isBetter { best = match }
      }
    }
    return best
  }
}

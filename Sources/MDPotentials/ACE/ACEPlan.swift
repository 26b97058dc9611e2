import MDCore
import MDPotentialFiles

/// Where everything is for atoms of one element: radial functions in the records of slots, sums A, and the densities as
/// polynomials of them.
///
/// Sums are real: A_nlm = Σ_j R_nl Y_lm with the harmonics of `UnitHarmonics`, cosine and sine; what makes the file's
/// harmonics of them is in the coefficients of the polynomials.
struct ACEPlan {
  /// Radial functions of some n, all l: R_nl at place + l · width + (n − first) of a record's functions, and sums at
  /// sums + (l² + slot) · width + (n − first).
  struct Block {
    /// From 1.
    var first: Int
    var width: Int
    var degree: Int
    var place: Int
    var sums: Int
  }
  /// The neighbours of one element; of all, where they share their sums.
  struct Channel {
    /// The group of the slots, and the bond.
    var element: Int
    var blocks: [Block]
    /// All functions of a record: the blocks', then those of the densities, as coefficients of g_k.
    var rows: [[Double]]
    /// The first of the functions that densities have of pairs alone, and how many.
    var pairPlace: Int
    var pairCount: Int
    var degree: Int
    /// n of each row of the blocks, for the weights of neighbours.
    var radialNumbers: [Int]
  }
  let channels: [Channel]
  let variableCount: Int
  let densityCount: Int
  let polynomial: ACEPolynomial
  /// Of each function of the file: its products and their coefficients without c, if it has couplings.
  struct Invariant {
    var row: Int
    /// Of a function of one factor that is no sum of the plan: neighbour's element and n − 1.
    var pair: SIMD2<Int>?
    var terms: [(monomial: Int, factor: Double)]
  }
  let invariants: [Invariant]

  /// The most radial functions that a kernel takes at once.
  static let widest = 8

  init(_ file: ACEFile, centre: Int) throws {
    let functions = file.functions[centre]
    densityCount = file.embeddings[centre].densityCount
    var layout = Self.layout(file, centre)
    variableCount = layout.variables
    guard variableCount < Int(ACEPolynomial.none) else {
      throw FaultlineError(.input, "\(variableCount) sums over neighbours for an atom are too many")
    }
    var rowOf: [ACEPolynomial.Key: Int] = [:]
    var keys: [ACEPolynomial.Key] = []
    var coefficients: [Double] = []
    var invariants: [Invariant] = []
    let wantsInvariants = file.activeSet != nil
    for function in functions {
      var invariant = Invariant(row: function.row, terms: [])
      if function.rank == 1, !file.isReal {
        let factor = function.factors[0]
        let place = layout.channels[factor.element].pairPlace
        for p in 0..<densityCount {
          layout.channels[factor.element].rows[place + p][factor.n - 1] += function.coefficients[p]
        }
        invariant.pair = SIMD2(factor.element, factor.n - 1)
      } else {
        for term in 0..<function.termCount {
          for (key, factor) in Self.monomials(function, term, layout.channels, isReal: file.isReal) {
            let row: Int
            if let known = rowOf[key] {
              row = known
            } else {
              row = keys.count
              rowOf[key] = row
              keys.append(key)
              coefficients += Array(repeating: 0, count: densityCount)
            }
            for p in 0..<densityCount {
              coefficients[row * densityCount + p] += factor * function.coefficients[term * densityCount + p]
            }
            if wantsInvariants, let couplings = function.couplings {
              invariant.terms.append((row, factor * couplings[term]))
            }
          }
        }
      }
      if wantsInvariants { invariants.append(invariant) }
    }
    channels = layout.channels
    self.invariants = invariants
    polynomial = ACEPolynomial(
      monomials: keys, coefficients: coefficients, densityCount: densityCount, variableCount: variableCount)
  }

  /// Which n and l there are of each neighbour's element.
  private static func layout(_ file: ACEFile, _ centre: Int) -> (channels: [Channel], variables: Int) {
    let densities = file.embeddings[centre].densityCount
    var channels: [Channel] = []
    var variables = 0
    for element in 0..<(file.isReal ? 1 : file.elements.count) {
      let bond = file.bond(centre, element)
      // The largest l of each n.
      var degrees: [Int] = []
      for function in file.functions[centre] where function.rank > 1 || file.isReal {
        for factor in function.factors where file.isReal || factor.element == element {
          while degrees.count < factor.n { degrees.append(-1) }
          degrees[factor.n - 1] = max(degrees[factor.n - 1], factor.l)
        }
      }
      var blocks: [Block] = []
      var rows: [[Double]] = []
      var numbers: [Int] = []
      let parts = (degrees.count + widest - 1) / widest
      var first = 0
      for part in 0..<parts {
        let width = (degrees.count - first + parts - part - 1) / (parts - part)
        let degree = degrees[first..<(first + width)].max() ?? -1
        if degree >= 0 {
          blocks.append(
            Block(first: first + 1, width: width, degree: degree, place: rows.count, sums: variables))
          for l in 0...degree {
            for n in first..<(first + width) {
              let start = (n * (bond.degree + 1) + l) * bond.basisCount
              rows.append(Array(bond.coefficients[start..<(start + bond.basisCount)]))
              numbers.append(n)
            }
          }
          variables += (degree + 1) * (degree + 1) * width
        }
        first += width
      }
      let pairs = file.isReal ? 0 : densities
      let place = rows.count
      rows += Array(repeating: Array(repeating: 0, count: bond.basisCount), count: pairs)
      channels.append(
        Channel(
          element: element, blocks: blocks, rows: rows, pairPlace: place, pairCount: pairs,
          degree: blocks.map(\.degree).max() ?? 0, radialNumbers: numbers))
    }
    return (channels, variables)
  }

  /// Y_lm (Y₀₀ = 1, Condon and Shortley) over the cosine and sine of `UnitHarmonics`:
  /// (−1)^m √((2l + 1)(l − m)! (l + m)!) for m ≥ 0.
  static func norm(_ l: Int, _ m: Int) -> Double {
    var product = Double(2 * l + 1)
    for k in stride(from: 2, through: l - m, by: 1) { product *= Double(k) }
    for k in stride(from: 2, through: l + m, by: 1) { product *= Double(k) }
    return (m % 2 == 0 ? 1 : -1) * product.squareRoot()
  }

  /// The real part of a term's product as real products.
  private static func monomials(
    _ function: ACEFile.Function, _ term: Int, _ channels: [Channel], isReal: Bool
  ) -> [(ACEPolynomial.Key, Double)] {
    var all: [(variables: [Int], re: Double, im: Double)] = [([], 1, 0)]
    for (t, factor) in function.factors.enumerated() {
      let m = function.orders[term * function.rank + t]
      let order = abs(m)
      let block = channels[isReal ? 0 : factor.element].blocks.first {
        ($0.first..<($0.first + $0.width)).contains(factor.n)
      }!
      func variable(_ slot: Int) -> Int {
        block.sums + (factor.l * factor.l + slot) * block.width + factor.n - block.first
      }
      let norm = norm(factor.l, order)
      if m == 0 {
        all = all.map { ($0.variables + [variable(0)], $0.re * norm, $0.im * norm) }
      } else if isReal {
        let slot = m > 0 ? 2 * order - 1 : 2 * order
        let real = (order % 2 == 0 ? 1 : -1) * 2.0.squareRoot() * norm
        all = all.map { ($0.variables + [variable(slot)], $0.re * real, $0.im * real) }
      } else {
        // A_l,−m = (−1)^m times the complex conjugate of A_lm.
        let real = m > 0 || order % 2 == 0 ? norm : -norm
        let imaginary = m > 0 ? real : -real
        all = all.flatMap { item in
          [
            (item.variables + [variable(2 * order - 1)], item.re * real, item.im * real),
            (item.variables + [variable(2 * order)], -item.im * imaginary, item.re * imaginary),
          ]
        }
      }
    }
    return all.filter { $0.re != 0 }.map { (ACEPolynomial.key($0.variables), $0.re) }
  }
}

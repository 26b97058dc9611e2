import MDCore
import MDNumerics
import MDPotentialFiles

/// The sums that make the adjoint Y = ∂E/∂U (and the bispectrum) out of products of two Wigner matrices, as flat lists.
///
/// Let X, Y, Z number pairs (element channel, j). With Z^{XY}_z[mb, ma] = Σ C C' U_X U_Y (C, C' Clebsch–Gordan
/// coefficients in mb and ma) the scalar T(X, Y, Z) = Re Σ U_Z* Z^{XY}_z / (2j_Z + 1) is symmetric in X, Y, Z: it is
/// the integral over SU(2) of the product of three functions. So E = Σ γ_{XYZ} T(X, Y, Z) over unordered triples
/// ("terms"), and
///
///     ∂E/∂U_Z = Σ_{X ≥ Y} γ_{XYZ} n_Z Z^{XY}_z / (2j_Z + 1),   n_Z = how often Z stands in the triple.
///
/// A row fixes X ≥ Y and the target's (μb, μa) = (2mb − j, 2ma − j); its entries are products U_X U_Y, each formed once
/// for all targets Z of the row. Targets are the independent elements, weighted 2 (they stand for their mirror images
/// too) or, where mb = ma = j/2, 1.
struct SNAPAdjointPlan {
  /// Targets of one row are taken in bundles of at most this many: they stay in registers.
  static let maximumBundle = 5
  /// How many rows of 1, 2, … targets are summed abreast, so that the arithmetic units have enough independent work.
  static let abreast = [4, 2, 1, 1, 1]

  /// Eight times the index of each element, so that the kernel gets distances in bytes with few instructions.
  struct Entry {
    var x, y: UInt16

    init(_ x: Int, _ y: Int) {
      self.x = UInt16(8 * x)
      self.y = UInt16(8 * y)
    }
  }
  struct Target {
    /// Where the sum goes: an element of Y.
    var element: Int32
    var term: Int32
  }
  /// Rows that are summed abreast: their entries alternate, their targets follow each other.
  struct Row {
    /// Number of entries of each.
    var count: Int32
    var firstEntry: Int32
    var firstFactor: Int32
    var firstTarget: Int32
  }

  private struct SingleRow {
    var entries: [Entry] = []
    var targets: [Target] = []
    var factors: [Double] = []
  }

  /// Rows with b + 1 targets: `rows[bundleStart[b] ..< bundleStart[b + 1]]`.
  var bundleStart: [Int] = []
  var rows: [Row] = []
  var entries: [Entry] = []
  var targets: [Target] = []
  /// An entry's factors for the row's targets stand together; γ is not in them.
  var factors: [Double] = []
  /// The unordered triples.
  var terms: [Term] = []

  /// A triple X ≥ Y ≥ Z and the bispectrum components that are T(X, Y, Z) but for a factor.
  struct Term {
    var channels: [Int]
    var components: [(index: Int, factor: Double)] = []
  }

  init(_ model: SNAPModel, _ indexing: SNAPIndexing) throws {
    guard 8 * model.channelCount * indexing.uCount <= Int(UInt16.max) else {
      throw FaultlineError(
        .input, "chemflag 1 with \(model.elements.count) elements and twojmax \(model.twojmax) is too large",
        hint: "elements · (twojmax+1)(twojmax+2)(2 twojmax+3)/6 may be at most 8191")
    }
    let number = collectTerms(model)
    var bundles = [[SingleRow]](repeating: [], count: Self.maximumBundle)
    let orders = model.twojmax + 1
    let channels = model.channelCount * orders
    for x in 0..<channels {
      for y in 0...x {
        let (jx, jy) = (x % orders, y % orders)
        let outputs = (0..<channels).compactMap { z -> (channel: Int, term: Int)? in
          let term = number[[x, y, z].sorted(by: >)]
          return term.map { (z, $0) }
        }
        guard !outputs.isEmpty else { continue }
        let widest = min(jx + jy, model.twojmax)
        for mub in stride(from: -(jx + jy), through: 0, by: 2) where -mub <= widest {
          for mua in stride(from: -(jx + jy), through: mub == 0 ? 0 : jx + jy, by: 2) where abs(mua) <= widest {
            let reached = outputs.filter { $0.channel % orders >= max(-mub, abs(mua)) }
            for start in stride(from: 0, to: reached.count, by: Self.maximumBundle) {
              let bundle = Array(reached[start..<min(start + Self.maximumBundle, reached.count)])
              let row = Self.row(x, y, mub, mua, bundle, terms, orders, indexing)
              if !row.entries.isEmpty { bundles[bundle.count - 1].append(row) }
            }
          }
        }
      }
    }
    for (n, bundle) in bundles.enumerated() { append(bundle, abreast: Self.abreast[n], targets: n + 1) }
    bundleStart.append(rows.count)
  }

  /// Joins rows of nearly the same length, the short ones filled up with products of factor zero.
  private mutating func append(_ bundle: [SingleRow], abreast: Int, targets targetCount: Int) {
    bundleStart.append(rows.count)
    // Sorted by length: then rows need little filling, and the processor predicts well where each row ends.
    let ordered = bundle.enumerated().sorted { ($0.1.entries.count, $0.0) < ($1.1.entries.count, $1.0) }.map(\.1)
    for start in stride(from: 0, to: ordered.count, by: abreast) {
      let group = ordered[start..<min(start + abreast, ordered.count)]
      let count = group.map(\.entries.count).max() ?? 0
      rows.append(
        Row(
          count: Int32(count), firstEntry: Int32(entries.count), firstFactor: Int32(factors.count),
          firstTarget: Int32(targets.count)))
      for e in 0..<count {
        for r in 0..<abreast {
          let row = start + r < ordered.count ? ordered[start + r] : SingleRow()
          let isFilling = e >= row.entries.count
          entries.append(isFilling ? Entry(0, 0) : row.entries[e])
          for n in 0..<targetCount { factors.append(isFilling ? 0 : row.factors[e * targetCount + n]) }
        }
      }
      for r in 0..<abreast {
        let filling = [Target](repeating: Target(element: 0, term: 0), count: targetCount)
        targets += start + r < ordered.count ? ordered[start + r].targets : filling
      }
    }
  }

  private mutating func collectTerms(_ model: SNAPModel) -> [[Int]: Int] {
    var number: [[Int]: Int] = [:]
    let orders = model.twojmax + 1
    let elements = model.channelCount
    var component = 0
    for e1 in 0..<elements {
      for e2 in 0..<elements {
        for e3 in 0..<elements {
          for triple in model.triples {
            let channels = [e1 * orders + triple.j1, e2 * orders + triple.j2, e3 * orders + triple.j].sorted(by: >)
            let term = number[channels] ?? terms.count
            if term == terms.count {
              number[channels] = term
              terms.append(Term(channels: channels))
            }
            terms[term].components.append((component, model.normalises ? 1 : Double(triple.j + 1)))
            component += 1
          }
        }
      }
    }
    return number
  }

  private static func row(
    _ x: Int, _ y: Int, _ mub: Int, _ mua: Int, _ outputs: [(channel: Int, term: Int)], _ terms: [Term], _ orders: Int,
    _ indexing: SNAPIndexing
  ) -> SingleRow {
    let (jx, jy) = (x % orders, y % orders)
    let (baseX, baseY) = (x / orders * indexing.uCount, y / orders * indexing.uCount)
    let targets = outputs.map { output -> Target in
      let j = output.channel % orders
      let element = output.channel / orders * indexing.uCount + indexing.u(j, (j + mub) / 2, (j + mua) / 2)
      return Target(element: Int32(element), term: Int32(output.term))
    }
    let scales = outputs.map { output -> Double in
      let occurrences = terms[output.term].channels.filter { $0 == output.channel }.count
      return Double(occurrences) / Double(output.channel % orders + 1) * (mub == 0 && mua == 0 ? 1 : 2)
    }
    var entries: [Entry] = []
    var factors: [Double] = []
    for mb in 0...jx {
      let (nb, kb) = (2 * mb - jx, mub - (2 * mb - jx))
      guard abs(kb) <= jy else { continue }
      for ma in 0...jx {
        let (na, ka) = (2 * ma - jx, mua - (2 * ma - jx))
        guard abs(ka) <= jy else { continue }
        let first = baseX + indexing.u(jx, mb, ma)
        let second = baseY + indexing.u(jy, (jy + kb) / 2, (jy + ka) / 2)
        // U_X U_X is symmetric: the two equal products are one entry with twice the factor.
        if x == y && first < second { continue }
        let both: Double = x == y && first > second ? 2 : 1
        entries.append(Entry(first, second))
        for (output, scale) in zip(outputs, scales) {
          let j = output.channel % orders
          factors.append(both * scale * clebschGordan(jx, nb, jy, kb, j) * clebschGordan(jx, na, jy, ka, j))
        }
      }
    }
    return SingleRow(entries: entries, targets: targets, factors: factors)
  }
}

import MDCore
import MDNumerics
import MDPotentialFiles

/// Symmetry functions of local atoms from their moments, their training ranges, and the way back. Rows of `stride`
/// numbers, one an atom: G in the order of the files, then room for what else a network takes.
final class HDNNPDescriptors {
  private struct Term: BitwiseCopyable {
    var moment: Int32
    var coefficient: Double
  }

  private struct Element {
    var functionCount: Int
    var momentCount: Int
    /// Terms of function f: starts[f] ..< starts[f + 1].
    var starts: UnsafePointer<Int32>
    var terms: UnsafePointer<Term>
    /// Training range of each function, padded to whole lanes with −∞ … ∞.
    var minima: UnsafePointer<Lanes>
    var maxima: UnsafePointer<Lanes>
    /// First of this element's functions in the tallies.
    var firstTally: Int
  }

  /// How often a function lay outside of its training range, and where it did most.
  struct Tally: BitwiseCopyable {
    var count = 0
    /// Distance beyond the range over the width of the range.
    var excess = 0.0
    var atom: Int64 = 0

    mutating func add(_ excess: Double, _ id: Int64) {
      count += 1
      guard !(excess <= self.excess) else { return }
      self.excess = excess
      atom = id
    }
  }

  private let elements: [Element]
  private var owned: [AnyObject] = []
  let stride: Int
  let tallies: AlignedBuffer<Tally>
  let functionCount: Int

  /// - Parameter extra: inputs of networks besides functions.
  init(_ all: [HDNNPElement], _ plan: DescriptorPlan, extra: Int = 0) {
    stride = ((all.map(\.functions.count).max() ?? 0) + extra + 3) & ~3
    functionCount = all.map(\.functions.count).reduce(0, +)
    tallies = AlignedBuffer(repeating: Tally(), count: max(functionCount, 1))

    var keep: [AnyObject] = []
    var firstTally = 0
    elements = all.enumerated().map { index, element in
      let terms = plan.terms[index]
      let count = terms.count
      let starts = AlignedBuffer(terms.reduce(into: [Int32(0)]) { $0.append($0.last! + Int32($1.count)) })
      let flat = AlignedBuffer(
        terms.joined().map { Term(moment: Int32($0.moment), coefficient: $0.coefficient) })
      let padding = Array(repeating: FunctionScaling.none, count: (4 - count % 4) % 4)
      let scaling = element.scaling + padding
      func lanes(_ values: [Double]) -> AlignedBuffer<Lanes> {
        AlignedBuffer(
          Swift.stride(from: 0, to: values.count, by: 4).map {
            Lanes(values[$0], values[$0 + 1], values[$0 + 2], values[$0 + 3])
          })
      }
      let minima = lanes(scaling.map(\.minimum))
      let maxima = lanes(scaling.map(\.maximum))
      keep += [starts, flat, minima, maxima] as [AnyObject]
      defer { firstTally += count }
      return Element(
        functionCount: count, momentCount: plan.momentCounts[index], starts: UnsafePointer(starts.pointer),
        terms: UnsafePointer(flat.pointer), minima: UnsafePointer(minima.pointer),
        maxima: UnsafePointer(maxima.pointer), firstTally: firstTally)
    }
    owned = keep
  }

  /// How far every function went beyond its training range on this rank.
  /// - Parameter name: of a function of an element.
  func offenders(
    _ model: HDNNPModel, name: (_ element: Int, _ function: Int) -> String = { "function \($1 + 1)" }
  ) -> [Offender] {
    var place = 0
    return model.elements.enumerated().flatMap { number, element in
      element.functions.indices.map { index in
        let tally = tallies.pointer[place]
        place += 1
        return Offender(
          label: "\(element.symbol), \(name(number, index))", count: tally.count, excess: tally.excess,
          atom: tally.atom)
      }
    }
  }

  /// Forgets what lay outside.
  func clearTallies() { tallies.pointer.update(repeating: Tally(), count: max(functionCount, 1)) }

  /// G = C·M.
  func gather(
    _ element: Int, _ members: UnsafePointer<Int32>, _ count: Int, _ moments: UnsafePointer<Double>, _ width: Int,
    into rows: UnsafeMutablePointer<Double>
  ) {
    let element = elements[element]
    for k in 0..<count {
      let own = moments + width * Int(members[k])
      let row = rows + stride * k
      var t = 0
      for f in 0..<element.functionCount {
        var sum = 0.0
        let end = Int(element.starts[f + 1])
        while t < end {
          sum += element.terms[t].coefficient * own[Int(element.terms[t].moment)]
          t += 1
        }
        row[f] = sum
      }
    }
  }

  /// Counts functions outside of their training range.
  func check(
    _ element: Int, _ members: UnsafePointer<Int32>, _ count: Int, _ rows: UnsafePointer<Double>,
    _ ids: UnsafePointer<Int64>, _ extrapolations: UnsafeMutablePointer<Double>
  ) {
    let element = elements[element]
    let lanes = (element.functionCount + 3) / 4
    for k in 0..<count {
      let row = UnsafeRawPointer(rows + stride * k).assumingMemoryBound(to: Lanes.self)
      // The signs of G − min and max − G.
      var bits = SIMD4<UInt64>.zero
      for m in 0..<lanes {
        bits |= unsafeBitCast(row[m] - element.minima[m], to: SIMD4<UInt64>.self)
        bits |= unsafeBitCast(element.maxima[m] - row[m], to: SIMD4<UInt64>.self)
      }
      let outside = (bits[0] | bits[1] | bits[2] | bits[3]) >> 63
      extrapolations[Int(members[k])] = 0
      if outside != 0 { extrapolations[Int(members[k])] = note(element, rows + stride * k, ids[Int(members[k])]) }
    }
  }

  private func note(_ element: Element, _ row: UnsafePointer<Double>, _ id: Int64) -> Double {
    var count = 0
    for f in 0..<element.functionCount {
      let value = row[f]
      let (low, high) = (element.minima[f / 4][f % 4], element.maxima[f / 4][f % 4])
      guard value < low || value > high else { continue }
      count += 1
      let excess = max(low - value, value - high) / (high - low)
      tallies.pointer[element.firstTally + f].add(excess, id)
    }
    return Double(count)
  }

  /// ∂E/∂M = Cᵀ ∂E/∂G.
  func scatter(
    _ element: Int, _ members: UnsafePointer<Int32>, _ count: Int, _ rows: UnsafePointer<Double>,
    to moments: UnsafeMutablePointer<Double>, _ width: Int
  ) {
    let element = elements[element]
    for k in 0..<count {
      let own = moments + width * Int(members[k])
      let row = rows + stride * k
      for m in 0..<element.momentCount { own[m] = 0 }
      var t = 0
      for f in 0..<element.functionCount {
        let slope = row[f]
        let end = Int(element.starts[f + 1])
        while t < end {
          own[Int(element.terms[t].moment)] += element.terms[t].coefficient * slope
          t += 1
        }
      }
    }
  }
}

import MDCore
import MDNumerics

/// From moments to symmetry functions, through the networks, and back to ∂E/∂M, for the local atoms.
final class HDNNPAtoms {
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
  }

  private let elements: [Element]
  /// Networks by model, then element.
  private let networks: [[NetworkEvaluator]]
  private var owned: [AnyObject] = []
  /// G of a chunk of atoms, one row an atom; then ∂E/∂G.
  private let rows: AlignedBuffer<Double>
  private let gradients: AlignedBuffer<Double>
  private let energies = AlignedBuffer<Double>(capacity: chunk)
  private let chunkPlaces: AlignedBuffer<Int32>
  private let members = AlignedBuffer<Int32>()
  private let stride: Int
  let tallies: AlignedBuffer<Tally>
  let functionCount: Int

  private static let chunk = 64

  init(_ models: [HDNNPModel], _ plan: DescriptorPlan) {
    networks = models.map { $0.elements.map { NetworkEvaluator($0) } }
    let first = models[0].elements
    stride = ((first.map(\.functions.count).max() ?? 0) + 3) & ~3
    rows = AlignedBuffer(repeating: 0, count: stride * Self.chunk)
    gradients = AlignedBuffer(repeating: 0, count: stride * Self.chunk)
    chunkPlaces = AlignedBuffer((0..<Self.chunk).map { Int32($0) })
    functionCount = first.map(\.functions.count).reduce(0, +)
    tallies = AlignedBuffer(repeating: Tally(), count: max(functionCount, 1))

    var keep: [AnyObject] = []
    var firstTally = 0
    elements = first.enumerated().map { index, element in
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
        terms: UnsafePointer(flat.pointer), minima: UnsafePointer(minima.pointer), maxima: UnsafePointer(maxima.pointer),
        firstTally: firstTally)
    }
    owned = keep
  }

  /// Replaces the moments of the local atoms by ∂E/∂M and returns the energy. `extrapolations` gets the number of
  /// functions of each atom outside of their training range.
  func evaluate(
    _ atoms: AtomView, elementOf: UnsafePointer<Int32>, moments: UnsafeMutablePointer<Double>, width: Int,
    extrapolations: UnsafeMutablePointer<Double>, want: Want
  ) -> Double {
    tallies.pointer.update(repeating: Tally(), count: max(functionCount, 1))
    members.reserve(atoms.localCount)
    let members = members.pointer
    var energy = 0.0
    for (index, element) in elements.enumerated() {
      var n = 0
      for i in 0..<atoms.localCount {
        members[n] = Int32(truncatingIfNeeded: i)
        n += elementOf[Int(atoms.species[i])] == index ? 1 : 0
      }
      var start = 0
      while start < n {
        let count = min(Self.chunk, n - start)
        gather(element, members + start, count, moments, width)
        check(element, members + start, count, atoms.ids, extrapolations)
        energy += propagate(index, members + start, count, want.contains(.atomEnergy) ? atoms.energies : nil)
        scatter(element, members + start, count, moments, width)
        start += count
      }
    }
    return energy
  }

  /// G = C·M.
  private func gather(
    _ element: Element, _ members: UnsafePointer<Int32>, _ count: Int, _ moments: UnsafePointer<Double>, _ width: Int
  ) {
    let rows = rows.pointer
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
  private func check(
    _ element: Element, _ members: UnsafePointer<Int32>, _ count: Int, _ ids: UnsafePointer<Int64>,
    _ extrapolations: UnsafeMutablePointer<Double>
  ) {
    let lanes = (element.functionCount + 3) / 4
    for k in 0..<count {
      let row = UnsafeRawPointer(rows.pointer + stride * k).assumingMemoryBound(to: Lanes.self)
      // The signs of G − min and max − G.
      var bits = SIMD4<UInt64>.zero
      for m in 0..<lanes {
        bits |= unsafeBitCast(row[m] - element.minima[m], to: SIMD4<UInt64>.self)
        bits |= unsafeBitCast(element.maxima[m] - row[m], to: SIMD4<UInt64>.self)
      }
      let outside = (bits[0] | bits[1] | bits[2] | bits[3]) >> 63
      extrapolations[Int(members[k])] = 0
      if outside != 0 { extrapolations[Int(members[k])] = note(element, k, ids[Int(members[k])]) }
    }
  }

  private func note(_ element: Element, _ k: Int, _ id: Int64) -> Double {
    var count = 0
    for f in 0..<element.functionCount {
      let value = rows.pointer[stride * k + f]
      let (low, high) = (element.minima[f / 4][f % 4], element.maxima[f / 4][f % 4])
      guard value < low || value > high else { continue }
      count += 1
      let excess = max(low - value, value - high) / (high - low)
      let tally = tallies.pointer + (element.firstTally + f)
      tally.pointee.count += 1
      if !(excess <= tally.pointee.excess) {
        tally.pointee.excess = excess
        tally.pointee.atom = id
      }
    }
    return Double(count)
  }

  /// Networks: the mean energy and ∂E/∂G over the models; G is replaced by ∂E/∂G.
  private func propagate(
    _ element: Int, _ members: UnsafePointer<Int32>, _ count: Int, _ atomEnergies: UnsafeMutablePointer<Double>?
  ) -> Double {
    let rows = rows.pointer
    let energies = energies.pointer
    var sum = 0.0
    let share = 1 / Double(networks.count)
    if networks.count == 1 {
      networks[0][element].evaluate(
        atoms: chunkPlaces.pointer, count: count, values: rows, gradients: rows, stride: stride, energies: energies)
      for k in 0..<count {
        sum += energies[k]
        atomEnergies?[Int(members[k])] += energies[k]
      }
      return sum
    }
    let gradients = gradients.pointer
    var mean = Array(repeating: 0.0, count: stride * count)
    for model in networks {
      model[element].evaluate(
        atoms: chunkPlaces.pointer, count: count, values: rows, gradients: gradients, stride: stride,
        energies: energies)
      for k in 0..<count {
        sum += share * energies[k]
        atomEnergies?[Int(members[k])] += share * energies[k]
      }
      for k in mean.indices { mean[k] += share * gradients[k] }
    }
    for k in mean.indices { rows[k] = mean[k] }
    return sum
  }

  /// ∂E/∂M = Cᵀ ∂E/∂G.
  private func scatter(
    _ element: Element, _ members: UnsafePointer<Int32>, _ count: Int, _ moments: UnsafeMutablePointer<Double>,
    _ width: Int
  ) {
    for k in 0..<count {
      let own = moments + width * Int(members[k])
      let row = rows.pointer + stride * k
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

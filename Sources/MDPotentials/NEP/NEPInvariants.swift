import MDNumerics
import MDPotentialFiles

/// From the sums A_nlm of a block to the angular descriptors, and from their slopes back.
struct NEPInvariants {
  private let degree: Int
  private let count: Int
  private let squares: AlignedBuffer<Double>
  private let cubics: AlignedBuffer<NEPPlan.Cubic>
  /// Terms of each invariant; nil for q₁₁₁₁.
  private let ranges: [Range<Int>?]

  init(_ file: NEPFile, _ plan: NEPPlan) {
    degree = file.degree
    count = file.angularCount
    squares = AlignedBuffer(plan.squares)
    var first = 0
    ranges = zip(file.invariants, plan.cubics).map { invariant, terms in
      defer { first += terms.count }
      return invariant == .q1111 ? nil : first..<(first + terms.count)
    }
    cubics = AlignedBuffer(plan.cubics.flatMap { $0 })
  }

  /// - Parameters:
  ///   - sums: A at lm · width + n.
  ///   - out: the angular descriptors: l outer, n inner, then those of each invariant.
  @inline(__always)
  func evaluate(_ sums: UnsafePointer<AtomLanes>, width: Int, _ out: UnsafeMutablePointer<AtomLanes>) {
    let squares = UnsafePointer(squares.pointer)
    var q = out
    for l in 1...degree {
      let first = l * l - 1
      for n in 0..<count {
        var sum = AtomLanes.zero
        for place in first..<(first + 2 * l + 1) {
          let a = sums[place * width + n]
          sum.addProduct(a * squares[place], a)
        }
        q[n] = sum
      }
      q += count
    }
    let cubics = UnsafePointer(cubics.pointer)
    for range in ranges {
      for n in 0..<count {
        let a = sums + n
        if let range {
          var sum = AtomLanes.zero
          for term in range {
            let t = cubics[term]
            sum.addProduct(a[Int(t.a) * width] * t.weight, a[Int(t.b) * width] * a[Int(t.c) * width])
          }
          q[n] = sum
        } else {
          q[n] = out[n] * out[n] * (7.0 / 15)
        }
      }
      q += count
    }
  }

  /// D = ∂U/∂A from the slopes of the angular descriptors. `values` are those descriptors.
  @inline(__always)
  func pullBack(
    _ slopes: UnsafePointer<AtomLanes>, sums: UnsafePointer<AtomLanes>, values: UnsafePointer<AtomLanes>, width: Int,
    _ out: UnsafeMutablePointer<AtomLanes>
  ) {
    let squares = UnsafePointer(squares.pointer)
    let cubics = UnsafePointer(cubics.pointer)
    for n in 0..<count {
      for l in 1...degree {
        var slope = slopes[(l - 1) * count + n]
        if l == 1, let place = ranges.firstIndex(where: { $0 == nil }) {
          slope.addProduct(slopes[(degree + place) * count + n], values[n] * (14.0 / 15))
        }
        for place in (l * l - 1)..<(l * l + 2 * l) {
          out[place * width + n] = sums[place * width + n] * slope * (2 * squares[place])
        }
      }
      let (a, d) = (sums + n, out + n)
      for (place, range) in ranges.enumerated() {
        guard let range else { continue }
        let slope = slopes[(degree + place) * count + n]
        for term in range {
          let t = cubics[term]
          let (i, j, k) = (Int(t.a) * width, Int(t.b) * width, Int(t.c) * width)
          let weight = slope * t.weight
          d[i].addProduct(weight, a[j] * a[k])
          d[j].addProduct(weight, a[i] * a[k])
          d[k].addProduct(weight, a[i] * a[j])
        }
      }
    }
    // Functions that only fill up: their sums are zero.
    for place in 0..<(degree * (degree + 2)) {
      for n in count..<max(count, width) { out[place * width + n] = .zero }
    }
  }
}

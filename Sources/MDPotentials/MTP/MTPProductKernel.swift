import MDNumerics
import MDPotentialFiles

/// Products of moments of a block of atoms: forward to the energy, backward to ∂V/∂M.
final class MTPProductKernel {
  private let plan: MTPProducts
  private let lines: AlignedBuffer<MTPProducts.Line>
  private let lineCounts: AlignedBuffer<Int32>
  private let pairs: AlignedBuffer<MTPProducts.Pair>
  private let targets: AlignedBuffer<Int32>
  private let factors: AlignedBuffer<Double>
  private let terms: AlignedBuffer<MTPProducts.Term>

  init(_ plan: MTPProducts) {
    self.plan = plan
    lines = AlignedBuffer(plan.lines)
    lineCounts = AlignedBuffer(plan.lineCounts)
    pairs = AlignedBuffer(plan.pairs)
    targets = AlignedBuffer(plan.targets)
    factors = AlignedBuffer(plan.factors)
    terms = AlignedBuffer(plan.terms)
  }

  /// The energies without ξ⁰; fills the products behind the basic moments, and the derivatives of all moments.
  func evaluate(_ m: UnsafeMutablePointer<AtomLanes>, _ d: UnsafeMutablePointer<AtomLanes>) -> AtomLanes {
    var line = UnsafePointer(lines.pointer)
    let lineCounts = UnsafePointer(lineCounts.pointer)
    for target in 0..<plan.lineCounts.count {
      var sum = AtomLanes.zero
      for _ in 0..<Int(lineCounts[target]) {
        let l = line.pointee
        sum.addProduct(m[Int(l.i)] * m[Int(l.j)], l.factor)
        line += 1
      }
      m[plan.first + target] = sum
    }
    for k in 0..<plan.count { d[k] = .zero }
    var energy = AtomLanes.zero
    let terms = UnsafePointer(terms.pointer)
    for k in 0..<plan.terms.count {
      let t = terms[k]
      d[Int(t.place)] += t.coefficient
      energy.addProduct(m[Int(t.place)], t.coefficient)
    }
    let pairs = UnsafePointer(pairs.pointer)
    var target = UnsafePointer(targets.pointer)
    var factor = UnsafePointer(factors.pointer)
    for k in 0..<plan.pairs.count {
      let p = pairs[k]
      let (a, b) = (m[Int(p.i)], m[Int(p.j)])
      energy.addProduct(a * b, p.weight)
      var g = AtomLanes(repeating: p.weight)
      for _ in 0..<Int(p.count) {
        g.addProduct(d[Int(target.pointee)], factor.pointee)
        target += 1
        factor += 1
      }
      d[Int(p.i)].addProduct(g, b)
      d[Int(p.j)].addProduct(g, a)
    }
    return energy
  }
}

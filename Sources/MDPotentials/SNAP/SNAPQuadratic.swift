import MDNumerics
import MDPotentialFiles

/// The energy β·B + ½ Bᵀ α B of a block of atoms and the adjoint that follows from it.
struct SNAPQuadratic {
  /// Z of every target of every row of the plan.
  let products: AlignedBuffer<AtomLanes>

  /// A target whose product with U* adds to T of its term.
  private struct Part {
    var target: Int32
    var factor: Double
  }
  private struct Component {
    var term: Int
    var factor: Double
  }
  private let parts: AlignedBuffer<Part>
  private let partCount: Int
  private let components: AlignedBuffer<Component>
  private let componentCount: Int
  private let termCount: Int
  private let targetCount: Int
  private let isolated: [AlignedBuffer<Double>]
  private let linear: [AlignedBuffer<Double>]
  /// α, all of it, row by row.
  private let matrix: [AlignedBuffer<Double>]
  private let terms: AlignedBuffer<AtomLanes>
  private let bispectrum: AlignedBuffer<AtomLanes>

  init(_ model: SNAPModel, _ plan: SNAPAdjointPlan, isolated: [[Double]], orders indexing: SNAPIndexing) {
    let count = model.componentCount
    let orders = model.twojmax + 1
    var parts: [Part] = []
    for (k, target) in plan.targets.enumerated() {
      // T is taken once, from the target that is the first channel of its term; the factors hold how often it occurs.
      let channels = plan.terms[Int(target.term)].channels
      let (channel, inside) = Int(target.element).quotientAndRemainder(dividingBy: indexing.uCount)
      let j = indexing.uStart.lastIndex { $0 <= inside }!
      guard channel * orders + j == channels[0] else { continue }
      parts.append(Part(target: Int32(k), factor: 1 / Double(channels.filter { $0 == channels[0] }.count)))
    }
    var components = [Component](repeating: Component(term: 0, factor: 0), count: count)
    for (t, term) in plan.terms.enumerated() {
      for c in term.components { components[c.index] = Component(term: t, factor: c.factor) }
    }
    self.parts = AlignedBuffer(parts)
    partCount = parts.count
    self.components = AlignedBuffer(components)
    componentCount = count
    termCount = plan.terms.count
    targetCount = plan.targets.count
    self.isolated = isolated.map { AlignedBuffer($0) }
    linear = model.elements.map { AlignedBuffer(Array($0.coefficients[1...count])) }
    matrix = model.elements.map { AlignedBuffer(Self.symmetric($0.coefficients[(count + 1)...], count)) }
    products = AlignedBuffer(capacity: 2 * targetCount)
    terms = AlignedBuffer(capacity: termCount)
    bispectrum = AlignedBuffer(capacity: count)
  }

  private static func symmetric(_ triangle: ArraySlice<Double>, _ n: Int) -> [Double] {
    var out = [Double](repeating: 0, count: n * n)
    var next = triangle.startIndex
    for i in 0..<n {
      for j in i..<n {
        out[i * n + j] = triangle[next]
        out[j * n + i] = triangle[next]
        next += 1
      }
    }
    return out
  }

  func evaluate(
    element: Int, targets: UnsafePointer<SNAPAdjointPlan.Target>, u: UnsafePointer<AtomLanes>,
    y: UnsafeMutablePointer<AtomLanes>
  ) -> AtomLanes {
    let z = products.pointer
    let t = terms.pointer
    t.update(repeating: .zero, count: termCount)
    let parts = parts.pointer
    for p in 0..<partCount {
      let k = Int(parts[p].target)
      let e = 2 * Int(targets[k].element)
      let product = (u[e] * z[2 * k]).addingProduct(u[e + 1], z[2 * k + 1])
      t[Int(targets[k].term)].addProduct(product, AtomLanes(repeating: parts[p].factor))
    }
    let b = bispectrum.pointer
    let components = components.pointer
    let isolated = isolated[element].pointer
    for k in 0..<componentCount { b[k] = t[components[k].term] * components[k].factor - isolated[k] }

    t.update(repeating: .zero, count: termCount)
    var energy = AtomLanes.zero
    let linear = linear[element].pointer
    var alpha = UnsafePointer(matrix[element].pointer)
    for k in 0..<componentCount {
      let beta = AtomLanes(repeating: linear[k])
      var product = AtomLanes.zero
      for l in 0..<componentCount { product.addProduct(b[l], AtomLanes(repeating: alpha[l])) }
      alpha += componentCount
      energy.addProduct(b[k], beta + product * 0.5)
      t[components[k].term].addProduct(beta + product, AtomLanes(repeating: components[k].factor))
    }
    for k in 0..<targetCount {
      let gamma = t[Int(targets[k].term)]
      let e = 2 * Int(targets[k].element)
      y[e].addProduct(gamma, z[2 * k])
      y[e + 1].addProduct(gamma, z[2 * k + 1])
    }
    return energy
  }
}

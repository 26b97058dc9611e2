import MDCore
import MDNumerics
import MDPotentialFiles

/// From the Wigner matrices of a block of atoms to their energies and the adjoint Y = ∂E/∂U.
///
/// Linear: γ of every term is known, so Y comes at once and E = E₀ + Re Σ U* Y / 3 (E is cubic in U): the bispectrum is
/// never formed. Quadratic: the products Z of all rows are kept, B follows from them, and Y = Σ γ(B) Z.
struct SNAPEnergy {
  private let rows: AlignedBuffer<SNAPAdjointPlan.Row>
  private let entries: AlignedBuffer<SNAPAdjointPlan.Entry>
  private let targets: AlignedBuffer<SNAPAdjointPlan.Target>
  private let bundleStart: AlignedBuffer<Int>
  /// With γ, one for each element (linear), or without, one for all (quadratic).
  private let factors: [AlignedBuffer<Double>]
  /// The part of an atom's energy that does not depend on U, eV.
  private let constants: [Double]
  private let quadratic: SNAPQuadratic?
  /// Vectors of lanes in U and Y: two for each complex number of each channel.
  private let width: Int

  init(_ model: SNAPModel, _ indexing: SNAPIndexing) throws {
    let plan = try SNAPAdjointPlan(model, indexing)
    rows = AlignedBuffer(plan.rows)
    entries = AlignedBuffer(plan.entries)
    targets = AlignedBuffer(plan.targets)
    bundleStart = AlignedBuffer(plan.bundleStart)
    width = 2 * model.channelCount * indexing.uCount
    let isolated = model.elements.indices.map { model.isolatedBispectrum(element: $0) }
    if model.isQuadratic {
      quadratic = SNAPQuadratic(model, plan, isolated: isolated, orders: indexing)
      factors = [AlignedBuffer(plan.factors)]
      constants = model.elements.map { $0.coefficients[0] }
    } else {
      quadratic = nil
      factors = model.elements.map { element in
        let gamma = plan.terms.map { term in
          term.components.reduce(0) { $0 + element.coefficients[1 + $1.index] * $1.factor }
        }
        return AlignedBuffer(plan.factors(gamma: gamma))
      }
      constants = zip(model.elements, isolated).map { element, b in
        zip(element.coefficients.dropFirst(), b).reduce(element.coefficients[0]) { $0 - $1.0 * $1.1 }
      }
    }
  }

  /// Energies of a block of atoms of `element`, eV; writes Y (independent elements, weighted; the others are zero).
  func evaluate(element: Int, u: UnsafePointer<AtomLanes>, y: UnsafeMutablePointer<AtomLanes>) -> AtomLanes {
    y.update(repeating: .zero, count: width)
    let plan = SNAPAtomKernels.Plan(
      rows: rows.pointer, entries: entries.pointer, targets: targets.pointer,
      factors: factors[quadratic == nil ? element : 0].pointer, bundleStart: bundleStart.pointer)
    if let quadratic {
      SNAPAtomKernels.products(plan, u, quadratic.products.pointer)
      return AtomLanes(repeating: constants[element])
        + quadratic.evaluate(element: element, targets: plan.targets, u: u, y: y)
    }
    SNAPAtomKernels.adjoint(plan, u, y)
    var sum = AtomLanes.zero
    for k in 0..<width { sum.addProduct(u[k], y[k]) }
    return AtomLanes(repeating: constants[element]) + sum * (1.0 / 3)
  }
}

extension SNAPModel {
  /// What `bzeroflag` subtracts from B: the values of an atom without neighbours; zeros without the flag.
  package func isolatedBispectrum(element: Int) -> [Double] {
    let n = channelCount
    var out: [Double] = []
    for e1 in 0..<n {
      for e2 in 0..<n {
        for e3 in 0..<n {
          let present = n == 1 || selfInAll || [e1, e2, e3].allSatisfy { $0 == element }
          for triple in triples {
            out.append(subtractsIsolated && present ? (normalises ? 1 : Double(triple.j + 1)) : 0)
          }
        }
      }
    }
    return out
  }
}

extension SNAPAdjointPlan {
  /// The factors times γ of each target's term.
  func factors(gamma: [Double]) -> [Double] {
    var out = factors
    for bundle in 1...Self.maximumBundle {
      for row in rows[bundleStart[bundle - 1]..<bundleStart[bundle]] {
        let width = Self.abreast[bundle - 1] * bundle
        for e in 0..<Int(row.count) {
          for n in 0..<width {
            out[Int(row.firstFactor) + e * width + n] *= gamma[Int(targets[Int(row.firstTarget) + n].term)]
          }
        }
      }
    }
    return out
  }
}

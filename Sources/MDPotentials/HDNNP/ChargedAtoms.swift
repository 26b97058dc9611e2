import MDCore
import MDNumerics

/// Both networks of a 4G potential over the local atoms: electronegativity χ(G), short-range energy E(G, q), and
/// ∂E/∂G + λ ∂χ/∂G in the end. Rows of descriptors are kept through the step, by element, so that they are
/// gathered once and go through each network once.
final class ChargedAtoms {
  let descriptors: HDNNPDescriptors
  private let short: [NetworkEvaluator]
  private let electronegativity: [NetworkEvaluator]
  private let functionCounts: [Int]
  private let stride: Int
  /// The atom of each row, and 0, 1, 2, …
  private let order = AlignedBuffer<Int32>()
  private let identity = AlignedBuffer<Int32>()
  /// First row of each element, and the number of rows.
  private var firsts: [Int] = []
  /// G and behind it q; later ∂E/∂G and ∂E/∂q.
  private let values = AlignedBuffer<Double>()
  /// ∂χ/∂G.
  private let slopes = AlignedBuffer<Double>()
  private let outputs = AlignedBuffer<Double>()

  init(_ model: HDNNPModel, _ electrostatics: HDNNPElectrostatics, _ plan: DescriptorPlan) {
    descriptors = HDNNPDescriptors(model.elements, plan, extra: 1)
    stride = descriptors.stride
    functionCounts = model.elements.map(\.functions.count)
    short = model.elements.map { NetworkEvaluator($0) }
    electronegativity = zip(electrostatics.elements, model.elements).map {
      NetworkEvaluator($0.electronegativity, scaling: $1.scaling)
    }
  }

  private func sort(_ atoms: AtomView, _ elementOf: UnsafePointer<Int32>) {
    let n = atoms.localCount
    for buffer in [order, identity] { buffer.reserve(max(n, 1)) }
    for buffer in [values, slopes] { buffer.reserve(max(stride * n, 1)) }
    outputs.reserve(max(n, 1))
    firsts = [0]
    var row = 0
    for element in short.indices {
      for i in 0..<n where elementOf[Int(atoms.species[i])] == element {
        order.pointer[row] = Int32(truncatingIfNeeded: i)
        identity.pointer[row] = Int32(truncatingIfNeeded: row)
        row += 1
      }
      firsts.append(row)
    }
  }

  /// From moments to χ (eV/e). `extrapolations` gets each atom's number of functions outside of their training ranges.
  func describe(
    _ atoms: AtomView, elementOf: UnsafePointer<Int32>, moments: UnsafePointer<Double>, width: Int,
    extrapolations: UnsafeMutablePointer<Double>, into chi: UnsafeMutablePointer<Double>
  ) {
    sort(atoms, elementOf)
    descriptors.clearTallies()
    for element in short.indices {
      let (first, count) = (firsts[element], firsts[element + 1] - firsts[element])
      let (members, rows) = (order.pointer + first, values.pointer + stride * first)
      descriptors.gather(element, members, count, moments, width, into: rows)
      descriptors.check(element, members, count, rows, atoms.ids, extrapolations)
      electronegativity[element].evaluate(
        atoms: identity.pointer + first, count: count, values: values.pointer, gradients: slopes.pointer,
        stride: stride, energies: outputs.pointer)
      for row in first..<(first + count) { chi[Int(order.pointer[row])] = outputs.pointer[row] }
    }
  }

  /// Short-range energies (eV) and their slopes with respect to the charges (eV/e).
  func evaluate(
    charges: UnsafePointer<Double>, energies: UnsafeMutablePointer<Double>, slopes: UnsafeMutablePointer<Double>
  ) {
    for element in short.indices {
      let place = functionCounts[element]
      let rows = firsts[element]..<firsts[element + 1]
      for row in rows { values.pointer[stride * row + place] = charges[Int(order.pointer[row])] }
      short[element].evaluate(
        atoms: identity.pointer + rows.lowerBound, count: rows.count, values: values.pointer,
        gradients: values.pointer, stride: stride, energies: outputs.pointer)
      for row in rows {
        let atom = Int(order.pointer[row])
        energies[atom] = outputs.pointer[row]
        slopes[atom] = values.pointer[stride * row + place]
      }
    }
  }

  /// Replaces the moments by the slopes of E + λ·χ.
  func finish(adjoint: UnsafePointer<Double>, moments: UnsafeMutablePointer<Double>, width: Int) {
    for element in short.indices {
      let (first, count) = (firsts[element], firsts[element + 1] - firsts[element])
      for row in first..<(first + count) {
        let weight = adjoint[Int(order.pointer[row])]
        let (value, slope) = (values.pointer + stride * row, slopes.pointer + stride * row)
        for f in 0..<functionCounts[element] { value[f] += weight * slope[f] }
      }
      descriptors.scatter(
        element, order.pointer + first, count, values.pointer + stride * first, to: moments, width)
    }
  }
}

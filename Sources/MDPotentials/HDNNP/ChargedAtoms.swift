import MDCore
import MDNumerics
import MDPotentialFiles

/// Both networks of a potential with charges over the local atoms: electronegativity (or charge) χ(G), short-range
/// energy E(G, q), and ∂E/∂G + λ ∂χ/∂G in the end. Rows of descriptors are kept through the step, by element, so that
/// they are gathered once and go through each network once.
///
/// A row holds the functions of E, and after them those of χ where it has its own; the charge, which is the last input
/// of E in generation 4, takes the place of the latter once they have done their work.
final class ChargedAtoms {
  /// With all functions.
  private let model: HDNNPModel
  private let descriptors: HDNNPDescriptors
  private let short: [NetworkEvaluator]
  private let electronegativity: [NetworkEvaluator]
  /// Functions of E,
  private let functionCounts: [Int]
  /// and where in a row those of χ are.
  private let chargeFunctions: [Range<Int>]
  private let readsCharges: Bool
  private let ranges: [ClosedRange<Double>?]
  private var chargeTallies: [HDNNPDescriptors.Tally]
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

  /// - Parameter plan: of the model with all functions.
  init(_ model: HDNNPModel, _ electrostatics: HDNNPElectrostatics, _ plan: DescriptorPlan) {
    self.model = model.withAllFunctions
    descriptors = HDNNPDescriptors(self.model.elements, plan, extra: 1)
    stride = descriptors.stride
    functionCounts = model.elements.map(\.functions.count)
    chargeFunctions = zip(electrostatics.elements, functionCounts).map { element, count in
      element.functions.isEmpty ? 0..<count : count..<(count + element.functions.count)
    }
    readsCharges = electrostatics.charges == .equilibrated
    ranges = electrostatics.elements.map(\.range)
    chargeTallies = ranges.map { _ in .init() }
    short = model.elements.map { NetworkEvaluator($0) }
    electronegativity = zip(electrostatics.elements, model.elements).map { charges, element in
      NetworkEvaluator(
        charges.electronegativity, scaling: charges.functions.isEmpty ? element.scaling : charges.scaling)
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
      let start = chargeFunctions[element].lowerBound
      electronegativity[element].evaluate(
        atoms: identity.pointer + first, count: count, values: values.pointer + start,
        gradients: slopes.pointer + start, stride: stride, energies: outputs.pointer)
      for row in first..<(first + count) { chi[Int(order.pointer[row])] = outputs.pointer[row] }
    }
  }

  /// Counts charges outside of the range of the training data, if the files tell it.
  func check(
    charges: UnsafePointer<Double>, _ ids: UnsafePointer<Int64>, _ extrapolations: UnsafeMutablePointer<Double>
  ) {
    for element in short.indices {
      chargeTallies[element] = .init()
      guard let range = ranges[element] else { continue }
      for row in firsts[element]..<firsts[element + 1] {
        let atom = Int(order.pointer[row])
        let beyond = max(range.lowerBound - charges[atom], charges[atom] - range.upperBound)
        guard beyond > 0 else { continue }
        extrapolations[atom] += 1
        chargeTallies[element].add(beyond / (range.upperBound - range.lowerBound), ids[atom])
      }
    }
  }

  /// Short-range energies (eV) and their slopes with respect to the charges (eV/e).
  func evaluate(
    charges: UnsafePointer<Double>, energies: UnsafeMutablePointer<Double>, slopes: UnsafeMutablePointer<Double>
  ) {
    for element in short.indices {
      let place = functionCounts[element]
      let rows = firsts[element]..<firsts[element + 1]
      if readsCharges {
        for row in rows { values.pointer[stride * row + place] = charges[Int(order.pointer[row])] }
      }
      short[element].evaluate(
        atoms: identity.pointer + rows.lowerBound, count: rows.count, values: values.pointer,
        gradients: values.pointer, stride: stride, energies: outputs.pointer)
      for row in rows {
        let atom = Int(order.pointer[row])
        energies[atom] = outputs.pointer[row]
        slopes[atom] = readsCharges ? values.pointer[stride * row + place] : 0
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
        let functions = chargeFunctions[element]
        if functions.lowerBound == 0 {
          for f in functions { value[f] += weight * slope[f] }
        } else {
          for f in functions { value[f] = weight * slope[f] }
        }
      }
      descriptors.scatter(
        element, order.pointer + first, count, values.pointer + stride * first, to: moments, width)
    }
  }

  /// Functions and charges outside of the range of their training, over this rank's atoms.
  var extrapolations: Int {
    (0..<descriptors.functionCount).reduce(chargeTallies.map(\.count).reduce(0, +)) {
      $0 + descriptors.tallies.pointer[$1].count
    }
  }

  var offenders: [Offender] {
    var found = descriptors.offenders(model) { element, index in
      let own = index - self.functionCounts[element]
      return own < 0 ? "function \(index + 1)" : "function \(own + 1) of the charge"
    }
    for (element, tally) in zip(model.elements, chargeTallies) {
      found.append(
        Offender(label: "\(element.symbol), charge", count: tally.count, excess: tally.excess, atom: tally.atom))
    }
    return found
  }
}

import MDCore
import MDNumerics
import MDPotentialFiles

/// From moments to symmetry functions, through the networks, and back to ∂E/∂M, for the local atoms.
final class HDNNPAtoms {
  let descriptors: HDNNPDescriptors
  /// Networks by model, then element.
  private let networks: [[NetworkEvaluator]]
  /// G of a chunk of atoms, one row an atom; then ∂E/∂G.
  private let rows: AlignedBuffer<Double>
  private let gradients: AlignedBuffer<Double>
  private let mean: AlignedBuffer<Double>
  private let energies = AlignedBuffer<Double>(capacity: chunk)
  private let chunkPlaces: AlignedBuffer<Int32>
  private let members = AlignedBuffer<Int32>()
  private let stride: Int

  private static let chunk = 64

  init(_ models: [HDNNPModel], _ plan: DescriptorPlan) {
    networks = models.map { $0.elements.map { NetworkEvaluator($0) } }
    let first = models[0].elements
    descriptors = HDNNPDescriptors(first, plan)
    stride = descriptors.stride
    rows = AlignedBuffer(repeating: 0, count: stride * Self.chunk)
    gradients = AlignedBuffer(repeating: 0, count: stride * Self.chunk)
    mean = AlignedBuffer(repeating: 0, count: stride * Self.chunk)
    chunkPlaces = AlignedBuffer((0..<Self.chunk).map { Int32($0) })
  }

  /// Replaces the moments of the local atoms by ∂E/∂M and returns the energy. `extrapolations` gets the number of
  /// functions of each atom outside of their training range. `atomEnergies` are added to. Of a committee the mean
  /// counts, or `member` alone.
  func evaluate(
    _ atoms: AtomView, elementOf: UnsafePointer<Int32>, moments: UnsafeMutablePointer<Double>, width: Int,
    extrapolations: UnsafeMutablePointer<Double>, atomEnergies: UnsafeMutablePointer<Double>?, member: Int? = nil
  ) -> Double {
    descriptors.clearTallies()
    members.reserve(atoms.localCount)
    let members = members.pointer
    var energy = 0.0
    for index in networks[0].indices {
      var n = 0
      for i in 0..<atoms.localCount {
        members[n] = Int32(truncatingIfNeeded: i)
        n += elementOf[Int(atoms.species[i])] == index ? 1 : 0
      }
      var start = 0
      while start < n {
        let count = min(Self.chunk, n - start)
        descriptors.gather(index, members + start, count, moments, width, into: rows.pointer)
        descriptors.check(index, members + start, count, rows.pointer, atoms.ids, extrapolations)
        energy += propagate(index, members + start, count, atomEnergies, member)
        descriptors.scatter(index, members + start, count, rows.pointer, to: moments, width)
        start += count
      }
    }
    return energy
  }

  /// Runs the networks: returns the energy, the mean over the models, and replaces G by the mean ∂E/∂G.
  private func propagate(
    _ element: Int, _ members: UnsafePointer<Int32>, _ count: Int, _ atomEnergies: UnsafeMutablePointer<Double>?,
    _ member: Int?
  ) -> Double {
    let rows = rows.pointer
    let energies = energies.pointer
    var sum = 0.0
    let share = 1 / Double(networks.count)
    if let only = member ?? (networks.count == 1 ? 0 : nil) {
      networks[only][element].evaluate(
        atoms: chunkPlaces.pointer, count: count, values: rows, gradients: rows, stride: stride, energies: energies)
      for k in 0..<count {
        sum += energies[k]
        atomEnergies?[Int(members[k])] += energies[k]
      }
      return sum
    }
    let gradients = gradients.pointer
    let mean = mean.pointer
    for k in 0..<(stride * count) { mean[k] = 0 }
    for model in networks {
      model[element].evaluate(
        atoms: chunkPlaces.pointer, count: count, values: rows, gradients: gradients, stride: stride,
        energies: energies)
      for k in 0..<count {
        sum += share * energies[k]
        atomEnergies?[Int(members[k])] += share * energies[k]
      }
      for k in 0..<(stride * count) { mean[k] += share * gradients[k] }
    }
    for k in 0..<(stride * count) { rows[k] = mean[k] }
    return sum
  }
}

extension NetworkEvaluator {
  /// The network of an element's energy.
  convenience init(_ element: HDNNPElement) {
    self.init(element.network, scaling: element.scaling, offset: element.offset)
  }
}

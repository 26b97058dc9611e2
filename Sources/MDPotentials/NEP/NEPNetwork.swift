import MDNumerics
import MDPotentialFiles

/// A hidden layer with one output, or two, over the atoms of a block, a lane an atom:
/// U = Σ_μ w_μ tanh(Σ_d W_μd q_d − b_μ) and its slopes. Eight sums are in registers at a time; weights are read in the order of their use.
final class NEPNetwork {
  /// By eight neurons, then by descriptor; and by eight descriptors, then by neuron. Padded with zeros.
  private let forward: AlignedBuffer<Double>
  private let backward: AlignedBuffer<Double>
  private let biases: AlignedBuffer<Double>
  private let outputs: [AlignedBuffer<Double>]
  private let offset: Double
  private let descriptorCount: Int
  private let neurons: Int
  private let values: AlignedBuffer<AtomLanes>
  private let slopes: AlignedBuffer<AtomLanes>
  private static let tile = 8

  init(_ network: NEPFile.Network, descriptorCount: Int) {
    let neurons = network.biases.count
    self.descriptorCount = descriptorCount
    self.neurons = neurons
    let weights = network.weights
    forward = Self.tiles(neurons, descriptorCount) { weights[$0 * descriptorCount + $1] }
    backward = Self.tiles(descriptorCount, neurons) { weights[$1 * descriptorCount + $0] }
    let padding = Array(repeating: 0.0, count: Self.padded(neurons) - neurons)
    biases = AlignedBuffer(network.biases.map { -$0 } + padding)
    outputs = ([network.energy] + (network.charge.isEmpty ? [] : [network.charge])).map { AlignedBuffer($0 + padding) }
    offset = network.offset
    values = AlignedBuffer(capacity: Self.padded(neurons))
    slopes = AlignedBuffer(capacity: Self.padded(neurons))
  }

  static func padded(_ n: Int) -> Int { (n + tile - 1) / tile * tile }

  private static func tiles(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> Double) -> AlignedBuffer<Double> {
    AlignedBuffer(
      stride(from: 0, to: rows, by: tile).flatMap { first in
        (0..<columns).flatMap { column in
          (first..<first + tile).map { $0 < rows ? element($0, column) : 0 }
        }
      })
  }

  /// - Parameters:
  ///   - descriptors: q, without the scaling.
  ///   - slopes: ∂U/∂q goes here; room for `padded(descriptorCount)`.
  ///   - chargeSlopes: ∂q̃/∂q of a network with charges.
  /// - Returns: energy (eV) and charge (e).
  func evaluate(
    _ descriptors: UnsafePointer<AtomLanes>, slopes energySlopes: UnsafeMutablePointer<AtomLanes>,
    chargeSlopes: UnsafeMutablePointer<AtomLanes>? = nil
  ) -> (energy: AtomLanes, charge: AtomLanes) {
    let values = values.pointer
    Self.multiply(
      forward.pointer, rows: neurons, columns: descriptorCount, descriptors, start: biases.pointer, values)
    var energy = AtomLanes(repeating: -offset)
    let output = UnsafePointer(outputs[0].pointer)
    let slopes = slopes.pointer
    let one = AtomLanes(repeating: 1)
    for k in 0..<neurons {
      let t = hyperbolicTangent(values[k])
      let w = AtomLanes(repeating: output[k])
      energy.addProduct(w, t)
      let slope = one.subtractingProduct(t, t)
      values[k] = chargeSlopes == nil ? slope : t
      slopes[k] = w * slope
    }
    Self.multiply(backward.pointer, rows: descriptorCount, columns: neurons, slopes, start: nil, energySlopes)
    var charge = AtomLanes.zero
    if let chargeSlopes {
      let output = UnsafePointer(outputs[1].pointer)
      for k in 0..<neurons {
        let t = values[k]
        let w = AtomLanes(repeating: output[k])
        charge.addProduct(w, t)
        slopes[k] = w * one.subtractingProduct(t, t)
      }
      Self.multiply(backward.pointer, rows: descriptorCount, columns: neurons, slopes, start: nil, chargeSlopes)
    }
    return (energy, charge)
  }

  /// y = start + W x, eight rows of W at a time.
  @inline(__always)
  private static func multiply(
    _ matrix: UnsafePointer<Double>, rows: Int, columns: Int, _ x: UnsafePointer<AtomLanes>,
    start: UnsafePointer<Double>?, _ y: UnsafeMutablePointer<AtomLanes>
  ) {
    var w = matrix
    var row = 0
    while row < rows {
      var a = InlineArray<8, AtomLanes>(repeating: .zero)
      if let start {
        for k in 0..<8 { a[k] = AtomLanes(repeating: start[row &+ k]) }
      }
      for column in 0..<columns {
        let value = x[column]
        for k in 0..<8 { a[k].addProduct(value, AtomLanes(repeating: w[k])) }
        w += 8
      }
      for k in 0..<8 { y[row &+ k] = a[k] }
      row &+= 8
    }
  }
}

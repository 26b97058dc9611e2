import MDCore
import MDNumerics
import MDPotentialFiles

/// The network of an element over many atoms: energies and their slopes with respect to the unscaled functions.
///
/// Eight atoms are evaluated abreast, so that a weight is loaded once for all of them, and four nodes at a time, so
/// that their sums stay in registers. A row holds one number for each input; inputs beyond the scaled ones (such as the
/// charge after the symmetry functions) go into the network as they are.
package final class NetworkEvaluator {
  package let inputCount: Int
  /// Added to every output.
  private let offset: Double
  /// shift, factor, offset of each input, one after the other.
  private let scaling: AlignedBuffer<Double>
  private let layers: [Layer]
  /// The memory that the pointers in `layers` point into.
  private let owned: [AlignedBuffer<Double>]
  /// Inputs of a block, then per layer the values and slopes of its nodes: a `Lanes8` a node.
  private let scratch: AlignedBuffer<Lanes8>
  private let slopes: AlignedBuffer<Lanes8>
  /// dE/d(sum) and dE/d(input) of the layer that the backward pass is at.
  private let sums: AlignedBuffer<Lanes8>
  private let inputs: AlignedBuffer<Lanes8>

  private struct Layer {
    var inputCount: Int
    var outputCount: Int
    var activation: FeedForwardNetwork.Activation
    /// By four outputs, then by input, then by output: what the forward pass reads in order; padded with zeros.
    var forward: UnsafePointer<Double>
    /// By four inputs, then by output, then by input.
    var backward: UnsafePointer<Double>
    /// Padded to four.
    var biases: UnsafePointer<Double>
    /// Places in the scratch of its inputs, of its values, and in the slopes.
    var inputStart: Int
    var valueStart: Int
    var slopeStart: Int
  }

  package init(_ network: FeedForwardNetwork, scaling functions: [FunctionScaling], offset: Double = 0) {
    inputCount = network.inputCount
    self.offset = offset
    let plain = Array(repeating: FunctionScaling.none, count: max(0, network.inputCount - functions.count))
    scaling = AlignedBuffer((functions + plain).flatMap { [$0.shift, $0.factor, $0.offset] })
    var valueStart = 0
    var slopeStart = 0
    var next = Self.padded(network.inputCount)
    var owned: [AlignedBuffer<Double>] = []
    func keep(_ numbers: [Double]) -> UnsafePointer<Double> {
      owned.append(AlignedBuffer(numbers))
      return UnsafePointer(owned[owned.count - 1].pointer)
    }
    layers = network.layers.map { layer in
      defer {
        valueStart = next
        next += Self.padded(layer.outputCount)
        slopeStart += Self.padded(layer.outputCount)
      }
      let (inputs, outputs) = (layer.inputCount, layer.outputCount)
      return Layer(
        inputCount: inputs, outputCount: outputs, activation: layer.activation,
        forward: keep(Self.tiles(outputs, inputs) { layer.weights[$0 * inputs + $1] }),
        backward: keep(Self.tiles(inputs, outputs) { layer.weights[$1 * inputs + $0] }),
        biases: keep(layer.biases + Array(repeating: 0, count: Self.padded(outputs) - outputs)),
        inputStart: valueStart, valueStart: next, slopeStart: slopeStart)
    }
    self.owned = owned
    let widest = Self.padded(([network.inputCount] + network.layers.map(\.outputCount)).max() ?? 0)
    scratch = AlignedBuffer(repeating: .zero, count: next)
    slopes = AlignedBuffer(repeating: .zero, count: slopeStart)
    sums = AlignedBuffer(repeating: .zero, count: widest)
    inputs = AlignedBuffer(repeating: .zero, count: widest)
  }

  private static func padded(_ n: Int) -> Int { (n + 3) & ~3 }

  /// A matrix of `rows` × `columns` by four rows, then by column, then by row.
  private static func tiles(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> Double) -> [Double] {
    stride(from: 0, to: rows, by: 4).flatMap { first in
      (0..<columns).flatMap { column in
        (first..<first + 4).map { $0 < rows ? element($0, column) : 0 }
      }
    }
  }

  /// Evaluates the atoms `atoms[0 ..< count]`.
  /// - Parameters:
  ///   - values: G of atom i from `values[i * stride]` on.
  ///   - gradients: where dE/dG of atom i goes, from `gradients[i * stride]` on; eV. May be the same as `values`.
  ///   - energies: where the energy of atom i goes, eV.
  package func evaluate(
    atoms: UnsafePointer<Int32>, count: Int, values: UnsafePointer<Double>,
    gradients: UnsafeMutablePointer<Double>, stride: Int, energies: UnsafeMutablePointer<Double>
  ) {
    var first = 0
    while first < count {
      let filled = min(8, count - first)
      load(atoms + first, filled, values, stride)
      forward()
      backward()
      store(atoms + first, filled, gradients, stride, energies)
      first += 8
    }
  }

  private func load(_ atoms: UnsafePointer<Int32>, _ filled: Int, _ values: UnsafePointer<Double>, _ stride: Int) {
    let x = scratch.pointer
    let plain = UnsafeMutableRawPointer(x).assumingMemoryBound(to: Double.self)
    let scaling = scaling.pointer
    let n = inputCount
    for lane in 0..<8 {
      // Lanes8 without an atom repeat the last one.
      let row = values + Int(atoms[min(lane, filled - 1)]) * stride
      for k in 0..<n { plain[8 * k + lane] = row[k] }
    }
    for k in 0..<n {
      let shift = Lanes8(repeating: scaling[3 * k])
      let factor = Lanes8(repeating: scaling[3 * k + 1])
      let add = Lanes8(repeating: scaling[3 * k + 2])
      x[k] = add.addingProduct(x[k] - shift, factor)
    }
  }

  private func forward() {
    let all = scratch.pointer
    for layer in layers {
      let y = all + layer.valueStart
      Self.multiply(
        layer.forward, rows: layer.outputCount, columns: layer.inputCount, all + layer.inputStart,
        start: layer.biases, y)
      Self.activate(layer.activation, y, slopes.pointer + layer.slopeStart, layer.outputCount)
    }
  }

  private func backward() {
    let inputs = inputs.pointer
    let sums = sums.pointer
    inputs[0] = Lanes8(repeating: 1)
    for layer in layers.reversed() {
      let slope = slopes.pointer + layer.slopeStart
      for k in 0..<layer.outputCount { sums[k] = inputs[k] * slope[k] }
      Self.multiply(
        layer.backward, rows: layer.inputCount, columns: layer.outputCount, sums, start: nil, inputs)
    }
  }

  private func store(
    _ atoms: UnsafePointer<Int32>, _ filled: Int, _ gradients: UnsafeMutablePointer<Double>, _ stride: Int,
    _ energies: UnsafeMutablePointer<Double>
  ) {
    let gradient = inputs.pointer
    let scaling = scaling.pointer
    let n = inputCount
    for k in 0..<n {
      gradient[k] *= Lanes8(repeating: scaling[3 * k + 1])
    }
    let plain = UnsafeMutableRawPointer(gradient).assumingMemoryBound(to: Double.self)
    let output = UnsafeMutableRawPointer(scratch.pointer + layers[layers.count - 1].valueStart)
      .assumingMemoryBound(to: Double.self)
    for lane in 0..<filled {
      let atom = Int(atoms[lane])
      let row = gradients + atom * stride
      for k in 0..<n { row[k] = plain[8 * k + lane] }
      energies[atom] = offset + output[lane]
    }
  }

  /// y = start + W x for eight atoms, four rows of W at a time.
  @inline(__always)
  private static func multiply(
    _ matrix: UnsafePointer<Double>, rows: Int, columns: Int, _ x: UnsafePointer<Lanes8>,
    start: UnsafePointer<Double>?, _ y: UnsafeMutablePointer<Lanes8>
  ) {
    var w = matrix
    var row = 0
    while row < rows {
      var a0 = Lanes8.zero
      var a1 = Lanes8.zero
      var a2 = Lanes8.zero
      var a3 = Lanes8.zero
      if let start {
        a0 = Lanes8(repeating: start[row])
        a1 = Lanes8(repeating: start[row + 1])
        a2 = Lanes8(repeating: start[row + 2])
        a3 = Lanes8(repeating: start[row + 3])
      }
      for column in 0..<columns {
        let a = x[column]
        a0.addProduct(a, Lanes8(repeating: w[0]))
        a1.addProduct(a, Lanes8(repeating: w[1]))
        a2.addProduct(a, Lanes8(repeating: w[2]))
        a3.addProduct(a, Lanes8(repeating: w[3]))
        w += 4
      }
      y[row] = a0
      y[row + 1] = a1
      y[row + 2] = a2
      y[row + 3] = a3
      row += 4
    }
  }

  /// Replaces sums by values and notes the slopes.
  @inline(__always)
  private static func activate(
    _ activation: FeedForwardNetwork.Activation, _ y: UnsafeMutablePointer<Lanes8>,
    _ slope: UnsafeMutablePointer<Lanes8>, _ count: Int
  ) {
    let one = Lanes8(repeating: 1)
    switch activation {
    case .linear:
      for k in 0..<count { slope[k] = one }
    case .tanh:
      for k in 0..<count {
        let t = hyperbolicTangent(y[k])
        y[k] = t
        slope[k] = one - t * t
      }
    case .logistic:
      for k in 0..<count {
        let s = reciprocal(one + exponential(y[k] * Lanes8(repeating: -1)))
        y[k] = s
        slope[k] = s * (one - s)
      }
    case .reversedLogistic:
      for k in 0..<count {
        let s = reciprocal(one + exponential(y[k]))
        y[k] = s
        slope[k] = s * (s - one)
      }
    case .rectified:
      for k in 0..<count {
        let positive = y[k] .> Lanes8.zero
        y[k] = Lanes8.zero.replacing(with: y[k], where: positive)
        slope[k] = Lanes8.zero.replacing(with: one, where: positive)
      }
    case .gaussian:
      for k in 0..<count {
        let x = y[k]
        let e = exponential(x * x * Lanes8(repeating: -0.5))
        y[k] = e
        slope[k] = x * e * Lanes8(repeating: -1)
      }
    case .exponential:
      for k in 0..<count {
        let e = exponential(y[k] * Lanes8(repeating: -1))
        y[k] = e
        slope[k] = e * Lanes8(repeating: -1)
      }
    case .harmonic:
      for k in 0..<count {
        slope[k] = y[k] + y[k]
        y[k] *= y[k]
      }
    case .softplus, .cosine:
      // Rarely used, so computed one number at a time.
      for k in 0..<count {
        for lane in 0..<8 { (y[k][lane], slope[k][lane]) = activation.valueAndSlope(y[k][lane]) }
      }
    }
  }
}

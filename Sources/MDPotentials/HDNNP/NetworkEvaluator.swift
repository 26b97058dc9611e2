import MDCore
import MDNumerics
import MDPotentialFiles

/// The network of an element over many atoms: energies and their slopes with respect to the unscaled functions.
///
/// Eight atoms abreast, so no lane waits and a weight is loaded once for all of them; four nodes at a time, so sums
/// stay in registers. What a second network (electronegativities) or further inputs (the charge after the functions)
/// need is there: rows hold one number an input, of which those beyond the scaling go in as they are.
public final class NetworkEvaluator {
  public let inputCount: Int
  /// Added to every output.
  private let offset: Double
  /// shift, factor, offset of each input, one after the other.
  private let scaling: AlignedBuffer<Double>
  private let layers: [Layer]
  /// What the pointers in `layers` point into.
  private let owned: [AlignedBuffer<Double>]
  /// Inputs of a block, then per layer the values and slopes of its nodes: two `Lanes` a node.
  private let scratch: AlignedBuffer<Lanes>
  private let slopes: AlignedBuffer<Lanes>
  /// dE/d(sum) and dE/d(input) of the layer in hand, which the backward pass goes between.
  private let sums: AlignedBuffer<Lanes>
  private let inputs: AlignedBuffer<Lanes>

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

  public convenience init(_ element: HDNNPElement) {
    self.init(element.network, scaling: element.scaling, offset: element.offset)
  }

  public init(_ network: FeedForwardNetwork, scaling functions: [FunctionScaling], offset: Double = 0) {
    inputCount = network.inputCount
    self.offset = offset
    let plain = Array(repeating: FunctionScaling.none, count: max(0, network.inputCount - functions.count))
    scaling = AlignedBuffer((functions + plain).flatMap { [$0.shift, $0.factor, $0.offset] })
    var valueStart = 0
    var slopeStart = 0
    var next = 2 * Self.padded(network.inputCount)
    var owned: [AlignedBuffer<Double>] = []
    func keep(_ numbers: [Double]) -> UnsafePointer<Double> {
      owned.append(AlignedBuffer(numbers))
      return UnsafePointer(owned[owned.count - 1].pointer)
    }
    layers = network.layers.map { layer in
      defer {
        valueStart = next
        next += 2 * Self.padded(layer.outputCount)
        slopeStart += 2 * Self.padded(layer.outputCount)
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
    sums = AlignedBuffer(repeating: .zero, count: 2 * widest)
    inputs = AlignedBuffer(repeating: .zero, count: 2 * widest)
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
  public func evaluate(
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
      // Empty lanes repeat the last atom.
      let row = values + Int(atoms[min(lane, filled - 1)]) * stride
      for k in 0..<n { plain[8 * k + lane] = row[k] }
    }
    for k in 0..<n {
      let shift = Lanes(repeating: scaling[3 * k])
      let factor = Lanes(repeating: scaling[3 * k + 1])
      let add = Lanes(repeating: scaling[3 * k + 2])
      x[2 * k] = add.addingProduct(x[2 * k] - shift, factor)
      x[2 * k + 1] = add.addingProduct(x[2 * k + 1] - shift, factor)
    }
  }

  private func forward() {
    let all = scratch.pointer
    for layer in layers {
      let y = all + layer.valueStart
      Self.multiply(
        layer.forward, rows: layer.outputCount, columns: layer.inputCount, all + layer.inputStart,
        start: layer.biases, y)
      Self.activate(layer.activation, y, slopes.pointer + layer.slopeStart, 2 * layer.outputCount)
    }
  }

  private func backward() {
    let inputs = inputs.pointer
    let sums = sums.pointer
    inputs[0] = Lanes(repeating: 1)
    inputs[1] = Lanes(repeating: 1)
    for layer in layers.reversed() {
      let slope = slopes.pointer + layer.slopeStart
      for k in 0..<2 * layer.outputCount { sums[k] = inputs[k] * slope[k] }
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
      let factor = Lanes(repeating: scaling[3 * k + 1])
      gradient[2 * k] *= factor
      gradient[2 * k + 1] *= factor
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
    _ matrix: UnsafePointer<Double>, rows: Int, columns: Int, _ x: UnsafePointer<Lanes>,
    start: UnsafePointer<Double>?, _ y: UnsafeMutablePointer<Lanes>
  ) {
    var w = matrix
    var row = 0
    while row < rows {
      var a0 = Lanes.zero
      var a1 = Lanes.zero
      var a2 = Lanes.zero
      var a3 = Lanes.zero
      if let start {
        a0 = Lanes(repeating: start[row])
        a1 = Lanes(repeating: start[row + 1])
        a2 = Lanes(repeating: start[row + 2])
        a3 = Lanes(repeating: start[row + 3])
      }
      var b0 = a0
      var b1 = a1
      var b2 = a2
      var b3 = a3
      for column in 0..<columns {
        let a = x[2 * column]
        let b = x[2 * column + 1]
        let w0 = Lanes(repeating: w[0])
        a0 = a0.addingProduct(w0, a)
        b0 = b0.addingProduct(w0, b)
        let w1 = Lanes(repeating: w[1])
        a1 = a1.addingProduct(w1, a)
        b1 = b1.addingProduct(w1, b)
        let w2 = Lanes(repeating: w[2])
        a2 = a2.addingProduct(w2, a)
        b2 = b2.addingProduct(w2, b)
        let w3 = Lanes(repeating: w[3])
        a3 = a3.addingProduct(w3, a)
        b3 = b3.addingProduct(w3, b)
        w += 4
      }
      let out = y + 2 * row
      out[0] = a0
      out[1] = b0
      out[2] = a1
      out[3] = b1
      out[4] = a2
      out[5] = b2
      out[6] = a3
      out[7] = b3
      row += 4
    }
  }

  /// Replaces sums by values and notes the slopes.
  @inline(__always)
  private static func activate(
    _ activation: FeedForwardNetwork.Activation, _ y: UnsafeMutablePointer<Lanes>,
    _ slope: UnsafeMutablePointer<Lanes>, _ count: Int
  ) {
    let one = Lanes(repeating: 1)
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
        let s = one / (one + exponential(y[k] * Lanes(repeating: -1)))
        y[k] = s
        slope[k] = s * (one - s)
      }
    case .reversedLogistic:
      for k in 0..<count {
        let s = one / (one + exponential(y[k]))
        y[k] = s
        slope[k] = s * (s - one)
      }
    case .rectified:
      for k in 0..<count {
        let positive = y[k] .> Lanes.zero
        y[k] = Lanes.zero.replacing(with: y[k], where: positive)
        slope[k] = Lanes.zero.replacing(with: one, where: positive)
      }
    case .gaussian:
      for k in 0..<count {
        let x = y[k]
        let e = exponential(x * x * Lanes(repeating: -0.5))
        y[k] = e
        slope[k] = x * e * Lanes(repeating: -1)
      }
    case .exponential:
      for k in 0..<count {
        let e = exponential(y[k] * Lanes(repeating: -1))
        y[k] = e
        slope[k] = e * Lanes(repeating: -1)
      }
    case .harmonic:
      for k in 0..<count {
        slope[k] = y[k] + y[k]
        y[k] *= y[k]
      }
    case .softplus, .cosine:
      // Seldom used: number by number.
      for k in 0..<count {
        for lane in 0..<4 { (y[k][lane], slope[k][lane]) = activation.valueAndSlope(y[k][lane]) }
      }
    }
  }
}

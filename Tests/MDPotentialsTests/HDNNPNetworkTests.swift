import Foundation
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Batched networks against the plain sums, node by node.
@Suite struct HDNNPNetworkTests {
  static func network(_ shape: [Int], _ activation: FeedForwardNetwork.Activation) -> FeedForwardNetwork {
    var random = SplitMix64(seed: 3)
    func numbers(_ n: Int) -> [Double] { (0..<n).map { _ in Double.random(in: -1..<1, using: &random) } }
    return FeedForwardNetwork(
      layers: shape.indices.dropFirst().map { l in
        .init(
          // Small enough for exponentials of exponentials.
          weights: numbers(shape[l - 1] * shape[l]).map { $0 / Double(shape[l - 1]) }, biases: numbers(shape[l]),
          activation: l == shape.count - 1 ? .linear : activation)
      })
  }

  @Test(arguments: FeedForwardNetwork.Activation.allCases)
  func agreesWithPlainSums(_ activation: FeedForwardNetwork.Activation) {
    for shape in [[27, 8, 8, 1], [30, 25, 25, 1], [1, 1, 1], [5, 1], [3, 4, 5, 6, 1]] {
      let network = Self.network(shape, activation)
      // The last input has no scaling, as a charge has not.
      let scaling = (0..<max(1, shape[0] - 1)).map {
        FunctionScaling(shift: 0.1 * Double($0), factor: 1 + 0.05 * Double($0), offset: -0.2)
      }
      let evaluator = NetworkEvaluator(network, scaling: scaling, offset: -3)
      let (stride, atomCount) = (shape[0] + 3, 29)
      var random = SplitMix64(seed: 9)
      let values = AlignedBuffer((0..<stride * atomCount).map { _ in Double.random(in: -1..<1, using: &random) })
      // Every number of atoms up to two blocks, scattered.
      for count in 0...17 {
        let atoms = AlignedBuffer((0..<count).map { Int32(($0 * 11 + 4) % atomCount) })
        let gradients = AlignedBuffer(repeating: 77.0, count: stride * atomCount)
        let energies = AlignedBuffer(repeating: 77.0, count: atomCount)
        evaluator.evaluate(
          atoms: atoms.pointer, count: count, values: values.pointer, gradients: gradients.pointer, stride: stride,
          energies: energies.pointer)
        for atom in 0..<atomCount {
          guard (0..<count).contains(where: { atoms.pointer[$0] == atom }) else {
            #expect(energies.pointer[atom] == 77 && gradients.pointer[atom * stride] == 77)
            continue
          }
          let raw = (0..<shape[0]).map { values.pointer[atom * stride + $0] }
          let all = scaling + Array(repeating: .none, count: shape[0] - scaling.count)
          let inputs = zip(raw, all).map { ($0 - $1.shift) * $1.factor + $1.offset }
          let (output, slopes) = HDNNPBruteForce.propagate(network, inputs)
          #expect(abs(energies.pointer[atom] - (output - 3)) < 1e-12 * max(1, abs(output)), "\(shape)")
          for k in raw.indices {
            let slope = slopes[k] * all[k].factor
            let found = gradients.pointer[atom * stride + k]
            #expect(abs(found - slope) < 1e-11 * max(1, slopes.map(abs).max()!), "\(shape), input \(k)")
          }
          #expect(gradients.pointer[atom * stride + shape[0]] == 77)
        }
      }
    }
  }

  /// G may be overwritten by dE/dG in place.
  @Test func worksInPlace() {
    let evaluator = NetworkEvaluator(Self.network([6, 4, 1], .tanh), scaling: [])
    var random = SplitMix64(seed: 1)
    let values = AlignedBuffer((0..<60).map { _ in Double.random(in: -1..<1, using: &random) })
    let gradients = AlignedBuffer(repeating: 0.0, count: 60)
    let energies = AlignedBuffer(repeating: 0.0, count: 10)
    let atoms = AlignedBuffer((0..<10).map { Int32($0) })
    func run(_ target: UnsafeMutablePointer<Double>) {
      evaluator.evaluate(
        atoms: atoms.pointer, count: 10, values: values.pointer, gradients: target, stride: 6,
        energies: energies.pointer)
    }
    run(gradients.pointer)
    run(values.pointer)
    #expect((0..<60).allSatisfy { values.pointer[$0] == gradients.pointer[$0] })
  }

  @Test(arguments: FeedForwardNetwork.Activation.allCases)
  func slopesAreSlopes(_ activation: FeedForwardNetwork.Activation) {
    for x in [-3.0, -0.7, 0.2, 1.9, 4] {
      let h = 1e-4
      func f(_ x: Double) -> Double { activation.valueAndSlope(x).0 }
      let slope = (8 * (f(x + h) - f(x - h)) - f(x + 2 * h) + f(x - 2 * h)) / (12 * h)
      #expect(abs(slope - activation.valueAndSlope(x).1) < 1e-9 * max(1, abs(slope)))
    }
    #expect(activation.valueAndSlope(-60).0.isFinite && activation.valueAndSlope(60).0.isFinite)
  }
}

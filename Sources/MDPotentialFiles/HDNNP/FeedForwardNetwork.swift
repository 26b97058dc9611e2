/// A fully connected network with one output: yₗ = activation(Wₗ yₗ₋₁ + bₗ).
public struct FeedForwardNetwork: Sendable {
  public struct Layer: Sendable {
    /// Row-major: `weights[output * inputCount + input]`.
    public var weights: [Double]
    public var biases: [Double]
    public var activation: Activation

    public init(weights: [Double], biases: [Double], activation: Activation) {
      self.weights = weights
      self.biases = biases
      self.activation = activation
    }
    public var outputCount: Int { biases.count }
    public var inputCount: Int { weights.count / max(biases.count, 1) }
  }

  /// What a node makes of its sum x.
  public enum Activation: Sendable, Hashable, CaseIterable {
    case linear
    case tanh
    /// 1 / (1 + e⁻ˣ).
    case logistic
    /// 1 − 1 / (1 + e⁻ˣ).
    case reversedLogistic
    /// ln(1 + eˣ).
    case softplus
    /// max(x, 0).
    case rectified
    /// e^(−x²/2).
    case gaussian
    /// cos x.
    case cosine
    /// e⁻ˣ.
    case exponential
    /// x².
    case harmonic
  }

  public var layers: [Layer]

  public init(layers: [Layer]) {
    self.layers = layers
  }
  public var inputCount: Int { layers.first?.inputCount ?? 0 }
}

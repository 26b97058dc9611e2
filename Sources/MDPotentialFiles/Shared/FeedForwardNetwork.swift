/// A fully connected network with one output: yₗ = activation(Wₗ yₗ₋₁ + bₗ).
package struct FeedForwardNetwork: Sendable {
  package struct Layer: Sendable {
    /// Row-major: `weights[output * inputCount + input]`.
    package var weights: [Double]
    package var biases: [Double]
    package var activation: Activation

    package init(weights: [Double], biases: [Double], activation: Activation) {
      self.weights = weights
      self.biases = biases
      self.activation = activation
    }
    package var outputCount: Int { biases.count }
    package var inputCount: Int { weights.count / max(biases.count, 1) }
  }

  /// What a node makes of its sum x.
  package enum Activation: Sendable, Hashable, CaseIterable {
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

  package var layers: [Layer]

  package init(layers: [Layer]) {
    self.layers = layers
  }
  package var inputCount: Int { layers.first?.inputCount ?? 0 }
}

/// How a symmetry function becomes an input, x = (G − shift)·factor + offset, and the range of G in training.
package struct FunctionScaling: Sendable, Hashable {
  package var shift: Double
  package var factor: Double
  package var offset: Double
  /// Of the unscaled G over the training set; ±∞ where the files do not say.
  package var minimum: Double
  package var maximum: Double

  package init(
    shift: Double = 0, factor: Double = 1, offset: Double = 0, minimum: Double = -.infinity,
    maximum: Double = .infinity
  ) {
    self.shift = shift
    self.factor = factor
    self.offset = offset
    self.minimum = minimum
    self.maximum = maximum
  }

  package static let none = FunctionScaling()
}

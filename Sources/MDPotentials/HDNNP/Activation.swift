import Foundation
import MDPotentialFiles

extension FeedForwardNetwork.Activation {
  /// The function and its slope, one number; kernels use `NetworkEvaluator`.
  package func valueAndSlope(_ x: Double) -> (Double, Double) {
    switch self {
    case .linear: return (x, 1)
    case .tanh:
      let y = Foundation.tanh(x)
      return (y, 1 - y * y)
    case .logistic:
      let y = 1 / (1 + exp(-x))
      return (y, y * (1 - y))
    case .reversedLogistic:
      let y = 1 / (1 + exp(x))
      return (y, y * (y - 1))
    case .softplus: return (max(x, 0) + log1p(exp(-abs(x))), 1 / (1 + exp(-x)))
    case .rectified: return x > 0 ? (x, 1) : (0, 0)
    case .gaussian:
      let y = exp(-x * x / 2)
      return (y, -x * y)
    case .cosine: return (cos(x), -sin(x))
    case .exponential:
      let y = exp(-x)
      return (y, -y)
    case .harmonic: return (x * x, 2 * x)
    }
  }
}

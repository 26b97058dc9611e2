/// The folds of a crack's path: largest and least K along the curve of its equilibria, between which the lattice traps it.
///
/// A fold is where K of a point is more, or less, than of its neighbours on both sides: the top of the parabola through the three, over the
/// length along the curve.
struct CrackFolds: Codable, Equatable {
  struct Fold: Codable, Equatable {
    /// Whether K is largest there (K₊, where the crack advances by itself) or least (K₋).
    var isHighest: Bool
    /// MPa√m, and how far the point on the path is from it.
    var k: Double
    var error: Double
    /// Of the field's centre at the point, Å.
    var centre: Double
  }

  /// α and K of the last three.
  private var points: [[Double]] = []
  private(set) var found: [Fold] = []

  /// First of each kind.
  var highest: Fold? { found.first(where: \.isHighest) }
  var least: Fold? { found.first { !$0.isHighest } }

  /// - Parameter scale: Å of the centre that are as far as K by a factor of e.
  mutating func add(centre: Double, k: Double, scale: Double) {
    points = points.suffix(2) + [[centre, k]]
    guard points.count == 3 else { return }
    let (a, b, c) = (points[0][1], points[1][1], points[2][1])
    guard (b - a) * (c - b) < 0 else { return }
    func distance(_ i: Int) -> Double {
      let (x, y) = (points[i + 1][0] - points[i][0], scale * (points[i + 1][1] - points[i][1]) / b)
      return (x * x + y * y).squareRoot()
    }
    let (p, q) = (distance(0), distance(1))
    // K = b + u s + v s² with s = −p, 0, q.
    let v = ((c - b) / q - (b - a) / p) / (p + q)
    let u = (b - a) / p + v * p
    let top = b - u * u / (4 * v)
    found.append(Fold(isHighest: b > a, k: top, error: abs(top - b), centre: points[1][0]))
  }

  /// Whether no run writes that.
  var isSound: Bool { points.count <= 3 && points.allSatisfy { $0.count == 2 && $0.allSatisfy(\.isFinite) } }
}

import Foundation
import MDNumerics
import Testing

@Suite struct HyperbolicTests {
  /// Distance in units in the last place.
  static func distance(_ a: Double, _ b: Double) -> Double { abs(a - b) / max(b.ulp, .leastNonzeroMagnitude) }

  @Test func tanhToTheLastPlaces() {
    // Small and large arguments, the joints between the pieces of the reduction, both signs.
    var arguments = stride(from: -22.0, through: 22.0, by: 0.000_731).map { $0 }
    arguments += stride(from: -300.0, through: 1.3, by: 0.1).map { pow(10, $0) }
    arguments += (0..<60).flatMap { n in
      let joint = (Double(n) + 0.5) * 0.5 * log(2)
      return [joint.nextDown, joint, joint.nextUp]
    }
    var worst = 0.0
    for x in arguments {
      let y = hyperbolicTangent(SIMD4(x, -x, 0, x / 2))
      // The library's own tanh is good to about one unit.
      worst = max(worst, Self.distance(y[0], Foundation.tanh(x)), Self.distance(y[3], Foundation.tanh(x / 2)))
      #expect(y[1] == -y[0] && y[2] == 0)
    }
    #expect(worst <= 4, "off by \(worst) units in the last place")
    #if arch(x86_64)
      // The extended format of this processor knows better.
      let exact = arguments.map { x in
        let e = expm1(2 * Float80(x))
        return abs(x) > 25 ? Float80(x.sign == .minus ? -1 : 1) : e / (e + 2)
      }
      let error = zip(arguments, exact).map { x, y in
        Double(abs(Float80(hyperbolicTangent(SIMD4(repeating: x))[0]) - y)) / max(Double(y).ulp, .leastNonzeroMagnitude)
      }.max()!
      #expect(error <= 2.5, "off by \(error) units in the last place")
    #endif
  }

  @Test func tanhOfTheExtremes() {
    #expect(hyperbolicTangent(SIMD4(.infinity, -.infinity, 1e300, -20.1)) == SIMD4(1, -1, 1, -1))
    let tiny = SIMD4(-0.0, .leastNonzeroMagnitude, .leastNormalMagnitude / 4, -.leastNormalMagnitude)
    #expect(hyperbolicTangent(tiny) == tiny && hyperbolicTangent(tiny)[0].sign == .minus)
    #expect(hyperbolicTangent(SIMD4(repeating: .nan))[0].isNaN)
  }
}

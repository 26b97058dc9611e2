import MDNumerics

/// Miller indices, crystal directions and, in units of half the lattice constant, vectors of cubic lattices.
package typealias IntegerVector = SIMD3<Int>

func dot(_ a: IntegerVector, _ b: IntegerVector) -> Int { a.x * b.x + a.y * b.y + a.z * b.z }

func cross(_ a: IntegerVector, _ b: IntegerVector) -> IntegerVector {
  IntegerVector(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (abs(a), abs(b))
  while b != 0 { (a, b) = (b, a % b) }
  return a
}

extension IntegerVector {
  static func * (k: Int, v: IntegerVector) -> IntegerVector { v &* k }
  static func + (a: IntegerVector, b: IntegerVector) -> IntegerVector { a &+ b }
  static func - (a: IntegerVector, b: IntegerVector) -> IntegerVector { a &- b }
  static prefix func - (a: IntegerVector) -> IntegerVector { .zero &- a }

  var squaredLength: Int { dot(self, self) }
  var length: Double { Double(squaredLength).squareRoot() }
  package var real: Vector3 { Vector3(Double(x), Double(y), Double(z)) }
  var divisor: Int { greatestCommonDivisor(greatestCommonDivisor(x, y), z) }
  /// The shortest integer vector in this direction; the vector must not be zero.
  var primitive: IntegerVector {
    let k = divisor
    return IntegerVector(x / k, y / k, z / k)
  }
  /// `[uvw]` or `(hkl)` without the brackets, spaced where a number has more than one digit or a sign.
  var indices: String {
    let numbers = [x, y, z]
    return numbers.map(String.init).joined(separator: numbers.allSatisfy { (0...9).contains($0) } ? "" : " ")
  }
}

/// The two shorter, more nearly perpendicular vectors that span the same plane lattice (Gauss reduction).
func reduced(_ a: IntegerVector, _ b: IntegerVector) -> (IntegerVector, IntegerVector) {
  var (a, b) = (a, b)
  while true {
    if b.squaredLength < a.squaredLength { swap(&a, &b) }
    let product = dot(a, b)
    if 2 * abs(product) <= a.squaredLength { return (a, b) }
    b = b - Int((Double(product) / Double(a.squaredLength)).rounded()) * a
  }
}

/// The rectangular cell of smallest area in the plane lattice of `a` and `b`, the squarest of several.
///
/// A perpendicular partner exists for every vector of a plane of a cubic lattice, because n × p is again integer.
func smallestRectangle(_ a: IntegerVector, _ b: IntegerVector) -> (IntegerVector, IntegerVector) {
  let (a, b) = reduced(a, b)
  var best: (IntegerVector, IntegerVector)?
  var bestArea = Int.max
  var bestPerimeter = Double.infinity
  for s in 0...6 {
    for t in -6...6 where (s > 0 || t > 0) && greatestCommonDivisor(s, t) == 1 {
      let p = s * a + t * b
      let (x, y) = (-dot(p, b), dot(p, a))
      let k = greatestCommonDivisor(x, y)
      let q = (x / k) * a + (y / k) * b
      // Products beyond the range of integers are none of the smallest.
      let (area, isTooLarge) = p.squaredLength.multipliedReportingOverflow(by: q.squaredLength)
      if isTooLarge { continue }
      let perimeter = p.length + q.length
      if area < bestArea || (area == bestArea && perimeter < bestPerimeter - 1e-9) {
        (best, bestArea, bestPerimeter) = ((p, q), area, perimeter)
      }
    }
  }
  return best!
}

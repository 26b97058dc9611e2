import MDCore
import MDStructures
import Testing

@Suite("Coincidence")
struct CoincidenceTests {
  /// W. Bollmann, H. Grimmer and others: Σ and the smallest angle about the axis for planes in common use.
  @Test(
    "Σ and angle of symmetric tilt boundaries",
    arguments: [
      ([0, 0, 1], [3, 1, 0], 5, 36.87), ([0, 0, 1], [2, 1, 0], 5, 36.87), ([0, 0, 1], [5, 1, 0], 13, 22.62),
      ([0, 0, 1], [3, 2, 0], 13, 22.62), ([0, 0, 1], [4, 1, 0], 17, 28.07), ([0, 0, 1], [5, 3, 0], 17, 28.07),
      ([0, 0, 1], [7, 1, 0], 25, 16.26), ([0, 0, 1], [4, 3, 0], 25, 16.26),
      ([1, 1, 0], [1, -1, 1], 3, 70.53), ([1, 1, 0], [1, -1, 2], 3, 70.53), ([1, 1, 0], [2, -2, 1], 9, 38.94),
      ([1, 1, 0], [1, -1, 4], 9, 38.94), ([1, 1, 0], [1, -1, 3], 11, 50.48), ([1, 1, 0], [3, -3, 2], 11, 50.48),
      ([1, 1, 1], [1, 2, -3], 7, 38.21), ([1, 1, 1], [1, 3, -4], 13, 27.80),
    ] as [(IntegerVector, IntegerVector, Int, Double)])
  func tilt(_ axis: IntegerVector, _ plane: IntegerVector, _ sigma: Int, _ angle: Double) throws {
    #expect(SymmetricTilt.sigma(of: plane) == sigma)
    let found = try #require(SymmetricTilt.angle(axis: axis, plane: plane))
    #expect(abs(found - angle) < 0.006)
    #expect(SymmetricTilt.planes(axis: axis, sigma: sigma).contains { sameForm($0, plane) })
  }

  @Test(
    "Σ and angle of twist rotations",
    arguments: [
      ([0, 0, 1], 5, 36.87), ([0, 0, 1], 13, 22.62), ([0, 0, 1], 17, 28.07), ([0, 0, 1], 25, 16.26),
      ([1, 1, 1], 3, 60), ([1, 1, 1], 7, 38.21), ([1, 1, 1], 13, 27.80), ([1, 1, 1], 19, 46.83),
      ([1, 1, 0], 3, 70.53), ([1, 1, 0], 9, 38.94), ([1, 1, 0], 11, 50.48), ([1, 1, 0], 17, 86.63),
    ] as [(IntegerVector, Int, Double)])
  func twist(_ axis: IntegerVector, _ sigma: Int, _ angle: Double) throws {
    let rotation = try #require(CoincidenceRotation.about(axis, sigma: sigma))
    #expect(abs(rotation.angle - angle) < 0.006)
  }

  @Test("the Σ about [001], [110] and [111]")
  func sigmas() {
    #expect(CoincidenceRotation.sigmas(about: [0, 0, 1], upTo: 41) == [5, 13, 17, 25, 29, 37, 41])
    #expect(CoincidenceRotation.sigmas(about: [1, 1, 0], upTo: 19) == [3, 9, 11, 17, 19])
    #expect(CoincidenceRotation.sigmas(about: [1, 1, 1], upTo: 21) == [3, 7, 13, 19, 21])
  }

  @Test(
    "Σ is the share of points that coincide, for primitive, face- and body-centred lattices",
    arguments: [
      (1, [0, 0, 1], 1), (2, [0, 0, 1], 5), (3, [0, 0, 1], 5), (0, [1, -1, 1], 3), (0, [1, -1, 2], 3),
      (0, [2, -2, 1], 9), (3, [1, 1, 0], 11), (5, [1, 1, 1], 7), (4, [0, 0, 1], 17), (7, [1, 2, 3], 63),
    ] as [(Int, IntegerVector, Int)])
  func counted(_ m: Int, _ v: IntegerVector, _ sigma: Int) {
    let rotation = CoincidenceRotation(m, v)
    #expect(rotation.sigma == sigma)
    // Units of a/2: twice Σ along each edge is a period of the coincidence lattice.
    let edge = 2 * sigma
    let lattices: [(Int) -> Bool] = [{ $0 == 0 }, { $0 % 2 == 0 }, { $0 % 3 == 0 }]
    for contains in lattices {
      var points = 0
      var coincident = 0
      for x in 0..<edge {
        for y in 0..<edge {
          for z in 0..<edge where contains(oddIndices([x, y, z])) {
            points += 1
            if let image = rotation.inverse([x, y, z]), contains(oddIndices(image)) { coincident += 1 }
          }
        }
      }
      #expect(points == sigma * coincident)
    }
  }

  /// None odd: primitive; an even number: face-centred; none or all: body-centred.
  private func oddIndices(_ v: IntegerVector) -> Int { (0..<3).count { v[$0] % 2 != 0 } }

  @Test("planes are listed one of each form, without signs where possible")
  func planes() {
    #expect(SymmetricTilt.planes(axis: [0, 0, 1], sigma: 5) == [[2, 1, 0], [3, 1, 0]])
    #expect(SymmetricTilt.planes(axis: [0, 0, 1], sigma: 7).isEmpty)
    // No mirror plane of the cube contains [123].
    #expect(SymmetricTilt.angle(axis: [1, 2, 3], plane: [3, 0, -1]) == nil)
  }

  private func sameForm(_ a: IntegerVector, _ b: IntegerVector) -> Bool {
    func form(_ v: IntegerVector) -> [Int] { (0..<3).map { abs(v[$0]) }.sorted() }
    return form(a) == form(b)
  }
}

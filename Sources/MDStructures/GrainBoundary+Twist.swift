import MDCore
import MDNumerics

extension GrainBoundary {
  /// The common plane lattice of the two grains, and a cut between the atomic planes that are furthest apart.
  func twistGeometry() throws -> Geometry {
    let normal = axis.primitive
    if let plane, cross(plane, axis) != .zero || dot(plane, axis) < 0 {
      throw FaultlineError(
        .input, "the plane (\(plane.indices)) of a twist boundary is not perpendicular to its axis [\(axis.indices)]",
        hint: "leave the plane out, or give (\(normal.indices))")
    }
    guard let sigma else {
      throw FaultlineError(.input, "a twist boundary needs its Σ", hint: allowedSigmas())
    }
    guard sigma > 1, sigma < 10_000, let rotation = CoincidenceRotation.about(normal, sigma: sigma) else {
      throw FaultlineError(
        .input, "no rotation about [\(axis.indices)] has Σ \(sigma)", hint: allowedSigmas())
    }
    let crystal = try CubicCrystal(unitCell)
    let (p, q) = coincidenceCell(crystal, normal, rotation)
    let lower = OrientedCrystal(crystal, edges: (p, q), normal: normal)
    // Coincident vectors of the plane, seen from the turned grain.
    let turned = (rotation.inverse(p)!, rotation.inverse(q)!)
    let upper = OrientedCrystal(crystal, edges: turned, normal: normal)

    // A mirror plane through the axis and the lattice point that it passes, turned by θ/2, swaps the grains.
    let isMirrorSymmetric = crystal.operations.contains {
      $0.isImproper && $0.rotated(normal) == normal
        && CubicCrystal.isLatticeVector($0.translation, crystal.centring)
    }
    return Geometry(
      lower: lower, upper: upper, isMirrored: false, bottom: widestGap(lower), step: lower.normalPeriod,
      sigma: sigma, plane: normal, misorientation: rotation.angle,
      directions: [(p, q), turned].map { [$0.0.primitive, $0.1.primitive, normal] },
      boundariesAreEquivalent: isMirrorSymmetric && shift == .zero)
  }

  private func allowedSigmas() -> String {
    let list = CoincidenceRotation.sigmas(about: axis, upTo: 101).map(String.init).joined(separator: ", ")
    return "Σ of twist boundaries about [\(axis.indices)]: \(list), …"
  }

  /// The smallest rectangle of vectors in the plane that both grains have.
  private func coincidenceCell(
    _ crystal: CubicCrystal, _ normal: IntegerVector, _ rotation: CoincidenceRotation
  ) -> (IntegerVector, IntegerVector) {
    let (first, second, _) = crystal.basis(normal: normal)
    func coincides(_ i: Int, _ j: Int) -> Bool {
      rotation.inverse(i * first + j * second).map(crystal.contains) ?? false
    }
    // A triangular basis: the least multiple of `first`, and the first row above that has a point.
    let limit = 2 * rotation.sigma
    let columns = (1...limit).first { coincides($0, 0) }!
    for j in 1...limit {
      if let i = (0..<columns).first(where: { coincides($0, j) }) {
        let (p, q) = smallestRectangle(columns * first, i * first + j * second)
        return dot(cross(p, q), normal) > 0 ? (p, q) : (p, -q)
      }
    }
    preconditionFailure("Σ times a lattice vector is a coincidence vector")
  }

  /// The height in the middle of the widest gap between atomic planes, where the fewest bonds cross, next above
  /// the lattice plane of the origin: the rotation axis passes through an atom there.
  private func widestGap(_ crystal: OrientedCrystal) -> Double {
    let heights = crystal.atomicHeights
    let gaps = zip(heights, heights.dropFirst() + [heights[0] + crystal.spacing]).map { ($0, $1 - $0) }
    let widest = gaps.max { $0.1 < $1.1 - 1e-6 }!
    return widest.0 + 0.5 * widest.1
  }
}

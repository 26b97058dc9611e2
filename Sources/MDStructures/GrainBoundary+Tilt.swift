import MDCore
import MDNumerics

extension GrainBoundary {
  /// Checks plane, axis and Σ against each other and finds where the mirror plane cuts the crystal.
  func tiltGeometry() throws -> Geometry {
    guard let plane = plane?.primitive else {
      throw FaultlineError(.input, "a tilt boundary needs its plane", hint: allowedPlanes(sigma))
    }
    guard dot(plane, axis) == 0 else {
      throw FaultlineError(
        .input, "the plane (\(plane.indices)) does not contain the tilt axis [\(axis.indices)]",
        hint: allowedPlanes(sigma))
    }
    let found = SymmetricTilt.sigma(of: plane)
    if let sigma, sigma != found {
      throw FaultlineError(
        .input, "the symmetric tilt boundary (\(plane.indices)) [\(axis.indices)] has Σ \(found), not \(sigma)",
        hint: allowedPlanes(sigma))
    }
    guard found > 1 else {
      throw FaultlineError(
        .input, "(\(plane.indices)) is a mirror plane of the cubic lattice: there is no boundary",
        hint: allowedPlanes(nil))
    }
    guard let angle = SymmetricTilt.angle(axis: axis, plane: plane) else {
      throw FaultlineError(
        .input, "grains that mirror each other in (\(plane.indices)) are not turned about [\(axis.indices)]",
        hint: "a tilt axis has an index 0 or two of equal size")
    }
    let crystal = try CubicCrystal(unitCell)
    let tiltAxis = axis.primitive
    let across = cross(tiltAxis, plane).primitive
    let grain = OrientedCrystal(
      crystal, edges: (crystal.period(along: across), crystal.period(along: tiltAxis)), normal: plane)

    // The top face is the bottom face turned over when an operation S r + t has S n = −n: the height h of a
    // plane becomes t·n − h, so that the thickness must be t·n − 2 h up to whole spacings.
    let reversals = crystal.operations.filter { $0.rotated(plane) == -plane }
    var warnings: [String] = []
    if reversals.isEmpty {
      warnings.append(
        "(\(plane.indices)) is a polar plane of this crystal: the two boundaries have opposite polarity")
    }
    if !crystal.operations.contains(where: \.isImproper) {
      warnings.append("the crystal is chiral: the mirrored grain is of the other hand")
    }
    var geometry = Geometry(
      lower: grain, upper: grain, isMirrored: true, bottom: 0, step: grain.spacing, remainder: 0, sigma: found,
      plane: plane, misorientation: angle,
      directions: Array(repeating: [across, tiltAxis, plane], count: 2),
      boundariesAreEquivalent: !reversals.isEmpty, warnings: warnings)
    let bottoms = crystal.sites.count == 1 ? grain.atomicHeights : mirrorHeights(grain)
    var best: (defects: Double, geometry: Geometry)?
    for bottom in bottoms {
      geometry.bottom = bottom
      geometry.remainder = 0
      if let reversal = reversals.first {
        let thickness = (grain.height(reversal.translation) - 2 * bottom) / grain.spacing
        geometry.remainder = grain.spacing * max(0, thickness - (thickness + 1e-6).rounded(.down))
      }
      if bottoms.count == 1 { return geometry }
      let defects = try coordinationDefects(geometry)
      if defects < best?.defects ?? .infinity { best = (defects - 1e-6, geometry) }
    }
    return best!.geometry
  }

  private func allowedPlanes(_ sigma: Int?) -> String {
    func list(_ sigma: Int) -> [String] {
      SymmetricTilt.planes(axis: axis, sigma: sigma).map { "(\($0.indices))" }
    }
    if let sigma, (3..<10_000).contains(sigma), !list(sigma).isEmpty {
      return "symmetric tilt planes for Σ \(sigma) [\(axis.indices)]: \(list(sigma).joined(separator: ", "))"
    }
    let all = stride(from: 3, through: 33, by: 2).flatMap { s in list(s).map { "Σ \(s) \($0)" } }
    return "symmetric tilt boundaries about [\(axis.indices)]: \(all.joined(separator: ", ")), …"
  }

  /// Where a mirror plane may lie: on the atomic planes and half-way between them.
  private func mirrorHeights(_ crystal: OrientedCrystal) -> [Double] {
    let heights = crystal.atomicHeights
    let next = heights.dropFirst() + [heights[0] + crystal.spacing]
    return heights + zip(heights, next).map { 0.5 * ($0 + $1) }
  }

  /// How far the nearest-neighbour coordination of a thin bicrystal is from the crystal's: Σ |Z − Z₀| over the
  /// atoms, Z₀ the mean of the species. Neighbours are those within 1.2 nearest-neighbour distances.
  private func coordinationDefects(_ geometry: Geometry) throws -> Double {
    let cutoff = 1.2 * unitCell.nearestNeighborDistance
    let ideal = try meanCoordination(CrystalBlock(unitCell).build(), cutoff)
    // Without the user's shift and expansion: a scan over these must not change the termination.
    var sample = GrainBoundary(kind, unitCell, axis: axis, plane: plane)
    sample.thickness = .atLeast(3 * cutoff)
    let structure = try sample.assemble(geometry).structure
    let found = coordination(structure, cutoff)
    return zip(found, structure.types).reduce(0) { $0 + abs(Double($1.0) - ideal[Int($1.1)]) }
  }

  private func meanCoordination(_ structure: Structure, _ cutoff: Double) -> [Double] {
    let all = coordination(structure, cutoff)
    return structure.species.indices.map { type in
      let own = zip(all, structure.types).filter { $0.1 == type }.map(\.0)
      return Double(own.reduce(0, +)) / Double(own.count)
    }
  }

  /// Neighbours within the cutoff; brute force over the images, for small cells.
  private func coordination(_ structure: Structure, _ cutoff: Double) -> [Int] {
    let box = structure.box
    var reach = SIMD3<Int>.zero
    for k in 0..<3 { reach[k] = Int((cutoff / box.heights[k]).rounded(.up)) }
    return structure.positions.map { r in
      var number = 0
      for other in structure.positions {
        for a in -reach.x...reach.x {
          for b in -reach.y...reach.y {
            for c in -reach.z...reach.z {
              let d = other - r + Vector3(Double(a), Double(b), Double(c)) * box.cell
              if d.squaredLength > 1e-12, d.squaredLength < cutoff * cutoff { number += 1 }
            }
          }
        }
      }
      return number
    }
  }
}

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

    var warnings: [String] = []
    if !crystal.operations.contains(where: \.isImproper) {
      warnings.append("the crystal is chiral: the mirrored grain is of the other hand")
    }
    let cuts = mirrorHeights(grain)
    if !cuts.contains(where: \.isReversible) {
      warnings.append(
        "(\(plane.indices)) is a polar plane of this crystal: the two boundaries have opposite polarity")
    }
    var geometry = Geometry(
      lower: grain, upper: grain, isMirrored: true, bottom: 0, step: grain.spacing, sigma: found, plane: plane,
      misorientation: angle, directions: Array(repeating: [across, tiltAxis, plane], count: 2),
      boundariesAreEquivalent: true, warnings: warnings)
    var best: (defects: Double, geometry: Geometry)?
    for cut in cuts {
      geometry.bottom = cut.height
      geometry.boundariesAreEquivalent = cut.isReversible && (shift == .zero || cut.isInversion)
      // A crystal of one atom a lattice point has its mirror plane through atoms: the classical choice.
      if crystal.sites.count == 1 { return geometry }
      let defects = try coordinationDefects(geometry)
      if defects < best?.defects ?? .infinity { best = (defects - 1e-6, geometry) }
    }
    return best!.geometry
  }

  /// A place for the mirror plane.
  private struct Cut {
    var height: Double
    /// Whether an operation of the crystal turns the grain's bottom into its top.
    var isReversible: Bool
    /// Whether that operation is an inversion: then a shift of the second grain keeps the boundaries alike.
    var isInversion: Bool
  }

  /// The heights, one of each kind, at which a mirror plane makes two boundaries alike, inversions first.
  ///
  /// An operation S r + t with S n = −n takes the height h to t·n − h. With a thickness of whole spacings d it
  /// turns bottom into top when the bottom is at t·n/2, up to d/2. On a polar plane, where there is no such
  /// operation, the atomic planes and the middles between them are taken.
  private func mirrorHeights(_ grain: OrientedCrystal) -> [Cut] {
    let d = grain.spacing
    var cuts: [Cut] = []
    func add(_ height: Double, reversible: Bool, inversion: Bool) {
      let h = height - d * (height / d + 1e-7).rounded(.down)
      if cuts.contains(where: { abs($0.height - h) < 1e-6 * d }) { return }
      cuts.append(Cut(height: h, isReversible: reversible, isInversion: inversion))
    }
    let reversals = grain.crystal.operations.filter { $0.rotated(grain.normal) == -grain.normal }
    for operation in reversals.filter(\.isInversion) + reversals.filter({ !$0.isInversion }) {
      let middle = 0.5 * grain.height(operation.translation)
      add(middle, reversible: true, inversion: operation.isInversion)
      add(middle + 0.5 * d, reversible: true, inversion: operation.isInversion)
    }
    if cuts.isEmpty {
      let heights = grain.atomicHeights
      for (h, next) in zip(heights, heights.dropFirst() + [heights[0] + d]) {
        add(h, reversible: false, inversion: false)
        add(0.5 * (h + next), reversible: false, inversion: false)
      }
    }
    return cuts
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

  /// How far the nearest-neighbour coordination of a thin bicrystal is from the crystal's: Σ |Z − Z₀| over the
  /// atoms and the species of neighbours, Z₀ the mean of the species. Neighbours are those within 1.2
  /// nearest-neighbour distances. The user's shift and expansion are left out: a scan over them must not change
  /// the termination.
  private func coordinationDefects(_ geometry: Geometry) throws -> Double {
    let cutoff = 1.2 * unitCell.nearestNeighborDistance
    let ideal = try meanCoordination(CrystalBlock(unitCell).build(), cutoff)
    var sample = GrainBoundary(kind, unitCell, axis: axis, plane: plane)
    sample.thickness = .atLeast(3 * cutoff)
    let structure = try sample.assemble(geometry).structure
    return zip(coordination(structure, cutoff), structure.types).reduce(0) { sum, atom in
      sum + zip(atom.0, ideal[Int(atom.1)]).reduce(0) { $0 + abs($1.0 - $1.1) }
    }
  }

  private func meanCoordination(_ structure: Structure, _ cutoff: Double) -> [[Double]] {
    let all = coordination(structure, cutoff)
    return structure.species.indices.map { type in
      let own = zip(all, structure.types).filter { $0.1 == type }.map(\.0)
      return structure.species.indices.map { k in own.reduce(0) { $0 + $1[k] } / Double(own.count) }
    }
  }

  /// Neighbours within the cutoff by species, an atom each.
  private func coordination(_ structure: Structure, _ cutoff: Double) -> [[Double]] {
    let (box, types) = (structure.box, structure.types)
    let none = Array(repeating: 0.0, count: structure.species.count)
    var numbers = Array(repeating: none, count: structure.count)
    let pairs = closePairs(
      in: box, structure.positions, among: Array(structure.positions.indices), closerThan: cutoff)
    for pair in pairs where pair.separation.squaredLength > 1e-12 {
      numbers[pair.first][Int(types[pair.second])] += 1
      numbers[pair.second][Int(types[pair.first])] += 1
    }
    // Images of an atom itself, which pairs leave out, are the same for all.
    var reach = SIMD3<Int>.zero
    for k in 0..<3 { reach[k] = Int((cutoff / box.heights[k]).rounded(.up)) }
    var own = 0.0
    for a in -reach.x...reach.x {
      for b in -reach.y...reach.y {
        for c in -reach.z...reach.z where a != 0 || b != 0 || c != 0 {
          let d = Vector3(Double(a), Double(b), Double(c)) * box.cell
          if d.squaredLength < cutoff * cutoff { own += 1 }
        }
      }
    }
    for i in numbers.indices { numbers[i][Int(types[i])] += own }
    return numbers
  }
}

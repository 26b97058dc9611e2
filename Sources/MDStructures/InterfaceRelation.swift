import Foundation
import MDCore
import MDNumerics

/// How the two crystals of an interface lie to each other, in indices of their cells as given.
package enum InterfaceRelation: Sendable {
  /// The upper crystal is the lower one's lattice after a coincidence rotation about `axis`; of several with this Σ the one
  /// nearest to `angle` (degrees), or else the one that makes `plane` a symmetric tilt boundary, or the smallest.
  case coincidence(axis: IntegerVector, sigma: Int, plane: IntegerVector, angle: Double?)
  /// The upper crystal's axes are the lower one's turned by `angle` (degrees) about `axis`. Its plane is that of small indices
  /// which comes nearest.
  case rotation(axis: IntegerVector, angle: Double, plane: IntegerVector)
  /// Plane on plane and direction along direction, of the lower and the upper crystal.
  case parallel(planes: (IntegerVector, IntegerVector), directions: (IntegerVector, IntegerVector))
  /// The planes' match of this number, from 0, in the list of matches.
  case match(planes: (IntegerVector, IntegerVector), number: Int)
}

/// What matches may need.
package struct MatchLimits: Sendable {
  /// Å², of the lower plane.
  package var area: Double
  /// Largest principal strain.
  package var strain: Double

  package init(area: Double = 400, strain: Double = 0.03) { (self.area, self.strain) = (area, strain) }
}

/// A relation at work on two crystals: their planes, and the cell that these have in common.
package struct CrystalPair: Sendable {
  /// Of a coincidence or a rotation.
  package struct Rotation: Sendable {
    package enum Kind: String, Sendable { case symmetricTilt = "symmetric tilt", asymmetricTilt = "asymmetric tilt", twist, mixed }

    package var axis: IntegerVector
    /// Degrees, as the crystals now lie.
    package var angle: Double
    /// How many cells of the lower and of the upper crystal make a coincidence cell; nil where it is near coincidence only.
    package var sigma: (lower: Int, upper: Int)?
    package var kind: Kind
  }

  package let lower: PlaneCell
  package let upper: PlaneCell
  /// Of the cells as given.
  package let planes: (lower: IntegerVector, upper: IntegerVector)
  package let match: PlaneMatch
  package let rotation: Rotation?
}

extension CrystalPair {
  /// - Throws: an input error with a list of what there is, where the relation asks for what there is not.
  package init(_ lower: UnitCell, _ upper: UnitCell, _ relation: InterfaceRelation, limits: MatchLimits) throws {
    switch relation {
    case .coincidence(let axis, let sigma, let plane, let angle):
      self = try Self.coincidence(lower, upper, axis, sigma, plane, angle, limits)
    case .rotation(let axis, let angle, let plane):
      self = try Self.rotation(lower, upper, axis, angle, plane, limits)
    case .parallel(let planes, let directions):
      self = try Self.parallel(lower, upper, planes, directions, limits)
    case .match(let planes, let number):
      let cells = (try PlaneCell(lower, planes.0), try PlaneCell(upper, planes.1))
      let matcher = try PlaneMatcher(cells.0, cells.1)
      var matches = matcher.matches(area: limits.area, strain: limits.strain, count: number + 1)
      if !matches.isEmpty, number >= matches.count { matches = matcher.matches(area: limits.area, strain: limits.strain) }
      guard !matches.isEmpty else {
        throw Self.noMatch(matcher, limits, "(\(planes.0.indices)) and (\(planes.1.indices)) have no match")
      }
      guard matches.indices.contains(number) else {
        throw FaultlineError(
          .input, "there is no match number \(number) of (\(planes.0.indices)) and (\(planes.1.indices))",
          hint: "of \(matches.count), from 0:\n" + MatchTable(matches, cells.0, cells.1).lines.prefix(21).joined(separator: "\n"))
      }
      self.init(lower: cells.0, upper: cells.1, planes: planes, match: matches[number], rotation: nil)
    }
  }

  private static func check(_ v: IntegerVector, _ name: String) throws { try OrientedCrystal.check(v, name) }

  /// An error that tells the nearest misses.
  private static func noMatch(_ matcher: PlaneMatcher, _ limits: MatchLimits, _ what: String) -> FaultlineError {
    let (strained, larger) = matcher.misses(area: limits.area, strain: limits.strain)
    func text(_ m: PlaneMatch) -> String { "\(decimal(m.area, 2)) Å² at \(decimal(100 * m.strain, 2)) %" }
    var hints: [String] = []
    if !strained.isEmpty { hints.append("nearest in strain: " + strained.map(text).joined(separator: ", ")) }
    if !larger.isEmpty { hints.append("nearest in area: " + larger.map(text).joined(separator: ", ")) }
    return FaultlineError(
      .input, "\(what) of at most \(decimal(limits.area, 1)) Å² and \(decimal(100 * limits.strain, 2)) % strain",
      hint: hints.isEmpty ? "raise `max_area` or `max_strain`" : hints.joined(separator: "; "))
  }

  // MARK: Coincidence

  private static func coincidence(
    _ lower: UnitCell, _ upper: UnitCell, _ axis: IntegerVector, _ sigma: Int, _ plane: IntegerVector, _ angle: Double?,
    _ limits: MatchLimits
  ) throws -> CrystalPair {
    try check(axis, "the axis")
    try check(plane, "the plane")
    let table = try CoincidenceTable(lower, axis: axis, sigma: max(sigma, 1), strain: limits.strain)
    let primitive = table.primitive
    guard let h = integers(inProportionTo: primitive.vectors.applied(to: plane.real)) else {
      throw FaultlineError(.input, "the plane (\(plane.indices)) has no whole indices in the primitive cell")
    }
    let rotations = table.rotations.filter { $0.rotation.sigma == sigma }
    guard !rotations.isEmpty else {
      let longer = try CoincidenceTable(lower, axis: axis, sigma: max(51, 2 * min(sigma, 100)), strain: limits.strain)
      throw FaultlineError(
        .input, "no rotation about [\(axis.indices)] has Σ \(sigma)", hint: "there are: \(longer.summary)")
    }
    let operations = try primitive.cell.pointGroup()
    // Either sense of the rotation.
    let choices = rotations.flatMap { [$0.rotation, $0.rotation.inverse].compactMap { $0 } }
    func isSymmetric(_ r: LatticeRotation) -> Bool {
      r.symmetricTiltPlanes(operations).contains { $0 == h || $0 == -h }
    }
    let chosen: LatticeRotation
    if let angle {
      let near = choices.min { abs($0.angle - angle) < abs($1.angle - angle) - 1e-9 }!
      guard abs(near.angle - angle) < 0.1 else {
        let all = Set(rotations.map { decimal($0.rotation.angle, 3) }).sorted().joined(separator: "°, ")
        throw FaultlineError(
          .input, "Σ \(sigma) about [\(axis.indices)] is not at \(decimal(angle, 3))°", hint: "it is at \(all)°")
      }
      chosen = choices.filter { abs($0.angle - near.angle) < 1e-9 }.first(where: isSymmetric) ?? near
    } else {
      chosen = choices.filter(isSymmetric).min { $0.angle < $1.angle - 1e-9 }
        ?? choices.min { $0.angle < $1.angle - 1e-9 }!
    }
    let upperPrimitive = try upper.primitive()
    try sameShape(primitive.cell, upperPrimitive.cell, limits.strain)
    let second = chosen.plane(ofSecond: h)
    guard let secondGiven = integers(inProportionTo: upperPrimitive.vectors.inverse.applied(to: second.real)) else {
      throw FaultlineError(.input, "the plane in the second crystal has no whole indices")
    }
    let cells = (
      try PlaneCell(lower, primitive: primitive, plane),
      try PlaneCell(upper, primitive: upperPrimitive, secondGiven)
    )
    // Vectors of the coincidence lattice in the plane, short ones.
    let common = chosen.coincidence.first.basis(onPlane: h)
    let inFirst = IntegerMatrix2(
      try inPlane(common[0].real, cells.0.rows), try inPlane(common[1].real, cells.0.rows)
    ).reduced(in: cells.0.lattice)
    let back = (1 / Double(chosen.denominator) * chosen.numerators.real).inverse
    func partner(_ v: SIMD2<Int>) throws -> SIMD2<Int> {
      let c = Double(v.x) * cells.0.rows.real.x + Double(v.y) * cells.0.rows.real.y
      return try inPlane(c * back, cells.1.rows)
    }
    let match = PlaneMatch(
      inFirst, IntegerMatrix2(try partner(inFirst.a), try partner(inFirst.b)),
      planes: (cells.0.lattice, cells.1.lattice))
    guard match.strain <= limits.strain + 1e-9 else {
      throw FaultlineError(
        .input,
        "Σ \(sigma) about [\(axis.indices)] needs \(decimal(100 * match.strain, 3)) % of strain, more than `max_strain`, "
          + "\(decimal(100 * limits.strain, 3)) %",
        hint: "other lattices of the two crystals need `parallel` or `match`")
    }
    let kind: Rotation.Kind =
      chosen.isTwist(h) ? .twist : dot(chosen.axis, h) == 0 ? (isSymmetric(chosen) ? .symmetricTilt : .asymmetricTilt) : .mixed
    return CrystalPair(
      lower: cells.0, upper: cells.1, planes: (plane.primitive, secondGiven), match: match,
      rotation: Rotation(axis: axis.primitive, angle: chosen.angle, sigma: chosen.coincidence.indices, kind: kind))
  }

  /// The coordinates in the plane of a vector of the primitive basis.
  private static func inPlane(_ v: Vector3, _ rows: IntegerMatrix) throws -> SIMD2<Int> {
    let c = v * rows.real.inverse
    let near = c.rounded(.toNearestOrEven)
    guard (c - near).length < 1e-4, near.z == 0 else {
      throw FaultlineError(.input, "the coincidence cell's numbers are too large")
    }
    return SIMD2(Int(near.x), Int(near.y))
  }

  private static func sameShape(_ one: UnitCell, _ other: UnitCell, _ strain: Double) throws {
    let (g, h) = (one.cell * one.cell.transpose, other.cell * other.cell.transpose)
    let difference = (1 / g.norm) * g - (1 / h.norm) * h
    guard difference.norm < 2 * strain + 1e-6 else {
      throw FaultlineError(
        .input, "a coincidence rotation needs two crystals of one lattice",
        hint: "give their relation by `rotation`, `parallel` or `match`")
    }
  }

  // MARK: Angles and directions

  private static func rotation(
    _ lower: UnitCell, _ upper: UnitCell, _ axis: IntegerVector, _ angle: Double, _ plane: IntegerVector,
    _ limits: MatchLimits
  ) throws -> CrystalPair {
    try check(axis, "the axis")
    try check(plane, "the plane")
    let first = try PlaneCell(lower, plane)
    let turn = Matrix3(rotationAbout: axis.real * lower.cell, by: angle * .pi / 180)
    // Normal and x of the plane's frame, in the upper crystal's own frame.
    let toFirst = first.rotation.transpose
    let (normal, x) = (toFirst.z * turn.transpose, toFirst.x * turn.transpose)
    guard let indices = nearestPlane(upper, normal, within: max(limits.strain, 1e-4)) else {
      throw FaultlineError(
        .input, "no plane of the upper crystal with indices up to 12 is within \(decimal(100 * limits.strain, 2)) % of the one asked",
        hint: "raise `max_strain`, or give the relation by `parallel`")
    }
    let second = try PlaneCell(upper, indices)
    let along = x * second.rotation
    let matcher = try PlaneMatcher(first, second)
    guard let match = matcher.match(at: -atan2(along.y, along.x), area: limits.area, strain: limits.strain) else {
      throw noMatch(matcher, limits, "the crystals turned by \(decimal(angle, 3))° have no common cell")
    }
    // The rotation as it is now: from the lower crystal's frame to the upper's.
    let settled = second.rotation * Matrix3(aboutZ: match.rotation) * toFirst
    let v = axis.real * lower.cell
    let cosine = 0.5 * (settled.trace - 1)
    let found = acos(min(max(cosine, -1), 1)) * 180 / .pi
    let h = plane.real
    let inPlane = abs(dot(axis.real, h)) < 1e-9
    let normalOfLower = toFirst.z
    let isTwist = cross(v, normalOfLower).length < 1e-6 * v.length
    return CrystalPair(
      lower: first, upper: second, planes: (plane.primitive, indices), match: match,
      rotation: Rotation(
        axis: axis.primitive, angle: found, sigma: nil, kind: isTwist ? .twist : inPlane ? .asymmetricTilt : .mixed))
  }

  /// The plane of least indices, up to 12, whose normal is within `tolerance` (radians) of `normal`, the nearest of several.
  private static func nearestPlane(_ crystal: UnitCell, _ normal: Vector3, within tolerance: Double) -> IntegerVector? {
    let reciprocal = crystal.cell.inverse.transpose
    for size in 1...12 {
      var best: (angle: Double, plane: IntegerVector)?
      let range = -size...size
      for h in range { for k in range { for l in range where max(abs(h), abs(k), abs(l)) == size {
        let plane = IntegerVector(h, k, l)
        let n = plane.real * reciprocal
        let angle = atan2(cross(n, normal).length, dot(n, normal))
        if angle <= tolerance, angle < best?.angle ?? .infinity { best = (angle, plane) }
      } } }
      if let best { return best.plane }
    }
    return nil
  }

  private static func parallel(
    _ lower: UnitCell, _ upper: UnitCell, _ planes: (IntegerVector, IntegerVector),
    _ directions: (IntegerVector, IntegerVector), _ limits: MatchLimits
  ) throws -> CrystalPair {
    for (plane, direction) in [(planes.0, directions.0), (planes.1, directions.1)] {
      try check(plane, "the plane")
      try check(direction, "the direction")
      guard dot(plane, direction) == 0 else {
        throw FaultlineError(
          .input, "the direction [\(direction.indices)] is not in the plane (\(plane.indices))",
          hint: "h·u + k·v + l·w = 0")
      }
    }
    let cells = (try PlaneCell(lower, planes.0), try PlaneCell(upper, planes.1))
    let (one, other) = (cells.0.vector(directions.0.real), cells.1.vector(directions.1.real))
    let matcher = try PlaneMatcher(cells.0, cells.1)
    let angle = atan2(one.y, one.x) - atan2(other.y, other.x)
    guard let match = matcher.match(at: angle, area: limits.area, strain: limits.strain) else {
      throw noMatch(
        matcher, limits,
        "(\(planes.0.indices)) and (\(planes.1.indices)) have no common cell with [\(directions.0.indices)] along "
          + "[\(directions.1.indices)]")
    }
    return CrystalPair(
      lower: cells.0, upper: cells.1, planes: (planes.0.primitive, planes.1.primitive), match: match, rotation: nil)
  }
}

/// A number with so many decimals, for messages.
package func decimal(_ value: Double, _ decimals: Int) -> String {
  let text = String(format: "%.\(decimals)f", value)
  // No −0.00.
  return text.allSatisfy({ "-0.".contains($0) }) && text.hasPrefix("-") ? String(text.dropFirst()) : text
}

extension Matrix3 {
  /// M · h for a column h.
  package func applied(to h: Vector3) -> Vector3 { Vector3(dot(x, h), dot(y, h), dot(z, h)) }

  /// r ↦ r·R, turned by `angle` (radians) about `axis`.
  package init(rotationAbout axis: Vector3, by angle: Double) {
    let u = (1 / axis.length) * axis
    let (c, s) = (cos(angle), sin(angle))
    func row(_ e: Vector3) -> Vector3 { c * e + (1 - c) * dot(e, u) * u + s * cross(u, e) }
    self.init(row(Vector3(1, 0, 0)), row(Vector3(0, 1, 0)), row(Vector3(0, 0, 1)))
  }

  package init(aboutZ angle: Double) { self.init(rotationAbout: Vector3(0, 0, 1), by: angle) }
}

import MDCore
import MDNumerics

/// The coincidence rotations of a crystal about an axis: exact where its metric is rational, else by metrics near by and the
/// strain that they need.
package struct CoincidenceTable: Sendable {
  package struct Row: Sendable {
    package let rotation: LatticeRotation
    /// Largest principal strain of the crystal to the lattice that has it.
    package let strain: Double
  }

  package let primitive: (cell: UnitCell, vectors: Matrix3)
  /// In indices of the cell as given.
  package let axis: IntegerVector
  /// By Σ and angle.
  package let rotations: [Row]
  private let pointGroup: [CrystalSymmetry.Operation]

  /// - Parameters:
  ///   - axis: of the cell as given.
  ///   - sigma: the largest Σ.
  ///   - strain: what a lattice may be strained to be in coincidence.
  package init(_ crystal: UnitCell, axis: IntegerVector, sigma: Int, strain: Double) throws {
    try OrientedCrystal.check(axis, "the axis")
    primitive = try crystal.primitive()
    pointGroup = try primitive.cell.pointGroup()
    self.axis = axis.primitive
    guard let v = integers(inProportionTo: axis.real * primitive.vectors.inverse) else {
      throw FaultlineError(.input, "the axis [\(axis.indices)] is no direction of the lattice")
    }
    let metrics = LatticeMetric.candidates(primitive.cell.cell, tolerance: strain, most: 8)
    guard let exact = metrics.min(by: { $0.strain < $1.strain }) else {
      throw FaultlineError(
        .input, "no lattice within \(decimal(100 * strain, 3)) % of strain of this crystal has rational axial ratios",
        hint: "raise `max_strain`")
    }
    var rows: [Row] = []
    // A lattice that has its metric exactly needs no other.
    for metric in exact.strain < 1e-8 ? [exact] : metrics.sorted(by: { $0.strain < $1.strain }) {
      for rotation in LatticeRotation.about(v, metric, sigma: sigma)
      where !rows.contains(where: { $0.rotation.sigma == rotation.sigma && abs($0.rotation.angle - rotation.angle) < 0.05 }) {
        rows.append(Row(rotation: rotation, strain: metric.strain))
      }
    }
    rotations = rows.sorted { ($0.rotation.sigma, $0.rotation.angle) < ($1.rotation.sigma, $1.rotation.angle) }
  }

  /// "5 (36.87°), 13 (22.62°)": the smallest angle of each Σ.
  package var summary: String {
    var seen: Set<Int> = []
    let list = rotations.filter { seen.insert($0.rotation.sigma).inserted }.prefix(16).map {
      "Σ \($0.rotation.sigma) (\(decimal($0.rotation.angle, 2))°)"
    }
    return list.isEmpty ? "none" : list.joined(separator: ", ")
  }

  /// A table to read: Σ, angle, planes of symmetric tilt boundaries in both grains, strain.
  package var lines: [String] {
    func given(_ h: IntegerVector) -> String {
      guard let plane = integers(inProportionTo: primitive.vectors.inverse.applied(to: h.real)) else { return "(–)" }
      return "(\(plane.indices))"
    }
    var lines = ["   Σ      angle   strain %  symmetric tilt planes, lower | upper"]
    for row in rotations {
      let planes = row.rotation.symmetricTiltPlanes(pointGroup).map {
        "\(given($0)) | \(given(row.rotation.plane(ofSecond: $0)))"
      }
      lines.append(
        padded("\(row.rotation.sigma)", 4) + padded(decimal(row.rotation.angle, 6), 11) + padded(decimal(100 * row.strain, 4), 11)
          + "  " + (planes.isEmpty ? "none" : planes.joined(separator: ", ")))
    }
    return lines
  }
}

/// Right-aligned in so many columns.
func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }

extension UnitCell {
  /// One plane of each form {h k l} with indices up to `largest`, in indices of this cell: those that symmetries of the crystal turn
  /// into each other are one form, and (h k l) and its other face too where they are alike.
  package func planeForms(upTo largest: Int) throws -> [IntegerVector] {
    let (cell, vectors) = try primitive()
    let inverse = vectors.inverse
    // Planes as columns: of the primitive cell V·h, after an operation M⁻¹·V·h, back V⁻¹·M⁻¹·V·h.
    let maps = try cell.pointGroup().map { operation in
      inverse * IntegerMatrix(operation.matrix[0], operation.matrix[1], operation.matrix[2]).real.inverse * vectors
    }
    var seen: Set<IntegerVector> = []
    var forms: [IntegerVector] = []
    let range = stride(from: largest, through: -largest, by: -1)
    for h in range { for k in range { for l in range {
      let plane = IntegerVector(h, k, l)
      guard plane != .zero, plane.divisor == 1, !seen.contains(plane) else { continue }
      forms.append(plane)
      for map in maps {
        let image = map.applied(to: plane.real)
        seen.insert(image.rounded(.toNearestOrEven).integer)
      }
    } } }
    return forms.sorted { ($0.squaredLength, -$0.x, -$0.y) < ($1.squaredLength, -$1.x, -$1.y) }
  }
}

extension UnitCell {
  /// "CeO2": the atoms of the cell in the smallest whole proportion.
  package var formula: String {
    let counts = species.map { name in sites.count { $0.species == name } }
    let divisor = counts.reduce(0, greatestCommonDivisor)
    return zip(species, counts).map { $0 + ($1 == divisor ? "" : "\($1 / divisor)") }.joined()
  }
}

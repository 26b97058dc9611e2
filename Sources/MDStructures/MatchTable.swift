import MDCore
import MDNumerics

/// The matches of two planes as a table: area, strain, its energy where elastic constants are known, and which of them no other
/// is better than in both (Pareto's front).
package struct MatchTable: Sendable {
  package struct Row: Sendable {
    package let match: PlaneMatch
    /// Of both crystals, MJ/m³ of each (the normals free); nil without elastic constants.
    package let energy: Double?
    /// Whether no match has a smaller area with no more energy (or strain, where energies are not known).
    package let isBest: Bool
  }

  package let rows: [Row]

  /// - Parameters:
  ///   - matches: by area.
  ///   - elastic: of the crystals as given, GPa.
  package init(
    _ matches: [PlaneMatch], _ lower: PlaneCell, _ upper: PlaneCell, share: StrainShare = .upper,
    elastic: (lower: ElasticTensor, upper: ElasticTensor)? = nil
  ) {
    var least = Double.infinity
    var rows: [Row] = []
    let planar = elastic.map { ($0.lower.rotated(lower.rotation).inPlane, $0.upper.rotated(upper.rotation).inPlane) }
    for match in matches {
      let energy = planar.map { planar -> Double in
        let (l, u) = share.stretches(match.stretch)
        // The upper crystal's frame is turned against that of the lower one, in which the stretches are.
        let turned = Matrix2(rotation: match.rotation) * u * Matrix2(rotation: -match.rotation)
        return 1000 * (planar.0.energy(l) + planar.1.energy(turned))
      }
      let cost = energy ?? match.strain
      let isBest = cost < least - 1e-9 * max(1, abs(least.isFinite ? least : 1))
      if isBest { least = cost }
      rows.append(Row(match: match, energy: energy, isBest: isBest))
    }
    self.rows = rows
  }

  /// Lines to read, a heading first.
  package var lines: [String] {
    let hasEnergy = rows.contains { $0.energy != nil }
    var lines = [
      "  no  area Å²   cells   turn °   strain %         von Mises %" + (hasEnergy ? "   MJ/m³" : "") + "  lower rows | upper rows"
    ]
    func text(_ m: IntegerMatrix2) -> String { "[\(m.a.x) \(m.a.y)] [\(m.b.x) \(m.b.y)]" }
    for (number, row) in rows.enumerated() {
      let m = row.match
      let cells = "\(abs(m.lower.determinant)):\(abs(m.upper.determinant))"
      let strains = "\(decimal(100 * m.strains.0, 3)) \(decimal(100 * m.strains.1, 3))"
      lines.append(
        padded("\(number)", 4) + padded(decimal(m.area, 3), 9) + padded(cells, 8)
          + padded(decimal(m.rotation * 180 / .pi, 3), 9) + padded(strains, 17) + padded(decimal(100 * m.vonMises, 4), 13)
          + (row.energy.map { padded(decimal($0, 3), 9) } ?? (hasEnergy ? padded("–", 9) : ""))
          + "  \(text(m.lower)) | \(text(m.upper))" + (row.isBest ? "  *" : ""))
    }
    return lines
  }
}

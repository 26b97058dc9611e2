import Foundation
import MDCore
import MDDeck
import MDIO

/// γ and excess volume of a family of boundaries against the angle between their grains. Rank 0's.
enum FamilyTable {
  struct Row {
    let space: BoundarySpace
    let statistics: SearchStatistics
    let isOver: Bool
  }

  /// A row of a tilt boundary.
  private struct Tilt {
    let plan: GrainBoundaryPlan
    let angle: Double
    let title: String
    let statistics: SearchStatistics
    let isOver: Bool

    init?(_ row: Row) {
      guard let model = row.space.model as? GrainBoundaryModel else { return nil }
      (plan, angle, title) = (model.plan, model.angle ?? 0, model.title)
      (statistics, isOver) = (row.statistics, row.isOver)
    }
  }

  /// `family.csv` and `family.svg`.
  static func write(_ rows: [Row], to directory: String) throws {
    let rows = rows.compactMap(Tilt.init).sorted { ($0.angle, $0.plan.sigma) < ($1.angle, $1.plan.sigma) }
    var text = "sigma,h,k,l,angle [°],energy [J/m²],excess_volume [Å],atoms,trials,states,times_found,over\n"
    func number(_ x: Double?, _ digits: Int) -> String { x.map { String(format: "%.\(digits)g", $0) } ?? "" }
    for row in rows {
      let (plan, best) = (row.plan, row.statistics.states.first)
      text += "\(plan.sigma),\(plan.plane.x),\(plan.plane.y),\(plan.plane.z),\(number(row.angle, 8)),"
        + "\(number(best?.best.energy, 10)),\(number(best?.best.excessVolume, 8)),\(best.map { "\($0.best.atoms)" } ?? ""),"
        + "\(row.statistics.trials),\(row.statistics.states.count),\(best?.trials.count ?? 0),\(row.isOver ? 1 : 0)\n"
    }
    try AtomicFile.write(text, to: directory + "/family.csv")
    try AtomicFile.write(picture(rows), to: directory + "/family.svg")
  }

  private static func picture(_ rows: [Tilt]) -> String {
    let points = rows.compactMap { row in
      row.statistics.states.first.map { (row, $0.best.energy!, $0.best.excessVolume!) }
    }
    var picture = VectorPicture(width: 620, height: 640)
    guard let first = points.first else { return picture.source }
    let axis = first.0.plan.axis
    picture.text(
      "Symmetric tilt boundaries of \(first.0.plan.species.joined(separator: "-")) about [\(axis.x)\(axis.y)\(axis.z)]", 330, 24,
      size: 14)
    // To the next round angle at which the crystal is itself again.
    let end = points.contains { $0.0.angle > 90 } ? 180.0 : 90
    for (k, label) in ["γ, J/m²", "excess volume, Å"].enumerated() {
      let values = points.map { k == 0 ? $0.1 : $0.2 }
      // Without a boundary there is no energy, so that the axis begins at zero.
      let range = VectorPicture.range(values + [0])
      let frame = VectorPicture.Frame(
        left: 80, right: 590, top: 45 + 300 * Double(k), bottom: 280 + 300 * Double(k), xs: 0...end,
        ys: (k == 0 ? 0 : range.lowerBound)...range.upperBound)
      picture.axes(frame, xLabel: k == 0 ? "" : "angle, °", yLabel: label)
      picture.line(zip(points, values).map { (frame.x($0.0.angle), frame.y($1)) }, color: "#31688e", width: 1.5)
      for (point, value) in zip(points, values) {
        picture.circle(frame.x(point.0.angle), frame.y(value), radius: 4, fill: "#31688e", title: point.0.title)
        if k == 0, point.0.plan.sigma <= 13 {
          picture.text("Σ\(point.0.plan.sigma)", frame.x(point.0.angle), frame.y(value) + 18, size: 11)
        }
      }
    }
    return picture.source
  }
}

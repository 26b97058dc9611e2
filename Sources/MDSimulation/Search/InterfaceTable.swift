import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics

/// The interfaces of a search, ranked by energy, and where their planes are on the sphere. Rank 0's.
enum InterfaceTable {
  struct Row {
    let model: InterfaceModel
    let statistics: SearchStatistics
    let adhesion: AdhesionFigures?
    let area: Double
    let isOver: Bool

    init?(_ row: FamilyTable.Row, _ adhesion: AdhesionFigures?) {
      guard let model = row.space.model as? InterfaceModel else { return nil }
      self.model = model
      (statistics, area, isOver) = (row.statistics, row.space.area, row.isOver)
      self.adhesion = adhesion
    }

    var energy: Double { statistics.states.first?.best.energy ?? .infinity }
  }

  /// `interfaces.csv`, the lowest energy first, and `interfaces.svg`.
  static func write(_ given: [Row?], to directory: String) throws {
    let rows = given.compactMap { $0 }.enumerated().sorted { ($0.element.energy, $0.offset) < ($1.element.energy, $1.offset) }
      .map(\.element)
    var text = "lower_plane,upper_plane,match,termination,lower_end,upper_end,area [Å²],strain_lower,strain_upper,atoms,"
      + "energy [J/m²],work_of_adhesion [J/m²],surface_lower [J/m²],surface_upper [J/m²],strain_energy [J/m²],"
      + "excess_volume [Å],trials,states,times_found,over,folder\n"
    func number(_ x: Double?, _ digits: Int = 8) -> String { x.map { String(format: "%.\(digits)g", $0) } ?? "" }
    for row in rows {
      let (model, best) = (row.model, row.statistics.states.first)
      let planes = [model.planes.lower, model.planes.upper].map { "\($0.x) \($0.y) \($0.z)" }
      let cells: [String] = [
        planes[0], planes[1], "\(model.match)", "\(model.termination)", model.ends.lower, model.ends.upper, number(row.area),
        number(model.strains.lower), number(model.strains.upper), best.map { "\($0.best.atoms)" } ?? "",
        number(best?.best.energy, 10), number(row.adhesion?.workOfAdhesion, 10), number(row.adhesion?.surfaces[0]),
        number(row.adhesion?.surfaces[1]), number(row.adhesion?.strainEnergy), number(best?.best.excessVolume),
        "\(row.statistics.trials)", "\(row.statistics.states.count)", "\(best?.trials.count ?? 0)", row.isOver ? "1" : "0",
        model.folder,
      ]
      text += cells.joined(separator: ",") + "\n"
    }
    try AtomicFile.write(text, to: directory + "/interfaces.csv")
    try AtomicFile.write(picture(rows), to: directory + "/interfaces.svg")
  }

  /// The planes of both crystals in stereographic projection along [001] of their cells, each with the lowest energy of all
  /// interfaces that it makes.
  private static func picture(_ rows: [Row]) -> String {
    let radius = 190.0
    let found = rows.filter { $0.energy.isFinite }
    let ranked = found.prefix(shown)
    var picture = VectorPicture(width: 960, height: 560 + 24 * Double(ranked.count + 2))
    guard let first = found.first else { return picture.source }
    let least = first.energy
    func planes(_ side: Int) -> [SIMD3<Int>: Row] {
      found.reduce(into: [:]) { lowest, row in
        let plane = side == 0 ? row.model.planes.lower : row.model.planes.upper
        if row.energy < lowest[plane]?.energy ?? .infinity { lowest[plane] = row }
      }
    }
    // Colours are those of what is drawn.
    let most = (planes(0).values.map(\.energy) + planes(1).values.map(\.energy)).max()!
    picture.text("Lowest interface energy of each plane, stereographic projection along [001]", 480, 26, size: 14)
    for side in 0..<2 {
      let center = (x: 240.0 + 440 * Double(side), y: 280.0)
      picture.circle(center.x, center.y, radius: radius, fill: "none")
      picture.line([(center.x - radius, center.y), (center.x + radius, center.y)], color: "#ccc")
      picture.line([(center.x, center.y - radius), (center.x, center.y + radius)], color: "#ccc")
      picture.text(side == 0 ? first.model.names.lower + ", below" : first.model.names.upper + ", above", center.x, center.y + radius + 30, size: 13)
      for (plane, row) in planes(side).sorted(by: { $0.value.energy > $1.value.energy }) {
        // Of the two normals that on the upper half of the sphere.
        var n = row.model.normal(side)
        if n.z < -1e-9 { n = -1 * n }
        let at = (x: center.x + radius * n.x / (1 + n.z), y: center.y - radius * n.y / (1 + n.z))
        let share = most > least ? (row.energy - least) / (most - least) : 0
        picture.circle(
          at.x, at.y, radius: 8, fill: VectorPicture.color(share), stroke: row.energy == least ? "#d00" : "#333",
          title: "\(row.model.title): \(RunLog.fixed(row.energy, 4)) J/m²")
        picture.text(
          "(\(GrainBoundaryModel.indices(plane))) \(RunLog.fixed(row.energy, 3))", at.x, at.y - 13, size: 11,
          anchor: at.x > center.x + 0.6 * radius ? .end : at.x < center.x - 0.6 * radius ? .start : .middle)
      }
    }
    for step in 0...10 {
      let share = Double(step) / 10
      let y = 440 - share * 300
      picture.circle(895, y, radius: 6, fill: VectorPicture.color(share))
      if step % 5 == 0 { picture.text("\(RunLog.fixed(least + share * (most - least), 3))", 907, y + 4, anchor: .start) }
    }
    picture.text("γ, J/m²", 905, 465, size: 12)
    rank(ranked, in: &picture)
    return picture.source
  }

  /// Interfaces in the picture's list.
  private static let shown = 30

  /// γ and work of adhesion of the lowest interfaces, a line each.
  private static func rank(_ rows: ArraySlice<Row>, in picture: inout VectorPicture) {
    let most = rows.flatMap { [$0.energy, $0.adhesion?.workOfAdhesion ?? 0] }.max() ?? 1
    let frame = VectorPicture.Frame(
      left: 330, right: 880, top: 540, bottom: 560 + 24 * Double(rows.count), xs: 0...max(1.05 * most, 1e-3), ys: 0...1)
    picture.line([(frame.left, frame.top), (frame.left, frame.bottom), (frame.right, frame.bottom)])
    for value in VectorPicture.ticks(frame.xs) {
      picture.line([(frame.x(value), frame.top), (frame.x(value), frame.bottom)], color: "#ddd")
      picture.text(String(format: "%.4g", value), frame.x(value), frame.bottom + 16)
    }
    picture.text("energy γ (filled) and work of adhesion (open), J/m²", 0.5 * (frame.left + frame.right), frame.bottom + 36, size: 12)
    for (k, row) in rows.enumerated() {
      let y = frame.top + 22 + 24 * Double(k)
      picture.text(row.model.title, frame.left - 10, y + 4, anchor: .end)
      if let w = row.adhesion?.workOfAdhesion {
        picture.line([(frame.x(max(row.energy, 0)), y), (frame.x(w), y)], color: "#bbb")
        picture.circle(frame.x(w), y, radius: 4.5, fill: "white", title: "W \(RunLog.fixed(w, 4)) J/m²")
      }
      picture.circle(frame.x(max(row.energy, 0)), y, radius: 4.5, fill: "#31688e", title: "γ \(RunLog.fixed(row.energy, 4)) J/m²")
    }
  }
}

extension InterfaceModel {
  /// The unit normal of the plane of the lower (0) or upper (1) crystal, in the frame of its cell.
  func normal(_ side: Int) -> Vector3 {
    let plane = side == 0 ? interface.pair.lower : interface.pair.upper
    // r ↦ r·R takes the normal to z: n = z·Rᵀ.
    let n = Vector3(0, 0, 1) * plane.rotation.transpose
    return (1 / n.length) * n
  }
}

import MDCore
import MDDeck
import MDNumerics

extension TaskEntry {
  static let gammaLine = TaskEntry(
    "gamma_line",
    "Generalised stacking-fault energy along a line: a slab is cut in two and its upper half displaced step by step (V. Vítek, "
      + "Phil. Mag. 18, 773, 1968), rigidly and with atoms relaxed along the normal.",
    [
      plane,
      .required(
        "displacement", .vector(.number(NumberRange(from: -100, to: 100))),
        "Where the line ends, in fractions of the deck's cell vectors; it lies in the plane. {110}<111> of bcc: [0.5, 0.5, -0.5]."),
      .defaulted("points", .integer(2...1000), "11", "Points of the line, both ends among them."),
      thickness, vacuum, cut("Where the slab is cut."), tolerance,
    ], example: "plane: [1, 1, 1], displacement: [0.166667, 0.166667, -0.333333]"
  ) { section, crystal in
    let slab = try PlaneSlab(section, crystal, cut: section.integer("cut"))
    var full = slab.plane.vector(section.vector("displacement"))
    guard full.length > 1e-6, abs(full.z) < 1e-4 * full.length else {
      throw FaultlineError(
        .input, "`displacement` does not lie in the plane: it rises by \(RunLog.fixed(full.z, 4)) Å",
        hint: "h·x + k·y + l·z = 0, and not zero itself", at: section.location(of: "displacement"), isCollective: true)
    }
    full.z = 0
    var glide = try Glide(slab, crystal, tolerance: section.double("force_tolerance"))
    let points = section.integer("points")
    let rows = try (0..<points).map { k -> [Double] in
      let t = Double(k) / Double(points - 1)
      let found = try glide.energy(t * full)
      return [t, t * full.length, found.rigid, found.relaxed]
    }
    let top = rows.max { $0[3] < $1[3] }!
    let rigid = rows.map { $0[2] }.max()!
    let name = PlaneSlab.name(section)
    // A stable fault is a minimum inside the line.
    let faults = rows.indices.dropFirst().dropLast().filter { rows[$0][3] < rows[$0 - 1][3] && rows[$0][3] < rows[$0 + 1][3] }
    let stable = faults.min { rows[$0][3] < rows[$1][3] }.map { rows[$0] }
    var numbers: [String: JSONNumber] = [
      "plane": .text(name), "unstable_J_per_m2": .number(top[3]), "unstable_at": .number(top[0]),
      "unstable_rigid_J_per_m2": .number(rigid), "end_J_per_m2": .number(rows[points - 1][3]),
      "length_A": .number(full.length), "gap_A": .number(slab.gap),
    ]
    if let stable {
      numbers["stable_J_per_m2"] = .number(stable[3])
      numbers["stable_at"] = .number(stable[0])
    }
    return TaskResult(
      lines: [
        "γ-line \(name) over \(RunLog.fixed(full.length, 3)) Å: highest \(RunLog.fixed(top[3], 4)) J/m² at \(RunLog.fixed(top[0], 2)) "
          + "(\(RunLog.fixed(rigid, 4)) rigid)"
          + (stable.map { ", stable fault \(RunLog.fixed($0[3], 4)) J/m² at \(RunLog.fixed($0[0], 2))" } ?? "")
          + ", end \(RunLog.fixed(rows[points - 1][3], 4)) J/m²"
      ], warnings: glide.warnings,
      table: TaskTable(
        [("t", ""), ("displacement", "Å"), ("rigid", "J/m²"), ("relaxed", "J/m²")], rows), numbers: numbers)
  }

  static let gammaSurface = TaskEntry(
    "gamma_surface",
    "The same over the whole plane: a grid over the shortest lattice vectors u and v of the plane.",
    [
      plane,
      .defaulted("points", .list(.integer(2...1000), count: 2...2), "[12, 12]", "Points along u and v; the grid repeats."),
      thickness, vacuum, cut("Where the slab is cut."), tolerance,
    ], example: "plane: [1, 1, 1], points: [12, 12]"
  ) { section, crystal in
    let slab = try PlaneSlab(section, crystal, cut: section.integer("cut"))
    var glide = try Glide(slab, crystal, tolerance: section.double("force_tolerance"))
    let counts = section.integers("points")
    let (u, v) = (slab.plane.cell.x, slab.plane.cell.y)
    var rows: [[Double]] = []
    for i in 0..<counts[0] {
      for j in 0..<counts[1] {
        let (s, t) = (Double(i) / Double(counts[0]), Double(j) / Double(counts[1]))
        let d = s * u + t * v
        let found = try glide.energy(d)
        rows.append([s, t, d.x, d.y, found.rigid, found.relaxed])
      }
    }
    let top = rows.max { $0[5] < $1[5] }!
    let rigid = rows.map { $0[4] }.max()!
    let name = PlaneSlab.name(section)
    func vector(_ v: Vector3) -> JSONNumber { .list([v.x, v.y, v.z]) }
    return TaskResult(
      lines: [
        "γ-surface \(name), \(counts[0]) × \(counts[1]) points: highest \(RunLog.fixed(top[5], 4)) J/m² at "
          + "\(RunLog.fixed(top[0], 3)) u + \(RunLog.fixed(top[1], 3)) v (\(RunLog.fixed(rigid, 4)) rigid)"
      ], warnings: glide.warnings,
      table: TaskTable(
        [("u", ""), ("v", ""), ("x", "Å"), ("y", "Å"), ("rigid", "J/m²"), ("relaxed", "J/m²")], rows),
      numbers: [
        "plane": .text(name), "highest_J_per_m2": .number(top[5]), "highest_rigid_J_per_m2": .number(rigid),
        "highest_at": .list([top[0], top[1]]), "u_in_cell_vectors": vector(slab.plane.edges.0),
        "v_in_cell_vectors": vector(slab.plane.edges.1), "gap_A": .number(slab.gap),
      ])
  }
}

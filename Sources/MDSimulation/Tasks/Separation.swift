import MDCore
import MDDeck
import MDNumerics

/// Energy and traction of a slab that is pulled apart in its middle.
enum Separation {
  /// GPa of eV/Å³.
  private static let gigapascal = Elastic.gigapascal

  struct Point {
    /// Å.
    var opening: Double
    /// J/m² and GPa, positive in tension.
    var energy: Double
    var traction: Double
  }

  /// Both halves as they are, moved apart. The traction is the force between them. Collective.
  static func rigid(_ slab: PlaneSlab, _ cell: SmallCell, openings: [Double]) throws -> [Point] {
    let start = slab.structure.positions
    let zero = try at(0, slab, cell, start).energy
    return try openings.map { opening in
      let state = try at(opening, slab, cell, start)
      return Point(
        opening: opening, energy: slab.perArea(state.energy - zero), traction: traction(state, slab) * gigapascal)
    }
  }

  private static func at(
    _ opening: Double, _ slab: PlaneSlab, _ cell: SmallCell, _ start: [Vector3]
  ) throws -> SmallCell.State {
    try cell.move(to: zip(start, slab.isAbove).map { $1 ? $0 + Vector3(0, 0, opening) : $0 })
    return try cell.state()
  }

  /// −F/A of the upper half, eV/Å³.
  private static func traction(_ state: SmallCell.State, _ slab: PlaneSlab) -> Double {
    -zip(state.forces, slab.isAbove).reduce(0) { $1.1 ? $0 + $1.0.z : $0 } / slab.area
  }

  /// Outer parts of the slab are grips that keep their atoms in place and move apart; the atoms between them relax. For
  /// each opening the lower one of two ends: from an even stretch, and from two halves apart. The traction is the force
  /// on the upper half, the same through every plane. Collective.
  static func relaxed(
    _ slab: PlaneSlab, _ cell: SmallCell, openings: [Double], grip: Double, tolerance: Double
  ) throws -> (points: [Point], free: Double, warnings: [String]) {
    let start = slab.structure.positions
    let (low, high) = (start.map(\.z).min()! + grip, start.map(\.z).max()! - grip)
    let mobile = start.map { low < $0.z && $0.z < high ? Vector3(1, 1, 1) : .zero }
    guard high - slab.cut > 0, slab.cut - low > 0, mobile.contains(where: { $0 != .zero }) else {
      throw FaultlineError(
        .input, "no atom is left between grips of \(RunLog.fixed(grip, 1)) Å", hint: "a larger `thickness`",
        isCollective: true)
    }
    var warnings: [String] = []
    func end(_ positions: [Vector3], _ opening: Double) throws -> SmallCell.State {
      try cell.move(to: positions)
      let relaxation = try cell.relax(to: tolerance, mobile: mobile)
      warnings += relaxation.warnings("opening \(RunLog.fixed(opening, 2)) Å")
      return relaxation.state
    }
    let zero = try end(start, 0).energy
    let points = try openings.map { opening -> Point in
      let stretched = start.map { r in
        r + Vector3(0, 0, opening * min(1, max(0, (r.z - low) / (high - low))))
      }
      let apart = zip(start, slab.isAbove).map { $1 ? $0 + Vector3(0, 0, opening) : $0 }
      let (a, b) = (try end(stretched, opening), try end(apart, opening))
      let state = a.energy < b.energy ? a : b
      return Point(
        opening: opening, energy: slab.perArea(state.energy - zero), traction: traction(state, slab) * gigapascal)
    }
    return (points, high - low, warnings)
  }
}

extension TaskEntry {
  static let separation = TaskEntry(
    "separation",
    "Pulls the crystal apart between two planes: energy and traction against the opening for rigid halves and, between grips, for "
      + "relaxed atoms; the work of separation, the highest traction and where it is; and the cohesive law of Rose, Ferrante and Smith.",
    [
      plane,
      .defaulted(
        "opening", .list(.quantity(.length, .any.plausibly(0.01...50)), count: 2...2), "[0, 6]", "First and last opening."),
      .defaulted("step", .quantity(.length, .positive.plausibly(0.001...1)), "0.1", "Between openings."),
      .defaulted("relaxed", .boolean, "true", "Whether atoms are relaxed as well."),
      thickness, vacuum, cut("Where the crystal is parted, and the slab has its surfaces."), tolerance,
    ], example: "plane: [1, 1, 0], opening: [0, 5 Å]",
    check: { section, context in
      let ends = section.doubles("opening")
      if ends[0] >= ends[1] || ends[0] > 0 {
        context.refuse(section.error("opening", "is [first, last] with first ≤ 0 < last"))
      } else if (ends[1] - ends[0]) / section.double("step") > 10_000 {
        context.refuse(section.error("step", "makes more than 10,000 openings"))
      }
    }
  ) { section, crystal in
    let number = section.integer("cut")
    let slab = try PlaneSlab(section, crystal, surface: number, cut: number)
    let (ends, step) = (section.doubles("opening"), section.double("step"))
    guard section.double("vacuum") - ends[1] >= crystal.cutoff else {
      throw FaultlineError(
        .input, "at an opening of \(ends[1]) Å the halves feel their images across a vacuum of \(section.double("vacuum")) Å",
        hint: "at least \(RunLog.fixed(crystal.cutoff + ends[1], 1)) Å", at: section.location(of: "vacuum"), isCollective: true)
    }
    let first = Int((ends[0] / step).rounded(.up))
    let openings = (first...max(first, Int((ends[1] / step + 1e-9).rounded(.down)))).map { Double($0) * step }
    let cell = try crystal.cell(of: slab.structure)
    let rigid = try Separation.rigid(slab, cell, openings: openings)
    let name = PlaneSlab.name(section)
    var warnings: [String] = []
    var lines: [String] = []
    var numbers: [String: JSONNumber] = ["plane": .text(name), "atoms": .count(cell.count), "area_A2": .number(slab.area)]
    func sumUp(_ points: [Separation.Point], _ prefix: String, _ what: String) {
      let top = points.max { $0.traction < $1.traction }!
      let work = points[points.count - 1].energy
      let law = CohesiveLaw(openings: points.map(\.opening), energies: points.map(\.energy), work: work)
      lines.append(
        "separation \(name) \(what): work \(RunLog.fixed(work, 4)) J/m², highest traction \(RunLog.fixed(top.traction, 2)) GPa at "
          + "\(RunLog.fixed(top.opening, 2)) Å; cohesive law l \(RunLog.fixed(law.length, 3)) Å, peak \(RunLog.fixed(law.peak, 2)) GPa "
          + "(residual \(RunLog.fixed(law.deviation, 3)) J/m²)")
      numbers[prefix + "work_J_per_m2"] = .number(work)
      numbers[prefix + "peak_traction_GPa"] = .number(top.traction)
      numbers[prefix + "opening_at_peak_A"] = .number(top.opening)
      numbers[prefix + "cohesive_length_A"] = .number(law.length)
      numbers[prefix + "cohesive_peak_GPa"] = .number(law.peak)
      numbers[prefix + "cohesive_residual_J_per_m2"] = .number(law.deviation)
      let left = abs(points[points.count - 1].traction)
      if left > 0.01 * top.traction {
        warnings.append(
          "separation \(name) \(what): at the last opening \(RunLog.fixed(left, 2)) GPa are left: the work is not that of whole "
            + "separation; raise `opening`")
      }
    }
    sumUp(rigid, "rigid_", "of rigid halves")
    var rows = rigid.map { [$0.opening, $0.energy, $0.traction] }
    var columns = [("opening", "Å"), ("rigid", "J/m²"), ("rigid_traction", "GPa")]
    if section.boolean("relaxed") {
      let found = try Separation.relaxed(
        slab, cell, openings: openings, grip: crystal.cutoff, tolerance: section.double("force_tolerance"))
      sumUp(found.points, "relaxed_", "relaxed between grips \(RunLog.fixed(found.free, 1)) Å apart")
      numbers["grips_apart_A"] = .number(found.free)
      warnings += found.warnings
      rows = zip(rows, found.points).map { $0 + [$1.energy, $1.traction] }
      columns += [("relaxed", "J/m²"), ("relaxed_traction", "GPa")]
    }
    return TaskResult(
      lines: lines, warnings: warnings, table: TaskTable(columns.map { (name: $0.0, unit: $0.1) }, rows), numbers: numbers)
  }
}

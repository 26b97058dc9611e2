import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDStructures

/// What a search of one boundary writes: tables, pictures and the structures of its best states. Rank 0's.
struct SearchTables {
  let campaign: SearchCampaign
  let search: SearchPlan
  let directory: String

  private var space: BoundarySpace { campaign.space }

  private static func number(_ x: Double?, _ digits: Int) -> String {
    x.map { $0.isFinite ? String(format: "%.\(digits)g", $0) : "" } ?? ""
  }
  private static func quoted(_ text: String) -> String {
    text.contains(where: { ",\"\n".contains($0) }) ? "\"" + text.replacing("\"", with: "\"\"").replacing("\n", with: " ") + "\"" : text
  }
  private static func write(_ rows: [[String]], _ path: String) throws {
    try AtomicFile.write(rows.map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n", to: path)
  }

  // MARK: Tables

  /// A row a trial.
  func writeTrials(_ statistics: SearchStatistics) throws {
    let single = singleSpecies
    let swaps = search.swaps > 0
    var rows = [[
      "trial", "method", "shift_u", "shift_v", "shift_x", "shift_y", "atoms", "removed",
    ] + single.map { "vacancies_\(space.species[$0])" } + (swaps ? ["swapped"] : []) + [
      "gap [Å]", "start_energy [J/m²]", "energy [J/m²]", "energy_first [J/m²]", "energy_second [J/m²]", "excess_volume [Å]", "normal_pressure [bar]", "steps",
      "converged", "copied", "duplicate_of", "failure",
    ]]
    for result in campaign.table {
      let (order, start) = (result.order, result.order.start)
      let edges = space.cell.ofEdges(start.shift)
      let name = search.method == .bayes && order.trial <= search.bayes.initial ? "random" : search.method.rawValue
      rows.append([
        "\(order.trial)", name, Self.number(start.shift.x, 8), Self.number(start.shift.y, 8), Self.number(edges.x, 8),
        Self.number(edges.y, 8), "\(result.atoms)", "\(start.removed)",
      ] + single.map { "\(start.content.vacancies[$0])" } + (swaps ? ["\(start.content.swaps)"] : []) + [
        Self.number(result.gap, 6), Self.number(result.startEnergy, 8), Self.number(result.energy, 10), Self.number(result.energies.first, 10),
        Self.number(result.energies.last, 10), Self.number(result.excessVolume, 8), Self.number(result.pressure, 5),
        "\(result.steps)", result.isConverged ? "1" : "0", result.energiesBefore.isEmpty ? "0" : "1",
        statistics.duplicates[order.trial].map(String.init) ?? "", Self.quoted(result.failure ?? ""),
      ])
    }
    try Self.write(rows, directory + "/search.csv")
  }

  /// A place of the map: a displacement in Å, and what a trial there came to.
  private struct Place {
    var shift: SIMD2<Double>
    var result: TrialResult

    func position(_ cell: NonidenticalDisplacements) -> SIMD2<Double> {
      let (u, v) = cell.vectors
      return shift.x * u + shift.y * v
    }
  }

  /// Every displacement tried with those that symmetry makes equal to it.
  private var places: [Place] {
    campaign.table.filter { $0.state != nil }.flatMap { result -> [Place] in
      var images: [SIMD2<Double>] = []
      for operation in space.symmetry.operations {
        let image = operation.image(result.order.start.shift)
        if !images.contains(where: { DisplacementSymmetry.distance($0, image) < 1e-6 }) { images.append(image) }
      }
      return images.map { Place(shift: $0, result: result) }
    }
  }

  /// γ over the displacement that trials began with, as table and picture.
  func writeMap() throws {
    let places = places
    var rows = [["shift_u", "shift_v", "x [Å]", "y [Å]", "removed", "start_energy [J/m²]", "energy [J/m²]", "trial"]]
    for place in places {
      let r = place.position(space.cell)
      rows.append([
        Self.number(place.shift.x, 8), Self.number(place.shift.y, 8), Self.number(r.x, 8), Self.number(r.y, 8),
        "\(place.result.order.start.removed)", Self.number(place.result.startEnergy, 8), Self.number(place.result.energy, 10),
        "\(place.result.order.trial)",
      ])
    }
    try Self.write(rows, directory + "/map.csv")
    guard !places.isEmpty else { return }
    let (u, v) = space.cell.vectors
    let corners = [SIMD2<Double>.zero, u, u + v, v]
    let (xs, ys) = (corners.map(\.x), corners.map(\.y))
    let (low, high) = (SIMD2(xs.min()!, ys.min()!), SIMD2(xs.max()!, ys.max()!))
    let scale = min(420 / (high.x - low.x), 420 / (high.y - low.y))
    func at(_ r: SIMD2<Double>) -> (Double, Double) { (60 + scale * (r.x - low.x), 50 + scale * (high.y - r.y)) }
    let (width, height) = (scale * (high.x - low.x) + 190, scale * (high.y - low.y) + 100)
    var picture = VectorPicture(width: width, height: height)
    picture.text("\(space.title): γ after relaxation, over the displacement at the start", width / 2, 22, size: 13)
    picture.line(corners.map(at), closed: true)
    let energies = places.map { $0.result.energy! }
    let (least, most) = (energies.min()!, energies.sorted()[Int(0.95 * Double(energies.count - 1))])
    // The lowest on top.
    for place in places.sorted(by: { $0.result.energy! > $1.result.energy! }) {
      let (x, y) = at(place.position(space.cell))
      let share = most > least ? (place.result.energy! - least) / (most - least) : 0
      picture.circle(
        x, y, radius: share < 0.01 ? 6 : 5, fill: VectorPicture.color(share), stroke: share < 0.01 ? "#d00" : "#333",
        title: "trial \(place.result.order.trial): \(RunLog.fixed(place.result.energy!, 4)) J/m²")
    }
    for step in 0...10 {
      let share = Double(step) / 10
      let y = height - 60 - share * 120
      picture.circle(width - 95, y, radius: 5, fill: VectorPicture.color(share))
      if step % 5 == 0 { picture.text("\(RunLog.fixed(least + share * (most - least), 3)) J/m²", width - 84, y + 4, anchor: .start) }
    }
    picture.text("\(RunLog.fixed((u * u).sum().squareRoot(), 3)) Å × \(RunLog.fixed((v * v).sum().squareRoot(), 3)) Å, the cell of non-identical displacements", width / 2, height - 16, size: 11)
    try AtomicFile.write(picture.source, to: directory + "/map.svg")
  }

  /// γ against the number of atoms.
  func writeAtoms(_ statistics: SearchStatistics) throws {
    let single = singleSpecies
    var rows = [
      ["removed", "kept_fraction"] + single.map { "vacancies_\(space.species[$0])" }
        + ["trials", "states", "energy [J/m²]", "excess_volume [Å]", "trial"]
    ]
    // Exchanges change no numbers of atoms.
    for content in space.contents where content.swaps == 0 {
      let tried = campaign.table.filter { $0.order.start.content.hasAtoms(of: content) }
      let states = statistics.states.filter { $0.best.order.start.content.hasAtoms(of: content) }
      rows.append([
        "\(content.removed)", Self.number(1 - Double(content.removed) / Double(space.units), 8),
      ] + single.map { "\(content.vacancies[$0])" } + [
        "\(tried.count)", "\(states.count)",
        Self.number(states.first?.best.energy, 10), Self.number(states.first?.best.excessVolume, 8),
        states.first.map { "\($0.best.order.trial)" } ?? "",
      ])
    }
    try Self.write(rows, directory + "/atoms.csv")
    let points = campaign.table.compactMap { result in
      result.state.map { (1 - Double(result.order.start.removed) / Double(space.units), $0.energy) }
    }
    guard Set(space.contents.map(\.removed)).count > 1, !points.isEmpty else { return }
    var picture = VectorPicture(width: 520, height: 380)
    let frame = VectorPicture.Frame(
      left: 80, right: 490, top: 40, bottom: 320, xs: 0...1.05, ys: VectorPicture.range(points.map(\.1)))
    picture.text("\(space.title): γ of each relaxed trial", 285, 24, size: 13)
    picture.axes(frame, xLabel: "part of an atomic plane that is kept", yLabel: "γ, J/m²")
    for (x, y) in points { picture.circle(frame.x(x), frame.y(y), radius: 4, fill: "#31688e") }
    try AtomicFile.write(picture.source, to: directory + "/atoms.svg")
  }

  /// Species of which single atoms are taken out.
  private var singleSpecies: [Int] { space.species.indices.filter { search.vacancies[space.species[$0]] != nil } }

  // MARK: Structures

  /// The states whose structures are kept: the lowest, and the lowest with each number of single atoms less, which may be the lowest
  /// at other chemical potentials.
  private func kept(_ statistics: SearchStatistics) -> [TrialResult] {
    var kept = statistics.states.prefix(search.keep).map(\.best)
    var seen = Set(kept.map { $0.order.start.vacancies ?? [] })
    for state in statistics.states where seen.insert(state.best.order.start.vacancies ?? []).inserted { kept.append(state.best) }
    return kept
  }

  /// γ of the kept states against the chemical potential that is a range.
  func stability(_ statistics: SearchStatistics, _ potentials: ChemicalPotentials?) -> StabilityTable? {
    StabilityTable(space.title, kept(statistics), potentials, area: space.area)
  }

  private var structures: String { directory + "/best" }
  private func file(_ trial: Int) -> String { structures + String(format: "/trial-%05d.extxyz", trial) }

  func makeDirectories() throws {
    for path in [directory, structures] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
  }

  /// The structure of a trial that has just ended, if it may be one of the best states' at the end; before the journal knows
  /// of it.
  ///
  /// Trials end in any order, and those beyond the last do not count: only of trials 1 … decided, all there, is it known what
  /// cannot come back. Whatever is higher than the last of their best states cannot either.
  func keep(_ trial: Trial) throws {
    guard let energy = trial.result.state?.energy, let carried = trial.structure else { return }
    let statistics = campaign.statistics
    let (best, top) = (kept(statistics), statistics.states.prefix(search.keep))
    let vacancies = trial.result.order.start.vacancies
    let isBeaten = best.contains { $0.order.start.vacancies == vacancies && $0.energy! <= energy }
    if top.count == search.keep, let last = top.last?.best.energy, energy > last, isBeaten { return }
    try writeFrame(trial.result, carried.structure, to: file(trial.result.order.trial))
    let kept = Set(best.map { file($0.order.trial) } + campaign.results.keys.filter { $0 > campaign.decided }.map(file))
    removeStructures { !kept.contains($0) && $0 != file(trial.result.order.trial) }
  }

  private func removeStructures(_ isGone: (String) -> Bool) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: structures)) ?? [] where isGone(structures + "/" + name) {
      try? FileManager.default.removeItem(atPath: structures + "/" + name)
    }
  }

  private func writeFrame(_ result: TrialResult, _ structure: Structure, to path: String) throws {
    let pending = try PendingFile(path)
    let writer = try ExtXYZWriter(pending.temporary)
    var frame = ExtXYZFrame(structure)
    frame.info = [
      ExtXYZEntry("boundary", space.title), ExtXYZEntry("trial", result.order.trial),
      ExtXYZEntry("energy_J_per_m2", result.energy ?? .nan), ExtXYZEntry("excess_volume_A", result.excessVolume ?? .nan),
      ExtXYZEntry("removed", result.order.start.removed),
      ExtXYZEntry("shift", [result.order.start.shift.x, result.order.start.shift.y]),
    ]
    try writer.write(frame)
    try writer.finish()
    try pending.commit()
  }

  /// The best states in one file, the lowest first.
  func writeBest(_ statistics: SearchStatistics) throws {
    let best = kept(statistics)
    if campaign.ending != nil {
      let files = Set(best.map { file($0.order.trial) })
      removeStructures { !files.contains($0) }
    }
    let frames = try best.compactMap { state -> ExtXYZFrame? in
      let path = file(state.order.trial)
      return FileManager.default.fileExists(atPath: path) ? try ExtXYZReader.frames(of: path).first : nil
    }
    guard !frames.isEmpty else { return }
    let writer = try ExtXYZWriter(directory + "/best.extxyz")
    for frame in frames { try writer.write(frame) }
    try writer.finish()
  }

  // MARK: All of it

  func writeAll() throws -> SearchStatistics {
    let statistics = campaign.statistics
    try writeTrials(statistics)
    try writeMap()
    try writeAtoms(statistics)
    try writeBest(statistics)
    return statistics
  }

  /// For run.json.
  func numbers(_ statistics: SearchStatistics) -> [String: JSONNumber] {
    var numbers: [String: JSONNumber] = [
      "trials": .count(statistics.trials), "states": .count(statistics.states.count),
      "failed": .count(campaign.table.count { $0.failure != nil }),
      "not_converged": .count(campaign.table.count { $0.failure == nil && !$0.isConverged }),
      "ending": .text(campaign.ending ?? "not ended"), "certainty": .text(statistics.sentence(search.method)),
      "area_A2": .number(space.area), "atoms_per_plane": .count(space.plane), "units_per_plane": .count(space.units),
      "displacement_cells": .count(space.cell.count), "symmetry_operations": .count(space.symmetry.operations.count),
      "boundaries_alike": .flag(space.areAlike),
    ]
    if let angle = space.model.angle { numbers["angle_deg"] = .number(angle) }
    if search.method == .grid { numbers["skipped_by_symmetry"] = .count(campaign.skipped) }
    if let best = statistics.states.first {
      numbers["energy_J_per_m2"] = .number(best.best.energy ?? .nan)
      numbers["excess_volume_A"] = .number(best.best.excessVolume ?? .nan)
      numbers["atoms"] = .count(best.best.atoms)
      numbers["removed"] = .count(best.best.order.start.removed)
      if let vacancies = best.best.order.start.vacancies {
        numbers["vacancies"] = .section(Dictionary(uniqueKeysWithValues: zip(space.species, vacancies.map { JSONNumber.count($0) })))
      }
      numbers["shift"] = .list([best.best.order.start.shift.x, best.best.order.start.shift.y])
      numbers["trial"] = .count(best.best.order.trial)
      numbers["first_trial"] = .count(best.trials[0])
      numbers["times_found"] = .count(best.trials.count)
    }
    if let estimate = statistics.estimate(search.method) {
      numbers["probability_of_new_state"] = .number(estimate.newState)
      numbers["unseen_states"] = .number(estimate.unseen)
      numbers["unseen_lower_states"] = .number(estimate.lower)
    }
    return numbers
  }
}

import MDCore
import MDNumerics

extension CheckpointSectionReader {
  /// What the long-range solvers had chosen, in the order of the potentials. Bounds are wide around what solvers choose:
  /// they keep a wrong number from asking for all memory.
  func longRange() throws -> [LongRangeParameters] {
    let all = try decode([LongRangeParameters].self)
    for parameters in all { try check(parameters) }
    return all
  }

  private func check(_ p: LongRangeParameters) throws {
    try require(
      p.splitting.isFinite && p.splitting > 0 && p.splitting < 100, "a splitting parameter of \(p.splitting)/Å")
    try require(
      (0...30).contains(p.order) && p.count >= 0 && p.wavevectorCutoff >= 0
        && p.wavevectorCutoff <= 40 * p.splitting,
      "long-range sums of order \(p.order), up to \(p.wavevectorCutoff)/Å, of \(p.count) charges")
    let volume = p.cell.count == 9 ? abs(Matrix3(p.cell).determinant) : 0
    try require(
      p.cell.allSatisfy(\.isFinite) && volume.isFinite && volume > 1e-6, "the cell \(p.cell) without volume")
    let rows = Matrix3(p.cell)
    for k in 0..<3 {
      let limit = rows[k].length * max(50 * p.splitting, p.wavevectorCutoff) + 64
      try require(
        p.grid[k] >= 0 && Double(p.grid[k]) <= limit && (p.order == 0 || p.grid[k] > 0),
        "a grid of \(p.grid[0]) × \(p.grid[1]) × \(p.grid[2]) for the long-range sums")
    }
  }

  /// How the last stage of a finished run ended.
  func stageEnd(_ clock: Clock) throws -> StageEnd {
    let end = try decode(StageEnd.self)
    try require(
      end.steps >= 0 && end.state.firstStep == clock.step - end.steps,
      "the last stage begins after step \(end.state.firstStep), and \(end.steps) steps of it are done at step \(clock.step)")
    return end
  }

  /// The state of the stage that a run stopped in.
  func stage(_ clock: Clock, cell: [Double]) throws -> StageState {
    let state = try decode(StageState.self)
    try require(
      state.firstStep == clock.step - clock.stepInStage,
      "the stage begins after step \(state.firstStep), at step \(clock.step) with \(clock.stepInStage) steps done")
    try require(
      state.gradient.count == 9 && state.gradient.allSatisfy(\.isFinite) && Matrix3(state.gradient).determinant > 0,
      "a deformation \(state.gradient)")
    let first = Matrix3(state.firstCell.count == 9 ? state.firstCell : Matrix3.zero.elements)
    try require(
      state.firstCell.allSatisfy(\.isFinite) && abs(first.determinant) > 1e-9, "a first cell \(state.firstCell)")
    // The same lattice, if perhaps other vectors of it.
    let change = first * Matrix3(state.gradient) * Matrix3(cell).inverse
    try require(
      change.elements.allSatisfy { abs($0 - $0.rounded()) < 1e-6 } && abs(abs(change.determinant) - 1) < 1e-6,
      "a deformation that does not lead from the stage's first cell to the checkpoint's")
    return state
  }
}

import MDCore
import MDNumerics

/// A slab whose upper half is moved along its cut: the energy of the fault, rigid and with atoms relaxed along the normal.
struct Glide {
  let slab: PlaneSlab
  private let cell: SmallCell
  private let tolerance: Double
  private let zero: (rigid: Double, relaxed: Double)
  private(set) var warnings: [String] = []

  /// The energies of faults are with respect to the slab without one, relaxed in the same way. Collective.
  init(_ slab: PlaneSlab, _ crystal: Crystal, tolerance: Double) throws {
    self.slab = slab
    self.tolerance = tolerance
    cell = try crystal.cell(of: slab.structure)
    let rigid = try cell.state().energy
    let relaxation = try cell.relax(to: tolerance, mobile: Self.normal(cell.count))
    zero = (rigid, relaxation.state.energy)
    warnings = relaxation.warnings("the slab without a fault")
  }

  private static func normal(_ count: Int) -> [Vector3] {
    [Vector3](repeating: Vector3(0, 0, 1), count: count)
  }

  /// γ for a displacement of the upper half in the plane (Å), J/m². Collective.
  mutating func energy(_ displacement: Vector3) throws -> (rigid: Double, relaxed: Double) {
    try cell.move(to: zip(slab.structure.positions, slab.isAbove).map { $1 ? $0 + displacement : $0 })
    let rigid = try cell.state().energy
    let relaxation = try cell.relax(to: tolerance, mobile: Self.normal(cell.count))
    warnings += relaxation.warnings("displacement (\(RunLog.fixed(displacement.x, 3)), \(RunLog.fixed(displacement.y, 3))) Å")
    return (slab.perArea(rigid - zero.rigid), slab.perArea(relaxation.state.energy - zero.relaxed))
  }
}

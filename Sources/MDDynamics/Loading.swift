import Foundation
import MDCore
import MDNumerics

/// Deforms the cell at a constant engineering rate and carries the atoms along affinely.
///
/// At step n the cell matrix (rows a, b, c) is H(n) = H₀ (1 + tL), t = (n − n₀) Δt; element (i, j) of L is the rate,
/// 1/ps, at which a point moves along axis j in proportion to its coordinate i. Diagonal elements are engineering
/// strain rates, others simple shear. Positions, frozen and driven atoms included, go from r to
/// o + (r − o) H(n − 1)⁻¹ H(n) about the cell's origin o, so wrapped, unwrapped and ghost positions stay images of
/// one another; velocities are left alone. H(n) follows from the step, so round-off does not add up.
///
/// Works with any integrator: call `apply` between the integrator's first half and the force computation.
public final class Loading {
  /// L, 1/ps.
  public let rates: Matrix3
  /// H₀ and n₀.
  private var reference: Reference

  private struct Reference: Codable {
    var cell: [Double]
    var step: Int
  }

  /// `box` is the cell before the first step of the stage and `step` that step's predecessor.
  /// Throws if a rate is not finite.
  public init(rates: Matrix3, box: Box, step: Int) throws {
    guard rates.elements.allSatisfy(\.isFinite) else {
      throw FaultlineError(
        .input, "a strain rate is not a finite number", hint: "rates are in 1/ps", isCollective: true)
    }
    self.rates = rates
    reference = Reference(cell: box.cell.elements, step: step)
  }

  /// Pulls (rate > 0) or pushes along Cartesian axis 0, 1 or 2 at an engineering strain rate, 1/ps.
  public convenience init(axis: Int, strainRate: Double, box: Box, step: Int) throws {
    try self.init(rates: Self.single(axis, axis, strainRate), box: box, step: step)
  }

  /// Moves the cell's far face along a Cartesian axis at `faceVelocity`, Å/ps; the near face stays.
  public convenience init(axis: Int, faceVelocity: Double, box: Box, step: Int) throws {
    let extent = abs(box.cell.x[axis]) + abs(box.cell.y[axis]) + abs(box.cell.z[axis])
    try self.init(axis: axis, strainRate: faceVelocity / extent, box: box, step: step)
  }

  /// Simple shear: points move along `direction` in proportion to their coordinate `normal`, at dγ/dt in 1/ps.
  public convenience init(shearAlong direction: Int, normal: Int, rate: Double, box: Box, step: Int) throws {
    guard direction != normal else {
      throw FaultlineError(
        .input, "shear along its own normal", hint: "direction and normal are different axes", isCollective: true)
    }
    try self.init(rates: Self.single(normal, direction, rate), box: box, step: step)
  }

  private static func single(_ row: Int, _ column: Int, _ rate: Double) -> Matrix3 {
    var rates = Matrix3.zero
    rates[row][column] = rate
    return rates
  }

  /// tL at a step: engineering strains on the diagonal.
  public func strain(at step: Int, timestep: Double) -> Matrix3 {
    (Double(step - reference.step) * timestep) * rates
  }

  /// Brings the cell and this rank's atoms (ghosts too) to the strain of `context.step`.
  /// Throws, on every rank, if the cell would be turned inside out.
  public func apply(_ context: DynamicsContext, box: inout Box) throws {
    let strain = strain(at: context.step, timestep: context.timestep)
    let gradient = Matrix3.identity + strain
    guard gradient.determinant > 0 else {
      throw FaultlineError(
        .run, "the loading has compressed the cell to nothing at step \(context.step)",
        hint: "load for fewer steps or at a smaller rate", isCollective: true)
    }
    let old = box.inverse
    box.setCell(Matrix3(reference.cell) * gradient)
    let map = old * box.cell
    let origin = box.origin
    let positions = context.atoms.position.pointer
    for i in 0..<context.atoms.count { positions[i] = origin + (positions[i] - origin) * map }
  }

  public func state() throws -> Data { try StateCoding.encode(reference, kind: "loading") }

  /// Goes on from a checkpoint of `step`, whose cell is `box`.
  /// - Throws: a collective input error if the reference and the rates do not give that cell.
  public func restore(_ state: Data, box: Box, step: Int, timestep: Double) throws {
    let restored = try StateCoding.decode(Reference.self, kind: "loading", from: state)
    try StateCoding.require(
      restored.cell.count == 9 && restored.step <= step, kind: "loading",
      "a cell of \(restored.cell.count) numbers of step \(restored.step)")
    let strain = (Double(step - restored.step) * timestep) * rates
    let cell = Matrix3(restored.cell) * (Matrix3.identity + strain)
    let size = box.cell.elements.map(abs).max() ?? 0
    try StateCoding.require(
      zip(cell.elements, box.cell.elements).allSatisfy { abs($0 - $1) <= 1e-9 * size }, kind: "loading",
      "its reference does not give the checkpoint's cell")
    reference = restored
  }
}

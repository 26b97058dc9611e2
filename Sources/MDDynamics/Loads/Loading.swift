import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Deforms the cell at a constant engineering rate and carries the atoms along affinely.
///
/// At step n the gradient is F(n) = 1 + tL, t = (n − n₀) Δt; element (i, j) of L is the rate, 1/ps, at which a point
/// moves along axis j in proportion to its coordinate i. Diagonal elements are engineering strain rates, others simple
/// shear. Each step applies the increment F(n − 1)⁻¹ F(n) (`Deformation`), which follows from the step alone: what
/// else changes the cell, a barostat along other axes, does so between.
///
/// Works with any integrator: call `apply` between the integrator's first half and the force computation.
package final class Loading {
  /// L, 1/ps.
  package let rates: Matrix3
  /// For the log: "pulled along x at 0.001 /ps".
  package let summary: String
  /// n₀.
  private var reference: Reference

  private struct Reference: Codable { var step: Int }

  /// `step` is the predecessor of the first step of the stage.
  /// Throws if a rate is not finite.
  package init(rates: Matrix3, step: Int, summary: String = "deformed") throws {
    guard rates.elements.allSatisfy(\.isFinite) else {
      throw FaultlineError(
        .input, "a strain rate is not a finite number", hint: "rates are in 1/ps", isCollective: true)
    }
    self.rates = rates
    self.summary = summary
    reference = Reference(step: step)
  }

  /// Pulls (rate > 0) or pushes along Cartesian axis 0, 1 or 2 at an engineering strain rate, 1/ps.
  package convenience init(axis: Int, strainRate: Double, step: Int) throws {
    try self.init(rates: Self.single(axis, axis, strainRate), step: step)
  }

  /// Moves the cell's far face along a Cartesian axis at `faceVelocity`, Å/ps; the near face stays.
  package convenience init(axis: Int, faceVelocity: Double, box: Box, step: Int) throws {
    let extent = abs(box.cell.x[axis]) + abs(box.cell.y[axis]) + abs(box.cell.z[axis])
    try self.init(axis: axis, strainRate: faceVelocity / extent, step: step)
  }

  /// Simple shear: points move along `direction` in proportion to their coordinate `normal`, at dγ/dt in 1/ps.
  package convenience init(shearAlong direction: Int, normal: Int, rate: Double, step: Int) throws {
    guard direction != normal else {
      throw FaultlineError(
        .input, "shear along its own normal", hint: "direction and normal are different axes", isCollective: true)
    }
    try self.init(rates: Self.single(normal, direction, rate), step: step)
  }

  private static func single(_ row: Int, _ column: Int, _ rate: Double) -> Matrix3 {
    var rates = Matrix3.zero
    rates[row][column] = rate
    return rates
  }

  /// Whether right angles do not stay right.
  package var shears: Bool { rates.elements.indices.contains { $0 % 4 != 0 && rates.elements[$0] != 0 } }

  /// Each component of the cell has one owner: throws if the load changes one of these.
  package func refuseComponents(of components: CellComponents, at place: SourceLocation?) throws {
    let symmetric = rates.symmetricPart
    for k in 0..<6 where components.touches(k) && symmetric.contracted(with: CellComponents.voigt(k)) != 0 {
      throw FaultlineError(
        .input, "the barostat and the load both change the component \(CellComponents.voigtNames[k]) of the cell",
        hint: "give the barostat a `cell` that leaves the loaded component out", at: place, isCollective: true)
    }
  }

  /// The one Cartesian axis that is stretched; nil where it is not just one.
  package var axis: Int? {
    let given = rates.elements.indices.filter { rates.elements[$0] != 0 }
    return given.count == 1 && given[0] % 4 == 0 ? given[0] / 4 : nil
  }

  /// tL at a step: engineering strains on the diagonal.
  package func strain(at step: Int, timestep: Double) -> Matrix3 {
    (Double(step - reference.step) * timestep) * rates
  }

  /// Brings the cell and this rank's atoms (ghosts too) to the strain of `context.step`.
  /// Throws, on every rank, if the cell would be turned inside out.
  package func apply(_ context: DynamicsContext, box: inout Box) throws {
    let before = Matrix3.identity + strain(at: context.step - 1, timestep: context.timestep)
    let now = Matrix3.identity + strain(at: context.step, timestep: context.timestep)
    try Deformation.apply(
      now.determinant > 0 ? before.inverse * now : now, context, box: &box, blame: "the loading has")
  }

  package func state() throws -> Data { try StateCoding.encode(reference, kind: "loading") }

  /// Goes on from a checkpoint of `step`.
  /// - Throws: a collective input error if no run writes that.
  package func restore(_ state: Data, step: Int) throws {
    let restored = try StateCoding.decode(Reference.self, kind: "loading", from: state)
    try StateCoding.require(
      restored.step <= step, kind: "loading", "of step \(restored.step), at step \(step)")
    reference = restored
  }
}

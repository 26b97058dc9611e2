import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Deforms the cell at constant rates and carries the atoms along affinely.
///
/// At step n the gradient is F(n) = (1 + tL) e^{tT}, t = (n − n₀) Δt: element (i, j) of L and T is the rate, 1/ps, at which
/// a point moves along axis j in proportion to its coordinate i. L has engineering rates (of the length at the start),
/// T true ones (of the present length). Each step applies the increment F(n − 1)⁻¹ F(n) (`Deformation`), which follows
/// from the step alone: what else changes the cell, a barostat along other axes, does so between.
///
/// Works with any integrator: call `apply` between the integrator's first half and the force computation.
package final class Loading {
  /// L and T, 1/ps.
  package let rates: Matrix3
  package let trueRates: Matrix3
  /// For the log: "pulled along x at 0.001 /ps".
  package let summary: String
  /// n₀.
  private var reference: Reference

  private struct Reference: Codable { var step: Int }

  /// `step` is the predecessor of the first step of the stage.
  /// Throws if a rate is not finite.
  package init(rates: Matrix3, trueRates: Matrix3 = .zero, step: Int, summary: String = "deformed") throws {
    guard (rates.elements + trueRates.elements).allSatisfy(\.isFinite) else {
      throw FaultlineError(
        .input, "a strain rate is not a finite number", hint: "rates are in 1/ps", isCollective: true)
    }
    self.rates = rates
    self.trueRates = trueRates
    self.summary = summary
    reference = Reference(step: step)
  }

  /// Pulls (rate > 0) or pushes along Cartesian axis 0, 1 or 2 at an engineering strain rate, 1/ps.
  package convenience init(axis: Int, strainRate: Double, step: Int) throws {
    var rates = Matrix3.zero
    rates[axis][axis] = strainRate
    try self.init(rates: rates, step: step)
  }

  /// Whether right angles do not stay right.
  package var shears: Bool {
    let both = rates.elements.indices.map { abs(rates.elements[$0]) + abs(trueRates.elements[$0]) }
    return both.indices.contains { $0 % 4 != 0 && both[$0] != 0 }
  }

  /// Whether it changes a component, in Voigt's order.
  package func changes(_ k: Int) -> Bool {
    let b = CellComponents.voigt(k)
    return abs(rates.symmetricPart.contracted(with: b)) + abs(trueRates.symmetricPart.contracted(with: b)) != 0
  }

  /// Each component of the cell has one owner: throws if the load changes one of these.
  package func refuseComponents(of components: CellComponents, at place: SourceLocation?) throws {
    for k in 0..<6 where components.touches(k) && changes(k) {
      throw FaultlineError(
        .input, "the barostat and the load both change the component \(Voigt.names[k]) of the cell",
        hint: "give the barostat a `cell` that leaves the loaded component out", at: place, isCollective: true)
    }
  }

  /// The one Cartesian axis that is stretched; nil where it is not just one.
  package var axis: Int? {
    let given = (0..<6).filter(changes)
    return given.count == 1 && given[0] < 3 ? given[0] : nil
  }

  /// F at a step.
  package func gradient(at step: Int, timestep: Double) -> Matrix3 {
    let t = Double(step - reference.step) * timestep
    let engineering = Matrix3.identity + t * rates
    return trueRates == .zero ? engineering : engineering * (t * trueRates).exponential
  }

  /// F − 1 at a step: engineering strains on the diagonal.
  package func strain(at step: Int, timestep: Double) -> Matrix3 {
    gradient(at: step, timestep: timestep) - .identity
  }

  /// Brings the cell and this rank's atoms (ghosts too) from the strain of the step before to that of `context.step`.
  /// Throws, on every rank, if the cell would be turned inside out.
  package func apply(_ context: DynamicsContext, box: inout Box) throws {
    let before = gradient(at: context.step - 1, timestep: context.timestep)
    let now = gradient(at: context.step, timestep: context.timestep)
    try Deformation.apply(
      now.determinant > 0 ? before.inverse * now : now, context, box: &box, blame: "the loading has")
  }

  package func state() throws -> Data { try StateCoding.encode(reference, kind: "loading") }

  /// Goes on from a checkpoint of `step`.
  /// - Throws: a collective input error if no run writes that.
  package func restore(_ state: Data, step: Int) throws {
    let restored = try StateCoding.decode(Reference.self, kind: "loading", from: state)
    try StateCoding.require(restored.step <= step, kind: "loading", "of step \(restored.step), at step \(step)")
    reference = restored
  }
}

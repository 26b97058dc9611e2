import Foundation
import MDCore
import MDNumerics

/// The cell as a block of coordinates that a minimiser moves along with the atoms.
///
/// q_k = ℓ e_k (Å) with the components e_k of the strain and ℓ = √N Ω^⅓, Ω the volume an atom: so a cell is about as
/// stiff as the bond of an atom, whatever its size. The objective is the enthalpy
///
///     H = E + P V − ∫ V s : dε,
///
/// of which −∂H/∂q_k = (W + V S) : B_k / ℓ with the virial W and the stress S asked for (see `StressTarget`). Atoms are
/// carried along, so forces on them are those of H too.
package struct CellCoordinates: Sendable {
  package private(set) var components: CellComponents
  package let target: StressTarget
  /// Converged when no component of the strain feels a stress farther from the target, eV/Å³.
  package let tolerance: Double
  private let atoms: Double
  /// Cells beyond this factor of their first volume, or below its inverse, are not of a crystal any more.
  private static let runaway = 8.0

  /// The moving parts; a checkpoint keeps them.
  struct State: Codable, Equatable {
    /// Å/ps.
    var velocity: [Double]
    /// −∂H/∂q, eV/Å.
    var force: [Double]
    /// ∫ V s : dε, eV.
    var work = 0.0
    /// Of the cell at the start, Å³.
    var firstVolume: Double
    /// The components, nine numbers each: they belong to the cell at the start, too.
    var basis: [[Double]]
  }
  var state: State

  /// ℓ, Å.
  var scale: Double { atoms.squareRoot() * pow(state.firstVolume / atoms, 1 / 3) }

  /// - Parameter tolerance: bar.
  package init(_ components: CellComponents, target: StressTarget, tolerance: Double, box: Box, atoms: Int) {
    self.components = components
    self.target = target
    self.tolerance = tolerance / Units.energyPerVolumeToBar
    self.atoms = Double(max(atoms, 1))
    let zeros = [Double](repeating: 0, count: components.count)
    state = State(
      velocity: zeros, force: zeros, firstVolume: box.volume, basis: components.basis.map(\.elements))
  }

  /// Goes on from what a checkpoint kept, which `isSound`.
  mutating func restore(_ state: State) {
    self.state = state
    components = CellComponents(basis: state.basis.map { Matrix3($0) })
  }

  /// Takes the virial (eV) of all ranks.
  package mutating func measure(virial: Matrix3, box: Box) {
    state.force = components.project(virial + box.volume * target.stress).map { $0 / scale }
  }

  /// −∂H/∂q, eV/Å.
  package var force: [Double] { state.force }

  /// How far the stress is from the target, eV/Å³: the largest component.
  func residual(_ box: Box) -> Double {
    state.force.reduce(0) { max($0, abs($1)) } * scale / box.volume
  }

  func isConverged(_ box: Box) -> Bool { residual(box) <= tolerance }

  /// H − E, eV.
  package func enthalpyPart(_ box: Box) -> Double { target.pressure * box.volume - state.work }

  /// The largest component of a strain by these steps (Å).
  func strain(of steps: [Double]) -> Double { steps.reduce(0) { max($0, abs($1)) } / scale }

  /// Moves the cell by steps dq (Å), and the atoms with it.
  package mutating func move(by steps: [Double], _ context: DynamicsContext, box: inout Box) throws {
    let strain = components.matrix(steps.map { $0 / scale })
    let before = box.volume
    try Deformation.apply(strain.exponential, context, box: &box, blame: "the relaxation has")
    state.work += 0.5 * (before + box.volume) * target.deviator.contracted(with: strain)
    let ratio = box.volume / state.firstVolume
    guard ratio < Self.runaway, ratio > 1 / Self.runaway else {
      throw FaultlineError(
        .run,
        "the relaxation has changed the cell's volume from \(plainVolume(state.firstVolume)) to "
          + "\(plainVolume(box.volume)) Å³ by step \(context.step): it finds no minimum",
        hint: "start nearer to the crystal, keep the cell (`cell: fixed`), or look whether the potential binds it",
        isCollective: true)
    }
  }

  private func plainVolume(_ v: Double) -> String { String(format: "%.1f", v) }

  /// Stops the cell.
  mutating func rest() { state.velocity = components.basis.map { _ in 0 } }

  /// Whether a checkpoint can hold this.
  func isSound(_ s: State) -> Bool {
    s.velocity.count == components.count && s.force.count == components.count
      && (s.velocity + s.force + [s.work]).allSatisfy(\.isFinite) && s.firstVolume.isFinite && s.firstVolume > 0
      && s.basis.count == components.count
      && s.basis.allSatisfy { $0.count == 9 && abs(Matrix3($0).norm - 1) < 1e-9 }
  }

  // MARK: Sums over the block, to be added once over all ranks

  var power: Double { zip(state.velocity, state.force).reduce(0) { $0 + $1.0 * $1.1 } }
  var speedSquared: Double { state.velocity.reduce(0) { $0 + $1 * $1 } }
  var forceSquared: Double { state.force.reduce(0) { $0 + $1 * $1 } }
}

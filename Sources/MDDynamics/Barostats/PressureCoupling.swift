import MDCore
import MDNumerics

/// What barostats have in common: the components of the strain that they own, the stress they are to come to, the time
/// in which they do, and the cell's stiffness, which is measured unless it is given.
package struct PressureCoupling: Sendable {
  package private(set) var components: CellComponents
  package let target: StressRamp
  /// τ, ps.
  package let damping: Double
  /// Bulk modulus in place of what is measured, eV/Å³; the other stiffnesses keep their proportion to it.
  private let modulus: Double?
  /// The eigenvalues M_k of the cell's stiffness (`CellStiffness`), eV/Å³; `components` are then the eigenvectors, which
  /// do not answer one another. Empty before `learn`.
  package private(set) var moduli: [Double] = []
  /// Of the cell when its stiffness was measured, Å³.
  package private(set) var volume = 0.0

  /// Stiffnesses below this part of the largest are taken for it: a soft component must not run away.
  private static let softest = 0.05

  /// Throws if the time constant is not positive.
  package init(_ components: CellComponents, target: StressRamp, damping: Double, modulus: Double? = nil) throws {
    guard damping > 0 && damping.isFinite else {
      throw FaultlineError(
        .input, "a barostat with damping \(damping) ps", hint: "the damping time is positive", isCollective: true)
    }
    self.components = components
    self.target = target
    self.damping = damping
    self.modulus = modulus
  }

  /// S of the components, eV/Å³.
  func target(at step: Int) -> StressTarget {
    StressTarget(stress: target.stress(at: step), feltBy: components)
  }

  /// Measures the stiffness. Gases are stiff by their motion: N k_B T/V is added. Collective.
  mutating func learn(_ context: DynamicsContext, box: Box, temperature: Double, probe: StrainProbe) throws {
    let count = components.count
    // The isotropic strain tells the bulk modulus, where another is given.
    let isotropic = (1 / 3.0.squareRoot()) * Matrix3.identity
    var stiffness = try CellStiffness(context: context, box: box, probe: probe)
      .measure(components.basis + (modulus == nil ? [] : [isotropic]))
    let thermal = Double(context.counts.all) * Units.boltzmann * temperature / box.volume
    for k in stiffness.indices { stiffness[k][k] += thermal }
    if let modulus {
      // All components by one factor: what the bulk modulus was found to be becomes what it is.
      let found = stiffness[count][count] / 3
      guard found > 0 else { throw Self.yielding }
      stiffness = stiffness.prefix(count).map { $0.prefix(count).map { $0 * modulus / found } }
    }
    guard let eigen = SymmetricEigen(stiffness) else {
      throw FaultlineError(
        .run, "the virial of a strained cell is not a number", hint: "relax the structure first", isCollective: true)
    }
    // Strains that answer one another are taken together: the eigenvectors are components of their own.
    let found = eigen.values
    components = CellComponents(basis: eigen.vectors.map(components.matrix))
    let largest = found.max() ?? 0
    guard largest > 0 else { throw Self.yielding }
    moduli = found.map { max($0, Self.softest * largest) }
    volume = box.volume
  }

  private static var yielding: FaultlineError {
    FaultlineError(
      .input, "the cell gives way to every strain, so a barostat has nothing to hold on to",
      hint: "relax the structure first, or give it the density that it should have", isCollective: true)
  }

  /// "moduli 120.1, 150.0 GPa": M_k as the log has it.
  var phrase: String {
    let bar = moduli.map { $0 * Units.energyPerVolumeToBar / 10_000 }
    return (modulus == nil ? "" : "given ") + "moduli " + bar.map { String(format: "%.1f", $0) }.joined(separator: ", ") + " GPa"
  }

  // MARK: Checkpoints

  struct State: Codable, Equatable {
    var moduli: [Double]
    var volume: Double
    var basis: [[Double]]
  }

  var state: State { State(moduli: moduli, volume: volume, basis: components.basis.map(\.elements)) }

  mutating func restore(_ state: State, kind: String) throws {
    try StateCoding.require(
      state.moduli.count == components.count && state.moduli.allSatisfy { $0 > 0 && $0.isFinite }
        && state.volume > 0 && state.volume.isFinite && state.basis.count == components.count
        && state.basis.allSatisfy { $0.count == 9 && abs(Matrix3($0).norm - 1) < 1e-9 }, kind: kind,
      "moduli \(state.moduli) of \(state.basis.count) components")
    (moduli, volume) = (state.moduli, state.volume)
    components = CellComponents(basis: state.basis.map { Matrix3($0) })
  }
}

/// An integrator that changes the cell: it wants to know its stiffness before the first step.
package protocol CellCoupled: Integrator {
  var coupling: PressureCoupling { get }
  /// Collective. Returns what the log says of it.
  func learn(_ context: DynamicsContext, box: Box, probe: StrainProbe) throws -> String
  /// "pressure 0 bar, its volume, τ 1 ps".
  var barostatSummary: String { get }
  var thermostat: (any Thermostat)? { get }
}

extension CellCoupled {
  package var wants: Want { .virial }

  package var barostatSummary: String {
    "\(name) to \(coupling.target.phrase), τ \(coupling.damping) ps"
  }

  package func conservesMomentum(_ context: DynamicsContext) -> Bool {
    guard let thermostat else { return true }
    return thermostat.conservesMomentum && context.counts.thermostatted == context.counts.all
  }
}

extension VelocityKernels {
  /// Σ m v ⊗ v of the mobile atoms of this rank, eV: xx, yy, zz, xy, yz, xz.
  static func kineticTensor(
    _ atoms: AtomView, energyMasses: UnsafePointer<Double>, immobile: UInt32
  ) -> [Double] {
    let (velocities, species, groups) = (atoms.velocities, atoms.species, atoms.groups)
    var (diagonal, sides) = (Vector3.zero, Vector3.zero)
    for i in 0..<atoms.localCount where groups[i] & immobile == 0 {
      let v = velocities[i]
      let p = v * energyMasses[Int(species[i])]
      diagonal.addProduct(p, v)
      sides.addProduct(p, Vector3(v.y, v.z, v.x))
    }
    return [diagonal.x, diagonal.y, diagonal.z, sides.x, sides.y, sides.z]
  }

  /// The tensor from its six numbers.
  static func tensor(_ n: [Double]) -> Matrix3 {
    Matrix3(Vector3(n[0], n[3], n[5]), Vector3(n[3], n[1], n[4]), Vector3(n[5], n[4], n[2]))
  }

  /// v ← v A + f/m · B of the mobile atoms.
  static func kick(
    _ atoms: AtomView, inverseMasses: UnsafePointer<Double>, keep a: Matrix3, push b: Matrix3, immobile: UInt32
  ) {
    let (velocities, forces, species, groups) = (atoms.velocities, atoms.forces, atoms.species, atoms.groups)
    for i in 0..<atoms.localCount where groups[i] & immobile == 0 {
      velocities[i] = velocities[i] * a + (inverseMasses[Int(species[i])] * forces[i]) * b
    }
  }

  /// v ← v A of the mobile atoms.
  static func transform(_ atoms: AtomView, by a: Matrix3, immobile: UInt32) {
    let (velocities, groups) = (atoms.velocities, atoms.groups)
    for i in 0..<atoms.localCount where groups[i] & immobile == 0 { velocities[i] = velocities[i] * a }
  }
}

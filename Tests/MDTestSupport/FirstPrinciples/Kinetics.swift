import MDCore
import MDNumerics

/// Kinetic quantities of some atoms, from their velocities and masses.
public struct Kinetics: Sendable {
  /// Σ m v ⊗ v, eV.
  public var tensor = Matrix3.zero
  /// Σ m v, g/mol·Å/ps.
  public var momentum = Vector3.zero
  public var count = 0

  public init(_ velocities: [Vector3], masses: [Double], of members: (Int) -> Bool = { _ in true }) {
    for i in velocities.indices where members(i) {
      tensor += (masses[i] * SI.massUnit) * Matrix3.outer(velocities[i], velocities[i])
      momentum += masses[i] * velocities[i]
      count += 1
    }
  }

  /// ½ Σ m v², eV.
  public var energy: Double { 0.5 * tensor.trace }

  /// K.
  public func temperature(freedom: Int) -> Double { 2 * energy / (Double(freedom) * SI.boltzmann) }
}

/// Velocity Verlet, step by step.
public struct PlainDynamics {
  public var structure: Structure
  public var velocities: [Vector3]
  /// g/mol, an atom each.
  public var masses: [Double]
  public private(set) var forces: [Vector3]
  private let model: (Structure) -> ModelResult

  public init(_ structure: Structure, masses: [Double], _ model: @escaping (Structure) -> ModelResult) {
    self.structure = structure
    self.masses = masses
    self.model = model
    velocities = structure.velocities ?? structure.positions.map { _ in .zero }
    forces = model(structure).forces
  }

  /// v ← v + Δt f/2m, r ← r + Δt v, v ← v + Δt f/2m. `still` atoms keep their velocity.
  public mutating func step(_ timestep: Double, still: (Int) -> Bool = { _ in false }) {
    func kick() {
      for i in forces.indices where !still(i) {
        velocities[i] += (0.5 * timestep / (masses[i] * SI.massUnit)) * forces[i]
      }
    }
    kick()
    for i in forces.indices { structure.positions[i] += timestep * velocities[i] }
    forces = model(structure).forces
    kick()
  }
}

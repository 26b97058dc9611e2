import MDCore
import MDNumerics

/// How the deck's groups restrict motion. Masks select bits of the atoms' `groups` column; an atom that meets
/// several rules obeys the first of: frozen, driven (in the order given), free.
package struct GroupMotion: Sendable, Equatable {
  package struct Driven: Sendable, Equatable {
    package var mask: UInt32
    /// Å/ps.
    package var velocity: Vector3

    package init(mask: UInt32, velocity: Vector3) {
      self.mask = mask
      self.velocity = velocity
    }
  }

  /// Atoms that stay where they are: velocity 0, forces ignored.
  package var frozen: UInt32
  /// Atoms that move at a constant velocity, forces ignored.
  package var driven: [Driven]
  /// Free atoms that no thermostat touches.
  package var unthermostatted: UInt32

  package init(frozen: UInt32 = 0, driven: [Driven] = [], unthermostatted: UInt32 = 0) {
    self.frozen = frozen
    self.driven = driven
    self.unthermostatted = unthermostatted
  }

  package static let free = GroupMotion()

  /// Atoms that do not follow forces: frozen or driven.
  package var immobile: UInt32 { driven.reduce(frozen) { $0 | $1.mask } }
  /// Atoms out of a thermostat's reach.
  package var outsideThermostat: UInt32 { immobile | unthermostatted }

  /// The prescribed velocity of an atom in these groups; nil if it is free.
  func velocity(inGroups groups: UInt32) -> Vector3? {
    if groups & frozen != 0 { return .zero }
    return driven.first { groups & $0.mask != 0 }?.velocity
  }
}

/// What integrators, thermostats, loading and observables see of the system.
///
/// A value made once a stage, whose `step` and `tally` the time loop sets. Step n leads from time n − 1 to
/// time n; forces are those at time n − 1 in the first half and those at time n in the second.
package struct DynamicsContext {
  /// Numbers of atoms over all ranks.
  package struct Counts: Sendable, Equatable {
    package let all: Int
    /// Neither frozen nor driven.
    package let mobile: Int
    /// Mobile and not excluded from the thermostat.
    package let thermostatted: Int

    package init(all: Int, mobile: Int, thermostatted: Int) {
      self.all = all
      self.mobile = mobile
      self.thermostatted = thermostatted
    }
  }

  package let atoms: AtomStore
  /// g/mol by species.
  package let masses: [Double]
  /// ps.
  package let timestep: Double
  /// Absolute, counted from the start of the run.
  package var step: Int
  package let communicator: any Communicator
  package let motion: GroupMotion
  package let counts: Counts
  /// Energy and virial of this rank at the time of the forces, as far as `Integrator.wants` asked for them.
  package var tally = Tally.zero

  /// (Å/ps)/ps for eV/Å, by species: 1/m in these units.
  let inverseMasses: AlignedBuffer<Double>
  /// eV/(Å/ps)² by species: m in these units.
  let energyMasses: AlignedBuffer<Double>

  /// Counts atoms (collective). Throws if a mass is not a positive number.
  package init(
    atoms: AtomStore, masses: [Double], timestep: Double, step: Int = 0, motion: GroupMotion = .free,
    communicator: any Communicator
  ) throws {
    for (species, mass) in masses.enumerated() where !(mass > 0 && mass.isFinite) {
      throw FaultlineError(
        .input, "the mass of species \(species) is \(mass)", hint: "masses are positive, in g/mol",
        isCollective: true)
    }
    guard timestep > 0 && timestep.isFinite else {
      throw FaultlineError(
        .input, "the timestep is \(timestep)", hint: "timesteps are positive, in ps", isCollective: true)
    }
    self.atoms = atoms
    self.masses = masses
    self.timestep = timestep
    self.step = step
    self.motion = motion
    self.communicator = communicator
    let inEnergy = masses.map { $0 * Units.massVelocitySquaredToEnergy }
    energyMasses = AlignedBuffer(inEnergy)
    inverseMasses = AlignedBuffer(inEnergy.map { 1 / $0 })

    var numbers = [Double(atoms.localCount), 0, 0]
    let groups = atoms.groups.pointer
    for i in 0..<atoms.localCount {
      if groups[i] & motion.immobile == 0 { numbers[1] += 1 }
      if groups[i] & motion.outsideThermostat == 0 { numbers[2] += 1 }
    }
    communicator.sum(&numbers)
    counts = Counts(all: Int(numbers[0]), mobile: Int(numbers[1]), thermostatted: Int(numbers[2]))
  }

  /// Whether the velocity of the centre of mass is drift and no thermal motion: all atoms are mobile, and the dynamics
  /// conserves their momentum.
  package func excludesDrift(momentumConserved: Bool) -> Bool { momentumConserved && counts.mobile == counts.all }

  /// Degrees of freedom of the mobile atoms, to which temperatures refer: three an atom, less three where the drift is
  /// left out of the kinetic energy.
  package func degreesOfFreedom(momentumConserved: Bool) -> Int {
    max(3 * counts.mobile - (excludesDrift(momentumConserved: momentumConserved) ? 3 : 0), 0)
  }

  /// As `degreesOfFreedom`, of the thermostatted atoms. A part of the atoms does not conserve its momentum,
  /// so its centre of mass counts as thermal motion.
  package func thermostattedDegreesOfFreedom(momentumConserved: Bool) -> Int {
    max(3 * counts.thermostatted - (momentumConserved && counts.thermostatted == counts.all ? 3 : 0), 0)
  }

  /// Gives frozen and driven atoms their prescribed velocities.
  package func imposeVelocities() {
    guard motion.immobile != 0 else { return }
    for i in 0..<atoms.localCount {
      if let velocity = motion.velocity(inGroups: atoms.groups[i]) { atoms.velocity[i] = velocity }
    }
  }
}

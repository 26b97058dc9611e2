import MDCore
import MDNumerics

/// Loops over the local atoms of a rank. `immobile` is a mask of groups that are passed over.
enum VelocityKernels {
  /// v ← v + duration · f/m, with 1/m by species in (Å/ps)/ps for eV/Å.
  static func kick(
    _ atoms: AtomView, inverseMasses: UnsafePointer<Double>, duration: Double, immobile: UInt32
  ) {
    let (velocities, forces, species) = (atoms.velocities, atoms.forces, atoms.species)
    if immobile == 0 {
      for i in 0..<atoms.localCount {
        velocities[i].addProduct(Vector3(repeating: duration * inverseMasses[Int(species[i])]), forces[i])
      }
    } else {
      let groups = atoms.groups
      for i in 0..<atoms.localCount where groups[i] & immobile == 0 {
        velocities[i].addProduct(Vector3(repeating: duration * inverseMasses[Int(species[i])]), forces[i])
      }
    }
  }

  /// r ← r + duration · v; frozen atoms have v = 0 and driven ones their own.
  static func drift(_ atoms: AtomView, positions: UnsafeMutablePointer<Vector3>, duration: Double) {
    let velocities = atoms.velocities
    let dt = Vector3(repeating: duration)
    for i in 0..<atoms.localCount { positions[i].addProduct(dt, velocities[i]) }
  }

  /// The kick and the drift in one pass over memory; the same bits as one after the other.
  static func kickAndDrift(
    _ atoms: AtomView, positions: UnsafeMutablePointer<Vector3>, inverseMasses: UnsafePointer<Double>,
    kick: Double, drift: Double, immobile: UInt32
  ) {
    let (velocities, forces, species) = (atoms.velocities, atoms.forces, atoms.species)
    let dt = Vector3(repeating: drift)
    if immobile == 0 {
      for i in 0..<atoms.localCount {
        let v = velocities[i].addingProduct(
          Vector3(repeating: kick * inverseMasses[Int(species[i])]), forces[i])
        velocities[i] = v
        positions[i].addProduct(dt, v)
      }
    } else {
      let groups = atoms.groups
      for i in 0..<atoms.localCount {
        var v = velocities[i]
        if groups[i] & immobile == 0 {
          v.addProduct(Vector3(repeating: kick * inverseMasses[Int(species[i])]), forces[i])
          velocities[i] = v
        }
        positions[i].addProduct(dt, v)
      }
    }
  }

  /// v ← V + factor · (v − V).
  static func scale(_ atoms: AtomView, by factor: Double, about drift: Vector3 = .zero, immobile: UInt32) {
    let velocities = atoms.velocities
    let groups = atoms.groups
    let kept = (1 - factor) * drift
    for i in 0..<atoms.localCount where groups[i] & immobile == 0 { velocities[i] = factor * velocities[i] + kept }
  }

  /// Σ m v² (eV), Σ m v (eV/(Å/ps)) and Σ m (eV/(Å/ps)²) of all atoms.
  static func moments(
    _ atoms: AtomView, energyMasses: UnsafePointer<Double>
  ) -> (twiceKinetic: Double, momentum: Vector3, mass: Double) {
    let (velocities, species) = (atoms.velocities, atoms.species)
    var squares = Vector3.zero
    var momentum = Vector3.zero
    var mass = 0.0
    for i in 0..<atoms.localCount {
      let m = energyMasses[Int(species[i])]
      let v = velocities[i]
      squares.addProduct(v * m, v)
      momentum.addProduct(Vector3(repeating: m), v)
      mass += m
    }
    return (squares.x + squares.y + squares.z, momentum, mass)
  }

  /// Σ m v², eV.
  static func twiceKineticEnergy(
    _ atoms: AtomView, energyMasses: UnsafePointer<Double>, immobile: UInt32
  ) -> Double {
    let (velocities, species, groups) = (atoms.velocities, atoms.species, atoms.groups)
    var sum = Vector3.zero
    for i in 0..<atoms.localCount where groups[i] & immobile == 0 {
      let v = velocities[i]
      sum.addProduct(v * energyMasses[Int(species[i])], v)
    }
    return sum.x + sum.y + sum.z
  }
}

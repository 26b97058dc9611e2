import MDCore
import MDNumerics

/// What the calls of a solver of long-ranged interactions take, µs a charge: medians of calls in turns, each the time
/// of the slowest rank.
struct LongRangeFigures: Codable {
  /// φ = A q alone.
  var potential: Double
  /// Forces; with energy; with energy and virial.
  var forces: Double
  var withEnergy: Double
  var withVirial: Double
  /// Forces, energy and virial of λᵀ A q.
  var bilinear: Double

  enum CodingKeys: String, CodingKey {
    case potential, forces, bilinear
    case withEnergy = "forces_and_energy"
    case withVirial = "forces_energy_and_virial"
  }

  private static let rounds = 9

  /// Of the first solver of the system, prepared in its last step; nil if it has none. Changes the atoms' forces.
  /// Collective.
  init?(_ system: DistributedSystem) throws {
    guard let solver = system.potentials.compactMap(\.longRange).first, let charges = system.atoms.charge else {
      return nil
    }
    let communicator = system.communicator
    let atoms = system.atoms.view
    let count = max(atoms.localCount, 1)
    let other = AlignedBuffer<Double>(capacity: count)
    other.pointer.update(from: charges.pointer, count: atoms.localCount)
    let result = AlignedBuffer<Double>(capacity: count)
    var times = [[Double]](repeating: [], count: 5)
    func time(_ k: Int, _ body: () throws -> Void) rethrows {
      communicator.barrier()
      let start = PhaseTimers.now()
      try body()
      times[k].append(communicator.maximum(PhaseTimers.now() - start))
    }
    let q = UnsafePointer(charges.pointer)
    // The first round warms up.
    for _ in 0...Self.rounds {
      try time(0) { try solver.potential(of: q, on: atoms, into: result.pointer) }
      try time(1) { _ = try solver.addForces(of: q, with: nil, on: atoms, want: []) }
      try time(2) { _ = try solver.addForces(of: q, with: nil, on: atoms, want: .energy) }
      try time(3) { _ = try solver.addForces(of: q, with: nil, on: atoms, want: [.energy, .virial]) }
      try time(4) {
        _ = try solver.addForces(of: q, with: UnsafePointer(other.pointer), on: atoms, want: [.energy, .virial])
      }
    }
    let scale = 1e6 / Double(max(system.totalCount, 1))
    let medians = times.map { $0.dropFirst().sorted()[Self.rounds / 2] * scale }
    potential = medians[0]
    forces = medians[1]
    withEnergy = medians[2]
    withVirial = medians[3]
    bilinear = medians[4]
  }

  /// For people.
  var text: String {
    func number(_ x: Double) -> String { RunLog.fixed(x, 3) }
    return "potential \(number(potential)), forces \(number(forces)), with energy and virial \(number(withVirial)) "
      + "µs a charge (potential \(number(potential / withVirial)) of that); of two sets of charges \(number(bilinear))"
  }
}

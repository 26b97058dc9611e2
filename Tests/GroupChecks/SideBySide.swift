import Foundation
import MDCore
import MDDynamics
import MDNumerics
import MDParallel
import MDPotentials
import MDSimulation

/// A small system with its dynamics in memory: no deck, no files.
public struct SmallRun: Sendable {
  public var steps: Int
  /// Ranks that it runs on in `SideBySide`.
  public var ranks: Int
  private var structure: Structure
  private var mass: Double
  private var potential: @Sendable () throws -> any Potential

  public static let argon = SmallRun(
    steps: 30, ranks: 2, structure: crystal("Ar", constant: 5.3, cells: [4, 3, 3], speed: 4), mass: 39.948,
    potential: {
      try PairPotential(
        lennardJones: [SpeciesPair("Ar", "Ar"): .init(epsilon: 0.0104, sigma: 3.4)], cutoff: 7, species: ["Ar"])
    })
  public static let copper = SmallRun(
    steps: 45, ranks: 3, structure: crystal("Cu", constant: 3.615, cells: [3, 4, 5], speed: 8), mass: 63.546,
    potential: { try EAMPotential.zhou2004(species: ["Cu"]) })

  private static func crystal(_ species: String, constant: Double, cells: SIMD3<Int>, speed: Double) -> Structure {
    let basis = [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
    var positions: [Vector3] = []
    for x in 0..<cells.x {
      for y in 0..<cells.y {
        for z in 0..<cells.z {
          for b in basis { positions.append((Vector3(Double(x), Double(y), Double(z)) + b) * constant) }
        }
      }
    }
    let lengths = Vector3(Double(cells.x), Double(cells.y), Double(cells.z)) * constant
    var structure = Structure(
      box: Box(lengths: lengths), species: [species], types: positions.map { _ in 0 }, positions: positions)
    structure.velocities = positions.indices.map { i in
      let t = Double(i)
      return speed * Vector3(sin(3 * t), cos(5 * t), sin(7 * t + 1))
    }
    return structure
  }

  /// Total energies after each step, eV, and the sum of squares of positions at the end, Å²; the same on every rank.
  public func numbers(on communicator: any Communicator) throws -> [Double] {
    let root = communicator.isRoot ? structure : nil
    let header = Distribution.header(of: root, communicator: communicator)
    let atoms = AtomStore()
    let potential = try potential()
    let domain = try Domain(
      box: header.box, ranks: communicator.size, rank: communicator.rank, halo: potential.requirements.halo)
    try Distribution.scatter(root, header: header, to: atoms, domain: domain, communicator: communicator)
    let system = try DistributedSystem(
      communicator: communicator, atoms: atoms, box: header.box, species: header.species, masses: [mass],
      potentials: [potential], domain: domain, skin: 0.3)
    try system.rebuild()
    var context = try DynamicsContext(atoms: atoms, masses: [mass], timestep: 0.002, communicator: communicator)
    let integrator = VelocityVerlet()
    _ = try system.compute([], step: 0)
    try integrator.begin(context, box: system.box, from: nil)
    var numbers: [Double] = []
    for step in 1...steps {
      context.step = step
      try integrator.firstHalf(context, box: &system.box)
      let moved = communicator.maximum(system.lists.largestDisplacement(atoms: atoms, box: system.box))
      if moved > system.skin / 2 { try system.rebuild() } else { system.refresh() }
      let tally = try system.compute(.energy, step: step)
      try integrator.secondHalf(context, box: &system.box)
      var energy = [tally.energy, 0]
      for i in 0..<atoms.localCount {
        energy[1] += 0.5 * mass * Units.massVelocitySquaredToEnergy * atoms.velocity[i].squaredLength
      }
      communicator.sum(&energy)
      numbers.append(energy[0] + energy[1])
    }
    try system.rebuild()
    numbers.append(communicator.sum((0..<atoms.localCount).reduce(0) { $0 + atoms.position[$1].squaredLength }))
    return numbers
  }
}

/// Two systems of different kind, size and length on groups of different size at the same time.
public enum SideBySide {
  public static let ranks = SmallRun.argon.ranks + SmallRun.copper.ranks

  /// What each run gives beside the other, and this rank's colour. Collective, on `ranks` ranks.
  public static func together(_ all: any Communicator) throws -> (color: Int, numbers: [Double]) {
    let color = all.rank < SmallRun.argon.ranks ? 0 : 1
    guard let group = all.split(color: color, key: all.rank) else { return (color, []) }
    return (color, try (color == 0 ? SmallRun.argon : SmallRun.copper).numbers(on: group))
  }

  /// The same runs one after the other on as many ranks each, while the others wait. Collective.
  public static func alone(_ all: any Communicator) throws -> (color: Int, numbers: [Double]) {
    let color = all.rank < SmallRun.argon.ranks ? 0 : 1
    var mine: [Double] = []
    for (k, run) in [SmallRun.argon, .copper].enumerated() {
      if let group = all.split(color: color == k ? 0 : nil, key: 0) { mine = try run.numbers(on: group) }
      all.barrier()
    }
    return (color, mine)
  }
}

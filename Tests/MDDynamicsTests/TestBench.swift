import Foundation
import MDCore
import MDDynamics
import MDNumerics

/// The communicator of a run on one rank.
final class SingleRank: Communicator {
  let rank = 0
  let size = 1
  func sendReceive(
    _ send: UnsafeRawBufferPointer, to destination: Int, into receive: UnsafeMutableRawBufferPointer,
    from source: Int, tag: Int
  ) -> Int {
    receive.copyMemory(from: send)
    return send.count
  }
  func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int) { fatalError("no other rank") }
  func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int {
    fatalError("no other rank")
  }
  func isWaiting(from source: Int, tag: Int) -> Bool { false }
  func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation) { reductions += 1 }
  func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation) { reductions += 1 }
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
  func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
    all.copyMemory(from: mine)
  }
  func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) { receive.copyMemory(from: send) }
  func barrier() {}
  func split(color: Int?, key: Int) -> (any Communicator)? { color.map { _ in SingleRank() } }
  func abort(_ code: Int32) -> Never { exit(code) }
  private(set) var reductions = 0
}

/// Analytic forces: energy of positions, forces (eV/Å) written to the last argument.
typealias ForceModel = (_ sites: [Vector3], _ r: UnsafePointer<Vector3>, _ f: UnsafeMutablePointer<Vector3>) -> Double

enum Model {
  static func none() -> ForceModel {
    { sites, _, f in
      for i in sites.indices { f[i] = .zero }
      return 0
    }
  }

  /// Each atom bound to its site by springs along x, y, z, eV/Å²; atoms are independent.
  static func anchored(_ k: Vector3) -> ForceModel {
    { sites, r, f in
      var energy = 0.0
      for (i, site) in sites.enumerated() {
        let d = r[i] - site
        f[i] = -1 * (k * d)
        energy += 0.5 * dot(k * d, d)
      }
      return energy
    }
  }

  /// A ring of neighbours bound by ½ k d² + ¼ q d⁴ in their displacement difference d: translation invariant, and
  /// anharmonic enough to be ergodic.
  static func ring(_ k: Double, _ q: Double) -> ForceModel {
    { sites, r, f in
      for i in sites.indices { f[i] = .zero }
      var energy = 0.0
      for i in sites.indices {
        let j = (i + 1) % sites.count
        let d = (r[j] - sites[j]) - (r[i] - sites[i])
        let d2 = d.squaredLength
        energy += (0.5 * k + 0.25 * q * d2) * d2
        f[i] += (k + q * d2) * d
        f[j] -= (k + q * d2) * d
      }
      return energy
    }
  }

  /// All pairs, 4ε((σ/r)¹² − (σ/r)⁶).
  static func lennardJones(epsilon: Double, sigma: Double) -> ForceModel {
    { sites, r, f in
      for i in sites.indices { f[i] = .zero }
      var energy = 0.0
      for i in sites.indices {
        for j in 0..<i {
          let d = r[i] - r[j]
          let s2 = sigma * sigma / d.squaredLength
          let s6 = s2 * s2 * s2
          energy += 4 * epsilon * (s6 * s6 - s6)
          let pull = 24 * epsilon * (2 * s6 * s6 - s6) / d.squaredLength * d
          f[i] += pull
          f[j] -= pull
        }
      }
      return energy
    }
  }
}

/// Atoms with analytic forces under an integrator: the time loop without neighbours and ranks.
final class TestBench {
  let atoms = AtomStore()
  var context: DynamicsContext
  var box: Box
  let sites: [Vector3]
  let model: ForceModel
  let communicator: any Communicator

  /// Atoms without forces whose virial (eV) answers a strain as told.
  func probe(_ virial: @escaping (Matrix3) -> Matrix3 = { _ in .zero }) -> StrainProbe {
    let none = sites.map { _ in Vector3.zero }
    return StrainProbe(strained: { (virial($0), none) }, displaced: { _ in none })
  }

  init(
    sites: [Vector3], masses: [Double] = [63.546], species: [Int32]? = nil, ids: [Int64]? = nil,
    groups: [UInt32]? = nil, motion: GroupMotion = .free, timestep: Double = 0.001,
    box: Box = Box(lengths: Vector3(100, 100, 100)), communicator: any Communicator = SingleRank(),
    model: @escaping ForceModel = Model.none()
  ) throws {
    atoms.setLocalCount(sites.count)
    for i in sites.indices {
      atoms.id[i] = ids?[i] ?? Int64(i + 1)
      atoms.species[i] = species?[i] ?? 0
      atoms.position[i] = sites[i]
      atoms.velocity[i] = .zero
      atoms.groups[i] = groups?[i] ?? 1
    }
    self.sites = sites
    self.model = model
    self.box = box
    self.communicator = communicator
    context = try DynamicsContext(
      atoms: atoms, masses: masses, timestep: timestep, motion: motion, communicator: communicator)
    computeForces()
  }

  /// `n` atoms on a line, 3 Å apart.
  static func line(_ n: Int) -> [Vector3] { (0..<n).map { Vector3(3 * Double($0), 0, 0) } }

  func computeForces() {
    context.tally = Tally(energy: model(sites, atoms.position.pointer, atoms.force.pointer))
  }

  func step(_ integrator: any Integrator, loading: Loading? = nil) throws {
    context.step += 1
    try integrator.firstHalf(context, box: &box)
    try loading?.apply(context, box: &box)
    computeForces()
    try integrator.secondHalf(context, box: &box)
  }

  func run(
    _ integrator: any Integrator, steps: Int, loading: Loading? = nil, beginning: Bool = true,
    each: (TestBench) -> Void = { _ in }
  ) throws {
    if beginning { try integrator.begin(context, box: box) }
    for _ in 0..<steps {
      try step(integrator, loading: loading)
      each(self)
    }
  }

  /// The same atoms in a fresh bench with nothing but what a checkpoint holds.
  func copy() throws -> TestBench {
    let n = atoms.localCount
    let other = try TestBench(
      sites: sites, masses: context.masses, species: (0..<n).map { atoms.species[$0] },
      ids: (0..<n).map { atoms.id[$0] }, groups: (0..<n).map { atoms.groups[$0] }, motion: context.motion,
      timestep: context.timestep, box: box, model: model)
    for i in 0..<n {
      other.atoms.position[i] = atoms.position[i]
      other.atoms.velocity[i] = atoms.velocity[i]
    }
    other.context.step = context.step
    other.computeForces()
    return other
  }

  var positions: [Vector3] { (0..<atoms.localCount).map { atoms.position[$0] } }
  var velocities: [Vector3] { (0..<atoms.localCount).map { atoms.velocity[$0] } }
  func kinetics(_ integrator: any Integrator) -> KineticState {
    KineticState(context, momentumConserved: integrator.conservesMomentum(context))
  }
  func conserved(_ integrator: any Integrator) -> Double {
    context.tally.energy + kinetics(integrator).energy + integrator.bathEnergy(context)
  }
}

/// Mean and its standard error from blocks that are long against the correlation time.
func blockAverage(_ samples: [Double], blocks: Int = 20) -> (mean: Double, error: Double) {
  let size = samples.count / blocks
  let means = (0..<blocks).map { b in samples[(b * size)..<((b + 1) * size)].reduce(0, +) / Double(size) }
  let mean = means.reduce(0, +) / Double(blocks)
  let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(blocks - 1)
  return (mean, (variance / Double(blocks)).squareRoot())
}

/// The slope of a least-squares line through equidistant samples, a sample.
func slope(_ samples: [Double]) -> Double {
  let n = Double(samples.count)
  let middle = (n - 1) / 2
  let mean = samples.reduce(0, +) / n
  var (top, bottom) = (0.0, 0.0)
  for (k, y) in samples.enumerated() {
    top += (Double(k) - middle) * (y - mean)
    bottom += (Double(k) - middle) * (Double(k) - middle)
  }
  return top / bottom
}

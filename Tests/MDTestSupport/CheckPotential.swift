import Foundation
import MDCore
import MDNumerics
import Testing

/// What a potential promises where it ends.
public enum CutoffContinuity: Int, Sendable, Comparable {
  /// The energy may jump (a plain cut).
  case none
  /// The energy goes to zero continuously, the force may jump.
  case energy
  /// Energy and force go to zero continuously.
  case force

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Tolerances of `checkPotential`, relative to the largest force, the energy or the largest virial element.
public struct PotentialTolerance: Sendable {
  /// Finite differences against forces and virial.
  public var derivative = 1e-7
  /// Two ways to add up the same terms.
  public var rounding = 1e-11
  /// Step of the finite differences, Å (and strain). Short, because where a third derivative jumps (splines,
  /// switching functions) their error is of the order of the jump times the square of the step.
  public var step = 1e-4
  /// Jumps at the cutoff, eV and eV/Å, across 2·10⁻⁶ Å.
  public var jump = 1e-5

  public init() {}

  public init(derivative: Double, step: Double = 1e-4) {
    self.derivative = derivative
    self.step = step
  }
}

/// The property test that every potential passes: forces and virial are the derivatives of the energy;
/// per-atom results add up; translation, rotation, permutation and replication change nothing; nor do the list's
/// skin or what else is asked for; the net force is zero; the energy ends at the cutoff as promised.
///
/// A system with a given total charge is not two systems with that charge each: `replication` leaves that out.
/// `make` gives potentials whose species are those of the structures (see `TestStructures`). For a potential that
/// ends abruptly the structures must not have pairs within 0.01 Å of the cutoff.
public func checkPotential(
  structures: [Structure], continuity: CutoffContinuity, tolerance: PotentialTolerance = PotentialTolerance(),
  replication: Bool = true, sourceLocation: SourceLocation = #_sourceLocation, _ make: () throws -> [any Potential]
) throws {
  let potentials = try make()
  for (number, structure) in structures.enumerated() {
    let check = PotentialCheck(
      potentials: potentials, structure: structure, tolerance: tolerance, replicates: replication,
      label: "structure \(number) (\(structure.count) atoms)", place: sourceLocation)
    try check.run()
  }
  if let first = structures.first, continuity > .none {
    try checkCutoff(potentials, species: first.species, continuity, tolerance.jump, sourceLocation)
  }
}

public typealias SourceLocation = Testing.SourceLocation

private struct PotentialCheck {
  let potentials: [any Potential]
  let structure: Structure
  let tolerance: PotentialTolerance
  let replicates: Bool
  let label: String
  let place: SourceLocation

  var reach: Double { potentials.map { max($0.requirements.cutoff, $0.requirements.halo) }.max() ?? 0 }

  func evaluate(_ s: Structure, skin: Double = 0.3, want: Want = .all) throws -> BruteForceSystem.Result {
    try BruteForceSystem(s, reach: reach + skin).evaluate(potentials, want: want)
  }

  func energy(_ s: Structure) throws -> Double { try evaluate(s, want: .energy).energy }

  func run() throws {
    let base = try evaluate(structure)
    let size = Scale(base)
    sums(base, size)
    try derivatives(base, size)
    try strains(base, size)
    try symmetries(base, size)
    if replicates { try replication(base, size) }
    try bookkeeping(base, size)
    try pairs(base, size)
  }

  /// Telling forces pair by pair changes nothing else. Where all are told they add up to the forces and the virial; where it
  /// is told whose energy each changes, to the rates of the atoms' energies for any velocities:
  /// dE_i/dt = Σ ∂E_i/∂(r_j − r_i) · (v_j − v_i).
  func pairs(_ base: BruteForceSystem.Result, _ size: Scale) throws {
    let system = BruteForceSystem(structure, reach: reach + 0.3)
    let told = PairForceRecord()
    system.atoms.needPairForces().hand(to: told)
    let result = try system.evaluate(potentials, want: .all.union(.pairForces))
    same(result, base, size, "telling forces pair by pair")
    let coverage = potentials.map(\.pairForces).min() ?? .partial
    guard coverage >= .forces else { return }
    let n = Double(structure.count)
    expect(structure.count < 3 || !told.all.isEmpty, "pairs are told", 0, 1)
    var forces = [Vector3](repeating: .zero, count: structure.count)
    var virial = Matrix3.zero
    for pair in told.all {
      virial += Matrix3.outer(pair.vector, -1 * pair.gradient)
      forces[system.local(pair.center)] += pair.gradient
      forces[system.local(pair.other)] -= pair.gradient
    }
    for (x, y) in zip(virial.elements, base.virial.elements) { near(x, y, n * size.virial, "pairs add up to the virial") }
    near(zip(forces, base.forces).map { ($0 - $1).length }.max() ?? 0, 0, size.force, "pairs add up to the forces")
    guard coverage >= .energies else { return }
    var random = SplitMix64(seed: 5)
    let velocities = structure.positions.map { _ in random.vector() - Vector3(0.5, 0.5, 0.5) }
    var rates = [Double](repeating: 0, count: structure.count)
    for pair in told.all {
      let (i, j) = (system.local(pair.center), system.local(pair.other))
      let rate = dot(pair.gradient, velocities[j] - velocities[i])
      rates[i] += pair.isShared ? 0.5 * rate : rate
      if pair.isShared { rates[j] += 0.5 * rate }
    }
    func energies(_ h: Double) throws -> [Double] {
      var moved = structure
      for i in moved.positions.indices { moved.positions[i] += h * velocities[i] }
      return try evaluate(moved).atomEnergies
    }
    let h = tolerance.step
    let (p, m, pp, mm) = (try energies(h), try energies(-h), try energies(2 * h), try energies(-2 * h))
    for i in rates.indices {
      let slope: Double = (8 * (p[i] - m[i]) - (pp[i] - mm[i])) / (12 * h)
      expect(
        abs(slope - rates[i]) <= 10 * tolerance.derivative * size.virial, "the rate of energy \(i)", abs(slope - rates[i]),
        size.virial)
    }
  }

  /// Per-atom results add up to the totals; no net force, no net torque (a symmetric virial).
  func sums(_ base: BruteForceSystem.Result, _ size: Scale) {
    expect(base.energy.isFinite && base.forces.allSatisfy(\.isFinite), "results are finite", 0, 1)
    let n = Double(structure.count)
    near(base.atomEnergies.reduce(0, +), base.energy, n * size.energy, "Σ per-atom energies is the energy")
    var sum = [Double](repeating: 0, count: 9)
    for (k, v) in base.atomVirials.enumerated() { sum[k % 9] += v }
    let total = base.virial.elements
    for k in 0..<9 { near(sum[k], total[k], n * size.virial, "Σ per-atom virials is the virial, element \(k)") }
    let asymmetry = zip(total, base.virial.transpose.elements).map { abs($0 - $1) }.max() ?? 0
    expect(asymmetry <= tolerance.rounding * n * size.virial, "the virial is symmetric", asymmetry, n * size.virial)
    let net = base.forces.reduce(Vector3.zero, +)
    near(net.length, 0, n * size.force, "the net force is zero")
  }

  /// f = −∂E/∂r, fourth-order central differences on some six atoms.
  func derivatives(_ base: BruteForceSystem.Result, _ size: Scale) throws {
    let every = max(1, structure.count / 6)
    for i in stride(from: 0, to: structure.count, by: every) {
      for k in 0..<3 {
        let slope = try slope { h in
          var moved = structure
          moved.positions[i][k] += h
          return try energy(moved)
        }
        let error = abs(base.forces[i][k] + slope)
        expect(
          error <= tolerance.derivative * size.force, "force \(axes[k]) of atom \(i) is −dE/dr", error, size.force)
      }
    }
  }

  /// W = −∂E/∂ε for r → r(1 + ε), all nine elements.
  func strains(_ base: BruteForceSystem.Result, _ size: Scale) throws {
    for a in 0..<3 {
      for b in 0..<3 {
        let slope = try slope { h in
          var gradient = Matrix3.identity
          gradient[a][b] += h
          return try energy(transformed(structure, by: gradient))
        }
        let error = abs(base.virial[a][b] + slope)
        expect(
          error <= tolerance.derivative * size.virial, "virial \(axes[a])\(axes[b]) is −dE/dε", error, size.virial)
      }
    }
  }

  private func slope(_ energy: (Double) throws -> Double) rethrows -> Double {
    let h = tolerance.step
    let inner = try energy(h) - energy(-h)
    let outer = try energy(2 * h) - energy(-2 * h)
    return (8 * inner - outer) / (12 * h)
  }

  func symmetries(_ base: BruteForceSystem.Result, _ size: Scale) throws {
    var moved = structure
    let offset = Vector3(0.7, -1.3, 2.9)
    moved.positions = moved.positions.map { $0 + offset }
    moved.box.origin += offset
    same(try evaluate(moved), base, size, "translation with the box")
    if structure.box.periodic.isFull {
      moved.box.origin = structure.box.origin
      same(try evaluate(moved), base, size, "translation within the box")
    }

    let turn = Matrix3.rotation(axis: Vector3(1, -2, 0.5), angle: 1.1)
    let rotated = try evaluate(transformed(structure, by: turn))
    var expected = base
    expected.forces = base.forces.map { $0 * turn }
    expected.virial = turn.transpose * base.virial * turn
    same(rotated, expected, size, "rotation")

    var random = SplitMix64(seed: 7)
    let order = Array(0..<structure.count).shuffled(using: &random)
    var permuted = structure
    permuted.positions = order.map { structure.positions[$0] }
    permuted.types = order.map { structure.types[$0] }
    permuted.charges = structure.charges.map { q in order.map { q[$0] } }
    expected = base
    expected.forces = order.map { base.forces[$0] }
    expected.atomEnergies = order.map { base.atomEnergies[$0] }
    same(try evaluate(permuted), expected, size, "permutation")
  }

  /// Twice the cell along a periodic axis has twice the energy and the same forces.
  func replication(_ base: BruteForceSystem.Result, _ size: Scale) throws {
    guard let axis = (0..<3).first(where: { structure.box.periodic[$0] }) else { return }
    var double = structure
    var cell = structure.box.cell
    let step = cell[axis]
    cell[axis] = 2 * step
    double.box.setCell(cell)
    double.positions += structure.positions.map { $0 + step }
    double.types += structure.types
    double.charges = structure.charges.map { $0 + $0 }
    var expected = base
    expected.energy *= 2
    expected.virial = 2 * base.virial
    expected.forces += base.forces
    expected.atomEnergies += base.atomEnergies
    same(try evaluate(double), expected, size, "replication")
  }

  /// The list's reach and what else is wanted do not change the forces.
  func bookkeeping(_ base: BruteForceSystem.Result, _ size: Scale) throws {
    same(try evaluate(structure, skin: 0), base, size, "no skin")
    same(try evaluate(structure, skin: 1.7), base, size, "a wide skin")
    let bare = try evaluate(structure, want: [])
    let distance = zip(bare.forces, base.forces).map { ($0 - $1).length }.max() ?? 0
    near(distance, 0, size.force, "forces without energies")
    let partly = try evaluate(structure, want: [.energy, .virial])
    near(partly.energy, base.energy, size.total, "the energy without per-atom results")
    expect(
      partly.atomEnergies.allSatisfy { $0 == 0 } && partly.atomVirials.allSatisfy { $0 == 0 },
      "per-atom results that nobody wants are left alone", 0, 1)
    let again = try evaluate(structure)
    expect(again.forces == base.forces && again.energy == base.energy, "a second call gives the same bits", 0, 1)
  }

  func same(
    _ a: BruteForceSystem.Result, _ b: BruteForceSystem.Result, _ size: Scale, _ what: String
  ) {
    near(a.energy, b.energy, size.total, "\(what): energy")
    for (x, y) in zip(a.virial.elements, b.virial.elements) {
      near(x, y, Double(structure.count) * size.virial, "\(what): virial")
    }
    near(zip(a.forces, b.forces).map { ($0 - $1).length }.max() ?? 0, 0, size.force, "\(what): forces")
    near(
      zip(a.atomEnergies, b.atomEnergies).map { abs($0 - $1) }.max() ?? 0, 0, size.energy, "\(what): atom energies")
  }

  func near(_ a: Double, _ b: Double, _ scale: Double, _ what: String) {
    expect(abs(a - b) <= tolerance.rounding * scale, what, abs(a - b), scale)
  }

  func expect(_ holds: Bool, _ what: String, _ error: Double, _ scale: Double) {
    #expect(
      holds, "\(potentials.map(\.name).joined(separator: "+")), \(label): \(what); off by \(error), scale \(scale)",
      sourceLocation: place)
  }

  /// What errors are compared with; never so small that rounding alone fails a test.
  struct Scale {
    var force: Double
    var virial: Double
    /// Largest per-atom energy, and the total.
    var energy: Double
    var total: Double

    init(_ r: BruteForceSystem.Result) {
      force = max(r.forces.map(\.length).max() ?? 0, 0.1)
      virial = max(r.virial.elements.map(abs).max() ?? 0, r.atomVirials.map(abs).max() ?? 0, 1)
      energy = max(r.atomEnergies.map(abs).max() ?? 0, 1)
      total = max(abs(r.energy), Double(r.forces.count) * energy)
    }
  }
}

/// All forces of pairs.
public final class PairForceRecord: PairForceTaker {
  public private(set) var all: [PairForce] = []
  public init() {}
  public func begin(_ atoms: AtomView, _ box: Box) { all = [] }
  public func take(_ forces: UnsafeBufferPointer<PairForce>, _ atoms: AtomView, _ box: Box) { all += forces }
}

/// Dimers of every pair of species a hair inside and outside of the cutoff.
private func checkCutoff(
  _ potentials: [any Potential], species: [String], _ continuity: CutoffContinuity, _ jump: Double,
  _ place: SourceLocation
) throws {
  let cutoff = potentials.map(\.requirements.cutoff).max() ?? 0
  let box = Box(lengths: Vector3(repeating: 4 * cutoff + 10), periodic: .none)
  for a in species.indices {
    for b in a..<species.count {
      func dimer(_ r: Double) throws -> BruteForceSystem.Result {
        let s = Structure(
          box: box, species: species, types: [Int32(a), Int32(b)], positions: [.zero, Vector3(0.6, 0, 0.8) * r])
        return try BruteForceSystem(s, reach: cutoff + 1).evaluate(potentials)
      }
      let inside = try dimer(cutoff - 1e-6)
      let outside = try dimer(cutoff + 1e-6)
      let label = "\(species[a])–\(species[b]) at the cutoff \(cutoff) Å"
      #expect(abs(inside.energy - outside.energy) <= jump, "energy of \(label)", sourceLocation: place)
      #expect(outside.forces.allSatisfy { $0 == .zero }, "no force beyond: \(label)", sourceLocation: place)
      if continuity == .force {
        #expect(inside.forces[0].length <= jump, "force of \(label)", sourceLocation: place)
      }
    }
  }
}

private func transformed(_ s: Structure, by m: Matrix3) -> Structure {
  var out = s
  out.positions = s.positions.map { $0 * m }
  out.box = Box(cell: s.box.cell * m, origin: s.box.origin * m, periodic: s.box.periodic)
  return out
}

extension Matrix3 {
  /// The proper rotation r → r·R by an angle (radians) about an axis (Rodrigues).
  public static func rotation(axis: Vector3, angle: Double) -> Matrix3 {
    let n = axis / Vector3(repeating: axis.length)
    let c = cos(angle)
    let s = sin(angle)
    let skew = Matrix3(Vector3(0, n.z, -n.y), Vector3(-n.z, 0, n.x), Vector3(n.y, -n.x, 0))
    return c * .identity + (1 - c) * .outer(n, n) + s * skew
  }
}

private let axes = ["x", "y", "z"]

import Foundation
import MDCore
import MDNumerics

/// Open boundaries: Σ_{j≠i} qⱼ erf(α rᵢⱼ)/rᵢⱼ over all atoms, N² terms divided among ranks. With α r_c = 6 the rest,
/// erfc(αr)/r, ends at the cutoff to 2·10⁻¹⁷, so the whole is exact. The splitting is Ewald's (see `EwaldSolver`).
public final class DirectSolver: LongRangeSolver {
  public let name = "direct sum"
  public var parameters: LongRangeParameters?
  public let estimatedError = 0.0
  public let volume = Double.infinity

  public let summary = "all pairs"

  private let cutoff: Double
  private let communicator: any Communicator
  private var everything: [SIMD8<Double>] = []

  public init(cutoff: Double, communicator: any Communicator) {
    self.cutoff = cutoff
    self.communicator = communicator
  }

  public let askedError = 0.0
  public let revisions = 0

  public func fits(_ system: LongRangeSystem) -> Bool { parameters != nil && system.box.periodic == .none }

  public func prepare(_ system: LongRangeSystem) throws {
    for axis in 0..<3 where system.box.periodic[axis] {
      throw FaultlineError(
        .input, "a direct sum of charges in a box that is periodic along \(["a", "b", "c"][axis])",
        hint: "it needs open boundaries", isCollective: true)
    }
    parameters = LongRangeParameters(
      splitting: 6 / cutoff, grid: SIMD3(0, 0, 0), cell: system.box.cell, count: system.charges.count)
  }

  private var splitting: Double { 6 / cutoff }

  /// Position, q, λ of every atom of every rank in `everything`; returns this rank's first place.
  private func collect(
    _ atoms: AtomView, _ charges: UnsafePointer<Double>, _ other: UnsafePointer<Double>
  ) -> Int {
    let counts = communicator.allGather(atoms.localCount)
    let first = counts[..<communicator.rank].reduce(0, +)
    everything = Array(repeating: .zero, count: counts.reduce(0, +))
    for i in 0..<atoms.localCount {
      let r = atoms.positions[i]
      everything[first + i] = SIMD8(r.x, r.y, r.z, charges[i], other[i], 0, 0, 0)
    }
    everything.withUnsafeMutableBytes {
      communicator.allReduce($0.bindMemory(to: Double.self), .sum)
    }
    return first
  }

  /// erf(αr)/r and −d/dr of it, over r.
  private func kernel(_ r2: Double) -> (value: Double, slope: Double) {
    let r = r2.squareRoot()
    let x = splitting * r
    guard x > 1e-3 else {
      let scale = 2 * splitting / Double.pi.squareRoot()
      return (scale * (1 - x * x / 3), scale * splitting * splitting * 2 / 3)
    }
    let value = erf(x) / r
    return (value, (value - 2 * splitting / Double.pi.squareRoot() * exp(-x * x)) / r2)
  }

  public func potential(
    of charges: UnsafePointer<Double>, on atoms: AtomView, into potential: UnsafeMutablePointer<Double>
  ) throws {
    let first = collect(atoms, charges, charges)
    for i in 0..<atoms.localCount {
      var sum = 0.0
      for (j, other) in everything.enumerated() where j != first + i {
        let d = atoms.positions[i] - Vector3(other[0], other[1], other[2])
        sum += other[3] * kernel(d.squaredLength).value
      }
      potential[i] = Units.coulomb * sum
    }
  }

  public func addForces(
    of charges: UnsafePointer<Double>, with other: UnsafePointer<Double>?, on atoms: AtomView, want: Want
  ) throws -> Tally {
    let first = collect(atoms, charges, other ?? charges)
    // With λ a pair has λᵢqⱼ + qᵢλⱼ, without it qᵢqⱼ; each of its atoms counts half.
    let factor = Units.coulomb * (other == nil ? 0.5 : 1)
    var tally = Tally.zero
    for i in 0..<atoms.localCount {
      let me = everything[first + i]
      var force = Vector3.zero
      var energy = 0.0
      var virial = Matrix3.zero
      for (j, you) in everything.enumerated() where j != first + i {
        let d = atoms.positions[i] - Vector3(you[0], you[1], you[2])
        let k = kernel(d.squaredLength)
        let strength = factor * (me[4] * you[3] + me[3] * you[4])
        force += strength * k.slope * d
        energy += 0.5 * strength * k.value
        virial += Matrix3.outer(d, 0.5 * strength * k.slope * d)
      }
      atoms.forces[i] += force
      guard !want.isEmpty else { continue }
      tally.energy += energy
      tally.virial += virial
      if want.contains(.atomEnergy) { atoms.energies?[i] += energy }
      if want.contains(.atomVirial), let virials = atoms.virials {
        virial.add(to: virials + 9 * i)
      }
    }
    return tally
  }
}

import MDCore
import MDNumerics

/// A central pair interaction φ(r) between two species: parameters and one function. A new form is a file with such
/// a struct and an initialiser of `PairPotential`.
protocol PairForm: Sendable {
  /// Å.
  var cutoff: Double { get }
  /// φ (eV) and −φ′/r (eV/Å²) for four squared distances (Å²) inside of the cutoff.
  func evaluate(_ r2: SIMD4<Double>) -> (energy: SIMD4<Double>, force: SIMD4<Double>)
}

/// How a pair interaction ends at its cutoff.
package enum PairTruncation: Sendable, Equatable {
  /// Cut off: the energy jumps there.
  case cut
  /// φ(r) − φ(r_c): the energy is continuous, forces are those of the plain cut.
  case shifted
  /// φ(r)·S(x), S = 1 − 10x³ + 15x⁴ − 6x⁵, x = (r − inner)/(r_c − inner) for inner < r < r_c:
  /// continuous to the second derivative.
  case switched(inner: Double)
}

/// A sum of pair interactions Σ_{i<j} φ_ij(r_ij) over a half list, four pairs abreast.
///
/// Made by the initialisers of each form: Lennard-Jones, Morse, Buckingham, ZBL.
package final class PairPotential: Potential {
  package let name: String
  package let requirements: PotentialRequirements
  package var pairForces: PairForceCoverage { .energies }
  private let kernel: (ForceContext, PairScratch) -> Tally
  /// The same together with point charges, for `CoulombPotential`.
  let chargedKernel: (ForceContext, PointCharges, PairScratch) -> Tally
  private let scratch = PairScratch()

  /// `forms` holds nil for species that do not interact; `reach` is the cutoff (Å) where none of them may.
  /// Inlined into each form's own initialiser, so that the loop is compiled for that form.
  @inline(__always)
  init<Form: PairForm>(
    name: String, _ forms: SpeciesPairTable<Form?>, truncation: PairTruncation, reach: Double? = nil
  ) throws {
    let terms = try forms.values.map { try $0.map { try PairTerm($0, truncation) } }
    let cutoff = terms.compactMap { $0?.form.cutoff }.max() ?? reach ?? 0
    guard cutoff > 0 else { throw FaultlineError(.input, "\(name): no pair of species interacts") }
    self.name = name
    requirements = PotentialRequirements(cutoff: cutoff, list: .half)
    let count = forms.count
    kernel = { context, scratch in centralForces(terms, speciesCount: count, context, scratch) }
    chargedKernel = { context, charges, scratch in
      chargedPairForces(terms, speciesCount: count, charges, context, scratch)
    }
  }

  package func compute(_ context: ForceContext) throws -> Tally { kernel(context, scratch) }
}

final class PairScratch {
  let distances = AlignedBuffer<Double>()
  let vectors = AlignedBuffer<Double>()
  let pickedDistances = AlignedBuffer<Double>()
  let picked = AlignedBuffer<Int32>()
}

/// A form with its truncation.
struct PairTerm<Form: PairForm>: Sendable {
  let form: Form
  let cutoff2: Double
  private let shift: Double
  private let isSwitched: Bool
  private let inner: Double
  private let width: Double

  init(_ form: Form, _ truncation: PairTruncation) throws {
    let cutoff = form.cutoff
    guard cutoff > 0, cutoff.isFinite else {
      throw FaultlineError(.input, "a pair cutoff of \(cutoff) Å", hint: "it must be positive")
    }
    self.form = form
    cutoff2 = cutoff * cutoff
    shift = truncation == .shifted ? form.evaluate(SIMD4(repeating: cutoff * cutoff)).energy[0] : 0
    if case .switched(let start) = truncation {
      guard start >= 0, start < cutoff else {
        throw FaultlineError(
          .input, "switching starts at \(start) Å", hint: "it must start inside of the cutoff, \(cutoff) Å")
      }
      isSwitched = true
      inner = start
    } else {
      isSwitched = false
      inner = 0
    }
    width = cutoff - inner
  }

  @inline(__always)
  func evaluate(_ r2: Lanes) -> (energy: Lanes, force: Lanes) {
    var (energy, force) = form.evaluate(r2)
    energy -= Lanes(repeating: shift)
    guard isSwitched else { return (energy, force) }
    let r = positiveSquareRoot(r2)
    var x = (r - Lanes(repeating: inner)) * Lanes(repeating: 1 / width)
    x = x.replacing(with: 0, where: x .< Lanes.zero)
    let rest = 1 - x
    let fade = 1 - x * x * x * (10 + x * (x * 6 - 15))
    let slope = Lanes(repeating: -30 / width) * (x * x) * (rest * rest)
    return (energy * fade, force * fade - energy * slope * (r * reciprocal(r2)))
  }
}

/// The loop over pairs, for one form.
@inline(__always)
private func centralForces<Form: PairForm>(
  _ terms: [PairTerm<Form>?], speciesCount kinds: Int, _ context: ForceContext, _ scratch: PairScratch
) -> Tally {
  let atoms = context.atoms
  let want = context.want
  let list = context.neighbors(.half)
  let longest = list.longestRow
  let stage = RowStage(scratch.distances, longestRow: longest)
  let vectors = PairStage(scratch.vectors, longestRow: longest)
  scratch.picked.reserve(longest + 4)
  scratch.pickedDistances.reserve(longest + 4)
  let pairs = scratch.picked.pointer
  let r2 = scratch.pickedDistances.pointer
  let perAtom = want.contains(.atomEnergy) || want.contains(.atomVirial)
  var energy = Lanes.zero
  var virial = VirialSum()

  return terms.withUnsafeBufferPointer { terms in
    for i in 0..<list.rowCount {
      let row = list.indices + list.starts[i]
      let length = list.starts[i &+ 1] &- list.starts[i]
      let center = loadRow(atoms.positions, Int32(truncatingIfNeeded: i))
      stage.measure(row, length, atoms.positions, from: center)
      let a = Int(atoms.species[i])
      var force = Lanes.zero
      for b in 0..<kinds {
        guard let term = terms[kinds &* a &+ b] else { continue }
        let n = stage.pick(
          row, length, within: term.cutoff2, species: atoms.species, kinds > 1 ? Int32(truncatingIfNeeded: b) : nil,
          into: pairs, r2)
        vectors.gather(pairs, (n &+ 3) & ~3, atoms.positions, from: center)
        var k = 0
        while k < n {
          let d = vectors.vectors(k)
          let weight = laneWeights(n &- k)
          let pair = term.evaluate(UnsafeRawPointer(r2 + k).load(as: Lanes.self))
          let s = pair.force * weight
          vectors.setFactors(s, k)
          if !want.isEmpty {
            energy.addProduct(pair.energy, weight)
            virial.add(s, d)
            if perAtom { addAtomResults(atoms, want, i, pairs + k, n &- k, energy: pair.energy, s, d) }
          }
          k &+= 4
        }
        force += vectors.push(pairs, n, atoms.positions, from: center, atoms.forces)
      }
      addRow(Lanes.zero - force, to: atoms.forces, Int32(truncatingIfNeeded: i))
    }
    return Tally(energy: energy.sum(), virial: virial.matrix)
  }
}

/// Looks the parameters of a species pair up, or says which are missing.
func pairParameters<P>(_ given: [SpeciesPair: P], _ a: String, _ b: String, _ form: String) throws -> P {
  guard let value = given[SpeciesPair(a, b)] else {
    throw FaultlineError(
      .input, "\(form) has no parameters for the pair \(SpeciesPair(a, b))",
      hint: given.isEmpty
        ? "none were given" : "given are \(given.keys.map(\.description).sorted().joined(separator: ", "))")
  }
  return value
}

func requireNotNegative(_ value: Double, _ what: String) throws {
  guard value >= 0, value.isFinite else {
    throw FaultlineError(.input, "\(what) is \(value)", hint: "it must not be negative")
  }
}

func requirePositive(_ value: Double, _ what: String) throws {
  guard value > 0, value.isFinite else {
    throw FaultlineError(.input, "\(what) is \(value)", hint: "it must be positive")
  }
}

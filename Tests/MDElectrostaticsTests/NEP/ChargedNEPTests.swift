import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Neuroevolution potentials with charges: random ones against the formulas, and the properties of every potential.
@Suite struct ChargedNEPTests {
  static let species = ["Te", "Pb"]

  static func file(_ kind: NEPFile.Charges, seed: UInt64 = 21) -> NEPFile {
    NEPSample.random(species, seed: seed, repulsive: true, charges: kind)
  }

  static func potential(
    _ file: NEPFile, mesh: Bool = false, isCut: Bool = false, accuracy: Double = 1e-12,
    precision: NEPPrecision = .double, communicator: any Communicator = LoopbackCommunicator()
  ) throws -> ChargedNEPPotential {
    let alpha = ChargedNEPPotential.splitting(file)
    let cutoff = isCut ? file.cutoff : 6
    let options = LongRangeOptions(
      accuracy: accuracy, cutoff: cutoff, splitting: isCut || file.charges == .reciprocal ? alpha : nil,
      wavevectorCutoff: isCut ? 2 * .pi * alpha : nil)
    return try ChargedNEPPotential(
      file, species: file.elements,
      longRange: mesh
        ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator),
      cutoff: cutoff, isCut: isCut, precision: precision, communicator: communicator)
  }

  static var structures: [Structure] {
    TestStructures.all(species, spacing: 2.6).filter { $0.box.periodic.isFull }
  }

  @Test("energies and charges are those of the formulas", arguments: [NEPFile.Charges.full, .reciprocal])
  func agreesWithTheFormulas(_ kind: NEPFile.Charges) throws {
    let file = Self.file(kind)
    for structure in Self.structures {
      let system = BruteForceSystem(structure, reach: 6.3)
      let result = try system.evaluate([try Self.potential(file)])
      let atoms = NEPSample.energies(file, structure)
      let mean = atoms.map(\.charge).reduce(0, +) / Double(atoms.count)
      let q = atoms.map { $0.charge - mean }
      #expect(q.map(abs).max()! > 0.005 && abs(mean) > 1e-3)
      for (i, charge) in q.enumerated() { #expect(abs(system.atoms.charge![i] - charge) < 1e-12) }
      let coulomb = Self.coulomb(q, structure, alpha: .pi / file.cutoff, isWhole: kind == .full)
      let energy = atoms.map(\.energy).reduce(0, +) + coulomb
      #expect(abs(coulomb) > 1e-4)
      #expect(abs(result.energy - energy) < 1e-8 * Double(atoms.count))
    }
  }

  /// The sum over wave vectors at α, with the energies of Gaussians with themselves; of `isWhole` without them and
  /// with the pairs at 1/r minus that of the Gaussians. Both plainly, to some 1e-12.
  static func coulomb(_ q: [Double], _ s: Structure, alpha: Double, isWhole: Bool) -> Double {
    let constant = 14.399645
    let reciprocal = s.box.cell.inverse.transpose
    let volume = abs(s.box.cell.determinant)
    let cut = 2 * alpha * 5.6
    var sum = 0.0
    let n = (0..<3).map { Int(cut * s.box.cell[$0].length / (2 * .pi)) }
    for a in -n[0]...n[0] {
      for b in -n[1]...n[1] {
        for c in -n[2]...n[2] where !(a == 0 && b == 0 && c == 0) {
          let k = 2 * Double.pi * (Double(a) * reciprocal.x + Double(b) * reciprocal.y + Double(c) * reciprocal.z)
          let k2 = k.squaredLength
          guard k2 < cut * cut else { continue }
          var (re, im) = (0.0, 0.0)
          for (r, q) in zip(s.positions, q) {
            re += q * cos(dot(k, r))
            im += q * sin(dot(k, r))
          }
          sum += constant * 2 * .pi / volume * (re * re + im * im) * exp(-k2 / (4 * alpha * alpha)) / k2
        }
      }
    }
    guard isWhole else { return sum }
    sum -= constant * alpha / Double.pi.squareRoot() * q.reduce(0) { $0 + $1 * $1 }
    PairSum.forEach(s, reach: 6 / alpha) { i, j, d in
      let r = d.length
      sum += 0.5 * constant * q[i] * q[j] * erfc(alpha * r) / r
    }
    return sum
  }

  @Test("forces, virials, invariances", arguments: [NEPFile.Charges.full, .reciprocal])
  func keepsItsPromises(_ kind: NEPFile.Charges) throws {
    var tolerance = PotentialTolerance(derivative: 1e-7, step: 2e-5)
    tolerance.rounding = 1e-9
    try checkPotential(structures: Self.structures, continuity: .none, tolerance: tolerance) {
      [try Self.potential(Self.file(kind))]
    }
  }

  @Test("in single precision all is the same to what singles hold", arguments: [NEPFile.Charges.full, .reciprocal])
  func single(_ kind: NEPFile.Charges) throws {
    for structure in Self.structures {
      func run(_ precision: NEPPrecision) throws -> (BruteForceSystem.Result, charges: [Double], born: [Double]) {
        let system = BruteForceSystem(structure, reach: 6.3)
        let potential = try Self.potential(Self.file(kind), precision: precision)
        let result = try system.evaluate([potential], want: Want.all.union(.bornCharges))
        let notes = try potential.notes(for: system.atoms.view).joined()
        #expect(notes.contains("single precision") == (precision == .single))
        let born = try #require(system.atoms.column(named: "born_charges")).base.assumingMemoryBound(to: Double.self)
        return (
          result, (0..<structure.count).map { system.atoms.charge![$0] }, (0..<9 * structure.count).map { born[$0] }
        )
      }
      let (exact, found) = (try run(.double), try run(.single))
      let gap = PrecisionGap(found.0, exact.0)
      #expect(gap.largest < 3e-5 && gap.force > 1e-9, "\(gap)")
      let charge = zip(found.charges, exact.charges).map { abs($0 - $1) }.max()!
      let born = zip(found.born, exact.born).map { abs($0 - $1) }.max()!
      #expect(charge < 1e-6 && charge > 1e-10 && born < 3e-5 && born > 1e-9, "\(charge) \(born)")
    }
  }

  @Test("the mesh gives what plain sums give", arguments: [NEPFile.Charges.full, .reciprocal])
  func mesh(_ kind: NEPFile.Charges) throws {
    let file = Self.file(kind)
    for structure in Self.structures {
      let plain = try BruteForceSystem(structure, reach: 6.2).evaluate([Self.potential(file)])
      let mesh = try BruteForceSystem(structure, reach: 6.2).evaluate([
        Self.potential(file, mesh: true, accuracy: 1e-7)
      ])
      let error = zip(plain.forces, mesh.forces).map { ($0 - $1).length }.max()!
      #expect(error < 2e-5 && abs(plain.energy - mesh.energy) < 1e-5 * Double(structure.count))
    }
  }

  /// Of a finite system in a large box every place is what it is, so that its dipole may be moved by hand.
  @Test("Born charges are the change of the polarisation with places, within translations")
  func bornCharges() throws {
    let file = Self.file(.full)
    var structure = TestStructures.crystal(Self.species, spacing: 2.6, cells: [1, 1, 1])
    structure.box = Box(cell: Matrix3(diagonal: Vector3(repeating: 25)), periodic: .all)
    structure.positions = structure.positions.map { $0 + Vector3(repeating: 8) }
    func born(_ s: Structure) throws -> (born: [Double], charges: [Double]) {
      let system = BruteForceSystem(s, reach: 6.2)
      _ = try system.evaluate([Self.potential(file, accuracy: 1e-9)], want: [.bornCharges])
      let column = try #require(system.atoms.column(named: "born_charges")).base.assumingMemoryBound(to: Double.self)
      return ((0..<9 * s.count).map { column[$0] }, (0..<s.count).map { system.atoms.charge![$0] })
    }
    let found = try born(structure)
    // A shift of all changes nothing.
    for k in 0..<9 {
      #expect(abs((0..<structure.count).reduce(0) { $0 + found.born[9 * $1 + k] }) < 1e-10)
    }
    // In a cluster q̃ of an atom knows the place of another by their distance vector alone.
    let h = 1e-4
    func raw(_ atom: Int, _ step: Vector3) -> [Double] {
      var moved = structure
      moved.positions[atom] += step
      return NEPSample.energies(file, moved).map(\.charge)
    }
    for axis in 0..<3 {
      var step = Vector3.zero
      step[axis] = h
      // slopes[j][i] = ∂q̃ᵢ/∂r_j.
      let slopes = (0..<structure.count).map { j in
        zip(raw(j, step), raw(j, -1 * step)).map { ($0 - $1) / (2 * h) }
      }
      for i in 0..<structure.count {
        for k in 0..<3 {
          var expected = k == axis ? found.charges[i] : 0
          for j in 0..<structure.count where j != i {
            let d = structure.positions[j] - structure.positions[i]
            expected += 0.5 * d[k] * (slopes[j][i] + slopes[i][j])
          }
          #expect(abs(found.born[9 * i + 3 * k + axis] - 1.7 * expected) < 1e-6)
        }
      }
    }
    #expect((0..<structure.count).contains { abs(found.born[9 * $0 + 1] - found.born[9 * $0 + 3]) > 1e-3 })
  }

  @Test("the current of the polarisation is Σ Z v")
  func current() throws {
    var structure = Self.structures[0]
    var random = SplitMix64(seed: 3)
    structure.velocities = structure.positions.map { _ in random.vector() }
    let system = BruteForceSystem(structure, reach: 6.2)
    let potential = try Self.potential(Self.file(.reciprocal), accuracy: 1e-8)
    #expect(potential.figureWants == .bornCharges)
    _ = try system.evaluate([potential], want: [.bornCharges])
    let born = try #require(system.atoms.column(named: "born_charges")).base.assumingMemoryBound(to: Double.self)
    let found = potential.values(system.atoms.view, box: structure.box, potentialEnergy: 0)
    for a in 0..<3 {
      let expected = (0..<structure.count).reduce(0.0) { sum, i in
        sum + (0..<3).reduce(0) { $0 + born[9 * i + 3 * a + $1] * structure.velocities![i][$1] }
      }
      #expect(abs(found[a] - expected) < 1e-12 && abs(expected) > 1e-3)
    }
  }

  @Test("open boundaries and a total charge are refused")
  func refusals() throws {
    let potential = try Self.potential(Self.file(.full))
    for structure in TestStructures.all(Self.species, spacing: 2.6) where !structure.box.periodic.isFull {
      #expect(throws: FaultlineError.self) { try BruteForceSystem(structure, reach: 6.2).evaluate([potential]) }
    }
    potential.totalCharge = 1
    #expect(throws: FaultlineError.self) { try BruteForceSystem(Self.structures[0], reach: 6.2).evaluate([potential]) }
  }

  @Test("a committee's charges and Born charges are means")
  func committee() throws {
    let files = [31, 32].map { Self.file(.full, seed: $0) }
    let structure = Self.structures[0]
    func run(_ potential: any Potential) throws -> (BruteForceSystem.Result, [Double], [Double]) {
      let system = BruteForceSystem(structure, reach: 6.2)
      let result = try system.evaluate([potential], want: Want.all.union([.bornCharges, .assessment]))
      let born = try #require(system.atoms.column(named: "born_charges")).base.assumingMemoryBound(to: Double.self)
      return (
        result, (0..<structure.count).map { system.atoms.charge![$0] }, (0..<9 * structure.count).map { born[$0] }
      )
    }
    let single = try files.map { try run(Self.potential($0)) }
    let committee = try ChargedCommittee("nep", try files.map { try Self.potential($0) })
    let both = try run(committee)
    #expect(abs(both.0.energy - (single[0].0.energy + single[1].0.energy) / 2) < 1e-9)
    for i in 0..<structure.count {
      #expect((both.0.forces[i] - (single[0].0.forces[i] + single[1].0.forces[i]) / 2).length < 1e-9)
      #expect(abs(both.1[i] - (single[0].1[i] + single[1].1[i]) / 2) < 1e-12)
    }
    for k in both.2.indices { #expect(abs(both.2[k] - (single[0].2[k] + single[1].2[k]) / 2) < 1e-12) }
    #expect(committee.assessments == [.forceDeviation, .energyDeviation, .chargeDeviation])
    let figures = committee.assess(
      sums: committee.assessmentSums, maxima: committee.assessmentMaxima, atoms: structure.count)
    let largest = zip(single[0].1, single[1].1).map { abs($0 - $1) / 2 }.max()!
    #expect(figures.count == 3 && abs(figures[2] - largest) < 1e-10)
  }
}

/// What NEP_CPU, with the mean of ∂E/∂q in its forces, gives for PbTe.
@Suite(.enabled(if: ReferenceCases.root != nil, "no reference data: set FAULTLINE_REFERENCE to their folder"))
struct ChargedNEPReferenceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var folder: String
    var frames: String
    var isCut: Bool
    var testDescription: String { "\(folder) \(frames)" }
  }
  static let cases = ["nep-q-PbTe-mode1", "nep-q-PbTe-mode2"].flatMap {
    [
      Case(folder: $0, frames: "reference.extxyz", isCut: true),
      Case(folder: $0, frames: "reference-converged.extxyz", isCut: false),
    ]
  }

  @Test(arguments: cases) func agreesWithNEPCPU(_ c: Case) throws {
    let folder = try ReferenceCases.folder(c.folder)
    let file = try NEPReader.read(folder.appendingPathComponent("nep.txt").path)
    let frames = try ReferenceCases.frames(folder, file: c.frames)
    let born = try ReferenceCases.columns(folder, "ref_born_charges", file: c.frames)
    #expect(frames.count >= 6)
    for (k, frame) in frames.enumerated() {
      let communicator = LoopbackCommunicator()
      let alpha = ChargedNEPPotential.splitting(file)
      let cutoff = c.isCut ? file.cutoff : 11
      let options = LongRangeOptions(
        accuracy: 1e-12, cutoff: cutoff, splitting: c.isCut || file.charges == .reciprocal ? alpha : nil,
        wavevectorCutoff: c.isCut ? 2 * .pi * alpha : nil)
      let potential = try ChargedNEPPotential(
        file, species: frame.structure.species, longRange: EwaldSolver(options, communicator: communicator),
        cutoff: cutoff, isCut: c.isCut, communicator: communicator)
      try frame.expectMatch([potential], energy: 1e-8, force: 1e-6, virial: 1e-7)
      let system = BruteForceSystem(frame.structure, reach: potential.requirements.cutoff + 0.1)
      _ = try system.evaluate([potential], want: Want.all.union(.bornCharges))
      let charges = try #require(frame.charges)
      let chargeError = charges.indices.map { abs(system.atoms.charge![$0] - charges[$0]) }.max()!
      #expect(chargeError < 1e-8)
      let expected = try #require(born[k])
      let column = try #require(system.atoms.column(named: "born_charges")).base.assumingMemoryBound(to: Double.self)
      let bornError = expected.indices.map { abs(column[$0] - expected[$0]) }.max()!
      #expect(bornError < 1e-8)
    }
  }
}

import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport
import Testing

/// A uniform field adds qF to forces and −qF·r to energies, along open directions alone.
@Suite struct FieldTests {
  private func evaluate(_ s: Structure, field: Vector3) throws -> BruteForceSystem.Result {
    let communicator = LoopbackCommunicator()
    let options = LongRangeOptions(accuracy: 1e-6, cutoff: 6)
    let potential = try CoulombPotential(
      solver: BoundarySolver(
        EwaldSolver(options, communicator: communicator), open: DirectSolver(cutoff: 6, communicator: communicator)),
      cutoff: 6, species: s.species, field: field, communicator: communicator)
    return try Samples.evaluate(s, potential)
  }

  @Test func openDirections() throws {
    let all = TestStructures.all(["Na", "Cl"], spacing: 2.9)
    let normal = cross(all[2].box.cell.x, all[2].box.cell.y)
    for (structure, field) in [(all[3], Vector3(0.1, -0.2, 0.05)), (all[2], 0.07 * normal / normal.length)] {
      let s = Samples.charged(structure)
      let plain = try evaluate(s, field: .zero)
      let pulled = try evaluate(s, field: field)
      var dipole = Vector3.zero
      for (i, q) in s.charges!.enumerated() {
        #expect((pulled.forces[i] - plain.forces[i] - q * field).length < 1e-12)
        dipole += q * s.positions[i]
      }
      #expect(abs(pulled.energy - plain.energy + dot(dipole, field)) < 1e-10)
      #expect(abs(pulled.atomEnergies.reduce(0, +) - pulled.energy) < 1e-9)
      #expect(pulled.virial == plain.virial)
    }
  }

  @Test func periodicDirections() throws {
    let slab = Samples.charged(TestStructures.all(["Na", "Cl"], spacing: 2.9)[2])
    #expect {
      _ = try evaluate(slab, field: Vector3(0.1, 0, 0.1))
    } throws: { "\($0)".contains("along which the box is periodic") }
  }
}

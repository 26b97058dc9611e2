import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// The readers against published potentials: the model as read, evaluated by the brute-force formulas, must give what
/// n2p2 computed.
@Suite struct HDNNPModelTests {
  /// The factors that the references were computed with.
  static let units = try! HDNNPUnits(length: 1.8897261328, energy: 0.0367493254)

  static let published = ["hdnnp-Cu-mlearn", "hdnnp-H2O-RPBE-D3"]

  @Test(.reference(published), arguments: published)
  func bruteForceAgreesWithReference(_ name: String) throws {
    let folder = try ReferenceCases.folder(name)
    let reference = HDNNPBruteForce(model: try HDNNPModel(directory: folder.path, units: Self.units))
    for frame in try ReferenceCases.frames(folder) {
      let energies = try #require(frame.atomEnergies)
      let scale = energies.map(abs).max()!
      guard frame.structure.count <= 200 else {
        // Some atoms are enough where all of them would take minutes.
        let atoms = Array(stride(from: 0, to: frame.structure.count, by: frame.structure.count / 8))
        let found = try reference.atomEnergies(frame.structure, atoms: atoms)
        for (atom, energy) in zip(atoms, found) {
          #expect(abs(energy - energies[atom]) < 1e-10 * scale, "\(frame.name): atom \(atom)")
        }
        continue
      }
      let result = try reference.evaluate(frame.structure)
      #expect(abs(result.energy - frame.energy) < 1e-10 * abs(frame.energy), "\(frame.name): energy")
      let energyError = zip(result.atomEnergies, energies).map { abs($0 - $1) }.max()!
      #expect(energyError < 1e-10 * scale, "\(frame.name): an atom's energy is off by \(energyError)")
      let forceError = zip(result.forces, frame.forces).map { ($0 - $1).length }.max()!
      #expect(forceError < 1e-8, "\(frame.name): forces are off by \(forceError)")
      if let virial = frame.virial {
        // The reference went through a pressure, whose unit its program knows to eight digits: 8.4e-8.
        let error = (result.virial - virial).elements.map(abs).max()!
        #expect(error < 1e-7 * max(1, virial.elements.map(abs).max()!), "\(frame.name): virial is off by \(error)")
      }
    }
  }

  /// The example that comes along imitates SNAP copper: 4.101 eV/atom at 3.634 Å.
  @Test func exampleIsCopper() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let model = try HDNNPModel(
      directory: root.appendingPathComponent("potentials/hdnnp/Cu-example").path, units: .metal)
    func crystal(_ constant: Double) throws -> HDNNPBruteForce.Result {
      let basis = [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
      return try HDNNPBruteForce(model: model).evaluate(
        Structure(
          box: Box(lengths: Vector3(repeating: constant)), species: ["Cu"], types: [0, 0, 0, 0],
          positions: basis.map { $0 * constant }))
    }
    let energy = try crystal(3.634).energy / 4
    #expect(abs(energy + 4.101) < 0.005)
    // Compressed it pushes, stretched it pulls.
    #expect(try crystal(3.58).virial.trace > 1 && crystal(3.69).virial.trace < -1)
  }
}

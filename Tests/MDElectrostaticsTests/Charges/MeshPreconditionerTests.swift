import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport
import Testing

/// The preconditioner that knows long waves.
@Suite struct MeshPreconditionerTests {
  /// Columns of M⁻¹, for inverse diagonals that differ by a factor of six.
  static func matrix(_ structure: Structure, given: Set<Int> = []) throws -> [[Double]] {
    let n = structure.count
    let system = BruteForceSystem(structure, reach: 1)
    let preconditioner = MeshPreconditioner(slabFactor: 3, fftRanks: nil, communicator: LoopbackCommunicator())
    let statistics = ChargeStatistics(count: n, sum: 0, squares: Double(n), occupiedVolume: structure.box.volume)
    let places = ChargePlaces(
      atoms: system.atoms.view,
      system: LongRangeSystem(box: structure.box, decomposition: .single, charges: statistics), width: 0.7, factor: 1)
    let inverse = (0..<n).map { given.contains($0) ? 0 : $0.isMultiple(of: 2) ? 0.02 : 0.12 }
    return try inverse.withUnsafeBufferPointer { d in
      try preconditioner.prepare(places, inverse: d.baseAddress!)
      return try (0..<n).map { column in
        var r = [Double](repeating: 0, count: n)
        r[column] = 1
        var z = r
        try preconditioner.apply(r, inverse: d.baseAddress!, into: &z)
        return z
      }
    }
  }

  /// A crystal, a cell of a few ångströms, and atoms of which most are in one half, beside vacuum.
  static var structures: [Structure] {
    let all = TestStructures.all(["H", "O"], spacing: 2.6).prefix(3)
    return all + all.map { structure in
      var crowded = structure
      crowded.box.setCell(
        Matrix3(3.5 * structure.box.cell.x, structure.box.cell.y, structure.box.cell.z))
      return crowded
    }
  }

  /// Symmetric, and positive definite: it has a Cholesky factor.
  @Test func isPositiveDefinite() throws {
    for structure in Self.structures {
      var a = try Self.matrix(structure)
      let n = a.count
      for i in 0..<n { for j in 0..<i { #expect(abs(a[i][j] - a[j][i]) < 1e-15) } }
      var least = Double.infinity
      for k in 0..<n {
        least = min(least, a[k][k])
        guard a[k][k] > 0 else { break }
        for i in (k + 1)..<max(n, k + 1) {
          let factor = a[i][k] / a[k][k]
          for j in (k + 1)..<n { a[i][j] -= factor * a[k][j] }
        }
      }
      #expect(least > 1e-4, "pivot \(least)")
    }
  }

  /// Given charges have no part.
  @Test func givenCharges() throws {
    let a = try Self.matrix(Self.structures[0], given: [1, 4])
    for row in [1, 4] { #expect(a[row].allSatisfy { $0 == 0 } && a.allSatisfy { $0[row] == 0 }) }
  }

  /// M⁻¹ r in the order of ids, with the transform on a grid of ranks.
  static func product(_ structure: Structure, ranks: Int, grid: SIMD2<Int>) throws -> [Double] {
    let shared = Shared()
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let header = Distribution.header(of: communicator.isRoot ? structure : nil, communicator: communicator)
      let domain = try Domain(box: header.box, ranks: ranks, rank: communicator.rank)
      let atoms = AtomStore()
      try Distribution.scatter(
        communicator.isRoot ? structure : nil, header: header, to: atoms, domain: domain, communicator: communicator)
      let preconditioner = MeshPreconditioner(slabFactor: 3, fftRanks: nil, communicator: communicator)
      preconditioner.processGrid = grid
      let n = structure.count
      let system = LongRangeSystem(
        box: header.box, decomposition: Decomposition(bricks: domain.bricks, stray: 0.5),
        charges: ChargeStatistics(count: n, sum: 0, squares: Double(n), occupiedVolume: header.box.volume))
      let ids = (0..<atoms.localCount).map { Double(atoms.id[$0]) }
      let inverse = AlignedBuffer(ids.map { 0.06 + 0.04 * sin($0) })
      let residual = AlignedBuffer(ids.map { cos(3 * $0) })
      try preconditioner.prepare(
        ChargePlaces(atoms: atoms.view, system: system, width: 0.7, factor: 1), inverse: inverse.pointer)
      try preconditioner.apply(residual.pointer, inverse: inverse.pointer, into: atoms.needCharge().pointer)
      try Gather.inOrder([atoms.needCharge().storage], of: atoms, communicator: communicator) { piece in
        guard let buffers = piece?.buffers else { return }
        shared.add(buffers[0].bindMemory(to: Double.self))
      }
    }
    return shared.values
  }

  private final class Shared: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var values: [Double] = []
    func add(_ more: some Sequence<Double>) { lock.withLock { values += more } }
  }

  /// Transforms on one rank, slabs, pencils, and ranks without a part in them.
  @Test func ranks() throws {
    for structure in Self.structures {
      let one = try Self.product(structure, ranks: 1, grid: SIMD2(1, 1))
      #expect(one.count == structure.count)
      for (ranks, grid) in [(2, SIMD2(2, 1)), (3, SIMD2(1, 2)), (4, SIMD2(2, 2)), (8, SIMD2(2, 1))] {
        let found = try Self.product(structure, ranks: ranks, grid: grid)
        #expect(zip(found, one).allSatisfy { abs($0 - $1) < 1e-14 } && found.count == one.count, "\(ranks), \(grid)")
      }
    }
  }

  /// Along a cell of 118 Å: the same charges with less than half of the products.
  @Test func products() throws {
    let structure = TestStructures.crystal(["H", "O"], spacing: 2.6, cells: [32, 2, 1])
    func solve(mesh: Bool) throws -> (count: Double, charges: [Double]) {
      let options = LongRangeOptions(accuracy: 1e-6, cutoff: 6)
      let communicator = LoopbackCommunicator()
      let potential = try QEqPotential(
        elements: ConstrainedCharges.elements, species: ["H", "O"],
        solver: ConjugateGradientCharges(tolerance: 1e-8, mesh: mesh ? options : nil, communicator: communicator),
        longRange: PPPMSolver(options, communicator: communicator), cutoff: 6, communicator: communicator)
      let system = BruteForceSystem(structure, reach: 6.1)
      _ = try system.evaluate([potential])
      let figures = potential.values(system.atoms.view, box: structure.box, potentialEnergy: 0)
      return (figures[0], system.atoms.charge!.values(structure.count))
    }
    let (mesh, diagonal) = (try solve(mesh: true), try solve(mesh: false))
    #expect(zip(mesh.charges, diagonal.charges).allSatisfy { abs($0 - $1) < 1e-8 })
    #expect(2 * mesh.count < diagonal.count, "\(mesh.count), \(diagonal.count)")
  }
}

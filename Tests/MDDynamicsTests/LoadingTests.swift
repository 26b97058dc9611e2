import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

@Suite("Loading")
struct LoadingTests {
  static let cell = Matrix3([20, 0, 0, 3, 25, 0, -2, 4, 30])

  private func bench() throws -> TestBench {
    let sites = [Vector3(1, 2, 3), Vector3(-4, 30, 12), Vector3(19, 0, 29.5)]
    return try TestBench(
      sites: sites, timestep: 0.002, box: Box(cell: Self.cell, origin: Vector3(-1, 0.5, 2)))
  }

  @Test("Fractional coordinates do not change and the strain is the engineering strain", arguments: 0..<3)
  func uniaxial(axis: Int) throws {
    let bench = try bench()
    let before = bench.positions.map(bench.box.fractional)
    let loading = try Loading(axis: axis, strainRate: 0.05, step: 0)
    try bench.run(VelocityVerlet(), steps: 1000, loading: loading)
    // 2 ps at 0.05 / ps.
    var expected = Self.cell
    for row in 0..<3 { expected[row][axis] *= 1.1 }
    for (a, b) in zip(bench.box.cell.elements, expected.elements) { #expect(abs(a - b) < 1e-11) }
    #expect(abs(loading.strain(at: 1000, timestep: 0.002)[axis][axis] - 0.1) < 1e-15)
    for (r, s) in zip(bench.positions, before) { #expect((bench.box.fractional(r) - s).length < 1e-12) }
    #expect(abs(bench.box.volume / (20 * 25 * 30) - 1.1) < 1e-12)
  }

  @Test("A true rate is of the present length, others stay as they were")
  func trueRate() throws {
    let bench = try bench()
    var rates = (Matrix3.zero, Matrix3.zero)
    rates.0[0][0] = 0.04
    rates.1[2][2] = 0.05
    let loading = try Loading(rates: rates.0, trueRates: rates.1, step: 0)
    try bench.run(VelocityVerlet(), steps: 1000, loading: loading)
    for row in 0..<3 {
      let expected = Self.cell[row] * Vector3(1.08, 1, exp(0.1))
      #expect((bench.box.cell[row] - expected).length < 1e-11)
    }
    #expect(loading.axis == nil && !loading.shears && loading.changes(0) && loading.changes(2) && !loading.changes(1))
  }

  @Test("Shear keeps the volume and tilts the cell")
  func shear() throws {
    let bench = try TestBench(sites: [Vector3(1, 2, 3)], timestep: 0.002, box: Box(lengths: Vector3(10, 20, 40)))
    var rates = Matrix3.zero
    rates[2][0] = 0.1
    let loading = try Loading(rates: rates, step: 0)
    try bench.run(VelocityVerlet(), steps: 500, loading: loading)
    #expect((bench.box.cell.z - Vector3(4, 0, 40)).length < 1e-12)
    #expect((bench.positions[0] - Vector3(1.3, 2, 3)).length < 1e-12)
    #expect(abs(bench.box.volume - 8000) < 1e-9)
    #expect(loading.shears && loading.changes(4) && loading.axis == nil)
    let full = CellComponents(.full, box: bench.box)
    #expect(throws: FaultlineError.self) { try loading.refuseComponents(of: full, at: nil) }
    try loading.refuseComponents(of: CellComponents(.axes, box: bench.box), at: nil)
  }

  @Test("Compression to nothing is an error, not a crash")
  func collapse() throws {
    let bench = try bench()
    let loading = try Loading(axis: 0, strainRate: -100, step: 0)
    #expect(throws: FaultlineError.self) { try bench.run(VelocityVerlet(), steps: 10, loading: loading) }
  }
}

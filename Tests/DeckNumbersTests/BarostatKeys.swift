import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// What the keys of barostats do, whichever barostat it is.
extension CellKeyTests {
  /// A step of pressure: how far the cell goes in a given time says the time constant, and what moves says `cell`.
  static func barostat(_ name: String, _ thermostat: String) throws {
    func change(_ keys: String) throws -> (f: Matrix3, log: String) {
      let run = try DeckRun(
        copper(
          "{minimize: {cell: full, force_tolerance: 1e-6}}, "
            + "{dynamics: {steps: 100, timestep: 2 fs\(thermostat), barostat: {\(name): {\(keys)}}}}"))
      let frames = try run.frames("t.extxyz")
      return (frames[frames.count - 101].structure.box.cell.inverse * frames.last!.structure.box.cell, run.log)
    }
    let still = try change("damping: 1 ps")
    let pressed = try change("pressure: 4 GPa, damping: 1 ps")
    let faster = try change("pressure: 4 GPa, damping: 0.5 ps")
    let stiff = try change("pressure: 4 GPa, damping: 1 ps, modulus: 560 GPa")
    let axes = try change("pressure: 4 GPa, damping: 0.5 ps, cell: axes")
    let normal = try change("pressure: 4 GPa, damping: 0.5 ps, cell: normal")
    func shrinkage(_ f: Matrix3) -> Double { 1 - f.determinant }
    #expect(abs(shrinkage(still.f)) < 0.25 * shrinkage(pressed.f))
    // First order: 1 − e^(−t/τ) of the way; a mass moves by t²/2τ².
    let ratio = shrinkage(faster.f) / shrinkage(pressed.f)
    #expect(name == "rescale" ? ratio > 1.4 && ratio < 2.3 : ratio > 2.5 && ratio < 4.5, "\(name): \(ratio)")
    // Copper's bulk modulus is 140 GPa: four times as stiff, a quarter as fast.
    let slowness = (shrinkage(pressed.f) - shrinkage(still.f)) / (shrinkage(stiff.f) - shrinkage(still.f))
    #expect(slowness > 2.5 && slowness < 6 && stiff.log.contains("given moduli 1680"), "\(name): \(slowness)")
    #expect((pressed.f - pressed.f.x.x * .identity).norm < 1e-9)
    #expect(abs(axes.f.x.y) < 1e-12 && shrinkage(axes.f) > 0.3 * shrinkage(faster.f))
    #expect(abs(normal.f.determinant - 1) > 1e-4 && abs(normal.f.x.x - 1) < 1e-3 && abs(normal.f.y.y - 1) < 1e-3)
    #expect(pressed.log.contains("to 40000 bar, τ 1.0 ps") && pressed.log.contains("moduli"))
  }

  /// Each component alone, ramped to 1 GPa, is what the crystal comes to, and the others stay at 0.
  static func stresses(_ name: String) throws {
    for (k, component) in components.enumerated() {
      let run = try DeckRun(
        copper(
          """
          {minimize: {cell: full, force_tolerance: 1e-6}}, {dynamics: {steps: 1000, timestep: 2 fs,
            thermostat: {langevin: {temperature: 1, damping: 0.05}},
            barostat: {\(name): {stress: {\(component): [0, 1 GPa]}, damping: 0.2}}}}
          """, every: 1000, potential: "[{eam: {parameters: zhou2004}}]"))
      let row = try #require(run.thermo().last)
      let all = ["pxx", "pyy", "pzz", "pyz", "pxz", "pxy"].map { -(row[$0] ?? .nan) }
      for (other, s) in all.enumerated() {
        #expect(abs(s - (other == k ? 10_000 : 0)) < 3000, "\(name) \(component): \(all)")
      }
    }
  }
}

import Foundation
import MDCore
import MDNumerics
import MDParallel
import MDSimulation
import MDTestSupport
import Testing

/// The capacitor of inputs/capacitor.yaml: charge, voltage, work and energy.
@Suite struct CapacitorTests {
  private static let deck = Pages.repository.appendingPathComponent("inputs/capacitor.yaml")

  /// Rows of thermo.csv of the deck with some lines replaced; with `stopAfter` steps it stops there and is resumed.
  private func run(
    volts: Double, changing changes: [(String, String)] = [], ranks: Int = 1, stopAfter: Int? = nil
  ) throws -> [[String: Double]] {
    let folder = NSTemporaryDirectory() + "faultline-capacitor-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var text = try String(contentsOf: Self.deck, encoding: .utf8)
    let all =
      [("potential: 0.5 V", "potential: \(0.5 * volts)"), ("potential: -0.5 V", "potential: \(-0.5 * volts)")] + changes
    for (old, new) in all {
      try #require(text.contains(old), "\(old)")
      text = text.replacingOccurrences(of: old, with: new)
    }
    let path = folder + "/deck.yaml"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let log = RunLog(isTerminal: false, emit: nil)
      let simulation = try Simulation.start(
        deck: path, output: folder + "/run", overwrite: false, communicator: communicator, log: log)
      _ = try simulation.run(limits: RunLimits(steps: stopAfter))
      guard stopAfter != nil else { return }
      let resumed = try Simulation.resume(from: folder + "/run", communicator: communicator, log: log)
      _ = try resumed.run(limits: RunLimits())
    }
    return CSVTable.rows(try String(contentsOfFile: folder + "/run/thermo.csv", encoding: .utf8))
  }

  private static let tight = [
    ("      charges:\n", "      charges:\n        method: direct\n        accuracy: 1e-9\n"),
    ("steps: 500", "steps: 1"),
  ]

  /// Linear, and as the exact solution for layers of Gaussians has it: an independent sum over the plane's reciprocal
  /// lattice.
  @Test func chargeAgainstVoltage() throws {
    let expected = Self.layerModel()
    for volts in [-2.0, 0.5, 1] {
      let row = try #require(run(volts: volts, changing: Self.tight).first)
      let charge = try #require(row["charge_left"])
      // 18 atoms a layer. Gaussians of neighbours overlap by 10⁻⁷, which the layer model leaves out.
      #expect(abs(charge / (18 * volts) - expected) < 1e-6 * expected, "\(volts) V: \(charge) e")
      #expect(abs(charge + row["charge_right"]!) < 1e-12 && abs(row["total_charge"]!) < 1e-12)
      // The dipole is that of the charges: beyond 20.4 Å a volt.
      #expect(abs(row["dipole_z"]! / -charge - 20.4) < 0.5)
      // Image planes: ε₀A/d with d the distance of the innermost layers, within a tenth of a layer each.
      let area = (3 * 4.08) * (3 * 4.08)
      let gap = area * volts / (4 * .pi * Units.coulomb * charge)
      #expect(abs(gap - 20.4) < 0.4, "\(gap) Å")
    }
  }

  /// The battery's work is twice what the field stores: Ω falls by QV/2, the energy without battery rises by it.
  @Test func workAndEnergy() throws {
    let none = try #require(run(volts: 0, changing: Self.tight).first)
    let some = try #require(run(volts: 1.5, changing: Self.tight).first)
    let stored = 0.5 * 1.5 * some["charge_left"]!
    #expect(stored > 0.04)
    #expect(abs(some["potential_energy"]! - none["potential_energy"]! + stored) < 1e-9)
    #expect(abs(some["energy_without_battery"]! - none["energy_without_battery"]! - stored) < 1e-9)
    // dΩ/dV = −Q; Ω is quadratic.
    let (less, more) = (
      try #require(run(volts: 1.4, changing: Self.tight).first),
      try #require(run(volts: 1.6, changing: Self.tight).first)
    )
    let slope = (more["potential_energy"]! - less["potential_energy"]!) / 0.2
    #expect(abs(slope + some["charge_left"]!) < 1e-8)
  }

  /// Ω and the kinetic energy together are conserved while charge flows to and fro.
  @Test func conserved() throws {
    let rows = try run(volts: 20, changing: [("steps: 500", "steps: 60"), ("{every: 10}", "{every: 5}")])
    let energies = rows.map { $0["total_energy"]! }
    let charges = rows.map { $0["charge_left"]! }
    #expect(20 * (charges.max()! - charges.min()!) > 0.03, "charge flows")
    // 144 atoms at 150 K, steps of 2 fs: the shadow Hamiltonian's 10⁻⁵ eV an atom; a battery
    // unaccounted for would be 20 V times the charge that flows.
    #expect(energies.allSatisfy { abs($0 - energies[0]) < 3e-3 }, "\(energies)")
  }

  /// Resumed runs are the run in one piece bit for bit, on one rank and on two; other ranks give the same row at the
  /// start.
  @Test func restartsAndRanks() throws {
    let changes = [
      ("steps: 500", "steps: 12"), ("{every: 10}", "{every: 2}"),
      ("  trajectories:", "  checkpoints: {every: 6}\n  trajectories:"),
    ]
    let one = try run(volts: 2, changing: changes)
    for ranks in [1, 2] {
      let whole = ranks == 1 ? one : try run(volts: 2, changing: changes, ranks: ranks)
      #expect(try run(volts: 2, changing: changes, ranks: ranks, stopAfter: 6) == whole, "\(ranks) ranks")
    }
    for ranks in [2, 3, 4, 8] {
      let row = try #require(run(volts: 2, changing: [("steps: 500", "steps: 1")], ranks: ranks).first)
      for name in ["potential_energy", "charge_left", "dipole_z", "energy_without_battery"] {
        // Converged to 10⁻⁶ eV/e; the matrix's least eigenvalue is some tenths of an eV/e².
        #expect(abs(row[name]! - one[0][name]!) < 1e-5, "\(ranks) ranks, \(name)")
      }
    }
  }

  /// Charge of an atom of the left electrode's layers, added up, for 1 V: eight layers of a square lattice of
  /// Gaussians, four a side. With the lattice's period s, area A = s² and reciprocal vectors G, the potential of one
  /// layer's unit charges on the atoms of another at a distance z (every second one shifted by half a diagonal) is C
  /// [−2π|z|/A + Σ_G 2π/(A G) cos(G·ρ) e^(−G|z|)], and on its own C [1/(√π σ) + 4 ζ(½) β(½)/s].
  private static func layerModel() -> Double {
    let s = 4.08 / 2.0.squareRoot()
    let area = s * s
    let heights = [4, 5, 6, 7, 17, 18, 19, 20].map { 2.04 * Double($0) }
    let shifts = [0, 1, 0, 1, 1, 0, 1, 0]
    // 4 ζ(1/2) β(1/2), the lattice sum of 1/r over the square lattice with its background.
    let lattice = -3.900264920001955
    var m = [[Double]](repeating: Array(repeating: 0, count: 10), count: 9)
    for a in 0..<8 {
      for b in 0..<8 {
        let z = abs(heights[a] - heights[b])
        var value = -2 * .pi * z / area
        if a == b {
          value = 1 / (Double.pi.squareRoot() * 0.391722) + lattice / s
        } else {
          for i in -8...8 {
            for j in -8...8 where i != 0 || j != 0 {
              let g = 2 * .pi / s * Double(i * i + j * j).squareRoot()
              let sign = (shifts[a] != shifts[b]) && (i + j) % 2 != 0 ? -1.0 : 1
              value += sign * 2 * .pi / (area * g) * exp(-g * z)
            }
          }
        }
        m[a][b] = Units.coulomb * value
      }
      m[a][8] = 1
      m[8][a] = 1
      m[a][9] = a < 4 ? 0.5 : -0.5
    }
    // Gauss and Jordan with pivots.
    for k in 0..<9 {
      let pivot = (k..<9).max { abs(m[$0][k]) < abs(m[$1][k]) }!
      m.swapAt(k, pivot)
      for i in 0..<9 where i != k {
        let factor = m[i][k] / m[k][k]
        for j in k..<10 { m[i][j] -= factor * m[k][j] }
      }
    }
    return (0..<4).reduce(0) { $0 + m[$1][9] / m[$1][$1] }
  }
}

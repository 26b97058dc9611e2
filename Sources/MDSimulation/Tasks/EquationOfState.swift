import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Energy against volume and its fit by the equation of Birch and Murnaghan of third order (F. Birch, Phys. Rev. 71, 809,
/// 1947): with y = (V₀/V)^(2/3) − 1,
///
///     E = E₀ + (9 V₀ B₀/16) (2 y² + (B₀′ − 4) y³),
///
/// a polynomial of third degree in V^(−2/3), which is fitted by least squares.
package struct BirchMurnaghan {
  /// eV, Å³, eV/Å³.
  package private(set) var energy: Double
  package private(set) var volume: Double
  package private(set) var modulus: Double
  package private(set) var derivative: Double
  /// Root mean square of the residuals, eV.
  package private(set) var deviation: Double

  /// At least four points; nil if they have no minimum among them.
  package init?(volumes: [Double], energies: [Double]) {
    let middle = volumes[volumes.count / 2]
    let s = volumes.map { pow(middle / $0, 2.0 / 3) - 1 }
    let (scale, lowest) = (s.map(abs).max() ?? 1, energies.min() ?? 0)
    let solver = CholeskySolver()
    solver.resize(4)
    var right = [Double](repeating: 0, count: 4)
    let basis = s.map { x in (0..<4).map { pow(x / scale, Double($0)) } }
    for i in 0..<4 {
      for j in 0...i { solver.elements[4 * i + j] = basis.reduce(0) { $0 + $1[i] * $1[j] } }
      right[i] = zip(basis, energies).reduce(0) { $0 + $1.0[i] * ($1.1 - lowest) }
    }
    guard (try? solver.factorize()) != nil else { return nil }
    let c = solver.solve(right)
    // c₁ + 2 c₂ x + 3 c₃ x² = 0 with a positive second derivative.
    var x = 0.0
    for _ in 0..<100 {
      let (slope, curvature) = (c[1] + 2 * c[2] * x + 3 * c[3] * x * x, 2 * c[2] + 6 * c[3] * x)
      guard curvature > 0 else { return nil }
      x -= slope / curvature
      if abs(slope / curvature) < 1e-15 { break }
    }
    guard abs(x) <= 1 else { return nil }
    let ratio = 1 + x * scale
    volume = middle / pow(ratio, 1.5)
    energy = lowest + c[0] + x * (c[1] + x * (c[2] + x * c[3]))
    // y = (s − s₀)/(1 + s₀): second and third derivatives by y.
    let stretch = ratio / scale
    let (second, third) = ((c[2] + 3 * c[3] * x) * stretch * stretch, c[3] * stretch * stretch * stretch)
    modulus = 8 * second / (9 * volume)
    derivative = 4 + 16 * third / (9 * volume * modulus)
    let residuals = zip(basis, energies).map { b, e in e - lowest - zip(b, c).reduce(0) { $0 + $1.0 * $1.1 } }
    deviation = (residuals.reduce(0) { $0 + $1 * $1 } / Double(residuals.count)).squareRoot()
  }
}

extension TaskEntry {
  static let equationOfState = TaskEntry(
    "equation_of_state",
    "Energy and pressure against volume, and the fit of Birch and Murnaghan: V₀, B₀ and its pressure derivative B₀′. The cell "
      + "keeps its shape, atoms are relaxed.",
    [
      .defaulted(
        "range", .number(NumberRange(from: 0.001, to: 0.9).plausibly(0.005...0.3)), "0.03", "Volumes go from (1 − range) to (1 + range) times V₀."),
      .defaulted("points", .integer(5...1000), "13", "How many volumes."),
    ], example: "range: 0.05"
  ) { section, crystal in
    let (range, points) = (section.double("range"), section.integer("points"))
    let cell = try crystal.one(crystal.unitCell)
    let (box, positions, atoms) = (cell.box.cell, cell.positions, Double(cell.count))
    var rows: [[Double]] = []
    for k in 0..<points {
      let ratio = 1 - range + 2 * range * Double(k) / Double(points - 1)
      let stretch = pow(ratio, 1.0 / 3)
      try cell.set(stretch * box, positions.map { stretch * $0 })
      let state = try cell.relax(to: 1e-8).state
      rows.append([
        state.volume / atoms, state.energy / atoms, -state.stress.trace / 3 * Elastic.gigapascal, ratio,
      ])
    }
    guard let fit = BirchMurnaghan(volumes: rows.map { $0[0] }, energies: rows.map { $0[1] }) else {
      throw FaultlineError(
        .run, "the energies have no minimum in volume that an equation of state could be fitted to", isCollective: true)
    }
    return TaskResult(
      lines: [
        "equation of state V0 \(RunLog.fixed(fit.volume, 4)) Å³/atom, B0 \(RunLog.fixed(fit.modulus * Elastic.gigapascal, 2)) GPa, "
          + "B0' \(RunLog.fixed(fit.derivative, 3)) (Birch–Murnaghan, residual "
          + "\(String(format: "%.1e", fit.deviation)) eV/atom)"
      ],
      table: TaskTable(
        [("volume", "Å³/atom"), ("energy", "eV/atom"), ("pressure", "GPa"), ("volume_ratio", "")], rows),
      numbers: [
        "volume_A3_per_atom": .number(fit.volume), "energy_eV_per_atom": .number(fit.energy),
        "bulk_modulus_GPa": .number(fit.modulus * Elastic.gigapascal), "bulk_modulus_derivative": .number(fit.derivative),
        "residual_eV_per_atom": .number(fit.deviation),
      ])
  }
}

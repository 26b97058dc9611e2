import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// All elastic constants of the crystal at 0 K, clamped and relaxed, whether it is stable, and what a polycrystal has.
enum Elastic {
  /// eV/Å³ to GPa.
  static let gigapascal = Units.energyPerVolumeToBar * 1e-4

  static func run(_ crystal: Crystal) throws -> TaskResult {
    let (primitive, _) = try crystal.unitCell.primitive()
    let group = try primitive.pointGroup()
    let cell = try crystal.one(primitive)
    func constants(relaxed: Bool) throws -> (ElasticConstants, deviation: Double) {
      let raw = try ElasticConstants.measure(cell, relaxed: relaxed)
      let mean = raw.symmetrised(by: group)
      let off = zip(raw.kelvin.joined(), mean.kelvin.joined()).map { abs($0 - $1) }.max() ?? 0
      return (mean, off)
    }
    let (relaxed, off) = try constants(relaxed: true)
    let (clamped, _) = try constants(relaxed: false)
    let count = ElasticConstants.independent(group)
    let names = ElasticConstants.names(count, hasFourfold: group.contains { isFourfold($0.rotation) })
    func gigapascal(_ c: ElasticConstants) -> [[Double]] { c.voigt.map { $0.map { $0 * self.gigapascal } } }
    let (c, fixed) = (gigapascal(relaxed), gigapascal(clamped))
    guard let eigen = SymmetricEigen(relaxed.kelvin) else {
      throw FaultlineError(.run, "the elastic constants are no numbers", isCollective: true)
    }
    let eigenvalues = eigen.values.map { $0 * self.gigapascal }
    let isStable = eigenvalues[0] > 0
    let largest = c.joined().map(abs).max() ?? 0
    let differs = zip(c.joined(), fixed.joined()).contains { abs($0 - $1) > 1e-4 * largest }

    let text = names.map { "C\($0.0)\($0.1) \(RunLog.fixed(c[$0.0 - 1][$0.1 - 1], 2))" }.joined(separator: ", ")
    var lines = [
      "elastic constants \(text) GPa (\(RunLog.counted(count, "independent constant")), \(group.count) operations of the "
        + "point group)"
    ]
    if differs {
      let other = names.filter { abs(c[$0.0 - 1][$0.1 - 1] - fixed[$0.0 - 1][$0.1 - 1]) > 1e-4 * largest }
      lines.append(
        "  with clamped atoms " + other.map { "C\($0.0)\($0.1) \(RunLog.fixed(fixed[$0.0 - 1][$0.1 - 1], 2))" }
          .joined(separator: ", ") + " GPa")
    }
    var numbers: [String: JSONNumber] = [
      "C_GPa": .list(c.map { JSONNumber.list($0) }), "clamped_C_GPa": .list(fixed.map { JSONNumber.list($0) }),
      "eigenvalues_GPa": .list(eigenvalues), "stable": .flag(isStable), "independent": .count(count),
      "point_group_operations": .count(group.count), "asymmetry_GPa": .number(off * self.gigapascal),
    ]
    for (i, j) in names {
      numbers["C\(i)\(j)_GPa"] = .number(c[i - 1][j - 1])
      numbers["clamped_C\(i)\(j)_GPa"] = .number(fixed[i - 1][j - 1])
    }
    var warnings: [String] = []
    if let p = relaxed.polycrystal {
      let (k, g, e) = (p.meanBulk * self.gigapascal, p.meanShear * self.gigapascal, p.young * self.gigapascal)
      let list = eigenvalues.map { RunLog.fixed($0, 1) }.joined(separator: ", ")
      let moduli = "K \(RunLog.fixed(k, 2)), G \(RunLog.fixed(g, 2)), E \(RunLog.fixed(e, 2)) GPa"
      lines.append(
        "  stable: eigenvalues \(list) GPa; polycrystal (Hill) \(moduli), ν \(RunLog.fixed(p.poisson, 4))")
      numbers["bulk_modulus_GPa"] = .number(k)
      numbers["shear_modulus_GPa"] = .number(g)
      numbers["young_modulus_GPa"] = .number(e)
      numbers["poisson"] = .number(p.poisson)
      numbers["bulk_modulus_voigt_GPa"] = .number(p.bulk.voigt * self.gigapascal)
      numbers["bulk_modulus_reuss_GPa"] = .number(p.bulk.reuss * self.gigapascal)
      numbers["shear_modulus_voigt_GPa"] = .number(p.shear.voigt * self.gigapascal)
      numbers["shear_modulus_reuss_GPa"] = .number(p.shear.reuss * self.gigapascal)
    } else {
      warnings.append(
        "the crystal is elastically unstable: the least eigenvalue of its constants is \(RunLog.fixed(eigenvalues[0], 2)) GPa")
    }
    var rows: [[Double]] = []
    for i in 0..<6 { for j in i..<6 { rows.append([Double(i + 1), Double(j + 1), c[i][j], fixed[i][j]]) } }
    return TaskResult(
      lines: lines, warnings: warnings,
      table: TaskTable([("i", ""), ("j", ""), ("C", "GPa"), ("clamped_C", "GPa")], rows), numbers: numbers)
  }

  /// A rotation (or rotation and inversion) by 90°: trace ±1, and not its own inverse.
  private static func isFourfold(_ r: Matrix3) -> Bool {
    let square = r * r
    return abs(abs(r.trace) - 1) < 1e-6 && (square - .identity).elements.contains { abs($0) > 1e-6 }
      && ((square * square) - .identity).elements.allSatisfy { abs($0) < 1e-6 }
  }
}

extension TaskEntry {
  static let elastic = TaskEntry(
    "elastic",
    "All elastic constants at 0 K by finite strains, with atoms relaxed and clamped: those that the lattice's symmetry leaves "
      + "independent, eigenvalues (all positive if the crystal is stable), and averages for a polycrystal.", [],
    example: ""
  ) { _, crystal in try Elastic.run(crystal) }
}

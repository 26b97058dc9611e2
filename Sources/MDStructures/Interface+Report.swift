import Foundation
import MDCore
import MDNumerics

extension Interface {
  /// What is known of the interface before it has atoms, a line each.
  package var lines: [String] {
    var lines: [String] = []
    let planes = "(\(pair.planes.lower.indices)) | (\(pair.planes.upper.indices))"
    let names = "\(Self.name(lower, species)) | \(Self.name(upper, species))"
    if let rotation = pair.rotation {
      let sigma = rotation.sigma.map { $0.lower == $0.upper ? "Σ\($0.lower) " : "Σ\($0.lower):\($0.upper) " } ?? ""
      lines.append(
        "\(sigma)\(planes) \(rotation.kind.rawValue) boundary of \(names), \(decimal(rotation.angle, 4))° about "
          + "[\(rotation.axis.indices)]")
    } else {
      lines.append(
        "interface \(planes) of \(names), \(abs(pair.match.lower.determinant)) on \(abs(pair.match.upper.determinant)) cells of "
          + "the planes, turned by \(decimal(pair.match.rotation * 180 / .pi, 4))°")
    }
    let (a, b) = (length(cell.a), length(cell.b))
    let angle = acos((cell.a * cell.b).sum() / (a * b)) * 180 / .pi
    let (p, q) = displacements.vectors
    lines.append(
      "cell \(decimal(a, 4)) × \(decimal(b, 4)) Å at \(decimal(angle, 3))°, \(decimal(abs(cell.determinant), 4)) Å²; "
        + "\(boundaryCount == 1 ? "one interface" : "two interfaces") of \(decimal(area, 3)) Å²; cell of displacements "
        + "\(decimal(length(p), 4)) × \(decimal(length(q), 4)) Å, \(decimal(displacements.area, 4)) Å²")
    let (l, u) = strains
    if max(abs(l.0), abs(l.1), abs(u.0), abs(u.1)) > 1e-9 {
      func text(_ s: (Double, Double)) -> String { "\(decimal(100 * s.0, 4)) and \(decimal(100 * s.1, 4)) %" }
      lines.append("strained in the plane: lower crystal by \(text(l)), upper by \(text(u))")
    }
    lines.append(
      "crystals \(decimal(lower.thickness, 3)) and \(decimal(upper.thickness, 3)) Å thick; \(terminations.count) "
        + "termination\(terminations.count == 1 ? "" : "s")")
    return lines
  }

  /// A table of the terminations.
  package var terminationLines: [String] {
    terminations.enumerated().map { number, t in
      "\(padded("\(number)", 4))  \(t.planes.lower) | \(t.planes.upper), gaps \(decimal(t.lower.width, 3)) and "
        + "\(decimal(t.upper.width, 3)) Å" + (t.dipoles.map { Self.polarity($0) } ?? "")
    }
  }

  private static func polarity(_ d: (lower: Double, upper: Double)) -> String {
    let polar = [(d.lower, "lower"), (d.upper, "upper")].filter { abs($0.0) > 1e-6 }
    guard !polar.isEmpty else { return ", not polar" }
    return ", polar: " + polar.map { "\(decimal($0.0, 4)) e/Å a period in the \($0.1) crystal" }.joined(separator: ", ")
  }

  /// What is to be said of the atoms as they were put together.
  package func lines(of result: Bicrystal, termination number: Int) -> [String] {
    var lines: [String] = []
    if let t = try? termination(number), terminations.count > 1 || t.dipoles != nil {
      lines.append("termination \(number): \(t.planes.lower) | \(t.planes.upper)" + (t.dipoles.map { Self.polarity($0) } ?? ""))
    }
    if result.removedCount > 0 {
      let parts = zip(["lower", "upper"], result.removed).compactMap { name, counts -> String? in
        let list = zip(species, counts).filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
        return list.isEmpty ? nil : "\(list) of the \(name) crystal"
      }
      lines.append(
        "\(result.removedCount) atoms removed as closer than \(decimal(overlap, 3)) Å"
          + (options.removal == .formulaUnits ? ", in whole formula units" : "") + ": " + parts.joined(separator: "; "))
      let places = result.removedAt.prefix(6).map { atom in
        "\(species[Int(atom.type)]) (\(decimal(atom.position.x, 2)), \(decimal(atom.position.y, 2)), \(decimal(atom.position.z, 2)))"
      }
      lines.append("  they were at " + places.joined(separator: ", ") + (result.removedAt.count > 6 ? ", …" : ""))
    }
    if let charge = charge(of: result.structure) { lines.append("charge \(decimal(charge, 6)) e") }
    if !isStoichiometric(result) {
      lines.append(
        "warning: the atoms removed as too close are not in the crystal's proportions: an ionic model of the interface is not "
          + "neutral (`remove: formula_units` keeps it)")
    }
    if boundaryCount == 2, !interfacesAreAlike(result) { lines.append("the two interfaces of the cell are not alike") }
    return lines
  }

  /// e; nil where not all charges are known.
  package func charge(of structure: Structure) -> Double? {
    let charges = structure.species.map { options.charges[$0] }
    guard !charges.contains(nil) else { return nil }
    return structure.types.reduce(0) { $0 + charges[Int($1)]! }
  }

  /// Whether what was removed is whole formula units of each crystal.
  package func isStoichiometric(_ result: Bicrystal) -> Bool {
    zip([lower, upper], result.removed).allSatisfy { side, counts in
      let formula = formula(side)
      guard let k = formula.indices.first(where: { formula[$0] > 0 }) else { return true }
      return counts.indices.allSatisfy { counts[$0] * formula[k] == counts[k] * formula[$0] }
    }
  }

  package func isNeutral(_ result: Bicrystal) -> Bool {
    charge(of: result.structure).map { abs($0) < 1e-6 } ?? isStoichiometric(result)
  }

  /// Refuses a cell that is not neutral, and tells which terminations and rules would be.
  package func requireNeutral(_ result: Bicrystal, shift: (Double, Double), termination number: Int) throws {
    guard !isNeutral(result) else { return }
    var hints: [String] = []
    for k in 0..<min(terminations.count, 8) {
      for rule in Removal.allCases {
        var other = self
        other.changeRemoval(to: rule)
        guard let trial = try? other.bicrystal(shift: shift, termination: k), other.isNeutral(trial) else { continue }
        hints.append("termination \(k) with `remove: \(rule.rawValue)` (\(trial.removedCount) atoms removed)")
      }
    }
    let what = charge(of: result.structure).map { "has a charge of \(decimal($0, 4)) e" }
      ?? "has lost atoms out of the crystal's proportions"
    throw FaultlineError(
      .input, "the interface with termination \(number) and `remove: \(options.removal.rawValue)` \(what)",
      hint: hints.isEmpty ? "no termination is neutral; `overlap: 0` keeps all atoms" : "neutral are: " + hints.joined(separator: "; "))
  }

  /// Whether atoms of both crystals see each other at the same distances at both interfaces.
  package func interfacesAreAlike(_ result: Bicrystal) -> Bool {
    let structure = result.structure
    let reach = 1.5 * nearestNeighborDistance
    let near = structure.positions.indices.filter { i in
      result.heights.contains { height in
        let d = abs(structure.positions[i].z - height)
        return min(d, abs(structure.box.cell.z.z - d)) < reach
      }
    }
    var distances: [[[Int]]] = [[], []]
    for pair in closePairs(in: structure.box, structure.positions, among: near, closerThan: reach)
    where structure.grains![pair.first] != structure.grains![pair.second] {
      let z = structure.positions[pair.first].z
      let toFirst = abs(z - result.heights[0])
      let types = [structure.types[pair.first], structure.types[pair.second]].map(Int.init).sorted()
      distances[min(toFirst, abs(structure.box.cell.z.z - toFirst)) < reach ? 0 : 1].append(
        types + [Int((pair.separation.length * 1e3).rounded())])
    }
    let sorted = distances.map { $0.sorted { $0.lexicographicallyPrecedes($1) } }
    return sorted[0].count == sorted[1].count
      && zip(sorted[0], sorted[1]).allSatisfy { $0.0.prefix(2) == $0.1.prefix(2) && abs($0.0[2] - $0.1[2]) <= 1 }
  }

  private static func name(_ side: Side, _ species: [String]) -> String {
    zip(side.types, side.formula).map { species[Int($0)] + ($1 == 1 ? "" : "\($1)") }.joined()
  }

  private func length(_ v: SIMD2<Double>) -> Double { (v * v).sum().squareRoot() }
}

import MDCore
import MDNumerics

/// Conditions that charges must meet besides the equation that they solve.
///
/// Charges flow within pools: all atoms of `electrodes` are one pool, as the battery joins them; the atoms of each of
/// `fragments` are one; all others, unless their charges are given, are the rest. Without electrodes the rest gets what
/// given charges and fragments leave of the total; with electrodes the rest has no charge (an electrolyte does not
/// exchange electrons with them) and the electrodes together get what is left.
///
/// Electrodes at potentials Ψ_g and a field F turn the energy E into
///
///     Ω = E − Σ_g Ψ_g Q_g − Σᵢ qᵢ F·(rᵢ − o)
///
/// with the origin o of the box, which adds −Ψ_g − F·(rᵢ − o) to an atom's electronegativity.
package struct ChargeConstraints: Sendable {
  /// Atoms with one of these bits in `AtomView.groups`.
  package struct Group: Sendable, Equatable {
    package var name: String
    package var mask: UInt32

    package init(name: String, mask: UInt32) {
      self.name = name
      self.mask = mask
    }
  }

  package enum Rule: Sendable, Equatable {
    /// Every atom has this charge, e; nil: the one that the structure gives it.
    case given(Double?)
    /// The atoms together have this charge, e.
    case fragment(Double)
    /// Ψ, V.
    case electrode(Double)
  }

  /// Σ q over all atoms, e.
  package var total: Double
  package var rules: [(group: Group, rule: Rule)]
  /// F, V/Å.
  package var field: Vector3

  package init(total: Double = 0, rules: [(group: Group, rule: Rule)] = [], field: Vector3 = .zero) {
    self.total = total
    self.rules = rules
    self.field = field
  }

  package var hasElectrodes: Bool { rules.contains { if case .electrode = $0.rule { true } else { false } } }
  /// Names that a group must not have: thermo.csv has other columns `charge_NAME` of these names.
  package static let reservedNames = ["iterations", "residual"]

  var hasGiven: Bool { rules.contains { if case .given = $0.rule { true } else { false } } }
  var needsStructure: Bool { rules.contains { $0.rule == .given(nil) } }

  /// The rest is pool 0, the electrodes are pool 1 if there are any, fragments follow.
  var pools: [Int32] {
    var next: Int32 = hasElectrodes ? 2 : 1
    return rules.map { _, rule in
      switch rule {
      case .given: return ChargePools.given
      case .electrode: return 1
      case .fragment:
        defer { next += 1 }
        return next
      }
    }
  }

  /// The totals of the pools.
  /// - Parameter given: the sum of all given charges, e.
  func totals(given: Double) -> [Double] {
    let fragments = rules.compactMap { if case .fragment(let total) = $0.rule { total } else { nil } }
    let left = total - given - fragments.reduce(0, +)
    return (hasElectrodes ? [0, left] : [left]) + fragments
  }

  /// - Throws: a collective input error for groups without atoms, atoms in two groups, totals that contradict each
  ///   other, a field along a periodic direction.
  func check(_ atoms: AtomView, box: Box, charges: UnsafePointer<Double>, communicator: any Communicator) throws {
    try UniformField(field: field).check(box)
    var counts = [Double](repeating: 0, count: rules.count + 1)
    var given = 0.0
    // The first atom in two groups, and which groups.
    var clash: (atom: Int, groups: Int)?
    for i in 0..<atoms.localCount {
      var first: Int?
      for (k, entry) in rules.enumerated() where atoms.groups[i] & entry.group.mask != 0 {
        counts[k] += 1
        if let first, Int(atoms.ids[i]) < clash?.atom ?? .max { clash = (Int(atoms.ids[i]), first * rules.count + k) }
        first = first ?? k
        if case .given(let charge) = entry.rule { given += charge ?? charges[i] }
      }
      if first == nil { counts[rules.count] += 1 }
    }
    let atom = communicator.minimum(clash?.atom ?? .max)
    if atom < .max {
      let pair = communicator.minimum(clash?.atom == atom ? clash!.groups : .max)
      throw refuse(
        "atom \(atom) is in the groups '\(rules[pair / rules.count].group.name)' and "
          + "'\(rules[pair % rules.count].group.name)', which both say what its charge does",
        "groups of `fixed`, `fragments` and `constant_potential` must have no atom in common")
    }
    counts.append(given)
    communicator.sum(&counts)
    if let empty = rules.indices.first(where: { counts[$0] == 0 }) {
      throw refuse("no atom belongs to the group '\(rules[empty].group.name)' of `charges`", nil)
    }
    let left = totals(given: counts[rules.count + 1])[0]
    if counts[rules.count] == 0, !hasElectrodes, abs(left) > 1e-9 * max(1, counts.reduce(0, +)) {
      throw refuse(
        "every charge is given or in a fragment; together they are \(total - left) e, but the total is \(total) e",
        "say `total: \(total - left)`, or leave some atoms out of the groups")
    }
  }

  private func refuse(_ message: String, _ hint: String?) -> FaultlineError {
    FaultlineError(.input, message, hint: hint, isCollective: true)
  }
}

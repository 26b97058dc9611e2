import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport
import Testing

/// Potentials that find charges, their constraints, and structures with groups: cases for tests.
struct ConstrainedCharges: Sendable, CustomTestStringConvertible {
  enum Model: String, Sendable, CaseIterable { case qeq, hdnnp }

  var testDescription: String
  var constraints: ChargeConstraints
  /// A field is along the normal of a slab, or this in a cluster; elsewhere there is none.
  var hasField = false

  /// Atom i is in the group of bit i mod 6; bit 5 has no rule.
  static let groups = ["one", "two", "three", "four", "five"].enumerated().map {
    ChargeConstraints.Group(name: $1, mask: 1 << UInt32($0))
  }

  static func mask(_ atom: Int) -> UInt32 { 1 << UInt32(atom % 6) }

  static let all = [
    ConstrainedCharges(testDescription: "none", constraints: .init()),
    ConstrainedCharges(testDescription: "a total", constraints: .init(total: 1.5)),
    ConstrainedCharges(
      testDescription: "given charges",
      constraints: .init(total: 0.5, rules: [(groups[0], .given(0.3)), (groups[3], .given(nil))])),
    ConstrainedCharges(
      testDescription: "fragments",
      constraints: .init(rules: [(groups[1], .fragment(0.7)), (groups[2], .fragment(-1))])),
    ConstrainedCharges(
      testDescription: "electrodes",
      constraints: .init(total: 0.4, rules: [(groups[0], .electrode(0.8)), (groups[1], .electrode(-0.5))])),
    ConstrainedCharges(testDescription: "a field", constraints: .init(), hasField: true),
    ConstrainedCharges(
      testDescription: "everything",
      constraints: .init(
        total: -1,
        rules: [
          (groups[0], .electrode(0.8)), (groups[1], .given(-0.4)), (groups[2], .electrode(-0.5)),
          (groups[3], .fragment(0.6)), (groups[4], .given(nil)),
        ]), hasField: true),
  ]

  /// A crystal, a small cell, a slab, a cluster, with charges that the structure gives.
  static let structures = TestStructures.all(["H", "O"], spacing: 2.6).enumerated().map { k, structure in
    // Every group has atoms: two small cells in place of one.
    var s = k == 1 ? TestStructures.crystal(["H", "O"], spacing: 2.6, cells: [1, 2, 1], seed: 2) : structure
    s.charges = s.types.map { $0 == 0 ? 0.21 : -0.13 }
    return s
  }

  static let elements = [
    QEqPotential.Element(electronegativity: 3.2, hardness: 9, width: 0.35),
    QEqPotential.Element(electronegativity: 6.1, hardness: 4, width: 0.55),
  ]

  func constraints(in box: Box) -> ChargeConstraints {
    var own = constraints
    guard hasField, !box.periodic.isFull else { return own }
    let normal = cross(box.cell.x, box.cell.y)
    own.field = box.periodic == .none ? Vector3(0.1, -0.2, 0.05) : 0.13 * normal / normal.length
    return own
  }

  func potential(
    _ model: Model, in box: Box, _ method: ChargedHDNNPTests.Method = .direct, mesh: Bool = false,
    accuracy: Double = 1e-12, tolerance: Double = 1e-11, communicator: any Communicator = LoopbackCommunicator()
  ) throws -> any ChargeEquilibrating & Reporting {
    let constraints = constraints(in: box)
    if model == .hdnnp {
      return try ChargedHDNNPTests.potential(
        ChargedHDNNPTests.model(seed: 4), ["H", "O"], method, mesh: mesh, accuracy: accuracy, tolerance: tolerance,
        constraints: constraints, communicator: communicator)
    }
    let cutoff = max(6, QEqPotential.cutoff(widths: Self.elements.map(\.width), accuracy: accuracy))
    let options = LongRangeOptions(accuracy: accuracy, cutoff: cutoff)
    let periodic: any LongRangeSolver =
      mesh ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator)
    return try QEqPotential(
      elements: Self.elements, species: ["H", "O"],
      solver: method == .direct
        ? DenseCharges(communicator: communicator)
        : ConjugateGradientCharges(
          tolerance: tolerance, mesh: mesh ? options : nil, communicator: communicator),
      longRange: BoundarySolver(periodic, open: DirectSolver(cutoff: cutoff, communicator: communicator)),
      cutoff: cutoff, constraints: constraints, communicator: communicator)
  }

  /// A structure with its groups, ready for forces.
  static func system(_ structure: Structure, _ potential: any Potential) -> BruteForceSystem {
    let system = BruteForceSystem(structure, reach: potential.requirements.cutoff + 0.1)
    for i in 0..<structure.count { system.atoms.groups[i] = mask(i) }
    return system
  }
}

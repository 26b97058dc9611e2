import MDCore
import MDNumerics

/// What a system answers a small strain or displacement with; afterwards everything is as it was. Collective.
package struct StrainProbe {
  /// W (eV, of all ranks) and this rank's forces (eV/Å) in a cell strained by the logarithmic strain given, atoms carried
  /// along.
  package var strained: (Matrix3) throws -> (virial: Matrix3, forces: [Vector3])
  /// This rank's forces with its atoms displaced by these vectors, Å.
  package var displaced: ([Vector3]) throws -> [Vector3]

  package init(
    strained: @escaping (Matrix3) throws -> (virial: Matrix3, forces: [Vector3]),
    displaced: @escaping ([Vector3]) throws -> [Vector3]
  ) {
    self.strained = strained
    self.displaced = displaced
  }
}

/// The stiffness that strains B_k of a cell feel from its atoms, eV/Å³:
///
///     M_kl = −∂(W : B_l)/∂e_k / V − g_k · H⁻¹ g_l / V,    g_k = ∂f/∂e_k,    H = −∂f/∂r.
///
/// The first part carries all atoms along, which strains the stiff bonds of a molecule as much as its soft surroundings;
/// the second is what atoms take back by moving (Born and Huang 1954; Lutsko, J. Appl. Phys. 65, 2991 (1989)). Atoms of
/// a warm system are at no minimum, so H may have negative eigenvalues; H u = g is solved by conjugate gradients, which
/// find the stiff directions first, and is left where the curvature is negative or little more is gained. What is soft has
/// then given way in part, and M is an estimate, as good as a time constant needs. A product H p costs one computation of forces.
struct CellStiffness {
  /// Half of the strain between two virials.
  static let probe = 5e-4
  /// The largest displacement in a product with H, Å.
  static let displacement = 1e-3
  /// Products with H for a component.
  static let products = 30
  /// Share of what was gained so far below which a further product is not worth its forces.
  static let worthwhile = 0.01
  /// What bonds are at least taken to be stiff, eV/Å²: less than 10⁻⁴ of M gained by it is not looked for.
  static let softBond = 0.2

  let context: DynamicsContext
  let box: Box
  let probe: StrainProbe

  /// M of these strains. Collective.
  func measure(_ basis: [Matrix3]) throws -> [[Double]] {
    var stiffness = basis.map { _ in [Double](repeating: 0, count: basis.count) }
    func add(_ value: Double, _ k: Int, _ l: Int) {
      stiffness[k][l] += 0.5 * value / box.volume
      stiffness[l][k] += 0.5 * value / box.volume
    }
    var answers: [[Vector3]] = []
    for (k, b) in basis.enumerated() {
      let (up, down) = (try probe.strained(Self.probe * b), try probe.strained(-Self.probe * b))
      let span = 2 * Self.probe
      let change = (1 / span) * (down.virial - up.virial)
      for (l, other) in basis.enumerated() { add(change.contracted(with: other), k, l) }
      answers.append(mobile(zip(up.forces, down.forces).map { (1 / span) * ($0 - $1) }))
    }
    var forces: [Vector3]?
    let moves = try zip(answers, stiffness.indices).map { g, k -> [Vector3]? in
      guard sum(g, g) / Self.softBond > 1e-4 * abs(stiffness[k][k]) * box.volume else { return nil }
      if forces == nil { forces = try probe.displaced(g.map { _ in .zero }) }
      return try giveWay(to: g, from: forces!)
    }
    for (k, g) in answers.enumerated() {
      for (l, u) in moves.enumerated() where u != nil { add(-sum(g, u!), k, l) }
    }
    return stiffness
  }

  /// u of H u = g as far as it is worth it, Å, with the forces where nothing is displaced. Collective.
  private func giveWay(to g: [Vector3], from forces: [Vector3]) throws -> [Vector3] {
    var rest = g
    var square = sum(rest, rest)
    var u = g.map { _ in Vector3.zero }
    var direction = rest
    var gained = 0.0
    for _ in 0..<Self.products {
      let length = context.communicator.maximum(direction.reduce(0) { max($0, $1.length) })
      let step = Self.displacement / length
      let pushed = try probe.displaced(direction.map { step * $0 })
      let product = mobile(zip(forces, pushed).map { (1 / step) * ($0 - $1) })
      let curvature = sum(direction, product)
      guard curvature > 0, (square / curvature).isFinite else { break }
      let t = square / curvature
      for i in u.indices {
        u[i] = u[i] + t * direction[i]
        rest[i] = rest[i] - t * product[i]
      }
      let gain = t * square
      gained += gain
      if gain < Self.worthwhile * gained { break }
      let next = sum(rest, rest)
      for i in u.indices { direction[i] = rest[i] + (next / square) * direction[i] }
      square = next
    }
    return u
  }

  /// Atoms that do not follow forces give no way.
  private func mobile(_ vectors: [Vector3]) -> [Vector3] {
    let immobile = context.motion.immobile
    guard immobile != 0 else { return vectors }
    return vectors.enumerated().map { context.atoms.groups[$0] & immobile == 0 ? $1 : .zero }
  }

  private func sum(_ a: [Vector3], _ b: [Vector3]) -> Double {
    var value = [zip(a, b).reduce(0) { $0 + dot($1.0, $1.1) }]
    context.communicator.sum(&value)
    return value[0]
  }
}

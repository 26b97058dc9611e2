import MDCore
import MDDeck
import MDNumerics

/// What carries charge: fixed charges of species, or charges that change.
///
/// With fixed charges J = Σ q v is the time derivative of Σ q r. Where charges change it is not: what goes from an atom to its
/// neighbour would be counted over all the cells that the two have gone apart since the start. There the current is
/// Σ q v of the present charges (what flows from atom to atom is left out), or, with Born charges Z* = ∂P/∂r, J_α = Σ Z*_αβ v_β,
/// which is all of it (G. Grasselli, S. Baroni, Nature Physics 15, 967 (2019)); and the moment is ∫ J dt, from look to look by
/// the trapezoid rule.
final class Carriers {
  enum Changing: String, CaseIterable { case charges, born }

  /// e, by species; nil where they change.
  let charges: [Double]?
  private let changing: Changing?
  private let born: ColumnStorage?
  /// ∫ J dt, e·Å, and J at the last look.
  private var moved = Vector3.zero
  private var last = Vector3.zero

  /// Nil if the deck asks for no conductivity.
  init?(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    changing = section["current"].map { Changing(rawValue: $0.string)! }
    born = setting.bornCharges
    func refuse(_ key: String, _ what: String, _ hint: String) -> FaultlineError {
      var error = section.error(key, what, hint: hint)
      error.isCollective = true
      return error
    }
    charges = try (section["charges"]?.section).map { given in
      try setting.species.map { name in
        guard let charge = given[name]?.double else {
          throw refuse("charges", "lacks \(name)", "a charge for each species; 0 for those that carry none")
        }
        return charge
      }
    }
    if changing == .born, born == nil {
      throw refuse("current", "needs Born charges, which no potential has", "charged NEP models have them; `charges` takes present charges")
    }
    guard charges != nil || changing != nil else { return nil }
  }

  var areIntegrated: Bool { changing != nil }
  var needsCharges: Bool { changing == .charges }

  /// Of what the square grows.
  var moment: String {
    switch changing {
    case nil: "Δ Σ q r"
    case .charges: "∫ Σ q v dt"
    case .born: "∫ Σ Z* v dt"
    }
  }

  /// The moment, e·Å; the current, e·Å/ps; and the mean charges of species, e, of Born charges a third of the trace.
  /// Collective.
  func look(_ scene: Scene, _ center: Vector3, passed: Double, _ counts: [Int]) -> (
    dipole: Vector3, current: Vector3, charges: [Double]
  ) {
    let kinds = counts.count
    var sums = [Double](repeating: 0, count: 6 + kinds)
    let view = scene.view
    let tensors = born?.base.assumingMemoryBound(to: Double.self)
    for i in 0..<view.localCount {
      let kind = Int(view.species[i])
      let v = view.velocities[i]
      var current: Vector3
      var q: Double
      if changing == .born, let z = tensors.map({ $0 + 9 * i }) {
        current = Vector3(dot(Vector3(z[0], z[1], z[2]), v), dot(Vector3(z[3], z[4], z[5]), v), dot(Vector3(z[6], z[7], z[8]), v))
        q = (z[0] + z[4] + z[8]) / 3
      } else {
        q = charges?[kind] ?? view.charges?[i] ?? 0
        current = q * v
      }
      sums[6 + kind] += q
      let r = scene.unwrapped(i) - center
      for k in 0..<3 {
        sums[k] += q * r[k]
        sums[3 + k] += current[k]
      }
    }
    scene.communicator.sum(&sums)
    let current = Vector3(sums[3], sums[4], sums[5])
    defer { last = current }
    moved += 0.5 * passed * (last + current)
    return (
      areIntegrated ? moved : Vector3(sums[0], sums[1], sums[2]), current,
      (0..<kinds).map { sums[6 + $0] / Double(max(counts[$0], 1)) }
    )
  }

  // MARK: Checkpoints

  /// Nothing where charges are fixed.
  var state: [Double]? { areIntegrated ? [moved.x, moved.y, moved.z, last.x, last.y, last.z] : nil }

  func restore(_ state: [Double]?) -> Bool {
    guard let state, areIntegrated else { return state == nil && !areIntegrated }
    guard state.count == 6, state.allSatisfy(\.isFinite) else { return false }
    moved = Vector3(state[0], state[1], state[2])
    last = Vector3(state[3], state[4], state[5])
    return true
  }
}

import MDCore
import MDDeck
import MDNumerics

/// The atoms around a crack that are held in its elastic field: each of them is at X + u(X − tip; K), X its site in the crystal.
///
/// It outlives stages: what K and the tip are now is part of checkpoints.
package final class CrackRing {
  package struct State: Codable, Equatable, Sendable {
    /// MPa√m.
    package var intensity: Double
    /// Of the field's centre along x, Å.
    package var tip: Double
    /// The tip as it was seen last, Å; nil before.
    package var seen: Double?
  }

  package let frame: CrackFrame
  package private(set) var state: State

  package init(_ frame: CrackFrame) {
    self.frame = frame
    state = State(intensity: frame.intensity, tip: frame.tip.x)
  }

  /// Takes note of where an observer sees the tip, Å along x.
  package func see(tip: Double) { state.seen = tip }

  /// MPa√m.
  package func intensity(_ value: Double, isOfGriffith: Bool) -> Double {
    guard isOfGriffith else { return value }
    guard let unit = frame.griffith else { preconditionFailure("the deck's check asks for the surface energy") }
    return value * unit
  }

  /// Brings the ring to K (MPa√m), and moves the free atoms along by the field of the change if they are `carried`. Ghosts are
  /// left to the caller.
  package func set(_ intensity: Double, follows: Bool, carries: Bool, _ context: DynamicsContext, box: Box) {
    let centre = follows ? state.seen ?? state.tip : state.tip
    if carries {
      let (atoms, change) = (context.atoms, frame.field(intensity - state.intensity))
      let sites = Self.sites(atoms)
      for i in 0..<atoms.localCount where atoms.groups[i] & context.motion.immobile == 0 {
        atoms.position[i] += change.displacement(sites[3 * i] - centre, sites[3 * i + 1] - frame.tip.y)
      }
    }
    hold(intensity, tip: centre, context, box: box)
  }

  /// Brings the ring to K (MPa√m) with its field's centre at `tip` (Å along x), and no other atom. Ghosts are left to the caller.
  func hold(_ intensity: Double, tip: Double, _ context: DynamicsContext, box: Box) {
    let (atoms, field) = (context.atoms, frame.field(intensity))
    let sites = Self.sites(atoms)
    for i in 0..<atoms.localCount where atoms.groups[i] & frame.ring != 0 {
      let n = atoms.image[i]
      let image = Vector3(Double(n.x), Double(n.y), Double(n.z)) * box.cell
      let site = Vector3(sites[3 * i], sites[3 * i + 1], sites[3 * i + 2])
      atoms.position[i] = site + field.displacement(site.x - tip, site.y - frame.tip.y) - image
    }
    (state.intensity, state.tip) = (intensity, tip)
  }

  /// Three numbers for each atom, Å.
  static func sites(_ atoms: AtomStore) -> UnsafeMutablePointer<Double> {
    guard let column = atoms.column(named: CrackFrame.column) else { preconditionFailure("cracks have sites") }
    return column.base.assumingMemoryBound(to: Double.self)
  }

  /// Goes on from a checkpoint.
  /// - Throws: a collective input error if no run writes that.
  package func restore(_ kept: State) throws {
    let numbers = [kept.intensity, kept.tip, kept.seen ?? 0]
    try StateCoding.require(numbers.allSatisfy { $0.isFinite && abs($0) < 1e9 }, kind: "the crack", "\(kept)")
    state = kept
  }
}

/// K of a crack's ring over a stage of dynamics: held, or a linear ramp. Free atoms follow by themselves.
package struct CrackRamp {
  private let ring: CrackRing
  private let load: CrackLoad
  /// The step before the stage's first, and how many there are.
  private let first: Int
  private let steps: Int

  /// The deck's check has seen to it that there is a crack.
  package init(_ load: CrackLoad, of ring: CrackRing?, first: Int, steps: Int) {
    guard let ring else { preconditionFailure("the deck's check asks for a crack") }
    (self.ring, self.load, self.first, self.steps) = (ring, load, first, steps)
  }

  /// Brings the ring to where it is at `context.step`.
  package func apply(_ context: DynamicsContext, box: Box) {
    let part = Double(context.step - first) / Double(steps)
    let k = load.start + part * (load.end - load.start)
    ring.set(ring.intensity(k, isOfGriffith: load.isOfGriffith), follows: load.follows, carries: false, context, box: box)
  }

  package var summary: String { "crack at K " + load.phrase }
}

extension CrackLoad {
  /// "0.2 → 0.6 MPa√m".
  var phrase: String {
    let unit = isOfGriffith ? "K_G" : "MPa√m"
    return (start == end ? plain(start) : "\(plain(start)) → \(plain(end))") + " \(unit)" + (follows ? ", following the tip" : "")
  }
}

extension LoadEntry {
  /// `k_field`: the ring of a crack held in its elastic field.
  package static let kField = LoadEntry("k_field", DeckSchema.kField) { section, context in
    if let error = context.plan.mistake(of: CrackLoad(section), "k_field") { context.refuse(error) }
  } make: { section, _ in
    var load = Load()
    load.crack = CrackLoad(section)
    return load
  }
}

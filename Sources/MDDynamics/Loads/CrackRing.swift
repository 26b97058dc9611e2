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
    let (ring, change) = (frame.field(intensity), frame.field(intensity - state.intensity))
    let atoms = context.atoms
    guard let column = atoms.column(named: CrackFrame.column) else { preconditionFailure("cracks have sites") }
    let sites = column.base.assumingMemoryBound(to: Double.self)
    let tip = SIMD2(centre, frame.tip.y)
    for i in 0..<atoms.localCount {
      let isRing = atoms.groups[i] & frame.ring != 0
      guard isRing || (carries && atoms.groups[i] & context.motion.immobile == 0) else { continue }
      let site = Vector3(sites[3 * i], sites[3 * i + 1], sites[3 * i + 2])
      if isRing {
        let n = atoms.image[i]
        let image = Vector3(Double(n.x), Double(n.y), Double(n.z)) * box.cell
        atoms.position[i] = site + ring.displacement(site.x - tip.x, site.y - tip.y) - image
      } else {
        atoms.position[i] += change.displacement(site.x - tip.x, site.y - tip.y)
      }
    }
    (state.intensity, state.tip) = (intensity, centre)
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

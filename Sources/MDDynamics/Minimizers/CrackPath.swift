import Foundation
import MDCore
import MDDeck
import MDNumerics

/// The equilibria of a crack, stable or not, one after the other: K of the ring against the place of its field's centre, by numerical
/// continuation.
///
/// Unknown are the free atoms, the centre α of the ring's field along x, and K. In equilibrium no free atom feels a force, and none
/// drives the centre:
///
///     f_i = 0,    f_α = Σ_j f_j · v_j = 0,    v = ∂u/∂α = −∂u/∂x of the ring's field,
///
/// summed over the ring's inner half, whose atoms have all their neighbours. These are one fewer than the unknowns: a curve. From a point of
/// it the next one is sought along the tangent; Newton's corrections dx = a + dK z with H a = f, H z = ∂f/∂K and the
/// symmetric H = −∂f/∂(r, α) are taken at right angles to the tangent. Lengths along the curve, and angles, are those of the plane (α, L ln K),
/// L = 100 Å. Where K has a maximum it is the load K₊ at which the crack advances by itself; a minimum is K₋.
///
/// J. E. Sinclair, Philos. Mag. **31**, 647 (1975); M. Buze, J. R. Kermode, Phys. Rev. E **103**, 033002 (2021); corrections:
/// E. L. Allgower, K. Georg, Numerical Continuation Methods (1990), chapter 3. H is never made: a product with it is a computation of
/// forces, and a step of the stage is one correction.
package final class CrackPath: Incremental, Probing {
  /// L, Å: one per cent of K is as far as 1 Å of the tip.
  package static let scale = 100.0
  /// Å: of an atom and of the centre in one correction.
  private static let (longestMove, longestAdvance) = (0.2, 0.5)
  /// Corrections to a point from the one before, and to the first.
  private static let (patience, firstPatience) = (8, 60)
  /// Of the two systems of equations, |b − H x|/|b|, and products with H.
  private static let (precision, products) = (1e-3, 2000)
  /// Displacement by which H is probed, Å.
  private static let probe = 1e-4

  package let name: String
  package var recompute: (() throws -> Void)?
  private let plan: CrackPathPlan
  private let ring: CrackRing
  private let tolerance: Double
  private let make: (Box) throws -> any Minimizer
  private var inner: any Minimizer
  package private(set) var isAtIncrement = false
  package private(set) var largestForce = Double.infinity
  package private(set) var status = MinimizerStatus.running
  package var residual: Double? { nil }

  private enum Phase: String, Codable { case loading, relaxing, following }
  private struct State: Codable {
    var phase = Phase.loading
    /// On the curve.
    var points = 0
    /// Since the last of them.
    var corrections = 0
    /// Whether the atoms have been brought back to the last point, which counts already.
    var isBack = false
    /// Of the next step along the curve, Å.
    var step: Double
    /// The tangent in the plane (α, L ln K).
    var tangent = [0.0, 0.0]
    /// K and α of the last point, whose atoms `last` has.
    var lastIntensity = 0.0
    var lastTip = 0.0
    var largestForce = Double.infinity
    var inner = Data()
  }
  private var state: State
  /// Displacements at the last point, Å; nil where a checkpoint has made it forgotten.
  private var last: Column<Double>?
  private var remembers = false
  private static let column = "crack path point"

  init(_ plan: CrackPathPlan, of ring: CrackRing, tolerance: Double, box: Box, make: @escaping (Box) throws -> any Minimizer) throws {
    (self.plan, self.ring, self.tolerance, self.make) = (plan, ring, tolerance, make)
    inner = try make(box)
    state = State(step: plan.step)
    name = "a crack's path of equilibria from K " + plan.load.phrase
  }

  package var wants: Want { inner.wants.union([.energy, .virial]) }
  package func conservesMomentum(_ context: DynamicsContext) -> Bool { true }
  package func bathEnergy(_ context: DynamicsContext) -> Double { 0 }
  package var isOver: Bool { status != .running }
  package var outcome: String {
    let points = "\(state.points) of \(plan.points) points"
    return status == .stalled ? "\(points): the path was lost" : points
  }

  package func begin(_ context: DynamicsContext, box: Box, from data: Data?) throws {
    last = context.atoms.addColumn(Self.column, width: 3, roles: .migrates)
    remembers = false
    guard let data else { return }
    let kept = try StateCoding.decode(State.self, kind: "crack's path", from: data)
    try StateCoding.require(
      (0...plan.points).contains(kept.points) && kept.corrections >= 0 && kept.step > 0 && kept.tangent.count == 2
        && (kept.tangent + [kept.lastIntensity, kept.lastTip, kept.step]).allSatisfy(\.isFinite), kind: "crack's path", "\(kept)")
    state = kept
    largestForce = kept.largestForce
    if state.phase == .relaxing { try inner.begin(context, box: box, from: kept.inner) }
  }

  package func finish(_ context: DynamicsContext) throws {
    context.atoms.removeColumn(Self.column)
    try inner.finish(context)
  }

  package func state(_ context: DynamicsContext) throws -> Data {
    remembers = false
    if state.phase == .relaxing { state.inner = try inner.state(context) }
    state.largestForce = largestForce
    return try StateCoding.encode(state, kind: "crack's path")
  }

  // MARK: Steps

  package func firstHalf(_ context: DynamicsContext, box: inout Box) throws {
    isAtIncrement = false
    switch state.phase {
    case .loading:
      ring.set(ring.intensity(plan.load.start, isOfGriffith: plan.load.isOfGriffith), follows: false, carries: true, context, box: box)
    case .relaxing: try inner.firstHalf(context, box: &box)
    case .following where status == .running: try move(context, box)
    case .following: break
    }
  }

  package func secondHalf(_ context: DynamicsContext, box: inout Box) throws {
    switch state.phase {
    case .loading:
      state.phase = .relaxing
      try inner.begin(context, box: box, from: nil)
      follow(context)
    case .relaxing:
      try inner.secondHalf(context, box: &box)
      follow(context)
    case .following: judge(context)
    }
  }

  /// Leaves the relaxation at K of the start once it is over.
  private func follow(_ context: DynamicsContext) {
    largestForce = inner.largestForce
    if inner.isOver { state.phase = .following }
  }

  /// Whether the atoms are at a point of the curve.
  private func judge(_ context: DynamicsContext) {
    let atoms = context.atoms
    let v = slopes(atoms, tip: ring.state.tip)
    var (largest, sums) = (0.0, [0.0, 0.0])
    for i in 0..<atoms.localCount {
      let f = atoms.force[i]
      if atoms.groups[i] & context.motion.immobile == 0 { largest = max(largest, abs(f.x), abs(f.y), abs(f.z)) }
      sums[0] += dot(f, v[i])
      sums[1] += v[i].squaredLength
    }
    context.communicator.sum(&sums)
    // The force on the centre per unit of the ring's displacement.
    largestForce = max(context.communicator.maximum(largest), abs(sums[0]) / max(sums[1].squareRoot(), 1e-300))
    if state.isBack {
      state.isBack = false
      return
    }
    guard largestForce <= tolerance else { return }
    state.points += 1
    isAtIncrement = true
    if state.corrections <= 3 { state.step = min(plan.step, 1.5 * state.step) }
    state.corrections = 0
    if state.points == plan.points { status = .forceConverged }
  }

  private func move(_ context: DynamicsContext, _ box: Box) throws {
    let system = LinearPath(context, ring, recompute: recompute, probe: Self.probe)
    if state.points > 0, state.corrections == 0 {
      keep(context, box)
      let z = try system.response(Self.precision, Self.products)
      turn(z.advance)
      let advance = state.step * state.tangent[0], change = state.step * state.tangent[1] / Self.scale * ring.state.intensity
      system.move(by: z.moves.map { change * $0 }, advance: advance, intensity: change, box)
      state.corrections = 1
      return
    }
    guard state.corrections < (state.points == 0 ? Self.firstPatience : Self.patience) else { return retreat(context, box) }
    state.corrections += 1
    let z = try system.response(Self.precision, Self.products)
    let a = try system.correction(Self.precision, Self.products)
    let scale = Self.scale / ring.state.intensity
    var change = -a.advance * z.advance / (z.advance * z.advance + scale * scale)
    // Far from the curve its tangent is none: K changes by per cents.
    let most = 0.05 * ring.state.intensity
    change = max(-most, min(most, change))
    let advance = a.advance + change * z.advance
    let moves = zip(a.moves, z.moves).map { $0 + change * $1 }
    let longest = context.communicator.maximum(moves.reduce(0) { max($0, $1.squaredLength) }).squareRoot()
    let part = min(1, Self.longestMove / max(longest, 1e-300), Self.longestAdvance / max(abs(advance), 1e-300))
    system.move(by: moves.map { part * $0 }, advance: part * advance, intensity: part * change, box)
  }

  /// The tangent of a point where K changes α by `slope` (Å per MPa√m), on in the direction of the last one.
  private func turn(_ slope: Double) {
    var next = [slope, Self.scale / ring.state.intensity]
    let length = (next[0] * next[0] + next[1] * next[1]).squareRoot()
    next = next.map { $0 / length }
    let before = state.points == 1 ? [plan.retreats ? -1 : 1, 0] : state.tangent
    if next[0] * before[0] + next[1] * before[1] < 0 { next = next.map { -$0 } }
    state.tangent = next
  }

  // MARK: The last point

  private func keep(_ context: DynamicsContext, _ box: Box) {
    guard let last else { return }
    let atoms = context.atoms, sites = CrackRing.sites(atoms)
    for i in 0..<atoms.localCount {
      let n = atoms.image[i]
      let r = atoms.position[i] + Vector3(Double(n.x), Double(n.y), Double(n.z)) * box.cell
      for axis in 0..<3 { last[3 * i + axis] = r[axis] - sites[3 * i + axis] }
    }
    (state.lastIntensity, state.lastTip) = (ring.state.intensity, ring.state.tip)
    remembers = true
  }

  /// To the last point, for a shorter step; gives up where there is none.
  private func retreat(_ context: DynamicsContext, _ box: Box) {
    guard remembers, let last, state.step > plan.step / 64 else {
      status = .stalled
      return
    }
    let atoms = context.atoms, sites = CrackRing.sites(atoms)
    for i in 0..<atoms.localCount {
      let n = atoms.image[i]
      let image = Vector3(Double(n.x), Double(n.y), Double(n.z)) * box.cell
      atoms.position[i] =
        Vector3(sites[3 * i] + last[3 * i], sites[3 * i + 1] + last[3 * i + 1], sites[3 * i + 2] + last[3 * i + 2]) - image
    }
    ring.hold(state.lastIntensity, tip: state.lastTip, context, box: box)
    state.step *= 0.5
    state.corrections = 0
    state.isBack = true
  }

  /// ∂u/∂α of the ring's inner half, 0 of other atoms.
  private func slopes(_ atoms: AtomStore, tip: Double) -> [Vector3] {
    LinearPath.slopes(atoms, ring.frame, ring.frame.field(ring.state.intensity), tip: tip)
  }
}

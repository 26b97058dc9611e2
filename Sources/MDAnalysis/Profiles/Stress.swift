import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Stress in space: profiles along a vector of the cell or maps in the plane of two by Irving, Kirkwood and Hardy, and
/// tractions through planes.
///
/// A pair term with d = r_j − r_i and g = ∂E/∂d adds d ⊗ g ℓ_k/V_k to interval k, ℓ_k the part of the line from i to j that
/// is in it; many-body energies E_i give such terms for all of their neighbours. What potentials do not tell pair by pair is
/// where their per-atom virials are. Both together are
///
///     σ_k = [Σ_i∈k (−W_i − m v ⊗ v) + Σ_pairs d ⊗ g (ℓ_k − ½ [i ∈ k] − ½ [j ∈ k])]/V_k,
///
/// as W_i has half of −d ⊗ g for each of its pairs: the second sum moves these from the ends to the line and adds nothing
/// to the whole, so that Σ σ_k V_k = −(W + Σ m v ⊗ v) for any potential, to rounding. Positive in tension, symmetrised.
/// R. J. Hardy, J. Chem. Phys. 76, 622 (1982); Z. Fan et al., Phys. Rev. B 92, 094301 (2015) on terms of many bodies.
///
/// The traction on a plane, the force that what is above it exerts on what is below over its area A, is
/// t = Σ g sgn(d·n)/A over the pairs on both sides, less the momentum m v sgn(v·n)/(A τ) of atoms that go through it within
/// ±τ/2 by their present velocities: B. D. Todd, D. J. Evans, P. J. Daivis, Phys. Rev. E 52, 1627 (1995). Between two planes
/// it changes by the forces on what is between them: it is the same everywhere where nothing accelerates.
final class Stress: Instrument, PairForceTaker {
  private let masses: [Double]
  private let intervals: CellIntervals
  private let hasPlanes: Bool
  /// τ, ps.
  private let flight: Double
  /// Potentials whose forces are not all told pair by pair.
  private let untold: [String]
  /// Frames may have no velocities: then there is no motion.
  private let hasVelocities: Bool
  /// Of the present forces: six components of Σ d ⊗ g (…) of each interval, then three of Σ g sgn(d·n) of each plane.
  private var moved: [Double]
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    masses = setting.masses
    let axes = (section["along"]?.string ?? section["in"]!.string).map { ["a": 0, "b": 1, "c": 2][$0] ?? 2 }
    intervals = CellIntervals(axes: axes, bins: section.integer("bins"))
    hasPlanes = section.boolean("planes")
    flight = section.double("flight")
    if hasPlanes { try setting.require(.forces, section, "all forces pair by pair", at: "planes") }
    untold = setting.potentials.filter { $0.pairForces < .forces }.map(\.name)
    hasVelocities = setting.hasVelocities
    let width = 6 * intervals.count + (hasPlanes ? 3 * intervals.bins : 0)
    moved = [Double](repeating: 0, count: width)
    // The last: samples, their volume, and their lengths along the axes.
    sums = BlockedSums(width: width + 2 + axes.count)
    setting.atoms.needPairForces().hand(to: self)
  }

  private var planesAt: Int { 6 * intervals.count }

  // MARK: Pairs

  func begin(_ atoms: AtomView, _ box: Box) {
    for k in moved.indices { moved[k] = 0 }
  }

  func take(_ forces: UnsafeBufferPointer<PairForce>, _ atoms: AtomView, _ box: Box) {
    let intervals = intervals
    let periodic = intervals.periodicity(box)
    let (hasPlanes, planesAt, bins) = (hasPlanes, planesAt, intervals.bins)
    moved.withUnsafeMutableBufferPointer { sums in
      for force in forces {
        let p = intervals.place(box.fractional(atoms.positions[Int(force.center)]))
        let q = intervals.place(box.fractional(atoms.positions[Int(force.other)]))
        let (d, g) = (force.vector, force.gradient)
        let stress = SIMD8(
          d.x * g.x, d.y * g.y, d.z * g.z, 0.5 * (d.y * g.z + d.z * g.y), 0.5 * (d.x * g.z + d.z * g.x),
          0.5 * (d.x * g.y + d.y * g.x), 0, 0)
        func add(_ interval: Int, _ part: Double) { for k in 0..<6 { sums[6 * interval + k] += part * stress[k] } }
        add(intervals.number(at: p, periodic), -0.5)
        add(intervals.number(at: q, periodic), -0.5)
        intervals.walk(from: p, by: q - p, periodic, add)
        guard hasPlanes else { continue }
        let (a, b) = (Int(p.x.rounded(.down)), Int(q.x.rounded(.down)))
        let sign = b > a ? 1.0 : -1.0
        for plane in stride(from: min(a, b) + 1, through: max(a, b), by: 1) {
          guard periodic.x == 1 || (0..<bins).contains(plane) else { continue }
          let at = planesAt + 3 * intervals.number(plane, 0, periodic)
          for k in 0..<3 { sums[at + k] += sign * g[k] }
        }
      }
    }
  }

  // MARK: Samples

  func measure(_ scene: Scene) throws {
    let view = scene.view
    let isRoot = scene.communicator.isRoot
    let box = scene.box
    let periodic = intervals.periodicity(box)
    sums.add { sums in
      for k in moved.indices { sums[k] += moved[k] }
      for i in 0..<view.localCount {
        let s = box.fractional(view.positions[i])
        let v = hasVelocities ? view.velocities[i] : .zero
        let m = masses[Int(view.species[i])] * Units.massVelocitySquaredToEnergy
        let p = intervals.place(s)
        let at = 6 * intervals.number(at: p, periodic)
        let w = view.virials.map { $0 + 9 * i }
        for k in 0..<6 {
          let (a, b) = Voigt.axes(k)
          sums[at + k] -= m * v[a] * v[b] + 0.5 * (w.map { $0[3 * a + b] + $0[3 * b + a] } ?? 0)
        }
        if hasPlanes { cross(p.x, v, m, box, periodic, sums + planesAt) }
      }
      guard isRoot else { return }
      let last = sums + moved.count
      last[0] += 1
      last[1] += box.volume
      for (k, axis) in intervals.axes.enumerated() { last[2 + k] += box.heights[axis] }
    }
  }

  /// Takes the momentum off that an atom carries through planes.
  private func cross(
    _ place: Double, _ v: Vector3, _ m: Double, _ box: Box, _ periodic: SIMD2<Int>, _ planes: UnsafeMutablePointer<Double>
  ) {
    let axis = intervals.axes[0]
    let rate = dot(v, Vector3(box.inverse.x[axis], box.inverse.y[axis], box.inverse.z[axis])) * Double(intervals.bins)
    let half = 0.5 * abs(rate) * flight
    let first = Int((place - half).rounded(.down)) + 1
    for plane in stride(from: first, through: Int((place + half).rounded(.down)), by: 1) {
      guard periodic.x == 1 || (0..<intervals.bins).contains(plane) else { continue }
      let at = 3 * intervals.number(plane, 0, periodic)
      for k in 0..<3 { planes[at + k] -= m * v[k] * (rate > 0 ? 1 : -1) / flight }
    }
  }

  // MARK: Results

  private static let gigapascal = Units.energyPerVolumeToBar / 10_000

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let samples = Double(max(all.samples, 1))
    let count = intervals.count
    let (bins, axes) = (intervals.bins, intervals.axes)
    let (samplesAt, volumeAt) = (moved.count, moved.count + 1)
    let lengths = axes.indices.map { total[volumeAt + 1 + $0] / samples }
    // Sums over samples: V of the intervals, and V/h their area, are those of the mean cell.
    let values = all.estimates { sums in
      sums[volumeAt] > 0
        ? (0..<6 * count).map { Self.gigapascal * Double(count) * sums[$0] / sums[volumeAt] } : [Double](repeating: 0, count: 6 * count)
    }
    let names = Voigt.names.map { "stress_" + $0 }
    let placed = axes.map { Figure(["a", "b", "c"][$0], unit: "Å", digits: 12) }
    var tables = [
      Report.Table(
        columns: placed + names.flatMap { Columns.pair($0, "GPa") },
        rows: (0..<count).map { n in
          let place = axes.count == 1 ? [n] : [n / bins, n % bins]
          var row = zip(place, lengths).map { (Double($0) + 0.5) * $1 / Double(bins) }
          for k in 0..<6 { row += [values[6 * n + k].value, values[6 * n + k].error] }
          return row
        })
    ]
    if hasPlanes {
      let tractions = all.estimates { sums in
        (0..<3 * bins).map { Self.gigapascal * sums[self.planesAt + $0] * sums[volumeAt + 1] / (sums[samplesAt] * sums[volumeAt]) }
      }
      tables.append(
        .init(
          suffix: "planes", columns: placed + ["x", "y", "z"].flatMap { Columns.pair("traction_" + $0, "GPa") },
          rows: (0..<bins).map { n in
            var row = [Double(n) * lengths[0] / Double(bins)]
            for k in 0..<3 { row += [tractions[3 * n + k].value, tractions[3 * n + k].error] }
            return row
          }))
    }
    let means = all.estimates { sums in
      (0..<6).map { k in (0..<count).reduce(0) { $0 + sums[6 * $1 + k] } * Self.gigapascal / sums[volumeAt] }
    }
    let parts = [
      untold.isEmpty
        ? nil : "forces of \(untold.joined(separator: ", ")) that are not told pair by pair are where their per-atom virials are",
      hasVelocities ? nil : "without the motion of atoms, as frames have no velocities",
    ].compactMap { $0 }
    let note = parts.isEmpty ? nil : parts.joined(separator: "; ")
    let numbers = names.indices.map { k in
      Report.Number(
        names[k], means[k], unit: "GPa", "−(W + Σ m v ⊗ v)/V of the whole cell, positive in tension: the mean over the intervals",
        note: note)
    }
    return Report(tables: tables, numbers: all.samples > 0 ? numbers : [], samples: all.samples)
  }
}

extension InstrumentEntry {
  static let stress = InstrumentEntry(
    "stress",
    "Stress along a vector of the cell, or in the plane of two, by Irving, Kirkwood and Hardy: forces of pairs along the lines "
      + "between them; all intervals together are the virial exactly. Tractions through planes.", every: "100",
    [
      .optional("along", .enumeration(["a", "b", "c"]), "The vector of the cell that is divided."),
      .optional("in", .enumeration(["ab", "ac", "bc"]), "The two vectors of a map."),
      bins("50", "Intervals along each."),
      .defaulted(
        "planes", .boolean, "false",
        "Also the traction through the lower face of each interval (NAME-planes.csv); for potentials that tell all forces pair by pair."),
      .defaulted(
        "flight", .quantity(.time, .positive.plausibly(0.0001...0.1)), "0.01",
        "Atoms that pass a plane within half of it, before or after a look, by their present velocities carry momentum through it."),
    ], rules: [.init(.exactlyOne, of: ["along", "in"])], example: "    - stress: {along: c, bins: 100, planes: true}",
    check: { section, context in
      if section.string("of") != "all" {
        context.refuse(section.error("of", "is not for stress, which is that of all atoms"))
      }
      if section["in"] != nil, section.boolean("planes") {
        context.refuse(section.error("planes", "are for stress along one vector"))
      }
    }, wants: { _ in .pairForces }
  ) { try Stress($0, $1) }
}

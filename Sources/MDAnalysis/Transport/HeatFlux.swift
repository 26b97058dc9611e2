import Foundation
import MDCore
import MDDeck
import MDNumerics

/// The heat current and, by Green and Kubo, thermal conductivity.
///
/// The current is J = d/dt Σ r_i e_i with e_i = ½ m v² + E_i. A term of the forces that changes E_i with d = r_j − r_i by
/// g = ∂E_i/∂d carries −d (g·v_j), so that
///
///     J = Σ e_i v_i − Σ_i Σ_j d_ij (∂E_i/∂d_ij · v_j)
///
/// for any many-body potential whose energy is one of atoms and their neighbours (Z. Fan et al., Phys. Rev. B 92, 094301
/// (2015)); a pair energy is by halves that of both. Velocities are those relative to the mass centre. The conductivity is
///
///     κ_α = 1/(V k T²) ∫ ⟨J_α(0) J_α(t)⟩ dt,   κ = (κ_x + κ_y + κ_z)/3,
///
/// by the trapezoid rule over the lags of a window. In a liquid mixture J has the enthalpy that diffuses, too.
final class HeatFlux: Instrument, PairForceTaker {
  private let masses: [Double]
  private let speciesCounts: [Int]
  /// Lags of a window, in looks.
  private let length: Int
  /// Of each atom j Σ −d ⊗ ∂E_i/∂d over the terms that have it as the other, ghosts included.
  private let carried: Column<Double>
  /// Currents of the last looks, the latest at (samples − 1) % length, on every rank.
  private var currents: [Vector3]
  private var samples = 0
  private var spacing = SampleInterval()
  /// Of each lag the number of windows and J_α(0) J_α(t); then looks, volume, Σ m v², Σ J.
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    masses = setting.masses
    speciesCounts = setting.speciesCounts
    length = section.integer("samples")
    try setting.require(.energies, section, "all forces pair by pair and whose energy each changes")
    carried = Self.column(setting.name, setting.atoms)
    currents = [Vector3](repeating: .zero, count: length)
    // Few blocks, and so longer ones: a window is within one.
    sums = BlockedSums(width: 4 * length + Other.size, capacity: 16)
    setting.atoms.needPairForces().hand(to: self)
  }

  private enum Other { static let looks = 0, volume = 1, motion = 2, current = 3, size = 6 }
  private var othersAt: Int { 4 * length }

  static func column(_ name: String, _ atoms: AtomStore) -> Column<Double> { atoms.addColumn(name + " carried", width: 9) }

  var needsVelocities: Bool { true }

  // MARK: Pairs

  func begin(_ atoms: AtomView, _ box: Box) { carried.storage.clear(0..<atoms.count) }

  func take(_ forces: UnsafeBufferPointer<PairForce>, _ atoms: AtomView, _ box: Box) {
    let carried = carried.pointer
    for force in forces {
      let share = Matrix3.outer(force.vector, (force.isShared ? -0.5 : -1) * force.gradient)
      share.add(to: carried + 9 * Int(force.other))
      // Seen from the other, both d and g turn round.
      if force.isShared { share.add(to: carried + 9 * Int(force.center)) }
    }
  }

  // MARK: Samples

  func measure(_ scene: Scene) throws {
    if spacing.take(at: scene.time) == .irregular { samples = 0 }
    scene.ghosts.reverse([carried.storage])
    let (current, motion) = current(scene)
    currents[samples % length] = current
    samples += 1
    guard scene.communicator.isRoot else {
      sums.add { _ in }
      return
    }
    let filled = min(samples, length)
    sums.add { sums in
      for lag in 0..<filled {
        let then = currents[(samples - 1 - lag) % length]
        let row = sums + 4 * lag
        row[0] += 1
        for k in 0..<3 { row[1 + k] += then[k] * current[k] }
      }
      let others = sums + othersAt
      others[Other.looks] += 1
      others[Other.volume] += scene.box.volume
      others[Other.motion] += motion
      for k in 0..<3 { others[Other.current + k] += current[k] }
    }
  }

  /// J, eV Å/ps, and Σ m v², eV. Collective.
  private func current(_ scene: Scene) -> (Vector3, Double) {
    let view = scene.view
    var momentum = [0.0, 0, 0, 0]
    for i in 0..<view.localCount {
      let m = masses[Int(view.species[i])]
      momentum[3] += m
      for k in 0..<3 { momentum[k] += m * view.velocities[i][k] }
    }
    scene.communicator.sum(&momentum)
    let drift = Vector3(momentum[0], momentum[1], momentum[2]) / momentum[3]
    var sums = [0.0, 0, 0, 0]
    for i in 0..<view.localCount {
      let v = view.velocities[i] - drift
      let motion = masses[Int(view.species[i])] * Units.massVelocitySquaredToEnergy * v.squaredLength
      let energy = 0.5 * motion + (view.energies?[i] ?? 0)
      sums[3] += motion
      let w = carried.pointer + 9 * i
      for k in 0..<3 { sums[k] += energy * v[k] + w[3 * k] * v.x + w[3 * k + 1] * v.y + w[3 * k + 2] * v.z }
    }
    scene.communicator.sum(&sums)
    return (Vector3(sums[0], sums[1], sums[2]), sums[3])
  }

  // MARK: Results

  /// eV/(Å ps K) in W/(m K).
  private static let watts = 1602.176634

  /// ⟨J_α J_α⟩ of each axis at each lag, eV²Å²/ps².
  private func curve(_ sums: [Double], _ axis: Int) -> [Double] {
    (0..<length).map { lag in sums[4 * lag] > 0 ? sums[4 * lag + 1 + axis] / sums[4 * lag] : 0 }
  }

  /// κ along an axis up to each lag, W/(m K).
  private func conductivity(_ sums: [Double], _ axis: Int, _ dt: Double) -> [Double] {
    let others = othersAt
    let looks = sums[others + Other.looks]
    let atoms = Double(speciesCounts.reduce(0, +))
    let volume = sums[others + Other.volume] / looks
    let temperature = sums[others + Other.motion] / looks / (3 * atoms * Units.boltzmann)
    let factor = Self.watts * dt / (volume * Units.boltzmann * temperature * temperature)
    let c = curve(sums, axis)
    var integral = 0.0
    return c.indices.map { k in
      if k > 0 { integral += 0.5 * (c[k] + c[k - 1]) }
      return factor * integral
    }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let dt = spacing.interval ?? 0
    let filled = (0..<length).filter { total[4 * $0] > 0 }.count
    let curves = (0..<3).map { axis in all.estimates { self.curve($0, axis) } }
    let isHot = total[othersAt + Other.motion] > 0 && dt > 0
    let mean = all.estimates { sums -> [Double] in
      guard isHot, sums[self.othersAt + Other.looks] > 0 else { return [Double](repeating: .nan, count: self.length) }
      let axes = (0..<3).map { self.conductivity(sums, $0, dt) }
      return (0..<self.length).map { (axes[0][$0] + axes[1][$0] + axes[2][$0]) / 3 }
    }
    let names = ["x", "y", "z"]
    let columns =
      [Figure("lag", unit: "ps", digits: 12), Figure("windows", unit: "1", digits: 17)]
      + names.flatMap { Columns.pair("correlation_" + $0, "eV²Å²/ps²") } + Columns.pair("conductivity", "W/(m K)")
    let rows = (0..<filled).map { lag -> [Double] in
      var row = [Double(lag) * dt, total[4 * lag]]
      for axis in 0..<3 { row += [curves[axis][lag].value, curves[axis][lag].error] }
      return row + [mean[lag].value, mean[lag].error]
    }
    var numbers = names.indices.map { axis in
      Report.Number(
        "current_" + names[axis], all.estimate { $0[self.othersAt + Other.current + axis] / $0[self.othersAt + Other.looks] },
        unit: "eV Å/ps", "mean heat current of the whole cell, Σ e v − Σ d (∂E_i/∂d · v_j)")
    }
    numbers += conductivities(all, filled, dt, isHot)
    return Report(
      tables: [.init(columns: columns, rows: rows)], numbers: all.samples > 0 ? numbers : [], samples: all.samples)
  }

  /// The integral ends at twice the lag at which the correlation, over all axes, is first not above its standard error: chance
  /// takes it there early, and what it still has then is missed; what comes much later is noise. The error is the larger of
  /// that of blocks and that of a Gaussian current, 2 κ √(t/T) of an axis with the integral's end t and the run's length T
  /// (R. E. Jones, K. K. Mandadapu, J. Chem. Phys. 136, 154102, 2012).
  private func conductivities(_ all: BlockedSums, _ filled: Int, _ dt: Double, _ isHot: Bool) -> [Report.Number] {
    let what =
      "∫ ⟨J(0) J(t)⟩ dt/(V k T²) by the trapezoid rule up to twice the first lag at which the correlation is within its standard "
      + "error of zero"
    func none(_ note: String) -> [Report.Number] {
      [.init("conductivity", Estimate(.nan), unit: "W/(m K)", what, note: note)]
    }
    guard isHot else { return none("the atoms do not move") }
    guard filled == length, all.counts.count >= BlockedSums.fewestBlocks, all.length >= length else {
      return none("too short: blocks must be longer than a window of \(length) looks")
    }
    let sum = all.estimates { sums in
      let axes = (0..<3).map { self.curve(sums, $0) }
      return (0..<self.length).map { axes[0][$0] + axes[1][$0] + axes[2][$0] }
    }
    guard let first = sum.firstIndex(where: { $0.value <= $0.error }) else {
      return none("too short a window: the correlation is still above its error after \(Double(length - 1) * dt) ps")
    }
    let end = 2 * first
    guard end < length else {
      return none("too short a window: the correlation is above its error for \(Double(first) * dt) ps, and twice that is needed")
    }
    let relative = 2 * (Double(end) / Double(all.samples)).squareRoot()
    func number(_ name: String, _ axes: [Int], _ words: String, note: String? = nil) -> Report.Number {
      let blocks = all.estimate { sums in
        axes.reduce(0) { $0 + self.conductivity(sums, $1, dt)[end] } / Double(axes.count)
      }
      let gaussian = Estimate(
        blocks.value, error: abs(blocks.value) * relative / Double(axes.count).squareRoot(), blocks: all.samples / max(end, 1))
      return .init(name, Estimate.wider(blocks, gaussian), unit: "W/(m K)", words, note: note)
    }
    let words = what + ", \(Double(end) * dt) ps"
    return [number("conductivity", [0, 1, 2], words + "; the mean over the axes", note: sampling(all, end, dt))]
      + ["x", "y", "z"].enumerated().map { axis, name in
        number("conductivity_" + name, [axis], "the same along one axis")
      }
  }

  /// Whether looks are close enough: the trapezoid rule over every second lag gives the same within two errors of the
  /// difference, and 2 % of the value.
  private func sampling(_ all: BlockedSums, _ end: Int, _ dt: Double) -> String? {
    let change = all.estimate { sums in
      let axes = (0..<3).map { self.curve(sums, $0) }
      let c = (0...end).map { axes[0][$0] + axes[1][$0] + axes[2][$0] }
      func rule(_ step: Int) -> Double {
        stride(from: 0, to: end, by: step).reduce(0) { $0 + 0.5 * Double(step) * (c[$1] + c[$1 + step]) }
      }
      return rule(1) > 0 ? rule(2) / rule(1) - 1 : .nan
    }
    guard abs(change.value) > max(2 * change.error, 0.02) else { return nil }
    return "looks are far apart: with every second one it would be \(Int((100 * change.value).rounded())) % more; look more often"
  }

  // MARK: Checkpoints

  private struct Kept: Codable {
    var sums: BlockedSums.State
    var samples: Int
    var interval: Double?
    var lastTime: Double?
    var currents: [Double]
  }

  func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(
      Kept(
        sums: sums.state, samples: samples, interval: spacing.interval, lastTime: spacing.lastTime,
        currents: currents.flatMap { [$0.x, $0.y, $0.z] }))
  }

  func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(Kept.self, from: state), kept.samples >= 0, kept.interval ?? 1 > 0,
      kept.currents.count == 3 * length, kept.currents.allSatisfy(\.isFinite), sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    samples = kept.samples
    spacing = SampleInterval(interval: kept.interval, lastTime: kept.lastTime)
    currents = (0..<length).map { Vector3(kept.currents[3 * $0], kept.currents[3 * $0 + 1], kept.currents[3 * $0 + 2]) }
    return true
  }
}

extension InstrumentEntry {
  static let heatFlux = InstrumentEntry(
    "heat_flux",
    "Heat current of the whole cell, its correlation over a window and thermal conductivity by Green and Kubo; for potentials "
      + "whose energy is one of atoms and their neighbours.", every: "20",
    [.defaulted("samples", .integer(2...100_000), "200", "Looks in a window: longer than the current remembers by twice.")],
    example: "    - heat_flux: {every: 10, samples: 400}", needsTime: true,
    check: { section, context in
      if section.string("of") != "all" {
        context.refuse(section.error("of", "is not for the heat current, which is that of all atoms"))
      }
    }, wants: { _ in [.pairForces, .atomEnergy] },
    declare: { _, name, atoms in _ = HeatFlux.column(name, atoms) }
  ) { try HeatFlux($0, $1) }
}

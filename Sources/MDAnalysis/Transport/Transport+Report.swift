import Foundation
import MDCore
import MDNumerics

extension Transport {
  /// e²/(eV·Å·ps) in S/m.
  private static let siemens = 1602.176634

  /// Species that were seen.
  private func kinds(_ total: [Double]) -> [Int] {
    species.indices.filter { total[othersAt + Other.inside + $0] > 0 }
  }

  /// ⟨Σ over axes of Δ²⟩ of a species at each lag, Å²; NaN where there is none.
  private func curve(_ sums: [Double], _ kind: Int, _ axes: [Int]) -> [Double] {
    windows.lags.indices.map { lag in
      let row = slot(lag, kind)
      let n = sums[row + Slot.count]
      return n > 0 ? axes.reduce(0) { $0 + sums[row + Slot.x + $1] } / n : .nan
    }
  }

  func survival(_ sums: [Double], _ kind: Int) -> [Double] {
    windows.lags.indices.map { lag in
      let row = slot(lag, kind)
      return sums[row + Slot.atStart] > 0 ? sums[row + Slot.count] / sums[row + Slot.atStart] : .nan
    }
  }

  /// The axes in a layer, or all.
  private var plane: [Int] {
    if case .region(let region) = selection, let layer = region.layer { return (0..<3).filter { $0 != layer.axis } }
    return [0, 1, 2]
  }

  private var isOfStayers: Bool { selection.changes && membership == .stayed }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let kinds = kinds(total)
    let interval = interval ?? 0
    var tables = [table(all, kinds, interval)]
    if let histogram { tables.append(vanHove(total, kinds, histogram, interval)) }
    if let histogram, histogram.isDistinct { tables.append(distinct(all, kinds, histogram)) }
    var numbers: [Report.Number] = []
    for kind in kinds where interval > 0 { numbers += diffusion(all, kind, interval) }
    if let carriers, interval > 0 {
      let at = othersAt + Other.charges(species.count)
      let samples = max(total[othersAt + Other.samples], 1)
      numbers += conductivity(all, carriers, carriers.charges ?? species.indices.map { total[at + $0] / samples }, interval)
    }
    if selection.changes {
      for (name, place, what) in [
        ("left", Other.left, "atoms that left the region"), ("came", Other.came, "atoms that came into the region"),
      ] {
        numbers.append(
          .init(name, all.estimate { $0[self.othersAt + place] }, unit: "1", what + ", from sample to sample, over all samples"))
      }
      for kind in kinds {
        let mean = all.estimate { $0[self.othersAt + Other.inside + kind] / $0[self.othersAt + Other.samples] }
        numbers.append(.init("inside_" + species[kind], mean, unit: "1", "atoms in the region, mean over samples"))
      }
    }
    return Report(tables: tables, numbers: numbers, samples: all.samples)
  }

  // MARK: Tables

  private func table(_ all: BlockedSums, _ kinds: [Int], _ interval: Double) -> Report.Table {
    let total = all.total
    let filled = windows.lags.indices.filter { lag in
      kinds.contains { total[slot(lag, $0) + Slot.count] + total[slot(lag, $0) + Slot.atStart] > 0 }
    }
    var columns = [Figure("samples", unit: "1", digits: 17), Figure("lag", unit: "ps", digits: 12)]
    var values: [[Double]] = [filled.map { Double(windows.lags[$0]) }, filled.map { Double(windows.lags[$0]) * interval }]
    func add(_ name: String, _ unit: String, _ estimates: [Estimate]) {
      columns += Columns.pair(name, unit)
      values += [filled.map { estimates[$0].value }, filled.map { estimates[$0].error }]
    }
    for kind in kinds {
      let name = species[kind]
      add("msd_" + name, "Å²", all.estimates { self.curve($0, kind, [0, 1, 2]) })
      for axis in 0..<3 { add("msd_\(name)_" + ["x", "y", "z"][axis], "Å²", all.estimates { self.curve($0, kind, [axis]) }) }
      add(
        "non_gaussian_" + name, "1",
        all.estimates { sums in
          self.windows.lags.indices.map { lag in
            let row = self.slot(lag, kind)
            let n = sums[row + Slot.count]
            let square = sums[row + Slot.x] + sums[row + Slot.x + 1] + sums[row + Slot.x + 2]
            return n > 0 && square > 0 ? 3 * sums[row + Slot.fourth] * n / (5 * square * square) - 1 : 0
          }
        })
      columns.append(Figure("windows_" + name, unit: "1", digits: 17))
      values.append(filled.map { total[slot($0, kind) + Slot.count] })
      guard selection.changes else { continue }
      columns.append(Figure("windows_at_start_" + name, unit: "1", digits: 17))
      values.append(filled.map { total[slot($0, kind) + Slot.atStart] })
      if isOfStayers { add("survival_" + name, "1", all.estimates { self.survival($0, kind) }) }
    }
    if carriers != nil {
      add("collective", "e²Å²", all.estimates(collectiveCurve))
      if hasVelocities {
        add(
          "current_correlation", "e²Å²/ps²",
          all.estimates { sums in
            self.windows.lags.indices.map { lag in
              let n = sums[self.whole(lag) + Whole.count]
              return n > 0 ? sums[self.whole(lag) + Whole.current] / n : 0
            }
          })
      }
    }
    let rows = filled.indices.map { k in values.map { $0[k] } }
    return Report.Table(columns: columns, rows: rows)
  }

  private func vanHove(_ total: [Double], _ kinds: [Int], _ histogram: Histogram, _ interval: Double) -> Report.Table {
    let pairs = histogram.lags.indices.flatMap { h in kinds.map { (h, $0) } }
    let width = histogram.largest / Double(histogram.bins)
    return Report.Table(
      suffix: "van_hove",
      columns: [Figure("r", unit: "Å", digits: 12)]
        + pairs.map { Figure("windows_\(species[$0.1])_\(histogram.lags[$0.0])", unit: "1", digits: 17) },
      rows: (0..<histogram.bins).map { bin -> [Double] in
        var row = [(Double(bin) + 0.5) * width]
        for (lag, kind) in pairs { row.append(total[histogramAt + (lag * species.count + kind) * histogram.bins + bin]) }
        return row
      })
  }

  /// G_d over the density of the others: pairs/(windows_A (N_B − δ_AB)/V v(r)).
  private func distinct(_ all: BlockedSums, _ kinds: [Int], _ histogram: Histogram) -> Report.Table {
    let count = species.count
    let present = species.indices.filter { speciesCounts[$0] > 0 }
    let series = histogram.lags.indices.flatMap { h in kinds.flatMap { a in present.map { (h: h, then: a, now: $0) } } }
    let width = histogram.largest / Double(histogram.bins)
    let shells = (0..<histogram.bins).map { k -> Double in
      let (low, high) = (Double(k) * width, Double(k + 1) * width)
      return 4 / 3 * Double.pi * (high * high * high - low * low * low)
    }
    let curves = series.map { s in
      all.estimates { sums in
        let at = self.pairsAt + histogram.pairs(s.h, s.then, s.now, count)
        let volume = sums[self.othersAt + Other.volume] / max(sums[self.othersAt + Other.samples], 1)
        let others = Double(self.speciesCounts[s.now] - (s.then == s.now ? 1 : 0))
        let ideal = sums[at] * others / volume
        return (0..<histogram.bins).map { ideal > 0 ? sums[at + 1 + $0] / (ideal * shells[$0]) : 0 }
      }
    }
    let names = series.map { "\(species[$0.then])_\(species[$0.now])_\(histogram.lags[$0.h])" }
    let total = all.total
    return Report.Table(
      suffix: "distinct",
      columns: [Figure("r", unit: "Å", digits: 12)]
        + names.flatMap { [Figure("pairs_" + $0, unit: "1", digits: 17)] + Columns.pair("g_" + $0, "1") },
      rows: (0..<histogram.bins).map { k -> [Double] in
        var row = [(Double(k) + 0.5) * width]
        for (n, s) in series.enumerated() {
          row += [total[pairsAt + histogram.pairs(s.h, s.then, s.now, count) + 1 + k], curves[n][k].value, curves[n][k].error]
        }
        return row
      })
  }

  // MARK: Diffusion

  private func number(
    _ name: String, _ fit: Diffusion, interval: Double, _ what: String
  ) -> [Report.Number] {
    switch fit.outcome {
    case .tooShort(let reason): return [.init(name, Estimate(.nan), unit: "Å²/ps", what, note: "too short: " + reason)]
    case .notDiffusive(let exponent):
      func digits(_ x: Double) -> String { String(format: "%.2f", x) }
      return [
        .init(
          name, Estimate(.nan), unit: "Å²/ps", what,
          note: "not diffusive: exponent \(digits(exponent.value)) ± \(digits(exponent.error)) of time"),
        .init("exponent_" + name, exponent, unit: "1", "exponent of time of the mean squared displacement"),
      ]
    case .coefficient(let d):
      let window = fit.window.map { "\(Self.brief(Double($0.lowerBound) * interval)) to \(Self.brief(Double($0.upperBound) * interval)) ps" } ?? ""
      let independent = fit.independentError.map { String(format: "%.3g", $0) } ?? ""
      return [
        .init(
          name, d, unit: "Å²/ps", what + "; lags \(window)",
          note: "the error would be \(independent) Å²/ps if atoms moved independently")
      ]
    }
  }

  private func diffusion(_ all: BlockedSums, _ kind: Int, _ interval: Double) -> [Report.Number] {
    let total = all.total
    let name = species[kind]
    let atoms = total[othersAt + Other.inside + kind] / Double(max(all.samples, 1))
    func fit(_ axes: [Int]) -> Diffusion {
      Diffusion.fit(all, windows, dimensions: axes.count, interval: interval, atoms: atoms) { self.curve($0, kind, axes) }
    }
    guard isOfStayers else {
      return number("D_" + name, fit([0, 1, 2]), interval: interval, Diffusion.rule)
        + (0..<3).flatMap { axis in
          number("D_\(name)_" + ["x", "y", "z"][axis], fit([axis]), interval: interval, "the same along one axis")
        }
    }
    let plane = plane
    let what =
      (plane.count < 3 ? "in the plane of the layer, " : "") + "of atoms that stay in the region all the while: " + Diffusion.rule
    let parallel = fit(plane)
    var numbers = number((plane.count < 3 ? "D_parallel_" : "D_") + name, parallel, interval: interval, what)
    guard all.counts.count >= BlockedSums.fewestBlocks else { return numbers }
    numbers += residence(all, kind, interval)
    if case .region(let region) = selection, let layer = region.layer {
      numbers.append(across(all, kind, layer.thickness, interval, first: parallel.window?.lowerBound ?? 1))
    }
    return numbers
  }

  // MARK: Conductivity

  private func collectiveCurve(_ sums: [Double]) -> [Double] {
    windows.lags.indices.map { lag in
      let row = whole(lag)
      let n = sums[row + Whole.count]
      return n > 0 ? (sums[row + Whole.x] + sums[row + Whole.x + 1] + sums[row + Whole.x + 2]) / n : .nan
    }
  }

  private func conductivity(_ all: BlockedSums, _ carriers: Carriers, _ charges: [Double], _ interval: Double) -> [Report.Number] {
    let total = all.total
    let samples = Double(max(all.samples, 1))
    let volume = total[othersAt + Other.volume] / samples
    let atoms = Double(speciesCounts.reduce(0, +))
    let moving = total[othersAt + Other.motion] / samples * Units.massVelocitySquaredToEnergy / (3 * atoms * Units.boltzmann)
    let temperature = givenTemperature ?? moving
    guard temperature > 0 else {
      return [
        .init(
          "conductivity", Estimate(.nan), unit: "S/m", "collective, by Einstein",
          note: "the atoms have no velocities: give `temperature`")
      ]
    }
    let factor = Self.siemens / (volume * Units.boltzmann * temperature)
    var numbers: [Report.Number] = []
    // What ions rattle is not conduction: not before the ions diffuse.
    let fits = species.indices.filter { speciesCounts[$0] > 0 && charges[$0] != 0 }.map { kind in
      Diffusion.fit(all, windows, dimensions: 3, interval: interval, atoms: 1) { self.curve($0, kind, [0, 1, 2]) }
    }
    let first = fits.compactMap { $0.window?.lowerBound }.max()
    let collective =
      first.map { Diffusion.fit(all, windows, dimensions: 3, interval: interval, atoms: 1, first: $0, curve: collectiveCurve) }
      ?? fits.first ?? Diffusion(outcome: .tooShort("no ion carries a charge"))
    let what = "lim d/dt ⟨|\(carriers.moment)|²⟩/(6 V k T) at \(temperature) K, cross terms and all; fitted as diffusion coefficients are, "
      + "from the lag from which the ions diffuse"
    switch collective.outcome {
    case .tooShort, .notDiffusive:
      numbers += number("conductivity", collective, interval: interval, what).map { number in
        var number = number
        if !number.name.hasPrefix("exponent") { number.unit = "S/m" }
        return number
      }
    case .coefficient(let d):
      numbers.append(
        .init(
          "conductivity", Estimate(factor * d.value, error: factor * d.error, blocks: d.blocks), unit: "S/m", what))
    }
    let longest = first ?? all.length
    let window = collective.window ?? 1...all.length
    let chosen = windows.lags.indices.filter { window.contains(windows.lags[$0]) && total[whole($0) + Whole.count] > 0 }
    guard case .coefficient = collective.outcome,
      let line = LineFit(x: chosen.map { Double(windows.lags[$0]) * interval }, covariance: windows.covariance(of: chosen))
    else { return numbers + greenKubo(all, factor, interval, longest) }
    func sum(_ sums: [Double]) -> Double {
      species.indices.filter { speciesCounts[$0] > 0 }.reduce(0) { total, kind in
        let y = curve(sums, kind, [0, 1, 2])
        return total + Double(speciesCounts[kind]) * charges[kind] * charges[kind] * line.slope(chosen.map { y[$0] }) / 6
      }
    }
    let independent = all.estimate { factor * sum($0) }
    numbers.append(
      .init(
        "nernst_einstein", independent, unit: "S/m",
        "Σ N q² D/(V k T): the conductivity if ions moved independently, over the same lags"))
    let haven = all.estimate { sums in
      let y = self.collectiveCurve(sums)
      return sum(sums) / (line.slope(chosen.map { y[$0] }) / 6)
    }
    numbers.append(.init("haven_ratio", haven, unit: "1", "that conductivity over the collective one"))
    return numbers + greenKubo(all, factor, interval, longest)
  }

  /// ∫ ⟨J(0)·J(t)⟩ dt/(3 V k T), trapezoid up to the lag from which the ions diffuse, when J has forgotten, or up to a block.
  private func greenKubo(_ all: BlockedSums, _ factor: Double, _ interval: Double, _ longest: Int) -> [Report.Number] {
    guard hasVelocities, all.counts.count >= BlockedSums.fewestBlocks else { return [] }
    let usable = windows.lags.indices.filter { windows.lags[$0] <= longest }
    guard !usable.isEmpty else { return [] }
    let value = all.estimate { sums in
      var before = sums[self.othersAt + Other.current] / sums[self.othersAt + Other.samples]
      var at = 0.0
      var integral = 0.0
      for lag in usable {
        let n = sums[self.whole(lag) + Whole.count]
        guard n > 0 else { continue }
        let now = sums[self.whole(lag) + Whole.current] / n
        let t = Double(self.windows.lags[lag]) * interval
        integral += 0.5 * (before + now) * (t - at)
        (before, at) = (now, t)
      }
      return factor * integral / 3
    }
    return [
      .init(
        "conductivity_green_kubo", value, unit: "S/m",
        "∫ ⟨J(0)·J(t)⟩ dt/(3 V k T) by the trapezoid rule up to \(Self.brief(Double(windows.lags[usable[usable.count - 1]]) * interval)) ps")
    ]
  }

  /// A time for words, ps: without what rounding leaves.
  private static func brief(_ time: Double) -> String { String(format: "%.6g", time) }
}

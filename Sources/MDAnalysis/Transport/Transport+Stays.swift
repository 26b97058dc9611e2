import Foundation

/// How long atoms stay in a region, and how fast they cross a layer.
extension Transport {
  /// ∫ S dt, with an exponential tail if the rest is small. Lags are within half of a block, so that blocks are independent.
  func residence(_ all: BlockedSums, _ kind: Int, _ interval: Double) -> [Report.Number] {
    let definition = "integral over time of the part of atoms that has stayed, with an exponential tail"
    let total = all.total
    let usable = lags(total, kind, upTo: max(all.length / 2, 1))
    guard usable.count >= 2 else { return [] }
    let last = survival(total, kind)[usable[usable.count - 1]]
    guard last < 0.3, last > 0 else {
      return [
        .init(
          "residence_" + species[kind], Estimate(.nan), unit: "ps", definition,
          note: last > 0
            ? "too short: \(Int((100 * last).rounded())) % are left at the longest lag" : "none are left at the longest lag")
      ]
    }
    let times = usable.map { Double(windows.lags[$0]) * interval }
    let time = all.estimate { sums in
      let found = self.survival(sums, kind)
      let s = [1] + usable.map { found[$0] }
      let t = [0] + times
      let n = s.count
      var area = 0.0
      for k in 1..<n { area += 0.5 * (s[k] + s[k - 1]) * (t[k] - t[k - 1]) }
      let middle = n / 2
      let rate = log(max(s[middle], 1e-12) / max(s[n - 1], 1e-12)) / (t[n - 1] - t[middle])
      return area + (rate > 0 ? s[n - 1] / rate : 0)
    }
    return [.init("residence_" + species[kind], time, unit: "ps", definition)]
  }

  /// D across a layer. Its error is the larger of that of blocks, which see what atoms do together but are few and hardly
  /// longer than the longest stays, and that of stays which know nothing of one another.
  func across(
    _ all: BlockedSums, _ kind: Int, _ thickness: Double, _ interval: Double, first: Int
  ) -> Report.Number {
    let name = "D_perpendicular_" + species[kind]
    let what =
      "across the layer, from the part of atoms that has not left it (absorbing faces; Liu, Harder, Berne 2004, with crossings "
      + "between samples allowed for), by generalised least squares with the covariance of stays in free diffusion; error by that "
      + "covariance, or by jackknife over blocks where this is larger"
    func none(_ why: String) -> Report.Number { .init(name, Estimate(.nan), unit: "Å²/ps", what, note: "too short: " + why) }
    let total = all.total
    let found = survival(total, kind)
    // What few are left says nothing more.
    let usable = lags(total, kind, upTo: max(all.samples / 4, 1)).filter { windows.lags[$0] >= first && found[$0] > 0.02 }
    guard usable.count >= Diffusion.fewestLags else { return none("\(usable.count) lags, \(Diffusion.fewestLags) are the fewest") }
    let times = usable.map { Double(windows.lags[$0]) * interval }
    let inside = total[othersAt + Other.inside + kind] * interval
    guard
      let fit = Survival.Fit(usable.map { found[$0] }, times: times, thickness: thickness, interval: interval, inside: inside)
    else { return none("what has stayed does not tell D") }
    guard fit.relativeError < Self.largestError else {
      return none("\(Int(fit.stays)) independent stays tell D to ± \(Int((100 * fit.relativeError).rounded())) %")
    }
    let byBlocks = all.estimate { sums in
      let s = self.survival(sums, kind)
      return Survival.diffusion(
        usable.map { s[$0] }, times: times, thickness: thickness, interval: interval, weights: fit.weights)
    }
    let byStays = Estimate(byBlocks.value, error: fit.relativeError * byBlocks.value, blocks: max(Int(fit.stays), 2))
    return .init(
      name, Estimate.wider(byBlocks, byStays), unit: "Å²/ps", what + "; lags \(times[0]) to \(times[times.count - 1]) ps",
      note: "the error would be \(String(format: "%.3g", byStays.error)) Å²/ps if atoms moved independently, with "
        + "\(Int(fit.stays)) stays that know nothing of one another")
  }

  /// A D whose 95 % interval has zero in it is none.
  private static var largestError: Double { 0.5 }

  /// Those of windows that began in the region.
  private func lags(_ total: [Double], _ kind: Int, upTo longest: Int) -> [Int] {
    windows.lags.indices.filter { windows.lags[$0] <= longest && total[slot($0, kind) + Slot.atStart] > 0 }
  }
}

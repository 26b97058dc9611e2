import MDAnalysis
import MDCore
import MDNumerics

/// How far the faces of a crack are apart behind its tip, by the bonds that were across its plane, and K of it.
///
/// The field's opening at r behind the tip is d = 2 √(2r/π) L⁻¹ k, so that (L d)² of a component falls linearly with x: the slope of the
/// line of least squares is −8/π K² and its zero is the tip, with no assumption of where that is.
struct CrackOpening {
  /// Along x, Å, ascending, and how the sides have moved apart there, Å.
  let profile: [(place: Double, opening: Vector3)]

  /// K_I (MPa√m) with the standard error of the line, and the tip, Å along x.
  struct Fit { var intensity: Double, error: Double, tip: Double, points: Int }

  /// Of places that are `between` behind `tip`; nil of fewer than four, and where the opening does not grow behind the tip.
  func fit(_ stroh: StrohSolution, tip: Double, between: (Double, Double)) -> Fit? {
    let stiffness = stroh.compliance.inverse
    let points = profile.filter { tip - $0.place >= between.0 && tip - $0.place <= between.1 }
      .map { (x: $0.place, y: ($0.opening * stiffness).y) }.map { (x: $0.x, y: $0.y * abs($0.y)) }
    let n = Double(points.count)
    guard points.count >= 4 else { return nil }
    let (mx, my) = (points.reduce(0) { $0 + $1.x } / n, points.reduce(0) { $0 + $1.y } / n)
    let sxx: Double = points.reduce(0) { $0 + ($1.x - mx) * ($1.x - mx) }
    let sxy: Double = points.reduce(0) { $0 + ($1.x - mx) * ($1.y - my) }
    let slope = sxy / sxx
    guard slope < 0 else { return nil }
    let rest: Double = points.reduce(0) { sum, p in
      let d = p.y - my - slope * (p.x - mx)
      return sum + d * d
    }
    // GPa√Å to MPa√m.
    let k = (-slope * .pi / 8).squareRoot() / StrohSolution.intensity
    let relative = (rest / (n - 2) / sxx).squareRoot() / abs(slope)
    return Fit(intensity: k, error: 0.5 * k * relative, tip: mx - my / slope, points: points.count)
  }

  /// The field's opening at r behind its tip, Å; k in MPa√m.
  static func field(_ stroh: StrohSolution, _ k: Vector3, behind r: Double) -> Vector3 {
    r <= 0 ? .zero : 2 * (2 * r / .pi).squareRoot() * StrohSolution.intensity * (k * stroh.compliance)
  }

  /// crack-opening.csv and K of it.
  func report(_ frame: CrackFrame, intensity: Double, centre: Double, tip: Double, between: (Double, Double)?) -> Report {
    let fit = between.flatMap { self.fit(frame.stroh, tip: centre, between: $0) }
    let rows = profile.map { p in
      let field = Self.field(frame.stroh, intensity * frame.mode, behind: centre - p.place)
      return [p.place, tip - p.place, p.opening.y, p.opening.x, p.opening.z, field.y, field.x, field.z]
    }
    let names = ["opening", "sliding", "tearing"]
    return Report(
      tables: [
        Report.Table(
          suffix: "opening",
          columns: [Figure("x", unit: "Å", digits: 10), Figure("behind_tip", unit: "Å", digits: 10)]
            + (names + names.map { "field_" + $0 }).map { Figure($0, unit: "Å", digits: 10) }, rows: rows)
      ],
      numbers: [
        Report.Number(
          "K_I_opening", Estimate(fit?.intensity ?? .nan, error: fit?.error ?? .nan), unit: "MPa√m",
          "of the opening's square against the place at the end, a straight line behind the tip",
          note: fit == nil ? "the faces do not tell" : nil),
        Report.Number(
          "tip_opening", Estimate(fit?.tip ?? .nan), unit: "Å", "where that line is zero, along x",
          note: fit == nil ? "the faces do not tell" : nil),
      ], samples: 1)
  }
}

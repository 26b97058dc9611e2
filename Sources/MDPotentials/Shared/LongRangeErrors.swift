import Foundation
import MDCore

/// What is said of the errors of sums over charges, and what follows from them: more than twice the error asked for
/// is a warning, more than ten times an error.
struct LongRangeErrors {
  /// So many charges' error is measured for the log; with more it would take too much memory and time.
  static let measurable = 200_000
  private static let suspicious = 2.0
  private static let unbearable = 10.0

  /// As it stands in the log, for example "coulomb".
  let name: String
  let solver: any LongRangeSolver
  /// Of the last preparation.
  let system: LongRangeSystem
  let charges: UnsafePointer<Double>
  let atoms: AtomView

  static func short(_ x: Double) -> String { x == 0 ? "0" : String(format: "%.2g", x) }

  /// The error of the solver's sums, measured where it can be, and of a slab's gap. Collective; throws as `judge`.
  /// - Parameter pairs: what cutting the pairs is reckoned to do to forces, eV/Å.
  func notes(pairs: Double) throws -> [String] {
    let measured = system.charges.count <= Self.measurable
      ? try solver.measuredError(of: charges, on: atoms, system) : nil
    var notes = [
      "\(name): estimated force error \(Self.short(pairs)) eV/Å (pairs) and "
        + "\(Self.short(solver.estimatedError)) eV/Å (\(solver.name)"
        + (measured.map { "; measured \(Self.short($0)) eV/Å" } ?? "") + ")"
    ]
    if let gap = solver.gap {
      notes.append(
        "\(name): slab in a periodic cell of \(String(format: "%.1f", gap.height)) Å, "
          + "\(String(format: "%.2f", gap.height / gap.boxHeight)) times the box"
          + (gap.isChosen ? " (chosen)" : "") + "; its copies are \(String(format: "%.1f", gap.gap)) Å away, which is "
          + "\(String(format: "%.2f", gap.gap / gap.length)) of the lateral length "
          + "\(String(format: "%.2f", gap.length)) Å, force error below \(Self.short(gap.error)) eV/Å")
    }
    if let measured {
      notes += try judge(
        measured, "the measured force error of \(solver.name)",
        "charges that are correlated more strongly than estimates reckon: ask for less error, or give a longer cutoff")
    }
    if pairs > Self.suspicious * solver.askedError, solver.askedError > 0 {
      notes.append(warning("the estimated force error of the pairs", pairs) + "; `splitting` is too small")
    }
    return notes + (try warnings())
  }

  /// Of what can change at any time: the gap of a slab whose height was given.
  func warnings() throws -> [String] {
    guard let gap = solver.gap, gap.error > solver.askedError else { return [] }
    let factor = (10 * gap.needed / gap.boxHeight).rounded(.up) / 10
    return try judge(
      solver.imageError(of: charges, on: atoms), "the force that the slab's copies exert on it",
      "leave `slab_factor` out and it is chosen; \(factor) is enough", suspicious: 1)
  }

  private func judge(
    _ error: Double, _ what: String, _ hint: String, suspicious: Double = Self.suspicious
  ) throws -> [String] {
    let asked = solver.askedError
    guard asked > 0, error > suspicious * asked else { return [] }
    guard error <= Self.unbearable * asked else {
      throw FaultlineError(
        .input, "\(name): " + text(what, error), hint: hint, isCollective: true)
    }
    return [warning(what, error) + "; \(hint)"]
  }

  private func text(_ what: String, _ error: Double) -> String {
    "\(what) is \(Self.short(error)) eV/Å, \(Self.short(error / solver.askedError)) times the accuracy asked for"
  }

  private func warning(_ what: String, _ error: Double) -> String { "warning: \(name): " + text(what, error) }
}

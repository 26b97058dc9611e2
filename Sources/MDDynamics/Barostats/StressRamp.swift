import MDCore
import MDDeck
import MDNumerics

/// A stress (bar, positive in tension) that is constant or changes linearly between two absolute steps.
package struct StressRamp: Sendable, Equatable {
  package let start: Matrix3
  package let end: Matrix3
  /// The step before the stage's first: there the target is `start`.
  package let firstStep: Int
  /// Here, and after it, the target is `end`.
  package let lastStep: Int

  package init(from start: Matrix3, to end: Matrix3, firstStep: Int, lastStep: Int) {
    (self.start, self.end, self.firstStep, self.lastStep) = (start, end, firstStep, lastStep)
  }

  /// Bar.
  package func stress(at step: Int) -> Matrix3 {
    if start == end || step <= firstStep { return start }
    if step >= lastStep { return end }
    return start + (Double(step - firstStep) / Double(lastStep - firstStep)) * (end - start)
  }

  /// "0 bar", "1000 → 2000 bar", or the components of a stress.
  package var phrase: String {
    func text(_ m: Matrix3) -> String {
      if m == m.x.x * .identity { return String(format: "%g bar", m.x.x == 0 ? 0 : -m.x.x) }
      let c = [m.x.x, m.y.y, m.z.z, m.y.z, m.x.z, m.x.y]
      let given = zip(Voigt.names, c).filter { $0.1 != 0 }
      return "stress " + given.map { String(format: "\($0.0) %g", $0.1) }.joined(separator: ", ") + " bar"
    }
    return start == end ? text(start) : "\(text(start)) → \(text(end))"
  }
}

import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// What one boundary's starts can be: displacements in its cell of non-identical displacements, and numbers of atoms.
struct BoundarySpace {
  /// Its place in the family, from 0.
  let number: Int
  let model: any BoundaryModel
  let cell: NonidenticalDisplacements
  let symmetry: DisplacementSymmetry
  /// Atoms of an atomic plane.
  let plane: Int
  /// Atoms that may be taken out at each boundary.
  let removals: [Int]
  /// Å.
  let neighbor: Double
  /// Of one boundary in the cell, Å².
  let area: Double
  /// Of the cell without atoms taken out.
  let atoms: Int
  /// Whether the two boundaries of a cell can be kept alike for a displacement that is nothing special.
  let areAlike: Bool

  var title: String { model.title }
  var folder: String { model.folder }

  /// - Parameter kept: fractions of an atomic plane; nil: what there is of one crystal, all of two.
  init(_ model: any BoundaryModel, number: Int, kept: ClosedRange<Double>?) throws {
    self.number = number
    self.model = model
    cell = model.displacements
    let atomsPerPlane = model.atomsPerPlane
    plane = atomsPerPlane
    neighbor = model.nearestNeighborDistance
    let whole = try model.bicrystal(shift: .zero, ofOnePeriod: false)
    (area, atoms) = (cross(whole.box.cell.x, whole.box.cell.y).length, whole.count)
    symmetry = DisplacementSymmetry(try model.bicrystal(shift: .zero, ofOnePeriod: true), cell)
    // A displacement without any symmetry of its own.
    areAlike = BoundaryExchange(try model.bicrystal(shift: SIMD2(0.2371, 0.3917), ofOnePeriod: true)) != nil
    // A plane less is a displacement: the numbers that matter are 0 … plane − 1.
    let kept = kept ?? (model.isHeterophase ? 1...1 : 0...1)
    removals = (0..<atomsPerPlane).filter { m in
      m == 0 ? kept.upperBound == 1 || kept.lowerBound == 0
        : !model.keepsAtoms && kept.contains(1 - Double(m) / Double(atomsPerPlane))
    }
    guard !removals.isEmpty else {
      throw FaultlineError(
        .input, "`search.over.atoms` leaves no number of atoms for \(title), whose planes have \(plane)",
        hint: "a wider range, or a larger `repeat`", isCollective: true)
    }
  }

  // MARK: Starts

  /// A start that is like no other.
  struct Start: Codable, Equatable, Sendable {
    /// Fractions of the cell of displacements.
    var shift: SIMD2<Double>
    /// Taken out at each boundary.
    var removed: Int
  }

  /// The points of a grid that no symmetry makes equal to an earlier one, with each number of atoms. `skipped` are the others.
  func grid(_ search: SearchPlan) -> (starts: [Start], skipped: Int) {
    let (u, v) = cell.vectors
    func points(_ w: SIMD2<Double>) -> Int { max(1, Int(((w * w).sum().squareRoot() / search.spacing - 1e-9).rounded(.up))) }
    let (n, m) = search.grid ?? (points(u), points(v))
    var kept: [SIMD2<Double>] = []
    for i in 0..<n {
      for j in 0..<m {
        let t = SIMD2(Double(i) / Double(n), Double(j) / Double(m))
        if !kept.contains(where: { symmetry.areEquivalent($0, t, tolerance: 1e-6) }) { kept.append(t) }
      }
    }
    return (kept.flatMap { t in removals.map { Start(shift: t, removed: $0) } }, (n * m - kept.count) * removals.count)
  }

  /// An even distribution over the whole space.
  func random(seed: UInt64, trial: Int) -> Start {
    var numbers = CounterRandom(seed: seed, stream: .searchProposals, id: Int64(number), step: trial)
    let shift = SIMD2(numbers.uniform(), numbers.uniform())
    return Start(shift: shift, removed: removals[min(Int(numbers.uniform() * Double(removals.count)), removals.count - 1)])
  }
}

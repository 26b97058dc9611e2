import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// What one boundary's starts can be: displacements in its cell of non-identical displacements, and numbers of atoms.
struct BoundarySpace {
  /// Its place in the family, from 0.
  let number: Int
  /// With its lattice constant.
  let plan: GrainBoundaryPlan
  let cell: NonidenticalDisplacements
  let symmetry: DisplacementSymmetry
  /// Atoms of an atomic plane.
  let plane: Int
  /// Atoms that may be taken out at each boundary.
  let removals: [Int]
  /// Å.
  let neighbor: Double
  /// Degrees: turn of the grains against each other, from the first twofold axis perpendicular to the tilt axis.
  let angle: Double
  /// Of one boundary in the cell, Å².
  let area: Double
  /// Of the cell without atoms taken out.
  let atoms: Int
  /// Whether the two boundaries of a cell can be kept alike for a displacement that is nothing special.
  let areAlike: Bool

  /// "Σ5 (310)[001]".
  var title: String {
    "Σ\(plan.sigma) (\(Self.indices(plan.plane)))[\(Self.indices(plan.axis))]" + (plan.kind == .twist ? " twist" : "")
  }
  /// "sigma5-310", for a folder.
  var folder: String { "sigma\(plan.sigma)-" + Self.indices(plan.plane).replacing(" ", with: "_") }

  init(_ plan: GrainBoundaryPlan, number: Int, kept: ClosedRange<Double>) throws {
    self.number = number
    self.plan = plan
    var builder = try StructureFactory.builder(plan)
    builder.overlap = 0
    cell = try builder.nonidenticalDisplacements()
    let atomsPerPlane = try builder.atomsPerPlane()
    plane = atomsPerPlane
    neighbor = builder.unitCell.nearestNeighborDistance
    let whole = try builder.build()
    (area, atoms) = (whole.area, whole.structure.count)
    builder.repeats = SIMD2(1, 1)
    symmetry = DisplacementSymmetry(try builder.build().structure, cell)
    // A displacement without any symmetry of its own.
    builder.shift = cell.ofEdges(SIMD2(0.2371, 0.3917))
    areAlike = BoundaryExchange(try builder.build().structure) != nil
    angle = plan.kind == .tilt ? Self.tilt(plan.axis, plan.plane) : whole.misorientation
    // A plane less is a displacement: the numbers that matter are 0 … plane − 1.
    let compound = plan.species.count > 1
    removals = (0..<atomsPerPlane).filter { m in
      m == 0 ? kept.upperBound == 1 || kept.lowerBound == 0 : !compound && kept.contains(1 - Double(m) / Double(atomsPerPlane))
    }
    guard !removals.isEmpty else {
      throw FaultlineError(
        .input, "`search.over.atoms` leaves no number of atoms for \(title), whose planes have \(plane)",
        hint: "a wider range, or a larger `repeat`", isCollective: true)
    }
  }

  /// Twice the angle between the plane's normal and a ⟨100⟩ or ⟨110⟩ direction perpendicular to the axis: the turn of a
  /// symmetric tilt boundary on the whole scale of such boundaries, of which Σ's smallest angle shows one half.
  private static func tilt(_ axis: SIMD3<Int>, _ plane: SIMD3<Int>) -> Double {
    let directions: [SIMD3<Int>] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]]
    func product(_ a: SIMD3<Int>, _ b: SIMD3<Int>) -> Double { Double((a &* b).wrappedSum()) }
    guard let zero = directions.first(where: { product($0, axis) == 0 }) else { return 0 }
    let cosine = abs(product(zero, plane)) / (product(zero, zero) * product(plane, plane)).squareRoot()
    return 2 * acos(min(1, cosine)) * 180 / .pi
  }

  private static func indices(_ v: SIMD3<Int>) -> String {
    let numbers = [v.x, v.y, v.z]
    return numbers.map(String.init).joined(separator: numbers.allSatisfy { (0...9).contains($0) } ? "" : " ")
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

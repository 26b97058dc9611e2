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
  /// Formula units of an atomic plane, of an element its atoms.
  let units: Int
  /// Of each grain, by species; empty for elements, whose atoms are units.
  let formulas: [[Int]]
  let species: [String]
  /// What may be taken out and exchanged at each boundary.
  let contents: [Content]
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

  init(_ model: any BoundaryModel, number: Int, _ search: SearchPlan) throws {
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
    let kept = search.kept ?? (model.isHeterophase || model.isCompound ? 1...1 : 0...1)
    let crystals = try model.crystals.map(\.structure)
    species = crystals[0].species
    formulas = model.isCompound ? model.crystalOfGrain.map { Self.formula(crystals[$0]) } : []
    let units = atomsPerPlane / (formulas.first?.reduce(0, +) ?? 1)
    self.units = units
    let removals = (0..<max(units, 1)).filter { m in
      m == 0 ? kept.upperBound == 1 || kept.lowerBound == 0 : kept.contains(1 - Double(m) / Double(units))
    }
    contents = Self.contents(removals, species.map { search.vacancies[$0] ?? 0 }, swaps: search.swaps)
    guard !removals.isEmpty else {
      throw FaultlineError(
        .input, "`search.over.atoms` leaves no number of atoms for \(title), whose planes have \(Self.amount(units, model))",
        hint: "a wider range, or a larger `repeat`", isCollective: true)
    }
  }

  // MARK: Starts

  /// What is done to the atoms of each boundary.
  struct Content: Hashable, Sendable {
    /// Formula units taken out, of an element atoms.
    var removed = 0
    /// Single atoms taken out, by species; empty where none may be.
    var vacancies: [Int] = []
    /// Pairs of unlike atoms that exchange their places.
    var swaps = 0

    /// Whether it has the same numbers of atoms.
    func hasAtoms(of other: Content) -> Bool { removed == other.removed && vacancies == other.vacancies }
  }

  /// A start that is like no other.
  struct Start: Codable, Equatable, Sendable {
    /// Fractions of the cell of displacements.
    var shift: SIMD2<Double>
    /// See `Content`.
    var removed: Int
    /// nil for none.
    var vacancies: [Int]?
    var swaps: Int?

    init(shift: SIMD2<Double>, _ content: Content = Content()) {
      (self.shift, removed) = (shift, content.removed)
      vacancies = content.vacancies.isEmpty ? nil : content.vacancies
      swaps = content.swaps == 0 ? nil : content.swaps
    }

    var content: Content { Content(removed: removed, vacancies: vacancies ?? [], swaps: swaps ?? 0) }
  }

  /// Every combination; the units change fastest.
  private static func contents(_ removals: [Int], _ vacancies: [Int], swaps: Int) -> [Content] {
    var missing: [[Int]] = [[]]
    if vacancies.contains(where: { $0 > 0 }) {
      for most in vacancies { missing = missing.flatMap { some in (0...most).map { some + [$0] } } }
    }
    return (0...swaps).flatMap { n in
      missing.flatMap { some in removals.map { Content(removed: $0, vacancies: some, swaps: n) } }
    }
  }

  /// Atoms of a formula unit, by species.
  private static func formula(_ crystal: Structure) -> [Int] {
    let counts = crystal.species.indices.map { k in crystal.types.count { Int($0) == k } }
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    let least = counts.reduce(0, divisor)
    return counts.map { $0 / max(least, 1) }
  }

  private static func amount(_ units: Int, _ model: any BoundaryModel) -> String {
    RunLog.counted(units, model.isCompound ? "formula unit" : "atom")
  }

  /// "0, 1 of 4 formula units a plane taken out, up to 1 O besides, up to 2 pairs exchanged".
  var amounts: String {
    let units = Set(contents.map(\.removed)).sorted().map(String.init).joined(separator: ", ")
    let single = species.indices.compactMap { k -> String? in
      let most = contents.compactMap { $0.vacancies.isEmpty ? nil : $0.vacancies[k] }.max() ?? 0
      return most == 0 ? nil : "up to \(most) \(species[k])"
    }
    let swaps = contents.map(\.swaps).max() ?? 0
    return "\(units) of \(Self.amount(self.units, model)) a plane taken out"
      + (single.isEmpty ? "" : ", \(single.joined(separator: " and ")) besides")
      + (swaps == 0 ? "" : ", up to \(RunLog.counted(swaps, "pair")) exchanged")
  }

  func removal(_ content: Content) -> BicrystalStart.Removal {
    BicrystalStart.Removal(units: content.removed, vacancies: content.vacancies, formulas: formulas)
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
    return (kept.flatMap { t in contents.map { Start(shift: t, $0) } }, (n * m - kept.count) * contents.count)
  }

  /// An even distribution over the whole space.
  func random(seed: UInt64, trial: Int) -> Start {
    var numbers = CounterRandom(seed: seed, stream: .searchProposals, id: Int64(number), step: trial)
    let shift = SIMD2(numbers.uniform(), numbers.uniform())
    return Start(shift: shift, contents[min(Int(numbers.uniform() * Double(contents.count)), contents.count - 1)])
  }
}

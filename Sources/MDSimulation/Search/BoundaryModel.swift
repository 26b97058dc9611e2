import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// A boundary whose states a search looks for: how its bicrystals are built, and the crystals that it is measured against.
protocol BoundaryModel: Sendable {
  /// "Σ5 (310)[001]".
  var title: String { get }
  /// "sigma5-310".
  var folder: String { get }
  /// Everything that bicrystals hang on, in words.
  var identity: String { get }
  /// Of displacements that make different boundaries.
  var displacements: NonidenticalDisplacements { get }
  /// Atoms of an atomic plane: a whole plane less is a displacement.
  var atomsPerPlane: Int { get }
  /// Whether a crystal has several species: then it loses whole formula units.
  var isCompound: Bool { get }
  /// Between the crystals on its two sides there is no boundary energy without their own: what the crystals cost apart is a
  /// part of the answer.
  var isHeterophase: Bool { get }
  /// Å.
  var nearestNeighborDistance: Double { get }
  /// Degrees; nil where no angle orders boundaries.
  var angle: Double? { get }

  /// Two grains, two boundaries, every atom, grains not drawn apart. `shift` in fractions of the cell of displacements.
  func bicrystal(shift: SIMD2<Double>, ofOnePeriod: Bool) throws -> Structure
  /// What grain 0 and grain 1 are made of: places in `crystals`.
  var crystalOfGrain: [Int] { get }
  var crystals: [BoundaryCrystal] { get throws }
  /// Whether they are relaxed, like the bicrystals, before they are compared with.
  var relaxesCrystals: Bool { get }
  /// What of the cell relaxes along with the atoms.
  var relaxedCell: String { get }
}

/// A crystal at a boundary.
struct BoundaryCrystal: Sendable {
  /// One cell, strained in the plane of the boundary as it is there.
  var structure: Structure
  /// The same without strain; nil where there is none.
  var unstrained: Structure?
}

/// A grain boundary of cubic crystals.
struct GrainBoundaryModel: BoundaryModel {
  /// With its lattice constant.
  let plan: GrainBoundaryPlan

  var title: String {
    "Σ\(plan.sigma) (\(Self.indices(plan.plane)))[\(Self.indices(plan.axis))]" + (plan.kind == .twist ? " twist" : "")
  }
  var folder: String { "sigma\(plan.sigma)-" + Self.indices(plan.plane).replacing(" ", with: "_") }
  var identity: String { "\(plan)" }
  var isCompound: Bool { plan.species.count > 1 }
  var isHeterophase: Bool { false }

  private let builder: GrainBoundary
  let displacements: NonidenticalDisplacements
  let atomsPerPlane: Int
  let angle: Double?

  init(_ plan: GrainBoundaryPlan) throws {
    self.plan = plan
    var builder = try StructureFactory.builder(plan)
    (builder.overlap, builder.expansion) = (0, 0)
    self.builder = builder
    displacements = try builder.nonidenticalDisplacements()
    atomsPerPlane = try builder.atomsPerPlane()
    angle = plan.kind == .tilt ? Self.tilt(plan.axis, plan.plane) : try builder.build().misorientation
  }

  var nearestNeighborDistance: Double { builder.unitCell.nearestNeighborDistance }

  func bicrystal(shift: SIMD2<Double>, ofOnePeriod: Bool) throws -> Structure {
    var builder = builder
    builder.shift = displacements.ofEdges(shift)
    if ofOnePeriod { builder.repeats = SIMD2(1, 1) }
    return try builder.build().structure
  }

  var crystalOfGrain: [Int] { [0, 0] }
  var relaxesCrystals: Bool { false }
  var relaxedCell: String { "normal" }
  var crystals: [BoundaryCrystal] { get throws { [BoundaryCrystal(structure: try StructureFactory.perfectCrystal(of: plan))] } }

  /// Twice the angle between the plane's normal and a ⟨100⟩ or ⟨110⟩ direction perpendicular to the axis: the turn of a
  /// symmetric tilt boundary on the whole scale of such boundaries, of which Σ's smallest angle shows one half.
  private static func tilt(_ axis: SIMD3<Int>, _ plane: SIMD3<Int>) -> Double {
    let directions: [SIMD3<Int>] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]]
    func product(_ a: SIMD3<Int>, _ b: SIMD3<Int>) -> Double { Double((a &* b).wrappedSum()) }
    guard let zero = directions.first(where: { product($0, axis) == 0 }) else { return 0 }
    let cosine = abs(product(zero, plane)) / (product(zero, zero) * product(plane, plane)).squareRoot()
    return 2 * acos(min(1, cosine)) * 180 / .pi
  }

  static func indices(_ v: SIMD3<Int>) -> String {
    let numbers = [v.x, v.y, v.z]
    return numbers.map(String.init).joined(separator: numbers.allSatisfy { (0...9).contains($0) } ? "" : " ")
  }
}

/// An interface of any two crystals, with one of its terminations.
struct InterfaceModel: BoundaryModel {
  let interface: Interface
  let termination: Int
  /// Of the pair's matches, in the order of their areas.
  let match: Int
  /// "Cu", "Li2O".
  let names: (lower: String, upper: String)

  var planes: (lower: SIMD3<Int>, upper: SIMD3<Int>) {
    let p = interface.pair.planes
    return (SIMD3(p.lower.x, p.lower.y, p.lower.z), SIMD3(p.upper.x, p.upper.y, p.upper.z))
  }
  /// The principal strains of the crystals that are larger, either sign.
  var strains: (lower: Double, upper: Double) {
    func larger(_ s: (Double, Double)) -> Double { abs(s.0) > abs(s.1) ? s.0 : s.1 }
    return (larger(interface.strains.lower), larger(interface.strains.upper))
  }
  var ends: (lower: String, upper: String) { interface.terminations[termination].planes }

  var title: String {
    let (p, q) = (GrainBoundaryModel.indices(planes.lower), GrainBoundaryModel.indices(planes.upper))
    return "\(names.lower)(\(p)) | \(names.upper)(\(q))" + (match > 0 ? ", match \(match)" : "")
      + (interface.terminations.count > 1 ? ", ends \(ends.lower) | \(ends.upper) (\(termination))" : "")
  }
  var folder: String {
    let (p, q) = (GrainBoundaryModel.indices(planes.lower), GrainBoundaryModel.indices(planes.upper))
    return "\(p)-\(q)-match\(match)-ends\(termination)".replacing(" ", with: "_")
  }
  var identity: String {
    "\(names) \(planes) \(interface.cell) \(interface.strains) \(interface.thicknesses) \(interface.options.repeats) \(termination) "
      + (0..<2).map { interface.crystal($0) }.map { "\($0.types) \($0.positions)" }.joined(separator: " ")
  }
  var displacements: NonidenticalDisplacements { interface.displacements }
  var atomsPerPlane: Int { interface.atomsPerPlane }
  var isCompound: Bool { interface.hasCompound }
  var isHeterophase: Bool { !interface.isHomophase }
  var nearestNeighborDistance: Double { interface.nearestNeighborDistance }
  var angle: Double? { nil }

  func bicrystal(shift: SIMD2<Double>, ofOnePeriod: Bool) throws -> Structure {
    try (ofOnePeriod ? interface.ofOnePeriod : interface).structure(shift: (shift.x, shift.y), termination: termination)
  }

  /// Each has its own strain, also where both are one crystal.
  var crystalOfGrain: [Int] { [0, 1] }
  var relaxesCrystals: Bool { true }
  /// The two interfaces are images of one another by inversion: crystals slide against each other only as the cell leans.
  var relaxedCell: String { "out_of_plane" }
  var crystals: [BoundaryCrystal] {
    let strains = interface.strains
    return [(0, strains.lower), (1, strains.upper)].map { grain, strain in
      BoundaryCrystal(
        structure: interface.crystal(grain),
        unstrained: max(abs(strain.0), abs(strain.1)) > 1e-9 ? interface.crystal(grain, isStrained: false) : nil)
    }
  }
}

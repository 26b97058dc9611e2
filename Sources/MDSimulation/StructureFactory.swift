import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDStructures

/// A structure, what its builder says of it, and its grain boundaries.
struct BuiltStructure {
  var structure: Structure
  /// For the log.
  var notes: [String] = []
  var geometry: BoundaryEnergy.Geometry?
}

/// The deck's structure section at work. Runs on rank 0.
enum StructureFactory {
  static func build(_ plan: RunPlan) throws -> BuiltStructure {
    guard let source = plan.structure else { preconditionFailure("the deck's purpose requires a structure") }
    do {
      var built = try build(source.source, types: plan.numberedTypes)
      // An axis may be opened by the file or by the deck.
      if let periodic = source.periodic { built.structure.box.periodic = periodic }
      built.structure.clearImagesAlongOpenAxes()
      built.notes += built.structure.notes
      if source.replicate != SIMD3(1, 1, 1) {
        built.structure = try built.structure.replicated(source.replicate)
        // Boundaries are in the plane of a and b; copies along c repeat them.
        built.geometry?.area *= Double(source.replicate.x * source.replicate.y)
        built.geometry?.boundaries *= source.replicate.z
        let copies = source.replicate.x * source.replicate.y * source.replicate.z
        if let removed = built.geometry?.removed { built.geometry?.removed = removed * copies }
      }
      return built
    } catch var error as FaultlineError {
      error.kind = .input
      if error.location == nil { error.location = source.location }
      throw error
    }
  }

  private static func build(_ source: StructurePlan.Source, types: [String]?) throws -> BuiltStructure {
    switch source {
    case .file(let file):
      return BuiltStructure(
        structure: try StructureFile.read(
          file.path, format: file.format.flatMap { .init(rawValue: $0.rawValue) }, species: file.species, types: types))
    case .lattice(let lattice):
      let cell = try unitCell(lattice.type, a: lattice.constant, c: lattice.c, species: lattice.species)
      return BuiltStructure(
        structure: try CrystalBlock(
          cell, size: lattice.size, orientation: lattice.orientation, vacuum: lattice.vacuum
        ).build())
    case .crystal(let crystal):
      let cell = try UnitCell(
        cell: crystal.cell, sites: crystal.basis.map { UnitCell.Site($0.position, $0.species) })
      return BuiltStructure(
        structure: try CrystalBlock(cell, size: crystal.size, vacuum: crystal.vacuum).build())
    case .grainBoundary(let plan):
      return try build(plan)
    }
  }

  private static func build(_ plan: GrainBoundaryPlan) throws -> BuiltStructure {
    let cell = try unitCell(plan.lattice, a: plan.constant, c: nil, species: plan.species)
    var builder = GrainBoundary(
      plan.kind == .tilt ? .tilt : .twist, cell, axis: plan.axis, sigma: plan.sigma,
      plane: plan.kind == .tilt ? plan.plane : nil)
    builder.repeats = SIMD2(plan.repetition.0, plan.repetition.1)
    builder.thickness = .atLeast(plan.thickness)
    builder.freeSurfaces = plan.freeSurfaces
    builder.vacuum = plan.vacuum
    builder.shift = SIMD2(plan.shift.0, plan.shift.1)
    builder.expansion = plan.expansion
    builder.overlap = plan.overlap
    let result = try builder.build()
    var notes = [
      "Σ\(result.sigma) (\(indices(result.plane)))[\(indices(result.axis))] \(plan.kind.rawValue) boundary of "
        + "\(plan.lattice.rawValue) \(plan.species.joined(separator: "-")), misorientation "
        + "\(RunLog.fixed(result.misorientation, 2))°, period \(RunLog.fixed(result.periods.x, 3)) × "
        + "\(RunLog.fixed(result.periods.y, 3)) Å, grains \(RunLog.fixed(result.grainThickness, 2)) Å thick"
    ]
    if result.removedCount > 0 {
      notes.append(
        "\(result.removedCount) overlapping atoms removed: \(result.structure.count) are left, whatever the expansion")
    }
    if !result.boundariesAreEquivalent { notes.append("the two boundaries of the cell are not alike by symmetry") }
    notes += result.warnings.map { "warning: \($0)" }
    return BuiltStructure(
      structure: result.structure, notes: notes,
      geometry: .init(area: result.area, boundaries: result.boundaryCount, removed: result.removedCount))
  }

  /// One conventional cell of the crystal that a boundary's grains are made of.
  static func perfectCrystal(of plan: GrainBoundaryPlan) throws -> Structure {
    try CrystalBlock(unitCell(plan.lattice, a: plan.constant, c: nil, species: plan.species)).build()
  }

  private static func unitCell(
    _ type: LatticeKind, a: Double, c: Double?, species: [String]
  ) throws -> UnitCell {
    guard let lattice = LatticeType(rawValue: type.rawValue) else {
      preconditionFailure("the deck's lattices are those of the builders")
    }
    return try lattice.unitCell(a: a, c: c, species: species)
  }

  private static func indices(_ v: SIMD3<Int>) -> String {
    let numbers = [v.x, v.y, v.z]
    return numbers.map(String.init).joined(separator: numbers.allSatisfy { (0...9).contains($0) } ? "" : " ")
  }
}

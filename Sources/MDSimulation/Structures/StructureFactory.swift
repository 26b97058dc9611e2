import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel
import MDStructures

/// A rank's share of a structure. What its builder says of it, and its grain boundaries, are rank 0's.
struct BuiltStructure {
  var structure: Structure
  /// For the log.
  var notes: [String] = []
  var geometry: BoundaryEnergy.Geometry?
}

/// The deck's structure section at work.
enum StructureFactory {
  /// This rank's share; nil on ranks without one. Shares in the order of ranks are the structure, the same on any number of
  /// ranks. Collective.
  ///
  /// Crystals, polycrystals, spherical grains and copies (`replicate`) of any structure are made by all ranks. Other builders, and changes
  /// (`modify`), which look at the whole, are rank 0's.
  ///
  /// - Parameters:
  ///   - file: what `read` gave on rank 0, if it was called before.
  ///   - isWhole: rank 0 gets all atoms.
  ///   - admit: is asked before atoms are made, copies of those of a file too.
  static func build(
    _ plan: RunPlan, file: Structure? = nil, communicator: any Communicator, isWhole: Bool = false,
    admit: @escaping StructureSize.Admission = { _, _ in }
  ) throws -> BuiltStructure? {
    guard let source = plan.structure else { preconditionFailure("the deck's purpose requires a structure") }
    let copies = source.replicate
    let repeats = copies != SIMD3(1, 1, 1)
    let isWhole = isWhole || !source.modifiers.isEmpty
    var built = try originals(plan, source, file: file, communicator: communicator, isWhole: isWhole || repeats) { box, atoms in
      var box = box
      let cell = box.cell
      box.setCell(Matrix3(Double(copies.x) * cell.x, Double(copies.y) * cell.y, Double(copies.z) * cell.z))
      if let periodic = source.periodic { box.periodic = periodic }
      try admit(box, atoms * Double(copies.x) * Double(copies.y) * Double(copies.z))
    }
    // An axis may be opened by the file or by the deck.
    if let periodic = source.periodic { built?.structure.box.periodic = periodic }
    built?.structure.clearImagesAlongOpenAxes()
    if let notes = built?.structure.notes { built?.notes += notes }
    if repeats { try repeatCopies(&built, copies, source, communicator, isWhole: isWhole) }
    try communicator.agree {
      guard communicator.isRoot, var whole = built else { return }
      built = nil
      try blaming(source) {
        // All species that the deck may bring, in its order, so that potentials know them before there are atoms.
        for name in source.added(to: whole.structure.species) { _ = whole.structure.type(of: name) }
        whole.notes += try whole.structure.modify(
          source.modifiers, seed: plan.seed, charges: plan.species.compactMapValues(\.charge))
      }
      built = whole
    }
    return built
  }

  /// What there is before copies and changes. Collective.
  private static func originals(
    _ plan: RunPlan, _ source: StructurePlan, file: Structure?, communicator: any Communicator, isWhole: Bool,
    admit: StructureSize.Admission
  ) throws -> BuiltStructure? {
    var share: BuiltStructure
    switch source.source {
    case .lattice, .crystal:
      share = try communicator.agree {
        try blaming(source) {
          BuiltStructure(structure: try block(source.source).build(part: StructurePart(communicator), admit: admit))
        }
      }
    case .polycrystal(let wanted):
      share = try PolycrystalFactory.build(wanted, source, plan, communicator: communicator, admit: admit)
    case .sphericalGrain(let wanted):
      share = try SphericalGrainFactory.build(wanted, source, plan, communicator: communicator, admit: admit)
    default:
      var built: BuiltStructure?
      try communicator.agree {
        guard communicator.isRoot else { return }
        built = try blaming(source) { try build(source.source, plan, file: file, admit: admit) }
      }
      return built
    }
    guard isWhole else { return share }
    guard let whole = Distribution.gather(share.structure, communicator: communicator) else { return nil }
    share.structure = whole
    return share
  }

  /// Copies of rank 0's structure: each rank makes its part of them, or rank 0 all. Collective.
  private static func repeatCopies(
    _ built: inout BuiltStructure?, _ copies: SIMD3<Int>, _ source: StructurePlan, _ communicator: any Communicator,
    isWhole: Bool
  ) throws {
    // Boundaries are in the plane of a and b; copies along c repeat them.
    built?.geometry?.area *= Double(copies.x * copies.y)
    built?.geometry?.boundaries *= copies.z
    if let removed = built?.geometry?.removed { built?.geometry?.removed = removed * copies.x * copies.y * copies.z }
    let shared = isWhole ? built?.structure : Distribution.everywhere(built?.structure, communicator: communicator)
    let part = isWhole ? StructurePart.whole : StructurePart(communicator)
    let share = try communicator.agree {
      try blaming(source) { try shared?.replicated(copies, part: part) }
    }
    guard let share else { return }
    if built == nil { built = BuiltStructure(structure: share) } else { built?.structure = share }
  }

  /// The structure of a file, before copies are made of it; nil for builders.
  static func read(_ plan: RunPlan) throws -> Structure? {
    guard let source = plan.structure, case .file(let file) = source.source else { return nil }
    return try blaming(source) { try read(file, types: plan.numberedTypes) }
  }

  static func read(_ file: StructureFilePlan, types: [String]?) throws -> Structure {
    try StructureFile.read(
      file.path, format: file.format.flatMap { .init(rawValue: $0.rawValue) }, species: file.species, types: types)
  }

  /// Mistakes are those of the deck's section.
  static func blaming<T>(_ source: StructurePlan, _ body: () throws -> T) throws -> T {
    do { return try body() } catch var error as FaultlineError {
      error.kind = .input
      if error.location == nil { error.location = source.location }
      throw error
    }
  }

  /// Structures that rank 0 makes.
  private static func build(
    _ source: StructurePlan.Source, _ whole: RunPlan, file read: Structure?, admit: StructureSize.Admission
  ) throws -> BuiltStructure {
    let types = whole.numberedTypes
    switch source {
    case .file(let file):
      var structure = try read ?? self.read(file, types: types)
      try admit(structure.box, Double(structure.count))
      if let held = structure.held {
        let count = "the file holds \(held.count { $0 }) of its \(RunLog.counted(held.count, "atom"))"
        let group = whole.groups.first { $0.selection.isHeld != nil }
        structure.notes.append(
          group != nil
            ? "\(count), see group \(group!.name)"
            : "warning: \(count), which move here; `groups: {held: {select: {held: true}, frozen: true}}` holds them")
      }
      return BuiltStructure(structure: structure)
    case .grainBoundary(let plan):
      return try build(plan, admit: admit)
    case .interface(let plan):
      return try InterfaceFactory.build(plan, species: whole.species, types: types, admit: admit)
    case .crack(let plan): return try CrackFactory.build(plan, types: types, admit: admit)
    case .lattice, .crystal, .polycrystal, .sphericalGrain: preconditionFailure("all ranks make these, see `originals`")
    case .enumeration, .match:
      throw FaultlineError(.input, "this structure is a table and has no atoms", hint: "`faultline build` prints it")
    }
  }

  /// The builder of a deck's lattice or crystal.
  private static func block(_ source: StructurePlan.Source) throws -> CrystalBlock {
    switch source {
    case .lattice(let lattice):
      CrystalBlock(
        try unitCell(lattice.type, a: try known(lattice.constant), c: lattice.c, species: lattice.species),
        size: lattice.size, orientation: lattice.orientation, vacuum: lattice.vacuum)
    case .crystal(let crystal):
      CrystalBlock(
        try UnitCell(cell: crystal.cell, sites: crystal.basis.map { UnitCell.Site($0.position, $0.species) }),
        size: crystal.size, vacuum: crystal.vacuum)
    default: preconditionFailure("only crystals are blocks")
    }
  }

  /// The builder of a deck's boundary.
  static func builder(_ plan: GrainBoundaryPlan) throws -> GrainBoundary {
    guard plan.sigma > 0 else {
      throw FaultlineError(
        .input, "a family of boundaries is no single structure", hint: "give `sigma` and `plane`, and no `search.family`")
    }
    let cell = try unitCell(plan.lattice, a: try known(plan.constant), c: nil, species: plan.species)
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
    return builder
  }

  private static func build(_ plan: GrainBoundaryPlan, admit: StructureSize.Admission) throws -> BuiltStructure {
    let result = try builder(plan).build(admit: admit)
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

  /// The species of a structure whose crystals come from files, which name them.
  static func species(_ structure: StructurePlan, types: [String]?) throws -> [String] {
    switch structure.source {
    case .interface(let interface): try InterfaceFactory.species(interface, types: types)
    case .polycrystal(let polycrystal): try CrystalFactory.unitCell(polycrystal.crystal, types: types).species
    case .sphericalGrain(let grain): try SphericalGrainFactory.species(grain, types: types)
    case .crack(let crack): try CrystalFactory.unitCell(crack.crystal, types: types).species
    default: structure.species ?? []
    }
  }

  /// One cell of the crystal that a boundary's grains, or an interface's lower crystal, are made of.
  static func perfectCrystal(of plan: RunPlan) throws -> Structure {
    switch plan.structure?.source {
    case .grainBoundary(let boundary): return try perfectCrystal(of: boundary)
    case .interface(let interface): return try CrystalFactory.crystal(interface.lower, types: plan.numberedTypes)
    default: preconditionFailure("the deck's check lets boundary_energy through only for grain boundaries")
    }
  }

  static func perfectCrystal(of boundary: GrainBoundaryPlan) throws -> Structure {
    try CrystalBlock(
      unitCell(boundary.lattice, a: try known(boundary.constant), c: nil, species: boundary.species)
    ).build()
  }

  /// `EquilibriumLattice.resolved` has put a number in place of `equilibrium`.
  static func known(_ constant: Double?) throws -> Double {
    guard let constant else { preconditionFailure("lattice constants are found before anything is built") }
    return constant
  }

  static func unitCell(
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

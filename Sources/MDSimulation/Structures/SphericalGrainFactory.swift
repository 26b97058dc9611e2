import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// The deck's ball of a crystal in another at work.
enum SphericalGrainFactory {
  /// Of both crystals, where files name them.
  static func species(_ wanted: SphericalGrainPlan, types: [String]?) throws -> [String] {
    let own = try CrystalFactory.unitCell(wanted.matrix, types: types).species
    let inner = try wanted.inner.map { try CrystalFactory.unitCell($0, types: types).species } ?? []
    return own + inner.filter { !own.contains($0) }
  }

  /// This rank's share of the atoms, and on rank 0 what is to be said of them. Collective.
  ///
  /// - Parameter admit: is asked before any atom is made.
  static func build(
    _ wanted: SphericalGrainPlan, _ source: StructurePlan, _ plan: RunPlan, communicator: any Communicator,
    admit: StructureSize.Admission
  ) throws -> BuiltStructure {
    let matrix = try PolycrystalFactory.unitCell(of: wanted.matrix, source, plan, communicator)
    let inner = try wanted.inner.map { try PolycrystalFactory.unitCell(of: $0, source, plan, communicator) } ?? matrix
    let part = StructurePart(communicator)
    let builder = try communicator.agree {
      try StructureFactory.blaming(source) {
        let made = try SphericalGrain(
          matrix, inner, size: wanted.size,
          rotation: wanted.angle == 0 ? .identity : Matrix3(rotationAbout: wanted.axis, by: wanted.angle * .pi / 180),
          center: wanted.center, radius: wanted.radius, overlap: wanted.overlap, keepsFormulaUnits: wanted.keepsFormulaUnits)
        let ball = 4 * Double.pi / 3 * wanted.radius * wanted.radius * wanted.radius
        let atoms = (made.box.volume - ball) / matrix.volume * Double(matrix.sites.count) + ball / inner.volume * Double(inner.sites.count)
        try StructureSize.check(atoms: atoms, "the atoms of this bicrystal", part: part)
        try admit(made.box, atoms)
        return made
      }
    }
    var built = BuiltStructure(structure: builder.build(part: part))
    let counts = (Int32(0)...1).map { grain in communicator.sum((built.structure.grains ?? []).count { $0 == grain }) }
    if communicator.isRoot {
      let ball = 4 * Double.pi / 3 * wanted.radius * wanted.radius * wanted.radius
      let whole = (builder.box.volume - ball) / matrix.volume * Double(matrix.sites.count)
      built.notes = [
        "ball of \(RunLog.counted(counts[1], "atom")) of \(inner.formula), \(RunLog.fixed(wanted.radius, 3)) Å in radius, turned by "
          + "\(RunLog.fixed(wanted.angle, 3))°, in \(RunLog.counted(counts[0], "atom")) of \(matrix.formula), "
          + "\(RunLog.fixed(100 * Double(counts[0]) / whole, 2)) % of those that it has room for"
      ]
    }
    return built
  }
}

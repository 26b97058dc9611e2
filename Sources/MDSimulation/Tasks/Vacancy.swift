import MDCore
import MDDeck
import MDNumerics
import MDStructures

extension TaskEntry {
  static let vacancy = TaskEntry(
    "vacancy",
    "Energy to form a vacancy, E(N − 1) − E(N) + μ, in a fixed cell of the crystal's equilibrium volume, with atoms relaxed and "
      + "not; and its volume from the pressure that is left.",
    [
      .optional("size", .vector(.copies), "Cells along each axis; enough for edges of 14 Å if absent."),
      .optional("species", .string, "Of the atom that is taken away; the first one if absent."),
      .optional(
        "chemical_potential", .quantity(.energy, .any),
        "μ, the energy of the atom where it goes; that of an atom of the crystal if absent (one species)."),
      tolerance,
    ], example: "size: [5, 5, 5]",
    check: { section, context in
      guard let species = context.plan.structure?.species else { return }
      if let name = section["species"]?.string, !species.contains(name) {
        context.refuse(
          section.error("species", "\(name) is not in the crystal", hint: "it has " + species.joined(separator: ", ")))
      }
      if Set(species).count > 1, section["chemical_potential"] == nil {
        context.refuse(
          FaultlineError(
            .input, "`chemical_potential` is missing in `vacancy`", hint: "the crystal has several species",
            at: section.location))
      }
    }
  ) { section, crystal in
    let lengths = crystal.lengths
    let size = section["size"]?.integerVector
      ?? SIMD3(lengths.map { max(1, Int((14 / $0).rounded(.up))) })
    let name = section["species"]?.string ?? crystal.unitCell.species[0]
    guard let species = crystal.unitCell.species.firstIndex(of: name) else {
      throw FaultlineError(.input, "no species `\(name)` in the crystal", at: section.location(of: "species"), isCollective: true)
    }
    guard crystal.unitCell.species.count == 1 || section["chemical_potential"] != nil else {
      throw FaultlineError(
        .input, "`chemical_potential` is missing in `vacancy`: the crystal has several species", at: section.location,
        isCollective: true)
    }
    let whole = try CrystalBlock(crystal.unitCell, size: size).build()
    guard whole.count > 1, let gone = whole.types.firstIndex(of: Int32(species)) else {
      throw FaultlineError(.input, "a cell of one atom cannot lose it", at: section.location, isCollective: true)
    }
    var rest = whole
    rest.positions.remove(at: gone)
    rest.types.remove(at: gone)
    let perfect = crystal.energy * Double(whole.count)
    let mu = section["chemical_potential"]?.double ?? crystal.energy
    let cell = try crystal.cell(of: rest)
    let unrelaxed = try cell.state().energy - perfect + mu
    let relaxation = try cell.relax(to: section.double("force_tolerance"))
    let formation = relaxation.state.energy - perfect + mu
    // What the cell would grow by without that pressure, with the crystal's bulk modulus.
    let primitive = try crystal.one(try crystal.unitCell.primitive().cell)
    let modulus = try ElasticConstants.measure(primitive, relaxed: true).polycrystal?.bulk.reuss
    let growth = modulus.map { -relaxation.state.stress.trace / 3 * relaxation.state.volume / $0 }
    let volume = growth.map { ($0 + crystal.atomicVolume) / crystal.atomicVolume }
    let pressure = -relaxation.state.stress.trace / 3 * Elastic.gigapascal
    var numbers: [String: JSONNumber] = [
      "formation_energy_eV": .number(formation), "unrelaxed_formation_energy_eV": .number(unrelaxed),
      "atoms": .count(rest.count), "pressure_GPa": .number(pressure), "steps": .count(relaxation.steps),
      "converged": .flag(relaxation.isConverged),
    ]
    if let volume { numbers["formation_volume_in_atomic_volumes"] = .number(volume) }
    return TaskResult(
      lines: [
        "vacancy of \(name) \(RunLog.fixed(formation, 4)) eV (\(RunLog.fixed(unrelaxed, 4)) unrelaxed), "
          + (volume.map { "formation volume \(RunLog.fixed($0, 3)) atomic volumes, " } ?? "")
          + "in a fixed cell of \(rest.count) atoms"
      ],
      warnings: relaxation.warnings("vacancy"),
      table: TaskTable(
        [("atoms", ""), ("formation_energy", "eV"), ("unrelaxed_formation_energy", "eV"), ("pressure", "GPa")],
        [[Double(rest.count), formation, unrelaxed, pressure]]), numbers: numbers)
  }
}

extension SIMD3<Int> {
  fileprivate init(_ n: [Int]) { self.init(n[0], n[1], n[2]) }
}

extension SmallCell.Relaxation {
  func warnings(_ what: String) -> [String] {
    isConverged
      ? [] : ["\(what): not converged, forces of \(String(format: "%.1e", largestForce)) eV/Å are left after \(steps) steps"]
  }
}

import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// The deck's crack at work: what its field needs to know of the crystal, its atoms, and its frame for the ring.
enum CrackFactory {
  /// eV/Å³ to GPa.
  private static let gigapascal = Units.energyPerVolumeToBar * 1e-4

  /// Elastic constants in the crack's frame and γ of its faces, given or computed, and what the log says of them. Collective.
  static func material(
    _ crack: CrackPlan, _ structure: StructurePlan, _ plan: RunPlan, _ communicator: any Communicator
  ) throws -> (material: CrackPlan.Material, notes: [String]) {
    let cell = try PolycrystalFactory.unitCell(of: crack.crystal, structure, plan, communicator)
    let orientation = try communicator.agree {
      try CrackOrientation(cell, plane: crack.plane, front: crack.front)
    }
    var needsCrystal = crack.elastic == nil
    if case .measured? = crack.surfaceEnergy { needsCrystal = true }
    if case .measured? = crack.emission?.unstable { needsCrystal = true }
    guard !needsCrystal || !plan.potential.isEmpty else {
      throw FaultlineError(
        .input, "elastic constants and surface energies are measured with a potential, and the deck has none",
        hint: "give `elastic` in GPa and `surface_energy` in J/m²", at: structure.location, isCollective: true)
    }
    let crystal = needsCrystal ? try Crystal(cell, plan, communicator: communicator) : nil
    var notes: [String] = []
    var tensor: ElasticTensor
    if let given = crack.elastic {
      tensor = StructureTables.tensor(given)
    } else {
      guard let crystal else { preconditionFailure("measured constants are of a crystal") }
      let (primitive, _) = try crystal.unitCell.primitive()
      let constants = try ElasticConstants.measure(try crystal.one(primitive), relaxed: true)
        .symmetrised(by: try primitive.pointGroup())
      let c = constants.voigt.map { $0.map { $0 * gigapascal } }
      tensor = ElasticTensor(voigt: c)
      notes.append(
        "elastic constants of this potential: C11 \(RunLog.fixed(c[0][0], 2)), C12 \(RunLog.fixed(c[0][1], 2)), C44 "
          + "\(RunLog.fixed(c[3][3], 2)) GPa")
    }
    tensor = orientation.turned(tensor)
    let stroh = try StrohSolution(tensor)
    var gamma: Double?
    switch crack.surfaceEnergy {
    case .given(let value)?: gamma = value
    case .measured?:
      guard let crystal else { preconditionFailure("a measured surface is of a crystal") }
      gamma = try surfaceEnergy(crystal, crack, at: structure.location)
    case nil: break
    }
    // G of K = 1 MPa√m is 1000/E′ J/m².
    let modulus = 1000 / stroh.energyRelease(Vector3(0, 1, 0))
    var line = "crack (\(indices(crack.plane)))[\(indices(crack.front))]: G of mode I is K²/E′ with E′ \(RunLog.fixed(modulus, 2)) GPa"
    if let gamma {
      let k = stroh.griffith(surfaceEnergy: gamma, mode: crack.mode)
      line += "; γ \(RunLog.fixed(gamma, 4)) J/m², Griffith's K \(RunLog.fixed(k, 5)) MPa√m"
    }
    notes.append(line)
    var rice: Double?
    if let emission = crack.emission {
      let found = try self.emission(emission, cell, crystal, stroh, orientation, mode: crack.mode)
      (rice, line) = (found.intensity, found.note)
      notes.append(line)
    }
    let mixed = max(abs(stroh.compliance.y.z), abs(stroh.compliance.x.z)) / stroh.compliance.z.z
    if mixed > 1e-6 {
      notes.append("  this crystal couples modes in the plane with tearing (L⁻¹: \(RunLog.fixed(100 * mixed, 2)) %): the field has all three components")
    }
    return (
      CrackPlan.Material(
        elastic: tensor.voigt, surfaceEnergy: gamma, emission: rice, bond: cell.nearestNeighborDistance,
        crystal: CrackObserver.domains(plan) == nil ? nil : try atRest(crack, cell, orientation, plan, communicator)), notes
    )
  }

  /// Rice's K of a slip system, and what the log says of it. Collective.
  private static func emission(
    _ plan: CrackPlan.Emission, _ cell: UnitCell, _ crystal: Crystal?, _ stroh: StrohSolution, _ orientation: CrackOrientation, mode: Vector3
  ) throws -> (intensity: Double?, note: String) {
    var unstable = 0.0
    switch plan.unstable {
    case .given(let value): unstable = value
    case .measured:
      guard let crystal else { preconditionFailure("a measured γ-line is of a crystal") }
      let slab = try PlaneSlab(plane: plan.plane, crystal, thickness: 30, vacuum: max(15, crystal.cutoff + 1), at: plan.section)
      var full = slab.plane.vector(plan.displacement)
      full.z = 0
      var glide = try Glide(slab, crystal, tolerance: 1e-5)
      unstable = try (0...40).map { try glide.energy(Double($0) / 40 * full).relaxed }.max()!
    }
    let indices = Vector3(Double(plan.plane.x), Double(plan.plane.y), Double(plan.plane.z))
    let found = stroh.emission(
      unstable: unstable, normal: indices * cell.cell.inverse.transpose * orientation.rotation,
      slip: plan.displacement * cell.cell * orientation.rotation, mode: mode)
    let words = "slip on (\(self.indices(plan.plane))), unstable stacking energy \(RunLog.fixed(unstable, 4)) J/m²"
    guard found.intensity.isFinite else { return (nil, words + ": this mode does not drive it") }
    return (
      found.intensity,
      words + ", at \(RunLog.fixed(found.angle * 180 / .pi, 1))° to the crack: Rice's K of emission \(RunLog.fixed(found.intensity, 5)) MPa√m"
    )
  }

  /// The crystal with the energies of its atoms as the deck has it, be it under stress or not. Collective.
  private static func atRest(
    _ crack: CrackPlan, _ cell: UnitCell, _ orientation: CrackOrientation, _ plan: RunPlan, _ communicator: any Communicator
  ) throws -> CrackCrystal? {
    // What is wrong with `cut` is said where atoms are made.
    guard crack.cut < orientation.gaps.count else { return nil }
    let small = try SmallCell(try CrystalBlock(cell.primitive().cell).build(), plan: plan, communicator: communicator)
    let place = middle(crack)
    return CrackCrystal(
      cell: orientation.cell, origin: Vector3(place.x, place.y - orientation.gaps[crack.cut].height, 0),
      places: orientation.sites.map(\.position), energies: try small.atomEnergies())
  }

  /// γ of a relaxed slab between two faces like the crack's, J/m². Collective.
  private static func surfaceEnergy(_ crystal: Crystal, _ crack: CrackPlan, at place: SourceLocation) throws -> Double {
    let plane = try PlaneCell(crystal.unitCell, crack.plane)
    let gaps = plane.distinctGaps
    guard crack.cut < gaps.count else {
      throw FaultlineError(
        .input, "`cut` is \(crack.cut), but the crack plane has \(RunLog.counted(gaps.count, "kind")) of gap", hint: "they count from 0",
        at: place, isCollective: true)
    }
    let periods = max(2, Int((max(30, 2 * crystal.cutoff) / plane.spacing).rounded(.up)))
    let (slab, _) = plane.slab(periods: periods, cut: gaps[crack.cut], vacuum: max(15, crystal.cutoff + 1))
    let cell = try crystal.cell(of: slab)
    let relaxation = try cell.relax(to: 1e-5)
    let excess = relaxation.state.energy - crystal.energy * Double(cell.count)
    return excess / (2 * plane.area) * Units.energyPerAreaToJoulePerSquareMetre
  }

  /// The crack's frame for its ring; nil for other structures. Collective.
  static func frame(_ plan: RunPlan, communicator: any Communicator) throws -> CrackFrame? {
    guard plan.crack != nil else { return nil }
    let plan = try EquilibriumLattice.resolved(plan, communicator: communicator).plan
    guard let crack = plan.crack, let material = crack.material,
      let bit = plan.groups.firstIndex(where: { $0.name == CrackFrame.ringName })
    else { preconditionFailure("a crack that is resolved has its constants and its ring") }
    return try frame(crack, material, ring: UInt32(1) << UInt32(bit))
  }

  private static func frame(_ crack: CrackPlan, _ material: CrackPlan.Material, ring: UInt32) throws -> CrackFrame {
    let stroh = try StrohSolution(ElasticTensor(voigt: material.elastic))
    var k = crack.load.start
    if crack.load.isOfGriffith {
      guard let gamma = material.surfaceEnergy else { preconditionFailure("the deck's check asks for the surface energy") }
      k *= stroh.griffith(surfaceEnergy: gamma, mode: crack.mode)
    }
    return CrackFrame(
      stroh: stroh, mode: crack.mode, tip: middle(crack) + crack.tip, intensity: k, surfaceEnergy: material.surfaceEnergy,
      bond: material.bond, crystal: material.crystal, ring: ring, outline: shape(crack), middle: middle(crack), thickness: crack.ring, emission: material.emission)
  }

  private static func shape(_ crack: CrackPlan) -> CrackBody.Shape {
    switch crack.shape {
    case .cylinder(let radius): .cylinder(radius: radius)
    case .bar(let lengths): .bar(lengths)
    }
  }

  private static func middle(_ crack: CrackPlan) -> SIMD2<Double> { CrackBody.middle(of: shape(crack)) }

  /// Depth of the free part of the body below the ring, seen from its middle, Å.
  static func freeRadius(_ crack: CrackPlan) -> Double { shape(crack).depth(0, 0) - crack.ring }

  /// How far a place of the box, Å, is from the ring.
  static func room(_ crack: CrackPlan, at place: SIMD2<Double>) -> Double {
    let r = place - middle(crack)
    return shape(crack).depth(r.x, r.y) - crack.ring
  }

  /// The atoms. Rank 0.
  static func build(
    _ crack: CrackPlan, types: [String]?, admit: StructureSize.Admission
  ) throws -> BuiltStructure {
    guard let material = crack.material else { preconditionFailure("the crack has been resolved") }
    let cell = try CrystalFactory.unitCell(crack.crystal, types: types)
    let body = CrackBody(
      try CrackOrientation(cell, plane: crack.plane, front: crack.front), shape: shape(crack), ring: crack.ring,
      periods: crack.periods, cut: crack.cut, tip: crack.tip, slit: crack.slit)
    let frame = try frame(crack, material, ring: 0)
    let structure = try body.build(frame.field(frame.intensity), admit: admit)
    let held = (structure.grains ?? []).reduce(0) { $0 + Int($1) }
    let period = RunLog.fixed(body.orientation.period, 4)
    var line = "crack at K \(RunLog.fixed(frame.intensity, 5)) MPa√m, G \(RunLog.fixed(frame.energyRelease(frame.intensity), 4)) J/m²"
    if let unit = frame.griffith { line += ", \(RunLog.fixed(frame.intensity / unit, 4)) of Griffith's K" }
    return BuiltStructure(
      structure: structure,
      notes: [
        line,
        "  \(RunLog.grouped(held)) of \(RunLog.grouped(structure.count)) atoms are the ring; period along the front \(period) Å, tip at "
          + "(\(RunLog.fixed(frame.tip.x, 3)), \(RunLog.fixed(frame.tip.y, 3))) Å",
      ])
  }

  private static func indices(_ v: SIMD3<Int>) -> String {
    let numbers = [v.x, v.y, v.z]
    return numbers.map(String.init).joined(separator: numbers.allSatisfy { (0...9).contains($0) } ? "" : " ")
  }
}

import MDCore
import MDDeck
import MDDynamics
import MDNumerics

/// The deck's groups as bits of the atoms' `groups` column.
struct GroupTable: Sendable {
  let names: [String]
  let selections: [GroupSelection]
  let motion: GroupMotion

  init(_ plans: [GroupPlan], species: [String]) {
    names = plans.map(\.name)
    selections = plans.map { Self.selection($0.selection, species: species) }
    var motion = GroupMotion()
    for (bit, plan) in plans.enumerated() {
      let mask = UInt32(1) << UInt32(bit)
      if plan.frozen { motion.frozen |= mask }
      if let velocity = plan.velocity { motion.driven.append(.init(mask: mask, velocity: velocity)) }
      if !plan.thermostat { motion.unthermostatted |= mask }
    }
    self.motion = motion
  }

  /// What a deck's criteria select.
  static func selection(_ plan: SelectionPlan, species: [String]) -> GroupSelection {
    var parts: [GroupSelection] = []
    if let names = plan.species {
      parts.append(.species(Set(names.compactMap { species.firstIndex(of: $0) }.map { Int32($0) })))
    }
    if let region = plan.region { parts.append(.region(block(region, .angstrom))) }
    if let region = plan.fractionalRegion { parts.append(.region(block(region, .fraction))) }
    if let sphere = plan.sphere {
      parts.append(.region(.sphere(center: sphere.center, radius: sphere.radius)))
    }
    if let cylinder = plan.cylinder {
      parts.append(.region(.cylinder(axis: cylinder.axis, center: cylinder.center, radius: cylinder.radius)))
    }
    if let ids = plan.ids { parts.append(.ids(Int64(ids.lowerBound)...Int64(ids.upperBound))) }
    if let grain = plan.grain { parts.append(.grain(Int32(grain))) }
    if let isHeld = plan.isHeld { parts.append(isHeld ? .held : .not(.held)) }
    return .every(parts)
  }

  private static func block(_ region: RegionPlan, _ units: Region.Units) -> Region {
    .block(
      lower: [region.x?.lowerBound, region.y?.lowerBound, region.z?.lowerBound],
      upper: [region.x?.upperBound, region.y?.upperBound, region.z?.upperBound], units: units)
  }

  /// Sets the atoms' group bits from where they are now.
  func assign(to atoms: AtomStore, box: Box) throws {
    var grains: [Int64: Int32] = [:]
    if let column = atoms.column(named: "grain") {
      let grain = column.base.assumingMemoryBound(to: Double.self)
      for i in 0..<atoms.localCount { grains[atoms.id[i]] = Int32(grain[i]) }
    }
    var held: Set<Int64> = []
    if let column = atoms.column(named: "held") {
      let flag = column.base.assumingMemoryBound(to: Double.self)
      for i in 0..<atoms.localCount where flag[i] != 0 { held.insert(atoms.id[i]) }
    }
    try GroupSelection.assign(selections, to: atoms, box: box, grain: { grains[$0] }, isHeld: held.contains)
  }

  /// A group without atoms is a mistake in its selection: an error for each. Collective.
  func empty(_ plans: [GroupPlan], _ atoms: AtomStore, box: Box, _ communicator: any Communicator) -> [FaultlineError] {
    zip(plans, counts(atoms, communicator)).filter { $0.1 == 0 }.map { plan, _ in
      FaultlineError(
        .input, "no atom belongs to the group '\(plan.name)'",
        hint: "an atom must meet every criterion of 'select'; the cell is " + Self.extent(box), at: plan.location,
        isCollective: true)
    }
  }

  private static func extent(_ box: Box) -> String {
    let far = box.origin + box.cell.x + box.cell.y + box.cell.z
    return (0..<3).map {
      "\(RunLog.fixed(box.origin[$0], 2)) to \(RunLog.fixed(far[$0], 2)) Å along \(["x", "y", "z"][$0])"
    }
    .joined(separator: ", ")
  }

  /// Atoms a group, over all ranks. Collective.
  func counts(_ atoms: AtomStore, _ communicator: any Communicator) -> [Int] {
    var sums = [Double](repeating: 0, count: names.count)
    for i in 0..<atoms.localCount {
      for bit in names.indices where atoms.groups[i] & (1 << UInt32(bit)) != 0 { sums[bit] += 1 }
    }
    communicator.sum(&sums)
    return sums.map { Int($0) }
  }
}

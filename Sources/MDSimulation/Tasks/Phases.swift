import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// The energy of the element in other lattices, each at its own minimum in volume.
enum Phases {
  struct Phase {
    var lattice: LatticeType
    var constants: [Double]
    /// eV an atom, Å³ an atom.
    var energy: Double
    var volume: Double
  }

  /// The deepest minimum of the energy between 0.55 and 2 times the crystal's volume an atom; nil if there is none.
  static func find(_ lattice: LatticeType, _ crystal: Crystal) throws -> Phase? {
    let species = crystal.unitCell.species
    let unit = try lattice.unitCell(a: 1, species: species)
    let per = unit.volume / Double(unit.sites.count)
    var energies: [(a: Double, energy: Double)] = []
    var ratio = 0.55
    while ratio < 2.001 {
      let a = cbrt(ratio * crystal.atomicVolume / per)
      let cell = try crystal.one(lattice.unitCell(a: a, species: species))
      energies.append((a, try cell.state().energy / Double(cell.count)))
      ratio += 0.05
    }
    let inner = energies.indices.dropFirst().dropLast().filter {
      energies[$0].energy <= energies[$0 - 1].energy && energies[$0].energy <= energies[$0 + 1].energy
    }
    guard let best = inner.min(by: { energies[$0].energy < energies[$1].energy }) else { return nil }
    let found = try Crystal(
      lattice.unitCell(a: energies[best].a, species: species), crystal.plan, communicator: crystal.communicator)
    let lengths = found.lengths
    return Phase(
      lattice: lattice, constants: lattice.isCubic ? [lengths[0]] : [lengths[0], lengths[2]], energy: found.energy,
      volume: found.atomicVolume)
  }
}

extension TaskEntry {
  /// Lattices of one species.
  private static let lattices: [LatticeType] = [.fcc, .bcc, .hcp, .diamond, .sc]

  static let phases = TaskEntry(
    "phases",
    "Energies of an element in other lattices, each at its own minimum in volume, with respect to the deck's crystal. A lattice "
      + "below it is warned of: the potential would rather have that.",
    [
      .defaulted(
        "lattices", .list(.enumeration(lattices.map(\.rawValue)), count: 1...lattices.count),
        "[\(lattices.map(\.rawValue).joined(separator: ", "))]", "Which.")
    ], example: "lattices: [fcc, hcp]",
    check: { section, context in
      if let species = context.plan.structure?.species, Set(species).count > 1 {
        context.refuse(section.error("lattices", "are those of a single element", hint: "the crystal has several"))
      }
    }
  ) { section, crystal in
    var rows: [[Double]] = []
    var warnings: [String] = []
    var numbers: [String: JSONNumber] = [:]
    var words: [String] = []
    var lower: [(name: String, by: Double)] = []
    for name in section.strings("lattices") {
      let lattice = LatticeType(rawValue: name)!
      guard let phase = try Phases.find(lattice, crystal) else {
        words.append("\(name) none")
        continue
      }
      let above = phase.energy - crystal.energy
      let smaller = 1 - phase.volume / crystal.atomicVolume
      words.append("\(name) \(String(format: "%+.4f", above))")
      numbers[name] = .section([
        "above_eV_per_atom": .number(above), "energy_eV_per_atom": .number(phase.energy),
        "volume_A3_per_atom": .number(phase.volume), "constants_A": .list(phase.constants),
      ])
      rows.append([
        Double(lattices.firstIndex(of: lattice)! + 1), phase.constants[0], phase.constants[phase.constants.count - 1],
        phase.volume, phase.energy, above,
      ])
      if above < -1e-5 { lower.append((name, -above)) }
      if abs(above) < 0.005, abs(smaller) > 0.05 {
        warnings.append(
          "\(name) has the energy of the deck's crystal within \(RunLog.fixed(abs(above) * 1000, 1)) meV/atom and takes "
            + "\(RunLog.fixed(abs(smaller) * 100, 1)) % \(smaller > 0 ? "less" : "more") volume: stress or a defect may turn the "
            + "crystal into it")
      }
    }
    if !lower.isEmpty {
      let list = lower.sorted { $0.by > $1.by }.map { "\($0.name) by \(RunLog.fixed($0.by, 3))" }.joined(separator: ", ")
      warnings.insert("lower in energy than the deck's crystal: \(list) eV/atom; the potential would rather have that", at: 0)
    }
    return TaskResult(
      lines: ["energies of other lattices: \(words.joined(separator: ", ")) eV/atom above the crystal"], warnings: warnings,
      table: TaskTable(
        [("lattice", "\(lattices.map(\.rawValue).joined(separator: "|")) from 1"), ("a", "Å"), ("c", "Å"),
          ("volume", "Å³/atom"), ("energy", "eV/atom"), ("above", "eV/atom")], rows), numbers: numbers)
  }
}

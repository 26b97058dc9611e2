import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDStructures

/// Cells of the crystals that decks name for interfaces and tables. Runs on rank 0.
enum CrystalFactory {
  /// - Parameter types: the names of numbered types, for files that have these.
  static func unitCell(_ source: CrystalSource, types: [String]?) throws -> UnitCell {
    switch source {
    case .lattice(let lattice):
      return try StructureFactory.unitCell(
        lattice.type, a: try StructureFactory.known(lattice.constant), c: lattice.c, species: lattice.species)
    case .crystal(let crystal):
      return try UnitCell(
        cell: crystal.cell, sites: crystal.basis.map { UnitCell.Site($0.position, $0.species) })
    case .file(let file):
      let structure = try StructureFactory.read(file, types: types)
      guard structure.box.periodic.isFull else {
        throw FaultlineError(.input, "\(file.path) is no crystal: its cell is not periodic along all axes")
      }
      return try UnitCell(
        cell: structure.box.cell,
        sites: zip(structure.positions, structure.types).map {
          UnitCell.Site(structure.box.fractional($0), structure.species[Int($1)])
        })
    }
  }

  /// One cell of a crystal as a structure.
  static func crystal(_ source: CrystalSource, types: [String]?) throws -> Structure {
    try CrystalBlock(unitCell(source, types: types)).build()
  }
}

import MDNumerics

/// The crystal that a crack is in, unstrained and without the crack: which of its sites an atom has, and the energy there.
package struct CrackCrystal: Sendable {
  /// Lattice vectors in the crack's frame, Å.
  private let cell: Matrix3
  private let inverse: Matrix3
  /// A lattice point in the box, Å.
  private let origin: Vector3
  /// Fractional coordinates of the cell's sites, and the potential energy of an atom there, eV.
  private let places: [Vector3]
  private let energies: [Double]

  /// Å³ an atom.
  package var atomicVolume: Double { abs(cell.determinant) / Double(places.count) }

  package init(cell: Matrix3, origin: Vector3, places: [Vector3], energies: [Double]) {
    precondition(places.count == energies.count && !places.isEmpty, "an energy a site")
    (self.cell, self.origin, self.places, self.energies) = (cell, origin, places, energies)
    inverse = cell.inverse
  }

  /// Of the atom of this site of the box (Å), eV; nil if there is no site within 0.1 Å.
  package func energy(at site: Vector3) -> Double? {
    let s = (site - origin) * inverse
    for (place, energy) in zip(places, energies) {
      let d = s - place
      if ((d - d.rounded(.toNearestOrEven)) * cell).squaredLength < 0.01 { return energy }
    }
    return nil
  }
}

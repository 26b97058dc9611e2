import MDCore
import MDNumerics

/// A part of space. Bounds are half-open, lower ≤ x < upper, so that regions that touch share no atom.
package enum Region: Sendable, Equatable {
  package enum Units: Sendable, Equatable {
    /// Cartesian, in the input's frame.
    case angstrom
    /// Of the cell vectors a, b, c, from the cell's origin.
    case fraction
  }

  /// Between bounds along each axis; nil does not bound.
  case block(lower: [Double?], upper: [Double?], units: Units)
  /// Å.
  case sphere(center: Vector3, radius: Double)
  /// Along Cartesian axis 0, 1 or 2, through `center`, without ends; Å.
  case cylinder(axis: Int, center: Vector3, radius: Double)

  /// Å by which atoms are taken to lie farther along each axis than they do: one that is meant to lie on a
  /// bound belongs to the part above it in spite of round-off.
  static let tolerance = 1e-6

  /// `position` is wrapped into the cell first. Spheres and cylinders take the nearest image of their centre.
  package func contains(_ position: Vector3, in box: Box) -> Bool {
    let nudged = position + Vector3(repeating: Self.tolerance)
    var image = SIMD3<Int32>.zero
    var r = nudged
    box.wrap(&r, image: &image)
    switch self {
    case .block(let lower, let upper, let units):
      let x = units == .angstrom ? r : box.fractional(r)
      return (0..<3).allSatisfy { x[$0] >= lower[$0] ?? -.infinity && x[$0] < upper[$0] ?? .infinity }
    case .sphere(let center, let radius):
      return Self.squaredDistance(position - center, in: box, ignoring: nil) < radius * radius
    case .cylinder(let axis, let center, let radius):
      return Self.squaredDistance(position - center, in: box, ignoring: axis) < radius * radius
    }
  }

  /// To the nearest image; searched among the neighbouring cells of the wrapped vector.
  private static func squaredDistance(_ vector: Vector3, in box: Box, ignoring axis: Int?) -> Double {
    var s = vector * box.inverse
    for k in 0..<3 where box.periodic[k] { s[k] -= s[k].rounded() }
    func reach(_ k: Int) -> ClosedRange<Int> { box.periodic[k] ? -1...1 : 0...0 }
    var nearest = Double.infinity
    for a in reach(0) {
      for b in reach(1) {
        for c in reach(2) {
          var d = (s + Vector3(Double(a), Double(b), Double(c))) * box.cell
          if let axis { d[axis] = 0 }
          nearest = min(nearest, d.squaredLength)
        }
      }
    }
    return nearest
  }
}

/// Which atoms belong to a group: a pure function of an atom's number, species, grain and initial position.
package indirect enum GroupSelection: Sendable, Equatable {
  case all
  /// Indices into the run's list of species.
  case species(Set<Int32>)
  case region(Region)
  /// Atom numbers, counted from 1.
  case ids(ClosedRange<Int64>)
  /// A builder's grain, from 0; atoms without a grain belong to none.
  case grain(Int32)
  /// Atoms that the structure's file holds in place.
  case held
  case every([GroupSelection])
  case any([GroupSelection])
  case not(GroupSelection)

  /// What a selection looks at.
  package struct Atom: Sendable {
    package var id: Int64
    package var species: Int32
    package var position: Vector3
    package var grain: Int32?
    package var isHeld: Bool

    package init(id: Int64, species: Int32, position: Vector3, grain: Int32? = nil, isHeld: Bool = false) {
      self.id = id
      self.species = species
      self.position = position
      self.grain = grain
      self.isHeld = isHeld
    }
  }

  package func contains(_ atom: Atom, in box: Box) -> Bool {
    switch self {
    case .all: true
    case .species(let kinds): kinds.contains(atom.species)
    case .region(let region): region.contains(atom.position, in: box)
    case .ids(let range): range.contains(atom.id)
    case .grain(let grain): atom.grain == grain
    case .held: atom.isHeld
    case .every(let parts): parts.allSatisfy { $0.contains(atom, in: box) }
    case .any(let parts): parts.contains { $0.contains(atom, in: box) }
    case .not(let part): !part.contains(atom, in: box)
    }
  }

  /// Bit k is set if the atom belongs to group k.
  package static func mask(of groups: [GroupSelection], _ atom: Atom, in box: Box) -> UInt32 {
    var mask: UInt32 = 0
    for (k, group) in groups.enumerated() where group.contains(atom, in: box) { mask |= 1 << UInt32(k) }
    return mask
  }

  /// The masks of a structure's atoms, in its order. Throws if there are more than 32 groups.
  package static func masks(of groups: [GroupSelection], in structure: Structure) throws -> [UInt32] {
    try check(groups)
    return (0..<structure.count).map { i in
      mask(
        of: groups,
        Atom(
          id: structure.ids?[i] ?? Int64(i + 1), species: structure.types[i], position: structure.positions[i],
          grain: structure.grains?[i], isHeld: structure.held?[i] ?? false),
        in: structure.box)
    }
  }

  /// Sets the `groups` column of the local atoms from where they are now. `grain` gives an atom's grain by its number, `isHeld`
  /// whether its file holds it.
  /// Throws if there are more than 32 groups.
  package static func assign(
    _ groups: [GroupSelection], to atoms: AtomStore, box: Box, grain: (Int64) -> Int32? = { _ in nil },
    isHeld: (Int64) -> Bool = { _ in false }
  ) throws {
    try check(groups)
    for i in 0..<atoms.localCount {
      let atom = Atom(
        id: atoms.id[i], species: atoms.species[i], position: atoms.position[i], grain: grain(atoms.id[i]),
        isHeld: isHeld(atoms.id[i]))
      atoms.groups[i] = mask(of: groups, atom, in: box)
    }
  }

  private static func check(_ groups: [GroupSelection]) throws {
    guard groups.count <= 32 else {
      throw FaultlineError(
        .input, "\(groups.count) groups are defined", hint: "at most 32 are possible", isCollective: true)
    }
  }
}

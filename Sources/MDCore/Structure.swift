import MDNumerics

/// Atoms as files and builders give them: global, in order, in the input's frame.
public struct Structure: Sendable {
  public var box: Box
  /// The distinct species (chemical symbols or the names that the deck gives types).
  public var species: [String]
  /// Index into `species`, an atom each.
  public var types: [Int32]
  /// Å, as given (not wrapped).
  public var positions: [Vector3]
  /// Å/ps.
  public var velocities: [Vector3]?
  public var images: [SIMD3<Int32>]?
  /// Numbers from 1; nil means 1 … n in order.
  public var ids: [Int64]?
  /// e.
  public var charges: [Double]?
  /// g/mol by species where the file gives them; otherwise the elements' standard weights.
  public var masses: [Double?]
  /// Which grain (or part) a builder put the atom in, from 0.
  public var grains: [Int32]?
  /// Whether the file that the atom comes from holds it in place (selective dynamics of VASP, constraints of ASE).
  public var held: [Bool]?
  /// Å, in the crystal without the crack that has displaced the atoms; only of structures with one.
  public var crystalSites: [Vector3]?
  /// What whoever made the structure has to say of it, a line each, for the log.
  public var notes: [String] = []

  public init(
    box: Box, species: [String], types: [Int32], positions: [Vector3]
  ) {
    self.box = box
    self.species = species
    self.types = types
    self.positions = positions
    masses = Array(repeating: nil, count: species.count)
  }

  public var count: Int { positions.count }

  /// Sets image counts along open axes to zero and says so in `notes` (`Box.clearImage`).
  public mutating func clearImagesAlongOpenAxes() {
    guard var images else { return }
    var cleared = 0
    for i in images.indices where box.clearImage(&images[i]) { cleared += 1 }
    guard cleared > 0 else { return }
    self.images = images
    notes.append(box.clearedImagesNote(atoms: cleared))
  }
}

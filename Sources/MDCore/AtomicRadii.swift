/// Sizes of atoms, to guess how far neighbours are apart before anything is computed.
public enum AtomicRadii {
  /// Å: covalent radii of B. Cordero et al., Dalton Trans. 2008, 2832, of noble gases van der Waals radii of A. Bondi,
  /// J. Phys. Chem. 68, 441 (1964). nil for what is no element or has none there.
  public static func radius(of symbol: String) -> Double? {
    guard let number = Elements.atomicNumber(of: symbol), number <= picometres.count else { return nil }
    return Double(picometres[number - 1]) / 100
  }

  private static let picometres = [
    31, 140, 128, 96, 84, 76, 71, 66, 57, 154, 166, 141, 121, 111, 107, 105, 102, 188,
    203, 176, 170, 160, 153, 139, 139, 132, 126, 124, 132, 122, 122, 120, 119, 120, 120, 202,
    220, 195, 190, 175, 164, 154, 147, 146, 142, 139, 145, 144, 142, 139, 139, 138, 139, 216,
    244, 215, 207, 204, 203, 201, 199, 198, 198, 196, 194, 192, 192, 189, 190, 187, 187,
    175, 170, 162, 151, 144, 141, 136, 136, 132, 145, 146, 148, 140, 150, 150,
    260, 221, 215, 206, 200, 196, 190, 187, 180, 169,
  ]
}

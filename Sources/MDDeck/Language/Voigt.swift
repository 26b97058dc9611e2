import MDNumerics

/// The six components of a symmetric tensor in Voigt's order, as decks name them.
package enum Voigt {
  package static let names = ["xx", "yy", "zz", "yz", "xz", "xy"]

  /// The Cartesian axes of component k.
  package static func axes(_ k: Int) -> (Int, Int) { k < 3 ? (k, k) : [(1, 2), (0, 2), (0, 1)][k - 3] }

  /// The symmetric matrix with these components; those that are not given are 0.
  package static func matrix(_ value: (Int) -> Double?) -> Matrix3 {
    var matrix = Matrix3.zero
    for k in names.indices {
      guard let value = value(k) else { continue }
      let (i, j) = axes(k)
      matrix[i][j] = value
      matrix[j][i] = value
    }
    return matrix
  }

  /// The stress that the keys `pressure` or `stress` of a section ask for, bar, positive in tension; 0 without them.
  /// - Parameter end: 0 or 1 of a ramp.
  package static func stress(in section: DeckSection, end: Int = 0) -> Matrix3 {
    func value(_ section: DeckSection, _ key: String) -> Double? {
      guard section[key] != nil else { return nil }
      let both = section.list(orOne: key)
      return both[min(end, both.count - 1)]
    }
    if let pressure = value(section, "pressure") { return -pressure * .identity }
    guard let given = section["stress"]?.section else { return .zero }
    return matrix { value(given, names[$0]) }
  }
}

/// Finds atoms by their numbers in a file, which may come in any order and with gaps.
struct AtomNumbering {
  /// Why a list of numbers cannot be used.
  struct Problem: Error { let message: String }

  private var table: [Int32] = []
  private var sparse: [Int64: Int32] = [:]
  private let isDense: Bool

  init(_ ids: [Int64]) throws(Problem) {
    let highest = ids.max() ?? 0
    isDense = highest <= 8 * Int64(ids.count)
    if isDense { table = Array(repeating: -1, count: Int(max(highest, 0)) + 1) }
    for (place, id) in ids.enumerated() {
      guard id > 0 else { throw Problem(message: "the atom id \(id) is not positive") }
      guard self[id] == nil else { throw Problem(message: "atom id \(id) is given twice") }
      if isDense { table[Int(id)] = Int32(place) } else { sparse[id] = Int32(place) }
    }
  }

  /// The place of an atom, from 0.
  subscript(id: Int64) -> Int? {
    if isDense {
      guard id > 0, id < table.count, table[Int(id)] >= 0 else { return nil }
      return Int(table[Int(id)])
    }
    return sparse[id].map(Int.init)
  }
}

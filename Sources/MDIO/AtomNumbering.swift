/// Finds atoms by their numbers in a file, which may come in any order and with gaps.
struct AtomNumbering {
  private var table: [Int32] = []
  private var sparse: [Int64: Int32] = [:]
  private let isDense: Bool

  /// nil with the number that stands twice.
  static func make(_ ids: [Int64]) -> Result<AtomNumbering, Repeated> {
    let highest = ids.max() ?? 0
    var numbering = AtomNumbering(isDense: highest <= Int64(8 * ids.count) && (ids.min() ?? 1) >= 0, highest: highest)
    for (place, id) in ids.enumerated() {
      guard numbering[id] == nil else { return .failure(Repeated(id: id)) }
      numbering.set(id, Int32(place))
    }
    return .success(numbering)
  }

  struct Repeated: Error { let id: Int64 }

  private init(isDense: Bool, highest: Int64) {
    self.isDense = isDense
    if isDense { table = Array(repeating: -1, count: Int(highest) + 1) }
  }

  private mutating func set(_ id: Int64, _ place: Int32) {
    if isDense { table[Int(id)] = place } else { sparse[id] = place }
  }

  /// The place of an atom, from 0.
  subscript(id: Int64) -> Int? {
    if isDense {
      guard id >= 0, id < table.count, table[Int(id)] >= 0 else { return nil }
      return Int(table[Int(id)])
    }
    return sparse[id].map(Int.init)
  }
}

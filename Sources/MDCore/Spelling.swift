/// Finds what was probably meant by a misspelt word.
package enum Spelling {
  /// The nearest of `candidates`, if it is near enough: a third of the letters may differ.
  package static func suggestion(for word: String, among candidates: [String]) -> String? {
    let plain = normal(word)
    let scored = candidates.map { (distance(plain, normal($0)), $0) }
    guard let best = scored.min(by: { $0.0 < $1.0 }) else { return nil }
    return best.0 <= max(1, max(plain.count, best.1.count) / 3) && best.0 < max(plain.count, 2) ? best.1 : nil
  }

  private static func normal(_ word: String) -> [Character] {
    word.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 }
  }

  /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
  package static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in 0...a.count { rows[i][0] = i }
    for j in 0...b.count { rows[0][j] = j }
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    for i in 1...a.count {
      for j in 1...b.count {
        let same = a[i - 1] == b[j - 1] ? 0 : 1
        rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
        }
      }
    }
    return rows[a.count][b.count]
  }
}

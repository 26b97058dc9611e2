/// How a mesh and its half spectrum are divided among the ranks of a Fourier transform, a grid of rows × columns.
///
/// They may be fewer than there are ranks in all, P: then they are spread evenly, so that every node has its share of
/// them. Part b = row · columns + column is on rank ⌊b P / (rows · columns)⌋; the other ranks have nothing.
///
/// | stage     | x           | y             | z, k_z         |
/// |-----------|-------------|---------------|----------------|
/// | along z   | by rows     | by columns    | all, real      |
/// | along y   | by rows     | all           | by columns     |
/// | along x   | all         | by rows       | by columns     |
///
/// With one column these are slabs, with one transposition; otherwise pencils, with two.
struct FFTBlocks: Equatable {
  let mesh: SIMD3<Int>
  let rows: Int
  let columns: Int
  /// P, all ranks.
  let size: Int
  /// Complex numbers of the half spectrum along z.
  var spectrumZ: Int { mesh.z / 2 + 1 }
  var ranks: Int { rows * columns }
  var summary: String { ranks == 1 ? "one rank" : "\(rows) x \(columns) ranks" }

  init(mesh: SIMD3<Int>, rows: Int, columns: Int, size: Int) {
    self.mesh = mesh
    self.rows = rows
    self.columns = columns
    self.size = size
  }

  /// The grid of at most `ranks` with the least time of its busiest rank, reckoned in mesh points: those it has at each
  /// stage (twice if it also sends them) and 2,000 for each message.
  init(mesh: SIMD3<Int>, ranks: Int, size: Int) {
    var best = FFTBlocks(mesh: mesh, rows: 1, columns: 1, size: size)
    var least = Int.max
    for rows in 1...min(ranks, mesh.x, mesh.y) {
      for columns in [1, min(ranks / rows, mesh.y, mesh.z / 2 + 1)] {
        let blocks = FFTBlocks(mesh: mesh, rows: rows, columns: columns, size: size)
        let cost = blocks.cost
        if cost < least {
          least = cost
          best = blocks
        }
      }
    }
    self = best
  }

  private var cost: Int {
    func share(_ n: Int, _ parts: Int) -> Int { (n + parts - 1) / parts }
    let x = share(mesh.x, rows)
    let z = 2 * share(spectrumZ, columns)
    let alongZ = x * share(mesh.y, columns) * mesh.z
    let alongY = x * mesh.y * z
    let alongX = mesh.x * share(mesh.y, rows) * z
    return alongZ * (columns > 1 ? 2 : 1) + alongY * (rows > 1 ? 2 : 1) + alongX
      + 2_000 * (rows + columns)
  }

  /// Part `k` of `n` points divided in `parts`.
  static func part(_ k: Int, of parts: Int, _ n: Int) -> Range<Int> { (k * n / parts)..<((k + 1) * n / parts) }
  /// Which part has point `i`.
  static func owner(_ i: Int, of parts: Int, _ n: Int) -> Int { ((i + 1) * parts - 1) / n }

  func xs(_ row: Int) -> Range<Int> { Self.part(row, of: rows, mesh.x) }
  func ys(_ column: Int) -> Range<Int> { Self.part(column, of: columns, mesh.y) }
  func zs(_ column: Int) -> Range<Int> { Self.part(column, of: columns, spectrumZ) }
  /// Of the stage along x.
  func spectrumYs(_ row: Int) -> Range<Int> { Self.part(row, of: rows, mesh.y) }

  /// The rank that has a part.
  func rank(_ row: Int, _ column: Int) -> Int { (row * columns + column) * size / ranks }

  /// The part that a rank has.
  func place(_ rank: Int) -> (row: Int, column: Int)? {
    let part = Self.owner(rank, of: ranks, size)
    return part * size / ranks == rank ? (part / columns, part % columns) : nil
  }
}

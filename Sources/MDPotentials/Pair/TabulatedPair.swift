import MDCore
import MDNumerics
import MDPotentialFiles

/// φ(r) from a table of energies and forces: between two points the cubic that has both energies and both slopes, so
/// that every point of the table is met and forces are the derivative of the energy. Below the first point φ goes on
/// as a straight line.
///
/// LAMMPS makes a second table of evenly spaced r² from splines of energy and force and interpolates both on their own;
/// what differs from it is the error of that second table.
package struct TabulatedPair: PairForm {
  let cutoff: Double
  /// Knots of (φ, slope per knot), even in r or in r²; never written again.
  private struct Table: @unchecked Sendable {
    let knots: AlignedBuffer<Double>
  }
  private let table: Table
  private let isSquared: Bool
  private let start: Double
  private let inverseStep: Double
  private let last: Double

  /// - Throws: `FaultlineError` if the cutoff lies beyond the table.
  package init(_ file: TableFile, cutoff: Double?) throws {
    let end = file.distances[file.distances.count - 1]
    self.cutoff = cutoff ?? end
    guard self.cutoff <= end, self.cutoff > file.distances[0] else {
      throw FaultlineError(
        .input, "a cutoff of \(self.cutoff) Å for a table from \(file.distances[0]) to \(end) Å",
        hint: "it must lie within the table")
    }
    isSquared = file.spacing == .squaredDistance
    func argument(_ r: Double) -> Double { file.spacing == .squaredDistance ? r * r : r }
    func knots(_ r: [Double], _ e: [Double], _ f: [Double], _ step: Double) -> [Double] {
      r.indices.flatMap { k in [e[k], -f[k] * step / (file.spacing == .squaredDistance ? 2 * r[k] : 1)] }
    }
    let (low, high) = (argument(file.distances[0]), argument(end))
    var count = file.distances.count
    var values: [Double]
    if file.spacing != .free {
      values = knots(file.distances, file.energies, file.forces, (high - low) / Double(count - 1))
    } else {
      // Rows that follow no rule become a table ten times as fine.
      let rows = zip(zip(file.distances, file.energies), file.forces).map { ($0.0, $0.1, $1) }
      count = min(10 * count, 1_000_000)
      let step = (high - low) / Double(count - 1)
      var row = 0
      values = (0..<count).flatMap { k -> [Double] in
        let r = low + Double(k) * step
        while row + 2 < rows.count, r > rows[row + 1].0 { row += 1 }
        let (a, b) = (rows[row], rows[row + 1])
        let h = b.0 - a.0
        let t = (r - a.0) / h
        let rise = b.1 - a.1
        let (below, above) = (-a.2 * h - rise, -b.2 * h - rise)
        let value = a.1 + t * rise + t * (1 - t) * (below * (1 - t) - above * t)
        let slope = rise + (1 - t) * (1 - 3 * t) * below - t * (2 - 3 * t) * above
        return [value, slope / h * step]
      }
    }
    // The kernel reads one knot more.
    values += values.suffix(2)
    table = Table(knots: AlignedBuffer(values))
    start = low
    inverseStep = Double(count - 1) / (high - low)
    last = Double(count - 1)
  }

  @inline(__always)
  func evaluate(_ r2: SIMD4<Double>) -> (energy: SIMD4<Double>, force: SIMD4<Double>) {
    let r = positiveSquareRoot(r2)
    let place = ((isSquared ? r2 : r) - Lanes(repeating: start)) * Lanes(repeating: inverseStep)
    let inside = place.replacing(with: 0, where: place .< Lanes.zero)
    let at = KnotLanes(inside, last: last)
    let cubic = CubicLanes(UnsafePointer(table.knots.pointer), at)
    let slope = cubic.slope(at.t)
    // Below the first point a straight line (in r or r²) goes on.
    let energy = cubic.value(at.t) + slope * (place - inside)
    let change = slope * Lanes(repeating: inverseStep)
    return (energy, isSquared ? change * -2 : Lanes.zero - change * (r * reciprocal(r2)))
  }
}

extension PairPotential {
  /// Tables by pair of species; pairs without one do not interact.
  package convenience init(
    tables: [SpeciesPair: TabulatedPair], truncation: PairTruncation = .cut, species: [String]
  ) throws {
    let forms = SpeciesPairTable<TabulatedPair?>(species) { a, b in tables[SpeciesPair(species[a], species[b])] }
    // A structure may have none of the pairs.
    let reach = tables.values.map(\.cutoff).max()
    try self.init(name: "table", forms, truncation: truncation, reach: reach)
  }
}

import MDCore
import MDNumerics

extension PlainEwald {
  /// Charges that are periodic along a and b and open along c, which is normal to both: Ewald's sum of layers that are
  /// stacked `factor` times the cell's height apart, less the field of the layers' dipoles (I.-C. Yeh,
  /// M. L. Berkowitz 1999): E += 2πC/V M², fᵢ −= 4πC/V qᵢ M along the normal. Neutral only; the virial is not
  /// corrected.
  public func evaluateSlab(_ structure: Structure, factor: Double) -> ModelResult {
    var stacked = structure
    let cell = structure.box.cell
    stacked.box = Box(cell: Matrix3(cell.x, cell.y, factor * cell.z), origin: structure.box.origin)
    var result = evaluate(stacked)
    let normal = (1 / cell.z.length) * cell.z
    let heights = structure.positions.map { dot($0 - structure.box.origin, normal) }
    let moment = zip(charges, heights).reduce(0) { $0 + $1.0 * $1.1 }
    let strength = 2 * Double.pi * SI.coulomb / stacked.box.volume
    result.energy += strength * moment * moment
    for i in charges.indices {
      result.forces[i] -= (2 * strength * charges[i] * moment) * normal
      result.energies[i] += strength * charges[i] * heights[i] * moment
    }
    return result
  }

  /// What a unit of charge at i and one at j add to the energy together: E = ½ qᵀ K q.
  public static func matrix(_ structure: Structure, widths: [Double], slab factor: Double? = nil) -> [[Double]] {
    let n = structure.count
    func energy(_ q: [Double]) -> Double {
      let sum = PlainEwald(q, widths: widths)
      return factor.map { sum.evaluateSlab(structure, factor: $0).energy } ?? sum.evaluate(structure).energy
    }
    func unit(_ members: Int...) -> [Double] { (0..<n).map { members.contains($0) ? 1 : 0 } }
    let own = (0..<n).map { energy(unit($0)) }
    var k = [[Double]](repeating: Array(repeating: 0, count: n), count: n)
    for i in 0..<n {
      k[i][i] = 2 * own[i]
      for j in 0..<i {
        k[i][j] = energy(unit(i, j)) - own[i] - own[j]
        k[j][i] = k[i][j]
      }
    }
    return k
  }
}

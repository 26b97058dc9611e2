import MDCore

/// The first guess for charges, and for their adjoint, from those of the steps before:
///
///     q₀(n+1) = 2.8 q(n) − 2.8 q(n−1) + 1.2 q(n−2) − 0.2 q(n−3)
///
/// the always stable predictor with k = 2 (J. Kolafa, J. Comput. Chem. 25, 335 (2004)). In columns, so that it
/// travels with the atoms and through checkpoints. Every row counts its own steps: fewer than four give 2q − q or q.
final class ChargeHistory {
  private static let depth = 4
  /// The number of steps stored, then the charges of the last step, the one before …, then the adjoints likewise.
  private var column: Column<Double>?
  private let width: Int
  private let name: String

  /// - Parameter member: of a committee; each has its own charges.
  init(hasAdjoint: Bool, member: Int = 0) {
    name = "charge history" + (member == 0 ? "" : " \(member + 1)")
    width = 1 + (hasAdjoint ? 2 : 1) * Self.depth
  }

  func attach(to atoms: AtomStore) {
    column = atoms.addColumn(name, width: width, roles: [.migrates, .checkpointed])
  }

  private static let weights: [[Double]] = [[], [1], [2, -1], [2.5, -2, 0.5], [2.8, -2.8, 1.2, -0.2]]

  /// Charges of atoms without stored steps, and charges that are given, stay as they are; their adjoint becomes 0.
  func predict(
    _ atoms: AtomView, _ pools: ChargePools, charges: UnsafeMutablePointer<Double>,
    adjoint: UnsafeMutablePointer<Double>?
  ) {
    guard let rows = column?.pointer else { return }
    for i in 0..<atoms.localCount {
      let row = rows + width * i
      let known = Int(row[0])
      adjoint?[i] = 0
      guard known > 0, pools.members.map({ $0[i] >= 0 }) ?? true else { continue }
      charges[i] = 0
      for (k, weight) in Self.weights[known].enumerated() {
        charges[i] += weight * row[1 + k]
        if let adjoint { adjoint[i] += weight * row[1 + Self.depth + k] }
      }
    }
  }

  func note(_ atoms: AtomView, charges: UnsafePointer<Double>, adjoint: UnsafePointer<Double>?) {
    guard let rows = column?.pointer else { return }
    for i in 0..<atoms.localCount {
      let row = rows + width * i
      for k in stride(from: width - 1, to: 1, by: -1) where k != 1 + Self.depth { row[k] = row[k - 1] }
      row[1] = charges[i]
      if let adjoint { row[1 + Self.depth] = adjoint[i] }
      row[0] = min(row[0] + 1, Double(Self.depth))
    }
  }
}

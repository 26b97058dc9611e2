import MDCore
import MDNumerics

/// Atoms that a neighbour of their crystal has slipped past, or been torn from, elsewhere than across the crack's plane: what a
/// dislocation, a twin or a crack that leaves its plane does, and elasticity does not.
///
/// Neighbours have sites closer than 1.2 nearest-neighbour distances d; they have slipped when their displacements differ by more than
/// `limit`·d. A Shockley partial of fcc moves them by 0.58 d, one of bcc's twins by 0.33 d, a whole Burgers vector by d.
struct CrackSlip {
  let limit: Double
  /// Of the crack, Å.
  let plane: Double
  let bond: Double

  /// Atoms over all ranks. Collective.
  func count(_ neighbors: CrackNeighbors) -> Int {
    let (near, far) = (1.44 * bond * bond, limit * limit * bond * bond)
    var found = 0
    for i in 0..<neighbors.system.atoms.localCount {
      let here = neighbors.site(i).y - plane
      var hasSlipped = false
      neighbors.visit(i) { vector, change in
        if change.squaredLength > far, vector.squaredLength < near, (here + vector.y > 0) == (here > 0) { hasSlipped = true }
      }
      if hasSlipped { found += 1 }
    }
    return neighbors.system.communicator.sum(found)
  }
}

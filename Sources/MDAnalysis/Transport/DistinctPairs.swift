import MDCore
import MDNumerics

/// Pairs of van Hove's distinct part at one lag: from where an atom was at the window's start to where the others are now.
struct DistinctPairs {
  /// Of an atom at the start of a window.
  struct Origin {
    var id: Int64
    var kind: Int
    var place: Vector3
  }

  private var mine: [Double] = []

  mutating func add(_ origin: Origin) {
    mine += [Double(origin.id), Double(origin.kind), origin.place.x, origin.place.y, origin.place.z]
  }

  /// Origins of this rank, and those of a species.
  var count: Int { mine.count / 5 }
  func count(of kind: Int) -> Int { stride(from: 1, to: mine.count, by: 5).reduce(0) { $0 + (Int(mine[$1]) == kind ? 1 : 0) } }

  /// Calls `body` with the species then and now and the distance of each pair of different atoms closer than `reach`.
  /// Origins of all ranks meet each rank's atoms, so no halo must hold where atoms have come from. Collective.
  func visit(
    _ scene: Scene, reach: Double, place: (Int) -> Vector3, _ body: (_ then: Int, _ now: Int, _ distance: Double) -> Void
  ) {
    let all = scene.communicator.gatherEverywhere(mine)
    var origins: [Origin] = []
    for k in stride(from: 0, to: all.count, by: 5) {
      let place = Vector3(all[k + 2], all[k + 3], all[k + 4])
      origins.append(Origin(id: Int64(all[k]), kind: Int(all[k + 1]), place: place))
    }
    guard !origins.isEmpty else { return }
    let grid = PointGrid(origins.map { $0.place }, in: scene.box, reach: reach)
    let view = scene.view
    for j in 0..<view.localCount {
      let (id, kind) = (scene.atoms.id[j], Int(view.species[j]))
      grid.visit(near: place(j)) { point, d in
        if origins[point].id != id { body(origins[point].kind, kind, d.length) }
      }
    }
  }
}

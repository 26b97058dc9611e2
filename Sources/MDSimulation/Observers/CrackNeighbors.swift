import MDCore
import MDNeighbors
import MDNumerics

/// The atoms around a crack as their crystal has them: sites, displacements u = x − X from them, and the neighbours of each atom with
/// the vectors between their sites.
final class CrackNeighbors {
  let system: DistributedSystem
  /// How far sites are neighbours, Å.
  let reach: Double
  private let lists: NeighborLists
  private let column: Column<Double>
  private var sites: UnsafeMutablePointer<Double>
  private var list: NeighborView?

  init(_ system: DistributedSystem, bond: Double) {
    self.system = system
    reach = 1.7 * bond
    // Neighbours that have moved apart count, where ghosts reach as far.
    lists = NeighborLists(reach: min(1.15 * reach, system.halo), kinds: [.full])
    column = system.atoms.addColumn("crack_displacement", width: 3)
    sites = CrackBonds.sites(system.atoms)
  }

  /// Finds them where atoms are now. Collective.
  func look() {
    let (atoms, cell) = (system.atoms, system.box.cell)
    sites = CrackBonds.sites(atoms)
    for i in 0..<atoms.localCount {
      let n = atoms.image[i]
      let u = atoms.position[i] + Vector3(Double(n.x), Double(n.y), Double(n.z)) * cell - site(i)
      for axis in 0..<3 { column[3 * i + axis] = u[axis] }
    }
    system.exchange.forward([column.storage])
    lists.build(atoms: atoms, box: system.box)
    list = lists.full
  }

  /// Of a local atom, Å.
  func site(_ i: Int) -> Vector3 { Vector3(sites[3 * i], sites[3 * i + 1], sites[3 * i + 2]) }

  func displacement(_ i: Int) -> Vector3 { Vector3(column[3 * i], column[3 * i + 1], column[3 * i + 2]) }

  /// Calls `body` with each neighbour of a local atom: the vector to its site and how its displacement differs, Å.
  @inline(__always)
  func visit(_ i: Int, _ body: (_ vector: Vector3, _ change: Vector3) -> Void) {
    guard let list else { return }
    let positions = system.atoms.position
    let (here, own) = (positions[i], displacement(i))
    for k in list.starts[i]..<list.starts[i + 1] {
      let j = Int(list.indices[k])
      let change = displacement(j) - own
      body(positions[j] - here - change, change)
    }
  }
}

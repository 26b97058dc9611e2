import MDCore
import MDNumerics
import MDTestSupport

/// The sorted distances to the neighbours of each atom within `reach` (Å), and their species.
func environments(_ structure: Structure, within reach: Double) -> [[Double]] {
  let system = BruteForceSystem(structure, reach: reach)
  return (0..<structure.count).map { i in
    let row = system.full.starts[i]..<system.full.starts[i + 1]
    return row.map { k in
      (system.atoms.position[Int(system.full.indices[k])] - system.atoms.position[i]).length
    }.sorted()
  }
}

func coordinations(_ structure: Structure, within reach: Double) -> [Int] {
  environments(structure, within: reach).map(\.count)
}

/// The shortest distance between two atoms, images included, or nil if none is within `reach`.
func shortestDistance(_ structure: Structure, within reach: Double) -> Double? {
  environments(structure, within: reach).compactMap(\.first).min()
}

extension Structure {
  var numberDensity: Double { Double(count) / box.volume }
}

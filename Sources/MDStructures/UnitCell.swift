import MDCore
import MDNumerics

/// A crystal: the cell that repeats (rows a, b, c, Å) and the sites in it.
package struct UnitCell: Sendable, Equatable {
  package struct Site: Sendable, Equatable {
    /// Fractional coordinates.
    package var position: Vector3
    package var species: String

    package init(_ position: Vector3, _ species: String) {
      self.position = position
      self.species = species
    }
  }

  package let cell: Matrix3
  package let sites: [Site]
  /// The distinct species, in the order of their first site.
  package let species: [String]
  /// The shortest distance between two atoms of the infinite crystal, Å.
  package let nearestNeighborDistance: Double

  /// Throws for a left-handed or flat cell, no sites, a site without a species and sites that coincide.
  package init(cell: Matrix3, sites: [Site]) throws {
    guard cell.elements.allSatisfy(\.isFinite), cell.determinant > 1e-9 else {
      throw FaultlineError(
        .input, "the cell vectors of a crystal must be right-handed and span a volume",
        hint: "a·(b × c) is \(cell.determinant) Å³")
    }
    guard !sites.isEmpty else { throw FaultlineError(.input, "a crystal needs at least one site") }
    guard sites.allSatisfy({ $0.position.isFinite && !$0.species.isEmpty }) else {
      throw FaultlineError(.input, "each site of a crystal needs finite coordinates and a species")
    }
    self.cell = cell
    self.sites = sites
    species = sites.reduce(into: []) { if !$0.contains($1.species) { $0.append($1.species) } }
    nearestNeighborDistance = Self.shortestDistance(cell, sites)
    guard nearestNeighborDistance > 0.1 else {
      throw FaultlineError(
        .input, "two sites of the crystal coincide", hint: "they are \(nearestNeighborDistance) Å apart")
    }
  }

  /// The index into `species` of each site.
  package var types: [Int32] { sites.map { Int32(species.firstIndex(of: $0.species)!) } }
  package var volume: Double { cell.determinant }
  /// Atoms per Å³.
  var density: Double { Double(sites.count) / volume }

  private static func shortestDistance(_ cell: Matrix3, _ sites: [Site]) -> Double {
    // Of all cells of the lattice a compact one, so that a skew cell needs no search of many images.
    let full = cell
    let cell = compact(full)
    let change = cell == full ? .identity : full * cell.inverse
    // No vector shorter than the shortest edge needs more cells along an axis than that edge over the height.
    let edge = min(cell.x.length, cell.y.length, cell.z.length)
    let heights = Box(cell: cell).heights
    var reach = SIMD3<Int>.zero
    for k in 0..<3 { reach[k] = Int((edge / heights[k]).rounded(.up)) }
    var shortest = edge * edge
    for i in sites.indices {
      for j in 0...i {
        var difference = (sites[j].position - sites[i].position) * change
        difference -= difference.rounded(.toNearestOrEven)
        for a in -reach.x...reach.x {
          for b in -reach.y...reach.y {
            for c in -reach.z...reach.z where i != j || a != 0 || b != 0 || c != 0 {
              let r = (difference + Vector3(Double(a), Double(b), Double(c))) * cell
              shortest = min(shortest, r.squaredLength)
            }
          }
        }
      }
    }
    return shortest.squareRoot()
  }

  /// Another basis of the same lattice: of every two vectors neither is shortened by the other.
  private static func compact(_ cell: Matrix3) -> Matrix3 {
    var rows = [cell.x, cell.y, cell.z]
    // Every round that changes something shortens a vector by far more than rounding, so that it ends; a hundred
    // rounds are more than any cell of doubles takes.
    for _ in 0..<100 {
      var changed = false
      for i in 0..<3 {
        for j in 0..<3 where i != j {
          let n = (dot(rows[i], rows[j]) / rows[j].squaredLength).rounded()
          let shorter = rows[i] - n * rows[j]
          guard n != 0, shorter.squaredLength < rows[i].squaredLength * (1 - 1e-9) else { continue }
          rows[i] = shorter
          changed = true
        }
      }
      if !changed { break }
    }
    return Matrix3(rows[0], rows[1], rows[2])
  }
}

import MDCore
import MDDynamics
import MDNumerics

/// K and the tip as the displacements of atoms around it tell them: the least-squares fit of the elastic field
///
///     u(X) = Σ_m K_m û_m(X − tip) + t
///
/// to atoms whose sites are between two distances from the tip. Unknown are K_I, K_II, K_III, the tip along x and a translation
/// t; the tip by Gauss and Newton, the others linearly.
struct CrackFit {
  /// K_II, K_I, K_III, MPa√m.
  var intensities: Vector3
  /// Along x, Å.
  var tip: Double
  /// Of the differences, root mean square, Å.
  var residual: Double
  var atoms: Int

  private static let unknowns = 7

  /// nil where atoms do not tell them, or the search for the tip does not end. Collective.
  init?(_ system: DistributedSystem, _ frame: CrackFrame, near start: Double, intensity: Double, between: (Double, Double)) {
    let atoms = system.atoms
    let sites = CrackBonds.sites(atoms)
    let cell = system.box.cell
    let fields = [Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)].map(frame.stroh.field)
    // The same atoms throughout, so that the sum is a function.
    let mine = (0..<atoms.localCount).filter { i in
      let (x, y) = (sites[3 * i] - start, sites[3 * i + 1] - frame.tip.y)
      let r = (x * x + y * y).squareRoot()
      return r >= between.0 && r < between.1
    }
    var k = intensity * frame.mode
    var (tip, move) = (start, Vector3.zero)
    let n = Self.unknowns
    let solver = CholeskySolver()
    var (square, count) = (0.0, 0.0)
    var settled = false
    for _ in 0..<30 {
      // Normal equations, the right side, the squares of what is left and the number of atoms.
      var sums = [Double](repeating: 0, count: n * n + n + 2)
      let slopes = frame.stroh.field(k)
      for i in mine {
        let image = atoms.image[i]
        let site = Vector3(sites[3 * i], sites[3 * i + 1], sites[3 * i + 2])
        let u = atoms.position[i] + Vector3(Double(image.x), Double(image.y), Double(image.z)) * cell - site
        let (x, y) = (site.x - tip, site.y - frame.tip.y)
        let units = fields.map { $0.displacement(x, y) }
        let slope = slopes.gradient(x, y).x
        let rest = u - (k.x * units[0] + k.y * units[1] + k.z * units[2]) - move
        for axis in 0..<3 {
          let row = [units[0][axis], units[1][axis], units[2][axis], -slope[axis]] + (0..<3).map { $0 == axis ? 1 : 0 }
          for a in 0..<n {
            for b in 0...a { sums[n * a + b] += row[a] * row[b] }
            sums[n * n + a] += row[a] * rest[axis]
          }
          sums[n * n + n] += rest[axis] * rest[axis]
        }
        sums[n * n + n + 1] += 1
      }
      system.communicator.sum(&sums)
      (square, count) = (sums[n * n + n], sums[n * n + n + 1])
      guard count >= 20, sums.allSatisfy(\.isFinite) else { return nil }
      if settled { break }
      solver.resize(n)
      for a in 0..<n { for b in 0...a { solver.elements[n * a + b] = sums[n * a + b] } }
      guard (try? solver.factorize()) != nil else { return nil }
      let step = solver.solve(Array(sums[(n * n)..<(n * n + n)]))
      k += Vector3(step[0], step[1], step[2])
      // A step beyond the inner atoms would leave what the field describes.
      tip += max(-0.5 * between.0, min(0.5 * between.0, step[3]))
      move += Vector3(step[4], step[5], step[6])
      settled = abs(step[3]) < 1e-7
      if abs(tip - start) > between.0 { return nil }
    }
    guard settled else { return nil }
    (intensities, self.tip, residual, self.atoms) = (k, tip, (square / (3 * count)).squareRoot(), Int(count))
  }
}

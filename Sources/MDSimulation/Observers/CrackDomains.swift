import MDCore
import MDNumerics

/// J around a crack's tip by the equivalent domain integral, of atoms and in their crystal's coordinates X (finite strain):
///
///     J = 1/ℓ Σ_a [ V₀ P_iJ ∂u_i/∂X ∂q/∂X_J − (e_a − e₀) ∂q/∂X ]
///
/// ℓ is the length of the front. q falls from 1 to 0 over an annulus around the tip, so that each annulus gives a J, and all the
/// same where the crystal is in equilibrium between them. e_a and the virial W_a are the potential's shares of the atom, e₀ its energy
/// in the unstrained crystal; u = x − X; F = ∂x/∂X by least squares over the neighbours' sites; V₀ P = −W F⁻ᵀ (rows of W are the
/// arms of forces). C. F. Shih, B. Moran, T. Nakamura, Int. J. Fract. **30**, 79 (1986); R. E. Jones, J. A. Zimmerman, J. Oswald,
/// T. Belytschko, J. Phys.: Condens. Matter **23**, 015002 (2011) for atoms.
///
/// Atoms closer to the crack's faces than the potential reaches lack neighbours: their energies are those of a surface. There the
/// crystal is taken as linear and free of tractions, which leaves ½ e·Ĉe ∂q/∂X of the strains e along the face; of mode I nothing.
///
/// Errors: of the lattice, some (distance of atoms/width of the annulus)⁴; of the gradient, (distance/radius)²; of the faces,
/// (cutoff/radius)³ of mode I and (cutoff/radius)² of the others. Inertia and heat are left out: for relaxed crystals.
final class CrackDomains {
  /// About the tip, ascending, Å: n + 1 of n annuli.
  let radii: [Double]
  private let neighbors: CrackNeighbors
  private let frame: CrackFrame
  private let crystal: CrackCrystal
  /// Half the height of what is counted as the faces', Å.
  private let strip: Double
  /// Ĉ of xx and xz where yy, yz and xy are free of stress, eV/Å³.
  private let face: (xx: Double, xz: Double, zz: Double)

  init(_ radii: [Double], _ neighbors: CrackNeighbors, _ frame: CrackFrame, slit: Double) {
    guard let crystal = frame.crystal else { preconditionFailure("J is measured where energies at rest are known") }
    (self.radii, self.neighbors, self.frame, self.crystal) = (radii, neighbors, frame, crystal)
    // Where forces are short-ranged, so that gradients of other atoms do not look across the crack.
    strip = 0.5 * slit + max(neighbors.system.cutoff, neighbors.reach)
    face = Self.face(frame.stroh.tensor)
  }

  private static func face(_ tensor: ElasticTensor) -> (xx: Double, xz: Double, zz: Double) {
    let (c, along, free) = (tensor.voigt, [0, 4], [1, 3, 5])
    let inner = Matrix3(free.flatMap { i in free.map { c[i][$0] } }).inverse
    func reduced(_ a: Int, _ b: Int) -> Double {
      let (p, q) = (Vector3(c[a][1], c[a][3], c[a][5]), Vector3(c[1][b], c[3][b], c[5][b]))
      return (c[a][b] - dot(p * inner, q)) / (Units.energyPerVolumeToBar * 1e-4)
    }
    return (reduced(along[0], along[0]), reduced(along[0], along[1]), reduced(along[1], along[1]))
  }

  /// J of each annulus around a tip at `tip`, J/m², of the energies and virials that atoms have; not a number where atoms do not tell.
  /// Collective.
  func measure(tip: Double) -> [Double] {
    let system = neighbors.system
    let atoms = system.atoms
    guard let energy = atoms.energy, let virial = atoms.virial else {
      preconditionFailure("energies and virials were asked for")
    }
    let annuli = radii.count - 1
    // One sum an annulus, and how many atoms do not tell.
    var sums = [Double](repeating: 0, count: annuli + 1)
    for i in 0..<atoms.localCount {
      let here = neighbors.site(i)
      let (x, y) = (here.x - tip, here.y - frame.tip.y)
      let r = (x * x + y * y).squareRoot()
      guard let k = (0..<annuli).first(where: { r > radii[$0] && r < radii[$0 + 1] }) else { continue }
      let isFace = x < 0 && abs(y) < strip
      guard let gradient = gradient(i, ofOneSide: isFace), let rest = crystal.energy(at: here) else {
        sums[annuli] += 1
        continue
      }
      let slope = Self.slope(r, radii[k], radii[k + 1]) / r
      let along = gradient.x - Vector3(1, 0, 0)
      if isFace {
        let density = 0.5 * (face.xx * along.x * along.x + 2 * face.xz * along.x * along.z + face.zz * along.z * along.z)
        sums[k] += crystal.atomicVolume * density * slope * x
      } else {
        let w = Matrix3((0..<9).map { virial[9 * i + $0] })
        // Rows belong to X, Y, Z.
        let piola = -1 * (gradient.inverse.transpose * w)
        sums[k] += slope * (x * dot(piola.x, along) + y * dot(piola.y, along) - x * (energy[i] - rest))
      }
    }
    system.communicator.sum(&sums)
    let unit = Units.energyPerAreaToJoulePerSquareMetre / system.box.cell.z.z
    return sums.dropLast().map { sums[annuli] > 0 ? .nan : unit * $0 }
  }

  /// dq/dr of q = 1 − s³(10 − 15 s + 6 s²), s from 0 to 1 over the annulus: 1/Å.
  private static func slope(_ r: Double, _ inner: Double, _ outer: Double) -> Double {
    let s = (r - inner) / (outer - inner)
    return -30 * s * s * (1 - s) * (1 - s) / (outer - inner)
  }

  /// Row J has ∂x/∂X_J: least squares over the neighbours' sites, weighted with (1 − (ΔX/reach)²)²; nil of too few. Of atoms at a face
  /// those of its own side count.
  private func gradient(_ i: Int, ofOneSide: Bool) -> Matrix3? {
    let square = neighbors.reach * neighbors.reach
    let height = neighbors.site(i).y - frame.tip.y
    var (moments, products) = (Matrix3.zero, Matrix3.zero)
    neighbors.visit(i) { d, change in
      let s = 1 - d.squaredLength / square
      guard s > 0, !ofOneSide || (height + d.y > 0) == (height > 0) else { return }
      moments += s * s * Matrix3.outer(d, d)
      products += s * s * Matrix3.outer(d, change)
    }
    let scale = moments.trace
    guard moments.determinant > 1e-4 * scale * scale * scale else { return nil }
    return .identity + moments.inverse * products
  }
}

import MDNumerics

/// A crack of a structure in its cell: front along z, running along x, with the elastic field that its outer ring follows.
package struct CrackFrame: Sendable {
  package let stroh: StrohSolution
  /// Of K_II, K_I, K_III, of unit length.
  package let mode: Vector3
  /// x and y of the tip that the structure is built with, Å.
  package let tip: SIMD2<Double>
  /// K that it is built with, MPa√m.
  package let intensity: Double
  /// K_G at which G = 2γ, MPa√m, where γ is known.
  package let griffith: Double?
  /// Rice's K at which a dislocation leaves the tip, MPa√m, where a slip system is known.
  package let emission: Double?
  /// The shortest distance of two atoms of the crystal, Å.
  package let bond: Double
  /// The crystal at rest, where its energies are known.
  package let crystal: CrackCrystal?
  /// The bit of the ring in `AtomStore.groups`.
  package let ring: UInt32
  /// Of the body, about `middle` of the box (Å), and the thickness of its ring, Å.
  package let outline: CrackOutline
  package let middle: SIMD2<Double>
  package let thickness: Double

  /// The name of the ring's group.
  package static let ringName = "crack_ring"
  /// The atoms' column of places in the crystal without a crack, Å; unwrapped.
  package static let column = "crystal_site"

  package init(
    stroh: StrohSolution, mode: Vector3, tip: SIMD2<Double>, intensity: Double, surfaceEnergy: Double?, bond: Double,
    crystal: CrackCrystal?, ring: UInt32, outline: CrackOutline, middle: SIMD2<Double>, thickness: Double,
    emission: Double? = nil
  ) {
    self.stroh = stroh
    self.mode = (1 / mode.length) * mode
    (self.tip, self.intensity, self.bond, self.crystal, self.ring) = (tip, intensity, bond, crystal, ring)
    self.emission = emission
    (self.outline, self.middle, self.thickness) = (outline, middle, thickness)
    griffith = surfaceEnergy.map { stroh.griffith(surfaceEnergy: $0, mode: mode) }
  }

  /// Of a load of this size in the structure's mode, MPa√m.
  package func field(_ intensity: Double) -> CrackField { stroh.field(intensity * mode) }

  /// Whether a site (Å) is in the outer half of the ring, whose atoms miss neighbours beyond the outer surface, or feel those that do.
  package func isMargin(_ site: Vector3) -> Bool { outline.depth(site.x - middle.x, site.y - middle.y) < 0.5 * thickness }

  /// J/m².
  package func energyRelease(_ intensity: Double) -> Double { stroh.energyRelease(intensity * mode) }
}

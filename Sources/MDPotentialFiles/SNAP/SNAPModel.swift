import MDCore

/// What the two files of a spectral neighbour analysis potential say (Thompson et al., J. Comput. Phys. 285, 316
/// (2015); quadratic: Wood and Thompson, J. Chem. Phys. 148, 241721 (2018); explicit multi-element:
/// Cusentino, Wood and Thompson, J. Phys. Chem. A 124, 5456 (2020)). The keywords are those of LAMMPS.
package struct SNAPModel: Sendable {
  package struct Element: Sendable {
    package var name: String
    /// R, Å: the cutoff of a pair is (Rᵢ + Rⱼ)·rcutfac.
    package var radius: Double
    /// w, the weight of this element's atoms in their neighbours' densities.
    package var weight: Double
    /// β₀, then β, then for quadratic models the upper triangle of α row by row; eV.
    package var coefficients: [Double]
    /// Centre and half-width of the inner switching function, Å (`sinner`, `dinner`).
    package var innerSwitch: (centre: Double, halfWidth: Double)?

    package init(
      name: String, radius: Double, weight: Double, coefficients: [Double],
      innerSwitch: (centre: Double, halfWidth: Double)? = nil
    ) {
      self.name = name
      self.radius = radius
      self.weight = weight
      self.coefficients = coefficients
      self.innerSwitch = innerSwitch
    }
  }

  package var elements: [Element]
  /// 2J, the largest order of the Wigner matrices, doubled.
  package var twojmax: Int
  package var rcutfac: Double
  package var rfac0 = 0.99363
  package var rmin0 = 0.0
  /// Densities are switched off smoothly at the cutoff (`switchflag`).
  package var switches = true
  /// B of an isolated atom is subtracted (`bzeroflag`).
  package var subtractsIsolated = true
  /// E has ½ Bᵀ α B (`quadraticflag`).
  package var isQuadratic = false
  /// One density for each element of the neighbours (`chemflag`).
  package var separatesElements = false
  /// B is divided by 2j + 1 (`bnormflag`).
  package var normalises = false
  /// The central atom stands in the densities of all elements (`wselfallflag`).
  package var selfInAll = false

  package init(elements: [Element], twojmax: Int, rcutfac: Double) {
    self.elements = elements
    self.twojmax = twojmax
    self.rcutfac = rcutfac
  }

  /// Number of densities.
  package var channelCount: Int { separatesElements ? elements.count : 1 }
  /// The triples (j₁, j₂, j), all doubled, of the distinct bispectrum components, 0 ≤ j₂ ≤ j₁ ≤ j, in the
  /// files' order.
  package var triples: [(j1: Int, j2: Int, j: Int)] {
    var out: [(j1: Int, j2: Int, j: Int)] = []
    for j1 in 0...twojmax {
      for j2 in 0...j1 {
        for j in stride(from: j1 - j2, through: min(twojmax, j1 + j2), by: 2) where j >= j1 {
          out.append((j1, j2, j))
        }
      }
    }
    return out
  }
  /// Number of bispectrum components K of an atom.
  package var componentCount: Int { triples.count * channelCount * channelCount * channelCount }
  /// Numbers that each element must have: 1 + K, and K(K + 1)/2 more if quadratic.
  package var coefficientCount: Int {
    let k = componentCount
    return 1 + k + (isQuadratic ? k * (k + 1) / 2 : 0)
  }

  package func cutoff(_ a: Int, _ b: Int) -> Double { (elements[a].radius + elements[b].radius) * rcutfac }
}

import Foundation
import MDCore
import MDPotentialFiles

/// The analytic embedded-atom potentials of X. W. Zhou, R. A. Johnson and H. N. G. Wadley, Phys. Rev. B 69, 144113
/// (2004), for 16 metals and their alloys. With x = r/r_e, one element has
///
///     f(r) = f_e e^(−β(x−1)) / [1 + (x−λ)²⁰]                       the density that an atom gives
///     φ(r) = A e^(−α(x−1)) / [1 + (x−κ)²⁰] − B e^(−β(x−1)) / [1 + (x−λ)²⁰]
///     F(ρ) = Σ F_ni (ρ/ρ_n − 1)^i      for ρ < ρ_n,   ρ_n = 0.85 ρ_e (0.25 ρ_e for Pt)
///          = Σ F_i (ρ/ρ_e − 1)^i       for ρ < 1.15 ρ_e, with another F_3 from ρ_e on where there are two
///          = F_e [1 − η ln(ρ/ρ_s)] (ρ/ρ_s)^η                       beyond
///
/// and unlike atoms interact by φ_ab = ½ [f_b/f_a φ_aa + f_a/f_b φ_bb].
///
/// The published functions have no end; tools that tabulate them stop at √5·r_e of the largest atom, leaving jumps of
/// some 10⁻⁵ eV. Here f and φ are brought to zero over the last tenth of that distance by
/// 1 − 10u³ + 15u⁴ − 6u⁵, so that energy, forces and their slopes are continuous; cohesive energies change by
/// less than 1 meV. The parameters are those that the first author distributes with LAMMPS (tools/eam_database).
public enum Zhou2004 {
  /// Symbols of the metals that the paper treats.
  public static var elements: [String] { parameters.keys.sorted() }

  /// The tables for these elements; `knots` is the number of distances and half that of densities.
  public static func tables(_ symbols: [String], knots: Int = 5_000) throws -> EAMTables {
    let metals = try symbols.map { symbol in
      guard let metal = Metal(symbol) else {
        throw FaultlineError(
          .input, "Zhou 2004 has no parameters for \(symbol)", hint: "it has \(elements.joined(separator: ", "))")
      }
      return metal
    }
    guard !metals.isEmpty else { throw FaultlineError(.input, "Zhou 2004: no elements are named") }
    let cutoff = 5.0.squareRoot() * metals.map(\.re).max()!
    let fadeStart = 0.9 * cutoff
    let step = cutoff / Double(knots - 1)
    func tabulate(_ f: (Double) -> Double) -> [Double] {
      (0..<knots).map { k in
        let r = Double(k) * step
        let u = max(0, min(1, (r - fadeStart) / (cutoff - fadeStart)))
        return f(r) * (1 - u * u * u * (10 + u * (6 * u - 15)))
      }
    }
    // Far beyond the densities of crystals under shock; then the tables' straight line goes on.
    let densities = 2 * knots
    let densityStep = max(100, 5 * metals.map(\.rhoe).max()!) / Double(densities - 1)
    let blocks = metals.map { metal in
      EAMTables.Element(
        name: metal.symbol, atomicNumber: Elements.atomicNumber(of: metal.symbol)!,
        mass: Elements.mass(of: metal.symbol)!,
        embedding: (0..<densities).map { metal.embedding(Double($0) * densityStep) },
        density: [tabulate(metal.density)])
    }
    var pair: [[Double]] = []
    for (i, a) in metals.enumerated() {
      for b in metals[...i] { pair.append(tabulate { r in r * Metal.pair(a, b, r) }) }
    }
    return EAMTables(
      format: .alloy, elements: blocks, densityStep: densityStep, distanceStep: step, cutoff: cutoff, pair: pair)
  }

  /// One element's parameters and functions, named as in the paper.
  struct Metal {
    let symbol: String
    let re, fe, rhoe, rhos, alpha, beta, A, B, kappa, lambda: Double
    let low: [Double]
    let middle: [Double]
    /// F_3 from ρ_e on.
    let above: Double
    let eta, Fe, lowEnd: Double

    init?(_ symbol: String) {
      guard let p = Zhou2004.parameters[symbol] else { return nil }
      self.symbol = symbol
      (re, fe, rhoe, rhos) = (p[0], p[1], p[2], p[3])
      (alpha, beta, A, B, kappa, lambda) = (p[4], p[5], p[6], p[7], p[8], p[9])
      low = Array(p[10..<14])
      middle = [p[14], 0, p[15], p[16]]
      above = p[17]
      (eta, Fe, lowEnd) = (p[18], p[19], p[20])
    }

    func density(_ r: Double) -> Double { fe * decay(r, beta, lambda) }

    func pair(_ r: Double) -> Double { A * decay(r, alpha, kappa) - B * decay(r, beta, lambda) }

    static func pair(_ a: Metal, _ b: Metal, _ r: Double) -> Double {
      if a.symbol == b.symbol { return a.pair(r) }
      let ratio = b.density(r) / a.density(r)
      return 0.5 * (ratio * a.pair(r) + b.pair(r) / ratio)
    }

    func embedding(_ rho: Double) -> Double {
      if rho < lowEnd * rhoe { return polynomial(low, rho / (lowEnd * rhoe) - 1) }
      if rho < 1.15 * rhoe {
        return polynomial(rho < rhoe ? middle : [middle[0], middle[1], middle[2], above], rho / rhoe - 1)
      }
      return Fe * (1 - eta * log(rho / rhos)) * pow(rho / rhos, eta)
    }

    private func decay(_ r: Double, _ rate: Double, _ center: Double) -> Double {
      let x = r / re
      return exp(-rate * (x - 1)) / (1 + pow(x - center, 20))
    }

    private func polynomial(_ c: [Double], _ x: Double) -> Double { ((c[3] * x + c[2]) * x + c[1]) * x + c[0] }
  }

  /// Two rows an element: r_e (Å), f_e, ρ_e, ρ_s, α, β, A (eV), B (eV), κ, λ;
  /// F_n0 … F_n3, F_0, F_2, F_3 below and from ρ_e on (eV), η, F_e (eV), ρ_n/ρ_e.
  private static let parameters: [String: [Double]] = [
    "Cu": [
      2.556162, 1.554485, 21.175871, 21.175395, 8.12762, 4.334731, 0.39662, 0.548085, 0.308782, 0.756515,
      -2.170269, -0.263788, 1.088878, -0.817603, -2.19, 0.56183, -2.100595, -2.100595, 0.31049, -2.186568, 0.85,
    ],
    "Ag": [
      2.891814, 1.106232, 14.6041, 14.604144, 9.13201, 4.870405, 0.277758, 0.419611, 0.33971, 0.750758,
      -1.729364, -0.255882, 0.91205, -0.561432, -1.75, 0.744561, -1.15065, -1.15065, 0.783924, -1.748423, 0.85,
    ],
    "Au": [
      2.885034, 1.529021, 19.991632, 19.991509, 9.516052, 5.075228, 0.229762, 0.356666, 0.35657, 0.748798,
      -2.937772, -0.500288, 1.601954, -0.83553, -2.98, 1.706587, -1.134778, -1.134778, 1.021095, -2.978815, 0.85,
    ],
    "Ni": [
      2.488746, 2.007018, 27.562015, 27.562031, 8.383453, 4.471175, 0.429046, 0.633531, 0.443599, 0.820658,
      -2.693513, -0.076445, 0.241442, -2.375626, -2.7, 0.26539, -0.152856, -0.152856, 0.44547, -2.7, 0.85,
    ],
    "Pd": [
      2.750897, 1.595417, 21.335246, 21.940073, 8.697397, 4.638612, 0.406763, 0.59888, 0.397263, 0.754799,
      -2.321006, -0.473983, 1.615343, -0.231681, -2.36, 1.481742, -1.675615, -1.675615, 1.13, -2.352753, 0.85,
    ],
    "Pt": [
      2.771916, 2.336509, 33.367564, 35.205357, 7.105782, 3.78975, 0.556398, 0.696037, 0.385255, 0.77051,
      -1.455568, -2.149952, 0.528491, 1.222875, -4.17, 3.010561, -2.420128, -2.420128, 1.45, -4.145597, 0.25,
    ],
    "Al": [
      2.863924, 1.403115, 20.418205, 23.19574, 6.613165, 3.527021, 0.314873, 0.365551, 0.379846, 0.759692,
      -2.807602, -0.301435, 1.258562, -1.247604, -2.83, 0.622245, -2.488244, -2.488244, 0.785902, -2.824528, 0.85,
    ],
    "Pb": [
      3.499723, 0.647872, 8.450154, 8.450063, 9.121799, 5.212457, 0.161219, 0.236884, 0.250805, 0.764955,
      -1.42237, -0.210107, 0.682886, -0.529378, -1.44, 0.702726, -0.538766, -0.538766, 0.93538, -1.439436, 0.85,
    ],
    "Fe": [
      2.481987, 1.885957, 20.041463, 20.041463, 9.81827, 5.236411, 0.392811, 0.646243, 0.170306, 0.340613,
      -2.534992, -0.059605, 0.193065, -2.282322, -2.54, 0.200269, -0.14877, -0.14877, 0.39175, -2.539945, 0.85,
    ],
    "Mo": [
      2.7281, 2.72371, 29.354065, 29.354065, 8.393531, 4.47655, 0.708787, 1.120373, 0.13764, 0.27528,
      -3.692913, -0.178812, 0.38045, -3.13365, -3.71, 0.875874, 0.776222, 0.776222, 0.790879, -3.712093, 0.85,
    ],
    "Ta": [
      2.860082, 3.086341, 33.787168, 33.787168, 8.489528, 4.527748, 0.611679, 1.032101, 0.176977, 0.353954,
      -5.103845, -0.405524, 1.112997, -3.585325, -5.14, 1.640098, 0.221375, 0.221375, 0.848843, -5.141526, 0.85,
    ],
    "W": [
      2.74084, 3.48734, 37.234847, 37.234847, 8.900114, 4.746728, 0.882435, 1.394592, 0.139209, 0.278417,
      -4.946281, -0.148818, 0.365057, -4.432406, -4.96, 0.661935, 0.348147, 0.348147, 0.582714, -4.961306, 0.85,
    ],
    "Mg": [
      3.196291, 0.544323, 7.1326, 7.1326, 10.228708, 5.455311, 0.137518, 0.22593, 0.5, 1.0,
      -0.896473, -0.044291, 0.162232, -0.68995, -0.9, 0.122838, -0.22601, -0.22601, 0.431425, -0.899702, 0.85,
    ],
    "Co": [
      2.505979, 1.975299, 27.206789, 27.206789, 8.679625, 4.629134, 0.421378, 0.640107, 0.5, 1.0,
      -2.541799, -0.219415, 0.733381, -1.589003, -2.56, 0.705845, -0.68714, -0.68714, 0.694608, -2.559307, 0.85,
    ],
    "Ti": [
      2.933872, 1.8632, 25.565138, 25.565138, 8.775431, 4.68023, 0.373601, 0.570968, 0.5, 1.0,
      -3.203773, -0.198262, 0.683779, -2.321732, -3.22, 0.608587, -0.75071, -0.75071, 0.558572, -3.219176, 0.85,
    ],
    "Zr": [
      3.199978, 2.230909, 30.879991, 30.879991, 8.55919, 4.564902, 0.424667, 0.640054, 0.5, 1.0,
      -4.485793, -0.293129, 0.990148, -3.202516, -4.51, 0.928602, -0.98187, -0.98187, 0.597133, -4.509025, 0.85,
    ],
  ]
}

extension EAMPotential {
  /// Zhou, Johnson, Wadley 2004: `elements` names the metal of each of the run's species, their own names if nil.
  public static func zhou2004(_ elements: [String]? = nil, species: [String]) throws -> EAMPotential {
    let names = elements ?? species
    var distinct: [String] = []
    for name in names where !distinct.contains(name) { distinct.append(name) }
    return try EAMPotential(Zhou2004.tables(distinct), elements: names, species: species)
  }
}

import Foundation
import MDCore
import MDNumerics
import MDTestSupport

/// Files of small potentials whose energies the tests write down as formulas.
enum TinyEAM {
  static let cutoff = 5.0
  /// Polynomials of the third degree: the tables' cubics hit them exactly.
  static func density(_ from: String, _ at: String, _ r: Dual, finnisSinclair: Bool) -> Dual {
    let strength = (from == "Na" ? 0.02 : 0.03) * (finnisSinclair && from != at ? 1.7 : 1)
    return strength * (cutoff - r).power(3)
  }
  static func embedding(_ name: String, _ rho: Dual) -> Dual {
    name == "Na" ? -0.4 * rho + 0.02 * rho * rho : -0.3 * rho + 0.03 * rho * rho
  }
  static func pair(_ a: String, _ b: String) -> PairLaw {
    let strength = a == b ? 0.05 : 0.08
    return PairLaw(cutoff: cutoff) { r in strength * (cutoff - r).power(3) / r }
  }

  static func file(finnisSinclair: Bool) -> String {
    let (knots, distances) = (2000, 4001)
    let (dRho, dr) = (0.01, cutoff / 4000)
    let names = ["Na", "Cl"]
    var lines = ["UNITS: metal", "polynomials", "", "2 Na Cl", "\(knots) \(dRho) \(distances) \(dr) \(cutoff)"]
    func table(_ n: Int, _ f: (Int) -> Double) { for k in 0..<n { lines.append("\(f(k))") } }
    for a in names {
      lines.append("11 20.0 4.0 fcc")
      table(knots) { embedding(a, Dual(Double($0) * dRho)).value }
      for b in finnisSinclair ? names : [a] {
        table(distances) { density(a, b, Dual(Double($0) * dr), finnisSinclair: finnisSinclair).value }
      }
    }
    for (k, a) in names.enumerated() {
      for b in names[...k] {
        table(distances) { n in
          let r = Double(n) * dr
          return (a == b ? 0.05 : 0.08) * pow(cutoff - r, 3)
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func evaluate(_ s: Structure, finnisSinclair: Bool) -> ModelResult {
    EmbeddedModel(
      reach: cutoff, density: { _, i, j, r in density(j, i, r, finnisSinclair: finnisSinclair) },
      embedding: { embedding($0, $1[0]) }
    ).evaluate(s)
      + PairModel([("Na", "Na", pair("Na", "Na")), ("Na", "Cl", pair("Na", "Cl")), ("Cl", "Cl", pair("Cl", "Cl"))])
      .evaluate(s)
  }
}

/// 2J = 0: the only component is the cube of U = 1 + Σ w_j f_c(r), so that E = c₀ + c₁ (U³ − 1).
enum TinySNAP {
  static let coefficients = "2 2\nNa 0.5 0.8\n-1.5\n0.02\nCl 0.6 1.3\n0.7\n-0.01\n"
  static let parameters = "rcutfac 4.4\ntwojmax 0\nrfac0 0.99363\nrmin0 0\nbzeroflag 1\n"
  static func values(_ name: String) -> (radius: Double, weight: Double, c0: Double, c1: Double) {
    name == "Na" ? (0.5, 0.8, -1.5, 0.02) : (0.6, 1.3, 0.7, -0.01)
  }
  static func model(rcutfac: Double = 4.4, scale: Double = 1) -> EmbeddedModel {
    EmbeddedModel(
      reach: 1.2 * rcutfac,
      density: { _, i, j, r in
        let end = (values(i).radius + values(j).radius) * rcutfac
        guard r.value < end else { return nil }
        return (0.5 * values(j).weight) * (Dual.cos(Double.pi / end * r) + 1)
      },
      embedding: { name, rho in
        let u = rho[0] + 1
        return (scale * values(name).c1) * (u * u * u - 1) + scale * values(name).c0
      })
  }
}

/// Two radial functions an element (one for each neighbour), one hidden node.
struct TinyNetwork: Sendable {
  /// Weights of the two inputs, bias, weight and bias of the output, by element.
  var weights: [String: [Double]] = ["Na": [0.8, -0.5, 0.1, 0.9, -1.2], "Cl": [-0.6, 0.7, -0.2, 1.1, 0.4]]
  /// 1/Å² and Å.
  static let (eta, center, cutoff) = (0.35, 2.6, 5.2)
  /// Ranges of the functions in the training data, by element: of the start less its extremes, which some atoms leave
  /// within a few steps.
  static let ranges: [String: [(Double, Double)]] = {
    let g = EmbeddedModel(reach: cutoff, count: 2, density: density) { _, _ in Dual(0) }.densities(start)
    func range(_ type: Int32, _ k: Int) -> (Double, Double) {
      let values = zip(g, start.types).filter { $0.1 == type }.map { $0.0[k] }.sorted()
      return (values[0] * 1.001, values[values.count - 2] * 1.001)
    }
    return ["Na": [range(0, 0), range(0, 1)], "Cl": [range(1, 0), range(1, 1)]]
  }()

  static let start = Sample.crystal(["Na", "Cl"], spacing: 3.1, speed: 8, seed: 9)

  @Sendable private static func density(_ k: Int, _: String, _ neighbor: String, _ r: Dual) -> Dual? {
    guard neighbor == ["Na", "Cl"][k], r.value < cutoff else { return nil }
    let x = r - center
    return 0.5 * (Dual.exp(-eta * (x * x)) * (Dual.cos(Double.pi / cutoff * r) + 1))
  }

  /// - Parameter length: file lengths per Å; energy: file energies per eV.
  func files(length: Double = 1, energy: Double = 1, more: [String] = []) -> [String: String] {
    var input = [
      "number_of_elements 2", "elements Na Cl", "cutoff_type 1", "global_hidden_layers_short 1", "global_nodes_short 1",
      "global_activation_short t l", "scale_symmetry_functions",
    ]
    input += more
    for a in ["Na", "Cl"] {
      for b in ["Na", "Cl"] {
        input.append(
          "symfunction_short \(a) 2 \(b) \(Self.eta / (length * length)) \(Self.center * length) "
            + "\(Self.cutoff * length)"
        )
      }
    }
    var scaling = "# ranges\n"
    for (e, name) in ["Na", "Cl"].enumerated() {
      for (k, range) in Self.ranges[name]!.enumerated() {
        scaling += "\(e + 1) \(k + 1) \(range.0) \(range.1) \(0.5 * (range.0 + range.1)) 0.1\n"
      }
    }
    func text(_ name: String) -> String {
      var w = weights[name]!
      w[3] *= energy
      w[4] *= energy
      return w.map { "\($0)" }.joined(separator: "\n") + "\n"
    }
    return [
      "input.nn": input.joined(separator: "\n") + "\n", "scaling.data": scaling,
      "weights.011.data": text("Na"), "weights.017.data": text("Cl"),
    ]
  }

  var model: EmbeddedModel {
    let weights = weights
    return EmbeddedModel(
      reach: Self.cutoff, count: 2, density: Self.density,
      embedding: { name, g in
        let w = weights[name]!
        let scaled = zip(g, Self.ranges[name]!).map { ($0 - $1.0) / ($1.1 - $1.0) }
        return w[3] * Dual.tanh(w[0] * scaled[0] + w[1] * scaled[1] + w[2]) + w[4]
      })
  }

  /// Functions out of their range, an atom each.
  static func extrapolations(_ s: Structure) -> [Double] {
    zip(TinyNetwork().model.densities(s), s.types).map { g, type in
      Double(zip(g, ranges[s.species[Int(type)]]!).filter { $0 < $1.0 || $0 > $1.1 }.count)
    }
  }
}

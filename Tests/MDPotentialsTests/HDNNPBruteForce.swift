import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials

/// A high-dimensional neural network potential as its formulas stand, with none of the kernel's code: every atom, every
/// neighbour, every pair of neighbours, every function by itself.
struct HDNNPBruteForce {
  let model: HDNNPModel

  struct Neighbor {
    var atom: Int
    var element: Int
    /// Towards the neighbour.
    var vector: Vector3
    var distance: Double
  }

  struct Result {
    var atomEnergies: [Double]
    var forces: [Vector3]
    /// Σ r ⊗ f.
    var virial: Matrix3
    var energy: Double { atomEnergies.reduce(0, +) }
  }

  // MARK: Functions of one variable, with their slopes

  /// The shapes that cutoff functions and bumps share, for 0 ≤ x < 1.
  static func core(_ shape: CompactFunction.Core, _ x: Double) -> (Double, Double) {
    switch shape {
    case .polynomial1: (1 - 3 * x * x + 2 * x * x * x, -6 * x + 6 * x * x)
    case .polynomial2: (1 - 10 * pow(x, 3) + 15 * pow(x, 4) - 6 * pow(x, 5), -30 * x * x * pow(1 - x, 2))
    case .polynomial3:
      (
        1 - 35 * pow(x, 4) + 84 * pow(x, 5) - 70 * pow(x, 6) + 20 * pow(x, 7),
        -140 * pow(x, 3) + 420 * pow(x, 4) - 420 * pow(x, 5) + 140 * pow(x, 6)
      )
    case .polynomial4:
      (
        1 - 126 * pow(x, 5) + 420 * pow(x, 6) - 540 * pow(x, 7) + 315 * pow(x, 8) - 70 * pow(x, 9),
        -630 * pow(x, 4) * pow(1 - x, 4)
      )
    case .exponential:
      (exp(1 - 1 / (1 - x * x)), -2 * x / pow(1 - x * x, 2) * exp(1 - 1 / (1 - x * x)))
    }
  }

  static func cutoff(_ f: CutoffFunction, _ r: Double, _ rc: Double) -> (Double, Double) {
    if r >= rc { return (0, 0) }
    let inner = f.alpha * rc
    let x = (r - inner) / (rc - inner)
    func shape(_ core: CompactFunction.Core) -> (Double, Double) {
      if r <= inner { return (1, 0) }
      let (value, slope) = Self.core(core, x)
      return (value, slope / (rc - inner))
    }
    switch f.kind {
    case .hard: return (1, 0)
    case .cosine: return r <= inner ? (1, 0) : ((cos(.pi * x) + 1) / 2, -.pi / 2 / (rc - inner) * sin(.pi * x))
    case .tanhUnnormalized, .tanh:
      let t = Foundation.tanh(1 - r / rc)
      let norm: Double = f.kind == .tanh ? 1 / pow(Foundation.tanh(1.0), 3) : 1
      return (norm * t * t * t, -3 * norm * t * t * (1 - t * t) / rc)
    case .exponential: return shape(.exponential)
    case .polynomial1: return shape(.polynomial1)
    case .polynomial2: return shape(.polynomial2)
    case .polynomial3: return shape(.polynomial3)
    case .polynomial4: return shape(.polynomial4)
    }
  }

  static func bump(_ f: CompactFunction, _ x: Double, _ left: Double, _ right: Double) -> (Double, Double) {
    if x <= left || x >= right { return (0, 0) }
    let width = (right - left) / 2
    let signed = (x - (left + right) / 2) / width
    let y = abs(signed)
    let (value, slope) = core(f.core, f.isAsymmetric ? 2 * y - y * y : y)
    return (value, slope * (f.isAsymmetric ? 2 - 2 * y : 1) * (signed < 0 ? -1 : 1) / width)
  }

  /// The radial factor of a function.
  static func radial(_ f: SymmetryFunction, _ r: Double) -> (Double, Double) {
    if f.kind.isCompact { return bump(f.compact, r, f.lowerRadius, f.cutoff) }
    let (value, slope) = cutoff(f.cutoffFunction, r, f.cutoff)
    let gauss = exp(-f.eta * (r - f.shift) * (r - f.shift))
    return (gauss * value, gauss * (slope - 2 * f.eta * (r - f.shift) * value))
  }

  /// The angular factor and its slope with respect to the cosine.
  static func angular(_ f: SymmetryFunction, _ cosine: Double) -> (Double, Double) {
    if f.kind.isCompact {
      // dΘ/d cos θ = −Θ′(θ)/sin θ stays finite at 0 and π, where Θ′ vanishes.
      let theta = min(max(acos(min(max(cosine, -1), 1)), 1e-7), .pi - 1e-7)
      var symmetric = f.compact
      symmetric.isAsymmetric = false
      let (value, slope) = bump(symmetric, theta, f.angleLeft, f.angleRight)
      return (value, -slope / sin(theta))
    }
    let base = 1 + f.lambda * cosine
    if base <= 0 { return (0, 0) }
    let norm = pow(2, 1 - f.zeta)
    return (norm * pow(base, f.zeta), norm * f.zeta * f.lambda * pow(base, f.zeta - 1))
  }

  // MARK: Sums

  /// All neighbours within the model's cutoff, images included, of each atom.
  func neighbors(_ structure: Structure, _ elements: [Int]) -> [[Neighbor]] {
    let box = structure.box
    let cutoff = model.cutoff
    var reach = SIMD3<Int>.zero
    for k in 0..<3 where box.periodic[k] { reach[k] = Int((cutoff / box.heights[k]).rounded(.up)) }
    let positions = structure.positions.map { r -> Vector3 in
      var r = r
      var image = SIMD3<Int32>.zero
      box.wrap(&r, image: &image)
      return r
    }
    return positions.indices.map { i in
      var found: [Neighbor] = []
      for a in -reach.x...reach.x {
        for b in -reach.y...reach.y {
          for c in -reach.z...reach.z {
            let shift = Vector3(Double(a), Double(b), Double(c)) * box.cell
            for j in positions.indices {
              let vector = positions[j] + shift - positions[i]
              let distance = vector.length
              if distance < cutoff, distance > 1e-9 {
                found.append(Neighbor(atom: j, element: elements[j], vector: vector, distance: distance))
              }
            }
          }
        }
      }
      return found
    }
  }

  /// Z factors of a weighted function.
  private func weight(_ f: SymmetryFunction, _ elements: [Int]) -> Double {
    f.kind.isWeighted ? elements.map { Double(model.elements[$0].atomicNumber) }.reduce(1, *) : 1
  }

  /// G of one function from a neighbourhood. `visit` is given every term's derivative with respect to the neighbours'
  /// vectors.
  func value(
    _ f: SymmetryFunction, _ neighbors: [Neighbor], _ visit: ((Neighbor, Vector3) -> Void)? = nil
  ) -> Double {
    var sum = 0.0
    let own = neighbors.filter {
      $0.distance < f.cutoff
        && (f.kind.isWeighted || $0.element == f.firstNeighbor
          || (!f.kind.isRadial && $0.element == f.secondNeighbor))
    }
    let radials = own.map { Self.radial(f, $0.distance) }
    if f.kind.isRadial {
      for (j, (value, slope)) in zip(own, radials) {
        let w = weight(f, [j.element])
        sum += w * value
        visit?(j, j.vector * (w * slope / j.distance))
      }
      return sum
    }
    for a in own.indices {
      for b in own.indices.dropFirst(a + 1) {
        let (j, k) = (own[a], own[b])
        if !f.kind.isWeighted, [j.element, k.element].sorted() != [f.firstNeighbor, f.secondNeighbor] { continue }
        let side = k.vector - j.vector
        let length = side.length
        let (third, thirdSlope) = f.kind.isNarrow ? Self.radial(f, length) : (1, 0)
        if f.kind.isNarrow && length >= f.cutoff { continue }
        let cosine = dot(j.vector, k.vector) / (j.distance * k.distance)
        let (angle, angleSlope) = Self.angular(f, cosine)
        let w = weight(f, [j.element, k.element])
        let (rj, rk) = (radials[a], radials[b])
        sum += w * angle * rj.0 * rk.0 * third
        guard let visit else { continue }
        let cosineSlope = w * angleSlope * rj.0 * rk.0 * third
        let sideSlope = w * angle * rj.0 * rk.0 * thirdSlope / length
        let jk = 1 / (j.distance * k.distance)
        var dj = (k.vector * jk - j.vector * (cosine / (j.distance * j.distance))) * cosineSlope
        var dk = (j.vector * jk - k.vector * (cosine / (k.distance * k.distance))) * cosineSlope
        dj += j.vector * (w * angle * rj.1 * rk.0 * third / j.distance) - side * sideSlope
        dk += k.vector * (w * angle * rj.0 * rk.1 * third / k.distance) + side * sideSlope
        visit(j, dj)
        visit(k, dk)
      }
    }
    return sum
  }

  /// The output of a network and its slopes with respect to the inputs.
  static func propagate(_ network: FeedForwardNetwork, _ inputs: [Double]) -> (Double, [Double]) {
    var values = inputs
    var slopes: [[Double]] = []
    for layer in network.layers {
      let sums = layer.biases.indices.map { o in
        layer.biases[o] + values.indices.map { layer.weights[o * values.count + $0] * values[$0] }.reduce(0, +)
      }
      values = sums.map { layer.activation.valueAndSlope($0).0 }
      slopes.append(sums.map { layer.activation.valueAndSlope($0).1 })
    }
    var gradient = [1.0]
    for (layer, slope) in zip(network.layers, slopes).reversed() {
      let sums = zip(gradient, slope).map { $0 * $1 }
      gradient = (0..<layer.inputCount).map { i in
        sums.indices.map { sums[$0] * layer.weights[$0 * layer.inputCount + i] }.reduce(0, +)
      }
    }
    return (values[0], gradient)
  }

  func elements(_ structure: Structure) throws -> [Int] {
    let map = try model.elementIndices(species: structure.species)
    return structure.types.map { Int(map[Int($0)]) }
  }

  /// Unscaled G of an atom.
  func functions(_ element: Int, _ neighbors: [Neighbor]) -> [Double] {
    model.elements[element].functions.map { value($0, neighbors) }
  }

  /// Energy of an atom and dE/dG of the unscaled functions.
  func energy(_ element: Int, _ functions: [Double]) -> (Double, [Double]) {
    let element = model.elements[element]
    let inputs = zip(functions, element.scaling).map { ($0 - $1.shift) * $1.factor + $1.offset }
    let (output, slopes) = Self.propagate(element.network, inputs)
    return (element.offset + output, zip(slopes, element.scaling).map { $0 * $1.factor })
  }

  /// Energies of some atoms.
  func atomEnergies(_ structure: Structure, atoms: [Int]) throws -> [Double] {
    let elements = try elements(structure)
    let neighbors = neighbors(structure, elements)
    return atoms.map { energy(elements[$0], functions(elements[$0], neighbors[$0])).0 }
  }

  func evaluate(_ structure: Structure) throws -> Result {
    let elements = try elements(structure)
    let neighbors = neighbors(structure, elements)
    var result = Result(
      atomEnergies: [], forces: Array(repeating: .zero, count: structure.count), virial: .zero)
    for i in 0..<structure.count {
      let (energy, slopes) = energy(elements[i], functions(elements[i], neighbors[i]))
      result.atomEnergies.append(energy)
      for (f, slope) in zip(model.elements[elements[i]].functions, slopes) {
        _ = value(f, neighbors[i]) { neighbor, derivative in
          let force = derivative * -slope
          result.forces[neighbor.atom] += force
          result.forces[i] -= force
          result.virial += Matrix3.outer(neighbor.vector, force)
        }
      }
    }
    return result
  }
}

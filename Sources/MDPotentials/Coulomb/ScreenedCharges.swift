import MDCore
import MDNumerics

/// What the energy of a 4G potential leaves out of the Coulomb energy of its charges:
///
///     ½ qᵀS q = −C Σᵢ qᵢ²/(2√π σᵢ) + C Σ_{i<j} qᵢqⱼ (f(rᵢⱼ) − 1) erf(rᵢⱼ/√2γᵢⱼ)/rᵢⱼ
///
/// with the screening function f.
final class ScreenedCharges {
  private let screening: ScreeningFunction?
  /// σ by species.
  private let widths: [Double]
  /// C.
  private let coulomb: Double
  private let pairs: ChargePairs
  private let halves = AlignedBuffer<Double>()

  init(screening: ScreeningFunction?, widths: [Double], coulomb: Double) {
    self.screening = screening
    self.widths = widths
    self.coulomb = coulomb
    pairs = ChargePairs(widths: widths)
  }

  var cutoff: Double { screening?.outer ?? 0 }

  /// Adds S q to the potential; `q` has values on ghosts.
  func addPotential(
    _ q: UnsafePointer<Double>, _ context: ForceContext, to potential: UnsafeMutablePointer<Double>
  ) {
    let atoms = context.atoms
    for i in 0..<atoms.localCount {
      potential[i] -= coulomb * q[i] / (Double.pi.squareRoot() * widths[Int(atoms.species[i])])
    }
    guard let screening else { return }
    switch screening.core {
    case .cosine: fill(context, screening, ScreeningFunction.cosine)
    case .polynomial1: fill(context, screening, ScreeningFunction.polynomial1)
    case .polynomial2: fill(context, screening, ScreeningFunction.polynomial2)
    case .polynomial3: fill(context, screening, ScreeningFunction.polynomial3)
    case .polynomial4: fill(context, screening, ScreeningFunction.polynomial4)
    }
    pairs.addProduct(q, count: atoms.localCount, to: potential)
  }

  @inline(__always)
  private func fill(
    _ context: ForceContext, _ screening: ScreeningFunction, _ core: (Lanes) -> (value: Lanes, slope: Lanes)
  ) {
    let inner = Lanes(repeating: screening.inner)
    let scale = Lanes(repeating: 1 / (screening.outer - screening.inner))
    let factor = Lanes(repeating: 2 / Double.pi.squareRoot())
    let strength = Lanes(repeating: -coulomb)
    pairs.fill(context, cutoff: screening.outer) { r, beta in
      let x = (r - inner) * scale
      let zero = Lanes.zero
      let one = Lanes(repeating: 1)
      let y = x.replacing(with: zero, where: x .< zero)
      // 1 − f and its slope; below the inner radius 1 and 0.
      let lack = core(y.replacing(with: one, where: y .> one))
      let inverse = reciprocal(r)
      let tail = complementaryErrorFunction(r * beta)
      let phi = (one - tail.erfc) * inverse
      let phiSlope = (tail.gaussian * beta * factor - phi) * inverse
      let value = lack.value * phi
      let slope = lack.slope * scale * phi + lack.value * phiSlope
      return (value * strength, zero - slope * inverse * strength)
    }
  }

  /// Adds the forces of ½ qᵀS q at fixed charges; returns the virial. After `addPotential` for the same positions.
  func addForces(_ q: UnsafePointer<Double>, _ context: ForceContext) -> Matrix3 {
    guard screening != nil else { return .zero }
    let count = context.atoms.count
    halves.reserve(max(count, 1))
    for i in 0..<count { halves.pointer[i] = 0.5 * q[i] }
    return pairs.addForces(q, halves.pointer, on: context.atoms, want: context.want)
  }
}

import MDCore
import MDNumerics

/// An approximate inverse of a charge matrix that knows its long waves as well as its diagonal D.
///
/// A coarse mesh carries long waves: with S the splines that take charges to it and G the Coulomb interaction of
/// Gaussians on it, M = D + S G Sᵀ is close to the matrix, and by Woodbury's identity
///
///     M⁻¹ = D⁻¹ − D⁻¹ S (G⁻¹ + SᵀD⁻¹S)⁻¹ Sᵀ D⁻¹
///
/// For SᵀD⁻¹S stand its row sums Λ, which can only make M⁻¹ larger, so that it stays positive definite. What is left is
/// a linear Poisson–Boltzmann equation on the mesh, (G⁻¹ + Λ) x = t. With a constant λ about as large as Λ,
/// Y = (G⁻¹ + λ)⁻¹ is a screened Coulomb interaction, a factor for each wave, and
///
///     x₀ = Y t,  xₖ₊₁ = Y (t + (λ − Λ) xₖ)
///
/// has the error Eᵏ⁺¹x with E = Y (λ − Λ), whose eigenvalues are between −1 and 1 for λ > max Λ / 2. After an even
/// number of screenings Y, 1 − Eᵏ⁺¹ is between 0 and 1: M⁻¹ is symmetric and positive definite however far x is from
/// the solution.
///
/// For Woodbury's identity: G. H. Golub, C. F. Van Loan, *Matrix Computations* (2013), 2.1.4.
///
/// In water with a history, tolerance 1e-4, cells of 16 to 939 Å all need three products for charges and two for their
/// adjoint a step; with the diagonal alone 3 to 19 and 2 to 15 (docs/charge-equilibration.md).
package final class MeshPreconditioner {
  /// Of the mesh, Å. In water 2 to 6 Å take as many products; a slab of rock salt 6.4, 6.5 and 7.4 with 2, 3 and 4 Å, and
  /// 3 Å was the quickest.
  private static let spacing = 3.0
  private static let order = 3
  /// Even. More gain nothing, two cost a product or two in long cells.
  private static let screenings = 4

  /// Ranks of the Fourier transforms along x and y; chosen for the mesh and `fftRanks` if nil.
  package var processGrid: SIMD2<Int>?

  private let slabFactor: Double?
  private let fftRanks: Int?
  private let communicator: any Communicator

  private var mesh: ChargeMesh?
  private var influence: InfluenceFunction?
  private var places: ChargePlaces?
  /// λ, e²/eV, and λ − Λ on this rank's part of the field.
  private var screening = 0.0
  private let rest = AlignedBuffer<Double>()
  private let sources = AlignedBuffer<Double>()
  private let weighted = AlignedBuffer<Double>()

  package init(slabFactor: Double?, fftRanks: Int?, communicator: any Communicator) {
    self.slabFactor = slabFactor
    self.fftRanks = fftRanks
    self.communicator = communicator
  }

  /// Whether there are waves to speak of: along two axes at least.
  static func serves(_ box: Box) -> Bool { (0..<3).filter { box.periodic[$0] }.count > 1 }

  var summary: String { mesh?.summary ?? "" }

  /// Collective. `inverse` is D⁻¹, 0 where charges are given.
  package func prepare(_ places: ChargePlaces, inverse: UnsafePointer<Double>) throws {
    if self.places?.system != places.system { try layOut(places) }
    self.places = places
    weighted.reserve(max(places.atoms.localCount, 1))
    try screen(places, inverse)
  }

  /// Of a slab tall enough for its atoms; how exactly copies are kept away makes no difference here.
  private static func cell(_ system: LongRangeSystem, _ slabFactor: Double?) throws -> PeriodicCell {
    let height = PeriodicCell.openAxis(of: system.box).map { system.box.heights[$0] } ?? 0
    return try PeriodicCell(
      system.box, slabHeight: slabFactor.map { $0 * height } ?? max(3 * height, 1.5 * (system.span?.width ?? 0)))
  }

  /// The mesh and G of a cell and its decomposition. What windows the ranks have takes longer to find than a step
  /// should on many ranks.
  private func layOut(_ places: ChargePlaces) throws {
    let cell = try Self.cell(places.system, slabFactor)
    let layout = ChargeMesh.Layout(
      mesh: MeshChoice.mesh(spacing: Self.spacing, cell, fewest: 1), order: Self.order, places.system, cell,
      processGrid: processGrid, fftRanks: fftRanks, size: communicator.size)
    let mesh: ChargeMesh
    let influence: InfluenceFunction
    if let present = self.mesh, let known = self.influence, present.layout == layout {
      (mesh, influence) = (present, known)
    } else {
      mesh = try ChargeMesh(layout, cell: cell, planning: .estimated, communicator: communicator)
      influence = InfluenceFunction(mesh.fft, order: Self.order, cell: cell)
      rest.reserve(max(mesh.fieldCount, 1))
      sources.reserve(max(mesh.fieldCount, 1))
    }
    mesh.place(cell)
    // Gaussians of width σ are what erf(αr)/r is for α = 1/2σ. (Members of a committee share the mesh, and then the
    // width of one of them, which is good enough here.)
    _ = influence.fill(cell, splitting: 1 / (2 * places.width), tensors: false)
    (self.mesh, self.influence) = (mesh, influence)
  }

  /// Λ, and of it λ: the mean as charges see it, but more than half of the maximum, for M⁻¹ to be positive definite.
  private func screen(_ places: ChargePlaces, _ inverse: UnsafePointer<Double>) throws {
    guard let mesh else { preconditionFailure("lay the mesh out first") }
    try mesh.collect(inverse, places.atoms)
    let length = mesh.layout.mesh.z
    var (sum, squares, largest) = (0.0, 0.0, 0.0)
    mesh.forEachFieldRow { row, _ in
      for k in 0..<length {
        sum += row[k]
        squares += row[k] * row[k]
        largest = max(largest, row[k])
      }
    }
    var sums = [sum, squares]
    communicator.sum(&sums)
    largest = communicator.maximum(largest)
    screening = sums[0] > 0 ? max(sums[1] / sums[0], 0.6 * largest) : 0
    mesh.forEachFieldRow { row, r in
      let rest = rest.pointer + r * length
      for k in 0..<length { rest[k] = screening - row[k] }
    }
  }

  /// z = M⁻¹ r. Collective.
  package func apply(
    _ r: UnsafePointer<Double>, inverse d: UnsafePointer<Double>, into z: UnsafeMutablePointer<Double>
  ) throws {
    guard let mesh, let places else { preconditionFailure("prepare the preconditioner first") }
    let n = places.atoms.localCount
    let w = weighted.pointer
    for i in 0..<n {
      w[i] = d[i] * r[i]
      z[i] = 0
    }
    try mesh.collect(w, places.atoms)
    let length = mesh.layout.mesh.z
    mesh.forEachFieldRow { row, r in (sources.pointer + r * length).update(from: row, count: length) }
    applyScreened(mesh)
    for _ in 1..<Self.screenings {
      mesh.forEachFieldRow { row, r in
        let (t, rest) = (sources.pointer + r * length, rest.pointer + r * length)
        for k in 0..<length { row[k] = t[k] + rest[k] * row[k] }
      }
      applyScreened(mesh)
    }
    mesh.hand()
    mesh.atoms.gather(
      mesh.window.pointer, weights: d, places.atoms.positions, count: n, into: z, stride: 1,
      scratch: mesh.scratch.pointer)
    for i in 0..<n { z[i] = w[i] - z[i] }
  }

  /// field → Y field: in waves G/(1 + λ N G), N being the number of points.
  private func applyScreened(_ mesh: ChargeMesh) {
    guard let influence, let places else { return }
    mesh.fft.forward()
    let (data, g) = (mesh.fft.spectrum.pointer, influence.values.pointer)
    let (factor, scale) = (places.factor, screening * Double(mesh.points))
    for k in 0..<influence.count {
      let own = factor * g[k]
      let y = own / (1 + scale * own)
      data[2 * k] *= y
      data[2 * k + 1] *= y
    }
    mesh.fft.backward()
  }
}

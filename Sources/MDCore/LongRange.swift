import MDNumerics

/// The smooth long-range part of the Coulomb interaction, distributed over ranks.
///
/// Every solver works for charges spread as Gaussians of one width, which is the splitting of Ewald: with
/// erf(αr)/r from the solver and erfc(αr)/r from pairs within a cutoff, the sum is 1/r. It is a symmetric bilinear
/// form: φ = A q with
///
///     A_ij = C [Σ_images erf(α r_ij)/r_ij − (2α/√π) δ_ij]
///
/// over all periodic images with the neutralising background (−C π/(V α²) for every element of A), or the
/// terms of a slab or of open boundaries. E = ½ qᵀ A q, eV; φ, V (eV/e); q, e; C = `Units.coulomb`.
/// Pairs that the real-space sum leaves out must be subtracted by the caller.
///
/// The atoms are this rank's, places 0 ..< `atoms.localCount`; all calls are collective.
public protocol LongRangeSolver: AnyObject {
  /// As it stands in the log, for example "ewald".
  var name: String { get }
  /// What `prepare` chose at its first call, or what was set before it (by a checkpoint, so that a resumed run goes
  /// on with the same sums). Chosen anew when the number of charges is another, or the cell does not fit.
  var parameters: LongRangeParameters? { get set }
  /// Estimated root-mean-square error of this part of the forces for the charges given to `prepare`, eV/Å.
  var estimatedError: Double { get }
  /// The root-mean-square error of this part of the forces on these atoms, eV/Å, measured against a much finer sum; nil
  /// for solvers that do not offer it. Collective; leaves the atoms as they were. `system` is that of the last
  /// `prepare`.
  func measuredError(
    of charges: UnsafePointer<Double>, on atoms: AtomView, _ system: LongRangeSystem
  ) throws -> Double?
  /// For the log, once prepared: the number of wave vectors, or the mesh.
  var summary: String { get }
  /// Wall-clock time spent in `prepare`, `potential` and `addForces` so far, s; 0 for solvers that keep no time.
  var seconds: Double { get }
  /// Of the cell whose copies are summed (for a slab taller than the box), Å³; infinite with open boundaries.
  var volume: Double { get }

  /// The root-mean-square error of the forces that the user asked for, eV/Å; 0 for a sum that is exact.
  var askedError: Double { get }
  /// Of a slab, once prepared: how far it is from the copies that the sum stacks along its normal.
  var gap: SlabGap? { get }
  /// Goes up whenever `prepare` chose anew after its first call, or a slab of a given height came closer to its copies
  /// than the accuracy allows: what was said of errors is then true no more. The same on every rank.
  var revisions: Int { get }
  /// Of a slab: the root-mean-square force (eV/Å) that copies above and below exert on these atoms and the correction
  /// for layers does not take out; 0 elsewhere. Collective, with one pass over the atoms.
  func imageError(of charges: UnsafePointer<Double>, on atoms: AtomView) -> Double

  /// Whether `parameters` are there and serve for this system; if not, `prepare` chooses anew and needs fresh
  /// statistics.
  func fits(_ system: LongRangeSystem) -> Bool
  /// Makes ready for a cell. Called before the first use and whenever cell or decomposition changed.
  func prepare(_ system: LongRangeSystem) throws

  /// φ = A q on this rank's atoms; overwrites `potential`. Nothing but potentials is computed.
  func potential(
    of charges: UnsafePointer<Double>, on atoms: AtomView, into potential: UnsafeMutablePointer<Double>) throws

  /// Without `other`: adds −∂E/∂r to the forces of E = ½ qᵀ A q and returns this rank's share of energy and virial.
  /// With `other` = λ: the same of the bilinear form λᵀ A q (no factor ½) at fixed q and λ.
  /// Per-atom energies are q_i φ_i / 2 and per-atom virials add up to the virial, both only if `want` says so.
  func addForces(
    of charges: UnsafePointer<Double>, with other: UnsafePointer<Double>?, on atoms: AtomView, want: Want
  ) throws -> Tally
}

extension LongRangeSolver {
  public var seconds: Double { 0 }
  public var gap: SlabGap? { nil }
  public func imageError(of charges: UnsafePointer<Double>, on atoms: AtomView) -> Double { 0 }

  public func measuredError(
    of charges: UnsafePointer<Double>, on atoms: AtomView, _ system: LongRangeSystem
  ) throws -> Double? { nil }
}

/// What a solver must know of the whole system; the same on every rank.
public struct LongRangeSystem: Equatable, Sendable {
  public var box: Box
  public var decomposition: Decomposition
  public var charges: ChargeStatistics
  /// Of a slab; nil if nobody has looked, which the solvers take for atoms within the box.
  public var span: SlabSpan?

  public init(box: Box, decomposition: Decomposition, charges: ChargeStatistics, span: SlabSpan? = nil) {
    self.box = box
    self.decomposition = decomposition
    self.charges = charges
    self.span = span
  }
}

/// What the atoms of a slab occupy along its normal, measured from the box's origin, until the next rebuild of the
/// neighbour lists: their places, half of the skin, rounded outwards to whole ångström (so that it changes seldom).
public struct SlabSpan: Sendable, Equatable {
  /// Å.
  public var low: Double
  public var high: Double
  /// The lowest and the highest atom, and their distance along the normal, Å.
  public var lowest: Int64
  public var highest: Int64
  public var distance: Double

  public init(low: Double, high: Double, lowest: Int64, highest: Int64, margin: Double) {
    self.low = (low - margin).rounded(.down)
    self.high = (high + margin).rounded(.up)
    self.lowest = lowest
    self.highest = highest
    distance = high - low
  }

  public var width: Double { high - low }

  /// Which atoms it is makes no difference to the sums.
  public static func == (a: SlabSpan, b: SlabSpan) -> Bool { a.low == b.low && a.high == b.high }
}

/// The vacuum between a slab and its copies in a periodic sum, and what it leaves of their forces.
public struct SlabGap: Sendable, Equatable {
  /// Height of the periodic cell along the normal, Å.
  public var height: Double
  /// The height less what atoms occupy, Å.
  public var gap: Double
  /// 2π over the smallest lateral wave number, Å: the forces of copies fall as e^(−2πg/L).
  public var length: Double
  /// The root-mean-square force of the copies is no larger, eV/Å; infinite without a gap.
  public var error: Double
  /// Whether the height was chosen, not given.
  public var isChosen: Bool
  /// The least height whose error is what was asked for, Å, and the height of the box.
  public var needed: Double
  public var boxHeight: Double

  public init(
    height: Double, gap: Double, length: Double, error: Double, isChosen: Bool, needed: Double, boxHeight: Double
  ) {
    self.height = height
    self.gap = gap
    self.length = length
    self.error = error
    self.isChosen = isChosen
    self.needed = needed
    self.boxHeight = boxHeight
  }
}

/// The chosen numbers of a solver, and the system that they were chosen for.
public struct LongRangeParameters: Equatable, Sendable, Codable {
  /// α, 1/Å.
  public var splitting: Double
  /// Ewald: the largest index of wave vectors along each reciprocal vector. Mesh: points along each cell vector.
  public var grid: SIMD3<Int>
  /// Order of the mesh's splines; 0 without a mesh.
  public var order: Int
  /// Wave vectors of the reference cell are cut here, 1/Å; 0 for a mesh.
  public var wavevectorCutoff: Double
  /// The periodic cell that was chosen for, row by row, Å, and the number of charges.
  public var cell: [Double]
  public var count: Int

  public init(
    splitting: Double, grid: SIMD3<Int>, order: Int = 0, wavevectorCutoff: Double = 0, cell: Matrix3, count: Int
  ) {
    self.splitting = splitting
    self.grid = grid
    self.order = order
    self.wavevectorCutoff = wavevectorCutoff
    self.cell = cell.elements
    self.count = count
  }

  /// Whether `cell` is the reference cell strained by no more than 5 %: then the same wave vectors or mesh serve on,
  /// so that the energy is a smooth function of the cell.
  public func fits(cell new: Matrix3) -> Bool {
    let strain = Matrix3(cell).inverse * new - .identity
    return strain.elements.allSatisfy { abs($0) <= 0.05 }
  }
}

/// Sums over all charges of the system, which estimates of errors need.
public struct ChargeStatistics: Equatable, Sendable {
  /// Number of charges.
  public var count: Int
  /// Σ q, e.
  public var sum: Double
  /// Σ q², e².
  public var squares: Double
  /// Σq² over its mean density as charges see it, Å³: the volume of the cell where they fill it evenly, less where
  /// there is vacuum. Errors of sums go with the density around the charges, not with that of the cell.
  public var occupiedVolume: Double

  public init(count: Int, sum: Double, squares: Double, occupiedVolume: Double) {
    self.count = count
    self.sum = sum
    self.squares = squares
    self.occupiedVolume = occupiedVolume
  }
}

/// How the cell is divided among ranks. Along open axes the outermost bricks reach to infinity.
public struct Decomposition: Equatable, Sendable {
  public var bricks: Bricks
  /// How far an atom may be outside of its rank's brick, Å.
  public var stray: Double

  public init(bricks: Bricks, stray: Double) {
    self.bricks = bricks
    self.stray = stray
  }

  public var grid: SIMD3<Int> { bricks.grid }

  /// One rank has all. Atoms may be anywhere: a cell's copies are all its own.
  public static let single = Decomposition(bricks: .single, stray: 0)
}

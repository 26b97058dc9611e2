import MDCore

/// What the user asks of a long-range solver.
public struct LongRangeOptions: Sendable, Equatable {
  /// Asked-for root-mean-square force error as a fraction of the force between two unit charges 1 Å apart
  /// (14.4 eV/Å); real and reciprocal space each get 1/√2 of it.
  public var accuracy: Double
  /// Of the real-space sum, Å.
  public var cutoff: Double
  /// α, 1/Å; chosen from cutoff and accuracy if nil.
  public var splitting: Double?
  /// Height of the periodic cell of a slab over the height of the given cell; if nil 3, or as much more as the
  /// accuracy asks for (`PeriodicCell.slab`).
  public var slabFactor: Double?

  /// At most so many ranks take part in the Fourier transforms of a mesh; all if nil.
  public var fftRanks: Int?

  public init(
    accuracy: Double, cutoff: Double, splitting: Double? = nil, slabFactor: Double? = nil, fftRanks: Int? = nil
  ) {
    self.accuracy = accuracy
    self.cutoff = cutoff
    self.splitting = splitting
    self.slabFactor = slabFactor
    self.fftRanks = fftRanks
  }
}

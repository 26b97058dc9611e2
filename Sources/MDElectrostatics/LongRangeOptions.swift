import MDCore

/// What the user asks of a long-range solver.
package struct LongRangeOptions: Sendable, Equatable {
  /// Asked-for root-mean-square force error as a fraction of the force between two unit charges 1 Å apart
  /// (14.4 eV/Å); real and reciprocal space each get 1/√2 of it.
  package var accuracy: Double
  /// Of the real-space sum, Å.
  package var cutoff: Double
  /// α, 1/Å; chosen from cutoff and accuracy if nil.
  package var splitting: Double?
  /// Height of the periodic cell of a slab over the height of the given cell; if nil 3, or as much more as the
  /// accuracy asks for (`PeriodicCell.slab`).
  package var slabFactor: Double?

  /// Wave vectors of a plain Ewald sum end here, 1/Å, in every cell anew; chosen from the accuracy if nil.
  package var wavevectorCutoff: Double?

  /// At most so many ranks take part in the Fourier transforms of a mesh; all if nil.
  package var fftRanks: Int?

  package init(
    accuracy: Double, cutoff: Double, splitting: Double? = nil, slabFactor: Double? = nil, fftRanks: Int? = nil,
    wavevectorCutoff: Double? = nil
  ) {
    self.accuracy = accuracy
    self.cutoff = cutoff
    self.splitting = splitting
    self.slabFactor = slabFactor
    self.fftRanks = fftRanks
    self.wavevectorCutoff = wavevectorCutoff
  }
}

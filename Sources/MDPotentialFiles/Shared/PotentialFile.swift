/// What holds for all files of potentials.
enum PotentialFile {
  /// Å. Beyond the reach of any short-ranged potential: there a unit or a digit is wrong.
  static let longestCutoff = 100.0
}

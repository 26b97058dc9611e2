/// Decks that the command-line tests share: 500 atoms of copper, EAM, small enough for eight ranks on two cores.
enum TestDecks {
  /// `stages` and `output` are YAML with two and no spaces of indentation.
  static func copper(
    size: String = "[5, 5, 5]", stages: String, output: String = "", extra: String = ""
  ) -> String {
    """
    structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: \(size)}}
    potential:
      - eam: {parameters: zhou2004}
    velocities: {temperature: 600 K}
    \(extra)
    stages:
    \(stages)
    output:
      directory: run
      thermo: {every: 10}
    \(output)
    """
  }

  static let nve = "  - dynamics: {steps: 200, timestep: 2 fs}"
  static let checkpoints = "  checkpoints: {every: 100, keep: 3}"
}

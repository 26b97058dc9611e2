import Foundation
import MDTestSupport

/// What is damaged.
enum FuzzKind: String, CaseIterable, Sendable {
  case deck, deckValues = "deck-values", extxyz, gzip, data, poscar, frames, setfl
  case finnisSinclair = "finnis-sinclair", snap, hdnnp2 = "hdnnp-2g", hdnnp3 = "hdnnp-3g", hdnnp4 = "hdnnp-4g"
  case committee, checkpoint, trajectory, thermo, summary = "run.json", mtp, almtp, table, cfg, nep, ace
}

/// A healthy situation: files, which of them to damage, and what is then started.
struct FuzzSeed {
  var files: [String: Data]
  var targets: [String]
  var commands: [[String]]

  static func seeds(_ kind: FuzzKind) throws -> [FuzzSeed] {
    switch kind {
    case .deck, .deckValues:
      return decks.map { deck in
        FuzzSeed(
          files: ["deck.yaml": Data(deck.utf8)], targets: ["deck.yaml"], commands: [["check", "deck.yaml"], run, run])
      }
    case .extxyz: return [structure("cell.extxyz", extxyz), structure("cell.extxyz", cluster)]
    case .gzip:
      var seed = structure("cell.extxyz.gz", "")
      seed.files["cell.extxyz.gz"] = try packed(extxyz)
      return [seed]
    case .data:
      return [
        structure("cell.data", lammpsData, species: ", species: [Ar, Kr]"),
        structure("cell.dump", lammpsDump, species: ", species: [Ar, Kr]"),
      ]
    case .poscar: return [structure("cell.poscar", poscar)]
    case .frames:
      let deck = "potential:\n  - lennard_jones:\n\(argon)"
      return [
        FuzzSeed(
          files: ["deck.yaml": Data(deck.utf8), "frames.extxyz": Data((extxyz + cluster).utf8)],
          targets: ["frames.extxyz"], commands: [evaluate("frames.extxyz")])
      ]
    case .setfl: return [try reference("eam-setfl", ["AlCu.eam.alloy"])]
    case .finnisSinclair: return [try reference("eam-finnis-sinclair", ["AlCu.eam.fs"])]
    case .snap:
      return try ["snap-quadratic-inner", "snap-chem"].map {
        try reference($0, ["InP.snapcoeff", "InP.snapparam", "InP.snapparam"])
      }
    case .hdnnp2: return [try reference("hdnnp-2g")]
    case .hdnnp3: return [try reference("hdnnp-3g"), try reference("hdnnp-3g-enforced")]
    case .hdnnp4: return [try reference("hdnnp-4g")]
    case .committee: return [try reference("hdnnp-committee")]
    case .mtp: return [try reference("mtp-repulsive"), try reference("mtp-committee")]
    case .almtp: return [try reference("mtp")]
    case .table: return [try reference("table")]
    case .nep: return try ["nep", "nep-committee", "nep-charged"].map { try reference($0) }
    case .ace:
      let sample = ACESample.random(["Ar", "Kr"], seed: 2, inner: .distance, repulsive: true)
      let matrices = Data(try sample.activeSet(seed: 4))
      return [
        ("a.yaml", Data(sample.text.utf8), ", active_set: a.asi"), ("a.yace", Data(try ACESample.converted(sample.file()).utf8), ""),
        ("a.yaml", Data(ACESample.grace(["Ar", "Kr"], seed: 3, radial: (k: 4, n: 3)).utf8), ""),
      ].map { name, potential, more in
        var files = ["deck.yaml": Data("potential: [{ace: {file: \(name)\(more)}}]\n".utf8), "frames.extxyz": Data(extxyz.utf8)]
        files[name] = potential
        if !more.isEmpty { files["a.asi"] = matrices }
        return FuzzSeed(files: files, targets: [name] + (more.isEmpty ? [] : ["a.asi"]), commands: [evaluate("frames.extxyz")])
      }
    case .cfg:
      var seed = try reference("mtp", ["frames.cfg"])
      seed.files["frames.cfg"] = Data(configurations.utf8)
      let deck = String(decoding: seed.files["deck.yaml"] ?? Data(), as: UTF8.self)
      let run = "structure: {file: {path: frames.cfg}}\nstages: [{dynamics: {steps: 3, timestep: 1 fs}}]\n"
      seed.files["deck.yaml"] = Data((deck + run).utf8)
      seed.commands = [evaluate("frames.cfg"), evaluate("frames.cfg"), Self.run, ["check", "deck.yaml"]]
      seed.commands.append(["evaluate", "deck.yaml", "--frames", "frames.cfg", "--output", "out.cfg"])
      return [seed]
    case .checkpoint, .trajectory, .thermo, .summary: return try runs.get().map { try stopped($0, kind) }
    }
  }

  private static let run = ["run", "deck.yaml", "--output", "run", "--max-time", "3s"]

  private static func evaluate(_ frames: String) -> [String] {
    ["evaluate", "deck.yaml", "--frames", frames, "--output", "out.extxyz"]
  }

  private static func structure(_ file: String, _ text: String, species: String = "") -> FuzzSeed {
    let deck = """
      structure: {file: {path: \(file)\(species)}}
      potential:
        - lennard_jones:
      \(argon)
      stages:
        - dynamics: {steps: 3, timestep: 1 fs}

      """
    return FuzzSeed(
      files: ["deck.yaml": Data(deck.utf8), file: Data(text.utf8)], targets: [file],
      commands: [run, run, ["check", "deck.yaml"], ["build", "deck.yaml", "--output", "out.extxyz"]])
  }

  /// A folder of Tests/Reference with what belongs to its potential, all files of it unless some are named.
  private static func reference(_ name: String, _ targets: [String]? = nil) throws -> FuzzSeed {
    let folder = Launcher.repository.appendingPathComponent("Tests/Reference/\(name)")
    var files: [String: Data] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
      var isFolder: ObjCBool = false
      let url = folder.appendingPathComponent(path)
      guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), !isFolder.boolValue else {
        continue
      }
      files[path] = try Data(contentsOf: url)
    }
    let own = files.keys.filter { $0 != "deck.yaml" && $0 != "reference.extxyz" }.sorted()
    // Headers are more telling than one of a thousand weights.
    let inputs = own.filter { $0.hasSuffix("input.nn") }
    return FuzzSeed(
      files: files, targets: targets ?? own + inputs + inputs, commands: [evaluate("reference.extxyz")])
  }

  // MARK: Runs that were stopped

  /// Runs that stopped half way, made by the program under test once and for all.
  private static let runs = Result {
    try stages.map { deck in
      let launcher = try Launcher("fuzz-run")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", deck)
      let result = try launcher.run("run", "deck.yaml", "--output", "run", "--max-steps", "10")
      guard result.code == 75 else { throw CocoaError(.coderInvalidValue, userInfo: ["told": result.errors]) }
      return try FileManager.default.subpathsOfDirectory(atPath: launcher.path("run")).sorted().reduce(
        into: ["deck.yaml": Data(deck.utf8)]
      ) { files, path in
        if let data = FileManager.default.contents(atPath: launcher.path("run/" + path)) { files["run/" + path] = data }
      }
    }
  }

  private static func stopped(_ files: [String: Data], _ kind: FuzzKind) throws -> FuzzSeed {
    let names = files.keys.sorted()
    let targets = names.filter { name in
      switch kind {
      case .checkpoint: name.hasSuffix(".checkpoint") || name.contains("/checkpoints/") || name.contains("checkpoint-")
      case .trajectory: name.contains("t.")
      case .thermo: name.hasSuffix(".csv")
      default: name.hasSuffix(".json")
      }
    }
    return FuzzSeed(files: files, targets: targets, commands: [["resume", "run", "--max-time", "3s"]])
  }

  static func packed(_ text: String) throws -> Data {
    let launcher = try Launcher("fuzz-gzip")
    defer { launcher.cleanUp() }
    try launcher.write("deck.yaml", "structure: {file: {path: cell.extxyz}}\n")
    try launcher.write("cell.extxyz", text)
    let result = try launcher.run("build", "deck.yaml", "--output", "packed.extxyz.gz")
    guard result.code == 0 else { throw CocoaError(.coderInvalidValue, userInfo: ["told": result.errors]) }
    return try Data(contentsOf: URL(fileURLWithPath: launcher.path("packed.extxyz.gz")))
  }

  // MARK: Texts

  private static let argon = """
          cutoff: 6
          mixing: lorentz_berthelot
          pairs:
            - {species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}
            - {species: [Kr, Kr], epsilon: 0.0140, sigma: 3.6}

    """

  private static let stages = [
    """
    structure: {lattice: {type: fcc, constant: 5.4 Å, species: [Ar], size: [2, 2, 2]}}
    potential:
      - lennard_jones: {cutoff: 5, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}
    velocities: {temperature: 40 K}
    groups: {few: {select: {ids: [1, 4]}}}
    seed: 7
    stages:
      - dynamics:
          steps: 20
          timestep: 2 fs
          thermostat: {nose_hoover: {temperature: 40}}
          deform: {axis: x, rate: 1e9 /s}
    output:
      thermo: {every: 2}
      trajectories:
        - {file: t.extxyz, every: 2}
        - {file: t.dump.gz, every: 5, format: lammps-dump}
      checkpoints: {every: 5, keep: 2}

    """,
    """
    structure: {lattice: {type: rocksalt, constant: 4.2 Å, species: [Mg, O], size: [1, 1, 1]}}
    potential:
      - buckingham:
          cutoff: 5
          pairs:
            - {species: [Mg, Mg], a: 0, rho: 0.3, c: 0}
            - {species: [Mg, O], a: 1280, rho: 0.30, c: 0}
            - {species: [O, O], a: 9547, rho: 0.22, c: 0}
      - qeq:
          parameters:
            Mg: {electronegativity: 3.95, hardness: 5.6, width: 0.9}
            O: {electronegativity: 8.74, hardness: 7.0, width: 0.7}
          charges: {accuracy: 1e-4, tolerance: 1e-4}
    velocities: {temperature: 300 K}
    stages:
      - dynamics: {steps: 20, timestep: 1 fs, thermostat: {langevin: {temperature: 300, damping: 0.1}}}
    output:
      thermo: {every: 2}
      trajectories: [{file: t.extxyz.gz, every: 2, columns: [charges]}]
      checkpoints: {every: 5, keep: 2}

    """,
  ]

  private static let decks =
    stages + [
      """
      title: a boundary
      structure:
        grain_boundary:
          kind: tilt
          lattice: fcc
          constant: 3.615 Å
          species: [Cu]
          axis: [0, 0, 1]
          sigma: 5
          plane: [2, 1, 0]
          repeat: [1, 1]
          thickness: 8 Å
          expansion: 0.1 Å
      potential:
        - eam: {parameters: zhou2004}
        - zbl: {inner: 0.8, outer: 1.2}
      velocities: {temperature: 10 K}
      stages:
        - minimize: {force_tolerance: 0.05, max_steps: 5}
        - dynamics: {steps: 5, timestep: 1 fs, thermostat: {rescale: {temperature: [10, 300], damping: 0.1 ps}}}
      analysis: {boundary_energy: {}}
      decomposition: {balance: true}
      neighbors: {skin: 1.0}

      """,
      """
      structure:
        lattice: {type: rocksalt, constant: 5.64 Å, species: [Na, Cl], size: [1, 1, 2], vacuum: [0, 0, 12]}
        periodic: [true, true, false]
      species: {Na: {charge: 1, mass: 22.99 g/mol}, Cl: {charge: -1}}
      groups: {bottom: {frozen: true, select: {region: {z: [0, 8]}}}, salt: {select: {species: [Cl]}}}
      potential:
        - coulomb: {method: pppm, accuracy: 1e-4, cutoff: 6, slab_factor: 3}
        - born_mayer_huggins:
            cutoff: 6
            pairs:
              - {species: [Na, Na], a: 0.26370, sigma: 2.340, rho: 0.317, c: 1.0486, d: 0.4993}
              - {species: [Na, Cl], a: 0.21096, sigma: 2.755, rho: 0.317, c: 6.9905, d: 8.6757}
              - {species: [Cl, Cl], a: 0.15822, sigma: 3.170, rho: 0.317, c: 72.4015, d: 145.427}
      velocities: {temperature: 300 K}
      stages:
        - dynamics: {steps: 5, timestep: 1 fs}
      output: {thermo: {every: 1}, trajectories: [{file: t.extxyz, every: 1, columns: [velocities, energies]}]}

      """,
    ]

  private static let configurations = """
    BEGIN_CFG
     Size
        4
     Supercell
        3.6   0.1   0.0
        0.2   3.7   0.1
       -0.1   0.0   3.5
     AtomData:  id type  cartes_x  cartes_y  cartes_z  fx  fy  fz
        1    0   0.1   0.0   0.2   0.1  -0.2   0.3
        2    1   1.9   1.8   0.1   0.4   0.5   0.6
        3    1   1.8   0.1   1.7  -0.5  -0.3  -0.9
        4    0   0.1   1.9   1.8   0.0   0.0   0.0
     Energy
        -12.5
     PlusStress:  xx  yy  zz  yz  xz  xy
        1.0   2.0   3.0   4.0   5.0   6.0
     Feature   EFS_by       VASP
     Feature   MV_grade     1.25
    END_CFG

    BEGIN_CFG
     Size
        2
     Supercell
        3.6   0.0   0.0
        0.0   3.6   0.0
        0.0   0.0   3.6
     AtomData:  type  direct_x  direct_y  direct_z
        1    0.0   0.05   0.0
        0    0.5   0.5    0.45
    END_CFG

    """

  private static let extxyz = """
    8
    Lattice="7.4 0.2 -0.3 0.7 7.6 0.4 -0.5 0.1 7.2" pbc="T T T" step=4 note="two words" \
    Properties=species:S:1:pos:R:3:velo:R:3:id:I:1
    Ar 1.0 1.1 0.9 0.1 -0.2 0.3 1
    Kr 4.7 1.0 1.2 0.0 0.1 0.0 2
    Kr 1.3 4.8 1.0 -0.3 0.0 0.1 3
    Ar 4.9 4.9 1.1 0.2 0.2 0.2 4
    Kr 1.0 1.2 4.6 0.0 0.0 0.0 5
    Ar 4.6 1.1 4.5 0.1 0.1 -0.1 6
    Ar 1.1 4.9 4.7 1.0 0.0 0.5 7
    Kr 4.8 4.7 4.9 -1.0 0.3 0.4 8

    """

  private static let cluster = """
    3
    comment=none
    Ar 0.0 0.0 0.0
    Ar 3.8 0.0 0.1
    Kr 0.1 3.9 0.0

    """

  private static let lammpsDump = """
    ITEM: TIMESTEP
    100
    ITEM: NUMBER OF ATOMS
    3
    ITEM: BOX BOUNDS xy xz yz pp pp pp
    -0.5 12.5 0.5
    0 12 -0.25
    0 12 0.1
    ITEM: ATOMS id type x y z ix iy iz vx vy vz
    3 1 1 1 1 0 0 0 0.1 0.2 0.3
    1 2 5 5 5 0 1 0 0 0 0
    2 1 9 9 4.5 0 0 -1 -1e-3 0 0

    """

  private static let lammpsData = """
    a title

    4 atoms
    2 atom types

    0.0 7.4 xlo xhi
    0.0 7.5 ylo yhi
    -1.0 6.5 zlo zhi
    0.3 0.1 -0.2 xy xz yz

    Masses

    1 39.948 # Ar
    2 83.798 # Kr

    Atoms # charge

    1 1 0.0 1.0 1.1 0.9 0 0 1
    2 2 0.5 4.7 1.0 1.2 0 -1 0
    3 2 -0.5 1.3 4.8 1.0 0 0 0
    4 1 0.0 4.9 4.9 1.1 0 0 0

    Velocities

    1 0.1 -0.2 0.3
    2 0.0 0.1 0.0
    3 -0.3 0.0 0.1
    4 0.2 0.2 0.2

    """

  private static let poscar = """
    a title
    1.02
    7.4 0.2 -0.3
    0.7 7.6 0.4
    -0.5 0.1 7.2
    Ar Kr
    2 2
    Selective dynamics
    Direct
    0.1 0.1 0.1 T T T
    0.6 0.6 0.1 F F F
    0.6 0.1 0.6 T T F
    0.1 0.6 0.6 T T T

    """
}

import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDSimulation
import MDTestSupport
import Testing

/// Bricks that follow the atoms.
@Suite("Balance") struct BalanceTests {
  /// A slab of argon that fills a third of a long cell, periodic or open along it.
  private static func slab(open: Bool = false) -> Structure {
    var slab = TestStructures.crystal(["Ar"], spacing: 3.76, cells: [6, 4, 4])
    let cell = slab.box.cell
    slab.box.setCell(Matrix3(3 * cell.x, cell.y, cell.z))
    // Disorder does not carry atoms across the face.
    slab.positions = slab.positions.map { $0 + 0.05 * cell.x }
    if open { slab.box.periodic = Periodicity(false, true, true) }
    return slab
  }

  private static func system(
    _ structure: Structure, _ communicator: any Communicator, balances: Bool, balanced: Bool = true,
    grid: SIMD3<Int>? = nil, mesh: Bool = false, bricks: Bricks? = nil
  ) throws -> DistributedSystem {
    let root = communicator.isRoot ? structure : nil
    let header = Distribution.header(of: root, communicator: communicator)
    let atoms = AtomStore()
    var domain = try Domain(box: header.box, ranks: communicator.size, rank: communicator.rank, grid: grid, halo: 6.3)
    try Distribution.scatter(root, header: header, to: atoms, domain: domain, communicator: communicator)
    if balanced {
      domain = try Domain.best(
        box: header.box, atoms: atoms, communicator: communicator, grid: grid, halo: 6.3
      ).domain
    }
    if let bricks { domain = Domain(bricks: bricks, rank: communicator.rank, periodic: header.box.periodic) }
    let options = LongRangeOptions(accuracy: 1e-4, cutoff: 6)
    let charges = try CoulombPotential(
      solver: PPPMSolver(options, communicator: communicator), cutoff: 6, species: ["Ar"], communicator: communicator)
    let pairs = try PairPotential(
      lennardJones: [SpeciesPair("Ar", "Ar"): .init(epsilon: 0.0104, sigma: 3.4)], cutoff: 6, species: ["Ar"])
    return try DistributedSystem(
      communicator: communicator, atoms: atoms, box: header.box, species: header.species, masses: [39.948],
      potentials: mesh ? [pairs, charges] : [pairs], domain: domain, skin: 0.3, balance: balances ? .atoms : .none)
  }

  /// Energy, and forces by id.
  private static func forces(_ system: DistributedSystem) throws -> (energy: Double, forces: [Int64: Vector3]) {
    let tally = try system.compute(.energy, step: 0)
    let atoms = system.atoms
    let mine = (0..<atoms.localCount).map { (atoms.id[$0], atoms.force[$0]) }
    return (system.communicator.sum(tally.energy), Dictionary(uniqueKeysWithValues: mine))
  }

  private static func imbalance(_ system: DistributedSystem) -> Double {
    let communicator = system.communicator
    return Double(communicator.maximum(system.atoms.localCount) * communicator.size) / Double(system.totalCount)
  }

  /// The slab goes half a cell on: all of it is on other ranks, whose bricks then follow.
  @Test(arguments: [SIMD3(2, 1, 1), SIMD3(3, 1, 1), SIMD3(2, 2, 1), SIMD3(2, 2, 2)], [false, true])
  func bricksFollow(_ grid: SIMD3<Int>, _ open: Bool) throws {
    let ranks = grid.x * grid.y * grid.z
    let structure = Self.slab(open: open)
    let single = try Self.system(structure, LoopbackCommunicator(), balances: true)
    #expect(try single.rebuild() == nil && single.rebuild(amidSteps: true) == nil)
    let expected = try Self.forces(single)
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let system = try Self.system(structure, communicator, balances: true, grid: grid)
      let plain = try Self.system(structure, communicator, balances: false, grid: grid)
      #expect(try system.rebuild() == nil, "quantiles are as good as it gets")
      try plain.rebuild()
      let start = system.domain
      #expect(Self.imbalance(system) < 1.3)
      let move = 0.5 * structure.box.cell.x
      for s in [system, plain] { for i in 0..<s.atoms.localCount { s.atoms.position[i] += move } }
      let balancing = try #require(try system.rebuild(amidSteps: true))
      #expect(try plain.rebuild(amidSteps: true) == nil && plain.domain == start)
      #expect(abs(balancing.before - Self.imbalance(plain)) < 1e-12)
      #expect(abs(balancing.after - Self.imbalance(system)) < 1e-12)
      #expect(balancing.before > 1.5 && balancing.after < 1.3, "\(balancing)")
      #expect(system.domain != start && system.domain.grid == start.grid && system.exchange.domain == system.domain)
      for s in [system, plain] {
        let found = try Self.forces(s)
        #expect(abs(found.energy - expected.energy) < 1e-10 * abs(expected.energy))
        for (id, f) in found.forces { #expect((f - expected.forces[id]!).length < 1e-10) }
      }
      // What has been balanced stays as it is, however often it is looked at.
      #expect(try system.rebuild() == nil && system.rebuild(amidSteps: true) == nil)
    }
  }

  /// The windows of a mesh go with the bricks.
  @Test(arguments: [SIMD3(2, 1, 1), SIMD3(2, 2, 1)]) func meshFollows(_ grid: SIMD3<Int>) throws {
    var structure = Self.slab()
    structure.charges = structure.positions.indices.map { $0 % 2 == 0 ? 0.4 : -0.4 }
    let sample = structure
    try LoopbackCommunicator.run(ranks: grid.x * grid.y * grid.z) { communicator in
      let systems = try [true, false].map {
        try Self.system(sample, communicator, balances: $0, grid: grid, mesh: true)
      }
      var found: [(energy: Double, forces: [Int64: Vector3])] = []
      for (k, system) in systems.enumerated() {
        try system.rebuild()
        _ = try system.compute([], step: 0)
        for i in 0..<system.atoms.localCount { system.atoms.position[i] += 0.5 * sample.box.cell.x }
        #expect((try system.rebuild(amidSteps: true) != nil) == (k == 0))
        found.append(try Self.forces(system))
      }
      #expect(abs(found[0].energy - found[1].energy) < 1e-10 * abs(found[1].energy))
      // By id on whatever rank: of those that are on this one in both.
      for (id, f) in found[0].forces { if let g = found[1].forces[id] { #expect((f - g).length < 1e-9) } }
    }
  }

  /// Staggered bricks, in blocks: the same energy and forces as on one rank, a mesh's too, before and after atoms have gone far.
  @Test(arguments: [SIMD3(2, 2, 1), SIMD3(2, 2, 2)], [false, true])
  func staggeredBricksGiveTheSame(_ grid: SIMD3<Int>, _ mesh: Bool) throws {
    var structure = Self.slab()
    structure.charges = structure.positions.indices.map { $0 % 2 == 0 ? 0.4 : -0.4 }
    let sample = structure
    let pieces = grid.z == 1 ? Array(repeating: [0, 1.0], count: 4) : [[0, 0.3, 1], [0, 0.6, 1], [0, 0.5, 1], [0, 0.2, 1]]
    let bricks = Bricks(
      axes: [1, 0, 2], layers: [0, 0.4, 1], columns: [[0, 0.2, 1], [0, 0.15, 1]], pieces: pieces
    ).blocked([1, 2, 1])
    let single = try Self.system(sample, LoopbackCommunicator(), balances: false, mesh: mesh)
    var expected: [(energy: Double, forces: [Int64: Vector3])] = []
    for move in [0, 0.37] {
      for i in 0..<single.atoms.localCount { single.atoms.position[i] += move * sample.box.cell.x }
      try single.rebuild()
      expected.append(try Self.forces(single))
    }
    let found = expected
    try LoopbackCommunicator.run(ranks: grid.x * grid.y * grid.z) { communicator in
      let system = try Self.system(
        sample, communicator, balances: false, balanced: false, grid: grid, mesh: mesh, bricks: bricks)
      #expect(!system.domain.bricks.isTensor && system.domain.bricks.block.y == 2)
      for (move, expected) in zip([0, 0.37], found) {
        for i in 0..<system.atoms.localCount { system.atoms.position[i] += move * sample.box.cell.x }
        try system.rebuild()
        let here = try Self.forces(system)
        #expect(abs(here.energy - expected.energy) < 1e-10 * abs(expected.energy))
        for (id, f) in here.forces { #expect((f - expected.forces[id]!).length < 1e-9) }
        #expect(communicator.sum(here.forces.count) == sample.count)
      }
    }
  }

  /// So many atoms of the mean go from the first of two ranks to the second: those with the largest coordinates.
  private static func push(_ system: DistributedSystem, _ fraction: Double) {
    guard system.communicator.rank == 0 else { return }
    let atoms = system.atoms
    let order = (0..<atoms.localCount).sorted { atoms.position[$0].x > atoms.position[$1].x }
    for i in order.prefix(Int(fraction * Double(system.totalCount / 2))) {
      atoms.position[i].x += 0.3 * system.box.cell.x.x
    }
  }

  /// Amid steps planes stay until a rank has a tenth more than when they were looked at last; otherwise they need not.
  @Test func toleranceAmidSteps() throws {
    let structure = Self.slab(open: true)
    try LoopbackCommunicator.run(ranks: 2) { communicator in
      let system = try Self.system(structure, communicator, balances: true, grid: SIMD3(2, 1, 1))
      try system.rebuild()
      let start = system.domain
      Self.push(system, 0.08)
      #expect(try system.rebuild(amidSteps: true) == nil)
      let kept = system.domain
      Self.push(system, 0.04)
      let balancing = try system.rebuild(amidSteps: true)
      #expect(kept == start && balancing != nil && system.domain != start)
      Self.push(system, 0.08)
      #expect(try system.rebuild(amidSteps: true) == nil)
      #expect(try system.rebuild() != nil, "a stage begins")
    }
  }

  /// Two planes of atoms. The quantile lies within the bin of the second, above its atoms: everything would be on one
  /// rank. Even planes are better.
  @Test func evenPlanesWhereTheyAreBetter() throws {
    let box = Box(lengths: [80, 40, 40])
    var positions: [Vector3] = []
    for k in 0..<100 {
      positions.append(Vector3(k < 45 ? 16 : 80 * (717 + 0.01) / 1024, 4 * Double(k % 10), 4 * Double(k / 10)))
    }
    let structure = Structure(box: box, species: ["Ar"], types: positions.map { _ in 0 }, positions: positions)
    try LoopbackCommunicator.run(ranks: 2) { communicator in
      let best = try Self.system(structure, communicator, balances: true, grid: SIMD3(2, 1, 1))
      #expect(try best.rebuild() == nil && best.domain.cuts[0] == [0, 0.5, 1])
      let quantiles = Bricks(cuts: [[0, 717.5 / 1024, 1], [0, 1], [0, 1]])
      let system = try Self.system(structure, communicator, balances: true, grid: SIMD3(2, 1, 1), bricks: quantiles)
      let balancing = try #require(try system.rebuild())
      #expect(balancing.before == 2 && balancing.after == 1.1)
      #expect(system.domain.cuts[0] == [0, 0.5, 1])
    }
  }

  // MARK: Runs

  /// The slab flies through the cell in the course of the run.
  private static func deck(_ folder: String, ranks: Int, balance: Bool) throws -> String {
    let slab = slab()
    let cell = slab.box.cell.elements.map { "\($0)" }.joined(separator: " ")
    var lines = ["\(slab.count)", "Lattice=\"\(cell)\" Properties=species:S:1:pos:R:3:velo:R:3 pbc=\"T T T\""]
    let along = 50 * slab.box.cell.x / slab.box.cell.x.length
    for (i, r) in slab.positions.enumerated() {
      let v = along + Vector3(sin(3 * Double(i)), cos(5 * Double(i)), sin(7 * Double(i)))
      lines.append("Ar \(r.x) \(r.y) \(r.z) \(v.x) \(v.y) \(v.z)")
    }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: folder + "/in.extxyz", atomically: true, encoding: .utf8)
    try """
    structure: {file: {path: in.extxyz}}
    potential: [{lennard_jones: {cutoff: 6, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
    neighbors: {skin: 1}
    decomposition: {balance: \(balance)\(ranks == 8 ? ", grid: [2, 2, 2]" : "")}
    stages:
      - dynamics: {steps: 200, timestep: 2 fs, remove_drift: false}
      - dynamics: {steps: 40, timestep: 2 fs, remove_drift: false, thermostat: {langevin: {temperature: 40, damping: 1}}}
    output:
      directory: \(folder)/run
      thermo: {every: 20, columns: [temperature, potential_energy, kinetic_energy]}
      trajectories: [{file: t.extxyz, every: 60, columns: [velocities]}]
      checkpoints: {every: 50, keep: 9}
    """.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    return folder + "/deck.yaml"
  }

  private final class Lines: @unchecked Sendable { var text = "" }

  /// thermo.csv, the frames and the log of a run, stopped and resumed after each of `stops` steps.
  private static func run(
    _ ranks: Int, balance: Bool = true, stops: [Int] = [], of other: ((String) throws -> String)? = nil
  ) throws -> (thermo: String, frames: String, log: String) {
    let folder = NSTemporaryDirectory() + "faultline-balance-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let deck = try other?(folder) ?? deck(folder, ranks: ranks, balance: balance)
    let lines = Lines()
    for (k, steps) in (stops.map(Optional.some) + [nil]).enumerated() {
      try LoopbackCommunicator.run(ranks: ranks) { communicator in
        let log = RunLog(isTerminal: false, emit: communicator.isRoot ? { lines.text += $0 } : nil)
        let simulation =
          k == 0
          ? try Simulation.start(deck: deck, output: nil, overwrite: false, communicator: communicator, log: log)
          : try Simulation.resume(from: folder + "/run", communicator: communicator, log: log)
        var limits = RunLimits()
        limits.steps = steps
        _ = try simulation.run(limits: limits)
      }
    }
    func text(_ name: String) throws -> String { try String(contentsOfFile: folder + "/run/" + name, encoding: .utf8) }
    return (try text("thermo.csv"), try text("t.extxyz"), lines.text)
  }

  /// Bricks move in the middle of steps, for checkpoints and at the start of a stage; a run that was stopped in between
  /// goes on bit for bit.
  @Test(arguments: [2, 4, 8]) func restartIsContinuous(_ ranks: Int) throws {
    let whole = try Self.run(ranks)
    let moves = whole.log.split(separator: "\n").filter { $0.contains("bricks moved") }
    #expect(moves.count >= 3, "\(whole.log)")
    #expect(moves.contains { line in !["50", "100", "150", "200"].contains { line.contains("step \($0):") } })
    for stops in [[50], [100, 100]] {
      let resumed = try Self.run(ranks, stops: stops)
      #expect(resumed.thermo == whole.thermo && resumed.frames == whole.frames, "stopped after \(stops) steps")
    }
  }

  /// Two grains slid along a step between them, which planes through the whole cell cannot divide.
  private static func step(_ folder: String, balance: String) throws -> String {
    var lines: [String] = []
    for x in 0..<14 {
      for y in 0..<4 {
        for z in 0..<20 where x < 7 ? z < 14 : z >= 6 {
          let r = 3.9 * (Vector3(Double(x), Double(y), Double(z)) + 0.5)
          let v = Vector3(sin(3 * r.x), cos(5 * r.y), sin(7 * r.z))
          lines.append("Ar \(r.x) \(r.y) \(r.z) \(v.x) \(v.y) \(v.z)")
        }
      }
    }
    let head = "Lattice=\"54.6 0 0 0 15.6 0 0 0 78\" Properties=species:S:1:pos:R:3:velo:R:3 pbc=\"T T F\""
    try (["\(lines.count)", head] + lines).joined(separator: "\n").appending("\n").write(
      toFile: folder + "/in.extxyz", atomically: true, encoding: .utf8)
    try """
    structure: {file: {path: in.extxyz}}
    potential: [{lennard_jones: {cutoff: 6, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
    neighbors: {skin: 1}
    decomposition: {balance: \(balance), grid: [2, 1, 2]}
    stages: [{dynamics: {steps: 60, timestep: 2 fs}}]
    output:
      directory: \(folder)/run
      thermo: {every: 10, columns: [temperature, potential_energy]}
      trajectories: [{file: t.extxyz, every: 20, columns: [velocities]}]
      checkpoints: {every: 20, keep: 9}
    """.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    return folder + "/deck.yaml"
  }

  /// Staggered bricks are in the checkpoint: a run that goes on from it is the same bit for bit.
  @Test func staggeredRestartIsContinuous() throws {
    let whole = try Self.run(4, of: { try Self.step($0, balance: "atoms") })
    let counts = try #require(try /(?:(\d+) to )?(\d+) atoms each/.firstMatch(in: whole.log), "\(whole.log)")
    let most = try #require(Int(counts.2))
    let least = try counts.1.map { try #require(Int($0)) } ?? most
    // 784 atoms; with even planes two ranks have 112 and two 280.
    #expect(Double(most) < 1.1 * 784 / 4 && Double(least) > 0.9 * 784 / 4, "\(whole.log)")
    for stops in [[20], [20, 20]] {
      let resumed = try Self.run(4, stops: stops, of: { try Self.step($0, balance: "atoms") })
      #expect(resumed.thermo == whole.thermo && resumed.frames == whole.frames, "stopped after \(stops) steps")
    }
    // By seconds the same run but for the order of sums.
    let timed = try Self.run(4, of: { try Self.step($0, balance: "time") })
    func rows(_ text: String) -> [[Double]] {
      text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").map { Double($0) ?? .nan } }
    }
    for (a, b) in zip(rows(whole.thermo), rows(timed.thermo)) {
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-9 * max(abs($0), 1) }, "\(a), \(b)")
    }
  }

  /// Atoms that do not see each other in two equal parts, four of which go over to the other until step 20: too few for
  /// a look amid steps, enough for a checkpoint.
  private static func crossing(_ folder: String) throws -> String {
    var lines = ["100", "Lattice=\"400 0 0 0 20 0 0 0 20\" Properties=species:S:1:pos:R:3:velo:R:3 pbc=\"T T T\""]
    for i in 0..<100 {
      let x = 4 * (Double(i) + 0.5)
      lines.append((46..<50).contains(i) ? "Ar \(x) 10 10 1000 0 0" : "Ar \(x) 0 0 0 0 0")
    }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: folder + "/in.extxyz", atomically: true, encoding: .utf8)
    try """
    structure: {file: {path: in.extxyz}}
    potential: [{lennard_jones: {cutoff: 3, pairs: [{species: [Ar, Ar], epsilon: 0.01, sigma: 1}]}}]
    neighbors: {skin: 0.5}
    decomposition: {grid: [2, 1, 1], balance: true}
    stages: [{dynamics: {steps: 30, timestep: 2 fs, remove_drift: false}}]
    output:
      directory: \(folder)/run
      trajectories: [{file: t.extxyz, every: 30}]
      checkpoints: {every: 20, keep: 9}
    """.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    return folder + "/deck.yaml"
  }

  /// A checkpoint weighs the bricks as a run that is resumed from it does, which then has nothing left to move.
  @Test func checkpointsWeighBricks() throws {
    for stops in [[], [20]] {
      let found = try Self.run(2, stops: stops, of: Self.crossing)
      let moves = found.log.split(separator: "\n").filter { $0.contains("bricks moved") }
      #expect(moves == ["  step 20: bricks moved; the fullest rank has 1.00 times the mean of atoms, 1.08 before"])
    }
  }

  /// After a rebuild that is not amid steps the load of that time counts, where bricks stayed too, and none before it:
  /// a resumed run knows no other.
  @Test func loadBeforeIsForgotten() throws {
    try LoopbackCommunicator.run(ranks: 2) { communicator in
      let system = try Self.system(Self.slab(open: true), communicator, balances: true, grid: SIMD3(2, 1, 1))
      try system.rebuild()
      Self.push(system, 0.03)
      #expect(try system.rebuild() == nil, "too little to move bricks for")
      Self.push(system, 0.085)
      #expect(Self.imbalance(system) < 1.1)
      #expect(try system.rebuild(amidSteps: true) == nil, "more than a tenth above the start, less above that time")
      #expect(Self.imbalance(system) > 1.1)
    }
  }

  /// On any number of ranks, balanced or not, the same run, as far as sums in another order let it.
  @Test func sameOnAnyNumberOfRanks() throws {
    func rows(_ text: String) -> [[Double]] {
      text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").map { Double($0) ?? .nan } }
    }
    let one = rows(try Self.run(1).thermo)
    #expect(one.count >= 12)
    for (ranks, balance) in [(2, true), (3, true), (4, true), (8, true), (4, false)] {
      let many = rows(try Self.run(ranks, balance: balance).thermo)
      try #require(many.count == one.count)
      for (row, (a, b)) in zip(one, many).enumerated() {
        let tolerance = row == 0 ? 1e-10 : 1e-7
        #expect(zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(abs($0), 1) }, "\(ranks) ranks, \(a), \(b)")
      }
    }
  }
}

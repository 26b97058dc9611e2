import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Charge equilibration solved by elimination, with the test's own Coulomb matrix:
/// Ω = ½ qᵀ(K + J) q + Σ (χᵢ − Ψᵢ − F·(rᵢ − o)) qᵢ, pools of charges with given sums.
struct ChargeProblem {
  var structure: Structure
  var electronegativity = ["Na": 2.9, "Cl": 8.4]
  var hardness = ["Na": 5.1, "Cl": 7.2]
  var width = ["Na": 0.9, "Cl": 0.7]
  /// Charges that are given, by atom.
  var given: [Int: Double] = [:]
  /// Atoms and the sum of their charges; all atoms without a given one are in one pool.
  var pools: [(members: [Int], total: Double)] = []
  /// Ψ by atom, V.
  var potentials: [Int: Double] = [:]
  var field = Vector3.zero
  var slabFactor: Double?

  var names: [String] { structure.types.map { structure.species[Int($0)] } }
  func values(_ table: [String: Double]) -> [Double] { names.map { table[$0]! } }

  struct Solution {
    var charges: [Double]
    /// Of Ω.
    var energy: Double
    var forces: [Vector3]
    /// (K + J) q + b of each atom.
    var slopes: [Double]
  }

  var matrix: [[Double]] {
    var k = PlainEwald.matrix(structure, widths: values(width), slab: slabFactor)
    for (i, j) in values(hardness).enumerated() { k[i][i] += j }
    return k
  }
  var sources: [Double] {
    let chi = values(electronegativity)
    return chi.indices.map { i in
      chi[i] - (potentials[i] ?? 0) - dot(field, structure.positions[i] - structure.box.origin)
    }
  }

  func solve() -> Solution {
    let (a, b, n) = (matrix, sources, structure.count)
    var rows = [[Double]](repeating: Array(repeating: 0, count: n + pools.count), count: n + pools.count)
    var right = [Double](repeating: 0, count: n + pools.count)
    for i in 0..<n {
      if let charge = given[i] {
        rows[i][i] = 1
        right[i] = charge
        continue
      }
      for j in 0..<n { rows[i][j] = a[i][j] }
      right[i] = -b[i]
    }
    for (p, pool) in pools.enumerated() {
      for i in pool.members {
        rows[i][n + p] = 1
        rows[n + p][i] = 1
      }
      right[n + p] = pool.total
    }
    return solution(Array(DenseMath.solve(rows, right)[..<n]), a, b)
  }

  /// Energy and forces at these charges.
  func solution(_ q: [Double], _ a: [[Double]], _ b: [Double]) -> Solution {
    let product = a.map { row in zip(row, q).reduce(0) { $0 + $1.0 * $1.1 } }
    let energy = q.indices.reduce(0) { $0 + q[$1] * (0.5 * product[$1] + b[$1]) }
    let ewald = PlainEwald(q, widths: values(width))
    let model = slabFactor.map { ewald.evaluateSlab(structure, factor: $0) } ?? ewald.evaluate(structure)
    return Solution(
      charges: q, energy: energy, forces: zip(model.forces, q).map { $0 + $1 * field },
      slopes: zip(product, b).map { $0 + $1 })
  }

  /// The same model as `qeq`.
  func qeq(_ charges: String) -> String {
    let parameters = ["Na", "Cl"].map {
      "\($0): {electronegativity: \(electronegativity[$0]!), hardness: \(hardness[$0]!), width: \(width[$0]!)}"
    }
    return "{qeq: {parameters: {\(parameters.joined(separator: ", "))}, charges: {\(charges)}}}"
  }

  /// As an HDNNP of the fourth generation in the folder `net`: networks of electronegativities that are constant,
  /// networks of energies that are zero, Coulomb energy screened out.
  func network(_ charges: String) -> (deck: String, files: [String: String]) {
    var files = TinyNetwork().files(more: [
      "nnp_generation 4", "fixed_gausswidth Na \(width["Na"]!)", "fixed_gausswidth Cl \(width["Cl"]!)",
      "four_pi_epsilon \(1 / SI.coulomb)", "screen_electrostatics 2.9 4.6", "global_hidden_layers_electrostatic 1",
      "global_nodes_electrostatic 1", "global_activation_electrostatic t l",
    ])
    for (name, z) in [("Na", "011"), ("Cl", "017")] {
      // Two functions and the charge to a hidden node, its bias, the output's weight and bias.
      files["weights.\(z).data"] = "0.1\n0.2\n0.3\n0\n0\n0\n"
      files["weightse.\(z).data"] = "0.1\n0.2\n0\n0\n\(electronegativity[name]!)\n"
      files["hardness.\(z).data"] = "\(hardness[name]!)\n"
    }
    return ("{hdnnp: {directory: net, units: metal, charges: {\(charges)}}}", ManyBodyKeyTests.network("net", files))
  }

  /// Its energy at given charges: pairs screened by ½(1 − cos πx), none of an atom with itself.
  func screenedEnergy(_ q: [Double]) -> Double {
    let sigma = values(width)
    let all = PlainEwald(q, widths: sigma).evaluate(structure).energy
    let own = q.indices.reduce(0) { $0 + SI.coulomb * q[$1] * q[$1] / (2 * Double.pi.squareRoot() * sigma[$1]) }
    let close = PairSum.evaluate(structure, reach: 4.6) { i, j, r in
      let gamma = (2 * (sigma[i] * sigma[i] + sigma[j] * sigma[j])).squareRoot()
      let x = max(0, (r.value - 2.9) / (4.6 - 2.9))
      let left = 0.5 * (Dual.cos(Dual(.pi * x)).value + 1)
      return (SI.coulomb * left * q[i] * q[j]) * ((1 - Dual.erfc(r / gamma)) / r)
    }
    return all - own - close.energy
  }
}

@Suite("Deck → numbers: charge equilibration") struct EquilibrationKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let salt = CoulombKeyTests.salt
  static let groups = """
    groups:
      first: {select: {ids: [1, 2]}}
      second: {select: {ids: [3, 4]}}
      third: {select: {ids: [5, 5]}}

    """
  static let tight = "method: direct, accuracy: 1e-12"

  static func evaluate(_ s: Structure, _ potential: String, _ files: [String: String] = [:], ranks: Int = 1) throws
    -> Frame
  {
    var files = files
    files["in.extxyz"] = Sample.text(s)
    return Frame(
      try DeckRun(files: files).evaluate(groups + "potential: [\(potential)]", frames: "in.extxyz", ranks: ranks)[0])
  }

  /// Both families with these `charges` against the solution by elimination.
  static func expect(_ problem: ChargeProblem, _ charges: String, tolerance: Double = 1e-9, ranks: Int = 1) throws {
    let own = problem.solve()
    let keys = charges.hasPrefix("method") ? charges : "\(tight), \(charges)"
    let frame = try evaluate(problem.structure, problem.qeq(keys), ranks: ranks)
    let found = frame.structure.charges ?? []
    #expect(distance(found, own.charges) < tolerance, "\(keys): \(found), \(own.charges)")
    #expect(isClose(frame.number("energy"), own.energy, tolerance), "\(keys): \(frame.number("energy")), \(own.energy)")
    #expect(distance(frame.forces, own.forces) < 10 * tolerance, "\(keys)")
    #expect(distance(frame.reals("electronegativity"), problem.values(problem.electronegativity)) == 0)
    let network = problem.network(keys)
    let same = try evaluate(problem.structure, network.deck, network.files, ranks: ranks)
    #expect(distance(same.structure.charges ?? [], own.charges) < tolerance, "hdnnp, \(keys)")
    guard problem.structure.box.periodic.isFull, problem.potentials.isEmpty else { return }
    #expect(isClose(same.number("energy"), problem.screenedEnergy(own.charges), 10 * tolerance), "hdnnp, \(keys)")
  }

  private static func both(_ keys: String...) -> [String] {
    keys.flatMap { ["potential.qeq.charges." + $0, "potential.hdnnp.charges." + $0] }
  }

  static func free(_ s: Structure) -> [(members: [Int], total: Double)] { [(Array(0..<s.count), 0)] }

  static let effects = [
    KeyEffect(in: "potential.qeq.parameters", "electronegativity", "hardness", "width") {
      var problem = ChargeProblem(structure: salt, pools: free(salt))
      try expect(problem, tight)
      problem.electronegativity["Cl"] = 6.5
      try expect(problem, tight)
      problem.hardness["Na"] = 9
      try expect(problem, tight)
      problem.width["Na"] = 1.05
      try expect(problem, tight)
    },
    KeyEffect(both("method", "accuracy", "cutoff")) {
      let problem = ChargeProblem(structure: salt, pools: free(salt))
      let own = problem.solve().charges
      try expect(problem, "method: ewald, accuracy: 1e-11, tolerance: 1e-11", ranks: 2)
      try expect(problem, "method: pppm, accuracy: 1e-9, tolerance: 1e-9", tolerance: 1e-6, ranks: 2)
      // With less accuracy, or cut sooner with the same estimate, charges are off by more, but not by much.
      func off(_ keys: String) throws -> Double {
        distance(try evaluate(salt, problem.qeq(keys)).structure.charges ?? [], own)
      }
      let (coarse, fine) = (try off("method: direct, accuracy: 1e-3"), try off("method: direct, accuracy: 1e-7"))
      #expect(coarse < 1e-2 && coarse > 10 * fine && fine < 1e-6, "\(coarse), \(fine)")
      let (long, short) = (
        try off("method: direct, accuracy: 1e-4, cutoff: 12"), try off("method: direct, accuracy: 1e-4, cutoff: 8")
      )
      #expect(long != short && max(long, short) < 1e-3)
      let usual = try off("method: direct, accuracy: 1e-4")
      #expect(short == usual)
    },
    KeyEffect(both("tolerance", "fft_ranks")) {
      // The residual of the equations: what the slopes differ by within the pool.
      for tolerance in [1e-1, 1e-4, 1e-8] {
        let problem = ChargeProblem(structure: salt, pools: free(salt))
        let keys = "method: pppm, accuracy: 1e-9, tolerance: \(tolerance), fft_ranks: 1"
        let network = problem.network(keys)
        for (potential, files) in [(problem.qeq(keys), [:]), network] {
          let q = try #require(evaluate(salt, potential, files, ranks: 2).structure.charges)
          let slopes = problem.solution(q, problem.matrix, problem.sources).slopes
          let mean = slopes.reduce(0, +) / Double(slopes.count)
          let rms = (slopes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(slopes.count)).squareRoot()
          #expect(rms < tolerance + 1e-7, "\(tolerance): \(rms)")
          if tolerance > 0.05 { #expect(rms > 1e-5) }
        }
      }
      // A mesh that is worth dividing.
      for (ranks, says) in [(1, "transforms on one rank"), (2, "transforms on 2 x 1 ranks")] {
        let problem = ChargeProblem(structure: salt, pools: free(salt))
        let keys = "accuracy: 1e-8, fft_ranks: \(ranks)"
        var files = problem.network(keys).files
        files["in.extxyz"] = Sample.text(salt)
        for potential in [problem.qeq(keys), problem.network(keys).deck] {
          let run = try DeckRun(
            "structure: {file: {path: in.extxyz}}\npotential: [\(potential)]\nstages: [{dynamics: {steps: 1}}]",
            files: files, ranks: 3)
          #expect(run.log.contains(says), "\(run.log)")
          // Forces of a network's charges need their adjoint.
          let row = try run.thermo()[0]
          #expect((row["adjoint_iterations"] ?? 0 >= 1) == potential.hasPrefix("{hdnnp"))
        }
      }
    },
    KeyEffect(both("total")) {
      let all = Array(0..<salt.count)
      try expect(ChargeProblem(structure: salt, pools: [(all, 1.5)]), "total: 1.5")
      // A frame's own total goes first.
      let problem = ChargeProblem(structure: salt, pools: [(all, -0.5)])
      let text = Sample.text(salt).replacingOccurrences(of: " pbc=", with: " total_charge=-0.5 pbc=")
      let run = try DeckRun(files: ["in.extxyz": text])
      let frame = try run.evaluate("potential: [\(problem.qeq(tight + ", total: 1.5"))]", frames: "in.extxyz")[0]
      #expect(distance(frame.structure.charges ?? [], problem.solve().charges) < 1e-9)
    },
    KeyEffect(both("fixed.group", "fixed.charge")) {
      let rest = Array(2..<salt.count)
      try expect(
        ChargeProblem(structure: salt, given: [0: 0.3, 1: 0.3], pools: [(rest, -0.6)]),
        "fixed: [{group: first, charge: 0.3}]")
      // As the structure gives it.
      var s = salt
      s.charges = [0.7, -0.2, 0, 0, 0, 0, 0, 0]
      try expect(
        ChargeProblem(structure: s, given: [0: 0.7, 1: -0.2], pools: [(rest, -0.5)]), "fixed: [{group: first}]")
    },
    KeyEffect(both("fragments.group", "fragments.total")) {
      try expect(
        ChargeProblem(structure: salt, pools: [([0, 1], 0), ([2, 3], 0.4), ([4, 5, 6, 7], -0.4)]),
        "fragments: [{group: first}, {group: second, total: 0.4}]")
    },
    KeyEffect(both("constant_potential.group", "constant_potential.potential")) {
      // The electrodes share their charge, the others have a total of 0.
      try expect(
        ChargeProblem(
          structure: salt, pools: [([0, 1, 2, 3], 0), ([4, 5, 6, 7], 0)],
          potentials: [0: 0.8, 1: 0.8, 2: -0.6, 3: -0.6]),
        "constant_potential: [{group: first, potential: 0.8}, {group: second, potential: -600 mV}]")
    },
    KeyEffect(both("field", "slab_factor")) {
      let (slab, cluster) = (CoulombKeyTests.slab, CoulombKeyTests.cluster)
      let normal = (1 / slab.box.cell.z.length) * slab.box.cell.z
      let f = 0.5 * normal
      for (keys, factor) in [("slab_factor: 8", 8.0), ("slab_factor: 12", 12)] {
        try expect(
          ChargeProblem(structure: slab, pools: free(slab), field: f, slabFactor: factor),
          "\(keys), field: [\(f.x), \(f.y), \(f.z)]")
      }
      try expect(ChargeProblem(structure: slab, pools: free(slab), slabFactor: 8), tight)
      try expect(
        ChargeProblem(structure: cluster, pools: free(cluster), field: Vector3(0.2, -0.4, 0.3)),
        "field: [0.2, -0.4, 3 V/nm]")
    },
  ]

  /// The columns that an equilibration brings along, and those of trajectories: charges of groups, dipole, residual,
  /// energy without the batteries' work.
  @Test(arguments: [1, 2]) func figures(ranks: Int) throws {
    // Turned back, so that the Cartesian axes are open or at right angles to periods.
    var s = CoulombKeyTests.cluster
    let back = Sample.rotation.transpose
    s.box = Box(cell: s.box.cell * back, origin: Vector3(0.5, -0.25, 1), periodic: .none)
    s.positions = s.positions.map { $0 * back + s.box.origin }
    let problem = ChargeProblem(
      structure: s, pools: [([0, 1, 2, 3], 0), ([4], 0.25), ([5], 0)], potentials: [0: 1.1, 1: 1.1, 2: -0.4, 3: -0.4])
    let keys =
      "tolerance: 1e-3, constant_potential: [{group: first, potential: 1.1}, {group: second, potential: -0.4}], "
      + "fragments: [{group: third, total: 0.25}], total: 0.25"
    let run = try DeckRun(
      """
      structure: {file: {path: in.extxyz}}
      \(Self.groups)
      potential: [\(problem.qeq(keys))]
      velocities: {temperature: 300}
      stages: [{dynamics: {steps: 3, timestep: 1 fs}}]
      output:
        thermo: {every: 1}
        trajectories: [{file: t.extxyz, every: 1, unwrapped: true, columns: [charges, electronegativity]}]
      """, files: ["in.extxyz": Sample.text(s)], ranks: ranks)
    let frames = try run.frames("t.extxyz")
    let rows = try run.thermo()
    #expect(rows.count == 4)
    for (frame, row) in zip(frames, rows) {
      let q = try #require(frame.structure.charges)
      var now = problem
      now.structure.positions = frame.positions
      let exact = now.solve()
      #expect(distance(q, exact.charges) < 1e-3)
      let here = now.solution(q, now.matrix, now.sources)
      // Energies are off by the square of what the charges are off by.
      #expect(isClose(try #require(row["potential_energy"]), exact.energy, 1e-5))
      func pool(_ members: [Int]) -> Double { members.reduce(0) { $0 + q[$1] } }
      let battery = 1.1 * pool([0, 1]) - 0.4 * pool([2, 3])
      let dipole = zip(q, frame.positions).reduce(Vector3.zero) { $0 + $1.0 * ($1.1 - s.box.origin) }
      var squares = 0.0
      for members in [[0, 1, 2, 3], [4], [5]] {
        let mean = members.reduce(0) { $0 + here.slopes[$1] } / Double(members.count)
        for i in members { squares += (here.slopes[i] - mean) * (here.slopes[i] - mean) }
      }
      let expected: [String: Double] = [
        "total_charge": 0.25, "charge_first": pool([0, 1]), "charge_second": pool([2, 3]), "charge_third": 0.25,
        "dipole_x": dipole.x, "dipole_y": dipole.y, "dipole_z": dipole.z,
        "energy_without_battery": row["potential_energy"]! + battery,
      ]
      let residual = (squares / 6).squareRoot()
      // Of small ones rounding is left.
      let told = try #require(row["charge_residual"])
      #expect(abs(told - residual) < 0.01 * residual + 1e-8 && residual < 1e-3, "\(told), \(residual)")
      for (name, value) in expected {
        #expect(abs(try #require(row[name]) - value) < 1e-9, "\(name): \(row[name] ?? .nan), \(value)")
      }
      let iterations = try #require(row["charge_iterations"])
      #expect(iterations >= 1 && iterations <= 6 && iterations == iterations.rounded())
      #expect(distance(frame.reals("electronegativity"), problem.values(problem.electronegativity)) == 0)
    }
    #expect(
      Set(rows[0].keys).subtracting(ThermoTests.columns) == [
        "total_charge", "charge_first", "charge_second", "charge_third", "dipole_x", "dipole_y", "dipole_z",
        "energy_without_battery", "charge_residual", "charge_iterations",
      ])
  }
}

extension KeyEffect {
  init(_ keys: [String], check: @escaping @Sendable () throws -> Void) {
    self.keys = keys
    self.check = check
  }
}

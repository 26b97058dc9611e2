import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Every column of thermo.csv from positions, velocities and masses: energies, forces and virials are the tests' own
/// sums over images, in cells without symmetry whose six stresses all differ.
@Suite("Deck → numbers: thermo.csv") struct ThermoTests {
  enum Bath: Sendable { case none, langevin, rescale, minimizer }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var structure: Structure
    var potential: String
    var model: @Sendable (Structure) -> ModelResult
    var more = ""
    var stage = "dynamics: {steps: 6, timestep: 2 fs}"
    var timestep = 0.002
    var bath = Bath.none
    /// Atoms that follow forces, by index.
    var isMobile: @Sendable (Int) -> Bool = { _ in true }
    /// Degrees of freedom that the centre of mass takes.
    var lost = 3
    var masses: [String: Double] = [:]
    var ranks = 1
  }

  /// Of every run.
  static let columns: Set<String> = [
    "step", "stage", "time", "temperature", "potential_energy", "kinetic_energy", "total_energy", "conserved_energy",
    "maximum_force", "pressure", "pxx", "pyy", "pzz", "pxy", "pxz", "pyz", "lx", "ly", "lz", "volume",
  ]

  static let rareGases = PairModel([
    ("Ar", "Ar", .lennardJones(0.0104, 3.4, cutoff: 7.5).shifted),
    ("Ar", "Kr", .lennardJones(0.0123, 3.5, cutoff: 7.0).shifted),
    ("Kr", "Kr", .lennardJones(0.0140, 3.6, cutoff: 7.5).shifted),
  ])
  static let rareGasDeck = """
    [{lennard_jones: {cutoff: 7.5, pairs: [
      {species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4},
      {species: [Kr, Ar], epsilon: 0.0123, sigma: 3.5, cutoff: 7.0},
      {species: [Kr, Kr], epsilon: 0.0140, sigma: 3.6}]}}]
    """
  static let salt = PairModel([
    ("Na", "Na", .bornMayerHuggins(0.2637, 2.340, 0.317, 1.0486, 0.4993, cutoff: 6)),
    ("Na", "Cl", .bornMayerHuggins(0.2110, 2.755, 0.317, 6.9906, 8.6758, cutoff: 6)),
    ("Cl", "Cl", .bornMayerHuggins(0.1582, 3.170, 0.317, 72.4022, 145.4285, cutoff: 6)),
  ])
  static let saltDeck = """
    [{coulomb: {method: ewald, accuracy: 1e-13, cutoff: 8}}, {born_mayer_huggins: {cutoff: 6, truncation: cut, pairs: [
      {species: [Na, Na], a: 0.2637, sigma: 2.340, rho: 0.317, c: 1.0486, d: 0.4993},
      {species: [Na, Cl], a: 0.2110, sigma: 2.755, rho: 0.317, c: 6.9906, d: 8.6758},
      {species: [Cl, Cl], a: 0.1582, sigma: 3.170, rho: 0.317, c: 72.4022, d: 145.4285}]}}]
    """
  static let copper = PairModel(.morse(0.3429, 1.3588, 2.866, c12: 40, cutoff: 6).switched(from: 5), "Cu")
  static let copperDeck =
    "[{morse: {cutoff: 6, truncation: switched, switch_from: 5, pairs: "
    + "[{species: [Cu, Cu], depth: 0.3429, alpha: 1.3588, distance: 2.866, c12: 40}]}}]"

  @Sendable static func saltModel(_ s: Structure) -> ModelResult {
    let charges = s.types.map { s.species[Int($0)] == "Na" ? 1.0 : -1.0 }
    return salt.evaluate(s) + PlainEwald(charges).evaluate(s)
  }

  static let cases = [
    Case(
      testDescription: "two species, constant energy, two ranks",
      structure: Sample.crystal(["Ar", "Kr"], spacing: 3.6), potential: rareGasDeck,
      model: { rareGases.evaluate($0) }, ranks: 2),
    Case(
      testDescription: "a slab with a Langevin thermostat",
      structure: Sample.crystal(
        ["Cu"], spacing: 2.6, cells: [2, 1, 1], periodic: Periodicity(true, true, false), vacuum: 3),
      potential: copperDeck, model: { copper.evaluate($0) },
      stage: "dynamics: {steps: 6, timestep: 2 fs, thermostat: {langevin: {temperature: 900, damping: 0.05}}}",
      bath: .langevin, lost: 0, ranks: 2),
    Case(
      testDescription: "ions with stochastic rescaling and a mass of their own",
      structure: Sample.crystal(["Na", "Cl"], spacing: 3.3, cells: [1, 1, 1], masses: [22.990, 70]),
      potential: saltDeck, model: saltModel, more: "species: {Na: {charge: 1}, Cl: {charge: -1, mass: 70}}",
      stage: "dynamics: {steps: 6, timestep: 1 fs, thermostat: {rescale: {temperature: 900, damping: 0.05}}}",
      timestep: 0.001, bath: .rescale, masses: ["Cl": 70]),
    Case(
      testDescription: "an open cluster with frozen and driven atoms",
      structure: Sample.crystal(["Ar", "Kr"], spacing: 3.6, periodic: .none, vacuum: 3), potential: rareGasDeck,
      model: { rareGases.evaluate($0) },
      more:
        "groups: {still: {select: {ids: [1, 1]}, frozen: true}, pushed: {select: {ids: [3, 4]}, velocity: [1, -2, 3]}}",
      isMobile: { ![0, 2, 3].contains($0) }, lost: 0, ranks: 2),
    Case(
      testDescription: "a cell that is pulled",
      structure: Sample.crystal(["Ar", "Kr"], spacing: 3.6, seed: 5), potential: rareGasDeck,
      model: { rareGases.evaluate($0) },
      stage: "dynamics: {steps: 6, timestep: 2 fs, deform: {axis: y, rate: 2e12 /s}}"),
    Case(
      testDescription: "a minimisation, in which atoms count as at rest",
      structure: Sample.crystal(["Cu"], spacing: 2.6), potential: copperDeck, model: { copper.evaluate($0) },
      stage: "minimize: {max_steps: 6, force_tolerance: 1e-6}", timestep: 0, bath: .minimizer),
  ]

  @Test(arguments: cases) func columns(_ c: Case) throws {
    let run = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: \(c.potential)
      \(c.more)
      stages: [{\(c.stage)}]
      output:
        thermo: {every: 1}
        trajectories: [{file: t.extxyz, every: 1, columns: [velocities, forces, energies, virials]}]
      """, files: ["start.extxyz": Sample.text(c.structure)], ranks: c.ranks)
    let rows = try run.thermo()
    let frames = try run.frames("t.extxyz")
    try #require(rows.count == 7 && frames.count == 7)
    let masses = Sample.masses(c.structure, c.masses)
    var heat = 0.0
    for (n, (row, frame)) in zip(rows, frames).enumerated() {
      if n > 0 { heat += Self.heat(c, frames[n - 1], frame, masses) }
      let expected = Self.row(c, frame, masses, step: n, heat: heat)
      let model = c.model(frame.structure)
      #expect(distance(frame.forces, model.forces) < 1e-9)
      #expect(isClose(frame.reals("energies").reduce(0, +), model.energy, 1e-11))
      let virials = frame.tensors("virials").reduce(Matrix3.zero, +)
      #expect(distance(virials.elements, model.virial.elements) < 1e-9 * (1 + model.virial.elements.map(abs).max()!))
      #expect(Set(row.keys) == Self.columns && Set(expected.keys) == Self.columns)
      for (name, value) in expected {
        let got = try #require(row[name])
        // Sums of some hundred terms in another order; what is no energy has ten digits.
        let scale = name.hasSuffix("energy") || name == "time" ? 2e-11 : 1e-9
        #expect(isClose(got, value, scale), "step \(n), \(name): \(got), but \(value) from first principles")
      }
    }
    // Not a system in which an exchange of components is nothing.
    let last = try #require(rows.last)
    let stresses = ["pxx", "pyy", "pzz", "pxy", "pxz", "pyz"].compactMap { last[$0] }
    for (k, a) in stresses.enumerated() {
      #expect(abs(a) > 1)
      for b in stresses[..<k] { #expect(abs(abs(a) - abs(b)) > 1e-3 * max(abs(a), abs(b)), "\(stresses)") }
    }
  }

  /// The kinetic energy that a thermostat has put in from one frame to the next: what is more in the velocities than
  /// the forces account for.
  private static func heat(_ c: Case, _ before: Frame, _ after: Frame, _ masses: [Double]) -> Double {
    func kicked(_ frame: Frame, _ sign: Double) -> [Vector3] {
      zip(frame.velocities, zip(frame.forces, masses)).map {
        $0 + (sign * 0.5 * c.timestep / ($1.1 * SI.massUnit)) * $1.0
      }
    }
    func kinetic(_ v: [Vector3]) -> Double { Kinetics(v, masses: masses, of: c.isMobile).energy }
    switch c.bath {
    case .none, .minimizer: return 0
    case .langevin:  // between the two halves of the drift
      return kinetic(kicked(after, -1)) - kinetic(kicked(before, 1))
    case .rescale:  // after the second kick
      let v = zip(kicked(before, 1), zip(after.forces, masses)).map {
        $0 + (0.5 * c.timestep / ($1.1 * SI.massUnit)) * $1.0
      }
      return kinetic(after.velocities) - kinetic(v)
    }
  }

  private static func row(_ c: Case, _ frame: Frame, _ masses: [Double], step: Int, heat: Double) -> [String: Double] {
    let model = c.model(frame.structure)
    let moves = c.bath != .minimizer
    let kinetics = moves ? Kinetics(frame.velocities, masses: masses, of: c.isMobile) : Kinetics([], masses: [])
    let cell = frame.structure.box.cell
    let volume = abs(dot(cell.x, cross(cell.y, cell.z)))
    let p = (SI.bar / volume) * (kinetics.tensor + model.virial)
    let mobile = masses.indices.filter(c.isMobile)
    let largest = mobile.map { max(abs(model.forces[$0].x), abs(model.forces[$0].y), abs(model.forces[$0].z)) }.max()
    let total = model.energy + kinetics.energy
    return [
      "step": Double(step), "stage": 1, "time": Double(step) * c.timestep,
      "temperature": moves ? kinetics.temperature(freedom: 3 * mobile.count - c.lost) : 0,
      "potential_energy": model.energy, "kinetic_energy": kinetics.energy, "total_energy": total,
      "conserved_energy": total - heat, "maximum_force": largest ?? 0,
      "pressure": (p.x.x + p.y.y + p.z.z) / 3, "pxx": p.x.x, "pyy": p.y.y, "pzz": p.z.z,
      "pxy": p.x.y, "pxz": p.x.z, "pyz": p.y.z,
      "lx": cell.x.length, "ly": cell.y.length, "lz": cell.z.length, "volume": volume,
    ]
  }

  /// Nosé–Hoover chains: energy flows to and from the chain, the sum of both stays; at the start the chain is at rest.
  @Test(arguments: [("constant", "1200"), ("a ramp", "[600, 1800]")])
  func chainConserves(_: String, temperature: String) throws {
    let run = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: \(Self.copperDeck)
      stages:
        - dynamics:
            steps: 400
            timestep: 0.5 fs
            thermostat: {nose_hoover: {temperature: \(temperature), damping: 0.02}}
      output: {thermo: {every: 5}}
      """, files: ["start.extxyz": Sample.text(Sample.crystal(["Cu"], spacing: 2.6, speed: 12))])
    let rows = try run.thermo()
    let conserved = rows.compactMap { $0["conserved_energy"] }
    let total = rows.compactMap { $0["total_energy"] }
    #expect(conserved[0] == total[0])
    let range = { (x: [Double]) in x.max()! - x.min()! }
    #expect(range(total) > 0.3)
    #expect(range(conserved) < 5e-3 * range(total), "\(range(conserved)), \(range(total))")
  }

  /// Rows: the first step, every `every` steps of the run, and each stage's end; time of dynamics alone.
  @Test func rowsAndTimes() throws {
    let run = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: \(Self.copperDeck)
      stages:
        - minimize: {max_steps: 3, force_tolerance: 1e-9}
        - dynamics: {steps: 5, timestep: 2 fs}
        - dynamics: {steps: 4, timestep: 1 fs}
      output: {thermo: {every: 3}}
      """, files: ["start.extxyz": Sample.text(Sample.crystal(["Cu"], spacing: 2.6))], ranks: 2)
    let rows = try run.thermo()
    #expect(rows.map { $0["step"] } == [0, 3, 6, 8, 9, 12])
    #expect(rows.map { $0["stage"] } == [1, 1, 2, 2, 3, 3])
    #expect(distance(rows.compactMap { $0["time"] }, [0, 0, 0.006, 0.010, 0.011, 0.014]) < 1e-15)
  }
}

import Foundation
import MDCore
import MDDeck
import MDNumerics
import Testing

/// Keys that the sample decks leave at their defaults, and every unit.
@Suite("Every key and every unit arrives")
struct EveryValueTests {
  /// Value in SI (or in the unit of the last column's name) over that of the internal unit.
  static let units: [(PhysicalDimension, [(String, Double)])] = [
    (.length, [("Å", 1), ("nm", 10), ("pm", 0.01), ("µm", 1e4), ("bohr", 0.529177210903)]),
    (
      .inverseLength,
      [("1/Å", 1), ("/Å", 1), ("1/nm", 0.1), ("/nm", 0.1), ("1/bohr", 1 / 0.529177210903)]
    ),
    (.time, [("ps", 1), ("fs", 1e-3), ("ns", 1e3), ("µs", 1e6), ("s", 1e12)]),
    (
      .rate,
      [
        ("1/ps", 1), ("/ps", 1), ("1/fs", 1e3), ("/fs", 1e3), ("1/ns", 1e-3), ("/ns", 1e-3), ("1/s", 1e-12),
        ("/s", 1e-12),
      ]
    ),
    (.temperature, [("K", 1)]),
    (
      .energy,
      [
        ("eV", 1), ("meV", 1e-3), ("hartree", 27.211386245988), ("Ha", 27.211386245988), ("Ry", 13.605693122994),
        // By the charge and by Avogadro's number.
        ("kJ/mol", 1e3 / (1.602176634e-19 * 6.02214076e23)),
        ("kcal/mol", 4184 / (1.602176634e-19 * 6.02214076e23)),
      ]
    ),
    (.force, [("eV/Å", 1), ("meV/Å", 1e-3), ("Ha/bohr", 27.211386245988 / 0.529177210903)]),
    (
      .velocity,
      [("Å/ps", 1), ("Å/fs", 1e3), ("nm/ps", 10), ("nm/ns", 1e-2), ("m/s", 1e-2), ("km/s", 10)]
    ),
    (.mass, [("g/mol", 1), ("u", 1)]), (.charge, [("e", 1)]), (.potential, [("V", 1), ("mV", 1e-3)]),
    (.electricField, [("V/Å", 1), ("V/nm", 0.1), ("MV/cm", 0.01)]),
  ]

  @Test("Units by their definitions", arguments: units.indices)
  func definitions(_ index: Int) throws {
    let (dimension, expected) = Self.units[index]
    #expect(dimension.units.map(\.name) == expected.map(\.0))
    let schema = DeckSchema.faultline(potentials: [
      PotentialEntry(name: "test", schema: DeckObject("", [.required("x", .quantity(dimension, .any), "")]))
    ])
    for (unit, factor) in expected {
      let plan = try RunPlan.parse(
        "potential: [{test: {x: 2.5 \(unit)}}]", file: "deck.yaml", schema: schema, purpose: .evaluate)
      #expect(abs(plan.potential[0].section.double("x") / (2.5 * factor) - 1) < 1e-9, "\(unit)")
    }
  }

  @Test("Bounds that belong to a range, and bounds that do not")
  func bounds() throws {
    let schema = DeckSchema.faultline(potentials: [
      PotentialEntry(
        name: "test",
        schema: DeckObject(
          "",
          [
            .required("a", .quantity(.length, .positive), ""), .required("b", .quantity(.length, .nonNegative), ""),
            .required("c", .number(NumberRange(from: 1, to: 2)), ""),
          ]))
    ])
    func isTaken(_ a: String, _ b: String, _ c: String) -> Bool {
      (try? RunPlan.parse(
        "potential: [{test: {a: \(a), b: \(b), c: \(c)}}]", file: "deck.yaml", schema: schema, purpose: .evaluate)) != nil
    }
    #expect(isTaken("1e-3", "0", "1") && isTaken("1", "0", "2"))
    #expect(!isTaken("0", "0", "1") && !isTaken("1", "-1e-9", "1") && !isTaken("1", "0", "2.1"))
  }

  @Test("Keys of a run that the other sample decks leave out")
  func otherKeys() throws {
    let plan = try parse(
      """
      seed: 7
      structure:
        lattice: {type: hcp, constant: 3.2, c: 5.2, species: [Mg], size: [2, 3, 4], vacuum: [0, 0, 15]}
        periodic: [true, true, false]
        replicate: [2, 1, 3]
      species: {Mg: {mass: 24, charge: 2, charge_width: 0.5}}
      potential: [{zbl: {inner: 1, outer: 2}}]
      groups:
        some: {select: {region: {x: [0, 1], y: [2, 3], z: [4, 5]}}}
        few: {select: {ids: [3, 4]}, thermostat: false}
      velocities: {temperature: 77, zero_momentum: false}
      stages:
        - minimize: {energy_tolerance: 1e-6, max_steps: 77, timestep: 0.5 fs}
        - dynamics: {steps: 5, thermostat: {rescale: {temperature: 300, damping: 0.25}}}
        - dynamics: {steps: 5, thermostat: {nose_hoover: {temperature: [300, 400], chain: 6}}, deform: {axis: x, rate: -0.01}}
      output:
        thermo: {figures: false}
        checkpoints: {every: 11, keep: 5}
      """)
    let structure = try #require(plan.structure)
    #expect(plan.seed == 7)
    #expect(structure.periodic == Periodicity(true, true, false) && structure.replicate == SIMD3(2, 1, 3))
    guard case .lattice(let lattice) = structure.source else {
      Issue.record("not a lattice")
      return
    }
    #expect(lattice.constant == 3.2 && lattice.c == 5.2 && lattice.size == SIMD3(2, 3, 4))
    #expect(lattice.vacuum == Vector3(0, 0, 15))
    let species = try #require(plan.species["Mg"])
    #expect(species.mass == 24 && species.charge == 2 && species.chargeWidth == 0.5)
    let region = try #require(plan.groups[0].selection.region)
    #expect(region.x == 0..<1 && region.y == 2..<3 && region.z == 4..<5)
    #expect(plan.groups[1].selection.ids == 3...4)
    #expect(!plan.groups[1].thermostat && plan.groups[0].thermostat)
    #expect(plan.velocities?.temperature == 77 && plan.velocities?.zeroMomentum == false)
    guard case .minimize(let relax) = plan.stages[0].work, case .dynamics(let one) = plan.stages[1].work,
      case .dynamics(let two) = plan.stages[2].work
    else {
      Issue.record("stages of the wrong kind")
      return
    }
    #expect(relax.energyTolerance == 1e-6 && relax.maxSteps == 77 && relax.timestep == 0.0005)
    #expect(one.thermostat?.kind == .rescale && one.thermostat?.damping == 0.25)
    #expect(two.thermostat?.kind == .noseHoover(chain: 6))
    #expect(two.thermostat?.start == 300 && two.thermostat?.end == 400)
    #expect(two.deform?.axis == 0 && two.deform?.rate == -0.01)
    #expect(!plan.output.thermo.figures && plan.output.thermo.isDefault)
    #expect(plan.output.checkpoints.every == 11 && plan.output.checkpoints.keep == 5)
  }

  @Test("The axes that are open", arguments: [[true, false, true], [false, true, true], [false, false, true]])
  func periodic(_ axes: [Bool]) throws {
    let plan = try parse(
      "structure: {lattice: {type: bcc, constant: 3, species: [Fe]}, periodic: \(axes)}", for: .build)
    let periodic = try #require(plan.structure?.periodic)
    #expect([periodic.a, periodic.b, periodic.c] == axes)
  }

  @Test("A boundary with free surfaces")
  func freeSurfaces() throws {
    func boundary(_ more: String) throws -> GrainBoundaryPlan? {
      let plan = try parse(
        """
        structure:
          grain_boundary: {kind: twist, lattice: fcc, constant: 4, species: [Al], axis: [1, 1, 1], sigma: 7\(more)}
        """, for: .build)
      guard case .grainBoundary(let boundary)? = plan.structure?.source else { return nil }
      return boundary
    }
    let plain = try #require(try boundary(""))
    #expect(plain.plane == SIMD3(1, 1, 1) && plain.vacuum == 0 && plain.overlap == nil && plain.repetition == (1, 1))
    #expect(try boundary(", free_surfaces: true")?.vacuum == 20)
    let open = try #require(
      try boundary(", free_surfaces: true, vacuum: 7 Å, shift: [0.1, 0.2], repeat: [3, 2], overlap: 0.5, expansion: -0.1"))
    #expect(open.freeSurfaces && open.vacuum == 7 && open.shift == (0.1, 0.2) && open.repetition == (3, 2))
    #expect(open.overlap == 0.5 && open.expansion == -0.1)
  }

  private static let twist = "kind: twist, lattice: fcc, constant: 4, species: [Al], axis: [0, 0, 1], sigma: "
  private static let zbl = "potential: [{zbl: {inner: 1, outer: 2}}]"

  @Test(
    "What does not fit together is refused",
    arguments: [
      ("structure: {grain_boundary: {\(twist)6}}\n\(zbl)\nstages: [{minimize: {}}]", "`sigma` is even"),
      (
        "structure: {lattice: {type: fcc, constant: 4, species: [Al], orientation: [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}}\n"
          + "\(zbl)\nstages: [{minimize: {}}]", "`orientation` is left-handed"
      ),
      (
        "structure: {lattice: {type: fcc, constant: 4, species: [Al]}}\n\(zbl)\n"
          + "stages: [{dynamics: {steps: 200000, deform: {axis: x, rate: -0.01}}}]", "`rate` shrinks the cell to nothing"
      ),
      (
        "structure: {grain_boundary: {\(twist)5, free_surfaces: true}}\n\(zbl)\n"
          + "stages: [{dynamics: {steps: 10, deform: {axis: z, rate: 0.001}}}]", "`axis` z is open"
      ),
      (
        "structure: {grain_boundary: {\(twist)5}}\n\(zbl)\nstages: [{dynamics: {steps: 10}}]\n"
          + "analysis: {boundary_energy: {}}", "`boundary_energy` needs a `minimize` stage"
      ),
    ])
  func refused(_ deck: String, _ reason: String) {
    #expect(complaints(deck).contains { $0.contains(reason) })
  }

  @Test("The watch: when, what is kept, what stops a run")
  func watch() throws {
    let plan = try parse(
      smallDeck + """

        analysis:
          watch:
            every: 50
            select: {extrapolations: 0, force_deviation: 0.2, file: kept.extxyz, spacing: 30}
            stop: {extrapolations: 5, energy_deviation: 0.01}
        """)
    let watch = try #require(plan.analysis.watch)
    #expect(watch.every == 50)
    #expect(watch.select?.file == "kept.extxyz" && watch.select?.spacing == 30)
    #expect(watch.select?.limits == [.extrapolations: 0, .forceDeviation: 0.2])
    #expect(watch.stop == [.extrapolations: 5, .energyDeviation: 0.01])
  }
}

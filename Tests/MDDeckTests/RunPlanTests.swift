import Foundation
import MDCore
import MDDeck
import MDSimulation
import MDNumerics
import Testing

@Suite("A deck as a typed plan")
struct RunPlanTests {
  @Test("Every value arrives, in internal units")
  func values() throws {
    let plan = try parse(fullDeck)
    #expect(plan.title == "Mo Σ5(310)[001]")
    #expect(plan.seed == 42)
    let structure = try #require(plan.structure)
    #expect(structure.replicate == SIMD3(1, 2, 1))
    #expect(structure.periodic == nil)
    guard case .grainBoundary(let boundary) = structure.source else {
      Issue.record("not a grain boundary")
      return
    }
    #expect(boundary.kind == .tilt && boundary.lattice == .bcc && boundary.constant == 3.165)
    #expect(boundary.axis == SIMD3(0, 0, 1) && boundary.plane == SIMD3(3, 1, 0) && boundary.sigma == 5)
    #expect(boundary.repetition == (2, 4) && boundary.thickness == 40 && boundary.shift == (0.25, 0))
    #expect(boundary.expansion == 0.3 && boundary.overlap == 1.5 && !boundary.freeSurfaces && boundary.vacuum == 0)
    #expect(plan.mass(of: "Mo") == 95.95)
    #expect(plan.potential.map(\.name) == ["zbl", "eam"])
    #expect(plan.potential[0].section.double("outer") == 4.8)
    #expect(plan.potential[1].section.path("file") == someFile)
    #expect(plan.groups.map(\.name) == ["bottom", "grip", "first", "upper", "round"])
    #expect(plan.groups[0].frozen && plan.groups[0].selection.fractionalRegion?.z == 0..<0.1)
    #expect(plan.groups[1].velocity == Vector3(0, 0, 0.1) && !plan.groups[1].thermostat)
    #expect(plan.groups[1].selection.region?.z == 50..<60 && plan.groups[1].selection.species == ["Mo"])
    #expect(plan.groups[2].selection.ids == 1...100 && plan.groups[3].selection.grain == 1)
    #expect(plan.groups[4].selection.sphere?.center == Vector3(1, 2, 3) && plan.groups[4].selection.sphere?.radius == 5)
    #expect(plan.groups[4].selection.cylinder?.axis == 1 && plan.groups[4].selection.cylinder?.radius == 10)
    #expect(plan.velocities?.temperature == 300 && plan.velocities?.zeroMomentum == true)
    #expect(plan.neighbors.skin == 1.5)
    #expect(plan.decomposition.grid == SIMD3(1, 1, 2) && plan.decomposition.balance == .atoms)
    #expect(plan.stages.map(\.name) == ["relax", "dynamics 2", "pull"])
    #expect(plan.stages.map(\.stepLimit) == [10_000, 20_000, 100_000])
    guard case .minimize(let relax) = plan.stages[0].work, case .dynamics(let heat) = plan.stages[1].work,
      case .dynamics(let pull) = plan.stages[2].work
    else {
      Issue.record("stages of the wrong kind")
      return
    }
    #expect(relax.method == "lbfgs" && relax.forceTolerance == 0.005 && relax.energyTolerance == nil)
    #expect(heat.timestep == 0.001 && heat.thermostat?.name == "langevin" && heat.loads.isEmpty)
    #expect(heat.thermostat?.section.list(orOne: "temperature") == [10, 300])
    #expect(pull.timestep == 0.002 && pull.thermostat?.name == "nose_hoover")
    let chain = try #require(pull.thermostat?.section)
    #expect(chain.integer("chain") == 4 && chain.list(orOne: "temperature") == [300] && chain.double("damping") == 0.1)
    #expect(pull.loads.map(\.name) == ["deform"])
    #expect(pull.loads[0].section.axis("axis") == 1 && pull.loads[0].section.double("rate") == 0.001)
    #expect(plan.analysis.map(\.name) == ["boundary_energy"])
    #expect(plan.analysis[0].section["reference_energy"]?.double == -6.82)
    #expect(plan.output.directory == "runs/mo" && plan.output.overwrite)
    #expect(plan.output.thermo.every == 50 && plan.output.thermo.columns == ["temperature", "total_energy"])
    #expect(plan.output.trajectories.map(\.file) == ["pull.extxyz.gz", "all.dump"])
    #expect(plan.output.trajectories.map(\.format) == [.extxyz, .lammpsDump])
    #expect(plan.output.trajectories.map(\.gzip) == [true, false])
    #expect(plan.output.trajectories[0].columns == ["velocities", "energies"])
    #expect(plan.output.trajectories.map(\.unwrapped) == [false, true])
    #expect(plan.output.checkpoints.every == 5000 && plan.output.checkpoints.keep == 3)
    #expect(plan.source == DeckSource(text: fullDeck, file: "deck.yaml"))
    #expect(plan.warnings.isEmpty)
  }

  @Test("A small deck runs on defaults")
  func defaults() throws {
    let plan = try parse(smallDeck, file: "inputs/copper.yaml")
    #expect(plan.seed == 1 && plan.title == nil && plan.groups.isEmpty && plan.neighbors.skin == 1)
    #expect(plan.decomposition.grid == nil && plan.decomposition.balance == .none && plan.analysis.isEmpty)
    #expect(plan.output.directory == "copper-run" && !plan.output.overwrite && plan.output.trajectories.isEmpty)
    #expect(plan.output.thermo.columns == Registry.parts.thermoColumns.map(\.name) && plan.output.thermo.every == 100)
    #expect(plan.output.checkpoints.every == 10_000 && plan.output.checkpoints.keep == 2)
    guard case .dynamics(let dynamics) = plan.stages[0].work else {
      Issue.record("not dynamics")
      return
    }
    #expect(dynamics.timestep == 0.001 && dynamics.thermostat == nil)
    #expect(plan.mass(of: "Cu") == Elements.mass(of: "Cu") && plan.element(of: "Cu") == "Cu")
  }

  @Test("Each purpose asks for its own sections", arguments: Purpose.allCases)
  func purposes(_ purpose: Purpose) throws {
    let sections = [
      "structure": "structure: {lattice: {type: bcc, constant: 3, species: [Fe]}}",
      "potential": "potential: [{zbl: {inner: 1, outer: 2}}]", "stages": "stages: [{minimize: {}}]",
    ]
    let needed: [Purpose: Set<String>] = [
      .run: ["structure", "potential", "stages"], .resume: ["structure", "potential", "stages"],
      .evaluate: ["potential"], .build: ["structure"], .characterize: ["structure", "potential"],
      .analyze: [],
    ]
    for left in sections.keys {
      let deck = sections.filter { $0.key != left }.map(\.value).sorted().joined(separator: "\n")
      let isNeeded = needed[purpose]!.contains(left)
      // Tasks may stand in place of stages.
      let complaint = left == "stages" ? "`deck` needs one of its kinds; allowed: stages, tasks" : "`\(left)` is missing in `deck`"
      #expect(complaints(deck, for: purpose).contains { $0.contains(complaint) } == isNeeded)
    }
  }

  @Test("Only the files that a purpose reads must be there")
  func neededFiles() {
    let deck = """
      structure: {file: {path: gone.xyz}}
      potential: [{eam: {file: gone.eam}}]
      stages: [{minimize: {}}]
      """
    func missing(_ purpose: Purpose) -> [String] {
      let lines = complaints(deck, for: purpose)
      return ["gone.xyz", "gone.eam"].filter { name in lines.contains { $0.contains("no file `\(name)`") } }
    }
    #expect(missing(.run) == ["gone.xyz", "gone.eam"])
    #expect(missing(.resume) == ["gone.eam"] && missing(.evaluate) == ["gone.eam"])
    #expect(missing(.build) == ["gone.xyz"])
  }

  struct Quantity: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var dimension: PhysicalDimension
    var value: Double

    init(_ text: String, _ dimension: PhysicalDimension, _ value: Double) {
      testDescription = text
      self.dimension = dimension
      self.value = value
    }
  }

  static let quantities: [Quantity] = [
    Quantity("1 fs", .time, 0.001), Quantity("0.3fs", .time, 0.0003), Quantity("7", .time, 7),
    Quantity("-.5e1", .energy, -5), Quantity("1e0eV", .energy, 1), Quantity("1 Ha", .energy, 27.211386245988),
    Quantity("2.5 nm", .length, 25), Quantity("3 Å", .length, 3), Quantity("3 \u{212B}", .length, 3),
    Quantity("3 A\u{30A}", .length, 3), Quantity("3 angstrom", .length, 3), Quantity("2 µm", .length, 20000),
    Quantity("2 \u{3BC}m", .length, 20000), Quantity("300 K", .temperature, 300), Quantity("1e9 /s", .rate, 1e-3), Quantity("1e9 1/s", .rate, 1e-3),
    Quantity("12 meV/A", .force, 0.012), Quantity("100 m/s", .velocity, 1), Quantity("1 e", .charge, 1),
    Quantity("1 /nm", .inverseLength, 0.1),
  ]

  @Test("Quantities with units become internal units to the last bit of a decimal", arguments: quantities)
  func units(_ quantity: Quantity) throws {
    let schema = schema(of: [
      DeckEntry(
        name: "test", schema: DeckObject("", [.required("x", .quantity(quantity.dimension, .any), "")]))
    ])
    let plan = try RunPlan.parse(
      "potential: [{test: {x: \(quantity.testDescription)}}]", file: "deck.yaml", schema: schema, purpose: .evaluate)
    #expect(plan.potential[0].section.double("x") == quantity.value)
  }

  @Test("Species named like YAML 1.1 booleans stay text")
  func yttrium() throws {
    let deck = "structure: {lattice: {type: rocksalt, constant: 5, species: [Y, N]}}"
    #expect(try parse(deck, for: .build).structure?.species == ["Y", "N"])
  }

  @Test("Anchors and merge keys")
  func merging() throws {
    let plan = try parse(
      smallDeck + """

          - dynamics: &warm {steps: 10, timestep: 2 fs}
          - dynamics: {<<: *warm, steps: 30}
        """)
    guard case .dynamics(let last) = plan.stages[2].work else {
      Issue.record("not dynamics")
      return
    }
    #expect(last.steps == 30 && last.timestep == 0.002)
  }

  @Test("Byte order marks and the line ends of other systems")
  func otherSystems() throws {
    let plan = try parse("\u{FEFF}" + fullDeck.replacing("\n", with: "\r\n"))
    #expect(plan.title == "Mo Σ5(310)[001]" && plan.stages.count == 3)
  }

  @Test("Paths start at the deck's folder")
  func paths() throws {
    let url = URL(fileURLWithPath: #filePath)
    let deck = "potential: [{eam: {file: ../MDDeckTests/\(url.lastPathComponent)}}]"
    let place = url.deletingLastPathComponent().appendingPathComponent("deck.yaml").path
    #expect(try parse(deck, file: place, for: .evaluate).potential[0].section.path("file") == url.path)
  }

  @Test("Later errors point at the value, or at the section of a default")
  func locations() throws {
    let deck = "potential:\n  - zbl:\n      inner: 4\n      outer: 5\n"
    let section = try parse(deck, for: .evaluate).potential[0].section
    #expect(section.error("outer", "is too long").description == "deck.yaml:4:14: `outer` is too long")
    #expect(section.error("skin", "is too long").location == SourceLocation(file: "deck.yaml", line: 3, column: 7))
  }

  @Test("Legal but strange decks warn")
  func warnings() throws {
    let plan = try parse(
      """
      structure: {lattice: {type: fcc, constant: 3.6, species: [Cu]}}
      potential: [{zbl: {inner: 1, outer: 2}}]
      stages:
        - dynamics: {steps: 10, timestep: 1}
        - dynamics: {steps: 10, thermostat: {rescale: {temperature: 10, damping: 0.005}}}
      """)
    #expect(
      plan.warnings.map(\.description) == [
        "deck.yaml:4:37: `timestep` is 1, without a unit in ps: very large; 1e-5 to 0.01 ps is plausible; was 1 fs "
          + "meant?",
        "deck.yaml:5:76: `damping` is less than 10 time steps; about 100 time steps is usual",
      ])
  }

  @Test("a thermostat that scales velocities of atoms at rest is warned of")
  func atRest() throws {
    let stages = "stages: [{dynamics: {steps: 1, thermostat: {rescale: {temperature: 300}}}}]\n"
    let start = """
      structure: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}
      potential: [{zbl: {inner: 1, outer: 2}}]

      """
    #expect(try parse(start + stages).warnings.count == 1)
    #expect(try parse(start + "velocities: {temperature: 300}\n" + stages).warnings.isEmpty)
    #expect(try parse(start + stages.replacing("rescale", with: "langevin")).warnings.isEmpty)
    let relaxedLater = stages.replacing(
      "]\n", with: ", {minimize: {}}, {dynamics: {steps: 1, thermostat: {rescale: {temperature: 9}}}}]\n")
    #expect(try parse(start + "velocities: {temperature: 300}\n" + relaxedLater).warnings.count == 1)
  }
}

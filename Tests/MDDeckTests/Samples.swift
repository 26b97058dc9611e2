import Foundation
import MDCore
import MDDeck
import MDSimulation

/// The program's schema with other families of potentials.
func schema(of potentials: [DeckEntry]) -> DeckSchema {
  var parts = Registry.parts
  parts.potentials = potentials
  return DeckSchema(parts)
}

/// The deck's schema with three families that use every way of describing parameters.
let sampleSchema = schema(of: [
  DeckEntry(
    name: "eam",
    schema: DeckObject("Embedded atoms.", [.required("file", .path(.input), "A setfl file.")])),
  DeckEntry(
    name: "zbl",
    schema: DeckObject(
      "Screened repulsion.",
      [
        .required("inner", .quantity(.length, .positive), "Start of the switch."),
        .required("outer", .quantity(.length, .positive), "End of the switch."),
      ],
      example: """
        potential:
          - zbl: {inner: 4.0, outer: 4.8}
        """)),
  DeckEntry(
    name: "morse",
    schema: DeckObject(
      "Morse pairs.",
      [
        .required(
          "pairs",
          .map(
            .object(
              DeckObject(
                "A pair of species.",
                [
                  .required("depth", .quantity(.energy, .any), "D."),
                  .required("alpha", .quantity(.inverseLength, .positive), "α."),
                  .defaulted("weight", .number(NumberRange(from: 0, to: 1)), "1", "Factor."),
                ])), of: "pairs of species", maximum: 100), "Parameters."),
        .optional("file", .path(.input), "A table."),
        .optional("table", .string, "Its name."),
      ],
      rules: [.init(.atMostOne, of: ["file", "table"])])),
])

/// A file that is always there.
let someFile = #filePath

let fullDeck = """
  title: Mo Σ5(310)[001]
  seed: 42
  structure:
    grain_boundary:
      kind: tilt
      lattice: bcc
      constant: 3.165
      species: [Mo]
      axis: [0, 0, 1]
      sigma: 5
      plane: [3, 1, 0]
      repeat: [2, 4]
      thickness: 4 nm
      shift: [0.25, 0]
      expansion: 0.3
      overlap: 1.5 Å
    replicate: [1, 2, 1]
  species: {Mo: {mass: 95.95}}
  potential:
    - zbl: {inner: 4.0, outer: 0.48 nm}
    - eam: {file: "\(someFile)"}
  groups:
    bottom: {select: {fractional_region: {z: [0, 0.1]}}, frozen: true}
    grip: {select: {region: {z: [50, 60]}, species: [Mo]}, velocity: [0, 0, 10 m/s], thermostat: false}
    first: {select: {ids: [1, 100]}}
    upper: {select: {grain: 1}}
    round: {select: {sphere: {center: [1, 2, 3], radius: 5}, cylinder: {axis: y, center: [0, 0, 0], radius: 1 nm}}}
  velocities: {temperature: 300 K}
  neighbors: {skin: 1.5}
  decomposition: {grid: [1, 1, 2], balance: true}
  stages:
    - minimize: {name: relax, force_tolerance: 5 meV/Å, max_steps: 1e4}
    - dynamics:
        steps: 20000
        timestep: 1 fs
        thermostat: {langevin: {temperature: [10, 300], damping: 0.1}}
    - dynamics:
        name: pull
        steps: 100000
        timestep: 0.002
        thermostat: {nose_hoover: {temperature: 300, chain: 4}}
        deform: {axis: y, rate: 1e9 /s}
  analysis: {boundary_energy: {reference_energy: -6.82}}
  output:
    directory: runs/mo
    overwrite: true
    thermo: {every: 50, columns: [temperature, total_energy]}
    trajectories:
      - {file: pull.extxyz.gz, every: 1000, columns: [velocities, energies]}
      - {file: all.dump, every: 5000, unwrapped: true}
    checkpoints: {every: 5000, keep: 3}
  """

let smallDeck = """
  structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [10, 10, 10]}}
  potential:
    - eam: {file: "\(someFile)"}
  velocities: {temperature: 300}
  stages:
    - dynamics: {steps: 1000}
  """

func parse(_ deck: String, file: String = "deck.yaml", for purpose: Purpose = .run) throws(DeckErrors) -> RunPlan {
  try RunPlan.parse(deck, file: file, schema: sampleSchema, purpose: purpose)
}

/// The lines of the errors that a deck gives.
func complaints(_ deck: String, for purpose: Purpose = .run) -> [String] {
  do {
    _ = try parse(deck, for: purpose)
    return []
  } catch {
    return error.errors.map(\.description)
  }
}

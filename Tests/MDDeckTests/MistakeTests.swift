import Foundation
import MDCore
import MDDeck
import Testing

/// What people type wrong, and the whole text of what they read then.
struct Mistake: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var deck: String
  var purpose = Purpose.evaluate
  var lines: [String]

  init(_ name: String, _ deck: String, for purpose: Purpose = .evaluate, _ lines: String...) {
    testDescription = name
    self.deck = deck
    self.purpose = purpose
    self.lines = lines
  }
}

private let zbl = "potential: [{zbl: {inner: 1, outer: 2}}]\n"
private let crystal = "structure: {lattice: {type: bcc, constant: 3, species: [Fe]}}\n"
private let topKeys =
  "title, seed, structure, species, potential, groups, velocities, neighbors, decomposition, stages, tasks, search, analysis, output, scan"

private let syntax = [
  Mistake(
    "tab", "potential:\n\t- zbl: {inner: 1, outer: 2}\n",
    "deck.yaml:2:1: a tab in the indentation; YAML indents with spaces only"),
  Mistake(
    "indentation", "potential:\n  - zbl:\n      inner: 1\n     outer: 2\n",
    "deck.yaml:4:6: YAML syntax: did not find expected key while parsing a block mapping that starts at line 2; keys "
      + "of one section start in the same column, and so do the `-` of a list"),
  Mistake(
    "second colon", "title: a: b\n",
    "deck.yaml:1:9: YAML syntax: mapping values are not allowed in this context; check the indentation of this line "
      + "and the one above; text that holds `: ` needs quotes"),
  Mistake(
    "open bracket", "potential: [{zbl: {inner: 1, outer: 2}}\n",
    "deck.yaml:2:1: YAML syntax: did not find expected ',' or ']' while parsing a flow sequence that starts at line 1; "
      + "close the bracket, and separate items by commas"),
  Mistake(
    "twice", zbl + "neighbors: {skin: 1}\nseed: 1\nneighbors: {skin: 2}\n",
    "deck.yaml:2:1: `neighbors` given more than once in the same section; keep one"),
  Mistake(
    "two documents", zbl + "---\ntitle: b\n",
    "deck.yaml:2:1: YAML syntax: but found another document; a deck is one document: remove the `---`"),
  Mistake(
    "control character", "title: a\u{1}\n", "deck.yaml:1:9: not a text file: control characters are not allowed"),
  Mistake("list", "- zbl\n", "deck.yaml:1:1: `deck` is a list; expected a section with the keys \(topKeys)"),
]

private let keysAndTypes = [
  Mistake(
    "misspelt key", "potential: [{zbl: {inner: 1, outr: 2}}]\n",
    "deck.yaml:1:30: unknown key `outr` in `zbl`; did you mean `outer`? allowed: inner, outer"),
  Mistake(
    "not indented", zbl + "neighbors:\nskin: 2\n",
    "deck.yaml:2:11: `neighbors` is empty; expected a section with the keys skin; indent its keys below it, or write "
      + "{} for an empty section",
    "deck.yaml:3:1: unknown key `skin` in `deck`; it belongs to `neighbors`: indent it below; allowed: \(topKeys)"),
  Mistake(
    "missing key", "potential: [{zbl: {inner: 1}}, {}]\n",
    "deck.yaml:1:19: `outer` is missing in `zbl`; expected a length > 0 (Å): End of the switch.",
    "deck.yaml:1:32: `potential` needs one of its kinds; allowed: eam, zbl, morse"),
  Mistake(
    "keys of an item too far left", "potential:\n  - zbl:\n    inner: 1\n    outer: 2\n",
    "deck.yaml:2:9: `zbl` is empty; expected a section with the keys inner, outer; indent its keys below it, or write "
      + "{} for an empty section",
    "deck.yaml:3:5: unknown key `inner` in `potential`; it belongs to `zbl`: indent it below; allowed: eam, "
      + "zbl, morse",
    "deck.yaml:4:5: unknown key `outer` in `potential`; it belongs to `zbl`: indent it below; allowed: eam, "
      + "zbl, morse"),
  Mistake(
    "no space after the colon", zbl + "neighbors:\n  skin:2\ndecomposition: {balance:true}\n",
    "deck.yaml:3:3: `neighbors` is text (`skin:2`); expected a section with the keys skin; a space follows the colon: "
      + "`key: value`",
    "deck.yaml:4:17: unknown key `balance:true` in `decomposition`; a space follows the colon: `key: value`"),
  Mistake(
    "no list", "potential:\n  zbl: {inner: 1, outer: 2}\ngroups: {a: {select: {species: Cu}}}\n",
    "deck.yaml:2:3: `potential` is a section; expected a list of at least 1, each a section with one of eam, zbl, "
      + "morse; start each item with `- `",
    "deck.yaml:3:32: `species` is text (`Cu`); expected a list of at least 1, each text; write [Cu]"),
  Mistake(
    "misspelt potential", "potential: [{zlb: {inner: 1, outer: 2}}]\n",
    "deck.yaml:1:14: unknown key `zlb` in `potential`; did you mean `zbl`? allowed: eam, zbl, morse"),
  Mistake(
    "missing file", "potential: [{eam: {file: RunPlanTest.swift}}]\n",
    "\(folder)/deck.yaml:1:26: no file `RunPlanTest.swift`; did you mean `RunPlanTests.swift`? looked for "
      + "\(folder)/RunPlanTest.swift"),
  Mistake("folder", "potential: [{eam: {file: .}}]\n", "\(folder)/deck.yaml:1:26: `.` is a folder; expected a file"),
  Mistake(
    "text for a number", "potential: [{zbl: {inner: one, outer: true}}]\n",
    "deck.yaml:1:27: `inner` is text (`one`); expected a length > 0 (Å)",
    "deck.yaml:1:39: `outer` is a boolean (true); expected a length > 0 (Å)"),
  Mistake(
    "wrong unit", "potential: [{zbl: {inner: 1 fs, outer: 2}}]\n",
    "deck.yaml:1:27: `fs` is not a unit of a length; allowed: Å, nm, pm, µm, bohr"),
  Mistake(
    "out of range", "potential: [{zbl: {inner: -1, outer: .inf}}]\n",
    "deck.yaml:1:27: `inner` is out of range: -1; expected a length > 0 (Å)",
    "deck.yaml:1:38: `outer` is out of range: .inf; expected a length > 0 (Å)"),
  Mistake(
    "number for text", zbl + "title: 2026\n", "deck.yaml:2:8: `title` is a number (2026); expected text in quotes"),
  Mistake(
    "yes for true", zbl + "decomposition: {balance: yes}\n",
    "deck.yaml:2:26: `balance` is text (`yes`); expected true or false, or one of atoms, time"),
  Mistake(
    "fraction of a step", zbl + "stages: [{dynamics: {steps: 10.5}}, {dynamics: {steps: 1_000}}]\n",
    "deck.yaml:2:29: `steps` is a number (10.5); expected an integer from 1 to 1e12",
    "deck.yaml:2:56: `steps` is text (`1_000`); expected an integer from 1 to 1e12 without underscores"),
  Mistake(
    "two thermostats",
    zbl + "stages:\n  - dynamics:\n      steps: 10\n      thermostat:\n        rescale: {temperature: 1}\n"
      + "        langevin: {temperature: 1}\n",
    "deck.yaml:6:9: `langevin` and `rescale` exclude each other in `thermostat`; keep one of nose_hoover, "
      + "langevin, rescale"),
  Mistake(
    "ramp of three", zbl + "stages: [{dynamics: {steps: 1, thermostat: {rescale: {temperature: [1, 2, 3]}}}}]\n",
    "deck.yaml:2:68: `temperature` has 3 items; expected a list of 2, each a temperature > 0 (K)"),
  Mistake(
    "misspelt word", "structure: {lattice: {type: Bcc, constant: 3, species: [Fe]}}\n", for: .build,
    "deck.yaml:1:29: `Bcc` is not a value of `type`; did you mean `bcc`? allowed: sc, bcc, fcc, hcp, "
      + "diamond, rocksalt, cscl, zincblende, wurtzite, fluorite, perovskite"),
  Mistake(
    "two numbers for three", "structure: {lattice: {type: bcc, constant: 3, species: [Fe], size: [4, 4]}}\n",
    for: .build,
    "deck.yaml:1:68: `size` has 2 items; expected a list of 3, each an integer from 1 to 1e6"),
  Mistake(
    "nothing for a run", "", for: .run,
    "deck.yaml:1:1: `structure` is missing in `deck`; expected a section with the keys file, lattice, crystal, "
      + "grain_boundary, interface, polycrystal, spherical_grain, crack, enumerate, match, replicate, periodic, modify: Where the atoms come from.",
    "deck.yaml:1:1: `potential` is missing in `deck`; expected a list of at least 1, each a section with one of eam, "
      + "zbl, morse: Interatomic potentials, added up.",
    "deck.yaml:1:1: `deck` needs one of its kinds; allowed: stages, tasks, search"),
]

/// Numbers beyond what any simulation has, whatever the key allows.
private let bounds = [
  Mistake(
    "far too long", "potential: [{zbl: {inner: 1e-300, outer: 1 m}}]\n",
    "deck.yaml:1:27: `inner` is out of range: 1e-300; expected a length > 0 (Å), 0.001 to 1e7 Å",
    "deck.yaml:1:42: `m` is not a unit of a length; allowed: Å, nm, pm, µm, bohr"),
  Mistake(
    "beyond floating point, not a number", zbl + "neighbors: {skin: 1e400}\nvelocities: {temperature: .nan}\n",
    "deck.yaml:2:19: `skin` is out of range: 1e400; expected a length > 0 (Å)",
    "deck.yaml:3:27: `temperature` is out of range: .nan; expected a temperature ≥ 0 (K)"),
  Mistake(
    "negative as positive", crystal + "stages: [{dynamics: {steps: 1e13, deform: {axis: x, rate: -1e20 /s}}}]\n",
    for: .build, "deck.yaml:2:29: `steps` is out of range: 1e13; expected an integer from 1 to 1e12"),
  Mistake(
    "large by its unit", zbl + "stages: [{dynamics: {steps: 1, timestep: 1e3 s}}]\n",
    "deck.yaml:2:42: `timestep` is out of range: 1e3 s; expected a time > 0 (ps), 1e-9 to 1e13 ps"),
  Mistake(
    "large and negative", zbl + "groups: {a: {select: {region: {x: [-1e9, 0]}}}}\n",
    "deck.yaml:2:36: `x` is out of range: -1e9; expected a length (Å), 0.001 to 1e7 Å"),
]

private let boundary =
  "structure: {grain_boundary: {kind: tilt, lattice: bcc, constant: 3, species: [Fe], axis: [0, 0, 1], sigma: 5, "
  + "plane: [3, 1, 0]"

private let meaning = [
  Mistake(
    "boundary energy with surfaces",
    boundary + ", free_surfaces: true}}\n" + zbl + "stages: [{minimize: {}}]\nanalysis: {boundary_energy: {}}\n",
    for: .run,
    "deck.yaml:4:29: `boundary_energy` would count the energy of the free surfaces too; leave `free_surfaces` out: "
      + "the periodic bicrystal has two boundaries and no surface"),
  Mistake(
    "boundary energy of an open cell",
    boundary + "}, periodic: [true, true, false]}\n" + zbl
      + "stages: [{minimize: {}}]\nanalysis: {boundary_energy: {}}\n", for: .run,
    "deck.yaml:4:29: `boundary_energy` needs a cell that is periodic along all axes; leave `periodic` out"),
  Mistake(
    "images of unwrapped positions",
    crystal + zbl
      + "stages: [{minimize: {}}]\noutput: {trajectories: [{file: a.dump, every: 1, unwrapped: true, columns: "
      + "[images]}]}\n", for: .run,
    "deck.yaml:4:76: `columns` has images, which unwrapped positions hold already; keep one of the two"),
  Mistake(
    "frozen and moved", zbl + "groups: {a: {select: {grain: 0}, frozen: true, velocity: [0, 0, 1]}}\n",
    "deck.yaml:2:58: `velocity` contradicts `frozen: true` of group `a`; keep one of the two"),
  Mistake(
    "empty selection", zbl + "groups: {a: {select: {}}, b: {select: {ids: [9, 1]}}}\n",
    "deck.yaml:2:22: `select` is empty; give at least one of species, region, fractional_region, "
      + "sphere, cylinder, ids, grain, held"),
  Mistake(
    "empty ranges", zbl + "groups: {a: {select: {region: {x: [2, 1]}}}, b: {select: {ids: [9, 1]}}}\n",
    "deck.yaml:2:35: `x` is empty; [low, high] with low < high",
    "deck.yaml:2:64: `ids` [9, 1] is empty; [first, last]"),
  Mistake(
    "unknown species", crystal + "species: {Fo: {mass: 1}}\ngroups: {a: {select: {species: [Cr]}}}\n", for: .build,
    "deck.yaml:2:11: no species `Fo` in the structure; it has Fe",
    "deck.yaml:3:33: no species `Cr` in the structure; it has Fe"),
  Mistake(
    "no mass", "structure: {lattice: {type: bcc, constant: 3, species: [X]}}\n", for: .build,
    "deck.yaml:1:22: species `X` is no element and has no mass; give `species: {X: {mass: …}}`"),
  Mistake(
    "wrong number of species", "structure: {lattice: {type: rocksalt, constant: 3, species: [Na]}}\n", for: .build,
    "deck.yaml:1:61: `species` has 1 names for rocksalt; rocksalt has 2"),
  Mistake(
    "orientation",
    "structure: {lattice: {type: bcc, constant: 3, species: [Fe], orientation: [[1, 1, 0], [1, 0, 0], [0, 0, 1]]}}\n",
    for: .build,
    "deck.yaml:1:75: `orientation` is not orthogonal: [1, 1, 0]·[1, 0, 0] = 1; three orthogonal, right-handed "
      + "directions such as [[1, 1, 0], [-1, 1, 0], [0, 0, 1]]"),
  Mistake(
    "tilt plane",
    "structure: {grain_boundary: {kind: tilt, lattice: bcc, constant: 3, species: [Fe], axis: [0, 0, 1], sigma: 5, "
      + "plane: [3, 1, 1], vacuum: 5}}\n", for: .build,
    "deck.yaml:1:118: `plane` [3, 1, 1] does not hold the axis [0, 0, 1]; of a tilt boundary h·u + k·v + l·w = 0",
    "deck.yaml:1:137: `vacuum` needs `free_surfaces: true`"),
  Mistake(
    "short damping",
    zbl + "stages: [{dynamics: {steps: 1, thermostat: {rescale: {temperature: 1, damping: 0.5 fs}}}}]\n",
    "deck.yaml:2:80: `damping` is 0.0005 ps, shorter than the time step (0.001 ps); about 100 time steps is usual"),
  Mistake(
    "open axis",
    "structure: {lattice: {type: bcc, constant: 3, species: [Fe]}, periodic: [true, true, false]}\n"
      + "stages: [{dynamics: {steps: 1, deform: {axis: z, rate: 1}}}]\n", for: .build,
    "deck.yaml:2:47: `axis` z is open; move a group at a `velocity` to pull along an open axis"),
  Mistake(
    "boundary energy of a crystal", crystal + "analysis: {boundary_energy: {}}\n", for: .build,
    "deck.yaml:2:29: `boundary_energy` needs `structure.grain_boundary`, `structure.interface` or `structure.file`"),
  Mistake(
    "names of files",
    zbl + """
      output:
        trajectories:
          - {file: a.xyz, every: 1}
          - {file: a.xyz, every: 1, format: lammps-dump}
          - {file: b, every: 1}
          - {file: thermo.csv, every: 1, format: extxyz}
          - {file: ../c.xyz, every: 1}
      """,
    "deck.yaml:8:14: `../c.xyz` is not a plain file name; it is written to the run's folder, see `output.directory`"),
  Mistake(
    "names of trajectories",
    zbl + """
      output:
        trajectories:
          - {file: a.xyz, every: 1}
          - {file: a.xyz, every: 1, format: lammps-dump}
          - {file: b, every: 1}
          - {file: thermo.csv, every: 1, format: extxyz}
      """, "deck.yaml:5:14: `file` a.xyz is written by another trajectory",
    "deck.yaml:5:39: `format` lammps-dump contradicts the name a.xyz",
    "deck.yaml:6:14: `file` b does not tell the format; end it in .extxyz or .dump, with or without .gz, "
      + "or give `format`",
    "deck.yaml:7:14: `file` thermo.csv is the name of another file of the run"),
]

private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path

@Suite("Mistakes in decks")
struct MistakeTests {
  @Test("Each gives its place, the reason and what is allowed", arguments: syntax + keysAndTypes + bounds + meaning)
  func messages(_ mistake: Mistake) {
    let isAbsolute = mistake.lines.contains { $0.hasPrefix("/") }
    let file = isAbsolute ? folder + "/deck.yaml" : "deck.yaml"
    do {
      _ = try parse(mistake.deck, file: file, for: mistake.purpose)
      Issue.record("accepted")
    } catch {
      #expect(error.errors.map(\.description) == mistake.lines)
      #expect(error.errors.allSatisfy { $0.kind == .input })
    }
  }

  /// A key of each quantity that has a natural range, and the unit that is named for a number without one.
  @Test(
    "Numbers far from what is usual are warned of with the unit that was probably meant",
    arguments: [
      ("stages: [{dynamics: {steps: 1, timestep: 2}}]", "`timestep` is 2, without a unit in ps: very large", "2 fs"),
      (
        "stages: [{dynamics: {steps: 1, deform: {axis: x, rate: 1e10}}}]",
        "`rate` is 1e10, without a unit in 1/ps: very large", "1e10 1/s"
      ),
      (
        "stages: [{dynamics: {steps: 1, thermostat: {langevin: {temperature: 9, damping: 100}}}}]",
        "`damping` is 100, without a unit in ps: very large", "100 fs"
      ),
      (
        "stages: [{dynamics: {steps: 1, thermostat: {langevin: {temperature: [9, 1e6]}}}}]",
        "`temperature` is 1e6 K: very large", nil
      ),
      ("stages: [{minimize: {force_tolerance: 10}}]", "`force_tolerance` is 10, without", "10 meV/Å"),
      ("neighbors: {skin: 100}", "`skin` is 100, without a unit in Å: very large", "100 pm"),
      ("groups: {a: {select: {grain: 0}, velocity: [0, 0, 500]}}", "`velocity` is 500, without", "500 nm/ns"),
      ("species: {X: {mass: 1e-3}}", "`mass` is 1e-3, without", nil),
      ("neighbors: {skin: 20 nm}", "`skin` is 20 nm: very large", nil),
    ] as [(String, String, String?)])
  func implausible(_ line: (deck: String, words: String, meant: String?)) throws {
    let warnings = try parse(zbl + line.deck, for: .evaluate).warnings.map(\.description)
    let found = try #require(warnings.first { $0.contains(line.words) }, "\(warnings)")
    #expect(found.contains("is plausible") && found.hasPrefix("deck.yaml:2:"))
    #expect(line.meant.map { found.hasSuffix("was \($0) meant?") } ?? !found.contains("meant"), "\(found)")
  }

  @Test("What is usual is not warned of")
  func plausible() throws {
    #expect(
      try parse(
        zbl + """
          neighbors: {skin: 1.5}
          velocities: {temperature: 0}
          stages:
            - minimize: {force_tolerance: 1e-3}
            - dynamics:
                steps: 100
                timestep: 2 fs
                thermostat: {langevin: {temperature: [1, 3000], damping: 0.1}}
                deform: {axis: x, rate: 1e9 /s}
          """, for: .evaluate
      ).warnings.isEmpty)
    #expect(
      try parse(zbl + "velocities: {temperature: 300}\nstages: [{minimize: {}}]", for: .evaluate)
        .warnings.map(\.description) == [
        "deck.yaml:2:27: `temperature` is not used; velocities are drawn for the first dynamics stage"
      ])
  }

  @Test("A deck that is not there, a folder, bytes that are no text")
  func unreadable() throws {
    func message(_ path: String) -> String? {
      do throws(DeckErrors) {
        _ = try RunPlan.read(path, schema: sampleSchema)
        return nil
      } catch {
        return error.description
      }
    }
    #expect(message("/no/deck.yaml") == "/no/deck.yaml: no such deck; expected the path of a YAML file")
    #expect(message("/") == "/: is a folder; expected the path of a YAML file")
    let path = NSTemporaryDirectory() + "faultline-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data([0x61, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: path))
    #expect(message(path) == "\(path): not a text file: bytes that are not UTF-8")
    try Data(smallDeck.utf8).write(to: URL(fileURLWithPath: path))
    #expect(message(path) == nil)
  }

  @Test("Aliases that grow without bound are refused")
  func bomb() {
    var deck = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for n in 1...8 {
      deck += "a\(n): &a\(n) [" + Array(repeating: "*a\(n - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    #expect(complaints(deck).contains { $0.hasSuffix("the deck has more than 100000 values") })
  }

  @Test("A damaged deck is an error or another deck, never a crash")
  func damage() {
    let bytes = Array(fullDeck.utf8)
    var outcomes = (accepted: 0, refused: 0)
    for place in stride(from: 0, to: bytes.count, by: 7) {
      var flipped = bytes
      flipped[place] ^= 1 << UInt8(place % 8)
      for damaged in [Array(bytes[..<place]), flipped] {
        guard let text = String(validating: damaged, as: UTF8.self) else { continue }
        do {
          _ = try parse(text)
          outcomes.accepted += 1
        } catch {
          outcomes.refused += 1
          #expect(error.errors.allSatisfy { $0.location?.file == "deck.yaml" && !$0.message.isEmpty })
        }
      }
    }
    // Most bytes matter: names, structure and paths; flipped digits make another deck.
    #expect(outcomes.refused > 2 * outcomes.accepted)
  }
}

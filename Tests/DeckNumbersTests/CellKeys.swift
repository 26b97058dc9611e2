import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys that change the cell: `minimize.cell`, barostats, loads, `constant: equilibrium`.
@Suite("Deck → numbers: cells") struct CellKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let components = ["xx", "yy", "zz", "yz", "xz", "xy"]

  /// A crystal of copper whose cell is a little too large and skew.
  static func copper(_ stages: String, more: String = "", every: Int = 1, isSkew: Bool = true,
    potential: String = ThermoTests.copperDeck
  ) -> String {
    """
    structure:
      crystal:
        cell: \(isSkew ? "[[3.65, 0.02, 0], [-0.03, 3.68, 0.01], [0.02, 0, 3.63]]" : "[[3.7, 0, 0], [0, 3.7, 0], [0, 0, 3.63]]")
        basis:
          - {species: Cu, position: [0, 0, 0]}
          - {species: Cu, position: [0, 0.5, 0.5]}
          - {species: Cu, position: [0.5, 0, 0.5]}
          - {species: Cu, position: [0.5, 0.5, 0]}
        size: [2, 2, 2]
    potential: \(potential)
    \(more)
    stages: [\(stages)]
    output: {thermo: {every: \(every)}, trajectories: [{file: t.extxyz, every: \(every), unwrapped: true}]}
    """
  }

  /// Bar, positive in tension, in Voigt's order, by a sum of its own.
  static func stress(_ frame: Frame) -> [Double] {
    let w = ThermoTests.copper.evaluate(frame.structure).virial
    let unit = -Units.energyPerVolumeToBar / frame.structure.box.volume
    return [w.x.x, w.y.y, w.z.z, w.y.z, w.x.z, w.x.y].map { unit * $0 }
  }

  static func rows(_ text: String) -> [[String: Double]] {
    let lines = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    guard let header = lines.first else { return [] }
    return lines.dropFirst().map { line in
      Dictionary(uniqueKeysWithValues: zip(header, line).map { (String($0.split(separator: " ")[0]), Double($1) ?? .nan) })
    }
  }

  static let effects = [
    KeyEffect(in: "stages.minimize", "cell", "pressure", "stress_tolerance") {
      for (keys, target, tolerance) in [
        ("cell: full", 0.0, 1.0), ("cell: full, pressure: 5 GPa, stress_tolerance: 10 bar", -50_000, 10),
        ("cell: axes, pressure: -2000, stress_tolerance: 0.01 bar", 2000, 0.01),
      ] {
        let run = try DeckRun(copper("{minimize: {force_tolerance: 1e-6, \(keys)}}"), ranks: 2)
        let frames = try run.frames("t.extxyz")
        let all: [Double] = stress(frames.last!)
        let checked = keys.contains("axes") ? 0..<3 : 0..<6
        // As a strain of a crystal: three times its modulus along an axis is some 5 eV/Å³.
        for k in checked { #expect(abs(all[k] - (k < 3 ? target : 0)) < 1.8 * tolerance, "\(keys): \(all)") }
        // It does not go on when it is there.
        let before = stress(frames[frames.count - 2])
        #expect(
          checked.contains { abs(before[$0] - ($0 < 3 ? target : 0)) > 0.5 * tolerance }
            || ThermoTests.copper.evaluate(frames[frames.count - 2].structure).forces.contains { $0.length > 5e-7 })
        #expect(run.log.contains("converged") && run.log.contains("bar along the normal"))
      }
      // A boundary's length is its own; anything else is fixed, unless the deck says so.
      for (key, moves) in [("", [false, false, true]), ("cell: fixed", [false, false, false]), ("cell: in_plane", [true, true, false])] {
        let run = try DeckRun(
          """
          structure: {grain_boundary: {kind: tilt, lattice: fcc, constant: 3.64, species: [Cu], axis: [0, 0, 1], sigma: 5,
            plane: [2, 1, 0], thickness: 8, overlap: 1.6}}
          potential: [{eam: {parameters: zhou2004}}]
          stages: [{minimize: {\(key)}}]
          output: {trajectories: [{file: t.extxyz, every: 1}]}
          """)
        let frames = try run.frames("t.extxyz")
        let (first, last) = (frames[0].structure.box.cell, frames.last!.structure.box.cell)
        for k in 0..<3 { #expect((abs(first[k][k] - last[k][k]) > 1e-4) == moves[k], "\(key): \(k)") }
        #expect(run.log.contains("left under") == !moves[2])
      }
      let plain = try DeckRun(copper("{minimize: {}}")).frames("t.extxyz")
      #expect(plain[0].structure.box.cell == plain.last!.structure.box.cell)
    },
    KeyEffect(in: "stages.minimize.stress", "xx", "yy", "zz", "yz", "xz", "xy") {
      let asked: [Double] = [3000, -4000, 5000, 600, -700, 800]
      let text = zip(components, asked).map { "\($0): \($1)" }.joined(separator: ", ")
      let run = try DeckRun(copper("{minimize: {cell: full, force_tolerance: 1e-6, stress: {\(text)}}}"))
      let all: [Double] = stress(try run.frames("t.extxyz").last!)
      for (a, b) in zip(all, asked) { #expect(abs(a - b) < 1.8, "\(all)") }
      // What is not given is 0.
      let one = try DeckRun(copper("{minimize: {cell: full, force_tolerance: 1e-6, stress: {yz: 0.1 GPa}}}"))
      for (a, b) in zip(stress(try one.frames("t.extxyz").last!), [0.0, 0, 0, 1000, 0, 0]) { #expect(abs(a - b) < 1.8) }
    },
    KeyEffect("structure.lattice.constant", "structure.lattice.pressure", "structure.grain_boundary.pressure") {
      let pressures: [(Double, String)] = [(0, ""), (10_000, ", pressure: 1 GPa")]
      for (pressure, text) in pressures {
        let run = try DeckRun(
          """
          structure: {lattice: {type: fcc, constant: equilibrium\(text), species: [Cu], size: [2, 2, 2]}}
          potential: \(ThermoTests.copperDeck)
          stages: [{dynamics: {steps: 1}}]
          output: {trajectories: [{file: t.extxyz, every: 1}]}
          """, ranks: 2)
        let frame = try run.frames("t.extxyz")[0]
        for (k, s) in stress(frame).enumerated() { #expect(abs(s - (k < 3 ? -pressure : 0)) < 0.5, "\(s)") }
        let a = frame.structure.box.cell.x.x / 2
        #expect(run.log.contains("a = \(String(format: "%.6f", a)) Å"))
        let boundary = try DeckRun(
          """
          structure: {grain_boundary: {kind: tilt, lattice: fcc, constant: equilibrium\(text), species: [Cu],
            axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0], thickness: 8, overlap: 1.6}}
          potential: \(ThermoTests.copperDeck)
          stages: [{dynamics: {steps: 1}}]
          output: {trajectories: [{file: t.extxyz, every: 1}]}
          """)
        let cell = try boundary.frames("t.extxyz")[0].structure.box.cell
        #expect(isClose(cell.y.y, a, 1e-9) && isClose(cell.x.x, a * 5.0.squareRoot(), 1e-9))
      }
      // A hexagonal crystal has two constants; at the ideal ratio it would be under stress.
      let run = try DeckRun(
        """
        structure: {lattice: {type: hcp, constant: equilibrium, species: [Mg], size: [2, 2, 2]}}
        potential: [{eam: {parameters: zhou2004}}]
        stages: [{minimize: {max_steps: 1}}]
        output: {thermo: {every: 1}}
        """)
      let row = try run.thermo()[0]
      for name in ["pxx", "pyy", "pzz"] { #expect(abs(try #require(row[name])) < 1) }
    },
    KeyEffect(
      in: "stages.dynamics.barostat.rescale", "pressure", "cell", "damping", "modulus"
    ) { try barostat("rescale", ", thermostat: {rescale: {temperature: 20}}") },
    KeyEffect(in: "stages.dynamics.barostat.mtk", "pressure", "cell", "damping", "modulus") {
      try barostat("mtk", ", thermostat: {rescale: {temperature: 20}}")
      try barostat("mtk", "")
    },
    KeyEffect(
      in: "stages.dynamics.barostat.rescale.stress", "xx", "yy", "zz", "yz", "xz", "xy"
    ) { try stresses("rescale") },
    KeyEffect(in: "stages.dynamics.barostat.mtk.stress", "xx", "yy", "zz", "yz", "xz", "xy") { try stresses("mtk") },
    KeyEffect(
      "stages.dynamics.load.xx", "stages.dynamics.load.yy", "stages.dynamics.load.zz", "stages.dynamics.load.yz",
      "stages.dynamics.load.xz", "stages.dynamics.load.xy", "stages.dynamics.load.xx.rate", "stages.dynamics.load.yy.rate",
      "stages.dynamics.load.zz.rate", "stages.dynamics.load.yz.rate", "stages.dynamics.load.xz.rate",
      "stages.dynamics.load.xy.rate", "stages.dynamics.load.xx.measure", "stages.dynamics.load.yy.measure",
      "stages.dynamics.load.zz.measure", "stages.dynamics.load.yz.measure", "stages.dynamics.load.xz.measure",
      "stages.dynamics.load.xy.measure", "stages.dynamics.load.xx.shear", "stages.dynamics.load.yy.shear",
      "stages.dynamics.load.zz.shear", "stages.dynamics.load.yz.shear", "stages.dynamics.load.xz.shear",
      "stages.dynamics.load.xy.shear", "stages.dynamics.load.every"
    ) {
      // After 0.1 ps: points move along the first axis in proportion to the second.
      func check(_ name: String, _ keys: String, _ expected: Matrix3) throws {
        let run = try DeckRun(
          copper("{dynamics: {steps: 50, timestep: 2 fs, load: {\(name): \(keys), every: 25}}}", every: 50), ranks: 2)
        let frames = try run.frames("t.extxyz")
        let f = frames[0].structure.box.cell.inverse * frames[1].structure.box.cell
        #expect((f - expected).norm < 1e-11, "\(name): \(keys): \(f)")
        let rows = rows(try run.read("run/loading.csv"))
        #expect(rows.map { $0["step"] } == [0, 25, 50])
        #expect(
          try run.read("run/loading.csv").hasPrefix(
            "step,stage,time [ps],strain_xx,strain_yy,strain_zz,strain_yz,strain_xz,strain_xy,true_strain_xx,true_strain_yy,true_strain_zz,"
              + "stress_xx [GPa],stress_yy [GPa],stress_zz [GPa],stress_yz [GPa],stress_xz [GPa],stress_xy [GPa],volume [Å³],work [eV]\n"))
        let e = expected - .identity
        let strains = [e.x.x, e.y.y, e.z.z, e.y.z + e.z.y, e.x.z + e.z.x, e.x.y + e.y.x]
        for (k, component) in components.enumerated() {
          #expect(abs(try #require(rows[2]["strain_\(component)"]) - strains[k]) < 1e-11)
        }
      }
      for (k, name) in components.enumerated() {
        let (i, j) = k < 3 ? (k, k) : [(1, 2), (0, 2), (0, 1)][k - 3]
        var one = Matrix3.zero
        one[j][i] = 1
        var both = Matrix3.zero
        both[i][j] = 0.5
        both[j][i] = 0.5
        try check(name, "{rate: 0.2}", .identity + 0.02 * one)
        if k < 3 {
          var stretch = Matrix3.identity
          stretch[k][k] = exp(-0.03)
          try check(name, "{rate: -3e11 /s, measure: logarithmic}", stretch)
        } else {
          try check(name, "{rate: 0.2, shear: pure}", .identity + 0.02 * both)
          try check(name, "{rate: 0.2, shear: pure, measure: logarithmic}", (0.02 * both).exponential)
        }
      }
      let fixed = try DeckRun(copper("{dynamics: {steps: 2, load: {xx: fixed, yy: {rate: 0.1}}}}"))
      let cells = try fixed.frames("t.extxyz").map(\.structure.box.cell)
      #expect(abs(cells[0].x.x - cells[2].x.x) < 1e-14 && abs(cells[0].y.y - cells[2].y.y) > 1e-4)
    },
    KeyEffect(
      "stages.dynamics.load.xx.stress", "stages.dynamics.load.yy.stress", "stages.dynamics.load.zz.stress",
      "stages.dynamics.load.yz.stress", "stages.dynamics.load.xz.stress", "stages.dynamics.load.xy.stress",
      "stages.dynamics.load.barostat", "stages.dynamics.load.damping"
    ) {
      for (k, name) in components.enumerated() {
        for (barostat, thermostat) in [("mtk", ""), ("rescale", ", thermostat: {langevin: {temperature: 1, damping: 0.05}}")] {
          let keys = "barostat: \(barostat), damping: 0.2"
          let run = try DeckRun(
            copper(
              "{minimize: {cell: full, force_tolerance: 1e-6}}, "
                + "{dynamics: {steps: 1000, timestep: 2 fs\(thermostat), load: {\(name): {stress: [0, 2 GPa]}, \(keys)}}}",
              every: 20))
          let rows = rows(try run.read("run/loading.csv"))
          #expect(run.log.contains(barostat == "mtk" ? "Martyna" : "rescaling") && run.log.contains("τ 0.2 ps"))
          let late = rows.suffix(8).compactMap { $0["stress_\(name)"] }
          #expect(abs(late.reduce(0, +) / 8 - 1.86) < 0.5, "\(name) \(barostat): \(late)")
          // Others keep their strain: F = e^ε with this component alone, of a shear γ = 2 sinh s and cosh s − 1 along its axes.
          let last = try #require(rows.last)
          let gamma = last["strain_\(name)"] ?? .nan
          for (other, component) in components.enumerated() where other != k {
            let isAxis = k >= 3 && other < 3 && other != k - 3
            let expected = isAxis ? (1 + gamma * gamma / 4).squareRoot() - 1 : 0
            #expect(abs((last["strain_\(component)"] ?? .nan) - expected) < 1e-9)
          }
        }
      }
      // Without a word it is the barostat that goes with the thermostat.
      for (thermostat, word) in [("", "Martyna"), (", thermostat: {langevin: {temperature: 1}}", "rescaling")] {
        let run = try DeckRun(copper("{dynamics: {steps: 2\(thermostat), load: {yy: free}}}"))
        #expect(run.log.contains(word) && run.log.contains("τ 1.0 ps"))
      }
    },
    KeyEffect(
      "stages.minimize.increments.component", "stages.minimize.increments.strain", "stages.minimize.increments.count",
      "stages.minimize.increments.shear", "stages.minimize.increments.volume",
      "stages.minimize.increments.stop_when.strain", "stages.minimize.increments.stop_when.stress",
      "stages.minimize.increments.stop_when.stress_drop", "stages.minimize.increments.stop_when.after_strain"
    ) {
      func pull(_ keys: String, cell: String = "fixed") throws -> (rows: [[String: Double]], frames: [Frame], log: String) {
        let run = try DeckRun(
          copper(
            (cell == "fixed" ? "" : "{minimize: {cell: full, force_tolerance: 1e-6}}, ")
              + "{minimize: {cell: \(cell), force_tolerance: 1e-6, increments: {\(keys)}}}", isSkew: cell == "fixed"), ranks: 2)
        return (rows(try run.read("run/loading.csv")), try run.frames("t.extxyz"), run.log)
      }
      for (k, name) in components.enumerated() {
        let (i, j) = k < 3 ? (k, k) : [(1, 2), (0, 2), (0, 1)][k - 3]
        var one = Matrix3.zero
        one[j][i] = 0.006
        let plain = try pull("component: \(name), strain: 0.002, count: 3")
        #expect(plain.rows.count == 4, "one for each strain, 0 too")
        let (first, last) = (plain.frames[0].structure.box.cell, plain.frames.last!.structure.box.cell)
        #expect((first.inverse * last - .identity - one).norm < 1e-11)
        for (n, row) in plain.rows.enumerated() {
          let frame = try #require(plain.frames.first { Double($0.step) == row["step"] })
          // Relaxed at each, and the stress is that of the frame.
          let found = ThermoTests.copper.evaluate(frame.structure)
          #expect(found.forces.allSatisfy { max(abs($0.x), abs($0.y), abs($0.z)) < 1.1e-6 })
          #expect(abs(try #require(row["strain_\(name)"]) - 0.002 * Double(n)) < 1e-11)
          #expect(abs(try #require(row["stress_\(name)"]) - stress(frame)[k] / 10_000) < 1e-6)
        }
        guard k >= 3 else { continue }
        let pure = try pull("component: \(name), strain: 0.002, count: 3, shear: pure")
        let f = pure.frames[0].structure.box.cell.inverse * pure.frames.last!.structure.box.cell - .identity
        #expect((f - 0.5 * (one + one.transpose)).norm < 1e-11)
      }
      // What else is relaxed is without stress at each increment; the work is the change of energy then.
      let tension = try pull("component: zz, strain: 0.005, count: 8", cell: "in_plane")
      for row in tension.rows { #expect(abs(try #require(row["stress_xx"])) < 3e-4) }
      let energies = try tension.rows.map { row in
        ThermoTests.copper.evaluate(try #require(tension.frames.first { Double($0.step) == row["step"] }).structure).energy
      }
      let work = try #require(tension.rows.last?["work"])
      #expect(abs(work - (energies.last! - energies[0])) < 0.01 * abs(work) && work > 0)
      let stresses = try tension.rows.map { try #require($0["stress_zz"]) }
      let limit = 0.5 * (stresses[4] + stresses[5])
      #expect(try pull("component: zz, strain: 0.005, count: 8, stop_when: {stress: \(limit) GPa}", cell: "in_plane").rows.count == 6)
      #expect(try pull("component: zz, strain: 0.005, count: 8, stop_when: {strain: 0.014}").rows.count == 4)
      // Tension of a compressed crystal: its stress falls from the start.
      for (after, count) in [("0.0", 2), ("0.0035", 5)] {
        let rows = try pull("component: yy, strain: 0.001, count: 8, stop_when: {stress_drop: 0.01, after_strain: \(after)}").rows
        #expect(rows.count == count, "\(rows.map { $0["stress_yy"] ?? 0 })")
      }
      let slab = try DeckRun(
        """
        structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [3, 3, 3], vacuum: [0, 0, 20]}}
        potential: [{eam: {parameters: zhou2004}}]
        stages: [{minimize: {increments: {component: xx, strain: 0.01, count: 1, volume: matter}}}]
        """)
      let row = try #require(rows(try slab.read("run/loading.csv")).last)
      let volume = try #require(row["volume"])
      let cell: Double = (3 * 3.615 + 20) * 9 * 3.615 * 3.615
      #expect(volume < 0.4 * cell)
    },
    KeyEffect("stages.dynamics.load.volume") {
      // A slab: the stress of the matter is that of the cell times the ratio of their heights.
      func stress(_ volume: String) throws -> (stress: Double, volume: Double) {
        let run = try DeckRun(
          """
          structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [3, 3, 3], vacuum: [0, 0, 20]}}
          potential: [{eam: {parameters: zhou2004}}]
          stages: [{dynamics: {steps: 10, load: {xx: {rate: 0.5}, volume: \(volume)}}}]
          output: {thermo: {every: 10}}
          """)
        let table = rows(try run.read("run/loading.csv"))
        let row = table.last ?? [:]
        let (stress, volume) = (row["stress_xx"], row["volume"])
        return (stress ?? .nan, volume ?? .nan)
      }
      let (cell, matter) = (try stress("cell"), try stress("matter"))
      // Nothing answers a barostat along empty space, whichever key has it.
      for keys in [
        "load: {xx: {rate: 0.5}, zz: free, volume: cell}",
        "thermostat: {langevin: {temperature: 10}}, barostat: {rescale: {}}", "barostat: {mtk: {cell: normal}}",
      ] {
        let error = #expect(throws: FaultlineError.self) {
          _ = try DeckRun(
            """
            structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [3, 3, 3], vacuum: [0, 0, 20]}}
            potential: [{eam: {parameters: zhou2004}}]
            stages: [{dynamics: {steps: 10, \(keys)}}]
            """)
        }
        #expect(error?.message.contains("empty space") == true, "\(keys): \(String(describing: error))")
      }
      // Six planes, 5 × 3.615/2 Å from the first to the last, of a cell 30.845 Å high.
      let ratio = (5 * 3.615 / 2) / (3 * 3.615 + 20)
      #expect(abs(matter.volume / cell.volume - ratio) < 0.01 && isClose(matter.stress * matter.volume, cell.stress * cell.volume, 1e-9))
    },
    KeyEffect(in: "stages.dynamics.load.stop_when", "strain", "stress", "stress_drop", "after_strain") {
      func end(_ condition: String) throws -> (rows: [[String: Double]], log: String) {
        let run = try DeckRun(
          copper(
            "{dynamics: {steps: 400, timestep: 2 fs, load: {zz: {rate: 0.5}, every: 10, stop_when: {\(condition)}}}}", every: 10))
        return (rows(try run.read("run/loading.csv")), run.log)
      }
      let whole = try end("strain: 9")
      let strain = try end("strain: 0.05")
      #expect(strain.rows.last?["step"] == 50 && strain.log.contains("the strain zz has reached 0.05"))
      let stress = whole.rows.compactMap { $0["stress_zz"] }
      let first = try #require(stress.firstIndex { abs($0) >= 4 })
      #expect(try end("stress: 4 GPa").rows.count == first + 1)
      func fall(_ after: Double) -> Int? {
        var peak = 0.0
        return stress.indices.first { k in
          defer { peak = max(peak, abs(stress[k])) }
          return k > 0 && abs(stress[k]) <= 0.98 * peak && 0.01 * Double(k) > after
        }
      }
      for (text, after) in [("", 0.01), (", after_strain: 0.3", 0.3)] {
        let expected = try #require(fall(after))
        #expect(try end("stress_drop: 0.02\(text)").rows.count == expected + 1)
      }
    },
  ]

  /// A crystal that is sheared beyond a half while it drifts: the cell gets vectors that lean less, and the atoms' ways stay
  /// whole, also of those that have crossed its faces. Perfect, its atoms feel no force.
  @Test(arguments: [1, 3]) func leaning(ranks: Int) throws {
    let (a, n) = (3.615, 3)
    var positions: [Vector3] = []
    for k in 0..<(n * n * n) {
      let corner = Vector3(Double(k % n), Double(k / n % n), Double(k / n / n))
      for site in [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)] {
        positions.append(a * (corner + site + Vector3(repeating: 0.1)))
      }
    }
    let drift = Vector3(0, 35, 28)
    let length = a * Double(n)
    var start = Structure(
      box: Box(lengths: Vector3(length, length, length)), species: ["Cu"], types: positions.map { _ in 0 },
      positions: positions)
    start.velocities = positions.map { _ in drift }
    let run = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: \(ThermoTests.copperDeck)
      stages: [{dynamics: {steps: 60, timestep: 2 fs, remove_drift: false, load: {xy: {rate: 12}, xz: {rate: -7}}}}]
      output: {trajectories: [{file: t.extxyz, every: 20, unwrapped: true}]}
      """, files: ["start.extxyz": Sample.text(start)], ranks: ranks)
    let frames = try run.frames("t.extxyz")
    func gradient(_ step: Int) -> Matrix3 {
      let t = 0.002 * Double(step)
      return Matrix3(Vector3(1, 0, 0), Vector3(12 * t, 1, 0), Vector3(-7 * t, 0, 1))
    }
    var expected = positions
    for step in 0...60 {
      if step > 0 {
        let increment = gradient(step - 1).inverse * gradient(step)
        expected = expected.map { ($0 + 0.002 * drift) * increment }
      }
      guard let frame = frames.first(where: { $0.step == step }) else { continue }
      #expect(distance(frame.positions, expected) < 1e-6, "step \(step)")
      // Of the same lattice, and never far from upright.
      let cell = frame.structure.box.cell
      let change = start.box.cell * gradient(step) * cell.inverse
      for x in change.elements { #expect(abs(x - x.rounded()) < 1e-9) }
      for (long, short) in [(cell.y, cell.x), (cell.z, cell.x), (cell.z, cell.y)] {
        #expect(abs(dot(long, short)) / short.squaredLength < 0.6)
      }
    }
    #expect(frames.count == 4 && abs(frames.last!.structure.box.cell.y.x) < 0.6 * length, "1.44 before it was replaced")
  }
}

import Foundation
import MDAnalysis
import MDCore
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Keys of template matching, polyhedra and rotation.
extension MeasureKeyTests {
  static let ofStructure: [KeyEffect] = [
    KeyEffect(in: "analysis.measure.templates", "structures", "rmsd", "reach", "atoms", "distance") {
      let deck = { (measure: String) in
        try DeckRun(
          """
          structure: {lattice: {type: fcc, constant: 5.3, species: [Ar], size: [3, 3, 3]}}
          potential: [{lennard_jones: {cutoff: 7.5, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
          velocities: {temperature: 20 K}
          stages: [{dynamics: {steps: 60, timestep: 4 fs}}]
          analysis: {measure: [\(measure)]}
          output: {trajectories: [{file: t.extxyz, every: 60}]}
          """, ranks: 2)
      }
      let run = try deck(
        """
        {templates: {every: 60, atoms: true}}, {templates: {name: strict, every: 60, rmsd: 0.01}},
        {templates: {name: others, every: 60, structures: [bcc, hcp]}}, {templates: {name: near, every: 60, reach: 3.3}},
        {templates: {name: strained, every: 60, atoms: true, distance: 3.5}}
        """)
      // Cold at first, then every atom has moved a little.
      #expect(try table(run, "templates")["fcc"] == [108, 108] && table(run, "strict")["fcc"] == [108, 0])
      #expect(try table(run, "others")["other"] == [108, 108] && table(run, "near")["other"] == [108, 108])
      #expect(try table(run, "others")["fcc"] == nil)
      #expect(!run.exists("run/strict-atoms.csv"))
      let (atoms, strained) = (try table(run, "templates-atoms"), try table(run, "strained-atoms"))
      #expect(atoms["id"] == (1...108).map { Double($0) } && atoms["structure"]?.allSatisfy { $0 == 1 } ?? false)
      let last = try #require(try run.frames("t.extxyz").last)
      for i in 0..<108 {
        for (k, axis) in ["x", "y", "z"].enumerated() {
          let d = ((atoms[axis]?[i] ?? .nan) - last.positions[i][k]) / 15.9
          #expect(abs(d - d.rounded()) < 1e-9)
        }
        func trace(_ t: [String: [Double]]) -> Double {
          var sum = 0.0
          for k in ["xx", "yy", "zz"] { sum += t["strain_" + k]?[i] ?? .nan }
          return sum
        }
        // Of volume, d ln V to first order: three times that of the distance.
        let expected = 1.5 * (1 - pow(3.5 / (atoms["distance"]?[i] ?? .nan), 2))
        #expect(abs(trace(atoms)) < 0.02 && abs(trace(strained) - expected) < 0.03)
      }
      for wrong in ["structures: [fcc, fcc]", "structures: [quartz]", "distance: 3.5", "rmsd: 0", "grains: true"] {
        #expect(throws: (any Error).self) { try deck("{templates: {\(wrong)}}") }
      }
    },
    KeyEffect("analysis.measure.templates.grains", "analysis.measure.cna.grains") {
      let run = try DeckRun(
        AnalysisKeyTests.boundary.replacingOccurrences(of: "thickness: 8", with: "thickness: 20") + """
          stages: [{dynamics: {steps: 4, timestep: 1 fs}}]
          analysis: {measure: [{cna: {every: 4, reach: 6, grains: true}}, {templates: {every: 4, reach: 6, grains: true}}]}
          output: {trajectories: [{file: t.extxyz, every: 4}]}
          """, ranks: 2)
      for name in ["cna", "templates"] {
        let (all, grains) = (try table(run, name), try table(run, name + "-grains"))
        #expect(grains["grain"] == [0, 1, 0, 1] && grains["step"] == [0, 0, 4, 4])
        for kind in ["other", "fcc"] {
          let counts = grains[kind] ?? []
          let sums = [counts[0] + counts[1], counts[2] + counts[3]]
          #expect(sums == all[kind], "\(name) \(kind)")
        }
        var sizes = [0.0, 0.0]
        for kind in ["other", "fcc", "hcp", "bcc", "icosahedral"] { for g in 0..<2 { sizes[g] += grains[kind]?[g] ?? 0 } }
        let count = Double(try run.frames("t.extxyz")[0].structure.count)
        // Two grains of one size, less what was removed where they overlap.
        #expect(sizes[0] + sizes[1] == count && abs(sizes[0] - sizes[1]) < 0.2 * sizes[0])
      }
      // A file may number its grains as it likes.
      let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
      var lines = Sample.text(start).split(separator: "\n").map(String.init)
      lines[1] += ":grain:I:1"
      for i in 0..<start.count { lines[2 + i] += i % 4 == 0 ? " 3" : " 900000000" }
      let sparse = try DeckRun(
        """
        structure: {file: {path: start.extxyz}}
        potential: \(ThermoTests.rareGasDeck)
        stages: [{dynamics: {steps: 1}}]
        analysis: {measure: [{cna: {every: 1, reach: 6, grains: true}}]}
        """, files: ["start.extxyz": lines.joined(separator: "\n") + "\n"], ranks: 2)
      let counted = try table(sparse, "cna-grains")
      #expect(counted["grain"] == [3, 9e8, 3, 9e8])
      let totals = (0..<2).map { g in ["other", "fcc", "hcp", "bcc", "icosahedral"].reduce(0.0) { $0 + (counted[$1]?[g] ?? .nan) } }
      #expect(totals == [Double((start.count + 3) / 4), Double(start.count - (start.count + 3) / 4)])
    },
    KeyEffect(in: "analysis.measure.polyhedra", "center", "corner", "cutoff") {
      let run = try Self.run(
        "{polyhedra: {center: Kr, corner: Ar, cutoff: 3.9, every: 8}}, {polyhedra: {name: wide, center: Ar, corner: Kr, cutoff: 5.4, every: 8}}",
        ranks: 3)
      for (name, center, cutoff) in [("polyhedra", "Kr", 3.9), ("wide", "Ar", 5.4)] {
        var counts: [Double] = []
        for frame in try run.frames("t.extxyz") where frame.step % 8 == 0 {
          for i in 0..<8 where frame.names[i] == center {
            counts.append(Double(neighbors(frame.structure, i, reach: cutoff).filter { frame.names[$0.j] != center }.count))
          }
        }
        #expect(isClose(try value(run, name, "corners"), counts.reduce(0, +) / Double(counts.count), 1e-12))
        let found = try table(run, name)["polyhedra_with_corners"] ?? []
        for (n, x) in found.enumerated() { #expect(x == Double(counts.filter { $0 == Double(n) }.count)) }
      }
      for wrong in ["center: Kr, corner: Kr, cutoff: 4", "center: Xe, corner: Kr, cutoff: 4"] {
        #expect(throws: (any Error).self) { try Self.run("{polyhedra: {\(wrong)}}") }
      }
    },
    KeyEffect(in: "analysis.measure.rotation", "center", "corner", "cutoff", "breaks", "points", "levels") {
      let run = try Self.run(
        """
        {rotation: {center: Ar, corner: Kr, cutoff: 4.2, breaks: 5, every: 1, points: 6, levels: 2}},
        {rotation: {name: other, center: Kr, corner: Ar, cutoff: 3.6, breaks: 3.65, every: 1, points: 40, levels: 1}}
        """, steps: 40, ranks: 3)
      let frames = try run.frames("t.extxyz")
      #expect(try table(run, "rotation")["samples"] == [1, 2, 3, 4, 5, 6, 9, 12, 15])
      for (name, corner, cutoff, breaks) in [("rotation", "Kr", 4.2, 5.0), ("other", "Ar", 3.6, 3.65)] {
        var cosines = [Int: [Double]]()
        var lost = 0.0
        for i in 0..<8 where frames[0].names[i] == corner {
          // The bond's partner and direction at each frame.
          var partner: Int?
          var directions: [Vector3?] = []
          for frame in frames {
            let near = neighbors(frame.structure, i, reach: partner == nil ? cutoff : breaks)
              .filter { frame.names[$0.j] != corner && (partner == nil || partner == $0.j) }.min { $0.d.length < $1.d.length }
            if partner != nil, near == nil { lost += 1 }
            partner = near?.j
            directions.append(near.map { (-1 / $0.d.length) * $0.d })
          }
          for lag in [1, 4] {
            for t in lag..<frames.count {
              let hasLasted = directions[(t - lag)...t].allSatisfy { $0 != nil }
              if hasLasted, let a = directions[t], let b = directions[t - lag] { cosines[lag, default: []].append(dot(a, b)) }
            }
          }
        }
        let found = try table(run, name)
        for lag in [1, 4] {
          let c = cosines[lag] ?? []
          #expect(found["windows"]?[lag - 1] == Double(c.count), "\(name)")
          #expect(isClose(found["C1"]?[lag - 1] ?? .nan, c.reduce(0, +) / Double(c.count), 1e-9))
          let second = c.map { 1.5 * $0 * $0 - 0.5 }
          #expect(isClose(found["C2"]?[lag - 1] ?? .nan, second.reduce(0, +) / Double(c.count), 1e-9))
        }
        #expect(try value(run, name, "lost") == lost && (lost > 0) == (name == "other"), "\(name) \(lost)")
      }
      for wrong in ["breaks: 4", "points: 7"] {
        #expect(throws: (any Error).self) { try Self.run("{rotation: {center: Ar, corner: Kr, cutoff: 4.2, \(wrong)}}") }
      }
    },
    KeyEffect(in: "analysis.measure.jumps", "radius", "basis", "repeat", "largest", "bins") {
      // Sites at the corners and middles of cells of 0.65 Å: atoms go from one to the next.
      let keys = "basis: [[0, 0, 0], [0.5, 0.5, 0.5]], repeat: [8, 8, 16], every: 1"
      let run = try Self.run(
        "{jumps: {radius: 0.22, largest: 6, bins: 12, \(keys)}}, {jumps: {name: small, radius: 0.12, \(keys)}}, {jumps: {name: own, radius: 0.4, every: 1}}",
        steps: 150, ranks: 3)
      let frames = try run.frames("t.extxyz")
      let masses = frames[0].names.map { Elements.standardMass($0) }
      func center(_ r: [Vector3]) -> Vector3 { zip(masses, r).reduce(Vector3.zero) { $0 + $1.0 * $1.1 } / masses.reduce(0, +) }
      var grid: [Vector3] = []
      for a in 0..<8 { for b in 0..<8 { for c in 0..<16 { for half in [0.0, 0.5] {
        grid.append(Vector3((Double(a) + half) / 8, (Double(b) + half) / 8, (Double(c) + half) / 16))
      } } } }
      let own = frames[0].positions.map { frames[0].structure.box.fractional($0) }
      for (name, sites, radius) in [("jumps", grid, 0.22), ("small", grid, 0.12), ("own", own, 0.4)] {
        var home = [Int?](repeating: nil, count: 8)
        var (jumps, time) = (0.0, 0.0)
        for frame in frames {
          let box = frame.structure.box
          for i in 0..<8 {
            if home[i] != nil { time += 0.004 }
            let r = frame.positions[i] - (center(frame.positions) - center(frames[0].positions))
            let distances = sites.map { s -> Double in
              var f = box.fractional(r) - s
              for k in 0..<3 { f[k] -= f[k].rounded() }
              return (f * box.cell).length
            }
            guard let near = distances.indices.min(by: { distances[$0] < distances[$1] }), distances[near] < radius else { continue }
            if let before = home[i], before != near { jumps += 1 }
            home[i] = near
          }
        }
        #expect(try value(run, name, "jumps") == jumps, "\(name)")
        #expect(jumps > 0 || name == "own", "\(name)")
        if time > 0 { #expect(isClose(try value(run, name, "rate"), jumps / time, 1e-9), "\(name)") }
      }
      let lengths = try table(run, "jumps")["length"] ?? []
      #expect(lengths.count == 12 && lengths.last == 5.75)
      for wrong in ["radius: 2, \(keys)", "repeat: [1, 1, 1], radius: 1", "basis: [[0, 0]], radius: 1",
        "basis: [[0, 0, 0]], radius: 1, repeat: [1000, 1000, 1000]",
      ] {
        #expect(throws: (any Error).self) { try Self.run("{jumps: {\(wrong)}}") }
      }
    },
  ]
}

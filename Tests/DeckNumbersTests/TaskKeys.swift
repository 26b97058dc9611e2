import Foundation
import MDCore
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Tasks of a crystal against sums over the lattice of a pair potential: argon by Lennard and Jones, shifted at a cutoff
/// that no shell of neighbours crosses in what is done here.
@Suite("Deck → numbers: tasks") struct TaskKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let (epsilon, sigma, cutoff) = (0.0104, 3.4, 8.7)
  static let gigapascal = 160.2176634
  static let perArea = 16.02176634

  static func deck(_ tasks: String, lattice: String = "fcc", constant: String = "5.2") -> String {
    """
    structure: {lattice: {type: \(lattice), constant: \(constant), species: [Ar]}}
    potential: [{lennard_jones: {cutoff: 8.7, truncation: shifted, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
    tasks: [\(tasks)]
    """
  }

  // MARK: The model

  static func bare(_ r: Double) -> Double {
    let x = pow(sigma / r, 6)
    return 4 * epsilon * (x * x - x)
  }
  static func phi(_ r: Double) -> Double { r < cutoff ? bare(r) - bare(cutoff) : 0 }
  /// r φ′ and r² φ″.
  static func slopes(_ r: Double) -> (Double, Double) {
    guard r < cutoff else { return (0, 0) }
    let x = pow(sigma / r, 6)
    return (4 * epsilon * (-12 * x * x + 6 * x), 4 * epsilon * (156 * x * x - 42 * x))
  }

  /// Vectors from an atom to all others within reach, in units of a/2 for cubic lattices.
  static func vectors(_ lattice: String) -> [Vector3] {
    let n = -8...8
    var found: [Vector3] = []
    for i in n { for j in n { for k in n {
      let parity = [i, j, k].map { abs($0) % 2 }
      let isThere = switch lattice {
      case "fcc": (i + j + k) % 2 == 0
      case "bcc": parity == [0, 0, 0] || parity == [1, 1, 1]
      default: parity == [0, 0, 0]
      }
      if isThere, (i, j, k) != (0, 0, 0) { found.append(Vector3(Double(i), Double(j), Double(k))) }
    } } }
    return found
  }
  static let fcc = vectors("fcc")

  static func energy(_ lattice: [Vector3], _ a: Double) -> Double {
    0.5 * lattice.reduce(0) { $0 + phi((a / 2 * $1).length) }
  }
  static func virial(_ lattice: [Vector3], _ a: Double) -> Double {
    lattice.reduce(0) { $0 + slopes((a / 2 * $1).length).0 }
  }
  /// Where the pressure vanishes, between these constants.
  static func equilibrium(_ lattice: [Vector3], _ low: Double, _ high: Double) -> Double {
    var (low, high) = (low, high)
    for _ in 0..<80 {
      let a = 0.5 * (low + high)
      if virial(lattice, a) < 0 { low = a } else { high = a }
    }
    return 0.5 * (low + high)
  }
  static let a0 = equilibrium(fcc, 5.1, 5.35)

  /// (1/2Ω) Σ (r²φ″ − rφ′) x_i x_j x_k x_l / r⁴, GPa, without stress.
  static func elastic(_ i: Int, _ j: Int, _ k: Int, _ l: Int) -> Double {
    let sum = fcc.reduce(0.0) { sum, v in
      let r = a0 / 2 * v
      let (first, second) = slopes(r.length)
      return sum + (second - first) * r[i] * r[j] * r[k] * r[l] / pow(r.length, 4)
    }
    return sum / (2 * a0 * a0 * a0 / 4) * gigapascal
  }

  /// Energy of all bonds across a plane (h k l) for a displacement of the upper half, J/m² (all to be added: negative).
  static func across(_ plane: Vector3, _ displacement: Vector3) -> (energy: Double, traction: Double) {
    let n = (1 / plane.length) * plane
    // Layers: the heights of lattice vectors are multiples of the spacing.
    let spacing = fcc.map { dot($0, n) * a0 / 2 }.filter { $0 > 1e-9 }.min()!
    let area = a0 * a0 * a0 / 4 / spacing
    var (energy, force) = (0.0, 0.0)
    for v in fcc {
      let r = a0 / 2 * v
      let layers = (dot(r, n) / spacing).rounded()
      guard layers > 0 else { continue }
      let d = r + displacement
      energy += layers * phi(d.length)
      // −dE/dδ along the normal.
      force -= layers * slopes(d.length).0 / (d.length * d.length) * dot(d, n)
    }
    return (energy / area * perArea, -force / area * gigapascal)
  }

  // MARK: Reading results

  static func task(_ run: DeckRun, _ name: String) throws -> [String: Any] {
    try #require((run.summary()["tasks"] as? [String: Any])?[name] as? [String: Any])
  }
  static func number(_ section: [String: Any], _ name: String) throws -> Double {
    try #require(section[name] as? Double, "\(name)")
  }
  static func table(_ run: DeckRun, _ name: String) throws -> [[String: Double]] {
    CSVTable.rows(try run.read("run/\(name).csv"))
  }
  static func close(_ a: Double, _ b: Double, _ tolerance: Double, _ what: String = "") {
    #expect(abs(a - b) <= tolerance * max(abs(b), 1e-3), "\(what) \(a), expected \(b)")
  }

  static let planes = [("[1, 0, 0]", Vector3(1, 0, 0)), ("[1, 1, 0]", Vector3(1, 1, 0)), ("[1, 1, 1]", Vector3(1, 1, 1))]

  static let effects = [
    KeyEffect(in: "tasks.equation_of_state", "name", "range", "points") {
      let run = try DeckRun(TaskKeyTests.deck("{equation_of_state: {range: 0.02, points: 9, name: curve}}"))
      let curve = try table(run, "curve")
      #expect(curve.count == 9)
      for row in curve {
        let a = cbrt(4 * row["volume"]!)
        close(row["energy"]!, energy(fcc, a), 1e-8, "energy")
        close(row["pressure"]!, -virial(fcc, a) / (6 * row["volume"]!) * gigapascal, 1e-6, "pressure")
      }
      close(curve[0]["volume_ratio"]!, 0.98, 1e-9)
      close(curve[8]["volume_ratio"]!, 1.02, 1e-9)
      let found = try task(run, "curve")
      let v = a0 * a0 * a0 / 4
      try close(number(found, "volume_A3_per_atom"), v, 1e-5)
      try close(number(found, "bulk_modulus_GPa"), (elastic(0, 0, 0, 0) + 2 * elastic(0, 0, 1, 1)) / 3, 2e-3)
      // B′ = −1 − V e‴/e″.
      let h = 0.01 * v
      func e(_ k: Double) -> Double { energy(fcc, cbrt(4 * (v + k * h))) }
      let second = (e(1) - 2 * e(0) + e(-1)) / (h * h)
      let third = (e(2) - 2 * e(1) + 2 * e(-1) - e(-2)) / (2 * h * h * h)
      try close(number(found, "bulk_modulus_derivative"), -1 - v * third / second, 0.03)
    },
    KeyEffect("tasks.elastic.name") {
      for ranks in [1, 2] {
        let run = try DeckRun(TaskKeyTests.deck("{elastic: {}}, {elastic: {name: again}}"), ranks: ranks)
        let crystal = try #require(try run.summary()["crystal"] as? [String: Any])
        try close(number(crystal, "a_A"), a0, 1e-8)
        try close(number(crystal, "energy_eV_per_atom"), energy(fcc, a0), 1e-10)
        let found = try task(run, "elastic")
        try close(number(found, "C11_GPa"), elastic(0, 0, 0, 0), 1e-6)
        try close(number(found, "C12_GPa"), elastic(0, 0, 1, 1), 1e-6)
        try close(number(found, "C44_GPa"), elastic(0, 1, 0, 1), 1e-6)
        #expect(found["independent"] as? Int == 3 && found["stable"] as? Bool == true)
        try close(number(try task(run, "again"), "C11_GPa"), elastic(0, 0, 0, 0), 1e-6)
        // Atoms of hcp are at no centre of symmetry: strain in the plane moves them, strain along the axis does not.
        let hexagonal = try task(
          DeckRun(TaskKeyTests.deck("{elastic: {}}", lattice: "hcp", constant: "equilibrium"), ranks: ranks), "elastic")
        let (relaxed, clamped) = (try number(hexagonal, "C11_GPa"), try number(hexagonal, "clamped_C11_GPa"))
        #expect(relaxed < 0.998 * clamped && relaxed > 0.8 * clamped, "\(relaxed), \(clamped)")
        try close(number(hexagonal, "C33_GPa"), number(hexagonal, "clamped_C33_GPa"), 1e-6)
        // Cubic: K = (C11 + 2 C12)/3 whoever averages; G between Reuss's and Voigt's.
        let (c11, c12, c44) = (elastic(0, 0, 0, 0), elastic(0, 0, 1, 1), elastic(0, 1, 0, 1))
        try close(number(found, "bulk_modulus_voigt_GPa"), (c11 + 2 * c12) / 3, 1e-6)
        try close(number(found, "bulk_modulus_reuss_GPa"), (c11 + 2 * c12) / 3, 1e-6)
        try close(number(found, "shear_modulus_voigt_GPa"), (c11 - c12 + 3 * c44) / 5, 1e-6)
        try close(number(found, "shear_modulus_reuss_GPa"), 5 * (c11 - c12) * c44 / (4 * c44 + 3 * (c11 - c12)), 1e-6)
        let eigen = try #require(found["eigenvalues_GPa"] as? [Double])
        for (a, b) in zip(eigen, [c11 - c12, c11 - c12, 2 * c44, 2 * c44, 2 * c44, c11 + 2 * c12].sorted()) { close(a, b, 1e-6) }
      }
    },
    KeyEffect(in: "tasks.phases", "name", "lattices") {
      let run = try DeckRun(TaskKeyTests.deck("{phases: {lattices: [fcc, bcc], name: others}}"))
      let found = try task(run, "others")
      #expect(Set(found.keys) == ["fcc", "bcc"])
      for (name, low, high) in [("fcc", 5.1, 5.35), ("bcc", 4.0, 4.3)] {
        let sites = vectors(name)
        let a = equilibrium(sites, low, high)
        let phase = try #require(found[name] as? [String: Any])
        try close(#require((phase["constants_A"] as? [Double])?.first), a, 1e-6, name)
        try close(number(phase, "above_eV_per_atom"), energy(sites, a) - energy(fcc, a0), 1e-6, name)
      }
      // In a crystal that is not the lowest one the others are warned of.
      let wrong = try DeckRun(TaskKeyTests.deck("{phases: {lattices: [fcc]}}", lattice: "bcc", constant: "4.15"))
      #expect(wrong.log.contains("warning: lower in energy than the deck's crystal: fcc by "))
    },
    KeyEffect(in: "tasks.vacancy", "name", "size", "species", "chemical_potential", "force_tolerance") {
      let run = try DeckRun(
        TaskKeyTests.deck(
          """
          {vacancy: {size: [3, 3, 3]}}, {vacancy: {size: [4, 4, 4], name: larger, species: Ar, chemical_potential: -1 eV}},
          {vacancy: {size: [3, 3, 3], name: loose, force_tolerance: 0.9}}
          """))
      let e = energy(fcc, a0)
      let small = try task(run, "vacancy")
      // Bonds of one atom are gone, and the atom is elsewhere in the crystal.
      try close(number(small, "unrelaxed_formation_energy_eV"), -e, 1e-7)
      let relaxed = try number(small, "formation_energy_eV")
      #expect(relaxed < -e - 1e-5 && relaxed > -0.97 * e)
      #expect(small["atoms"] as? Int == 107)
      let larger = try task(run, "larger")
      #expect(larger["atoms"] as? Int == 255)
      try close(number(larger, "unrelaxed_formation_energy_eV"), -e - 1 - e, 1e-7)
      // Nothing was to relax.
      try close(number(try task(run, "loose"), "formation_energy_eV"), -e, 1e-7)
      #expect { try DeckRun(TaskKeyTests.deck("{vacancy: {species: Kr}}")) } throws: { "\($0)".contains("Kr is not in the crystal") }
    },
    KeyEffect(in: "tasks.surface", "name", "plane", "thickness", "vacuum", "cut", "force_tolerance") {
      let run = try DeckRun(
        TaskKeyTests.deck(
          planes.map { "{surface: {plane: \($0.0)}}" }.joined(separator: ", ")
            + ", {surface: {plane: [1, 1, 1], thickness: 60, vacuum: 20, name: thick, force_tolerance: 0.9, cut: 0}}"))
      var names = ["surface", "surface_2", "surface_3"]
      for (name, plane) in zip(names, planes) {
        let found = try task(run, name)
        let bonds = across(plane.1, .zero).energy
        try close(number(found, "unrelaxed_energy_J_per_m2"), -bonds / 2, 1e-7, name)
        let relaxed = try number(found, "energy_J_per_m2")
        #expect(relaxed < -bonds / 2 && relaxed > -0.9 * bonds / 2)
      }
      names.append("thick")
      let (thin, thick) = (try task(run, "surface_3"), try task(run, "thick"))
      let (far, near) = (try number(thick, "thickness_A"), try number(thin, "thickness_A"))
      #expect(far >= 60 && near < 40)
      try close(number(thick, "energy_J_per_m2"), number(thin, "unrelaxed_energy_J_per_m2"), 1e-7, "nothing relaxed")
      #expect { try DeckRun(TaskKeyTests.deck("{surface: {plane: [1, 1, 1], cut: 1}}")) } throws: { "\($0)".contains("1 gap of different width") }
      #expect { try DeckRun(TaskKeyTests.deck("{surface: {plane: [1, 1, 1], vacuum: 8}}")) } throws: { "\($0)".contains("cutoff") }
      #expect { try DeckRun(TaskKeyTests.deck("{surface: {plane: [0, 0, 0]}}")) } throws: { "\($0)".contains("(0 0 0) is none") }
    },
    KeyEffect(in: "tasks.surface", "repeat", "rattle") {
      let run = try DeckRun(
        TaskKeyTests.deck("{surface: {plane: [1, 0, 0]}}, {surface: {plane: [1, 0, 0], repeat: [2, 3], rattle: 0.05, force_tolerance: 1e-6}}"))
      let (one, six) = (try task(run, "surface"), try task(run, "surface_2"))
      try close(number(six, "area_A2"), 6 * number(one, "area_A2"), 1e-12)
      #expect(six["atoms"] as? Int == 6 * (one["atoms"] as? Int ?? 0))
      // The atoms find back: this surface does not reconstruct.
      try close(number(six, "energy_J_per_m2"), number(one, "energy_J_per_m2"), 1e-4)
      let shaken = try DeckRun(TaskKeyTests.deck("{surface: {plane: [1, 0, 0], rattle: 0.05, force_tolerance: 0.9}}"))
      let rough = try number(task(shaken, "surface"), "energy_J_per_m2")
      let smooth = try number(one, "unrelaxed_energy_J_per_m2")
      #expect(rough > 1.001 * smooth, "rattled")
    },
    KeyEffect(in: "tasks.gamma_line", "name", "plane", "displacement", "points", "thickness", "vacuum", "cut", "force_tolerance") {
      let run = try DeckRun(
        TaskKeyTests.deck(
          """
          {gamma_line: {plane: [1, 1, 1], displacement: [0.166666666667, 0.166666666667, -0.333333333333], points: 5}},
          {gamma_line: {plane: [1, 0, 0], displacement: [0, 0.5, 0.5], points: 3, thickness: 45, vacuum: 12, cut: 0,
            force_tolerance: 0.9, name: square}}
          """))
      let partial = try table(run, "gamma_line")
      #expect(partial.count == 5)
      let zero = across(Vector3(1, 1, 1), .zero).energy
      for row in partial {
        let d = row["t"]! * a0 / 6 * Vector3(1, 1, -2)
        close(row["displacement"]!, d.length, 1e-6)
        close(row["rigid"]!, across(Vector3(1, 1, 1), d).energy - zero, 1e-5, "rigid at \(row["t"]!)")
        #expect(row["relaxed"]! <= row["rigid"]! + 1e-9)
      }
      // On the slope the halves would slide back if atoms moved in the plane.
      for k in [1, 2, 3] { #expect(partial[k]["relaxed"]! > 0.6 * partial[k]["rigid"]!, "\(partial)") }
      // From a hollow to a hollow: the end is a stacking fault, the way there a hill.
      #expect(partial[4]["rigid"]! < 0.05 * partial[2]["rigid"]! && partial[2]["rigid"]! > 0.003)
      let square = try table(run, "square")
      for row in square {
        let d = row["t"]! * a0 / 2 * Vector3(0, 1, 1)
        close(row["rigid"]!, across(Vector3(1, 0, 0), d).energy - across(Vector3(1, 0, 0), .zero).energy, 1e-5)
        close(row["relaxed"]!, row["rigid"]!, 1e-9, "nothing relaxes")
      }
      #expect {
        try DeckRun(TaskKeyTests.deck("{gamma_line: {plane: [1, 1, 1], displacement: [0, 0, 1]}}"))
      } throws: { "\($0)".contains("does not lie in the plane") }
    },
    KeyEffect(
      in: "tasks.gamma_surface", "name", "plane", "points", "thickness", "vacuum", "cut", "force_tolerance"
    ) {
      let run = try DeckRun(
        TaskKeyTests.deck(
          "{gamma_surface: {plane: [1, 1, 1], points: [3, 2], thickness: 25, vacuum: 12, cut: 0, force_tolerance: 0.9, name: map}}"))
      let rows = try table(run, "map")
      #expect(rows.count == 6)
      let found = try task(run, "map")
      let (u, v) = (
        try #require(found["u_in_cell_vectors"] as? [Double]), try #require(found["v_in_cell_vectors"] as? [Double])
      )
      let zero = across(Vector3(1, 1, 1), .zero).energy
      for row in rows {
        let d = a0 * (row["u"]! * Vector3(u[0], u[1], u[2]) + row["v"]! * Vector3(v[0], v[1], v[2]))
        close(row["rigid"]!, across(Vector3(1, 1, 1), d).energy - zero, 1e-5)
        close(hypot(row["x"]!, row["y"]!), d.length, 1e-6)
      }
      #expect(zip(rows, [0, 0, 1, 1, 2, 2]).allSatisfy { abs($0["u"]! - $1 / 3) < 1e-11 })
    },
    KeyEffect(
      in: "tasks.separation", "name", "plane", "opening", "step", "relaxed", "thickness", "vacuum", "cut", "force_tolerance"
    ) {
      let run = try DeckRun(
        TaskKeyTests.deck(
          """
          {separation: {plane: [1, 1, 1], opening: [-0.2, 8], step: 0.2, thickness: 50, vacuum: 17, cut: 0}},
          {separation: {plane: [1, 0, 0], opening: [0, 5], vacuum: 14, relaxed: false, name: hard}},
          {surface: {plane: [1, 1, 1], thickness: 50}}
          """))
      let rows = try table(run, "separation")
      #expect(rows.count == 42 && abs(rows[0]["opening"]! + 0.2) < 1e-12)
      let (plane, zero) = (Vector3(1, 1, 1), across(Vector3(1, 1, 1), .zero).energy)
      for row in rows {
        let d = row["opening"]! / plane.length * plane
        let oracle = across(plane, d)
        close(row["rigid"]!, oracle.energy - zero, 1e-6, "energy at \(row["opening"]!)")
        #expect(abs(row["rigid_traction"]! - oracle.traction) < 1e-6, "traction at \(row["opening"]!)")
        #expect(row["relaxed"]! <= row["rigid"]! + 1e-6)
      }
      // Before it breaks the crystal between the grips is stretched, which costs less than two surfaces.
      let stretched = try #require(rows.first { abs($0["opening"]! - 1.2) < 1e-9 })
      #expect(stretched["relaxed"]! < 0.6 * rows.last!["relaxed"]!, "\(stretched)")
      // Apart, each surface relaxes by itself.
      let (found, surface) = (try task(run, "separation"), try task(run, "surface"))
      try close(number(found, "rigid_work_J_per_m2"), 2 * number(surface, "unrelaxed_energy_J_per_m2"), 1e-6)
      try close(number(found, "relaxed_work_J_per_m2"), 2 * number(surface, "energy_J_per_m2"), 2e-4)
      let top = rows.max { $0["rigid_traction"]! < $1["rigid_traction"]! }!
      try close(number(found, "rigid_peak_traction_GPa"), top["rigid_traction"]!, 1e-9)
      try close(number(found, "rigid_opening_at_peak_A"), top["opening"]!, 1e-9)
      // Pair potentials are not far from the universal curve.
      try close(number(found, "rigid_cohesive_peak_GPa"), top["rigid_traction"]!, 0.1)
      #expect(found["relaxed_peak_traction_GPa"] != nil)
      let hard = try task(run, "hard")
      #expect(hard["relaxed_peak_traction_GPa"] == nil)
      let rowsOfHard = try table(run, "hard").count
      #expect(rowsOfHard == 51)
      #expect { try DeckRun(TaskKeyTests.deck("{separation: {plane: [1, 0, 0], opening: [0, 8]}}")) } throws: { "\($0)".contains("vacuum") }
      #expect { try DeckRun(TaskKeyTests.deck("{separation: {plane: [1, 0, 0], opening: [1, 2]}}")) } throws: { "\($0)".contains("first ≤ 0") }
    },
    KeyEffect("tasks.gamma_line.cut", "tasks.surface.cut") {
      // Two kinds of planes in diamond: shuffle and glide, a√3/4 and a√3/12 apart. Rigid glide of one bond's length.
      let deck = """
        structure: {lattice: {type: diamond, constant: 5.43, species: [Si]}}
        potential: \(harmonic)
        tasks:
          - surface: {plane: [1, 1, 1]}
          - surface: {plane: [1, 1, 1], cut: 1}
          - gamma_line: {plane: [1, 1, 1], displacement: [0.5, -0.5, 0], points: 3, force_tolerance: 0.9}
          - gamma_line: {plane: [1, 1, 1], displacement: [0.5, -0.5, 0], points: 3, force_tolerance: 0.9, cut: 1}
        """
      let run = try DeckRun(deck)
      let (shuffle, glide) = (try task(run, "surface"), try task(run, "surface_2"))
      // One bond an atom of the plane is cut in the one, three in the other.
      try close(number(glide, "unrelaxed_energy_J_per_m2"), 3 * number(shuffle, "unrelaxed_energy_J_per_m2"), 1e-6)
      let one = 0.5 * well / (5.43 * 5.43 * 3.0.squareRoot() / 4) * perArea
      try close(number(shuffle, "unrelaxed_energy_J_per_m2"), one, 1e-3)
      let a = try number(try #require(try run.summary()["crystal"] as? [String: Any]), "a_A")
      try close(number(try task(run, "gamma_line"), "gap_A"), a * 3.0.squareRoot() / 4, 1e-6)
      try close(number(try task(run, "gamma_line_2"), "gap_A"), a * 3.0.squareRoot() / 12, 1e-6)
    },
  ]

  /// A bond of some depth between nearest neighbours of silicon alone.
  static let well = 2.0
  static let harmonic =
    "[{morse: {cutoff: 3.2, truncation: cut, pairs: [{species: [Si, Si], depth: 2, alpha: 4, distance: 2.3513}]}}]"

  @Test("structures that are no cell of a crystal, and keys that tasks do not look at, are refused") func refused() throws {
    for (line, words) in [
      ("structure: {lattice: {type: fcc, constant: 5.2, species: [Ar], size: [2, 2, 2]}}", "`size` is not for tasks"),
      ("structure: {lattice: {type: fcc, constant: 5.2, species: [Ar]}, replicate: [2, 1, 1]}", "`replicate` is not for tasks"),
    ] {
      let text = TaskKeyTests.deck("{elastic: {}}").replacingOccurrences(
        of: "structure: {lattice: {type: fcc, constant: 5.2, species: [Ar]}}", with: line)
      #expect { try DeckRun(text) } throws: { "\($0)".contains(words) }
    }
    #expect { try DeckRun(TaskKeyTests.deck("{elastic: {}}") + "\nstages: [{minimize: {}}]") } throws: { "\($0)".contains("exclude each other") }
    #expect { try DeckRun(TaskKeyTests.deck("{elastic: {}}") + "\nvelocities: {temperature: 3}") } throws: { "\($0)".contains("not for tasks") }
    #expect { try DeckRun(TaskKeyTests.deck("{elastic: {name: a}}, {phases: {name: a}}")) } throws: { "\($0)".contains("taken by another task") }
    #expect { try DeckRun(TaskKeyTests.deck("{elastic: {name: ../a}}")) } throws: { "\($0)".contains("cannot be the name") }
  }

  @Test("a cell of a file, skew and shifted, gives the same numbers") func file() throws {
    let run = try DeckRun()
    // The primitive cell of fcc at another constant.
    let h = 2.65
    try run.write(
      "p.extxyz", "1\nLattice=\"0 \(h) \(h) \(h) 0 \(h) \(h) \(h) 0\" Properties=species:S:1:pos:R:3\nAr 0.3 0.2 0.1\n")
    try run.run(
      TaskKeyTests.deck("{elastic: {}}").replacingOccurrences(
        of: "{lattice: {type: fcc, constant: 5.2, species: [Ar]}}", with: "{file: {path: p.extxyz}}"))
    let found = try Self.task(run, "elastic")
    try Self.close(Self.number(found, "C11_GPa"), Self.elastic(0, 0, 0, 0), 1e-6)
    try Self.close(Self.number(found, "C44_GPa"), Self.elastic(0, 1, 0, 1), 1e-6)
  }
}


import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Searches of a compound's boundary: NiAl (B2) by Zhou's embedded atoms.
extension SearchKeyTests {
  static func alloy(_ search: String, more: String = "") -> String {
    """
    structure: {grain_boundary: {kind: tilt, lattice: cscl, constant: equilibrium, species: [Ni, Al], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], repeat: [1, 2], thickness: 11}}
    potential: [{eam: {parameters: zhou2004}}]
    search: {\(search)}
    \(more)
    """
  }

  private static func counts(_ s: Structure, _ name: String) -> Int { s.types.count { s.species[Int($0)] == name } }

  /// Of a structure as it is, eV.
  private static func energy(_ s: Structure) throws -> Double {
    let run = try DeckRun(
      """
      structure: {file: {path: start.extxyz}}
      potential: [{eam: {parameters: zhou2004}}]
      stages: [{minimize: {max_steps: 1, cell: fixed, force_tolerance: 1}}]
      """, files: ["start.extxyz": Sample.text(s)])
    return try #require(CSVTable.rows(run.read("run/thermo.csv")).first?["potential_energy"])
  }

  static func alloys() throws {
    let joule = Units.energyPerAreaToJoulePerSquareMetre
    // Whole formula units, and single atoms of aluminium besides.
    let deck = alloy("over: {atoms: [0, 1], vacancies: {Al: 1}}, chemical_potentials: {Al: [-3.8, -3.2]}, stop: {trials: 14, unchanged: 100}, keep: 4")
    let run = try DeckRun(deck)
    let rows = try table(run)
    let whole = try #require(rows.map { Int($0["atoms"]!)! }.max())
    #expect(Set(rows.map { $0["vacancies_Al"]! }) == ["0", "1"] && Set(rows.map { $0["removed"]! }).count > 1)
    for row in rows {
      let (units, single) = (Int(row["removed"]!)!, Int(row["vacancies_Al"]!)!)
      #expect(Int(row["atoms"]!)! == whole - 4 * units - 2 * single, "two boundaries, two atoms a unit")
    }
    // γ by definition: μ(Ni) is what the crystal leaves of its energy.
    let log = run.log
    let perAtom = try #require(log.firstMatch(of: /perfect crystal (-[0-9.]+) eV\/atom/).flatMap { Double($0.1) })
    let frames = try run.frames("best.extxyz")
    #expect(Set(frames.map { counts($0.structure, "Ni") - counts($0.structure, "Al") }) == [0, 2], "the lowest of each composition")
    for frame in frames {
      let s = frame.structure
      let area = cross(s.box.cell.x, s.box.cell.y).length
      let (nickel, aluminium) = (Double(counts(s, "Ni")), Double(counts(s, "Al")))
      let mu = -3.5
      let gamma = (try energy(s) - aluminium * mu - nickel * (2 * perAtom - mu)) / (2 * area) * joule
      let told = frame.number("energy_J_per_m2")
      #expect(abs(gamma - told) < 2e-3 * abs(told) + 1e-4, "\(gamma) \(told)")
    }
    // Against the potential: lines of their slopes, and the lowest of them.
    let lines = try run.read("run/gamma_mu.csv").split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    let values = lines.dropFirst().map { $0.compactMap(Double.init) }
    #expect(values.first![0] == -3.8 && values.last![0] == -3.2 && values.last![1] == 0 && abs(values.first![1] + 0.6) < 1e-9)
    let cell = frames[0].structure.box.cell
    let slope = 0.6 / cross(cell.x, cell.y).length * joule
    // A header of a state has a comma-free name of its own: its column's number is that in the row.
    let header = try run.read("run/gamma_mu.csv").split(separator: "\n")[0]
    let names = header.matches(of: /"([^"]*)"/).map { String($0.1) }
    #expect(names.count == frames.count && names.contains { $0.contains("1 Al less") } && names.contains { !$0.contains("less") })
    for (k, name) in names.enumerated() {
      let change = values.last![5 + k] - values.first![5 + k]
      #expect(abs(change - (name.contains("1 Al less") ? slope : 0)) < 1e-6, "\(name): \(change)")
    }
    for row in values { #expect(abs(row[2] - row.dropFirst(5).min()!) < 1e-9) }
    let crossings = values.filter { $0[4] == 1 }
    for row in crossings {
      let sorted = row.dropFirst(5).sorted()
      #expect(abs(sorted[0] - sorted[1]) < 1e-6)
    }
    let lowest = values.map { Int($0[3]) }
    #expect(crossings.count == zip(lowest, lowest.dropFirst()).count { $0 != $1 })
    let found = try found(run)
    #expect((found["gamma_mu"] as? [[String: Any]])?.count == crossings.count)
    let potentials = try #require(found["chemical_potentials_eV"] as? [String: Any])
    let both = (potentials["Al"] as? [Double] ?? [], potentials["Ni"] as? [Double] ?? [])
    #expect(both.0 == [-3.8, -3.2] && abs(both.1[0] - (2 * perAtom + 3.8)) < 1e-5 && abs(both.1[1] - (2 * perAtom + 3.2)) < 1e-5)
    #expect(try run.read("run/gamma_mu.svg").contains("chemical potential of Al"))
    #expect(log.contains("from μ(Al) = -3.800 eV on"))
    let parallel = try DeckRun(deck, ranks: 3)
    for file in ["search.csv", "gamma_mu.csv", "atoms.csv", "best.extxyz"] { #expect(try parallel.read("run/\(file)") == run.read("run/\(file)"), "\(file)") }

    // A single potential is where energies are told, and there is no table.
    func best(_ mu: Double) throws -> (Double, DeckRun) {
      let run = try DeckRun(alloy("method: grid, over: {shift: [1, 1], vacancies: {Al: 1}}, chemical_potentials: {Al: \(mu)}"))
      let row = try #require(try table(run).first { $0["vacancies_Al"] == "1" })
      return (try #require(Double(row["energy"]!)), run)
    }
    let (low, high) = (try best(-3.8), try best(-3.2))
    #expect(abs(high.0 - low.0 - slope) < 1e-6)
    #expect(throws: (any Error).self) { try high.1.read("run/gamma_mu.csv") }

    // Exchanged atoms: the same numbers, other energies.
    let swapped = try DeckRun(alloy("method: grid, over: {shift: [1, 1], swap: 2}"))
    let pairs = try table(swapped)
    #expect(pairs.map { $0["swapped"]! } == ["0", "1", "2"] && Set(pairs.map { $0["atoms"]! }).count == 1)
    let starts = pairs.compactMap { Double($0["start_energy"]!) }
    #expect(starts.count == 3 && abs(starts[1] - starts[0]) > 0.01 && abs(starts[2] - starts[1]) > 0.01, "\(starts)")
  }
}

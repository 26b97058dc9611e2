import Foundation
import MDCore
import MDTestSupport
import Testing

private enum CrystalReferences {
  static let folder: String? = ProcessInfo.processInfo.environment["FAULTLINE_REFERENCE"].map { $0 + "/workflow/snap" }
    .flatMap { FileManager.default.fileExists(atPath: $0 + "/summary.json") ? $0 : nil }
}

/// The numbers of crystals against LAMMPS's, for every element of the folder of references: lattice constant, elastic constants,
/// phases, surfaces, vacancy, a fault and separations. `scripts/compare-crystals` does the same for all there are.
@Suite("Crystals: references", .enabled(if: CrystalReferences.folder != nil)) struct CrystalReferenceTests {
  static let elements = ["Cu", "Ni", "Mo", "Li", "Si", "Ge"]
  private static let potentials = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("potentials/snap").path

  /// Only what is read here.
  private struct Reference: Decodable {
    struct Surface: Decodable {
      var unrelaxed_J_m2: Double?
      var relaxed_J_m2: Double
      var slab_thickness_A: Double?
    }
    struct Vacancy: Decodable {
      var cells: Int
      var unrelaxed_eV: Double
      var relaxed_fixed_cell_eV: Double
    }
    struct Phase: Decodable {
      var a_A: Double
      var above_ground_eV: Double
    }
    struct Separation: Decodable {
      var plane: String
      var work_of_separation_unrelaxed_J_m2: Double
      var peak_traction_GPa: Double
    }
    var structure: String
    var a0_A: Double
    var energy_per_atom_eV: Double
    var elastic_GPa: [String: Double]
    var surfaces: [String: Surface]
    var vacancy: [Vacancy]
    var phases_energy_minimum_in_volume: [String: Phase]
    var rigid_traction_separation: [Separation]
  }

  @Test(arguments: elements) func element(_ element: String) throws {
    let folder = try #require(CrystalReferences.folder)
    let reference = try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(element).json")))
    let snap = "\(Self.potentials)/\(element)_Zuo_JPCA2020"
    func indices(_ plane: String) -> String { "[" + plane.map { String($0) }.joined(separator: ", ") + "]" }
    // The reference's Li (111) has doubled its period: see the script.
    let surfaces = reference.surfaces.filter { $0.key.count == 3 && !(element == "Li" && $0.key == "111") }.sorted { $0.key < $1.key }
    let vacancy = reference.vacancy[0]
    let tasks =
      ["{elastic: {}}", "{phases: {lattices: [sc, fcc, bcc, diamond]}}",
        "{vacancy: {size: [\(vacancy.cells), \(vacancy.cells), \(vacancy.cells)], force_tolerance: 1e-6}}"]
      + surfaces.map {
        "{surface: {name: surface_\($0.key), plane: \(indices($0.key)), thickness: \($0.value.slab_thickness_A! + 0.1), force_tolerance: 1e-5}}"
      }
      + reference.rigid_traction_separation.map {
        "{separation: {name: part_\($0.plane), plane: \(indices($0.plane)), opening: [0, 7], relaxed: false}}"
      }
    let run = try DeckRun(
      """
      structure: {lattice: {type: \(reference.structure), constant: \((reference.a0_A * 100).rounded() / 100), species: [\(element)]}}
      potential: [{snap: {coefficients: \(snap).snapcoeff, parameters: \(snap).snapparam}}]
      tasks: [\(tasks.joined(separator: ", "))]
      """)
    let close = TaskKeyTests.close
    let crystal = try #require(try run.summary()["crystal"] as? [String: Any])
    try close(TaskKeyTests.number(crystal, "a_A"), reference.a0_A, 1e-6, "a0")
    try close(TaskKeyTests.number(crystal, "energy_eV_per_atom"), reference.energy_per_atom_eV, 1e-9, "energy")
    let elastic = try TaskKeyTests.task(run, "elastic")
    for name in ["C11", "C12", "C44"] {
      try close(TaskKeyTests.number(elastic, name + "_GPa"), reference.elastic_GPa[name]!, 5e-4, name)
    }
    if let clamped = reference.elastic_GPa["C44_clamped"] {
      try close(TaskKeyTests.number(elastic, "clamped_C44_GPa"), clamped, 5e-4, "clamped C44")
    }
    try close(TaskKeyTests.number(elastic, "shear_modulus_GPa"), reference.elastic_GPa["shear_VRH"]!, 5e-4, "Hill's G")
    let phases = try TaskKeyTests.task(run, "phases")
    for (name, phase) in reference.phases_energy_minimum_in_volume {
      let found = try #require(phases[name] as? [String: Any])
      #expect(abs(try TaskKeyTests.number(found, "above_eV_per_atom") - phase.above_ground_eV) < 1e-6, "\(name)")
    }
    let hole = try TaskKeyTests.task(run, "vacancy")
    try close(TaskKeyTests.number(hole, "unrelaxed_formation_energy_eV"), vacancy.unrelaxed_eV, 1e-7, "vacancy, unrelaxed")
    try close(TaskKeyTests.number(hole, "formation_energy_eV"), vacancy.relaxed_fixed_cell_eV, 1e-3, "vacancy")
    for (plane, surface) in surfaces {
      let found = try TaskKeyTests.task(run, "surface_" + plane)
      try close(TaskKeyTests.number(found, "unrelaxed_energy_J_per_m2"), surface.unrelaxed_J_m2!, 1e-7, plane)
      try close(TaskKeyTests.number(found, "energy_J_per_m2"), surface.relaxed_J_m2, 1e-3, plane)
    }
    for pulled in reference.rigid_traction_separation {
      let found = try TaskKeyTests.task(run, "part_" + pulled.plane)
      try close(TaskKeyTests.number(found, "rigid_work_J_per_m2"), pulled.work_of_separation_unrelaxed_J_m2, 1e-7, pulled.plane)
      try close(TaskKeyTests.number(found, "rigid_peak_traction_GPa"), pulled.peak_traction_GPa, 1e-7, pulled.plane)
    }
  }
}

import Foundation
import Testing

extension CommandLineTests {
  /// Structures and searches that cannot be: `check` says so, where in the deck, and what would be possible.
  @Suite("What check says of structures that cannot be") struct StructureCheckTests {
    private static let copper = "{lattice: {type: fcc, constant: 3.615, species: [Cu]}}"
    private static let silver = "{lattice: {type: fcc, constant: 4.09, species: [Ag]}}"
    private static let ceria = "{lattice: {type: fluorite, constant: 5.41, species: [Ce, O]}}"

    private static let metals = "potential: [{eam: {parameters: zhou2004}}]\nstages: [{minimize: {}}]"
    private static let oxides =
      "potential: [{lennard_jones: {cutoff: 5, mixing: geometric, pairs: [{species: [Ce, Ce], epsilon: 0.1, sigma: 3}, {species: [O, O], epsilon: 0.1, sigma: 2}]}}]\n"
      + "stages: [{minimize: {}}]"
    private static let alloy = """
      structure: {grain_boundary: {kind: tilt, lattice: cscl, constant: equilibrium, species: [Ni, Al], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], thickness: 12}}
      potential: [{eam: {parameters: zhou2004}}]
      """

    struct Case: CustomTestStringConvertible, Sendable {
      var what: String
      var deck: String
      var words: [String]
      var testDescription: String { what }
    }

    static let cases: [Case] = [
      Case(
        what: "impossible coincidence",
        deck: "structure:\n  interface: {lower: \(copper), thickness: 8, relation: {coincidence: {axis: [0, 0, 1], sigma: 7, plane: [3, 1, 0]}}}\n\(metals)",
        words: ["no rotation about [001] has Σ 7", "there are: Σ 5 (36.87°)"]),
      Case(
        what: "impossible coincidence of a grain boundary",
        deck: "structure:\n  grain_boundary: {kind: twist, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 7, thickness: 8}\n\(metals)",
        words: ["no rotation about [001] has Σ 7", "5"]),
      Case(
        what: "strain above the tolerance",
        deck: "structure:\n  interface: {lower: \(copper), upper: \(silver), thickness: 8, max_strain: 0.03, relation: {coincidence: {axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]}}}\n\(metals)",
        words: ["%", "`parallel` or `match`"]),
      Case(
        what: "no match",
        deck: "structure:\n  interface: {lower: \(copper), upper: \(silver), thickness: 8, max_area: 20, max_strain: 0.01, relation: {match: {planes: [[1, 0, 0], [1, 0, 0]]}}}\n\(metals)",
        words: ["Å²", "%"]),
      Case(
        what: "unknown termination",
        deck: "structure:\n  interface: {lower: \(ceria), thickness: 8, termination: 77, relation: {coincidence: {axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]}}}\n\(oxides)",
        words: ["there is no termination number 77", "0  "]),
      Case(
        what: "an overlap rule that breaks neutrality",
        deck: "structure:\n  interface: {lower: \(ceria), thickness: 10, overlap: 1.9, neutral: true, shift: [0.13, 0.31], relation: {coincidence: {axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]}}}\n\(oxides)",
        words: ["out of the crystal's proportions", "neutral are:", "remove: formula_units"]),
      Case(
        what: "a ball that does not fit",
        deck: "structure:\n  spherical_grain: {of: \(copper), size: [5, 5, 5], radius: 9}\n\(metals)",
        words: ["a ball with a radius of 9", "at most 6.481"]),
      Case(
        what: "vacancies without a chemical potential", deck: alloy + "\nsearch: {over: {vacancies: {Al: 1}}}",
        words: ["takes Al out", "`search.chemical_potentials`"]),
      Case(
        what: "chemical potentials that are not the crystal's",
        deck: alloy + "\nsearch: {over: {vacancies: {Al: 1}}, chemical_potentials: {Al: -3.4, Ni: -1}}",
        words: ["the chemical potentials of Ni, Al come to", "it follows from the crystal"]),
      Case(
        what: "a species that the boundary has not",
        deck: alloy + "\nsearch: {over: {vacancies: {Cu: 1}}, chemical_potentials: {Al: -3.4}}", words: ["names Cu", "of the boundary's: Ni, Al"]),
      Case(
        what: "two ranges",
        deck: alloy + "\nsearch: {over: {vacancies: {Al: 1}}, chemical_potentials: {Al: [-3.6, -3.4], Ni: [-5, -4]}}", words: ["more than one range"]),
      Case(
        what: "potentials for nothing", deck: alloy + "\nsearch: {chemical_potentials: {Al: -3.4}}", words: ["only for `over.vacancies`"]),
      Case(
        what: "swaps of one species",
        deck: "structure: {grain_boundary: {kind: tilt, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], thickness: 9}}\n"
          + "potential: [{eam: {parameters: zhou2004}}]\nsearch: {over: {swap: 1, vacancies: {Cu: 1}}}",
        words: ["needs two species", "`atoms` has all numbers of an element"]),
    ]

    @Test(arguments: cases) func refused(_ one: Case) throws {
      let launcher = try Launcher("impossible")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", one.deck)
      let result = try launcher.run("check", "deck.yaml")
      #expect(result.code == 65 && result.errors.contains("deck.yaml:"), "\(result.code) \(result.errors)")
      for words in one.words { #expect(result.errors.contains(words), "\(words) is not in: \(result.errors)") }
      #expect(!result.output.contains("no mistakes"))
    }

    @Test("a search of compounds says what it takes out") func amounts() throws {
      let launcher = try Launcher("amounts")
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml", Self.alloy + "\nsearch: {over: {atoms: [0, 1], vacancies: {Al: 2}, swap: 1}, chemical_potentials: {Al: [-3.7, -3.3]}}")
      let result = try launcher.run("check", "deck.yaml")
      #expect(result.code == 0, "\(result.errors)")
      #expect(result.output.contains("formula unit") && result.output.contains("up to 2 Al besides, up to 1 pair exchanged"), "\(result.output)")
      #expect(result.output.contains("chemical potentials: Ni") && result.output.contains("Al -3.7000 to -3.3000 eV"))
    }
  }
}

import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// The brute-force evaluator, which the kernel is held against, is itself held against values that n2p2's authors
/// publish with its unit tests (Singraber, Bircher et al., n2p2, test/cpp), and against finite differences.
@Suite struct HDNNPFormulaTests {
  struct Published: Sendable, CustomTestStringConvertible {
    var elements: [String]
    /// Of the centre and its neighbours.
    var atoms: [String]
    var function: String
    var value: Double
    var testDescription: String { "\(function) at \(atoms.joined(separator: " "))" }
  }

  static let places = [Vector3.zero, Vector3(1, 2, 1), Vector3(0, 3, -1), Vector3(-2, 1, -0.5)]

  static let published: [Published] =
    [
      ("H 2 H 0.001 0.0 10.0", 4.6578975865793892E-01), ("H 2 H 0.030 1.0 10.0", 4.2613074319879601E-01),
      ("H 3 H H 0.001  1.0 1.0 10.0 0.0", 2.2781144245150042E-02),
      ("H 3 H H 0.030 -1.0 4.0 10.0 2.0", 2.6506732726623567E-05),
      ("H 9 H H 0.001  1.0 1.0 10.0 0.0", 8.8187604914213763E-02),
      ("H 9 H H 0.031 -1.0 4.0 10.0 2.0", 1.0245670290254523E-04),
      ("H 20 H    -10.0 10.0 p2", 1.71653828561074920), ("H 20 H      0.0  8.0 p2", 1.63829178699555840),
      ("H 20 H      1.0  3.0 p2", 0.59406437434580717),
      ("H 21 H H  -10.0 10.0  0.0 180.0 p2", 0.39698365829232357),
      ("H 21 H H    0.0 10.0 10.0  60.0 p2", 0.056548996092037257),
      ("H 21 H H    1.0 10.0 40.0 120.0 p2", 0.0017053618495084467),
      ("H 22 H H  -10.0 10.0  0.0 180.0 p2", 0.440241957350979370),
      ("H 22 H H    0.0 10.0 10.0  60.0 p2", 0.117549886737894540),
      ("H 22 H H    1.0 10.0 40.0 120.0 p2", 0.008811770360680239),
    ].map { Published(elements: ["H"], atoms: ["H", "H", "H"], function: $0.0, value: $0.1) }
    + [
      ("H 12 0.001 0.0 10.0", 9.3157951731587740E-01), ("H 12 0.030 1.0 10.0", 8.5226148639759169E-01),
      ("H 13 0.001 0.0  1.0 1.0 10.0", 9.1124576980600058E-02),
      ("H 13 0.030 2.0 -1.0 4.0 10.0", 1.0602693090649413E-04), ("H 23 -10.0 10.0 p2", 3.4330765712215),
      ("H 23   0.0  8.0 p2", 3.27658357399112), ("H 23   1.0  3.0 p2", 1.18812874869161),
      ("H 24 -10.0 10.0  0.0 180.0 p2", 1.58793463316929), ("H 24   0.0 10.0 10.0  60.0 p2", 0.226195984368149),
      ("H 24   1.0 10.0 40.0 120.0 p2", 0.00682144739803379), ("H 25 -10.0 10.0  0.0 180.0 p2", 1.76096782940392),
      ("H 25   0.0 10.0 10.0  60.0 p2", 0.470199546951578), ("H 25   1.0 10.0 40.0 120.0 p2", 0.035247081442721),
    ].map { Published(elements: ["H", "He"], atoms: ["H", "He", "He"], function: $0.0, value: $0.1) }
    + [
      ("S 2 Cu 0.030 1.0 10.0", 1.8212508087363616E-01), ("S 2  U 0.030 1.0 10.0", 2.5814603379946083E-01),
      ("S 3  S Cu 0.001  1.0 1.0 10.0 0.0", 2.2781144245150042E-02),
      ("S 3  S  U 0.001  1.0 1.0 10.0 0.0", 1.1723866787654575E-02),
      ("S 3  Cu U 0.001  1.0 1.0 10.0 0.0", 1.8921487310992163E-02), ("S 12 0.001 0.0 10.0", 3.4986591461381153E+01),
      ("S 12 0.030 1.0 10.0", 3.2935153052088403E+01), ("S 13 0.001 0.0  1.0 1.0 10.0", 7.8310510986904234E+01),
      ("S 13 0.001 1.0 -1.0 4.0 10.0", 3.6978004634143264E+00),
    ].map { Published(elements: ["S", "Cu", "U"], atoms: ["S", "S", "Cu", "U"], function: $0.0, value: $0.1) }

  /// A cluster in the open.
  static func cluster(_ atoms: [String], species: [String], _ places: [Vector3] = places) -> Structure {
    Structure(
      box: Box(lengths: Vector3(repeating: 30), periodic: .none), species: species,
      types: atoms.map { Int32(species.firstIndex(of: $0)!) }, positions: Array(places.prefix(atoms.count)))
  }

  @Test(arguments: published) func agreesWithPublishedValue(_ c: Published) throws {
    var sample = HDNNPSample()
    sample.elements = c.elements
    let centre = String(c.function.split(separator: " ")[0])
    sample.functions = [c.function] + c.elements.filter { $0 != centre }.map { "\($0) 2 \($0) 1 0 9" }
    sample.cutoff = "cutoff_type 2"
    sample.nodes = Array(repeating: [4, 3, 1], count: c.elements.count)
    let reference = HDNNPBruteForce(model: try sample.model())
    let structure = Self.cluster(c.atoms, species: c.elements)
    let elements = try reference.elements(structure)
    let value = reference.functions(elements[0], reference.neighbors(structure, elements)[0])[0]
    // They are given to twelve digits or more.
    #expect(abs(value - c.value) < 1e-12 * max(1, abs(c.value)), "\(value)")
  }

  /// f_c and its slope at 0.8 and 0.1 of a cutoff of 3 with α = 0.2, from the same source.
  @Test func cutoffsAgreeWithPublishedValues() {
    let values = [
      1.0, 1.4644660940672610E-01, 7.6891537120697719E-03, 1.7406350897769041E-02, 2.7645304662956399E-01,
      1.5624999999999989E-01, 1.0351562500000000E-01, 7.0556640624999223E-02, 4.8927307128898589E-02,
    ]
    let slopes = [
      0.0, -4.6280030605816297E-01, -3.7439367857705103E-02, -8.4753511078717925E-02, -9.0270382572918972E-01,
      -4.6874999999999978E-01, -4.3945312499999933E-01, -3.8452148437500017E-01, -3.2444000244142152E-01,
    ]
    for kind in CutoffFunction.Kind.allCases {
      let f = CutoffFunction(kind, alpha: 0.2)
      let (value, slope) = HDNNPBruteForce.cutoff(f, 2.4, 3)
      #expect(abs(value - values[kind.rawValue]) < 1e-14 && abs(slope - slopes[kind.rawValue]) < 1e-13, "\(kind)")
      let inner = HDNNPBruteForce.cutoff(f, 0.3, 3)
      switch kind {
      case .tanhUnnormalized: #expect(abs(inner.0 - 3.6752000144553820E-01) < 1e-14)
      case .tanh: #expect(abs(inner.0 - 8.3197479809356334E-01) < 1e-14)
      default: #expect(inner == (1, 0))
      }
      #expect(HDNNPBruteForce.cutoff(f, 3, 3) == (0, 0))
    }
  }

  /// Every kind with every cutoff function or subtype, in one model.
  static let lines: [(cutoff: String, functions: [String])] =
    CutoffFunction.Kind.allCases.map { kind in
      (
        "cutoff_type \(kind.rawValue) 0.15",
        [
          "H 2 O 0.3 0.5 5", "H 3 H O 0.1 -1 3 5", "H 9 O O 0.1 1 2.5 5 0.4", "H 12 0.2 0.3 4.5",
          "O 13 0.1 0.4 1 6 5", "O 3 O H 0.05 1 16 4.5 0.2", "O 2 O 0.1 0 5",
        ]
      )
    }
    + ["p1", "p2", "p3", "p4", "p1a", "p2a", "p3a", "p4a", "e"].map { subtype in
      (
        "cutoff_type 1",
        [
          "H 20 O -5 5 \(subtype)", "H 21 H O 1 5 -60 60 \(subtype)", "H 22 O O -4 4 20 170 \(subtype)",
          "H 23 0.5 4.5 \(subtype)", "O 24 -5 5 90 270 \(subtype)", "O 25 1 5 0 180 \(subtype)",
          "O 21 H H -5 5 0 120 \(subtype)",
        ]
      )
    }

  @Test(arguments: lines.indices) func forcesAreSlopesOfTheEnergy(_ index: Int) throws {
    var sample = HDNNPSample()
    sample.cutoff = Self.lines[index].cutoff
    sample.functions = Self.lines[index].functions
    let reference = HDNNPBruteForce(model: try sample.model())
    var structure = TestStructures.crystal(["H", "O"], spacing: 2.2, cells: [1, 1, 1], seed: UInt64(index + 1))
    let result = try reference.evaluate(structure)
    var random = SplitMix64(seed: 5)
    for atom in structure.positions.indices {
      let direction = random.vector()
      let step = 1e-5
      let place = structure.positions[atom]
      func energy(_ factor: Double) throws -> Double {
        structure.positions[atom] = place + direction * (factor * step)
        defer { structure.positions[atom] = place }
        return try reference.atomEnergies(structure, atoms: Array(structure.positions.indices)).reduce(0, +)
      }
      // Fourth order: what is left is rounding, but for the hard cutoff, which jumps.
      let slope = try (8 * (energy(1) - energy(-1)) - energy(2) + energy(-2)) / (12 * step)
      #expect(abs(slope + dot(result.forces[atom], direction)) < 2e-8 * max(1, abs(slope)), "atom \(atom)")
    }
    #expect(result.forces.reduce(.zero, +).length < 1e-11)
  }
}

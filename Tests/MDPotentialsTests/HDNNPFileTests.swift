import Foundation
import MDCore
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// What every keyword does to the model.
@Suite struct HDNNPFileTests {
  static func same(_ a: HDNNPModel, _ b: HDNNPModel) -> Bool {
    a.elements.count == b.elements.count
      && zip(a.elements, b.elements).allSatisfy { x, y in
        x.symbol == y.symbol && x.offset == y.offset && x.functions == y.functions && x.scaling == y.scaling
          && zip(x.network.layers, y.network.layers).allSatisfy {
            $0.weights == $1.weights && $0.biases == $1.biases && $0.activation == $1.activation
          }
      }
  }

  @Test func readsWhatIsThere() throws {
    let model = try HDNNPSample().model()
    #expect(model.elements.map(\.symbol) == ["H", "O"] && model.elements.map(\.atomicNumber) == [1, 8])
    #expect(model.cutoff == 6)
    let h = model.elements[0]
    #expect(h.functions.map(\.kind) == [.radial, .radial, .angularNarrow])
    #expect(h.functions[1].firstNeighbor == 1 && h.functions[1].eta == 0.2 && h.functions[1].shift == 0.5)
    #expect(h.functions[2].firstNeighbor == 0 && h.functions[2].secondNeighbor == 1)
    #expect(h.functions[2].lambda == 1 && h.functions[2].zeta == 2 && h.functions[2].cutoff == 6)
    #expect(h.functions[2].cutoffFunction == CutoffFunction(.cosine))
    #expect(h.network.layers.map(\.outputCount) == [4, 3, 1] && h.network.inputCount == 3)
    #expect(h.network.layers.map(\.activation) == [.tanh, .tanh, .linear])
  }

  /// The order of the lines has no meaning; the order of scaling.data and weights has.
  @Test func functionsAreSorted() throws {
    let lines = [
      "H 20 O 1 5 p1", "H 20 H 0 6 p1", "H 20 H 0 5 p1a", "H 22 H O 0 6 0 90 e", "H 22 H O 0 6 0 80 e",
      "H 3 H O 0.1 1 1 6 0", "H 3 O O 0.1 -1 1 6", "H 3 H H 0.1 -1 1 6", "H 3 H H 0.1 -1 4 6", "H 3 H H 0.1 -1 1 5",
      "H 2 O 0.1 0 6", "H 2 H 0.1 0 6", "H 2 H 0.1 1 6", "H 2 H 0.2 0 5.5", "H 12 0.1 0 6", "O 2 O 0.1 0 6",
    ]
    var sample = HDNNPSample()
    sample.functions = lines
    let model = try sample.model()
    let expected = [
      "H 2 H 0.2 0 5.5", "H 2 H 0.1 0 6", "H 2 O 0.1 0 6", "H 2 H 0.1 1 6", "H 3 H H 0.1 -1 1 5", "H 3 H H 0.1 -1 1 6",
      "H 3 O O 0.1 -1 1 6", "H 3 H O 0.1 1 1 6 0", "H 3 H H 0.1 -1 4 6", "H 12 0.1 0 6", "H 20 H 0 6 p1",
      "H 20 O 1 5 p1", "H 20 H 0 5 p1a", "H 22 H O 0 6 0 80 e", "H 22 H O 0 6 0 90 e",
    ]
    for (function, line) in zip(model.elements[0].functions, expected) {
      sample.functions = [line, "O 2 O 0.1 0 6"]
      #expect(try sample.model().elements[0].functions[0] == function, "\(line)")
    }
    for seed in 1...3 as ClosedRange<UInt64> {
      var random = SplitMix64(seed: seed)
      sample.functions = lines.shuffled(using: &random)
      #expect(Self.same(try sample.model(), model))
    }
  }

  @Test func neighborsOfAllElements() throws {
    var one = HDNNPSample()
    one.functions = ["H", "O"].flatMap { e in
      ["H", "O"].map { "\(e) 2 \($0) 0.1 0.5 6" } + ["H H", "H O", "O O"].map { "\(e) 3 \($0) 0.1 1 2 6" }
        + ["\(e) 12 0.3 0 6"]
    }
    var files = one.files
    let head = files["input.nn"]!.split(separator: "\n").filter { !$0.hasPrefix("symfunction") }.joined(separator: "\n")
    files["input.nn"] =
      head + "\nglobal_symfunction_short 2 0.1 0.5 6\nelement_symfunction_short H 3 0.1 1 2 6\n"
      + "element_symfunction_short O 3 0.1 1 2 6\nglobal_symfunction_short_atomic 12 0.3 0 6\n"
    #expect(Self.same(try HDNNPSample.read(files), try one.model()))
  }

  @Test func unitsConvert() throws {
    let file = try HDNNPSample().model()
    let units = try HDNNPUnits(length: 2, energy: 0.5)
    let model = try HDNNPSample().model(units)
    let (a, b) = (file.elements[0], model.elements[0])
    #expect(b.functions[1].cutoff == 3 && b.functions[1].shift == 0.25)
    #expect(abs(b.functions[1].eta - 0.8) < 1e-15)
    #expect(b.scaling == a.scaling && b.network.layers[0].weights == a.network.layers[0].weights)
    #expect(b.network.layers[2].weights == a.network.layers[2].weights.map { $0 * 2 })
    #expect(b.network.layers[2].biases == a.network.layers[2].biases.map { $0 * 2 })
    #expect(HDNNPUnits.atomic.length * 0.529177210903 == 1 && HDNNPUnits.atomic.energy * 27.211386245988 == 1)
    #expect(try HDNNPUnits(length: 1, energy: 1) == .metal)
  }

  @Test func energiesOfAtomsAndNormalization() throws {
    let plain = try HDNNPSample().model()
    var sample = HDNNPSample()
    sample.keywords += ["atom_energy O -7.5", "mean_energy -2", "conv_energy 4", "conv_length 3"]
    let model = try sample.model(HDNNPUnits(length: 1, energy: 2))
    #expect(model.elements.map(\.offset) == [-1, -4.75])
    for (a, b) in zip(plain.elements, model.elements) {
      #expect(a.functions == b.functions)
      #expect(zip(a.network.layers[2].weights, b.network.layers[2].weights).allSatisfy { abs($0 / 8 - $1) < 1e-16 })
      #expect(abs(a.network.layers[2].biases[0] / 8 - b.network.layers[2].biases[0]) < 1e-16)
    }
  }

  @Test func nodesAreNormalized() throws {
    let plain = try HDNNPSample().model()
    var sample = HDNNPSample()
    sample.keywords += ["normalize_nodes"]
    let model = try sample.model()
    for (a, b) in zip(plain.elements, model.elements) {
      for (x, y) in zip(a.network.layers, b.network.layers) {
        let n = Double(x.inputCount)
        #expect(y.weights == x.weights.map { $0 / n } && y.biases == x.biases.map { $0 / n })
      }
    }
  }

  struct Scaling: Sendable, CustomTestStringConvertible {
    var keywords: [String]
    /// x of G from minimum, maximum, mean, deviation.
    var x: @Sendable (_ g: Double, _ min: Double, _ max: Double, _ mean: Double, _ sigma: Double) -> Double
    var testDescription: String { keywords.joined(separator: ", ") }
  }

  static let scalings = [
    Scaling(keywords: []) { g, _, _, _, _ in g },
    Scaling(keywords: ["scale_symmetry_functions"]) { g, a, b, _, _ in (g - a) / (b - a) },
    Scaling(keywords: ["scale_symmetry_functions", "scale_min_short -1", "scale_max_short 3"]) { g, a, b, _, _ in
      -1 + 4 * (g - a) / (b - a)
    },
    Scaling(keywords: ["center_symmetry_functions"]) { g, _, _, m, _ in g - m },
    Scaling(keywords: ["scale_symmetry_functions", "center_symmetry_functions", "scale_max_short 2"]) {
      g, a, b, m, _ in
      2 * (g - m) / (b - a)
    },
    Scaling(keywords: ["scale_symmetry_functions_sigma", "scale_min_short 0.5", "scale_max_short 2"]) { g, _, _, m, s in
      0.5 + 1.5 * (g - m) / s
    },
    // n2p2 has the plain keywords win.
    Scaling(keywords: ["scale_symmetry_functions_sigma", "scale_symmetry_functions"]) { g, a, b, _, _ in
      (g - a) / (b - a)
    },
  ]

  @Test(arguments: scalings) func functionsAreScaled(_ c: Scaling) throws {
    var sample = HDNNPSample()
    sample.keywords = c.keywords
    let model = try sample.model()
    let rows = sample.files["scaling.data"]!.split(separator: "\n").dropFirst()
      .map { $0.split(separator: " ").dropFirst(2).map { Double($0)! } }
    for (scaling, row) in zip(model.elements.flatMap(\.scaling), rows) {
      for g in [-2.0, 0.1, 7] {
        let x = (g - scaling.shift) * scaling.factor + scaling.offset
        #expect(abs(x - c.x(g, row[0], row[1], row[2], row[3])) < 1e-13 * max(1, abs(x)))
      }
      #expect(scaling.minimum == row[0] && scaling.maximum == row[1])
    }
  }

  @Test func unscaledFunctionsNeedNoStatistics() throws {
    var sample = HDNNPSample()
    sample.keywords = []
    var files = sample.files
    files["scaling.data"] = nil
    #expect(try HDNNPSample.read(files).elements[0].scaling == [.none, .none, .none])
  }

  @Test func cutoffFunctions() throws {
    for kind in CutoffFunction.Kind.allCases {
      var sample = HDNNPSample()
      sample.cutoff = "cutoff_type \(kind.rawValue)"
      #expect(try sample.model().elements[0].functions[0].cutoffFunction == CutoffFunction(kind))
      let takesAlpha = kind != .tanh && kind != .tanhUnnormalized
      sample.cutoff = "cutoff_type \(kind.rawValue) 0.25"
      let model = try sample.model()
      #expect(model.elements[1].functions[1].cutoffFunction == CutoffFunction(kind, alpha: takesAlpha ? 0.25 : 0))
      sample.cutoff = "cutoff_type \(kind.rawValue)\ncutoff_alpha 0.25"
      #expect(Self.same(try sample.model(), model))
    }
  }

  @Test func activations() throws {
    let all: [(String, FeedForwardNetwork.Activation)] = [
      ("l", .linear), ("t", .tanh), ("s", .logistic), ("S", .reversedLogistic), ("p", .softplus), ("r", .rectified),
      ("g", .gaussian), ("c", .cosine), ("e", .exponential), ("h", .harmonic),
    ]
    #expect(Set(all.map(\.1)) == Set(FeedForwardNetwork.Activation.allCases))
    for (letter, activation) in all {
      var sample = HDNNPSample()
      sample.layers[2] = "global_activation_short \(letter) t l"
      #expect(try sample.model().elements[1].network.layers.map(\.activation) == [activation, .tanh, .linear])
      // n2p2 does with one letter a hidden layer.
      sample.layers[2] = "global_activation_short t \(letter)"
      #expect(try sample.model().elements[1].network.layers.map(\.activation) == [.tanh, activation, .linear])
    }
  }

  @Test func networksOfElements() throws {
    var sample = HDNNPSample()
    sample.layers += ["element_nodes_short O 2 5", "element_hidden_layers_short H 1", "element_nodes_short H 1 2"]
    sample.layers += (1...5).map { "element_activation_short O 2 \($0) g" }
    sample.nodes = [[2, 1], [4, 5, 1]]
    let model = try sample.model()
    #expect(model.elements[0].network.layers.map(\.outputCount) == [2, 1])
    #expect(model.elements[1].network.layers.map(\.outputCount) == [4, 5, 1])
    #expect(model.elements[0].network.layers.map(\.activation) == [.tanh, .linear])
    #expect(model.elements[1].network.layers.map(\.activation) == [.tanh, .gaussian, .linear])
  }

  /// The dialect of RuNNer: exclamation marks, plain weights, no deviations, the range of energies, D exponents.
  @Test func readsRuNNer() throws {
    let sample = HDNNPSample()
    var files = sample.files
    files["input.nn"]! =
      "### a title\nnnp_gen 2 ! generation\nnn_type_short 1\nuse_short_nn\nrunner_mode 3\nremove_atom_energies\n"
      + files["input.nn"]!.replacingOccurrences(of: "0.05", with: "5.0D-2")
    for (name, text) in files where name != "input.nn" {
      let columns = name == "scaling.data" ? 5 : 1
      files[name] = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        .map { $0.split(separator: " ").prefix(columns).joined(separator: "   ") }.joined(separator: "\n")
    }
    files["scaling.data"]! += "\n  -0.25  0.125\n"
    #expect(Self.same(try HDNNPSample.read(files), try sample.model()))
  }

  @Test func trainingKeywordsDoNotMatter() throws {
    var sample = HDNNPSample()
    let model = try sample.model()
    sample.keywords += [
      "epochs 10", "epochs 10", "updater_type 1", "kalman_type 0", "write_neuronstats 5 10", "force_weight 10.0",
      "short_force_error_threshold 1.00", "memorize_symfunc_results", "ewald_prec 1.e-5 0.36",
      "fixed_gausswidth H 0.58", "global_nodes_electrostatic 15 15", "nnp_type 2G-HDNNP",
    ]
    #expect(Self.same(try sample.model(), model))
  }

  @Test func speciesBecomeElements() throws {
    let model = try HDNNPSample().model()
    #expect(try model.elementIndices(species: ["O", "H", "O"]) == [1, 0, 1])
    let error = #expect(throws: FaultlineError.self) { try model.elementIndices(species: ["H", "Cu"]) }
    #expect(error?.description.contains("no element Cu") == true && error?.description.contains("H, O") == true)
  }
}

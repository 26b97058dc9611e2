import MDCore
import MDPotentialFiles
import MDPotentials
import MDTestSupport

/// Small potentials that between them have every symmetry function, cutoff function and factor, with random networks
/// whose inputs are of order one: what is checked with them is the kernel, not physics.
enum HDNNPRandomModels {
  static let cutoff = 4.0

  /// All functions of all kinds that `make` gives, for every element (and pair of elements) of two.
  static func model(seed: UInt64, _ make: (SymmetryFunction.Kind) -> [SymmetryFunction]) -> HDNNPModel {
    var random = SplitMix64(seed: seed)
    let symbols = [("H", 1), ("O", 8)]
    let elements = symbols.map { symbol, number in
      var functions: [SymmetryFunction] = []
      for kind in SymmetryFunction.Kind.allCases {
        for base in make(kind) {
          var pairs: [(Int, Int)] = [(0, 0)]
          if !kind.isWeighted { pairs = kind.isRadial ? [(0, 0), (1, 0)] : [(0, 0), (0, 1), (1, 1)] }
          for pair in pairs {
            var f = base
            (f.firstNeighbor, f.secondNeighbor) = pair
            functions.append(f)
          }
        }
      }
      let scaling = functions.map { f in
        FunctionScaling(shift: 0.3, factor: f.kind.isWeighted ? 0.05 : 0.5, offset: 0.1, minimum: 0, maximum: 2)
      }
      return HDNNPElement(
        symbol: symbol, atomicNumber: number, offset: -0.5 * Double(number), functions: functions, scaling: scaling,
        network: network(inputs: functions.count, &random))
    }
    return HDNNPModel(elements: elements)
  }

  static func network(inputs: Int, _ random: inout SplitMix64) -> FeedForwardNetwork {
    func layer(_ inputs: Int, _ outputs: Int, _ activation: FeedForwardNetwork.Activation) -> FeedForwardNetwork.Layer {
      let width = 1 / Double(inputs).squareRoot()
      return .init(
        weights: (0..<inputs * outputs).map { _ in width * Double.random(in: -1..<1, using: &random) },
        biases: (0..<outputs).map { _ in Double.random(in: -0.5..<0.5, using: &random) }, activation: activation)
    }
    return FeedForwardNetwork(layers: [layer(inputs, 5, .tanh), layer(5, 3, .softplus), layer(3, 1, .linear)])
  }

  /// A Gaussian function; angular ones with every ζ and both signs of λ.
  static func gaussian(
    _ kind: SymmetryFunction.Kind, _ cutoffFunction: CutoffFunction, etas: [Double] = [0.1], shift: Double = 0,
    zetas: [Double] = [1], cutoff: Double = cutoff
  ) -> [SymmetryFunction] {
    guard !kind.isCompact else { return [] }
    return etas.flatMap { eta in
      (kind.isRadial ? [1] : zetas).flatMap { zeta in
        (kind.isRadial ? [0] : [-1.0, 1]).map { lambda in
          var f = SymmetryFunction(kind, cutoff: cutoff)
          f.eta = eta
          f.shift = shift
          f.zeta = zeta
          f.lambda = lambda
          f.cutoffFunction = cutoffFunction
          return f
        }
      }
    }
  }

  static func compact(
    _ kind: SymmetryFunction.Kind, _ function: CompactFunction, lower: Double, left: Double = 40, right: Double = 150
  ) -> [SymmetryFunction] {
    guard kind.isCompact else { return [] }
    var f = SymmetryFunction(kind, cutoff: cutoff)
    f.compact = function
    f.lowerRadius = lower
    f.angleLeft = left * .pi / 180
    f.angleRight = right * .pi / 180
    return [f]
  }

  /// Models by what is special about them.
  static let all: [String: HDNNPModel] = {
    var models: [String: HDNNPModel] = [:]
    for kind in SymmetryFunction.Kind.allCases where !kind.isCompact {
      models["type \(kind.rawValue)"] = model(seed: 1) {
        $0 == kind ? gaussian($0, CutoffFunction(.tanhUnnormalized), etas: [0.05, 0.15], zetas: [1, 4]) : []
      }
    }
    for kind in SymmetryFunction.Kind.allCases where kind.isCompact {
      models["type \(kind.rawValue)"] = model(seed: 2) {
        $0 == kind
          ? compact($0, CompactFunction(.polynomial2), lower: 0)
            + compact($0, CompactFunction(.polynomial3, isAsymmetric: true), lower: -1, left: -90, right: 90) : []
      }
    }
    for cutoff in CutoffFunction.Kind.allCases {
      models["cutoff type \(cutoff.rawValue)"] = model(seed: 3) {
        $0 == .radial || $0 == .angularNarrow ? gaussian($0, CutoffFunction(cutoff, alpha: 0.3)) : []
      }
    }
    for core in CompactFunction.Core.allCases {
      models["core \(core)"] = model(seed: 4) {
        $0 == .compactRadial || $0 == .compactAngularNarrow
          ? compact($0, CompactFunction(core), lower: 0.5, left: 60, right: 300)
            + compact($0, CompactFunction(core, isAsymmetric: core != .exponential), lower: -4) : []
      }
    }
    models["powers"] = model(seed: 5) {
      $0 == .angularNarrow
        ? gaussian($0, CutoffFunction(.cosine), etas: [0.02, 0.1], zetas: [1, 2, 3, 4, 6.5, 8, 16, 33]) : []
    }
    models["shifts, several cutoffs, chained exponents"] = model(seed: 6) {
      $0 == .radial || $0 == .angularNarrow
        ? gaussian($0, CutoffFunction(.polynomial2), etas: [0, 0.01, 0.03, 0.07, 0.2])
          + gaussian($0, CutoffFunction(.tanh), etas: [0.4, 1.2], shift: 1.7)
          + gaussian($0, CutoffFunction(.cosine), etas: [4], cutoff: 3) : []
    }
    models["different functions about each element"] = {
      var model = model(seed: 7) { gaussian($0, CutoffFunction(.cosine), zetas: [1, 2]) }
      for k in model.elements.indices {
        let kept = model.elements[k].functions.indices.filter { f in (f + k) % 3 == 0 }
        model.elements[k].functions = kept.map { model.elements[k].functions[$0] }
        model.elements[k].scaling = kept.map { model.elements[k].scaling[$0] }
        var random = SplitMix64(seed: 8)
        model.elements[k].network = network(inputs: kept.count, &random)
      }
      return model
    }()
    return models
  }()
}

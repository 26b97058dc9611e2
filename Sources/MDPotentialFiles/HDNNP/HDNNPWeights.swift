import MDCore

/// A `weights.NNN.data` or `weightse.NNN.data` file: for every layer the weights, input by input, then the biases, one
/// number a line. Of what n2p2 and RuNNer add in further columns, the letter (a weight, b bias) is checked where it
/// stands.
enum HDNNPWeights {
  /// - Parameters:
  ///   - symbol: the element, for messages.
  ///   - inputCount: number of inputs of the network.
  ///   - normalizesNodes: sums (bias included) are divided by the number of nodes before (`normalize_nodes`).
  static func read(
    file: String, symbol: String, inputCount: Int, topology: HDNNPInput.Topology, normalizesNodes: Bool
  ) throws -> FeedForwardNetwork {
    let lines = try HDNNPLines(
      file: file, missing: "there are no weights for element \(symbol)",
      hint: "an HDNNP has a file weights.NNN.data for the atomic number NNN of each of its elements, one of the fourth "
        + "generation weightse.NNN.data and hardness.NNN.data besides")
    var shape = topology.hidden
    shape.append((1, .linear))
    let text = ([inputCount] + shape.map(\.nodes)).map(String.init).joined(separator: "-")
    var count = 0
    var before = inputCount
    for layer in shape {
      count += (before + 1) * layer.nodes
      before = layer.nodes
    }
    guard lines.lines.count == count else {
      throw lines.error(
        "\(lines.lines.count) weights for element \(symbol), but its network \(text) has \(count)", lines.lines.last,
        hint: "does the file belong to this input.nn?")
    }

    var rest = lines.lines[...]
    func next(_ type: Substring, _ layer: Int) throws -> Double {
      let line = rest.removeFirst()
      if line.words.count > 1, line.words[1] != type {
        throw lines.error(
          "layer \(layer) of the network \(text) has a \(type == "a" ? "weight (a)" : "bias (b)") here, the file has "
            + line.words[1], line, hint: "does the file belong to this input.nn?")
      }
      return try lines.number(line.words[0], "weight", line)
    }

    var layers: [FeedForwardNetwork.Layer] = []
    before = inputCount
    for (l, layer) in shape.enumerated() {
      var weights = Array(repeating: 0.0, count: before * layer.nodes)
      for input in 0..<before {
        for output in 0..<layer.nodes { weights[output * before + input] = try next("a", l + 1) }
      }
      var biases = try (0..<layer.nodes).map { _ in try next("b", l + 1) }
      if normalizesNodes {
        weights = weights.map { $0 / Double(before) }
        biases = biases.map { $0 / Double(before) }
      }
      layers.append(.init(weights: weights, biases: biases, activation: layer.activation))
      before = layer.nodes
    }
    return FeedForwardNetwork(layers: layers)
  }
}

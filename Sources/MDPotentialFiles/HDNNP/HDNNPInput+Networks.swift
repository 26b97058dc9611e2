import MDCore

extension HDNNPInput {
  /// The hidden layers of an element's network, from the inputs on; the output is one linear node.
  struct Topology: Equatable {
    var hidden: [(nodes: Int, activation: FeedForwardNetwork.Activation)]

    static func == (a: Self, b: Self) -> Bool {
      a.hidden.count == b.hidden.count && zip(a.hidden, b.hidden).allSatisfy { $0 == $1 }
    }
  }

  /// The letters of `global_activation_short`.
  static let activations: [Substring: FeedForwardNetwork.Activation] = [
    "l": .linear, "t": .tanh, "s": .logistic, "S": .reversedLogistic, "p": .softplus, "r": .rectified,
    "g": .gaussian, "c": .cosine, "e": .exponential, "h": .harmonic,
  ]

  /// The two networks that an element may have; the names are the keywords' endings.
  enum Network: String { case short, electrostatic }

  func topologies(_ network: Network = .short) throws -> [Topology] {
    let name = network.rawValue
    guard let line = first("global_hidden_layers_\(name)") else {
      throw lines.error("the keyword global_hidden_layers_\(name) is missing", nil)
    }
    let count = try lines.integer(arguments(line, "layers")[1], "global_hidden_layers_\(name)", 0...64, line)
    var nodes = Array(repeating: try globalNodes(count, name), count: elements.count)
    // A letter a node, because RuNNer may set them one by one; a layer must have a single one in the end.
    let letters = try globalActivations(count, name)
    var hiddenCount = Array(repeating: count, count: elements.count)
    for line in all("element_hidden_layers_\(name)") {
      let words = try arguments(line, "element layers")
      hiddenCount[try element(words[1], line)] = try lines.integer(words[2], "layers of an element", 0...count, line)
    }
    for line in all("element_nodes_\(name)") {
      let words = try arguments(line, "element layer nodes")
      let element = try element(words[1], line)
      let layer = try lines.integer(words[2], "layer", 1...max(hiddenCount[element], 1), line)
      guard layer <= hiddenCount[element] else { throw lines.error("there is no hidden layer \(layer)", line) }
      nodes[element][layer - 1] = try lines.integer(words[3], "nodes", 1...100_000, line)
    }
    var byNode = elements.indices.map { e in
      (0..<hiddenCount[e]).map { l in Array(repeating: letters[l], count: nodes[e][l]) }
    }
    for line in all("element_activation_\(name)") { try setActivation(line, &byNode) }
    return try elements.indices.map { e in
      Topology(
        hidden: try byNode[e].indices.map { l in
          guard let activation = byNode[e][l].first, byNode[e][l].allSatisfy({ $0 == activation }) else {
            throw lines.error(
              "layer \(l + 1) of \(elements[e].symbol) has nodes with different activations", nil,
              hint: "one activation a layer is possible")
          }
          return (byNode[e][l].count, activation)
        })
    }
  }

  private func globalNodes(_ count: Int, _ name: String) throws -> [Int] {
    guard let line = first("global_nodes_\(name)") else {
      if count == 0 { return [] }
      throw lines.error("the keyword global_nodes_\(name) is missing", nil)
    }
    guard line.words.count == count + 1 else {
      throw lines.error("global_nodes_\(name) needs \(count) numbers, one a hidden layer", line)
    }
    return try line.words.dropFirst().map { try lines.integer($0, "nodes", 1...100_000, line) }
  }

  private func globalActivations(_ count: Int, _ name: String) throws -> [FeedForwardNetwork.Activation] {
    guard let line = first("global_activation_\(name)") else {
      throw lines.error("the keyword global_activation_\(name) is missing", nil)
    }
    let letters = try line.words.dropFirst().map { try activation($0, line) }
    guard letters.count == count || letters.count == count + 1 else {
      throw lines.error(
        "\(letters.count) activations for \(count) hidden layers", line,
        hint: "one letter a hidden layer, and l for the output")
    }
    guard letters.count == count || letters.last == .linear else {
      throw lines.error(
        "the output has activation \(line.words.last!)", line,
        hint: "only l: n2p2 takes no notice of another letter, RuNNer does")
    }
    return Array(letters.prefix(count))
  }

  private func activation(_ letter: Substring, _ line: HDNNPLines.Line) throws -> FeedForwardNetwork.Activation {
    guard let activation = Self.activations[letter] else {
      throw lines.error(
        "unknown activation \(letter)", line,
        hint: "allowed: " + Self.activations.keys.sorted().joined(separator: ", "))
    }
    return activation
  }

  private func setActivation(
    _ line: HDNNPLines.Line, _ byNode: inout [[[FeedForwardNetwork.Activation]]]
  ) throws {
    let words = try arguments(line, "element layer node activation")
    let element = try element(words[1], line)
    let activation = try activation(words[4], line)
    let layers = byNode[element].count
    let layer = try lines.integer(words[2], "layer", 1...layers + 1, line)
    if layer == layers + 1 {
      guard activation == .linear else { throw lines.error("the output must be linear", line, hint: "l") }
      return
    }
    let node = try lines.integer(words[3], "node", 1...byNode[element][layer - 1].count, line)
    byNode[element][layer - 1][node - 1] = activation
  }
}

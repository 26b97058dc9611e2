import MDCore
import MDNumerics

/// Changes of a structure that decks list under `modify`. Random ones are functions of the seed, of the place of the change in
/// the list and of an atom's number, whatever the order of the atoms.
extension Structure {
  /// Names the random numbers of one change.
  package struct Draw: Sendable {
    package let seed: UInt64
    /// Of the change in the list, from 0.
    package let number: Int

    package init(seed: UInt64, number: Int) { (self.seed, self.number) = (seed, number) }

    func random(_ id: Int64) -> CounterRandom {
      CounterRandom(seed: seed, stream: .structures, id: id, step: number)
    }
  }

  private func id(_ i: Int) -> Int64 { ids?[i] ?? Int64(i + 1) }

  /// The atoms `among` in a random order.
  package func shuffled(_ among: [Int], _ draw: Draw) -> [Int] {
    let keys = among.map { i -> (UInt64, Int64) in
      var random = draw.random(id(i))
      return (random.bits(), id(i))
    }
    return among.indices.sorted { keys[$0] < keys[$1] }.map { among[$0] }
  }

  /// Takes out the atoms at these places.
  package mutating func remove(_ places: [Int]) {
    let gone = Set(places)
    if !gone.isEmpty { keepAtoms { !gone.contains($0) } }
  }

  /// The number of a species, which is added to the list if it is new.
  package mutating func type(of name: String) -> Int32 {
    if let k = species.firstIndex(of: name) { return Int32(k) }
    species.append(name)
    masses.append(nil)
    return Int32(species.count - 1)
  }

  /// Whole numbers of `count` things in these parts of them, which sum to at most 1: rounded down, and what is left of whole
  /// ones to the largest remainders, the first of equals.
  package static func counts(_ count: Int, parts: [Double]) -> [Int] {
    let exact = parts.map { $0 * Double(count) }
    var whole = exact.map { Int(($0 + 1e-9).rounded(.down)) }
    let total = Int((parts.reduce(0, +) * Double(count)).rounded())
    let order = exact.indices.sorted { a, b in
      let (x, y) = (exact[a] - Double(whole[a]), exact[b] - Double(whole[b]))
      return abs(x - y) > 1e-9 ? x > y : a < b
    }
    for k in order where whole.reduce(0, +) < total { whole[k] += 1 }
    return whole
  }

  /// Moves each of the atoms by a vector of the normal distribution, `deviation` Å along each axis.
  package mutating func rattle(_ places: [Int], deviation: Double, _ draw: Draw) {
    for i in places {
      var random = draw.random(id(i))
      positions[i] += deviation * random.gaussianVector()
    }
  }

  /// The structure in the cell of the rows of `matrix` times its cell vectors.
  ///
  /// - Throws: an input error if the rows do not span a right-handed volume, or an axis that does not repeat is mixed.
  package func supercell(_ matrix: IntegerMatrix) throws -> Structure {
    let size = matrix.determinant
    guard size > 0 else {
      throw FaultlineError(
        .input, "the rows of the supercell have the determinant \(size)", hint: "it must be positive: a right-handed cell")
    }
    for i in 0..<3 where !box.periodic[i] {
      for j in 0..<3 where i != j && (matrix[i][j] != 0 || matrix[j][i] != 0) {
        throw FaultlineError(.input, "the supercell mixes an axis along which the cell does not repeat")
      }
      guard matrix[i][i] == 1 else {
        throw FaultlineError(.input, "the supercell repeats an axis along which the cell does not repeat")
      }
    }
    if matrix == .identity { return self }
    try StructureSize.check(atoms: Double(size) * Double(count), "the atoms of this supercell")
    let cell = matrix.real * box.cell
    let newBox = Box(cell: cell, origin: box.origin, periodic: box.periodic)
    var result = Structure(box: newBox, species: species, types: [], positions: [])
    result.masses = masses
    result.positions.reserveCapacity(size * count)
    let moves = matrix.classes.map { $0.real * box.cell }
    for move in moves {
      for r in positions {
        var s = newBox.fractional(r + move)
        for k in 0..<3 where box.periodic[k] { s[k] -= (s[k] + 1e-9).rounded(.down) }
        result.positions.append(newBox.cartesian(s))
      }
      result.types += types
    }
    func copied<T>(_ values: [T]?) -> [T]? { values.map { own in moves.flatMap { _ in own } } }
    result.velocities = copied(velocities)
    result.charges = copied(charges)
    result.grains = copied(grains)
    result.held = copied(held)
    return result
  }

  /// Turns atoms, velocities and cell about the cell's origin: r ↦ o + (r − o)·R.
  package mutating func rotate(_ rotation: Matrix3) {
    let origin = box.origin
    for i in positions.indices { positions[i] = origin + (positions[i] - origin) * rotation }
    velocities = velocities.map { all in all.map { $0 * rotation } }
    box.setCell(box.cell * rotation)
  }
}

extension IntegerMatrix {
  /// One vector of each class of whole vectors modulo the rows.
  package var classes: [IntegerVector] {
    // With U A V = D the classes are those of D, seen from V⁻¹.
    let (_, d, right) = smithForm()
    let back = right.unimodularInverse
    var all: [IntegerVector] = []
    for i in 0..<d.x { for j in 0..<d.y { for k in 0..<d.z { all.append(IntegerVector(i, j, k) * back) } } }
    return all
  }
}

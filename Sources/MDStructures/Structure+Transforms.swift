import MDCore
import MDNumerics

/// Whole-structure changes in linear time; only `replicated` needs memory beyond its result's.
extension Structure {
  /// The structure repeated `counts` times along a, b, c, copy after copy. Numbers go on after the largest of the
  /// previous copy; image counts, which belong to the old cell, start again from zero. Of the atoms only `part` is made.
  package func replicated(_ counts: SIMD3<Int>, part: StructurePart = .whole) throws -> Structure {
    guard counts.x > 0, counts.y > 0, counts.z > 0 else {
      throw FaultlineError(
        .input, "a structure cannot be repeated \(counts.x) × \(counts.y) × \(counts.z) times",
        hint: "each number is at least 1")
    }
    let copies = counts.x * counts.y * counts.z
    if copies == 1 && part.ranks == 1 { return self }
    try StructureSize.check(counts, of: count, part: part)
    let cell = box.cell
    let numbers = part.numbers(of: copies * count)
    func repeated<T>(_ values: [T]) -> [T] {
      var all: [T] = []
      all.reserveCapacity(numbers.count)
      forEachCopy(in: numbers) { _, atoms in all += values[atoms] }
      return all
    }
    var result = Structure(
      box: Box(
        cell: Matrix3(Double(counts.x) * cell.x, Double(counts.y) * cell.y, Double(counts.z) * cell.z),
        origin: box.origin, periodic: box.periodic),
      species: species, types: repeated(types), positions: [])
    result.masses = masses
    result.positions.reserveCapacity(numbers.count)
    forEachCopy(in: numbers) { copy, atoms in
      let (row, k) = copy.quotientAndRemainder(dividingBy: counts.z)
      let (i, j) = row.quotientAndRemainder(dividingBy: counts.y)
      let move = Vector3(Double(i), Double(j), Double(k)) * cell
      for r in positions[atoms] { result.positions.append(r + move) }
    }
    result.velocities = velocities.map(repeated)
    result.charges = charges.map(repeated)
    result.grains = grains.map(repeated)
    result.held = held.map(repeated)
    // Numbers that leave no room for the copies' are given up for 1 … n.
    if let ids, let largest = ids.max(), !largest.multipliedReportingOverflow(by: Int64(copies)).overflow {
      var all: [Int64] = []
      all.reserveCapacity(numbers.count)
      forEachCopy(in: numbers) { copy, atoms in for id in ids[atoms] { all.append(id + Int64(copy) * largest) } }
      result.ids = all
    }
    return result
  }

  /// The copies to which these numbers of atoms belong, and which of its atoms each has of them.
  private func forEachCopy(in numbers: Range<Int>, _ body: (_ copy: Int, _ atoms: Range<Int>) -> Void) {
    var next = numbers.lowerBound
    while next < numbers.upperBound {
      let (copy, first) = next.quotientAndRemainder(dividingBy: count)
      let end = min(count, first + numbers.upperBound - next)
      body(copy, first..<end)
      next += end - first
    }
  }

  /// Applies the deformation gradient F = I + strain to cell and positions: r ↦ o + (r − o)·(I + strain), o the
  /// origin of the cell. Throws when the deformed cell would be turned inside out.
  package mutating func strain(_ strain: Matrix3) throws {
    let gradient = .identity + strain
    guard gradient.determinant > 0 else {
      throw FaultlineError(.input, "the strain turns the cell inside out", hint: "det(I + ε) must be positive")
    }
    let origin = box.origin
    for i in positions.indices { positions[i] = origin + (positions[i] - origin) * gradient }
    box.setCell(box.cell * gradient)
  }

  /// Moves all atoms, not the cell; Å.
  package mutating func shift(by move: Vector3) {
    for i in positions.indices { positions[i] += move }
  }

  /// Widens the cell by the given empty lengths (Å) perpendicular to its faces, half below and half above the atoms.
  /// Periodicity stays as it is.
  package mutating func addVacuum(_ lengths: Vector3) throws {
    guard (0..<3).allSatisfy({ lengths[$0].isFinite && lengths[$0] >= 0 }) else {
      throw FaultlineError(.input, "vacuum is a length of at least 0 Å along each axis")
    }
    if lengths == .zero { return }
    var cell = box.cell
    var move = Vector3.zero
    for k in 0..<3 where lengths[k] > 0 {
      let added = (lengths[k] / box.heights[k]) * cell[k]
      cell[k] += added
      move += 0.5 * added
    }
    box.setCell(cell)
    shift(by: move)
  }
}

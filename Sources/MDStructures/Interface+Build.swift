import MDCore
import MDNumerics

extension Interface {
  /// Atoms put together, and what was done to them.
  package struct Bicrystal: Sendable {
    /// `grains` is 0 in the lower crystal and 1 in the upper one.
    package var structure: Structure
    /// Where the interfaces are, Å above the cell's origin.
    package var heights: [Double]
    /// Atoms taken out, by crystal (lower, upper) and species of the interface.
    package var removed: [[Int]]
    /// Where the atoms were that were taken out, before any was, Å.
    package var removedAt: [(type: Int32, position: Vector3)]

    package var removedCount: Int { removed.reduce(0) { $0 + $1.reduce(0, +) } }
  }

  /// The atoms.
  ///
  /// - Parameters:
  ///   - shift: of the upper crystal in the plane, fractions of the cell of non-identical displacements.
  ///   - termination: which of `terminations`, from 0.
  ///   - expansion: additional distance at each interface, Å; changes no number of atoms.
  ///   - admit: is asked before any atom is made.
  package func structure(
    shift: (Double, Double) = (0, 0), termination number: Int = 0, expansion: Double = 0,
    admit: StructureSize.Admission = { _, _ in }
  ) throws -> Structure {
    try bicrystal(shift: shift, termination: number, expansion: expansion, admit: admit).structure
  }

  package func bicrystal(
    shift: (Double, Double) = (0, 0), termination number: Int = 0, expansion: Double = 0,
    admit: StructureSize.Admission = { _, _ in }
  ) throws -> Bicrystal {
    let termination = try termination(number)
    guard shift.0.isFinite, shift.1.isFinite, expansion.isFinite, expansion > -min(lower.thickness, upper.thickness) else {
      throw FaultlineError(.input, "shift and expansion must be finite, and no crystal may go through the other")
    }
    let height = lower.thickness + upper.thickness
    let edges = (Double(options.repeats.x) * cell.a, Double(options.repeats.y) * cell.b)
    let periodic = options.ends == .periodic
    let moved = displacements.ofEdges(SIMD2(shift.0, shift.1))
    let lean = periodic ? lean(termination, moved.x * cell.a + moved.y * cell.b) : .zero
    let box = Box(
      cell: Matrix3(
        Vector3(edges.0.x, edges.0.y, 0), Vector3(edges.1.x, edges.1.y, 0), Vector3(lean.x, lean.y, height)),
      periodic: periodic ? .all : Periodicity(true, true, false))
    let atoms = Double(count(lower) + count(upper)) * Double(options.repeats.x) * Double(options.repeats.y)
    try StructureSize.check(atoms: atoms, "the atoms of this interface")
    try admit(box, atoms)

    var structure = Structure(box: box, species: species, types: [], positions: [])
    structure.positions.reserveCapacity(Int(atoms))
    structure.types.reserveCapacity(Int(atoms))
    add(lower, cut: termination.lower.height, first: -lower.periods, bottom: lower.thickness, shift: .zero, to: &structure)
    structure.grains = Array(repeating: 0, count: structure.count)
    add(
      upper, cut: termination.upper.height, first: 0, bottom: lower.thickness, shift: moved, to: &structure)
    structure.grains! += Array(repeating: 1, count: structure.count - structure.grains!.count)
    return try finished(structure, expansion: expansion)
  }

  /// By how much the third vector of a periodic cell leans in the plane, Å: as little as makes the upper interface the lower one's
  /// image by inversion. That needs centres of inversion in the middle of both crystals, at P₁ and P₂; the image of P₂ about P₁
  /// is then a lattice vector below P₂: c = 2 (P₂ − P₁), give or take translations of either crystal.
  private func lean(_ termination: Termination, _ shift: SIMD2<Double>) -> SIMD2<Double> {
    guard let one = middle(lower, cut: termination.lower.height, first: -lower.periods),
      let other = middle(upper, cut: termination.upper.height, first: 0)
    else { return .zero }
    let c = 2 * (other + shift - one)
    let (p, q) = displacements.vectors
    let basis = Matrix2(p, q)
    let s = c * basis.inverse
    return (s - s.rounded(.toNearestOrEven)) * basis
  }

  /// Where in the plane a centre of inversion is at half the height of a crystal, Å; nil if none is there.
  private func middle(_ side: Side, cut: Double, first: Int) -> SIMD2<Double>? {
    guard let twice = side.inversion else { return nil }
    let height = cut / side.plane.spacing + Double(first) + 0.5 * Double(side.periods)
    let planes = 2 * height - twice.z
    guard abs(planes - planes.rounded()) < 1e-6 else { return nil }
    let step = SIMD2(side.plane.cell.z.x, side.plane.cell.z.y) * side.plane.lattice.inverse
    return ((SIMD2(0.5 * twice.x, 0.5 * twice.y) + height * step) * side.plane.lattice) * side.map
  }

  private func count(_ side: Side) -> Int { side.periods * side.plane.sites.count * abs(side.rows.determinant) }

  /// Planes `first` … of a crystal cut at `cut` (Å above its lattice plane), which comes to the height `bottom`.
  private func add(
    _ side: Side, cut: Double, first: Int, bottom: Double, shift: SIMD2<Double>, to structure: inout Structure
  ) {
    let plane = side.plane
    // In parts of the common cell's edges: from the plane's lattice, and the step from plane to plane.
    let toEdges = side.rows.real.inverse
    let step = SIMD2(plane.cell.z.x, plane.cell.z.y) * plane.lattice.inverse
    let classes = side.rows.classes.map { SIMD2(Double($0.x), Double($0.y)) }
    let (m, n) = (options.repeats.x, options.repeats.y)
    for period in first..<(first + side.periods) {
      for site in plane.sites {
        let z = site.position.z * plane.spacing - cut
        let lift = (z / plane.spacing).rounded(.down)
        let whole = Double(period) - lift
        let height = bottom + z + whole * plane.spacing
        let origin = SIMD2(site.position.x, site.position.y) + (site.position.z + whole) * step
        let type = side.types[plane.species.firstIndex(of: site.species)!]
        for point in classes {
          var s = (origin + point) * toEdges + shift
          // The small number keeps a coordinate of −1e-17 at the lower edge.
          s -= (s + 1e-9).rounded(.down)
          for i in 0..<m {
            for j in 0..<n {
              let r = (s.x + Double(i)) * cell.a + (s.y + Double(j)) * cell.b
              structure.positions.append(Vector3(r.x, r.y, height))
              structure.types.append(type)
            }
          }
        }
      }
    }
  }

  /// Takes out atoms that are too close, draws the crystals apart and gives them their surfaces.
  private func finished(_ initial: Structure, expansion: Double) throws -> Bicrystal {
    var structure = initial
    let (thickness, total) = (lower.thickness, lower.thickness + upper.thickness)
    let periodic = options.ends == .periodic
    // A middle of two atoms is nearer to the interface than they were, and may in turn be too close to others.
    let zone = 4 * overlap
    let candidates = structure.positions.indices.filter { i in
      let z = structure.positions[i].z
      return abs(z - thickness) < zone || (periodic && min(z, total - z) < zone)
    }
    let gone: [Int]
    var middles: Set<Int> = []
    switch options.removal {
    case .atoms:
      let merged = structure.merge(closerThan: overlap, among: candidates)
      (gone, middles) = (merged.gone, merged.middles)
    case .formulaUnits:
      gone = try structure.removeFormulaUnits(
        closerThan: overlap, among: candidates, formulas: [formula(lower), formula(upper)])
    }
    var removed = Array(repeating: Array(repeating: 0, count: species.count), count: 2)
    for i in gone { removed[Int(initial.grains![i])][Int(initial.types[i])] += 1 }

    // The faces of a periodic cell are half of the expansion below 0, and 1.5 of it above the upper crystal.
    var cell = structure.box.cell
    cell.z.z += (periodic ? 2 : 1) * expansion
    structure.box.setCell(cell)
    for i in structure.positions.indices where expansion != 0 {
      let z = structure.positions[i].z
      let moves = middles.contains(i)
        ? (z < 0.5 * thickness ? -0.5 : z < thickness + 0.5 * upper.thickness ? 0.5 : 1.5) : Double(structure.grains![i])
      structure.positions[i].z += moves * expansion
    }
    var heights = [thickness + 0.5 * expansion]
    switch options.ends {
    case .periodic: heights.append(total + 1.5 * expansion)
    case .vacuum(let vacuum):
      try structure.addVacuum(Vector3(0, 0, vacuum))
      heights[0] += 0.5 * vacuum
    }
    return Bicrystal(
      structure: structure, heights: heights, removed: removed,
      removedAt: gone.map { (initial.types[$0], initial.positions[$0]) })
  }

  /// Of a formula unit of one crystal, by species of the interface.
  func formula(_ side: Side) -> [Int] {
    species.indices.map { k in side.types.firstIndex(of: Int32(k)).map { side.formula[$0] } ?? 0 }
  }
}

extension Structure {
  /// Takes out atoms until no two of `candidates` are closer than `distance` (Å), each with as many others of its grain as
  /// make a whole formula unit: of each species those nearest to it. Of two atoms the later one goes, closest pairs first.
  /// Returns the atoms' former places.
  ///
  /// - Parameter formulas: of each grain, by species.
  /// - Throws: an input error if a grain has not enough atoms among the candidates.
  mutating func removeFormulaUnits(
    closerThan distance: Double, among candidates: [Int], formulas: [[Int]]
  ) throws -> [Int] {
    guard let grains else { preconditionFailure("formula units belong to grains") }
    var remaining = candidates
    var gone: Set<Int> = []
    // What completes a unit may free others: pairs are looked at anew until there are none.
    while true {
      let pairs = closePairsInOrder(among: remaining, closerThan: distance)
      if pairs.isEmpty { break }
      for pair in pairs where !gone.contains(pair.first) && !gone.contains(pair.second) {
        let lost = max(pair.first, pair.second)
        let grain = Int(grains[lost])
        var wanted = formulas[grain]
        gone.insert(lost)
        wanted[Int(types[lost])] -= 1
        for (type, count) in wanted.enumerated() where count > 0 {
          let others = remaining.filter { Int(types[$0]) == type && Int(grains[$0]) == grain && !gone.contains($0) }
            .map { i in (i, (distanceOfImages(lost, i) * 1e6).rounded()) }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
          guard others.count >= count else {
            throw FaultlineError(.input, "there are not enough atoms at the interface to remove whole formula units")
          }
          gone.formUnion(others.prefix(count).map(\.0))
        }
      }
      remaining.removeAll { gone.contains($0) }
    }
    if !gone.isEmpty { keepAtoms { !gone.contains($0) } }
    return gone.sorted()
  }
}

extension Structure {
  /// The distance of two atoms by the image that is nearest in fractions of the cell, Å.
  func distanceOfImages(_ i: Int, _ j: Int) -> Double {
    var s = box.fractional(positions[j]) - box.fractional(positions[i])
    for k in 0..<3 where box.periodic[k] { s[k] -= s[k].rounded(.toNearestOrEven) }
    return (s * box.cell).length
  }
}

import MDCore
import MDNumerics
import MDPotentialFiles

/// The embedded-atom method, E = Σ_i F_i(ρ_i) + Σ_{i<j} φ_ij(r_ij) with the densities ρ_i = Σ_j ρ_{j→i}(r_ij),
/// from tables (`setfl`, Finnis–Sinclair) or from published parameters (`zhou2004`).
///
/// Two passes over a half list: densities, then forces −[F′_i ρ′_{j→i} + F′_j ρ′_{i→j} + φ′] along each pair.
/// Between them densities go back from ghosts to their owners, and F′ forward to the ghosts. The first pass
/// keeps which neighbours lie within the cutoff; both look the tables up four pairs at a time.
///
/// Interpolation and what happens outside of the tables are as in LAMMPS: beyond the largest tabulated density F
/// goes on as a straight line. Daw and Baskes, Phys. Rev. B 29, 6443 (1984).
package final class EAMPotential: Potential {
  package let name = "eam"
  package let requirements: PotentialRequirements
  package var pairForces: PairForceCoverage { .energies }
  package let tables: EAMTables

  private let speciesCount: Int
  private let cutoff2: Double
  private let knotsPerLength: Double
  private let lastKnot: Double
  private let embedding: [CubicTable]
  /// Element [a · count + b]: what a gives at b, and r φ_ab(r).
  private let density: [CubicTable]
  private let pair: [CubicTable]
  private let densityKnots: AlignedBuffer<UnsafePointer<Double>>
  private let pairKnots: AlignedBuffer<UnsafePointer<Double>>

  private var densityColumn: Column<Double>?
  private var slopeColumn: Column<Double>?
  private var longestRow = 0
  private let stageScratch = AlignedBuffer<Double>()
  private let rowScratch = AlignedBuffer<Double>()
  private let pickScratch = AlignedBuffer<Double>()
  private let picked = AlignedBuffer<Int32>()
  private let pickedCounts = AlignedBuffer<Int32>()

  /// `elements` names the tables' element for each of the run's species; without it, the species' own names.
  package convenience init(
    file: String, elements: [String]? = nil, species: [String], format: EAMFormat? = nil
  ) throws {
    try self.init(
      EAMTables(file: file, format: format), elements: elements, species: species, at: SourceLocation(file: file))
  }

  package init(
    _ tables: EAMTables, elements: [String]? = nil, species: [String], at location: SourceLocation? = nil
  ) throws {
    let elements = elements ?? species
    guard elements.count == species.count else {
      throw FaultlineError(
        .input, "\(elements.count) elements are named for \(species.count) species",
        hint: "one for each of \(species.joined(separator: ", "))", at: location)
    }
    let known = tables.elements.map(\.name)
    let index = try elements.map { try require($0, in: known, "the EAM potential", at: location) }
    self.tables = tables
    speciesCount = species.count
    requirements = PotentialRequirements(cutoff: tables.cutoff, list: .half)
    cutoff2 = tables.cutoff * tables.cutoff
    knotsPerLength = 1 / tables.distanceStep
    embedding = index.map { CubicTable(tables.elements[$0].embedding, step: tables.densityStep) }
    // Equal tables are stored once, so that they take less of the processor's cache.
    var made: [[Double]: CubicTable] = [:]
    func table(_ values: [Double]) -> CubicTable {
      if let known = made[values] { return known }
      let new = CubicTable(values, step: tables.distanceStep)
      made[values] = new
      return new
    }
    density = index.flatMap { a in index.map { b in table(tables.density(from: a, at: b)) } }
    pair = index.flatMap { a in index.map { b in table(tables.pair(a, b)) } }
    lastKnot = Double((pair.first?.count ?? 1) - 1)
    densityKnots = AlignedBuffer(density.map(\.knots))
    pairKnots = AlignedBuffer(pair.map(\.knots))
  }

  package func attach(to atoms: AtomStore) throws {
    densityColumn = atoms.addColumn("eam density")
    slopeColumn = atoms.addColumn("eam embedding slope")
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    guard let densityColumn, let slopeColumn else {
      throw FaultlineError(.run, "the EAM potential was not attached to the atoms")
    }
    let list = context.neighbors(.half)
    densityColumn.storage.clear(0..<context.atoms.count)
    densities(context.atoms, list, densityColumn.pointer)
    context.ghosts.reverse(densityColumn.storage)
    var tally = embed(context.atoms, context.want, densityColumn.pointer, slopeColumn.pointer)
    context.ghosts.forward(slopeColumn.storage)
    if context.want.isEmpty {
      tally += forcesAlone(context.atoms, list, slopeColumn.pointer)
    } else {
      tally += forcesAndResults(context.atoms, list, slopeColumn.pointer, context.want)
    }
    return tally
  }

  /// First pass: the pairs within the cutoff, and ρ.
  @inline(never)
  private func densities(_ atoms: AtomView, _ list: NeighborView, _ density: UnsafeMutablePointer<Double>) {
    let longest = list.longestRow
    longestRow = longest
    let stage = RowStage(rowScratch, longestRow: longest)
    pickScratch.reserve(longest + 4)
    picked.reserve(list.pairCount + 3 * speciesCount * list.rowCount + 4)
    pickedCounts.reserve(speciesCount * list.rowCount)
    let r2 = pickScratch.pointer
    let counts = pickedCounts.pointer
    var pairs = picked.pointer
    let (kinds, cutoff2, scale, last) = (speciesCount, cutoff2, Lanes(repeating: knotsPerLength), lastKnot)
    let tables = densityKnots.pointer

    for i in 0..<list.rowCount {
      let row = list.indices + list.starts[i]
      let length = list.starts[i &+ 1] &- list.starts[i]
      stage.measure(row, length, atoms.positions, from: loadRow(atoms.positions, Int32(truncatingIfNeeded: i)))
      let a = Int(atoms.species[i])
      var sum = Lanes.zero
      for b in 0..<kinds {
        let n = stage.pick(
          row, length, within: cutoff2, species: atoms.species, kinds > 1 ? Int32(b) : nil, into: pairs, r2)
        counts[kinds &* i &+ b] = Int32(truncatingIfNeeded: n)
        let fromB = tables[kinds &* b &+ a]
        let fromA = tables[kinds &* a &+ b]
        var k = 0
        while k < n {
          let d2 = UnsafeRawPointer(r2 + k).load(as: Lanes.self)
          let weight = laneWeights(n &- k)
          let knot = KnotLanes(positiveSquareRoot(d2) * scale, last: last)
          let atI = CubicLanes(fromB, knot).value(knot.t) * weight
          let atJ = a == b ? atI : CubicLanes(fromA, knot).value(knot.t) * weight
          sum += atI
          density[Int(pairs[k])] += atJ[0]
          density[Int(pairs[k &+ 1])] += atJ[1]
          density[Int(pairs[k &+ 2])] += atJ[2]
          density[Int(pairs[k &+ 3])] += atJ[3]
          k &+= 4
        }
        pairs += (n &+ 3) & ~3
      }
      density[i] += sum.sum()
    }
  }

  /// F and F′ of the local atoms.
  private func embed(
    _ atoms: AtomView, _ want: Want, _ density: UnsafePointer<Double>, _ slope: UnsafeMutablePointer<Double>
  ) -> Tally {
    var energy = 0.0
    for i in 0..<atoms.localCount {
      let f = embedding[Int(atoms.species[i])](density[i])
      slope[i] = f.slope
      energy += f.value
      if want.contains(.atomEnergy), let energies = atoms.energies { energies[i] += f.value }
    }
    return Tally(energy: energy)
  }

  // Two compiled versions of the second pass, apart from each other for the sake of registers.
  @inline(never)
  private func forcesAlone(_ atoms: AtomView, _ list: NeighborView, _ slope: UnsafePointer<Double>) -> Tally {
    forces(atoms, list, slope, results: false, want: [])
  }
  @inline(never)
  private func forcesAndResults(
    _ atoms: AtomView, _ list: NeighborView, _ slope: UnsafePointer<Double>, _ want: Want
  ) -> Tally {
    forces(atoms, list, slope, results: true, want: want)
  }

  /// Second pass: forces, and what else is wanted.
  @inline(__always)
  private func forces(
    _ atoms: AtomView, _ list: NeighborView, _ slope: UnsafePointer<Double>, results: Bool, want: Want
  ) -> Tally {
    let counts = pickedCounts.pointer
    var pairs = UnsafePointer(picked.pointer)
    let (kinds, scale, last) = (speciesCount, Lanes(repeating: knotsPerLength), lastKnot)
    let densityTables = densityKnots.pointer
    let pairTables = pairKnots.pointer
    let stage = PairStage(stageScratch, longestRow: longestRow)
    let perAtom = want.contains(.atomEnergy) || want.contains(.atomVirial)
    var energy = Lanes.zero
    var virial = VirialSum()

    for i in 0..<list.rowCount {
      let a = Int(atoms.species[i])
      let center = loadRow(atoms.positions, Int32(truncatingIfNeeded: i))
      let slopeI = Lanes(repeating: slope[i])
      var force = Lanes.zero
      for b in 0..<kinds {
        let n = Int(counts[kinds &* i &+ b])
        let fromB = densityTables[kinds &* b &+ a]
        let fromA = densityTables[kinds &* a &+ b]
        let pairTable = pairTables[kinds &* a &+ b]
        stage.gather(pairs, (n &+ 3) & ~3, atoms.positions, from: center)
        var k = 0
        while k < n {
          let j = pairs + k
          let d = stage.vectors(k)
          let r = positiveSquareRoot(d.squaredDistances)
          let inverse = 1 / r
          let weight = laneWeights(n &- k)
          let knot = KnotLanes(r * scale, last: last)
          let slopeJ = Lanes(slope[Int(j[0])], slope[Int(j[1])], slope[Int(j[2])], slope[Int(j[3])])
          let z = CubicLanes(pairTable, knot)
          let phi = z.value(knot.t) * inverse
          let atI = CubicLanes(fromB, knot).slope(knot.t)
          // dE/dr, with φ′ = (z′ − φ)/r for z = rφ. Slopes are per knot.
          var change = (slopeI + slopeJ) * atI
          if a != b {
            change = slopeI * atI
            change.addProduct(slopeJ, CubicLanes(fromA, knot).slope(knot.t))
          }
          change = (change * scale).addingProduct(z.slope(knot.t) * scale - phi, inverse)
          let s = Lanes.zero - change * inverse * weight
          stage.setFactors(s, k)
          if results {
            energy.addProduct(phi, weight)
            virial.add(s, d)
            if perAtom {
              var own: (Lanes, Lanes)?
              if want.contains(.pairForces) {
                // Each embedding changes by its own density; the pair term's change is shared.
                let atJ = a == b ? atI : CubicLanes(fromA, knot).slope(knot.t)
                let difference = (slopeI * atI - slopeJ * atJ) * scale * inverse * weight
                own = (0.5 * (s - difference), 0.5 * (s + difference))
              }
              addAtomResults(atoms, want, i, j, n &- k, energy: phi, s, d, own: own)
            }
          }
          k &+= 4
        }
        force += stage.push(pairs, n, atoms.positions, from: center, atoms.forces)
        pairs += (n &+ 3) & ~3
      }
      addRow(Lanes.zero - force, to: atoms.forces, Int32(truncatingIfNeeded: i))
    }
    return Tally(energy: energy.sum(), virial: virial.matrix)
  }
}

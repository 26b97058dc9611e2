import MDCore
import MDNumerics
import MDPotentialFiles

/// Runs the kernels over all local atoms, block by block: radial functions and sums over neighbours, densities and
/// energies, and back to forces.
package final class ACEEngine {
  let file: ACEFile
  private let centres: [ACECentre]
  private let core: ACECore
  private let blocks: AtomBlocks
  /// A group for each element, or one for all that share their sums. Where there is no neighbour the distance is the
  /// longest cutoff, where all functions are zero.
  let slots: NeighborSlots
  let elementOfSpecies: AlignedBuffer<Int32>
  private let harmonicFactors: [AlignedBuffer<Double>]

  let records = AlignedBuffer<AtomLanes>()
  private let harmonics = AlignedBuffer<AtomLanes>(
    capacity: ACEKernels.chunk * UnitHarmonics.count(ACEFile.mostDegree))
  private let gradients = AlignedBuffer<AtomLanes>(capacity: 2 * UnitHarmonics.count(ACEFile.mostDegree))
  private let places = AlignedBuffer<ACETableKernel.Places>(capacity: ACEKernels.chunk)
  /// Z_n of the neighbours of a slot.
  private let neighborWeights = AlignedBuffer<AtomLanes>(capacity: ACEFile.mostRadialFunctions)
  private let values = AlignedBuffer<AtomLanes>()
  private let adjoint = AlignedBuffer<AtomLanes>()
  private let densities = AlignedBuffer<AtomLanes>(capacity: ACEFile.mostDensities)
  /// ∂E/∂ρ_p, and w_p F′_p alone.
  private let weights = AlignedBuffer<AtomLanes>(capacity: ACEFile.mostDensities)
  let slopes = AlignedBuffer<AtomLanes>(capacity: ACEFile.mostDensities)
  /// Of core repulsion and switches, ∂E/∂r of each slot, eV/Å.
  private let coreSlopes = AlignedBuffer<AtomLanes>()
  let grades: ACEGrades?
  private(set) var largestGrade = 0.0

  /// - Parameter elementOfSpecies: of each species of the run, the element of the file, whose elements are all in use.
  package init(_ file: ACEFile, elementOfSpecies: [Int32]) throws {
    self.file = file
    let core = try ACECore(file)
    self.core = core
    let elements = file.elements.indices
    centres = try elements.map { try ACECentre(file, $0, core) }
    blocks = AtomBlocks(elementCount: elements.count)
    slots = NeighborSlots(
      cutoffs: elements.map { a in elements.map { file.bond(a, $0).cutoff } },
      groupOfElement: elements.map { file.isReal ? 0 : $0 }, padding: Vector3(file.cutoff, 0, 0))
    self.elementOfSpecies = AlignedBuffer(elementOfSpecies + [0])
    harmonicFactors = (0...ACEFile.mostDegree).map { AlignedBuffer(UnitHarmonics.factors(max($0, 1))) }
    let most = centres.map(\.plan.polynomial.valueCount).max() ?? 1
    values.reserve(most)
    adjoint.reserve(most)
    grades = file.activeSet.map { [centres] in ACEGrades(file, core, centres.map(\.plan), $0) }
  }

  /// Adds forces and what `want` asks for; with `.assessment` and an active set it also writes grades of atoms.
  package func compute(
    _ atoms: AtomView, _ list: NeighborView, want: Want, grades column: UnsafeMutablePointer<Double>? = nil
  ) -> Tally {
    var tally = Tally.zero
    let assesses = want.contains(.assessment) && grades != nil
    if assesses { largestGrade = 0 }
    blocks.sort(atoms, list, elementOfSpecies.pointer)
    blocks.forEach { block in
      let centre = centres[block.element]
      slots.fill(block, atoms, list, elementOfSpecies.pointer)
      let isClose = sum(block, centre, atoms)
      let energies = evaluate(block, centre, isClose: isClose)
      for lane in 0..<block.count {
        tally.energy += energies[lane]
        if want.contains(.atomEnergy) { atoms.energies?[Int(block.centers[lane])] += energies[lane] }
      }
      centre.products.backward(values.pointer, weights: weights.pointer, adjoint.pointer)
      forces(block, centre, atoms, want, isClose: isClose, &tally)
      if assesses { assess(block, column) }
    }
    if assesses { flushGrades(column) }
    return tally
  }

  // MARK: Sums

  /// Records of all slots, sums and densities of pairs. Whether a neighbour is within the reach of core repulsion or
  /// inner switches.
  private func sum(_ block: AtomBlocks.Block, _ centre: ACECentre, _ atoms: AtomView) -> Bool {
    let plan = centre.plan
    let stride = centre.stride
    // One more: forces take slots by twos.
    records.reserve((slots.count + 1) * stride)
    for k in 0..<plan.variableCount { values.pointer[k] = .zero }
    for p in 0..<plan.densityCount { densities.pointer[p] = .zero }
    var isClose = centre.isAlwaysSwitched
    for (number, channel) in plan.channels.enumerated() {
      let range = slots.range(channel.element)
      var first = range.lowerBound
      var nearest = AtomLanes.zero
      while first < range.upperBound {
        let count = min(ACEKernels.chunk, range.upperBound - first)
        nearest = tabulate(first, count, centre, number, nearest)
        if let weights = centre.neighborWeights { weigh(first, count, centre, UnsafePointer(weights.pointer), atoms) }
        if file.innerCutoff == .distance { damp(first, count, block.element, centre, channel.element) }
        accumulate(first, count, centre, channel)
        first += count
      }
      let reach = centre.reaches[number]
      if reach > 0, any(nearest .> AtomLanes(repeating: 1 / reach)) { isClose = true }
    }
    return isClose
  }

  /// Geometry, harmonics and radial functions of some slots. Returns the largest 1/r.
  private func tabulate(
    _ first: Int, _ count: Int, _ centre: ACECentre, _ number: Int, _ before: AtomLanes
  ) -> AtomLanes {
    let (stride, functions) = (centre.stride, centre.functionCount)
    let table = centre.tables[number]
    let ruler = centre.rulers[number]
    let records = records.pointer + first * stride
    let neighbors = UnsafePointer(slots.slots.pointer) + first
    let places = places.pointer
    var nearest = before
    for k in 0..<count {
      let (x, y, z) = (neighbors[k].x, neighbors[k].y, neighbors[k].z)
      let square = (x * x).addingProduct(y, y).addingProduct(z, z)
      let r = square.squareRoot()
      let inverse = reciprocal(r)
      let record = records + k * stride
      record[0] = x * inverse
      record[1] = y * inverse
      record[2] = z * inverse
      record[3] = inverse
      nearest = nearest.replacing(with: inverse, where: inverse .> nearest)
      places[k] = ruler.places(r)
    }
    let (coefficients, length, groups) = (table.coefficients, table.stride, table.groups)
    for k in 0..<count {
      ACETableKernel.evaluate(
        coefficients, stride: length, groups: groups, places + k, records + (k * stride + ACEKernels.headLanes),
        slopes: functions)
    }
    let degree = centre.plan.channels[number].degree
    if degree > 0 {
      let factors = UnsafePointer(harmonicFactors[degree].pointer)
      let width = UnitHarmonics.count(degree)
      let out = harmonics.pointer
      for k in 0..<count {
        let record = records + k * stride
        UnitHarmonics.evaluate(record[0], record[1], record[2], degree, factors, out + k * width)
      }
    }
    return nearest
  }

  /// Multiplies the radial functions of each neighbour by the weights of its element.
  private func weigh(
    _ first: Int, _ count: Int, _ centre: ACECentre, _ weights: UnsafePointer<Double>, _ atoms: AtomView
  ) {
    let (stride, functions, radialCount) = (centre.stride, centre.functionCount, centre.radialCount)
    let elements = elementOfSpecies.pointer
    let z = UnsafePointer(neighborWeights.pointer)
    let lanes = AtomLanes.scalarCount
    let own = UnsafeMutableRawPointer(neighborWeights.pointer).assumingMemoryBound(to: Double.self)
    for k in 0..<count {
      let record = records.pointer + ((first + k) * stride + ACEKernels.headLanes)
      let index = slots.slots.pointer[first + k].index
      for lane in 0..<lanes {
        // Where there is no neighbour the functions are zero.
        let element = index[lane] >= 0 ? Int(elements[Int(atoms.species[Int(index[lane])])]) : 0
        let row = weights + element * radialCount
        for n in 0..<radialCount { own[n * lanes + lane] = row[n] }
      }
      for block in centre.plan.channels[0].blocks {
        for l in 0...block.degree {
          let f = block.place + l * block.width
          for n in 0..<block.width {
            record[f + n] *= z[block.first - 1 + n]
            record[functions + f + n] *= z[block.first - 1 + n]
          }
        }
      }
    }
  }

  /// Multiplies the radial functions of close neighbours by the inner switch.
  private func damp(_ first: Int, _ count: Int, _ element: Int, _ centre: ACECentre, _ neighbor: Int) {
    guard core.damps(element, neighbor) else { return }
    let (stride, functions) = (centre.stride, centre.functionCount)
    let limit = 1 / core.reach(element, neighbor)
    for k in first..<(first + count) {
      let record = records.pointer + k * stride
      let inverse = record[3]
      guard any(inverse .> AtomLanes(repeating: limit)) else { continue }
      var value = AtomLanes(repeating: 1)
      var slope = AtomLanes.zero
      for lane in 0..<AtomLanes.scalarCount where inverse[lane] > limit {
        (value[lane], slope[lane]) = core.damping(element, neighbor, 1 / inverse[lane])
      }
      for f in ACEKernels.headLanes..<(ACEKernels.headLanes + functions) {
        record[functions + f] = (record[functions + f] * value).addingProduct(record[f], slope)
        record[f] *= value
      }
    }
  }

  private func accumulate(_ first: Int, _ count: Int, _ centre: ACECentre, _ channel: ACEPlan.Channel) {
    let stride = centre.stride
    let records = UnsafePointer(records.pointer) + (first * stride + ACEKernels.headLanes)
    let y = UnsafePointer(harmonics.pointer)
    let width = UnitHarmonics.count(channel.degree)
    let values = values.pointer
    for block in channel.blocks {
      let (functions, sums) = (records + block.place, values + block.sums)
      @inline(__always)
      func sum<let N: Int>(_ size: Size<N>.Type) {
        ACEKernels.accumulate(
          size, functions, stride: stride, y, width: width, count: count, degree: block.degree, sums)
      }
      switch block.width {
      case 1: sum(Size<1>.self)
      case 2: sum(Size<2>.self)
      case 3: sum(Size<3>.self)
      case 4: sum(Size<4>.self)
      case 5: sum(Size<5>.self)
      case 6: sum(Size<6>.self)
      case 7: sum(Size<7>.self)
      default: sum(Size<8>.self)
      }
    }
    for p in 0..<channel.pairCount {
      var rho = densities.pointer[p]
      for k in 0..<count { rho += records[k * stride + channel.pairPlace + p] }
      densities.pointer[p] = rho
    }
  }

  // MARK: Energies

  /// Energies of the atoms; leaves ∂E/∂ρ_p in `weights`, w_p F′_p in `slopes` and ∂E/∂r of the core in `coreSlopes`.
  private func evaluate(_ block: AtomBlocks.Block, _ centre: ACECentre, isClose: Bool) -> AtomLanes {
    let densities = densities.pointer
    centre.products.forward(values.pointer, densities)
    var energy = AtomLanes.zero
    for p in 0..<centre.plan.densityCount {
      let w = centre.weights[p]
      for lane in 0..<block.count {
        let (value, slope) = centre.embeddings[p](densities[p][lane])
        energy[lane] += w * value
        slopes.pointer[p][lane] = w * slope
      }
      for lane in block.count..<AtomLanes.scalarCount { slopes.pointer[p][lane] = 0 }
      weights.pointer[p] = slopes.pointer[p] * centre.scale
    }
    energy *= centre.scale
    if isClose {
      let factor = addCore(block, centre, &energy)
      for p in 0..<centre.plan.densityCount { weights.pointer[p] *= factor }
    }
    return energy + centre.offset
  }

  /// Core repulsion and switches: changes the energies, and returns what ∂E/∂ρ_p must be multiplied by.
  private func addCore(_ block: AtomBlocks.Block, _ centre: ACECentre, _ energy: inout AtomLanes) -> AtomLanes {
    let (element, stride) = (block.element, centre.stride)
    coreSlopes.reserve(slots.count)
    let own = coreSlopes.pointer
    for k in 0..<slots.count { own[k] = .zero }
    var factors = AtomLanes(repeating: 1)
    for lane in 0..<block.count {
      var repulsion = 0.0
      var nearest = (nearness: Double.infinity, slot: -1, neighbor: 0, r: 0.0)
      func forEach(_ body: (_ slot: Int, _ neighbor: Int, _ r: Double) -> Void) {
        for channel in centre.plan.channels {
          for k in slots.range(channel.element) where slots.slots.pointer[k].index[lane] >= 0 {
            body(k, channel.element, 1 / records.pointer[k * stride + 3][lane])
          }
        }
      }
      if core.kind == .zbl {
        forEach { k, neighbor, r in
          let value = r - core.nearness(element, neighbor)
          if value < nearest.nearness { nearest = (value, k, neighbor, r) }
        }
        guard nearest.slot >= 0, nearest.r < core.reach(element, nearest.neighbor) else { continue }
        let (f, fSlope) = core.proximity(element, nearest.neighbor, nearest.r)
        forEach { k, neighbor, r in
          let (value, slope) = core.repulsion(element, neighbor, r)
          repulsion += value
          own[k][lane] = (1 - f) * slope
        }
        own[nearest.slot][lane] += (energy[lane] - repulsion) * fSlope
        energy[lane] = energy[lane] * f + repulsion * (1 - f)
        factors[lane] = f
      } else {
        forEach { k, neighbor, r in
          let (value, slope) = core.repulsion(element, neighbor, r)
          repulsion += value
          own[k][lane] = slope
        }
        let (q, change) = core.factor(element, repulsion)
        let slope = 1 + energy[lane] * change
        for k in 0..<slots.count { own[k][lane] *= slope }
        energy[lane] = energy[lane] * q + repulsion
        factors[lane] = q
      }
    }
    return factors
  }

  // MARK: Forces

  private func forces(
    _ block: AtomBlocks.Block, _ centre: ACECentre, _ atoms: AtomView, _ want: Want, isClose: Bool, _ tally: inout Tally
  ) {
    let (stride, functions) = (centre.stride, centre.functionCount)
    let neighbors = UnsafePointer(slots.slots.pointer)
    let core = isClose ? UnsafePointer(coreSlopes.pointer) : nil
    var results = SlotForces(block, atoms, want)
    let (y, h) = (harmonics.pointer, gradients.pointer)
    let weights = UnsafePointer(weights.pointer)
    let adjoint = UnsafePointer(adjoint.pointer)
    for channel in centre.plan.channels {
      let degree = channel.degree
      let width = UnitHarmonics.count(degree)
      let factors = UnsafePointer(harmonicFactors[degree].pointer)
      let range = slots.range(channel.element)
      for k in Swift.stride(from: range.lowerBound, to: range.upperBound, by: 2) {
        // The last may be alone; what stands behind it is not looked at.
        let one = UnsafePointer(records.pointer) + k * stride
        let two = k + 1 < range.upperBound ? one + stride : one
        if degree > 0 {
          UnitHarmonics.evaluate(one[0], one[1], one[2], degree, factors, y)
          UnitHarmonics.evaluate(two[0], two[1], two[2], degree, factors, y + width)
          for m in 0..<(2 * width) { h[m] = .zero }
        }
        var slope = (AtomLanes.zero, AtomLanes.zero)
        for block in channel.blocks {
          let part = ACEKernels.headLanes + block.place
          @inline(__always)
          func pull<let N: Int>(_ size: Size<N>.Type) -> (AtomLanes, AtomLanes) {
            ACEKernels.pullBack(
              size, one + part, two + part, slopes: functions, degree: block.degree, adjoint + block.sums, y,
              y + width, h, h + width)
          }
          let more =
            switch block.width {
            case 1: pull(Size<1>.self)
            case 2: pull(Size<2>.self)
            case 3: pull(Size<3>.self)
            case 4: pull(Size<4>.self)
            case 5: pull(Size<5>.self)
            case 6: pull(Size<6>.self)
            case 7: pull(Size<7>.self)
            default: pull(Size<8>.self)
            }
          slope.0 += more.0
          slope.1 += more.1
        }
        let pairs = ACEKernels.headLanes + functions + channel.pairPlace
        for p in 0..<channel.pairCount {
          slope.0.addProduct(one[pairs + p], weights[p])
          slope.1.addProduct(two[pairs + p], weights[p])
        }
        if let core {
          slope.0 += core[k]
          if k + 1 < range.upperBound { slope.1 += core[k + 1] }
        }
        add(neighbors[k], one, slope.0, h, y, degree, &results)
        if k + 1 < range.upperBound { add(neighbors[k + 1], two, slope.1, h + width, y + width, degree, &results) }
      }
    }
    results.finish(&tally)
  }

  /// ∂E/∂d = (slope) n + (g − (g·n) n)/r, g = Σ h ∇Y.
  @inline(__always)
  private func add(
    _ slot: NeighborSlots.Slot, _ record: UnsafePointer<AtomLanes>, _ slope: AtomLanes,
    _ h: UnsafePointer<AtomLanes>, _ y: UnsafePointer<AtomLanes>, _ degree: Int, _ results: inout SlotForces
  ) {
    let (nx, ny, nz, inverse) = (record[0], record[1], record[2], record[3])
    guard degree > 0 else { return results.add(slot, slope * nx, slope * ny, slope * nz) }
    let g = UnitHarmonics.gradient(h, y, degree)
    let along = (g.x * nx).addingProduct(g.y, ny).addingProduct(g.z, nz)
    let radial = slope.subtractingProduct(along, inverse)
    results.add(
      slot, (radial * nx).addingProduct(g.x, inverse), (radial * ny).addingProduct(g.y, inverse),
      (radial * nz).addingProduct(g.z, inverse))
  }

  // MARK: Grades

  private func assess(_ block: AtomBlocks.Block, _ column: UnsafeMutablePointer<Double>?) {
    guard let grades else { return }
    if grades.mustFlush(before: block.element) { flushGrades(column) }
    grades.add(block, slots: slots, values: values.pointer, slopes: slopes.pointer)
    if grades.isFull { flushGrades(column) }
  }

  /// Finds the grades of the atoms that were collected.
  private func flushGrades(_ column: UnsafeMutablePointer<Double>?) {
    grades?.flush { atom, grade in
      column?[atom] = grade
      // A grade that is not a number must show.
      if !(grade <= largestGrade) { largestGrade = grade.isNaN ? .infinity : grade }
    }
  }
}

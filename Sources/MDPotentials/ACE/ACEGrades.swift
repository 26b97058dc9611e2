import MDCore
import MDNumerics
import MDPotentialFiles

/// Extrapolation grades γ = max_j |Σ_k v_k M_kj|, see `ACEActiveSet`. Atoms are collected block by block, because the
/// matrices are large: one pass over a matrix serves several blocks.
final class ACEGrades {
  /// Of an element.
  private struct Element {
    /// u and v of each monomial.
    var factors: [SIMD2<Int32>]
    /// The invariants of several factors: a row each of monomials and coefficients.
    var rows: [(place: Int, terms: [(monomial: Int, factor: Double)])]
    /// Those of one: places of the sums of g_k, [neighbour's element][k], −1 where there is none.
    var pairs: [[Int]]
    var tables: [ACERadialTable]
    /// Columns of M, those of its rows that are in use: [column][v].
    var matrix: AlignedBuffer<Double>
    var columns: Int
    /// Numbers in v: invariants, or for each density those.
    var count: Int
    var invariants: Int
    var densities: Int
  }
  private let elements: [Element]
  private let core: ACECore
  private let isLinear: Bool

  /// Blocks that share a pass.
  private static let batch = 4
  private var centers: [[Int]] = []
  private var element = -1
  /// v of the blocks collected: [k][block].
  private let vectors = AlignedBuffer<AtomLanes>()
  private let monomials = AlignedBuffer<AtomLanes>()
  private let invariants = AlignedBuffer<AtomLanes>()
  private let functions = AlignedBuffer<AtomLanes>()

  init(_ file: ACEFile, _ core: ACECore, _ plans: [ACEPlan], _ set: ACEActiveSet) {
    self.core = core
    isLinear = set.isLinear
    elements = plans.enumerated().map { centre, plan in
      let size = set.sizes[centre]
      let (n, p) = (plan.invariants.count, plan.densityCount)
      // Rows of the matrix that belong to the invariants in use, density by density.
      let whole = set.isLinear ? size : size / p
      let places = (0..<(set.isLinear ? 1 : p)).flatMap { d in plan.invariants.map { d * whole + $0.row } }
      var matrix: [Double] = []
      matrix.reserveCapacity(size * places.count)
      for j in 0..<size { for k in places { matrix.append(set.matrices[centre][k * size + j]) } }
      var pairs = plan.channels.map { Array(repeating: -1, count: file.bond(centre, $0.element).basisCount) }
      var rows: [(place: Int, terms: [(monomial: Int, factor: Double)])] = []
      for (place, invariant) in plan.invariants.enumerated() {
        if let pair = invariant.pair {
          pairs[pair.x][pair.y] = place
        } else {
          rows.append((place, invariant.terms))
        }
      }
      return Element(
        factors: plan.polynomial.factors, rows: rows, pairs: pairs,
        tables: plan.channels.map { channel in
          let bond = file.bond(centre, channel.element)
          return ACERadialTable(
            bond, rows: (0..<bond.basisCount).map { k in (0..<bond.basisCount).map { $0 == k ? 1 : 0 } })
        },
        matrix: AlignedBuffer(matrix), columns: size, count: places.count, invariants: n, densities: p)
    }
  }

  var isFull: Bool { centers.count == Self.batch }

  /// Whether atoms of another element are waiting.
  func mustFlush(before element: Int) -> Bool { !centers.isEmpty && self.element != element }

  /// Takes a block whose sums and products are in `values`, and w_p F′_p in `slopes`.
  func add(
    _ block: AtomBlocks.Block, slots: NeighborSlots, values: UnsafePointer<AtomLanes>,
    slopes: UnsafePointer<AtomLanes>
  ) {
    let own = elements[block.element]
    element = block.element
    vectors.reserve(own.count * Self.batch)
    monomials.reserve(own.factors.count)
    invariants.reserve(own.invariants)
    let (m, b) = (monomials.pointer, invariants.pointer)
    own.factors.withUnsafeBufferPointer { factors in
      for k in factors.indices { m[k] = values[Int(factors[k].x)] * values[Int(factors[k].y)] }
    }
    for row in own.rows {
      var sum = AtomLanes.zero
      for term in row.terms { sum.addProduct(m[term.monomial], term.factor) }
      b[row.place] = sum
    }
    sumPairs(block, own, slots, b)
    let place = centers.count
    for k in 0..<own.count {
      let value = b[k % own.invariants]
      vectors.pointer[k * Self.batch + place] = isLinear ? value : slopes[k / own.invariants] * value
    }
    centers.append((0..<block.count).map { Int(block.centers[$0]) })
  }

  /// A_μn = Σ_j g_n of the invariants of one factor.
  private func sumPairs(
    _ block: AtomBlocks.Block, _ own: Element, _ slots: NeighborSlots, _ b: UnsafeMutablePointer<AtomLanes>
  ) {
    for (neighbor, places) in own.pairs.enumerated() where places.contains(where: { $0 >= 0 }) {
      let table = own.tables[neighbor]
      let ruler = ACETableKernel.Ruler(table)
      functions.reserve(2 * table.count)
      let g = functions.pointer
      for place in places where place >= 0 { b[place] = .zero }
      let damps = core.damps(block.element, neighbor)
      for k in slots.range(neighbor) {
        let slot = slots.slots.pointer[k]
        let r = (slot.x * slot.x).addingProduct(slot.y, slot.y).addingProduct(slot.z, slot.z).squareRoot()
        let own = ruler.places(r)
        withUnsafePointer(to: own) {
          ACETableKernel.evaluate(
            table.coefficients, stride: table.stride, groups: table.groups, $0, g, slopes: table.count)
        }
        var factor = AtomLanes(repeating: 1)
        if damps {
          for lane in 0..<AtomLanes.scalarCount { factor[lane] = core.damping(block.element, neighbor, r[lane]).value }
        }
        for (n, place) in places.enumerated() where place >= 0 { b[place].addProduct(g[n], factor) }
      }
    }
  }

  /// Hands on the grades of the atoms that are waiting.
  func flush(_ body: (_ atom: Int, _ grade: Double) -> Void) {
    guard !centers.isEmpty else { return }
    let own = elements[element]
    let v = UnsafePointer(vectors.pointer)
    var largest = InlineArray<4, AtomLanes>(repeating: .zero)
    var row = UnsafePointer(own.matrix.pointer)
    for _ in 0..<own.columns {
      var sum = InlineArray<4, AtomLanes>(repeating: .zero)
      var from = v
      for k in 0..<own.count {
        for i in 0..<4 { sum[i].addProduct(from[i], row[k]) }
        from += 4
      }
      row += own.count
      for i in 0..<4 { largest[i] = Self.greatest(largest[i], sum[i]) }
    }
    for (i, atoms) in centers.enumerated() {
      for (lane, atom) in atoms.enumerated() { body(atom, largest[i][lane]) }
    }
    centers = []
  }

  /// max(a, |b|); what is not a number stays one.
  @inline(__always)
  private static func greatest(_ a: AtomLanes, _ b: AtomLanes) -> AtomLanes {
    let size = b.replacing(with: -b, where: b .< AtomLanes.zero)
    return size.replacing(with: a, where: (a .>= size) .| (a .!= a))
  }
}

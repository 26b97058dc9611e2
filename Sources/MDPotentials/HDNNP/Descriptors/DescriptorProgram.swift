import MDCore
import MDNumerics

/// One operation on the cosines of a triangle, flat.
struct AngularOperation: BitwiseCopyable {
  enum Kind: UInt8, BitwiseCopyable {
    /// 1 and c for one, two or three exponents.
    case linear1, linear2, linear3
    case quadratic, quarticPair, quartic, power, bump
  }
  var kind: Kind
  /// Columns of exp(−η q), of which linear2 has two and linear3 three.
  var levels: (Int, Int, Int)
  /// First moment within the block.
  var offset: Int
  /// 2η of each level, Å⁻².
  var twiceEta: SIMD4<Double>
  var lambda = 0.0
  var zeta = 0.0
  /// ζ if it is whole, else 0.
  var wholeZeta = 0
  var angle = AngleBump()
}

/// Functions of one family between certain elements, from the point of view of a centre.
struct BlockProgram: BitwiseCopyable {
  /// Elements of the neighbours, second ≥ first; equal for pairs.
  var first: Int
  var second: Int
  var edge: Int
  /// r_s, Å.
  var shift: Double
  var cutoff: Double
  var steps: UnsafeBufferPointer<ChainStep>
  var etas: UnsafeBufferPointer<Double>
  var operations: UnsafeBufferPointer<AngularOperation>
  /// Moments, whole lanes.
  var count: Int
  /// Where the block begins among the moments of the centre and of the two neighbours.
  var startOfCenter: Int
  var startOfFirst: Int
  var startOfSecond: Int
}

/// The blocks of functions that atoms of one element need. The tables live as long as their `DescriptorProgram`.
struct CenterProgram: BitwiseCopyable {
  var pairs: UnsafeBufferPointer<BlockProgram>
  var triangles: UnsafeBufferPointer<BlockProgram>
  var wide: UnsafeBufferPointer<BlockProgram>
  var momentCount: Int
}

/// A `DescriptorPlan` as the kernel reads it.
final class DescriptorProgram {
  let edges: AlignedBuffer<EdgeProgram>
  let edgeCount: Int
  let centers: AlignedBuffer<CenterProgram>
  let elementCount: Int
  let hasWide: Bool
  /// Columns that the longest exponential chain needs.
  private(set) var columnCount = 1
  /// Moments of the longest block.
  private(set) var longestBlock = 4
  /// Moments an atom, whole lanes.
  let momentCount: Int
  let cutoff: Double
  private var owned: [AnyObject] = []

  init(_ plan: DescriptorPlan) {
    edges = AlignedBuffer(plan.edges.map(\.program))
    edgeCount = plan.edges.count
    elementCount = plan.momentCounts.count
    hasWide = !plan.wide.isEmpty
    momentCount = max(plan.momentCounts.max() ?? 0, 4)
    cutoff = plan.edges.map(\.cutoff).max() ?? 0
    centers = AlignedBuffer(capacity: max(elementCount, 1))

    for center in 0..<elementCount {
      var pairs: [BlockProgram] = []
      var triangles: [BlockProgram] = []
      var wide: [BlockProgram] = []
      for group in plan.pairs {
        guard let other = Self.others(group.elements, than: center) else { continue }
        for block in group.blocks {
          pairs.append(flat(block, plan, group.elements, corners: [center, other[0], other[0]], sides: 1))
        }
      }
      for group in plan.triangles {
        guard let others = Self.others(group.elements, than: center) else { continue }
        for block in group.blocks {
          triangles.append(flat(block, plan, group.elements, corners: [center] + others, sides: 3))
        }
      }
      for group in plan.wide where group.elements[0] == center {
        for block in group.blocks { wide.append(flat(block, plan, group.elements, corners: group.elements, sides: 2)) }
      }
      centers.pointer[center] = CenterProgram(
        pairs: keep(pairs), triangles: keep(triangles), wide: keep(wide), momentCount: plan.momentCounts[center])
    }
  }

  private static func others(_ members: [Int], than center: Int) -> [Int]? {
    guard let place = members.firstIndex(of: center) else { return nil }
    var rest = members
    rest.remove(at: place)
    return rest
  }

  private func keep<T: BitwiseCopyable>(_ values: [T]) -> UnsafeBufferPointer<T> {
    let buffer = AlignedBuffer(values)
    owned.append(buffer)
    return UnsafeBufferPointer(start: buffer.pointer, count: values.count)
  }

  private func flat(
    _ block: DescriptorPlan.Block, _ plan: DescriptorPlan, _ members: [Int], corners: [Int], sides: Int
  ) -> BlockProgram {
    let chain = ExponentialChain(block.exponents)
    columnCount = max(columnCount, chain.columnCount)
    longestBlock = max(longestBlock, block.count)
    let cutoff = plan.edges[block.family.edge].cutoff
    // The largest sum of (r − r_s)² over the sides.
    let farthest = max(block.family.shift, cutoff - block.family.shift)
    let limit = Double(sides) * farthest * farthest
    let steps = chain.steps.map { step in
      ChainStep(step, limit: limit) { keep($0).baseAddress! }
    }
    let operations = AngularOperation.merged(
      block.operations.map { AngularOperation($0, eta: block.exponents[$0.level]) })
    func start(_ element: Int) -> Int { block.starts[members.firstIndex(of: element)!] }
    return BlockProgram(
      first: corners[1], second: corners[2], edge: block.family.edge, shift: block.family.shift,
      cutoff: cutoff, steps: keep(steps), etas: keep(block.exponents),
      operations: keep(operations), count: block.count,
      startOfCenter: block.starts[members.firstIndex(of: corners[0])!], startOfFirst: start(corners[1]),
      startOfSecond: start(corners[2]))
  }
}

extension AngularOperation {
  init(_ operation: DescriptorPlan.Operation, eta: Double) {
    levels = (operation.level, 0, 0)
    offset = operation.offset
    twiceEta = [2 * eta, 0, 0, 0]
    switch operation.factor {
    case .polynomial(let degree): kind = degree == 1 ? .linear1 : degree == 2 ? .quadratic : .quartic
    case .quarticPair: kind = .quarticPair
    case .power(let lambda, let zeta):
      kind = .power
      self.lambda = lambda
      self.zeta = zeta
      wholeZeta = zeta == zeta.rounded() && zeta < 1e6 ? Int(zeta) : 0
    case .bump(let core, let center, let width):
      kind = .bump
      angle = AngleBump(core: core, center: center, width: width)
    }
  }
}

extension AngularOperation {
  /// Puts up to three neighbouring linear operations into one.
  fileprivate static func merged(_ operations: [AngularOperation]) -> [AngularOperation] {
    var merged: [AngularOperation] = []
    for operation in operations {
      guard let last = merged.last, operation.kind == .linear1,
        let number = [Kind.linear1, .linear2].firstIndex(of: last.kind)
      else {
        merged.append(operation)
        continue
      }
      var longer = last
      longer.kind = number == 0 ? .linear2 : .linear3
      if number == 0 { longer.levels.1 = operation.levels.0 } else { longer.levels.2 = operation.levels.0 }
      longer.twiceEta[number + 1] = operation.twiceEta[0]
      merged[merged.count - 1] = longer
    }
    return merged
  }
}

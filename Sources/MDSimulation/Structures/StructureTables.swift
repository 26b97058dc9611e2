import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// `structure.enumerate` and `structure.match`: tables in place of atoms. Runs on rank 0.
enum StructureTables {
  /// The lines to print; nil if the deck's structure is none of them.
  static func lines(_ plan: RunPlan) throws -> [String]? {
    guard let source = plan.structure else { return nil }
    switch source.source {
    case .enumeration(let table): return try StructureFactory.blaming(source) { try lines(table, types: plan.numberedTypes) }
    case .match(let table): return try StructureFactory.blaming(source) { try lines(table, types: plan.numberedTypes) }
    default: return nil
    }
  }

  private static func lines(_ plan: EnumerationPlan, types: [String]?) throws -> [String] {
    let crystal = try plan.crystal.map { try CrystalFactory.unitCell($0, types: types) }
      ?? LatticeType.sc.unitCell(a: 1, species: ["X"])
    let table = try CoincidenceTable(crystal, axis: plan.axis, sigma: plan.largestSigma, strain: plan.maxStrain)
    guard !table.rotations.isEmpty else {
      throw FaultlineError(
        .input, "no rotation about [\(plan.axis.x) \(plan.axis.y) \(plan.axis.z)] has Σ up to \(plan.largestSigma)",
        hint: "raise `sigma_max` or `max_strain`")
    }
    let name = plan.crystal == nil ? "cubic lattices" : crystal.formula
    return ["coincidence rotations of \(name) about [\(plan.axis.x) \(plan.axis.y) \(plan.axis.z)]"] + table.lines
  }

  private static func lines(_ plan: MatchPlan, types: [String]?) throws -> [String] {
    let lower = try CrystalFactory.unitCell(plan.lower, types: types)
    let upper = try CrystalFactory.unitCell(plan.upper, types: types)
    let found = (try lower.primitive(), try upper.primitive())
    let pairs: [(SIMD3<Int>, SIMD3<Int>)]
    switch plan.planes {
    case .pairs(let given): pairs = given
    case .upTo(let largest):
      let forms = (try lower.planeForms(upTo: largest), try upper.planeForms(upTo: largest))
      pairs = forms.0.flatMap { p in forms.1.map { (p, $0) } }
    }
    let elastic = plan.elastic.map { (lower: tensor($0.0), upper: tensor($0.1)) }
    var lines: [String] = []
    var best: (area: Double, text: String)?
    for (p, q) in pairs {
      let cells = (
        try PlaneCell(lower, primitive: found.0, p), try PlaneCell(upper, primitive: found.1, q)
      )
      let matcher = try PlaneMatcher(cells.0, cells.1)
      let matches = matcher.matches(area: plan.maxArea, strain: plan.maxStrain)
      let title = "\(upper.formula) (\(text(q))) on \(lower.formula) (\(text(p)))"
      guard matches.isEmpty else {
        let table = MatchTable(matches, cells.0, cells.1, share: InterfaceFactory.share(plan.strainTo), elastic: elastic)
        lines.append("\(title): \(matches.count) match\(matches.count == 1 ? "" : "es")")
        lines += table.lines.prefix(plan.rows + 1)
        if best.map({ matches[0].area < $0.area - 1e-9 }) ?? true { best = (matches[0].area, title) }
        continue
      }
      let (strained, larger) = matcher.misses(area: plan.maxArea, strain: plan.maxStrain)
      func say(_ m: PlaneMatch) -> String {
        let (area, strain) = (m.area - plan.maxArea, 100 * (m.strain - plan.maxStrain))
        return "\(decimal(m.area, 2)) Å² at \(decimal(100 * m.strain, 3)) %, over by "
          + (strain > 0 ? "\(decimal(strain, 3)) %" : "\(decimal(area, 2)) Å²")
      }
      lines.append("\(title): no match; nearest: " + (strained + larger).map(say).joined(separator: "; "))
    }
    if let best { lines.append("least area: \(best.text), \(decimal(best.area, 3)) Å²") }
    return lines
  }

  /// 3 or 36 numbers, which the deck's check has counted.
  static func tensor(_ numbers: [Double]) -> ElasticTensor {
    numbers.count == 3 ? ElasticTensor(cubic: numbers[0], numbers[1], numbers[2])
      : ElasticTensor(voigt: (0..<6).map { Array(numbers[(6 * $0)..<(6 * $0 + 6)]) })
  }

  private static func text(_ v: SIMD3<Int>) -> String {
    let numbers = [v.x, v.y, v.z]
    return numbers.map(String.init).joined(separator: numbers.allSatisfy { (0...9).contains($0) } ? "" : " ")
  }
}

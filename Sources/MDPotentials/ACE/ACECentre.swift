import MDNumerics
import MDPotentialFiles

/// What the kernels need for atoms of one element.
final class ACECentre {
  let plan: ACEPlan
  let tables: [ACERadialTable]
  let rulers: [ACETableKernel.Ruler]
  let products: ACEProductKernel
  let embeddings: [ACEEmbedding]
  /// w_p.
  let weights: [Double]
  let offset: Double
  let scale: Double
  /// The `AtomLanes` of radial functions of a record, the same for all channels; slopes follow.
  let functionCount: Int
  /// Z_n of each element, where elements share their sums: [element · radialCount + n].
  let neighborWeights: AlignedBuffer<Double>?
  let radialCount: Int
  /// At distances below it core repulsion or inner switches count, Å; the largest of a channel.
  let reaches: [Double]
  /// Whether the switch of the core acts even where there is no core repulsion.
  let isAlwaysSwitched: Bool

  var stride: Int { ACEKernels.headLanes + 2 * functionCount }

  init(_ file: ACEFile, _ element: Int, _ core: ACECore) throws {
    plan = try ACEPlan(file, centre: element)
    tables = plan.channels.map { ACERadialTable(file.bond(element, $0.element), rows: $0.rows) }
    rulers = tables.map { ACETableKernel.Ruler($0) }
    functionCount = tables.map(\.count).max() ?? 0
    products = ACEProductKernel(plan.polynomial)
    let embedding = file.embeddings[element]
    embeddings = embedding.exponents.map { ACEEmbedding(embedding.form, $0) }
    weights = embedding.weights
    offset = file.offsets[element]
    scale = file.scale
    radialCount = file.neighborWeights?.first?.count ?? 0
    neighborWeights = file.neighborWeights.map { AlignedBuffer(Array($0.joined())) }
    reaches = plan.channels.map { core.reach(element, $0.element) }
    isAlwaysSwitched = core.kind != .zbl && core.factor(element, 0).value != 1
  }
}

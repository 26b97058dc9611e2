import MDCore

/// Reads GRACE-FS models as tensorpotential exports them.
struct GRACEReader {
  private let root: YAMLSection

  init(_ root: YAMLSection) { self.root = root }

  func read() throws -> ACEFile {
    var file = ACEFile()
    file.elements = try root.words("elements")
    let count = file.elements.count
    guard (1...118).contains(count), Set(file.elements).count == count else {
      throw root.error("`elements` must name 1 to 118 elements, each once", root["elements"])
    }
    let norm = try root.number("nnorm", default: 1)
    file.scale = try root.number("scale", default: 1)
    let shift = try root.number("shift", default: 0)
    let own = root["E0"] == nil ? Array(repeating: 0, count: count) : try root.numbers("E0", count: count)
    file.offsets = own.map { $0 + shift }
    let embedding = try root.section("emb_spec")
    // There is no core repulsion, so where its switch ends does not count.
    file.embeddings = Array(
      repeating: try ACESections.embedding(
        embedding, parameters: "params", coreCutoff: 1e5, coreWidth: 250, coreKeys: ("", ""), type: "type"),
      count: count)

    let radial = try root.section("radial_basis")
    var bond = ACEFile.Bond()
    bond.form = try ACESections.radialForm(radial, "radbasename")
    guard bond.form == .sphericalBessel else {
      throw radial.error(
        "the radial basis \(bond.form.rawValue) of a GRACE-FS is not supported", radial["radbasename"],
        hint: "SBessel is")
    }
    bond.cutoff = try radial.number("cutoff")
    let shape = try radial.integers("crad_shape", count: 3, 1...ACEFile.mostRadialFunctions)
    guard shape[1] - 1 <= ACEFile.mostDegree else {
      throw radial.error("l up to \(shape[1] - 1) in crad_shape", hint: "up to \(ACEFile.mostDegree) is supported")
    }
    (bond.radialCount, bond.degree, bond.basisCount) = (shape[0], shape[1] - 1, shape[2])
    for (key, value) in [("nradmax", shape[0]), ("n_rad_base", shape[2])] where radial[key] != nil {
      guard try radial.integer(key, 1...ACEFile.mostRadialFunctions) == value else {
        throw radial.error("`\(key)` is not what crad_shape says, \(value)", radial[key])
      }
    }
    bond.coefficients = try radial.numbers("crad", count: shape.reduce(1, *))
    try ACESections.check(bond, radial)
    file.bonds = Array(repeating: bond, count: count * count)
    let weightShape = try radial.integers("Z_shape", count: 2, 1...ACEFile.mostRadialFunctions)
    guard weightShape == [count, shape[0]] else {
      throw radial.error("Z_shape is \(weightShape)", radial["Z_shape"], hint: "[\(count), \(shape[0])] is needed")
    }
    let z = try radial.numbers("Z", count: count * shape[0])
    file.neighborWeights = (0..<count).map { e in (0..<shape[0]).map { norm * z[e * shape[0] + $0] } }

    let sections = try root.section("functions")
    let densities = file.embeddings[0].densityCount
    for element in 0..<count {
      file.functions.append(
        try sections.list("\(element)").enumerated().map { row, node in
          try function(node, element: element, row: row, densities: densities, file)
        })
    }
    return file
  }

  private func function(
    _ node: YAMLNode, element: Int, row: Int, densities: Int, _ file: ACEFile
  ) throws -> ACEFile.Function {
    let section = try YAMLSection(node, "a function of element \(element)", file: root.file)
    let rank = try section.integer("rank", 1...ACEFile.mostFactors)
    guard try section.integer("mu0", 0...file.elements.count - 1) == element else {
      throw section.error("`mu0` is not \(element), under which the function stands", section["mu0"])
    }
    let ns = try section.integers("ns", 1...ACEFile.mostRadialFunctions)
    guard ns.count == 1 || ns.count == rank else {
      throw section.error("`ns` has \(ns.count) numbers", section["ns"], hint: "one is needed, or one a factor")
    }
    let ls = try section.integers("ls", count: rank, 0...ACEFile.mostDegree)
    let couplings = try section.numbers("gen_cgs")
    let orders = try section.integers(
      "ms_combs", count: rank * couplings.count, -ACEFile.mostDegree...ACEFile.mostDegree)
    let c = try section.numbers("coeff", count: densities)
    var function = ACEFile.Function(
      factors: (0..<rank).map { ACEFile.Factor(element: 0, n: ns[ns.count == 1 ? 0 : $0], l: ls[$0]) },
      orders: orders, coefficients: couplings.flatMap { term in c.map { $0 * term } }, couplings: couplings)
    function.row = row
    try ACESections.check(function, centre: element, file, section)
    return function
  }
}

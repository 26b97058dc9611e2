import Foundation
import MDCore

/// Reads `.mtp` and `.almtp` files and states of MLIP-2 (`.als`, `.mvs`), which begin with the potential.
///
/// The text ends with the list of `moment_coeffs`; what follows (an active set) may be binary, so nothing is read as
/// lines of text beyond it.
package struct MTPReader {
  private var text: MTPText
  private var file = MTPFile()
  private var seen: Set<String> = []

  private init(_ text: MTPText) { self.text = text }

  /// - Throws: `FaultlineError` with file and line.
  package static func read(_ path: String) throws -> MTPFile {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw FaultlineError(.input, "cannot read \(path)")
    }
    let bytes = Array(data)
    var reader = MTPReader(MTPText(bytes, file: path))
    var (file, end) = try reader.read()
    file.activeSet = try MTPActiveSet.read(bytes[end...], count: file.coefficientCount, file: path)
    return file
  }

  /// The file and the place behind its text.
  private mutating func read() throws -> (file: MTPFile, end: Int) {
    try head()
    while !seen.contains("moment_coeffs") {
      let key = try text.word("a key")
      // A second scaling may stand behind the basis; the two multiply.
      guard seen.insert(key).inserted || key == "scaling" else { throw text.error("`\(key)` is given twice") }
      try value(of: key)
    }
    try check()
    return (file, text.place)
  }

  private mutating func head() throws {
    // Copies that LAMMPS ships have a comment first.
    while text.skipsComment() {}
    guard try text.word("`MTP`") == "MTP" else {
      throw text.error("this is no moment tensor potential", hint: "its first line must be `MTP`")
    }
  }

  private mutating func value(of key: String) throws {
    switch key {
    case "version":
      let version = try text.line(after: key)
      guard version == "1.1.0" else {
        throw text.error(
          "version \(version) of moment tensor potentials is not supported",
          hint: "1.1.0 is: MLIP-2 and MLIP-3 write it")
      }
    case "potential_name": file.name = try text.line(after: key)
    case "scaling": file.scaling *= try text.number(after: key)
    case "species_count":
      let count = try text.count(after: key, 1...118)
      file.labels = (0..<count).map { "\($0)" }
    case "potential_tag": _ = try text.line(after: key)
    case "radial_basis_type":
      let type = try text.line(after: key)
      guard type == "RBChebyshev" || type == "RBChebyshev_repuls" else {
        throw text.error(
          "radial_basis_type \(type) is not supported", hint: "RBChebyshev and RBChebyshev_repuls are")
      }
      file.isRepulsive = type == "RBChebyshev_repuls"
    case "magnetic_basis_type": throw text.error("magnetic moment tensor potentials are not supported")
    case "zbl_repulsion":
      throw text.error("`zbl_repulsion` is not supported", hint: "add a `zbl` potential in the deck")
    case "min_dist": file.minimumDistance = try text.number(after: key)
    case "max_dist": file.cutoff = try text.number(after: key)
    case "min_val", "max_val":
      throw text.error("`\(key)` belongs to potentials of version 1.0, which are not supported")
    case "radial_basis_size": file.basisSize = try text.count(after: key, 1...100)
    case "radial_funcs_count": file.radialCount = try text.count(after: key, 1...MTPFile.mostRadialFunctions)
    case "radial_coeffs": try radialCoefficients()
    case "alpha_moments_count": file.momentCount = try text.count(after: key, 1...10_000_000)
    case "alpha_index_basic_count": basicCount = try text.count(after: key, 1...1_000_000)
    case "alpha_index_basic": try basics(key)
    case "alpha_index_times_count": productCount = try text.count(after: key, 0...100_000_000)
    case "alpha_index_times": try products(key)
    case "alpha_scalar_moments": scalarCount = try text.count(after: key, 1...10_000_000)
    case "alpha_moment_mapping":
      file.scalars = try text.list(after: key, count: required(scalarCount, "alpha_scalar_moments")) {
        try $0.integer()
      }
    case "species_coeffs":
      file.speciesCoefficients = try text.list(after: key, count: file.speciesCount) { try $0.number() }
    case "moment_coeffs":
      file.momentCoefficients = try text.list(after: key, count: required(scalarCount, "alpha_scalar_moments")) {
        try $0.number()
      }
    default:
      throw text.error("unknown key `\(key)`")
    }
  }

  private var basicCount: Int?
  private var productCount: Int?
  private var scalarCount: Int?

  private func required<T>(_ value: T?, _ key: String) throws -> T {
    guard let value else { throw text.error("`\(key)` must come before this") }
    return value
  }

  /// Blocks `a-b` with K rows of R numbers, a the centre and b the neighbour.
  private mutating func radialCoefficients() throws {
    let (k, r) = (file.radialCount, file.basisSize)
    guard k > 0, r > 0 else {
      throw text.error("radial_funcs_count and radial_basis_size must come before radial_coeffs")
    }
    var blocks: [(centre: String, neighbor: String, values: [Double])] = []
    while let pair = try text.pair() {
      var values: [Double] = []
      for _ in 0..<k { values += try text.braced(count: r) { try $0.number() } }
      blocks.append((pair.0, pair.1, values))
    }
    var labels: [String] = []
    for label in blocks.map(\.centre) where !labels.contains(label) { labels.append(label) }
    if file.labels.isEmpty { file.labels = labels }
    let count = file.labels.count
    guard labels.count == count, blocks.count == count * count else {
      throw text.error(
        "\(blocks.count) blocks of radial_coeffs for \(count) species", hint: "\(count * count) are needed, one a pair")
    }
    file.labels = labels
    for (place, block) in blocks.enumerated() {
      let (centre, neighbor) = (labels[place / count], labels[place % count])
      guard block.centre == centre, block.neighbor == neighbor else {
        throw text.error(
          "block \(block.centre)-\(block.neighbor) of radial_coeffs stands where \(centre)-\(neighbor) must")
      }
      file.radialCoefficients += block.values
    }
  }

  private mutating func basics(_ key: String) throws {
    let radialCount = file.radialCount
    file.basics = try text.list(after: key, count: required(basicCount, "alpha_index_basic_count")) { text in
      let n = try text.braced(count: 4) { try $0.integer() }
      guard n[0] < radialCount else {
        throw text.error("radial function \(n[0]) of a basic moment", hint: "there are \(radialCount), counted from 0")
      }
      guard n[1] + n[2] + n[3] <= 30 else { throw text.error("a basic moment of rank \(n[1] + n[2] + n[3])") }
      return MTPFile.Basic(radial: n[0], powers: SIMD3(n[1], n[2], n[3]))
    }
  }

  private mutating func products(_ key: String) throws {
    let moments = file.momentCount
    let basics = file.basics.count
    guard basics > 0 else { throw text.error("`alpha_index_basic` must come before this") }
    guard basics <= moments else {
      throw text.error(
        "\(basics) basic moments where alpha_moments_count is \(moments)", hint: "it counts the basic ones, too")
    }
    // Sums of products must be whole before they are used: order counts nowhere then.
    var isUsed = [Bool](repeating: false, count: moments)
    file.products = try text.list(after: key, count: required(productCount, "alpha_index_times_count")) { text in
      let n = try text.braced(count: 4) { try $0.integer() }
      guard n[3] < moments, n[3] >= basics else {
        throw text.error("moment \(n[3]) cannot be a product", hint: "products are moments \(basics) to \(moments - 1)")
      }
      guard n[0] < n[3], n[1] < n[3] else {
        throw text.error("moment \(n[3]) is made of \(n[0]) and \(n[1])", hint: "only earlier moments can be factors")
      }
      guard !isUsed[n[3]] else { throw text.error("moment \(n[3]) is added to after it was used as a factor") }
      isUsed[n[0]] = true
      isUsed[n[1]] = true
      return MTPFile.Product(first: n[0], second: n[1], factor: Double(n[2]), target: n[3])
    }
  }

  private mutating func check() throws {
    let needed = [
      "version", "radial_basis_type", "min_dist", "max_dist", "radial_basis_size", "radial_funcs_count",
      "alpha_moments_count", "alpha_index_basic", "alpha_index_times", "alpha_moment_mapping", "species_coeffs",
    ]
    for key in needed where !seen.contains(key) { throw text.error("`\(key)` is missing") }
    guard seen.contains("radial_coeffs") else {
      throw text.error("the potential is not trained", hint: "it has no `radial_coeffs`")
    }
    guard file.cutoff > file.minimumDistance, file.minimumDistance >= 0 else {
      throw text.error("min_dist \(file.minimumDistance) and max_dist \(file.cutoff)", hint: "0 ≤ min_dist < max_dist")
    }
    let (s, k, r) = (file.speciesCount, file.radialCount, file.basisSize)
    guard file.radialCoefficients.count == s * s * k * r, file.speciesCoefficients.count == s else {
      let (radial, species) = (file.radialCoefficients.count, file.speciesCoefficients.count)
      throw text.error(
        "\(radial) radial and \(species) species coefficients for \(s) species",
        hint: "species_count and radial_coeffs come first, species_coeffs after them")
    }
    for moment in file.scalars where moment >= file.momentCount {
      throw text.error(
        "moment \(moment) of alpha_moment_mapping", hint: "there are \(file.momentCount), counted from 0")
    }
  }
}

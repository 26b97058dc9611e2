import Foundation
import MDCore

/// Reads the files of atomic cluster expansions: `.yace` and the old `.ace` (C-tilde basis), `.yaml` of pacemaker
/// (B-basis), `.yaml` of GRACE-FS, with an inverse active set (`.asi`) for the latter two. Which of them a file is,
/// it says by what is in it.
package enum ACEReader {
  /// - Throws: `FaultlineError` with file and line.
  package static func read(_ path: String, activeSet: String? = nil) throws -> ACEFile {
    var file = try parse(contents(path), file: path)
    if let activeSet { file.activeSet = try ACEActiveSet.read(contents(activeSet), for: file, path: activeSet) }
    return file
  }

  /// - Parameter path: for errors.
  package static func parse(_ bytes: [UInt8], file path: String) throws -> ACEFile {
    let file: ACEFile
    if LegacyACEReader.recognizes(bytes) {
      file = try LegacyACEReader.read(bytes, file: path)
    } else {
      let root = try YAMLSection(YAMLText.read(bytes, file: path), "the file", file: path)
      for key in ["polypairpot", "reppot"] where root[key] != nil {
        throw root.error(
          "this is an export of ACEpotentials.jl (`\(key)`), another family of potentials, which is not supported",
          root[key])
      }
      if root["emb_spec"] != nil {
        file = try GRACEReader(root).read()
      } else if root["species"] != nil {
        file = try BBasisReader(root).read()
      } else if root["embeddings"] != nil {
        file = try CTildeReader(root).read()
      } else {
        throw root.error(
          "this is no atomic cluster expansion",
          hint: "a `.yace` has `embeddings`, a file of pacemaker `species`, a GRACE-FS `emb_spec`")
      }
    }
    for (element, functions) in file.functions.enumerated() where functions.isEmpty {
      throw FaultlineError(
        .input, "there are no functions for \(file.elements[element])", at: SourceLocation(file: path))
    }
    return file
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw FaultlineError(.input, "cannot read \(path)")
    }
    return Array(data)
  }
}

/// What C-tilde and B-basis files have in common, under different keys.
struct ACESections {
  /// - Parameter text: for errors.
  static func embedding(
    _ section: YAMLSection, parameters key: String, coreCutoff: Double? = nil, coreWidth: Double? = nil,
    coreKeys: (String, String), type: String = "npoti"
  ) throws -> ACEFile.Embedding {
    let name = try section.text(type)
    guard let form = ACEFile.EmbeddingForm(rawValue: name) else {
      throw section.error(
        "the embedding function “\(name)” is not supported", section[type],
        hint: "\(ACEFile.EmbeddingForm.allCases.map(\.rawValue).joined(separator: " and ")) are")
    }
    let values = try section.numbers(key)
    guard values.count % 2 == 0, !values.isEmpty, values.count <= 2 * ACEFile.mostDensities else {
      throw section.error(
        "`\(key)` has \(values.count) numbers", section[key],
        hint: "two a density are needed, for 1 to \(ACEFile.mostDensities) densities")
    }
    var embedding = ACEFile.Embedding(
      form: form, weights: stride(from: 0, to: values.count, by: 2).map { values[$0] },
      exponents: stride(from: 1, to: values.count, by: 2).map { values[$0] })
    // At 1 the shifted form is a straight line; below 0 and far above it means nothing.
    for m in embedding.exponents where !(m > 0 && m <= 10) {
      throw section.error("the exponent \(m) in `\(key)`", section[key], hint: "above 0 and up to 10 is allowed")
    }
    embedding.coreCutoff = try section.number(coreKeys.0, default: coreCutoff)
    embedding.coreWidth = try section.number(coreKeys.1, default: coreWidth)
    guard embedding.coreWidth >= 0 else {
      throw section.error("`\(coreKeys.1)` is \(embedding.coreWidth)", section[coreKeys.1], hint: "0 or more is allowed")
    }
    return embedding
  }

  static func radialForm(_ section: YAMLSection, _ key: String) throws -> ACEFile.RadialForm {
    let name = try section.text(key)
    if name.hasPrefix("ACE.jl") {
      throw section.error(
        "the radial basis “\(name)” belongs to ACEpotentials.jl, another family of potentials, which is not supported",
        section[key])
    }
    guard let form = ACEFile.RadialForm(rawValue: name) else {
      throw section.error(
        "the radial basis “\(name)” is not supported", section[key],
        hint: "\(ACEFile.RadialForm.allCases.map(\.rawValue).joined(separator: ", ")) are")
    }
    return form
  }

  /// Lengths that make sense together.
  static func check(_ bond: ACEFile.Bond, _ section: YAMLSection) throws {
    guard bond.cutoff > 0, bond.cutoff <= PotentialFile.longestCutoff else {
      throw section.error(
        "the cutoff of \(section.name) is \(bond.cutoff) Å",
        hint: "above 0 and up to \(PotentialFile.longestCutoff) is allowed")
    }
    guard bond.cutoffWidth >= 0, bond.innerCutoff >= 0, bond.innerWidth >= 0, bond.innerCutoff < bond.cutoff else {
      throw section.error(
        "\(section.name) has widths \(bond.cutoffWidth) and \(bond.innerWidth) Å and an inner cutoff of "
          + "\(bond.innerCutoff) Å", hint: "none is negative, and the inner cutoff is below the cutoff \(bond.cutoff) Å")
    }
    guard bond.tableStep > 0, bond.tableStep <= 0.1 else {
      throw section.error("the spacing of tables is \(bond.tableStep) Å", hint: "above 0 and up to 0.1 is allowed")
    }
    guard bond.coreDecay >= 0 else {
      throw section.error("the core repulsion of \(section.name) grows with the distance", hint: "is λ ≥ 0?")
    }
    switch bond.form {
    case .chebyshevPower:
      guard bond.parameter >= 1 else {
        throw section.error("`radparameters` of \(section.name) is \(bond.parameter)", hint: "ChebPow needs 1 or more")
      }
    case .chebyshevExponential:
      guard bond.parameter > 0, bond.parameter < 100 else {
        throw section.error(
          "`radparameters` of \(section.name) is \(bond.parameter)", hint: "ChebExpCos needs a positive number below 100")
      }
    case .chebyshevLinear, .sphericalBessel: break
    }
  }

  /// c_nlk from nested lists, or from a flat one in which k is slowest and l fastest.
  static func coefficients(
    _ section: YAMLSection, _ key: String, n: Int, l: Int, k: Int
  ) throws -> [Double] {
    if n == 0 { return [] }
    let node = try section.node(key)
    func wrong(_ node: YAMLNode, _ what: String, _ found: Int, _ needed: Int) -> FaultlineError {
      section.error("`\(key)` of \(section.name) has \(found) \(what)", node, hint: "\(needed) are needed")
    }
    if case .numbers(let flat) = node.value {
      guard flat.count == n * l * k else { throw wrong(node, "numbers", flat.count, n * l * k) }
      return (0..<n).flatMap { a in (0..<l).flatMap { b in (0..<k).map { flat[($0 * n + a) * l + b] } } }
    }
    guard case .list(let rows) = node.value else { throw section.error("`\(key)` must be lists of numbers", node) }
    guard rows.count == n else { throw wrong(node, "lists", rows.count, n) }
    var out: [Double] = []
    for row in rows {
      guard case .list(let columns) = row.value, columns.count == l else {
        if case .list(let columns) = row.value { throw wrong(row, "lists in a list", columns.count, l) }
        throw section.error("`\(key)` of \(section.name) must be lists of lists of numbers", row)
      }
      for column in columns {
        guard case .numbers(let values) = column.value else {
          throw section.error("`\(key)` of \(section.name) contains what is no finite number", column)
        }
        guard values.count == k else { throw wrong(column, "numbers in a row", values.count, k) }
        out += values
      }
    }
    return out
  }

  /// The kind of inner cutoff, which all bonds must share.
  static func innerCutoff(_ section: YAMLSection, _ kind: inout ACEFile.InnerCutoff?) throws {
    let name = section["inner_cutoff_type"] == nil ? "density" : try section.text("inner_cutoff_type")
    guard let own = ACEFile.InnerCutoff(rawValue: name) else {
      throw section.error(
        "inner_cutoff_type “\(name)” is not supported", section["inner_cutoff_type"],
        hint: "\(ACEFile.InnerCutoff.allCases.map(\.rawValue).joined(separator: ", ")) are")
    }
    if let kind, kind != own {
      throw section.error(
        "inner_cutoff_type of \(section.name) is \(name), that of another bond \(kind.rawValue)",
        section["inner_cutoff_type"], hint: "one kind in all bonds is supported")
    }
    kind = own
  }

  /// n, l and m within what the bonds have.
  static func check(_ function: ACEFile.Function, centre: Int, _ file: ACEFile, _ section: YAMLSection) throws {
    for factor in function.factors {
      let bond = file.bond(centre, factor.element)
      // Functions of one factor are made of g_n, unless all elements share one sum.
      let most = function.rank == 1 && !file.isReal ? bond.basisCount : bond.radialCount
      guard (1...max(most, 1)).contains(factor.n), factor.n <= most else {
        throw section.error("a function has n = \(factor.n)", hint: "1 to \(most) is allowed in its bond")
      }
      guard factor.l <= bond.degree, function.rank > 1 || factor.l == 0 else {
        throw section.error("a function has l = \(factor.l)", hint: "0 to \(function.rank == 1 ? 0 : bond.degree) is allowed")
      }
    }
    for (k, m) in function.orders.enumerated() where abs(m) > function.factors[k % function.rank].l {
      throw section.error("a function has m = \(m) with l = \(function.factors[k % function.rank].l)")
    }
  }
}

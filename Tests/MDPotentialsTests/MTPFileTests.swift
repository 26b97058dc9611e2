import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

@Suite struct MTPFileTests {
  static let text = """
    MTP
    version = 1.1.0
    potential_name = two
    scaling = 5.0e-01
    species_count = 2
    potential_tag =
    radial_basis_type = RBChebyshev
    \tmin_dist = 1.5
    \tmax_dist = 4.5
    \tradial_basis_size = 2
    \tradial_funcs_count = 1
    \tradial_coeffs
    \t\t0-0
    \t\t\t{1.0, 0.5}
    \t\t0-1
    \t\t\t{2.0, 0.5}
    \t\t1-0
    \t\t\t{3.0, 0.5}
    \t\t1-1
    \t\t\t{4.0, 0.5}
    alpha_moments_count = 5
    alpha_index_basic_count = 4
    alpha_index_basic = {{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}
    alpha_index_times_count = 3
    alpha_index_times = {{1, 1, 1, 4}, {2, 2, 1, 4}, {3, 3, 1, 4}}
    alpha_scalar_moments = 2
    alpha_moment_mapping = {0, 4}
    species_coeffs = {-1.0, -2.0}
    moment_coeffs = {0.25, 0.125}
    """

  static func read(_ data: Data) throws -> MTPFile {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".mtp")
    try data.write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try MTPReader.read(file.path)
  }

  @Test("what the file says; with and without a last newline, carriage returns, a comment first", arguments: [
    ("", "", "\n"), ("\n", "", "\n"), ("", "# DATE: 2026-01-01 UNITS: metal\n", "\n"), ("", "", "\r\n"),
  ])
  func reads(_ variant: (String, String, String)) throws {
    let text = (variant.1 + Self.text + variant.0).replacingOccurrences(of: "\n", with: variant.2)
    let file = try Self.read(Data(text.utf8))
    #expect(file.name == "two" && file.scaling == 0.5 && file.labels == ["0", "1"])
    #expect(file.minimumDistance == 1.5 && file.cutoff == 4.5 && !file.isRepulsive)
    #expect(file.radialCoefficients == [1, 0.5, 2, 0.5, 3, 0.5, 4, 0.5])
    #expect(file.basics[1] == .init(radial: 0, powers: SIMD3(1, 0, 0)) && file.basics.count == 4)
    #expect(file.products[2] == .init(first: 3, second: 3, factor: 1, target: 4))
    #expect(file.scalars == [0, 4] && file.speciesCoefficients == [-1, -2])
    #expect(file.momentCoefficients == [0.25, 0.125] && file.activeSet == nil)
    #expect(file.coefficientCount == 8 + 2 + 2)
  }

  @Test("a second scaling multiplies the first; types may have other numbers")
  func oddities() throws {
    var text = Self.text.replacingOccurrences(of: "RBChebyshev\n", with: "RBChebyshev_repuls\nscaling = 3\n")
    let twice = try Self.read(Data(text.utf8))
    #expect(twice.scaling == 1.5 && twice.isRepulsive)
    text = Self.text.replacingOccurrences(of: "scaling = 5.0e-01\n", with: "")
    #expect(try Self.read(Data(text.utf8)).scaling == 1)
    text = Self.text.replacingOccurrences(of: "0-0", with: "11-11").replacingOccurrences(of: "0-1", with: "11-8")
      .replacingOccurrences(of: "1-0", with: "8-11").replacingOccurrences(of: "\t1-1", with: "\t8-8")
    #expect(try Self.read(Data(text.utf8)).labels == ["11", "8"])
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var original: String
    var changed: String
    var says: [String]
    var testDescription: String { changed }
  }

  static let faults = [
    Fault(original: "MTP\n", changed: "MPT\n", says: [":1", "`MTP`"]),
    Fault(original: "1.1.0", changed: "1.0.2", says: [":2", "1.0.2", "1.1.0"]),
    Fault(original: "RBChebyshev", changed: "RBShapeev", says: [":7", "RBShapeev", "RBChebyshev_repuls"]),
    Fault(original: "\tmin_dist", changed: "magnetic_basis_type = BChebyshev\nmin_dist", says: [":8", "magnetic"]),
    Fault(original: "\tmin_dist", changed: "zbl_repulsion = 1 2\nmin_dist", says: ["zbl_repulsion"]),
    Fault(original: "{2.0, 0.5}", changed: "{2.0, nan}", says: [":16", "nan"]),
    Fault(original: "{2.0, 0.5}", changed: "{2.0}", says: [":16", "1 elements", "2"]),
    Fault(original: "{2.0, 0.5}", changed: "{2.0, 0.5, 1}", says: [":16", "}"]),
    Fault(original: "\t\t1-1\n\t\t\t{4.0, 0.5}\n", changed: "", says: ["3 blocks", "4 are needed"]),
    Fault(original: "\t\t0-1", changed: "\t\t1-1", says: ["1-1", "0-1"]),
    Fault(original: "species_count = 2", changed: "species_count = 3", says: ["4 blocks", "3 species"]),
    Fault(original: "{3, 3, 1, 4}", changed: "{3, 4, 1, 4}", says: [":25", "moment 4", "earlier"]),
    Fault(original: "{3, 3, 1, 4}", changed: "{3, 3, 1, 5}", says: [":25", "moment 5"]),
    Fault(original: "{3, 3, 1, 4}", changed: "{3, 3, 1, 2}", says: [":25", "moment 2"]),
    Fault(original: "{0, 0, 0, 1}}", changed: "{1, 0, 0, 1}}", says: [":23", "radial function 1"]),
    Fault(original: "count = 3\n", changed: "count = 4\n", says: [":25", "3 elements", "4"]),
    Fault(original: "{0, 4}", changed: "{0, 9}", says: ["moment 9"]),
    Fault(original: "{0.25, 0.125}", changed: "{0.25}", says: [":29", "1 elements"]),
    Fault(original: "{0.25, 0.125}", changed: "", says: [":29", "ends"]),
    Fault(original: "\tmax_dist = 4.5", changed: "\tmax_dist = 1.5", says: ["min_dist", "max_dist"]),
    Fault(original: "potential_tag =", changed: "potential_tg =", says: [":6", "potential_tg"]),
    Fault(original: "potential_tag =\n", changed: "species_count = 2\n", says: [":6", "twice"]),
    Fault(original: "radial_funcs_count = 1", changed: "radial_funcs_count = 99999999999", says: [":11"]),
    Fault(
      original: "alpha_index_basic_count = 4", changed: "alpha_index_basic_count = 900000",
      says: [":23", "4 elements"]),
    Fault(original: "moments_count = 5", changed: "moments_count = 3", says: [":25", "4 basic moments", "3"]),
    Fault(
      original: "{3, 3, 1, 4}}", changed: "{3, 3, 1, 4}, {0, 4, 1, 5}, {0, 0, 1, 4}}", says: [":25", "3 elements"]),
    Fault(
      original: "species_count = 2\n", changed: "species_coeffs = {-1, -2}\nspecies_count = 2\n",
      says: [":5", "elements"]),
    Fault(
      original: "radial_coeffs\n", changed: "radial_coeffs\n\t\t0-0 {1, 1}\nspecies_count = 1\n",
      says: ["1 blocks", "4 are needed"]),
    Fault(original: "\tradial_basis_size = 2\n", changed: "", says: [":11", "radial_basis_size"]),
    Fault(original: "moment_coeffs", changed: "alpha_index_basic", says: ["twice"]),
  ]

  @Test("mistakes are named with their line", arguments: faults)
  func mistakes(_ fault: Fault) throws {
    #expect(Self.text.contains(fault.original))
    let text = Self.text.replacingOccurrences(of: fault.original, with: fault.changed)
    do {
      _ = try Self.read(Data(text.utf8))
      Issue.record("accepted")
    } catch let error as FaultlineError {
      #expect(error.kind == .input)
      for word in fault.says { #expect("\(error)".contains(word), "\(error)") }
    }
  }

  @Test("the order of keys: what a count needs comes first, and sums are whole before they are factors")
  func order() throws {
    func lines(_ change: (inout [String]) -> Void) -> Data {
      var lines = Self.text.components(separatedBy: "\n")
      change(&lines)
      return Data(lines.joined(separator: "\n").utf8)
    }
    let late = lines {
      $0.remove(at: 4)
      $0.insert("species_count = 1", at: 27)
    }
    let early = lines {
      $0.remove(at: 27)
      $0.remove(at: 4)
      $0.insert("species_coeffs = {}", at: 3)
    }
    for data in [late, early] {
      #expect { try Self.read(data) } throws: { "\($0)".contains("species_count and radial_coeffs come first") }
    }
    let bad = Self.text.replacingOccurrences(of: "count = 5", with: "count = 6")
      .replacingOccurrences(of: "times_count = 3", with: "times_count = 5")
      .replacingOccurrences(of: "{3, 3, 1, 4}}", with: "{0, 4, 1, 5}, {3, 3, 1, 4}, {0, 0, 1, 5}}")
    #expect { try Self.read(Data(bad.utf8)) } throws: { "\($0)".contains(":25") && "\($0)".contains("moment 4") }
    let good = bad.replacingOccurrences(of: "{0, 4, 1, 5}, {3, 3, 1, 4}", with: "{3, 3, 1, 4}, {0, 4, 1, 5}")
    #expect(try Self.read(Data(good.utf8)).products.count == 5)
    // Without species_count the blocks say it.
    let plain = Self.text.replacingOccurrences(of: "species_count = 2\n", with: "")
    #expect(try Self.read(Data(plain.utf8)).speciesCount == 2)
  }

  @Test("lines of megabytes")
  func longLines() throws {
    let count = 200_000
    let products = (0..<count).map { "{\($0 % 4), \($0 % 3), \($0 % 5 + 1), \($0 + 4)}" }.joined(separator: ", ")
    var text = Self.text.replacingOccurrences(of: "times_count = 3", with: "times_count = \(count)")
      .replacingOccurrences(of: "moments_count = 5", with: "moments_count = \(count + 4)")
    let start = text.range(of: "alpha_index_times = ")!.upperBound
    let end = text.range(of: "\nalpha_scalar")!.lowerBound
    text.replaceSubrange(start..<end, with: "{\(products)}")
    #expect(products.utf8.count > 3_000_000)
    let file = try Self.read(Data(text.utf8))
    #expect(file.products.count == count && file.momentCoefficients == [0.25, 0.125])
    #expect(file.products[199_999] == .init(first: 3, second: 1, factor: 5, target: 200_003))
  }

  @Test("an untrained potential is refused")
  func untrained() {
    let start = Self.text.range(of: "\tradial_coeffs")!.lowerBound
    let end = Self.text.range(of: "alpha_moments_count")!.lowerBound
    let text = Self.text.replacingCharacters(in: start..<end, with: "")
    #expect { try Self.read(Data(text.utf8)) } throws: { "\($0)".contains("not trained") }
  }

  // MARK: Active sets

  /// n = 12: A is 2, X is ½ on the diagonal, and 3 or its counterpart beside it.
  private static func matrices(_ n: Int = 12) -> (rows: [Double], inverse: [Double]) {
    var rows = [Double](repeating: 0, count: n * n)
    var inverse = rows
    for k in 0..<n {
      rows[k * n + k] = 2
      inverse[k * n + k] = 0.5
    }
    rows[1] = 3
    inverse[n] = -0.75
    return (rows, inverse)
  }

  private static func bytes(_ values: [Double]) -> Data {
    values.reduce(into: Data()) { data, value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
  }

  static func withSet(_ head: String, _ weights: [Double]? = nil, cut: Int = 0) -> Data {
    let (rows, inverse) = matrices()
    let raw = weights.map { bytes($0) } ?? Data()
    let whole = Data((text + head).utf8) + raw + Data((weights == nil ? "" : "\n#").utf8) + bytes(rows) + bytes(inverse)
      + Data("\n#\n".utf8)
    return whole.dropLast(cut)
  }

  static let third =
    "\n#MVS_v1.1\nenergy_weight 0\nforce_weight 0\nstress_weight 0\nsite_en_weight 1\nweight_scaling 2\n#"

  @Test("active sets of MLIP-3, of its older files, and states of MLIP-2")
  func sets() throws {
    let expected = Self.matrices().inverse
    let sites = try Self.read(Self.withSet(Self.third)).activeSet
    #expect(sites?.kind == .neighborhood && sites?.inverse == expected && sites?.count == 12)
    let whole = Self.third.replacingOccurrences(of: "energy_weight 0", with: "energy_weight 1.5")
      .replacingOccurrences(of: "site_en_weight 1", with: "site_en_weight 0")
      .replacingOccurrences(of: "scaling 2", with: "scaling 1")
    #expect(try Self.read(Self.withSet(whole)).activeSet?.kind == .configuration(weight: 1.5, scaling: 1))
    #expect(try Self.read(Self.withSet("\n#\n0\n0\n0\n1\n#")).activeSet?.kind == .neighborhood)
    #expect(try Self.read(Self.withSet("\n#\n2\n0\n0\n0\n#")).activeSet?.kind == .configuration(weight: 2, scaling: 2))
    // MLIP-2: site, energy, force, stress.
    #expect(try Self.read(Self.withSet("\n^", [1, 0, 0, 0])).activeSet?.kind == .neighborhood)
    let state = try Self.read(Self.withSet("\n^", [0, 2.5, 0, 0])).activeSet
    #expect(state?.kind == .configuration(weight: 2.5, scaling: 2) && state?.inverse == expected)
  }

  @Test("damaged active sets are refused")
  func damagedSets() throws {
    func expectError(_ data: Data, _ word: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) {
      #expect(sourceLocation: sourceLocation) { try Self.read(data) } throws: { "\($0)".contains(word) }
    }
    expectError(Self.withSet(Self.third, cut: 100), "ends too early")
    expectError(Self.withSet(Self.third.replacingOccurrences(of: "v1.1", with: "v2")), "MVS_v2")
    expectError(Self.withSet(Self.third.replacingOccurrences(of: "force_weight", with: "farce_weight")), "force_weight")
    expectError(Self.withSet(Self.third.replacingOccurrences(of: "en_weight 1", with: "en_weight 0")), "alone")
    expectError(Self.withSet(Self.third + " "), "inverse")
    expectError(Data((Self.text + "\nhello").utf8), "no active set")
  }

  @Test("a state of another potential does not fit")
  func foreign() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let names = ["A", "B"]
    try Data(Self.text.utf8).write(to: folder.appendingPathComponent("p.mtp"))
    try Self.withSet("\n^", [1, 0, 0, 0]).write(to: folder.appendingPathComponent("p.als"))
    let other = Self.text.replacingOccurrences(of: "0.125}", with: "0.126}")
    try Data(other.utf8).write(to: folder.appendingPathComponent("q.mtp"))
    func make(_ name: String) throws -> MTPPotential {
      try MTPPotential(
        file: folder.appendingPathComponent(name).path, activeSet: folder.appendingPathComponent("p.als").path,
        types: names, elements: names, species: names)
    }
    #expect(try make("p.mtp").assessments == [.grade])
    #expect { try make("q.mtp") } throws: { "\($0)".contains("another potential") }
  }
}

import Foundation
import MDCore

/// Which tables of electron density an EAM file holds.
public enum EAMFormat: String, Sendable, CaseIterable {
  /// DYNAMO `setfl` (`eam/alloy`): the density an atom gives depends on its own element only.
  case alloy
  /// Finnis–Sinclair (`eam/fs`): it depends on the element of the atom that feels it as well.
  case finnisSinclair
}

/// The tables of an embedded-atom potential, E = Σ_i F_i(ρ_i) + Σ_{i<j} φ(r_ij), ρ_i = Σ_j ρ_{j→i}(r_ij).
///
/// Tables start at r = 0 and ρ = 0 and are evenly spaced. Daw and Baskes, Phys. Rev. B 29, 6443 (1984);
/// formats as in the LAMMPS documentation of `pair_style eam`.
public struct EAMTables: Sendable {
  public struct Element: Sendable {
    public var name: String
    public var atomicNumber: Int
    /// g/mol.
    public var mass: Double
    /// F at ρ = 0, Δρ, 2Δρ … (eV).
    public var embedding: [Double]
    /// ρ_{this→target}(r), a table for each target element (one for all of them in the alloy format).
    public var density: [[Double]]

    public init(name: String, atomicNumber: Int, mass: Double, embedding: [Double], density: [[Double]]) {
      self.name = name
      self.atomicNumber = atomicNumber
      self.mass = mass
      self.embedding = embedding
      self.density = density
    }
  }

  public var format: EAMFormat
  public var elements: [Element]
  public var densityStep: Double
  /// Å.
  public var distanceStep: Double
  /// Å.
  public var cutoff: Double
  /// r·φ(r) in eV·Å for the element pairs (0,0), (1,0), (1,1), (2,0) …
  public var pair: [[Double]]

  public init(
    format: EAMFormat, elements: [Element], densityStep: Double, distanceStep: Double, cutoff: Double,
    pair: [[Double]]
  ) {
    self.format = format
    self.elements = elements
    self.densityStep = densityStep
    self.distanceStep = distanceStep
    self.cutoff = cutoff
    self.pair = pair
  }

  package func pair(_ a: Int, _ b: Int) -> [Double] { pair[max(a, b) * (max(a, b) + 1) / 2 + min(a, b)] }

  package func density(from source: Int, at target: Int) -> [Double] {
    format == .alloy ? elements[source].density[0] : elements[source].density[target]
  }

  /// Reads a `setfl` file in `metal` units as LAMMPS's `eam/alloy` and `eam/fs` do: three lines of comment, then
  /// comments from `#` on anywhere; words beyond the five of the header and the two of an element's line, and values
  /// beyond the last of a table on its line, are passed over. Without a format, a name that ends in `.fs` means
  /// Finnis–Sinclair.
  /// - Throws: what is wrong with file, line and column; also if lines follow the last table, which LAMMPS does not
  ///   look at: then the header gives other numbers than the file has.
  public init(file path: String, format: EAMFormat? = nil) throws {
    let format = format ?? (path.lowercased().hasSuffix(".fs") ? .finnisSinclair : .alloy)
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw FaultlineError(.input, "cannot read the EAM file", at: SourceLocation(file: path))
    }
    var reader = TableReader(bytes: [UInt8](bytes), file: path)
    try self.init(&reader, format: format)
  }

  init(_ reader: inout TableReader, format: EAMFormat) throws {
    for k in 0..<3 {
      let comment = try reader.line("three lines of comment")
      if k == 0 { try Self.checkUnits(comment, reader) }
    }
    let names = try Self.readNames(&reader)
    let header = try reader.words(5, "the numbers Nrho drho Nr dr cutoff")
    let densities = try reader.integer(header[0], "the number of densities (Nrho)", 5...10_000_000)
    let densityStep = try reader.positive(header[1], "the spacing of densities (drho)")
    let distances = try reader.integer(header[2], "the number of distances (Nr)", 5...10_000_000)
    let distanceStep = try reader.positive(header[3], "the spacing of distances (dr)")
    let cutoff = try reader.positive(header[4], "the cutoff")
    guard cutoff <= PotentialFile.longestCutoff else {
      throw reader.error(
        "the cutoff is \(header[4].shown) Å", hint: "at most \(PotentialFile.longestCutoff) Å are possible",
        at: header[4])
    }

    let targets = format == .alloy ? 1 : names.count
    var elements: [Element] = []
    for name in names {
      let line = try reader.words(2, "the atomic number and mass of \(name)")
      let number = try reader.integer(line[0], "the atomic number of \(name)", 0...200)
      let mass = try reader.positive(line[1], "the mass of \(name)")
      let embedding = try reader.numbers(densities, "the embedding energy of \(name)")
      let density = try (0..<targets).map { _ in try reader.numbers(distances, "the electron density of \(name)") }
      elements.append(
        Element(name: name, atomicNumber: number, mass: mass, embedding: embedding, density: density))
    }
    var pair: [[Double]] = []
    for a in names.indices {
      for b in 0...a { pair.append(try reader.numbers(distances, "the pair potential \(names[a])–\(names[b])")) }
    }
    if let word = reader.rest() {
      throw reader.error(
        "there is more in the file than its header says, from “\(word.shown)” on",
        hint: format == .alloy && names.count > 1 ? "a Finnis–Sinclair file has more tables: is this one?" : nil,
        at: word)
    }
    self.init(
      format: format, elements: elements, densityStep: densityStep, distanceStep: distanceStep, cutoff: cutoff,
      pair: pair)
  }

  private static func readNames(_ reader: inout TableReader) throws -> [String] {
    let what = "the number of elements and their names"
    let words = try reader.words(1, what)
    let count = try reader.integer(words[0], "the number of elements", 1...200)
    guard words.count == count + 1 else {
      throw reader.error(
        "\(words.count - 1) names for \(count) element\(count == 1 ? "" : "s")",
        hint: "this line must give \(what)", at: words[0])
    }
    return words.dropFirst().map(\.text)
  }

  /// LAMMPS tags its files `UNITS: metal`; another unit is refused, no tag is taken as metal.
  private static func checkUnits(_ comment: String, _ reader: TableReader) throws {
    let words = comment.split(whereSeparator: \.isWhitespace)
    guard let tag = words.firstIndex(of: "UNITS:"), tag + 1 < words.count, words[tag + 1] != "metal" else { return }
    throw reader.error(
      "the tables are in \(words[tag + 1]) units", hint: "metal units (eV, Å) are needed",
      at: TableReader.Word(text: "", line: 1, column: 1))
  }
}

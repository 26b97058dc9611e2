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
    /// Å.
    public var latticeConstant: Double
    public var lattice: String
    /// F at ρ = 0, Δρ, 2Δρ … (eV).
    public var embedding: [Double]
    /// ρ_{this→target}(r), a table for each target element (one for all of them in the alloy format).
    public var density: [[Double]]
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

  func pair(_ a: Int, _ b: Int) -> [Double] { pair[max(a, b) * (max(a, b) + 1) / 2 + min(a, b)] }

  func density(from source: Int, at target: Int) -> [Double] {
    format == .alloy ? elements[source].density[0] : elements[source].density[target]
  }

  /// Reads a `setfl` file in `metal` units. Without a format, a name that ends in `.fs` means Finnis–Sinclair.
  /// Errors name the file and line.
  public init(file path: String, format: EAMFormat? = nil) throws {
    let format = format ?? (path.lowercased().hasSuffix(".fs") ? .finnisSinclair : .alloy)
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw FaultlineError(.input, "cannot read the EAM file", at: SourceLocation(file: path))
    }
    var reader = TableReader(bytes: [UInt8](bytes), file: path)
    try self.init(&reader, format: format)
  }

  init(_ reader: inout TableReader, format: EAMFormat) throws {
    try Self.checkUnits(reader.line("three lines of comment"), reader)
    _ = try reader.line("three lines of comment")
    _ = try reader.line("three lines of comment")

    let names = try reader.line("the number of elements and their names").split(whereSeparator: \.isWhitespace)
    guard let count = names.first.flatMap({ Int($0) }), (1...200).contains(count), names.count == count + 1 else {
      throw reader.error("line 4 must give the number of elements and as many names", previous: true)
    }
    let header = try reader.numbersOfLine("Nrho drho Nr dr cutoff")
    let densities = try reader.count(header[0], "the number of densities (Nrho)", 5...10_000_000)
    let distances = try reader.count(header[2], "the number of distances (Nr)", 5...10_000_000)
    let lengths = [
      (1, "the spacing of densities (drho)"), (3, "the spacing of distances (dr)"), (4, "the cutoff"),
    ]
    for (k, what) in lengths where header[k] <= 0 {
      throw reader.error("\(what) is \(header[k])", hint: "it must be positive", previous: true)
    }

    let targets = format == .alloy ? 1 : count
    var elements: [Element] = []
    for name in names.dropFirst() {
      let number = try reader.count(
        reader.number("the atomic number of \(name)"), "the atomic number of \(name)", 0...200)
      let mass = try reader.positive("the mass of \(name)")
      let lattice = try reader.number("the lattice constant of \(name)")
      let structure = try reader.line("the lattice of \(name)").trimmingCharacters(in: .whitespaces)
      let embedding = try reader.numbers(densities, "the embedding energy of \(name)")
      let density = try (0..<targets).map { _ in try reader.numbers(distances, "the electron density of \(name)") }
      elements.append(
        Element(
          name: String(name), atomicNumber: number, mass: mass, latticeConstant: lattice, lattice: structure,
          embedding: embedding, density: density))
    }
    var pair: [[Double]] = []
    for a in 0..<count {
      for b in 0...a {
        pair.append(try reader.numbers(distances, "the pair potential \(names[a + 1])–\(names[b + 1])"))
      }
    }
    guard reader.atEnd else {
      throw reader.error(
        "there is more in the file than its header says",
        hint: format == .alloy && count > 1 ? "a Finnis–Sinclair file has more tables: is this one?" : nil)
    }
    self.init(
      format: format, elements: elements, densityStep: header[1], distanceStep: header[3], cutoff: header[4],
      pair: pair)
  }

  /// LAMMPS tags its files `UNITS: metal`; another unit is refused, no tag is taken as metal.
  private static func checkUnits(_ comment: String, _ reader: TableReader) throws {
    let words = comment.split(whereSeparator: \.isWhitespace)
    guard let tag = words.firstIndex(of: "UNITS:"), tag + 1 < words.count, words[tag + 1] != "metal" else { return }
    throw reader.error(
      "the tables are in \(words[tag + 1]) units", hint: "metal units (eV, Å) are needed", previous: true)
  }
}

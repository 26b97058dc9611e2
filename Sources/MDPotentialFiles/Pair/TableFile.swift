import Foundation
import MDCore

/// A section of a file of LAMMPS `pair_style table`: energy and force at distances that rise.
///
///     # a comment
///     OO                               the section's keyword
///     N 500 R 1.0 6.0                  or RSQ, or no distances: then the rows' own; FPRIME … is optional
///
///     1 1.0 25.3 102.1                 number, r (Å), φ (eV), −dφ/dr (eV/Å)
package struct TableFile: Sendable, Equatable {
  package enum Spacing: Sendable, Equatable {
    /// Evenly in r, evenly in r², or as it comes.
    case distance, squaredDistance, free
  }
  package var spacing: Spacing
  /// Å, rising.
  package var distances: [Double]
  /// eV.
  package var energies: [Double]
  /// −dφ/dr, eV/Å.
  package var forces: [Double]

  /// - Throws: `FaultlineError` with file and line.
  package static func read(_ path: String, keyword: String) throws -> TableFile {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw FaultlineError(.input, "cannot read \(path)")
    }
    let lines = String(decoding: data, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }
    func error(_ line: Int, _ message: String, hint: String? = nil) -> FaultlineError {
      FaultlineError(.input, message, hint: hint, at: SourceLocation(file: path, line: line + 1))
    }
    // LAMMPS tags its files `UNITS: metal`; another unit is refused, no tag is taken as metal.
    let tags = lines.first.map { $0.split(whereSeparator: \.isWhitespace) } ?? []
    if let tag = tags.firstIndex(of: "UNITS:"), tag + 1 < tags.count, tags[tag + 1] != "metal" {
      throw error(0, "units \(tags[tag + 1]) are not supported", hint: "eV and Å are needed: UNITS: metal")
    }
    func words(_ line: Int) -> [Substring] {
      lines[line].prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
    }
    func next(_ line: Int, _ what: String) throws -> Int {
      guard let place = (line..<lines.count).first(where: { !words($0).isEmpty }) else {
        throw error(lines.count - 1, "the file ends before \(what)")
      }
      return place
    }
    var sections: [String] = []
    var place = 0
    while let start = (place..<lines.count).first(where: { !words($0).isEmpty }) {
      let name = String(words(start)[0])
      sections.append(name)
      let header = try next(start + 1, "the line that begins with N")
      let section = try Header(words(header)) { error(header, $0, hint: $1) }
      if name != keyword {
        // On to the section behind this one's rows.
        place = header + 1
        for _ in 0..<section.count { place = try next(place, "row \(section.count) of section \(name)") + 1 }
        continue
      }
      var table = TableFile(spacing: section.spacing, distances: [], energies: [], forces: [])
      place = header + 1
      for k in 0..<section.count {
        place = try next(place, "row \(k + 1) of \(section.count)")
        let fields = words(place)
        let values = fields.map { Double($0) }
        guard fields.count == 4, values.allSatisfy({ $0?.isFinite == true }) else {
          throw error(place, "row \(k + 1) of \(section.count) must be four numbers: number, r, energy, force")
        }
        let r = section.distance(k) ?? values[1]!
        guard r > (table.distances.last ?? 0) else {
          throw error(place, "r = \(r) Å of row \(k + 1) does not rise")
        }
        table.distances.append(r)
        table.energies.append(values[2]!)
        table.forces.append(values[3]!)
        place += 1
      }
      return table
    }
    throw FaultlineError(
      .input, "there is no section \(keyword)", hint: "the file has \(sections.joined(separator: ", "))",
      at: SourceLocation(file: path))
  }

  /// The line `N …` of a section.
  private struct Header {
    var count = 0
    var spacing = Spacing.free
    private var range = 0.0...0.0

    init(_ words: [Substring], _ error: (String, String?) -> FaultlineError) throws {
      guard words.first == "N", words.count >= 2, let count = Int(words[1]), (2...1_000_000).contains(count) else {
        throw error("a line `N number` is needed here", "number: 2 to 1000000 rows")
      }
      self.count = count
      var k = 2
      while k < words.count {
        switch words[k] {
        case "R", "RSQ":
          guard k + 2 < words.count, let low = Double(words[k + 1]), let high = Double(words[k + 2]), low > 0,
            high > low, high.isFinite
          else { throw error("`\(words[k])` needs two distances, 0 < low < high", nil) }
          spacing = words[k] == "R" ? .distance : .squaredDistance
          range = low...high
          k += 3
        // Slopes at the ends are those of the rows here.
        case "FPRIME": k += 3
        case "EQ": k += 2
        case "BITMAP": throw error("`BITMAP` tables are not supported", "write R or RSQ, or no distances at all")
        default: throw error("unknown word \(words[k])", "allowed: R, RSQ, FPRIME, EQ")
        }
      }
    }

    /// r of row k, nil if the row says it.
    func distance(_ k: Int) -> Double? {
      let share = Double(k) / Double(count - 1)
      let (low, high) = (range.lowerBound, range.upperBound)
      return switch spacing {
      case .distance: low + share * (high - low)
      case .squaredDistance: (low * low + share * (high * high - low * low)).squareRoot()
      case .free: nil
      }
    }
  }
}

import Foundation
import MDCore
import MDIO
import MDNumerics

/// What colours of atoms stand for.
package struct AtomColours: Sendable {
  package enum Legend: Sendable {
    /// Names and their colours.
    case kinds([(name: String, colour: SIMD3<UInt8>)])
    /// The ends of the scale; what lies beyond has the end's colour. `least` and `most` are those of all atoms.
    case scale(range: ClosedRange<Double>, unit: String, least: Double, most: Double)
  }

  /// What colours mean, the same in all frames of a film: the kinds there are, or the ends of the scale.
  package struct Key: Sendable {
    fileprivate enum Meaning: Sendable {
      case kinds([Int: String])
      case scale(range: ClosedRange<Double>, least: Double, most: Double)
    }
    package let title: String
    fileprivate var meaning: Meaning
    fileprivate var isScale: Bool { if case .scale = meaning { true } else { false } }

    /// With what another frame has besides.
    package mutating func include(_ other: Key) {
      switch (meaning, other.meaning) {
      case (.kinds(let mine), .kinds(let theirs)): meaning = .kinds(mine.merging(theirs) { a, _ in a })
      case (.scale(let mine, let least, let most), .scale(let theirs, let lesser, let more)):
        // A frame whose atoms are all alike, as of a perfect crystal, has no say.
        let spans = [mine, theirs].filter { $0.lowerBound < $0.upperBound }
        let ends = spans.isEmpty ? [mine, theirs] : spans
        meaning = .scale(
          range: ends.map(\.lowerBound).min()!...ends.map(\.upperBound).max()!, least: min(least, lesser), most: max(most, more))
      default: break
      }
    }
  }

  package let key: Key
  package let colours: [SIMD3<UInt8>]
  package var title: String { key.title }

  package var legend: Legend {
    switch key.meaning {
    case .kinds(let names):
      .kinds(names.sorted { $0.key < $1.key }.enumerated().map { (name: $1.value, colour: Palette.kind($0)) })
    case .scale(let range, let least, let most): .scale(range: range, unit: Self.units[title] ?? "", least: least, most: most)
    }
  }

  /// Units of columns that this program writes.
  private static let units = [
    "energies": "eV", "charges": "e", "forces": "eV/Å", "velocities": "Å/ps", "virials": "eV", "centrosymmetry": "Å²",
  ]

  private enum Values {
    case kinds([Int], names: [Int: String])
    case numbers([Double])
  }

  /// Colours by `element`, `grain`, or any column of numbers; of several numbers an atom their root sum of squares. Without a
  /// name: grains if there are several, else elements if there are several, else energies if they are there. With a key, by
  /// what it is of, and as it says.
  package init(_ frame: ExtXYZFrame, by name: String?, key given: Key? = nil) throws {
    let structure = frame.structure
    let hasGrains = Set(structure.grains ?? []).count > 1
    let usual = hasGrains ? "grain" : structure.species.count > 1 ? "element" : frame.column("energies") != nil ? "energies" : "element"
    let title = given?.title ?? name ?? usual
    let values = try Self.values(frame, title, isScale: given?.isScale)
    let key = given ?? Self.key(values, title)
    self.key = key
    switch (values, key.meaning) {
    case (.kinds(let kinds, _), .kinds(let names)):
      let place = Dictionary(uniqueKeysWithValues: names.keys.sorted().enumerated().map { ($1, $0) })
      colours = kinds.map { Palette.kind(place[$0] ?? Palette.kinds.count - 1) }
    case (.numbers(let numbers), .scale(let range, _, _)):
      let (low, high) = (range.lowerBound, range.upperBound)
      let span = high > low ? high - low : 1
      colours = numbers.map { Palette.scale(($0 - low) / span) }
    default: preconditionFailure("values are of the key's kind")
    }
  }

  /// The key of another frame, by what `like` is of.
  static func key(_ frame: ExtXYZFrame, like key: Key) throws -> Key {
    Self.key(try values(frame, key.title, isScale: key.isScale), key.title)
  }

  private static func values(_ frame: ExtXYZFrame, _ title: String, isScale: Bool?) throws -> Values {
    let structure = frame.structure
    func named(_ kinds: [Int]) -> Values { .kinds(kinds, names: Dictionary(uniqueKeysWithValues: Set(kinds).map { ($0, "\($0)") })) }
    switch title {
    case "element":
      return .kinds(structure.types.map(Int.init), names: Dictionary(uniqueKeysWithValues: structure.species.enumerated().map { ($0, $1) }))
    case "grain" where structure.grains != nil: return named(structure.grains!.map(Int.init))
    case "velocities" where structure.velocities != nil: return .numbers(structure.velocities!.map(\.length))
    case "charges" where structure.charges != nil: return .numbers(structure.charges!)
    default:
      guard let column = frame.column(title), let values = column.reals else {
        let known = ["element"] + (structure.grains != nil ? ["grain"] : [])
          + (structure.velocities != nil ? ["velocities"] : []) + (structure.charges != nil ? ["charges"] : [])
          + frame.columns.filter { $0.reals != nil }.map(\.name)
        throw FaultlineError(
          .input, "the frame has no column '\(title)' of numbers to colour atoms by", hint: "there are: \(known.joined(separator: ", "))")
      }
      if case .integers(let whole) = column.values, column.width == 1, isScale != true, isScale == false || Set(whole).count <= 2 * Palette.kinds.count {
        return named(whole.map { Int($0) })
      }
      let width = column.width
      return .numbers(
        width == 1 ? values : (0..<(values.count / width)).map { i in
          (0..<width).reduce(0) { $0 + values[i * width + $1] * values[i * width + $1] }.squareRoot()
        })
    }
  }

  /// A scale goes from the 2nd to the 98th of a hundred atoms, so that a few do not take it all.
  private static func key(_ values: Values, _ title: String) -> Key {
    switch values {
    case .kinds(_, let names): return Key(title: title, meaning: .kinds(names))
    case .numbers(let numbers):
      let sorted = numbers.sorted()
      let last = Double(sorted.count - 1)
      var (low, high) = (sorted[Int(0.02 * last)], sorted[Int((0.98 * last).rounded(.up))])
      if !(high > low) { (low, high) = (sorted[0], sorted[sorted.count - 1]) }
      return Key(title: title, meaning: .scale(range: low...max(low, high), least: sorted[0], most: sorted[sorted.count - 1]))
    }
  }
}

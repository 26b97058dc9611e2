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
    /// Whether not all atoms are alike.
    var tells: Bool {
      switch meaning {
      case .kinds(let names): names.count > 1
      case .scale(_, let least, let most): most > least
      }
    }
    /// Whether the scale's middle is zero.
    package var isSigned: Bool { title.hasPrefix("stress") }

    /// The scale's colour at `x` from 0 to 1.
    package func shade(_ x: Double) -> SIMD3<UInt8> { isSigned ? Palette.signed(x) : Palette.scale(x) }

    /// Colours of kinds: structures have always the same.
    fileprivate func colours(_ names: [Int: String]) -> [Int: SIMD3<UInt8>] {
      if title == "structure" { return Dictionary(uniqueKeysWithValues: AtomQuantities.structures.enumerated().map { ($0, $1.colour) }) }
      return Dictionary(uniqueKeysWithValues: names.keys.sorted().enumerated().map { ($1, Palette.kind($0)) })
    }

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

  /// The name of colours that need a second frame.
  package static let displacement = "displacement"

  package let key: Key
  package let colours: [SIMD3<UInt8>]
  package var title: String { key.title }

  package var legend: Legend {
    switch key.meaning {
    case .kinds(let names):
      let colours = key.colours(names)
      return .kinds(names.sorted { $0.key < $1.key }.map { (name: $0.value, colour: colours[$0.key]!) })
    case .scale(let range, let least, let most): return .scale(range: range, unit: Self.unit(title), least: least, most: most)
    }
  }

  /// Of columns that this program writes, and of what is computed here.
  private static func unit(_ title: String) -> String {
    if title.hasPrefix("stress") { return "GPa" }
    return [
      "energies": "eV", "charges": "e", "forces": "eV/Å", "velocities": "Å/ps", "virials": "eV", "centrosymmetry": "Å²", "displacement": "Å",
    ][title] ?? ""
  }

  private enum Values {
    case kinds([Int], names: [Int: String])
    case numbers([Double])
  }

  /// Colours by `element`, `grain`, `structure`, `stress`, `stress_xx` …, `displacement` (since `reference`), or any column of
  /// numbers; of several numbers an atom their root sum of squares. Without a
  /// name: grains if there are several, else elements if there are several, else energies if they are there. With a key, by
  /// what it is of, and as it says. Of structures only those of `atoms` are looked at.
  package init(_ frame: ExtXYZFrame, by name: String?, reference: ExtXYZFrame? = nil, of atoms: [Int]? = nil, key given: Key? = nil) throws {
    let title = given?.title ?? Self.title(frame, name)
    let values = try Self.values(frame, title, reference, isScale: given?.isScale, of: atoms)
    let key = given ?? Self.key(values, title)
    self.key = key
    switch (values, key.meaning) {
    case (.kinds(let kinds, _), .kinds(let names)):
      let known = key.colours(names)
      colours = kinds.map { known[$0] ?? Palette.kinds[Palette.kinds.count - 1] }
    case (.numbers(let numbers), .scale(let range, _, _)):
      let (low, high) = (range.lowerBound, range.upperBound)
      let span = high > low ? high - low : 1
      colours = numbers.map { key.shade(high > low ? ($0 - low) / span : key.isSigned ? 0.5 : ($0 - low)) }
    default: preconditionFailure("values are of the key's kind")
    }
  }

  private static func title(_ frame: ExtXYZFrame, _ name: String?) -> String {
    let hasGrains = Set(frame.structure.grains ?? []).count > 1
    return name ?? (hasGrains ? "grain" : frame.structure.species.count > 1 ? "element" : frame.column("energies") != nil ? "energies" : "element")
  }

  /// The key of a frame, alone or by what `like` is of; that of structures is by some of the atoms, since looking costs more than
  /// drawing, and leaves out what fewer than one of a hundred have.
  static func key(_ frame: ExtXYZFrame, by name: String? = nil, reference: ExtXYZFrame?, like key: Key? = nil) throws -> Key {
    let title = key?.title ?? title(frame, name)
    return Self.key(try values(frame, title, reference, isScale: key?.isScale, of: AtomQuantities.sample(frame)), title)
  }

  private static func values(_ frame: ExtXYZFrame, _ title: String, _ reference: ExtXYZFrame?, isScale: Bool?, of atoms: [Int]?) throws -> Values {
    let structure = frame.structure
    func named(_ kinds: [Int]) -> Values { .kinds(kinds, names: Dictionary(uniqueKeysWithValues: Set(kinds).map { ($0, "\($0)") })) }
    switch title {
    case "element":
      return .kinds(structure.types.map(Int.init), names: Dictionary(uniqueKeysWithValues: structure.species.enumerated().map { ($0, $1) }))
    case "grain" where structure.grains != nil: return named(structure.grains!.map(Int.init))
    case "velocities" where structure.velocities != nil: return .numbers(structure.velocities!.map(\.length))
    case "charges" where structure.charges != nil: return .numbers(structure.charges!)
    case "structure" where frame.column(title) == nil:
      let kinds = AtomQuantities.structureKinds(frame, of: atoms ?? Array(0..<structure.count))
      let seen = kinds.filter { $0 >= 0 }
      let found = AtomQuantities.structures.indices.filter { kind in seen.count { $0 == kind } * 100 >= max(1, seen.count) }
      return .kinds(kinds, names: Dictionary(uniqueKeysWithValues: found.map { ($0, AtomQuantities.structures[$0].type.rawValue) }))
    case displacement where frame.column(title) == nil:
      guard let reference else {
        throw FaultlineError(.input, "displacements need another frame that they are counted from", hint: "give a trajectory")
      }
      return .numbers(try AtomQuantities.displacements(frame, since: reference))
    case _ where (title == "stress" || AtomQuantities.stressNames.contains(title)) && frame.column(title) == nil:
      return .numbers(try AtomQuantities.stresses(frame, title))
    default:
      guard let column = frame.column(title), let values = column.reals else {
        let known = ["element"] + (structure.grains != nil ? ["grain"] : [])
          + (structure.velocities != nil ? ["velocities"] : []) + (structure.charges != nil ? ["charges"] : [])
          + frame.columns.filter { $0.reals != nil }.map(\.name) + ["structure", "displacement"] + (frame.column("virials") != nil ? ["stress"] : [])
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

  /// A scale goes from the 2nd to the 98th of a hundred atoms, so that a few do not take it all; with a sign, as far to both sides.
  private static func key(_ values: Values, _ title: String) -> Key {
    switch values {
    case .kinds(_, let names): return Key(title: title, meaning: .kinds(names))
    case .numbers(let numbers):
      let sorted = numbers.sorted()
      let last = Double(sorted.count - 1)
      var (low, high) = (sorted[Int(0.02 * last)], sorted[Int((0.98 * last).rounded(.up))])
      if !(high > low) { (low, high) = (sorted[0], sorted[sorted.count - 1]) }
      var key = Key(title: title, meaning: .scale(range: low...max(low, high), least: sorted[0], most: sorted[sorted.count - 1]))
      if key.isSigned {
        let most = max(abs(low), abs(high))
        key.meaning = .scale(range: -most...most, least: sorted[0], most: sorted[sorted.count - 1])
      }
      return key
    }
  }
}

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

  package var title: String
  package var colours: [SIMD3<UInt8>]
  package var legend: Legend

  /// Units of columns that this program writes.
  private static let units = [
    "energies": "eV", "charges": "e", "forces": "eV/Å", "velocities": "Å/ps", "virials": "eV", "centrosymmetry": "Å²",
  ]

  /// Colours by `element`, `grain`, or any column of numbers; of several numbers an atom their root sum of squares. Without a
  /// name: grains if there are several, else elements if there are several, else energies if they are there.
  package init(_ frame: ExtXYZFrame, by name: String?) throws {
    let structure = frame.structure
    let hasGrains = Set(structure.grains ?? []).count > 1
    let usual = hasGrains ? "grain" : structure.species.count > 1 ? "element" : frame.column("energies") != nil ? "energies" : "element"
    switch name ?? usual {
    case "element":
      self.init(
        title: "element", colours: structure.types.map { Palette.kind(Int($0)) },
        legend: .kinds(structure.species.enumerated().map { ($1, Palette.kind($0)) }))
    case "grain" where structure.grains != nil:
      self.init(kinds: structure.grains!.map(Int.init), title: "grain")
    case "velocities" where structure.velocities != nil:
      self.init(numbers: structure.velocities!.map(\.length), title: "velocities")
    case "charges" where structure.charges != nil:
      self.init(numbers: structure.charges!, title: "charges")
    case let name:
      guard let column = frame.column(name), let values = column.reals else {
        let known = ["element"] + (structure.grains != nil ? ["grain"] : [])
          + (structure.velocities != nil ? ["velocities"] : []) + (structure.charges != nil ? ["charges"] : [])
          + frame.columns.filter { $0.reals != nil }.map(\.name)
        throw FaultlineError(
          .input, "the frame has no column '\(name)' of numbers to colour atoms by", hint: "there are: \(known.joined(separator: ", "))")
      }
      if case .integers(let whole) = column.values, column.width == 1, Set(whole).count <= 2 * Palette.kinds.count {
        self.init(kinds: whole.map { Int($0) }, title: name)
      } else {
        let width = column.width
        let sizes = width == 1 ? values : (0..<(values.count / width)).map { i in
          (0..<width).reduce(0) { $0 + values[i * width + $1] * values[i * width + $1] }.squareRoot()
        }
        self.init(numbers: sizes, title: name)
      }
    }
  }

  private init(title: String, colours: [SIMD3<UInt8>], legend: Legend) {
    (self.title, self.colours, self.legend) = (title, colours, legend)
  }

  private init(kinds: [Int], title: String) {
    self.title = title
    let known = Set(kinds).sorted()
    let place = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
    colours = kinds.map { Palette.kind(place[$0]!) }
    legend = .kinds(known.enumerated().map { ("\($1)", Palette.kind($0)) })
  }

  /// The scale goes from the 2nd to the 98th of a hundred atoms, so that a few do not take it all.
  private init(numbers: [Double], title: String) {
    self.title = title
    let sorted = numbers.sorted()
    let last = Double(sorted.count - 1)
    var (low, high) = (sorted[Int(0.02 * last)], sorted[Int((0.98 * last).rounded(.up))])
    if !(high > low) { (low, high) = (sorted[0], sorted[sorted.count - 1]) }
    let span = high > low ? high - low : 1
    colours = numbers.map { Palette.scale(($0 - low) / span) }
    legend = .scale(
      range: low...max(low, high), unit: Self.units[title] ?? "", least: sorted[0], most: sorted[sorted.count - 1])
  }
}

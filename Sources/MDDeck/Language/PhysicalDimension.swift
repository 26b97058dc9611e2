import Foundation
import MDCore

/// A physical dimension with the units that a deck may use; the first is the default and the internal one.
package struct PhysicalDimension: Sendable {
  /// 1 of this unit is numerator/denominator of the default one. Powers of ten stand where they keep
  /// decimal numbers exact: 0.3 fs is 0.3/1000 ps, correctly rounded.
  package struct Unit: Sendable {
    package var name: String
    package var numerator: Double
    package var denominator: Double

    package init(_ name: String, _ numerator: Double = 1, per denominator: Double = 1) {
      self.name = name
      self.numerator = numerator
      self.denominator = denominator
    }
  }

  /// With its article: "a length".
  package var name: String
  package var units: [Unit]
  /// What numbers of any key may be, 0 and signs apart, in the default unit: wide enough for everything that is
  /// simulated, narrow enough for products of a few to stay far from the limits of arithmetic. The lower bound holds
  /// for keys that must be above 0.
  package var magnitudes: ClosedRange<Double>

  package init(_ name: String, _ units: [Unit], magnitudes: ClosedRange<Double>) {
    self.name = name
    self.units = units
    self.magnitudes = magnitudes
  }

  /// nil for a plain number.
  package var defaultUnit: String? { units.first?.name }

  /// What "2.5 nm" is in the default unit; nil without a number or a unit of this dimension.
  package func value(of text: String) -> Double? {
    let text = text.trimmingCharacters(in: .whitespaces)
    guard let (number, length) = DecimalText.prefix(of: text) else { return nil }
    let name = String(decoding: text.utf8.dropFirst(length), as: UTF8.self).trimmingCharacters(in: .whitespaces)
    return unit(named: name).map { number * $0.numerator / $0.denominator }
  }

  func unit(named name: String) -> Unit? {
    let plain = Self.plain(name)
    return units.first { Self.plain($0.name) == plain }
  }

  /// Å has many spellings (two of them are the same text to Swift), µ two.
  private static func plain(_ name: String) -> String {
    name.replacing("Å", with: "A").replacing("angstrom", with: "A").replacing("\u{3BC}", with: "u")
      .replacing("\u{B5}", with: "u")
  }

  /// Every spelling that `unit(named:)` takes, for JSON Schema.
  var spellings: [String] {
    units.flatMap { unit -> [String] in
      let letters = unit.name.contains("Å") ? ("Å", ["\u{C5}", "\u{212B}", "A\u{30A}", "A", "angstrom"])
        : ("µ", ["\u{B5}", "\u{3BC}", "u"])
      return unit.name.contains(letters.0) ? letters.1.map { unit.name.replacing(letters.0, with: $0) } : [unit.name]
    }
  }
}

extension PhysicalDimension {
  /// Those of the reference's table of units.
  static let common = [
    length, inverseLength, time, rate, temperature, energy, force, pressure, stressIntensity, surfaceEnergy, velocity, mass,
    charge, potential, electricField, wallTime,
  ]

  package static let dimensionless = PhysicalDimension("a number", [], magnitudes: 1e-15...1e15)
  package static let length = PhysicalDimension(
    "a length",
    [
      Unit("Å"), Unit("nm", 10), Unit("pm", per: 100), Unit("µm", 1e4), Unit("bohr", Units.bohr),
    ], magnitudes: 1e-3...1e7)
  package static let inverseLength = PhysicalDimension(
    "an inverse length",
    [Unit("1/Å"), Unit("/Å"), Unit("1/nm", per: 10), Unit("/nm", per: 10), Unit("1/bohr", per: Units.bohr)],
    magnitudes: 1e-6...1e3)
  package static let time = PhysicalDimension(
    "a time",
    [
      Unit("ps"), Unit("fs", per: 1000), Unit("ns", 1000), Unit("µs", 1e6), Unit("s", 1e12),
    ], magnitudes: 1e-9...1e13)
  /// Of the clock on the wall, not of the atoms.
  package static let wallTime = PhysicalDimension(
    "a time of the clock", [Unit("s"), Unit("min", 60), Unit("h", 3600), Unit("d", 86_400)], magnitudes: 1e-3...1e9)
  package static let temperature = PhysicalDimension("a temperature", [Unit("K")], magnitudes: 1e-9...1e9)
  package static let energy = PhysicalDimension(
    "an energy",
    [
      Unit("eV"), Unit("meV", per: 1000), Unit("hartree", Units.hartree), Unit("Ha", Units.hartree),
      Unit("Ry", Units.hartree, per: 2), Unit("kJ/mol", per: 96.48533212331),
      Unit("kcal/mol", 4.184, per: 96.48533212331),
    ], magnitudes: 1e-18...1e12)
  package static let force = PhysicalDimension(
    "a force", [Unit("eV/Å"), Unit("meV/Å", per: 1000), Unit("Ha/bohr", Units.hartree, per: Units.bohr)],
    magnitudes: 1e-15...1e9)
  package static let pressure = PhysicalDimension(
    "a pressure",
    [
      Unit("bar"), Unit("kbar", 1000), Unit("GPa", 10_000), Unit("MPa", 10), Unit("atm", 1.01325),
      Unit("Pa", per: 100_000), Unit("eV/Å³", Units.energyPerVolumeToBar),
    ], magnitudes: 1e-12...1e12)
  package static let stressIntensity = PhysicalDimension(
    "a stress intensity",
    [
      Unit("MPa√m"), Unit("MPa*m^0.5"), Unit("kPa√m", per: 1000), Unit("GPa√Å", per: 100),
      Unit("eV/Å^2.5", Units.energyPerVolumeToBar, per: 1e6),
    ], magnitudes: 1e-9...1e6)
  package static let surfaceEnergy = PhysicalDimension(
    "an energy per area",
    [Unit("J/m²"), Unit("mJ/m²", per: 1000), Unit("J/m^2"), Unit("eV/Å²", Units.energyPerAreaToJoulePerSquareMetre)],
    magnitudes: 1e-9...1e6)
  package static let velocity = PhysicalDimension(
    "a velocity",
    [Unit("Å/ps"), Unit("Å/fs", 1000), Unit("nm/ps", 10), Unit("nm/ns", per: 100), Unit("m/s", per: 100),
      Unit("km/s", 10)], magnitudes: 1e-12...1e6)
  package static let mass = PhysicalDimension("a mass", [Unit("g/mol"), Unit("u")], magnitudes: 1e-4...1e6)
  package static let charge = PhysicalDimension("a charge", [Unit("e")], magnitudes: 1e-15...1e9)
  package static let potential = PhysicalDimension(
    "an electric potential", [Unit("V"), Unit("mV", per: 1000)], magnitudes: 1e-12...1e6)
  package static let electricField = PhysicalDimension(
    "an electric field", [Unit("V/Å"), Unit("V/nm", per: 10), Unit("MV/cm", per: 100)], magnitudes: 1e-12...1e6)
  package static let rate = PhysicalDimension(
    "a rate",
    [
      Unit("1/ps"), Unit("/ps"), Unit("1/fs", 1000), Unit("/fs", 1000), Unit("1/ns", per: 1000), Unit("/ns", per: 1000),
      Unit("1/s", per: 1e12), Unit("/s", per: 1e12),
    ], magnitudes: 1e-15...1e15)
}

/// Which numbers are allowed, in the default unit.
package struct NumberRange: Sendable {
  package var lower: Double?
  package var upper: Double?
  /// Whether `lower` itself is allowed.
  package var includesLower: Bool
  /// Magnitudes that make sense as a rule; a value beyond them is taken, with a warning that names the unit that was
  /// probably meant. 0 is never warned of.
  package var plausible: ClosedRange<Double>?

  package init(from lower: Double? = nil, to upper: Double? = nil, includesLower: Bool = true) {
    self.lower = lower
    self.upper = upper
    self.includesLower = includesLower
  }

  package static let any = NumberRange()
  package static let positive = NumberRange(from: 0, includesLower: false)
  package static let nonNegative = NumberRange(from: 0)

  /// The same numbers, with a warning for magnitudes beyond `magnitudes`.
  package func plausibly(_ magnitudes: ClosedRange<Double>) -> NumberRange {
    var range = self
    range.plausible = magnitudes
    return range
  }

  /// The bounds that hold together with those of the dimension.
  func within(_ dimension: PhysicalDimension) -> NumberRange {
    let (least, largest) = (dimension.magnitudes.lowerBound, dimension.magnitudes.upperBound)
    var range = self
    if lower == 0, !includesLower { (range.lower, range.includesLower) = (least, true) }
    range.lower = range.lower ?? -largest
    range.upper = min(upper ?? largest, largest)
    return range
  }

  func contains(_ value: Double) -> Bool {
    if let lower, value < lower || (value == lower && !includesLower) { return false }
    if let upper, value > upper { return false }
    return true
  }

  /// "> 0", "≥ 0", "> 0 and ≤ 1"; nil if anything goes.
  var phrase: String? {
    let parts = [
      lower.map { (includesLower ? "≥ " : "> ") + plain($0) }, upper.map { "≤ " + plain($0) },
    ].compactMap { $0 }
    return parts.isEmpty ? nil : parts.joined(separator: " and ")
  }
}

/// A number without a needless ".0" or "e-06"; large powers of ten as such.
package func plain(_ value: Double) -> String {
  if let whole = Int(exactly: value) {
    let digits = String(whole)
    let zeros = digits.reversed().prefix { $0 == "0" }.count
    return zeros >= 6 ? "\(digits.dropLast(zeros))e\(zeros)" : digits
  }
  return "\(value)".replacing("e-0", with: "e-").replacing(".0e", with: "e")
}

import Foundation

/// A number that a page shows: what it is, with its error and unit, and which key of which file it is from.
package struct Figure {
  var name: String
  var value: Double
  var error: Double?
  var unit: String
  var definition: String?
  /// `results.json transport.D_Li`.
  var source: String

  /// As it is read aloud: as many digits as the error leaves, five without one.
  var text: String { Figure.text(value, error) + (unit.isEmpty || unit == "1" ? "" : " " + unit) }

  /// The same with the number in full for programs.
  var html: String {
    "<data value=\"\(Figure.full(value))\">\(Markup.escaped(Figure.text(value, error)))</data>"
      + (unit.isEmpty || unit == "1" ? "" : " \(Markup.escaped(unit))")
  }

  /// All digits of a double.
  static func full(_ x: Double) -> String { x.isFinite ? "\(x)" : "" }

  /// `1.661`, `1.279 ± 0.024`, `(3.1 ± 0.4)·10⁻⁹`.
  package static func text(_ value: Double, _ error: Double? = nil) -> String {
    guard value.isFinite else { return "–" }
    // What is only rounding is no error.
    let error = error.flatMap { $0.isFinite && $0 > 1e-12 * abs(value) ? $0 : nil }
    let size = max(abs(value), error ?? 0)
    guard size > 0 else { return "0" }
    var exponent = Int(log10(size).rounded(.down))
    // What has no error stands as it is up to a million, and down to a thousandth.
    if (-4..<7).contains(exponent) { exponent = 0 }
    let factor = pow(10, Double(exponent))
    let (mantissa, spread) = (value / factor, error.map { $0 / factor })
    let digits = spread.map { max(0, 1 - Int(log10($0).rounded(.down))) } ?? max(0, 4 - Int(log10(abs(mantissa)).rounded(.down)))
    var number = String(format: "%.\(min(digits, 12))f", mantissa)
    if spread == nil, number.contains(".") {
      while number.hasSuffix("0") { number.removeLast() }
      if number.hasSuffix(".") { number.removeLast() }
    }
    if number.hasPrefix("-") { number = "−" + number.dropFirst() }
    var text = number
    if let spread { text += " ± " + String(format: "%.\(min(digits, 12))f", spread) }
    guard exponent != 0 else { return text }
    return (spread == nil ? text : "(\(text))") + "·10" + superscript(exponent)
  }

  /// Three digits, for words about sizes.
  static func brief(_ x: Double) -> String { text(Double(String(format: "%.3g", x)) ?? x) }

  static func superscript(_ n: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return (n < 0 ? "⁻" : "") + String("\(abs(n))".map { digits[$0.wholeNumberValue!] })
  }
}

/// All numbers of a page, for the JSON inside of it.
final class FigureBook {
  private(set) var figures: [Figure] = []

  /// Notes the number and gives it as it stands on the page.
  func html(_ figure: Figure) -> String {
    figures.append(figure)
    return figure.html
  }

  var json: String {
    let rows = figures.map { f in
      "{\"name\":\(Markup.quoted(f.name)),\"value\":\(f.value.isFinite ? Figure.full(f.value) : "null"),"
        + "\"error\":\(f.error.map { $0.isFinite ? Figure.full($0) : "null" } ?? "null"),\"unit\":\(Markup.quoted(f.unit)),"
        + "\"definition\":\(f.definition.map(Markup.quoted) ?? "null"),\"source\":\(Markup.quoted(f.source))}"
    }
    return "[\n" + rows.joined(separator: ",\n") + "\n]"
  }
}

import Foundation

/// A small picture as Scalable Vector Graphics: axes, points, lines, parallelograms of colour.
struct VectorPicture {
  private let width: Double
  private let height: Double
  private var elements: [String] = []

  init(width: Double, height: Double) { (self.width, self.height) = (width, height) }

  /// Anchors of texts.
  enum Anchor: String { case start, middle, end }

  mutating func text(_ words: String, _ x: Double, _ y: Double, size: Double = 12, anchor: Anchor = .middle, turned: Bool = false) {
    let turn = turned ? " transform=\"rotate(-90 \(n(x)) \(n(y)))\"" : ""
    elements.append(
      "<text x=\"\(n(x))\" y=\"\(n(y))\" font-size=\"\(n(size))\" text-anchor=\"\(anchor.rawValue)\"\(turn)>\(Self.escaped(words))</text>")
  }

  mutating func line(_ points: [(Double, Double)], color: String = "#333", width: Double = 1, closed: Bool = false, fill: String = "none") {
    let list = points.map { "\(n($0.0)),\(n($0.1))" }.joined(separator: " ")
    elements.append(
      "<\(closed ? "polygon" : "polyline") points=\"\(list)\" fill=\"\(fill)\" stroke=\"\(color)\" stroke-width=\"\(n(width))\"/>")
  }

  mutating func circle(_ x: Double, _ y: Double, radius: Double, fill: String, stroke: String = "#333", title: String? = nil) {
    let inner = title.map { "<title>\(Self.escaped($0))</title>" } ?? ""
    elements.append(
      "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(radius))\" fill=\"\(fill)\" stroke=\"\(stroke)\" stroke-width=\"0.7\">\(inner)</circle>")
  }

  /// Blue for 0, green, yellow for 1: even steps of lightness, so that it can be read in grey.
  static func color(_ x: Double) -> String {
    let stops: [(Double, Double, Double)] = [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)]
    let t = min(max(x.isFinite ? x : 1, 0), 1) * Double(stops.count - 1)
    let k = min(Int(t), stops.count - 2)
    let f = t - Double(k)
    func mix(_ a: Double, _ b: Double) -> Int { Int((a + f * (b - a)).rounded()) }
    return String(
      format: "#%02x%02x%02x", mix(stops[k].0, stops[k + 1].0), mix(stops[k].1, stops[k + 1].1), mix(stops[k].2, stops[k + 1].2))
  }

  /// A frame with ticks; values are put at its places by `x` and `y`.
  struct Frame {
    var left: Double, right: Double, top: Double, bottom: Double
    var xs: ClosedRange<Double>
    var ys: ClosedRange<Double>

    func x(_ value: Double) -> Double { left + (value - xs.lowerBound) / (xs.upperBound - xs.lowerBound) * (right - left) }
    func y(_ value: Double) -> Double { bottom - (value - ys.lowerBound) / (ys.upperBound - ys.lowerBound) * (bottom - top) }
  }

  mutating func axes(_ frame: Frame, xLabel: String, yLabel: String) {
    line(
      [(frame.left, frame.top), (frame.right, frame.top), (frame.right, frame.bottom), (frame.left, frame.bottom)], closed: true)
    for value in Self.ticks(frame.xs) {
      line([(frame.x(value), frame.bottom), (frame.x(value), frame.bottom - 4)])
      text(Self.short(value), frame.x(value), frame.bottom + 16)
    }
    for value in Self.ticks(frame.ys) {
      line([(frame.left, frame.y(value)), (frame.left + 4, frame.y(value))])
      text(Self.short(value), frame.left - 6, frame.y(value) + 4, anchor: .end)
    }
    text(xLabel, 0.5 * (frame.left + frame.right), frame.bottom + 36, size: 13)
    text(yLabel, frame.left - 46, 0.5 * (frame.top + frame.bottom), size: 13, turned: true)
  }

  /// Round numbers in a range, some five of them.
  static func ticks(_ range: ClosedRange<Double>) -> [Double] {
    let span = range.upperBound - range.lowerBound
    let rough = span / 5
    let power = pow(10, log10(rough).rounded(.down))
    let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? rough
    let first = Int((range.lowerBound / step - 1e-9).rounded(.up))
    let last = Int((range.upperBound / step + 1e-9).rounded(.down))
    return first > last ? [] : (first...last).map { Double($0) * step }
  }

  /// A range that holds all values with some room; of one value a unit around it.
  static func range(_ values: [Double], room: Double = 0.06) -> ClosedRange<Double> {
    let known = values.filter(\.isFinite)
    guard let low = known.min(), let high = known.max() else { return 0...1 }
    let margin = high > low ? room * (high - low) : max(0.05 * abs(low), 0.05)
    return (low - margin)...(high + margin)
  }

  private static func short(_ x: Double) -> String { String(format: "%.4g", abs(x) < 1e-12 ? 0 : x) }
  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
  private func n(_ x: Double) -> String { String(format: "%.2f", x) }

  var source: String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Int(width))\" height=\"\(Int(height))\" font-family=\"sans-serif\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + elements.joined(separator: "\n") + "\n</svg>\n"
  }
}

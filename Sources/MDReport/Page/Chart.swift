import Foundation

/// A chart as Scalable Vector Graphics whose colours are those of the page, light or dark.
package struct Chart {
  enum Style { case line, points, both, bars }

  struct Series {
    /// Without one it stays out of the legend.
    var name: String
    var xs: [Double]
    var ys: [Double]
    var errors: [Double]? = nil
    var style = Style.line
    /// Which colour of the page's eight; by its place if absent.
    var colour: Int? = nil
  }

  var title: String
  var xLabel: String
  var yLabel: String
  var series: [Series]
  /// Whether zero is in the picture.
  var fromZero = false
  var isLogarithmicX = false
  var isLogarithmicY = false
  /// Vertical lines with words: where stages begin.
  var marks: [(x: Double, words: String)] = []

  private static let (width, height) = (640.0, 340.0)
  private static let (left, right, top, bottom) = (96.0, 626.0, 14.0, 284.0)
  /// More points than this are drawn as least and most of intervals.
  private static let dense = 900

  static func place(_ x: Double) -> String { String(format: "%.2f", x) }

  /// A number at an axis.
  static func short(_ x: Double) -> String {
    guard abs(x) > 1e-14 else { return "0" }
    if abs(x) >= 1e6 || abs(x) < 1e-3 {
      let power = Int(log10(abs(x)).rounded(.down))
      return String(format: "%.3g", x / pow(10, Double(power))).replacing("-", with: "−") + "·10" + Figure.superscript(power)
    }
    return String(format: "%.6g", x).replacing("-", with: "−")
  }

  /// Round numbers in a range, some `count` of them.
  static func ticks(_ range: ClosedRange<Double>, count: Double = 5) -> [Double] {
    let rough = (range.upperBound - range.lowerBound) / count
    let power = pow(10, log10(rough).rounded(.down))
    guard power.isFinite, power > 0 else { return [] }
    let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? rough
    let (first, last) = ((range.lowerBound / step - 1e-9).rounded(.up), (range.upperBound / step + 1e-9).rounded(.down))
    guard last >= first, abs(first) < 1e15 else { return [] }
    return (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  static func range(_ values: [Double], room: Double, zero: Bool) -> ClosedRange<Double>? {
    let known = values.filter(\.isFinite) + (zero ? [0] : [])
    guard let low = known.min(), let high = known.max() else { return nil }
    // What differs by rounding only is one value.
    let span = high - low
    let margin = span > 1e-10 * max(abs(low), abs(high)) ? room * span : low == 0 ? 1 : 0.02 * abs(low)
    return (zero && low == 0 ? 0 : low - margin)...(zero && high == 0 ? 0 : high + margin)
  }

  /// Nothing where no series has a point.
  package var svg: String {
    let shown = series.enumerated().map { k, s -> Series in
      var s = s
      s.colour = s.colour ?? k
      let keep = s.xs.indices.filter {
        s.xs[$0].isFinite && s.ys[$0].isFinite && (!isLogarithmicX || s.xs[$0] > 0) && (!isLogarithmicY || s.ys[$0] > 0)
      }
      let ys = keep.map { s.ys[$0] }
      // A small error of y is one of ln y.
      s.errors = s.errors.map { e in zip(keep, ys).map { isLogarithmicY ? e[$0] / ($1 * M_LN10) : e[$0] } }
      (s.ys, s.xs) = (ys.map { isLogarithmicY ? log10($0) : $0 }, keep.map { isLogarithmicX ? log10(s.xs[$0]) : s.xs[$0] })
      return s
    }.filter { !$0.xs.isEmpty }
    let all = shown.flatMap { s in s.ys + (s.errors.map { e in zip(s.ys, e).flatMap { $1.isFinite ? [$0 - $1, $0 + $1] : [] } } ?? []) }
    guard let xs = Self.range(shown.flatMap(\.xs), room: shown.contains { $0.style == .bars } ? 0.08 : 0.01, zero: false),
      let ys = Self.range(all, room: 0.06, zero: fromZero)
    else { return "" }
    func x(_ v: Double) -> Double { Self.left + (v - xs.lowerBound) / (xs.upperBound - xs.lowerBound) * (Self.right - Self.left) }
    func y(_ v: Double) -> Double { Self.bottom - (v - ys.lowerBound) / (ys.upperBound - ys.lowerBound) * (Self.bottom - Self.top) }
    let p = Self.place
    var out: [String] = []
    for v in ticks(ys, isLogarithmicY) {
      out.append("<path class=\"grid\" d=\"M\(p(Self.left)) \(p(y(v)))H\(p(Self.right))\"/>")
      out.append("<text x=\"\(p(Self.left - 7))\" y=\"\(p(y(v) + 4))\" text-anchor=\"end\">\(label(v, isLogarithmicY))</text>")
    }
    // Between whole numbers there is nothing.
    let isWhole = !isLogarithmicX && shown.allSatisfy { $0.xs.allSatisfy { $0 == $0.rounded() } }
    for v in ticks(xs, isLogarithmicX, count: 6) where !isWhole || abs(v - v.rounded()) < 1e-9 {
      out.append("<path class=\"tick\" d=\"M\(p(x(v))) \(p(Self.bottom))v5\"/>")
      out.append("<text x=\"\(p(x(v)))\" y=\"\(p(Self.bottom + 19))\" text-anchor=\"middle\">\(label(v, isLogarithmicX))</text>")
    }
    for mark in marks where xs.contains(mark.x) {
      out.append("<path class=\"mark\" d=\"M\(p(x(mark.x))) \(p(Self.top))V\(p(Self.bottom))\"><title>\(Markup.escaped(mark.words))</title></path>")
    }
    out.append("<path class=\"axis\" d=\"M\(p(Self.left)) \(p(Self.top))V\(p(Self.bottom))H\(p(Self.right))\"/>")
    let bars = shown.filter { $0.style == .bars }.count
    for (k, s) in shown.enumerated() {
      out.append(draw(s, x, y, zero: y(min(max(0, ys.lowerBound), ys.upperBound)), bar: (k, max(bars, 1))))
    }
    let middle = 0.5 * (Self.left + Self.right)
    out.append("<text class=\"label\" x=\"\(p(middle))\" y=\"\(p(Self.bottom + 42))\" text-anchor=\"middle\">\(Markup.escaped(xLabel))</text>")
    let half = 0.5 * (Self.top + Self.bottom)
    out.append("<text class=\"label\" x=\"15\" y=\"\(p(half))\" text-anchor=\"middle\" transform=\"rotate(-90 15 \(p(half)))\">\(Markup.escaped(yLabel))</text>")
    let named = shown.filter { !$0.name.isEmpty }
    let legend = named.count < 2 ? "" : "<p class=\"legend\">" + named.map {
      "<span><i class=\"s\($0.colour! % 8)\"></i>\(Markup.escaped($0.name))</span>"
    }.joined() + "</p>"
    return "<figure class=\"chart\"><figcaption>\(Markup.escaped(title))</figcaption>"
      + "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(Markup.escaped(title))\">\(out.joined())</svg>\(legend)</figure>"
  }

  /// Where numbers stand; on logarithmic axes at powers of ten, and at twice and five times them if these are few.
  private func ticks(_ range: ClosedRange<Double>, _ isLogarithmic: Bool, count: Double = 5) -> [Double] {
    guard isLogarithmic else { return Self.ticks(range, count: count) }
    let isShort = range.upperBound - range.lowerBound < 2
    return (Int(range.lowerBound.rounded(.down))...Int(range.upperBound.rounded(.up))).flatMap { power in
      (isShort ? [0, log10(2), log10(5)] : [0]).map { Double(power) + $0 }
    }.filter(range.contains)
  }

  private func label(_ v: Double, _ isLogarithmic: Bool) -> String { isLogarithmic ? Self.short(pow(10, v)) : Self.short(v) }

  private func draw(_ s: Series, _ x: (Double) -> Double, _ y: (Double) -> Double, zero: Double, bar: (place: Int, of: Int)) -> String {
    let (p, name) = (Self.place, "s\(s.colour! % 8)")
    var out = ""
    if let errors = s.errors, s.style == .line {
      // Where there are errors everywhere, a band.
      let known = s.xs.indices.filter { errors[$0].isFinite }
      if known.count > 1, known.count <= Self.dense {
        let upper = known.map { "\(p(x(s.xs[$0]))) \(p(y(s.ys[$0] + errors[$0])))" }
        let lower = known.reversed().map { "\(p(x(s.xs[$0]))) \(p(y(s.ys[$0] - errors[$0])))" }
        out += "<path class=\"band \(name)\" d=\"M\((upper + lower).joined(separator: "L"))Z\"/>"
      }
    } else if let errors = s.errors {
      for k in s.xs.indices where errors[k].isFinite {
        out += "<path class=\"line \(name)\" d=\"M\(p(x(s.xs[k]))) \(p(y(s.ys[k] - errors[k])))V\(p(y(s.ys[k] + errors[k])))\"/>"
      }
    }
    if s.style == .line || s.style == .both {
      let points = thinned(s).map { "\(p(x($0.0))) \(p(y($0.1)))" }
      out += "<path class=\"line \(name)\" d=\"M\(points.joined(separator: "L"))\"/>"
    }
    if s.style == .points || s.style == .both || s.xs.count == 1 {
      for k in s.xs.indices.prefix(4000) {
        out += "<circle class=\"point \(name)\" cx=\"\(p(x(s.xs[k])))\" cy=\"\(p(y(s.ys[k])))\" r=\"3.6\"><title>\(label(s.xs[k], isLogarithmicX)), \(label(s.ys[k], isLogarithmicY))</title></circle>"
      }
    }
    if s.style == .bars {
      let gap = s.xs.count > 1 ? zip(s.xs.dropFirst(), s.xs).map { abs(x($0) - x($1)) }.min()! : 40
      // Bars of several series stand side by side.
      let wide = max(1, 0.84 * gap / Double(bar.of))
      let shift = (Double(bar.place) - 0.5 * Double(bar.of - 1)) * wide
      for k in s.xs.indices {
        let (a, b) = (min(y(s.ys[k]), zero), max(y(s.ys[k]), zero))
        out += "<rect class=\"bar \(name)\" x=\"\(p(x(s.xs[k]) + shift - wide / 2))\" y=\"\(p(a))\" width=\"\(p(wide))\" height=\"\(p(max(b - a, 0.5)))\"/>"
      }
    }
    return out
  }

  /// Long series as the least and the most of each interval, in their order: no peak is lost.
  private func thinned(_ s: Series) -> [(Double, Double)] {
    guard s.xs.count > Self.dense else { return Array(zip(s.xs, s.ys)) }
    let size = (s.xs.count + Self.dense / 2 - 1) / (Self.dense / 2)
    return stride(from: 0, to: s.xs.count, by: size).flatMap { start -> [(Double, Double)] in
      let part = start..<min(start + size, s.xs.count)
      let ends = Set([part.min { s.ys[$0] < s.ys[$1] }!, part.max { s.ys[$0] < s.ys[$1] }!]).sorted()
      return ends.map { (s.xs[$0], s.ys[$0]) }
    }
  }
}

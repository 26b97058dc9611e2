import Foundation

/// γ over the displacement that trials began with, a point a trial and each of its symmetric images.
struct ShiftMap {
  let table: ResultTable

  var svg: String {
    guard let xs = table.numbers("x"), let ys = table.numbers("y"), let energies = table.numbers("energy"),
      let a = Chart.range(xs, room: 0.04, zero: false), let b = Chart.range(ys, room: 0.06, zero: false)
    else { return "" }
    let known = energies.filter(\.isFinite).sorted()
    guard let least = known.first else { return "" }
    // A few starts that end badly must not take the whole scale.
    let most = known[Int(0.95 * Double(known.count - 1))]
    let scale = min(470 / (a.upperBound - a.lowerBound), 330 / (b.upperBound - b.lowerBound))
    let (width, height) = (scale * (a.upperBound - a.lowerBound), scale * (b.upperBound - b.lowerBound))
    func x(_ v: Double) -> Double { 64 + scale * (v - a.lowerBound) }
    func y(_ v: Double) -> Double { 12 + height - scale * (v - b.lowerBound) }
    let p = Chart.place
    var out: [String] = []
    for v in Chart.ticks(a, count: width < 200 ? 2 : 5) { out.append("<text x=\"\(p(x(v)))\" y=\"\(p(height + 31))\" text-anchor=\"middle\">\(Chart.short(v))</text>") }
    for v in Chart.ticks(b, count: height < 150 ? 2 : 5) { out.append("<text x=\"57\" y=\"\(p(y(v) + 4))\" text-anchor=\"end\">\(Chart.short(v))</text>") }
    out.append("<path class=\"axis\" d=\"M64 12V\(p(12 + height))H\(p(64 + width))\"/>")
    let trials = table.numbers("trial") ?? []
    for k in energies.indices.filter({ energies[$0].isFinite }).sorted(by: { energies[$0] > energies[$1] }).prefix(6000) {
      let share = most > least ? (energies[k] - least) / (most - least) : 0
      let isBest = energies[k] < least + 0.002
      out.append(
        "<circle cx=\"\(p(x(xs[k])))\" cy=\"\(p(y(ys[k])))\" r=\"5\" fill=\"\(Palette.hexadecimal(Palette.scale(share)))\" "
          + "stroke=\"\(isBest ? "var(--c3)" : "var(--soft)")\" stroke-width=\"\(isBest ? 2.2 : 0.5)\">"
          + "<title>\(trials.indices.contains(k) ? "trial \(Int(trials[k])): " : "")\(Figure.text(energies[k])) J/m²</title></circle>")
    }
    out.append("<text class=\"label\" x=\"\(p(64 + width / 2))\" y=\"\(p(height + 56))\" text-anchor=\"middle\">displacement along x, Å</text>")
    out.append("<text class=\"label\" x=\"16\" y=\"\(p(12 + height / 2))\" text-anchor=\"middle\" transform=\"rotate(-90 16 \(p(12 + height / 2)))\">along y, Å</text>")
    // The scale of colours, below, so that narrow maps have room for it.
    let (top, wide) = (height + 76, 240.0)
    for k in 0..<60 {
      out.append("<rect x=\"\(p(64 + wide * Double(k) / 60))\" y=\"\(p(top))\" width=\"\(p(wide / 60 + 0.4))\" height=\"12\" fill=\"\(Palette.hexadecimal(Palette.scale((Double(k) + 0.5) / 60)))\"/>")
    }
    out.append("<text x=\"64\" y=\"\(p(top + 29))\" text-anchor=\"middle\">\(Figure.text((1e4 * least).rounded() / 1e4))</text>")
    out.append("<text x=\"\(p(64 + wide))\" y=\"\(p(top + 29))\" text-anchor=\"middle\">\(Figure.text((1e4 * most).rounded() / 1e4)) J/m²</text>")
    let title = "γ after relaxation over the displacement at the start; rims: the lowest state"
    return "<figure class=\"chart\"><figcaption>\(title)</figcaption>"
      + "<svg viewBox=\"0 0 640 \(Int(top + 38))\" role=\"img\" aria-label=\"\(title)\">\(out.joined())</svg></figure>"
  }
}

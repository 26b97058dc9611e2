import Foundation

extension AtomPicture {
  /// The picture as Scalable Vector Graphics with what its colours mean and a bar that shows its scale; texts have the colour
  /// of the page's text where there is a page.
  package func svg(standalone: Bool = true) throws -> String {
    let width = Double(image.width)
    // Pages show small pictures smaller still.
    let size = max(width / 46, standalone ? 11 : 19)
    var parts: [String] = []
    var bottom = Double(image.height)
    func text(_ words: String, _ x: Double, _ y: Double, _ anchor: String = "start") {
      parts.append(
        "<text x=\"\(Chart.place(x))\" y=\"\(Chart.place(y))\" font-size=\"\(Chart.place(size))\" text-anchor=\"\(anchor)\" fill=\"currentColor\">"
          + "\(Markup.escaped(words))</text>")
    }
    // The longest of 1, 2, 5, 10 … Å that takes at most a quarter of the width.
    let reach = 0.25 * width / scale
    let power = pow(10, log10(reach).rounded(.down))
    let bar = ([5.0, 2, 1].first { $0 * power <= reach } ?? 1) * power
    bottom += 1.6 * size
    let end = width - 8
    parts.append(
      "<path d=\"M\(Chart.place(end - bar * scale)) \(Chart.place(bottom - 0.35 * size))H\(Chart.place(end))\" stroke=\"currentColor\" stroke-width=\"\(Chart.place(size / 6))\"/>")
    text("\(Chart.short(bar)) Å", end - bar * scale - 0.5 * size, bottom, "end")

    switch colours.legend {
    case .kinds(let kinds):
      var x = 8.0
      text(colours.title + ":", x, bottom)
      x += size * (0.62 * Double(colours.title.count) + 1.2)
      // Of many kinds the colours tell nothing one by one.
      for (k, kind) in kinds.enumerated() {
        let wide = size * (0.62 * Double(kind.name.count) + 2)
        if k == 12 || x + wide > end - bar * scale - 5 * size {
          text("…", x, bottom)
          break
        }
        parts.append(
          "<circle cx=\"\(Chart.place(x + 0.4 * size))\" cy=\"\(Chart.place(bottom - 0.35 * size))\" r=\"\(Chart.place(0.42 * size))\" fill=\"\(Palette.hexadecimal(kind.colour))\"/>")
        text(kind.name, x + size, bottom)
        x += wide
      }
    case .scale(let range, let unit, _, _):
      let (left, wide) = (8 + size * (0.62 * Double(colours.title.count) + 1), 0.22 * width)
      text(colours.title, 8, bottom)
      for k in 0..<48 {
        let x = left + wide * Double(k) / 48
        parts.append(
          "<rect x=\"\(Chart.place(x))\" y=\"\(Chart.place(bottom - 0.8 * size))\" width=\"\(Chart.place(wide / 48 + 0.4))\" height=\"\(Chart.place(0.8 * size))\" fill=\"\(Palette.hexadecimal(colours.key.shade((Double(k) + 0.5) / 48)))\"/>")
      }
      bottom += 1.3 * size
      text(Figure.brief(range.lowerBound), left, bottom, "middle")
      text(Figure.brief(range.upperBound) + (unit.isEmpty ? "" : " " + unit), left + wide, bottom, "middle")
    }
    bottom += 0.6 * size
    let box = "viewBox=\"0 0 \(image.width) \(Chart.place(bottom))\""
    let head = standalone
      ? "<svg xmlns=\"http://www.w3.org/2000/svg\" \(box) width=\"\(image.width)\" height=\"\(Chart.place(bottom))\" font-family=\"sans-serif\">"
        + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
      : "<svg \(box) class=\"picture\" role=\"img\" aria-label=\"\(Markup.escaped("the structure, coloured by " + colours.title))\">"
    // Pages hold many pictures: there, shades that the eye cannot part are one.
    let data = Data(try (standalone ? image : image.coarse()).png()).base64EncodedString()
    return head + "<image width=\"\(image.width)\" height=\"\(image.height)\" href=\"data:image/png;base64,\(data)\"/>"
      + parts.joined() + "</svg>\n"
  }
}

import MDCore
import MDNumerics

/// Writes frames in extended XYZ with 17 significant digits, so that reading gives the same bits.
package final class ExtXYZWriter {
  private let file: OutputFile

  package init(_ file: OutputFile) { self.file = file }
  /// A name that ends in `.gz` gives a compressed file.
  package convenience init(_ path: String) throws { self.init(try OutputFile(path)) }

  /// The comment line: the cell as it was read, `Properties`, then the entries in their order, empty ones last.
  package static func header(_ frame: ExtXYZFrame) -> String {
    var parts: [String] = []
    let box = frame.structure.box
    if let source = frame.source, source.box == box {
      parts += source.entries.map(\.written)
    } else {
      parts += [ExtXYZEntry("Lattice", box.cell.elements).written]
      if box.origin != .zero { parts.append(ExtXYZEntry("Origin", [box.origin.x, box.origin.y, box.origin.z]).written) }
      let p = box.periodic
      parts.append(ExtXYZEntry("pbc", [p.a, p.b, p.c].map { $0 ? "T" : "F" }.joined(separator: " ")).written)
    }
    var properties = "species:S:1:pos:R:3"
    let s = frame.structure
    if s.ids != nil { properties += ":id:I:1" }
    if s.images != nil { properties += ":image:I:3" }
    if s.velocities != nil { properties += ":velo:R:3" }
    if s.charges != nil { properties += ":\(frame.chargeName):R:1" }
    if s.grains != nil { properties += ":grain:I:1" }
    for column in frame.columns { properties += ":\(column.name):\(column.kind):\(column.width)" }
    parts.append("Properties=\(properties)")
    // ASE takes what follows an empty value for that value.
    parts += (frame.info.filter { !$0.text.isEmpty } + frame.info.filter { $0.text.isEmpty }).map(\.written)
    return parts.joined(separator: " ")
  }

  /// A column of the frame goes before the structure's own of the same name.
  package func write(_ given: ExtXYZFrame) throws {
    var frame = given
    func isReplaced(_ name: String) -> Bool { given.column(name) != nil }
    if isReplaced("id") { frame.structure.ids = nil }
    if isReplaced("image") { frame.structure.images = nil }
    if isReplaced("velo") { frame.structure.velocities = nil }
    if isReplaced(given.chargeName) { frame.structure.charges = nil }
    if isReplaced("grain") { frame.structure.grains = nil }
    let s = frame.structure
    let n = s.count
    for column in frame.columns where column.count != n * column.width {
      preconditionFailure("column \(column.name) has \(column.count) values for \(n) atoms of width \(column.width)")
    }
    var text = TextBuffer()
    text.append(n)
    text.append(byte: 0x0A)
    text.append(Self.header(frame))
    text.append(byte: 0x0A)
    let names = s.species.map { Array($0.utf8) }
    for i in 0..<n {
      names[Int(s.types[i])].withUnsafeBufferPointer { text.append($0) }
      let r = s.positions[i]
      text.appendSpaced(r)
      if let ids = s.ids {
        text.appendField(ids[i])
      }
      if let image = s.images?[i] {
        for k in 0..<3 {
          text.appendField(image[k])
        }
      }
      if let v = s.velocities?[i] { text.appendSpaced(v) }
      if let q = s.charges?[i] {
        text.appendField(q)
      }
      if let grains = s.grains { text.appendField(grains[i]) }
      for column in frame.columns { Self.append(column, i, to: &text) }
      text.append(byte: 0x0A)
      try text.spill(into: file)
    }
    try file.write(text.bytes)
    try file.finishFrame()
  }

  private static func append(_ column: ExtXYZColumn, _ i: Int, to text: inout TextBuffer) {
    let range = (i * column.width)..<((i + 1) * column.width)
    switch column.values {
    case .reals(let v):
      for k in range { text.appendField(v[k]) }
    case .integers(let v):
      for k in range { text.appendField(v[k]) }
    case .strings(let v):
      for k in range {
        text.append(byte: 0x20)
        text.append(v[k])
      }
    case .logicals(let v):
      for k in range {
        text.append(byte: 0x20)
        text.append(byte: v[k] ? 0x54 : 0x46)
      }
    }
  }

  /// Closes the file; what was not written for want of space shows itself here at the latest.
  package func finish() throws { try file.finish() }
}

import CZlib
import Foundation
import MDCore
import MDIO
import MDNumerics
import MDReport
import Testing

@Suite("Pictures of atoms") struct PictureTests {
  /// Atoms in a cube of 20 Å; kinds are species A, B, …
  static func frame(_ atoms: [(Int32, Vector3)], length: Double = 20) -> ExtXYZFrame {
    let count = Int(atoms.map(\.0).max() ?? 0) + 1
    return ExtXYZFrame(
      Structure(
        box: Box(lengths: Vector3(length, length, length)), species: (0..<count).map { ["A", "B", "C", "D"][$0] },
        types: atoms.map(\.0), positions: atoms.map(\.1)))
  }

  /// Which of Okabe's colours a point has most of; nil where there is nothing.
  static func kind(_ c: SIMD4<UInt8>) -> Int? {
    guard c.w > 200 else { return nil }
    // Shading and haze change lightness; the hue stays: compare directions about the haze's grey.
    func hue(_ r: Double, _ g: Double, _ b: Double) -> SIMD3<Double> {
      let m = (r + g + b) / 3
      let v = SIMD3(r - m, g - m, b - m)
      let l = (v * v).sum().squareRoot()
      return l > 0 ? v / l : v
    }
    let mine = hue(Double(c.x), Double(c.y), Double(c.z))
    let scores = (0..<4).map { k -> Double in
      let p = Palette.kinds[k]
      return (mine * hue(Double(p.x), Double(p.y), Double(p.z))).sum()
    }
    return scores.indices.max { scores[$0] < scores[$1] }
  }

  /// The point of the picture where a place of the cube is, by the geometry alone: the cube fills it up to the edges of
  /// spheres and four points of margin.
  static func point(_ picture: AtomPicture, across: Double, up: Double) -> SIMD4<UInt8> {
    let x = Double(picture.image.width) / 2 + picture.scale * (across - 10)
    let y = Double(picture.image.height) / 2 - picture.scale * (up - 10)
    return picture.image[Int(x.rounded()), Int(y.rounded())]
  }

  @Test("each view shows each atom where it is, and of two in line the nearer", arguments: [
    // What is to the right and up, and which of the two in line is nearer to the eye.
    (View.Name.x, [1, 2], true), (.y, [0, 2], false), (.z, [0, 1], true),
  ])
  func views(_ name: View.Name, _ axes: [Int], farEndIsNear: Bool) throws {
    let depth = 3 - axes[0] - axes[1]
    func at(_ across: Double, _ up: Double, _ deep: Double) -> Vector3 {
      var r = Vector3.zero
      (r[axes[0]], r[axes[1]], r[depth]) = (across, up, deep)
      return r
    }
    // A lies low on the left, B high on the right; C and D are in line, D at the higher coordinate.
    let frame = Self.frame([(0, at(4, 5, 10)), (1, at(16, 14, 10)), (2, at(16, 4, 4)), (3, at(16, 4, 16))])
    let picture = try AtomPicture(frame, .init(view: name, colour: "element", size: 400))
    #expect(Self.kind(Self.point(picture, across: 4, up: 5)) == 0)
    #expect(Self.kind(Self.point(picture, across: 16, up: 14)) == 1)
    #expect(Self.kind(Self.point(picture, across: 16, up: 4)) == (farEndIsNear ? 3 : 2))
    #expect(Self.point(picture, across: 10, up: 10).w == 0)
    // Without the one in front the other is seen.
    let kept = farEndIsNear ? 0.0...10 : 10.0...20
    let cut = try AtomPicture(frame, .init(view: name, colour: "element", slices: [Slice(axis: depth, range: kept)], size: 400))
    #expect(Self.kind(Self.point(cut, across: 16, up: 4)) == (farEndIsNear ? 2 : 3))
    #expect(cut.atoms == 3)
  }

  @Test("what is far fades") func haze() throws {
    let frame = Self.frame([(0, Vector3(5, 10, 1)), (0, Vector3(15, 10, 19))])
    let picture = try AtomPicture(frame, .init(view: .z, colour: "element", size: 400))
    let (far, near) = (Self.point(picture, across: 5, up: 10), Self.point(picture, across: 15, up: 10))
    func saturation(_ c: SIMD4<UInt8>) -> Int { Int(max(c.x, c.y, c.z)) - Int(min(c.x, c.y, c.z)) }
    #expect(saturation(far) < saturation(near) / 2)
  }

  @Test("atoms outside of the cell are drawn inside") func wrapped() throws {
    let frame = Self.frame([(0, Vector3(-4, 25, 10)), (1, Vector3(4, 5, 10))])
    let picture = try AtomPicture(frame, .init(view: .z, colour: "element", size: 400))
    #expect(Self.kind(Self.point(picture, across: 16, up: 5)) == 0)
  }

  @Test("a column of numbers goes from the scale's one end to its other") func scale() throws {
    var frame = Self.frame((0..<5).map { (0, Vector3(2 + 4 * Double($0), 10, 10)) })
    frame.set(ExtXYZColumn("energies", .reals([-5, -4, -3, -2, -1])))
    let colours = try AtomColours(frame, by: "energies")
    #expect(colours.colours.first == Palette.scale(0) && colours.colours.last == Palette.scale(1))
    #expect(colours.colours[2] == Palette.scale(0.5))
    guard case .scale(let range, let unit, let least, let most) = colours.legend else {
      Issue.record("a column of reals has a scale")
      return
    }
    #expect(range == -5...(-1) && unit == "eV" && least == -5 && most == -1)
    let error = #expect(throws: FaultlineError.self) { _ = try AtomColours(frame, by: "charge") }
    #expect("\(error.map { "\($0)" } ?? "")".contains("there are: element, energies"))
    // Lightness of the scale grows all the way.
    let light = (0...20).map { k -> Double in
      let c = Palette.scale(Double(k) / 20)
      return 0.2126 * Double(c.x) + 0.7152 * Double(c.y) + 0.0722 * Double(c.z)
    }
    #expect(zip(light, light.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test("a PNG decodes to the points that were put in") func png() throws {
    var image = PixelImage(width: 7, height: 5)
    for k in image.bytes.indices { image.bytes[k] = UInt8(truncatingIfNeeded: k &* 37 ^ k >> 3) }
    let file = try image.png()
    #expect(Array(file.prefix(8)) == [137, 80, 78, 71, 13, 10, 26, 10])
    var (place, data, names) = (8, [UInt8](), [String]())
    while place < file.count {
      func number(_ at: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(file[at + $1]) } }
      let length = number(place)
      let body = Array(file[(place + 4)..<(place + 8 + length)])
      #expect(Int(crc32(0, body, uInt(body.count))) == number(place + 8 + length))
      names.append(String(decoding: body.prefix(4), as: UTF8.self))
      if names.last == "IDAT" { data += body.dropFirst(4) }
      if names.last == "IHDR" { #expect(Array(body.dropFirst(4)) == [0, 0, 0, 7, 0, 0, 0, 5, 8, 6, 0, 0, 0]) }
      place += 12 + length
    }
    #expect(names == ["IHDR", "IDAT", "IEND"])
    var raw = [UInt8](repeating: 0, count: 5 * 29)
    var size = uLong(raw.count)
    #expect(uncompress(&raw, &size, data, uLong(data.count)) == Z_OK && size == 145)
    var rows = [UInt8]()
    for y in 0..<5 {
      #expect(raw[29 * y] == 2)
      for k in 0..<28 { rows.append(raw[29 * y + 1 + k] &+ (y > 0 ? rows[28 * (y - 1) + k] : 0)) }
    }
    #expect(rows == image.bytes)
  }

  @Test("slices are read, and nothing else is") func slices() {
    #expect(Slice("z=10:20.5") == Slice(axis: 2, range: 10...20.5))
    for bad in ["z=20:10", "w=1:2", "z=1", "z=a:2", "z=1:2:3", "", "z=nan:2"] { #expect(Slice(bad) == nil, "\(bad)") }
  }
}

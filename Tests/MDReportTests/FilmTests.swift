import CZlib
import Foundation
import MDCore
import MDIO
import MDNumerics
import MDReport
import Testing

@Suite("Films") struct FilmTests {
  static func image(_ seed: Int, width: Int = 9, height: Int = 6) -> PixelImage {
    var image = PixelImage(width: width, height: height)
    for k in image.bytes.indices { image.bytes[k] = UInt8(truncatingIfNeeded: (k &* 37 ^ k >> 3) &+ seed) }
    return image
  }

  /// The chunks of a PNG with their checksums looked at.
  static func chunks(_ file: [UInt8]) -> [(name: String, data: [UInt8])] {
    func number(_ at: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(file[at + $1]) } }
    var (place, out) = (8, [(name: String, data: [UInt8])]())
    while place < file.count {
      let length = number(place)
      let body = Array(file[(place + 4)..<(place + 8 + length)])
      #expect(Int(crc32(0, body, uInt(body.count))) == number(place + 8 + length))
      out.append((String(decoding: body.prefix(4), as: UTF8.self), Array(body.dropFirst(4))))
      place += 12 + length
    }
    return out
  }

  static func number(_ data: [UInt8], _ at: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(data[at + $1]) } }

  @Test("an animated PNG has its chunks in order, numbers without gaps, and later frames only where they differ") func chunks() throws {
    let first = Self.image(1)
    var second = first
    second[4, 2] = SIMD4(9, 8, 7, 255)
    second[6, 3] = SIMD4(1, 2, 3, 255)
    var film = AnimatedPicture(rate: 25)
    for image in [first, second, second] { try film.append(image) }
    let chunks = Self.chunks(film.file)
    #expect(chunks.map(\.name) == ["IHDR", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND"])
    #expect(chunks[1].data == [0, 0, 0, 3, 0, 0, 0, 0])
    // Width, height, x, y of each, then 1/25 s, nothing disposed of, nothing blended.
    for (k, part) in zip([2, 4, 6], [[9, 6, 0, 0], [3, 2, 4, 2], [1, 1, 0, 0]]) {
      #expect((1...4).map { Self.number(chunks[k].data, 4 * $0) } == part)
      #expect(Array(chunks[k].data.suffix(6)) == [0, 1, 0, 25, 0, 0])
    }
    #expect([2, 4, 5, 6, 7].map { Self.number(chunks[$0].data, 0) } == [0, 1, 2, 3, 4])
    // The rectangle of the second frame, decoded by hand.
    var raw = [UInt8](repeating: 0, count: 2 * 13)
    var size = uLong(raw.count)
    let packed = Array(chunks[5].data.dropFirst(4))
    #expect(uncompress(&raw, &size, packed, uLong(packed.count)) == Z_OK && size == 26)
    for (y, row) in [2, 3].enumerated() {
      for k in 0..<12 {
        let value = raw[13 * y + 1 + k] &+ (y == 1 ? raw[1 + k] : 0)
        #expect(value == second.bytes[4 * (9 * row + 4) + k])
      }
    }
    let error = #expect(throws: FaultlineError.self) { try film.append(Self.image(1, width: 8)) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("9 × 6"))
  }

  /// One atom that moves from the left to the right, its energy from −4 to −2; another stays.
  static func frames() -> [ExtXYZFrame] {
    (0..<3).map { k in
      var frame = ExtXYZFrame(
        Structure(
          box: Box(lengths: Vector3(20 + Double(k), 20, 20)), species: ["A"], types: [0, 0], positions: [Vector3(4 + 6 * Double(k), 10, 10), Vector3(10, 3, 10)]))
      frame.set(ExtXYZColumn("energies", .reals([-4 + Double(k), -4])))
      return frame
    }
  }

  @Test("a film's frames have one section and one scale of colours") func scope() throws {
    let frames = Self.frames()
    let options = AtomPicture.Options(view: .z, colour: "energies", size: 300)
    var scope = try PictureScope(frames[0], options)
    for frame in frames.dropFirst() { try scope.include(frame, options) }
    let pictures = try frames.map { try AtomPicture($0, options, scope: scope) }
    #expect(Set(pictures.map(\.image.width)).count == 1 && Set(pictures.map(\.image.height)).count == 1 && Set(pictures.map(\.scale)).count == 1)
    // The widest cell, 22 Å, and the edges of spheres of 1.9 Å are in the picture of 300 points with its margins.
    #expect(abs(pictures[0].scale - 292 / 25.8) < 1e-9)
    // −4, −3 and −2 eV on the scale from −4 to −2; the atom that stays keeps the end's colour.
    #expect(pictures.map { $0.colours.colours[0] } == [Palette.scale(0), Palette.scale(0.5), Palette.scale(1)])
    #expect(pictures.allSatisfy { $0.colours.colours[1] == Palette.scale(0) })
    // A frame of atoms that are all alike leaves the scale as it is.
    var flat = frames[0]
    flat.set(ExtXYZColumn("energies", .reals([0, 0])))
    try scope.include(flat, options)
    #expect(try AtomPicture(frames[1], options, scope: scope).colours.colours[0] == Palette.scale(0.5))
    // Alone, each has a scale of its own.
    #expect(try AtomPicture(frames[1], options).colours.colours[0] == Palette.scale(1))
    // What stays is at the same place of all.
    func lowest(_ p: AtomPicture) -> SIMD4<UInt8> { p.image[4 + Int((p.scale * (10 + 1.9)).rounded()), p.image.height - 4 - Int((p.scale * (3 + 1.9)).rounded())] }
    #expect(pictures.allSatisfy { lowest($0).w == 255 && lowest($0) == lowest(pictures[0]) })
  }

  @Test("kinds keep their colours, also those that only some frames have") func kinds() throws {
    func frame(_ grains: [Int32]) -> ExtXYZFrame {
      var structure = Structure(
        box: Box(lengths: Vector3(9, 9, 9)), species: ["A"], types: [Int32](repeating: 0, count: grains.count), positions: grains.indices.map { Vector3(1 + 3 * Double($0), 4, 4) })
      structure.grains = grains
      return ExtXYZFrame(structure)
    }
    let (a, b) = (frame([2, 7]), frame([5, 7]))
    var scope = try PictureScope(a, .init(size: 100))
    try scope.include(b, .init(size: 100))
    let (one, two) = (try AtomPicture(a, .init(size: 100), scope: scope), try AtomPicture(b, .init(size: 100), scope: scope))
    #expect(one.colours.colours == [Palette.kind(0), Palette.kind(2)] && two.colours.colours == [Palette.kind(1), Palette.kind(2)])
  }

  @Test("a slice fills its picture") func sliced() throws {
    let frame = Self.frames()[0]
    let whole = try AtomPicture(frame, .init(view: .z, size: 400))
    let part = try AtomPicture(frame, .init(view: .z, slices: [Slice(axis: 0, range: 0...8), Slice(axis: 1, range: 6...14)], size: 400))
    // 8 Å and the spheres' edges instead of 20 Å.
    #expect(part.atoms == 1 && abs(part.scale / whole.scale - (20 + 2 * 1.9) / (8 + 2 * 1.9)) < 1e-6)
  }

  @Test("frames are found again by their places, in plain and packed files", arguments: ["a.xyz", "a.xyz.gz", "a.dump"])
  func places(_ name: String) throws {
    let folder = NSTemporaryDirectory() + "frames-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let text = (0..<9).map { k in
      let x = Double(k) + 0.125
      return name.hasSuffix("dump")
        ? "ITEM: TIMESTEP\n\(k)\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n0 10\n0 10\n0 10\nITEM: ATOMS id element x y z\n1 Ar \(x) 2 3\n"
        : "1\nLattice=\"10 0 0 0 10 0 0 0 10\" Properties=species:S:1:pos:R:3 step=\(k)\nAr \(x) 2 3\n"
    }.joined()
    let path = folder + "/" + name
    if name.hasSuffix("gz") {
      let file = gzopen(path, "wb")
      text.withCString { _ = gzwrite(file, $0, UInt32(strlen($0))) }
      gzclose(file)
    } else {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let index = try FrameIndex(path)
    #expect(index.count == 9 && index.spread(3) == [0, 4, 8] && index.spread(20) == Array(0..<9))
    for k in [8, 0, 5, 5, 2] { #expect(try index.frame(k).structure.positions[0].x == Double(k) + 0.125) }
    #expect(throws: FaultlineError.self) { _ = try index.frame(9) }
    #expect(try FrameChoice.frame(path, number: -2).structure.positions[0].x == 7.125)
    // Half a last frame counts where a run may be writing it.
    if name == "a.xyz" {
      try (text + "1\nProperties=spe").write(toFile: path, atomically: true, encoding: .utf8)
      #expect(throws: FaultlineError.self) { _ = try FrameIndex(path) }
      #expect(try FrameIndex(path, endsAnyhow: true).count == 9)
    }
  }
}

import Foundation
import MDCore
import MDIO
import MDNumerics
import MDReport
import Testing

@Suite("Lines below pictures") struct CaptionTests {
  static func frame(_ entries: [ExtXYZEntry]) -> ExtXYZFrame {
    var frame = PictureTests.frame([(0, Vector3(5, 5, 5)), (1, Vector3(15, 5, 5))])
    frame.info = entries
    return frame
  }

  @Test("the clock has the time, else the step, with digits that part frames") func clock() {
    let (a, b) = (Self.frame([ExtXYZEntry("time", 1.5), ExtXYZEntry("step", 30)]), Self.frame([ExtXYZEntry("time", 1.75)]))
    #expect(Caption.clock(a) == "1.5 ps" && Caption.clock(b, decimals: 1) == "1.8 ps")
    #expect(Caption.clock(Self.frame([ExtXYZEntry("step", 30)])) == "step 30" && Caption.clock(Self.frame([])) == "")
    func decimals(_ apart: Double) -> Int { Caption.decimals(between: a, and: Self.frame([ExtXYZEntry("time", 1.5 + apart)])) }
    #expect(decimals(0.25) == 2 && decimals(20) == 0 && decimals(3) == 1 && decimals(0.002) == 4)
  }

  /// Points of the line that have a colour, by their columns.
  static func columns(_ image: PixelImage, below height: Int, _ colour: SIMD3<UInt8>) -> [Int] {
    (0..<image.width).filter { x in
      (height..<image.height).contains { let c = image[x, $0]; return c.x == colour.x && c.y == colour.y && c.z == colour.z && c.w == 255 }
    }
  }

  @Test("the line has the kinds' colours in their order, the clock at its end, and leaves the picture as it is") func kinds() throws {
    let frame = Self.frame([])
    let picture = try AtomPicture(frame, .init(view: .z, colour: "element", size: 400))
    let white = picture.image.over(SIMD3(255, 255, 255))
    let image = Caption(picture.colours, clock: "10 ps", on: SIMD3(255, 255, 255)).under(white)
    #expect(image.width == white.width && image.height == white.height + 12)
    #expect(Array(image.bytes.prefix(white.bytes.count)) == white.bytes)
    let (first, second) = (Self.columns(image, below: white.height, Palette.kind(0)), Self.columns(image, below: white.height, Palette.kind(1)))
    #expect(first.count == 7 && second.count == 7 && first.last! < second.first!)
    // "1" is three points wide; the letters end four points before the edge.
    let ink = Self.columns(image, below: white.height, SIMD3(40, 44, 50))
    #expect(ink.max()! < image.width - 4 && ink.max()! > image.width - 8)
    // Another time is another picture, and nothing in front of nothing is left open.
    let later = Caption(picture.colours, clock: "20 ps", on: SIMD3(255, 255, 255)).under(white)
    let changed = (0..<later.width).filter { x in (0..<later.height).contains { later[x, $0] != image[x, $0] } }
    #expect(!changed.isEmpty && changed.allSatisfy { (image.width - 34...image.width - 28).contains($0) })
    let open = Caption(picture.colours, clock: "", on: nil).under(picture.image)
    #expect(open[0, open.height - 1].w == 0)
  }

  @Test("a scale goes from its one end to the other") func scale() throws {
    var frame = Self.frame([])
    frame.set(ExtXYZColumn("energies", .reals([-2, 1])))
    let picture = try AtomPicture(frame, .init(view: .z, colour: "energies", size: 500))
    let image = Caption(picture.colours, clock: "", on: SIMD3(0, 0, 0)).under(picture.image.over(SIMD3(0, 0, 0)))
    let row = picture.image.height + 3
    let shades = (0..<image.width).map { image[$0, row] }.filter { c in
      // Neither the background nor the light ink.
      (c.x, c.y, c.z) != (0, 0, 0) && (c.x, c.y, c.z) != (225, 228, 232)
    }
    #expect(shades.count >= 24)
    let (low, high) = (Palette.scale(0.5 / Double(shades.count)), Palette.scale(1 - 0.5 / Double(shades.count)))
    #expect(shades.first == SIMD4(low.x, low.y, low.z, 255) && shades.last == SIMD4(high.x, high.y, high.z, 255))
  }
}

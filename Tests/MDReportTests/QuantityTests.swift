import Foundation
import MDCore
import MDIO
import MDNumerics
import MDReport
import Testing

@Suite("Colours by what is computed") struct QuantityTests {
  /// fcc, n cells each way, with room above it.
  static func fcc(_ n: Int, above: Double = 0, a: Double = 3.6) -> Structure {
    let length = a * Double(n)
    var s = Structure(box: Box(lengths: Vector3(length, length, length + above)), species: ["Cu"], types: [], positions: [])
    for i in 0..<n { for j in 0..<n { for k in 0..<n {
      for site in [Vector3(0, 0, 0), Vector3(0.5, 0.5, 0), Vector3(0.5, 0, 0.5), Vector3(0, 0.5, 0.5)] {
        s.positions.append(a * (Vector3(Double(i), Double(j), Double(k)) + site))
        s.types.append(0)
      }
    } } }
    return s
  }

  @Test("structures have fixed colours, which a legend names") func structures() throws {
    var s = Self.fcc(4)
    s.positions.remove(at: 100)
    s.types.removeLast()
    let frame = ExtXYZFrame(s)
    let colours = try AtomColours(frame, by: "structure")
    // A vacancy's twelve neighbours are none of the crystal.
    let (green, grey) = (Palette.kinds[2], Palette.kinds[7])
    #expect(colours.colours.count { $0 == grey } == 12 && colours.colours.count { $0 == green } == s.count - 12)
    guard case .kinds(let kinds) = colours.legend else { return #expect(Bool(false), "structures are kinds") }
    #expect(kinds.map(\.name) == ["fcc", "other"] && kinds.map(\.colour) == [green, grey])
    // A film names those of some atoms of all frames; of a slice only that is looked at.
    let options = AtomPicture.Options(view: .z, colour: "structure", slices: [Slice(axis: 2, range: 0...2)], size: 200)
    var scope = try PictureScope(ExtXYZFrame(Self.fcc(4)), options)
    try scope.include(frame, options)
    let picture = try AtomPicture(frame, options, scope: scope)
    guard case .kinds(let all) = picture.colours.legend else { return #expect(Bool(false), "structures are kinds") }
    #expect(all.map(\.name) == ["fcc", "other"])
    #expect(zip(s.positions, picture.colours.colours).allSatisfy { $0.z > 2 ? $1 == grey : true } && picture.colours.colours.contains(green))
    // A column of that name goes first.
    var given = frame
    given.set(ExtXYZColumn("structure", .integers(s.positions.indices.map { Int64($0 % 2) })))
    guard case .kinds(let own) = try AtomColours(given, by: "structure").legend else { return #expect(Bool(false), "whole numbers are kinds") }
    #expect(own.count == 2)
  }

  @Test("the matter's volume is the crystal's, without the room beside it") func matter() {
    for n in [2, 3, 5] { #expect(abs(AtomQuantities.matterVolume(ExtXYZFrame(Self.fcc(n))) / pow(3.6 * Double(n), 3) - 1) < 1e-12) }
    let slab = AtomQuantities.matterVolume(ExtXYZFrame(Self.fcc(6, above: 60))) / pow(21.6, 3)
    #expect(slab > 0.95 && slab < 1.35, "\(slab)")
  }

  @Test("stress is −W over the atom's volume, the same to both sides of zero") func stress() throws {
    var frame = ExtXYZFrame(Self.fcc(2))
    let n = frame.structure.count
    // xx, xy, xz, yx …: of atom 0 alone.
    var w = [Double](repeating: 0, count: 9 * n)
    for (k, x) in [3.0, 0.1, 0.2, 0.3, 6, 0.5, 0.4, 0.7, -1.5].enumerated() { w[k] = x }
    frame.set(ExtXYZColumn("virials", width: 9, .reals(w)))
    let volume = 3.6 * 3.6 * 3.6 / 4
    let unit = -160.21766 / volume
    for (name, sum) in [("stress", 2.5), ("stress_xx", 3), ("stress_yy", 6), ("stress_zz", -1.5), ("stress_yz", 0.6), ("stress_xz", 0.3), ("stress_xy", 0.2)] {
      let colours = try AtomColours(frame, by: name)
      guard case .scale(let range, let gigapascal, let least, let most) = colours.legend else { return #expect(Bool(false), "stress is a number") }
      let found = sum > 0 ? least : most
      #expect(gigapascal == "GPa" && abs(found / (unit * sum) - 1) < 1e-6 && (sum > 0 ? most : least) == 0, "\(name): \(found)")
      #expect(range.lowerBound == -range.upperBound)
      #expect(colours.colours[0] == Palette.signed(sum > 0 ? 0 : 1) && colours.colours[1] == Palette.signed(0.5))
    }
    // Six components, xx, yy, zz, yz, xz, xy.
    frame.set(ExtXYZColumn("virials", width: 6, .reals([3, 6, -1.5, 0.6, 0.3, 0.2] + [Double](repeating: 0, count: 6 * n - 6))))
    guard case .scale(_, _, let least, _) = try AtomColours(frame, by: "stress_xz").legend else { return }
    #expect(abs(least / (unit * 0.3) - 1) < 1e-6)
    let error = #expect(throws: FaultlineError.self) { _ = try AtomColours(ExtXYZFrame(Self.fcc(2)), by: "stress") }
    #expect("\(error.map { "\($0)" } ?? "")".contains("columns: [virials]"))
  }

  @Test("displacements go the shorter way, by ids, and leave out what the cell does") func displacement() throws {
    func frame(_ length: Double, _ atoms: [(Int64, Vector3)]) -> ExtXYZFrame {
      var s = Structure(box: Box(lengths: Vector3(length, 10, 10)), species: ["A"], types: atoms.map { _ in 0 }, positions: atoms.map(\.1))
      s.ids = atoms.map(\.0)
      return ExtXYZFrame(s)
    }
    let start = frame(10, [(1, Vector3(1, 5, 5)), (2, Vector3(5, 5, 5)), (3, Vector3(9.5, 5, 5))])
    // Stretched by a tenth: atom 2 goes along; atom 1 goes 3 Å besides, atom 3 crosses the face by 1.1 Å.
    let end = frame(11, [(3, Vector3(10.45 + 1.1 - 11, 5, 5)), (1, Vector3(1.1, 8, 5)), (2, Vector3(5.5, 5, 5))])
    let colours = try AtomColours(end, by: "displacement", reference: start)
    guard case .scale(let range, let unit, let least, let most) = colours.legend else { return #expect(Bool(false), "displacements are numbers") }
    #expect(unit == "Å" && abs(most - 3) < 1e-12 && abs(least) < 1e-12 && abs(range.upperBound - 3) < 1e-12)
    #expect(colours.colours == [Palette.scale(1.1 / 3), Palette.scale(1), Palette.scale(0)])
    #expect(throws: FaultlineError.self) { _ = try AtomColours(end, by: "displacement") }
    #expect(throws: FaultlineError.self) { _ = try AtomColours(end, by: "displacement", reference: frame(10, [(1, .zero)])) }
  }

  @Test("lightness of the signed scale falls to both sides") func signed() {
    let light = (0...20).map { k -> Double in
      let c = Palette.signed(Double(k) / 20)
      return 0.2126 * Double(c.x) + 0.7152 * Double(c.y) + 0.0722 * Double(c.z)
    }
    #expect(zip(light[...10], light[1...10]).allSatisfy { $0 < $1 } && zip(light[10...], light[11...]).allSatisfy { $0 > $1 })
  }

  @Test("of a search's file the lowest state is shown, of others the last frame") func usual() {
    #expect(FrameChoice.usual("runs/a/best.extxyz") == 0 && FrameChoice.usual("best.extxyz") == 0 && FrameChoice.usual("a/mybest.extxyz") == -1)
  }
}

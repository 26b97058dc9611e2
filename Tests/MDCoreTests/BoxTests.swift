import MDCore
import MDNumerics
import Testing

@Suite("Box, units and elements")
struct BoxTests {
  static let boxes: [Box] = [
    Box(lengths: Vector3(3, 4, 5)),
    // Triclinic, rotated, off the origin.
    Box(
      cell: Matrix3([3.1, 0.4, -0.2, -1.3, 4.2, 0.7, 0.9, -0.8, 5.3]), origin: Vector3(-7, 2, 0.5)),
    // A left-handed cell.
    Box(cell: Matrix3([0, 3, 0, 4, 0, 0, 0, 0, 5])),
  ]

  @Test("fractional and Cartesian coordinates are each other's inverse", arguments: boxes)
  func coordinates(_ box: Box) {
    for s in [Vector3(0, 0, 0), Vector3(0.25, -1.5, 7.75), Vector3(1, 1, 1)] {
      #expect((box.fractional(box.cartesian(s)) - s).length < 1e-13)
    }
    #expect(abs(box.volume - abs(box.cell.determinant)) < 1e-12)
    // The height along an axis times the area of its face is the volume.
    #expect(abs(box.heights.x * cross(box.cell.y, box.cell.z).length - box.volume) < 1e-12)
  }

  @Test("wrapping keeps the unwrapped position and ends inside", arguments: boxes)
  func wrap(_ box: Box) {
    for s in [Vector3(0.5, 0.5, 0.5), Vector3(-3.25, 12.5, 0.999), Vector3(1, -1, 0), Vector3(-1e-17, 1e-17, 2)] {
      let start = box.cartesian(s)
      var r = start
      var image = SIMD3<Int32>(repeating: 0)
      box.wrap(&r, image: &image)
      let t = box.fractional(r)
      // The lower face has a rounding error's thickness.
      for k in 0..<3 { #expect(t[k] > -1.1e-14 && t[k] < 1, "\(s) became \(t)") }
      let unwrapped = r + Vector3(Double(image.x), Double(image.y), Double(image.z)) * box.cell
      #expect((unwrapped - start).length < 1e-13 * max(1, start.length))
    }
  }

  @Test("wrapping twice is wrapping once, for atoms on faces too", arguments: boxes)
  func wrapTwice(_ box: Box) {
    for n in 0..<1000 {
      let s = Vector3(Double(n % 10) / 9, Double(n / 10 % 10) / 9, Double(n / 100) / 9) * 3 - Vector3(1, 1, 1)
      var r = box.cartesian(s)
      let start = r
      var image = SIMD3<Int32>(repeating: 0)
      box.wrap(&r, image: &image)
      let once = (r, image)
      for _ in 0..<5 { box.wrap(&r, image: &image) }
      #expect(r == once.0 && image == once.1)
      let unwrapped = r + Vector3(Double(image.x), Double(image.y), Double(image.z)) * box.cell
      #expect((unwrapped - start).length < 1e-12)
    }
  }

  @Test("image counts along open axes are cleared, the others kept", arguments: 0..<8)
  func clearedImages(_ flags: Int) {
    let periodic = Periodicity(flags & 1 != 0, flags & 2 != 0, flags & 4 != 0)
    let box = Box(lengths: Vector3(3, 4, 5), periodic: periodic)
    var image = SIMD3<Int32>(3, -2, 1)
    #expect(box.clearImage(&image) == (flags != 7))
    for k in 0..<3 { #expect(image[k] == (periodic[k] ? [3, -2, 1][k] : 0)) }
    #expect(!box.clearImage(&image))
  }

  @Test("open axes are not wrapped")
  func open() {
    let box = Box(lengths: Vector3(3, 4, 5), periodic: Periodicity(true, false, true))
    var r = Vector3(3.5, -9, 6)
    var image = SIMD3<Int32>(repeating: 0)
    box.wrap(&r, image: &image)
    #expect((r - Vector3(0.5, -9, 1)).length < 1e-14)
    #expect(image == SIMD3<Int32>(1, 0, 1))
  }

  @Test("the units fit the SI constants that they are made of")
  func units() {
    let e = 1.602176634e-19
    let avogadro = 6.02214076e23
    #expect(abs(Units.boltzmann * e / 1.380649e-23 - 1) < 1e-12)
    #expect(abs(Units.massVelocitySquaredToEnergy * e * avogadro * 1e3 / 1e4 - 1) < 1e-12)
    #expect(abs(Units.energyPerVolumeToBar / (e * 1e30 * 1e-5) - 1) < 1e-12)
    #expect(abs(Units.energyPerAreaToJoulePerSquareMetre / (e * 1e20) - 1) < 1e-12)
    // e²/(4πε₀) with CODATA 2018's ε₀.
    #expect(abs(Units.coulomb / (e * 1e10 / (4 * .pi * 8.8541878128e-12)) - 1) < 1e-10)
    // Hartree · Bohr = e²/(4πε₀).
    #expect(abs(Units.hartree * Units.bohr / Units.coulomb - 1) < 1e-10)
  }

  @Test("elements by symbol")
  func elements() {
    #expect(Elements.atomicNumber(of: "Mo") == 42)
    #expect(Elements.symbol(73) == "Ta")
    #expect(Elements.mass(of: "Cu") == 63.546)
    #expect(Elements.atomicNumber(of: "Xx") == nil && Elements.mass(of: "cu") == nil)
    for z in 1...96 { #expect(Elements.symbol(z).flatMap(Elements.atomicNumber) == z) }
  }
}

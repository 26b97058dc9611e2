import MDNumerics
import Testing

@Suite("Four and eight lanes")
struct LaneTests {
  @Test("Products are added with one rounding")
  func fused() {
    // (1 + e)² = 1 + 2e + e², of which e² is lost when the product is rounded first.
    let e = 0x1p-30
    let x = 1 + e
    #expect((Lanes8(repeating: -1 - 2 * e).addingProduct(Lanes8(repeating: x), Lanes8(repeating: x)))[5] == e * e)
    #expect((Lanes(repeating: -1 - 2 * e).addingProduct(Lanes(repeating: x), Lanes(repeating: x)))[2] == e * e)
    #expect((Lanes8(repeating: 1 + 2 * e).subtractingProduct(Lanes8(repeating: x), Lanes8(repeating: x)))[7] == -e * e)
    var sum = Lanes8(0, 1, 2, 3, 4, 5, 6, 7)
    sum.addProduct(sum, Lanes8(repeating: 2))
    #expect(sum == Lanes8(0, 3, 6, 9, 12, 15, 18, 21))
  }

  @Test("Sums, quotients, roots, sines lane by lane")
  func arithmetic() {
    let x = Lanes8(1, 2, 4, 8, 16, 32, 64, 128)
    #expect(x.sum() == 255)
    #expect(x.lowHalf.sum() == 15)
    #expect((x * x).squareRoot() == x)
    #expect(reciprocal(x)[7] == 1.0 / 128)
    #expect(reciprocal(x.highHalf)[0] == 1.0 / 16)
    #expect(quotient(Lanes8(repeating: 1), x + 1)[1] == 1.0 / 3)
    #expect(quotient(Lanes(repeating: 1), x.lowHalf + 1)[1] == 1.0 / 3)
    let wave = sineAndCosine(x)
    for half in 0..<2 {
      let part = sineAndCosine(half == 0 ? x.lowHalf : x.highHalf)
      for lane in 0..<4 {
        #expect(wave.sine[4 * half + lane] == part.sine[lane])
        #expect(wave.cosine[4 * half + lane] == part.cosine[lane])
      }
    }
  }

  @Test("Rows become columns and rows again, for four and for eight")
  func rows() {
    // Row k of three: 10 k + 0, 1, 2, 3.
    let rows = AlignedBuffer((0..<24).map { k in Lanes(0, 1, 2, 3) + 10 * Double(k) })
    func check<V: SIMD>(_ columns: (x: V, y: V, z: V)) where V.Scalar == Double {
      for lane in 0..<V.scalarCount {
        let first = 10 * Double(1 + 3 * lane)
        #expect([columns.x[lane], columns.y[lane], columns.z[lane]] == [first, first + 1, first + 2])
      }
    }
    let four: (x: Lanes, y: Lanes, z: Lanes) = columns(rows.pointer + 1, stride: 3)
    let eight: (x: Lanes8, y: Lanes8, z: Lanes8) = columns(rows.pointer + 1, stride: 3)
    check(four)
    check(eight)
    var seen: [Int] = []
    forEachRow(eight.x, eight.y, eight.z) { lane, row in
      seen.append(lane)
      #expect(row == Lanes(eight.x[lane], eight.y[lane], eight.z[lane], 0))
    }
    #expect(seen == Array(0..<8))
    seen = []
    forEachRow(four.x, four.y, four.z) { lane, row in
      seen.append(lane)
      #expect(row == Lanes(four.x[lane], four.y[lane], four.z[lane], 0))
    }
    #expect(seen == Array(0..<4))
  }

  @Test("Every third number")
  func strides() {
    let numbers = AlignedBuffer((0..<24).map { Int32($0) })
    #expect(strided(numbers.pointer + 1, 3) as SIMD4<Int32> == SIMD4(1, 4, 7, 10))
    #expect(strided(numbers.pointer + 1, 3) as SIMD8<Int32> == SIMD8(1, 4, 7, 10, 13, 16, 19, 22))
  }

  @Test("Atoms and their indices have the same number of lanes, four or eight")
  func width() {
    #expect(AtomLanes.scalarCount == AtomIndices.scalarCount)
    #expect([4, 8].contains(AtomLanes.scalarCount))
  }
}

import MDNumerics
import Testing

@Suite("Small linear algebra and buffers")
struct LinearAlgebraTests {
  let m = Matrix3([4, 1, -2, 0.5, 3, 0.25, -1, 2, 5])
  let v = Vector3(1.5, -2, 0.75)

  @Test("Inverse, determinant, transpose, product agree with one another")
  func identities() {
    let unit = m * m.inverse
    for (a, b) in zip(unit.elements, Matrix3.identity.elements) { #expect(abs(a - b) < 1e-15) }
    // 4(15 − 0.5) − 1(2.5 + 0.25) − 2(1 + 3), by hand.
    #expect(abs(m.determinant - 47.25) < 1e-13)
    #expect(abs((m * m).determinant - 47.25 * 47.25) < 1e-10)
    #expect(m.transpose.transpose == m)
    #expect((v * m) * m == v * (m * m))
    #expect(m[1] == Vector3(0.5, 3, 0.25))
  }

  @Test("Dot, cross and outer products")
  func products() {
    let w = Vector3(0.5, 4, -1)
    #expect(cross(v, w) == Vector3(-2 * -1 - 0.75 * 4, 0.75 * 0.5 - 1.5 * -1, 1.5 * 4 - -2 * 0.5))
    #expect(dot(cross(v, w), v) == 0)
    #expect(Matrix3.outer(v, w).trace == dot(v, w))
    #expect(Matrix3.outer(v, w)[2].y == v.z * w.y)
    #expect(v.squaredLength == 2.25 + 4 + 0.5625)
  }

  @Test("A buffer keeps its contents when it grows, aligned to a cache line")
  func buffer() {
    let buffer = AlignedBuffer([1.0, 2, 3])
    buffer.reserve(1000, keeping: 3)
    #expect(buffer.capacity >= 1000)
    #expect((0..<3).map { buffer.pointer[$0] } == [1, 2, 3])
    #expect(Int(bitPattern: buffer.pointer) % 64 == 0)
  }
}

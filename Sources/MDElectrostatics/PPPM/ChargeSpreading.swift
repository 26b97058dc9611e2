import MDCore
import MDNumerics

extension MeshAtoms {
  /// mesh(g) += q_i W(g − t_i) over atoms 0 ..< `count`. Returns an atom that is not in the window, if there is one.
  func spread(
    _ charges: UnsafePointer<Double>, _ positions: UnsafePointer<Vector3>, count: Int,
    onto mesh: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) -> Int? {
    var stray: Int?
    let xs = scratch
    let ys = scratch + 8
    for i in 0..<count {
      guard let place = place(positions + i, scratch) else {
        stray = i
        continue
      }
      let w = weights(scratch)
      Self.store(w.x * Lanes8(repeating: charges[i]), xs)
      Self.store(w.y, ys)
      var plane = mesh + place.first
      for x in 0..<order {
        let z = w.z * Lanes8(repeating: xs[x])
        var row = plane
        for y in 0..<order {
          Self.store(Self.load(row).addingProduct(z, Lanes8(repeating: ys[y])), row)
          row += rowPitch
        }
        plane += planePitch
      }
    }
    return stray
  }
}

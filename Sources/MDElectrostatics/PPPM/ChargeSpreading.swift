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
      let q = Lanes(repeating: charges[i])
      Self.store(q * w.x.low, xs)
      Self.store(q * w.x.high, xs + 4)
      Self.store(w.y.low, ys)
      Self.store(w.y.high, ys + 4)
      var plane = mesh + place.first
      for x in 0..<order {
        let qx = Lanes(repeating: xs[x])
        let zLow = qx * w.z.low
        let zHigh = qx * w.z.high
        var row = plane
        for y in 0..<order {
          let wy = Lanes(repeating: ys[y])
          let low = Self.load(row).addingProduct(zLow, wy)
          let high = Self.load(row + 4).addingProduct(zHigh, wy)
          Self.store(low, row)
          Self.store(high, row + 4)
          row += rowPitch
        }
        plane += planePitch
      }
    }
    return stray
  }
}

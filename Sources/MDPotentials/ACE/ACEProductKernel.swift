import MDNumerics

/// From the sums A of a block of atoms to its densities ρ_p, and back from ∂E/∂ρ_p to ∂E/∂A; see `ACEPolynomial`.
final class ACEProductKernel {
  let plan: ACEPolynomial
  private let products: AlignedBuffer<ACEPolynomial.Product>
  private let rows: AlignedBuffer<ACEPolynomial.Line>
  private let rowPlaces: AlignedBuffer<Int32>
  private let rowCoefficients: AlignedBuffer<Double>
  private let columns: AlignedBuffer<ACEPolynomial.Line>
  private let columnPlaces: AlignedBuffer<Int32>
  private let columnCoefficients: AlignedBuffer<Double>
  /// Σ_v c_uvp v of each row, then ∂E/∂ρ_p · u.
  private let sums: AlignedBuffer<AtomLanes>

  init(_ plan: ACEPolynomial) {
    self.plan = plan
    products = AlignedBuffer(plan.products)
    rows = AlignedBuffer(plan.rows)
    rowPlaces = AlignedBuffer(plan.rowPlaces)
    rowCoefficients = AlignedBuffer(plan.rowCoefficients)
    columns = AlignedBuffer(plan.columns)
    columnPlaces = AlignedBuffer(plan.columnPlaces)
    columnCoefficients = AlignedBuffer(plan.columnCoefficients)
    sums = AlignedBuffer(capacity: plan.rows.count * plan.densityCount)
  }

  /// Fills the products behind the variables and adds to the densities.
  func forward(_ values: UnsafeMutablePointer<AtomLanes>, _ densities: UnsafeMutablePointer<AtomLanes>) {
    values[plan.variableCount] = AtomLanes(repeating: 1)
    var out = values + plan.variableCount + 1
    let products = UnsafePointer(products.pointer)
    for k in 0..<plan.products.count {
      let p = products[k]
      out.pointee = values[Int(p.a)] * values[Int(p.b)]
      out += 1
    }
    switch plan.densityCount {
    case 1: forward(Size<1>.self, values, densities)
    case 2: forward(Size<2>.self, values, densities)
    case 3: forward(Size<3>.self, values, densities)
    case 4: forward(Size<4>.self, values, densities)
    case 5: forward(Size<5>.self, values, densities)
    case 6: forward(Size<6>.self, values, densities)
    case 7: forward(Size<7>.self, values, densities)
    default: forward(Size<8>.self, values, densities)
    }
  }

  private func forward<let P: Int>(
    _: Size<P>.Type, _ values: UnsafePointer<AtomLanes>, _ densities: UnsafeMutablePointer<AtomLanes>
  ) {
    var rho = InlineArray<P, AtomLanes>(repeating: .zero)
    let rows = UnsafePointer(rows.pointer)
    var place = UnsafePointer(rowPlaces.pointer)
    var c = UnsafePointer(rowCoefficients.pointer)
    var out = sums.pointer
    for k in 0..<plan.rows.count {
      let row = rows[k]
      var t = InlineArray<P, AtomLanes>(repeating: .zero)
      for _ in 0..<Int(row.count) {
        let v = values[Int(place.pointee)]
        for p in 0..<P { t[p].addProduct(v, c[p]) }
        place += 1
        c += P
      }
      let u = values[Int(row.node)]
      for p in 0..<P {
        out[p] = t[p]
        rho[p].addProduct(u, t[p])
      }
      out += P
    }
    for p in 0..<P { densities[p] += rho[p] }
  }

  /// ∂E/∂A of all variables, after `forward` of the same block. `weights` are ∂E/∂ρ_p.
  func backward(
    _ values: UnsafePointer<AtomLanes>, weights: UnsafePointer<AtomLanes>, _ adjoint: UnsafeMutablePointer<AtomLanes>
  ) {
    switch plan.densityCount {
    case 1: backward(Size<1>.self, values, weights, adjoint)
    case 2: backward(Size<2>.self, values, weights, adjoint)
    case 3: backward(Size<3>.self, values, weights, adjoint)
    case 4: backward(Size<4>.self, values, weights, adjoint)
    case 5: backward(Size<5>.self, values, weights, adjoint)
    case 6: backward(Size<6>.self, values, weights, adjoint)
    case 7: backward(Size<7>.self, values, weights, adjoint)
    default: backward(Size<8>.self, values, weights, adjoint)
    }
  }

  private func backward<let P: Int>(
    _: Size<P>.Type, _ values: UnsafePointer<AtomLanes>, _ weights: UnsafePointer<AtomLanes>,
    _ adjoint: UnsafeMutablePointer<AtomLanes>
  ) {
    for k in 0..<plan.valueCount { adjoint[k] = .zero }
    let rows = UnsafePointer(rows.pointer)
    var sum = sums.pointer
    for k in 0..<plan.rows.count {
      let node = Int(rows[k].node)
      let u = values[node]
      var d = adjoint[node]
      for p in 0..<P {
        d.addProduct(weights[p], sum[p])
        sum[p] = weights[p] * u
      }
      adjoint[node] = d
      sum += P
    }
    let scaled = UnsafePointer(sums.pointer)
    let columns = UnsafePointer(columns.pointer)
    var place = UnsafePointer(columnPlaces.pointer)
    var c = UnsafePointer(columnCoefficients.pointer)
    for k in 0..<plan.columns.count {
      let column = columns[k]
      var d = InlineArray<P, AtomLanes>(repeating: .zero)
      for _ in 0..<Int(column.count) {
        let row = scaled + P &* Int(place.pointee)
        for p in 0..<P { d[p].addProduct(row[p], c[p]) }
        place += 1
        c += P
      }
      var all = d[0]
      for p in 1..<P { all += d[p] }
      adjoint[Int(column.node)] += all
    }
    // Products behind their factors: from the last to the first.
    let products = UnsafePointer(products.pointer)
    var k = plan.products.count - 1
    while k >= 0 {
      let p = products[k]
      let d = adjoint[plan.variableCount + 1 + k]
      adjoint[Int(p.a)].addProduct(d, values[Int(p.b)])
      adjoint[Int(p.b)].addProduct(d, values[Int(p.a)])
      k -= 1
    }
  }
}

import MDNumerics

/// Per-atom work of the SNAP kernels: the sparse map between sums of harmonics and Wigner matrices, and the adjoint.
/// A complex number is two consecutive lanes.
enum SNAPAtomKernels {
  /// A sparse matrix by rows: out[targets[r]] = Σ factors[e]·in[sources[e]].
  struct SparseMatrix {
    let targets: AlignedBuffer<Int32>
    let starts: AlignedBuffer<Int32>
    let sources: AlignedBuffer<Int32>
    let factors: AlignedBuffer<Double>
    let rowCount: Int

    init(_ rows: [SNAPHarmonicMap.Row]) {
      rowCount = rows.count
      targets = AlignedBuffer(rows.map { Int32($0.target) })
      starts = AlignedBuffer(rows.reduce(into: [Int32(0)]) { $0.append($0.last! + Int32($1.sources.count)) })
      sources = AlignedBuffer(rows.flatMap { $0.sources.map { Int32($0) } })
      factors = AlignedBuffer(rows.flatMap(\.factors))
    }

    /// The transpose of `rows`, with `count` rows.
    init(transposeOf rows: [SNAPHarmonicMap.Row], count: Int) {
      var turned = (0..<count).map { SNAPHarmonicMap.Row(target: $0, sources: [], factors: []) }
      for row in rows {
        for (source, factor) in zip(row.sources, row.factors) { turned[source].add(factor, row.target) }
      }
      self.init(turned)
    }
  }

  static func multiply(_ m: SparseMatrix, _ input: UnsafePointer<AtomLanes>, _ output: UnsafeMutablePointer<AtomLanes>)
  {
    let targets = m.targets.pointer
    let starts = m.starts.pointer
    let sources = m.sources.pointer
    let factors = m.factors.pointer
    for r in 0..<m.rowCount {
      var sum = AtomLanes.zero
      for e in Int(starts[r])..<Int(starts[r + 1]) {
        sum.addProduct(input[Int(sources[e])], AtomLanes(repeating: factors[e]))
      }
      output[Int(targets[r])] = sum
    }
  }

  /// U[j − mb, j − ma] = (−1)^(mb + ma) U[mb, ma]* from the independent elements.
  static func mirror(_ u: UnsafeMutablePointer<AtomLanes>, twojmax: Int) {
    var base = u
    for j in 0...twojmax {
      let size = (j + 1) * (j + 1)
      // Element k and its image size − 1 − k; mb + ma is even where k is, if j is even; else it changes with each row.
      for mb in 0...(j / 2) {
        for ma in 0...j {
          let k = mb * (j + 1) + ma
          let image = size - 1 - k
          guard k < image else { break }
          let sign: Double = (mb + ma) & 1 == 0 ? 1 : -1
          base[2 * image] = base[2 * k] * sign
          base[2 * image + 1] = base[2 * k + 1] * -sign
        }
      }
      base += 2 * size
    }
  }

  /// The pointers of a `SNAPAdjointPlan` for hot code.
  struct Plan {
    let rows: UnsafePointer<SNAPAdjointPlan.Row>
    let entries: UnsafePointer<SNAPAdjointPlan.Entry>
    let targets: UnsafePointer<SNAPAdjointPlan.Target>
    let factors: UnsafePointer<Double>
    let bundleStart: UnsafePointer<Int>
  }

  /// Y[target] += Σ factor·U·U over all rows, for factors that hold γ.
  static func adjoint(_ plan: Plan, _ u: UnsafePointer<AtomLanes>, _ y: UnsafeMutablePointer<AtomLanes>) {
    bundle(Size<1>.self, Size<4>.self, plan, u, y, scattered: true)
    bundle(Size<2>.self, Size<2>.self, plan, u, y, scattered: true)
    bundle(Size<3>.self, Size<1>.self, plan, u, y, scattered: true)
    bundle(Size<4>.self, Size<1>.self, plan, u, y, scattered: true)
    bundle(Size<5>.self, Size<1>.self, plan, u, y, scattered: true)
  }

  /// z[target number] = Σ factor·U·U for each target of each row by itself.
  static func products(_ plan: Plan, _ u: UnsafePointer<AtomLanes>, _ z: UnsafeMutablePointer<AtomLanes>) {
    bundle(Size<1>.self, Size<4>.self, plan, u, z, scattered: false)
    bundle(Size<2>.self, Size<2>.self, plan, u, z, scattered: false)
    bundle(Size<3>.self, Size<1>.self, plan, u, z, scattered: false)
    bundle(Size<4>.self, Size<1>.self, plan, u, z, scattered: false)
    bundle(Size<5>.self, Size<1>.self, plan, u, z, scattered: false)
  }

  /// The rows of N targets, R of them abreast (`SNAPAdjointPlan.abreast`).
  @inline(__always)
  private static func bundle<let N: Int, let R: Int>(
    _: Size<N>.Type, _: Size<R>.Type, _ plan: Plan, _ u: UnsafePointer<AtomLanes>,
    _ out: UnsafeMutablePointer<AtomLanes>,
    scattered: Bool
  ) {
    let base = UnsafeRawPointer(u)
    // Entries are eight times the index of a complex number.
    let lane = MemoryLayout<AtomLanes>.stride
    let scale = 2 * lane / 8
    for g in plan.bundleStart[N - 1]..<plan.bundleStart[N] {
      let row = plan.rows[g]
      var entry = plan.entries + Int(row.firstEntry)
      let end = entry + R * Int(row.count)
      var factor = plan.factors + Int(row.firstFactor)
      var real = InlineArray<R, InlineArray<N, AtomLanes>>(repeating: InlineArray<N, AtomLanes>(repeating: .zero))
      var imaginary = InlineArray<R, InlineArray<N, AtomLanes>>(repeating: InlineArray<N, AtomLanes>(repeating: .zero))
      while entry < end {
        for r in 0..<R {
          let a = scale * Int(entry[r].x)
          let b = scale * Int(entry[r].y)
          let ar = base.load(fromByteOffset: a, as: AtomLanes.self)
          let ai = base.load(fromByteOffset: a + lane, as: AtomLanes.self)
          let br = base.load(fromByteOffset: b, as: AtomLanes.self)
          let bi = base.load(fromByteOffset: b + lane, as: AtomLanes.self)
          let re = (ar * br).addingProduct(ai * -1, bi)
          let im = (ar * bi).addingProduct(ai, br)
          for n in 0..<N {
            let f = AtomLanes(repeating: factor[r * N + n])
            real[r][n].addProduct(re, f)
            imaginary[r][n].addProduct(im, f)
          }
        }
        entry += R
        factor += R * N
      }
      let target = plan.targets + Int(row.firstTarget)
      for r in 0..<R {
        for n in 0..<N {
          if scattered {
            let element = 2 * Int(target[r * N + n].element)
            out[element] += real[r][n]
            out[element + 1] += imaginary[r][n]
          } else {
            let element = 2 * (Int(row.firstTarget) + r * N + n)
            out[element] = real[r][n]
            out[element + 1] = imaginary[r][n]
          }
        }
      }
    }
  }
}

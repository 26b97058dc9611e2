import MDCore
import MDNumerics

/// Which displacements of two crystals that meet in a plane make the same interface: the symmetry of its γ-surface.
///
/// An isometry that keeps the plane either keeps the sides, and maps each crystal onto itself up to a translation,
/// P L = L + τ_L and P U = U + τ_U, or exchanges them, P L = U + τ_L and P U = L + τ_U with z → −z. The displacement t of
/// the upper crystal then becomes P t + τ_U − τ_L, or τ_L − τ_U − P t. Atoms are compared plane by plane from the
/// interface on, so that the cut through the crystals is kept as well.
package struct DisplacementSymmetry: Sendable {
  /// t ↦ t·M + τ in fractions of the cell of non-identical displacements.
  package struct Operation: Sendable, Equatable {
    package let rows: (SIMD2<Double>, SIMD2<Double>)
    package let translation: SIMD2<Double>
    /// Whether it exchanges the two crystals.
    package let exchanges: Bool

    package func image(_ t: SIMD2<Double>) -> SIMD2<Double> {
      let s = t.x * rows.0 + t.y * rows.1 + translation
      return SIMD2(DisplacementSymmetry.wrapped(s.x), DisplacementSymmetry.wrapped(s.y))
    }

    package static func == (a: Self, b: Self) -> Bool {
      a.rows == b.rows && DisplacementSymmetry.distance(a.translation, b.translation) < 1e-4
    }
  }

  /// The identity first.
  package let operations: [Operation]

  /// - Parameter structure: a bicrystal without displacement, expansion or atoms removed: `grains` 0 below and 1 above,
  ///   its plane that of a and b, the normal along z. One period is enough.
  package init(_ structure: Structure, _ cell: NonidenticalDisplacements) {
    let lower = LayeredGrain(structure, grain: 0)
    let upper = LayeredGrain(structure, grain: 1)
    var found: [Operation] = []
    func add(_ p: PlaneOperation, _ sign: Double, _ translation: SIMD2<Double>, exchanges: Bool) {
      let (u, v) = cell.vectors
      func fractions(_ w: SIMD2<Double>) -> SIMD2<Double> {
        let area = u.x * v.y - u.y * v.x
        return SIMD2((w.x * v.y - w.y * v.x) / area, (u.x * w.y - u.y * w.x) / area)
      }
      func whole(_ w: SIMD2<Double>) -> SIMD2<Double> {
        let f = fractions(w)
        return SIMD2(f.x.rounded(.toNearestOrEven) + 0, f.y.rounded(.toNearestOrEven) + 0)
      }
      let t = fractions(translation)
      let one = Operation(
        rows: (whole(sign * p.image(u)), whole(sign * p.image(v))), translation: SIMD2(Self.wrapped(t.x), Self.wrapped(t.y)),
        exchanges: exchanges)
      if !found.contains(one) { found.append(one) }
    }
    for p in PlaneOperation.all(of: structure.box) {
      if let below = lower.translation(p, onto: lower), let above = upper.translation(p, onto: upper) {
        add(p, 1, above - below, exchanges: false)
      }
      if let up = lower.translation(p, onto: upper), let down = upper.translation(p, onto: lower) {
        add(p, -1, up - down, exchanges: true)
      }
    }
    operations = found
  }

  /// Without symmetry.
  package init() {
    operations = [Operation(rows: (SIMD2(1, 0), SIMD2(0, 1)), translation: .zero, exchanges: false)]
  }

  /// Whether two displacements are the same or made so by an operation, to within `tolerance` of the cell's edges.
  package func areEquivalent(_ a: SIMD2<Double>, _ b: SIMD2<Double>, tolerance: Double = 1e-4) -> Bool {
    operations.contains { Self.distance($0.image(a), b) < tolerance }
  }

  static func wrapped(_ x: Double) -> Double {
    let y = x - x.rounded(.down)
    return y > 1 - 1e-9 ? 0 : y
  }

  /// The larger of the two differences on the torus.
  package static func distance(_ a: SIMD2<Double>, _ b: SIMD2<Double>) -> Double {
    let d = a - b
    return max(abs(d.x - d.x.rounded()), abs(d.y - d.y.rounded()))
  }
}

/// An operation of the point group of a cell's plane lattice, r ↦ r·P.
struct PlaneOperation: Sendable {
  let x: SIMD2<Double>
  let y: SIMD2<Double>

  func image(_ r: SIMD2<Double>) -> SIMD2<Double> { r.x * x + r.y * y }

  /// Those that map the lattice of a and b, which lie in the xy plane, onto itself; the identity first.
  static func all(of box: Box) -> [PlaneOperation] {
    let a = SIMD2(box.cell.x.x, box.cell.x.y)
    let b = SIMD2(box.cell.y.x, box.cell.y.y)
    let area = a.x * b.y - a.y * b.x
    func dot(_ p: SIMD2<Double>, _ q: SIMD2<Double>) -> Double { (p * q).sum() }
    var found: [PlaneOperation] = []
    let range = [1, 0, -1].map(Double.init)
    for i in range { for j in range { for k in range { for l in range where abs(abs(i * l - j * k) - 1) < 0.5 {
      let (p, q) = (i * a + j * b, k * a + l * b)
      let scale = dot(a, a) + dot(b, b)
      guard abs(dot(p, p) - dot(a, a)) + abs(dot(q, q) - dot(b, b)) + abs(dot(p, q) - dot(a, b)) < 1e-7 * scale else { continue }
      // P with a·P = p and b·P = q.
      found.append(PlaneOperation(x: (b.y * p - a.y * q) / area, y: (a.x * q - b.x * p) / area))
    } } } }
    return found
  }
}

/// The atoms of a grain, atomic plane after atomic plane from the interface on.
struct LayeredGrain {
  struct Layer {
    /// From the first plane, Å.
    var depth: Double
    var atoms: [(position: SIMD2<Double>, type: Int32)]
  }

  static let tolerance = 1e-3

  let box: Box
  private(set) var layers: [Layer] = []

  /// Grain 0 is below the interface, 1 above.
  init(_ structure: Structure, grain: Int32) {
    box = structure.box
    let sign = grain == 0 ? -1.0 : 1.0
    let atoms = structure.positions.indices.filter { structure.grains?[$0] == grain }
      .sorted { sign * structure.positions[$0].z < sign * structure.positions[$1].z }
    guard let first = atoms.first else { return }
    let start = sign * structure.positions[first].z
    for i in atoms {
      let r = structure.positions[i]
      let depth = sign * r.z - start
      if depth - (layers.last?.depth ?? -.infinity) > Self.tolerance { layers.append(Layer(depth: depth, atoms: [])) }
      layers[layers.count - 1].atoms.append((SIMD2(r.x, r.y), structure.types[i]))
    }
  }

  /// τ with P·self = other + τ plane by plane, nil if there is none. Å.
  func translation(_ p: PlaneOperation, onto other: LayeredGrain) -> SIMD2<Double>? {
    guard layers.count == other.layers.count, let mine = layers.first, let theirs = other.layers.first,
      zip(layers, other.layers).allSatisfy({ abs($0.depth - $1.depth) < Self.tolerance && $0.atoms.count == $1.atoms.count })
    else { return nil }
    let one = mine.atoms[0]
    for target in theirs.atoms where target.type == one.type {
      let move = p.image(one.position) - target.position
      let fits = zip(layers, other.layers).allSatisfy { from, to in
        from.atoms.allSatisfy { atom in
          let place = p.image(atom.position) - move
          return to.atoms.contains { $0.type == atom.type && Self.distance($0.position - place, box) < Self.tolerance }
        }
      }
      if fits { return move }
    }
    return nil
  }

  /// Of an in-plane vector from the nearest translation of the cell, Å.
  static func distance(_ v: SIMD2<Double>, _ box: Box) -> Double {
    let w = nearest(v, box)
    return (w * w).sum().squareRoot()
  }

  /// Modulo a and b (of cells that are not very skew).
  static func nearest(_ v: SIMD2<Double>, _ box: Box) -> SIMD2<Double> {
    let (a, b) = (box.cell.x, box.cell.y)
    let area = a.x * b.y - a.y * b.x
    let s = ((v.x * b.y - v.y * b.x) / area).rounded()
    let t = ((a.x * v.y - a.y * v.x) / area).rounded()
    return v - s * SIMD2(a.x, a.y) - t * SIMD2(b.x, b.y)
  }
}

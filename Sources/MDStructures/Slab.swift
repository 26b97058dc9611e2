import MDCore
import MDNumerics

/// A part of an oriented crystal between two heights: which atomic planes it has, not yet the atoms.
package struct Slab: Sendable {
  struct Layer: Sendable {
    /// Above the bottom of the slab, Å.
    let height: Double
    /// Fractional coordinates of the plane's first atom.
    let origin: SIMD2<Double>
    let type: Int32
  }

  package let crystal: OrientedCrystal
  /// Å.
  package let thickness: Double
  let layers: [Layer]

  /// The planes at crystal heights bottom ≤ h < bottom + thickness (Å), at z = h − bottom. When `isMirrored` it is
  /// the image in the top face instead: planes at bottom < h ≤ bottom + thickness, at z = bottom + thickness − h.
  package init(_ crystal: OrientedCrystal, bottom: Double, thickness: Double, isMirrored: Bool = false) {
    self.crystal = crystal
    self.thickness = thickness
    let top = bottom + thickness
    let tolerance = 1e-6 * crystal.spacing
    var layers: [Layer] = []
    for site in crystal.crystal.sites {
      let base = crystal.height(site.position)
      let first = Int(((bottom - base) / crystal.spacing).rounded(.down))
      let last = Int(((top - base) / crystal.spacing).rounded(.up))
      for plane in first...max(first, last) {
        let h = base + Double(plane) * crystal.spacing
        let z = isMirrored ? top - h : h - bottom
        guard z > -tolerance, z < thickness - tolerance else { continue }
        layers.append(
          Layer(height: max(z, 0), origin: crystal.fraction(site, plane: plane), type: site.type))
      }
    }
    self.layers = layers.sorted { $0.height < $1.height }
  }

  /// Atoms in one rectangular cell of the plane.
  package var atomsPerCell: Int { layers.count * crystal.points.count }
}

/// Slabs one above the other in a common rectangular cell: grain boundaries, interfaces, oriented crystals.
///
/// Each slab is fitted to the edges of the cell, so that a slab of another period is strained to them.
package struct SlabStack: Sendable {
  package struct Part: Sendable {
    package var slab: Slab
    /// Rigid translation in the plane, fractions of one cell.
    package var shift: SIMD2<Double>
    /// Empty length added on top of the slab, Å.
    package var gap: Double

    package init(_ slab: Slab, shift: SIMD2<Double> = .zero, gap: Double = 0) {
      self.slab = slab
      self.shift = shift
      self.gap = gap
    }
  }

  package var parts: [Part]
  /// Edges of one cell, Å.
  package var edges: SIMD2<Double>
  /// Cells along the two edges.
  package var repeats: SIMD2<Int>
  /// The axis of the normal: 0, 1 or 2 for x, y or z; the edges follow in cyclic order.
  package var normalAxis: Int

  package init(_ parts: [Part], edges: SIMD2<Double>, repeats: SIMD2<Int>, normalAxis: Int = 2) {
    self.parts = parts
    self.edges = edges
    self.repeats = repeats
    self.normalAxis = normalAxis
  }

  package var atomCount: Int { repeats.x * repeats.y * parts.reduce(0) { $0 + $1.slab.atomsPerCell } }

  /// (u, v, w) along the edges and the normal, put on the axes.
  func onAxes(_ u: Double, _ v: Double, _ w: Double) -> Vector3 {
    switch normalAxis {
    case 0: Vector3(w, u, v)
    case 1: Vector3(v, w, u)
    default: Vector3(u, v, w)
    }
  }

  /// The atoms, periodic along all axes; `grains` is the number of the part.
  ///
  /// - Parameter numbers: which of the atoms, counted from 0; all if absent.
  package func build(numbers: Range<Int>? = nil) -> Structure {
    let height = parts.reduce(0) { $0 + $1.slab.thickness + $1.gap }
    let lengths = onAxes(edges.x * Double(repeats.x), edges.y * Double(repeats.y), height)
    var species: [String] = []
    for part in parts {
      for name in part.slab.crystal.species where !species.contains(name) { species.append(name) }
    }
    let wanted = numbers ?? 0..<atomCount
    var positions: [Vector3] = []
    var types: [Int32] = []
    var grains: [Int32] = []
    positions.reserveCapacity(wanted.count)
    types.reserveCapacity(wanted.count)
    grains.reserveCapacity(wanted.count)
    var bottom = 0.0
    // Copies of a point in the plane have numbers in a row.
    let copies = repeats.x * repeats.y
    var first = 0
    for (number, part) in parts.enumerated() {
      let typeMap = part.slab.crystal.species.map { name in Int32(species.firstIndex(of: name)!) }
      for layer in part.slab.layers {
        let type = typeMap[Int(layer.type)]
        for point in part.slab.crystal.points {
          var s = layer.origin + part.shift + point
          // The small number keeps a coordinate of −1e-17 at the lower edge.
          s -= (s + 1e-9).rounded(.down)
          s = pointwiseMax(s, .zero)
          for copy in wanted.clamped(to: first..<(first + copies)) {
            let (i, j) = (copy - first).quotientAndRemainder(dividingBy: repeats.y)
            positions.append(
              onAxes((s.x + Double(i)) * edges.x, (s.y + Double(j)) * edges.y, bottom + layer.height))
            types.append(type)
            grains.append(Int32(number))
          }
          first += copies
        }
      }
      bottom += part.slab.thickness + part.gap
    }
    var structure = Structure(
      box: Box(lengths: lengths), species: species, types: types, positions: positions)
    structure.grains = grains
    return structure
  }
}

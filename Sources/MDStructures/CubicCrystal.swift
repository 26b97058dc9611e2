import MDCore
import MDNumerics

/// A cubic crystal as a Bravais lattice of integer vectors (units of a/2), the sites of one lattice point, and the
/// symmetry operations. Everything that must be exact (periods, coincidence, Σ) is integer arithmetic on these.
struct CubicCrystal: Sendable {
  enum Centring: Sendable { case primitive, face, body }

  /// r ↦ S r + t, S a signed permutation: (S r)ᵢ = signᵢ · r[sourceᵢ]; t in units of a/2.
  struct Operation: Sendable {
    let source: IntegerVector
    let sign: IntegerVector
    let translation: Vector3

    func rotated(_ v: IntegerVector) -> IntegerVector {
      IntegerVector(sign.x * v[source.x], sign.y * v[source.y], sign.z * v[source.z])
    }
    var isInversion: Bool { source == [0, 1, 2] && sign == [-1, -1, -1] }
    /// True for reflections, inversion and the rotary ones.
    var isImproper: Bool {
      let isEven = source == [0, 1, 2] || source == [1, 2, 0] || source == [2, 0, 1]
      return (sign.x * sign.y * sign.z > 0) != isEven
    }
  }

  struct Site: Sendable {
    /// Units of a/2.
    let position: Vector3
    /// Index into `species`.
    let type: Int32
  }

  /// a/2, Å.
  let half: Double
  let centring: Centring
  /// The sites of one lattice point.
  let sites: [Site]
  let species: [String]
  let nearestNeighborDistance: Double
  let operations: [Operation]

  /// Throws unless the cell is a cube along x, y, z.
  init(_ unitCell: UnitCell) throws {
    let a = unitCell.cell.x.x
    let difference = unitCell.cell - a * .identity
    guard difference.elements.allSatisfy({ abs($0) < 1e-9 * a }) else {
      throw FaultlineError(
        .input, "orientations and coincidence-site-lattice boundaries need a cubic cell along x, y, z",
        hint: "cubic lattices: "
          + LatticeType.allCases.filter(\.isCubic).map(\.rawValue).joined(separator: ", "))
    }
    half = a / 2
    species = unitCell.species
    nearestNeighborDistance = unitCell.nearestNeighborDistance
    let all = zip(unitCell.sites, unitCell.types).map { Site(position: 2 * $0.position, type: $1) }
    let symmetry = try unitCell.symmetry()
    let centrings = symmetry.translations.map { 2 * $0 }
    if centrings.contains([0, 1, 1]) && centrings.contains([1, 0, 1]) {
      centring = .face
    } else {
      centring = centrings.contains([1, 1, 1]) ? .body : .primitive
    }
    var kept: [Site] = []
    for site in all where !Self.contains(site.position, site.type, in: kept, centring) { kept.append(site) }
    sites = kept
    operations = Self.operations(symmetry, kept, centring, tolerance: CrystalSymmetry.tolerance / half)
  }

  /// Whether the integer vector (units of a/2) is a vector of the lattice.
  func contains(_ v: IntegerVector) -> Bool { Self.contains(v, centring) }

  /// The shortest lattice vector along a direction.
  func period(along direction: IntegerVector) -> IntegerVector {
    let v = direction.primitive
    return contains(v) ? v : 2 * v
  }

  /// A primitive basis of the lattice: the first two vectors span the lattice plane perpendicular to `normal`,
  /// the third leads to the next plane. Euclid's algorithm on the heights bᵢ·n, then Gauss reduction in the plane.
  func basis(normal: IntegerVector) -> (IntegerVector, IntegerVector, IntegerVector) {
    var vectors: [IntegerVector] =
      switch centring {
      case .primitive: [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
      case .face: [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
      case .body: [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]
      }
    while true {
      vectors.sort { abs(dot($0, normal)) < abs(dot($1, normal)) }
      // Sorted by height: the lowest that is not in the plane divides those above it.
      guard let lowest = vectors.firstIndex(where: { dot($0, normal) != 0 }), lowest < 2 else { break }
      for k in (lowest + 1)..<3 {
        vectors[k] = vectors[k] - (dot(vectors[k], normal) / dot(vectors[lowest], normal)) * vectors[lowest]
      }
    }
    let (first, second) = reduced(vectors[0], vectors[1])
    let third = vectors[2]
    return (first, second, dot(third, normal) < 0 ? -third : third)
  }

  private static func contains(_ v: IntegerVector, _ centring: Centring) -> Bool {
    let odd = (0..<3).count { v[$0] % 2 != 0 }
    return switch centring {
    case .primitive: odd == 0
    case .face: odd % 2 == 0
    case .body: odd == 0 || odd == 3
    }
  }

  /// Whether `v` is a lattice vector to within `tolerance` (both in units of a/2).
  static func isLatticeVector(_ v: Vector3, _ centring: Centring, tolerance: Double = 1e-6) -> Bool {
    let nearest = v.rounded(.toNearestOrEven)
    guard (v - nearest).squaredLength < tolerance * tolerance else { return false }
    return contains(IntegerVector(Int(nearest.x), Int(nearest.y), Int(nearest.z)), centring)
  }

  private static func contains(_ r: Vector3, _ type: Int32, in sites: [Site], _ centring: Centring) -> Bool {
    sites.contains { $0.type == type && isLatticeVector(r - $0.position, centring) }
  }

  /// The crystal's operations as signed permutations, in an order of their own: which of several equal cuts a boundary gets must
  /// not hang on the library's. Each takes the first site onto one of the `sites`.
  private static func operations(
    _ symmetry: CrystalSymmetry, _ sites: [Site], _ centring: Centring, tolerance: Double
  ) -> [Operation] {
    let sources: [IntegerVector] = [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]]
    var found: [(order: SIMD2<Int>, operation: Operation)] = []
    for one in symmetry.operations {
      // Column j of the matrix says from where the image has its coordinate j.
      let source = (0..<3).map { j in (0..<3).first { one.matrix[$0][j] != 0 }! }
      let sign = (0..<3).map { j in one.matrix[source[j]][j] }
      guard let row = sources.firstIndex(of: IntegerVector(source[0], source[1], source[2])) else { continue }
      let r = sites[0].position
      let image = Vector3(Double(sign[0]) * r[source[0]], Double(sign[1]) * r[source[1]], Double(sign[2]) * r[source[2]])
      let place = image + 2 * one.translation
      guard let target = sites.firstIndex(where: {
        $0.type == sites[0].type && isLatticeVector(place - $0.position, centring, tolerance: tolerance)
      }) else { continue }
      let bits = (0..<3).reduce(0) { $0 + (sign[$1] < 0 ? 1 << $1 : 0) }
      let order = SIMD2(8 * row + bits, target)
      guard !found.contains(where: { $0.order == order }) else { continue }
      found.append((order, Operation(
        source: sources[row], sign: IntegerVector(sign[0], sign[1], sign[2]), translation: sites[target].position - image)))
    }
    return found.sorted { ($0.order.x, $0.order.y) < ($1.order.x, $1.order.y) }.map(\.operation)
  }
}

import MDCore
import MDNumerics
import MDPotentialFiles

/// Extrapolation grades of a block of atoms of one element: v = ∂V/∂θ, then γ = max_j |Σ_k X[j, k] v_k|. Only the
/// coefficients of the atoms' own element have a derivative, so only their columns of X count.
final class MTPGrades {
  private let file: MTPFile
  private let plan: MTPPlan
  private let set: MTPActiveSet
  /// Of each element its columns of X, row by row, and their places in θ.
  private let columns: [AlignedBuffer<Double>]
  private let places: [[Int]]
  private let width: Int
  /// Every scalar of the energy as a moment or as products of moments.
  private enum Scalar {
    case moment(Int)
    case products([MTPProducts.Line])
  }
  private let scalars: [Scalar]
  private let v: AlignedBuffer<AtomLanes>
  private let monomials: AlignedBuffer<AtomLanes>
  private let sums: AlignedBuffer<AtomLanes>
  private let basis: AlignedBuffer<AtomLanes>
  /// Σ v over this rank's atoms since `begin`: of a configuration.
  private(set) var total: [Double]

  init(_ file: MTPFile, _ plan: MTPPlan, _ set: MTPActiveSet) {
    self.file = file
    self.plan = plan
    self.set = set
    let (s, k, r, n) = (file.speciesCount, file.radialCount, file.basisSize, set.count)
    let radial = s * k * r
    width = radial + 1 + file.scalars.count
    places = (0..<s).map { centre in
      Array(centre * radial..<(centre + 1) * radial) + [s * radial + centre]
        + Array(s * radial + s..<s * radial + s + file.scalars.count)
    }
    columns = places.map { places in
      AlignedBuffer((0..<n).flatMap { j in places.map { set.inverse[j * n + $0] } })
    }
    let byTarget = Dictionary(grouping: file.products, by: \.target)
    scalars = file.scalars.map { moment in
      let place = plan.moments.places[moment]
      if place >= 0 { return .moment(place) }
      return .products(
        (byTarget[moment] ?? []).map {
          MTPProducts.Line(
            i: Int32(plan.moments.places[$0.first]), j: Int32(plan.moments.places[$0.second]), factor: $0.factor)
        })
    }
    v = AlignedBuffer(capacity: width)
    monomials = AlignedBuffer(capacity: plan.monomials.count)
    sums = AlignedBuffer(capacity: k)
    basis = AlignedBuffer(capacity: r)
    total = Array(repeating: 0, count: n)
  }

  func begin() { total = Array(repeating: 0, count: set.count) }

  /// v of the atoms of a block, whose moments and their derivatives are known.
  func derivatives(
    _ slots: NeighborSlots, records: UnsafePointer<AtomLanes>, stride: Int, radial: MTPKernels.Radial,
    moments: UnsafePointer<AtomLanes>, adjoint: UnsafePointer<AtomLanes>
  ) {
    let (s, k, r) = (file.speciesCount, file.radialCount, file.basisSize)
    let v = v.pointer
    let monomials = monomials.pointer
    let basis = basis.pointer
    for n in 0..<width { v[n] = .zero }
    for neighbor in 0..<s {
      for slot in slots.range(neighbor) {
        let record = records + slot * stride
        monomials[0] = AtomLanes(repeating: 1)
        for m in 1..<max(plan.monomials.count, 1) {
          monomials[m] = monomials[Int(plan.monomials[m].parent)] * record[Int(plan.monomials[m].axis)]
        }
        // T_β(x) (r − r_c)²; padding stands at the cutoff, where that is zero.
        let distance = reciprocal(record[3])
        let clamped =
          radial.floor > 0 ? distance.replacing(with: radial.floor, where: distance .< radial.floor) : distance
        let x = AtomLanes(repeating: radial.offset).addingProduct(clamped, AtomLanes(repeating: radial.slope))
        let e = clamped - radial.cutoff
        let envelope = e * e * file.scaling
        var t = envelope
        var before = x * envelope
        for beta in 0..<r {
          basis[beta] = t
          (t, before) = (2 * x * t - before, t)
        }
        for m in 0..<k {
          var p = AtomLanes.zero
          for monomial in plan.monomials.indices {
            let place = plan.sums[monomial * k + m]
            guard place >= 0 else { break }
            p.addProduct(adjoint[Int(place)], monomials[monomial])
          }
          let target = v + (neighbor * k + plan.radialOrder[m]) * r
          for beta in 0..<r { target[beta].addProduct(p, basis[beta]) }
        }
      }
    }
    v[s * k * r] = AtomLanes(repeating: 1)
    for (alpha, scalar) in scalars.enumerated() {
      var value = AtomLanes.zero
      switch scalar {
      case .moment(let place): value = moments[place]
      case .products(let lines):
        for line in lines { value.addProduct(moments[Int(line.i)] * moments[Int(line.j)], line.factor) }
      }
      v[s * k * r + 1 + alpha] = value
    }
  }

  /// The grade of each of the atoms whose v was found last.
  func grades(element: Int) -> AtomLanes {
    let v = UnsafePointer(v.pointer)
    var row = UnsafePointer(columns[element].pointer)
    var largest = AtomLanes.zero
    let width = width
    var j = 0
    // Four rows share the loads of v.
    while j + 4 <= set.count {
      var (a, b, c, d) = (AtomLanes.zero, AtomLanes.zero, AtomLanes.zero, AtomLanes.zero)
      for k in 0..<width {
        a.addProduct(v[k], row[k])
        b.addProduct(v[k], row[width + k])
        c.addProduct(v[k], row[2 * width + k])
        d.addProduct(v[k], row[3 * width + k])
      }
      largest = greatest(largest, greatest(greatest(a, b), greatest(c, d)))
      row += 4 * width
      j += 4
    }
    while j < set.count {
      var a = AtomLanes.zero
      for k in 0..<width { a.addProduct(v[k], row[k]) }
      largest = greatest(largest, a)
      row += width
      j += 1
    }
    return largest
  }

  private func greatest(_ a: AtomLanes, _ b: AtomLanes) -> AtomLanes {
    let (p, q) = (a.replacing(with: -a, where: a .< 0), b.replacing(with: -b, where: b .< 0))
    return p.replacing(with: q, where: q .> p)
  }

  /// Adds v of the first `lanes` atoms to that of the configuration.
  func addToTotal(element: Int, lanes: Int) {
    for (k, place) in places[element].enumerated() {
      for lane in 0..<lanes { total[place] += v.pointer[k][lane] }
    }
  }

  /// The grade of a configuration of N atoms, whose v of all ranks have been added up.
  func grade(ofConfiguration v: [Double], atoms: Int) -> Double {
    guard case .configuration(let weight, let scaling) = set.kind else { return 0 }
    let n = Double(max(atoms, 1))
    let factor = weight / (scaling == 2 ? n : scaling == 1 ? n.squareRoot() : 1)
    var largest = 0.0
    for j in 0..<set.count {
      var sum = 0.0
      for k in 0..<set.count { sum += set.inverse[j * set.count + k] * v[k] }
      largest = max(largest, abs(sum * factor))
    }
    return largest
  }
}

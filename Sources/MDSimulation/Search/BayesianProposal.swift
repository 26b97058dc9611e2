import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// Where a Gaussian process over the displacements and numbers of atoms expects the lowest energy.
///
/// The kernel is periodic on the torus of displacements (D. J. C. MacKay, 1998), k = exp(−2 Σ_i sin²(π Δ_i)/ℓ_i²) with ℓ in
/// proportion to one over the lengths of the cell's vectors, times ρ where the numbers of atoms, or of pairs exchanged, differ. It is summed over
/// the symmetry of the displacements on both sides, so that what is found at one holds for all that are the same.
struct BayesianProposal {
  typealias Start = BoundarySpace.Start

  private let space: BoundarySpace
  /// Of kernels of different numbers of atoms.
  private static let relation = 0.3
  /// Length scales that are tried, Å.
  private static let scales = [0.4, 0.6, 0.9, 1.3, 2.0]
  /// s² of the scaled energies: basins have steep walls, which no smooth function has.
  private static let noises = [1e-3, 1e-2, 1e-1]

  init(_ space: BoundarySpace) { self.space = space }

  /// A point with its equivalents.
  private struct Point {
    /// Of each, cos and sin of 2π times both fractions.
    var images: [SIMD4<Double>]
    var content: BoundarySpace.Content
  }

  private func point(_ start: Start) -> Point {
    let images = space.symmetry.operations.map { operation -> SIMD4<Double> in
      let t = 2 * Double.pi * operation.image(start.shift)
      return SIMD4(cos(t.x), sin(t.x), cos(t.y), sin(t.y))
    }
    return Point(images: images, content: start.content)
  }

  /// `scale` in Å.
  private func kernel(_ scale: Double) -> (Point, Point) -> Double {
    let (u, v) = space.cell.vectors
    // Near by, 2 sin²(πΔ)/ℓ² is ½ (Δ·length/scale)²: ℓ = 2π·scale/length.
    let ell = [u, v].map { 2 * Double.pi * scale / ($0 * $0).sum().squareRoot() }
    // 2 sin²(πΔ) = 1 − cos 2πΔ.
    let (a, b) = (1 / (ell[0] * ell[0]), 1 / (ell[1] * ell[1]))
    let weights = SIMD4(a, a, b, b)
    return { p, q in
      var sum = 0.0
      for s in p.images {
        for t in q.images {
          sum += exp((weights * s * t).sum() - a - b)
        }
      }
      return sum / Double(p.images.count * q.images.count) * (p.content == q.content ? 1 : Self.relation)
    }
  }

  /// The start of a trial.
  ///
  /// - Parameters:
  ///   - known: results of ended trials, at least one with an energy.
  ///   - pending: starts whose results are not known: they are taken to give what the process expects (D. Ginsbourger et al.,
  ///     2010, the kriging believer), so that no two groups are sent to one place.
  ///   - random: draws the candidates.
  func next(known: [(Start, Double?)], pending: [Start], random: inout CounterRandom) throws -> Start {
    let energies = known.compactMap(\.1).sorted()
    guard let best = energies.first else { preconditionFailure("proposals follow a trial with an energy") }
    // What lies far above says no more than that it is bad; so does a trial that failed.
    let median = energies[energies.count / 2]
    let ceiling = max(best + 3 * (median - best), best + 0.05)
    let scale = max(median - best, 0.01)
    var points = known.map { point($0.0) }
    var values = known.map { (min($0.1 ?? ceiling, ceiling) - median) / scale }
    var chosen: (process: GaussianProcess<Point>, length: Double, noise: Double)?
    for length in Self.scales {
      for noise in Self.noises {
        let process = try GaussianProcess(points, values, noise: noise, kernel: kernel(length))
        if process.evidence > chosen?.process.evidence ?? -.infinity { chosen = (process, length, noise) }
      }
    }
    guard let chosen else { preconditionFailure("there are length scales") }
    var process = chosen.process
    if !pending.isEmpty {
      for start in pending {
        let p = point(start)
        values.append(process.predict(p).mean)
        points.append(p)
      }
      process = try GaussianProcess(points, values, noise: chosen.noise, kernel: kernel(chosen.length))
    }
    let target = values.min() ?? 0
    func gain(_ start: Start) -> Double {
      let (mean, variance) = process.predict(point(start))
      return GaussianProcess<Point>.expectedImprovement(mean: mean, variance: variance, best: target)
    }
    func draw() -> Start {
      let shift = SIMD2(random.uniform(), random.uniform())
      return Start(shift: shift, space.contents[min(Int(random.uniform() * Double(space.contents.count)), space.contents.count - 1)])
    }
    var top = draw()
    var topGain = gain(top)
    for _ in 0..<300 {
      let start = draw()
      let value = gain(start)
      if value > topGain { (top, topGain) = (start, value) }
    }
    // Uphill by shrinking steps.
    var step = 0.05
    while step > 0.002 {
      var near = top
      near.shift += SIMD2(step * (2 * random.uniform() - 1), step * (2 * random.uniform() - 1))
      near.shift -= near.shift.rounded(.down)
      let value = gain(near)
      if value > topGain { (top, topGain) = (near, value) } else { step *= 0.85 }
    }
    return top
  }
}

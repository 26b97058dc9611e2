import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// A slab of a crystal in vacuum with the plane that a task asks for, and the height where it may be cut in two.
struct PlaneSlab {
  let plane: PlaneCell
  let structure: Structure
  /// Of the inner cut, Å.
  let cut: Double
  /// Between the atomic planes beside that cut, Å.
  let gap: Double
  /// Å².
  var area: Double { plane.area }
  let periods: Int
  let thickness: Double

  /// Surfaces are in the widest gap between atomic planes unless `surface` says another; the inner cut is the one of the
  /// class `cut` that is nearest to the middle. Both count the widths of gaps from the widest.
  init(_ section: DeckSection, _ crystal: Crystal, surface: Int = 0, cut: Int = 0) throws {
    try self.init(
      plane: section.integerVector("plane"), crystal, surface: surface, cut: cut, thickness: section.double("thickness"),
      vacuum: section.double("vacuum"), at: section)
  }

  /// - Parameter section: of the deck, for what errors say of places.
  init(
    plane indices: SIMD3<Int>, _ crystal: Crystal, surface: Int = 0, cut: Int = 0, thickness least: Double, vacuum: Double, at section: DeckSection
  ) throws {
    do { plane = try PlaneCell(crystal.unitCell, indices) } catch var error as FaultlineError {
      error.location = section.location(of: "plane")
      error.isCollective = true
      throw error
    }
    let classes = plane.distinctGaps
    for number in [surface, cut] where number >= classes.count {
      throw FaultlineError(
        .input, "`cut` is \(number), but the plane has \(RunLog.counted(classes.count, "gap")) of different width",
        hint: "their widths are \(classes.map { RunLog.fixed($0.width, 3) }.joined(separator: ", ")) Å, from 0",
        at: section.location(of: "cut"), isCollective: true)
    }
    guard vacuum >= crystal.cutoff else {
      throw FaultlineError(
        .input, "`vacuum` is \(vacuum) Å, less than the potential's cutoff of \(RunLog.fixed(crystal.cutoff, 2)) Å",
        hint: "the slab would feel its image", at: section.location(of: "vacuum"), isCollective: true)
    }
    periods = max(2, Int((least / plane.spacing).rounded(.up)))
    thickness = Double(periods) * plane.spacing
    let outer = classes[surface]
    let (built, middle) = plane.slab(periods: periods, cut: outer, vacuum: vacuum)
    structure = built
    // Where gaps of the inner class lie in the slab.
    let (bottom, top) = (0.5 * vacuum, 0.5 * vacuum + thickness)
    var heights: [Double] = []
    for inner in plane.gaps where abs(inner.width - classes[cut].width) < 1e-3 {
      for period in -1...periods {
        let height: Double = bottom + inner.height - outer.height + Double(period) * plane.spacing
        if height > bottom + 1e-6, height < top - 1e-6 { heights.append(height) }
      }
    }
    guard let nearest = heights.min(by: { a, b in
      let (p, q) = (abs(a - middle), abs(b - middle))
      return abs(p - q) > 1e-6 ? p < q : a < b
    }) else {
      throw FaultlineError(
        .input, "a slab of \(periods) periods has no such cut inside", hint: "a larger `thickness`",
        at: section.location, isCollective: true)
    }
    self.cut = nearest
    gap = classes[cut].width
  }

  /// "(110)".
  static func name(_ section: DeckSection) -> String {
    let p = section.integerVector("plane")
    let numbers = [p.x, p.y, p.z]
    return "(" + numbers.map(String.init).joined(separator: numbers.allSatisfy { (0...9).contains($0) } ? "" : " ") + ")"
  }

  /// J/m².
  func perArea(_ energy: Double) -> Double { energy / area * Units.energyPerAreaToJoulePerSquareMetre }

  var isAbove: [Bool] { structure.positions.map { $0.z > cut } }
}

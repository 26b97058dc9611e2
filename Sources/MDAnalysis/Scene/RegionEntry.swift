import MDCore
import MDDeck

/// The kinds of regions, as decks name them.
package enum RegionEntry {
  private static let center = DeckKey.required("center", .vector(.quantity(.length, .any)), "Its centre [x, y, z].")
  private static let radius = DeckKey.required("radius", .quantity(.length, .positive), "Its radius.")

  /// Of `analysis.regions.NAME`.
  package static let kinds: [DeckEntry] = [
    DeckEntry(
      name: "slab",
      schema: DeckObject(
        "A layer that stays where it is: low ≤ x < high of the position in the cell.",
        [
          .required("axis", .enumeration(["x", "y", "z"]), "Across it."),
          .required("range", .list(.quantity(.length, .any), count: 2...2), "Its lower and upper face."),
        ])),
    DeckEntry(name: "sphere", schema: DeckObject("A ball; the nearest image of its centre counts.", [center, radius])),
    DeckEntry(
      name: "cylinder",
      schema: DeckObject(
        "A cylinder without ends; the nearest image of its axis counts.",
        [.required("axis", .enumeration(["x", "y", "z"]), "Its direction."), center, radius])),
    DeckEntry(
      name: "surface",
      schema: DeckObject(
        "Atoms with few neighbours.",
        [
          .required("cutoff", .quantity(.length, .positive.plausibly(1...20)), "Neighbours are closer than this."),
          .required("below", .integer(1...1000), "Atoms with fewer neighbours belong to it."),
        ])),
    DeckEntry(
      name: "boundary",
      schema: DeckObject(
        "Layers in the plane of a and b that follow the grain boundaries: around the mean place of the atoms that "
          + "have not the crystal's structure.",
        [
          .required("crystal", .enumeration(["fcc", "hcp", "bcc"]), "Structure of the grains."),
          .optional(
            "of", .string,
            "Species whose atoms among themselves have that structure: an ionic crystal's sublattice, such as Cl of rock salt or O of Li2O "
              + "(fcc); all atoms if absent."),
          .required("width", .quantity(.length, .positive.plausibly(1...200)), "Thickness of a layer."),
          .defaulted("count", .integer(1...100), "2", "Boundaries in the cell."),
          .defaulted(
            "follow", .number(NumberRange(from: 0, to: 1)), "0.2", "How much of the way to a new mean a layer moves."),
          .defaulted("every", .steps, "100", "Steps between two looks for the boundaries."),
          .optional(
            "reach", .quantity(.length, .positive.plausibly(2...20)),
            "How far neighbours are looked for; as far as the potential reaches if absent."),
        ])),
    DeckEntry(
      name: "bulk",
      schema: DeckObject(
        "What is away from the boundaries of another region.",
        [
          .required("away_from", .string, "Name of a region of kind `boundary`."),
          .required("distance", .quantity(.length, .positive.plausibly(1...500)), "Least distance to a boundary's middle."),
        ])),
  ]

  /// The regions of a deck by name. `reach` is how far neighbours are known without more ghosts, Å.
  package static func regions(_ section: DeckSection?, reach: Double, species: [String]) throws -> [String: any Region] {
    let names = SelectionNames(species: species, groups: [], regions: [:])
    var regions: [String: any Region] = [:]
    var bulks: [(String, DeckSection)] = []
    for entry in section?.entries ?? [] {
      let (kind, value) = entry.value.section.choice
      let inner = value.section
      switch kind {
      case "slab": regions[entry.name] = SlabRegion(inner)
      case "sphere": regions[entry.name] = RoundRegion(inner, axis: nil)
      case "cylinder": regions[entry.name] = RoundRegion(inner, axis: inner.axis("axis"))
      case "surface": regions[entry.name] = SurfaceRegion(inner)
      case "boundary":
        let sublattice = try inner["of"] == nil ? nil : names.species(inner, "of")
        regions[entry.name] = BoundaryRegion(inner, reach: reach, sublattice: sublattice)
      default: bulks.append((entry.name, inner))
      }
    }
    for (name, inner) in bulks {
      guard let boundary = regions[inner.string("away_from")] as? BoundaryRegion else {
        var error = inner.error(
          "away_from", "names no region of kind boundary: \(inner.string("away_from"))",
          hint: "for example `gb: {boundary: {crystal: fcc, width: 10}}`")
        error.isCollective = true
        throw error
      }
      regions[name] = BulkRegion(inner, boundary: boundary)
    }
    return regions
  }

  /// How far they look for neighbours, as far as the deck says, Å.
  package static func reach(_ section: DeckSection?) -> Double {
    (section?.entries ?? []).map { entry in
      let inner = entry.value.section.choice.value.section
      return inner["cutoff"]?.double ?? inner["reach"]?.double ?? 0
    }.max() ?? 0
  }
}

import MDCore
import MDDeck
import MDNumerics

/// `load`: each of the six components of the cell by itself.
extension LoadEntry {
  private static let pressure = DeckKind.quantity(.pressure, .any.plausibly(1e-6...1e8))

  private static let component = DeckObject(
    "What a component of the cell does; the word `free` is short for a stress of 0, `fixed` for no change.",
    [
      .optional("rate", rate, "Strain rate, positive in tension; of shear the rate of the angle."),
      .defaulted(
        "measure", .enumeration(["engineering", "logarithmic"]), "engineering",
        "Whether the rate is of the length at the stage's start, or of the present length (a true strain rate)."),
      .defaulted(
        "shear", .enumeration(["simple", "pure"]), "simple",
        "Of yz, xz, xy: whether points move along the first axis in proportion to the second, or along both alike."),
      .optional(
        "stress", .either([pressure, .list(pressure, count: 2...2)]),
        "Cauchy's stress that it comes to, positive in tension: constant, or [start, end] of a ramp over the stage."),
    ],
    rules: [.init(.exactlyOne, of: ["rate", "stress"])])

  static let load = LoadEntry(
    "load",
    DeckObject(
      "Loads the cell, each component by itself, and writes loading.csv. Atoms move along. Components with a stress belong to "
        + "a barostat.",
      Voigt.names.map {
        .optional(
          $0, .either([.enumeration(["fixed", "free"]), .object(component)]), "Component \($0); fixed if absent.")
      } + [
        .optional(
          "barostat", .enumeration(BarostatEntry.all.map(\.entry.name)),
          "What keeps stresses; `rescale` if absent, `mtk` without a thermostat."),
        .defaulted(
          "damping", .quantity(.time, .positive.plausibly(0.01...1000)), "1 ps", "Time constant of that barostat."),
        DeckSchema.stressVolume,
        .optional("every", .steps, "Steps from row to row of loading.csv; those of `output.thermo` if absent."),
        .optional("stop_when", .object(DeckSchema.stopWhen), "Ends the stage before its steps are done; looked at with each row."),
      ],
      example: """
        stages:
          - dynamics:
              steps: 1000
              thermostat: {nose_hoover: {temperature: 300}}
              load: {zz: {rate: 1e9 /s}, xx: free, yy: free}
        """),
    check: { section, context in
      var loaded = 0
      for (k, name) in Voigt.names.enumerated() {
        guard let value = section[name] else { continue }
        if value.isText, value.string == "fixed" { continue }
        loaded += 1
        let (i, j) = Voigt.axes(k)
        for axis in Set([i, j]).sorted() { refuseOpen(axis, section, name, &context) }
        guard !value.isText else { continue }
        let inner = value.section
        if k < 3, inner.gives("shear") {
          context.refuse(inner.error("shear", "is for the components yz, xz and xy"))
        }
        if inner["stress"] != nil, inner.gives("measure") || inner.gives("shear") {
          context.refuse(inner.error("stress", "has no `measure` and no `shear`", hint: "those are of a rate"))
        }
        if k < 3, inner["rate"] != nil, inner.string("measure") == "engineering" {
          refuseCollapse(inner, "rate", &context)
        }
      }
      if loaded == 0 {
        context.refuse(section.error("xx", "and all others are fixed: nothing is loaded", hint: "give one a `rate`"))
      }
      let keeps = Voigt.names.contains { stress(section[$0], 0) != nil }
      if keeps, context.stage?.dynamics.barostat != nil, let stage = context.stage {
        context.refuse(
          stage.section.error(
            "barostat", "and stresses in `load` both keep the cell", hint: "give stresses in one of the two places"))
      }
      if keeps, section["barostat"]?.string == "rescale", context.stage?.dynamics.thermostat == nil {
        context.refuse(section.error("barostat", "rescale needs a thermostat", hint: "`mtk` works without"))
      }
      if keeps, let step = context.stage?.dynamics.timestep, section.double("damping") < 100 * step * (1 - 1e-9) {
        context.refuse(section.error("damping", "is less than 100 time steps", hint: "1 ps is usual"))
      }
      if !keeps, section.gives("barostat") || section.gives("damping") {
        context.warn(section.error("barostat", "is not used", hint: "no component has a stress"))
      }
    }
  ) { section, box in
    var load = Load()
    var words: [String] = []
    for (k, name) in Voigt.names.enumerated() {
      guard let value = section[name], !(value.isText && value.string == "fixed") else { continue }
      let (i, j) = Voigt.axes(k)
      try refuseOpen(i, box)
      try refuseOpen(j, box)
      if let start = stress(value, 0), let end = stress(value, 1) {
        load.stresses[k] = (start, end)
        continue
      }
      let rate = value.section.double("rate")
      let one = rate * ComponentStrain.unit(k, isPure: value.section.string("shear") == "pure")
      let isTrue = value.section.string("measure") == "logarithmic"
      if isTrue { load.trueRates += one } else { load.rates += one }
      words.append("\(name) at \(rate) /ps\(isTrue ? " (logarithmic)" : "")")
    }
    if !words.isEmpty { load.summary = "loaded: " + words.joined(separator: ", ") }
    return load
  }

  /// Bar; `end` 0 or 1 of a ramp; nil for a component without a stress.
  private static func stress(_ value: DeckValue?, _ end: Int) -> Double? {
    guard let value else { return nil }
    if value.isText { return value.string == "free" ? 0 : nil }
    guard value.section["stress"] != nil else { return nil }
    let both = value.section.list(orOne: "stress")
    return both[min(end, both.count - 1)]
  }
}

import MDCore

/// The deck's `scan`: keys, each with the values that it takes; every combination is a run of its own.
package struct ScanPlan: Sendable {
  package struct Axis: Sendable {
    /// As `--set` has it: "stages.0.dynamics.steps".
    package var key: String
    /// As YAML.
    package var values: [String]
    package var location: SourceLocation
  }

  /// In the order of the deck; the last varies fastest.
  package var axes: [Axis]

  /// Most runs of a scan.
  package static let largest = 10_000

  package var count: Int { axes.reduce(1) { $0 * $1.values.count } }

  /// The values of run `index` (from 0), one an axis.
  package func values(of index: Int) -> [String] {
    var rest = index
    var chosen: [String] = []
    for axis in axes.reversed() {
      chosen.append(axis.values[rest % axis.values.count])
      rest /= axis.values.count
    }
    return chosen.reversed()
  }

  /// What `--set` would be given for run `index`; without the scan itself.
  package func settings(of index: Int) -> [String] {
    ["scan={}"] + zip(axes, values(of: index)).map { "\($0.key)=\($1)" }
  }

  /// The scan that a deck asks for, nil if it has none (or an empty one).
  package static func read(_ text: String, file: String, settings: [String]) throws(DeckErrors) -> ScanPlan? {
    let root = try DeckNode.parse(text, file: file, settings: settings)
    guard case .mapping(let entries) = root.content, let scan = entries.first(where: { $0.key == "scan" })?.value
    else { return nil }
    func refuse(_ message: String, _ hint: String, _ place: SourceLocation) -> DeckErrors {
      DeckErrors([FaultlineError(.input, message, hint: hint, at: place, isCollective: true)])
    }
    let shape = "`scan: {velocities.temperature: [300, 600]}`"
    guard case .mapping(let keys) = scan.content else {
      throw refuse("`scan` is no section of keys", "for example \(shape)", scan.location)
    }
    var axes: [Axis] = []
    for key in keys {
      guard case .list(let items) = key.value.content, !items.isEmpty else {
        throw refuse("`\(key.key)` in `scan` has no list of values", "for example \(shape)", key.value.location)
      }
      var values: [String] = []
      for item in items {
        guard let value = item.scalarYAML else {
          throw refuse(
            "a value of `\(key.key)` in `scan` is a list or a section",
            "scan its items one by one: `structure.lattice.size.0: [2, 4]`", item.location)
        }
        values.append(value)
      }
      if key.key.split(separator: ".").first == "scan" {
        throw refuse("`scan` cannot be scanned", "keys of other sections", key.location)
      }
      axes.append(Axis(key: key.key, values: values, location: key.location))
    }
    let scanPlan = ScanPlan(axes: axes)
    if axes.reduce(1.0, { $0 * Double($1.values.count) }) > Double(largest) {
      throw refuse("`scan` has more than \(largest) runs", "fewer values", scan.location)
    }
    return axes.isEmpty ? nil : scanPlan
  }
}

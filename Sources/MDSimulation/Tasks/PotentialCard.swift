import Foundation
import MDCore
import MDDeck
import MDIO
import MDStructures

/// `faultline characterize`: a page that says what a potential makes of a crystal. A page beside a potential's file, with
/// its name and the ending .md, is its card: runs with the potential repeat the card's warnings.
package enum PotentialCard {
  /// How a warning stands in a card, on a line of its own.
  static let mark = "> **Warning:** "

  /// Runs the deck's tasks, or the usual ones for its crystal if it has none, and writes the page. Collective.
  package static func characterize(
    deck: String, settings: [String], output: String, limits: RunLimits, communicator: any Communicator, log: RunLog
  ) throws {
    var source = try DeckReading.source(deck, settings: settings, communicator: communicator)
    let bare = try DeckReading.plan(source, purpose: .characterize, communicator: communicator, log: log)
    if bare.tasks.isEmpty { source.settings.append("tasks=" + usualTasks(bare)) }
    let plan = try DeckReading.plan(
      source, purpose: .run, communicator: communicator, log: RunLog(isTerminal: false, emit: nil))
    try communicator.agree {
      guard communicator.isRoot else { return }
      do { try AtomicFile.write("", to: output) } catch var error as FaultlineError {
        error.kind = .input
        throw error
      }
    }
    let run = try TaskRun(plan, limits: limits, communicator: communicator, log: log) { _, _ in }
    try communicator.agree {
      if communicator.isRoot { try AtomicFile.write(page(plan, run), to: output) }
    }
    log.line("Card: \(output)")
    if let first = run.failures.first {
      throw FaultlineError(
        .run, "the card lacks \(run.failures.map(\.name).joined(separator: ", ")): \(first.reason)", isCollective: true)
    }
  }

  /// For a lattice of one element its planes and slip systems; for other crystals what any has.
  private static func usualTasks(_ plan: RunPlan) -> String {
    var tasks = ["equation_of_state: {}", "elastic: {}"]
    guard case .lattice(let lattice)? = plan.structure?.source, lattice.species.count == 1 else {
      return "[" + tasks.map { "{\($0)}" }.joined(separator: ", ") + "]"
    }
    tasks += ["phases: {}", "vacancy: {}"]
    let planes: [String] = lattice.type.isCubic ? ["[1, 0, 0]", "[1, 1, 0]", "[1, 1, 1]"] : ["[0, 0, 1]"]
    tasks += planes.map { "surface: {plane: \($0)}" }
    switch lattice.type {
    case .fcc:
      tasks.append("gamma_line: {plane: [1, 1, 1], displacement: [0.166666666667, 0.166666666667, -0.333333333333]}")
      tasks.append("gamma_line: {plane: [1, 1, 1], displacement: [0.5, -0.5, 0]}")
    case .bcc:
      tasks.append("gamma_line: {plane: [1, 1, 0], displacement: [-0.5, 0.5, 0.5]}")
      tasks.append("gamma_line: {plane: [1, 1, 2], displacement: [0.5, 0.5, -0.5]}")
    case .diamond:
      tasks.append("gamma_line: {plane: [1, 1, 1], displacement: [0.5, -0.5, 0]}")
    default: break
    }
    tasks += planes.map { "separation: {plane: \($0), relaxed: false}" }
    return "[" + tasks.map { "{\($0)}" }.joined(separator: ", ") + "]"
  }

  // MARK: Warnings for runs

  /// What the cards beside the deck's potentials warn of. On one rank.
  static func warnings(of plan: RunPlan) -> [String] {
    var seen: Set<String> = []
    return InputFiles.paths(plan).flatMap { file -> [String] in
      let path = (file as NSString).deletingPathExtension + ".md"
      guard seen.insert(path).inserted, let data = FileManager.default.contents(atPath: path), data.count < 1 << 20
      else { return [] }
      let name = (path as NSString).lastPathComponent
      return String(decoding: data, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix(mark) }
        .map { "\($0.dropFirst(mark.count)) (card \(name))" }
    }
  }

  // MARK: The page

  private static func page(_ plan: RunPlan, _ run: TaskRun) -> String {
    let files = InputFiles.paths(plan).map { ($0 as NSString).lastPathComponent }
    let crystal = run.crystal
    var text = "# \(plan.title ?? "Potential card")\n\n"
    text += "What this potential says at 0 K of the crystal of \(crystal.unitCell.species.joined(separator: ", "))"
      + "\(lattice(plan).map { " (\($0))" } ?? ""). Made by `faultline characterize` \(faultlineVersion) from "
      + (files.isEmpty ? plan.potential.map { "`\($0.name)`" } : files.map { "`\($0)`" }).joined(separator: ", ") + ".\n\n"
    for warning in run.done.flatMap(\.result.warnings) + surfaceWarnings(run) { text += mark + warning + "\n\n" }
    text += "| quantity | value |\n|---|---|\n"
    text += "| equilibrium | \(crystal.summary.replacingOccurrences(of: "crystal in equilibrium: ", with: "")) |\n"
    for one in run.done {
      for line in one.result.lines {
        let words = line.trimmingCharacters(in: .whitespaces)
        text += "| \(one.kind.replacingOccurrences(of: "_", with: " ")) | \(words.replacingOccurrences(of: "|", with: "\\|")) |\n"
      }
    }
    for failure in run.failures { text += "| \(failure.name) | failed: \(failure.reason.message) |\n" }
    text += "\n**Good for.** \(judgement(run))\n"
    text += "\n## Numbers\n\n| quantity | value | unit |\n|---|---|---|\n"
    for (name, value, unit) in figures(run) { text += "| \(name) | \(RunLog.fixed(value, unit == "GPa" ? 3 : 6)) | \(unit) |\n" }
    return text
  }

  /// What a crystal is usually known by, for programs: `faultline report` shows it beside published values.
  private static func figures(_ run: TaskRun) -> [(String, Double, String)] {
    func number(_ value: JSONNumber?) -> Double? { if case .number(let x)? = value { x } else { nil } }
    let edges = run.crystal.lengths
    let isCubic = edges.allSatisfy { abs($0 - edges[0]) < 1e-6 }
    var out = zip(isCubic ? ["a"] : ["a", "b", "c"], edges).map { ($0, $1, "Å") }
    for one in run.done {
      let numbers = one.result.numbers
      switch one.kind {
      case "elastic":
        // Of those that are equal by symmetry the first.
        let names = isCubic ? ["C11_GPa", "C12_GPa", "C44_GPa"] : numbers.keys.filter { $0.hasPrefix("C") }.sorted()
        out += names.compactMap { name in number(numbers[name]).map { (name.replacingOccurrences(of: "_GPa", with: ""), $0, "GPa") } }
      case "equation_of_state": out += number(numbers["bulk_modulus_GPa"]).map { [("B0", $0, "GPa")] } ?? []
      case "vacancy": out += number(numbers["formation_energy_eV"]).map { [("vacancy", $0, "eV")] } ?? []
      case "surface":
        if case .text(let plane)? = numbers["plane"], let energy = number(numbers["energy_J_per_m2"]) { out.append(("surface \(plane)", energy, "J/m²")) }
      default: break
      }
    }
    return out
  }

  private static func lattice(_ plan: RunPlan) -> String? {
    if case .lattice(let lattice)? = plan.structure?.source { lattice.type.rawValue } else { nil }
  }

  /// The numbers of this name that tasks of a kind have found.
  private static func numbers(_ run: TaskRun, _ kind: String, _ name: String) -> [Double] {
    run.done.filter { $0.kind == kind }.compactMap { if case .number(let x)? = $0.result.numbers[name] { x } else { nil } }
  }

  /// Surfaces that hardly cost anything: real crystals' have some tenths to a twentieth of G·d, d the cube root of an atom's
  /// volume, in energy; below a fiftieth something is wrong.
  private static func surfaceWarnings(_ run: TaskRun) -> [String] {
    guard let least = numbers(run, "surface", "energy_J_per_m2").min(),
      let most = numbers(run, "surface", "unrelaxed_energy_J_per_m2").max(),
      let shear = numbers(run, "elastic", "shear_modulus_GPa").first
    else { return [] }
    let ratio = least / (shear * 0.1 * cbrt(run.crystal.atomicVolume))
    guard ratio < 0.02 else { return [] }
    return [
      "surfaces cost \(RunLog.fixed(least, 2)) to \(RunLog.fixed(most, 2)) J/m² (relaxed to rigid), hardly anything for a crystal of "
        + "this stiffness: cracks open and boundaries part too easily"
    ]
  }

  /// What the numbers alone allow to say.
  private static func judgement(_ run: TaskRun) -> String {
    let phases = run.done.filter { $0.kind == "phases" }.flatMap { one -> [(String, Double)] in
      one.result.numbers.compactMap { name, value in
        if case .section(let s) = value, case .number(let above)? = s["above_eV_per_atom"] { (name, above) } else { nil }
      }
    }
    let lower = phases.filter { $0.1 < -1e-5 }.map(\.0).sorted()
    let close = phases.filter { $0.1 > 1e-5 && $0.1 < 0.005 }.map(\.0).sorted()
    let stable = run.done.first { $0.kind == "elastic" }.map { one -> Bool in
      if case .flag(let flag)? = one.result.numbers["stable"] { flag } else { true }
    }
    var words: [String] = []
    if stable == false {
      words.append("Not for this crystal: it is elastically unstable.")
    } else if !lower.isEmpty {
      words.append(
        "Small strains and vibrations of the perfect crystal only: \(lower.joined(separator: ", ")) would be lower in energy, so "
          + "that melts, surfaces, boundaries and cracks may go astray.")
    } else if !close.isEmpty {
      words.append(
        "The perfect crystal and its elasticity; \(close.joined(separator: ", ")) lies within 5 meV an atom, so that boundaries and "
          + "loads should be looked at for that structure.")
    } else if stable == true, !phases.isEmpty {
      words.append("The crystal is the lowest of the lattices looked at, and stable.")
    }
    if !surfaceWarnings(run).isEmpty { words.append("Not for surfaces and fracture.") }
    words.append("The numbers do not say how it does far from these configurations: compare with what it was trained on.")
    return words.joined(separator: " ")
  }
}

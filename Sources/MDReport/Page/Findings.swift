import Foundation

/// What a run came to, and whether it may be believed.
struct Finding {
  /// A few words: "grain-boundary energy".
  var question: String
  var figure: Figure?
  /// In place of a number: why there is none.
  var refusal: String?
  var note: String?
}

struct Check {
  enum Verdict: String { case good, warning, bad, unknown }
  var verdict: Verdict
  /// One word or two: "Relaxed".
  var title: String
  var words: String
}

extension RunFolder {
  private func figure(
    _ name: String, _ value: ResultValue, _ unit: String, _ source: String, error: Double? = nil, definition: String? = nil
  ) -> Figure? {
    value.number.map { Figure(name: name, value: $0, error: error, unit: unit, definition: definition, source: source) }
  }

  /// What the run was for, the most important first.
  var findings: [Finding] {
    var out = searchFindings + boundaryFindings + crackFindings + taskFindings
    for (k, load) in run["loading"].list.enumerated() {
      let source = "run.json loading[\(k)]"
      out.append(
        Finding(
          question: "highest stress of stage \(Int(load["stage"].number ?? 0))",
          figure: figure("peak stress", load["peak_stress_GPa"], "GPa", source + ".peak_stress_GPa"),
          note: load["strain_at_end"].number.map { "strained to \(Figure.text($0)) at the end" }))
    }
    // How atoms move is what such runs are for; then what else was measured; then what has no number.
    func rank(_ finding: Finding) -> Int {
      (finding.figure == nil ? 2 : 0) + (finding.question.hasPrefix("diffusion") || finding.question.hasPrefix("conductivity") ? 0 : 1)
    }
    out += measuredFindings.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
    if out.isEmpty { out = finalFindings }
    return out.filter { $0.figure != nil || $0.refusal != nil }
  }

  private var searchFindings: [Finding] {
    let boundaries = run["search"].members.sorted {
      ($0.value["energy_J_per_m2"].number ?? .infinity) < ($1.value["energy_J_per_m2"].number ?? .infinity)
    }
    guard let (name, best) = boundaries.first else { return [] }
    let source = "run.json search.\(name)"
    let question = boundaries.count > 1 ? "lowest energy of \(boundaries.count) boundaries: \(name)" : "lowest energy of the boundary, γ"
    let alike = Int(best["times_found"].number ?? 0)
    var out = [
      Finding(
        question: question, figure: figure("energy", best["energy_J_per_m2"], "J/m²", source + ".energy_J_per_m2"),
        refusal: best["energy_J_per_m2"].number == nil ? "no trial has ended in a relaxed state" : nil,
        note: "found \(alike) times in \(Int(best["trials"].number ?? 0)) trials, \(Int(best["states"].number ?? 0)) states in all"),
      Finding(question: "excess volume", figure: figure("excess volume", best["excess_volume_A"], "Å", source + ".excess_volume_A")),
      Finding(
        question: "work of adhesion",
        figure: figure("work of adhesion", best["work_of_adhesion_J_per_m2"], "J/m²", source + ".work_of_adhesion_J_per_m2")),
    ]
    if let angle = figure("angle", best["angle_deg"], "°", source + ".angle_deg") {
      out.append(Finding(question: "angle between the grains", figure: angle))
    }
    return out
  }

  private var boundaryFindings: [Finding] {
    let list = run["boundary_energy"].list
    guard let last = list.last else { return [] }
    let source = "run.json boundary_energy[\(list.count - 1)]"
    return [
      Finding(
        question: "grain-boundary energy, γ", figure: figure("energy", last["energy_J_per_m2"], "J/m²", source + ".energy_J_per_m2"),
        note: "this one structure, relaxed at step \(Int(last["step"].number ?? 0)); a search tells whether there is a lower state"),
      Finding(question: "excess volume", figure: figure("excess volume", last["excess_volume_A"], "Å", source + ".excess_volume_A")),
    ]
  }

  /// The unit that a key of run.json ends in: `peak_stress_GPa`.
  static func unit(ofKey key: String) -> (name: String, unit: String) {
    for (ending, unit) in [
      ("_J_per_m2", "J/m²"), ("_eV_per_atom", "eV/atom"), ("_A3_per_atom", "Å³/atom"), ("_GPa", "GPa"), ("_bar", "bar"), ("_eV", "eV"),
      ("_A2", "Å²"), ("_A3", "Å³"), ("_A", "Å"), ("_deg", "°"), ("_K", "K"), ("_ps", "ps"),
    ] where key.hasSuffix(ending) {
      return (String(key.dropLast(ending.count)).replacing("_", with: " "), unit)
    }
    return (key.replacing("_", with: " "), "")
  }

  /// Every number of a task that has a unit, by its keys.
  private var taskFindings: [Finding] {
    run["tasks"].members.flatMap { name, result -> [Finding] in
      result.members.compactMap { key, value in
        guard !key.hasPrefix("clamped"), !key.contains("asymmetry"), !key.contains("residual") else { return nil }
        let (words, unit) = Self.unit(ofKey: key)
        guard !unit.isEmpty else { return nil }
        return figure(words, value, unit, "run.json tasks.\(name).\(key)").map {
          Finding(question: "\(name.replacing("_", with: " ")): \(words)", figure: $0)
        }
      }
    }
  }

  private var measuredFindings: [Finding] {
    results.members.flatMap { observer, entry -> [Finding] in
      entry["numbers"].members.compactMap { name, number in
        // Of what is known along each axis the mean is enough here.
        if name.hasSuffix("_x") || name.hasSuffix("_y") || name.hasSuffix("_z"), entry["numbers"][String(name.dropLast(2))] != .none { return nil }
        let found = figure(
          name, number["value"], number["unit"].text ?? "", "results.json \(observer).\(name)", error: number["error"].number,
          definition: number["definition"].text)
        return Finding(
          question: observer == "averages"
            ? name.replacing("_stage_", with: ", stage ").replacing("_", with: " ")
            : (name.hasPrefix("D_") ? "diffusion coefficient " : "") + "\(name.replacing("_", with: " ")), \(observer)",
          figure: found, refusal: found == nil ? number["note"].text ?? "no value" : nil,
          note: found == nil ? nil : number["error"].number == nil ? "without an error: too few blocks" : nil)
      }
    }
  }

  private var finalFindings: [Finding] {
    let (final, units) = (run["final_thermo"], run["thermo_units"])
    return ["potential_energy", "temperature", "pressure", "volume"].filter { final[$0].number != 0 }.map { key in
      Finding(
        question: "\(key.replacing("_", with: " ")) at the end",
        figure: figure(key, final[key], units[key].text ?? "", "run.json final_thermo.\(key)"))
    }
  }
}

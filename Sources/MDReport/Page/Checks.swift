import Foundation

extension RunFolder {
  /// What a reader would ask first, in words and colour.
  var checks: [Check] {
    [ended] + relaxed + searched + conserved + equilibrated + measuredLongEnough + extrapolating + warned
  }

  private var ended: Check {
    let reason = run["reason"].text
    switch run["status"].text {
    case "finished": return Check(verdict: .good, title: "Finished", words: "the run came to the end of its deck")
    case "stopped":
      return Check(verdict: .warning, title: "Stopped", words: "\(reason ?? "before its end"); faultline resume continues it")
    case "failed": return Check(verdict: .bad, title: "Failed", words: reason ?? "the log says why")
    case "running":
      return Check(
        verdict: .warning, title: "Not finished",
        words: isLocked ? "the run is still going, or was killed; these are the numbers so far" : "the run was killed, or its end could not be written")
    case let other?: return Check(verdict: .unknown, title: "State unknown", words: "run.json says '\(other)'")
    case nil where run == .none && results != .none: return Check(verdict: .good, title: "Analysed", words: "measured on frames that existed")
    case nil: return Check(verdict: .unknown, title: "State unknown", words: "there is no run.json that could be read")
    }
  }

  private var relaxed: [Check] {
    var out: [Check] = []
    if let last = run["boundary_energy"].list.last {
      let pressure = last["normal_pressure_bar"].number
      if last["converged"].flag != true {
        out.append(Check(verdict: .bad, title: "Not relaxed", words: "the relaxation before the boundary's energy did not converge"))
      } else if let pressure, abs(pressure) > 1000 {
        out.append(
          Check(verdict: .warning, title: "Under pressure", words: "relaxed, but \(Figure.brief(pressure)) bar are left along the normal"))
      } else {
        out.append(
          Check(
            verdict: .good, title: "Relaxed",
            words: "forces converged" + (pressure.map { ", \(Figure.brief($0)) bar left along the normal" } ?? "")))
      }
    } else {
      for stage in stages where stage.isRelaxation {
        guard let ending = stage.ending else { continue }
        let converged = ending.hasPrefix("converged") || ending.contains(" increments, the last converged")
        out.append(Check(verdict: converged ? .good : .bad, title: converged ? "Relaxed" : "Not relaxed", words: "stage \(stage.number): \(ending)"))
      }
    }
    return out
  }

  private var searched: [Check] {
    let all = run["search"].members
    guard !all.isEmpty else { return [] }
    var out: [Check] = []
    func sum(_ key: String) -> Int { all.reduce(0) { $0 + Int($1.value[key].number ?? 0) } }
    let (trials, lost) = (sum("trials"), sum("failed") + sum("not_converged"))
    out.append(
      Check(
        verdict: lost == 0 ? .good : 3 * lost < trials ? .warning : .bad, title: lost == 0 ? "Relaxed" : "Trials lost",
        words: lost == 0 ? "every one of \(trials) trials converged" : "\(lost) of \(trials) trials failed or did not converge"))
    // Where there are several, the least sure one.
    let sure = all.map { (name: $0.key, found: Int($0.value["times_found"].number ?? 0), words: $0.value["certainty"].text ?? "", over: $0.value["ending"].text) }
      .min { $0.found < $1.found }!
    let prefix = all.count > 1 ? "least sure is \(sure.name): " : ""
    if sure.over == nil || sure.over == "not ended" {
      out.append(Check(verdict: .warning, title: "Search not over", words: prefix + sure.words))
    } else if sure.words.isEmpty || run["method"].text == "bayes" {
      out.append(Check(verdict: .unknown, title: "Sureness unknown", words: prefix + "found \(sure.found) times; trials that follow one another allow no estimate"))
    } else {
      out.append(
        Check(
          verdict: sure.found >= 3 ? .good : .warning, title: sure.found >= 3 ? "Found again and again" : "Found rarely", words: prefix + sure.words))
    }
    for (name, result) in all where result["boundaries_alike"].flag == false {
      out.append(Check(verdict: .warning, title: "Two boundaries", words: "\(name): no symmetry relates the cell's two boundaries; γ is their mean"))
    }
    return out
  }

  /// The drift of the conserved energy over each stage of dynamics, from the slope of a straight line; work of a load is taken off.
  private var conserved: [Check] {
    guard let thermo = self["thermo.csv"], let time = thermo.numbers("time"), let stage = thermo.numbers("stage"),
      let energy = thermo.numbers("conserved_energy"), let steps = thermo.numbers("step"), let atoms = run["atoms"].number, atoms > 0
    else { return [] }
    var work: [Double: Double] = [:]
    if let loading = self["loading.csv"], let at = loading.numbers("step"), let done = loading.numbers("work") {
      for (s, w) in zip(at, done) { work[s] = w }
    }
    var out: [Check] = []
    for number in Set(stage.filter(\.isFinite)).sorted() {
      let isLoaded = run["loading"].list.contains { $0["stage"].number == number }
      let rows = stage.indices.filter { stage[$0] == number && energy[$0].isFinite && (!isLoaded || work[steps[$0]] != nil) }
      guard rows.count >= 5, let first = rows.first, let last = rows.last, time[last] > time[first] else { continue }
      let (t, e) = (rows.map { time[$0] }, rows.map { energy[$0] - (isLoaded ? work[steps[$0]]! : 0) })
      let (mt, me) = (t.reduce(0, +) / Double(t.count), e.reduce(0, +) / Double(e.count))
      let slope = zip(t, e).reduce(0) { $0 + ($1.0 - mt) * ($1.1 - me) } / t.reduce(0) { $0 + ($1 - mt) * ($1 - mt) }
      let drift = slope * (time[last] - time[first]) / atoms
      // Thousandths of the heat of an atom change nothing; a tenth does. Work is known as well as its rows follow the stress.
      let heat = (thermo.numbers("temperature")?[last]).map { 8.617333262e-5 * $0 } ?? .nan
      let scale = isLoaded ? abs(work[steps[last]]! - work[steps[first]]!) / atoms : heat
      let share = abs(drift) / scale
      let verdict: Check.Verdict = !share.isFinite ? .unknown : share < (isLoaded ? 0.03 : 0.01) ? .good : share < 0.1 ? .warning : .bad
      let words = "\(Figure.brief(1000 * drift)) meV an atom over stage \(Int(number))"
        + (share.isFinite ? ", \(Figure.brief(100 * share)) % of \(isLoaded ? "the work done on it" : "kT")" : "")
      out.append(Check(verdict: verdict, title: verdict == .good ? "Energy conserved" : "Energy drifts", words: words))
    }
    // One line where nothing is amiss.
    return out.allSatisfy { $0.verdict == .good } ? Array(out.suffix(1)) : out.filter { $0.verdict != .good }
  }

  /// Whether rows before equilibrium, as averages.csv cut them off, are less than half of a stage.
  private var equilibrated: [Check] {
    guard let averages = self["averages.csv"], let stages = averages.numbers("stage"), let thermo = self["thermo.csv"],
      let stage = thermo.numbers("stage"), let last = stages.indices.last
    else { return [] }
    let rows = Double(stage.count { $0 == stages[last] })
    let cuts = averages.columns.filter { $0.name.hasSuffix("_cut") && $0.numbers[last].isFinite }
    guard rows > 0, let late = cuts.max(by: { $0.numbers[last] < $1.numbers[last] }) else { return [] }
    let cut = late.numbers[last]
    let fine = cut <= 0.5 * rows
    return [
      Check(
        verdict: fine ? .good : .warning, title: fine ? "Equilibrated" : "Still settling",
        words: "\(late.name.dropLast(4).replacing("_", with: " ")) settles within \(Int(cut)) of \(Int(rows)) rows of stage \(Int(stages[last]))")
    ]
  }

  private var measuredLongEnough: [Check] {
    var (known, refused, bare) = (0, [String](), [String]())
    for (observer, entry) in results.members {
      for (name, number) in entry["numbers"].members {
        if number["value"].number == nil {
          refused.append("\(name): \(number["note"].text ?? "no value")")
        } else if number["error"].number == nil {
          bare.append(observer)
        } else {
          known += 1
        }
      }
    }
    guard known + refused.count + bare.count > 0 else { return [] }
    var out: [Check] = []
    if !bare.isEmpty {
      out.append(
        Check(verdict: .warning, title: "Too short for errors", words: "\(bare.count) numbers of \(Set(bare).sorted().joined(separator: ", ")) have none"))
    } else if known > 0 {
      out.append(Check(verdict: .good, title: "Long enough", words: "all \(known) measured numbers have an error"))
    }
    if let first = refused.first {
      out.append(
        Check(verdict: .warning, title: "Numbers refused", words: first + (refused.count > 1 ? "; and \(refused.count - 1) more, below" : "")))
    }
    return out
  }

  /// Potentials with a training set: whether they were used beyond it, as far as anybody looked (`analysis.watch`).
  private var extrapolating: [Check] {
    let learned = ["snap", "hdnnp", "mtp", "nep", "ace"]
    guard run["potentials"].list.contains(where: { p in learned.contains { p.text?.hasPrefix($0) ?? false } }) else { return [] }
    var out: [Check] = []
    for column in self["thermo.csv"]?.columns ?? [] where ["extrapolations", "grade"].contains(column.name) {
      guard let most = column.numbers.filter(\.isFinite).max() else { continue }
      let fine = column.name == "grade" ? most <= 1 : most == 0
      let words = column.name == "grade"
        ? "the largest extrapolation grade was \(Figure.text(most)); 1 is the edge of the training set"
        : "at most \(Int(most)) descriptors at a time were beyond the training data"
      out.append(Check(verdict: fine ? .good : .warning, title: fine ? "Within the training set" : "Extrapolating", words: words))
    }
    return out.isEmpty
      ? [Check(verdict: .unknown, title: "Extrapolation unknown", words: "nobody looked whether the potential was used beyond its training set")] : out
  }

  private var warned: [Check] {
    let rest = run["warnings"].list.compactMap { $0["message"].text }
    var out: [Check] = []
    for message in rest.prefix(3) { out.append(Check(verdict: .warning, title: "Warning", words: message)) }
    if rest.count > 3 { out.append(Check(verdict: .warning, title: "Warnings", words: "\(rest.count - 3) more, below")) }
    if rest.isEmpty, run["warnings"] != .none {
      out.append(Check(verdict: .good, title: "No warnings", words: "nothing was warned of during the run"))
    }
    for trouble in troubles { out.append(Check(verdict: .bad, title: "Unreadable", words: trouble)) }
    return out
  }
}

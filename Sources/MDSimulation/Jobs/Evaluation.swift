import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel
import MDPotentials

/// `faultline evaluate`: single points for the frames of an extended XYZ file, distributed like a run.
///
/// Every frame of the input comes out in its order with its species, positions and header entries, and with `energy`
/// (eV), `virial` (nine numbers, W = Σ r ⊗ f in eV, for fully periodic frames), `stress` (−W/V in eV/Å³, for those),
/// and the columns `forces:R:3` (eV/Å) and `energies:R:1` (eV). Potentials that find charges themselves take their sum
/// from `total_charge` of the frame where it has one, and give the columns `charges:R:1` (e) and `electronegativity:R:1` (eV/e).
package enum Evaluation {
  /// Collective.
  package static func run(
    deck: String, settings: [String] = [], frames: String, output: String, communicator: any Communicator, log: RunLog
  ) throws {
    let began = PhaseTimers.now()
    let plan = try DeckReading.plan(deck, settings: settings, purpose: .evaluate, communicator: communicator, log: log)
    var reader: (any FrameReader)?
    var pending: PendingFile?
    var writer: (any FrameWriter)?
    try communicator.agree {
      guard communicator.isRoot else { return }
      for (name, option) in [(frames, "the file of --frames"), (deck, "the deck")] where isSameFile(name, output) {
        throw FaultlineError(
          .input, "--output \(output) is \(option)", hint: "give another name: frames are read one by one")
      }
      reader = try asInput { try FrameFile.reader(frames, types: plan.numberedTypes) }
      try asInput {
        let file = try PendingFile(output)
        writer = try FrameFile.writer(file.temporary, named: output, types: plan.mlipTypes)
        pending = file
      }
    }
    var count = 0
    var atoms = 0
    var warned: Set<String> = []
    var withoutCell = 0
    // Potentials read their files again only for other species.
    var kept: Kept?
    while true {
      var frame: ExtXYZFrame?
      try communicator.agree { if communicator.isRoot { frame = try asInput { try reader?.next() } } }
      guard communicator.any(frame != nil) else { break }
      var total: Double?
      try communicator.agree { total = try frame.flatMap { try totalCharge(of: $0, in: frames) } }
      let result = try evaluate(
        frame?.structure, totalCharge: total, name: frame.map { "\(frames):\($0.line)" }, plan, &kept,
        isFirst: count == 0, communicator)
      try communicator.agree { if let frame { try writer?.write(annotated(frame, result)) } }
      for note in result.notes where count == 0 || (note.hasPrefix("warning: ") && !warned.contains(note)) {
        log.line("  " + (count == 0 ? note : "\(note) (\(frames):\(frame?.line ?? 0))"))
        warned.insert(note)
      }
      count += 1
      atoms += result.count
      if let frame, !frame.hasLattice { withoutCell += 1 }
    }
    try communicator.agree {
      if count == 0 { throw FaultlineError(.input, "no frames in \(frames)") }
      try writer?.finish()
      try pending?.commit()
    }
    if withoutCell > 0 {
      log.line(
        "warning: \(withoutCell) of \(count) frame\(count == 1 ? "" : "s") gave no Lattice and had open boundaries")
    }
    log.line(
      "Evaluated \(count) frame\(count == 1 ? "" : "s"), \(RunLog.grouped(atoms)) atoms, on \(communicator.size) "
        + "rank\(communicator.size == 1 ? "" : "s") in \(RunLog.duration(PhaseTimers.now() - began)) → \(output)")
  }

  /// What serves frames of the same species.
  private struct Kept {
    var species: [String]
    var isPresent: [Bool]
    var ingredients: SystemFactory.Ingredients
  }

  /// Whether two names stand for one file, be it through links.
  private static func isSameFile(_ a: String, _ b: String) -> Bool {
    if let one = FileIdentity(path: a), let other = FileIdentity(path: b) { return one == other }
    func resolved(_ path: String) -> String {
      URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
    return resolved(a) == resolved(b)
  }

  /// A file that cannot be opened is wrong input here, not trouble during a run.
  private static func asInput<T>(_ body: () throws -> T) throws -> T {
    do { return try body() } catch var error as FaultlineError {
      error.kind = .input
      throw error
    }
  }

  /// The header's `total_charge`, e; throws where it is no number or its name has a letter wrong.
  private static func totalCharge(of frame: ExtXYZFrame, in path: String) throws -> Double? {
    let key = "total_charge"
    for entry in frame.info where entry.raw != nil {
      let word = entry.key.lowercased()
      guard word == key || Spelling.distance(Array(word), Array(key)) == 1 else { continue }
      guard word == key, let numbers = entry.numbers, numbers.count == 1 else {
        throw FaultlineError(
          .input, word == key ? "\(key) is '\(entry.text)'" : "\(entry.key) is no known key; did you mean \(key)?",
          hint: "a number in e is needed", at: SourceLocation(file: path, line: frame.line + 1))
      }
      return numbers[0]
    }
    return nil
  }

  struct Result {
    var count: Int
    var energy: Double
    var virial: Matrix3
    /// On rank 0, in the order of ids; empty elsewhere.
    var forces: [Double] = []
    var energies: [Double] = []
    /// Of potentials that find charges themselves.
    var charges: [Double]?
    var electronegativities: [Double] = []
    /// Nine an atom, of potentials that have them.
    var bornCharges: [Double] = []
    /// Of the potentials, all of them for the first frame.
    var notes: [String] = []
    /// What the potentials say of themselves: of the frame and of its atoms.
    var figures: [Assessment: Double] = [:]
    var atomFigures: [[Double]] = []
    /// What each of them is.
    var judged: [Assessment] = []
    var assessments: [Assessment] { figures.keys.sorted { $0.rawValue < $1.rawValue } }
  }

  private static func evaluate(
    _ structure: Structure?, totalCharge: Double?, name: String?, _ plan: RunPlan,
    _ kept: inout Kept?, isFirst: Bool, _ communicator: any Communicator
  ) throws -> Result {
    var ordered = structure
    // Results go back in the order of the file, whatever ids it has.
    ordered?.ids = nil
    let system: DistributedSystem
    do {
      let header = Distribution.header(of: ordered, communicator: communicator)
      let ingredients: SystemFactory.Ingredients
      if let kept, kept.species == header.species, kept.isPresent == header.isPresent {
        ingredients = kept.ingredients
      } else {
        ingredients = try SystemFactory.Ingredients(
          header.species, isPresent: header.isPresent, given: header.masses, plan: plan, needsMasses: false,
          communicator: communicator)
      }
      kept = Kept(species: header.species, isPresent: header.isPresent, ingredients: ingredients)
      system = try SystemFactory.make(
        ordered, header: header, ingredients, plan: plan, communicator: communicator, skin: 0)
    } catch var error as FaultlineError where error.location == nil && communicator.isRoot {
      error.message = (name.map { "\($0): " } ?? "") + error.message
      throw error
    }
    let equilibrating = system.potentials.compactMap { $0 as? any ChargeEquilibrating }
    let usual = equilibrating.map(\.totalCharge)
    defer { for (potential, charge) in zip(equilibrating, usual) { potential.totalCharge = charge } }
    // Rank 0 has the frame.
    var given = [totalCharge == nil ? 0 : 1, totalCharge ?? 0]
    communicator.sum(&given)
    if given[0] > 0 { for potential in equilibrating { potential.totalCharge = given[1] } }
    if !plan.groups.isEmpty { try GroupTable(plan.groups, species: system.species).assign(to: system.atoms, box: system.box) }
    try system.rebuild()
    let watch = Watch(nil, system)
    var want: Want = [.energy, .virial, .atomEnergy]
    if watch.isPossible { want.insert(.assessment) }
    let born = system.atoms.column(named: ChargedNEPPotential.bornColumn)
    if born != nil { want.insert(.bornCharges) }
    let tally: Tally
    let notes: [String]
    do {
      tally = try system.compute(want, step: 0)
      notes =
        try isFirst ? system.notes(step: 0) : system.potentials.flatMap { try $0.warnings(for: system.atoms.view) }
    } catch var error as FaultlineError where error.isCollective && error.location == nil {
      error.message = (name.map { "\($0): " } ?? "") + error.message
      throw error
    }
    if let bad = communicator.lowest(system.firstNonFiniteAtom()) {
      throw notANumber("the force on atom \(bad)", name)
    }
    var sums = [tally.energy] + tally.virial.elements
    communicator.sum(&sums)
    if !sums[0].isFinite { throw notANumber("the energy", name) }
    if !sums.allSatisfy(\.isFinite) { throw notANumber("the virial", name) }
    var result = Result(count: system.totalCount, energy: sums[0], virial: Matrix3(Array(sums[1...])))
    result.notes = notes
    if watch.isPossible { result.figures = watch.look(at: 0) }
    let atoms = system.atoms
    // A grade of the whole system is none of atoms.
    result.judged = result.assessments.filter { atoms.column(named: $0.column) != nil }
    let judged = result.judged.compactMap { atoms.column(named: $0.column) }
    result.atomFigures = judged.map { _ in [] }
    let charges =
      equilibrating.isEmpty
      ? [] : [atoms.needCharge().storage] + [atoms.column(named: "electronegativity")].compactMap { $0 }
    if !charges.isEmpty { result.charges = [] }
    let columns =
      [atoms.force.storage, atoms.needEnergy().storage] + judged + charges + [born].compactMap { $0 }
    try Gather.inOrder(columns, of: atoms, communicator: communicator) { piece in
      guard let buffers = piece?.buffers else { return }
      result.forces += buffers[0].bindMemory(to: Double.self)
      result.energies += buffers[1].bindMemory(to: Double.self)
      for k in judged.indices { result.atomFigures[k] += buffers[2 + k].bindMemory(to: Double.self) }
      if !charges.isEmpty { result.charges! += buffers[2 + judged.count].bindMemory(to: Double.self) }
      if born != nil { result.bornCharges += buffers[columns.count - 1].bindMemory(to: Double.self) }
      if charges.count > 1 { result.electronegativities += buffers[3 + judged.count].bindMemory(to: Double.self) }
    }
    try communicator.agree { if communicator.isRoot { try refuseNonFinite(result, name) } }
    return result
  }

  /// Nothing that is written may be NaN or infinite: readers take it for a number or stop in the middle of the file.
  private static func refuseNonFinite(_ result: Result, _ name: String?) throws {
    let columns =
      [
        ("energy", result.energies), ("charge", result.charges ?? []),
        ("electronegativity", result.electronegativities), ("Born charge", result.bornCharges),
      ] + zip(result.judged.map(\.rawValue), result.atomFigures)
    for (what, values) in columns {
      if let place = values.firstIndex(where: { !$0.isFinite }) {
        throw notANumber("the \(what) of atom \(place * result.count / values.count + 1)", name)
      }
    }
    if let figure = result.figures.first(where: { !$0.value.isFinite }) {
      throw notANumber(figure.key.rawValue, name)
    }
  }

  /// Rank 0 knows the frame's name and speaks.
  private static func notANumber(_ what: String, _ name: String?) -> FaultlineError {
    FaultlineError(
      .run, "\(what) of the frame at \(name ?? "?") is not a number",
      hint: "look for atoms on top of one another, or outside the potential's range", isCollective: true)
  }

  private static func annotated(_ frame: ExtXYZFrame, _ result: Result) -> ExtXYZFrame {
    var out = frame
    out["energy"] = ExtXYZEntry("energy", result.energy)
    let box = frame.structure.box
    out["virial"] = box.periodic.isFull ? ExtXYZEntry("virial", result.virial.elements) : nil
    // ASE takes this for a result, so that of another calculation must not stay.
    out["stress"] = FrameHeader.stress(result.virial, in: box)
    out.set(ExtXYZColumn("forces", width: 3, .reals(result.forces)))
    out.set(ExtXYZColumn("energies", .reals(result.energies)))
    if let charges = result.charges {
      out.set(ExtXYZColumn("charges", .reals(charges)))
      if !result.electronegativities.isEmpty {
        out.set(ExtXYZColumn("electronegativity", .reals(result.electronegativities)))
      }
      if !result.bornCharges.isEmpty {
        out.set(ExtXYZColumn("born_charges", width: 9, .reals(result.bornCharges)))
      }
    }
    for name in result.assessments { out[name.rawValue] = ExtXYZEntry(name.rawValue, result.figures[name] ?? 0) }
    for (name, values) in zip(result.judged, result.atomFigures) {
      out.set(ExtXYZColumn(name.rawValue, .reals(values)))
    }
    return out
  }
}

import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel

/// `faultline evaluate`: single points for the frames of an extended XYZ file, distributed like a run.
///
/// Every frame of the input comes out in its order with its species, positions and header entries, and with `energy`
/// (eV), `virial` (nine numbers, W = Σ r ⊗ f in eV, for fully periodic frames), and the columns `forces:R:3` (eV/Å)
/// and `energies:R:1` (eV). Potentials that find charges themselves take their sum from `total_charge` of the frame
/// where it has one, and give the columns `charges:R:1` (e) and `electronegativity:R:1` (eV/e).
public enum Evaluation {
  /// Collective.
  public static func run(
    deck: String, frames: String, output: String, communicator: any Communicator, log: RunLog
  ) throws {
    let began = PhaseTimers.now()
    let plan = try DeckReading.plan(deck, purpose: .evaluate, communicator: communicator, log: log)
    var reader: ExtXYZReader?
    var writer: ExtXYZWriter?
    try communicator.agree {
      guard communicator.isRoot else { return }
      if resolved(frames) == resolved(output) {
        throw FaultlineError(
          .input, "--output \(output) is the file of --frames", hint: "give another name: frames are read one by one")
      }
      reader = try asInput { try ExtXYZReader(frames) }
      writer = try asInput { try ExtXYZWriter(output) }
    }
    var count = 0
    var atoms = 0
    var warned: Set<String> = []
    // Potentials read their files again only for other species.
    var kept: (species: [String], ingredients: SystemFactory.Ingredients)?
    while true {
      var frame: ExtXYZFrame?
      try communicator.agree { if communicator.isRoot { frame = try asInput { try reader?.next() } } }
      guard communicator.any(frame != nil) else { break }
      let total = frame?["total_charge"]?.numbers?.first
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
    }
    try communicator.agree {
      if count == 0 { throw FaultlineError(.input, "no frames in \(frames)") }
      try writer?.finish()
    }
    log.line(
      "Evaluated \(count) frame\(count == 1 ? "" : "s"), \(RunLog.grouped(atoms)) atoms, on \(communicator.size) "
        + "rank\(communicator.size == 1 ? "" : "s") in \(RunLog.duration(PhaseTimers.now() - began)) → \(output)")
  }

  private static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
  }

  /// A file that cannot be opened is wrong input here, not trouble during a run.
  private static func asInput<T>(_ body: () throws -> T) throws -> T {
    do { return try body() } catch var error as FaultlineError {
      error.kind = .input
      throw error
    }
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
    /// Of the potentials, all of them for the first frame.
    var notes: [String] = []
    /// What the potentials say of themselves: of the frame and of its atoms.
    var figures: [Assessment: Double] = [:]
    var atomFigures: [[Double]] = []
    var assessments: [Assessment] { figures.keys.sorted { $0.rawValue < $1.rawValue } }
  }

  private static func evaluate(
    _ structure: Structure?, totalCharge: Double?, name: String?, _ plan: RunPlan,
    _ kept: inout (species: [String], ingredients: SystemFactory.Ingredients)?, isFirst: Bool,
    _ communicator: any Communicator
  ) throws -> Result {
    var ordered = structure
    // Results go back in the order of the file, whatever ids it has.
    ordered?.ids = nil
    let system: DistributedSystem
    do {
      let header = Distribution.header(of: ordered, communicator: communicator)
      let ingredients: SystemFactory.Ingredients
      if let kept, kept.species == header.species {
        ingredients = kept.ingredients
      } else {
        ingredients = try SystemFactory.Ingredients(
          header.species, given: header.masses, plan: plan, needsMasses: false, communicator: communicator)
      }
      kept = (header.species, ingredients)
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
    if !plan.groups.isEmpty { try GroupTable(plan.groups, species: system.species).assign(to: system) }
    try system.rebuild()
    let watch = Watch(nil, system, lastSelected: nil)
    var want: Want = [.energy, .virial, .atomEnergy]
    if watch.isPossible { want.insert(.assessment) }
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
      throw FaultlineError(
        .run, "the force on atom \(bad) of the frame at \(name ?? "?") is not a number",
        hint: "look for atoms on top of one another", isCollective: true)
    }
    var sums = [tally.energy] + tally.virial.elements
    communicator.sum(&sums)
    var result = Result(count: system.totalCount, energy: sums[0], virial: Matrix3(Array(sums[1...])))
    result.notes = notes
    if watch.isPossible { result.figures = watch.look(at: 0) }
    let atoms = system.atoms
    let judged = result.assessments.compactMap { atoms.column(named: $0.column) }
    result.atomFigures = judged.map { _ in [] }
    let charges =
      equilibrating.isEmpty
      ? [] : [atoms.needCharge().storage] + [atoms.column(named: "electronegativity")].compactMap { $0 }
    if !charges.isEmpty { result.charges = [] }
    let columns = [atoms.force.storage, atoms.needEnergy().storage] + judged + charges
    try Gather.inOrder(columns, of: atoms, communicator: communicator) { _, buffers in
      result.forces += buffers[0].bindMemory(to: Double.self)
      result.energies += buffers[1].bindMemory(to: Double.self)
      for k in judged.indices { result.atomFigures[k] += buffers[2 + k].bindMemory(to: Double.self) }
      if !charges.isEmpty { result.charges! += buffers[2 + judged.count].bindMemory(to: Double.self) }
      if charges.count > 1 { result.electronegativities += buffers[3 + judged.count].bindMemory(to: Double.self) }
    }
    return result
  }

  private static func annotated(_ frame: ExtXYZFrame, _ result: Result) -> ExtXYZFrame {
    var out = frame
    out["energy"] = ExtXYZEntry("energy", result.energy)
    if frame.structure.box.periodic.isFull {
      out["virial"] = ExtXYZEntry("virial", result.virial.elements)
    } else {
      out["virial"] = nil
    }
    out.set(ExtXYZColumn("forces", width: 3, .reals(result.forces)))
    out.set(ExtXYZColumn("energies", .reals(result.energies)))
    if let charges = result.charges {
      out.set(ExtXYZColumn("charges", .reals(charges)))
      if !result.electronegativities.isEmpty {
        out.set(ExtXYZColumn("electronegativity", .reals(result.electronegativities)))
      }
    }
    for (name, values) in zip(result.assessments, result.atomFigures) {
      out[name.rawValue] = ExtXYZEntry(name.rawValue, result.figures[name] ?? 0)
      out.set(ExtXYZColumn(name.rawValue, .reals(values)))
    }
    return out
  }
}

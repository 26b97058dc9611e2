import Foundation
import MDAnalysis
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel

/// `faultline analyze`: the observers of a deck on the frames of a file, distributed like a run. Every frame is looked at,
/// whatever `every` says, from the step `from` on.
///
/// All frames must have the same atoms. Where a file does not say how often atoms have crossed the cell (`image`, or
/// `ix iy iz`; `xu yu zu` need none), the nearest image of the frame before is taken: atoms must move less than half of the
/// cell between frames.
package enum Analysis {
  package struct Options: Sendable {
    /// ps between frames, in the place of what frames say.
    package var interval: Double?
    /// Species of types 1, 2, … of dumps.
    package var types: [String]?
    package var overwrite = false

    package init(interval: Double? = nil, types: [String]? = nil, overwrite: Bool = false) {
      self.interval = interval
      self.types = types
      self.overwrite = overwrite
    }
  }

  /// Collective.
  package static func run(
    deck: String, settings: [String] = [], frames path: String, output: String, _ options: Options = .init(),
    communicator: any Communicator, log: RunLog
  ) throws {
    let began = PhaseTimers.now()
    var plan = try DeckReading.plan(deck, settings: settings, purpose: .analyze, communicator: communicator, log: log)
    guard !plan.measures.isEmpty else {
      throw FaultlineError(
        .input, "the deck has no observers", hint: "`analysis: {measure: [{rdf: {cutoff: 8}}]}`",
        at: SourceLocation(file: deck), isCollective: true)
    }
    let want = plan.measures.reduce(into: Want()) { $0.formUnion(InstrumentEntry.named($1.name).wants($1.section)) }
    if want.isEmpty {
      plan.potential = []
    } else if plan.potential.isEmpty {
      throw FaultlineError(
        .input, "energies or stress are asked for, but the deck has no potential", at: SourceLocation(file: deck),
        isCollective: true)
    }
    var reader: (any FrameReader)?
    try communicator.agree {
      guard communicator.isRoot else { return }
      if FileManager.default.fileExists(atPath: output + "/" + ResultsFile.name), !options.overwrite {
        throw FaultlineError(
          .input, "\(output) holds results", hint: "--overwrite replaces them, --output DIR writes elsewhere")
      }
      try RunDirectory(output).make()
      reader = try open(path, plan, options)
    }
    var analyzer: FrameAnalyzer?
    var count = 0
    while true {
      var frame: ExtXYZFrame?
      try communicator.agree { if communicator.isRoot { frame = try reader?.next() } }
      guard communicator.any(frame != nil) else { break }
      let message = try Message.broadcast(frame, number: count, options, path, communicator)
      if analyzer == nil {
        let structure = communicator.isRoot ? frame.map { Message.ordered($0.structure) } : nil
        analyzer = try FrameAnalyzer(structure, message, plan, want, communicator)
      }
      try analyzer?.look(message, number: count)
      count += 1
    }
    guard let analyzer else {
      throw FaultlineError(.input, "no frames in \(path)", isCollective: true)
    }
    try ResultsFile.write(
      analyzer.measurements.reports(), path: { output + "/" + $0 }, communicator: communicator)
    log.line(
      "Analysed \(RunLog.counted(count, "frame")) of \(RunLog.counted(analyzer.system.totalCount, "atom")) on "
        + "\(communicator.size == 1 ? "1 rank" : "\(communicator.size) ranks") in "
        + "\(RunLog.duration(PhaseTimers.now() - began)) → \(output)/\(ResultsFile.name)")
  }

  private static func open(_ path: String, _ plan: RunPlan, _ options: Options) throws -> any FrameReader {
    let isDump = [".dump", ".dump.gz", ".lammpstrj", ".lammpstrj.gz"].contains { path.hasSuffix($0) }
    guard isDump || options.types == nil else {
      throw FaultlineError(.input, "--types is for LAMMPS dumps, whose types are numbers; \(path) is none")
    }
    do {
      return isDump
        ? try LammpsDumpReader(path, types: options.types) : try FrameFile.reader(path, types: plan.numberedTypes)
    } catch var error as FaultlineError {
      error.kind = .input
      throw error
    }
  }

  /// A frame as every rank has it, atoms in the order of their ids.
  struct Message {
    var step: Int
    /// ps; nil if neither the frame nor the caller says.
    var time: Double?
    var box: Box
    var isUnwrapped: Bool
    var hasVelocities: Bool
    var positions: [Vector3]
    var images: [SIMD3<Int32>]?
    var velocities: [Vector3]?
    var charges: [Double]?
    var types: [Int32]
    /// Of the frame in its file.
    var place: String

    /// Atoms in the order of their ids, numbered from 1.
    static func ordered(_ structure: Structure) -> Structure {
      var out = structure
      out.ids = nil
      guard let ids = structure.ids else { return out }
      let order = ids.indices.sorted { ids[$0] < ids[$1] }
      out.types = order.map { structure.types[$0] }
      out.positions = order.map { structure.positions[$0] }
      out.velocities = structure.velocities.map { v in order.map { v[$0] } }
      out.images = structure.images.map { v in order.map { v[$0] } }
      out.charges = structure.charges.map { v in order.map { v[$0] } }
      out.grains = structure.grains.map { v in order.map { v[$0] } }
      return out
    }

    /// Rank 0's frame on every rank. Collective.
    static func broadcast(
      _ frame: ExtXYZFrame?, number: Int, _ options: Options, _ path: String, _ communicator: any Communicator
    ) throws -> Message {
      // Numbers of the frame, then those of the atoms.
      var numbers: [Double] = []
      if let frame {
        let s = ordered(frame.structure)
        func info(_ key: String) -> Double? { frame[key]?.numbers?.first }
        let step = info("step").flatMap { Int64(exactly: $0) } ?? Int64(number)
        let time = options.interval.map { $0 * Double(number) } ?? info("time") ?? .nan
        let isUnwrapped = frame["unwrapped"]?.text == "T"
        let b = s.box
        numbers = [
          Double(s.count), Double(step), time, isUnwrapped ? 1 : 0, s.velocities == nil ? 0 : 1, s.images == nil ? 0 : 1,
          s.charges == nil ? 0 : 1, b.periodic.a ? 1 : 0, b.periodic.b ? 1 : 0, b.periodic.c ? 1 : 0, Double(frame.line),
        ]
        numbers += b.cell.elements + [b.origin.x, b.origin.y, b.origin.z]
        for r in s.positions { numbers += [r.x, r.y, r.z] }
        for v in s.velocities ?? [] { numbers += [v.x, v.y, v.z] }
        for n in s.images ?? [] { numbers += [Double(n.x), Double(n.y), Double(n.z)] }
        numbers += s.charges ?? []
        numbers += s.types.map { Double($0) }
      }
      let bytes = communicator.broadcast(numbers.withUnsafeBytes { [UInt8]($0) })
      let all = bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
      var at = 23
      func vectors(_ n: Int) -> [Vector3] {
        defer { at += 3 * n }
        return (0..<n).map { Vector3(all[at + 3 * $0], all[at + 3 * $0 + 1], all[at + 3 * $0 + 2]) }
      }
      func scalars(_ n: Int) -> [Double] {
        defer { at += n }
        return Array(all[at..<(at + n)])
      }
      let n = Int(all[0])
      let box = Box(
        cell: Matrix3(Array(all[11..<20])), origin: Vector3(all[20], all[21], all[22]),
        periodic: Periodicity(all[7] > 0, all[8] > 0, all[9] > 0))
      let positions = vectors(n)
      let velocities = all[4] > 0 ? vectors(n) : nil
      let images = all[5] > 0 ? vectors(n).map { SIMD3(Int32($0.x), Int32($0.y), Int32($0.z)) } : nil
      let charges = all[6] > 0 ? scalars(n) : nil
      return Message(
        step: Int(all[1]), time: all[2].isNaN ? nil : all[2], box: box, isUnwrapped: all[3] > 0,
        hasVelocities: velocities != nil, positions: positions, images: images, velocities: velocities, charges: charges,
        types: scalars(n).map { Int32($0) }, place: "\(path):\(Int(all[10]))")
    }
  }
}

/// A system that follows the frames of a file.
private final class FrameAnalyzer {
  let system: DistributedSystem
  let measurements: Measurements
  private let want: Want
  private let types: [Int32]

  /// Made for the first frame, which rank 0 has as a structure. Collective.
  init(
    _ structure: Structure?, _ first: Analysis.Message, _ plan: RunPlan, _ want: Want, _ communicator: any Communicator
  ) throws {
    self.want = want
    types = first.types
    if first.time == nil, let item = plan.measures.first(where: { InstrumentEntry.named($0.name).needsTime }) {
      throw FaultlineError(
        .input, "\(first.place): the frame has no time, which the observer \(item.measureName) needs",
        hint: "give the time between frames with --interval", isCollective: true)
    }
    system = try SystemFactory.make(structure, plan: plan, communicator: communicator, skin: 0)
    try GroupTable(plan.groups, species: system.species).assign(to: system.atoms, box: system.box)
    measurements = try Measurements(plan, system, hasVelocities: first.hasVelocities)
  }

  /// Collective.
  func look(_ frame: Analysis.Message, number: Int) throws {
    guard frame.types == types else {
      throw FaultlineError(
        .input, "\(frame.place): the frame has other atoms than the first",
        hint: "observers follow the same atoms through all frames; split the file", isCollective: true)
    }
    if number > 0 { try follow(frame) }
    try system.rebuild()
    if !want.isEmpty { _ = try system.compute(want, step: 0) }
    try measurements.look(step: frame.step, time: frame.time ?? Double(number), everyStep: true)
  }

  private func follow(_ frame: Analysis.Message) throws {
    let atoms = system.atoms
    let before = system.box
    system.box = frame.box
    let charge = frame.charges == nil ? nil : atoms.charge
    for i in 0..<atoms.localCount {
      let k = Int(atoms.id[i]) - 1
      let r = frame.positions[k]
      var image = SIMD3<Int32>.zero
      if let given = frame.images {
        image = given[k]
      } else if !frame.isUnwrapped {
        let n = atoms.image[i]
        let last = before.fractional(atoms.position[i]) + Vector3(Double(n.x), Double(n.y), Double(n.z))
        let gone = last - frame.box.fractional(r)
        for axis in 0..<3 where frame.box.periodic[axis] { image[axis] = Int32(gone[axis].rounded()) }
      }
      atoms.position[i] = r
      atoms.image[i] = image
      if let v = frame.velocities { atoms.velocity[i] = v[k] }
      if let charge, let q = frame.charges { charge[i] = q[k] }
    }
  }
}

/// Stands where no forces are needed.
final class Bystander: Potential {
  let name = "none"
  /// Ghosts reach as far as instruments look where the deck does not say how far.
  let requirements = PotentialRequirements(cutoff: 1, halo: Measurements.usualReach, list: .half, writesGhosts: false)
  func compute(_ context: ForceContext) -> Tally { .zero }
}

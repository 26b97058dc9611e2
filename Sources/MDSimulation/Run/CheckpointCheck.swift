import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics

/// Refuses checkpoints whose checksums are right and whose contents no run writes. Each error names the section.
struct CheckpointCheck {
  let file: String

  private func refuse(_ section: String, _ what: String) -> FaultlineError {
    CheckpointSectionReader(file: file, name: section, text: Data()).refuse(what)
  }

  private func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw refuse(CheckpointHeader.section, what()) }
  }

  // MARK: The header

  /// What can be seen in the header alone.
  func check(_ h: CheckpointHeader) throws {
    let clock = h.clock
    try require(
      (0...(1 << 60)).contains(clock.step) && clock.stage >= 0 && (0...clock.step).contains(clock.stepInStage)
        && clock.time.isFinite && clock.time >= 0,
      "the clock \(clock)")
    try require(
      !h.species.isEmpty && Set(h.species).count == h.species.count && !h.species.contains(""),
      "the species \(h.species)")
    try require(
      h.masses.count == h.species.count && h.masses.allSatisfy { $0.isFinite && $0 > 0 }, "the masses \(h.masses)")
    try check(cell: h.cell, "cell")
    try require(h.origin.count == 3 && h.origin.allSatisfy(\.isFinite), "the origin \(h.origin)")
    try require(
      h.ranks > 0 && Bricks(lists: h.cuts, ranks: h.ranks) != nil, "cuts that do not divide the cell into \(h.ranks) bricks")
    try require(h.groups.count <= 32 && Set(h.groups).count == h.groups.count, "the groups \(h.groups)")
    try require(
      Set(h.owners).count == h.owners.count && !h.owners.contains(CheckpointHeader.section),
      "owners of sections \(h.owners)")
    try require(h.atoms > 0 && h.atoms <= 1 << 40, "\(h.atoms) atoms")
    try require(h.chunk > 0 && h.chunk <= 1 << 24, "chunks of \(h.chunk) atoms")
    try require(Set(h.columns).count == h.columns.count, "columns named twice")
    for needed in ["id", "species", "position", "velocity", "force", "image", "groups"] {
      try require(h.columns.contains(needed), "no column '\(needed)'")
    }
    try require(h.files.allSatisfy { $0.value >= 0 }, "lengths of output files \(h.files)")
  }

  private func check(cell: [Double], _ name: String) throws {
    let volume = cell.count == 9 ? abs(Matrix3(cell).determinant) : 0
    try require(cell.allSatisfy(\.isFinite) && volume.isFinite && volume > 1e-6, "the \(name) \(cell) without volume")
  }

  /// What can be seen beside the deck that the checkpoint carries.
  func check(_ checkpoint: Checkpoint, against plan: RunPlan) throws {
    let h = checkpoint.header
    let clock = h.clock
    let hasStage = h.owners.contains("stage")
    try require(clock.stage <= plan.stages.count, "stage \(clock.stage + 1) of \(plan.stages.count)")
    if clock.stage == plan.stages.count {
      try require(!hasStage && clock.stepInStage == 0, "the state of a stage after the last one")
    } else {
      let limit = plan.stages[clock.stage].stepLimit
      try require(!h.owners.contains("last_stage"), "the end of the last stage amid stage \(clock.stage + 1)")
      try require(hasStage, "no state of stage \(clock.stage + 1)")
      try require(clock.stepInStage <= limit, "step \(clock.stepInStage) of a stage of \(limit)")
    }
    try require(h.groups == plan.groups.map(\.name), "the groups \(h.groups), which are not the deck's")
  }

  // MARK: Columns

  /// That a section has the rows which the header announces.
  func check(_ section: CheckpointSection, element: CheckpointElement, payload: Int, count: Int) throws {
    guard section.element == element, section.stride == payload, section.count == count else {
      throw refuse(
        section.name,
        "\(section.count) rows of \(section.stride) bytes, where \(count) of \(payload) belong")
    }
  }

  /// The values of `rows` rows of a column; `last` is the id before them and becomes their last.
  func check(
    _ name: String, _ section: String, _ bytes: UnsafeRawBufferPointer, rows: Int, last: inout Int64, _ h: CheckpointHeader
  ) throws {
    func all<T: BitwiseCopyable>(_: T.Type, _ what: String, _ isSound: (T) -> Bool) throws {
      let count = bytes.count / MemoryLayout<T>.size
      for k in 0..<count {
        let value = bytes.loadUnaligned(fromByteOffset: k * MemoryLayout<T>.size, as: T.self)
        if !isSound(value) { throw refuse(section, "the \(what) \(value) in row \(k / (count / rows))") }
      }
    }
    switch name {
    case "id":
      try all(Int64.self, "atom id") { id in
        defer { last = id }
        return id > last
      }
    case "species":
      try all(Int32.self, "species number") { (0..<Int32(h.species.count)).contains($0) }
    case "image":
      try all(Int32.self, "image count") { abs(Int($0)) <= 1_000_000_000 }
      try check(images: bytes, section, rows, h)
    case "groups":
      try all(UInt32.self, "group bits") { h.groups.count == 32 || $0 >> UInt32(h.groups.count) == 0 }
    default:
      try all(Double.self, name) { $0.isFinite }
    }
    if name == "grain" { try all(Double.self, name) { $0 == $0.rounded() && abs($0) < 1e9 } }
    if name == "position" { try check(positions: bytes, section, rows, h) }
    if name.hasPrefix("charge history"), rows > 0 { try check(history: bytes, section, rows) }
  }

  /// Along open axes nothing is crossed.
  private func check(images: UnsafeRawBufferPointer, _ section: String, _ rows: Int, _ h: CheckpointHeader) throws {
    for axis in 0..<3 where !h.periodic[axis] {
      for row in 0..<rows {
        let count = images.loadUnaligned(fromByteOffset: 12 * row + 4 * axis, as: Int32.self)
        if count != 0 {
          throw refuse(section, "the image count \(count) along the open axis \(["a", "b", "c"][axis]) in row \(row)")
        }
      }
    }
  }

  /// Along periodic axes atoms are in the cell: checkpoints are taken right after they were brought there.
  private func check(positions: UnsafeRawBufferPointer, _ section: String, _ rows: Int, _ h: CheckpointHeader) throws {
    let box = h.box
    for k in 0..<rows {
      func number(_ c: Int) -> Double { positions.loadUnaligned(fromByteOffset: 24 * k + 8 * c, as: Double.self) }
      let s = box.fractional(Vector3(number(0), number(1), number(2)))
      for axis in 0..<3 where box.periodic[axis] && !(s[axis] > -1e-6 && s[axis] < 1 + 1e-6) {
        throw refuse(section, "a position outside the cell in row \(k)")
      }
    }
  }

  /// Rows begin with how many steps they know.
  private func check(history: UnsafeRawBufferPointer, _ section: String, _ rows: Int) throws {
    let stride = history.count / rows
    for k in 0..<rows {
      let known = history.loadUnaligned(fromByteOffset: stride * k, as: Double.self)
      if ![0, 1, 2, 3, 4].contains(known) { throw refuse(section, "\(known) known steps in row \(k)") }
    }
  }
}

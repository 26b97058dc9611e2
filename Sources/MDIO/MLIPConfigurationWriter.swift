import MDCore
import MDNumerics

/// What the type numbers of MLIP's files stand for.
package struct MLIPTypes: Sendable, ExpressibleByArrayLiteral {
  /// Elements of types 0, 1, ….
  package var names: [String]
  /// Elements of species that have another name.
  private let elements: [String: String]

  package init(_ names: [String], elements: [String: String] = [:]) {
    self.names = names
    self.elements = elements
  }
  package init(arrayLiteral names: String...) { self.init(names) }

  /// nil if there is none.
  package func number(of species: String) -> Int? {
    names.firstIndex(of: species) ?? elements[species].flatMap { names.firstIndex(of: $0) }
  }

  /// What to say of a species without a type.
  package func error(_ species: String) -> FaultlineError {
    FaultlineError(
      .input, "species \(species) has no type in a .cfg file",
      hint: "the potential's elements are \(names.joined(separator: ", "))")
  }
}

/// Writes frames as MLIP's `.cfg`: positions, and where the frame has them forces, energy, virial (PlusStress) and
/// extrapolation grades; other entries become features. Results of another calculation (`ref_…`) are left out.
package final class MLIPConfigurationWriter: FrameWriter {
  private let file: OutputFile
  private let types: MLIPTypes

  package init(_ path: String, types: MLIPTypes) throws {
    file = try OutputFile(path)
    self.types = types
  }

  package func write(_ frame: ExtXYZFrame) throws {
    let s = frame.structure
    let text = MLIPConfigurationText(species: s.species, types: types, box: s.box, count: s.count)
    let forces = frame.column("forces")?.reals
    let grades = frame.column("grade")?.reals
    var out = TextBuffer()
    text.head(hasForces: forces != nil, hasGrades: grades != nil, to: &out)
    for i in 0..<s.count {
      try text.append(
        i + 1, s.types[i], s.positions[i], forces.map { Vector3($0[3 * i], $0[3 * i + 1], $0[3 * i + 2]) },
        grade: grades?[i], to: &out)
      try out.spill(into: file)
    }
    text.end(frame.info, to: &out)
    try file.write(out.bytes)
    try file.finishFrame()
  }

  package func finish() throws { try file.finish() }
}

/// Kept structures as MLIP's `.cfg`, piece by piece.
package final class MLIPTrajectoryText: TrajectoryText {
  private let types: MLIPTypes
  private var frame = TrajectoryFrame.none
  private var lines: MLIPConfigurationText
  /// Places of these columns.
  private var forces: Int?
  private var grades: Int?

  package init(types: MLIPTypes) {
    self.types = types
    lines = MLIPConfigurationText(species: [], types: types, box: frame.box, count: 0)
  }

  package func begin(_ frame: TrajectoryFrame) {
    self.frame = frame
    lines = MLIPConfigurationText(species: frame.species, types: types, box: frame.box, count: frame.atomCount)
    forces = frame.columns.firstIndex { $0.name == "forces" }
    grades = frame.columns.firstIndex { $0.name == "grade" }
  }

  package func head(to text: inout TextBuffer) {
    lines.head(hasForces: forces != nil, hasGrades: grades != nil, to: &text)
  }

  package func rows(_ chunk: TrajectoryChunk, to text: inout TextBuffer) throws {
    for i in 0..<chunk.count {
      let force = forces.map { c in
        let row = chunk.values[c] + i * chunk.strides[c]
        return Vector3(row[0], row[1], row[2])
      }
      try lines.append(
        Int(chunk.ids[i]), chunk.types[i], chunk.positions[i], force,
        grade: grades.map { chunk.values[$0][i * chunk.strides[$0]] }, to: &text)
    }
  }

  package func tail(to text: inout TextBuffer) {
    lines.end(frame.info + [ExtXYZEntry("step", frame.step)], to: &text)
  }
}

/// The lines of one configuration.
struct MLIPConfigurationText {
  private let species: [String]
  private let types: MLIPTypes
  private let kinds: [Int?]
  private let box: Box
  private let count: Int

  init(species: [String], types: MLIPTypes, box: Box, count: Int) {
    self.species = species
    self.types = types
    kinds = species.map(types.number)
    self.box = box
    self.count = count
  }

  func head(hasForces: Bool, hasGrades: Bool, to out: inout TextBuffer) {
    out.append("BEGIN_CFG\n Size\n \(count)\n")
    if (0..<3).contains(where: { box.periodic[$0] }) { out.append(" Supercell\n") }
    for axis in 0..<3 where box.periodic[axis] {
      out.appendSpaced(box.cell[axis])
      out.append("\n")
    }
    out.append(" AtomData:  id type cartes_x cartes_y cartes_z")
    out.append((hasForces ? " fx fy fz" : "") + (hasGrades ? " nbh_grades" : "") + "\n")
  }

  /// - Throws: if the atom's species is none of the types.
  func append(
    _ id: Int, _ species: Int32, _ position: Vector3, _ force: Vector3?, grade: Double?, to out: inout TextBuffer
  ) throws {
    guard let kind = kinds[Int(species)] else { throw types.error(self.species[Int(species)]) }
    out.append(" ")
    out.append(id)
    out.appendField(kind)
    out.appendSpaced(position)
    if let force { out.appendSpaced(force) }
    if let grade { out.appendField(grade) }
    out.append("\n")
  }

  /// Energy and virial from the entries of an extended XYZ header; others become features.
  func end(_ info: [ExtXYZEntry], to out: inout TextBuffer) {
    func numbers(_ key: String) -> [Double]? { info.first { $0.key == key }?.numbers }
    if let energy = numbers("energy")?.first { out.append(" Energy\n \(energy)\n") }
    // σ = −W/V where the virial itself is not among the entries.
    let virial = numbers("virial") ?? numbers("stress").map { $0.map { -$0 * box.volume } }
    if let w = virial, w.count == 9 {
      out.append(" PlusStress:  xx yy zz yz xz xy\n ")
      for k in [0, 4, 8] { out.appendField(w[k]) }
      for (a, b) in [(5, 7), (2, 6), (1, 3)] { out.appendField(0.5 * (w[a] + w[b])) }
      out.append("\n")
    }
    out.append(" Feature   EFS_by       Faultline\n")
    let hasGrade = info.contains { $0.key == "grade" }
    for entry in info where isFeature(entry, hasGrade) {
      out.append(" Feature   \(entry.key == "grade" ? "MV_grade" : entry.key)       \(entry.text)\n")
    }
    out.append("END_CFG\n\n")
  }

  /// What is written elsewhere, and results of another calculation, are none.
  private func isFeature(_ entry: ExtXYZEntry, _ hasGrade: Bool) -> Bool {
    !["energy", "virial", "stress", "EFS_by"].contains(entry.key) && !(hasGrade && entry.key == "MV_grade")
      && !entry.key.hasPrefix("ref_") && !entry.text.isEmpty && !entry.key.contains(where: \.isWhitespace)
  }
}

import MDCore
import MDNumerics

/// LAMMPS text dumps, `metal` units, as OVITO, MDAnalysis, ASE and LAMMPS' own `rerun` and `read_dump` read them.
///
/// A frame begins with `ITEM: TIMESTEP` and has no `ITEM: UNITS` or `ITEM: TIME`, though LAMMPS can write these: where
/// they stand OVITO and MDAnalysis do not find the frames. The time of a step is in thermo.csv and in extended XYZ.
///
/// Columns are `id type element x y z` (`xu yu zu` for unwrapped positions), `ix iy iz` if there are images, then the
/// frame's: `velo`, `forces` and `charges` become `vx vy vz`, `fx fy fz` and `q`; others keep their name, with `[1]`,
/// `[2]`, … where they have several numbers. LAMMPS wants a along x and b in the xy plane: for a cell in another
/// orientation positions, vectors and tensors are turned there (`LammpsOrientation`); extended XYZ keeps the input's
/// frame. Format: LAMMPS documentation, `dump` and Howto_triclinic.
package final class LammpsDumpText: TrajectoryText {
  /// Significant digits of each number, 17 for all that a double holds.
  package let digits: Int
  private var names: [[UInt8]] = []
  private var frame = TrajectoryFrame.none
  private var orientation = LammpsOrientation(Box(lengths: Vector3(1, 1, 1)))

  package init(digits: Int = 17) {
    precondition((1...17).contains(digits))
    self.digits = digits
  }

  package func begin(_ frame: TrajectoryFrame) {
    self.frame = frame
    names = frame.species.map { Array($0.utf8) }
    orientation = LammpsOrientation(frame.box)
  }

  package func head(to text: inout TextBuffer) {
    text.append("ITEM: TIMESTEP\n\(frame.step)\nITEM: NUMBER OF ATOMS\n\(frame.atomCount)\n")
    appendBounds(orientation.box, to: &text)
    text.append("ITEM: ATOMS id type element \(frame.isUnwrapped ? "xu yu zu" : "x y z")")
    if frame.hasImages { text.append(" ix iy iz") }
    for column in frame.columns { text.append(" " + Self.names(of: column).joined(separator: " ")) }
    text.append(byte: 0x0A)
  }

  /// The bounding box of the cell, which is what LAMMPS dumps of a triclinic one, and the tilt factors.
  private func appendBounds(_ box: Box, to text: inout TextBuffer) {
    let (xy, xz, yz) = (box.cell.y.x, box.cell.z.x, box.cell.z.y)
    let isTilted = xy != 0 || xz != 0 || yz != 0
    let flags = (0..<3).map { box.periodic[$0] ? "pp" : "ff" }.joined(separator: " ")
    text.append("ITEM: BOX BOUNDS \(isTilted ? "xy xz yz " : "")\(flags)\n")
    let low = box.origin
    let high = low + Vector3(box.cell.x.x, box.cell.y.y, box.cell.z.z)
    let below = Vector3(min(0, xy, xz, xy + xz), min(0, yz), 0)
    let above = Vector3(max(0, xy, xz, xy + xz), max(0, yz), 0)
    for k in 0..<3 {
      text.append(low[k] + below[k])
      text.appendField(high[k] + above[k])
      if isTilted { text.appendField([xy, xz, yz][k]) }
      text.append(byte: 0x0A)
    }
  }

  private static func names(of column: TrajectoryColumn) -> [String] {
    switch (column.name, column.kind) {
    case ("velo", .vector): return ["vx", "vy", "vz"]
    case ("forces", .vector): return ["fx", "fy", "fz"]
    case ("charges", .scalars(1)): return ["q"]
    default:
      return column.width == 1 ? [column.name] : (1...column.width).map { "\(column.name)[\($0)]" }
    }
  }

  package func rows(_ chunk: TrajectoryChunk, to text: inout TextBuffer) {
    precondition(chunk.values.count == frame.columns.count && chunk.strides.count == frame.columns.count)
    precondition(frame.hasImages == (chunk.images != nil))
    for i in 0..<chunk.count {
      let type = chunk.types[i]
      text.append(chunk.ids[i])
      text.appendField(type + 1)
      text.append(byte: 0x20)
      names[Int(type)].withUnsafeBufferPointer { text.append($0) }
      text.appendSpaced(orientation.rotate(chunk.positions[i]), digits)
      if let image = chunk.images?[i] {
        let n = orientation.image(image)
        for k in 0..<3 { text.appendField(n[k]) }
      }
      for c in frame.columns.indices {
        appendValues(chunk.values[c] + i * chunk.strides[c], frame.columns[c].kind, to: &text)
      }
      text.append(byte: 0x0A)
    }
  }

  private func appendValues(
    _ row: UnsafePointer<Double>, _ kind: TrajectoryColumn.Kind, to text: inout TextBuffer
  ) {
    switch kind {
    case .scalars(let n):
      for k in 0..<n { text.appendField(row[k], digits) }
    case .vector:
      text.appendSpaced(orientation.rotate(Vector3(row[0], row[1], row[2])), digits)
    case .tensor:
      let w = orientation.rotate(
        Matrix3(Vector3(row[0], row[1], row[2]), Vector3(row[3], row[4], row[5]), Vector3(row[6], row[7], row[8])))
      for k in 0..<3 { text.appendSpaced(w[k], digits) }
    }
  }

  package func tail(to text: inout TextBuffer) {}
}

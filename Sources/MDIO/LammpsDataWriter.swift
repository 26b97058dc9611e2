import MDCore
import MDNumerics

/// Writes LAMMPS data files (`metal` units), of style charge if there are charges and atomic otherwise.
///
/// LAMMPS wants a along x and b in the xy plane: a cell in another orientation is turned there with its atoms and
/// velocities (see `LammpsOrientation`). Type labels are written only for species that are not elements' symbols.
enum LammpsDataWriter {
  static func write(_ s: Structure, to path: String) throws {
    let orientation = LammpsOrientation(s.box)
    let box = orientation.box
    let file = try OutputFile(path)
    var text = TextBuffer()
    text.append("LAMMPS data file by Faultline, units metal\n\n\(s.count) atoms\n\(s.species.count) atom types\n\n")
    for (k, axis) in ["x", "y", "z"].enumerated() {
      text.append(box.origin[k])
      text.append(byte: 0x20)
      text.append(box.origin[k] + box.cell[k][k])
      text.append(" \(axis)lo \(axis)hi\n")
    }
    if box.cell.y.x != 0 || box.cell.z.x != 0 || box.cell.z.y != 0 {
      text.append(box.cell.y.x)
      text.appendField(box.cell.z.x)
      text.appendField(box.cell.z.y)
      text.append(" xy xz yz\n")
    }
    if s.species.contains(where: { Elements.atomicNumber(of: $0) == nil }) {
      text.append("\nAtom Type Labels\n\n")
      for (k, name) in s.species.enumerated() { text.append("\(k + 1) \(name)\n") }
    }
    let masses = zip(s.masses, s.species).map { $0 ?? Elements.mass(of: $1) }
    if masses.allSatisfy({ $0 != nil }) {
      text.append("\nMasses\n\n")
      for (k, mass) in masses.enumerated() {
        text.append(k + 1)
        text.appendField(mass!)
        text.append(" # \(s.species[k])\n")
      }
    }
    text.append("\nAtoms # \(s.charges == nil ? "atomic" : "charge")\n\n")
    for i in 0..<s.count {
      text.append(s.ids?[i] ?? Int64(i + 1))
      text.appendField(s.types[i] + 1)
      if let q = s.charges?[i] { text.appendField(q) }
      text.appendSpaced(orientation.rotate(s.positions[i]))
      if let image = s.images?[i] {
        let n = orientation.image(image)
        for k in 0..<3 { text.appendField(n[k]) }
      }
      text.append(byte: 0x0A)
      try text.spill(into: file)
    }
    if let velocities = s.velocities {
      text.append("\nVelocities\n\n")
      for i in 0..<s.count {
        text.append(s.ids?[i] ?? Int64(i + 1))
        text.appendSpaced(orientation.rotate(velocities[i]))
        text.append(byte: 0x0A)
        try text.spill(into: file)
      }
    }
    try file.write(text.bytes)
    try file.finish()
  }
}

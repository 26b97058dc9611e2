import MDCore

/// Which atoms a file holds in place: selective dynamics of VASP, constraints of ASE.
struct HeldAtoms {
  private var held: [Bool] = []
  private var partly = 0

  /// The next atom: which of its coordinates may change.
  mutating func add(_ mayMove: [Bool]) {
    held.append(!mayMove.contains(true))
    if mayMove.contains(false), mayMove.contains(true) { partly += 1 }
  }

  /// Marks the atoms; those of which only single coordinates are held move freely here, which is said.
  func mark(_ structure: inout Structure) {
    if held.contains(true) { structure.held = held }
    if partly > 0 {
      structure.notes.append("warning: the file holds single coordinates of \(partly) atom\(partly == 1 ? "" : "s"): here they move freely")
    }
  }
}

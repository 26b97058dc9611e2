import MDCore
import MDNumerics
import Testing

@Suite("Results and roles of columns")
struct ResultTests {
  @Test("a new cell brings its inverse, volume and heights along")
  func newCell() {
    var box = Box(lengths: Vector3(3, 4, 5))
    let cell = Matrix3([2, 0, 0, 1, 5, 0, -1, 2, 7])
    box.setCell(cell)
    #expect(box == Box(cell: cell))
    #expect(abs(box.volume - 70) < 1e-12)
    #expect((box.fractional(box.cartesian(Vector3(0.1, 0.2, 0.3))) - Vector3(0.1, 0.2, 0.3)).length < 1e-14)
  }

  @Test("heights are the distances between faces")
  func heights() {
    let cell = Matrix3([2, 0, 0, 1, 5, 0, -1, 2, 7])
    let box = Box(cell: cell)
    for k in 0..<3 {
      let n = cross(cell[(k + 1) % 3], cell[(k + 2) % 3])
      #expect(abs(box.heights[k] - abs(dot(cell[k], n)) / n.length) < 1e-13)
    }
  }

  @Test("per-atom results start from zero, those of ghosts too")
  func cleared() {
    let atoms = AtomStore()
    atoms.setLocalCount(3)
    _ = atoms.appendGhosts(2)
    let (energy, virial) = (atoms.needEnergy(), atoms.needVirial())
    for i in 0..<5 { energy[i] = 1 }
    for k in 0..<45 { virial.pointer[k] = 1 }
    atoms.clearResults()
    for i in 0..<5 { #expect(energy[i] == 0) }
    for k in 0..<45 { #expect(virial.pointer[k] == 0) }
  }

  @Test("results of ghosts are added to those of the owner", arguments: [1, 3, 9])
  func accumulated(width: Int) {
    let atoms = AtomStore()
    atoms.setLocalCount(3)
    let column = atoms.addColumn("x", width: width)
    for k in 0..<(3 * width) { column.pointer[k] = 1 }
    let rows: [Int32] = [2, 0, 2]
    let given = (0..<(3 * width)).map { Double($0 + 1) }
    rows.withUnsafeBufferPointer { rows in
      given.withUnsafeBytes { column.storage.accumulate(rows, from: $0.baseAddress!) }
    }
    for c in 0..<width {
      #expect(column.pointer[c] == 1 + given[width + c])
      #expect(column.pointer[width + c] == 1)
      #expect(column.pointer[2 * width + c] == 1 + given[c] + given[2 * width + c])
    }
  }

  @Test("ghosts are kept when memory grows")
  func grown() {
    let atoms = AtomStore(capacity: 16)
    atoms.setLocalCount(2)
    let first = atoms.appendGhosts(3)
    for i in 0..<5 { atoms.id[i] = Int64(10 + i) }
    #expect(first == 2)
    _ = atoms.appendGhosts(1000)
    for i in 0..<5 { #expect(atoms.id[i] == Int64(10 + i)) }
  }

  @Test("energies and virials of several potentials add up")
  func tallies() {
    var sum = Tally(energy: 1, virial: .identity)
    sum += Tally(energy: 2, virial: 3 * .identity)
    #expect(sum == Tally(energy: 3, virial: 4 * .identity))
  }

  @Test("what moves with atoms, goes to ghosts, is in checkpoints", arguments: [
    ("id", true, true, true), ("species", true, true, true), ("position", true, true, true),
    ("velocity", true, false, true), ("force", true, false, true), ("image", true, false, true),
    ("groups", true, false, true), ("charge", true, true, true), ("energy", true, false, false),
    ("virial", true, false, false),
  ])
  func roles(_ name: String, _ migrates: Bool, _ ghosted: Bool, _ checkpointed: Bool) throws {
    let atoms = AtomStore()
    atoms.needCharge()
    atoms.needEnergy()
    atoms.needVirial()
    let roles = try #require(atoms.column(named: name)).roles
    #expect(roles.contains(.migrates) == migrates)
    #expect(roles.contains(.ghosted) == ghosted)
    #expect(roles.contains(.checkpointed) == checkpointed)
  }

  @Test("masses of elements", arguments: [
    ("H", 1.008), ("C", 12.011), ("O", 15.999), ("Fe", 55.845), ("Ni", 58.693), ("Co", 58.933), ("Mo", 95.95),
    ("Te", 127.60), ("I", 126.90), ("W", 183.84), ("Au", 196.97), ("U", 238.03),
  ])
  func masses(_ symbol: String, _ mass: Double) { #expect(Elements.mass(of: symbol) == mass) }
}

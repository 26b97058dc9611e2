import MDCore
import MDNumerics
import Testing

@Suite("Columns of atoms")
struct AtomStoreTests {
  private func store(_ n: Int) -> AtomStore {
    let atoms = AtomStore(capacity: 16)
    atoms.setLocalCount(n)
    for i in 0..<n {
      atoms.id[i] = Int64(i + 1)
      atoms.position[i] = Vector3(Double(i), 2 * Double(i), -Double(i))
    }
    return atoms
  }

  @Test("rows survive growth, and new columns begin with zeros")
  func growth() {
    let atoms = store(10)
    let charge = atoms.addColumn("extra", width: 3, roles: .migrates)
    for k in 0..<30 { charge.pointer[k] = Double(k) }
    atoms.reserve(5000)
    #expect(atoms.capacity >= 5000)
    for i in 0..<10 { #expect(atoms.id[i] == Int64(i + 1)) }
    for k in 0..<30 { #expect(charge.pointer[k] == Double(k)) }
    #expect(charge.pointer[31] == 0)
  }

  @Test("a column that is declared twice is one column")
  func declaredTwice() {
    let atoms = store(3)
    let first = atoms.addColumn("q")
    let count = atoms.columns.count
    let second = atoms.addColumn("q")
    first[1] = 7
    #expect(second[1] == 7 && atoms.columns.count == count)
    #expect(atoms.needCharge().storage === atoms.needCharge().storage)
  }

  @Test("sorting moves what migrates and nothing else")
  func permutation() {
    let atoms = store(5)
    let stays = atoms.addColumn("stays")
    for i in 0..<5 { stays[i] = Double(i) }
    let order: [Int32] = [4, 0, 3, 1, 2]
    atoms.permuteLocal(order, scratch: AlignedBuffer<UInt8>())
    for (k, from) in order.enumerated() {
      #expect(atoms.id[k] == Int64(from + 1))
      #expect(atoms.position[k] == Vector3(Double(from), 2 * Double(from), -Double(from)))
      #expect(stays[k] == Double(k))
    }
  }

  @Test("ghosts follow the local atoms and are dropped with a new count")
  func ghosts() {
    let atoms = store(5)
    #expect(atoms.appendGhosts(20) == 5)
    #expect(atoms.count == 25 && atoms.localCount == 5)
    for i in 0..<25 { atoms.force[i] = Vector3(1, 1, 1) }
    atoms.clearResults()
    for i in 0..<25 { #expect(atoms.force[i] == .zero) }
    atoms.setLocalCount(4)
    #expect(atoms.count == 4)
  }

  @Test("packing and unpacking is a copy", arguments: ["id", "position", "image"])
  func packing(_ name: String) throws {
    let atoms = store(6)
    for i in 0..<6 { atoms.image[i] = SIMD3(Int32(i), -1, 2) }
    let column = try #require(atoms.column(named: name))
    let rows: [Int32] = [5, 2, 2]
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: 3 * column.payload, alignment: 64)
    defer { bytes.deallocate() }
    rows.withUnsafeBufferPointer { column.pack($0, into: bytes) }
    let first = atoms.appendGhosts(3)
    column.unpack(3, at: first, from: bytes)
    for (k, row) in rows.enumerated() {
      switch name {
      case "id": #expect(atoms.id[first + k] == atoms.id[Int(row)])
      case "position": #expect(atoms.position[first + k] == atoms.position[Int(row)])
      default: #expect(atoms.image[first + k] == atoms.image[Int(row)])
      }
    }
  }
}

import Foundation
import MDCore
import MDIO
import Testing

@Suite struct CheckpointTests {
  let directory = TemporaryDirectory()

  struct State: Codable, Equatable {
    var step = 17
    var chain = [0.1, -1.0 / 3, 1e-300]
  }

  func fill(_ writer: CheckpointWriter, _ state: State = State()) throws {
    try writer.writeJSON(state, named: "state")
    try writer.write([1.5, -2, 1.0 / 3, 4, 5, 6], width: 3, named: "position")
    writer.begin("id", .int64, width: 1, count: 3)
    for id in [7, 8, 1 << 40] as [Int64] { try withUnsafeBytes(of: id) { try writer.append($0) } }
    writer.end()
    try writer.write([UInt32](), named: "empty")
  }

  func make(_ name: String = "a.checkpoint") throws -> String {
    let path = directory.path + "/" + name
    let writer = try CheckpointWriter(path)
    try fill(writer)
    try writer.commit()
    return path
  }

  @Test func roundTrip() throws {
    let reader = try CheckpointReader(make())
    #expect(reader.sections.map(\.name) == ["state", "position", "id", "empty"])
    #expect(try reader.readJSON(State.self, named: "state") == State())
    #expect(try reader.column(Double.self, named: "position") == [1.5, -2, 1.0 / 3, 4, 5, 6])
    #expect(try reader.column(Int64.self, named: "id") == [7, 8, 1 << 40])
    #expect(try reader.column(UInt32.self, named: "empty") == [])
    #expect(try reader.section("position").width == 3 && reader.section("position").count == 2)
    var row = [Double](repeating: 0, count: 3)
    try row.withUnsafeMutableBytes { try reader.read("position", .float64, rows: 1..<2, into: $0) }
    #expect(row == [4, 5, 6])
    #expect(failure { _ = try reader.column(Int32.self, named: "id") }?.message.contains("int64") == true)
    #expect(failure { _ = try reader.section("charge") }?.message.contains("'charge'") == true)
  }

  @Test func everyTruncationIsRefused() throws {
    let path = try make()
    let whole = try path.fileBytes
    for cut in 0..<whole.count {
      try write(whole[..<cut], to: path)
      let error = try #require(failure { _ = try CheckpointReader(path) }, "cut at \(cut)")
      #expect(error.kind == .input && error.message.contains(path))
    }
    try write(whole + [0], to: path)
    #expect(failure { _ = try CheckpointReader(path) } != nil)
  }

  @Test func everyFlippedBitIsRefused() throws {
    let path = try make()
    let whole = try path.fileBytes
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    func put(_ byte: UInt8, at place: Int) throws {
      try handle.seek(toOffset: UInt64(place))
      try handle.write(contentsOf: [byte])
    }
    for place in whole.indices {
      for bit in 0..<8 {
        try put(whole[place] ^ (1 << UInt8(bit)), at: place)
        #expect(failure { _ = try CheckpointReader(path) } != nil, "byte \(place), bit \(bit)")
      }
      try put(whole[place], at: place)
    }
    #expect(try CheckpointReader(path).sections.count == 4)
  }

  @Test func reasonsAreNamed() throws {
    let path = try make()
    let whole = try path.fileBytes
    func reason(_ bytes: [UInt8]) throws -> String {
      try write(bytes, to: path)
      return try #require(failure { _ = try CheckpointReader(path) }).message
    }
    #expect(
      try reason(Array("PK some archive, long enough to hold a header".utf8)).contains("is not a Faultline checkpoint"))
    #expect(try reason(Array(whole[..<(whole.count / 2)])).contains("cut short"))
    var newer = whole
    newer[21] = 0x39
    #expect(try reason(newer).contains("format version 9"))
    var flipped = whole
    let place = try #require(whole.firstRange(of: withUnsafeBytes(of: 1.0 / 3) { Array($0) })).lowerBound
    flipped[place] ^= 4
    #expect(try reason(flipped).contains("damaged in its section 'position'"))
  }

  /// A run that dies before the rename, in whatever way, leaves the old file and nothing under the name.
  @Test func crashBeforeTheRenameLeavesTheOldOne() throws {
    let path = try make()
    let old = try path.fileBytes
    let writer = try CheckpointWriter(path)
    try fill(writer, State(step: 18))
    #expect(try path.fileBytes == old)
    #expect(FileManager.default.fileExists(atPath: path + ".partial"))
    // A later run writes over what the crash left.
    let next = try CheckpointWriter(path)
    try fill(next, State(step: 19))
    try next.commit()
    #expect(try CheckpointReader(path).readJSON(State.self, named: "state").step == 19)
    withExtendedLifetime(writer) {}
  }

  @Test func abandonedWriterCleansUp() throws {
    let path = directory.path + "/b.checkpoint"
    do {
      let writer = try CheckpointWriter(path)
      try fill(writer)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    #expect(failure { _ = try CheckpointWriter("/nowhere/x") }?.kind == .run)
  }

  @Test func storeKeepsTheNewest() throws {
    let store = CheckpointStore(directory.path + "/checkpoints", keep: 2)
    #expect(failure { _ = try store.openNewest() }?.message.contains("no checkpoint") == true)
    for step in [100, 200, 300] {
      try store.write(step: step) { try fill($0, State(step: step)) }
    }
    #expect(store.steps == [300, 200])
    #expect(try store.openNewest().readJSON(State.self, named: "state").step == 300)

    var bytes = try store.path(step: 300).fileBytes
    bytes[30] ^= 1
    try write(bytes, to: store.path(step: 300))
    let error = try #require(failure { _ = try store.openNewest() })
    #expect(error.description.contains("section 'state'") && error.description.contains(store.path(step: 200)))
    #expect(store.newestGood() == store.path(step: 200))

    // Going on from 200 leaves the branch of 300 when the first checkpoint of the new one is in place.
    try store.write(step: 250) { try fill($0, State(step: 250)) }
    #expect(store.steps == [250, 200])

    // What a killed run left half-written goes with the next checkpoint.
    let broken = store.path(step: 260) + ".partial"
    try write([1, 2, 3], to: broken)
    try store.write(step: 300) { try fill($0, State(step: 300)) }
    #expect(!FileManager.default.fileExists(atPath: broken) && store.steps == [300, 250])
  }

  /// The body fails (full disk): the checkpoints that were there stay, all of them.
  @Test func failedWriteRemovesNothing() throws {
    struct Full: Error {}
    let store = CheckpointStore(directory.path, keep: 1)
    try store.write(step: 1) { try fill($0) }
    #expect(throws: Full.self) {
      try store.write(step: 2) {
        try fill($0)
        throw Full()
      }
    }
    #expect(store.steps == [1] && store.newestGood() == store.path(step: 1))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == 1)
  }
}

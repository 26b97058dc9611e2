import Foundation
import MDCore
import MDIO
import MDParallel
import MDSimulation
import Testing

/// Files that several ranks write piece by piece.
@Suite struct SharedFileTests {
  private let folder = NSTemporaryDirectory() + "faultline-shared-" + UUID().uuidString

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

  private static func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  private static func text(_ path: String) throws -> String {
    let reader = try LineReader(path)
    defer { withExtendedLifetime(reader) {} }
    var text = ""
    while let line = try reader.next() { text += String(decoding: line, as: UTF8.self) + "\n" }
    return text
  }

  /// Lines of a piece: digits that do not compress well, more than one buffer of them in the long ones.
  private static func piece(_ frame: Int, _ k: Int, long: Bool) -> String {
    var state = UInt64(1000 * frame + k + 1)
    return (0..<(long && k == 1 ? 30_000 : 40)).map { _ -> String in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return "\(frame) \(k) \(state)\n"
    }.joined()
  }

  /// Frames of five pieces, dealt to the writers as `Gather` does.
  private func write(
    _ path: String, frames: Range<Int>, mode: OutputFile.Mode = .create, writers count: Int, ranks: Int, long: Bool,
    afterPieces: @escaping @Sendable (Int) throws -> Void = { _ in }
  ) throws -> Int {
    let offsets = Offsets()
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let file = try SharedFile(
        path, mode: mode, writers: Writers(count: count, of: ranks), communicator: communicator)
      for frame in frames {
        for first in stride(from: 0, to: 5, by: file.writers.count) {
          try file.write { text in
            guard let seat = file.writers.ranks.firstIndex(of: communicator.rank), first + seat < 5 else { return }
            text.append(Self.piece(frame, first + seat, long: long))
          }
        }
        try communicator.agree { if communicator.isRoot { try afterPieces(frame) } }
        try file.endFrame()
      }
      try file.synchronize()
      offsets.note(file.offset)
      try file.finish()
    }
    #expect(Set(offsets.all).count == 1, "every rank knows where the file ends")
    return offsets.all[0]
  }

  private final class Offsets: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var all: [Int] = []
    func note(_ offset: Int) { lock.withLock { all.append(offset) } }
  }

  @Test(arguments: ["a.txt", "a.gz"], [(1, 1), (2, 2), (3, 2), (4, 4), (6, 6)])
  func whoeverWritesTheFileIsTheSame(_ name: String, _ hands: (ranks: Int, writers: Int)) throws {
    for long in [false, true] { try check(name, hands, long: long) }
  }

  private func check(_ name: String, _ hands: (ranks: Int, writers: Int), long: Bool) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/\(name)"
    let all = (0..<3).map { frame in (0..<5).map { Self.piece(frame, $0, long: long) }.joined() }
    let isCompressed = name.hasSuffix("gz")
    _ = try write(
      path, frames: 0..<3, writers: hands.writers, ranks: hands.ranks, long: long,
      afterPieces: { frame in
        // Killed here, a compressed file holds the frames before, whole.
        if isCompressed {
          let text = try Self.text(path)
          #expect(text == all[..<frame].joined())
        }
      })
    let text = try Self.text(path)
    #expect(text == all.joined())

    // The same bytes as one rank writes, also with a break and other hands.
    let parts = "\(folder)/parts-\(name)"
    let kept = try write(parts, frames: 0..<2, writers: 1, ranks: 1, long: long)
    _ = try write(parts, frames: 7..<8, mode: .append(truncatingTo: kept), writers: 2, ranks: 3, long: long)
    _ = try write(
      parts, frames: 2..<3, mode: .append(truncatingTo: kept), writers: hands.writers, ranks: hands.ranks, long: long)
    let (one, other) = (try Self.bytes(parts), try Self.bytes(path))
    #expect(one == other)
  }

  /// What one writer meets all ranks throw.
  @Test func failureOfAWriterIsEverybodys() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/f.txt"
    let heard = Offsets()
    try LoopbackCommunicator.run(ranks: 3) { communicator in
      let file = try SharedFile(
        path, mode: .create, writers: Writers(count: 3, of: 3), communicator: communicator)
      do {
        try file.write { text in
          if communicator.rank == 2 { throw FaultlineError(.run, "no type") }
          text.append("x\n")
        }
      } catch let error as FaultlineError where error.message == "no type" { heard.note(communicator.rank) }
    }
    #expect(heard.all.sorted() == [0, 1, 2])
  }

  /// What is no plain file has no places: rank 0 writes it alone.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func deviceIsWrittenInOrder() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let error = #expect(throws: FaultlineError.self) {
      try LoopbackCommunicator.run(ranks: 2) { communicator in
        let file = try SharedFile(
          "/dev/full", mode: .create, writers: Writers(count: 2, of: 2), communicator: communicator)
        #expect(file.writers == .root)
        try file.write { if communicator.isRoot { $0.append("x") } }
      }
    }
    #expect(error?.description.contains("the disk is full") == true)
  }
}

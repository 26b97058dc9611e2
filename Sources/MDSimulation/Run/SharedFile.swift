import MDCore
import MDIO
import MDParallel

/// A file of frames that several ranks write: pieces of text one after the other, each made, compressed and written at
/// its place by the rank that has it. Which ranks these are does not show in the file, as long as the pieces are the same.
///
/// All of it is collective; what fails on one rank is thrown on all.
package final class SharedFile {
  /// Who writes; rank 0 alone if the file has no places to write at.
  package let writers: Writers
  /// A safe place to cut the file at, where the last frame ends.
  package private(set) var offset: Int
  private let communicator: any Communicator
  /// Rank 0's.
  private let whole: OutputFile?
  /// The writers'.
  private let mine: PieceWriter?
  private var text = TextBuffer(capacity: 1 << 16)
  /// Where the next piece goes.
  private var end: Int

  package init(_ path: String, mode: OutputFile.Mode, writers: Writers, communicator: any Communicator) throws {
    self.communicator = communicator
    let whole = try communicator.agree { communicator.isRoot ? try OutputFile(path, mode: mode) : nil }
    let known = communicator.allGather(whole.map { $0.isRegular ? $0.offset : -1 } ?? 0)[0]
    let isRegular = known >= 0
    self.whole = whole
    self.writers = isRegular ? writers : .root
    offset = isRegular ? known : 0
    end = offset
    mine = try communicator.agree {
      isRegular && writers.ranks.contains(communicator.rank) ? try PieceWriter(path) : nil
    }
  }

  /// The text that each rank makes, if any, in the order of ranks.
  package func write(_ make: (inout TextBuffer) throws -> Void) throws {
    defer { text.removeAll() }
    let size = try communicator.agree {
      try make(&text)
      return try mine?.prepare(text.bytes) ?? PieceSize()
    }
    let sizes = allSizes(size)
    let place = end + sizes[..<communicator.rank].reduce(0) { $0 + $1.bytes }
    let holds = whole?.isCompressed == true && end == offset
    try communicator.agree {
      guard let mine else {
        try whole?.write(text.bytes)
        return
      }
      guard size.bytes > 0 else { return }
      let beginning = try mine.write(text.bytes, at: place, without: holds ? OutputFile.heldBytes : 0)
      if holds { whole?.hold(beginning) }
    }
    for piece in sizes where piece.bytes > 0 { whole?.add(piece) }
    end += sizes.reduce(0) { $0 + $1.bytes }
  }

  private func allSizes(_ size: PieceSize) -> [PieceSize] {
    let mine = [Int64(size.bytes), Int64(size.textBytes), Int64(size.checksum)]
    var all = [Int64](repeating: 0, count: 3 * communicator.size)
    mine.withUnsafeBytes { m in all.withUnsafeMutableBytes { communicator.allGather(m, into: $0) } }
    return (0..<communicator.size).map {
      PieceSize(bytes: Int(all[3 * $0]), textBytes: Int(all[3 * $0 + 1]), checksum: UInt32(all[3 * $0 + 2]))
    }
  }

  /// Ends a frame: the file may be cut at `offset` now.
  package func endFrame() throws {
    try communicator.agree { try whole?.finishFrame() }
    offset = end
  }

  /// Waits until all of it is on the disk.
  package func synchronize() throws {
    try communicator.agree {
      try mine?.synchronize()
      try whole?.synchronize()
    }
  }

  /// Closes the file; a full disk may show itself only here.
  package func finish() throws {
    try communicator.agree {
      try mine?.finish()
      try whole?.finish()
    }
  }
}

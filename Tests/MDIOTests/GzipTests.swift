import Foundation
import MDCore
import MDIO
import Testing

/// Compressed output is one gzip member, whole after every frame.
@Suite struct GzipTests {
  let directory = TemporaryDirectory()

  /// Bytes before the first frame.
  static let header = 10

  /// CRC-32 (RFC 1952) bit by bit.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var c = UInt32.max
    for byte in bytes {
      c ^= UInt32(byte)
      for _ in 0..<8 { c = c & 1 == 1 ? 0xEDB8_8320 ^ (c >> 1) : c >> 1 }
    }
    return ~c
  }

  /// The end of a member that holds this text: CRC and length of all of it, little-endian.
  static func end(_ text: String) -> [UInt8] {
    let bytes = [UInt8](text.utf8)
    return [checksum(bytes), UInt32(bytes.count)].flatMap { x in
      (0..<4).map { UInt8(truncatingIfNeeded: x >> (8 * $0)) }
    }
  }

  func text(_ path: String) throws -> String {
    let reader = try LineReader(path)
    defer { withExtendedLifetime(reader) {} }
    var text = ""
    while let line = try reader.next() { text += String(decoding: line, as: UTF8.self) + "\n" }
    return text
  }

  /// Frames of `lines` lines of digits that do not compress well.
  static func frames(_ count: Int, lines: Int) -> [String] {
    var generator = NumberTests.Counter(state: 11)
    return (0..<count).map { k in "frame \(k)\n" + (0..<lines).map { _ in "\(generator.next())\n" }.joined() }
  }

  /// Small frames are written at once, large ones (several blocks of 256 KiB) in pieces.
  @Test(arguments: [3, 40_000]) func fileIsOneWholeMemberAfterEachFrame(_ lines: Int) throws {
    #expect(Self.checksum([UInt8]("123456789".utf8)) == 0xCBF4_3926)
    let path = directory.path + "/a.gz"
    let file = try OutputFile(path)
    #expect(try path.fileBytes.suffix(8) == ArraySlice(Self.end("")) && text(path) == "")
    var all = ""
    for frame in Self.frames(3, lines: lines) {
      let half = frame.index(frame.startIndex, offsetBy: frame.count / 2)
      try file.write(String(frame[..<half]))
      // Killed here, the program leaves what there was, with surplus behind it at most.
      #expect(try text(path) == all)
      try file.write(String(frame[half...]))
      #expect(try text(path) == all)
      try file.finishFrame()
      all += frame
      let bytes = try path.fileBytes
      #expect(bytes.suffix(8) == ArraySlice(Self.end(all)) && bytes.count == file.offset + 10)
      #expect(try text(path) == all)
    }
    try file.finish()
    if lines > 1000 { #expect(file.offset > 3 << 18) }
  }

  /// Whatever was written and cut off in between, the bytes are those of a file without a break.
  @Test(arguments: [3, 40_000], [0, 1, 2, 3]) func continuedFileIsTheSame(_ lines: Int, _ kept: Int) throws {
    let frames = Self.frames(3, lines: lines)
    let (whole, parts) = (directory.path + "/whole.gz", directory.path + "/parts.gz")
    let straight = try OutputFile(whole)
    for frame in frames {
      try straight.write(frame)
      try straight.finishFrame()
    }
    try straight.finish()
    let first = try OutputFile(parts)
    for frame in frames[..<kept] {
      try first.write(frame)
      try first.finishFrame()
    }
    try first.synchronize()
    let offset = first.offset
    try first.write("something else\n")
    try first.finish()
    let second = try OutputFile(parts, mode: .append(truncatingTo: offset))
    #expect(second.offset == offset)
    #expect(try text(parts) == frames[..<kept].joined())
    for frame in frames[kept...] {
      try second.write(frame)
      try second.finishFrame()
    }
    try second.finish()
    #expect(try parts.fileBytes == whole.fileBytes)
  }

  /// What is no file of whole frames up to the place is not gone on with.
  @Test func otherFilesAreNotContinued() throws {
    let path = directory.path + "/a.gz"
    let file = try OutputFile(path)
    try file.write("one\n")
    try file.finishFrame()
    let first = file.offset
    try file.write("two\n")
    try file.finish()
    let bytes = try path.fileBytes

    func refusal(_ bytes: [UInt8], at offset: Int) throws -> String? {
      try write(bytes, to: path)
      let error = failure { _ = try OutputFile(path, mode: .append(truncatingTo: offset)) }
      #expect(error == nil || error?.kind == .run && error?.message.contains(path) == true)
      return error?.message
    }
    #expect(try refusal(bytes, at: first) == nil)
    #expect(try refusal(bytes, at: first + 1)?.contains("no frame ends at byte \(first + 1)") == true)
    var damaged = bytes
    // A block of the third kind, which there is not.
    damaged[GzipTests.header] = 0x07
    #expect(try refusal(damaged, at: file.offset)?.contains("damaged") == true)
    // A member a frame, as an earlier version wrote.
    let members = bytes[..<first] + [3, 0] + Self.end("one\n") + bytes
    #expect(try refusal(Array(members), at: first + 10 + file.offset)?.contains("member ends before") == true)
    #expect(try refusal(Array(bytes[..<first]), at: file.offset)?.contains("has \(first) bytes") == true)
  }
}

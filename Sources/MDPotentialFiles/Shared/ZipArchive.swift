import CZlib
import MDCore

/// The members of a zip archive (PKWARE's APPNOTE 6.3), stored or deflated, as `numpy.savez` writes them. No Zip64, no
/// encryption, no parts.
struct ZipArchive {
  private let bytes: [UInt8]
  private let file: String
  private(set) var names: [String] = []
  private var entries: [String: Entry] = [:]

  private struct Entry {
    var method: Int
    var checksum: UInt32
    var packed: Int
    var size: Int
    var header: Int
  }

  /// Reads the directory at the end of the archive.
  init(_ bytes: [UInt8], file: String) throws {
    self.bytes = bytes
    self.file = file
    // The end record has 22 bytes and a comment of up to 65,535.
    guard let end = (max(0, bytes.count - 65_557)..<max(0, bytes.count - 21)).reversed().first(where: {
      number($0, 4) == 0x0605_4b50
    }) else {
      throw error("this is no zip archive", hint: "active sets are written by numpy.savez, with the ending .asi")
    }
    var place = number(end + 16, 4)
    for _ in 0..<number(end + 10, 2) {
      guard place + 46 <= bytes.count, number(place, 4) == 0x0201_4b50 else { throw damaged("its directory") }
      let (name, extra, comment) = (number(place + 28, 2), number(place + 30, 2), number(place + 32, 2))
      guard place + 46 + name <= bytes.count else { throw damaged("its directory") }
      let text = String(decoding: bytes[(place + 46)..<(place + 46 + name)], as: UTF8.self)
      guard number(place + 8, 2) & 1 == 0 else { throw error("\(text) in it is encrypted, which is not supported") }
      guard entries[text] == nil else { throw error("\(text) is in it twice") }
      names.append(text)
      entries[text] = Entry(
        method: number(place + 10, 2), checksum: UInt32(number(place + 16, 4)), packed: number(place + 20, 4),
        size: number(place + 24, 4), header: number(place + 42, 4))
      place += 46 + name + extra + comment
    }
  }

  func error(_ message: String, hint: String? = nil) -> FaultlineError {
    FaultlineError(.input, message, hint: hint, at: SourceLocation(file: file))
  }

  private func damaged(_ what: String) -> FaultlineError {
    error("the zip archive is damaged: \(what) is not as announced", hint: "is it truncated?")
  }

  /// Little-endian, of up to four bytes; 0 beyond the end.
  private func number(_ place: Int, _ count: Int) -> Int {
    guard place >= 0, place + count <= bytes.count else { return 0 }
    return (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  /// The contents of a member, whose checksum is right.
  func contents(_ name: String) throws -> [UInt8] {
    guard let entry = entries[name] else { throw error("there is no \(name) in it") }
    guard number(entry.header, 4) == 0x0403_4b50 else { throw damaged(name) }
    let start = entry.header + 30 + number(entry.header + 26, 2) + number(entry.header + 28, 2)
    guard start + entry.packed <= bytes.count else { throw damaged(name) }
    let packed = bytes[start..<(start + entry.packed)]
    let out: [UInt8]
    switch entry.method {
    case 0: out = Array(packed)
    // Nothing deflates to less than a thousandth.
    case 8 where entry.size <= 1100 * entry.packed + 1000: out = try inflate(Array(packed), entry.size, name)
    case 8: throw damaged(name)
    default: throw error("\(name) in it is compressed in a way (\(entry.method)) that is not supported", hint: "stored and deflated are")
    }
    let sum = out.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
    guard out.count == entry.size, UInt32(sum) == entry.checksum else { throw damaged(name) }
    return out
  }

  private func inflate(_ packed: [UInt8], _ size: Int, _ name: String) throws -> [UInt8] {
    var stream = z_stream()
    // Negative: without the header of zlib.
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw error("zlib does not start")
    }
    defer { inflateEnd(&stream) }
    var input = packed
    var out = [UInt8](repeating: 0, count: max(size, 1))
    let status = input.withUnsafeMutableBufferPointer { source in
      out.withUnsafeMutableBufferPointer { target -> Int32 in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        return CZlib.inflate(&stream, Z_FINISH)
      }
    }
    guard status == Z_STREAM_END else { throw damaged(name) }
    return Array(out.prefix(Int(stream.total_out)))
  }
}

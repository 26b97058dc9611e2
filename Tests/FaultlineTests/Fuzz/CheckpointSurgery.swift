import Foundation

/// Takes a checkpoint apart and puts it together again with right lengths and checksums, so that what is wrong is what
/// it says, not how it is stored. The format is that of `CheckpointFormat` in MDIO, written down here once more.
struct CheckpointSurgery {
  struct Section {
    var row: [String: Any]
    var content: Data

    var name: String { row["name"] as? String ?? "" }
    var isText: Bool { row["element"] as? String == "json" }
  }

  private static let magic = Data("FAULTLINE CHECKPOINT 1\n".utf8)
  private static let end = Data("\nEND OF FAULTLINE CHECKPOINT\n".utf8)

  var sections: [Section]

  init(_ data: Data) throws {
    let footer = data.count - Self.end.count - 12
    guard data.starts(with: Self.magic), footer > Self.magic.count else { throw CocoaError(.fileReadCorruptFile) }
    let length = (0..<8).reduce(0) { $0 | Int(data[footer + $1]) << (8 * $1) }
    let table = try JSONSerialization.jsonObject(with: data[(footer - length)..<footer]) as? [[String: Any]] ?? []
    sections = table.map { row in
      let (offset, bytes) = (row["offset"] as? Int ?? 0, row["bytes"] as? Int ?? 0)
      return Section(row: row, content: Data(data[offset..<offset + bytes]))
    }
  }

  /// The file: offsets, lengths, counts and checksums are those of what the sections hold now.
  func assembled() throws -> Data {
    var out = Self.magic
    var table: [[String: Any]] = []
    for section in sections {
      var row = section.row
      row["offset"] = out.count
      row["bytes"] = section.content.count
      row["checksum"] = Int(Self.crc32(section.content))
      let size = ["json": 1, "uint8": 1, "int32": 4, "uint32": 4][row["element"] as? String ?? ""] ?? 8
      // A width of 2⁶² must not stop the harness.
      let stride = max(1, size.multipliedReportingOverflow(by: row["width"] as? Int ?? 1).partialValue)
      row["count"] = section.content.count / stride
      out += section.content
      table.append(row)
    }
    let text = try JSONSerialization.data(withJSONObject: table, options: [.sortedKeys])
    out += text
    for k in 0..<8 { out.append(UInt8(truncatingIfNeeded: text.count >> (8 * k))) }
    let checksum = Self.crc32(text)
    for k in 0..<4 { out.append(UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(k)))) }
    return out + Self.end
  }

  /// ISO 3309, bit by bit.
  static func crc32(_ data: Data) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in data {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }

  /// One section says something else, or there is one less, one twice, or two are exchanged.
  mutating func mutate(_ mutator: inout Mutator) {
    let k = mutator.below(sections.count)
    switch mutator.below(12) {
    case 0: sections.remove(at: k)
    case 1: sections.append(sections[k])
    case 2:
      let other = mutator.below(sections.count)
      (sections[k].content, sections[other].content) = (sections[other].content, sections[k].content)
    case 3: sections[k].row["name"] = mutator.pick(["", "run", "position@0", "☃", "id@9"])
    case 4: sections[k].row["element"] = mutator.pick(["json", "float64", "int32", "uint8", "int64"])
    case 5: sections[k].row["width"] = mutator.pick([0, -1, 1, 2, 1 << 62])
    case 6, 7, 8:
      // The header: most of what a checkpoint says.
      let header = sections.firstIndex(where: \.isText) ?? k
      sections[header].content = mutator.values(sections[header].content)
    default:
      sections[k].content = sections[k].isText ? mutator.text(sections[k].content) : mutator.binary(sections[k].content)
    }
  }
}

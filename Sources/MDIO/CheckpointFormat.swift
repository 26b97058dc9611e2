import CZlib
import MDCore

/// The container of checkpoints. It knows nothing of what it holds.
///
///     FAULTLINE CHECKPOINT 2\n          format version 2
///     section bytes, one after the other: UTF-8 JSON, or a column of little-endian numbers
///     table of the sections, JSON: name, element, width, count, offset, bytes, CRC-32 of each
///     8 bytes: length of the table; 4 bytes: its CRC-32 (both little-endian)
///     \nEND OF FAULTLINE CHECKPOINT\n
///
/// Each byte of the file is under a magic text, a length that must fit, or a CRC-32 (ISO 3309), which detects every
/// burst of damage up to 32 bits. The file is written as `NAME.partial`, synchronised, renamed to `NAME`, and its
/// directory synchronised, so that a crash at any moment leaves the old file or the new one.
enum CheckpointFormat {
  /// 2: a section of JSON an owner.
  static let version = 2
  static let magicStem = "FAULTLINE CHECKPOINT "
  static let magic = Array("\(magicStem)\(version)\n".utf8)
  static let endMagic = Array("\nEND OF FAULTLINE CHECKPOINT\n".utf8)
  /// Length and CRC of the table.
  static let footerLength = 12

  static func checksum(_ bytes: UnsafeRawBufferPointer, from start: UInt32 = 0) -> UInt32 {
    UInt32(crc32_z(UInt(start), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
  }
}

/// What a section of a checkpoint holds.
package enum CheckpointElement: String, Codable, Sendable {
  case json, float64, int64, int32, uint32, uint8

  package var size: Int {
    switch self {
    case .float64, .int64: 8
    case .int32, .uint32: 4
    case .json, .uint8: 1
    }
  }
}

/// A row of a checkpoint's table: `count` rows of `width` elements.
package struct CheckpointSection: Codable, Equatable, Sendable {
  package let name: String
  package let element: CheckpointElement
  package let width: Int
  package let count: Int
  let offset: Int
  let bytes: Int
  let checksum: UInt32

  /// Bytes of a row.
  package var stride: Int { element.size * width }
}

/// Numbers that may stand in a column.
package protocol CheckpointNumber: BitwiseCopyable {
  static var checkpointElement: CheckpointElement { get }
}
extension Double: CheckpointNumber { package static var checkpointElement: CheckpointElement { .float64 } }
extension Int64: CheckpointNumber { package static var checkpointElement: CheckpointElement { .int64 } }
extension Int32: CheckpointNumber { package static var checkpointElement: CheckpointElement { .int32 } }
extension UInt32: CheckpointNumber { package static var checkpointElement: CheckpointElement { .uint32 } }
extension UInt8: CheckpointNumber { package static var checkpointElement: CheckpointElement { .uint8 } }

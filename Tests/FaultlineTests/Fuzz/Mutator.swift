import Foundation
import MDTestSupport

/// Damages inputs as hands, disks and other programs do. The same seed gives the same damage.
struct Mutator {
  var random: SplitMix64

  /// Numbers that readers and schedules trip over.
  private static let numbers = [
    "0", "-0", "-1", "1", "2", "0.5", "-0.0001", "1e-308", "5e-324", "1e308", "-1e308", "1e400", "1e10", "1e19", "1e6",
    "1000000000", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "99999999999999999999999", "0x10", "1_000", "1d3", "1,5", "nan", "inf", "-inf", "NaN", "",
  ]
  private static let words = [
    "#", "\"", "'", "[", "]", "{", "}", ":", "-", "null", "true", "~", "Xx", "☃", "\u{FEFF}", "\0", "\r", "\t", "=",
    "&a", "*a", "!!", "1 2 3", String(repeating: "x", count: 5_000), String(repeating: "9", count: 400),
  ]

  mutating func below(_ n: Int) -> Int { Int(random.next() % UInt64(max(n, 1))) }
  mutating func pick<T>(_ list: [T]) -> T { list[below(list.count)] }

  /// One to three mutations.
  mutating func text(_ data: Data) -> Data {
    var bytes = [UInt8](data)
    for _ in 0...[0, 0, 0, 1, 2][below(5)] { mutate(&bytes) }
    return Data(bytes)
  }

  /// One to three numbers or words are replaced, nothing else.
  mutating func values(_ data: Data) -> Data {
    var bytes = [UInt8](data)
    for _ in 0...[0, 0, 0, 1, 2][below(5)] { replaceNumber(&bytes) }
    return Data(bytes)
  }

  /// A number of binary data becomes another, bytes are flipped, or the end is cut off.
  mutating func binary(_ data: Data) -> Data {
    var bytes = [UInt8](data)
    guard !bytes.isEmpty else { return data }
    switch below(6) {
    case 0: bytes[below(bytes.count)] ^= UInt8(1 << below(8))
    case 1: bytes.removeLast(below(bytes.count))
    case 2: bytes += bytes.prefix(below(bytes.count))
    case 3:
      let value = pick([0, -1, 1, Int64.max, Int64.min, 1 << 31, 1 << 40])
      put(withUnsafeBytes(of: value) { Array($0) }, into: &bytes)
    case 4:
      let value = pick([Int32(0), -1, 1, .max, .min, 1000])
      put(withUnsafeBytes(of: value) { Array($0) }, into: &bytes)
    default:
      let value = pick([0.0, -1, 1e308, -1e308, .nan, .infinity, 1e30, 1e10, -1e-300])
      put(withUnsafeBytes(of: value) { Array($0) }, into: &bytes)
    }
    return Data(bytes)
  }

  private mutating func put(_ value: [UInt8], into bytes: inout [UInt8]) {
    guard bytes.count >= value.count else { return }
    let place = below(bytes.count / value.count) * value.count
    bytes.replaceSubrange(place..<place + value.count, with: value)
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let place = below(bytes.count)
    switch below(14) {
    case 0: bytes[place] ^= UInt8(1 << below(8))
    case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(20)))
    case 2: bytes.removeSubrange(place...)
    case 3: bytes.insert(contentsOf: (0...below(8)).map { _ in UInt8(below(256)) }.filter { $0 != 0x2F }, at: place)
    case 4: bytes.insert(contentsOf: pick(Self.words).utf8, at: place)
    case 5: lines(&bytes) { lines, k, _ in lines.remove(at: k) }
    case 6: lines(&bytes) { lines, k, _ in lines.insert(lines[k], at: k) }
    case 7: lines(&bytes) { lines, k, other in lines.swapAt(k, other) }
    case 8: replaceWord(&bytes)
    default: replaceNumber(&bytes)
    }
  }

  private mutating func lines(_ bytes: inout [UInt8], _ change: (inout [ArraySlice<UInt8>], Int, Int) -> Void) {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    change(&lines, below(lines.count), below(lines.count))
    bytes = Array(lines.joined(separator: [10]))
  }

  private mutating func replaceNumber(_ bytes: inout [UInt8]) {
    let ranges = Self.tokens(bytes) { (48...57).contains($0) || [43, 45, 46, 69, 101].contains($0) }
      .filter { range in bytes[range].contains { (48...57).contains($0) } }
    guard !ranges.isEmpty else { return replaceWord(&bytes) }
    let range = pick(ranges)
    let old = String(decoding: bytes[range], as: UTF8.self)
    let new: String
    switch below(4) {
    case 0: new = old + "e\(below(40) - 20)"
    case 1: new = "-" + old
    case 2: new = old + pick(["0", "9", "000000", ".5", "x"])
    default: new = pick(Self.numbers)
    }
    bytes.replaceSubrange(range, with: new.utf8)
  }

  private mutating func replaceWord(_ bytes: inout [UInt8]) {
    let ranges = Self.tokens(bytes) { $0 > 32 && ![0x2F, 44, 58, 61, 91, 93, 123, 125].contains($0) }
    guard !ranges.isEmpty else { return }
    let range = pick(ranges)
    // Another word of the file where another was, or something that is no word.
    let new = below(2) == 0 ? Array(bytes[pick(ranges)]) : Array(pick(Self.words).utf8)
    bytes.replaceSubrange(range, with: new)
  }

  private static func tokens(_ bytes: [UInt8], _ belongs: (UInt8) -> Bool) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var start: Int?
    for (k, byte) in bytes.enumerated() {
      if belongs(byte) {
        if start == nil { start = k }
      } else if let first = start {
        found.append(first..<k)
        start = nil
      }
    }
    if let first = start { found.append(first..<bytes.count) }
    return found
  }
}

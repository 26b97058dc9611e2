import Foundation
import MDSimulation
import Testing

@Suite struct MemoryTests {
  /// Bytes that are resident now.
  private static func resident() throws -> Int {
    let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return try #require(pages.count > 1 ? Int(pages[1]) : nil) * Int(getpagesize())
  }

  /// The peak is what was resident at most, though it has been given back.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/statm"), "there is no /proc"))
  func peakStays() throws {
    let size = 128 << 20
    let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    memset(block, 1, size)
    let held = try Self.resident()
    #expect(block.load(fromByteOffset: size - 1, as: UInt8.self) == 1 && held > size)
    block.deallocate()
    // The kernel counts pages in batches.
    #expect(peakResidentBytes() > held - (4 << 20))
  }
}

import MDCore
import MDIO

/// Where the frames of a file begin, found by one pass that looks at line ends only; any frame is then read without the others.
package final class FrameIndex {
  package let path: String
  private let reader: any FrameReader
  private let starts: [LineReader.Place]
  package var count: Int { starts.count }

  private static let endings = [".extxyz", ".xyz", ".dump", ".lammpstrj", ".cfg"]

  private static func plain(_ path: String) -> String { path.hasSuffix(".gz") ? String(path.dropLast(3)) : path }

  /// Whether the name is that of a file of frames.
  static func isOfFrames(_ path: String) -> Bool { endings.contains(where: plain(path).hasSuffix) }

  static func reader(_ path: String, types: [String]?) throws -> any FrameReader {
    if plain(path).hasSuffix(".dump") || plain(path).hasSuffix(".lammpstrj") { return try LammpsDumpReader(path, types: types) }
    return try FrameFile.reader(path, types: types)
  }

  /// - Parameter endsAnyhow: a last frame that is not whole, as of a run that is writing it, is left out.
  package init(_ path: String, types: [String]? = nil, endsAnyhow: Bool = false) throws {
    self.path = path
    guard Self.isOfFrames(path) else {
      throw FaultlineError(
        .input, "\(path) has no frames that follow one another", hint: "trajectories end in \(Self.endings.joined(separator: ", ")), plain or .gz")
    }
    reader = try Self.reader(path, types: types)
    var starts: [LineReader.Place] = []
    do {
      while true {
        let place = reader.place
        guard try reader.skip() else { break }
        starts.append(place)
      }
    } catch let error as FaultlineError where endsAnyhow && !starts.isEmpty { _ = error }
    self.starts = starts
  }

  /// From 0.
  package func frame(_ number: Int) throws -> ExtXYZFrame {
    guard starts.indices.contains(number) else { throw Self.none(path, number) }
    try reader.seek(to: starts[number])
    guard let frame = try reader.next() else {
      throw FaultlineError(.run, "\(path) has changed while it was read: frame \(number) is gone")
    }
    return frame
  }

  static func none(_ path: String, _ number: Int) -> FaultlineError {
    FaultlineError(.input, "\(path) has no frame numbered \(number)", hint: "frames count from 0, or from the end with -1")
  }

  /// So many frames as evenly apart as can be, the first and the last among them.
  package func spread(_ most: Int) -> [Int] {
    let shown = min(most, count)
    guard shown > 1 else { return Array(0..<shown) }
    return (0..<shown).map { Int((Double($0) * Double(count - 1) / Double(shown - 1)).rounded()) }
  }
}

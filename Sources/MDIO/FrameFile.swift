import MDCore

/// Reads the frames of a file, one at a time.
package protocol FrameReader: AnyObject {
  /// nil at the end of the file.
  func next() throws -> ExtXYZFrame?
  /// Passes over a frame without reading its atoms, where the format allows; false at the end of the file.
  func skip() throws -> Bool
  /// Where the next frame begins.
  var place: LineReader.Place { get }
  /// Goes on with the frame that begins there.
  func seek(to place: LineReader.Place) throws
}

extension FrameReader {
  package func skip() throws -> Bool { try next() != nil }
}

/// Writes frames one after the other.
package protocol FrameWriter: AnyObject {
  func write(_ frame: ExtXYZFrame) throws
  /// The file is whole only after this.
  func finish() throws
}

extension ExtXYZReader: FrameReader {}
extension ExtXYZWriter: FrameWriter {}

/// Files of frames: extended XYZ, or MLIP's configurations where the name ends in `.cfg`.
package enum FrameFile {
  /// Whether the name is that of a file of MLIP, whose types are numbers.
  package static func hasNumberedTypes(_ path: String) -> Bool {
    path.hasSuffix(".cfg") || path.hasSuffix(".cfg.gz")
  }

  /// - Parameter types: the species of types 0, 1, … of a `.cfg` file.
  package static func reader(_ path: String, types: [String]?) throws -> any FrameReader {
    guard hasNumberedTypes(path) else { return try ExtXYZReader(path) }
    return try MLIPConfigurationReader(path, types: known(types, path))
  }

  /// - Parameter name: by which the format is known; the file may have another name until it is whole.
  package static func writer(_ path: String, named name: String, types: MLIPTypes?) throws -> any FrameWriter {
    guard hasNumberedTypes(name) else { return try ExtXYZWriter(path) }
    return try MLIPConfigurationWriter(path, types: known(types, name))
  }

  private static func known<Types>(_ types: Types?, _ path: String) throws -> Types {
    guard let types else {
      throw FaultlineError(
        .input, "\(path) is a file of MLIP, whose types are numbers, and the deck does not say what they are",
        hint: "the `elements` of an `mtp` potential do")
    }
    return types
  }
}

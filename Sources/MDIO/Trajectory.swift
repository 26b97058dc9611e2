import MDCore
import MDNumerics

/// A per-atom quantity of a trajectory besides id, species and position.
public struct TrajectoryColumn: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    /// So many numbers that do not turn with the frame of reference.
    case scalars(Int)
    /// A Cartesian vector.
    case vector
    /// A Cartesian tensor, nine numbers row by row.
    case tensor
  }

  /// `velo` (Å/ps), `forces` (eV/Å), `charges` (e), `energies` (eV), `virials` (eV), or any other name.
  public var name: String
  public var kind: Kind

  public init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }

  public var width: Int {
    switch kind {
    case .scalars(let n): n
    case .vector: 3
    case .tensor: 9
    }
  }
}

/// What stands at the head of a trajectory's frame.
public struct TrajectoryFrame: Sendable {
  public var step: Int
  /// ps.
  public var time: Double
  public var atomCount: Int
  public var box: Box
  public var species: [String]
  public var hasImages: Bool
  /// Whether positions follow atoms across the cell's faces.
  public var isUnwrapped: Bool
  public var columns: [TrajectoryColumn]
  /// Further entries of an extended XYZ header.
  public var info: [ExtXYZEntry]

  public init(
    step: Int, time: Double, atomCount: Int, box: Box, species: [String], hasImages: Bool = false,
    isUnwrapped: Bool = false, columns: [TrajectoryColumn] = [], info: [ExtXYZEntry] = []
  ) {
    self.step = step
    self.time = time
    self.atomCount = atomCount
    self.box = box
    self.species = species
    self.hasImages = hasImages
    self.isUnwrapped = isUnwrapped
    self.columns = columns
    self.info = info
  }
}

/// Some of a frame's atoms, in the order in which they are written. Pointers need to hold only during the call.
public struct TrajectoryChunk {
  public var count: Int
  public var ids: UnsafePointer<Int64>
  public var types: UnsafePointer<Int32>
  public var positions: UnsafePointer<Vector3>
  public var images: UnsafePointer<SIMD3<Int32>>?
  /// A pointer a column of the frame: `values[c][i · strides[c] + k]`, k below the column's width.
  public var values: [UnsafePointer<Double>]
  /// In doubles; 4 for columns of `Vector3`.
  public var strides: [Int]

  public init(
    count: Int, ids: UnsafePointer<Int64>, types: UnsafePointer<Int32>, positions: UnsafePointer<Vector3>,
    images: UnsafePointer<SIMD3<Int32>>? = nil, values: [UnsafePointer<Double>] = [], strides: [Int] = []
  ) {
    self.count = count
    self.ids = ids
    self.types = types
    self.positions = positions
    self.images = images
    self.values = values
    self.strides = strides
  }
}

/// Writes frames piece by piece: `begin`, `append` until all atoms are there, `end`. After `end` the file may be cut at
/// `offset` and gone on with.
public protocol TrajectoryWriter: AnyObject {
  var file: OutputFile { get }
  func begin(_ frame: TrajectoryFrame) throws
  func append(_ chunk: TrajectoryChunk) throws
  func end() throws
}

extension TrajectoryWriter {
  /// Bytes in the file, a safe place to truncate to after `end`.
  public var offset: Int { file.offset }
  public func synchronize() throws { try file.synchronize() }
  public func finish() throws { try file.finish() }
}

/// Extended XYZ in the input's own frame of reference; see `ExtXYZFrame` for the columns that are read again.
public final class ExtXYZTrajectoryWriter: TrajectoryWriter {
  public let file: OutputFile
  private var text = TextBuffer()
  private var names: [[UInt8]] = []
  private var frame: TrajectoryFrame?
  private var written = 0
  /// Significant digits of each number, 17 for all that a double holds.
  public let digits: Int

  public init(_ file: OutputFile, digits: Int = 17) {
    precondition((1...17).contains(digits))
    self.file = file
    self.digits = digits
  }

  public func begin(_ frame: TrajectoryFrame) throws {
    precondition(self.frame == nil, "the frame before has not ended")
    self.frame = frame
    written = 0
    names = frame.species.map { Array($0.utf8) }
    let b = frame.box
    var entries = [ExtXYZEntry("Lattice", b.cell.elements)]
    if b.origin != .zero { entries.append(ExtXYZEntry("Origin", [b.origin.x, b.origin.y, b.origin.z])) }
    entries.append(ExtXYZEntry("pbc", (0..<3).map { b.periodic[$0] ? "T" : "F" }.joined(separator: " ")))
    var properties = "species:S:1:pos:R:3:id:I:1"
    if frame.hasImages { properties += ":image:I:3" }
    for column in frame.columns { properties += ":\(column.name):R:\(column.width)" }
    entries.append(ExtXYZEntry(raw: properties, for: "Properties"))
    entries += [ExtXYZEntry("step", frame.step), ExtXYZEntry("time", frame.time)] + frame.info
    text.append("\(frame.atomCount)\n")
    for (k, entry) in entries.enumerated() {
      if k > 0 { text.append(byte: 0x20) }
      text.append(entry.written)
    }
    text.append(byte: 0x0A)
  }

  public func append(_ chunk: TrajectoryChunk) throws {
    guard let frame else { preconditionFailure("no frame has begun") }
    precondition(chunk.values.count == frame.columns.count && chunk.strides.count == frame.columns.count)
    precondition(frame.hasImages == (chunk.images != nil))
    let widths = frame.columns.map(\.width)
    for i in 0..<chunk.count {
      names[Int(chunk.types[i])].withUnsafeBufferPointer { text.append($0) }
      text.appendSpaced(chunk.positions[i], digits)
      text.appendField(chunk.ids[i])
      if let image = chunk.images?[i] {
        for k in 0..<3 { text.appendField(image[k]) }
      }
      for c in widths.indices {
        let row = chunk.values[c] + i * chunk.strides[c]
        for k in 0..<widths[c] { text.appendField(row[k], digits) }
      }
      text.append(byte: 0x0A)
      try text.spill(into: file)
    }
    written += chunk.count
  }

  public func end() throws {
    precondition(written == frame?.atomCount, "a frame got another number of atoms than it announced")
    frame = nil
    try file.write(text.bytes)
    text.removeAll()
    try file.finishFrame()
  }
}

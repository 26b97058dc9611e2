import MDCore
import MDNumerics

/// A per-atom quantity of a trajectory besides id, species and position.
package struct TrajectoryColumn: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    /// So many numbers that do not turn with the frame of reference.
    case scalars(Int)
    /// A Cartesian vector.
    case vector
    /// A Cartesian tensor, nine numbers row by row.
    case tensor
  }

  /// `velo` (Å/ps), `forces` (eV/Å), `charges` (e), `energies` (eV), `virials` (eV), or any other name.
  package var name: String
  package var kind: Kind

  package init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }

  package var width: Int {
    switch kind {
    case .scalars(let n): n
    case .vector: 3
    case .tensor: 9
    }
  }
}

/// What stands at the head of a trajectory's frame.
package struct TrajectoryFrame: Sendable {
  package var step: Int
  /// ps.
  package var time: Double
  package var atomCount: Int
  package var box: Box
  package var species: [String]
  package var hasImages: Bool
  /// Whether positions follow atoms across the cell's faces.
  package var isUnwrapped: Bool
  package var columns: [TrajectoryColumn]
  /// Further entries of an extended XYZ header.
  package var info: [ExtXYZEntry]

  package init(
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

  /// Before the first.
  static let none = TrajectoryFrame(step: 0, time: 0, atomCount: 0, box: Box(lengths: Vector3(1, 1, 1)), species: [])
}

/// Some of a frame's atoms, in the order in which they are written. Pointers need to hold only during the call.
package struct TrajectoryChunk {
  package var count: Int
  package var ids: UnsafePointer<Int64>
  package var types: UnsafePointer<Int32>
  package var positions: UnsafePointer<Vector3>
  package var images: UnsafePointer<SIMD3<Int32>>?
  /// A pointer a column of the frame: `values[c][i · strides[c] + k]`, k below the column's width.
  package var values: [UnsafePointer<Double>]
  /// In doubles; 4 for columns of `Vector3`.
  package var strides: [Int]

  package init(
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

/// The text of frames, piece by piece, whoever writes it: `head`, rows of any number of chunks, `tail`.
package protocol TrajectoryText: AnyObject {
  /// Frames from now on are of this box, species and columns.
  func begin(_ frame: TrajectoryFrame)
  func head(to text: inout TextBuffer)
  func rows(_ chunk: TrajectoryChunk, to text: inout TextBuffer) throws
  func tail(to text: inout TextBuffer)
}

/// Extended XYZ in the input's own frame of reference; see `ExtXYZFrame` for the columns that are read again.
package final class ExtXYZText: TrajectoryText {
  /// Significant digits of each number, 17 for all that a double holds.
  package let digits: Int
  private var names: [[UInt8]] = []
  private var frame = TrajectoryFrame.none

  package init(digits: Int = 17) {
    precondition((1...17).contains(digits))
    self.digits = digits
  }

  package func begin(_ frame: TrajectoryFrame) {
    self.frame = frame
    names = frame.species.map { Array($0.utf8) }
  }

  package func head(to text: inout TextBuffer) {
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

  package func rows(_ chunk: TrajectoryChunk, to text: inout TextBuffer) {
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
    }
  }

  package func tail(to text: inout TextBuffer) {}
}

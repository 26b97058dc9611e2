import Foundation
import Glibc
import MDCore
import MDIO
import MDNumerics
import Testing

/// A directory that goes away with its owner.
final class TemporaryDirectory {
  let path: String
  init() {
    path = NSTemporaryDirectory() + "faultline-" + UUID().uuidString
    try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String, _ text: String) -> String {
    let file = path + "/" + name
    try! Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// The error that a piece of work throws; nil if it does not.
func failure(_ work: () throws -> Void) -> FaultlineError? {
  do {
    try work()
    return nil
  } catch {
    return error as? FaultlineError ?? FaultlineError(.run, "not a FaultlineError: \(error)")
  }
}

extension String {
  var fileText: String { get throws { try String(contentsOfFile: self, encoding: .utf8) } }
  var fileBytes: [UInt8] { get throws { try [UInt8](Data(contentsOf: URL(fileURLWithPath: self))) } }
}

func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// A trajectory that one process writes alone.
final class TrajectoryWriter {
  private let text: any TrajectoryText
  private let file: OutputFile
  private var buffer = TextBuffer()

  init(_ text: any TrajectoryText, _ file: OutputFile) {
    self.text = text
    self.file = file
  }

  var offset: Int { file.offset }

  func begin(_ frame: TrajectoryFrame) throws {
    text.begin(frame)
    text.head(to: &buffer)
    try flush()
  }

  func append(_ chunk: TrajectoryChunk) throws {
    try text.rows(chunk, to: &buffer)
    try flush()
  }

  func end() throws {
    text.tail(to: &buffer)
    try flush()
    try file.finishFrame()
  }

  private func flush() throws {
    try file.write(buffer.bytes)
    buffer.removeAll()
  }

  func synchronize() throws { try file.synchronize() }
  func finish() throws { try file.finish() }
}

/// The cells every format must carry: orthogonal, LAMMPS's triclinic frame, any orientation, left-handed, shifted.
enum Cells {
  static let boxes: [Box] = [
    Box(lengths: Vector3(4, 5, 6)),
    Box(cell: Matrix3([4, 0, 0, 0.5, 5, 0, -0.25, 0.75, 6]), origin: Vector3(1, -2, 3)),
    Box(cell: Matrix3([3, 1, -0.5, 0.2, 4, 0.7, -0.6, 0.1, 5]), origin: Vector3(-1, 0.5, 2)),
    Box(cell: Matrix3([0, 4, 0, 5, 0, 0, 0, 0, 6])),
    Box(cell: Matrix3([-4, 0, 0, 0, -5, 0, 1, 1, 6]), origin: Vector3(0.1, 0.2, 0.3)),
  ]

  /// Atoms of three species in disorder, some outside the cell, with all that a file may carry.
  static func structure(_ box: Box) -> Structure {
    let s: [Vector3] = [
      Vector3(0.1, 0.2, 0.3), Vector3(0.9, 0.5, 1.0 / 3), Vector3(0, 0, 0), Vector3(0.25, 1.5, -0.4),
      Vector3(0.7, 0.8, 0.6),
    ]
    var structure = Structure(
      box: box, species: ["Cu", "Zr", "O"], types: [0, 2, 1, 0, 1], positions: s.map { box.cartesian($0) })
    structure.velocities = s.map { 10 * $0 - Vector3(1, 2, 3) }
    structure.images = [SIMD3(0, 1, -2), .zero, .zero, SIMD3(3, 0, 0), .zero]
    structure.ids = [3, 1, 2, 12, 7]
    structure.charges = [0.5, -1, 0.25, 0.125, 0.1]
    return structure
  }
}

/// The Gram matrix of the cell: what a rotation leaves as it is.
func gram(_ box: Box) -> Matrix3 { box.cell * box.cell.transpose }

func expectClose(_ a: Matrix3, _ b: Matrix3, _ tolerance: Double, location: Testing.SourceLocation = #_sourceLocation) {
  for (x, y) in zip(a.elements, b.elements) { #expect(abs(x - y) <= tolerance, sourceLocation: location) }
}

import MDCore
import MDNumerics

/// Between the windows of atoms and the blocks of the Fourier transform, in one step each way: a window's rows,
/// its halo included, go to the ranks that have their x and y, which add them up (wrapped around the cell);
/// and the potential comes back the same way. So atoms that strayed, ghosts of the mesh and the change of
/// decomposition cost one exchange, not two.
final class MeshExchange {
  private let window: MeshWindow
  private let meshZ: Int
  private let pattern: MessagePattern
  private let back: MessagePattern
  private let communicator: any Communicator
  /// Places of rows in the window, in the order in which they are packed.
  private var windowRows: [Int] = []
  /// For each rank that sends something: where its rows start along z, their length, and which rows of the field they
  /// are (`fieldRows[rows]`).
  private var sources: [Source] = []
  private var fieldRows: [Int] = []
  private let windowSide = AlignedBuffer<Double>()
  private let fieldSide = AlignedBuffer<Double>()

  private struct Source {
    var start: Int
    var length: Int
    var rows: Range<Int>
  }

  init(windows: [MeshWindow], _ fft: DistributedFFT, communicator: any Communicator) {
    let blocks = fft.blocks
    let mesh = blocks.mesh
    window = windows[communicator.rank]
    meshZ = mesh.z
    self.communicator = communicator
    var send = [Int](repeating: 0, count: communicator.size)
    var receive = send

    // Which of a window's points along an axis lie in a range of the mesh.
    func inside(_ start: Int, _ length: Int, _ points: Int, _ range: Range<Int>) -> [Int] {
      (0..<length).filter { range.contains(Self.wrap(start + $0, points)) }
    }
    for rank in 0..<communicator.size {
      guard let (row, column) = blocks.place(rank) else { continue }
      let xs = inside(window.start.x, window.length.x, mesh.x, blocks.xs(row))
      let ys = inside(window.start.y, window.length.y, mesh.y, blocks.ys(column))
      for x in xs { for y in ys { windowRows.append(x * window.planePitch + y * window.rowPitch) } }
      send[rank] = 8 * xs.count * ys.count * window.length.z
    }
    for (rank, other) in windows.enumerated() where !fft.fieldXs.isEmpty && !fft.fieldYs.isEmpty {
      let xs = inside(other.start.x, other.length.x, mesh.x, fft.fieldXs)
      let ys = inside(other.start.y, other.length.y, mesh.y, fft.fieldYs)
      guard !xs.isEmpty, !ys.isEmpty else { continue }
      let first = fieldRows.count
      for x in xs {
        for y in ys {
          let gx = Self.wrap(other.start.x + x, mesh.x) - fft.fieldXs.lowerBound
          let gy = Self.wrap(other.start.y + y, mesh.y) - fft.fieldYs.lowerBound
          fieldRows.append((gx * fft.fieldYs.count + gy) * mesh.z)
        }
      }
      sources.append(
        Source(
          start: Self.wrap(other.start.z, mesh.z), length: other.length.z, rows: first..<fieldRows.count))
      receive[rank] = 8 * xs.count * ys.count * other.length.z
    }
    pattern = MessagePattern(sendBytes: send, receiveBytes: receive, rank: communicator.rank)
    back = pattern.reversed
    windowSide.reserve(pattern.sendBytes / 8)
    fieldSide.reserve(pattern.receiveBytes / 8)
  }

  /// Messages that this rank sends to the transform, the bytes of its window, and those of them that stay here.
  var traffic: (messages: Int, bytes: Int, kept: Int) { (pattern.messages, pattern.sendBytes, pattern.ownBytes) }

  private static func wrap(_ i: Int, _ n: Int) -> Int {
    let r = i % n
    return r < 0 ? r + n : r
  }

  /// field = Σ of all windows.
  func collect(_ values: UnsafePointer<Double>, into field: UnsafeMutablePointer<Double>, count: Int) {
    let length = window.length.z
    windowRows.withUnsafeBufferPointer { rows in
      var piece = windowSide.pointer
      for row in rows {
        piece.update(from: values + row, count: length)
        piece += length
      }
    }
    pattern.run(windowSide.pointer, into: fieldSide.pointer, communicator)
    field.update(repeating: 0, count: count)
    forEachRow { piece, row, start, length in
      forEachSegment(start, length) { z, from, count in
        addRow(piece + from, to: field + (row + z), count)
      }
    }
  }

  /// Fills all windows from the field.
  func hand(_ field: UnsafeMutablePointer<Double>, to values: UnsafeMutablePointer<Double>) {
    forEachRow { piece, row, start, length in
      forEachSegment(start, length) { z, to, count in
        (piece + to).update(from: field + (row + z), count: count)
      }
    }
    back.run(fieldSide.pointer, into: windowSide.pointer, communicator)
    let length = window.length.z
    windowRows.withUnsafeBufferPointer { rows in
      var piece = windowSide.pointer
      for row in rows {
        (values + row).update(from: piece, count: length)
        piece += length
      }
    }
  }

  @inline(__always)
  private func forEachRow(_ body: (UnsafeMutablePointer<Double>, Int, Int, Int) -> Void) {
    var piece = fieldSide.pointer
    fieldRows.withUnsafeBufferPointer { rows in
      for source in sources {
        for r in source.rows {
          body(piece, rows[r], source.start, source.length)
          piece += source.length
        }
      }
    }
  }

  /// The parts of a row of the window between passages of the cell's end: (z in the mesh, place in the row, count).
  @inline(__always)
  private func forEachSegment(_ start: Int, _ length: Int, _ body: (Int, Int, Int) -> Void) {
    var done = 0
    var z = start
    while done < length {
      let count = min(length - done, meshZ - z)
      body(z, done, count)
      done += count
      z = 0
    }
  }
}

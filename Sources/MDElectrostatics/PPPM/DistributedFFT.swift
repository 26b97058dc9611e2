import MDCore
import MDNumerics

/// The Fourier transform of a real mesh that is divided among ranks, on the blocks of `FFTBlocks`:
/// Σ_g ρ_g e^(−2πi n·g/N) and its inverse without normalisation.
///
/// The spectrum stays where the last stage leaves it: all k_x, some k_y, some k_z in the order [x][y][z].
/// On one rank it is one three-dimensional plan that reads the mesh where it is.
final class DistributedFFT {
  let blocks: FFTBlocks
  private let communicator: any Communicator
  /// Complex numbers as pairs of doubles, [x][y − y₀][z − z₀] of the part that this rank has.
  let spectrum = AlignedBuffer<Double>()
  let spectrumYs: Range<Int>
  let spectrumZs: Range<Int>
  /// This rank's part of the mesh, [x − x₀][y − y₀][z]; unused on one rank.
  let field = AlignedBuffer<Double>()
  let fieldXs: Range<Int>
  let fieldYs: Range<Int>

  private let outgoing = AlignedBuffer<Double>()
  private let incoming = AlignedBuffer<Double>()
  private var alongZ: FFTPlan?
  private var alongY: FFTPlan?
  private var alongX: FFTPlan?
  private var zToY: MessagePattern?
  private var yToZ: MessagePattern?
  private var yToX: MessagePattern?
  private var xToY: MessagePattern?
  private let row: Int
  private let column: Int

  /// - Parameter window: on one rank, where the mesh is, with its pitches; there it is read and written.
  init(
    _ blocks: FFTBlocks, window: (base: UnsafeMutablePointer<Double>, row: Int, plane: Int)?, planning: FFTPlanning,
    communicator: any Communicator
  ) {
    self.blocks = blocks
    self.communicator = communicator
    let place = blocks.place(communicator.rank)
    row = place?.row ?? 0
    column = place?.column ?? 0
    let none = 0..<0
    fieldXs = place == nil ? none : blocks.xs(row)
    fieldYs = place == nil ? none : blocks.ys(column)
    spectrumYs = place == nil ? none : blocks.spectrumYs(row)
    spectrumZs = place == nil ? none : blocks.zs(column)
    let mesh = blocks.mesh
    let (x, y, z, half) = (fieldXs.count, fieldYs.count, spectrumZs.count, blocks.spectrumZ)
    spectrum.reserve(2 * max(x * y * half, x * mesh.y * z, mesh.x * spectrumYs.count * z))

    if let window {
      precondition(blocks.ranks == 1, "a mesh in one piece")
      alongZ = FFTPlan(
        real: window.base, spectrum: spectrum.pointer,
        [
          FFTDimension(count: mesh.x, input: window.plane, output: mesh.y * half),
          FFTDimension(count: mesh.y, input: window.row, output: half),
          FFTDimension(count: mesh.z, input: 1, output: 1),
        ], loops: [], planning: planning)
      return
    }
    makePatterns()
    for pattern in [zToY, yToX].compactMap({ $0 }) {
      outgoing.reserve(max(pattern.sendBytes, pattern.receiveBytes) / 8)
      incoming.reserve(max(pattern.sendBytes, pattern.receiveBytes) / 8)
    }
    field.reserve(x * y * mesh.z)
    guard place != nil else { return }
    makePlans(planning)
  }

  private func makePlans(_ planning: FFTPlanning) {
    let mesh = blocks.mesh
    let (x, y, z, half) = (fieldXs.count, fieldYs.count, spectrumZs.count, blocks.spectrumZ)
    let zDimension = FFTDimension(count: mesh.z, input: 1, output: 1)
    let yLoop = FFTDimension(count: y, input: mesh.z, output: half)
    let xLoop = FFTDimension(count: x, input: y * mesh.z, output: y * half)
    let slabs = blocks.columns == 1
    if x > 0, y > 0 {
      alongZ = FFTPlan(
        real: field.pointer, spectrum: spectrum.pointer, slabs ? [yLoop, zDimension] : [zDimension],
        loops: slabs ? [xLoop] : [xLoop, yLoop], planning: planning)
    }
    let xAll = FFTDimension(count: mesh.x, input: mesh.y * z, output: mesh.y * z)
    let yAll = FFTDimension(count: mesh.y, input: z, output: z)
    let zLoop = FFTDimension(count: z, input: 1, output: 1)
    if !slabs, x > 0, z > 0 {
      let xPart = FFTDimension(count: x, input: mesh.y * z, output: mesh.y * z)
      alongY =
        blocks.rows == 1
        ? FFTPlan(inPlace: spectrum.pointer, [xAll, yAll], loops: [zLoop], planning: planning)
        : FFTPlan(inPlace: spectrum.pointer, [yAll], loops: [xPart, zLoop], planning: planning)
    }
    let plane = spectrumYs.count * z
    if (blocks.rows > 1 || slabs), plane > 0 {
      alongX = FFTPlan(
        inPlace: spectrum.pointer, [FFTDimension(count: mesh.x, input: plane, output: plane)],
        loops: [FFTDimension(count: plane, input: 1, output: 1)], planning: planning)
    }
  }

  private func makePatterns() {
    var send = [Int](repeating: 0, count: communicator.size)
    var receive = send
    let isIdle = blocks.place(communicator.rank) == nil
    if blocks.columns > 1 {
      for c in 0..<blocks.columns where !isIdle {
        send[blocks.rank(row, c)] = 16 * fieldXs.count * fieldYs.count * blocks.zs(c).count
        receive[blocks.rank(row, c)] = 16 * fieldXs.count * blocks.ys(c).count * spectrumZs.count
      }
      zToY = MessagePattern(sendBytes: send, receiveBytes: receive, rank: communicator.rank)
      yToZ = zToY?.reversed
    }
    if blocks.rows > 1 {
      send = send.map { _ in 0 }
      receive = send
      for r in 0..<blocks.rows where !isIdle {
        send[blocks.rank(r, column)] = 16 * fieldXs.count * blocks.spectrumYs(r).count * spectrumZs.count
        receive[blocks.rank(r, column)] = 16 * blocks.xs(r).count * spectrumYs.count * spectrumZs.count
      }
      yToX = MessagePattern(sendBytes: send, receiveBytes: receive, rank: communicator.rank)
      xToY = yToX?.reversed
    }
  }

  func forward() {
    alongZ?.forward()
    if let zToY {
      copyZ(outgoing.pointer, toSpectrum: false)
      zToY.run(outgoing.pointer, into: incoming.pointer, communicator)
      copyY(incoming.pointer, blocks.columns, blocks.ys, toSpectrum: true)
    }
    alongY?.forward()
    if let yToX {
      copyY(outgoing.pointer, blocks.rows, blocks.spectrumYs, toSpectrum: false)
      // Pieces arrive as ranges of x, which is how they stay.
      yToX.run(outgoing.pointer, into: spectrum.pointer, communicator)
    }
    alongX?.forward()
  }

  func backward() {
    alongX?.backward()
    if let xToY {
      xToY.run(spectrum.pointer, into: incoming.pointer, communicator)
      copyY(incoming.pointer, blocks.rows, blocks.spectrumYs, toSpectrum: true)
    }
    alongY?.backward()
    if let yToZ {
      copyY(outgoing.pointer, blocks.columns, blocks.ys, toSpectrum: false)
      yToZ.run(outgoing.pointer, into: incoming.pointer, communicator)
      copyZ(incoming.pointer, toSpectrum: true)
    }
    alongZ?.backward()
  }

  /// Between the spectrum [x][y][all z] and pieces [x][y][z of a column].
  private func copyZ(_ pieces: UnsafeMutablePointer<Double>, toSpectrum: Bool) {
    var piece = pieces
    let rows = fieldXs.count * fieldYs.count
    for c in 0..<blocks.columns {
      let zs = blocks.zs(c)
      let count = 2 * zs.count
      for r in 0..<rows {
        let line = spectrum.pointer + 2 * (r * blocks.spectrumZ + zs.lowerBound)
        if toSpectrum { line.update(from: piece, count: count) } else { piece.update(from: line, count: count) }
        piece += count
      }
    }
  }

  /// Between the spectrum [x][all y][z] and pieces [x][y of a part][z].
  private func copyY(
    _ pieces: UnsafeMutablePointer<Double>, _ parts: Int, _ ys: (Int) -> Range<Int>, toSpectrum: Bool
  ) {
    var piece = pieces
    let z = 2 * spectrumZs.count
    for k in 0..<parts {
      let range = ys(k)
      let count = range.count * z
      for x in 0..<fieldXs.count {
        let block = spectrum.pointer + (x * blocks.mesh.y + range.lowerBound) * z
        if toSpectrum { block.update(from: piece, count: count) } else { piece.update(from: block, count: count) }
        piece += count
      }
    }
  }
}

import MDCore
import MDNumerics

/// A mesh over the cell, divided among ranks in two ways: in windows, where a rank's atoms put their charges and read
/// potentials, and in blocks, where it is Fourier transformed.
final class ChargeMesh {
  /// What a mesh on a decomposition is known by.
  struct Layout: Equatable {
    let mesh: SIMD3<Int>
    let order: Int
    let blocks: FFTBlocks
    /// Of each rank.
    let windows: [MeshWindow]

    /// - Parameters:
    ///   - processGrid: of ranks for the transform; chosen for the mesh among at most `fftRanks` if nil.
    ///   - size: all ranks.
    init(
      mesh: SIMD3<Int>, order: Int, _ system: LongRangeSystem, _ cell: PeriodicCell, processGrid: SIMD2<Int>? = nil,
      fftRanks: Int?, size: Int
    ) {
      self.mesh = mesh
      self.order = order
      blocks =
        processGrid.map { FFTBlocks(mesh: mesh, rows: $0.x, columns: $0.y, size: size) }
        ?? FFTBlocks(mesh: mesh, ranks: min(fftRanks ?? size, size), size: size)
      windows = MeshWindow.all(system.decomposition, box: system.box, cell: cell, mesh: mesh, order: order)
      precondition(windows.count == size, "the decomposition is for \(windows.count) ranks")
    }
  }

  let layout: Layout
  let fft: DistributedFFT
  let window = AlignedBuffer<Double>()
  let scratch = AlignedBuffer<Double>(capacity: MeshAtoms.scratchCount)
  /// In the present cell.
  private(set) var atoms: MeshAtoms
  private let spline: BSpline
  private let mine: MeshWindow
  /// nil if the mesh is in one piece: the window is then the field.
  private let exchange: MeshExchange?

  var order: Int { layout.order }
  var blocks: FFTBlocks { layout.blocks }
  /// Points of the whole mesh.
  var points: Int { layout.mesh.x * layout.mesh.y * layout.mesh.z }
  var summary: String { "mesh of \(layout.mesh.x) x \(layout.mesh.y) x \(layout.mesh.z) points" }

  /// Collective. Throws an input error if the ranks cannot hold the mesh.
  init(_ layout: Layout, cell: PeriodicCell, planning: FFTPlanning, communicator: any Communicator) throws {
    self.layout = layout
    // Window, field, spectrum and influence function.
    let points = Double(layout.mesh.x) * Double(layout.mesh.y) * Double(layout.mesh.z)
    try communicator.refuse(
      bytes: 32 * points / Double(communicator.size),
      for: "charges on a mesh of \(layout.mesh.x) x \(layout.mesh.y) x \(layout.mesh.z) points",
      hint: "ask for less accuracy, a longer cutoff or a smaller cell")
    spline = BSpline(order: layout.order)
    mine = layout.windows[communicator.rank]
    window.reserve(mine.count)
    window.pointer.update(repeating: 0, count: mine.count)
    let isOnePiece = communicator.size == 1 && layout.blocks.ranks == 1
    fft = DistributedFFT(
      layout.blocks, window: isOnePiece ? (window.pointer, mine.rowPitch, mine.planePitch) : nil, planning: planning,
      communicator: communicator)
    exchange = isOnePiece ? nil : MeshExchange(windows: layout.windows, fft, communicator: communicator)
    atoms = MeshAtoms(spline, mine, mesh: layout.mesh, cell: cell)
  }

  /// The mesh follows the cell.
  func place(_ cell: PeriodicCell) { atoms = MeshAtoms(spline, mine, mesh: layout.mesh, cell: cell) }

  /// Messages that this rank sends in one change from windows to blocks, the bytes of its window, and those of them
  /// that stay on this rank.
  var traffic: (messages: Int, bytes: Int, kept: Int)? { exchange?.traffic }

  // MARK: Stages

  /// Charges of this rank's atoms to the field of all.
  func collect(_ charges: UnsafePointer<Double>, _ atoms: AtomView) throws {
    window.pointer.update(repeating: 0, count: mine.count)
    if let stray = self.atoms.spread(
      charges, atoms.positions, count: atoms.localCount, onto: window.pointer, scratch: scratch.pointer)
    {
      throw FaultlineError(
        .run, "atom \(atoms.ids[stray]) is too far from the part of the cell that its rank holds",
        hint: "the system has come apart, or the skin is too thin for its speed")
    }
    if let exchange {
      exchange.collect(
        window.pointer, into: fft.field.pointer, count: fft.fieldXs.count * fft.fieldYs.count * layout.mesh.z)
    } else {
      mine.fold(window.pointer, mesh: layout.mesh)
    }
  }

  /// From the field to the windows.
  func hand() {
    if let exchange {
      exchange.hand(fft.field.pointer, to: window.pointer)
    } else {
      mine.unfold(window.pointer, mesh: layout.mesh)
    }
  }

  /// Spectrum of the charges.
  func transform(_ charges: UnsafePointer<Double>, _ atoms: AtomView) throws {
    try collect(charges, atoms)
    fft.forward()
  }

  /// From the spectrum of a potential to the windows.
  func transformBack() {
    fft.backward()
    hand()
  }

  /// Points of this rank's part of the field.
  var fieldCount: Int {
    exchange == nil ? points : fft.fieldXs.count * fft.fieldYs.count * layout.mesh.z
  }

  /// Rows along z of this rank's part of the field: where each is, and its number.
  @inline(__always)
  func forEachFieldRow(_ body: (UnsafeMutablePointer<Double>, Int) -> Void) {
    let z = layout.mesh.z
    if exchange == nil {
      for x in 0..<layout.mesh.x {
        for y in 0..<layout.mesh.y {
          body(window.pointer + (x * mine.planePitch + y * mine.rowPitch), x * layout.mesh.y + y)
        }
      }
    } else {
      for row in 0..<(fft.fieldXs.count * fft.fieldYs.count) { body(fft.field.pointer + row * z, row) }
    }
  }
}

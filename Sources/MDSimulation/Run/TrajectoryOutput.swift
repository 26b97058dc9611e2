import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel

/// One trajectory of a run: gathers what its columns need and writes frames in the order of ids, a chunk at a time, which
/// goes to the file's writers in turn.
final class TrajectoryOutput {
  let plan: TrajectoryPlan
  private let columns: [AtomColumn]
  private let text: any TrajectoryText
  private let file: SharedFile
  /// Atoms of a piece of text: 1 to 10 MB, which each writer holds.
  private static let atomsPerPiece = 32_768
  private var lastStep: Int
  private let positions = AlignedBuffer<Vector3>()
  private let images = AlignedBuffer<SIMD3<Int32>>()
  private let groups = AlignedBuffer<Double>()

  init(
    _ plan: TrajectoryPlan, path: String, mode: OutputFile.Mode, writers: Writers, communicator: any Communicator,
    atoms: AtomStore, types: MLIPTypes?, lastStep: Int
  ) throws {
    self.plan = plan
    self.lastStep = lastStep
    let columns = plan.columns.map(AtomColumn.named)
    self.columns = columns
    try communicator.agree {
      // A column that the run cannot have is found now, not at the first frame.
      for column in columns { _ = try column.storage(in: atoms, for: plan) }
      try Self.refuseUnnamedTypes(plan, types, species: [])
    }
    file = try SharedFile(path, mode: mode, writers: writers, communicator: communicator)
    text =
      switch plan.format {
      case .extxyz: ExtXYZText()
      case .lammpsDump: LammpsDumpText()
      case .mlipConfiguration: MLIPTrajectoryText(types: types ?? [])
      }
  }

  /// Bytes of whole frames.
  var offset: Int { file.offset }
  /// Collective.
  func synchronize() throws { try file.synchronize() }
  /// Collective.
  func finish() throws { try file.finish() }

  func isDue(_ step: Int) -> Bool { step % plan.every == 0 && isNew(step) }
  func isNew(_ step: Int) -> Bool { step > lastStep }

  /// Files of MLIP have numbers for species: each of the run must have one.
  static func refuseUnnamedTypes(_ plan: TrajectoryPlan, _ types: MLIPTypes?, species: [String]) throws {
    guard plan.format == .mlipConfiguration else { return }
    guard let types else {
      throw FaultlineError(
        .input,
        "\(plan.file) would be a file of MLIP, whose types are numbers, and the deck does not say what they are",
        hint: "the `elements` of an `mtp` potential do", at: plan.location, isCollective: true)
    }
    guard let unknown = species.first(where: { types.number(of: $0) == nil }) else { return }
    var error = types.error(unknown)
    (error.location, error.isCollective) = (plan.location, true)
    throw error
  }

  /// Whether frames have a header that speaks of energy and stress.
  var hasHeader: Bool { plan.format != .lammpsDump }

  var wants: Want {
    columns.reduce(into: hasHeader ? [.energy, .virial] : []) { $0.formUnion($1.want) }
  }

  /// Collective. `header` is what an extended XYZ frame says besides step and time.
  func write(step: Int, time: Double, header: [ExtXYZEntry], system: DistributedSystem) throws {
    lastStep = step
    let atoms = system.atoms
    let box = system.box
    // Images belong to positions.
    let extra = columns.filter { $0.name.name != "images" }
    let wantsImages = extra.count < columns.count
    let sources = try extra.map { try $0.storage(in: atoms, for: plan) }
    let fixed = [atoms.id.storage, atoms.species.storage, atoms.position.storage, atoms.image.storage]
    let isRoot = system.communicator.isRoot
    text.begin(
      TrajectoryFrame(
        step: step, time: time, atomCount: system.totalCount, box: box, species: system.species,
        hasImages: wantsImages, isUnwrapped: plan.unwrapped, columns: extra.map(\.file), info: header))
    // Head and first rows are one piece, so that a frame of few atoms is one write.
    var isHead = isRoot
    func head(_ out: inout TextBuffer) {
      if isHead { text.head(to: &out) }
      isHead = false
    }
    try Gather.inOrder(
      fixed + sources, of: atoms, chunk: Self.atomsPerPiece, writers: file.writers, communicator: system.communicator
    ) { piece in
      try file.write { out in
        head(&out)
        if let piece { try text.rows(chunk(piece, extra, hasImages: wantsImages, box), to: &out) }
      }
    }
    try file.write { out in
      head(&out)
      if isRoot { text.tail(to: &out) }
    }
    try file.endFrame()
  }

  /// The rows as texts want them.
  private func chunk(_ piece: GatheredPiece, _ extra: [AtomColumn], hasImages: Bool, _ box: Box) -> TrajectoryChunk {
    let (count, bytes) = (piece.rows.count, piece.buffers)
    unpack(bytes[2], bytes[3], count: count, box)
    let values = zip(extra, bytes[4...]).map { column, raw in
      column.name.name == "groups" ? widened(raw, count) : raw.baseAddress!.assumingMemoryBound(to: Double.self)
    }
    return TrajectoryChunk(
      count: count, ids: bytes[0].baseAddress!.assumingMemoryBound(to: Int64.self),
      types: bytes[1].baseAddress!.assumingMemoryBound(to: Int32.self), positions: positions.pointer,
      images: hasImages ? UnsafePointer(images.pointer) : nil, values: values, strides: extra.map(\.file.width))
  }

  /// Packed rows of 24 and 12 bytes into vectors; positions wrapped into the cell, or unwrapped by their images.
  private func unpack(_ r: UnsafeRawBufferPointer, _ n: UnsafeRawBufferPointer, count: Int, _ box: Box) {
    positions.reserve(count)
    images.reserve(count)
    for k in 0..<count {
      let x = (0..<3).map { r.loadUnaligned(fromByteOffset: 24 * k + 8 * $0, as: Double.self) }
      let m = (0..<3).map { n.loadUnaligned(fromByteOffset: 12 * k + 4 * $0, as: Int32.self) }
      var position = Vector3(x[0], x[1], x[2])
      var image = SIMD3<Int32>(m[0], m[1], m[2])
      if plan.unwrapped {
        position += Vector3(Double(image.x), Double(image.y), Double(image.z)) * box.cell
      } else {
        // Between rebuilds atoms may be a little outside.
        box.wrap(&position, image: &image)
      }
      positions.pointer[k] = position
      images.pointer[k] = image
    }
  }

  private func widened(_ raw: UnsafeRawBufferPointer, _ count: Int) -> UnsafePointer<Double> {
    groups.reserve(count)
    for k in 0..<count {
      groups.pointer[k] = Double(raw.loadUnaligned(fromByteOffset: 4 * k, as: UInt32.self))
    }
    return UnsafePointer(groups.pointer)
  }
}

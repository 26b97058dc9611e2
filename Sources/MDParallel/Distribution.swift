import MDCore
import MDNumerics

/// What every rank must know of a structure that only one rank holds.
package struct StructureHeader: Equatable, Sendable {
  package var box: Box
  package var species: [String]
  /// g/mol by species, where the structure gives them.
  package var masses: [Double?]
  /// Whether any atom is of the species; a file's list of types may have others.
  package var isPresent: [Bool]
  package var count: Int
  var parts: StructureParts

  init(_ structure: Structure) {
    box = structure.box
    species = structure.species
    masses = structure.masses
    isPresent = species.map { _ in false }
    for type in structure.types { isPresent[Int(type)] = true }
    count = structure.count
    parts = []
    if structure.velocities != nil { parts.insert(.velocities) }
    if structure.images != nil { parts.insert(.images) }
    if structure.ids != nil { parts.insert(.ids) }
    if structure.charges != nil { parts.insert(.charges) }
    if structure.grains != nil { parts.insert(.grains) }
    if structure.held != nil { parts.insert(.held) }
    if structure.crystalSites != nil { parts.insert(.crystalSites) }
  }
}

struct StructureParts: OptionSet, Sendable {
  let rawValue: UInt8
  static let velocities = StructureParts(rawValue: 1)
  static let images = StructureParts(rawValue: 2)
  static let ids = StructureParts(rawValue: 4)
  static let charges = StructureParts(rawValue: 8)
  static let grains = StructureParts(rawValue: 16)
  static let held = StructureParts(rawValue: 32)
  static let crystalSites = StructureParts(rawValue: 64)
}

/// Hands the atoms of a structure out to the ranks that own their places.
///
/// Each rank has a share of the structure's atoms, and the shares in the order of ranks are the structure: rank 0 may have
/// all of them, or every rank those that it has made.
package enum Distribution {
  /// Tells all ranks the box, the species and the number of atoms. Collective. Rank 0 has a share, be it without atoms, and
  /// says all but the counts; nil stands for none elsewhere.
  package static func header(of share: Structure?, communicator: any Communicator) -> StructureHeader {
    var bytes: [UInt8] = []
    if communicator.isRoot {
      guard let share else { preconditionFailure("rank 0 has no structure to hand out") }
      bytes = encode(StructureHeader(share))
    }
    var header = decode(communicator.broadcast(bytes))
    // How many atoms there are of each species, and of all.
    var counts = [Double](repeating: 0, count: header.species.count + 1)
    for type in share?.types ?? [] { counts[Int(type)] += 1 }
    counts[header.species.count] = Double(share?.count ?? 0)
    communicator.sum(&counts)
    header.count = Int(counts.removeLast())
    header.isPresent = counts.map { $0 > 0 }
    return header
  }

  /// Fills `atoms` with the atoms of all shares whose places the rank owns: ids (1 … n in the order of ranks and atoms, unless
  /// given), species, positions wrapped into the cell with image counts, velocities, charges, and the columns "grain",
  /// "crystal_site" and "held" (for groups; not kept in checkpoints) where the structure has such. All belong to group 0. What
  /// was in `atoms` is forgotten. Collective.
  ///
  /// Atoms go straight to their owners, at most `chunk` of a share at a time, so that nobody holds more than its share, its part
  /// and what it sends and gets of a chunk.
  /// - Throws: a collective input error naming the first atom whose position is not finite or absurdly far off.
  package static func scatter(
    _ share: Structure?, header: StructureHeader, to atoms: AtomStore, domain: Domain,
    communicator: any Communicator, chunk: Int = 32_768
  ) throws {
    let counts = communicator.allGather(share?.count ?? 0)
    let before = counts[..<communicator.rank].reduce(0, +)
    try refuseFarAtoms(share, header.box, before: before, communicator)
    let filler = Filler(atoms, header.parts)
    for start in stride(from: 0, to: counts.max() ?? 0, by: chunk) {
      let last = min(start + chunk, share?.count ?? 0)
      let records = (start..<max(start, last)).compactMap { i in
        share.map { AtomRecord($0, i, number: before + i + 1).wrapped(into: header.box) }
      }
      Deal.rows(
        records.count, record: MemoryLayout<AtomRecord>.stride, from: counts.indices.filter { counts[$0] > start },
        communicator: communicator, owner: { domain.owner(of: header.box.fractional(records[$0].position)) },
        pack: { $1.storeBytes(of: records[$0], as: AtomRecord.self) },
        take: { filler.append($0.loadUnaligned(as: AtomRecord.self)) })
    }
  }

  /// One atom a rank at most is named: the first of all.
  private static func refuseFarAtoms(
    _ share: Structure?, _ box: Box, before: Int, _ communicator: any Communicator
  ) throws {
    let bad = share?.positions.firstIndex {
      let s = box.fractional($0)
      return !(abs(s.x) < 1e6 && abs(s.y) < 1e6 && abs(s.z) < 1e6)
    }
    let first = communicator.minimum(bad == nil ? communicator.size : communicator.rank)
    guard first < communicator.size else { return }
    var text: [UInt8] = []
    if first == communicator.rank, let share, let bad {
      let r = share.positions[bad]
      let id = share.ids?[bad] ?? Int64(before + bad + 1)
      text = Array("atom \(id) has the position (\(r.x), \(r.y), \(r.z)) Å, far outside any cell".utf8)
    }
    throw FaultlineError(
      .input, String(decoding: communicator.broadcast(text, from: first), as: UTF8.self), isCollective: true)
  }

  /// Puts atoms into a store, one after the other.
  private struct Filler {
    let atoms: AtomStore
    let charge: Column<Double>?
    let grain: Column<Double>?
    let held: Column<Double>?
    let site: Column<Double>?

    init(_ atoms: AtomStore, _ parts: StructureParts) {
      self.atoms = atoms
      charge = parts.contains(.charges) ? atoms.needCharge() : nil
      grain = parts.contains(.grains) ? atoms.addColumn("grain", roles: [.migrates, .checkpointed]) : nil
      held = parts.contains(.held) ? atoms.addColumn("held", roles: [.migrates]) : nil
      site = parts.contains(.crystalSites) ? declareSites(atoms) : nil
      atoms.setLocalCount(0)
    }

    func append(_ record: AtomRecord) {
      let i = atoms.localCount
      atoms.setLocalCount(i + 1)
      atoms.id[i] = record.id
      atoms.species[i] = record.species
      atoms.position[i] = record.position
      atoms.velocity[i] = record.velocity
      atoms.image[i] = record.image
      charge?[i] = record.charge
      grain?[i] = Double(record.grain)
      held?[i] = record.isHeld ? 1 : 0
      if let site { for axis in 0..<3 { site[3 * i + axis] = record.site[axis] } }
      atoms.force[i] = .zero
      atoms.shift[i] = .zero
      atoms.groups[i] = 1
    }
  }

  /// The whole structure on rank 0, which has a share; nil elsewhere. Collective. Shares hold what builders make: species,
  /// positions, grains.
  package static func gather(_ share: Structure?, communicator: any Communicator) -> Structure? {
    let counts = communicator.allGather(share?.count ?? 0)
    func pieces(_ count: Int) -> [Range<Int>] { stride(from: 0, to: count, by: 1 << 24).map { $0..<min($0 + 1 << 24, count) } }
    guard communicator.isRoot, var whole = share else {
      guard let share else { return nil }
      func send<T>(_ values: [T]) {
        for piece in pieces(values.count) { values[piece].withUnsafeBytes { communicator.send($0, to: 0, tag: Tag.gather) } }
      }
      send(share.types)
      send(share.positions)
      if let grains = share.grains { send(grains) }
      return nil
    }
    let total = counts.reduce(0, +)
    whole.types.reserveCapacity(total)
    whole.positions.reserveCapacity(total)
    whole.grains?.reserveCapacity(total)
    for (rank, count) in counts.enumerated().dropFirst() {
      func receive<T>(_ zero: T, _ append: (ArraySlice<T>) -> Void) {
        for piece in pieces(count) {
          var values = [T](repeating: zero, count: piece.count)
          _ = values.withUnsafeMutableBytes { communicator.receive(into: $0, from: rank, tag: Tag.gather) }
          append(values[...])
        }
      }
      receive(0) { whole.types += $0 }
      receive(.zero) { whole.positions += $0 }
      if whole.grains != nil { receive(0) { whole.grains? += $0 } }
    }
    return whole
  }

  /// Rank 0's structure on every rank, but for its notes. Collective.
  package static func everywhere(_ structure: Structure?, communicator: any Communicator, chunk: Int = 32_768) -> Structure {
    let header = header(of: communicator.isRoot ? structure : nil, communicator: communicator)
    let parts = header.parts
    let n = header.count
    var copy = Structure(box: header.box, species: header.species, types: [], positions: [])
    copy.masses = header.masses
    if parts.contains(.velocities) { copy.velocities = [] }
    if parts.contains(.images) { copy.images = [] }
    if parts.contains(.ids) { copy.ids = [] }
    if parts.contains(.charges) { copy.charges = [] }
    if parts.contains(.grains) { copy.grains = [] }
    if parts.contains(.held) { copy.held = [] }
    if parts.contains(.crystalSites) { copy.crystalSites = [] }
    let buffer = AlignedBuffer<AtomRecord>(capacity: min(chunk, max(n, 1)))
    for start in stride(from: 0, to: n, by: chunk) {
      let count = min(chunk, n - start)
      if communicator.isRoot, let structure {
        for k in 0..<count { buffer.pointer[k] = AtomRecord(structure, start + k, number: start + k + 1) }
      }
      communicator.broadcast(
        UnsafeMutableRawBufferPointer(start: buffer.pointer, count: count * MemoryLayout<AtomRecord>.stride), from: 0)
      guard !communicator.isRoot else { continue }
      for k in 0..<count {
        let record = buffer.pointer[k]
        copy.types.append(record.species)
        copy.positions.append(record.position)
        copy.velocities?.append(record.velocity)
        copy.images?.append(record.image)
        copy.ids?.append(record.id)
        copy.charges?.append(record.charge)
        copy.grains?.append(record.grain)
        copy.held?.append(record.isHeld)
        copy.crystalSites?.append(record.site)
      }
    }
    return (communicator.isRoot ? structure : nil) ?? copy
  }

  /// The column of places in the crystal without a crack.
  @discardableResult package static func declareSites(_ atoms: AtomStore) -> Column<Double> {
    atoms.addColumn(CrackFrame.column, width: 3, roles: [.migrates, .checkpointed])
  }

  /// One atom on its way to its owner.
  private struct AtomRecord: BitwiseCopyable {
    var position: Vector3
    var velocity: Vector3
    var image: SIMD3<Int32>
    var id: Int64
    var charge: Double
    var species: Int32
    var grain: Int32
    var isHeld: Bool
    var site: Vector3

    /// - Parameter number: the atom's id, unless the structure has ids.
    init(_ structure: Structure, _ i: Int, number: Int) {
      position = structure.positions[i]
      velocity = structure.velocities?[i] ?? .zero
      image = structure.images?[i] ?? .zero
      id = structure.ids?[i] ?? Int64(number)
      charge = structure.charges?[i] ?? 0
      species = structure.types[i]
      grain = structure.grains?[i] ?? 0
      isHeld = structure.held?[i] ?? false
      site = structure.crystalSites?[i] ?? .zero
    }

    func wrapped(into box: Box) -> AtomRecord {
      var record = self
      box.wrap(&record.position, image: &record.image)
      return record
    }
  }

  /// All ranks run the same binary on the same kind of machine, so numbers go as they are.
  private static func encode(_ header: StructureHeader) -> [UInt8] {
    let box = header.box
    var numbers = box.cell.elements + [box.origin.x, box.origin.y, box.origin.z]
    numbers += (0..<3).map { box.periodic[$0] ? 1 : 0 }
    numbers += [Double(header.count), Double(header.parts.rawValue), Double(header.species.count)]
    // A mass is positive; −1 stands for none.
    numbers += header.masses.map { $0 ?? -1 }
    numbers += header.isPresent.map { $0 ? 1 : 0 }
    return numbers.withUnsafeBytes { Array($0) } + Array(header.species.joined(separator: "\n").utf8)
  }

  private static func decode(_ bytes: [UInt8]) -> StructureHeader {
    func number(_ k: Int) -> Double {
      bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8 * k, as: Double.self) }
    }
    let box = Box(
      cell: Matrix3((0..<9).map(number)), origin: Vector3(number(9), number(10), number(11)),
      periodic: Periodicity(number(12) == 1, number(13) == 1, number(14) == 1))
    let kinds = Int(number(17))
    let names = String(decoding: bytes[(8 * (18 + 2 * kinds))...], as: UTF8.self)
    var header = StructureHeader(
      Structure(
        box: box, species: names.split(separator: "\n", omittingEmptySubsequences: false).map(String.init),
        types: [], positions: []))
    if kinds == 0 { header.species = [] }
    header.masses = (0..<kinds).map { number(18 + $0) < 0 ? nil : number(18 + $0) }
    header.isPresent = (0..<kinds).map { number(18 + kinds + $0) == 1 }
    header.count = Int(number(15))
    header.parts = StructureParts(rawValue: UInt8(number(16)))
    return header
  }
}

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

/// Hands the atoms of a structure on rank 0 out to the ranks that own their places.
package enum Distribution {
  /// Tells all ranks the box, the species and the number of atoms. Collective; `structure` is rank 0's.
  package static func header(of structure: Structure?, communicator: any Communicator) -> StructureHeader {
    var bytes: [UInt8] = []
    if communicator.isRoot {
      guard let structure else { preconditionFailure("rank 0 has no structure to hand out") }
      bytes = encode(StructureHeader(structure))
    }
    return decode(communicator.broadcast(bytes))
  }

  /// Fills `atoms` with the rank's own part of rank 0's structure: ids (1 … n unless given), species,
  /// positions wrapped into the cell with image counts, velocities, charges, and the columns "grain", "crystal_site" and
  /// "held" (for groups; not kept in checkpoints) where the structure has such. All belong to group 0. What was in `atoms`
  /// is forgotten. Collective.
  ///
  /// The atoms go to their owners `chunk` at a time, so that nobody but rank 0 holds more than its part.
  /// - Throws: a collective input error naming the first atom whose position is not finite or absurdly far off.
  package static func scatter(
    _ structure: Structure?, header: StructureHeader, to atoms: AtomStore, domain: Domain,
    communicator: any Communicator, chunk: Int = 32_768
  ) throws {
    let parts = header.parts
    let charge = parts.contains(.charges) ? atoms.needCharge() : nil
    let grain = parts.contains(.grains) ? atoms.addColumn("grain", roles: [.migrates, .checkpointed]) : nil
    let held = parts.contains(.held) ? atoms.addColumn("held", roles: [.migrates]) : nil
    let site = parts.contains(.crystalSites) ? declareSites(atoms) : nil
    let buffer = AlignedBuffer<AtomRecord>(capacity: communicator.isRoot ? min(chunk, max(header.count, 1)) : 1)
    atoms.setLocalCount(0)
    for start in stride(from: 0, to: header.count, by: chunk) {
      let n = communicator.isRoot ? min(chunk, header.count - start) : 0
      try communicator.agree {
        guard let structure, communicator.isRoot else { return }
        for k in 0..<n { buffer.pointer[k] = try AtomRecord(structure, start + k).wrapped(into: header.box) }
      }
      Deal.rows(
        n, record: MemoryLayout<AtomRecord>.stride, from: [0], communicator: communicator,
        owner: { domain.owner(of: header.box.fractional(buffer.pointer[$0].position)) },
        pack: { $1.storeBytes(of: buffer.pointer[$0], as: AtomRecord.self) },
        take: { row in
          let record = row.loadUnaligned(as: AtomRecord.self)
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
        })
    }
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

    init(_ structure: Structure, _ i: Int) {
      position = structure.positions[i]
      velocity = structure.velocities?[i] ?? .zero
      image = structure.images?[i] ?? .zero
      id = structure.ids?[i] ?? Int64(i + 1)
      charge = structure.charges?[i] ?? 0
      species = structure.types[i]
      grain = structure.grains?[i] ?? 0
      isHeld = structure.held?[i] ?? false
      site = structure.crystalSites?[i] ?? .zero
    }

    /// - Throws: an input error for a position that is not finite or absurdly far off.
    func wrapped(into box: Box) throws -> AtomRecord {
      let s = box.fractional(position)
      guard abs(s.x) < 1e6, abs(s.y) < 1e6, abs(s.z) < 1e6 else {
        throw FaultlineError(
          .input, "atom \(id) has the position (\(position.x), \(position.y), \(position.z)) Å, far outside any cell")
      }
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

import MDNumerics

/// The atoms of one rank, as columns: local atoms in places 0 ..< localCount, then ghosts.
///
/// A quantity is declared once with `addColumn`; its roles decide whether it migrates, goes to ghosts,
/// is checkpointed. Hot code takes `view`, a struct of pointers.
public final class AtomStore {
  public private(set) var localCount = 0
  public private(set) var ghostCount = 0
  public var count: Int { localCount + ghostCount }
  public private(set) var capacity: Int
  public private(set) var columns: [ColumnStorage] = []

  /// Global number, from 1, unique among local atoms; ghosts carry their owner's.
  public let id: Column<Int64>
  /// Index into the run's list of species.
  public let species: Column<Int32>
  /// Å. Wrapped into the cell only when atoms migrate.
  public let position: Column<Vector3>
  /// Å/ps.
  public let velocity: Column<Vector3>
  /// eV/Å.
  public let force: Column<Vector3>
  /// Crossings of the periodic cell: the unwrapped position is r + image·H.
  public let image: Column<SIMD3<Int32>>
  /// For ghosts, the whole cell vectors added to the owner's position; zero for local atoms.
  public let shift: Column<SIMD3<Int32>>
  /// One bit a group of the deck.
  public let groups: Column<UInt32>

  /// Per-atom potential energy (eV) and virial (eV, nine numbers row by row); present once asked for.
  public private(set) var energy: Column<Double>?
  public private(set) var virial: Column<Double>?
  /// Where potentials tell forces pair by pair; present once asked for.
  public private(set) var pairForces: PairForceStream?
  /// e; present when the structure or the model has charges.
  public private(set) var charge: Column<Double>?

  public init(capacity: Int = 64) {
    self.capacity = max(capacity, 16)
    var list: [ColumnStorage] = []
    let room = self.capacity
    func make<Row: BitwiseCopyable, Scalar: ColumnScalar>(
      _ name: String, _: Row.Type, of _: Scalar.Type, width: Int = 1, _ roles: ColumnRole
    ) -> Column<Row> {
      let storage = ColumnStorage(
        name: name, roles: roles, scalar: Scalar.scalarType, width: width, stride: MemoryLayout<Row>.stride,
        capacity: room)
      list.append(storage)
      return Column(storage)
    }
    typealias Shift = SIMD3<Int32>
    id = make("id", Int64.self, of: Int64.self, [.migrates, .ghosted, .checkpointed])
    species = make("species", Int32.self, of: Int32.self, [.migrates, .ghosted, .checkpointed])
    position = make(
      "position", Vector3.self, of: Double.self, width: 3, [.migrates, .ghosted, .checkpointed, .coordinate])
    velocity = make("velocity", Vector3.self, of: Double.self, width: 3, [.migrates, .checkpointed])
    force = make("force", Vector3.self, of: Double.self, width: 3, [.migrates, .checkpointed])
    image = make("image", Shift.self, of: Int32.self, width: 3, [.migrates, .checkpointed])
    shift = make("shift", Shift.self, of: Int32.self, width: 3, [])
    groups = make("groups", UInt32.self, of: UInt32.self, [.migrates, .checkpointed])
    columns = list
  }

  /// Declares a column of doubles, `width` a row: `pointer[width·i + k]`. Declaring a name twice returns the first.
  public func addColumn(_ name: String, width: Int = 1, roles: ColumnRole = []) -> Column<Double> {
    addColumn(name, of: Double.self, width: width, roles: roles)
  }

  /// The same of any numbers. A name that is taken by a column of other numbers or of another width ends the program.
  public func addColumn<Scalar: ColumnScalar>(
    _ name: String, of _: Scalar.Type, width: Int = 1, roles: ColumnRole = []
  ) -> Column<Scalar> {
    if let known = columns.first(where: { $0.name == name }) {
      // Not a precondition: those are gone (and believed) in unchecked builds.
      guard known.scalar == Scalar.scalarType, known.stride == width * Scalar.scalarType.size else {
        fatalError("the column '\(name)' is declared as \(known.width) \(known.scalar) and as "
          + "\(width) \(Scalar.scalarType)")
      }
      return Column(known)
    }
    let storage = ColumnStorage(
      name: name, roles: roles, scalar: Scalar.scalarType, width: width, stride: width * Scalar.scalarType.size,
      capacity: capacity)
    columns.append(storage)
    return Column(storage)
  }

  /// Gives the memory of a column back that was declared with `addColumn`; nobody may use it any more.
  public func removeColumn(_ name: String) { columns.removeAll { $0.name == name } }

  /// Makes the per-atom energy column.
  @discardableResult public func needEnergy() -> Column<Double> {
    let column = energy ?? addColumn("energy", roles: [.migrates])
    energy = column
    return column
  }

  /// Makes the per-atom virial column.
  @discardableResult public func needVirial() -> Column<Double> {
    let column = virial ?? addColumn("virial", width: 9, roles: [.migrates])
    virial = column
    return column
  }

  /// Makes the stream of forces of pairs.
  @discardableResult public func needPairForces() -> PairForceStream {
    let stream = pairForces ?? PairForceStream()
    pairForces = stream
    return stream
  }

  /// Makes the charge column.
  @discardableResult public func needCharge() -> Column<Double> {
    let column = charge ?? addColumn("charge", roles: [.migrates, .ghosted, .checkpointed])
    charge = column
    return column
  }

  public func column(named name: String) -> ColumnStorage? { columns.first { $0.name == name } }

  /// Makes room for `minimum` atoms, ghosts included.
  public func reserve(_ minimum: Int) {
    guard minimum > capacity else { return }
    capacity = minimum + minimum / 8
    for column in columns { column.reserve(capacity, keeping: count) }
  }

  /// Sets the number of local atoms; ghosts are dropped. New rows hold what was there.
  public func setLocalCount(_ n: Int) {
    ghostCount = 0
    reserve(n)
    localCount = n
  }

  /// Appends `n` ghosts and returns the place of the first.
  public func appendGhosts(_ n: Int) -> Int {
    let first = count
    reserve(first + n)
    ghostCount += n
    return first
  }

  public func dropGhosts() {
    ghostCount = 0
  }

  /// Reorders the local atoms: place k gets the atom from place order[k]. Ghosts must have been dropped.
  public func permuteLocal(_ order: UnsafePointer<Int32>, scratch: AlignedBuffer<UInt8>) {
    precondition(ghostCount == 0, "sort before ghosts are made")
    let widest = columns.map(\.stride).max() ?? 0
    scratch.reserve(localCount * widest)
    for column in columns where column.roles.contains(.migrates) {
      column.permute(order, count: localCount, scratch: UnsafeMutableRawPointer(scratch.pointer))
    }
  }

  /// Zeroes forces, and the per-atom energies and virials that are present, ghosts included.
  public func clearResults() {
    force.storage.clear(0..<count)
    energy?.storage.clear(0..<count)
    virial?.storage.clear(0..<count)
  }

  public var view: AtomView {
    AtomView(
      localCount: localCount, count: count, ids: id.pointer, species: species.pointer,
      positions: position.pointer, shifts: shift.pointer, groups: groups.pointer,
      velocities: velocity.pointer, forces: force.pointer, energies: energy?.pointer,
      virials: virial?.pointer, charges: charge?.pointer, pairForces: pairForces.map { .passUnretained($0) })
  }
}

/// Pointers into an `AtomStore` for hot code; valid until atoms migrate, ghosts are made or a column is added.
@frozen
public struct AtomView {
  public let localCount: Int
  /// Local atoms and ghosts.
  public let count: Int
  public let ids: UnsafePointer<Int64>
  public let species: UnsafePointer<Int32>
  public let positions: UnsafePointer<Vector3>
  public let shifts: UnsafePointer<SIMD3<Int32>>
  public let groups: UnsafePointer<UInt32>
  public let velocities: UnsafeMutablePointer<Vector3>
  public let forces: UnsafeMutablePointer<Vector3>
  public let energies: UnsafeMutablePointer<Double>?
  /// Nine numbers an atom, row by row.
  public let virials: UnsafeMutablePointer<Double>?
  public let charges: UnsafeMutablePointer<Double>?
  /// See `pairStream`.
  @usableFromInline let pairForces: Unmanaged<PairForceStream>?

  /// The same atoms with results collected elsewhere.
  public func collecting(
    forces: UnsafeMutablePointer<Vector3>, energies: UnsafeMutablePointer<Double>? = nil,
    virials: UnsafeMutablePointer<Double>? = nil
  ) -> AtomView {
    AtomView(
      localCount: localCount, count: count, ids: ids, species: species, positions: positions, shifts: shifts,
      groups: groups, velocities: velocities, forces: forces, energies: energies, virials: virials, charges: charges,
      pairForces: pairForces)
  }
}

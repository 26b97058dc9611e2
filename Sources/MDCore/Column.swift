import MDNumerics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What happens to a per-atom quantity besides being computed.
public struct ColumnRole: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Travels with its atom to another rank and through a spatial sort.
  public static let migrates = ColumnRole(rawValue: 1)
  /// Is sent to ghosts when they are made (and later by `GhostCommunicator.forward` on request).
  public static let ghosted = ColumnRole(rawValue: 2)
  /// Is written to checkpoints.
  public static let checkpointed = ColumnRole(rawValue: 4)
  /// Is a position: a ghost's copy is shifted by whole cell vectors.
  public static let coordinate = ColumnRole(rawValue: 8)
}

/// What the numbers of a column are, by their kind and bits.
public enum ScalarType: String, Sendable, CaseIterable {
  case f64, i64, i32, u32

  /// Bytes.
  public var size: Int {
    switch self {
    case .f64, .i64: 8
    case .i32, .u32: 4
    }
  }
}

/// A number that columns can be made of.
public protocol ColumnScalar: BitwiseCopyable {
  static var scalarType: ScalarType { get }
}

extension Double: ColumnScalar { public static var scalarType: ScalarType { .f64 } }
extension Int64: ColumnScalar { public static var scalarType: ScalarType { .i64 } }
extension Int32: ColumnScalar { public static var scalarType: ScalarType { .i32 } }
extension UInt32: ColumnScalar { public static var scalarType: ScalarType { .u32 } }

/// One per-atom quantity: rows of `width` numbers of a declared type every `stride` bytes, local atoms first,
/// then ghosts. Everything that moves atoms about (migration, ghosts, sorting, checkpoints) works on this.
public final class ColumnStorage {
  public let name: String
  public let roles: ColumnRole
  /// What its numbers are.
  public let scalar: ScalarType
  /// Numbers a row.
  public let width: Int
  /// Distance between rows, bytes.
  public let stride: Int
  /// What a row holds and a message carries, bytes (24 of a vector's 32).
  public let payload: Int
  public private(set) var base: UnsafeMutableRawPointer
  public private(set) var capacity: Int

  /// `stride` bytes from row to row, at least what a row holds.
  init(name: String, roles: ColumnRole, scalar: ScalarType, width: Int, stride: Int, capacity: Int) {
    self.name = name
    self.roles = roles
    self.scalar = scalar
    self.width = width
    self.stride = stride
    payload = width * scalar.size
    self.capacity = max(capacity, 16)
    base = .allocate(byteCount: self.capacity * stride, alignment: 64)
    memset(base, 0, self.capacity * stride)
  }

  deinit { base.deallocate() }

  func reserve(_ minimum: Int, keeping kept: Int) {
    guard minimum > capacity else { return }
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: minimum * stride, alignment: 64)
    memcpy(fresh, base, kept * stride)
    memset(fresh + kept * stride, 0, (minimum - kept) * stride)
    base.deallocate()
    base = fresh
    capacity = minimum
  }

  /// Writes the rows `indices` one after the other, `payload` bytes each.
  public func pack(_ indices: UnsafeBufferPointer<Int32>, into out: UnsafeMutableRawPointer) {
    switch (stride, payload) {
    case (8, 8):
      let source = base.assumingMemoryBound(to: UInt64.self)
      for (k, i) in indices.enumerated() {
        out.storeBytes(of: source[Int(i)], toByteOffset: 8 * k, as: UInt64.self)
      }
    case (32, 24):
      for (k, i) in indices.enumerated() { memcpy(out + 24 * k, base + 32 * Int(i), 24) }
    default:
      for (k, i) in indices.enumerated() { memcpy(out + payload * k, base + stride * Int(i), payload) }
    }
  }

  /// Reads `count` rows into places `start`, `start + 1`, …
  public func unpack(_ count: Int, at start: Int, from source: UnsafeRawPointer) {
    if stride == payload {
      memcpy(base + start * stride, source, count * stride)
    } else {
      for k in 0..<count { memcpy(base + (start + k) * stride, source + k * payload, payload) }
    }
  }

  /// Adds the packed rows to the rows `indices`. Ends the program unless the column holds doubles.
  public func accumulate(_ indices: UnsafeBufferPointer<Int32>, from source: UnsafeRawPointer) {
    // Not a precondition: those are gone (and believed) in unchecked builds.
    guard scalar == .f64 else { fatalError("the column '\(name)' of \(scalar) cannot be summed") }
    let scalars = width
    for (k, i) in indices.enumerated() {
      let row = (base + stride * Int(i)).assumingMemoryBound(to: Double.self)
      for c in 0..<scalars {
        row[c] += source.loadUnaligned(fromByteOffset: k * payload + 8 * c, as: Double.self)
      }
    }
  }

  /// row[k] ← old row[order[k]] for k < count. `scratch` holds count · stride bytes.
  public func permute(_ order: UnsafePointer<Int32>, count: Int, scratch: UnsafeMutableRawPointer) {
    switch stride {
    case 4: gather(order, count, scratch, UInt32.self)
    case 8: gather(order, count, scratch, UInt64.self)
    case 32: gather(order, count, scratch, SIMD4<UInt64>.self)
    default: for k in 0..<count { memcpy(scratch + k * stride, base + Int(order[k]) * stride, stride) }
    }
    memcpy(base, scratch, count * stride)
  }

  @inline(__always)
  private func gather<T>(_ order: UnsafePointer<Int32>, _ count: Int, _ scratch: UnsafeMutableRawPointer, _: T.Type) {
    let from = base.assumingMemoryBound(to: T.self)
    let to = scratch.assumingMemoryBound(to: T.self)
    for k in 0..<count { to[k] = from[Int(order[k])] }
  }

  /// Copies row `source` over row `target`.
  public func copyRow(_ source: Int, to target: Int) {
    memcpy(base + target * stride, base + source * stride, stride)
  }

  /// Sets rows to zero bytes.
  public func clear(_ range: Range<Int>) {
    memset(base + range.lowerBound * stride, 0, range.count * stride)
  }
}

/// A typed handle on a `ColumnStorage`. `pointer` holds until atoms are added or the store grows.
public struct Column<Element: BitwiseCopyable> {
  public let storage: ColumnStorage
  init(_ storage: ColumnStorage) { self.storage = storage }

  public var pointer: UnsafeMutablePointer<Element> {
    storage.base.assumingMemoryBound(to: Element.self)
  }

  public subscript(i: Int) -> Element {
    get { pointer[i] }
    nonmutating set { pointer[i] = newValue }
  }
}

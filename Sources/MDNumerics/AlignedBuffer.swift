/// Uninitialised memory for trivial elements, aligned to 64 bytes (a cache line, an AVX-512 register).
/// It grows only when `reserve` says so; `pointer` is valid until then.
public final class AlignedBuffer<Element: BitwiseCopyable> {
  public private(set) var pointer: UnsafeMutablePointer<Element>
  public private(set) var capacity: Int

  public init(capacity: Int = 0) {
    self.capacity = max(capacity, 1)
    pointer = Self.allocate(self.capacity)
  }

  public convenience init(repeating value: Element, count: Int) {
    self.init(capacity: count)
    pointer.update(repeating: value, count: count)
  }

  public convenience init(_ values: [Element]) {
    self.init(capacity: values.count)
    for (i, value) in values.enumerated() { pointer[i] = value }
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
    UnsafeMutableRawPointer
      .allocate(byteCount: count * MemoryLayout<Element>.stride, alignment: 64)
      .bindMemory(to: Element.self, capacity: count)
  }

  /// Makes room for `minimum` elements (with a quarter to spare when it must grow) and keeps the first `kept`.
  public func reserve(_ minimum: Int, keeping kept: Int = 0) {
    guard minimum > capacity else { return }
    let grown = minimum + minimum / 4
    let fresh = Self.allocate(grown)
    if kept > 0 { fresh.update(from: pointer, count: kept) }
    UnsafeMutableRawPointer(pointer).deallocate()
    pointer = fresh
    capacity = grown
  }
}

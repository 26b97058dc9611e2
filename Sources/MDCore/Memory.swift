#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Memory that may still be taken, bytes; infinite where nothing is known of it.
public struct Memory: Equatable, Sendable {
  /// Of this node, shared by all processes on it: what the kernel calls available, less where a control group (of a
  /// batch system or a container) has a limit.
  public var node: Double
  /// Of this process: what its resource limits leave (`ulimit -v`, `ulimit -d`).
  public var process: Double

  public init(node: Double, process: Double) {
    self.node = node
    self.process = process
  }

  /// At this moment.
  public static func available() -> Memory {
    let kernel = (field("MemAvailable:", in: "/proc/meminfo") ?? .infinity) * 1024
    return Memory(node: min(kernel, controlGroup()), process: min(left(RLIMIT_AS, "VmSize:"), left(RLIMIT_DATA, "VmData:")))
  }

  private static func left(_ resource: __rlimit_resource, _ used: String) -> Double {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur < UInt.max / 2 else {
      return .infinity
    }
    return max(0, Double(limit.rlim_cur) - 1024 * (field(used, in: "/proc/self/status") ?? 0))
  }

  /// What the limits of the process's control group and those above it leave; caches, which the kernel gives back,
  /// do not count as taken. Both versions of Linux's control groups.
  private static func controlGroup() -> Double {
    var least = Double.infinity
    for line in text(of: "/proc/self/cgroup").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isSecond = parts[1].isEmpty
      guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
      let root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      var path = parts[2] == "/" ? "" : String(parts[2])
      while true {
        let folder = root + path + "/"
        let limit = Double(text(of: folder + (isSecond ? "memory.max" : "memory.limit_in_bytes")).prefix { $0 != "\n" })
        if let limit, limit < 0x1p60 {
          let taken = field(isSecond ? "anon" : "total_rss", in: folder + "memory.stat") ?? 0
          least = min(least, max(0, limit - taken))
        }
        guard let slash = path.lastIndex(of: "/") else { break }
        path = String(path[..<slash])
      }
    }
    return least
  }

  /// The number behind a word that begins a line.
  private static func field(_ name: String, in path: String) -> Double? {
    for line in text(of: path).split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      if words.count > 1, words[0] == name { return Double(words[1]) }
    }
    return nil
  }

  /// Empty for a file that cannot be read.
  private static func text(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 16_384)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}

extension Communicator {
  /// How many ranks run on this rank's node, known by the name of the host. Collective.
  public func ranksOnNode() -> Int {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    // FNV-1a.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for c in name where c != 0 { hash = (hash ^ UInt64(UInt8(bitPattern: c))) &* 0x0000_0100_0000_01B3 }
    let all = allGather(Int(bitPattern: UInt(truncatingIfNeeded: hash)))
    return all.count { $0 == all[rank] }
  }

  /// Throws on every rank if `bytes` more on each rank are not to be had on any node. Collective; the same number
  /// on every rank.
  /// - Parameters:
  ///   - what: what takes them, the sentence's subject in the plural: "3·10⁹ atoms".
  ///   - hint: what to do instead.
  public func refuse(bytes: Double, for what: String, hint: String) throws {
    let memory = Memory.available()
    let ranks = Double(ranksOnNode())
    // The share of a rank, least over all nodes.
    let room = minimum(min(memory.node / ranks, memory.process))
    guard !(bytes <= room) else { return }
    throw FaultlineError(
      .input, "\(what) need about \(Amount.bytes(bytes)) on each rank, but there are \(Amount.bytes(room)) to be had",
      hint: hint, isCollective: true)
  }
}

/// Large numbers for people.
public enum Amount {
  /// 1234567 → "1,234,567"; 3.1e21 → "3.1e21".
  public static func count(_ x: Double) -> String {
    guard abs(x) < 1e15 else { return power(x) }
    let digits = Array(String(Int64(abs(x).rounded())))
    var out = x < 0 ? "-" : ""
    for (k, c) in digits.enumerated() {
      if k > 0 && (digits.count - k) % 3 == 0 { out += "," }
      out.append(c)
    }
    return out
  }

  /// 1536 → "1.54 kB", three digits.
  public static func bytes(_ x: Double) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    var x = x
    var k = 0
    while x >= 1000 && k < units.count - 1 {
      x /= 1000
      k += 1
    }
    if k == 0 { return count(x) + " B" }
    if x >= 1e6 { return power(x) + " " + units[k] }
    let decimals = x < 10 ? 2 : x < 100 ? 1 : 0
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = String(Int64((x * scale).rounded()))
    let text = decimals == 0 ? scaled : scaled.dropLast(decimals) + "." + scaled.suffix(decimals)
    return text + " " + units[k]
  }

  /// Two digits and a power of ten.
  private static func power(_ x: Double) -> String {
    guard x.isFinite else { return x > 0 ? "infinitely many" : "\(x)" }
    var (mantissa, exponent) = (abs(x), 0)
    while mantissa >= 9.95 {
      mantissa /= 10
      exponent += 1
    }
    return (x < 0 ? "-" : "") + "\((mantissa * 10).rounded() / 10)e\(exponent)"
  }
}

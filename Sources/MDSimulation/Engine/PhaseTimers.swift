import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a step's time goes to.
package enum Phase: String, CaseIterable, Sendable {
  case integrate, neighbors, communication, potential
  /// The part of the potentials' time that solvers of long-ranged interactions take, their communication included.
  case longRange = "long range"
  case analysis, output
}

/// Wall-clock seconds a phase, on this rank. One clock read at each change of phase.
package struct PhaseTimers {
  package private(set) var seconds = [Double](repeating: 0, count: Phase.allCases.count)
  private var current = Phase.integrate.index
  private var since = PhaseTimers.now()

  package init() {}

  /// Charges the time since the last call to the phase that ran and starts another.
  @inline(__always)
  package mutating func start(_ phase: Phase) {
    let t = Self.now()
    seconds[current] += t - since
    since = t
    current = phase.index
  }

  /// Books time that counts for one phase under another.
  package mutating func move(_ time: Double, from: Phase, to: Phase) {
    seconds[from.index] -= time
    seconds[to.index] += time
  }

  package mutating func reset() {
    for k in seconds.indices { seconds[k] = 0 }
    since = Self.now()
  }

  package subscript(phase: Phase) -> Double { seconds[phase.index] }

  /// Monotonic seconds.
  package static func now() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + 1e-9 * Double(t.tv_nsec)
  }
}

extension Phase {
  fileprivate var index: Int {
    switch self {
    case .integrate: 0
    case .neighbors: 1
    case .communication: 2
    case .potential: 3
    case .longRange: 4
    case .analysis: 5
    case .output: 6
    }
  }
}

/// The largest resident set of this process so far, bytes.
package func peakResidentBytes() -> Int {
  // Resource usage begins with what the process that started this one had; the kernel's own mark does not.
  if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
    let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
  {
    return kilobytes * 1024
  }
  var usage = rusage()
  #if canImport(Glibc)
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  #else
    getrusage(RUSAGE_SELF, &usage)
  #endif
  return Int(usage.ru_maxrss) * 1024
}

/// Lets the peak begin anew at what is resident now, where the system can (Linux).
func resetPeakResidentBytes() {
  try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
}

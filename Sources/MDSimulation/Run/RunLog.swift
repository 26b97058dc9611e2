import Foundation
import MDCore

/// What a run says to people: lines for the terminal and `log.txt`, and a progress line that a terminal
/// redraws and a batch log gets every few per cent. Lives on rank 0; elsewhere it is silent.
package final class RunLog {
  private let emit: ((String) -> Void)?
  private let isTerminal: Bool
  private var file: UnsafeMutablePointer<FILE>?
  private var lastDraw = 0.0
  private var lastFraction = 0.0
  private var lineIsOpen = false

  /// `emit` writes text as it stands (nil on ranks that must be silent).
  package init(isTerminal: Bool, emit: ((String) -> Void)?) {
    self.emit = emit
    self.isTerminal = isTerminal
  }

  deinit { if let file { fclose(file) } }

  /// Also writes to this file from now on.
  package func open(path: String, append: Bool) throws {
    guard emit != nil else { return }
    if let file { fclose(file) }
    file = fopen(path, append ? "a" : "w")
    if file == nil {
      throw FaultlineError(.run, "cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }

  package func line(_ text: String = "") {
    guard let emit else { return }
    endLine()
    emit(text + "\n")
    if let file {
      fputs(text + "\n", file)
      fflush(file)
    }
  }

  /// Clears the progress line, so that other text can follow.
  package func endLine() {
    guard lineIsOpen else { return }
    emit?("\r\u{1B}[K")
    lineIsOpen = false
  }

  /// Starts a new count of progress (a stage).
  package func startProgress() {
    lastDraw = 0
    lastFraction = 0
  }

  /// `done` of `total` steps; `elapsed` seconds since the stage (or the resumed part of it) began at `first`.
  package func progress(_ label: String, done: Int, total: Int, first: Int, elapsed: Double, note: String) {
    guard let emit, total > 0 else { return }
    let now = PhaseTimers.now()
    let fraction = Double(done) / Double(total)
    let left = done > first ? elapsed / Double(done - first) * Double(total - done) : 0
    if isTerminal {
      guard now - lastDraw > 0.2 else { return }
      lastDraw = now
      let width = 24
      let filled = Int(fraction * Double(width))
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      emit(
        "\r\u{1B}[K  \(label) \(bar) \(Self.percent(fraction))  \(done)/\(total)  \(note)  ETA \(Self.duration(left))")
      lineIsOpen = true
    } else {
      // A batch log: every tenth of the stage, and every ten minutes when steps are slow.
      guard fraction - lastFraction >= 0.1 || now - lastDraw > 600 else { return }
      if lastDraw == 0 && fraction < 0.1 {
        lastDraw = now
        return
      }
      lastDraw = now
      lastFraction = fraction
      line("  \(label) \(Self.percent(fraction))  step \(done)/\(total)  \(note)  ETA \(Self.duration(left))")
    }
  }

  package static func percent(_ fraction: Double) -> String {
    let p = Int((fraction * 100).rounded())
    return (p < 10 ? "  " : p < 100 ? " " : "") + "\(p) %"
  }

  /// 75 → "1 min 15 s".
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "–" }
    if seconds < 1e-3 { return fixed(seconds * 1e6, 0) + " µs" }
    if seconds < 1 { return fixed(seconds * 1e3, seconds < 0.1 ? 1 : 0) + " ms" }
    if seconds < 10 { return fixed(seconds, 1) + " s" }
    if seconds > 3.2e8 { return "\(Amount.count(seconds / 31_557_600)) years" }
    let s = Int(seconds.rounded())
    if s < 60 { return "\(s) s" }
    if s < 3600 { return "\(s / 60) min \(s % 60) s" }
    if s < 86400 { return "\(s / 3600) h \((s % 3600) / 60) min" }
    return "\(s / 86400) d \((s % 86400) / 3600) h"
  }

  /// A number with `digits` decimals.
  package static func fixed(_ x: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", x) }

  /// 1234567 → "1,234,567".
  package static func grouped(_ n: Int) -> String { Amount.count(Double(n)) }

  /// "1 atom", "1,200 atoms".
  static func counted(_ n: Int, _ noun: String) -> String { grouped(n) + " " + noun + (n == 1 ? "" : "s") }

  /// 1536 → "1.54 kB".
  package static func bytes(_ n: Int) -> String { Amount.bytes(Double(n)) }
}

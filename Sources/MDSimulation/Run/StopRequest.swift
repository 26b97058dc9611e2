#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A wish to end the run at the next step boundary: a signal, or the time limit.
///
/// The handler only sets a flag. Ranks learn of each other's flag in the one reduction that a step makes anyway,
/// so that all stop at the same step.
package enum StopRequest {
  /// Signals that end a run with a checkpoint: what batch systems send before they kill (SIGXCPU where processor time is
  /// counted), Ctrl-C, and the end of a terminal.
  package static let signals: [Int32] = [SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGXCPU]

  /// One word that a signal handler may write.
  nonisolated(unsafe) private static let flag: UnsafeMutablePointer<sig_atomic_t> = {
    let p = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
    p.pointee = 0
    return p
  }()

  /// Installs the handlers. A second Ctrl-C ends the program at once, as people expect.
  package static func install() {
    flag.pointee = 0
    // A pager that quits is no reason to lose a run.
    signal(SIGPIPE, SIG_IGN)
    // A file that may not grow any more is an error of writing, with its message.
    signal(SIGXFSZ, SIG_IGN)
    // A launcher may have started this program with them blocked.
    var set = sigset_t()
    sigemptyset(&set)
    for number in signals { sigaddset(&set, number) }
    sigprocmask(SIG_UNBLOCK, &set, nil)
    for number in signals {
      // `nohup` wants the run to outlive its terminal.
      if number == SIGHUP, isIgnored(number) { continue }
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { StopRequest.note($0) }
      action.sa_flags =
        number == SIGINT ? Int32(SA_RESTART) | Int32(bitPattern: UInt32(SA_RESETHAND)) : Int32(SA_RESTART)
      sigaction(number, &action, nil)
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  private static func note(_ number: Int32) { flag.pointee = sig_atomic_t(number) }

  /// The signal that came, 0 for none.
  package static var pending: Int32 { flag.pointee }

  package static func name(_ number: Int32) -> String {
    switch number {
    case SIGTERM: "SIGTERM"
    case SIGINT: "SIGINT"
    case SIGUSR1: "SIGUSR1"
    case SIGUSR2: "SIGUSR2"
    case SIGHUP: "SIGHUP"
    case SIGXCPU: "SIGXCPU"
    default: "signal \(number)"
    }
  }
}

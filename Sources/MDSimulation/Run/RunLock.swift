import Foundation
import MDCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The right to write to a run directory, as the file `run.lock` in it. One process has it at a time.
///
/// The file comes into being whole: it is written under another name and linked, which is atomic on network file
/// systems too. Where there are `flock` locks the owner holds one as well, which ends with the process. A lock whose
/// owner is known to be gone (`RunOwner.fate`) is taken over; any other refuses.
package final class RunLock {
  package let path: String
  package let owner: RunOwner
  /// Says whose lock was taken over, for the log.
  package private(set) var note: String?
  private var descriptor: Int32
  private var identity = FileIdentity()

  package static func path(in directory: String) -> String { directory + "/run.lock" }

  /// - Parameter endedJob: the id of a job that is known to be over.
  /// - Throws: an input error that names the owner if somebody else works in the directory, or what is in the way.
  package init(directory: String, owner: RunOwner = .current(), endedJob: String? = nil) throws {
    path = Self.path(in: directory)
    let draft = "\(path).\(owner.host).\(owner.process)"
    unlink(draft)
    descriptor = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure("write to the run directory", directory) }
    var mine = owner
    mine.isGuarded = flock(descriptor, LOCK_EX | LOCK_NB) == 0
    self.owner = mine
    defer { unlink(draft) }
    do {
      try Self.put(mine.text, to: descriptor, draft)
      // Another may be taking over the same lock just now, or giving up its own.
      for attempt in 0..<20 {
        if try linkOrCreate(draft) { return }
        try displace(directory, endedJob, isLast: attempt == 19)
      }
      throw FaultlineError(.input, "cannot get hold of \(path): others keep taking it")
    } catch {
      close(descriptor)
      descriptor = -1
      throw error
    }
  }

  deinit { release() }

  /// Whether the lock is still this process's own, and not removed or taken over.
  package var isHeld: Bool { descriptor >= 0 && FileIdentity(path: path) == identity }

  /// Gives the directory free. A lock that somebody has taken over meanwhile is left alone.
  package func release() {
    guard descriptor >= 0 else { return }
    if isHeld { unlink(path) }
    close(descriptor)
    descriptor = -1
  }

  /// An error if the directory has been taken away from this process: what it would write belongs to another run now.
  package func requireHeld() throws {
    if isHeld { return }
    let other = Self.read(path).map { "it belongs to \($0.description) now" } ?? "the file is gone"
    throw FaultlineError(
      .run, "the lock \(path) is no longer this run's: \(other)",
      hint: "this run ends without writing, so that it does not disturb another")
  }

  // MARK: Taking

  /// True if the lock is ours now, false if there is one.
  private func linkOrCreate(_ draft: String) throws -> Bool {
    let linked = link(draft, path) == 0
    let reason = errno
    let made = FileIdentity(descriptor)
    // A network file system may report a link that was made as one that was there already.
    if linked || made.links == 2 {
      identity = made
      return true
    }
    switch reason {
    case EEXIST: return false
    case EPERM, EOPNOTSUPP, ENOSYS, EMLINK, EXDEV:
      // A file system without links. The file is there before its text is, which a reader allows for.
      let direct = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      if direct < 0, errno == EEXIST { return false }
      guard direct >= 0 else { throw Self.failure("write", path) }
      _ = flock(direct, LOCK_EX | LOCK_NB)
      close(descriptor)
      descriptor = direct
      identity = FileIdentity(direct)
      try Self.put(owner.text, to: direct, path)
      return true
    default: throw Self.failure("write", path, reason)
    }
  }

  /// Moves the lock that is there out of the way if its owner is gone.
  private func displace(_ directory: String, _ endedJob: String?, isLast: Bool) throws {
    // Network file systems want to write what they lock.
    var found = open(path, O_RDWR | O_CLOEXEC)
    if found < 0, errno == EACCES { found = open(path, O_RDONLY | O_CLOEXEC) }
    if found < 0, errno == ENOENT { return }
    guard found >= 0 else { throw Self.failure("read", path) }
    defer { close(found) }
    let free = flock(found, LOCK_EX | LOCK_NB) == 0
    let isLocked = free ? false : errno == EWOULDBLOCK ? true : nil
    guard let other = RunOwner(text: Self.text(found)) else {
      // Perhaps it is being written.
      if !isLast, FileIdentity(found).size == 0 || isLocked == true { return Self.pause() }
      throw FaultlineError(
        .input, "\(path) is not a lock of this program", hint: "if no run works in \(directory), remove it")
    }
    switch other.fate(seenBy: owner, isLocked: isLocked, endedJob: endedJob) {
    case .works, .unknown:
      throw Self.refusal(directory, path, other)
    case .gone(let reason):
      // Under its own name nobody else can mistake it; only one of two that move it succeeds.
      let aside = "\(path).\(owner.host).\(owner.process).old"
      guard rename(path, aside) == 0 else { return }
      if FileIdentity(path: aside) == FileIdentity(found) {
        note = "took over the run directory from \(other.description): \(reason)"
      } else {
        // Somebody was faster, and this is already the lock of the next owner.
        _ = link(aside, path)
      }
      unlink(aside)
    }
  }

  private static func refusal(_ directory: String, _ path: String, _ other: RunOwner) -> FaultlineError {
    let way =
      other.job.map { "if job \($0.id) is over for certain, --ended-job \($0.id) takes the directory over" }
      ?? "if that process is gone for certain, remove \(path)"
    return FaultlineError(
      .input, "the run directory \(directory) is in use by \(other.description)",
      hint: "two runs in one directory destroy each other's files; \(way)")
  }

  // MARK: Files

  private static func pause() { usleep(50_000) }

  private static func put(_ text: String, to descriptor: Int32, _ path: String) throws {
    let bytes = Array(text.utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
      throw failure("write", path)
    }
  }

  private static func text(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let n = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(n, 0)), as: UTF8.self)
  }

  private static func read(_ path: String) -> RunOwner? {
    (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { RunOwner(text: $0) }
  }

  private static func failure(_ action: String, _ path: String, _ code: Int32 = errno) -> FaultlineError {
    FaultlineError(.input, "cannot \(action) \(path): \(String(cString: strerror(code)))")
  }
}

/// Which file a name stands for.
struct FileIdentity: Equatable {
  private var device: UInt = 0
  private var inode: UInt = 0
  private(set) var links = 0
  private(set) var size = 0

  init() {}

  init(_ descriptor: Int32) {
    var status = stat()
    // Of a file that cannot be looked at, one that is like no other.
    if fstat(descriptor, &status) != 0 { status = stat() }
    self.init(status)
  }

  /// nil if there is no such file. Links are followed.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    links = Int(status.st_nlink)
    size = Int(status.st_size)
  }

  static func == (a: FileIdentity, b: FileIdentity) -> Bool { a.device == b.device && a.inode == b.inode }
}

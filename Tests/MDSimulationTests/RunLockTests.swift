import Foundation
import MDCore
import MDSimulation
import Testing

/// One process works in a run directory at a time; owners that are gone do not keep others out.
@Suite struct RunLockTests {
  /// A fresh directory, removed at the end.
  final class Place {
    let path = NSTemporaryDirectory() + "faultline-lock-\(UUID().uuidString.prefix(8))"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var lock: String { RunLock.path(in: path) }
    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
  }

  typealias Job = RunOwner.Job

  // MARK: Who is gone

  struct Case: Sendable {
    var name: String
    var owner: RunOwner
    var newcomer = RunOwner(host: "n1", process: 7, boot: "b1", processSpace: "s1", birth: "70")
    var isLocked: Bool? = false
    var endedJob: String?
    /// Births of the processes that there are on the newcomer's host.
    var processes: [Int: String] = [:]
    /// "works", "gone" or "unknown".
    var fate: String
  }

  static func owner(
    _ host: String = "n1", boot: String = "b1", space: String = "s1", job: Job? = nil, guarded: Bool = false
  ) -> RunOwner {
    RunOwner(host: host, process: 42, boot: boot, processSpace: space, birth: "420", job: job, isGuarded: guarded)
  }

  static func newcomer(_ job: Job) -> RunOwner {
    RunOwner(host: "n1", process: 7, boot: "b1", processSpace: "s1", birth: "70", job: job)
  }

  static let slurm = Job(system: "slurm", cluster: "c", id: "100", restarts: 1)
  static let far = owner("n2", boot: "b2", space: "s2", job: slurm, guarded: true)
  static let cases = [
    Case(name: "lives here", owner: owner(), isLocked: nil, processes: [42: "420"], fate: "works"),
    Case(name: "has ended here", owner: owner(), isLocked: nil, processes: [:], fate: "gone"),
    Case(name: "its number came again", owner: owner(), isLocked: nil, processes: [42: "999"], fate: "gone"),
    Case(name: "in another container of this host", owner: owner(space: "s2"), isLocked: nil, fate: "unknown"),
    Case(
      name: "in another container of this host, guarded", owner: owner("c9", space: "s2", guarded: true), fate: "gone"),
    Case(name: "the system's lock is held", owner: owner(guarded: true), isLocked: true, fate: "works"),
    Case(name: "the host was started anew", owner: owner(boot: "b0"), processes: [42: "420"], fate: "gone"),
    Case(name: "on another host", owner: far, fate: "unknown"),
    Case(name: "on another host, lock held", owner: far, isLocked: true, endedJob: "100", fate: "works"),
    Case(name: "its job is said to be over", owner: far, endedJob: "100", fate: "gone"),
    Case(name: "another job is said to be over", owner: far, endedJob: "10", fate: "unknown"),
    Case(
      name: "the same job, started again", owner: far,
      newcomer: newcomer(Job(system: "slurm", cluster: "c", id: "100", restarts: 2)), fate: "gone"),
    Case(
      name: "the same start of the same job", owner: far,
      newcomer: newcomer(Job(system: "slurm", cluster: "c", id: "100", restarts: 1)), fate: "unknown"),
    Case(
      name: "another job, started again", owner: far,
      newcomer: newcomer(Job(system: "slurm", cluster: "c", id: "101", restarts: 5)), fate: "unknown"),
    Case(
      name: "the same number on another cluster", owner: far,
      newcomer: newcomer(Job(system: "slurm", cluster: "d", id: "100", restarts: 2)), fate: "unknown"),
    Case(
      name: "no count of starts", owner: owner("n2", boot: "b2", job: Job(system: "pbs", id: "100.s")),
      newcomer: newcomer(Job(system: "pbs", id: "100.s")), fate: "unknown"),
  ]

  @Test(arguments: cases) func fates(_ c: Case) {
    let fate = c.owner.fate(
      seenBy: c.newcomer, isLocked: c.isLocked, endedJob: c.endedJob, birth: { c.processes[$0] })
    let word =
      switch fate {
      case .works: "works"
      case .gone: "gone"
      case .unknown: "unknown"
      }
    #expect(word == c.fate, "\(c.name): \(fate)")
  }

  @Test(arguments: [
    (["SLURM_JOB_ID": "5", "SLURM_CLUSTER_NAME": "c", "SLURM_RESTART_COUNT": "2"],
     Job(system: "slurm", cluster: "c", id: "5", restarts: 2)),
    (["SLURM_JOB_ID": "5"], Job(system: "slurm", id: "5", restarts: 0)),
    (["PBS_JOBID": "7.server"], Job(system: "pbs", id: "7.server")),
    (["LSB_JOBID": "8"], Job(system: "lsf", id: "8")),
    (["JOB_ID": "9", "SGE_ROOT": "/sge"], Job(system: "sge", id: "9")),
    (["JOB_ID": "9"], nil),
  ] as [([String: String], Job?)])
  func jobs(_ environment: [String: String], _ job: Job?) {
    #expect(Job(environment: environment) == job)
  }

  @Test func textsAreReadAgain() throws {
    for job in [nil, Self.slurm, Job(system: "pbs", id: "7.server")] {
      var owner = RunOwner.current()
      owner.job = job
      owner.isGuarded = true
      #expect(RunOwner(text: owner.text) == owner)
    }
    let me = RunOwner.current()
    #expect(me.process == Int(getpid()) && me.birth == RunOwner.birth(of: me.process) && !me.boot.isEmpty)
    for text in ["", "host n1\n", "process 3\n", "PK\u{3}\u{4}", "host \nprocess 5\n"] {
      #expect(RunOwner(text: text) == nil, "\(text)")
    }
  }

  // MARK: Files

  /// `flock` belongs to the open file, so two locks of one process stand for those of two.
  @Test func secondIsRefusedWithTheOwner() throws {
    let place = try Place()
    var owner = RunOwner.current()
    owner.job = Job(system: "slurm", id: "77", restarts: 0)
    let first = try RunLock(directory: place.path, owner: owner)
    #expect(first.isHeld && first.note == nil && place.names == ["run.lock"])
    let error = #expect(throws: FaultlineError.self) { try RunLock(directory: place.path) }
    let text = try #require(error).description
    for word in [place.path, "process \(getpid())", owner.host, "job 77", "--ended-job 77"] {
      #expect(text.contains(word), "\(word) in: \(text)")
    }
    #expect(first.isHeld && place.names == ["run.lock"])
    first.release()
    #expect(place.names.isEmpty)
    let second = try RunLock(directory: place.path)
    #expect(second.isHeld && second.note == nil)
  }

  @Test func staleOneIsTakenOver() throws {
    let place = try Place()
    var gone = RunOwner.current()
    gone.process = 1 << 24  // above any number of a process
    try gone.text.write(toFile: place.lock, atomically: true, encoding: .utf8)
    let lock = try RunLock(directory: place.path)
    #expect(lock.note?.contains("process \(gone.process)") == true)
    #expect(lock.isHeld && place.names == ["run.lock"])
    #expect(RunOwner(text: try String(contentsOfFile: place.lock, encoding: .utf8))?.process == Int(getpid()))
  }

  @Test func otherHostsAreNotGuessedAt() throws {
    let place = try Place()
    let far = RunOwner(host: "elsewhere", process: 5, boot: "x", job: Job(system: "slurm", id: "12", restarts: 0))
    try far.text.write(toFile: place.lock, atomically: true, encoding: .utf8)
    let error = #expect(throws: FaultlineError.self) { try RunLock(directory: place.path) }
    #expect(error?.message.contains("elsewhere") == true)
    #expect(RunOwner(text: try String(contentsOfFile: place.lock, encoding: .utf8)) == far, "it is left alone")
    let lock = try RunLock(directory: place.path, endedJob: "12")
    #expect(lock.isHeld && lock.note?.contains("job 12 is over") == true)
  }

  @Test func whatIsNoLockIsLeftAlone() throws {
    let place = try Place()
    try "something else\n".write(toFile: place.lock, atomically: true, encoding: .utf8)
    let error = #expect(throws: FaultlineError.self) { try RunLock(directory: place.path) }
    #expect(error?.description.contains("remove it") == true)
    #expect(try String(contentsOfFile: place.lock, encoding: .utf8) == "something else\n")
  }

  @Test func lossIsNoticed() throws {
    let place = try Place()
    let lock = try RunLock(directory: place.path)
    try lock.requireHeld()
    try FileManager.default.removeItem(atPath: place.lock)
    let other = try RunLock(directory: place.path)
    #expect(!lock.isHeld && other.isHeld)
    let error = #expect(throws: FaultlineError.self) { try lock.requireHeld() }
    #expect(error?.message.contains("no longer this run's") == true)
    lock.release()
    #expect(other.isHeld && place.names == ["run.lock"], "the other's lock stays")
  }

  private final class Taken: @unchecked Sendable {
    private let mutex = NSLock()
    private(set) var locks: [RunLock] = []
    func add(_ lock: RunLock?) { mutex.withLock { locks += [lock].compactMap { $0 } } }
  }

  /// Many find the same stale lock at once: one gets it.
  @Test func oneOfManyTakesOver() throws {
    let place = try Place()
    var gone = RunOwner.current()
    gone.process = 1 << 24
    gone.isGuarded = true
    let text = gone.text
    for _ in 0..<20 {
      try text.write(toFile: place.lock, atomically: true, encoding: .utf8)
      let path = place.path
      let taken = Taken()
      DispatchQueue.concurrentPerform(iterations: 8) { k in
        var owner = RunOwner.current()
        owner.process = (1 << 24) + 1 + k
        taken.add(try? RunLock(directory: path, owner: owner))
      }
      let locks = taken.locks
      #expect(locks.filter(\.isHeld).count == 1, "\(locks.map(\.owner.process))")
      for lock in locks { lock.release() }
      #expect(place.names.isEmpty)
    }
  }
}

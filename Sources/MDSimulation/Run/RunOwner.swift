import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Who works in a run directory: a process on a host, in a job. The text of the lock, one `key value` a line.
package struct RunOwner: Equatable, Sendable {
  /// A job of a batch system.
  package struct Job: Equatable, Sendable {
    /// `slurm`, `pbs`, `lsf` or `sge`.
    package var system: String
    /// Slurm numbers the jobs of each cluster from 1; empty where it is not known.
    package var cluster: String
    package var id: String
    /// How often this job has been put back into the queue and started again; nil where the system does not say.
    package var restarts: Int?

    package init(system: String, cluster: String = "", id: String, restarts: Int? = nil) {
      self.system = system
      self.cluster = cluster
      self.id = id
      self.restarts = restarts
    }

    /// Of this process, by what the batch system puts into its environment.
    package init?(environment: [String: String]) {
      if let id = environment["SLURM_JOB_ID"] {
        self.init(
          system: "slurm", cluster: environment["SLURM_CLUSTER_NAME"] ?? "", id: id,
          restarts: Int(environment["SLURM_RESTART_COUNT"] ?? "0"))
      } else if let id = environment["PBS_JOBID"] {
        self.init(system: "pbs", id: id)
      } else if let id = environment["LSB_JOBID"] {
        self.init(system: "lsf", id: id)
      } else if environment["SGE_ROOT"] != nil, let id = environment["JOB_ID"] {
        self.init(system: "sge", id: id)
      } else {
        return nil
      }
    }
  }

  package var host: String
  package var process: Int
  /// The kernel's name for its present start, so that a host that was started anew is known.
  package var boot: String
  /// The set of process numbers that `process` belongs to (containers have sets of their own).
  package var processSpace: String
  /// When the process began, in ticks since the host's start: numbers of processes come again.
  package var birth: String
  /// When it took the directory, UTC.
  package var since: String
  package var job: Job?
  /// Whether the system holds a lock on the file for as long as the process lives.
  package var isGuarded: Bool

  package init(
    host: String, process: Int, boot: String = "", processSpace: String = "", birth: String = "", since: String = "",
    job: Job? = nil, isGuarded: Bool = false
  ) {
    self.host = host
    self.process = process
    self.boot = boot
    self.processSpace = processSpace
    self.birth = birth
    self.since = since
    self.job = job
    self.isGuarded = isGuarded
  }

  /// This process.
  package static func current() -> RunOwner {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return RunOwner(
      host: hostName(), process: Int(getpid()),
      boot: boot?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "",
      processSpace: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? "",
      birth: birth(of: Int(getpid())) ?? "", since: ISO8601DateFormatter().string(from: Date()),
      job: Job(environment: ProcessInfo.processInfo.environment))
  }

  /// As the host calls itself: no name service is asked.
  private static func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// When a process of this host began, in ticks since the host's start; nil if there is none with this number.
  package static func birth(of process: Int) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    // Behind the name in parentheses the third field comes first; this is the twenty-second.
    let fields = text[end...].dropFirst().split(separator: " ")
    return fields.count > 19 ? String(fields[19]) : nil
  }

  // MARK: As text

  package var text: String {
    var lines = [
      "host \(host)", "process \(process)", "since \(since)", "boot \(boot)", "process_space \(processSpace)",
      "birth \(birth)", "guarded \(isGuarded ? "yes" : "no")",
    ]
    if let job {
      lines.append("job \(job.system):\(job.cluster):\(job.id)")
      if let restarts = job.restarts { lines.append("restarts \(restarts)") }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// nil if the text is not that of a lock.
  package init?(text: String) {
    var values: [Substring: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      values[parts[0]] = parts.count == 2 ? String(parts[1]) : ""
    }
    guard let host = values["host"], !host.isEmpty, let process = values["process"].flatMap({ Int($0) }) else {
      return nil
    }
    let job = values["job"]?.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    self.init(
      host: host, process: process, boot: values["boot"] ?? "", processSpace: values["process_space"] ?? "",
      birth: values["birth"] ?? "", since: values["since"] ?? "",
      job: job.flatMap {
        $0.count == 3
          ? Job(system: $0[0], cluster: $0[1], id: $0[2], restarts: values["restarts"].flatMap { Int($0) }) : nil
      },
      isGuarded: values["guarded"] == "yes")
  }

  /// For messages: "process 4242 on node17 since 2026-01-31T12:00:00Z (job 123)".
  package var description: String {
    "process \(process) on \(host)" + (since.isEmpty ? "" : " since \(since)") + (job.map { " (job \($0.id))" } ?? "")
  }

  // MARK: Is it gone?

  package enum Fate: Equatable, Sendable {
    case works
    /// Certainly; the words say why.
    case gone(String)
    /// It ran on another host, which cannot be asked.
    case unknown
  }

  /// What `newcomer` can know of this owner of a lock.
  ///
  /// - Parameters:
  ///   - isLocked: whether the system's lock on the file is held; nil where the file system has no such locks.
  ///   - endedJob: a job that is known to be over.
  ///   - birth: when a process of this host began, nil if there is none.
  package func fate(
    seenBy newcomer: RunOwner, isLocked: Bool?, endedJob: String? = nil,
    birth: (Int) -> String? = RunOwner.birth(of:)
  ) -> Fate {
    if isLocked == true { return .works }
    if !boot.isEmpty, boot == newcomer.boot {
      // One kernel: its locks live as long as their processes do.
      if isGuarded, isLocked == false { return .gone("the process has ended") }
      if processSpace == newcomer.processSpace {
        guard let found = birth(process) else { return .gone("the process has ended") }
        return found == self.birth ? .works : .gone("its number belongs to another process now")
      }
    } else if host == newcomer.host {
      return .gone("the host has been started anew")
    }
    if let job, let endedJob, job.id == endedJob { return .gone("job \(job.id) is over") }
    if let job, let mine = newcomer.job, (job.system, job.cluster, job.id) == (mine.system, mine.cluster, mine.id),
      let before = job.restarts, let now = mine.restarts, now > before
    {
      return .gone("job \(job.id) has been started anew")
    }
    return .unknown
  }
}

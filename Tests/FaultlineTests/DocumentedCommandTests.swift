import Foundation
import MDTestSupport
import Testing

/// What pages, decks and scripts tell users to type.
extension CommandLineTests {
  @Suite("Commands that users are told to type")
  struct DocumentedCommandTests {
    /// Command lines, and where they stand.
    private struct Command {
      var place: String
      var words: [String]
    }

    /// Of every sh block of the pages, every code span that begins with one of our commands, and the heads of decks and
    /// jobscripts.
    private static func commands() throws -> [Command] {
      var found: [Command] = []
      func add(_ line: String, _ place: String) {
        // Comments, redirections and what follows `;`, `|` and `&&` are other commands or none.
        let plain = line.replacing(/\s#.*$/, with: "")
        for part in plain.split(whereSeparator: { ";|&>".contains($0) }) {
          let words = part.split(whereSeparator: \.isWhitespace).map(String.init)
          if !words.isEmpty { found.append(Command(place: place, words: words)) }
        }
      }
      for page in Pages.all where page != "CHANGELOG.md" {
        var prose = ""
        for (k, part) in try Pages.text(page).components(separatedBy: "```").enumerated() {
          guard k % 2 == 1 else {
            prose += part
            continue
          }
          guard part.hasPrefix("sh\n") else { continue }
          let lines = part.dropFirst(3).replacing("\\\n", with: " ").components(separatedBy: "\n")
          for line in lines { add(line, page) }
        }
        for span in prose.matches(of: /`((?:faultline|\.build\/release\/faultline|mpirun|scripts\/[^\s`]+) [^`]*)`/) {
          add(String(span.1).replacing("\n", with: " "), page)
        }
      }
      for folder in ["inputs", "jobscripts"] {
        let place = Pages.repository.appendingPathComponent(folder).path
        for name in try FileManager.default.contentsOfDirectory(atPath: place).sorted() {
          for line in try Pages.text("\(folder)/\(name)").components(separatedBy: "\n") where line.hasPrefix("#   ") {
            add(String(line.dropFirst(4)), "\(folder)/\(name)")
          }
        }
      }
      return found
    }

    @Test("subcommands, options and bench's cases are there")
    func program() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      var helps: [String: String] = [:]
      for name in ["run", "resume", "check", "evaluate", "analyze", "build", "bench", "characterize", "schema", "report", "draw"] {
        let result = try launcher.run(name, "--help")
        #expect(result.code == 0)
        helps[name] = result.output
      }
      let cases = try launcher.run("bench", "list").output
      var count = 0
      for command in try Self.commands() {
        // Not FAULTLINE=…/faultline.
        guard
          let at = command.words.firstIndex(where: { ("/" + $0).hasSuffix("/faultline") && !$0.contains("=") }),
          at + 1 < command.words.count
        else { continue }
        // `git clone … faultline`, `--cpu-bind=… faultline` and the like: what comes before is another program's.
        let arguments = Array(command.words[(at + 1)...])
        guard let help = helps[arguments[0]] else {
          Issue.record("\(command.place): no subcommand \(arguments[0])")
          continue
        }
        count += 1
        for word in arguments.dropFirst() where word.hasPrefix("-") {
          let option = word.split(separator: "=")[0]
          #expect(Self.has(String(option), help), "\(command.place): \(arguments[0]) has no \(word)")
        }
        if arguments[0] == "bench" {
          for word in arguments.dropFirst() where word.first?.isLetter == true {
            #expect(cases.contains(word), "\(command.place): no case \(word)")
          }
        }
      }
      #expect(count >= 20)
    }

    /// Whether a text has this option as a whole word.
    private static func has(_ option: String, _ text: String) -> Bool {
      text.split { !($0.isLetter || $0.isNumber || $0 == "-") }.contains { $0 == option }
    }

    @Test("scripts are there, with these options")
    func scripts() throws {
      var count = 0
      for command in try Self.commands() {
        guard let at = command.words.firstIndex(where: { $0.hasPrefix("scripts/") || $0.hasPrefix("jobscripts/") })
        else { continue }
        let script = command.words[at].trimmingCharacters(in: .punctuationCharacters)
        let path = Pages.repository.appendingPathComponent(script).path
        // A batch system reads jobscripts, it does not start them.
        guard FileManager.default.isExecutableFile(atPath: path) || script.hasPrefix("job") && FileManager.default
          .isReadableFile(atPath: path) else {
          Issue.record("\(command.place): no script \(script)")
          continue
        }
        count += 1
        let text = try Pages.text(script)
        for word in command.words[(at + 1)...] {
          if word.hasPrefix("--") { #expect(Self.has(word, text), "\(command.place): \(script) has no \(word)") }
          if script == "scripts/compare-lammps", word.first?.isLetter == true {
            #expect(text.contains("\"\(word)\""), "\(command.place): no case \(word)")
          }
        }
      }
      #expect(count >= 10)
    }

    private static let hasPython = FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")
      || (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/python3") }

    @Test("every shell script explains itself") func shellHelp() throws { try help("bash", ["bash"]) }

    /// Without the packages that some of them need for their work (`-S`): help must not.
    @Test("every Python script explains itself", .enabled(if: hasPython, "there is no python3"))
    func pythonHelp() throws { try help("python3", ["python3", "-S"]) }

    private func help(_ language: String, _ interpreter: [String]) throws {
      let folder = Pages.repository.appendingPathComponent("scripts")
      var count = 0
      for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
        let path = folder.appendingPathComponent(name).path
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
          text.hasPrefix("#!/usr/bin/env \(language)\n")
        else { continue }
        count += 1
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = interpreter + [path, "--help"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(name): \(answer)")
        #expect(answer.contains("scripts/\(name)") || answer.contains("usage: \(name)"), "\(name): \(answer)")
      }
      #expect(count >= 4)
    }
  }
}

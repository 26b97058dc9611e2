import Foundation
import MDCore
import MDDeck
import MDParallel
import MDSimulation
import MDTestSupport
import Testing

@Suite("What users read and start from")
struct DocumentTests {
  private static let inputs =
    ((try? FileManager.default.contentsOfDirectory(
      at: Pages.repository.appendingPathComponent("inputs"), includingPropertiesForKeys: nil)) ?? [])
    .filter { $0.pathExtension == "yaml" }.map { "inputs/" + $0.lastPathComponent }.sorted()

  @Test("docs/deck.md is what `faultline schema --markdown` prints")
  func deckReference() throws {
    let document = try Pages.text("docs/deck.md")
    let reference = Registry.deckReference()
    let difference = zip(document.split(separator: "\n"), reference.split(separator: "\n")).first { $0 != $1 }
    #expect(
      document.trimmingCharacters(in: .newlines) == reference.trimmingCharacters(in: .newlines),
      "run `faultline schema --markdown > docs/deck.md`; first difference: \(String(describing: difference))")
  }

  // MARK: Decks

  @Test("every deck of inputs/ passes the dry run without a warning", arguments: inputs)
  func shippedDecks(_ path: String) throws {
    var text = try Pages.text(path)
    if !text.contains("stages:"), !text.contains("search:") {
      // For `evaluate`: structure and stages are not its business.
      #expect(try RunPlan.parse(text, file: path, schema: Registry.schema, purpose: .evaluate).warnings.isEmpty)
      text += "structure: {lattice: {type: bcc, constant: 3.16, species: [Mo], size: [3, 3, 3]}}\n"
      text += "stages: [{minimize: {}}]\n"
    }
    // What a million atoms need besides time, a thousand need too.
    let smaller = text.replacingOccurrences(of: "size: [63, 63, 63]", with: "size: [7, 7, 7]")
      .replacingOccurrences(of: "radius: 340", with: "radius: 60")
      .replacingOccurrences(of: "cell: [230, 230, 230]", with: "cell: [60, 60, 60]")
    #expect((smaller != text) == path.hasSuffix("million.yaml"))
    do {
      let log = try check(smaller, ranks: 1)
      #expect(!log.contains("warning"), "\(log)")
    } catch { Issue.record("\(error)") }
  }

  @Test("decks that the pages show pass the dry run", arguments: PageDeck.all)
  func pageDecks(_ deck: PageDeck) throws {
    let text = try deck.completed()
    guard let missing = deck.needs else {
      do { _ = try check(text, ranks: deck.ranks) } catch { Issue.record("\(error)\n\(text)") }
      return
    }
    do { _ = try Registry.schema.validate(text, file: deck.page, for: .run, checksFiles: false) } catch {
      Issue.record("\(error)\n\(text)")
    }
    #expect("the page need not say that \(missing) is missing") {
      _ = try check(text, ranks: deck.ranks)
    } throws: { "\($0)".contains(missing) }
  }

  /// More blocks than these cannot be checked in full only where a page must show a published potential.
  @Test("the repository has decks, and pages show them")
  func counts() {
    #expect(Self.inputs.count >= 10)
    #expect(PageDeck.all.count >= 60)
    #expect(PageDeck.all.filter { $0.needs != nil }.count == 10)
  }

  /// `faultline check` of this deck, in a folder with what pages name beside it: the potentials of the repository, a
  /// structure of one's own, networks that one has trained. Returns the log.
  private func check(_ deck: String, ranks: Int) throws -> String {
    let files = FileManager.default
    let folder = NSTemporaryDirectory() + "faultline-page-\(UUID().uuidString.prefix(8))"
    try files.createDirectory(atPath: folder + "/inputs", withIntermediateDirectories: true)
    defer { try? files.removeItem(atPath: folder) }
    let potentials = Pages.repository.appendingPathComponent("potentials").path
    var links = [("potentials", potentials), ("inputs/potentials", potentials)]
    links.append(("inputs/rare.table", Pages.repository.appendingPathComponent("Tests/Reference/table/rare.table").path))
    for k in 1...4 { links.append(("inputs/run\(k)", potentials + "/hdnnp/Cu-example")) }
    for k in 1...3 { links.append(("inputs/salt\(k)", potentials + "/hdnnp/NaCl-example")) }
    for (name, target) in links { try files.createSymbolicLink(atPath: "\(folder)/\(name)", withDestinationPath: target) }
    try """
      2
      Lattice="3 0 0 0 3 0 0 0 9" Properties=species:S:1:pos:R:3
      Cu 0 0 0
      Cu 0 0 3

      """.write(toFile: folder + "/inputs/slab.extxyz", atomically: true, encoding: .utf8)
    try """
      three types

      3 atoms
      3 atom types
      0 4 xlo xhi
      0 4 ylo yhi
      0 12 zlo zhi

      Masses

      1 6.94
      2 30.974
      3 32.06

      Atoms # atomic

      1 1 0 0 0
      2 2 0 0 3
      3 3 0 0 6

      """.write(toFile: folder + "/inputs/slab.data", atomically: true, encoding: .utf8)
    let path = folder + "/inputs/deck.yaml"
    try deck.write(toFile: path, atomically: true, encoding: .utf8)
    let lines = Lines()
    try DryRun.run(
      deck: path, output: folder + "/run", ranks: ranks, communicator: LoopbackCommunicator(),
      log: RunLog(isTerminal: false) { lines.text += $0 })
    return lines.text
  }

  private final class Lines { var text = "" }

  // MARK: Links

  @Test("links and anchors lead somewhere", arguments: Pages.all)
  func links(_ page: String) throws {
    let folder = Pages.repository.appendingPathComponent(page).deletingLastPathComponent()
    for match in Self.prose(try Pages.text(page)).matches(of: /\]\(([^)\s]+)\)/) {
      let target = String(match.1)
      if target.hasPrefix("http://") || target.hasPrefix("https://") { continue }
      let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let file = parts[0].isEmpty ? Pages.repository.appendingPathComponent(page) : folder.appendingPathComponent(parts[0])
      guard FileManager.default.fileExists(atPath: file.path) else {
        Issue.record("\(page): \(target) is not there")
        continue
      }
      if parts.count > 1 {
        let anchors = Self.anchors(try String(contentsOf: file, encoding: .utf8))
        #expect(anchors.contains(parts[1]), "\(page): no heading \(target)")
      }
    }
  }

  @Test("files that pages and decks name in passing are there", arguments: Pages.all + inputs)
  func names(_ page: String) throws {
    // History names what was there.
    guard page != "CHANGELOG.md" else { return }
    for match in try Pages.text(page).matches(
      of: /(?:^|\W)((?:inputs|scripts|jobscripts|Sources|Tests|docs|potentials)\/[\w\-\/.+]*\w)/)
    {
      let name = String(match.1)
      // The deck that the quick start has its readers write.
      if name == "inputs/first.yaml" { continue }
      let place = Pages.repository.appendingPathComponent(name).path
      #expect(FileManager.default.fileExists(atPath: place), "\(page): \(name) is not there")
    }
  }

  /// Without blocks of code.
  private static func prose(_ text: String) -> String {
    var inside = false
    return text.components(separatedBy: "\n").filter { line in
      if line.hasPrefix("```") { inside.toggle() }
      return !inside
    }.joined(separator: "\n")
  }

  /// What GitHub makes of headings.
  private static func anchors(_ text: String) -> Set<String> {
    var found: Set<String> = []
    for line in prose(text).components(separatedBy: "\n") where line.hasPrefix("#") {
      let title = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
      let plain = title.replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.1 }
      let kept = plain.filter { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" || $0 == " " }
      let anchor = kept.replacingOccurrences(of: " ", with: "-")
      var (name, k) = (anchor, 0)
      while !found.insert(name).inserted {
        k += 1
        name = "\(anchor)-\(k)"
      }
    }
    return found
  }
}

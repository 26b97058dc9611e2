import Foundation
import MDTestSupport
import Testing

/// The short forms at the end of the pages in docs/examples: their commands run, and come to the numbers that the pages say.
extension CommandLineTests {
  @Suite("Short forms of the examples")
  struct ExamplePageTests {
    static let pages = Pages.all.filter { $0.hasPrefix("docs/examples/") && !$0.hasSuffix("README.md") }

    @Test("there are eight pages, and a list of them")
    func count() throws {
      #expect(Self.pages.count == 8)
      let list = try Pages.text("docs/examples/README.md")
      for page in Self.pages { #expect(list.contains("(\(page.split(separator: "/").last!))"), "\(page)") }
    }

    @Test("commands run and come to what the page says", arguments: pages)
    func shortForm(_ page: String) throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      for name in ["inputs", "potentials"] {
        try FileManager.default.createSymbolicLink(
          atPath: launcher.path(name), withDestinationPath: Launcher.repository.appendingPathComponent(name).path)
      }
      let section = try #require(try Pages.text(page).components(separatedBy: "\n## Short form\n").dropFirst().first)
        .components(separatedBy: "\n## ")[0]
      let block = try #require(section.components(separatedBy: "```sh\n").dropFirst().first).components(separatedBy: "```")[0]
      var commands = 0
      for line in block.replacing("\\\n", with: " ").split(separator: "\n") {
        let words = Self.words(String(line))
        try #require(words.first == "faultline", "\(line)")
        commands += 1
        let result = try launcher.start(Array(words.dropFirst())).wait(timeout: 900)
        #expect(result.code == 0, "\(line): \(result.errors)")
      }
      #expect(commands > 0)
      var numbers = 0
      for row in section.matches(of: /\n\| `([^`]+)` \| `([^`]+)` \| ([^ |]+) \| ([^ |]+) \|/) {
        let found = try #require(try Self.number(String(row.2), in: String(row.1), of: launcher), "\(row.1): no \(row.2)")
        let (expected, band) = (try #require(Double(row.3)), try #require(Double(row.4)))
        #expect(abs(found - expected) <= band, "\(row.1) \(row.2): \(found), the page says \(expected) within \(band)")
        numbers += 1
      }
      #expect(numbers > 0)
    }

    /// Parted at spaces outside of double quotes.
    private static func words(_ line: String) -> [String] {
      var (found, word, quoted) = ([String](), "", false)
      for character in line {
        if character == "\"" {
          quoted.toggle()
        } else if character == " ", !quoted {
          if !word.isEmpty { found.append(word) }
          word = ""
        } else {
          word.append(character)
        }
      }
      return word.isEmpty ? found : found + [word]
    }

    /// Of JSON by keys and places from 0, joined by points; of CSV the column's last value.
    private static func number(_ key: String, in file: String, of launcher: Launcher) throws -> Double? {
      if file.hasSuffix(".csv") { return CSVTable.rows(try launcher.read(file)).last?[key] }
      var value: Any = try launcher.json(file)
      for part in key.split(separator: ".") {
        if let list = value as? [Any], let place = Int(part), list.indices.contains(place) {
          value = list[place]
        } else if let next = (value as? [String: Any])?[String(part)] {
          value = next
        } else {
          return nil
        }
      }
      return (value as? NSNumber)?.doubleValue
    }
  }
}

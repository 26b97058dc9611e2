import Foundation

/// The pages that users read.
package enum Pages {
  package static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Paths from the repository's root, without what builds leave there.
  package static let all: [String] = {
    let top = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]
    let below = ["docs", "potentials"].flatMap { folder in
      (FileManager.default.enumerator(atPath: repository.appendingPathComponent(folder).path)?
        .compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".md") }.map { folder + "/" + $0 }
    }
    return top + below.sorted()
  }()

  package static func text(_ page: String) throws -> String {
    try String(contentsOf: repository.appendingPathComponent(page), encoding: .utf8)
  }
}

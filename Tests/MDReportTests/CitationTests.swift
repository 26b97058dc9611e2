import Foundation
import MDCore
import MDReport
import Testing

@Suite("Cards, published values, works to cite") struct CitationTests {
  @Test("works have keys of their own, a digital object identifier each, and BibTeX whose braces close") func bibtex() {
    #expect(Set(Citation.all.map(\.key)).count == Citation.all.count)
    #expect(Set(Citation.all.map(\.doi).filter { !$0.isEmpty }).count == Citation.all.count { !$0.doi.isEmpty })
    for work in Citation.all {
      #expect(work.kind == "book" || work.doi.wholeMatch(of: /10\.\d{4}\/[A-Za-z0-9.()\-\/]+/) != nil, "\(work.key): \(work.doi)")
      #expect(work.key.hasSuffix("\(work.year)") && !work.uses.isEmpty)
      let text = work.bibtex
      #expect(text.count { $0 == "{" } == text.count { $0 == "}" } && text.allSatisfy(\.isASCII) && text.hasPrefix("@\(work.kind){\(work.key),\n"), "\(text)")
    }
  }

  @Test("what a deck uses is cited, and nothing else") func used() throws {
    let deck = #"potential: [{snap: {coefficients: p/Mo_Zuo_JPCA2020.snapcoeff}}, {coulomb: {method: pppm}}]\nstages: [{dynamics: {thermostat: {nose_hoover: {temperature: 300}}}}]\nanalysis: {measure: [{templates: {}}]}\n"#
    let html = try PageTests.page([
      "run.json": RunSample.summary.replacing("\"eam\"", with: "\"snap\", \"coulomb\""), "search.json": "{\"deck\": {\"text\": \"\(deck)\"}}",
    ])
    let cited = Citation.all.map(\.key).filter { html.contains("{\($0),") }
    #expect(Set(cited) == ["thompson2015", "zuo2020", "hockney1988", "martyna1992", "larsen2016"])
    #expect(html.contains("@software{faultline,") && html.contains("Thompson et al. 2015: SNAP."))
  }

  static let card = """
    # SNAP
    | quantity | value |
    | elastic | C11 1 |

    **Good for.** Tests & more.

    ## Numbers

    | quantity | value | unit |
    |---|---|---|
    | a | 3.2 | Å |
    | C11 | 450 | GPa |
    | surface (110) | 2.5 | J/m² |
    """

  private func page(_ published: String?) throws -> String {
    let files = try RunSample(["Mo.md": Self.card, "Mo.snapcoeff": ""].merging(published.map { ["Mo.published.csv": $0] } ?? [:]) { $1 }, name: "potentials")
    defer { files.remove() }
    return try PageTests.page([
      "run.json": RunSample.summary.replacing("\"title\"", with: "\"potential_files\": [\"\(files.path)/Mo.snapcoeff\", \"\(files.path)/Mo.snapparam\"], \"title\"")
    ])
  }

  @Test("the card's numbers stand beside what is published, with deviation and source") func published() throws {
    let html = try page("quantity,value,unit,kind,source,doi\nC11,500,GPa,DFT,\"A, B 2020\",10.1/x\nC11,400,GPa,experiment,C 1999,\na,32,nm,DFT,D,\n")
    let start = try #require(html.range(of: "<h3>Mo</h3>")), end = try #require(html.range(of: "Good for."))
    let table = html[start.upperBound..<end.lowerBound]
    #expect(table.contains("−10 %") && table.contains("+12.5 %") && table.contains("DFT: A, B 2020, doi 10.1/x") && table.contains("experiment: C 1999<"))
    // Other units are not compared; a card is there once for both of its files.
    #expect(!table.contains("nm") && html.components(separatedBy: "<h3>Mo</h3>").count == 2 && html.contains("Tests &amp; more."))
    let number = try #require(try RunSample.numbers(html).first { $0["name"] as? String == "Mo: C11" })
    #expect(number["value"] as? Double == 450 && number["unit"] as? String == "GPa")
    #expect(try page(nil).contains("No published values"))
  }

  @Test("published values without a source, a number or a column are refused by line", arguments: [
    ("quantity,value,unit,kind,source\nC11,5,GPa,DFT,A\n", ":1", "columns"), ("quantity,value,unit,kind,source,doi\nC11,5,GPa,DFT,,\n", ":2", "no source"),
    ("quantity,value,unit,kind,source,doi\na,1,Å,DFT,A,\nC11,x,GPa,DFT,A,\n", ":3", "'x' is no number"),
    ("quantity,value,unit,kind,source,doi\na,1,Å,DFT,A, B,\n", "", "6 fields"),
  ])
  func refused(_ text: String, _ line: String, _ words: String) throws {
    let sample = try RunSample(["x.published.csv": text])
    defer { sample.remove() }
    let error = #expect(throws: FaultlineError.self) { _ = try PublishedValues(sample.path + "/x.published.csv") }
    let said = error.map { "\($0)" } ?? ""
    #expect(said.contains(words) && said.contains("published.csv" + line), "\(said)")
    #expect(try page(text).contains("could not be read"))
  }

  /// Of the repository, and of the DFT data where these are at hand.
  @Test("the values that come along can be read, are of their card, and are those of their source") func shipped() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/potentials/snap/"
    let reference = ProcessInfo.processInfo.environment["FAULTLINE_REFERENCE"].flatMap { FileManager.default.contents(atPath: $0 + "/workflow/snap/dft-training-set.json") }
    let elements = try reference.map { try JSONSerialization.jsonObject(with: $0) as? [String: Any] }??["elements"] as? [String: Any]
    for element in ["Cu", "Mo", "Li", "Si", "Ge"] {
      let rows = try PublishedValues(folder + "\(element)_Zuo_JPCA2020.published.csv").rows
      let card = try String(contentsOfFile: folder + "\(element)_Zuo_JPCA2020.md", encoding: .utf8)
      #expect(!rows.isEmpty)
      for row in rows { #expect(card.contains("| \(row.quantity) | ") && card.contains(" | \(row.unit) |"), "\(element) \(row.quantity)") }
      guard let data = elements?[element] as? [String: Any], let dft = data["dft"] as? [String: Any] else { continue }
      for row in rows where row.kind.hasPrefix("DFT") {
        let key = row.quantity == "a" ? "a0_A" : row.quantity == "C44" ? "C44_clamped_ions" : row.quantity
        var theirs = dft[key] as? Double
        if row.quantity.hasPrefix("surface") {
          let indices = row.quantity.filter(\.isNumber).map(String.init).joined(separator: "_")
          let slabs = data["surfaces_thin_slabs_as_in_the_set"] as? [[String: Any]] ?? []
          theirs = slabs.first { ($0["name"] as? String)?.hasSuffix("_(\(indices))") == true }?["dft_J_m2"] as? Double
        }
        let found = try #require(theirs, "\(element) \(row.quantity)")
        #expect(abs(row.value - found) < 0.06 && abs(row.value / found - 1) < 0.005, "\(element) \(row.quantity): \(row.value) \(found)")
      }
    }
  }
}

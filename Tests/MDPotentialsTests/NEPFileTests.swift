import Foundation
import MDCore
import MDPotentialFiles
import MDTestSupport
import Testing

@Suite struct NEPFileTests {
  static func read(_ text: String) throws -> NEPFile {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".txt")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try NEPReader.read(file.path)
  }

  static func near(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-14 * max(1, abs($1)) }
  }

  @Test("what is written is what is read, in every version", arguments: [3, 4, 5])
  func versions(_ version: Int) throws {
    var written = NEPSample.random(["Te", "Pb"], seed: 9, version: version, cutoffs: (5, 4))
    written.radialCutoffs = [5, 5, 5, 5]
    written.angularCutoffs = [4, 4, 4, 4]
    if version == 4 { written.networks[1].offset = written.networks[0].offset }
    for ending in ["\n", "\r\n"] {
      let file = try Self.read(
        NEPSample.text(written, cutoffs: "5 4 80 40").replacingOccurrences(of: "\n", with: ending))
      #expect(file.version == version && file.elements == ["Te", "Pb"] && file.charges == nil && file.repulsion == nil)
      #expect(file.radialCutoffs == written.radialCutoffs && file.angularCutoffs == written.angularCutoffs)
      #expect(file.radialCount == 4 && file.radialBasis == 6 && file.angularCount == 5 && file.angularBasis == 5)
      #expect(file.degree == 4 && file.invariants == [.q222, .q1111] && file.neurons == 7)
      #expect(file.descriptorCount == 4 + 5 * 6)
      #expect(Self.near(file.radialCoefficients, written.radialCoefficients))
      #expect(Self.near(file.angularCoefficients, written.angularCoefficients))
      for (a, b) in zip(file.networks, written.networks) {
        #expect(Self.near(a.weights, b.weights) && Self.near(a.biases, b.biases) && Self.near(a.energy, b.energy))
        #expect(abs(a.offset - b.offset) < 1e-14 && a.charge.isEmpty)
      }
    }
  }

  @Test("charges: two outputs and the root of ε∞", arguments: [NEPFile.Charges.full, .reciprocal])
  func charges(_ kind: NEPFile.Charges) throws {
    var written = NEPSample.random(["Te", "Pb"], seed: 10, charges: kind)
    written.networks[1].offset = written.networks[0].offset
    let file = try Self.read(NEPSample.text(written, cutoffs: "4.6 3.9 80 40"))
    #expect(file.charges == kind && file.refraction == written.refraction)
    #expect(Self.near(file.networks[1].charge, written.networks[1].charge) && !file.networks[1].charge.isEmpty)
    #expect(Self.near(file.networks[1].energy, written.networks[1].energy))
    #expect(Self.near(file.angularCoefficients, written.angularCoefficients))
  }

  static let plain = NEPSample.random(["Te", "Pb"], seed: 11)

  @Test("cutoffs: of all, of elements with the mean of two, with factors of the covalent radii")
  func cutoffs() throws {
    func read(_ cutoffs: String) throws -> NEPFile { try Self.read(NEPSample.text(Self.plain, cutoffs: cutoffs)) }
    let own = try read("6 4 5 3 80 40")
    #expect(own.radialCutoffs == [6, 5.5, 5.5, 5] && own.angularCutoffs == [4, 3.5, 3.5, 3])
    // 123/75 and 130/75 Å.
    let (te, pb) = (NEPFile.covalentRadius(atomicNumber: 52)!, NEPFile.covalentRadius(atomicNumber: 82)!)
    #expect(te == 1.64 && pb == 1.73333)
    let factors = try read("6 5 80 40 1.6 1.2 0.7")
    #expect(Self.near(factors.radialCutoffs, [1.6 * 2 * te, 1.6 * (te + pb), 1.6 * (te + pb), 1.6 * 2 * pb]))
    #expect(Self.near(factors.angularCutoffs, [1.2 * 2 * te, 1.2 * (te + pb), 1.2 * (te + pb), 1.2 * 2 * pb]))
    #expect(try read("6 5 80 40 0 0 0").radialCutoffs == [6, 6, 6, 6])
    #expect(NEPFile.covalentRadius(atomicNumber: 1) == 0.426667 && NEPFile.covalentRadius(atomicNumber: 95) == nil)
  }

  @Test("zbl: universal, with a factor of the covalent radii, of a table")
  func repulsion() throws {
    let repulsive = NEPSample.random(["Te", "Pb"], seed: 12, repulsive: true)
    func read(_ zbl: String, _ cutoffs: String = "5 4 80 40") throws -> [NEPFile.Repulsion] {
      try #require(try Self.read(NEPSample.text(repulsive, cutoffs: cutoffs, zbl: zbl)).repulsion)
    }
    let plain = try read("1 2")
    #expect(plain.count == 4 && plain.allSatisfy { $0.inner == 1 && $0.outer == 2 })
    #expect(plain[2].amplitudes == NEPFile.universalAmplitudes && plain[1].exponents == NEPFile.universalExponents)
    let factor = try read("1 2.3 0.7")
    #expect(factor.allSatisfy { $0.inner == 0 } && factor[3].outer == 2.3)
    #expect(abs(factor[0].outer - 0.7 * 2 * 1.64) < 1e-12)
    #expect(abs(try read("1 2.3", "5 4 80 40 0 0 0.7")[0].outer - 0.7 * 2 * 1.64) < 1e-12)
    #expect(try read("0 0") == repulsive.repulsion)
    // Rows of the table are those of the pairs with the first element, then with the second.
    let three = NEPSample.random(["Te", "Pb", "Sn"], seed: 15, repulsive: true)
    #expect(try Self.read(NEPSample.text(three, cutoffs: "5 4 80 40", zbl: "0 0")).repulsion == three.repulsion)
  }

  @Test("only what belongs to the elements in use is kept")
  func restriction() throws {
    let all = NEPSample.random(["Ag", "Na", "Cl"], seed: 13, repulsive: true)
    let some = all.restricted(to: [2, 0])
    #expect(some.elements == ["Cl", "Ag"] && some.networks.count == 2)
    #expect(some.networks[0].energy == all.networks[2].energy)
    let size = all.angularCount * all.angularBasis
    #expect(Array(some.angularCoefficients[size..<2 * size]) == Array(all.angularCoefficients[(6 * size)..<(7 * size)]))
    #expect(some.radialCutoffs == [8, 6, 2, 0].map { all.radialCutoffs[$0] })
    #expect(some.repulsion?.map(\.outer) == [8, 6, 2, 0].map { all.repulsion![$0].outer })
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var original: String
    var changed: String
    var says: [String]
    var testDescription: String { changed }
  }

  static let faults = [
    Fault(original: "nep4_zbl 2 Te Pb", changed: "MTP", says: [":1", "no tag", "nep4 2 Te Pb"]),
    Fault(original: "nep4_zbl", changed: "nep2_zbl", says: [":1", "nep2", "nep3"]),
    Fault(original: "nep4_zbl", changed: "nep", says: [":1", "`nep`"]),
    Fault(original: "nep4_zbl", changed: "nep4_dipole", says: [":1", "dipole"]),
    Fault(original: "nep4_zbl", changed: "nep4_temperature", says: [":1", "temperature"]),
    Fault(original: "nep4_zbl", changed: "nep4_charge3", says: [":1", "nep4_charge3", "_charge2"]),
    Fault(original: "nep4_zbl", changed: "nep3_charge1", says: [":1", "nep3_charge1", "nep4"]),
    Fault(original: "nep4_zbl", changed: "nep4_charge1_zbl", says: [":1", "nep4_charge1_zbl"]),
    Fault(original: "2 Te Pb", changed: "3 Te Pb", says: [":1", "2 symbols", "3 elements"]),
    Fault(original: "2 Te Pb", changed: "2 Te Te", says: [":1", "twice"]),
    Fault(original: "2 Te Pb", changed: "2 Te Qq", says: [":1", "Qq"]),
    Fault(original: "2 Te Pb", changed: "0", says: [":1", "0"]),
    Fault(original: "zbl 1 2\n", changed: "", says: [":2", "`zbl`", "cutoff"]),
    Fault(original: "zbl 1 2", changed: "zbl 2 1", says: [":2", "2.0 to 1.0"]),
    Fault(original: "zbl 1 2", changed: "zbl 1", says: [":2", "1 values"]),
    Fault(original: "zbl 1 2", changed: "zbl 1 2 -0.5", says: [":2", "-0.5"]),
    Fault(original: "cutoff 5 4 80 40", changed: "cutoff 4 5 80 40", says: [":3", "4.0 and 5.0"]),
    Fault(original: "cutoff 5 4 80 40", changed: "cutoff 5 4 80", says: [":3", "3 values", "4 to 7"]),
    Fault(original: "cutoff 5 4 80 40", changed: "cutoff 5 4 5 4 8", says: [":3", "5 values", "6"]),
    Fault(original: "cutoff 5 4 80 40", changed: "cutoff 500 4 80 40", says: [":3", "500"]),
    Fault(original: "n_max 3 4", changed: "n_max 3 99", says: [":4", "99", "30"]),
    Fault(original: "n_max 3 4", changed: "n_max 3", says: [":4", "1 values"]),
    Fault(original: "basis_size 5 4", changed: "basis_size 5 x", says: [":5", "“x”"]),
    Fault(original: "l_max 4 2 1 0 0 0 0", changed: "l_max 9 2 1", says: [":6", "9"]),
    Fault(original: "l_max 4 2 1 0 0 0 0", changed: "l_max 1 2 1", says: [":6", "[2, 2, 2]", "1"]),
    Fault(original: "l_max 4 2 1 0 0 0 0", changed: "l_max 4 3 1", says: [":6", "3"]),
    Fault(original: "ANN 7 0", changed: "ANN 7 5", says: [":7", "5"]),
    Fault(original: "ANN 7 0", changed: "ANN 8 0", says: ["of 807", "truncated"]),
    Fault(original: "ANN 7 0", changed: "ANN 6 0", says: ["more than 663"]),
  ]

  @Test("a damaged file is refused with its line", arguments: faults)
  func refuses(_ fault: Fault) throws {
    let repulsive = NEPSample.random(["Te", "Pb"], seed: 12, repulsive: true)
    let text = NEPSample.text(repulsive, cutoffs: "5 4 80 40", zbl: "1 2")
    #expect(throws: Never.self) { try Self.read(text) }
    let damaged = text.replacingOccurrences(of: fault.original, with: fault.changed)
    #expect(damaged != text)
    let error = try #require(throws: FaultlineError.self) { try Self.read(damaged) }
    for part in fault.says { #expect("\(error)".contains(part), "\(error) lacks \(part)") }
  }

  @Test("a short file says which number is missing, a long one how many there must be, a bad one where")
  func numbers() throws {
    let text = NEPSample.text(Self.plain, cutoffs: "5 4 80 40")
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let count = lines.count - 6
    let short = try #require(throws: FaultlineError.self) { try Self.read(lines.dropLast().joined(separator: "\n")) }
    #expect("\(short)".contains("number \(count) of \(count)"))
    let long = try #require(throws: FaultlineError.self) { try Self.read(text + "0.5\n") }
    #expect("\(long)".contains("more than \(count)") && "\(long)".contains(":\(count + 7)"))
    lines[20] = "  nan"
    let bad = try #require(throws: FaultlineError.self) { try Self.read(lines.joined(separator: "\n")) }
    #expect("\(bad)".contains(":21") && "\(bad)".contains("nan"))
  }

  @Test("charges with cutoffs by element are refused")
  func chargedCutoffs() throws {
    let charged = NEPSample.random(["Te", "Pb"], seed: 14, charges: .full)
    let error = try #require(throws: FaultlineError.self) {
      try Self.read(NEPSample.text(charged, cutoffs: "5 4 4.5 4 80 40"))
    }
    #expect("\(error)".contains("by element") && "\(error)".contains(":2"))
  }
}

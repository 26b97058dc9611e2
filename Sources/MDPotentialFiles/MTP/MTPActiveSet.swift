import Foundation
import MDCore

/// The training set's selected rows, by which a potential tells how far an atom's surroundings are from it.
///
/// θ are the potential's n coefficients: radial c (centre, neighbour, μ, β), then ξ⁰, then ξ. With v = ∂V/∂θ the
/// grade is γ = max_j |Σ_k X[j, k] v_k|, where A Xᵀ = 1 and the rows of A are the selected v (Podryabinkin and
/// Shapeev, Comput. Mater. Sci. 140, 171 (2017)). γ ≤ 1 interpolates; from 2 on the answer is suspicious, from 10 on
/// worthless.
package struct MTPActiveSet: Sendable {
  package enum Kind: Sendable, Equatable {
    /// v of each atom.
    case neighborhood
    /// One v for the whole system, Σ v_i · weight / N^(scaling/2).
    case configuration(weight: Double, scaling: Int)
  }
  package var kind: Kind
  /// n.
  package var count: Int
  /// X, row by row.
  package var inverse: [Double]

  package init(kind: Kind, count: Int, inverse: [Double]) {
    self.kind = kind
    self.count = count
    self.inverse = inverse
  }
}

extension MTPActiveSet {
  /// What follows the text of a file, if anything: MLIP-3's `.almtp` (`#MVS_v1.1`, or four bare weights), or the state
  /// of MLIP-2 (`.als`, `.mvs`), which begins with `^`. Matrices are little-endian doubles.
  /// - Throws: `FaultlineError` naming the file, and what is missing or no number.
  static func read(_ bytes: ArraySlice<UInt8>, count n: Int, file: String) throws -> MTPActiveSet? {
    var rest = Cursor(bytes: bytes, file: file)
    rest.skipSpace()
    guard let mark = rest.next() else { return nil }
    var weights: (energy: Double, force: Double, stress: Double, site: Double)
    var scaling = 2
    switch mark {
    case UInt8(ascii: "#"):
      let version = rest.line()
      guard version.isEmpty || version == "MVS_v1.1" else {
        throw rest.error("active sets of version “\(version)” are not supported", hint: "MVS_v1.1 is")
      }
      var values: [Double] = []
      if version.isEmpty {
        for _ in 0..<4 { values.append(try rest.number()) }
      } else {
        for key in ["energy_weight", "force_weight", "stress_weight", "site_en_weight", "weight_scaling"] {
          let words = rest.line().split(separator: " ")
          guard words.count == 2, words[0] == key, let value = Double(words[1]), value.isFinite else {
            throw rest.error(
              "`\(key)` and a number are needed behind the potential", hint: "is the active set damaged?")
          }
          values.append(value)
        }
        guard let power = Int(exactly: values[4]), (0...2).contains(power) else {
          throw rest.error("weight_scaling is \(values[4])", hint: "0, 1 or 2 is allowed")
        }
        scaling = power
      }
      weights = (values[0], values[1], values[2], values[3])
    case UInt8(ascii: "^"):
      let w = try rest.doubles(4)
      weights = (w[1], w[2], w[3], w[0])
    default:
      throw rest.error("the text of the potential is followed by something that is no active set")
    }
    rest.skipSpace()
    guard rest.next() == UInt8(ascii: "#") else {
      throw rest.error("`#` is needed before the matrices of the active set")
    }
    let rows = try rest.doubles(n * n)
    let inverse = try rest.doubles(n * n)
    // One row and one column against each other: order and size of the matrices are right.
    for j in Set([0, n / 2, n - 1]) {
      var product = 0.0
      for k in 0..<n { product += rows[j * n + k] * inverse[j * n + k] }
      guard abs(product - 1) < 1e-3 else {
        throw rest.error("the matrices of the active set are not each other's inverse", hint: "is the file damaged?")
      }
    }
    let kind: Kind
    if weights.site != 0 {
      kind = .neighborhood
    } else if weights.energy != 0 {
      kind = .configuration(weight: weights.energy, scaling: scaling)
    } else {
      throw rest.error(
        "the active set selects by forces or stresses alone, which is not supported",
        hint: "make one by neighbourhood or by energy")
    }
    return MTPActiveSet(kind: kind, count: n, inverse: inverse)
  }

  private struct Cursor {
    let bytes: ArraySlice<UInt8>
    let file: String
    var place: Int

    init(bytes: ArraySlice<UInt8>, file: String) {
      self.bytes = bytes
      self.file = file
      place = bytes.startIndex
    }

    func error(_ message: String, hint: String? = nil) -> FaultlineError {
      FaultlineError(.input, message, hint: hint, at: SourceLocation(file: file))
    }

    mutating func skipSpace() { while place < bytes.endIndex, bytes[place] <= 32 { place += 1 } }

    mutating func next() -> UInt8? {
      guard place < bytes.endIndex else { return nil }
      place += 1
      return bytes[place - 1]
    }

    mutating func line() -> String {
      let end = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
      defer { place = min(end + 1, bytes.endIndex) }
      return String(decoding: bytes[place..<end], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }

    mutating func number() throws -> Double {
      guard let value = Double(line()), value.isFinite else { throw error("a weight of the active set is no number") }
      return value
    }

    mutating func doubles(_ count: Int) throws -> [Double] {
      guard bytes.endIndex - place >= 8 * count else {
        throw error(
          "the active set ends too early",
          hint: "\(8 * count) bytes are needed where \(bytes.endIndex - place) are left")
      }
      let values = (0..<count).map { k in
        let start = place + 8 * k
        return Double(bitPattern: (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) })
      }
      guard values.allSatisfy(\.isFinite) else { throw error("the active set holds what is no finite number") }
      place += 8 * count
      return values
    }
  }
}

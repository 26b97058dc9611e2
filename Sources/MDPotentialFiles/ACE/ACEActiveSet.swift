import Foundation
import MDCore

/// The inverse active set of each element, by which extrapolation is told (Lysogorskiy et al., Phys. Rev. Mater. 7,
/// 043801 (2023)): γ = max_j |Σ_k v_k M_kj|.
///
/// Linear: v_k = b_k, the functions without their coefficients c, N of them. Non-linear: v = w_p F′_p b_k, p by p.
package struct ACEActiveSet: Sendable {
  /// Of each element, row by row.
  package var matrices: [[Double]]
  package var isLinear: Bool
  /// Rows of each.
  package var sizes: [Int]

  package init(matrices: [[Double]], isLinear: Bool, sizes: [Int]) {
    self.matrices = matrices
    self.isLinear = isLinear
    self.sizes = sizes
  }

  func restricted(to kept: [Int]) -> ACEActiveSet {
    ACEActiveSet(matrices: kept.map { matrices[$0] }, isLinear: isLinear, sizes: kept.map { sizes[$0] })
  }

  /// An `.asi` file: an archive of numpy with a square matrix of doubles for each element.
  static func read(_ bytes: [UInt8], for file: ACEFile, path: String) throws -> ACEActiveSet {
    guard file.functions.allSatisfy({ $0.allSatisfy { $0.couplings != nil } }) else {
      throw FaultlineError(
        .input, "an active set needs the B-basis, which a C-tilde file (`.yace`, `.ace`) has lost",
        hint: "give the `.yaml` that the file was made of", at: SourceLocation(file: path))
    }
    let archive = try ZipArchive(bytes, file: path)
    var matrices: [[Double]] = []
    var sizes: [Int] = []
    var isLinear: Bool?
    for (element, name) in file.elements.enumerated() {
      guard archive.names.contains("\(name).npy") else {
        throw archive.error(
          "there is no matrix for \(name)", hint: "it has \(archive.names.joined(separator: ", "))")
      }
      let (shape, values) = try matrix(archive, "\(name).npy")
      let (n, p) = (file.functions[element].count, file.embeddings[element].densityCount)
      guard shape.count == 2, shape[0] == shape[1], shape[0] == n || shape[0] == n * p else {
        throw archive.error(
          "the matrix of \(name) has the shape \(shape)",
          hint: "\(n) × \(n) is needed for the potential's \(n) functions"
            + (p > 1 ? ", or \(n * p) × \(n * p)" : ""))
      }
      let own = shape[0] == n
      guard isLinear == nil || isLinear == own else {
        throw archive.error("the matrices are not all of one kind", hint: "linear or with all densities")
      }
      isLinear = own
      matrices.append(values)
      sizes.append(shape[0])
    }
    return ACEActiveSet(matrices: matrices, isLinear: isLinear ?? true, sizes: sizes)
  }

  /// A `.npy` member of doubles (numpy's format 1.0 to 3.0).
  private static func matrix(_ archive: ZipArchive, _ name: String) throws -> (shape: [Int], values: [Double]) {
    let bytes = try archive.contents(name)
    guard bytes.count >= 12, bytes[0] == 0x93, bytes[1..<6].elementsEqual("NUMPY".utf8) else {
      throw archive.error("\(name) is no array of numpy")
    }
    let isLong = bytes[6] >= 2
    let length = Int(bytes[8]) | Int(bytes[9]) << 8 | (isLong ? Int(bytes[10]) << 16 | Int(bytes[11]) << 24 : 0)
    let start = (isLong ? 12 : 10) + length
    guard start <= bytes.count else { throw archive.error("\(name) ends too early") }
    let header = String(decoding: bytes[(isLong ? 12 : 10)..<start], as: UTF8.self)
    guard header.contains("'<f8'"), header.contains("'fortran_order': False") else {
      throw archive.error("\(name) is not a matrix of doubles row by row", hint: "its header is \(header.prefix(80))")
    }
    guard let open = header.firstIndex(of: "("), let close = header[open...].firstIndex(of: ")") else {
      throw archive.error("\(name) has no shape")
    }
    let shape = header[header.index(after: open)..<close].split(separator: ",").compactMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    guard shape.allSatisfy({ (1...1_000_000).contains($0) }), shape.count <= 2 else {
      throw archive.error("\(name) has the shape \(shape)")
    }
    let count = shape.reduce(1, *)
    guard bytes.count - start == 8 * count else {
      throw archive.error("\(name) has \(bytes.count - start) bytes of numbers", hint: "\(8 * count) are needed")
    }
    let values = bytes.withUnsafeBytes { raw in
      (0..<count).map { Double(bitPattern: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: start + 8 * $0, as: UInt64.self))) }
    }
    guard values.allSatisfy(\.isFinite) else { throw archive.error("\(name) contains what is no finite number") }
    return (shape, values)
  }
}

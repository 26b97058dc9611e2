import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// Atomic cluster expansions that nobody trained, as files of pacemaker; see `ACEFormulas` for what they mean.
package struct ACESample {
  package struct Spec {
    package var neighbors: [Int]
    package var ns: [Int]
    package var ls: [Int]
    package var intermediate: [Int]
    package var c: [Double]
  }
  /// In alphabetical order.
  package var elements: [String]
  package var embedding: ACEFile.Embedding
  package var bonds: [ACEFile.Bond]
  package var inner: ACEFile.InnerCutoff
  package var specs: [[Spec]]

  /// Couplings that are not zero.
  private static let couplings: [(ls: [Int], intermediate: [Int])] = [
    ([0, 0], []), ([1, 1], []), ([2, 2], []), ([3, 3], []), ([4, 4], []), ([6, 6], []), ([1, 1, 2], [2]),
    ([0, 1, 1], [1]), ([2, 1, 3], [3]), ([2, 2, 2], [2]), ([3, 4, 1], [1]), ([1, 1, 1, 1], [0, 0]),
    ([1, 1, 1, 1], [2, 2]), ([1, 1, 2, 2], [1, 1]), ([1, 2, 2, 1], [1, 1]), ([1, 1, 1, 1, 2], [2, 2, 2]),
    ([1, 1, 1, 1, 1, 1], [2, 2, 2, 2]),
  ]

  /// - Parameters:
  ///   - radial: numbers of g_k and of n.
  ///   - rank: the most factors.
  package static func random(
    _ elements: [String], seed: UInt64, form: ACEFile.RadialForm = .sphericalBessel, radial: (k: Int, n: Int) = (5, 3),
    degree: Int = 3, rank: Int = 4, embedding: ACEFile.EmbeddingForm = .shiftedScaled,
    densities: [(w: Double, m: Double)] = [(1, 1), (0.7, 0.5)], inner: ACEFile.InnerCutoff = .density,
    repulsive: Bool = false, cutoff: Double = 4.2
  ) -> ACESample {
    var random = SplitMix64(seed: seed)
    func number(_ size: Double) -> Double { Double.random(in: -size..<size, using: &random) }
    let elements = elements.sorted()
    var own = ACEFile.Embedding(form: embedding, weights: densities.map(\.w), exponents: densities.map(\.m))
    if repulsive { (own.coreCutoff, own.coreWidth) = (3, 3) }
    var bonds = Array(repeating: ACEFile.Bond(), count: elements.count * elements.count)
    for a in elements.indices {
      for b in a..<elements.count {
        var bond = ACEFile.Bond()
        bond.form = form
        bond.parameter = form == .chebyshevPower ? 2 : 4.1
        bond.cutoff = cutoff - 0.15 * Double(a + b)
        bond.cutoffWidth = form == .chebyshevExponential ? 0.3 : 0.2
        bond.basisCount = radial.k
        bond.radialCount = radial.n
        bond.degree = degree
        bond.coefficients = (0..<radial.n * (degree + 1) * radial.k).map { _ in number(0.6) }
        if repulsive {
          bond.corePrefactor = inner == .zbl ? 1 : 6
          bond.coreDecay = inner == .zbl ? 1 : 0.8
          bond.innerCutoff = inner == .density ? 0 : 2.3 + 0.1 * Double(a + b)
          bond.innerWidth = inner == .density ? 0 : 0.5
        }
        bonds[a * elements.count + b] = bond
        bonds[b * elements.count + a] = bond
      }
    }
    let specs = elements.indices.map { _ in
      var all: [Spec] = []
      func c(_ rank: Int) -> [Double] { densities.map { _ in number(pow(0.35, Double(rank))) } }
      for element in elements.indices {
        for n in 1...radial.k {
          all.append(Spec(neighbors: [element], ns: [n], ls: [0], intermediate: [], c: c(1)))
        }
      }
      for coupling in couplings where coupling.ls.count <= rank && coupling.ls.max()! <= degree && radial.n > 0 {
        for _ in 0..<3 {
          all.append(
            Spec(
              neighbors: coupling.ls.map { _ in Int.random(in: 0..<elements.count, using: &random) },
              ns: coupling.ls.map { _ in Int.random(in: 1...radial.n, using: &random) }, ls: coupling.ls,
              intermediate: coupling.intermediate, c: c(coupling.ls.count)))
        }
      }
      return all
    }
    return ACESample(elements: elements, embedding: own, bonds: bonds, inner: inner, specs: specs)
  }

  // MARK: Files

  private static func list(_ values: [some Any]) -> String { "[\(values.map { "\($0)" }.joined(separator: ", "))]" }

  package static func nested(_ bond: ACEFile.Bond) -> String {
    let (n, l, k) = (bond.radialCount, bond.degree + 1, bond.basisCount)
    return list(
      (0..<n).map { a in
        list((0..<l).map { b in list((0..<k).map { bond.coefficients[(a * l + b) * k + $0] }) })
      })
  }

  /// As pacemaker writes it (`.yaml`). Blocks may be in any order: here pairs come first.
  package var text: String {
    var out = "metadata:\n  user: \"no: body\"\nglobal:\n  DeltaSplineBins: 0.001\nspecies:\n"
    let count = elements.count
    func bondLines(_ a: Int, _ b: Int) -> String {
      let bond = bonds[a * count + b]
      return """
            nradmaxi: \(bond.radialCount)
            lmaxi: \(bond.degree)
            rcutij: \(bond.cutoff)
            dcutij: \(bond.cutoffWidth)
            NameOfCutoffFunctionij: cos
            nradbaseij: \(bond.basisCount)
            radbase: \(bond.form.rawValue)
            radparameters: [\(bond.parameter)]
            radcoefficients: \(Self.nested(bond))
            core-repulsion: [\(bond.corePrefactor), \(bond.coreDecay)]
            r_in: \(bond.innerCutoff)
            delta_in: \(bond.innerWidth)
            inner_cutoff_type: \(inner.rawValue)

        """
    }
    func functions(_ centre: Int, _ involved: Set<Int>) -> String {
      var lines = ""
      for spec in specs[centre] where Set(spec.neighbors).subtracting([centre]) == involved {
        let names = ([centre] + spec.neighbors).map { elements[$0] }.joined(separator: " ")
        let lint = spec.ls.count > 2 ? "lint: \(Self.list(spec.intermediate)), " : ""
        lines += "      - {type: \(names), nr: \(Self.list(spec.ns)), nl: \(Self.list(spec.ls)), \(lint)c: \(Self.list(spec.c))}\n"
      }
      return lines.isEmpty ? "" : "    nbody:\n" + lines
    }
    for a in elements.indices {
      for b in elements.indices where b != a {
        out += "  - speciesblock: \(elements[a]) \(elements[b])\n"
        // One of the two orders is enough.
        if a < b { out += bondLines(a, b) }
        out += functions(a, [b])
      }
      for b in elements.indices where b != a {
        for c in elements.indices where c > b && c != a {
          out += "  - speciesblock: \(elements[a]) \(elements[b]) \(elements[c])\n" + functions(a, [b, c])
        }
      }
      let parameters = zip(embedding.weights, embedding.exponents).flatMap { [$0, $1] }
      out += """
          - speciesblock: \(elements[a])
            ndensityi: \(embedding.densityCount)
            npoti: \(embedding.form.rawValue)
            parameters: \(Self.list(parameters))
            rho_core_cut: \(embedding.coreCutoff)
            drho_core_cut: \(embedding.coreWidth)

        """
      out += bondLines(a, a) + functions(a, [])
    }
    return out
  }

  package var bytes: [UInt8] { Array(text.utf8) }

  package func file() throws -> ACEFile { try ACEReader.parse(bytes, file: "sample.yaml") }

  /// The same potential as a `.yace`: the C-tilde basis.
  package static func converted(_ file: ACEFile) -> String {
    let count = file.elements.count
    var out = "elements: \(list(file.elements))\nE0: \(list(file.offsets))\ndeltaSplineBins: 0.001\nembeddings:\n"
    for (element, e) in file.embeddings.enumerated() {
      let parameters = zip(e.weights, e.exponents).flatMap { [$0, $1] }
      out += "  \(element): {ndensity: \(e.densityCount), FS_parameters: \(list(parameters)), npoti: \(e.form.rawValue), "
      out += "rho_core_cutoff: \(e.coreCutoff), drho_core_cutoff: \(e.coreWidth)}\n"
    }
    out += "bonds:\n"
    for (pair, b) in file.bonds.enumerated() {
      out += "  [\(pair / count), \(pair % count)]: {nradmax: \(b.radialCount), lmax: \(b.degree), "
      out += "nradbasemax: \(b.basisCount), radbasename: \(b.form.rawValue), radparameters: [\(b.parameter)], "
      out += "radcoefficients: \(nested(b)), prehc: \(b.corePrefactor), lambdahc: \(b.coreDecay), rcut: \(b.cutoff), "
      out += "dcut: \(b.cutoffWidth), rcut_in: \(b.innerCutoff), dcut_in: \(b.innerWidth), "
      out += "inner_cutoff_type: \(file.innerCutoff.rawValue)}\n"
    }
    out += "functions:\n"
    for (element, functions) in file.functions.enumerated() {
      out += "  \(element):\n"
      for f in functions {
        out += "    - {mu0: \(element), rank: \(f.rank), ndensity: \(file.embeddings[element].densityCount), "
        out += "num_ms_combs: \(f.termCount), mus: \(list(f.factors.map(\.element))), ns: \(list(f.factors.map(\.n))), "
        out += "ls: \(list(f.factors.map(\.l))), ms_combs: \(list(f.orders)), ctildes: \(list(f.coefficients))}\n"
      }
    }
    return out
  }

  /// The same potential of one element as an old `.ace`.
  package static func legacy(_ file: ACEFile) -> String {
    let (b, e) = (file.bonds[0], file.embeddings[0])
    func words(_ values: [some Any]) -> String { values.map { "\($0)" }.joined(separator: " ") }
    let parameters = zip(e.weights, e.exponents).flatMap { [$0, $1] }
    // k slowest, then n, then l.
    let (n, l, k) = (b.radialCount, b.degree + 1, b.basisCount)
    let flat = (0..<k).flatMap { c in (0..<n).flatMap { a in (0..<l).map { b.coefficients[(a * l + $0) * k + c] } } }
    var out = """
      # nobody's
      nelements=1
      elements: \(file.elements[0])

      lmax=\(b.degree)

      embedding-function: \(e.form.rawValue)
      \(parameters.count) FS parameters:  \(words(parameters))
      core energy-cutoff parameters: \(e.coreCutoff) \(e.coreWidth)
      E0: \(file.offsets[0])

      radbasename=\(b.form.rawValue)
      nradbase=\(b.basisCount)
      nradmax=\(b.radialCount)
      cutoffmax=\(b.cutoff)
      deltaSplineBins=0.001
      core repulsion parameters: \(b.corePrefactor) \(b.coreDecay)
      radparameter= \(b.parameter)
      cutoff= \(b.cutoff)
      dcut= \(b.cutoffWidth)
      crad= \(words(Array(flat.prefix(7))))
       \(words(Array(flat.dropFirst(7))))

      rankmax=\(file.functions[0].map(\.rank).max() ?? 1)
      ndensitymax=\(e.densityCount)

      num_c_tilde_max=\(file.functions[0].count)
      num_ms_combinations_max=\(file.functions[0].map(\.termCount).max() ?? 1)

      """
    for (title, functions) in [
      ("total_basis_size_rank1", file.functions[0].filter { $0.rank == 1 }), ("total_basis_size", file.functions[0].filter { $0.rank > 1 }),
    ] {
      out += "\(title): \(functions.count)\n"
      for f in functions {
        out += "ctilde_basis_func: rank=\(f.rank) ndens=\(e.densityCount) mu0=0 mu=( \(words(f.factors.map { _ in 0 })) )\n"
        out += "n=( \(words(f.factors.map(\.n))) )\nl=( \(words(f.factors.map(\.l))) )\nnum_ms=\(f.termCount)\n"
        for t in 0..<f.termCount {
          out += "< \(words(Array(f.orders[(t * f.rank)..<((t + 1) * f.rank)]))) >: "
            + words(Array(f.coefficients[(t * e.densityCount)..<((t + 1) * e.densityCount)])) + "\n"
        }
      }
    }
    return out
  }

  // MARK: GRACE-FS

  /// A GRACE-FS of some elements: functions of one n, real harmonics with couplings that are invariant.
  package static func grace(_ elements: [String], seed: UInt64, radial: (k: Int, n: Int), degree: Int = 3) -> String {
    var random = SplitMix64(seed: seed)
    func numbers(_ count: Int, _ size: Double) -> [Double] {
      (0..<count).map { _ in Double.random(in: -size..<size, using: &random) }
    }
    let weights = [1, 1, 1, 0.5, 1, 2, 1, 0.75].map { "\($0)" }.joined(separator: ", ")
    var out = """
      elements: \(list(elements))
      nnorm: 0.7
      emb_spec: {params: [\(weights)], type: FinnisSinclairShiftedScaled}
      radial_basis: {Z: \(list(numbers(elements.count * radial.n, 1))),
        Z_shape: [\(elements.count), \(radial.n)], crad: \(list(numbers(radial.n * (degree + 1) * radial.k, 0.6))),
        crad_shape: [\(radial.n), \(degree + 1), \(radial.k)], cutoff: 4.2, n_rad_base: \(radial.k),
        nradmax: \(radial.n), radbasename: SBessel}
      functions:

      """
    for element in elements.indices {
      out += "    \(element):\n"
      for n in 1...radial.n {
        func add(_ ls: [Int], _ orders: [Int], _ factors: [Double]) {
          let c = numbers(4, pow(0.3, Double(ls.count)))
          out += "     - {mu0: \(element), ns: \(n), ls: \(list(ls)), ms_combs: \(list(orders)), "
          out += "gen_cgs: \(list(factors)), ndensity: 4, coeff: \(list(c)), rank: \(ls.count)}\n"
        }
        add([0], [0], [1])
        for l in 0...degree {
          add([l, l], (-l...l).flatMap { [$0, $0] }, (-l...l).map { _ in 1 / Double(2 * l + 1).squareRoot() })
        }
        for coupling in couplings where coupling.ls.count == 3 && coupling.ls.max()! <= degree {
          let real = realCoupling(coupling.ls, coupling.intermediate)
          add(coupling.ls, real.orders, real.factors)
        }
      }
    }
    return out + "shift: 0.3\nscale: 1.4\nE0: \(list(numbers(elements.count, 2)))\n"
  }

  /// A coupling of complex harmonics, Y_lm = (−1)^m (y_m + i y_−m)/√2 for m > 0, as one of real ones.
  static func realCoupling(_ ls: [Int], _ intermediate: [Int]) -> (orders: [Int], factors: [Double]) {
    let complex = ClebschGordan.terms(ls, intermediate)
    var sums: [[Int]: Double] = [:]
    for (term, factor) in complex.factors.enumerated() {
      var parts: [(m: [Int], re: Double, im: Double)] = [([], factor, 0)]
      for t in ls.indices {
        let m = complex.orders[term * ls.count + t]
        if m == 0 {
          parts = parts.map { ($0.m + [0], $0.re, $0.im) }
          continue
        }
        let size: Double = (m > 0 && m % 2 != 0 ? -1.0 : 1.0) / 2.0.squareRoot()
        let turn: Double = m > 0 ? size : -size
        var next: [(m: [Int], re: Double, im: Double)] = []
        for p in parts {
          next.append((p.m + [abs(m)], p.re * size, p.im * size))
          next.append((p.m + [-abs(m)], -p.im * turn, p.re * turn))
        }
        parts = next
      }
      for part in parts { sums[part.m, default: 0] += part.re }
    }
    let kept = sums.filter { abs($0.value) > 1e-14 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    return (kept.flatMap(\.key), kept.map(\.value))
  }

  /// What numpy.savez writes of square matrices, without compression.
  package static func archive(_ matrices: [(name: String, size: Int, values: [Double])]) -> [UInt8] {
    func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 0xff) } }
    func checksum(_ bytes: [UInt8]) -> Int {
      var sum: UInt32 = 0xffff_ffff
      for byte in bytes {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xedb8_8320 : 0) }
      }
      return Int(~sum)
    }
    var (bytes, directory): ([UInt8], [UInt8]) = ([], [])
    for matrix in matrices {
      let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (\(matrix.size), \(matrix.size)), }"
      let padded = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
      var data: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0] + little(118, 2) + Array(padded.utf8)
      for value in matrix.values { data += little(Int(bitPattern: UInt(value.bitPattern)), 8) }
      let name = Array((matrix.name + ".npy").utf8)
      let common = little(20, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(checksum(data), 4) + little(data.count, 4)
        + little(data.count, 4) + little(name.count, 2) + little(0, 2)
      directory += little(0x0201_4b50, 4) + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4)
        + little(bytes.count, 4) + name
      bytes += little(0x0403_4b50, 4) + common + name + data
    }
    return bytes + directory + little(0x0605_4b50, 4) + little(0, 4) + little(matrices.count, 2) + little(matrices.count, 2)
      + little(directory.count, 4) + little(bytes.count, 4) + little(0, 2)
  }

  /// An `.asi` of random matrices for this potential.
  package func activeSet(seed: UInt64) throws -> [UInt8] {
    var random = SplitMix64(seed: seed)
    let file = try file()
    return Self.archive(zip(file.elements, file.functions).map { name, functions in
      let n = functions.count
      return (name, n, (0..<n * n).map { _ in Double.random(in: -1..<1, using: &random) })
    })
  }
}

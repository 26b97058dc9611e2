import Foundation
import MDAnalysis
import MDCore
import MDIO
import MDNumerics

/// What frames have no column of, but pictures show: structure types, stresses, displacements.
package enum AtomQuantities {
  /// Kinds in the order of legends, with colours that are told apart with any colour vision: what is no crystal stays grey.
  static let structures: [(type: StructureType, colour: SIMD3<UInt8>)] = [
    (.fcc, Palette.kinds[2]), (.hcp, Palette.kinds[3]), (.bcc, Palette.kinds[0]), (.icosahedral, Palette.kinds[6]), (.other, Palette.kinds[7]),
  ]

  /// Places in `structures` of these atoms, by common neighbours with a cutoff of each atom's own, whatever the elements; −1 of the
  /// others. Neighbours are looked for up to 1.9 (V/N)^⅓: the second shell is at 1.59 of it in fcc, at 1.26 in bcc.
  package static func structureKinds(_ frame: ExtXYZFrame, of atoms: some Sequence<Int>) -> [Int] {
    let structure = frame.structure
    let types = CommonNeighbors.adaptive(structure.positions, in: structure.box, reach: 1.9 * spacing(frame), of: atoms)
    let places = Dictionary(uniqueKeysWithValues: structures.enumerated().map { ($1.type, $0) })
    var kinds = [Int](repeating: -1, count: structure.count)
    for (atom, type) in zip(atoms, types) { kinds[atom] = places[type]! }
    return kinds
  }

  /// Some thousand atoms from everywhere in the frame.
  static func sample(_ frame: ExtXYZFrame) -> [Int] { Array(stride(from: 0, to: frame.structure.count, by: max(1, frame.structure.count / 4000))) }

  /// Whether colours by structure tell something: a fifth at least of some atoms are crystal, and not all of one kind.
  static func isStructureTelling(_ frame: ExtXYZFrame) -> Bool {
    guard frame.structure.count > 12 else { return false }
    let some = sample(frame)
    let kinds = structureKinds(frame, of: some)
    let found = some.map { kinds[$0] }
    let crystal = found.count { structures[$0].type != .other }
    return 5 * crystal >= found.count && Set(found).count > 1
  }

  /// −W_i/Ω of an atom's virial W_i, the part of the potential alone, GPa, positive in tension; Ω is the mean volume of an atom of
  /// the matter. `name` is `stress`, the mean of the normal ones, or `stress_xx` … `stress_xy`.
  static func stresses(_ frame: ExtXYZFrame, _ name: String) throws -> [Double] {
    guard let column = frame.column("virials"), let w = column.reals, column.width == 9 || column.width == 6 else {
      throw FaultlineError(
        .input, "the frame has no column 'virials', which '\(name)' is made of",
        hint: "trajectories have it with `columns: [virials]` in the deck")
    }
    let width = column.width
    // xx, yy, zz, yz, xz, xy.
    let diagonal = width == 9 ? [[0], [4], [8], [5, 7], [2, 6], [1, 3]] : (0..<6).map { [$0] }
    let places = name == "stress" ? [0, 1, 2].map { diagonal[$0][0] } : diagonal[stressNames.firstIndex(of: name)!]
    let factor = -Units.energyPerVolumeToBar / 10_000 / (matterVolume(frame) / Double(frame.structure.count)) / Double(places.count)
    return (0..<frame.structure.count).map { i in factor * places.reduce(0) { $0 + w[width * i + $1] } }
  }

  static let stressNames = ["stress_xx", "stress_yy", "stress_zz", "stress_yz", "stress_xz", "stress_xy"]

  /// How far atoms have come since another frame, beyond what the change of the cell carries along, by the shortest way in a
  /// periodic cell, Å.
  static func displacements(_ frame: ExtXYZFrame, since reference: ExtXYZFrame) throws -> [Double] {
    let (new, old) = (frame.structure, reference.structure)
    guard new.count == old.count else {
      throw FaultlineError(
        .input, "displacements need the same atoms in both frames: here are \(new.count), in the reference \(old.count)")
    }
    var place = Array(0..<old.count)
    if let ids = new.ids, let olds = old.ids {
      let places = Dictionary(olds.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
      place = try ids.map { id in
        guard let k = places[id] else { throw FaultlineError(.input, "atom \(id) is not in the reference frame") }
        return k
      }
    }
    return (0..<new.count).map { i in
      var s = new.box.fractional(new.positions[i]) - old.box.fractional(old.positions[place[i]])
      for k in 0..<3 where new.box.periodic[k] { s[k] -= s[k].rounded() }
      return (s * new.box.cell).length
    }
  }

  /// (V/N)^⅓ of the matter, Å.
  private static func spacing(_ frame: ExtXYZFrame) -> Double { cbrt(matterVolume(frame) / Double(max(frame.structure.count, 1))) }

  /// The volume of those intervals of the cell, two mean distances wide, that hold an atom, Å³: all of a crystal's, and without the
  /// empty space beside surfaces (up to an interval).
  package static func matterVolume(_ frame: ExtXYZFrame) -> Double {
    let structure = frame.structure
    let box = structure.box
    var volume = box.volume
    // Empty space makes the first intervals too wide.
    for _ in 0..<3 {
      let width = 2 * cbrt(volume / Double(max(structure.count, 1)))
      let n = (0..<3).map { min(max(1, Int(box.heights[$0] / width)), 400) }
      var taken = [Bool](repeating: false, count: n[0] * n[1] * n[2])
      for r in structure.positions {
        let s = box.fractional(r)
        var place = 0
        for k in 0..<3 {
          let part = box.periodic[k] ? s[k] - s[k].rounded(.down) : s[k]
          place = place * n[k] + min(max(Int(part * Double(n[k])), 0), n[k] - 1)
        }
        taken[place] = true
      }
      let part = box.volume * Double(taken.count { $0 }) / Double(taken.count)
      if part > 0.99 * volume { return part }
      volume = part
    }
    return volume
  }

}

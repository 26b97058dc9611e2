import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

extension ModifierEntry {
  /// Voids, trenches, whatever a selection can say.
  static let delete = ModifierEntry(
    "delete", "Takes out all atoms of a selection: a void, a trench, a layer.",
    [.required("select", .object(DeckSchema.selection), "Which atoms.")],
    example: "select: {sphere: {center: [10, 10, 10], radius: 6}}"
  ) { section, structure, _ in
    let gone = places(section, structure)
    guard !gone.isEmpty else { throw section.error("select", "selects no atom") }
    structure.remove(gone)
    return "\(gone.count) atoms taken out"
  }

  static let displace = ModifierEntry(
    "displace", "Moves atoms, not the cell.",
    [
      .required("by", .vector(.quantity(.length, .any.plausibly(1e-6...1000))), "Displacement [x, y, z]."), selection,
    ],
    example: "by: [0, 0, 1.5], select: {fractional_region: {z: [0.5, 1]}}"
  ) { section, structure, _ in
    let moved = places(section, structure)
    guard !moved.isEmpty else { throw section.error("select", "selects no atom") }
    for i in moved { structure.positions[i] += section.vector("by") }
    return "\(moved.count) atoms moved"
  }

  static let rattle = ModifierEntry(
    "rattle", "Moves atoms at random, each coordinate by a number of the normal distribution.",
    [
      .required("deviation", .quantity(.length, .positive.plausibly(1e-6...2)), "Standard deviation of a coordinate."), selection,
    ],
    example: "deviation: 0.05"
  ) { section, structure, setting in
    let moved = places(section, structure)
    guard !moved.isEmpty else { throw section.error("select", "selects no atom") }
    structure.rattle(moved, deviation: section.double("deviation"), setting.draw)
    return "\(moved.count) atoms moved"
  }

  /// A wedge open to one side: its tip line along `front`, its faces at an angle on either side of the plane of `normal`.
  static let notch = ModifierEntry(
    "notch", "Cuts a notch: all atoms of a wedge, or of a slit with `opening: 0`, that is open to one side.",
    [
      .required("front", .enumeration(["x", "y", "z"]), "The axis along which the tip runs."),
      .required("normal", .enumeration(["x", "y", "z"]), "The axis across the notch."),
      .required("tip", .vector(.quantity(.length, .any)), "A point of the tip [x, y, z]."),
      .defaulted("opens", .enumeration(["low", "high"]), "low", "To which side of the third axis it is open."),
      .defaulted("width", .quantity(.length, .nonNegative.plausibly(0.1...1000)), "0", "At the tip."),
      .defaulted("opening", .number(NumberRange(from: 0, to: 170)), "30", "Angle between the faces, degrees."),
    ],
    example: "front: y, normal: z, tip: [8, 0, 11]"
  ) { section, structure, _ in
    let (front, normal) = (section.axis("front"), section.axis("normal"))
    guard front != normal else { throw section.error("normal", "is along the front", hint: "two different axes") }
    let third = 3 - front - normal
    let tip = section.vector("tip")
    let sign = section.string("opens") == "low" ? -1.0 : 1
    let slope = tan(section.double("opening") * .pi / 360)
    let half = 0.5 * section.double("width")
    let gone = structure.positions.indices.filter { i in
      let d = structure.positions[i] - tip
      let depth = sign * d[third]
      return depth > 0 && abs(d[normal]) <= half + slope * depth
    }
    guard !gone.isEmpty else { throw section.error("tip", "makes a notch without an atom") }
    structure.remove(gone)
    return "\(gone.count) atoms taken out"
  }
}

import Foundation
import MDCore
import MDIO
import MDNumerics

/// Pictures of a run's structure: the one of its first screen, and those of its section.
final class StructurePictures {
  let folder: RunFolder
  /// The first trajectory with frames.
  private let frames: FrameIndex?
  /// What the picture on the first screen shows.
  let choice: FrameChoice.Choice?
  /// What it and the pictures in time are coloured by: structures where one element has crystal and something else, as with
  /// boundaries, grains and cracks; else as usual.
  private let colour: String?

  init(_ folder: RunFolder) {
    self.folder = folder
    var frames: FrameIndex?
    choice = FrameChoice.of(folder, &frames)
    self.frames = frames
    colour = choice.flatMap { $0.frame.structure.species.count == 1 && AtomQuantities.isStructureTelling($0.frame) ? "structure" : nil }
  }

  private static func picture(_ frame: ExtXYZFrame, _ options: AtomPicture.Options, _ scope: PictureScope? = nil, words: String) -> String? {
    guard let svg = try? AtomPicture(frame, options, scope: scope).svg(standalone: false) else { return nil }
    return "<figure>\(svg)<p class=\"small soft\">\(Markup.escaped(words))</p></figure>"
  }

  var first: String {
    guard let choice else { return "<p class=\"soft\">There is no structure to show.</p>" }
    return Self.picture(choice.frame, .init(colour: colour, size: 900), words: "\(choice.frame.structure.count) atoms, \(choice.words)") ?? ""
  }

  /// Frames in time, other views; nothing where there is nothing more to see.
  var section: String {
    let body = inTime + views
    return body.isEmpty ? "" : "<section><h2>Structure</h2>\(body)</section>"
  }

  // MARK: In time

  /// "step 1200, 2.4 ps, strain 0.06".
  private static func words(_ frame: ExtXYZFrame) -> String {
    func number(_ key: String) -> Double? { frame[key]?.numbers.flatMap { $0.count == 1 && $0[0].isFinite ? $0[0] : nil } }
    return [
      number("step").map { "step \(Int($0))" }, number("time").flatMap { $0 > 0 ? "\(Figure.brief($0)) ps" : nil },
      number("strain").map { "strain \(Figure.brief($0))" },
    ].compactMap { $0 }.joined(separator: ", ")
  }

  /// Six frames of the trajectory; without one the oldest and the newest checkpoint.
  private var inTime: String {
    var (taken, title) = ([() -> (frame: ExtXYZFrame, words: String)?](), "In time")
    if let frames, frames.count > 1 {
      taken = frames.spread(6).map { number in { (try? frames.frame(number)).map { ($0, Self.words($0)) } } }
      if frames.count == 2 { title = "Before and after" }
    } else if frames == nil {
      let steps = CheckpointStore(folder.path + "/checkpoints").steps
      guard let new = steps.max(), let old = steps.min(), old < new else { return "" }
      title = "Before and after"
      taken = [old, new].map { (step: Int) in { FrameChoice.checkpoint(self.folder, step: step).map { ($0.frame, "step \(step)") } } }
    }
    guard taken.count > 1, let start = taken[0]() else { return "" }
    let options = AtomPicture.Options(colour: colour, slices: window(start.frame), size: 520)
    guard var scope = try? PictureScope(start.frame, options) else { return "" }
    // One frame at a time is held: each is read twice.
    for next in taken.dropFirst() { if let one = next() { try? scope.include(one.frame, options) } }
    let shown = taken.compactMap { next in next().flatMap { Self.picture($0.frame, options, scope, words: $0.words) } }
    guard shown.count > 1 else { return "" }
    let where_ = options.slices.isEmpty ? "" : "<p class=\"small soft\">Around the tip of the crack.</p>"
    return "<h3>\(title)</h3>\(where_)<div class=\"strip\">\(shown.joined())</div>"
  }

  /// Of a crack, its way and some of what is around; else all.
  private func window(_ frame: ExtXYZFrame) -> [Slice] {
    guard let from = folder.run["crack"]["first_tip_A"].number, let to = folder.run["crack"]["tip_A"].number else { return [] }
    let middle = frame.structure.box.cartesian(Vector3(0.5, 0.5, 0.5)).y
    let reach = max(30, 0.6 * abs(to - from))
    return [
      Slice(axis: 0, range: (min(from, to) - reach)...(max(from, to) + reach)), Slice(axis: 1, range: (middle - reach)...(middle + reach)),
    ]
  }

  // MARK: Other views

  private var views: String {
    guard let frame = choice?.frame, let usual = try? AtomColours(frame, by: colour).title else { return "" }
    let structure = frame.structure
    var shown: [String] = []
    let slices = middle(frame)
    if let slice = slices.first {
      let name = ["x", "y", "z"][slice.axis]
      shown.append(
        Self.picture(
          frame, .init(view: [.x, .y, .z][slice.axis], colour: colour, slices: slices, size: 620),
          words: "a slice, \(name) from \(Figure.brief(slice.range.lowerBound)) to \(Figure.brief(slice.range.upperBound)) Å") ?? "")
    }
    // What the picture above does not tell.
    let start = frames.flatMap { $0.count > 1 ? try? $0.frame(0) : nil }
    for name in ["grain", "structure", "energies", "stress", "charges", AtomColours.displacement] where name != usual {
      let has = switch name {
      case "grain": Set(structure.grains ?? []).count > 1
      case "structure": AtomQuantities.isStructureTelling(frame)
      case "charges": structure.charges != nil
      case "stress": frame.column("virials") != nil
      case AtomColours.displacement: start?.structure.count == structure.count
      default: frame.column(name) != nil
      }
      guard has, structure.count > 1 else { continue }
      let options = AtomPicture.Options(
        view: slices.first.map { [.x, .y, .z][$0.axis] }, colour: name, slices: slices + window(frame), size: 620, reference: start)
      if name != "grain", name != "structure" {
        guard let key = try? AtomColours.key(frame, by: name, reference: start), key.tells else { continue }
      }
      let words = name == AtomColours.displacement ? "displacement since the first frame" : name
      shown.append(Self.picture(frame, options, words: "the same atoms by \(words)") ?? "")
    }
    let some = shown.filter { !$0.isEmpty }
    return some.isEmpty ? "" : "<h3>Other views</h3><div class=\"strip\">\(some.joined())</div>"
  }

  /// Where the picture shows a corner of a bulky cell, what is inside: three layers of atoms across the shortest edge.
  private func middle(_ frame: ExtXYZFrame) -> [Slice] {
    let (structure, box) = (frame.structure, frame.structure.box)
    let edges = [box.cell.x.length, box.cell.y.length, box.cell.z.length]
    guard structure.count > 500, edges.max()! < 1.4 * edges.min()! else { return [] }
    let thickness = 3 * pow(box.volume / Double(structure.count), 1.0 / 3)
    let centre = box.cartesian(Vector3(0.5, 0.5, 0.5)).z
    return [Slice(axis: 2, range: (centre - 0.5 * thickness)...(centre + 0.5 * thickness))]
  }
}

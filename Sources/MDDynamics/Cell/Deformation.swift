import MDCore
import MDNumerics

/// An increment of deformation: the one place where a cell changes. Loads, barostats and relaxations all end here.
///
/// With the gradient D (rows times matrix) the cell becomes H D and every point r becomes o + (r − o) D about the cell's
/// origin o, frozen and driven atoms included, so that wrapped, unwrapped and ghost positions stay images of one
/// another. Velocities are left alone.
package enum Deformation {
  /// Deforms the cell and this rank's atoms, ghosts too.
  /// - Throws: a run error, on every rank, if the cell would be turned inside out; `blame` says by what.
  package static func apply(
    _ gradient: Matrix3, _ context: DynamicsContext, box: inout Box, blame: @autoclosure () -> String
  ) throws {
    guard gradient.determinant > 0 else {
      throw FaultlineError(
        .run, "\(blame()) compressed the cell to nothing at step \(context.step)",
        hint: "load for fewer steps or at a smaller rate", isCollective: true)
    }
    let origin = box.origin
    let positions = context.atoms.position.pointer
    for i in 0..<context.atoms.count { positions[i] = origin + (positions[i] - origin) * gradient }
    box.setCell(box.cell * gradient)
  }
}

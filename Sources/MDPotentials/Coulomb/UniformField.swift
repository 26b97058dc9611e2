import MDCore
import MDNumerics

/// A uniform external field on charges along open directions: E = −Σ qᵢ F·(rᵢ − origin of the box), f = qᵢ F.
///
/// It acts from outside and has no part in the virial, so pressures are those of the ions' own forces.
struct UniformField {
  /// V/Å.
  let field: Vector3

  /// Along a periodic direction the energy of an atom would depend on which image it is.
  func check(_ box: Box) throws {
    for axis in 0..<3 where box.periodic[axis] {
      let a = box.cell[axis]
      guard abs(dot(field, a)) <= 1e-9 * field.length * a.length else {
        throw FaultlineError(
          .input, "the field has a component along \(["a", "b", "c"][axis]), along which the box is periodic",
          hint: "a field is defined along open directions: make the box a slab or open, or turn the field",
          isCollective: true)
      }
    }
  }

  func add(to context: ForceContext, charges: UnsafePointer<Double>) -> Tally {
    let atoms = context.atoms
    var energy = 0.0
    for i in 0..<atoms.localCount {
      let force = charges[i] * field
      atoms.forces[i] += force
      guard !context.want.isEmpty else { continue }
      let e = -dot(force, atoms.positions[i] - context.box.origin)
      energy += e
      if context.want.contains(.atomEnergy) { atoms.energies?[i] += e }
    }
    return Tally(energy: energy)
  }
}

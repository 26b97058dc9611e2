/// An integrator that asks for forces elsewhere than where its steps end.
package protocol Probing: Integrator {
  /// Computes forces (`AtomStore.force`) where the local atoms are now, which must not be far from where lists were built. Collective;
  /// of the engine, before the stage begins.
  var recompute: (() throws -> Void)? { get set }
}

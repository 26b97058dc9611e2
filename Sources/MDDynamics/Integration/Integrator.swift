import Foundation
import MDCore

/// Advances the atoms by one step around a force computation:
///
///     try integrator.begin(context, box: box)          // the forces at the start are known
///     for each step n:  context.step = n
///       try integrator.firstHalf(context, box: &box)   // positions at time n
///       …                                              // loading, neighbours, forces; context.tally
///       try integrator.secondHalf(context, box: &box)  // velocities at time n
///     try integrator.finish(context)
///
/// All methods are called by every rank.
package protocol Integrator: AnyObject {
  /// As it stands in the log.
  var name: String { get }
  /// What the integrator needs of the potentials at every step.
  var wants: Want { get }
  /// Whether it leaves the momentum of an isolated system of such atoms alone (see `DynamicsContext.excludesDrift`).
  func conservesMomentum(_ context: DynamicsContext) -> Bool

  /// Starts a stage, or goes on with it from the `state` of a checkpoint.
  func begin(_ context: DynamicsContext, box: Box, from state: Data?) throws
  func firstHalf(_ context: DynamicsContext, box: inout Box) throws
  func secondHalf(_ context: DynamicsContext, box: inout Box) throws
  func finish(_ context: DynamicsContext) throws

  /// What must be added to the kinetic and potential energy of the mobile atoms to give the conserved quantity,
  /// eV; the same on every rank.
  func bathEnergy(_ context: DynamicsContext) -> Double

  /// All that is needed, besides the atoms and the box, to go on with the same bits; the same on every rank.
  func state(_ context: DynamicsContext) throws -> Data
}

extension Integrator {
  package var wants: Want { [] }
  package func begin(_ context: DynamicsContext, box: Box) throws { try begin(context, box: box, from: nil) }
  package func finish(_ context: DynamicsContext) throws {}
}

/// Keeps a part of the atoms at a temperature. It acts at three places of a velocity Verlet step,
///
///     beforeStep · kick ½ · drift ½ · amidDrift · drift ½ · [forces] · kick ½ · afterStep
///
/// on the thermostatted atoms only (see `GroupMotion`). Where it acts on all atoms and conserves their momentum, it
/// acts on velocities relative to the centre of mass, whose own it leaves alone; elsewhere on velocities as they
/// stand. No streaming velocity or rotation is subtracted.
package protocol Thermostat: AnyObject {
  var name: String { get }
  /// As the log has it.
  var summary: String { get }
  var target: TemperatureRamp { get }
  var conservesMomentum: Bool { get }
  /// Whether `amidDrift` does anything; the drift is made in one piece otherwise.
  var actsAmidDrift: Bool { get }

  func begin(_ context: DynamicsContext, from state: Data?) throws
  func beforeStep(_ context: DynamicsContext)
  func amidDrift(_ context: DynamicsContext)
  func afterStep(_ context: DynamicsContext)

  func bathEnergy(_ context: DynamicsContext) -> Double
  func state(_ context: DynamicsContext) throws -> Data
}

extension Thermostat {
  package var summary: String { name }
  package var conservesMomentum: Bool { true }
  package var actsAmidDrift: Bool { false }
  package func beforeStep(_ context: DynamicsContext) {}
  package func amidDrift(_ context: DynamicsContext) {}
  package func afterStep(_ context: DynamicsContext) {}
}

/// A temperature that is constant or changes linearly between two absolute steps. It depends on the step alone,
/// so a resumed run meets the same temperatures.
package struct TemperatureRamp: Sendable, Equatable, Codable {
  /// K.
  package let start: Double
  /// K.
  package let end: Double
  /// The step before the stage's first: there the target is `start`.
  package let firstStep: Int
  /// Here, and after it, the target is `end`.
  package let lastStep: Int

  /// Throws if a temperature is not positive or the steps are out of order.
  package init(from start: Double, to end: Double, firstStep: Int, lastStep: Int) throws {
    for temperature in [start, end] where !(temperature > 0 && temperature.isFinite) {
      throw FaultlineError(
        .input, "a thermostat at \(temperature) K", hint: "target temperatures are positive, in K",
        isCollective: true)
    }
    guard firstStep <= lastStep else {
      throw FaultlineError(
        .input, "a temperature ramp from step \(firstStep) to step \(lastStep)",
        hint: "a ramp ends after its start", isCollective: true)
    }
    self.start = start
    self.end = end
    self.firstStep = firstStep
    self.lastStep = lastStep
  }

  package init(constant temperature: Double) throws {
    try self.init(from: temperature, to: temperature, firstStep: 0, lastStep: 0)
  }

  /// K.
  package func temperature(at step: Int) -> Double {
    if step >= lastStep { return end }
    if step <= firstStep { return start }
    return start + (end - start) * Double(step - firstStep) / Double(lastStep - firstStep)
  }
}

/// States as JSON: labelled, and exact because a double is written with the digits that give it back.
enum StateCoding {
  private struct Labelled<State: Codable>: Codable {
    let kind: String
    let state: State
  }

  static func encode<State: Codable>(_ state: State, kind: String) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(Labelled(kind: kind, state: state))
  }

  static func decode<State: Codable>(_: State.Type, kind: String, from data: Data) throws -> State {
    guard let labelled = try? JSONDecoder().decode(Labelled<State>.self, from: data), labelled.kind == kind else {
      throw FaultlineError(
        .input, "the checkpoint holds no state of \(kind)",
        hint: "resume with the deck that wrote the checkpoint", isCollective: true)
    }
    return labelled.state
  }

  /// Refuses a state that decodes but that no run writes; `kind` is what it is of.
  static func require(_ isSound: Bool, kind: String, _ what: @autoclosure () -> String) throws {
    if isSound { return }
    throw FaultlineError(
      .input, "the checkpoint holds in its section 'stage' a state of \(kind) that no run writes: \(what())",
      hint: "it was not written by this program, or changed since", isCollective: true)
  }

  /// The one number that thermostats with a heat bath keep.
  static func decodeHeat(kind: String, from data: Data) throws -> Double {
    let numbers = try decode([Double].self, kind: kind, from: data)
    try require(numbers.count == 1 && numbers[0].isFinite, kind: kind, "\(numbers)")
    return numbers[0]
  }
}

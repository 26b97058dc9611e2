import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport
import Testing

/// Charges that are held: totals of pools, given charges, electrodes, a field.
@Suite struct ConstraintTests {
  typealias Case = ConstrainedCharges

  /// Pools have their totals, given charges stay, per-atom energies add up, and both solvers find the same.
  @Test(arguments: Case.Model.allCases, Case.all)
  func met(_ model: Case.Model, _ item: Case) throws {
    for structure in Case.structures {
      var found: [[Double]] = []
      for method in ChargedHDNNPTests.Method.allCases {
        let potential = try item.potential(model, in: structure.box, method, accuracy: 1e-10)
        let system = Case.system(structure, potential)
        let result = try system.evaluate([potential])
        let q = system.atoms.charge!.values(structure.count)
        func sum(_ mask: UInt32) -> Double {
          q.indices.reduce(0) { Case.mask($1) & mask != 0 ? $0 + q[$1] : $0 }
        }
        // Sums of some thirty charges of 1 e.
        #expect(abs(q.reduce(0, +) - item.constraints.total) < 1e-11, "\(method), \(q)")
        var held: UInt32 = 0
        for (group, rule) in item.constraints.rules {
          held |= group.mask
          switch rule {
          case .fragment(let total): #expect(abs(sum(group.mask) - total) < 1e-11)
          case .given(let charge):
            for i in q.indices where Case.mask(i) & group.mask != 0 { #expect(q[i] == charge ?? structure.charges![i]) }
          case .electrode: break
          }
        }
        if item.constraints.hasElectrodes {
          #expect(abs(sum(~held)) < 1e-11, "others exchange nothing with electrodes")
        }
        #expect(abs(result.atomEnergies.reduce(0, +) - result.energy) < 1e-9)
        found.append(q)
      }
      // A residual of 10⁻¹¹ eV/e and a matrix of at least the hardness, 4 eV/e².
      #expect(zip(found[0], found[1]).allSatisfy { abs($0 - $1) < 1e-10 }, "\(structure.count) atoms")
    }
  }

  /// Forces and virial are the derivatives of Ω, through the charges. A field has no part in the virial.
  @Test(arguments: Case.Model.allCases, Case.all)
  func derivatives(_ model: Case.Model, _ item: Case) throws {
    for structure in Case.structures {
      let potential = try item.potential(model, in: structure.box)
      func evaluate(_ s: Structure) throws -> BruteForceSystem.Result {
        try Case.system(s, potential).evaluate([potential])
      }
      let base = try evaluate(structure)
      let h = 1e-4
      func slope(_ energy: (Double) throws -> Double) throws -> Double {
        try (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
      }
      let largest = base.forces.map(\.length).max()!
      for (i, axis) in [(0, 0), (structure.count / 2, 1), (structure.count - 1, 2)] {
        let expected = try slope {
          var moved = structure
          moved.positions[i][axis] += $0
          return try evaluate(moved).energy
        }
        #expect(abs(base.forces[i][axis] + expected) <= 1e-7 * largest, "force on \(i) of \(structure.count)")
      }
      // r → r + h (r·u) v with v at right angles to the field, which then does no work.
      let field = item.constraints(in: structure.box).field
      for (u, w) in [(Vector3(1, 0, 0), Vector3(1, 0.3, 0)), (Vector3(0, 1, 0.5), Vector3(0, 0, 1))] {
        let v = field == .zero ? w : cross(field / field.length, w)
        let expected = try slope { h in
          let strain = Matrix3.identity + h * Matrix3.outer(u, v)
          var s = structure
          s.positions = s.positions.map { $0 * strain }
          s.box = Box(cell: s.box.cell * strain, periodic: s.box.periodic)
          return try evaluate(s).energy
        }
        let scale = base.virial.elements.map(abs).max()!
        #expect(abs(dot(u * base.virial, v) + expected) <= 1e-7 * scale, "virial \(u), \(v)")
      }
    }
  }

  /// −∂Ω/∂Ψ is the electrode's charge where charges minimise the energy, and adding to all potentials adds −Ψ Q.
  @Test func chargeIsSlopeOfEnergy() throws {
    for structure in Case.structures {
      func energy(_ one: Double, _ two: Double) throws -> (energy: Double, charges: [Double]) {
        let item = ConstrainedCharges(
          testDescription: "",
          constraints: .init(total: 0.4, rules: [(Case.groups[0], .electrode(one)), (Case.groups[1], .electrode(two))]))
        let potential = try item.potential(.qeq, in: structure.box)
        let system = Case.system(structure, potential)
        let result = try system.evaluate([potential])
        let figures = potential.figures(in: structure.box).map(\.name)
        let values = potential.values(system.atoms.view, box: structure.box, potentialEnergy: result.energy)
        return (result.energy, ["charge_one", "charge_two"].map { values[figures.firstIndex(of: $0)!] })
      }
      let base = try energy(0.8, -0.5)
      // Ω is quadratic in the potentials: central differences are exact.
      let one = try (energy(0.9, -0.5).energy - energy(0.7, -0.5).energy) / 0.2
      let two = try (energy(0.8, -0.4).energy - energy(0.8, -0.6).energy) / 0.2
      #expect(abs(one + base.charges[0]) < 1e-9 && abs(two + base.charges[1]) < 1e-9)
      let shifted = try energy(1.8, 0.5)
      #expect(abs(shifted.energy - base.energy + 0.4) < 1e-9)
      #expect(zip(shifted.charges, base.charges).allSatisfy { abs($0 - $1) < 1e-10 })
    }
  }

  /// One or two degrees of freedom: conjugate gradients are done at once, and rounding must not be taken for a
  /// residual.
  @Test func smallPools() throws {
    for count in 2...3 {
      let structure = Structure(
        box: Box(lengths: Vector3(repeating: 20), periodic: .none), species: ["H", "O"],
        types: [1, 0, 0].suffix(count),
        positions: [Vector3(5, 5, 5), Vector3(6, 5, 5), Vector3(5, 6.1, 5)].suffix(count))
      let item = Case(testDescription: "", constraints: .init(total: 0.3))
      for tolerance in [1e-6, 1e-9, 1e-12] {
        let potential = try item.potential(.qeq, in: structure.box, .iterative, tolerance: tolerance)
        let system = Case.system(structure, potential)
        _ = try system.evaluate([potential])
        let q = system.atoms.charge!.values(count)
        let direct = Case.system(structure, potential)
        _ = try direct.evaluate([item.potential(.qeq, in: structure.box)])
        #expect(abs(q.reduce(0, +) - 0.3) < 1e-14)
        #expect(zip(q, direct.atoms.charge!.values(count)).allSatisfy { abs($0 - $1) < tolerance })
        #expect(potential.values(system.atoms.view, box: structure.box, potentialEnergy: 0)[0] <= 4)
      }
    }
  }

  /// On any number of ranks the same.
  @Test(arguments: Case.Model.allCases, ChargedHDNNPTests.Method.allCases)
  func ranks(_ model: Case.Model, _ method: ChargedHDNNPTests.Method) throws {
    let item = Case.all.last!
    for structure in Case.structures {
      func run(_ ranks: Int) throws -> RankedRun.Results {
        try RankedRun.results(structure, ranks: ranks, groups: { Case.mask(Int($0) - 1) }) {
          try item.potential(
            model, in: structure.box, method, mesh: method == .iterative, accuracy: method == .iterative ? 1e-6 : 1e-10,
            communicator: $0)
        }
      }
      let one = try run(1)
      #expect(one.figures.count > 4)
      for ranks in [2, 3, 4, 8] {
        let found = try run(ranks)
        found.expectEqual(one, "\(ranks) ranks")
        #expect(
          zip(found.figures, one.figures).dropFirst(2).allSatisfy { abs($0 - $1) <= 1e-7 }, "\(ranks) ranks: figures")
      }
    }
  }

  /// Figures for thermo.csv are what the charges say.
  @Test(arguments: Case.Model.allCases) func figures(_ model: Case.Model) throws {
    for structure in Case.structures {
      let item = Case.all.last!
      let potential = try item.potential(model, in: structure.box, .iterative, tolerance: 1e-7)
      let system = Case.system(structure, potential)
      let result = try system.evaluate([potential])
      let values = Dictionary(
        uniqueKeysWithValues: zip(
          potential.figures(in: structure.box).map(\.name),
          potential.values(system.atoms.view, box: structure.box, potentialEnergy: result.energy)))
      #expect(values["total_charge"].map { abs($0 + 1) < 1e-12 } == true)
      #expect(values["charge_iterations"].map { $0 > 1 && $0 == $0.rounded() } == true)
      #expect((values["adjoint_iterations"] != nil) == (model == .hdnnp))
      #expect(values["charge_residual"].map { $0 > 0 && $0 <= 1e-7 } == true)
      let battery = 0.8 * values["charge_one"]! - 0.5 * values["charge_three"]!
      #expect(abs(values["energy_without_battery"]! - result.energy - battery) < 1e-12)
      var dipole = Vector3.zero
      for i in 0..<structure.count { dipole += system.atoms.charge![i] * system.atoms.position[i] }
      for (k, axis) in ["x", "y", "z"].enumerated() {
        // The slab of these structures is sheared: no axis is at right angles to both periods.
        guard structure.box.periodic == .none else {
          #expect(values["dipole_\(axis)"] == nil)
          continue
        }
        #expect(abs(values["dipole_\(axis)"]! - dipole[k]) < 1e-12)
      }
    }
    let slab = Box(lengths: Vector3(5, 5, 9), periodic: Periodicity(true, true, false))
    let names = try Case.all[0].potential(model, in: slab).figures(in: slab).map(\.name)
    #expect(names.filter { $0.hasPrefix("dipole") } == ["dipole_z"])
  }

  // MARK: What is refused

  struct Mistake: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var constraints: ChargeConstraints
    var structure = 0
    var mask: @Sendable (Int) -> UInt32 = Case.mask
  }

  static let mistakes = [
    Mistake(
      testDescription: "atom 4 is in the groups 'one' and 'two'",
      constraints: .init(rules: [(Case.groups[0], .given(0)), (Case.groups[1], .fragment(0))]),
      mask: { $0 == 3 ? 3 : 1 << UInt32($0 % 2 + 1) }),
    Mistake(
      testDescription: "no atom belongs to the group 'five'",
      constraints: .init(rules: [(Case.groups[4], .electrode(1)), (Case.groups[1], .electrode(0))]),
      mask: { 1 << UInt32($0 % 3) }),
    Mistake(
      testDescription: "together they are -0.5 e, but the total is 1.0 e",
      constraints: .init(total: 1, rules: [(Case.groups[0], .fragment(-1)), (Case.groups[1], .fragment(0.5))]),
      mask: { 1 << UInt32($0 % 2) }),
    Mistake(testDescription: "along which the box is periodic", constraints: .init(field: Vector3(0, 0, 0.1))),
    Mistake(
      testDescription: "along which the box is periodic", constraints: .init(field: Vector3(0.1, 0, 0.1)), structure: 2),
  ]

  @Test(arguments: Case.Model.allCases, mistakes)
  func refused(_ model: Case.Model, _ mistake: Mistake) throws {
    let structure = Case.structures[mistake.structure]
    let item = Case(testDescription: "", constraints: mistake.constraints)
    let potential = try item.potential(model, in: structure.box)
    let system = BruteForceSystem(structure, reach: potential.requirements.cutoff)
    for i in 0..<structure.count { system.atoms.groups[i] = mistake.mask(i) }
    let error = #expect(throws: FaultlineError.self) { _ = try system.evaluate([potential]) }
    #expect(error?.kind == .input && error?.isCollective == true)
    #expect(error?.message.contains(mistake.testDescription) == true, "\(String(describing: error))")
  }

  @Test func chargesThatNobodyGives() throws {
    var structure = Case.structures[0]
    structure.charges = nil
    let item = Case(testDescription: "", constraints: .init(rules: [(Case.groups[0], .given(nil))]))
    let potential = try item.potential(.qeq, in: structure.box)
    let error = #expect(throws: FaultlineError.self) {
      _ = try Case.system(structure, potential).evaluate([potential])
    }
    #expect(error?.message.contains("gives none") == true)
  }
}

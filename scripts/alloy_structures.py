"""Small structures of copper, nickel and their alloys, on which the example potentials are trained."""

import numpy as np
from hdnnp_training import Frame, closest, crystal, trajectory

EAM = "potential:\n  - eam: {parameters: zhou2004}\n"
FCC = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]


def structures(program, work, random, nearest, cutoff):
    """Frames with no pair nearer than `nearest` (Å), by the program's own runs of EAM and by shaking crystals."""
    frames = []
    for _ in range(90):
        share = random.choice([0, 1, random.uniform()])
        kinds = np.where(random.uniform(size=32) < share, "Ni", "Cu")
        a = (3.615 - 0.095 * share) * random.uniform(0.95, 1.06)
        positions, cell = crystal(FCC, np.eye(3) * a, (2, 2, 2))
        if random.uniform() < 0.4:
            gone = random.integers(32)
            positions, kinds = np.delete(positions, gone, axis=0), np.delete(kinds, gone)
        if random.uniform() < 0.3:
            cell[2, 2] += 10
        strain = np.eye(3) + random.normal(scale=0.02, size=(3, 3))
        positions = positions @ strain + random.normal(scale=random.uniform(0, 0.15), size=positions.shape)
        frames.append(Frame(list(kinds), positions, cell @ strain))
    for seed, temperature in enumerate((300, 800, 1500)):
        kinds = np.where(random.uniform(size=108) < 0.5, "Ni", "Cu")
        positions, cell = crystal(FCC, np.eye(3) * 3.6, (3, 3, 3))
        start = work / f"alloy-{temperature}.extxyz"
        lattice = " ".join(map(str, cell.ravel()))
        rows = "".join(f"{k} {x:.9f} {y:.9f} {z:.9f}\n" for k, (x, y, z) in zip(kinds, positions))
        start.write_text(f'108\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n{rows}')
        frames += trajectory(
            program, work, f"alloy-{temperature}",
            f"seed: {seed + 1}\nstructure: {{file: {{path: {start}}}}}\n" + EAM
            + f"velocities: {{temperature: {2 * temperature}}}\nstages:\n  - dynamics:\n      steps: 1000\n"
            f"      timestep: 2 fs\n      thermostat: {{langevin: {{temperature: {temperature}, damping: 0.1}}}}\n",
            every=100)[3:]
    return [f for f in frames if closest(f, cutoff) > nearest]

"""Energies from the published formulas in plain numpy, every sum written out: what make-reference-frames computes where
LAMMPS has no such potential. Slow and simple on purpose; nothing here is shared with the engine."""

import itertools

import numpy as np
from scipy.special import erf, erfc

COULOMB = 14.39964547842567  # e²/4πε₀, eV Å (CODATA 2018)


class Frame:
    """Atoms in a cell; lattice vectors are the rows of `cell`. Axes that are not periodic have no images."""

    def __init__(self, name, species, positions, cell, periodic=(True, True, True)):
        self.name, self.species = name, list(species)
        self.positions, self.cell = np.array(positions, float), np.array(cell, float)
        self.periodic = tuple(periodic)

    def __len__(self):
        return len(self.species)

    @property
    def volume(self):
        return abs(np.linalg.det(self.cell))

    def moved(self, positions=None, strain=None):
        """A copy with other positions, or strained by r → (1 + ε) r."""
        factor = np.eye(3) if strain is None else np.eye(3) + strain
        base = self.positions if positions is None else positions
        return Frame(self.name, self.species, base @ factor.T, self.cell @ factor.T, self.periodic)

    def images(self, cutoff):
        """Translations of the cell that may bring an atom within the cutoff of another."""
        reciprocal = np.linalg.inv(self.cell)  # columns are perpendicular to faces
        fractional = self.positions @ reciprocal
        ranges = []
        for axis in range(3):
            if not self.periodic[axis]:
                ranges.append([0])
                continue
            spread = np.ptp(fractional[:, axis])
            n = int(np.ceil(cutoff * np.linalg.norm(reciprocal[:, axis]) + spread))
            ranges.append(range(-n, n + 1))
        return [np.array(n) @ self.cell for n in itertools.product(*ranges)]

    def pairs(self, cutoff):
        """All ordered pairs (i, j, vector from i to j's image) closer than the cutoff; each pair appears twice."""
        first, second, vectors = [], [], []
        difference = self.positions[None, :, :] - self.positions[:, None, :]
        for shift in self.images(cutoff):
            d = difference + shift
            r = np.linalg.norm(d, axis=2)
            i, j = np.nonzero((r < cutoff) & (r > 1e-9))
            first.append(i), second.append(j), vectors.append(d[i, j])
        return np.concatenate(first), np.concatenate(second), np.concatenate(vectors)


def differences(energy, frame, step=1e-3):
    """Forces −∂E/∂r and the virial −∂E/∂ε by differences of fourth order; no virial of open cells."""

    def slope(change):
        e = [energy(change(k * step)) for k in (-2, -1, 1, 2)]
        return (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * step)

    forces = np.zeros((len(frame), 3))
    for i in range(len(frame)):
        for axis in range(3):
            def displace(h, i=i, axis=axis):
                positions = frame.positions.copy()
                positions[i, axis] += h
                return frame.moved(positions)
            forces[i, axis] = -slope(displace)
    if not all(frame.periodic):
        return forces, None
    virial = np.zeros((3, 3))
    for a in range(3):
        for b in range(3):
            def deform(h, a=a, b=b):
                strain = np.zeros((3, 3))
                strain[a, b] = h
                return frame.moved(strain=strain)
            virial[a, b] = -slope(deform)
    return forces, (virial + virial.T) / 2


# Embedded atoms ------------------------------------------------------------------------------------------------------

# X. W. Zhou, R. A. Johnson, H. N. G. Wadley, Phys. Rev. B 69, 144113 (2004).
ZHOU = {
    "Cu": dict(re=2.556162, fe=1.554485, rhoe=21.175871, rhos=21.175395, alpha=8.127620, beta=4.334731, A=0.396620,
               B=0.548085, kappa=0.308782, lam=0.756515, Fn=[-2.170269, -0.263788, 1.088878, -0.817603],
               F=[-2.19, 0, 0.561830, -2.100595], eta=0.310490, Fe=-2.186568),
    "Al": dict(re=2.863924, fe=1.403115, rhoe=20.418205, rhos=23.195740, alpha=6.613165, beta=3.527021, A=0.314873,
               B=0.365551, kappa=0.379846, lam=0.759692, Fn=[-2.807602, -0.301435, 1.258562, -1.247604],
               F=[-2.83, 0, 0.622245, -2.488244], eta=0.785902, Fe=-2.824528),
}


def zhou_energy(frame):
    """The analytic functions; density and pair potential fade over the last tenth of √5 times the largest r_e."""
    metals = [ZHOU[s] for s in frame.species]
    cutoff = np.sqrt(5) * max(ZHOU[s]["re"] for s in set(frame.species))

    def fade(r):
        u = np.clip((r - 0.9 * cutoff) / (0.1 * cutoff), 0, 1)
        return 1 - u**3 * (10 - 15 * u + 6 * u**2)

    def attraction(m, r):
        x = r / m["re"]
        return np.exp(-m["beta"] * (x - 1)) / (1 + (x - m["lam"]) ** 20)

    def density(m, r):
        return m["fe"] * attraction(m, r)

    def own(m, r):
        x = r / m["re"]
        return m["A"] * np.exp(-m["alpha"] * (x - 1)) / (1 + (x - m["kappa"]) ** 20) - m["B"] * attraction(m, r)

    rho, energy = np.zeros(len(frame)), 0.0
    for i, j, d in zip(*frame.pairs(cutoff)):
        r, a, b = np.linalg.norm(d), metals[i], metals[j]
        rho[i] += density(b, r) * fade(r)
        phi = (density(b, r) / density(a, r) * own(a, r) + density(a, r) / density(b, r) * own(b, r)) / 2
        energy += 0.5 * phi * fade(r)
    for m, x in zip(metals, rho):
        if x < 0.85 * m["rhoe"]:
            energy += sum(f * (x / (0.85 * m["rhoe"]) - 1) ** k for k, f in enumerate(m["Fn"]))
        elif x < 1.15 * m["rhoe"]:
            energy += sum(f * (x / m["rhoe"] - 1) ** k for k, f in enumerate(m["F"]))
        else:
            y = x / m["rhos"]
            energy += m["Fe"] * (1 - m["eta"] * np.log(y)) * y ** m["eta"]
    return energy


# Charges -------------------------------------------------------------------------------------------------------------

def wave_vectors(frame, largest):
    """All k ≠ 0 with |k| ≤ largest."""
    reciprocal = 2 * np.pi * np.linalg.inv(frame.cell).T
    n = [int(largest * np.linalg.norm(frame.cell[a]) / (2 * np.pi)) + 1 for a in range(3)]
    grid = np.array(list(itertools.product(*[range(-m, m + 1) for m in n])))
    k = grid @ reciprocal
    k2 = (k**2).sum(axis=1)
    keep = (k2 > 1e-12) & (k2 <= largest**2)
    return k[keep], k2[keep]


def gaussian_matrix(frame, widths):
    """K, eV/e²: the Coulomb energies of Gaussian charges e^(−r²/2σ²) with all images and with themselves. In a
    crystal the plain Fourier sum without k = 0 (so with a uniform background), in a cluster erf(r/√2γ)/r."""
    widths = np.asarray(widths)
    gamma2 = widths[:, None] ** 2 + widths[None, :] ** 2
    if not any(frame.periodic):
        r = np.linalg.norm(frame.positions[None] - frame.positions[:, None], axis=2)
        np.fill_diagonal(r, 1)
        matrix = COULOMB * erf(r / np.sqrt(2 * gamma2)) / r
        np.fill_diagonal(matrix, COULOMB / (np.sqrt(np.pi) * widths))
        return matrix
    k, k2 = wave_vectors(frame, 6.3 / widths.min())
    phase = np.exp(1j * k @ frame.positions.T) * np.exp(-np.outer(k2, widths**2) / 2)
    return COULOMB * 4 * np.pi / frame.volume * np.real((phase / k2[:, None]).T @ phase.conj())


def point_energy(frame, charges):
    """Ewald's sum of point charges, far beyond convergence; in a cluster the plain sum."""
    q = np.asarray(charges)
    if not any(frame.periodic):
        i, j, d = frame.pairs(1e6)
        return 0.5 * COULOMB * (q[i] * q[j] / np.linalg.norm(d, axis=1)).sum()
    if not all(frame.periodic):
        return slab_energy(frame, q)
    alpha = 0.55
    i, j, d = frame.pairs(6.2 / alpha)
    r = np.linalg.norm(d, axis=1)
    energy = 0.5 * (q[i] * q[j] * erfc(alpha * r) / r).sum()
    k, k2 = wave_vectors(frame, 12.4 * alpha)
    structure = np.exp(1j * k @ frame.positions.T) @ q
    energy += 2 * np.pi / frame.volume * (np.exp(-k2 / (4 * alpha**2)) / k2 * np.abs(structure) ** 2).sum()
    energy -= alpha / np.sqrt(np.pi) * (q**2).sum() + np.pi / (2 * frame.volume * alpha**2) * q.sum() ** 2
    return COULOMB * energy


def slab_energy(frame, q):
    """Ewald's sum in two dimensions (D. E. Parry, Surf. Sci. 49, 433 (1975)) of a neutral layer that is periodic in its
    first two axes, which must lie in the plane z = 0: no copies along z at all."""
    alpha = 0.5
    i, j, d = frame.pairs(6.2 / alpha)
    r = np.linalg.norm(d, axis=1)
    energy = 0.5 * (q[i] * q[j] * erfc(alpha * r) / r).sum() - alpha / np.sqrt(np.pi) * (q**2).sum()
    plane = frame.cell[:2, :2]
    area = abs(np.linalg.det(plane))
    reciprocal = 2 * np.pi * np.linalg.inv(plane).T
    n = [int(12.4 * alpha * np.linalg.norm(plane[a]) / (2 * np.pi)) + 1 for a in range(2)]
    z = frame.positions[:, 2][:, None] - frame.positions[:, 2][None, :]
    products = np.outer(q, q)
    for m in itertools.product(*[range(-m, m + 1) for m in n]):
        if m == (0, 0):
            term = np.exp(-((alpha * z) ** 2)) / (alpha * np.sqrt(np.pi)) + z * erf(alpha * z)
            energy -= np.pi / area * (products * term).sum()
            continue
        k = np.array(m) @ reciprocal
        length = np.linalg.norm(k)
        if length > 12.4 * alpha:
            continue
        shift = (frame.positions[:, :2] @ k)[:, None] - (frame.positions[:, :2] @ k)[None, :]
        half = length / (2 * alpha)
        term = np.exp(length * z) * erfc(half + alpha * z) + np.exp(-length * z) * erfc(half - alpha * z)
        energy += np.pi / (2 * area * length) * (products * np.cos(shift) * term).sum()
    return COULOMB * energy


def equilibrate(frame, electronegativity, hardness, widths, total=0.0):
    """Charges that minimise ½ qᵀ(K + J)q + χᵀq under Σq = Q, and K."""
    n = len(frame)
    matrix = np.ones((n + 1, n + 1))
    coulomb = gaussian_matrix(frame, widths)
    matrix[:n, :n] = coulomb + np.diag(hardness)
    matrix[n, n] = 0
    q = np.linalg.solve(matrix, np.append(-np.asarray(electronegativity), total))[:n]
    return q, coulomb


def qeq_energy(frame, parameters, total=0.0):
    """(energy, charges) of plain charge equilibration; parameters[species] = (χ, J, σ)."""
    chi, hardness, widths = np.array([parameters[s] for s in frame.species]).T
    q, coulomb = equilibrate(frame, chi, hardness, widths, total)
    return 0.5 * q @ (coulomb + np.diag(hardness)) @ q + chi @ q, q

"""What the scripts share that train the example potentials: frames, symmetry functions, networks, files.

Functions and networks are kept so simple that a fit to energies and forces is linear algebra: of all atoms of all
frames the functions are one long vector, and their slopes one sparse matrix J = ∂G/∂r, so that forces are −Jᵀ ∂E/∂G.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse
from scipy.optimize import minimize

ROOT = Path(__file__).resolve().parent.parent


# Frames --------------------------------------------------------------------------------------------------------------

@dataclass
class Frame:
    """A periodic structure (Å) and what has been computed for it: eV, eV/Å, e."""
    species: list
    positions: np.ndarray
    cell: np.ndarray
    energy: float | None = None
    forces: np.ndarray | None = None
    charges: np.ndarray | None = None


def write_frames(path, frames):
    with open(path, "w") as file:
        for frame in frames:
            lattice = " ".join(f"{x:.17g}" for x in frame.cell.ravel())
            file.write(f'{len(frame.positions)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n')
            for symbol, r in zip(frame.species, frame.positions):
                file.write(symbol + " " + " ".join(f"{x:.17g}" for x in r) + "\n")


def read_frames(path):
    """The frames of an extended XYZ file."""
    lines = iter(path.read_text().splitlines())
    for count in lines:
        header = next(lines)
        rows = [next(lines).split() for _ in range(int(count))]
        values, rest = {}, header
        while "=" in rest:
            key, rest = rest.split("=", 1)
            if rest.startswith('"'):
                value, rest = rest[1:].split('"', 1)
            else:
                value, _, rest = rest.partition(" ")
            values[key.strip()] = value
        columns, start = {}, 0
        properties = values["Properties"].split(":")
        for name, width in zip(properties[::3], map(int, properties[2::3])):
            columns[name] = slice(start, start + width)
            start += width

        def column(name):
            return np.array([[float(x) for x in row[columns[name]]] for row in rows]) if name in columns else None

        charges = column("charges")
        yield Frame(
            species=[row[columns["species"]][0] for row in rows], positions=column("pos"),
            cell=np.array(values["Lattice"].split(), dtype=float).reshape(3, 3),
            energy=float(values["energy"]) if "energy" in values else None, forces=column("forces"),
            charges=None if charges is None else charges[:, 0])


def crystal(basis, cell, size):
    """Positions and cell of a block of unit cells, the atoms of the basis one after the other in each."""
    shifts = np.array(np.meshgrid(*map(np.arange, size), indexing="ij")).reshape(3, -1).T
    fractional = (shifts[:, None, :] + np.array(basis)[None, :, :]).reshape(-1, 3)
    return fractional @ cell, cell * np.array(size)[:, None]


def neighbors(positions, cell, cutoff):
    """For each atom indices and vectors of the neighbours within the cutoff, images included."""
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    reach = np.ceil(cutoff / heights).astype(int) + 1
    shifts = np.array(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij")).reshape(3, -1).T @ cell
    images = (positions[None, :, :] + shifts[:, None, :]).reshape(-1, 3)
    index = np.tile(np.arange(len(positions)), len(shifts))
    found = []
    for r in positions:
        vectors = images - r
        distance = np.linalg.norm(vectors, axis=1)
        near = (distance < cutoff) & (distance > 1e-6)
        found.append((index[near], vectors[near]))
    return found


def closest(frame, cutoff):
    """The shortest distance, Å, if it is below the cutoff."""
    return min(
        np.linalg.norm(v, axis=1).min(initial=cutoff) for _, v in neighbors(frame.positions, frame.cell, cutoff))


# The program ---------------------------------------------------------------------------------------------------------

def faultline(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"faultline {' '.join(map(str, arguments))} failed:\n{done.stdout}{done.stderr}")


def trajectory(program, work, name, deck, every):
    """The frames of a run of dynamics; `deck` is all but the output section."""
    (work / f"{name}.yaml").write_text(
        f"{deck}output:\n  directory: {work / name}\n  overwrite: true\n"
        f"  trajectories:\n    - {{file: frames.extxyz, every: {every}}}\n")
    faultline(program, "run", work / f"{name}.yaml")
    return list(read_frames(work / name / "frames.extxyz"))


def evaluated(program, work, name, deck, frames):
    """The frames with energies, forces, and charges if the deck's potential has them."""
    file, given, result = (work / f"{name}{suffix}" for suffix in (".yaml", ".extxyz", "-result.extxyz"))
    file.write_text(deck)
    write_frames(given, frames)
    faultline(program, "evaluate", file, "--frames", given, "--output", result)
    return list(read_frames(result))


# Symmetry functions --------------------------------------------------------------------------------------------------

def cutoff_function(r, cutoff):
    """((15 − 6x)x − 10)x³ + 1, which is cutoff_type 6, and its slope."""
    x = np.minimum(r / cutoff, 1)
    return ((15 - 6 * x) * x - 10) * x**3 + 1, -30 * x**2 * (1 - x)**2 / cutoff


class Triples:
    """Pairs (j, k) of an atom's neighbours, from which angular functions are made."""

    def __init__(self, j, k, side, length, r, unit, f, df, cutoff):
        self.j, self.k, self.count = j, k, len(r)
        self.rj, self.rk, self.rs = r[j], r[k], length
        self.uj, self.uk, self.us = unit[j], unit[k], side / length[:, None]
        fj, fk = f[j], f[k]
        fs, dfs = cutoff_function(length, cutoff)
        self.product = fj * fk * fs
        self.by_j, self.by_k, self.by_s = df[j] * fk * fs, fj * df[k] * fs, fj * fk * dfs
        self.cosine = (self.uj * self.uk).sum(axis=1)
        # ∂cos/∂(vector j) and k.
        self.turn_j = (self.uk - self.cosine[:, None] * self.uj) / self.rj[:, None]
        self.turn_k = (self.uj - self.cosine[:, None] * self.uk) / self.rk[:, None]

    def function(self, eta, sign, zeta):
        """2^(1−ζ) Σ (1 + λ cos θ)^ζ exp(−η(r_ij² + r_ik² + r_jk²)) f f f, and its slopes."""
        gauss = 2.0**(1 - zeta) * np.exp(-eta * (self.rj**2 + self.rk**2 + self.rs**2))
        base = np.maximum(1 + sign * self.cosine, 0)
        radial = gauss * base**zeta
        turn = (gauss * zeta * sign * base**(zeta - 1) * self.product)[:, None]
        along_s = (radial * (self.by_s - 2 * eta * self.rs * self.product))[:, None] * self.us
        along_j = (radial * (self.by_j - 2 * eta * self.rj * self.product))[:, None] * self.uj
        along_k = (radial * (self.by_k - 2 * eta * self.rk * self.product))[:, None] * self.uk
        by_j = along_j - along_s + turn * self.turn_j
        by_k = along_k + along_s + turn * self.turn_k
        slope = [np.bincount(self.j, by_j[:, c], self.count) + np.bincount(self.k, by_k[:, c], self.count)
                 for c in range(3)]
        return (radial * self.product).sum(), np.stack(slope, axis=1)


class Functions:
    """Radial (type 2) and angular narrow (type 3) functions, the same about atoms of all elements.

    In the order of n2p2, which is that of scaling.data and of the weights: by type, η, r_s, ζ, λ, elements.
    """

    def __init__(self, elements, radial, angular, cutoff):
        """`elements` in order of atomic number; `radial` (η, r_s), `angular` (η, λ, ζ) for all elements around."""
        self.elements, self.cutoff = elements, cutoff
        n = len(elements)
        self.radial = [(*f, a) for f in sorted(radial) for a in range(n)]
        angular = sorted(angular, key=lambda f: (f[0], f[2], f[1]))
        self.angular = [(*f, a, b) for f in angular for a in range(n) for b in range(a, n)]
        self.count = len(self.radial) + len(self.angular)

    def lines(self):
        """Their part of input.nn."""
        for symbol in self.elements:
            yield "# centre, type, neighbour, eta (Å⁻²), r_s (Å), cutoff (Å)"
            for eta, shift, a in self.radial:
                yield f"symfunction_short {symbol} 2 {self.elements[a]} {eta} {shift} {self.cutoff}"
            yield "# centre, type, neighbours, eta (Å⁻²), lambda, zeta, cutoff (Å)"
            for eta, sign, zeta, a, b in self.angular:
                pair = f"{self.elements[a]} {self.elements[b]}"
                yield f"symfunction_short {symbol} 3 {pair} {eta} {sign} {zeta} {self.cutoff}"

    def of_atom(self, vectors, kinds):
        """G of an atom and ∂G/∂(vector), functions × neighbours × 3."""
        r = np.linalg.norm(vectors, axis=1)
        unit = vectors / r[:, None]
        f, df = cutoff_function(r, self.cutoff)
        values, slopes = np.zeros(self.count), np.zeros((self.count, len(r), 3))
        for number, (eta, shift, a) in enumerate(self.radial):
            gauss = np.exp(-eta * (r - shift)**2) * (kinds == a)
            values[number] = (gauss * f).sum()
            slopes[number] = (gauss * (df - 2 * eta * (r - shift) * f))[:, None] * unit
        j, k = np.triu_indices(len(r), 1)
        side = vectors[k] - vectors[j]
        length = np.linalg.norm(side, axis=1)
        near = length < self.cutoff
        j, k, side, length = j[near], k[near], side[near], length[near]
        low, high = np.minimum(kinds[j], kinds[k]), np.maximum(kinds[j], kinds[k])
        for pair in sorted({f[3:] for f in self.angular}):
            own = (low == pair[0]) & (high == pair[1])
            triples = Triples(j[own], k[own], side[own], length[own], r, unit, f, df, self.cutoff)
            for number, (eta, sign, zeta, a, b) in enumerate(self.angular, len(self.radial)):
                if (a, b) == pair:
                    values[number], slopes[number] = triples.function(eta, sign, zeta)
        return values, slopes

    def of_frame(self, frame):
        """G, atoms × functions, and ∂G/∂r, (atoms · functions) × (3 · atoms), of a frame."""
        n = len(frame.positions)
        kinds = np.array([self.elements.index(symbol) for symbol in frame.species])
        values, slopes = np.empty((n, self.count)), []
        for i, (index, vectors) in enumerate(neighbors(frame.positions, frame.cell, self.cutoff)):
            values[i], slope = self.of_atom(vectors, kinds[index])
            dense = np.zeros((self.count, n, 3))
            np.add.at(dense, (slice(None), index), slope)
            dense[:, i] -= slope.sum(axis=1)
            slopes.append(scipy.sparse.csr_matrix(dense.reshape(self.count, 3 * n)))
        return values, scipy.sparse.vstack(slopes, format="csr")


# Networks ------------------------------------------------------------------------------------------------------------

class Network:
    """y = w₃·tanh(W₂ tanh(W₁ x + b₁) + b₂) + b₃ with all weights in one vector."""

    def __init__(self, inputs, hidden):
        self.shapes = [(hidden, inputs), (hidden,), (hidden, hidden), (hidden,), (hidden,), ()]
        self.size = sum(int(np.prod(shape)) for shape in self.shapes)

    def start(self, random):
        """Random weights of the size that keeps sums near one, no biases."""
        return np.concatenate([
            (random.normal(size=s) * (np.sqrt(1 / s[1]) * 2 if len(s) == 2 else 0.3 if n == 4 else 0)).ravel()
            for n, s in enumerate(self.shapes)])

    def split(self, weights):
        parts, start = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            parts.append(weights[start:start + size].reshape(shape))
            start += size
        return parts

    def evaluate(self, weights, x):
        """y and ∂y/∂x of each row of x."""
        w1, b1, w2, b2, w3, b3 = self.split(weights)
        h1 = np.tanh(x @ w1.T + b1)
        h2 = np.tanh(h1 @ w2.T + b2)
        d2 = w3 * (1 - h2**2)
        d1 = (d2 @ w2) * (1 - h1**2)
        return h2 @ w3 + b3, d1 @ w1

    def gradient(self, weights, x, a, v):
        """d/d(weights) of Σᵢ aᵢ yᵢ + vᵢ·∂yᵢ/∂xᵢ: backwards through the values and their change along v."""
        w1, b1, w2, b2, w3, b3 = self.split(weights)
        h1 = np.tanh(x @ w1.T + b1)
        h2 = np.tanh(h1 @ w2.T + b2)
        s1, s2 = 1 - h1**2, 1 - h2**2
        u1 = v @ w1.T
        t1 = s1 * u1
        u2 = t1 @ w2.T
        t2 = s2 * u2
        # With respect to h2 and t2, then the sums and their changes, layer by layer.
        h2_, t2_ = a[:, None] * w3, np.broadcast_to(w3, h2.shape)
        u2_ = t2_ * s2
        z2_ = (h2_ - 2 * h2 * t2_ * u2) * s2
        h1_, t1_ = z2_ @ w2, u2_ @ w2
        u1_ = t1_ * s1
        z1_ = (h1_ - 2 * h1 * t1_ * u1) * s1
        return np.concatenate([
            (z1_.T @ x + u1_.T @ v).ravel(), z1_.sum(axis=0), (z2_.T @ h1 + u2_.T @ t1).ravel(), z2_.sum(axis=0),
            a @ h2 + t2.sum(axis=0), [a.sum()]])

    def write(self, path, weights):
        """As n2p2 does: layer by layer weights by input, then biases."""
        parts, count = self.split(weights), 0
        text = "# value, a (weight) or b (bias), number, from layer, node, to layer, node\n"
        for layer in range(3):
            w, b = np.atleast_2d(parts[2 * layer]), np.atleast_1d(parts[2 * layer + 1])
            for i in range(w.shape[1]):
                for o in range(w.shape[0]):
                    count += 1
                    text += f"{w[o, i]:24.16e} a {count:4d} {layer} {i + 1:2d} {layer + 1} {o + 1:2d}\n"
            for o in range(len(b)):
                count += 1
                text += f"{b[o]:24.16e} b {count:4d} {layer + 1} {o + 1:2d}\n"
        path.write_text(text)


class Networks:
    """A network for each element; rows of x are atoms, `kinds` their elements."""

    def __init__(self, elements, inputs, hidden):
        self.network = Network(inputs, hidden)
        self.elements = elements

    def start(self, random):
        return np.concatenate([self.network.start(random) for _ in range(self.elements)])

    def parts(self, weights):
        return weights.reshape(self.elements, -1)

    def evaluate(self, weights, x, kinds):
        y, slope = np.empty(len(x)), np.empty_like(x)
        for kind, own in enumerate(self.parts(weights)):
            y[kinds == kind], slope[kinds == kind] = self.network.evaluate(own, x[kinds == kind])
        return y, slope

    def gradient(self, weights, x, kinds, a, v):
        return np.concatenate([
            self.network.gradient(own, x[kinds == kind], a[kinds == kind], v[kinds == kind])
            for kind, own in enumerate(self.parts(weights))])


class Scaling:
    """scale_symmetry_functions with center_symmetry_functions, (G − mean) / (max − min), of each element."""

    KEYWORDS = ["scale_symmetry_functions", "center_symmetry_functions", "scale_min_short 0.0", "scale_max_short 1.0"]

    def __init__(self, values, kinds):
        groups = [values[kinds == kind] for kind in range(kinds.max() + 1)]
        self.rows = [(g.min(axis=0), g.max(axis=0), g.mean(axis=0), g.std(axis=0)) for g in groups]
        self.mean = np.array([row[2] for row in self.rows])
        self.factor = np.array([1 / (row[1] - row[0]) for row in self.rows])

    def write(self, path):
        path.write_text("# element, function, minimum, maximum, mean, deviation\n" + "".join(
            f"{e + 1} {k + 1:2d} " + " ".join(f"{x:23.16e}" for x in row) + "\n"
            for e, rows in enumerate(self.rows) for k, row in enumerate(zip(*rows))))


class Data:
    """Functions, their slopes and the targets of a set of frames, end to end."""

    def __init__(self, functions, frames, parts=None):
        """`parts` of the frames instead of `functions.of_frame`: inputs and their slopes."""
        parts = parts or [functions.of_frame(frame) for frame in frames]
        self.values = np.concatenate([values for values, _ in parts])
        self.slopes = scipy.sparse.block_diag([slopes for _, slopes in parts], format="csr")
        self.kinds = np.array([functions.elements.index(s) for frame in frames for s in frame.species])
        self.sizes = np.array([len(frame.species) for frame in frames])
        self.frame = np.repeat(np.arange(len(frames)), self.sizes)
        self.energies = np.array([frame.energy for frame in frames])
        self.forces = np.concatenate([frame.forces for frame in frames])

    def scaled(self, mean, factor):
        """Inputs of the networks, with slopes to match, by elements' shifts and factors."""
        self.x = (self.values - mean[self.kinds]) * factor[self.kinds]
        self.x_slopes = scipy.sparse.diags(factor[self.kinds].ravel()) @ self.slopes
        self.x_slopes_transposed = self.x_slopes.T.tocsr()

    def errors(self, networks, weights, offset):
        """Of energies an atom and of forces."""
        energy, slope = networks.evaluate(weights, self.x, self.kinds)
        total = np.bincount(self.frame, energy + offset[self.kinds]) - self.energies
        return total / self.sizes, (-self.x_slopes_transposed @ slope.ravel()).reshape(-1, 3) - self.forces


def train(networks, weights, offset, data, iterations, energy_unit, force_unit):
    """Fits to energies an atom and forces; errors as large as the units weigh the same."""

    def loss(weights):
        energy, force = data.errors(networks, weights, offset)
        value = (energy**2).mean() / energy_unit**2 + (force**2).mean() / force_unit**2
        a = (2 / energy_unit**2 / len(energy)) * (energy / data.sizes)[data.frame]
        v = -(2 / force_unit**2 / force.size) * (data.x_slopes @ force.ravel()).reshape(data.x.shape)
        return value, networks.gradient(weights, data.x, data.kinds, a, v)

    return minimized(loss, weights, iterations)


def minimized(loss, weights, iterations):
    return minimize(loss, weights, jac=True, method="L-BFGS-B", options={
        "maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30, "ftol": 0, "gtol": 0}).x


def root_mean_square(x):
    return float(np.sqrt((np.asarray(x)**2).mean()))


def summary(energy, force, forces):
    return (f"energies {1000 * root_mean_square(energy):.2f} meV/atom, "
            f"forces {1000 * root_mean_square(force):.1f} meV/Å of {1000 * root_mean_square(forces):.0f}")

"""Moment tensor potentials in plain numpy from the published formulas (Shapeev, Multiscale Model. Simul. 14, 1153
(2016); several elements: Gubaev et al., Comput. Mater. Sci. 156, 148 (2019)): moments as whole tensors, contracted by
einsum, where files and the engine have lists of components. Grades by the definition (Podryabinkin and Shapeev, Comput.
Mater. Sci. 140, 171 (2017)). Slow and simple on purpose; nothing here is shared with the engine."""

import copy
import math

import numpy as np

CONTRACTIONS = {1: "a,a", 2: "ab,ab", 3: "abc,abc", 4: "abcd,abcd"}


def powers(rank):
    return [(a, b, rank - a - b) for a in range(rank, -1, -1) for b in range(rank - a, -1, -1)]


class Tensors:
    """V of an atom = ξ⁰ + Σ ξ B. The scalars B are: every moment of rank 0; the contraction of any two moments of one
    rank; v·T·v; and each of these times the first."""

    def __init__(self, random, elements, ranks, basis, nearest, cutoff, repulsive=False):
        self.elements, self.ranks, self.basis = elements, ranks, basis
        self.nearest, self.cutoff, self.repulsive = nearest, cutoff, repulsive
        self.scaling = 0.8
        count = len(elements)
        self.radial = np.round(random.normal(size=(count, count, len(ranks), basis)) * 0.15, 12)
        self.species = np.round(random.normal(size=count), 12)
        self.couples = [(m, n, k) for m in range(len(ranks)) for n in range(m, len(ranks))
                        for k in range(1, min(ranks[m], ranks[n]) + 1)]
        singles = len(ranks) + len(self.couples) + (1 if ranks[0] >= 2 else 0)
        self.moments = np.round(random.normal(size=2 * singles) * 0.03, 12)
        self.active = None

    # Energies

    def functions(self, r):
        """Q_β(r), basis functions × distances."""
        s = np.maximum(r, self.nearest) if self.repulsive else r
        x = (2 * s - self.nearest - self.cutoff) / (self.cutoff - self.nearest)
        q = [np.polynomial.chebyshev.Chebyshev.basis(k)(x) for k in range(self.basis)]
        return np.array(q) * (s - self.cutoff)**2

    def site(self, kind, kinds, vectors):
        """V of an atom with neighbours of these kinds at these vectors."""
        r = np.linalg.norm(vectors, axis=1)
        n = vectors / r[:, None]
        q = self.functions(r)
        tensors = []
        for m, rank in enumerate(self.ranks):
            f = self.scaling * np.einsum("jb,bj->j", self.radial[kind][kinds, m], q)
            power, moments = f, []
            for k in range(rank + 1):
                moments.append(power.sum(axis=0))
                power = power[..., None] * n.reshape(len(r), *[1] * k, 3)
            tensors.append(moments)
        values = [moments[0] for moments in tensors]
        values += [np.einsum(CONTRACTIONS[k], tensors[m][k], tensors[n][k]) for m, n, k in self.couples]
        if self.ranks[0] >= 2:
            values.append(np.einsum("a,ab,b", tensors[0][1], tensors[0][2], tensors[0][1]))
        values += [values[0] * v for v in values]
        near = r[r < self.nearest] if self.repulsive else r[:0]
        repulsion = 1e4 * (np.exp(-10 * (near - 1)) - np.exp(-10 * (self.nearest - 1))).sum()
        return self.species[kind] + self.moments @ np.array(values) + repulsion

    def neighbors(self, frame):
        """Of each atom its kind, its neighbours' kinds, and the vectors to them."""
        kinds = np.array([self.elements.index(s) for s in frame.species])
        first, second, vectors = frame.pairs(self.cutoff)
        return [(kinds[i], kinds[second[first == i]], vectors[first == i]) for i in range(len(frame))]

    def energy(self, frame):
        return sum(self.site(*atom) for atom in self.neighbors(frame))

    # Grades

    def parameters(self):
        return [self.radial, self.species, self.moments]

    def derivatives(self, atom):
        """∂V/∂θ: V is a polynomial of at most fourth degree in each, so differences of fourth order are exact."""
        v, step = [], 0.05
        for number, array in enumerate(self.parameters()):
            for place in np.ndindex(array.shape):
                def changed(h, number=number, place=place):
                    other = copy.deepcopy(self)
                    other.parameters()[number][place] += h * step
                    return other.site(*atom)
                e = [changed(h) for h in (-2, -1, 1, 2)]
                v.append((e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * step))
        return np.array(v)

    def activate(self, random):
        """Rows of an active set that nobody selected, and X with A Xᵀ = 1."""
        count = sum(array.size for array in self.parameters())
        a = np.eye(count) + 0.3 * random.normal(size=(count, count)) / math.sqrt(count)
        self.active = (a, np.linalg.inv(a).T)

    def grades(self, frame):
        return np.array([np.abs(self.active[1] @ self.derivatives(atom)).max() for atom in self.neighbors(frame)])

    # Files

    def components(self):
        """Basic moments and products as files have them: lists of components; the scalars' places among them."""
        basics = [(m, *p) for m, rank in enumerate(self.ranks) for k in range(rank + 1) for p in powers(k)]
        place = {b: k for k, b in enumerate(basics)}
        lines, count = [], len(basics)

        def product(terms):
            nonlocal count
            lines.extend((i, j, factor, count) for i, j, factor in terms)
            count += 1
            return count - 1

        def vector(m, *axes):
            return place[m, *(axes.count(k) for k in range(3))]

        scalars = [place[m, 0, 0, 0] for m in range(len(self.ranks))]
        for m, n, k in self.couples:
            orders = {p: math.factorial(k) // math.prod(map(math.factorial, p)) for p in powers(k)}
            scalars.append(product([(place[m, *p], place[n, *p], orders[p]) for p in orders]))
        if self.ranks[0] >= 2:
            turned = [product([(vector(0, a, b), vector(0, b), 1) for b in range(3)]) for a in range(3)]
            scalars.append(product([(turned[a], vector(0, a), 1) for a in range(3)]))
        scalars += [product([(scalars[0], s, 1)]) for s in list(scalars)]
        return basics, lines, count, scalars

    def write(self, path):
        """MLIP-3's `.almtp` where there is an active set, else MLIP-2's `.mtp`, without a last newline."""
        basics, lines, count, scalars = self.components()

        def row(values):
            return "{" + ", ".join(f"{v:.15e}" if isinstance(v, float) else str(v) for v in values) + "}"

        def table(rows):
            return "{" + ", ".join(row(values) for values in rows) + "}"

        kinds = range(len(self.elements))
        blocks = "".join(
            f"\t\t{a}-{b}\n" + "".join(f"\t\t\t{row(map(float, values))}\n" for values in self.radial[a, b])
            for a in kinds for b in kinds)
        text = f"""MTP
version = 1.1.0
potential_name = made-by-make-reference-frames
scaling = {self.scaling:.15e}
species_count = {len(self.elements)}
potential_tag =\x20
radial_basis_type = RBChebyshev{"_repuls" if self.repulsive else ""}
\tmin_dist = {self.nearest:.15e}
\tmax_dist = {self.cutoff:.15e}
\tradial_basis_size = {self.basis}
\tradial_funcs_count = {len(self.ranks)}
\tradial_coeffs
{blocks}alpha_moments_count = {count}
alpha_index_basic_count = {len(basics)}
alpha_index_basic = {table(basics)}
alpha_index_times_count = {len(lines)}
alpha_index_times = {table(lines)}
alpha_scalar_moments = {len(scalars)}
alpha_moment_mapping = {row(scalars)}
species_coeffs = {row(map(float, self.species))}
moment_coeffs = {row(map(float, self.moments))}"""
        data = text.encode()
        if self.active is not None:
            n = len(self.active[0])
            weights = "".join(f"{name} {value}\n" for name, value in [
                ("energy_weight", 0.0), ("force_weight", 0.0), ("stress_weight", 0.0), ("site_en_weight", 1.0),
                ("weight_scaling", 2)])
            data += f"\n#MVS_v1.1\n{weights}#".encode()
            data += b"".join(np.ascontiguousarray(matrix).astype("<f8").tobytes() for matrix in self.active)
            data += ("\n#\n" + "0 0\n" * n + "#\n").encode()
        path.write_bytes(data)

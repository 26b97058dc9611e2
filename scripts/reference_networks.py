"""Neural network potentials with random weights, their files, and their energies from the published formulas in plain
numpy: Behler, J. Chem. Phys. 134, 074106 (2011); Bircher, Singraber, Dellago, Mach. Learn.: Sci. Technol. 2, 035026
(2021); Artrith, Morawietz, Behler, Phys. Rev. B 83, 153101 (2011); Ko et al., Nat. Commun. 12, 398 (2021)."""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import erf

from reference_formulas import COULOMB, equilibrate, point_energy

NUMBERS = {"H": 1, "O": 8, "Na": 11, "Mg": 12, "Cl": 17}


def core(x):
    """The polynomial p2 (cutoff_type 6) from 1 at 0 to 0 at 1."""
    x = np.clip(x, 0, 1)
    return ((15 - 6 * x) * x - 10) * x**3 + 1


def cosine(x):
    return 0.5 * (np.cos(np.pi * np.clip(x, 0, 1)) + 1)


@dataclass
class Function:
    """A line symfunction_short; words are those after element and type."""
    kind: int
    neighbors: list
    words: list

    @property
    def cutoff(self):
        return self.words[1] if self.kind >= 20 else self.words[-1] if self.kind != 2 else self.words[2]

    def line(self, element, keyword="symfunction_short"):
        return " ".join(map(str, [keyword, element, self.kind, *self.neighbors, *self.words]))

    def value(self, r, d, species):
        """G of an atom from the distances, vectors and species of its neighbours."""
        if self.kind in (2, 12):
            eta, shift, cutoff = self.words
            g = np.exp(-eta * (r - shift) ** 2) * core(r / cutoff) * (r < cutoff)
            return (g * self.weights(species)).sum()
        if self.kind in (20, 23):
            low, high = self.words[:2]
            return (bump(r, low, high) * self.weights(species)).sum()
        i, j = np.triu_indices(len(r), 1)
        if self.kind < 20 and self.kind != 13:
            eta, lam, zeta, cutoff = self.words
            shift = 0.0
        elif self.kind == 13:
            eta, shift, lam, zeta, cutoff = self.words
        else:
            cutoff = self.words[1]
        narrow = self.kind in (3, 13, 21)
        if self.neighbors:
            a, b = self.neighbors
            fits = ((species[i] == a) & (species[j] == b)) | ((species[i] == b) & (species[j] == a))
            weight = fits.astype(float)
        else:
            z = np.array([NUMBERS[s] for s in species], float)
            weight = z[i] * z[j]
        between = np.linalg.norm(d[i] - d[j], axis=1)
        cos = (d[i] * d[j]).sum(axis=1) / (r[i] * r[j])
        if self.kind >= 20:
            low, high, left, right = self.words[:4]
            radial = bump(r, low, high)
            g = bump(np.degrees(np.arccos(np.clip(cos, -1, 1))), left, right) * radial[i] * radial[j]
            return (weight * g * (bump(between, low, high) if narrow else 1)).sum()

        def e(x):
            return np.exp(-eta * (x - shift) ** 2) * core(x / cutoff) * (x < cutoff)

        g = 2 ** (1 - zeta) * (1 + lam * cos) ** zeta * e(r[i]) * e(r[j])
        return (weight * g * (e(between) if narrow else 1)).sum()

    def weights(self, species):
        if self.neighbors:
            return species == self.neighbors[0]
        return np.array([NUMBERS[s] for s in species], float)


def bump(x, low, high):
    """C(x; low, high): core(|x − c|/w) about the centre c with the half-width w."""
    return core(np.abs(x - (low + high) / 2) / ((high - low) / 2))


def sort_key(function, elements):
    """The order of functions, which is that of scaling.data and of the networks' inputs."""
    n = [elements.index(x) for x in function.neighbors] + [0] * (2 - len(function.neighbors))
    if function.kind >= 20:
        low, high, *angles = function.words[:-1]
        return (function.kind, n, [high, low, *angles])
    names = {2: "eta rs rc", 12: "eta rs rc", 13: "eta rs lambda zeta rc"}.get(function.kind, "eta lambda zeta rc")
    words = dict(zip(names.split(), function.words))
    return (function.kind, [words.get(k, 0) for k in ("rc", "eta", "rs", "zeta", "lambda")], n)


@dataclass
class Network:
    """Two hidden layers of tanh and a linear output."""
    weights: list
    biases: list

    @classmethod
    def random(cls, random, inputs, hidden=(4, 3), scale=1.0):
        sizes = [inputs, *hidden, 1]
        return cls([np.round(scale * random.normal(size=s), 6) for s in zip(sizes[:-1], sizes[1:])],
                   [np.round(0.3 * random.normal(size=n), 6) for n in sizes[1:]])

    def __call__(self, x):
        for k, (w, b) in enumerate(zip(self.weights, self.biases)):
            x = x @ w + b
            if k + 1 < len(self.weights):
                x = np.tanh(x)
        return x[0]

    def text(self):
        """Layer by layer the weights, input by input, then the biases."""
        return "".join(f"{v:.9g}\n" for w, b in zip(self.weights, self.biases) for v in [*w.ravel(), *b])


@dataclass
class Model:
    elements: list  # in order of atomic number
    functions: dict
    generation: int = 2
    offsets: dict = field(default_factory=dict)
    ranges: dict = field(default_factory=dict)  # element → rows (minimum, maximum, mean)
    short: dict = field(default_factory=dict)
    charge: dict = field(default_factory=dict)  # charges of generation 3, electronegativities of generation 4
    hardness: dict = field(default_factory=dict)
    widths: dict = field(default_factory=dict)
    screening: tuple = (1.2, 3.1)
    enforced: bool = False

    @classmethod
    def random(cls, random, functions, frames, generation=2, scale=1.0):
        elements = sorted(functions, key=NUMBERS.get)
        model = cls(elements, {e: sorted(f, key=lambda g: sort_key(g, elements)) for e, f in functions.items()},
                    generation)
        values = {e: [] for e in elements}
        for frame in frames:
            for species, g in zip(frame.species, model.descriptors(frame)):
                values[species].append(g)
        for e in elements:
            g = np.array(values[e])
            margin = 0.1 * np.ptp(g, axis=0) + 0.01
            rows = (g.min(axis=0) - margin, g.max(axis=0) + margin, g.mean(axis=0))
            model.ranges[e] = np.round(np.array(rows).T, 6)
            n = len(model.functions[e])
            model.offsets[e] = round(random.normal(), 6)
            model.short[e] = Network.random(random, n + (generation == 4), scale=scale)
            if generation > 2:
                model.charge[e] = Network.random(random, n, hidden=(3, 3), scale=scale)
            if generation == 3:
                model.charge[e].biases[-1][:] = 0.7 if e == elements[0] else -0.6  # charges of both signs
            if generation == 4:
                model.hardness[e] = round(4 + 3 * random.random(), 6)
                model.widths[e] = round(0.75 + 0.3 * random.random(), 6)
        return model

    def descriptors(self, frame):
        reach = max(f.cutoff for functions in self.functions.values() for f in functions)
        i, j, d = frame.pairs(reach)
        r, species = np.linalg.norm(d, axis=1), np.array(frame.species)
        return [np.array([f.value(r[i == a], d[i == a], species[j[i == a]]) for f in self.functions[frame.species[a]]])
                for a in range(len(frame))]

    def inputs(self, frame):
        """(G − mean)/(max − min): scale_symmetry_functions and center_symmetry_functions, S from 0 to 1."""
        out = []
        for species, g in zip(frame.species, self.descriptors(frame)):
            low, high, mean = self.ranges[species].T
            out.append((g - mean) / (high - low))
        return out

    def energy(self, frame, total=0.0):
        """(energy, charges); charges are None in generation 2."""
        inputs = self.inputs(frame)
        offset = sum(self.offsets[s] for s in frame.species)
        if self.generation == 2:
            return offset + sum(self.short[s](x) for s, x in zip(frame.species, inputs)), None
        networks = np.array([self.charge[s](x) for s, x in zip(frame.species, inputs)])
        if self.generation == 3:
            q = self.adjusted(networks, total)
            energy = point_energy(frame, q)
            inputs_short = inputs
        else:
            widths = np.array([self.widths[s] for s in frame.species])
            q, coulomb = equilibrate(frame, networks, [self.hardness[s] for s in frame.species], widths, total)
            energy = 0.5 * q @ coulomb @ q - COULOMB * (q**2 / (2 * np.sqrt(np.pi) * widths)).sum()
            inputs_short = [np.append(x, charge) for x, charge in zip(inputs, q)]
        inner, outer = self.screening
        i, j, d = frame.pairs(outer)
        r = np.linalg.norm(d, axis=1)
        spread = np.ones_like(r)
        if self.generation == 4:
            spread = erf(r / np.sqrt(2 * (widths[i] ** 2 + widths[j] ** 2)))
        energy -= 0.5 * COULOMB * (q[i] * q[j] * cosine((r - inner) / (outer - inner)) * spread / r).sum()
        return energy + offset + sum(self.short[s](x) for s, x in zip(frame.species, inputs_short)), q

    def adjusted(self, q, total):
        """The networks' charges, made to add up: all shifted alike, or (enforce_totcharge 1) positive and negative ones
        multiplied by two factors such that each kind gives half of what is too much."""
        excess = q.sum() - total
        if not self.enforced:
            return q - excess / len(q)
        positive, negative = q[q > 0].sum(), q[q < 0].sum()
        return np.where(q > 0, q * (1 - excess / 2 / positive), q * (1 - excess / 2 / negative))

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["# Random numbers, made by scripts/make-reference-frames: for checking code only. Units: eV, Å.",
                 f"nnp_type {self.generation}", f"number_of_elements {len(self.elements)}",
                 "elements " + " ".join(self.elements), "cutoff_type 6", "scale_symmetry_functions",
                 "center_symmetry_functions", "scale_min_short 0.0", "scale_max_short 1.0",
                 "global_hidden_layers_short 2", "global_nodes_short 4 3", "global_activation_short t t l"]
        lines += [f"atom_energy {e} {self.offsets[e]!r}" for e in self.elements]
        if self.generation > 2:
            inner, outer = self.screening
            lines += [f"four_pi_epsilon {1 / COULOMB!r}", f"screen_electrostatics {inner} {outer}",
                      "global_hidden_layers_electrostatic 2", "global_nodes_electrostatic 3 3",
                      "global_activation_electrostatic t t l"]
        if self.generation == 3:
            lines += ["use_electrostatics", "electrostatic_type 1", f"enforce_totcharge {int(self.enforced)}"]
        if self.generation == 4:
            lines += [f"fixed_gausswidth {e} {self.widths[e]!r}" for e in self.elements]
        lines += [f.line(e) for e in self.elements for f in reversed(self.functions[e])]
        (folder / "input.nn").write_text("\n".join(lines) + "\n")
        rows = [f"{a + 1} {k + 1} {row[0]!r} {row[1]!r} {row[2]!r} 1.0"
                for a, e in enumerate(self.elements) for k, row in enumerate(self.ranges[e].tolist())]
        (folder / "scaling.data").write_text("\n".join(rows) + "\n")
        for e in self.elements:
            (folder / f"weights.{NUMBERS[e]:03}.data").write_text(self.short[e].text())
            if self.generation > 2:
                (folder / f"weightse.{NUMBERS[e]:03}.data").write_text(self.charge[e].text())
            if self.generation == 4:
                (folder / f"hardness.{NUMBERS[e]:03}.data").write_text(f"{self.hardness[e]!r}\n")

"""Neuroevolution potentials in plain numpy from the published formulas (Fan et al., J. Chem. Phys. 157, 114801 (2022);
Song et al., Nat. Commun. 15, 10208 (2024); with charges: Fan et al., arXiv 2601.19034): complex harmonics from scipy's
Legendre functions, Wigner's symbols by Racah's sum. Slow and simple on purpose; nothing here is shared with the engine."""

import math

import numpy as np
from reference_formulas import COULOMB, point_energy, wave_vectors
from scipy.special import lpmv

K = 14.399645  # GPUMD's e²/4πε₀, eV Å
PRODUCTS = {"222": (2, 2, 2), "1111": None, "112": (1, 1, 2), "123": (1, 2, 3), "233": (2, 3, 3), "134": (1, 3, 4)}
UNIVERSAL = [0.18175, 3.1998, 0.50986, 0.94229, 0.28022, 0.4029, 0.02817, 0.20162]


def wigner(a, b, c, m1, m2, m3):
    f = math.factorial
    size = f(a + b - c) * f(a - b + c) * f(-a + b + c) / f(a + b + c + 1)
    size *= f(a + m1) * f(a - m1) * f(b + m2) * f(b - m2) * f(c + m3) * f(c - m3)
    total = 0
    for t in range(a + b + c + 1):
        places = [t, c - b + t + m1, c - a + t - m2, a + b - c - t, a - t - m1, b - t + m2]
        if min(places) >= 0:
            total += (-1)**t / math.prod(map(f, places))
    return (-1)**(a - b - m3) * math.sqrt(size) * total


def harmonic(l, m, n):
    """Y_lm of unit vectors, orthonormal, with the phase of Condon and Shortley."""
    k = abs(m)
    norm = math.sqrt((2 * l + 1) / (4 * math.pi) * math.factorial(l - k) / math.factorial(l + k))
    y = norm * lpmv(k, l, n[:, 2]) * np.exp(1j * k * np.arctan2(n[:, 1], n[:, 0]))
    return y if m >= 0 else (-1)**k * y.conj()


class Evolved:
    """Random numbers of the size that trained ones have. `cutoffs`: a pair for each element; `products`: names of
    PRODUCTS; `charges`: 0, or mode 1 or 2; `zbl`: whether there is a table of its own."""

    def __init__(self, random, elements, cutoffs, version=4, radial=(4, 6), angular=(3, 5), degree=4,
                 products=("222", "1111"), neurons=6, charges=0, zbl=False, numbers=None):
        self.elements, self.cutoffs, self.version = elements, cutoffs, version
        self.radial, self.angular, self.degree, self.products = radial, angular, degree, products
        self.neurons, self.charges, self.numbers = neurons, charges, numbers
        count = len(elements)
        self.dim = radial[0] + angular[0] * (degree + len(products))

        def draw(size, *shape):
            return np.round(random.normal(size=shape) * size, 8)

        self.c = [draw(s, *shape, count, count) for s, shape in ((0.4, radial), (0.6, angular))]
        self.scaling = np.round(random.uniform(0.5, 1.5, size=self.dim), 8)
        kinds = 1 if version == 3 else count
        self.w0, self.b0 = draw(0.3, kinds, neurons, self.dim), draw(0.5, kinds, neurons)
        self.w1 = draw(0.5, kinds, 2 if charges else 1, neurons)
        self.own = draw(0.5, kinds) if version == 5 else np.zeros(kinds)
        self.bias, self.refraction = float(draw(0.5)), 1.6
        self.zbl = None
        if zbl:
            rows = count * (count + 1) // 2
            self.zbl = np.round(np.array([[1.2, 2.5, *UNIVERSAL]] * rows) * random.uniform(0.9, 1.1, (rows, 10)), 8)

    def site(self, kind, kinds, vectors):
        """Energy and charge of an atom with neighbours of these kinds at these vectors."""
        r = np.linalg.norm(vectors, axis=1)

        def functions(which, shape):
            rc = np.array([(self.cutoffs[kind][which] + self.cutoffs[k][which]) / 2 for k in kinds])
            u = np.minimum(r / rc, 1)
            x = 2 * (u - 1)**2 - 1
            f = [0.25 * (np.cos(k * np.arccos(np.clip(x, -1, 1))) + 1) * (1 + np.cos(np.pi * u))
                 for k in range(shape[1])]
            return np.einsum("nkj,kj->nj", self.c[which][:, :, kind, kinds], np.array(f)), rc

        g, _ = functions(0, self.radial)
        q = list(g.sum(axis=1))
        g, rc = functions(1, self.angular)
        n = vectors / r[:, None]
        a = {(l, m): g @ harmonic(l, m, n) for l in range(1, self.degree + 1) for m in range(-l, l + 1)}
        for l in range(1, self.degree + 1):
            q += list(sum((-1)**m * a[l, m] * a[l, -m] for m in range(-l, l + 1)).real)
        for name in self.products:
            if name == "1111":
                q += list(7 / 15 * np.array(q[self.radial[0]:self.radial[0] + self.angular[0]])**2)
                continue
            l1, l2, l3 = PRODUCTS[name]
            q += list(sum(
                wigner(l1, l2, l3, m, k, -m - k) * a[l1, m] * a[l2, k] * a[l3, -m - k]
                for m in range(-l1, l1 + 1) for k in range(-l2, l2 + 1) if abs(m + k) <= l3).real)
        net = 0 if self.version == 3 else kind
        t = np.tanh(self.w0[net] @ (self.scaling * np.array(q)) - self.b0[net])
        outputs = self.w1[net] @ t
        energy = outputs[0] - self.bias - self.own[net]
        if self.zbl is not None:
            energy += sum(self.repulsion(kind, k, d) for k, d, end in zip(kinds, r, rc) if d < end)
        return energy, outputs[1] if self.charges else 0

    def repulsion(self, i, j, r):
        a, b = min(i, j), max(i, j)
        inner, outer, *form = self.zbl[a * len(self.elements) - a * (a - 1) // 2 + b - a]
        if r >= outer:
            return 0
        zi, zj = self.numbers[i], self.numbers[j]
        x = r * (zi**0.23 + zj**0.23) * 2.134563
        s = 1 if r < inner else 0.5 * (1 + math.cos(math.pi * (r - inner) / (outer - inner)))
        return 0.5 * K * zi * zj / r * s * sum(form[2 * k] * math.exp(-form[2 * k + 1] * x) for k in range(4))

    def sites(self, frame):
        kinds = np.array([self.elements.index(s) for s in frame.species])
        first, second, vectors = frame.pairs(max(c[0] for c in self.cutoffs))
        return np.array([self.site(kinds[i], kinds[second[first == i]], vectors[first == i]) for i in range(len(frame))])

    def charge(self, frame):
        q = self.sites(frame)[:, 1]
        return q - q.mean()

    def energy(self, frame):
        sites = self.sites(frame)
        energy = sites[:, 0].sum()
        if not self.charges:
            return energy
        q = sites[:, 1] - sites[:, 1].mean()
        if self.charges == 1:
            return energy + K / COULOMB * point_energy(frame, q)
        alpha = math.pi / self.cutoffs[0][0]
        k, k2 = wave_vectors(frame, 12.4 * alpha)
        structure = np.exp(1j * k @ frame.positions.T) @ q
        return energy + K * 2 * math.pi / frame.volume * (
            np.exp(-k2 / (4 * alpha**2)) / k2 * np.abs(structure)**2).sum()

    def write(self, path):
        count = len(self.elements)
        tag = f"nep{self.version}" + ("_zbl" if self.zbl is not None else "") + (
            f"_charge{self.charges}" if self.charges else "")
        flags = [name in self.products for name in PRODUCTS]
        cutoffs = self.cutoffs[:1] if all(c == self.cutoffs[0] for c in self.cutoffs) else self.cutoffs
        lines = [f"{tag} {count} {' '.join(self.elements)} "]
        if self.zbl is not None:
            lines.append("zbl 0 0")
        lines += [
            "cutoff " + " ".join(f"{x:g}" for pair in cutoffs for x in pair) + " 100 50",
            f"n_max {self.radial[0] - 1} {self.angular[0] - 1}", f"basis_size {self.radial[1] - 1} {self.angular[1] - 1}",
            f"l_max {self.degree} {2 * flags[0]} " + " ".join(str(int(flag)) for flag in flags[1:]),
            f"ANN {self.neurons} 0"]
        numbers = []
        for kind in range(len(self.w0)):
            numbers += [*self.w0[kind].ravel(), *self.b0[kind], *self.w1[kind].ravel()]
            numbers += [self.own[kind]] if self.version == 5 else []
        numbers += [self.refraction] if self.charges else []
        numbers += [self.bias, *self.c[0].ravel(), *self.c[1].ravel(), *self.scaling]
        numbers += [] if self.zbl is None else list(self.zbl.ravel())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n" + "".join(f"{x:16.8e}\n" for x in numbers))

"""Atomic cluster expansions in plain numpy from the published formulas (Drautz, Phys. Rev. B 99, 014104 (2019); Lysogorskiy
et al., npj Comput. Mater. 7, 97 (2021); grades: Phys. Rev. Mater. 7, 043801 (2023); GRACE-FS: Bochkarev et al., Phys. Rev. X 14,
021036 (2024)): all orders m of a product are summed, complex harmonics, Clebsch-Gordan coefficients by Racah's sum. Slow and
simple on purpose; nothing here is shared with the engine. `scripts/train-example-ace` uses it too."""

import io
import itertools
import math

import numpy as np
from numpy.polynomial import chebyshev, legendre

# Harmonics and couplings ---------------------------------------------------------------------------------------------


def harmonics(degree, n):
    """√4π Y_lm of unit vectors and their slopes with respect to n, by (l, m): Y_lm = c_lm (x + iy)^m dᵐP_l(z)/dzᵐ for m ≥ 0."""
    plane, z = n[:, 0] + 1j * n[:, 1], n[:, 2]
    found = {}
    for l in range(degree + 1):
        for m in range(l + 1):
            series = legendre.legder([0] * l + [1], m)
            c = (-1)**m * math.sqrt((2 * l + 1) * math.factorial(l - m) / math.factorial(l + m))
            value, up = legendre.legval(z, series), legendre.legval(z, legendre.legder(series))
            turn = c * m * plane**max(m - 1, 0) * value
            y, slope = c * plane**m * value, np.stack([turn, 1j * turn, c * plane**m * up], axis=-1)
            found[l, m] = y, slope
            found[l, -m] = (-1)**m * y.conj(), (-1)**m * slope.conj()
    return found


def clebsch_gordan(a, m1, b, m2, c, m3):
    """⟨a m₁ b m₂ | c m₃⟩."""
    if m1 + m2 != m3 or not abs(a - b) <= c <= a + b or abs(m3) > c:
        return 0.0
    f = math.factorial
    size = (2 * c + 1) * f(a + b - c) * f(a - b + c) * f(-a + b + c) / f(a + b + c + 1)
    size *= f(a + m1) * f(a - m1) * f(b + m2) * f(b - m2) * f(c + m3) * f(c - m3)
    total = 0
    for t in range(a + b + c + 1):
        places = [t, a + b - c - t, a - m1 - t, b + m2 - t, c - b + m1 + t, c - a - m2 + t]
        if min(places) >= 0:
            total += (-1)**t / math.prod(map(f, places))
    return math.sqrt(size) * total


def couple(first, second, l):
    """Two lists of (orders, factor) with their l, coupled to l."""
    result = {}
    for (ms, x), (ns, y) in itertools.product(first[1].items(), second[1].items()):
        m1, m2 = sum(ms), sum(ns)
        factor = clebsch_gordan(first[0], m1, second[0], m2, l, m1 + m2)
        if factor:
            result[ms + ns] = result.get(ms + ns, 0) + factor * x * y
    return l, result


def coupling(ls, between):
    """Orders (m_1, …) and factors of the invariant: neighbours in pairs, then what came of them."""
    single = [(l, {(m,): 1.0 for m in range(-l, l + 1)}) for l in ls]
    between = [*between, 0]
    if len(ls) == 1:
        return single[0][1]
    queue = [(2 * k, couple(single[2 * k], single[2 * k + 1], between[k])) for k in range(len(ls) // 2)]
    used = len(queue)
    while len(queue) > 1:
        (place, a), (_, b) = queue[:2]
        queue = [*queue[2:], (place, couple(a, b, between[used]))]
        used += 1
    whole = queue[0][1]
    if len(ls) % 2:
        whole = couple(whole, single[-1], 0)
    return whole[1]


# Radial functions and embedding --------------------------------------------------------------------------------------


def radial_basis(form, count, r, cutoff, width=0.0, parameter=1.0):
    """g_k(r), functions × distances."""
    inside = r < cutoff
    if form == "SBessel":
        def wave(n):
            a, b = n + 1, n + 2
            sinc = np.sinc(a * r / cutoff) + np.sinc(b * r / cutoff)
            return (-1)**n * math.sqrt(2) * math.pi * cutoff**-1.5 * a * b / math.hypot(a, b) * sinc
        g, d = [wave(0)], 1.0
        for n in range(1, count):
            e = n**2 * (n + 2)**2 / (4 * (n + 1)**4 + 1)
            last, d = d, 1 - e / d
            g.append((wave(n) + math.sqrt(e / last) * g[-1]) / math.sqrt(d))
        return np.array(g) * inside
    if form == "ChebPow":
        x = 1 - 2 * (1 - np.minimum(r / cutoff, 1))**parameter
        return np.array([0.5 - 0.5 * chebyshev.chebval(x, [0] * k + [1]) for k in range(1, count + 1)]) * inside
    assert form == "ChebExpCos"
    scale = math.exp(-parameter)
    x = 1 - 2 * (np.exp(-parameter * r / cutoff) - scale) / (1 - scale)
    g = [np.ones_like(r)] + [0.5 - 0.5 * chebyshev.chebval(x, [0] * k + [1]) for k in range(1, count)]
    fade = 0.5 * (1 + np.cos(math.pi * r / cutoff))
    outer = np.where(r > cutoff - width, 0.5 * (1 + np.cos(math.pi * (r - cutoff + width) / width)), 1)
    return np.array(g) * fade * outer * inside


def embedded(rho, exponent):
    """F of Finnis and Sinclair, shifted and scaled, and its slope."""
    if exponent == 1:
        return rho, np.ones_like(rho)
    q = 1 / exponent
    a, decay = np.abs(rho), np.exp(-np.abs(rho))
    x, y = q**(q / (1 - q)) * decay, q**(1 / (1 - q)) * decay
    return np.sign(rho) * ((x + a)**exponent - y), y + exponent * (1 - x) * (x + a)**(exponent - 1)


def switch(x, at, width):
    """1 below at − width, 0 from at on."""
    s = np.clip(1 - 2 * (1 + (x - at) / width), -1, 1)
    return 0.5 + 15 / 4 * (s / 4 - s**3 / 6 + s**5 / 20)


# Potentials ----------------------------------------------------------------------------------------------------------

COUPLINGS = [((0, 0), ()), ((1, 1), ()), ((2, 2), ()), ((3, 3), ()), ((0, 1, 1), (1,)), ((1, 1, 2), (2,)), ((2, 2, 2), (2,)),
             ((2, 1, 3), (3,)), ((1, 1, 1, 1), (0, 0)), ((1, 1, 2, 2), (1, 1))]


class Clusters:
    """E of an atom = Σ_p w_p F_p(ρ_p) q(ρ_core) + ρ_core; ρ_p = Σ_v c_vp B_v. Random numbers, rounded so that files hold them.

    `forms`: radial form of pairs (a, b), a ≤ b, in turn. Functions of an element: (neighbours, n, l, between, c)."""

    def __init__(self, random, elements, forms=("SBessel",), radial=(4, 3), degree=3, rank=4, weights=(1, 0.7),
                 exponents=(1, 0.5), core=False, cutoff=4.2):
        self.elements, self.radial, self.degree = sorted(elements), radial, degree
        self.weights, self.exponents, self.core = weights, exponents, core
        count = len(self.elements)
        self.bonds = {}
        for turn, (a, b) in enumerate(itertools.combinations_with_replacement(range(count), 2)):
            form = forms[turn % len(forms)]
            self.bonds[a, b] = self.bonds[b, a] = {
                "form": form, "cutoff": round(cutoff - 0.15 * (a + b), 3), "width": 0.3,
                "parameter": {"ChebExpCos": 4.1, "ChebPow": 2.0}.get(form, 0.0), "core": (6.0, 0.8) if core else (0.0, 0.0),
                "c": np.round(random.uniform(-0.6, 0.6, size=(radial[1], degree + 1, radial[0])), 9)}
        self.functions = []
        for _ in range(count):
            own = [((e,), (n,), (0,), ()) for e in range(count) for n in range(1, radial[0] + 1)]
            for ls, between in COUPLINGS:
                if len(ls) <= rank and max(ls) <= degree:
                    for _ in range(2):
                        kinds, ns = (random.integers(k, size=len(ls)) for k in (count, radial[1]))
                        own.append((tuple(map(int, kinds)), tuple(int(n) + 1 for n in ns), ls, between))
            sizes = [0.35**len(f[1]) for f in own]
            self.functions.append([
                (*f, np.round(random.uniform(-s, s, size=len(weights)), 9)) for f, s in zip(own, sizes)])
        self.active = None

    def densities(self, kind, kinds, vectors):
        """A by (neighbours' kind, n, l, m); n = (k, True) for the g_k themselves."""
        r = np.linalg.norm(vectors, axis=1)
        y = harmonics(self.degree, vectors / r[:, None])
        found, core = {}, 0.0
        for e in range(len(self.elements)):
            bond, own = self.bonds[kind, e], kinds == e
            d = r[own]
            g = radial_basis(bond["form"], self.radial[0], d, bond["cutoff"], bond["width"], bond["parameter"])
            for k in range(self.radial[0]):
                found[e, k + 1] = g[k].sum()
            for (l, m), (value, _) in y.items():
                for n in range(self.radial[1]):
                    found[e, n + 1, l, m] = (bond["c"][n, l] @ g * value[own]).sum()
            size, decay = bond["core"]
            near = d < bond["cutoff"]
            core += (size * np.exp(-decay * d**2) / d * 0.5 * (1 + np.cos(math.pi * d / bond["cutoff"])) * near).sum()
        return found, core

    def products(self, kind, kinds, vectors):
        """B of all functions of the atom, and the core's repulsion."""
        a, core = self.densities(kind, kinds, vectors)
        values = []
        for neighbors, ns, ls, between, _ in self.functions[kind]:
            if len(ns) == 1:
                values.append(a[neighbors[0], ns[0]])
                continue
            values.append(sum(
                factor * np.prod([a[e, n, l, m] for e, n, l, m in zip(neighbors, ns, ls, ms)])
                for ms, factor in coupling(ls, between).items()).real)
        return np.array(values), core

    def site(self, *atom):
        b, core = self.products(*atom)
        rho = b @ np.array([f[4] for f in self.functions[atom[0]]])
        energy = sum(w * embedded(x, m)[0] for w, m, x in zip(self.weights, self.exponents, rho))
        return energy * switch(core, 3.0, 3.0) + core if self.core else energy

    def neighbors(self, frame):
        """Of each atom its kind, its neighbours' kinds, and the vectors to them."""
        kinds = np.array([self.elements.index(s) for s in frame.species])
        first, second, vectors = frame.pairs(max(b["cutoff"] for b in self.bonds.values()))
        return [(kinds[i], kinds[second[first == i]], vectors[first == i]) for i in range(len(frame))]

    def energy(self, frame):
        return sum(self.site(*atom) for atom in self.neighbors(frame))

    # Grades

    def order(self, kind):
        """Functions as rows of active sets: rank 1 first, then by rank, neighbours, n, l. No two may be alike in these."""
        own = self.functions[kind]
        keys = [(len(f[1]), f[0], f[1], f[2], len([m for m in coupling(f[2], f[3]) if is_first(m)])) for f in own]
        assert len(set(keys)) == len(keys)
        return sorted(range(len(own)), key=keys.__getitem__)

    def activate(self, random):
        """Inverses of active sets that nobody selected."""
        sizes = [len(own) for own in self.functions]
        self.active = [np.eye(n) + 0.3 * random.normal(size=(n, n)) / math.sqrt(n) for n in sizes]

    def grades(self, frame):
        """γ = max |Bᵀ M|, B without coefficients."""
        return np.array([
            np.abs(self.products(*atom)[0][self.order(atom[0])] @ self.active[atom[0]]).max() for atom in self.neighbors(frame)])

    # Files

    def write_active(self, path):
        np.savez(path, **dict(zip(self.elements, self.active)))
        path.with_suffix(path.suffix + ".npz").rename(path)

    def write_basis(self, path):
        """The B-basis, as pacemaker writes it."""
        blocks = []
        names = range(len(self.elements))
        involved = [(a,) for a in names] + [(a, b) for a in names for b in names if a != b] + [
            (a, *others) for a in names for k in (2, 3)
            for others in itertools.combinations([b for b in names if b != a], k)]
        for block in involved:
            lines = [f"  - speciesblock: {' '.join(self.elements[e] for e in block)}"]
            if len(block) == 1:
                parameters = [x for pair in zip(self.weights, self.exponents) for x in pair]
                lines += [f"ndensityi: {len(self.weights)}", "npoti: FinnisSinclairShiftedScaled", f"parameters: {parameters}",
                          *([] if not self.core else ["rho_core_cut: 3", "drho_core_cut: 3"])]
            if len(block) == 1 or (len(block) == 2 and block[0] < block[1]):
                bond = self.bonds[block[0], block[-1]]
                lines += [f"nradmaxi: {self.radial[1]}", f"lmaxi: {self.degree}", f"rcutij: {bond['cutoff']}",
                          f"dcutij: {bond['width']}", "NameOfCutoffFunctionij: cos", f"nradbaseij: {self.radial[0]}",
                          f"radbase: {bond['form']}", f"radparameters: [{bond['parameter']}]",
                          f"radcoefficients: {bond['c'].tolist()}", f"core-repulsion: {list(bond['core'])}"]
            own = [f for f in self.functions[block[0]] if set(f[0]) - {block[0]} == set(block[1:])]
            if own:
                lines.append("nbody:")
            for neighbors, ns, ls, between, c in own:
                kind = " ".join(self.elements[e] for e in (block[0], *neighbors))
                lint = f"lint: {list(between)}, " if len(ls) > 2 else ""
                lines.append(f"  - {{type: {kind}, nr: {list(ns)}, nl: {list(ls)}, {lint}c: {np.ravel(c).tolist()}}}")
            if len(lines) > 1:
                blocks.append("\n    ".join(lines))
        path.write_text("global:\n  DeltaSplineBins: 0.001\nspecies:\n" + "\n".join(blocks) + "\n")

    def write_products(self, path):
        """The C-tilde basis, `.yace`: coefficients times couplings, half of the orders with a factor 2."""
        out = io.StringIO()
        print(f"elements: {self.elements}\nE0: {[0.0] * len(self.elements)}\ndeltaSplineBins: 0.001\nembeddings:", file=out)
        parameters = [x for pair in zip(self.weights, self.exponents) for x in pair]
        for e in range(len(self.elements)):
            print(f"  {e}: {{ndensity: {len(self.weights)}, FS_parameters: {parameters}, npoti: FinnisSinclairShiftedScaled, "
                  f"rho_core_cutoff: {3 if self.core else 100000}, drho_core_cutoff: {3 if self.core else 250}}}", file=out)
        print("bonds:", file=out)
        for (a, b), bond in sorted(self.bonds.items()):
            print(f"  [{a}, {b}]: {{nradmax: {self.radial[1]}, lmax: {self.degree}, nradbasemax: {self.radial[0]}, "
                  f"radbasename: {bond['form']}, radparameters: [{bond['parameter']}], radcoefficients: {bond['c'].tolist()}, "
                  f"prehc: {bond['core'][0]}, lambdahc: {bond['core'][1]}, rcut: {bond['cutoff']}, dcut: {bond['width']}}}",
                  file=out)
        print("functions:", file=out)
        for e, own in enumerate(self.functions):
            print(f"  {e}:", file=out)
            for neighbors, ns, ls, between, c in own:
                terms = {m: x * (2 if any(m) else 1) for m, x in coupling(ls, between).items() if is_first(m)}
                tilde = [float(x * value) for x in terms.values() for value in c]
                print(f"    - {{mu0: {e}, rank: {len(ns)}, ndensity: {len(c)}, num_ms_combs: {len(terms)}, "
                      f"mus: {list(neighbors)}, ns: {list(ns)}, ls: {list(ls)}, "
                      f"ms_combs: {[m for ms in terms for m in ms]}, ctildes: {tilde}}}", file=out)
        path.write_text(out.getvalue())


def is_first(ms):
    """Of two terms that are each other's conjugate, the one that files hold."""
    return next((m > 0 for m in ms if m), True)


class Graph:
    """GRACE-FS: A_nlm = ν Σ_j Z[kind of j][n] R_nl(r_j) y_lm(r̂_j) with real harmonics y, functions of one n."""

    def __init__(self, random, elements, radial=(4, 3), degree=3, cutoff=4.2):
        self.elements, self.radial, self.degree, self.cutoff = elements, radial, degree, cutoff
        self.norm, self.scale, self.shift = 0.7, 1.4, 0.3
        self.offsets = np.round(random.normal(size=len(elements)), 9)
        self.z = np.round(random.uniform(-1, 1, size=(len(elements), radial[1])), 9)
        self.c = np.round(random.uniform(-0.6, 0.6, size=(radial[1], degree + 1, radial[0])), 9)
        self.weights, self.exponents = (1, 0.8), (1, 0.5)
        # Invariants of real harmonics from their own squares, and n·(n × n)-free products of three by quadrature.
        self.tensors = {(0,): {(0,): 1.0}, **{(l, l): {(m, m): (2 * l + 1)**-0.5 for m in range(-l, l + 1)}
                                              for l in range(degree + 1)}}
        for ls in ((1, 1, 2), (2, 2, 2), (1, 2, 3)):
            self.tensors[ls] = gaunt(ls)
        self.coefficients = [
            {(n, ls): np.round(random.uniform(-1, 1, size=2) * 0.3**len(ls), 9)
             for n in range(1, radial[1] + 1) for ls in self.tensors} for _ in elements]

    def energy(self, frame):
        kinds = np.array([self.elements.index(s) for s in frame.species])
        first, second, vectors = frame.pairs(self.cutoff)
        r = np.linalg.norm(vectors, axis=1)
        y = real_harmonics(self.degree, vectors / r[:, None])
        radial = np.einsum("nlk,kj->nlj", self.c, radial_basis("SBessel", self.radial[0], r, self.cutoff))
        total = 0.0
        for i, kind in enumerate(kinds):
            own = first == i
            a = {(n + 1, l, m): self.norm * (self.z[kinds[second[own]], n] * radial[n, l, own] * value[own]).sum()
                 for n in range(self.radial[1]) for (l, m), value in y.items()}
            rho = sum(c * sum(x * math.prod(a[n, l, m] for l, m in zip(ls, ms)) for ms, x in self.tensors[ls].items())
                      for (n, ls), c in self.coefficients[kind].items())
            energy = sum(w * embedded(x, m)[0] for w, m, x in zip(self.weights, self.exponents, rho))
            total += self.scale * energy + self.shift + self.offsets[kind]
        return total

    def write(self, path):
        parameters = [x for pair in zip(self.weights, self.exponents) for x in pair]
        out = io.StringIO()
        print(f"elements: {self.elements}\nnnorm: {self.norm}\n"
              f"emb_spec: {{type: FinnisSinclairShiftedScaled, params: {parameters}}}\n"
              f"radial_basis: {{radbasename: SBessel, cutoff: {self.cutoff}, nradmax: {self.radial[1]}, "
              f"n_rad_base: {self.radial[0]}, crad: {self.c.ravel().tolist()}, crad_shape: {list(self.c.shape)}, "
              f"Z: {self.z.ravel().tolist()}, Z_shape: {list(self.z.shape)}}}\nfunctions:", file=out)
        for kind, own in enumerate(self.coefficients):
            print(f"  {kind}:", file=out)
            for (n, ls), c in own.items():
                terms = self.tensors[ls]
                print(f"    - {{mu0: {kind}, rank: {len(ls)}, ns: {n}, ls: {list(ls)}, "
                      f"ms_combs: {[m for ms in terms for m in ms]}, gen_cgs: {[float(x) for x in terms.values()]}, "
                      f"ndensity: {len(c)}, coeff: {c.tolist()}}}", file=out)
        print(f"scale: {self.scale}\nshift: {self.shift}\nE0: {self.offsets.tolist()}", file=out)
        path.write_text(out.getvalue())


def real_harmonics(degree, n):
    """√2 (−1)^m Re and Im of the complex ones, m > 0 and m < 0."""
    complex_ones = harmonics(degree, n)
    found = {}
    for (l, m), (value, _) in complex_ones.items():
        k = abs(m)
        y = complex_ones[l, k][0]
        found[l, m] = y.real if m == 0 else math.sqrt(2) * (-1)**k * (y.real if m > 0 else y.imag)
    return found


def gaunt(ls):
    """∫ y y y dΩ/4π of real harmonics, an invariant of three: Gauss's rule in z, equal steps around."""
    z, w = legendre.leggauss(12)
    angles = np.arange(24) * (2 * math.pi / 24)
    plane = np.sqrt(1 - z**2)
    points = np.array([(p * math.cos(a), p * math.sin(a), h) for p, h in zip(plane, z) for a in angles])
    weights = np.repeat(w / 2 / 24, 24)
    y = real_harmonics(max(ls), points)
    found = {}
    for ms in itertools.product(*(range(-l, l + 1) for l in ls)):
        value = float((weights * np.prod([y[l, m] for l, m in zip(ls, ms)], axis=0)).sum())
        if abs(value) > 1e-12:
            found[ms] = value
    return found

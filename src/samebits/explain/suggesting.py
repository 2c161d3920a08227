"""Which controls to try first: what the kind of the divergence suggests. The order costs trials, never the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samebits import controls
from samebits.model import Kind

_SEEDS = ["torch-seed", "tf-seed", "numpy-seed", "python-seed", "numpy-generator"]
_OPERATORS = ["torch-deterministic", "tf-determinism", "fill-uninitialized", "threads"]

HINTS: dict[str, list[str]] = {
    "start": [*_SEEDS, "clock", "entropy", "hash-seed"],
    "rng": [*_SEEDS, "dataloader-seed", "clock"],
    "batch": ["serial-threads", "tf-data-order", "python-seed", "numpy-seed", "hash-seed", "torch-seed", "tf-seed",
              "numpy-generator", "dataloader-seed", "dataloader-workers", "listing-order", "aslr"],
    "forward": [*_OPERATORS, *_SEEDS, "hash-seed"],
    "gradient": [*_OPERATORS, "python-seed", "numpy-seed"],
    "update": ["clock", *_OPERATORS],
    "structure": ["clock", "serial-threads", "hash-seed", "python-seed", "numpy-seed", "listing-order"],
    "end": ["python-seed", "numpy-seed", "clock", "hash-seed", "entropy", "torch-seed", "numpy-generator"],
}  # fmt: skip
OVERRULED = "its seed wins"  # in the words of a seeding control that the program's own seeding overrules


def hinted(kind: Kind, effective: Sequence[str], effect: Mapping[str, tuple[bool | None, str]]) -> list[str]:
    """The controls that this kind suggests, likeliest first; those that the program overrules come last."""
    names = [name for name in HINTS[kind] if name in effective]
    return sorted(names, key=lambda name: OVERRULED in effect.get(name, (None, ""))[1])


def by_specificity(names: Sequence[str]) -> list[str]:
    """What changes least of the program first."""
    return sorted(names, key=controls.specificity)


def most_specific(sets: Sequence[list[str]]) -> list[str]:
    """Of several sets of equal size, the one whose members come first in the written order."""
    return min(sets, key=lambda names: sorted(map(controls.specificity, names)), default=[])

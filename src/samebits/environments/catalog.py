"""The environments that samebits can build, and their lock files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

LOCKS = Path(__file__).resolve().parent / "locks"


class Recipe(NamedTuple):
    """An environment: what it is for, the releases of Python it takes (the preferred one first), and its files.

    `locks`: requirements with hashes, in the order of installation. `ranges`: requirements without.
    """

    name: str
    about: str
    releases: tuple[str, ...]
    locks: tuple[str, ...]
    ranges: tuple[str, ...] = ()

    def digest(self) -> str:
        """One hash over all its files: an environment built from others is out of date."""
        files = [LOCKS / name for name in (*self.locks, *self.ranges)]
        return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


OLD = ("3.6",)
TODAY = ("3.11", "3.12", "3.13")
OLD_PIP = "pip-3.6.txt"
TORCH = "torch-range.txt"

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("keras-tf1.14", "Keras 2.3.1 on TensorFlow 1.14.0", OLD, (OLD_PIP, "keras-tf1.14.txt")),
        Recipe("keras-tf2.1", "Keras 2.3.1 on TensorFlow 2.1.0, for CPUs", OLD, (OLD_PIP, "keras-tf2.1.txt")),
        Recipe("pytorch-1.3", "PyTorch 1.3.0", OLD, (OLD_PIP, "pytorch-1.3.txt")),
        Recipe("pytorch", "PyTorch of today", TODAY, ("pytorch.txt",), (TORCH,)),
        Recipe("keras3-tensorflow", "Keras 3 on TensorFlow, for CPUs", TODAY, ("keras3-tensorflow.txt",)),
        Recipe("keras3-torch", "Keras 3 on PyTorch (set KERAS_BACKEND=torch)", TODAY, ("keras3-torch.txt",), (TORCH,)),
        Recipe("keras3-jax", "Keras 3 on JAX (set KERAS_BACKEND=jax)", TODAY, ("keras3-jax.txt",)),
    )
}

"""The environments that samebits can build, and where their lock files lie."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

LOCKS = Path(__file__).resolve().parent / "locks"


class Recipe(NamedTuple):
    """An environment: which Python, which lock files in which order, and what it is for.

    `pip`: the requirement that pip itself must meet there.
    """

    name: str
    python: tuple[str, ...]
    locks: tuple[str, ...]
    about: str
    pip: str = "pip>=24"


OLD_PIP = "pip<22"  # the last that runs on Python 3.6 is 21.3.1
TODAY = ("3.11", "3.12", "3.13")

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("keras-tf1.14", ("3.6",), ("keras-tf1.14.txt",), "Keras 2.3.1 on TensorFlow 1.14.0", OLD_PIP),
        Recipe("keras-tf2.1", ("3.6",), ("keras-tf2.1.txt",), "Keras 2.3.1 on TensorFlow 2.1.0 (CPU)", OLD_PIP),
        Recipe("pytorch-1.3", ("3.6",), ("pytorch-1.3.txt",), "PyTorch 1.3.0", OLD_PIP),
    )
}

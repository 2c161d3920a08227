"""Lists the names that options and arguments take, for `samebits list` and for shells that complete them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["KINDS", "NAMES", "NameEntry", "NameKind"]


class NameEntry(NamedTuple):
    """A name, and what it stands for in one line."""

    name: str
    about: str


class NameKind(NamedTuple):
    """Names of one kind. `used`: where people type them. `find`: returns all of them, in the order of the table."""

    used: str
    find: Callable[[], list[NameEntry]]


_PRESETS = {
    "none": "nothing is held; the program runs as it is",
    "strict": "all controls that make runs repeat, if they apply",
    "code1": "the paper's settings for TensorFlow 1.14",
    "code2": "the paper's settings for TensorFlow 2.1",
    "code3": "the paper's settings for PyTorch",
}


def _controls() -> list[NameEntry]:
    from samebits import controls  # imported here and below, because the help does not need it

    return [NameEntry(control.id, control.does()) for control in controls.table()]


def _presets() -> list[NameEntry]:
    from samebits import controls

    return [NameEntry(name, ": ".join([_PRESETS[name], *([", ".join(ids)] if ids else [])]))
            for name, ids in controls.presets().items()]  # fmt: skip


def _factors() -> list[NameEntry]:
    from samebits.vary import factors

    groups = [NameEntry(name, f"all of {', '.join(ids)}") for name, ids in factors.TOGETHER.items()]
    return [*(NameEntry(name, factors.find(name).does()) for name in factors.TABLE), *groups]


def _environments() -> list[NameEntry]:
    from samebits.environments.catalog import RECIPES

    return [NameEntry(recipe.name, recipe.about) for recipe in RECIPES.values()]


def _datasets() -> list[NameEntry]:
    from samebits.datasets.sources import DATASETS

    return [NameEntry(name, ", ".join(file.name for file in found.files)) for name, found in DATASETS.items()]


KINDS: dict[str, NameKind] = {
    "controls": NameKind("--control", _controls),
    "presets": NameKind("--preset", _presets),
    "factors": NameKind("samebits vary --factor", _factors),
    "environments": NameKind("--env, samebits env create", _environments),
    "datasets": NameKind("samebits data get", _datasets),
}

# the name of an option or argument -> the names that it takes
NAMES: dict[str, Callable[[], list[NameEntry]]] = {
    "controls": _controls,
    "preset": _presets,
    "factors": _factors,
    "environment": _environments,
    "env_a": _environments,
    "env_b": _environments,
    "dataset": _datasets,
    "kind": lambda: [NameEntry(name, kind.used) for name, kind in KINDS.items()],
}

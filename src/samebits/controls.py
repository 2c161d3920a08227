"""Tells which controls exist, which go together, and what each sets before a process starts.

A control pins one source of variation. One file of `samebits_probe.controls` holds everything about it. Outside the
trial, the launcher, `explain` and `vary` ask this module about controls.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from samebits import words
from samebits.errors import UsageError
from samebits_probe import controls as inner
from samebits_probe.controls import variables
from samebits_probe.controls.control import Control

# The controls of the paper's presets. code1, code2 and code3 are the Codes of Alahmari et al. 2020 (section VII) for
# TensorFlow 1.14, TensorFlow 2.1 and PyTorch. Each Code also sets PYTHONHASHSEED=0.
_OF_THE_PAPER = {
    "code1": [
        "hash-seed", "numpy-seed", "python-seed", "visible-gpu", "channels-first", "tf-seed", "session-threads",
    ],
    "code2": [
        "hash-seed", "numpy-seed", "python-seed", "visible-gpu", "tf-determinism", "channels-first", "tf-seed",
        "session-threads",
    ],
    "code3": [
        "hash-seed", "python-seed", "numpy-seed", "torch-seed", "cuda-seed", "cudnn-deterministic",
        "cudnn-benchmark-off",
    ],
}  # fmt: skip


def presets() -> dict[str, list[str]]:
    """Return each preset with its controls. `strict` has all controls with `is_strict`."""
    strict = [identity for identity in known() if describe(identity).is_strict]
    return {"none": [], "strict": strict, **_OF_THE_PAPER}


def known() -> list[str]:
    """Return all ids, the most specific first. A more specific control changes less of the program."""
    return list(inner.TABLE)


def of_sources() -> list[str]:
    """Return the ids of the controls that pin a source of variation: a cause may be one of these."""
    return [identity for identity in known() if describe(identity).pins]


def describe(identity: str) -> type[Control]:
    """Return the class of a control, which holds everything about it.

    Raises UsageError for an unknown id, or for a value that the control does not take.
    """
    if name_of(identity) not in inner.TABLE:
        raise UsageError(f"There is no control {identity!r}.", words.suggestion(name_of(identity), inner.TABLE))
    try:
        return inner.find(identity)
    except ValueError as why:
        raise UsageError(f"{str(why)[:1].upper()}{str(why)[1:]}.", f"--control {name_of(identity)}") from None


def table() -> list[type[Control]]:
    """Return all controls, in the order of the table."""
    return [describe(identity) for identity in known()]


def of_factors() -> list[str]:
    """Return the ids of the controls that are factors of the machine. Trials report which values are in force."""
    return [identity for identity, entry in inner.TABLE.items() if inner.FACTOR in entry]


def specificity(identity: str) -> int:
    """Return the place of a control in the table. It breaks ties between equally small sets.

    A control with a lower place changes less of the program.
    """
    return known().index(name_of(describe(identity).id))


def resolve(control_ids: Iterable[str], preset: str | None = None) -> list[str]:
    """Return all ids to hold, in the order of the table.

    These are the given ones, those of the preset, and those that they imply or need. Raises UsageError for an unknown
    control or preset. Its advice names similar ones.
    """
    wanted = set(_of_preset(preset))
    for identity in control_ids:
        wanted |= _with_its_own(identity)
    by_name = _one_each(wanted)
    return [by_name[name] for name in known() if name in by_name]


def name_of(identity: str) -> str:
    """Return an id without the value at which it is held: `threads` for `threads=2`."""
    return identity.partition("=")[0]


def _one_each(wanted: Iterable[str]) -> dict[str, str]:
    """Return control -> its id with the value to hold. A named value replaces the control's own.

    Raises UsageError if two values of one control are named.
    """
    by_name: dict[str, str] = {}
    for identity in sorted(wanted):  # an id with a value comes after the plain one
        name = name_of(identity)
        if by_name.get(name, name) != name:
            raise UsageError(
                f"A control has one value: {by_name[name]} and {identity} exclude each other.", "Leave one out."
            )
        by_name[name] = identity
    return by_name


def _of_preset(name: str | None) -> set[str]:
    if name is None:
        return set()
    every = presets()
    if name not in every:
        raise UsageError(f"There is no preset {name!r}.", words.suggestion(name, every))
    return {member for identity in every[name] for member in _with_its_own(identity)}


def _with_its_own(identity: str) -> set[str]:
    control = describe(identity)
    return {identity}.union(*(_with_its_own(other) for other in (*control.implies, *control.needs)))


def hold_addresses(ids: Iterable[str]) -> bool:
    """Return whether these controls give a process the same address layout each time."""
    return any(describe(identity).personality for identity in ids)


def environment(ids: Sequence[str], seed: int, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables to set before a process starts. Values have equal length in every trial.

    `base`: the environment to which they are added (default: that of this process). If a variable holds a list of
    flags, the flags of `base` stay in it.
    """
    base = os.environ if base is None else base
    values: dict[str, str] = {}
    for identity in ids:
        control = inner.find(identity)
        values.update(control.environment(seed))
        for name, joined in control.joined.items():
            values[name] = variables.join(name, values.get(name, base.get(name)), joined)
    return values


_ASK = 0xFFFFFFFF


@contextmanager
def launching(ids: Iterable[str]) -> Iterator[None]:
    """Set the personality that the controls need for every process that starts inside this block.

    The kernel must know the personality before a process starts. It is a property of the calling thread, and children
    inherit it. If the system refuses, the trial starts without it and reports that the control did not take effect.
    """
    flags = 0
    for identity in ids:
        flags |= inner.find(identity).personality
    if not flags or not sys.platform.startswith("linux"):
        yield
        return
    personality = ctypes.CDLL(None).personality
    personality.argtypes = [ctypes.c_ulong]
    before = personality(_ASK)
    personality((before & _ASK) | flags)
    try:
        yield
    finally:
        personality(before & _ASK)

"""Controls, outside the trial: which there are, which go together, and what is set before a process starts.

A control pins one source of variation. What it is lies in one file of `samebits_probe.controls`, which holds both of
its halves; here is what the launcher needs of them.
"""

from __future__ import annotations

import ctypes
import difflib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from samebits.errors import UsageError
from samebits_probe import controls as inner
from samebits_probe.controls import variables

_find: Callable[[str], Any] = inner.find
_join: Callable[[str, str | None, Sequence[str]], str] = variables.join

# Left out of `strict`, each for its reason:
#   clock, entropy, serial-threads   replace what the program sees of the time, of entropy, of its threads
#   dataloader-workers               takes workers away: slower, and a program that repeats with them needs it not
#   tf32-off                         TF32 repeats; it changes the precision, not whether bits repeat
#   session-threads, channels-first, visible-gpu     the paper's, for its own programs
_STRICT = [
    "python-seed", "numpy-seed", "numpy-generator", "torch-seed", "cuda-seed", "tf-seed", "dataloader-seed",
    "hash-seed", "listing-order", "tf-data-order", "fill-uninitialized", "cudnn-benchmark-off", "cudnn-deterministic",
    "torch-deterministic", "tf-determinism", "jax-determinism", "threads", "aslr",
]  # fmt: skip

# The controls of a preset. code1, code2 and code3 are the Codes of Alahmari et al. 2020 (section VII), which set
# PYTHONHASHSEED=0 beside them; code1 is for TensorFlow 1.14, code2 for TensorFlow 2.1, code3 for PyTorch.
PRESETS: dict[str, list[str]] = {
    "none": [],
    "strict": _STRICT,
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


@dataclass(frozen=True)
class Entry:
    """A line of the table of controls.

    `libraries`: those it acts on, none where it acts in every process. `implies`, `needs`: ids that are held with it.
    """

    id: str
    does: str
    libraries: tuple[str, ...]
    implies: tuple[str, ...]
    needs: tuple[str, ...]


def known() -> list[str]:
    """All ids, most specific first: what changes least of the program."""
    return list(inner.TABLE)


def describe(identity: str) -> Entry:
    """The entry of a control. Raises UsageError for an id that is not known."""
    _check(identity)
    control = _find(identity)
    return Entry(identity, control.does(), tuple(control.libraries), tuple(control.implies), tuple(control.needs))


def table() -> list[Entry]:
    """All controls, for the documentation."""
    return [describe(identity) for identity in known()]


def specificity(identity: str) -> int:
    """Place in the order that breaks ties between equally small sets: lower changes less of the program."""
    _check(identity)
    return known().index(name_of(identity))


def resolve(control_ids: Iterable[str], preset: str | None = None) -> list[str]:
    """All ids to hold, in the order of the table: those given, those of the preset, and what these go together with.

    Raises UsageError, with what comes close, for an unknown control or preset.
    """
    wanted = set(_of_preset(preset))
    for identity in control_ids:
        wanted |= _with_its_own(identity)
    found = _one_each(wanted)
    return [found[name] for name in known() if name in found]


def name_of(identity: str) -> str:
    """The control of an id, whatever value it is held at: `threads` of `threads=2`."""
    return identity.partition("=")[0]


def _one_each(wanted: Iterable[str]) -> dict[str, str]:
    """Control -> its id with the value at which it is held. One that is named goes before the control's own.

    Raises UsageError where two are named.
    """
    found: dict[str, str] = {}
    for identity in sorted(wanted):  # those with a value come after the plain one
        name = name_of(identity)
        if found.get(name, name) != name:
            raise UsageError(f"A control is held at one value: {found[name]} and {identity} are two.", "Leave one out.")
        found[name] = identity
    return found


def _of_preset(name: str | None) -> set[str]:
    if name is None:
        return set()
    if name not in PRESETS:
        raise UsageError(f"There is no preset {name!r}.", _close(name, PRESETS))
    return {member for identity in PRESETS[name] for member in _with_its_own(identity)}


def _with_its_own(identity: str) -> set[str]:
    entry = describe(identity)
    return {identity}.union(*(_with_its_own(other) for other in (*entry.implies, *entry.needs)))


def _check(identity: str) -> None:
    if name_of(identity) not in inner.TABLE:
        raise UsageError(f"There is no control {identity!r}.", _close(name_of(identity), inner.TABLE))
    try:
        _find(identity)
    except ValueError as why:
        raise UsageError(f"{str(why)[:1].upper()}{str(why)[1:]}.", f"--control {name_of(identity)}") from None


def _close(name: str, names: Iterable[str]) -> str:
    every = list(names)
    matches = difflib.get_close_matches(name.lower(), every, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(matches)}?" if matches else f"Known: {', '.join(every)}."


def environment(ids: Sequence[str], seed: int, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables to set before a process starts. Values have equal length in every trial.

    `base`: what they are added to (default: the environment of this process); a variable that holds a list of flags
    keeps those that are in it.
    """
    base = os.environ if base is None else base
    found: dict[str, str] = {}
    for identity in ids:
        control = _find(identity)
        found.update(control.environment(seed))
        for name, words in control.joined.items():
            found[name] = _join(name, found.get(name, base.get(name)), words)
    return found


_ASK = 0xFFFFFFFF


@contextmanager
def launching(ids: Iterable[str]) -> Iterator[None]:
    """Start processes inside this block: what the kernel must know of them before they begin is held there.

    The address layout is a property of the calling thread that its children inherit. Where the system refuses, the
    trial starts as it is and says that `aslr` did not take effect.
    """
    layout = next((identity for identity in ids if name_of(identity) == "aslr"), None)
    if layout is None or not sys.platform.startswith("linux"):
        yield
        return
    personality = ctypes.CDLL(None).personality
    personality.argtypes = [ctypes.c_ulong]
    before = personality(_ASK)
    personality((before & _ASK) | _find(layout).personality())
    try:
        yield
    finally:
        personality(before & _ASK)

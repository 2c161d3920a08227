"""Numbers, lists and points as the sentences of a verdict say them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

_RNG_NAMES = {
    "python": "Python's random",
    "numpy": "numpy's global RNG",
    "torch": "torch's CPU RNG",
    "torch-cuda": "torch's CUDA RNG",
    "tensorflow": "TensorFlow's global RNG",
}


def count(number: int, noun: str) -> str:
    """``1 step``, ``1,200 steps``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural(noun)}"


def plural(noun: str) -> str:
    """The plural of the nouns used here."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "ch")) else "s")


def listed(items: Iterable[object]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def trials(ids: Sequence[int]) -> str:
    """``trial 2``, ``trials 1, 2 and 4``."""
    return ("trial " if len(ids) == 1 else "trials ") + listed(ids)


def were(ids: Sequence[int]) -> str:
    """The verb that goes with `trials`."""
    return "was" if len(ids) == 1 else "were"


def command(argv: Sequence[str], limit: int = 80) -> str:
    """Arguments as a shell would take them, shortened."""
    text = shlex.join(argv)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def rng(name: str) -> str:
    """A random number generator by the name that people know."""
    return _RNG_NAMES.get(name, f"the random state {name}")

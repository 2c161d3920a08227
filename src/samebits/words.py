"""The words that all commands share: numbers, plurals, lists, times, names of trials, and text from outside made safe.

Pure functions of plain values.
"""

from __future__ import annotations

import difflib
import shlex
import signal
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

__all__ = [
    "agree",
    "clock",
    "command",
    "count",
    "first_few",
    "ids",
    "listed",
    "moment",
    "one_line",
    "printable",
    "probability",
    "rng",
    "signal_name",
    "size",
    "some_of",
    "span",
    "suggestion",
    "trials",
    "were",
]

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
    is_hissed = noun.endswith(("s", "ch")) and not noun.endswith("epoch")
    return noun + ("es" if is_hissed else "s")


def listed(items: Iterable[object]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def first_few(names: Sequence[str], most: int) -> str:
    """a, b and 3 more."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def trials(ids: Sequence[int]) -> str:
    """``trial 2``, ``trials 1, 2 and 4``."""
    return ("trial " if len(ids) == 1 else "trials ") + listed(ids)


def were(ids: Sequence[int]) -> str:
    """The verb that goes with `trials`."""
    return agree(len(ids), "was", "were")


def agree(number: int, one: str, many: str) -> str:
    """The form of a verb that goes with a number of things: ``differs``, ``differ``."""
    return one if number == 1 else many


def command(argv: Sequence[str], limit: int = 80) -> str:
    """Arguments as a shell would take them, shortened."""
    text = shlex.join(argv)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def rng(name: str) -> str:
    """A random number generator by the name that people know."""
    return _RNG_NAMES.get(name, f"the random state {name}")


def signal_name(number: int) -> str:
    """SIGKILL; signal 77 if the number has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def clock(seconds: float) -> str:
    """0:31, 12:05, 1:02:03."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(text: str) -> str:
    """A moment of a document, to the minute: 2026-11-28 04:41 UTC. A text that is none stays."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{found.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC" if found.tzinfo else text


def span(seconds: float) -> str:
    """0.4 s, 6 s, 3 min, 2 h 5 min."""
    if seconds < 9.5:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def size(number: float) -> str:
    """1.2 MB: so many bytes in the largest unit that fits."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"


def ids(trials: Iterable[int]) -> str:
    """1-3,5."""
    runs: list[list[int]] = []
    for number in sorted(trials):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a},{b}" if b == a + 1 else f"{a}-{b}" for a, b in runs)


def some_of(names: Sequence[str], left_out: Sequence[str]) -> str:
    """Names of which there may be many: a, b; or everything (9); or all but c."""
    if not left_out and len(names) > 3:
        return f"everything ({len(names)})"
    if len(left_out) < len(names) and 0 < len(left_out) <= 3:
        return f"all but {', '.join(left_out)}"
    return ", ".join(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])


def probability(chance: float) -> str:
    """94 %. Never rounded up to certainty."""
    percent = chance * 100
    if percent < 99:
        return f"{percent:.0f} %"
    return f"{min(99.9, int(percent * 10) / 10):.4g} %"


def suggestion(name: str, known: Iterable[str]) -> str:
    """The advice for an unknown name: the known names that are like it, or all of them."""
    every = list(known)
    close = difflib.get_close_matches(name.lower(), every)
    return f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(every)}."


def printable(text: str) -> str:
    """The text with its lines kept; control characters, marks of direction and lone surrogates become escapes."""
    return "".join(c if c == "\n" or _is_shown(c) else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """The same as one line: a name with a newline in it cannot pass for a line of a report."""
    return "".join(c if _is_shown(c) else _escaped(c) for c in text)


def _is_shown(character: str) -> bool:
    return character.isprintable() and not "\ud800" <= character <= "\udfff"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

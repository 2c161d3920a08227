"""Provides the words that all commands share: numbers, plurals, lists, times, names of trials, and safe text.

They are pure functions of plain values. Text from outside is made safe.
"""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone

__all__ = [
    "agree",
    "beginning",
    "clock",
    "command",
    "count",
    "did_you_mean",
    "first_few",
    "ids",
    "listed",
    "moment",
    "one_line",
    "ordinal",
    "printable",
    "probability",
    "rng",
    "signal_name",
    "size",
    "some_of",
    "span",
    "step_place",
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
    "own-python": "a random.Random() of the program",
    "own-numpy": "a generator of NumPy that the program made",
}


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 step``, ``1,200 steps``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural(noun)}"


def ordinal(number: int) -> str:
    """Return ``1st``, ``2nd``, ``13th`` or ``1,202nd``. It counts from 1, and nobody reads it as an index from 0."""
    tens, ones = divmod(number % 100, 10)
    return f"{number:,}" + ("th" if tens == 1 else {1: "st", 2: "nd", 3: "rd"}.get(ones, "th"))


def step_place(place: Mapping[str, int]) -> str:
    """Return ``the 2nd step of the 3rd epoch, after the checkpoint of step 1,200``, or the parts that are known.

    `place`: see `Divergence.within`.
    """
    epoch = f"the {ordinal(place['step'])} step of the {ordinal(place['epoch'])} epoch" if "epoch" in place else ""
    if "evaluation" in place:
        epoch = f"the evaluation after the {ordinal(place['evaluation'])} epoch"
    checkpoint = f"after the checkpoint of step {place['checkpoint']:,}" if "checkpoint" in place else ""
    return ", ".join(filter(None, (epoch, checkpoint)))


def beginning(number: int, noun: str) -> str:
    """Return ``the first step`` or ``the first 1,200 steps``."""
    return f"the first {noun}" if number == 1 else f"the first {count(number, noun)}"


def plural(noun: str) -> str:
    """Return the plural of a noun that is used here."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    is_hissed = noun.endswith(("s", "ch")) and not noun.endswith("epoch")
    return noun + ("es" if is_hissed else "s")


def listed(items: Iterable[object]) -> str:
    """Join items as ``a``, ``a and b``, or ``a, b and c``."""
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def first_few(names: Sequence[str], most: int) -> str:
    """Return the first names, and the number of the others: ``a, b and 3 more``."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def trials(ids: Sequence[int]) -> str:
    """Name trials: ``trial 2``, ``trials 1, 2 and 4``."""
    return ("trial " if len(ids) == 1 else "trials ") + listed(ids)


def were(ids: Sequence[int]) -> str:
    """Return ``was`` or ``were``, whichever goes with `trials`."""
    return agree(len(ids), "was", "were")


def agree(number: int, single: str, many: str) -> str:
    """Return the form of a verb that agrees with a number: ``differs``, ``differ``."""
    return single if number == 1 else many


def command(argv: Sequence[str], limit: int = 80) -> str:
    """Return arguments as a shell takes them, cut to `limit` characters."""
    text = shlex.join(argv)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def rng(name: str) -> str:
    """Return the name by which people know a random number generator."""
    return _RNG_NAMES.get(name, f"the random state {name}")


def signal_name(number: int) -> str:
    """Return SIGKILL and the like, or ``signal 77`` for a number without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def at_step(step: int) -> str:
    """Return ``at step 1,234``, or ``before the first step`` for -1."""
    return "before the first step" if step < 0 else f"at step {step:,}"


def clock(seconds: float) -> str:
    """Return seconds as ``0:31``, ``12:05`` or ``1:02:03``."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(text: str) -> str:
    """Return a moment to the minute: ``2026-11-28 04:41 UTC``. Any other text stays unchanged."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{parsed.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC" if parsed.tzinfo else text


def span(seconds: float) -> str:
    """Return seconds as ``0.4 s``, ``6 s``, ``3 min`` or ``2 h 5 min``."""
    if seconds < 9.5:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def size(number: float) -> str:
    """Return a number of bytes in the largest unit that fits: ``1.2 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"


def ids(trials: Iterable[int]) -> str:
    """Return the numbers of trials as ranges: ``1-3,5``."""
    runs: list[list[int]] = []
    for number in sorted(trials):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a},{b}" if b == a + 1 else f"{a}-{b}" for a, b in runs)


def some_of(names: Sequence[str], left_out: Sequence[str]) -> str:
    """Shorten a list of names: ``a, b``, ``everything``, or ``all but c``."""
    if not left_out and len(names) > 3:
        return "everything"
    if len(left_out) < len(names) and 0 < len(left_out) <= 3:
        return f"all but {', '.join(left_out)}"
    return ", ".join(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])


def probability(chance: float) -> str:
    """Return a probability as ``94 %``. It is never rounded up to certainty."""
    percent = chance * 100
    if percent < 99:
        return f"{percent:.0f} %"
    return f"{min(99.9, int(percent * 10) / 10):.4g} %"


def suggestion(name: str, names: Iterable[str]) -> str:
    """Return the advice for an unknown name: the known names that resemble it, or all of them."""
    every = list(names)
    import difflib  # here, because it is needed only for a wrong name

    close = difflib.get_close_matches(name.lower(), every)
    return did_you_mean(close) or f"Choose from: {', '.join(every)}."


def did_you_mean(names: Iterable[str]) -> str:
    """Return a question that names these; "" if there are none."""
    text = " or ".join(names)
    return f"Did you mean {text}?" if text else ""


def printable(text: str) -> str:
    """Escape control characters, marks of direction and lone surrogates in a text. Its lines are kept."""
    return "".join(c if c == "\n" or _is_shown(c) else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """Escape the same and newlines, so that a name with a newline cannot pass for a line of a report."""
    return "".join(c if _is_shown(c) else _escaped(c) for c in text)


def _is_shown(character: str) -> bool:
    return character.isprintable() and not "\ud800" <= character <= "\udfff"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

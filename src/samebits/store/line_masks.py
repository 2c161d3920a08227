"""Masks the lines of a long text, as `masks` does. Lines of one form are masked only once.

The lines of a log have few forms: "12:00:01 step 7 loss 0.5" and "12:00:02 step 8 loss 0.4" have the same one. The
rules of `masks` look at how many digits a plain number has, and not at which these are. So each plain number of a line
is replaced by the zeros of a script of its own, which are digits, too. Then the rules show which numbers they keep.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

from samebits.store.masks import Run, masked

_MOST_WIDE = 2_000  # characters of a line that has a form
# A plain number is less than 10^9 (`EARLIEST`), and no sign beside it makes it a part of a date, an address or a list.
# A clock reading has the digits that a clock can show.
_AFTER = r"[ ;)\]}<|%\"']|,(?!\d)|[.:](?!\S)|$"
_NUMBER = (
    r"-?\d{1,9}(?:\.\d+(?:e-\d+)?|e-\d+|/\d{1,9})?"
    rf"(?=(?:[num]?s|it|it/s|s/it|min|h|x|[kKMGT]i?B)?(?:{_AFTER}))"
)
_DATE = r"20\d\d[-/](?:0[1-9]|1[0-2])[-/][0-3]\d[ T]"
_CLOCK = rf"(?:{_DATE})?\d{{1,3}}:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?Z?(?={_AFTER})"
_FIELDS = re.compile(rf"(?:(?<=[ =(\[{{<|\"'])|(?<=[A-Za-z\"]:)|^)({_CLOCK}|{_NUMBER})")
_SHAPE = {ord(digit): "0" for digit in "123456789"}
# of a clock reading: those of the century and the month, and the first ones of day, minute and second; any other one
_CLOCK_DIGIT = re.compile(r"(^20(?=\d\d[-/])|(?<=[-/])\d(?=\d)|(?<=[-/]\d)\d(?=[-/])|(?<=:)\d(?=\d))|\d")
_DIGIT = re.compile(r"\d")
_OTHER_DIGITS = re.compile(r"(?![0-9])\d")


class TooMany(ValueError):
    """The error if too many lines have a form of their own."""


def masked_lines(lines: Iterable[str], run: Run, most_forms: int = sys.maxsize) -> list[str]:
    """Return the lines, each masked as by `run.masked`. Raises TooMany if they have more forms than `most_forms`."""
    forms = _Forms(run, most_forms)
    return [forms.masked(line) for line in lines]


class _Forms:
    """The forms of lines that were seen so far."""

    def __init__(self, run: Run, most: int) -> None:
        self._run, self._left = run, most
        self._known: dict[tuple[str, str], _Form | None] = {}

    def masked(self, line: str) -> str:
        """Return a line as `run.masked` does."""
        line = self._run.without_clock_numbers(line)
        parts = _FIELDS.split(line) if len(line) <= _MOST_WIDE else [line]
        # neither a line nor a number has a line feed in it
        key = "\n".join(parts[::2]), "\n".join(parts[1::2]).translate(_SHAPE)
        if key not in self._known:
            self._count()
            self._known[key] = _form(parts)
        form = self._known[key]
        if form is None:
            self._count()
            return self._run.masked(line)
        return form.put(parts)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooMany


class _Form(NamedTuple):
    """A masked line with gaps for the numbers that no rule masks. `taken`: gets these from the parts of the line."""

    text: str
    taken: Callable[[list[str]], Any] | None

    def put(self, parts: list[str]) -> str:
        """Return the masked line with its own numbers."""
        return self.text % self.taken(parts) if self.taken else self.text


def _form(parts: list[str]) -> _Form | None:
    """Return the form of a line; None if each such line must be masked by itself.

    That is so if a clock reading or a part of a number is left: a rule may look at the digits of this line.
    """
    clocks, *zeros = _zeros()
    fields = parts[1::2]
    if len(fields) > len(zeros) or _OTHER_DIGITS.search("".join(parts)):
        return None
    likes = [_like(field, zero, clocks) for field, zero in zip(fields, zeros, strict=False)]
    text = masked("".join(chain.from_iterable(zip_longest(parts[::2], likes, fillvalue=""))))
    left = [number for number, zero in enumerate(zeros[: len(likes)]) if zero in text]
    if clocks in text or any(not _is_whole(text, likes[number], zeros[number]) for number in left):
        return None
    left.sort(key=lambda number: text.index(likes[number]))
    text = text.replace("%", "%%") if left else text
    for number in left:
        text = text.replace(likes[number], "%s")
    return _Form(text, itemgetter(*(2 * number + 1 for number in left)) if left else None)


def _is_whole(text: str, like: str, zero: str) -> bool:
    return text.count(like) == 1 and text.count(zero) == like.count(zero)


def _like(field: str, zero: str, zero_of_clocks: str) -> str:
    """Return a number of the same shape. A clock reading keeps the digits of which a clock does not show all."""
    if ":" not in field:
        return _DIGIT.sub(zero, field)
    return _CLOCK_DIGIT.sub(lambda found: found[1] or zero_of_clocks, field)


@cache
def _zeros() -> tuple[str, ...]:
    """Return the digits zero of all scripts but ours."""
    return tuple(sign for sign in map(chr, range(0x80, 0x20000)) if unicodedata.decimal(sign, -1) == 0)

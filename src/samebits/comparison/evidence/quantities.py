"""Reads the numbers of a text with their units, so that two texts can be compared number by number."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

_SECONDS = {
    **dict.fromkeys(("ns", "nsec"), 1e-9),
    **dict.fromkeys(("us", "usec", "µs", "μs"), 1e-6),
    **dict.fromkeys(("ms", "msec"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
_SCALES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_NUMBER = (
    r"(?:\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+,\d+(?![\d.,])|\d+(?:\.\d*)?"
    r"|(?<![^\s=:,;(\[+-])\.\d+)(?:[eE][-+]?\d+)?"
)
_UNIT = "|".join(sorted(_SECONDS, key=len, reverse=True))
_QUANTITY = re.compile(
    # 1:02:03 and 2:03, after a number of days
    r"(?P<clock>(?<![\d.:])(?:\d+ days?, )?(?:\d+:)?\d{1,2}:[0-5]\d(?:[.,]\d+)?(?![\d:]))"
    # 1h 2min 3s
    rf"|(?P<sum>(?<![\w.])(?:{_NUMBER} ?(?:{_UNIT})(?![A-Za-z/])[ ,]*){{2,}})"
    # 12.3 it/s
    rf"|(?P<rate>(?<![\w.]){_NUMBER}) ?(?P<scale>[kKMGT]?) ?(?P<thing>[A-Za-z]*) ?(?:/|per) ?(?:s|sec|second)\b"
    # 0.3 s/it, 12 ms
    rf"|(?P<each>(?<![\w.]){_NUMBER}) ?(?P<unit>{_UNIT})(?: ?/ ?(?P<of>[A-Za-z]+))?(?![\w/])"
    rf"|(?P<number>(?:(?<!\w)[-+])?(?<!\d)(?<!\d\.){_NUMBER}|\bnan\b|\binf\b)"
)
_PADDING = re.compile(r"(?<=[(\[{|=:]) (?=[#@])")  # a longer number has less of it
_PART = re.compile(rf"({_NUMBER}) ?({_UNIT})")


class Quantity(NamedTuple):
    """A number in a text. `value`: in seconds (for a rate: seconds for each thing) if it has a unit of time.

    `is_stored`: a file or the memory holds the number itself. Then it has no more digits than it needs.
    """

    text: str
    value: float
    resolution: float = 0.0  # what the last digit is worth
    is_clock: bool = False
    has_unit: bool = False
    is_stored: bool = False


class Shape(NamedTuple):
    """A text without its numbers, and these numbers in order."""

    words: str
    quantities: list[Quantity]


def stored(number: float) -> Quantity:
    """Return a number that a file or the memory holds."""
    text = repr(number)
    return Quantity(text, float(number), _resolution(text.removesuffix(".0")), is_stored=True)


def shape_of(text: str) -> Shape:
    """Return the shape of a text."""
    quantities: list[Quantity] = []

    def put(match: re.Match[str]) -> str:
        mark, quantity = _quantity(match)
        quantities.append(quantity)
        return mark

    words = re.sub(r"\s+", " ", _QUANTITY.sub(put, text)).strip()
    return Shape(_PADDING.sub("", words), quantities)


def _quantity(match: re.Match[str]) -> tuple[str, Quantity]:
    """Return the mark for a quantity in the words, and the quantity."""
    text = match[0]
    if match["clock"]:
        return "@", Quantity(text, _of_clock(text), 1.0, is_clock=True, has_unit=True)
    if match["sum"]:
        value = sum(_value(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
        return "@ " if text.endswith(" ") else "@", Quantity(text, value, 1.0)
    if match["rate"]:
        rate = _value(match["rate"]) * _SCALES[match["scale"]]
        half = _resolution(match["rate"])
        return f"@/{match['thing']}", Quantity(text, 1 / max(rate, half / 2 or 1e-12), 0.0)
    if match["each"]:
        scale = _SECONDS[match["unit"]]
        thing = f"/{match['of']}" if match["of"] else ""
        value, resolution = _value(match["each"]) * scale, _resolution(match["each"]) * scale
        return f"@{thing}", Quantity(text, value, resolution, has_unit=True)
    return "#", Quantity(text, _value(text), _resolution(text))


def _value(number: str) -> float:
    if "," in number:
        is_decimal = re.fullmatch(r"\d+,\d+", number) and not re.fullmatch(r"\d{1,3}(?:,\d{3})+", number)
        number = number.replace(",", "." if is_decimal else "")
    try:
        return float(number)
    except ValueError:
        return math.nan


def _resolution(number: str) -> float:
    """Return what the last digit of a number is worth."""
    digits, _, exponent = number.lower().partition("e")
    after = len(digits) - 1 - max(digits.rfind("."), digits.rfind(",")) if re.search(r"[.,]", digits) else 0
    return float(f"1e{int(exponent[:6] or 0) - after}")  # infinite for the 1e5436 in a random name


def _of_clock(text: str) -> float:
    days, _, rest = text.rpartition(", ")
    seconds = 0.0
    for part in rest.split(":"):
        seconds = seconds * 60 + float(part.replace(",", "."))
    return seconds + (float(days.split()[0]) * 86400 if days else 0.0)

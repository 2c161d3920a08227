"""Recognises numbers that belong to one run only, by their values: moments of its clocks, process ids, addresses.

The probe records the numbers as they are, and how far each of its clocks went. Two numbers that differ are understood
if each belongs to its own run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from samebits.store.trace import ProcessTrace

Span = tuple[float, float]  # seconds of one clock

_UNITS = (1.0, 1e3, 1e6, 1e9)  # of a second
_SLACK = 1.0  # seconds, by which the program may be older than the probe
_LARGE = 1e9  # smaller numbers are not moments in different units, and smaller integers are counts
_ADDRESSES = range(0x550000000000, 0x800000000000, 8)  # https://docs.kernel.org/arch/x86/x86_64/mm.html


class OwnNumbers(NamedTuple):
    """What distinguishes the numbers of one process. `spans`: the seconds that each of its clocks showed."""

    pids: frozenset[int]
    spans: tuple[Span, ...]

    def kind(self, value: float, *, is_whole: bool) -> str | None:
        """Return what a number is, if it belongs to this process only. `is_whole`: the program holds an integer."""
        if is_whole and value in self.pids:
            return "a process id"
        if is_whole and int(value) in _ADDRESSES:
            return "an address"
        return "a time" if self._is_moment(value, is_whole=is_whole) else None

    def _is_moment(self, value: float, *, is_whole: bool) -> bool:
        if is_whole and value < _LARGE:
            return False
        units = _UNITS if value >= _LARGE else _UNITS[:1]
        return any(begin - _SLACK <= value / unit <= end for begin, end in self.spans for unit in units)


def own_numbers(trace: ProcessTrace, rate: float = 1.0) -> OwnNumbers:
    """Return what a trace shows about the numbers of its process. `rate`: that of the trial's clock."""
    pids = {int(trace.facts[name]) for name in ("pid", "parent") if isinstance(trace.facts.get(name), int)}
    spans = ((begin, begin + (end - begin) * rate) for begin, end in _spans(trace))
    return OwnNumbers(frozenset(pids), tuple(spans))


def _spans(trace: ProcessTrace) -> Iterator[Span]:
    clocks = (trace.end or trace.stopped or {}).get("clocks")
    for span in clocks if isinstance(clocks, list) else ():
        if isinstance(span, list) and len(span) == 2 and all(type(end) in (int, float) for end in span):
            yield float(span[0]), float(span[1])

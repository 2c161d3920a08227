"""Holds the facts of one trial: values that samebits knows exactly, and that differ between any two trials."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from samebits.comparison.evidence.forms import DATES
from samebits.comparison.evidence.quantities import Quantity
from samebits.store.trace import TrialTrace

_SLACK = 2.0  # seconds between an event in a trial and the moment at which samebits notes it
_UNITS = (1.0, 1e3, 1e6, 1e9)  # of a second
_OF_MEMORY = (1, 1 << 10, 1 << 20, 1 << 30, 10**3, 10**6, 10**9)  # bytes, or kilobytes for `getrusage`
_LEAST_DIGITS = 3  # a shorter number may well be that of a result
_DAY = 86400
_EARLIEST = 10**9  # seconds since 1970; no trial ran earlier
_LEAST_PID, _LEAST_PORT = 100, 1024  # a smaller number may be a count
_OF_TEMPFILE = 8  # characters that `tempfile` draws
_SHORTEST_PIECE = 8  # characters of an id that is a part of a noted text
_SHORTEST_BEGINNING = 4  # of the beginning of an id, as in "sgd-ff7f"
_PIECES = re.compile(r"[A-Za-z0-9_-]{6,}")
_PID = re.compile(r"(?<!\d)(?<!\d\.)\d{3,7}(?!\d)")
_EPOCH = re.compile(r"(?<!\d)(?<!\d\.)1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?![\d.]*\d)")


@dataclass(frozen=True)
class TrialFacts:
    """What belongs to one trial only. `own`: texts (folders, the host), each with what stands for it.

    `spans`: when the trial ran, by its own clock (seconds since 1970; nothing for records without it). `rate`: how fast
    that clock was. `uptime`: the same by the monotonic clock. `handed`: ids and texts that the probe noted.
    """

    own: tuple[tuple[str, str], ...] = ()
    span: tuple[float, float] | None = None
    uptime: tuple[float, float] | None = None
    rate: float = 1.0
    pids: frozenset[int] = frozenset()
    ports: frozenset[int] = frozenset()
    handed: frozenset[str] = frozenset()
    amounts: tuple[int, ...] = ()

    @classmethod
    def of(cls, trial: TrialTrace) -> TrialFacts:
        """Return the facts that a record holds of a trial."""
        file, left, rate = trial.file, trial.files, trial.file.clock_rate
        folders = ((folder, "{trial-folder}") for folder in (trial.written_at, file.working_copy) if folder)
        return cls(
            own=(*left.own.items(), *folders),
            span=_scaled(left.span, rate),
            uptime=_scaled(left.uptime, rate),
            rate=rate,
            pids=frozenset(pid for pid in left.pids if pid >= _LEAST_PID),
            ports=frozenset(port for port in file.ports if port >= _LEAST_PORT),
            handed=frozenset(file.handed),
            amounts=tuple(file.amounts),
        )

    def plain(self, text: str) -> str:
        """Return a text with a mark in the place of each fact that cannot be a result."""
        for name, put in self.own:
            text = text.replace(name, put)
        for pattern in DATES if self.span is not None else ():  # first: a noted text may be a part of a date
            text = pattern.sub(lambda date: "<date>" if self._is_date(date) else date[0], text)
        if self.handed:
            text = _PIECES.sub(lambda piece: self._without_ids(piece[0]), text)
        if self.pids:
            text = _PID.sub(lambda number: "<pid>" if int(number[0]) in self.pids else number[0], text)
        if self.span is not None:
            text = _EPOCH.sub(lambda number: "<time>" if self.is_moment(float(number[0])) else number[0], text)
        return text

    def holds(self, number: Quantity) -> bool:
        """Return whether a number is a moment of the trial, one of its process ids or ports, or an amount of memory."""
        value = number.value
        return self.is_moment(value) or value in self.pids or value in self.ports or self._is_amount(number)

    def _is_amount(self, number: Quantity) -> bool:
        """Return whether the system told the trial this amount of memory. A program shows it in larger units."""
        if len(re.sub(r"\D", "", number.text).lstrip("0")) < _LEAST_DIGITS:
            return False
        slack = number.resolution or 1e-9 * number.value
        return any(abs(amount / unit - number.value) <= slack for amount in self.amounts for unit in _OF_MEMORY)

    def is_moment(self, number: float) -> bool:
        """Return whether a number is a moment of the trial, in seconds, milli-, micro- or nanoseconds since 1970."""
        if self.span is None or not _EARLIEST <= number < 1e20:
            return False
        return any(self.span[0] <= number / unit <= self.span[1] for unit in _UNITS)

    def is_time_of_day(self, clock: str) -> bool:
        """Return whether the trial ran at a time of a day (h:mm or h:mm:ss), in the zone of this machine or in UTC."""
        if self.span is None or not re.fullmatch(r"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?", clock):
            return False
        hour, minute, *second = (int(part) for part in re.findall(r"\d+", clock)[:3])
        finest = 1 if second else 60
        begin, end = int(self.span[0]) // finest * finest, int(self.span[1])
        at = hour * 3600 + minute * 60 + sum(second)
        offsets = {0, int(_local_offset(begin).total_seconds())}
        return any((at - begin - offset) % _DAY <= end - begin for offset in offsets)

    def _without_ids(self, piece: str) -> str:
        if piece[-_OF_TEMPFILE:] in self.handed:  # a name of `tempfile` begins with a prefix, and may hold a "_"
            return f"{piece[:-_OF_TEMPFILE]}<id>"
        if piece in self.handed:
            return "<id>"
        parts = re.split(r"([_-])", piece)
        return "".join("<id>" if self._is_id(part) else part for part in parts)

    def _is_id(self, text: str) -> bool:
        is_mixed = len(text) >= _SHORTEST_BEGINNING and not text.isalpha() and not text.isdigit()
        if text in self.handed or (is_mixed and any(longer.startswith(text) for longer in self.handed)):
            return True
        # an id that was drawn letter by letter is a part of a longer text
        return len(text) >= _SHORTEST_PIECE and any(text in longer for longer in self.handed if len(longer) > len(text))

    def _is_date(self, date: re.Match[str]) -> bool:
        """Return whether a date lies in the span of the trial, in the time zone of this machine or in UTC."""
        assert self.span is not None
        parts = date.groupdict()
        return any(
            begin <= moment <= end
            for offset in {timedelta(), _local_offset(self.span[0])}
            for begin, end in [_limits(self.span, offset, parts)]
            for moment in _moments(parts, begin)
        )


def _local_offset(moment: float) -> timedelta:
    return datetime.fromtimestamp(moment).astimezone().utcoffset() or timedelta()


def _scaled(span: list[float], rate: float) -> tuple[float, float] | None:
    if len(span) != 2:
        return None
    begin, end = span
    return begin - _SLACK, begin + (end - begin + _SLACK) * rate


def _limits(span: tuple[float, float], offset: timedelta, date: dict[str, str | None]) -> tuple[datetime, datetime]:
    """Return the span as dates without a zone, as fine as the date is: in days, minutes or seconds."""
    begin, end = (datetime.fromtimestamp(at, timezone.utc).replace(tzinfo=None) + offset for at in span)
    if date.get("H") is None:
        begin = begin.replace(hour=0, minute=0)
    if date.get("S") is None:
        begin = begin.replace(second=0)
    return begin.replace(microsecond=0), end


def _moments(date: dict[str, str | None], begin: datetime) -> list[datetime]:
    """Return the moments that a date can mean: a day may come before its month, and a year may be missing."""
    name = date.get("b")
    month = datetime.strptime(name, "%b").month if name else int(date["m"] or 0)
    year, day = int(date["Y"] or begin.year), int(date["d"] or 0)
    hour, minute, second = (int(date.get(part) or 0) for part in "HMS")
    moments = []
    for one, two in {(month, day), (day, month) if not name else (month, day)}:
        try:
            moments.append(datetime(year, one, two, hour, minute, second))
        except ValueError:
            continue
    return moments
